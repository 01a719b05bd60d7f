//! Cases in their short form: a world in a few lines, turned into the documents that the cloud would hold, so that a case goes the
//! whole way a snapshot goes.
//!
//! The short form is complete: a policy, a tag, a gate or a fact that it does not mention is absent; `null` is not known, because it
//! could not be read or nobody said. A role or a group that is not listed was not read. One `null` says that something is absent: a
//! `user_project` of `null` is a call that names no project to bill.

use crate::documents as kind;
use crate::language::principals::Principal;
use crate::language::resources::FullName;
use iam_why_contract::case::{CaseError, ExpectedDecision};
use iam_why_contract::{Case, Context, Document, Expected, Outcome, Question, Search, Snapshot};
use serde_json::{Map, Value, json};

/// Reads a case; `None` where the value is not of this form.
pub(crate) fn read(value: &Value) -> Option<Result<Case, CaseError>> {
    let ours = value.get("permission").is_some() && value.get("allow_policies").is_some();
    ours.then(|| Writer::new(value).and_then(Writer::case))
}

/// The facts of a context that this program models.
const FACTS: &[&str] = &[
    "project",
    "principal",
    "request_time",
    "location",
    "tls_version",
    "method",
    "custom_constraints",
    "fields",
    "resource_service",
    "resource_type",
    "resource_name",
    "tags",
    "request",
    "destination",
    "access_levels",
    "api_attributes",
    "bucket",
    "token",
    "quota_project",
    "user_project",
    "services",
    "billing",
    "vpcsc",
    "org_policies",
    "org_restriction",
    "user_access_bindings",
    "client",
    "run",
    "access_policies",
    "bigquery",
    "k8s_rbac",
    "source_ip",
    "permission_deniable",
];

const PRINCIPAL_FACTS: &[&str] = &[
    "type",
    "customer_id",
    "primary_domain",
    "domains",
    "secondary_domains",
    "pool",
    "subject",
    "groups",
    "attributes",
    "uid",
    "project",
    "ancestors",
    "organization",
    "disabled",
];

/// Writes the documents of one case.
struct Writer<'v> {
    case: &'v Value,
    id: String,
    principal: Principal,
    resource: FullName,
    nodes: Vec<FullName>,
    snapshot: Snapshot,
    context: Context,
    not_modelled: Vec<String>,
}

impl<'v> Writer<'v> {
    fn new(case: &'v Value) -> Result<Self, CaseError> {
        let id = text(case, "id").unwrap_or("unnamed").to_owned();
        let wrong = |field: &str, expected: &str| CaseError {
            id: id.clone(),
            field: field.into(),
            found: case.get(field).map_or_else(|| "missing".into(), |value| format!("`{value}`")),
            expected: expected.into(),
        };
        let principal = text(case, "principal")
            .and_then(Principal::parse)
            .ok_or_else(|| wrong("principal", "a member such as `user:ana@example.com`, or `anonymous`"))?;
        let permission = text(case, "permission").and_then(crate::language::permissions::Permission::parse);
        let permission = permission.ok_or_else(|| wrong("permission", "a permission such as `storage.objects.get`"))?;
        let resource = text(case, "resource")
            .and_then(|name| FullName::parse(name, &permission))
            .ok_or_else(|| wrong("resource", "a full resource name"))?;
        let hierarchy = case
            .get("hierarchy")
            .and_then(Value::as_array)
            .ok_or_else(|| wrong("hierarchy", "a list of full resource names, the root first"))?;
        let nodes = hierarchy.iter().rev().filter_map(Value::as_str).filter_map(FullName::node).collect();
        let (snapshot, context, not_modelled) = (Snapshot::default(), Context::complete(), Vec::new());
        Ok(Self { case, id, principal, resource, nodes, snapshot, context, not_modelled })
    }

