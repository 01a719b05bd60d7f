//! What else may refuse in a case: the bucket, the token, the project that is charged, perimeters, organization policies.

use super::{Writer, is_open, is_unread, plain, switch, text, text_in};
use crate::documents as kind;
use crate::language::resources::FullName;
use iam_why_contract::Outcome;
use serde_json::{Map, Value, json};

impl Writer<'_> {
    pub(super) fn bucket(&mut self, facts: Option<&Value>) {
        let Some((facts, bucket)) = facts.zip(self.resource.bucket()) else { return };
        let Some(facts) = facts.as_object() else { return self.refuse(kind::BUCKET, &bucket.to_string()) };
        let modelled = ["ubla", "pap", "requester_pays", "ip_filter", "object_acl", "bucket_acl"];
        self.not_modelled.extend(facts.keys().filter(|key| !modelled.contains(&key.as_str())).map(|key| format!("bucket.{key}")));
        let mut text = json!({"name": bucket.path, "iamConfiguration": {}});
        for (fact, pointer) in [
            ("ubla", "/iamConfiguration/uniformBucketLevelAccess/enabled"),
            ("pap", "/iamConfiguration/publicAccessPrevention"),
            ("requester_pays", "/billing/requesterPays"),
            ("ip_filter", "/ipFilter"),
        ] {
            let member = pointer.trim_end_matches("/enabled").rsplit('/').next().unwrap_or_default();
            match facts.get(fact) {
                None => {}
                Some(value) if is_open(value, "mode") => self.hide(kind::BUCKET, &bucket.to_string(), member),
                Some(value) => put(&mut text, pointer, value),
            }
        }
        self.add(kind::BUCKET, &bucket.to_string(), &format!("settings of {}", bucket.path), &text);
        let resource = self.resource.to_string();
        for (name, subject) in [("object_acl", resource), ("bucket_acl", bucket.to_string())] {
            match facts.get(name) {
                Some(list) if is_unread(list) => self.refuse(kind::ACL, &subject),
                Some(list) => self.add(kind::ACL, &subject, &format!("access control list of {subject}"), list),
                None => self.note(kind::ACL, &subject, Outcome::Absent),
            }
        }
    }

    pub(super) fn credential(&mut self, facts: &Map<String, Value>) {
        let subject = self.principal.v1();
        if facts.get("token").is_some_and(Value::is_null) {
            self.refuse(kind::CREDENTIAL_BOUNDARY, &subject);
            self.not_known("token.scopes");
        }
        let Some(token) = facts.get("token").and_then(Value::as_object) else { return };
        self.not_modelled.extend(
            token.keys().filter(|key| !["kind", "cab", "scopes", "scope"].contains(&key.as_str())).map(|key| format!("token.{key}")),
        );
        // An expired token, an API key: what becomes of those is decided before anybody asks IAM.
        let kind = text_in(token, "kind").map(str::to_owned);
        const KINDS: &[&str] =
            &["downscoped", "oauth", "oauth2", "access_token", "scoped", "user", "service_account", "impersonated", "full"];
        let may_be_downscoped = kind.as_deref().is_none_or(|kind| kind == "downscoped");
        self.not_modelled.extend(kind.filter(|kind| !KINDS.contains(&kind.as_str())).map(|kind| format!("token.kind {kind}")));
        if token.get("cab").is_some_and(Value::is_null) && may_be_downscoped {
            self.refuse(kind::CREDENTIAL_BOUNDARY, &subject);
        }
        if let Some(rules) = token.get("cab").filter(|rules| !rules.is_null()) {
            self.add(
                kind::CREDENTIAL_BOUNDARY,
                &subject,
                "credential access boundary",
                &json!({"accessBoundary": {"accessBoundaryRules": rules}}),
            );
        }
        match token.get("scopes").or_else(|| token.get("scope")) {
            Some(scopes) if is_unread(scopes) => self.not_known("token.scopes"),
            Some(Value::Array(scopes)) => self.say_all("token.scopes", scopes),
            Some(Value::String(scopes)) => {
                let scopes: Vec<Value> = scopes.split_whitespace().map(Value::from).collect();
                self.say_all("token.scopes", &scopes);
            }
            _ => {}
        }
    }

    /// The project that the call is charged to, its API, its billing, the header of a proxy.
    pub(super) fn charged(&mut self, facts: &Map<String, Value>) {
        for (fact, key) in [("quota_project", "quota_project"), ("user_project", "user_project")] {
            match facts.get(fact) {
                Some(Value::String(project)) => {
                    self.say(key, project);
                    self.elsewhere(project);
                }
                Some(Value::Null) if fact == "quota_project" => self.not_known(key),
                Some(Value::Null) | None => {}
                Some(_) => self.not_modelled.push(fact.into()),
            }
        }
        self.services(facts.get("services"));
        self.billing(facts.get("billing"));
        match facts.get("org_restriction") {
            None => {}
            Some(value) if is_unread(value) => self.not_known("org_restriction"),
            Some(value) => {
                let list = value.as_array().or_else(|| value.as_object()?.values().find_map(Value::as_array));
                match list {
                    Some(list) => self.say_all("org_restriction", list),
                    None => self.not_modelled.push("org_restriction".into()),
                }
                if let Some(options) = text(value, "options") {
                    self.say("org_restriction.options", options);
                }
            }
        }
    }

    /// A project that the path does not hold lies beside it, right below the root.
    fn elsewhere(&mut self, project: &str) {
        let node = FullName::node(project).or_else(|| FullName::node(&format!("projects/{project}")));
        let facts = self.case.get("context").and_then(|context| context.get("project"));
        let own = |node: &FullName| {
            let id = node.path.trim_start_matches("projects/");
            self.nodes.contains(node) || facts.is_some_and(|facts| [text(facts, "id"), text(facts, "number")].contains(&Some(id)))
        };
        let Some(node) = node.filter(|node| !own(node)) else { return };
        let root = self.nodes.last().filter(|root| !root.is_project()).map(|root| root.path.clone());
        let path: Vec<String> = [node.path.clone()].into_iter().chain(root).collect();
        self.add(kind::ANCESTRY, &node.to_string(), &format!("the path of {}", node.path), &json!({ "ancestors": path }));
    }

    fn services(&mut self, facts: Option<&Value>) {
        let Some(facts) = facts else { return };
        if facts.is_null() {
            return self.refuse(kind::SERVICE_STATE, "*");
        }
        let own = self.project().map(|project| project.path).unwrap_or_default();
        // A list is that of the services that are on.
        let listed = facts.as_array().map(|list| Map::from_iter([("enabled".to_owned(), Value::Array(list.clone()))]));
        let Some(facts) = listed.as_ref().or_else(|| facts.as_object()) else { return self.not_modelled.push("services".into()) };
        let project = text_in(facts, "consumer")
            .or_else(|| text_in(facts, "project"))
            .map_or(own, |name| FullName::node(name).map_or_else(|| name.to_owned(), |node| node.path));
        for (name, value) in facts {
            match (name.as_str(), value) {
                // Which services are on, or in which project, is not known.
                ("consumer" | "project" | "enabled" | "disabled", Value::Null) => self.refuse(kind::SERVICE_STATE, "*"),
                (node, Value::Null) if FullName::node(node).is_some() => {
                    let path = FullName::node(node).map_or_else(String::new, |node| node.path);
                    self.refuse(kind::SERVICE_STATE, &format!("//serviceusage.googleapis.com/{path}/services/*"));
                }
                (service, Value::Null) => self.refuse(kind::SERVICE_STATE, &service_name(&project, service)),
                ("consumer" | "project", _) => {}
                ("disabled", Value::Array(list)) => list.iter().for_each(|service| self.service(&project, &plain(service), "DISABLED")),
                ("enabled", Value::Array(list)) => self.enabled(&project, list),
                (node, Value::Object(_) | Value::Array(_)) if FullName::node(node).is_some() => {
                    let mut inner = value.clone();
                    if let Value::Array(list) = value {
                        inner = json!({ "enabled": list });
                    }
                    if let Some(members) = inner.as_object_mut() {
                        members.insert("project".into(), Value::from(node));
                    }
                    self.services(Some(&inner));
                }
                (service, Value::Bool(on)) => self.service(&project, service, if *on { "ENABLED" } else { "DISABLED" }),
                (service, Value::String(state)) => self.service(&project, service, &state.to_ascii_uppercase()),
                (service, Value::Object(state)) => {
                    let state = state.get("state").map_or_else(String::new, plain).to_ascii_uppercase();
                    self.service(&project, service, &state);
                }
                _ => self.not_modelled.push(format!("services.{name}")),
            }
        }
    }

    /// A list of the services that are on is the whole list.
    fn enabled(&mut self, project: &str, list: &[Value]) {
        let permission = text(self.case, "permission").and_then(crate::language::permissions::Permission::parse);
        for host in permission.iter().flat_map(|permission| permission.apis()) {
            let on = list.iter().any(|service| service.as_str() == Some(host));
            self.service(project, host, if on { "ENABLED" } else { "DISABLED" });
        }
    }

    fn service(&mut self, project: &str, service: &str, state: &str) {
        self.add(
            kind::SERVICE_STATE,
            &service_name(project, service),
            &format!("{service} in {project}"),
            &json!({"name": format!("{project}/services/{service}"), "state": state}),
        );
    }

    fn billing(&mut self, facts: Option<&Value>) {
        let enabled = match facts {
            None => return,
            Some(Value::Null) => return self.refuse(kind::BILLING, "*"),
            Some(Value::Bool(enabled)) => Some(*enabled),
            Some(Value::String(state)) => switch(state),
            Some(value) => {
                let said = ["enabled", "billingEnabled", "billing_enabled"].into_iter().find_map(|name| value.get(name));
                if said.is_some_and(Value::is_null) {
                    return self.refuse(kind::BILLING, "*");
                }
                said.and_then(Value::as_bool)
            }
        };
        match (enabled, self.project()) {
            (Some(enabled), Some(project)) => {
                self.add(kind::BILLING, &project.to_string(), "billing of the project", &json!({ "billingEnabled": enabled }))
            }
            _ => self.not_modelled.push("billing".into()),
        }
    }

    pub(super) fn perimeters(&mut self, facts: Option<&Value>) {
        let Some(facts) = facts else { return };
        let Some(organization) = self.nodes.iter().find(|node| node.path.starts_with("organizations/")).map(ToString::to_string) else {
            return;
        };
        let Some(facts) = facts.as_object() else { return self.refuse(kind::PERIMETERS, &organization) };
        for (name, value) in facts {
            match (name.as_str(), value) {
                ("perimeters", list) if is_unread(list) => self.refuse(kind::PERIMETERS, &organization),
                ("perimeters", list) => self.add(kind::PERIMETERS, &organization, "service perimeters", list),
                ("access_levels" | "levels", list) if is_unread(list) => self.refuse(kind::ACCESS_LEVELS, &organization),
                ("access_levels" | "levels", list) => self.add(kind::ACCESS_LEVELS, &organization, "access levels", list),
                ("source", Value::Null) => self.not_known("source."),
                ("source", source) => self.source(source),
                ("method", Value::Null) => {}
                ("method", method) => self.say("method", &plain(method)),
                _ => self.not_modelled.push(format!("vpcsc.{name}")),
            }
        }
    }

    /// The bindings of the caller's own organization; where the case names none, of the one above the resource.
    pub(super) fn user_access(&mut self, facts: &Map<String, Value>) {
        let own = facts.get("principal").and_then(|principal| text(principal, "organization")).and_then(FullName::node);
        let above = self.nodes.iter().find(|node| node.path.starts_with("organizations/")).cloned();
        let Some((list, organization)) = facts.get("user_access_bindings").zip(own.or(above)) else { return };
        match list {
            Value::Null => self.refuse(kind::USER_ACCESS, &organization.to_string()),
            list => self.add(kind::USER_ACCESS, &organization.to_string(), "user access bindings", list),
        }
        if let Some(client) = facts.get("client").and_then(Value::as_str) {
            self.say("client", client);
        }
    }

    fn source(&mut self, source: &Value) {
        for (name, value) in source.as_object().into_iter().flatten() {
            match (name.as_str(), value) {
                ("access_levels" | "kind" | "ip" | "project" | "network", value) if is_unread(value) => {
                    self.not_known(&format!("source.{name}"));
                }
                ("access_levels", Value::Array(levels)) => self.say_all("source.access_levels", levels),
                ("kind" | "ip" | "project" | "network", value) => self.say(&format!("source.{name}"), &plain(value)),
                _ => self.not_modelled.push(format!("vpcsc.source.{name}")),
            }
        }
    }

    pub(super) fn org_policies(&mut self, facts: Option<&Value>) {
        if facts.is_some_and(Value::is_null) {
            self.refuse(kind::ORG_POLICY, "*");
        }
        for (constraint, policy) in facts.and_then(Value::as_object).into_iter().flatten() {
            let parts = policy.as_array().map_or_else(|| std::slice::from_ref(policy), Vec::as_slice);
            if parts.iter().any(|part| ["enforced", "enforce", "spec", "rules"].into_iter().any(|name| is_open(part, name))) {
                self.unread_constraint(constraint.trim_start_matches("constraints/"));
                continue;
            }
            let policies = policy.as_array().cloned().unwrap_or_else(|| vec![policy.clone()]);
            let name = constraint.trim_start_matches("constraints/");
            for policy in policies {
                let mut policy = spelled_out(policy);
                let node = text(&policy, "attached_to").and_then(FullName::node).or_else(|| self.nodes.first().cloned());
                let (Some(node), Some(members)) = (node, policy.as_object_mut()) else { continue };
                members.remove("attached_to");
                members.insert("name".into(), Value::String(format!("{}/policies/{name}", node.path)));
                self.add(kind::ORG_POLICY, &node.to_string(), &format!("{name} on {}", node.path), &policy);
            }
        }
    }

    /// The policy for one constraint was not read: it may be set on any node of the path.
    fn unread_constraint(&mut self, constraint: &str) {
        let nearest = self.nodes.first().map(ToString::to_string);
        nearest.into_iter().for_each(|node| self.hide(kind::ORG_POLICY, &node, constraint));
    }
}

