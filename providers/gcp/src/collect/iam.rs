//! IAM: roles that are bound, deny policies, principal access boundaries, service accounts, workforce pools.

use super::outcome::Failure;
use super::reader::Reader;
use super::resource_manager::{Above, POLICY};
use super::step::{ACCOUNT_POLICY, GET_ACCOUNT, GET_BOUNDARY, GET_DENY, GET_POOL, GET_ROLE, LIST_DENY, SEARCH_BINDINGS, Step};
use super::wire::{Call, part, parts};
use crate::documents::{BOUNDARY_BINDING, BOUNDARY_POLICY, DENY_POLICY, PRINCIPAL, ROLE};
use crate::language::resources::FullName;
use futures_util::future::join_all;
use iam_why_contract::Outcome;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Reads the roles that these policies bind, each once.
pub(super) async fn roles(reader: &Reader<'_>, policies: &[Value]) {
    let bindings = policies.iter().filter_map(|policy| policy.get("bindings")?.as_array()).flatten();
    let bound: BTreeSet<&str> = bindings.filter_map(|binding| binding.get("role")?.as_str()).collect();
    // A9: `_withcond_` stands for a binding that was left out; there is no such role.
    let wanted = bound.into_iter().filter(|role| is_role(role) && !role.contains("_withcond_") && reader.is_new(role));
    join_all(wanted.map(|role| one_role(reader, role))).await;
}

fn is_role(name: &str) -> bool {
    name.starts_with("roles/") || name.contains("/roles/")
}

async fn one_role(reader: &Reader<'_>, role: &str) {
    match reader.ask(&GET_ROLE, role, &Call::get(format!("/v1/{}", parts(role)))).await {
        // A role whose list is left out has no permissions (proto3); the document says so in so many words.
        Ok((text, value)) if value.get("name").is_some() => {
            let text = if value.get("includedPermissions").is_some() { text } else { without_permissions(value) };
            reader.document(&GET_ROLE, role, role, text);
            reader.note(ROLE, role, Outcome::Found);
        }
        Ok(_) => reader.failed(&GET_ROLE, role, &Failure::Malformed("the answer has no `name`".into())),
        // A role that is bound was there when it was bound: that it is not found may as well be a refusal (AIP-211).
        Err(failure) => reader.failed(&GET_ROLE, role, &failure),
    }
}

fn without_permissions(mut role: Value) -> String {
    if let Some(members) = role.as_object_mut() {
        members.insert("includedPermissions".into(), json!([]));
    }
    role.to_string()
}

/// Reads the deny policies of these nodes. The list leaves out the rules (F62), so each policy is read by itself; both calls are
/// limited to about five a minute (F61): a refusal for that reason is waited out while there is time.
pub(super) async fn deny_policies(reader: &Reader<'_>, nodes: &[FullName]) {
    join_all(nodes.iter().map(|node| deny_policies_of(reader, node))).await;
}

async fn deny_policies_of(reader: &Reader<'_>, node: &FullName) {
    let subject = node.to_string();
    match denials(reader, node, &subject).await {
        Ok(()) => reader.note(DENY_POLICY, &subject, Outcome::Found),
        Err((step, failure)) => reader.failed(step, &subject, &failure),
    }
}

async fn denials(reader: &Reader<'_>, node: &FullName, subject: &str) -> Result<(), (&'static Step, Failure)> {
    let point = part(&format!("{}/{}", node.service, node.path));
    let call = Call::get(format!("/v2/policies/{point}/denypolicies")).with("pageSize", "1000");
    let listed = reader.list(&LIST_DENY, subject, &call, "policies").await.map_err(|failure| (&LIST_DENY, failure))?;
    let read = join_all(listed.iter().map(|policy| denial(reader, &point, node, policy))).await;
    read.into_iter().collect()
}

async fn denial(reader: &Reader<'_>, point: &str, node: &FullName, listed: &str) -> Result<(), (&'static Step, Failure)> {
    let nameless = || (&LIST_DENY, Failure::Malformed("a deny policy has no usable `name`".into()));
    let id = name_of(listed).and_then(|name| name.rsplit('/').next().map(str::to_owned)).filter(|id| !id.is_empty());
    let id = id.ok_or_else(nameless)?;
    let subject = node.to_string();
    let call = Call::get(format!("/v2/policies/{point}/denypolicies/{}", part(&id)));
    let (text, value) = reader.ask(&GET_DENY, &subject, &call).await.map_err(|failure| (&GET_DENY, failure))?;
    if value.get("rules").is_none() {
        return Err((&GET_DENY, Failure::Malformed(format!("the deny policy {id} has no `rules`"))));
    }
    reader.document(&GET_DENY, &subject, &format!("deny policy {id} of {}", node.path), text);
    Ok(())
}

fn name_of(text: &str) -> Option<String> {
    let value: Value = serde_json::from_str(text).ok()?;
    value.get("name")?.as_str().map(str::to_owned)
}

/// A principal set whose boundaries are read.
#[derive(Debug, Clone)]
pub(super) struct Set {
    /// Its names: a project has two, and documents and accounts go by either.
    pub names: Vec<String>,
    /// Its name as the API takes it, with the project's number; `None` where that is not known.
    pub target: Option<String>,
    /// The node that owns it.
    pub parent: FullName,
}

