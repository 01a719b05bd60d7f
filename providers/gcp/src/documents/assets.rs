//! What Cloud Asset prints: `gcloud asset export`, `list` and `search-all-iam-policies`; and `get-ancestors-iam-policy`.
//!
//! google/cloud/asset/v1/assets.proto (F70, F71). REST writes camel case, exports write snake case in places.

use super::printed::{Taken, object};
use super::{ALLOW_POLICY, ANCESTRY, BUCKET, DENY_POLICY, FOLDER, ORG_POLICY, ORGANIZATION, PROJECT, ROLE, SERVICE_ACCOUNT};
use crate::language::resources::FullName;
use crate::world::{member, text, texts};
use iam_why_contract::Outcome;
use serde_json::{Value, json};

/// Takes in one object a line; says whether there was any.
pub(super) fn lines(taken: &mut Taken<'_>) -> bool {
    let whole = taken.text;
    let mut any = false;
    for (at, line) in whole.lines().enumerate().filter(|(_, line)| line.trim_start().starts_with('{')) {
        let Ok(value) = serde_json::from_str::<Value>(line) else { return false };
        any |= object(taken, &value, line, u32::try_from(at + 1).unwrap_or(u32::MAX));
    }
    any
}

/// Takes in an asset, or a result of a search; says whether it is one.
pub(super) fn asset(taken: &mut Taken<'_>, value: &Value, line: u32) -> bool {
    if member(value, "assetType").is_none() {
        return false;
    }
    if let Some(name) = text(value, "name").filter(|name| name.starts_with("//")) {
        exported(taken, value, &canonical(&name), line);
        return true;
    }
    if let Some(name) = text(value, "resource").filter(|name| name.starts_with("//")) {
        found(taken, value, &canonical(&name), line);
        return true;
    }
    false
}

/// Cloud Asset names a bucket `//storage.googleapis.com/B`.
pub(crate) fn canonical(name: &str) -> String {
    match name.strip_prefix("//storage.googleapis.com/") {
        Some(bucket) if !bucket.starts_with("projects/") => format!("//storage.googleapis.com/projects/_/buckets/{bucket}"),
        _ => name.to_owned(),
    }
}

fn exported(taken: &mut Taken<'_>, value: &Value, name: &str, line: u32) {
    if let Some(ancestors) = texts(value, "ancestors") {
        taken.add(ANCESTRY, name, &format!("the path of {name}"), &json!({ "ancestors": ancestors }).to_string(), line);
    }
    if let Some(policy) = member(value, "iamPolicy").filter(|policy| policy.is_object()) {
        taken.add(ALLOW_POLICY, name, &format!("allow policy of {name}"), &policy.to_string(), line);
    }
    for policy in member(value, "orgPolicy").and_then(Value::as_array).into_iter().flatten() {
        let Some(policy) = organization_policy(policy, name) else { continue };
        taken.add(ORG_POLICY, name, &format!("an organization policy of {name}"), &policy.to_string(), line);
    }
    let kind = text(value, "assetType").unwrap_or_default();
    let Some(data) = member(value, "resource").and_then(|resource| resource.get("data")) else { return };
    let email = text(data, "email");
    let (kind, subject) = match (kind.as_str(), text(data, "name")) {
        ("iam.googleapis.com/Role", Some(role)) => (ROLE, role),
        ("iam.googleapis.com/ServiceAccount", _) => (SERVICE_ACCOUNT, email.unwrap_or_default()),
        ("storage.googleapis.com/Bucket", _) => (BUCKET, name.to_owned()),
        ("cloudresourcemanager.googleapis.com/Project", _) => (PROJECT, name.to_owned()),
        ("cloudresourcemanager.googleapis.com/Folder", _) => (FOLDER, name.to_owned()),
        ("cloudresourcemanager.googleapis.com/Organization", _) => (ORGANIZATION, name.to_owned()),
        _ => return,
    };
    taken.add(kind, &subject, &format!("{subject} as Cloud Asset has it"), &data.to_string(), line);
}