    fn case(mut self) -> Result<Case, CaseError> {
        let expect = self.expected()?;
        self.tree();
        self.allow_policies();
        self.deny_policies();
        self.boundaries();
        self.roles();
        self.groups();
        let empty = Map::new();
        let facts = self.case.get("context").and_then(Value::as_object).unwrap_or(&empty);
        if self.case.get("context").is_some_and(Value::is_null) {
            self.context = Context::default();
        }
        self.not_modelled.extend(facts.keys().filter(|key| !FACTS.contains(&key.as_str())).cloned());
        self.who(facts.get("principal"));
        self.attributes(facts);
        self.bucket(facts.get("bucket"));
        self.credential(facts);
        self.charged(facts);
        self.perimeters(facts.get("vpcsc"));
        self.org_policies(facts.get("org_policies"));
        self.user_access(facts);
        self.access_policies(facts.get("access_policies"));
        self.cloud_run(facts.get("run"));
        for constraint in facts.get("custom_constraints").and_then(Value::as_array).into_iter().flatten() {
            let name = text(constraint, "name").unwrap_or_default().to_owned();
            self.add(kind::CUSTOM_CONSTRAINT, &name, &format!("custom constraint {name}"), constraint);
        }
        self.other_grants(facts);
        let question = Question {
            provider: "gcp".into(),
            principal: text(self.case, "principal").unwrap_or_default().into(),
            action: text(self.case, "permission").unwrap_or_default().into(),
            resource: text(self.case, "resource").map(str::to_owned),
            context: self.context,
        };
        let why = text(self.case, "why").unwrap_or_default().to_owned();
        Ok(Case { id: self.id, why, question, snapshot: self.snapshot, expect, not_modelled: self.not_modelled })
    }

    fn expected(&self) -> Result<Expected, CaseError> {
        let wrong = |found: String| CaseError {
            id: self.id.clone(),
            field: "expect".into(),
            found,
            expected: "allow, explicit_deny, implicit_deny or unknown".into(),
        };
        let decision = match text(self.case, "expect") {
            Some("allow") => ExpectedDecision::Allow,
            Some("explicit_deny") => ExpectedDecision::ExplicitDeny,
            Some("implicit_deny") => ExpectedDecision::ImplicitDeny,
            Some("unknown") => ExpectedDecision::Unknown,
            other => return Err(wrong(other.map_or_else(|| "missing".into(), |word| format!("`{word}`")))),
        };
        let field = |name: &str| text(self.case, name).map(str::to_owned);
        Ok(Expected { decision, decided_by: field("decided_by"), code: field("code"), at: field("at") })
    }

    fn add(&mut self, kind: &str, subject: &str, title: &str, value: &Value) {
        self.snapshot.add(Document::new(kind, subject, title, value.to_string()));
    }

    fn note(&mut self, kind: &str, subject: &str, outcome: Outcome) {
        self.snapshot.note(Search { kind: kind.into(), subject: subject.into(), outcome });
    }

    fn refuse(&mut self, kind: &str, subject: &str) {
        let row = kind::KINDS.iter().find(|row| row.id == kind);
        let needs = row.map_or_else(String::new, |row| row.permissions.join(", "));
        self.note(kind, subject, Outcome::Refused { needs, said: "the case says that it could not be read".into() });
    }

    /// What of a document was not shown to whoever read it.
    fn hide(&mut self, kind: &str, subject: &str, member: &str) {
        self.refuse(kind, &format!("{subject}#{member}"));
    }

    /// What begins with `key` is not known, where it is not given.
    fn not_known(&mut self, key: &str) {
        self.context.not_known.insert(key.to_owned());
    }

