//! IAM: roles that are bound, deny policies, principal access boundaries, service accounts; and groups, which Cloud Identity keeps.

use super::outcome::Failure;
use super::reader::Reader;
use super::resource_manager::POLICY;
use super::step::{ACCOUNT_POLICY, GET_ACCOUNT, GET_BOUNDARY, GET_DENY, GET_ROLE, LIST_DENY, SEARCH_BINDINGS, SEARCH_GROUPS};
use super::wire::{Call, part, parts};
use crate::documents::{BOUNDARY_POLICY, DENY_POLICY, GROUPS_OF, ROLE};
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
    let wanted = bound.into_iter().filter(|role| is_role(role) && !role.contains("_withcond_") && reader.is_new_role(role));
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
        // Predefined roles can be read by everybody (F6): that there is none is a fact. Of custom ones it might be a refusal.
        Err(failure) if failure.is_not_found() && role.starts_with("roles/") => reader.note(ROLE, role, Outcome::Absent),
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
/// limited to about five a minute (F61), so none is sent in vain, and a refusal for that reason is waited out while there is time.
pub(super) async fn deny_policies(reader: &Reader<'_>, nodes: &[FullName]) {
    for node in nodes {
        let subject = node.to_string();
        match denials(reader, node, &subject).await {
            Ok(()) => reader.note(DENY_POLICY, &subject, Outcome::Found),
            Err((step, failure)) => reader.failed(step, &subject, &failure),
        }
    }
}

async fn denials(reader: &Reader<'_>, node: &FullName, subject: &str) -> Result<(), (&'static super::step::Step, Failure)> {
    let point = part(&format!("{}/{}", node.service, node.path));
    let call = Call::get(format!("/v2/policies/{point}/denypolicies")).with("pageSize", "1000");
    let listed = reader.list(&LIST_DENY, subject, &call, "policies").await.map_err(|failure| (&LIST_DENY, failure))?;
    for policy in listed {
        let nameless = || (&LIST_DENY, Failure::Malformed("a deny policy has no usable `name`".into()));
        let id = name_of(&policy).and_then(|name| name.rsplit('/').next().map(str::to_owned)).filter(|id| !id.is_empty());
        let id = id.ok_or_else(nameless)?;
        let call = Call::get(format!("/v2/policies/{point}/denypolicies/{}", part(&id)));
        let (text, value) = reader.ask(&GET_DENY, subject, &call).await.map_err(|failure| (&GET_DENY, failure))?;
        if value.get("rules").is_none() {
            return Err((&GET_DENY, Failure::Malformed(format!("the deny policy {id} has no `rules`"))));
        }
        reader.document(&GET_DENY, subject, &format!("deny policy {id} of {}", node.path), text);
    }
    Ok(())
}

fn name_of(text: &str) -> Option<String> {
    let value: Value = serde_json::from_str(text).ok()?;
    value.get("name")?.as_str().map(str::to_owned)
}

/// Reads what is bound to these principal sets, each owned by a node, and the policies that are bound.
pub(super) async fn boundaries(reader: &Reader<'_>, sets: &[(String, FullName)]) {
    let mut policies = BTreeSet::new();
    for (set, parent) in sets {
        let call = Call::get(format!("/v3/{}/locations/global/policyBindings:searchTargetPolicyBindings", parts(&parent.path)))
            .with("target", set)
            .with("pageSize", "1000");
        match reader.list(&SEARCH_BINDINGS, set, &call, "policyBindings").await {
            Ok(bindings) => {
                for binding in bindings {
                    let policy =
                        serde_json::from_str::<Value>(&binding).ok().and_then(|value| value.get("policy")?.as_str().map(str::to_owned));
                    policies.extend(policy);
                    let title = name_of(&binding).unwrap_or_else(|| format!("binding to {set}"));
                    reader.document(&SEARCH_BINDINGS, set, &title, binding);
                }
                reader.note(SEARCH_BINDINGS.kind, set, Outcome::Found);
            }
            Err(failure) => reader.failed(&SEARCH_BINDINGS, set, &failure),
        }
    }
    for policy in policies.iter().filter(|policy| policy.contains("/principalAccessBoundaryPolicies/")) {
        match reader.ask(&GET_BOUNDARY, policy, &Call::get(format!("/v3/{}", parts(policy)))).await {
            Ok((text, value)) if value.get("details").is_some() => {
                reader.document(&GET_BOUNDARY, policy, policy, text);
                reader.note(BOUNDARY_POLICY, policy, Outcome::Found);
            }
            Ok(_) => reader.failed(&GET_BOUNDARY, policy, &Failure::Malformed("the answer has no `details`".into())),
            Err(failure) => reader.failed(&GET_BOUNDARY, policy, &failure),
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

/// Reads the groups of `email`, nested ones too. Who may not see all of them is refused (searchTransitiveGroups: "Actor must have view
/// permissions all transitive groups"), so an answer is complete.
pub(super) async fn groups(reader: &Reader<'_>, email: &str) {
    if email.contains(['\'', '\\']) {
        return reader.note(GROUPS_OF, email, Outcome::NotTried { why: "its address cannot stand in a query".into() });
    }
    let query = format!("member_key_id == '{email}' && 'cloudidentity.googleapis.com/groups.discussion_forum' in labels");
    let call = Call::get("/v1/groups/-/memberships:searchTransitiveGroups".into()).with("query", query).with("pageSize", "1000");
    match reader.list(&SEARCH_GROUPS, email, &call, "memberships").await {
        Ok(memberships) => {
            let text = format!("{{\"memberships\": [{}]}}", memberships.join(", "));
            reader.document(&SEARCH_GROUPS, email, &format!("groups of {email}"), text);
            reader.note(GROUPS_OF, email, Outcome::Found);
        }
        Err(failure) => reader.failed(&SEARCH_GROUPS, email, &failure),
    }
}
