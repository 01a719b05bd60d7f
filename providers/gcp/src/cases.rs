//! Cases in their short form: a world in a few lines, turned into the documents that the cloud would hold, so that a case goes the
//! whole way a snapshot goes.
//!
//! The short form is complete: a policy, a tag, a gate or a fact that it does not mention is absent; `null` is not known, because it
//! could not be read or nobody said. A role or a group that is not listed was not read. One `null` says that something is absent: a
//! `user_project` of `null` is a call that names no project to bill.

mod gates;
mod grants;

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
                None if fact != "resource_name" && crate::language::supplied::Supplied::by(&self.resource).is_some() => {}
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

    fn project(&self) -> Option<FullName> {
        self.nodes.iter().find(|node| node.is_project()).cloned()
    }

    fn say(&mut self, key: &str, value: &str) {
        self.context.entries.insert(key.to_owned(), Some(vec![value.to_owned()]));
    }

    fn say_all(&mut self, key: &str, values: &[Value]) {
        self.context.entries.insert(key.to_owned(), Some(values.iter().map(plain).collect()));
    }
}

/// Is the value, or one of those that it lists, not known?
fn is_unread(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(|list| list.contains(&Value::Null))
}

/// Is the value, or this member of it, not known?
fn is_open(value: &Value, name: &str) -> bool {
    value.is_null() || value.get(name).is_some_and(Value::is_null)
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