    /// The path of the resource and of its project; the two names of the project.
    fn tree(&mut self) {
        let paths: Vec<String> = self.nodes.iter().map(|node| node.path.clone()).collect();
        // A listing of objects is checked on their bucket: its path is the same.
        let resources = [Some(self.resource.clone()), self.resource.bucket().filter(|bucket| *bucket != self.resource)];
        if !self.nodes.is_empty() {
            for resource in resources.into_iter().flatten() {
                self.add(kind::ANCESTRY, &resource.to_string(), "the path of the resource", &json!({ "ancestors": paths }));
            }
        }
        for (at, node) in self.nodes.clone().iter().enumerate() {
            let above: Vec<&String> = paths.iter().skip(at).collect();
            self.add(kind::ANCESTRY, &node.to_string(), &format!("the path of {}", node.path), &json!({ "ancestors": above }));
        }
        let project = self.case.get("context").and_then(|context| context.get("project"));
        if let Some((id, number)) = project.and_then(|project| Some((text(project, "id")?, text(project, "number")?))) {
            let subject = format!("//cloudresourcemanager.googleapis.com/projects/{id}");
            let mut text = json!({"projectId": id, "name": format!("projects/{number}")});
            let above = self.nodes.iter().position(FullName::is_project).and_then(|at| self.nodes.get(at + 1));
            if let (Some(above), Some(members)) = (above, text.as_object_mut()) {
                members.insert("parent".into(), Value::from(above.path.as_str()));
            }
            self.add(kind::PROJECT, &subject, &format!("project {id}"), &text);
        }
    }

    fn allow_policies(&mut self) {
        if self.case.get("allow_policies").is_some_and(Value::is_null) {
            return self.refuse(kind::ALLOW_POLICY, "*");
        }
        self.note(kind::ALLOW_POLICY, "*", Outcome::Found);
        for (node, policy) in members(self.case, "allow_policies") {
            if policy.is_null() {
                self.refuse(kind::ALLOW_POLICY, node);
            } else {
                self.add(kind::ALLOW_POLICY, node, &format!("allow policy of {node}"), policy);
            }
        }
    }

    fn deny_policies(&mut self) {
        if self.case.get("deny_policies").is_some_and(Value::is_null) {
            return self.refuse(kind::DENY_POLICY, "*");
        }
        self.note(kind::DENY_POLICY, "*", Outcome::Found);
        for (point, policies) in members(self.case, "deny_policies") {
            let subject = FullName::node(point).map_or_else(|| point.clone(), |node| node.to_string());
            match policies.as_array().filter(|policies| !policies.contains(&Value::Null)) {
                None => self.refuse(kind::DENY_POLICY, &subject),
                Some(policies) => {
                    for policy in policies {
                        let title = format!("deny policy {} of {point}", text(policy, "name").unwrap_or_default());
                        self.add(kind::DENY_POLICY, &subject, &title, policy);
                    }
                }
            }
        }
    }

    fn boundaries(&mut self) {
        let Some(pairs) = self.case.get("pab").and_then(Value::as_array) else {
            let unread = self.case.get("pab").is_some();
            return if unread { self.refuse(kind::BOUNDARY_BINDING, "*") } else { self.note(kind::BOUNDARY_BINDING, "*", Outcome::Found) };
        };
        self.note(kind::BOUNDARY_BINDING, "*", Outcome::Found);
        for (at, pair) in pairs.iter().enumerate() {
            let policy = pair.get("policy").unwrap_or(&Value::Null);
            let mut binding = pair.get("binding").cloned().unwrap_or_default();
            let named = text(policy, "name").or_else(|| text(&binding, "policy")).map_or_else(|| format!("boundary-{at}"), str::to_owned);
            if binding.is_null() {
                self.refuse(kind::BOUNDARY_BINDING, "*");
                continue;
            }
            if let Some(members) = binding.as_object_mut() {
                members.insert("policy".into(), Value::String(named.clone()));
            }
            let target = binding.get("target").and_then(|target| text(target, "principalSet")).unwrap_or_default().to_owned();
            self.add(kind::BOUNDARY_BINDING, &target, &format!("boundary binding of {named}"), &binding);
            if policy.is_null() {
                self.refuse(kind::BOUNDARY_POLICY, &named);
            } else {
                self.add(kind::BOUNDARY_POLICY, &named, &format!("boundary policy {named}"), policy);
            }
        }
    }