impl Set {
    /// The sets of the nodes of a path.
    pub(super) fn of_nodes(above: &Above) -> Vec<Self> {
        let set = |node: &FullName| {
            let known = [&above.named.id, &above.named.number].into_iter().flatten().filter(|_| node.is_project());
            let mut names = vec![node.to_string()];
            names.extend(known.filter_map(|name| node.with_project(name)).map(|name| name.to_string()));
            Self { names, target: above.by_number(node).map(|node| node.to_string()), parent: node.clone() }
        };
        above.nodes.iter().map(set).collect()
    }

    /// A set that has one name.
    pub(super) fn named(name: &str, parent: &FullName) -> Self {
        Self { names: vec![name.to_owned()], target: Some(name.to_owned()), parent: parent.clone() }
    }

    fn name(&self) -> &str {
        self.names.first().map_or("", String::as_str)
    }

    fn note(&self, reader: &Reader<'_>, outcome: &Outcome) {
        let names: BTreeSet<&String> = self.names.iter().collect();
        names.into_iter().for_each(|name| reader.note(BOUNDARY_BINDING, name, outcome.clone()));
    }
}

/// Reads what is bound to these principal sets, and the policies that are bound. The search finds what is bound to the very set, so
/// every set that may hold the caller is asked for.
pub(super) async fn boundaries(reader: &Reader<'_>, sets: &[Set]) {
    let bound =
        join_all(sets.iter().filter(|set| reader.is_new(set.target.as_deref().unwrap_or(set.name()))).map(|set| bindings(reader, set)))
            .await;
    let policies: BTreeSet<String> = bound.into_iter().flatten().collect();
    let boundaries = policies.iter().filter(|policy| policy.contains("/principalAccessBoundaryPolicies/") && reader.is_new(policy));
    join_all(boundaries.map(|policy| boundary(reader, policy))).await;
}

async fn bindings(reader: &Reader<'_>, set: &Set) -> Vec<String> {
    let Some(target) = &set.target else {
        let why = "principal sets are asked for by the number of the project, which is not known".to_owned();
        set.note(reader, &Outcome::NotTried { why });
        return Vec::new();
    };
    let call = Call::get(format!("/v3/{}/locations/global/policyBindings:searchTargetPolicyBindings", parts(&set.parent.path)))
        .with("target", target)
        .with("pageSize", "1000");
    match reader.list(&SEARCH_BINDINGS, set.name(), &call, "policyBindings").await {
        Ok(bindings) => {
            let policies = bindings.iter().filter_map(|binding| policy_of(binding)).collect();
            for binding in bindings {
                let title = name_of(&binding).unwrap_or_else(|| format!("binding to {}", set.name()));
                reader.document(&SEARCH_BINDINGS, set.name(), &title, binding);
            }
            set.note(reader, &Outcome::Found);
            policies
        }
        Err(failure) => {
            reader.failed(&SEARCH_BINDINGS, set.name(), &failure);
            set.note(reader, &failure.outcome(&SEARCH_BINDINGS, reader.secrets()));
            Vec::new()
        }
    }
}

fn policy_of(binding: &str) -> Option<String> {
    serde_json::from_str::<Value>(binding).ok()?.get("policy")?.as_str().map(str::to_owned)
}

async fn boundary(reader: &Reader<'_>, policy: &str) {
    match reader.ask(&GET_BOUNDARY, policy, &Call::get(format!("/v3/{}", parts(policy)))).await {
        Ok((text, value)) if value.get("details").is_some() => {
            reader.document(&GET_BOUNDARY, policy, policy, text);
            reader.note(BOUNDARY_POLICY, policy, Outcome::Found);
        }
        Ok(_) => reader.failed(&GET_BOUNDARY, policy, &Failure::Malformed("the answer has no `details`".into())),
        Err(failure) => reader.failed(&GET_BOUNDARY, policy, &failure),
    }
}

/// Reads which organization owns a workforce pool, which is the home of its identities (P42).
pub(super) async fn workforce_home(reader: &Reader<'_>, pool: &str, principal: &str) -> Option<FullName> {
    match reader.ask(&GET_POOL, principal, &Call::get(format!("/v1/{}", parts(pool)))).await {
        Ok((_, value)) => {
            let home = value.get("parent").and_then(Value::as_str).and_then(FullName::node);
            let Some(home) = home.filter(|home| home.path.starts_with("organizations/")) else {
                reader.failed(&GET_POOL, principal, &Failure::Malformed("the pool has no `parent` that is an organization".into()));
                return None;
            };
            let facts = json!({"pool": pool, "ancestors": [home.path]});
            reader.document(&GET_POOL, principal, &format!("what is known of {principal}"), facts.to_string());
            reader.note(PRINCIPAL, principal, Outcome::Found);
            Some(home)
        }
        Err(failure) => {
            reader.failed(&GET_POOL, principal, &failure);
            None
        }
    }
}

/// Reads a service account.
pub(super) async fn account(reader: &Reader<'_>, email: &str) {
    let call = Call::get(format!("/v1/projects/-/serviceAccounts/{}", part(email)));
    reader.read(&GET_ACCOUNT, email, &format!("service account {email}"), &call, &["email", "uniqueId"]).await;
}

/// Reads who may use a service account; `subject` is its full name.
pub(super) async fn account_policy(reader: &Reader<'_>, email: &str, subject: &str) -> Option<Value> {
    let path = format!("/v1/projects/-/serviceAccounts/{}:getIamPolicy", part(email));
    let call = Call::post(path, json!({})).with("options.requestedPolicyVersion", "3");
    reader.read(&ACCOUNT_POLICY, subject, &format!("allow policy of the service account {email}"), &call, POLICY).await
}