/// An organization policy in the shape of API v1, which Cloud Asset exports (F70), in that of v2, which `gcloud org-policies` prints.
fn organization_policy(policy: &Value, node: &str) -> Option<Value> {
    let constraint = text(policy, "constraint")?;
    let name = format!("{}/policies/{}", FullName::node(node)?.path, constraint.trim_start_matches("constraints/"));
    if member(policy, "restoreDefault").is_some() {
        return Some(json!({"name": name, "spec": {"reset": true}}));
    }
    if let Some(boolean) = member(policy, "booleanPolicy") {
        let enforce = boolean.get("enforced").and_then(Value::as_bool) == Some(true);
        return Some(json!({"name": name, "spec": {"rules": [{"enforce": enforce}]}}));
    }
    let list = member(policy, "listPolicy")?;
    let rule = match text(list, "allValues").as_deref() {
        Some("ALLOW") => json!({"allowAll": true}),
        Some("DENY") => json!({"denyAll": true}),
        _ => json!({"values": {
            "allowedValues": texts(list, "allowedValues").unwrap_or_default(),
            "deniedValues": texts(list, "deniedValues").unwrap_or_default(),
        }}),
    };
    let inherits = member(list, "inheritFromParent").and_then(Value::as_bool) == Some(true);
    Some(json!({"name": name, "spec": {"inheritFromParent": inherits, "rules": [rule]}}))
}

/// A search with a query prints only the bindings that match, so what is missing in its results proves nothing.
fn found(taken: &mut Taken<'_>, value: &Value, name: &str, line: u32) {
    let Some(policy) = member(value, "policy").filter(|policy| policy.is_object()) else { return };
    taken.add(ALLOW_POLICY, name, &format!("allow policy of {name}"), &policy.to_string(), line);
    let why = "search-all-iam-policies prints only the bindings that match its query".to_owned();
    taken.note(ALLOW_POLICY, name, Outcome::NotTried { why });
    let mut ancestors: Vec<String> = text(value, "project").into_iter().collect();
    ancestors.extend(texts(value, "folders").unwrap_or_default());
    ancestors.extend(text(value, "organization"));
    let nodes: Vec<String> = ancestors.iter().filter_map(|node| FullName::node(node)).map(|node| node.path).collect();
    if !nodes.is_empty() {
        taken.add(ANCESTRY, name, &format!("the path of {name}"), &json!({ "ancestors": nodes }).to_string(), line);
    }
}

/// `gcloud projects get-ancestors-iam-policy`: a list of {id, type, policy}, with deny policies where `--include-deny` was given.
pub(super) fn ancestors_policies(taken: &mut Taken<'_>, values: &[Value]) -> bool {
    let node = |value: &Value| FullName::node(&format!("{}s/{}", text(value, "type")?, text(value, "id")?));
    let mut nodes: Vec<FullName> = Vec::new();
    let mut denies = false;
    for value in values {
        let (Some(node), Some(policy)) = (node(value), value.get("policy")) else { return false };
        let subject = node.to_string();
        if policy.get("rules").is_some() || text(policy, "kind").as_deref() == Some("DenyPolicy") {
            denies = true;
            let title = format!("deny policy {} of {}", text(policy, "displayName").unwrap_or_default(), node.path);
            taken.add(DENY_POLICY, &subject, &title, &policy.to_string(), 1);
        } else {
            taken.add(ALLOW_POLICY, &subject, &format!("allow policy of {}", node.path), &policy.to_string(), 1);
        }
        if !nodes.contains(&node) {
            nodes.push(node);
        }
    }
    if denies {
        nodes.iter().for_each(|node| taken.note(DENY_POLICY, &node.to_string(), Outcome::Found));
    }
    let paths: Vec<&str> = nodes.iter().map(|node| node.path.as_str()).collect();
    if let Some(project) = nodes.iter().find(|node| node.is_project()) {
        taken.add(ANCESTRY, &project.to_string(), "the path to the organization", &json!({ "ancestors": paths }).to_string(), 1);
    }
    true
}