    fn roles(&mut self) {
        for (name, role) in members(self.case, "roles") {
            if role.is_null() {
                self.refuse(kind::ROLE, name);
                continue;
            }
            let permissions = role.get("permissions").or_else(|| role.get("includedPermissions")).cloned().unwrap_or_else(|| json!([]));
            let mut text = json!({"name": name, "includedPermissions": permissions});
            for field in ["stage", "deleted"] {
                match (role.get(field), text.as_object_mut()) {
                    (Some(Value::Null), _) => self.hide(kind::ROLE, name, field),
                    (Some(value), Some(members)) => drop(members.insert(field.into(), value.clone())),
                    _ => {}
                }
            }
            self.add(kind::ROLE, name, &format!("role {name}"), &text);
        }
    }

    fn groups(&mut self) {
        for (email, listed) in members(self.case, "groups") {
            let Some(listed) = listed.as_array().filter(|listed| !listed.contains(&Value::Null)) else {
                self.refuse(kind::GROUP_MEMBERS, email);
                continue;
            };
            let memberships: Vec<Value> = listed.iter().filter_map(Value::as_str).map(membership).collect();
            self.add(kind::GROUP_MEMBERS, email, &format!("members of {email}"), &json!({ "memberships": memberships }));
        }
    }

    /// What the case says of the caller is all there is to say, but for what it says is not known.
    fn who(&mut self, facts: Option<&Value>) {
        if facts.is_some_and(Value::is_null) {
            return;
        }
        let subject = self.principal.v1();
        let said = facts.and_then(Value::as_object).cloned().unwrap_or_default();
        let is_open = |name: &str| said.get(name).is_some_and(Value::is_null);
        let known: Map<String, Value> = said.clone().into_iter().filter(|(_, value)| !value.is_null()).collect();
        self.not_modelled.extend(known.keys().filter(|key| !PRINCIPAL_FACTS.contains(&key.as_str())).map(|key| format!("principal.{key}")));
        let mut text_of = known.clone();
        let mut domains: Vec<Value> = [known.get("primary_domain")].into_iter().flatten().cloned().collect();
        for name in ["domains", "secondary_domains"] {
            domains.extend(known.get(name).and_then(Value::as_array).into_iter().flatten().cloned());
        }
        if let Principal::User(email) = &self.principal
            && known.contains_key("customer_id")
        {
            domains.extend(email.rsplit('@').next().map(Value::from));
        }
        // The domains are those of the customer: where that is not known, they are what the case says of them.
        let names = ["primary_domain", "domains", "secondary_domains"];
        let open = names.into_iter().any(is_open) || (is_open("customer_id") && !names.into_iter().any(|name| known.contains_key(name)));
        if !open {
            text_of.insert("domains".into(), Value::Array(domains));
        }
        // The organization that an account's customer or a pool belongs to is its home.
        if let Some(organization) = known.get("organization").filter(|organization| organization.is_string()) {
            text_of.entry("ancestors").or_insert(json!([organization]));
        }
        for (name, absent) in [("customer_id", Value::Null), ("groups", json!([])), ("attributes", json!({}))] {
            if !is_open(name) {
                text_of.entry(name).or_insert(absent);
            }
        }
        if let Some(attributes) = text_of.get_mut("attributes").and_then(Value::as_object_mut) {
            let open: Vec<String> = attributes.iter().filter(|(_, value)| value.is_null()).map(|(name, _)| name.clone()).collect();
            attributes.retain(|_, value| !value.is_null());
            open.iter().for_each(|name| self.hide(kind::PRINCIPAL, &subject, &format!("attributes.{name}")));
        }
        self.add(kind::PRINCIPAL, &subject, &format!("facts about {subject}"), &Value::Object(text_of));
        let Some(email) = self.principal.email().map(str::to_owned) else { return };
        if known.get("disabled") == Some(&Value::Bool(true)) {
            self.add(kind::SERVICE_ACCOUNT, &email, &format!("service account {email}"), &json!({"email": email, "disabled": true}));
        } else if is_open("disabled") {
            self.hide(kind::SERVICE_ACCOUNT, &email, "disabled");
        }
    }