/// An organization policy in short: `true`, `{enforced}`, or the members of its `spec` without it.
fn spelled_out(policy: Value) -> Value {
    if let Some(enforce) = policy.as_bool() {
        return json!({"spec": {"rules": [{"enforce": enforce}]}});
    }
    if policy.get("spec").is_some() || policy.get("dryRunSpec").is_some() {
        return policy;
    }
    let mut spec = Map::new();
    if let Some(enforce) = policy.get("enforced").or_else(|| policy.get("enforce")) {
        spec.insert("rules".into(), json!([{ "enforce": enforce }]));
    }
    for name in ["rules", "inheritFromParent", "reset"] {
        spec.extend(policy.get(name).map(|value| (name.to_owned(), value.clone())));
    }
    let attached = policy.get("attached_to").map(|node| ("attached_to".to_owned(), node.clone()));
    Value::Object([("spec".to_owned(), Value::Object(spec))].into_iter().chain(attached).collect())
}

fn service_name(project: &str, service: &str) -> String {
    format!("//serviceusage.googleapis.com/{project}/services/{service}")
}

/// Sets what stands at a JSON pointer of names, with the objects above it.
fn put(value: &mut Value, pointer: &str, to: &Value) {
    let place = pointer.split('/').skip(1).fold(value, |value, name| {
        if !value.is_object() {
            *value = json!({});
        }
        &mut value[name]
    });
    *place = to.clone();
}