    fn attributes(&mut self, facts: &Map<String, Value>) {
        for (fact, key) in
            [("resource_service", "resource.service"), ("resource_type", "resource.type"), ("resource_name", "resource.name")]
        {
            match facts.get(fact).map(Value::as_str) {
                Some(Some(value)) => self.say(key, value),
                // It is what follows from the name of the resource.
                Some(None) => {}
                // C4: a service that supplies types at all supplies this one, said or not.
                None if fact != "resource_name" && crate::language::resources::Supplied::by(&self.resource).is_some() => {}
                None => self.context.entries.extend([(key.to_owned(), None)]),
            }
        }
        for (fact, key) in [
            ("request_time", "request.time"),
            ("source_ip", "source.ip"),
            ("location", "resource.location"),
            ("method", "method"),
            ("tls_version", "tls.version"),
        ] {
            if let Some(value) = facts.get(fact).and_then(Value::as_str) {
                self.say(key, value);
            }
        }
        for (fact, prefix) in [("request", "request"), ("destination", "destination"), ("fields", "fields")] {
            let members = facts.get(fact).and_then(Value::as_object).into_iter().flatten();
            for (name, value) in members.filter(|(_, value)| !value.is_null()) {
                self.say(&format!("{prefix}.{name}"), &plain(value));
            }
        }
        if let Some(levels) = facts.get("access_levels").filter(|levels| !is_unread(levels)).and_then(Value::as_array) {
            self.say_all("request.auth.access_levels", levels);
        }
        if facts.get("api_attributes").is_some_and(Value::is_null) {
            self.not_known("api.");
        }
        for (name, value) in facts.get("api_attributes").and_then(Value::as_object).into_iter().flatten() {
            match value {
                value if is_unread(value) => self.not_known(&format!("api.{name}")),
                Value::Array(values) => self.say_all(&format!("api.{name}"), values),
                other => self.say(&format!("api.{name}"), &plain(other)),
            }
        }
        if let Some(deniable) = facts.get("permission_deniable").and_then(Value::as_bool) {
            self.say("permission_deniable", if deniable { "true" } else { "false" });
        }
        self.tags(facts.get("tags"));
    }

    /// H9: of several values of one key the one attached nearest to the resource is in effect.
    fn tags(&mut self, tags: Option<&Value>) {
        let resource = self.resource.to_string();
        let Some(tags) = tags else { return };
        let Some(tags) = tags.as_array() else { return self.refuse(kind::TAGS, &resource) };
        let hierarchy: Vec<String> = self.case.get("hierarchy").and_then(Value::as_array).into_iter().flatten().map(plain).collect();
        let depth = |tag: &Value| text(tag, "attached_to").and_then(|node| hierarchy.iter().position(|other| other == node));
        let key = |tag: &Value| (text(tag, "tagKey").map(str::to_owned), text(tag, "namespacedTagKey").map(str::to_owned));
        let nearer = |tag: &Value| tags.iter().any(|other| key(other) == key(tag) && depth(other) > depth(tag));
        let effective: Vec<&Value> = tags.iter().filter(|tag| !nearer(tag)).collect();
        self.add(kind::TAGS, &resource, "tags in effect", &json!({ "effectiveTags": effective }));
    }

    fn bucket(&mut self, facts: Option<&Value>) {
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

    fn credential(&mut self, facts: &Map<String, Value>) {
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
    fn charged(&mut self, facts: &Map<String, Value>) {
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

    fn project(&self) -> Option<FullName> {
        self.nodes.iter().find(|node| node.is_project()).cloned()
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

    fn perimeters(&mut self, facts: Option<&Value>) {
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
    fn user_access(&mut self, facts: &Map<String, Value>) {
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

    /// The access policies that are bound to the project; `null` could not be read.
    fn access_policies(&mut self, list: Option<&Value>) {
        let Some((list, project)) = list.zip(self.project()) else { return };
        let Some(policies) = list.as_array() else { return self.refuse(kind::ACCESS_BINDING, &project.to_string()) };
        for (at, policy) in policies.iter().enumerate() {
            let name = text(policy, "name").map_or_else(|| format!("access-policy-{at}"), str::to_owned);
            let binding = json!({"policyKind": "ACCESS", "policy": name, "target": {"resource": project.to_string()}});
            self.add(kind::ACCESS_BINDING, &project.to_string(), &format!("binding of {name}"), &binding);
            if policy.get("details").or_else(|| policy.get("rules")).is_some() {
                self.add(kind::ACCESS_POLICY, &name, &format!("access policy {name}"), policy);
            } else {
                self.refuse(kind::ACCESS_POLICY, &name);
            }
        }
    }

    fn cloud_run(&mut self, facts: Option<&Value>) {
        let service = self.resource.to_string();
        match facts {
            None => {}
            Some(Value::Null) => self.refuse(kind::RUN_SERVICE, &service),
            Some(facts) => self.add(kind::RUN_SERVICE, &service, "the Cloud Run service", facts),
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

    fn org_policies(&mut self, facts: Option<&Value>) {
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

    fn other_grants(&mut self, facts: &Map<String, Value>) {
        self.dataset(facts.get("bigquery"));
        let cluster = self.resource.to_string();
        match facts.get("k8s_rbac") {
            None => self.note(kind::ACCESS_REVIEW, &cluster, Outcome::Absent),
            Some(value) if is_open(value, "allowed") || is_open(value, "rules") => self.refuse(kind::ACCESS_REVIEW, &cluster),
            Some(value) => match self.review(value) {
                Some(allowed) => self.access_review(&cluster, allowed),
                None => self.not_modelled.push("k8s_rbac".into()),
            },
        }
    }

    /// What RBAC says: in a word, or as the rules that bind the caller.
    fn review(&self, value: &Value) -> Option<bool> {
        let said = value.as_bool().or_else(|| value.get("allowed")?.as_bool()).or_else(|| switch(value.as_str()?));
        let rules = || value.as_array().or_else(|| value.get("rules")?.as_array());
        let mut parts = text(self.case, "permission").unwrap_or_default().rsplit('.');
        let (verb, resource) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let names = |rule: &Value, list: &str, wanted: &str| {
            let list = rule.get(list).and_then(Value::as_array);
            list.is_some_and(|list| list.iter().filter_map(Value::as_str).any(|name| name == "*" || name.eq_ignore_ascii_case(wanted)))
        };
        said.or_else(|| Some(rules()?.iter().any(|rule| names(rule, "verbs", verb) && names(rule, "resources", resource))))
    }

    fn access_review(&mut self, cluster: &str, allowed: bool) {
        let permission = text(self.case, "permission").unwrap_or_default();
        let mut parts = permission.rsplit('.');
        let (verb, resource) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let review = json!({
            "spec": {"user": self.principal.email().unwrap_or_default(), "resourceAttributes": {"verb": verb, "resource": resource}},
            "status": {"allowed": allowed},
        });
        self.add(kind::ACCESS_REVIEW, cluster, "access review", &review);
    }

    fn dataset(&mut self, facts: Option<&Value>) {
        let empty = Map::from_iter(["access", "policy_tags"].map(|name| (name.to_owned(), Value::Null)));
        let Some(facts) = facts.and_then(|facts| if facts.is_null() { Some(&empty) } else { facts.as_object() }) else { return };
        let parts: Vec<&str> = self.resource.path.split('/').take(4).collect();
        let subject = FullName::new(&self.resource.service, &parts.join("/")).to_string();
        for (name, value) in facts {
            let list = value.as_array().or_else(|| value.get("access").and_then(Value::as_array));
            let list = list.filter(|list| !list.contains(&Value::Null)).cloned();
            match (name.as_str(), list) {
                ("access" | "dataset_access" | "dataset", Some(list)) => {
                    self.add(kind::DATASET, &subject, "access list of the dataset", &json!({ "access": list }))
                }
                ("access" | "dataset_access" | "dataset", None) if is_unread(value.get("access").unwrap_or(value)) => {
                    self.unread_dataset(&subject);
                }
                ("policy_tags", None) if is_unread(value) => self.refuse(kind::TABLE, &self.resource.to_string()),
                // N53: who is in no row access policy reads zero rows, and is not refused.
                ("row_access_policies", _) => {}
                ("policy_tags", Some(list)) => self.policy_tags(&list),
                _ => self.not_modelled.push(format!("bigquery.{name}")),
            }
        }
    }

    /// The list is the allow policy of the dataset in another shape: it may hold more than what a case gives of that policy.
    fn unread_dataset(&mut self, subject: &str) {
        self.refuse(kind::DATASET, subject);
        self.refuse(kind::ALLOW_POLICY, subject);
    }

    /// The tags of the columns that the request reads, each by its name or as `{tag, column}`.
    fn policy_tags(&mut self, list: &[Value]) {
        let name =
            |entry: &Value| ["tag", "policy_tag", "policyTag", "name"].into_iter().find_map(|name| text(entry, name)).map(str::to_owned);
        let tags = list.iter().filter_map(|entry| entry.as_str().map(str::to_owned).or_else(|| name(entry)));
        let columns: Vec<Value> = list
            .iter()
            .enumerate()
            .map(|(at, entry)| text(entry, "column").map_or_else(|| Value::from(format!("column {at}")), Value::from))
            .collect();
        let fields: Vec<Value> =
            columns.iter().zip(tags).map(|(column, tag)| json!({"name": column, "policyTags": {"names": [tag]}})).collect();
        let table = self.resource.to_string();
        self.add(kind::TABLE, &table, "schema of the table", &json!({"schema": {"fields": fields}}));
        self.say_all("bigquery.columns", &columns);
    }

    fn say(&mut self, key: &str, value: &str) {
        self.context.entries.insert(key.to_owned(), Some(vec![value.to_owned()]));
    }

    fn say_all(&mut self, key: &str, values: &[Value]) {
        self.context.entries.insert(key.to_owned(), Some(values.iter().map(plain).collect()));
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

/// Is the value, or one of those that it lists, not known?
fn is_unread(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(|list| list.contains(&Value::Null))
}

/// Is the value, or this member of it, not known?
fn is_open(value: &Value, name: &str) -> bool {
    value.is_null() || value.get(name).is_some_and(Value::is_null)
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

fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name)?.as_str()
}

fn text_in<'v>(value: &'v Map<String, Value>, name: &str) -> Option<&'v str> {
    value.get(name)?.as_str()
}

/// `enabled`, `denied`: a switch in words.
fn switch(word: &str) -> Option<bool> {
    match word.to_ascii_lowercase().as_str() {
        "enabled" | "on" | "open" | "allow" | "allowed" | "granted" => Some(true),
        "disabled" | "off" | "closed" | "deny" | "denied" | "none" => Some(false),
        _ => None,
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn members<'v>(case: &'v Value, name: &str) -> impl Iterator<Item = (&'v String, &'v Value)> {
    case.get(name).and_then(Value::as_object).into_iter().flatten()
}

/// `group:a@b` as the directory lists it.
fn membership(written: &str) -> Value {
    let (kind, key) = written.split_once(':').unwrap_or(("user", written));
    let kind = match kind {
        "group" => "GROUP",
        "serviceAccount" => "SERVICE_ACCOUNT",
        _ => "USER",
    };
    json!({"preferredMemberKey": {"id": key}, "type": kind})
}
