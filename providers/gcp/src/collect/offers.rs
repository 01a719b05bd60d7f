//! What could be granted. Fixes are proposed from it and nothing is decided by it, so no answer waits for it, and none gets less certain
//! where it is refused.
//!
//! Below a project Google Cloud is asked what it takes on the very resource: some dozen roles with their permissions. What it takes on a
//! project are some 2,000 roles, 10 MB: there, and where it does not say, the few roles are read that this program knows to be the
//! narrowest. A whole account is read with the catalogue of all predefined roles.

use super::outcome::Failure;
use super::reader::Reader;
use super::step::{GET_ROLE, GRANTABLE_ROLES, LIST_ROLES};
use super::wire::{Call, parts};
use crate::documents::{GRANTABLE, ROLE_CATALOGUE};
use crate::fixes::catalogue::written;
use crate::fixes::predefined::likely;
use crate::language::principals::Principal;
use crate::language::resources::{FullName, MANAGER};
use crate::request::Request;
use futures_util::future::{Either, join_all, select};
use iam_why_contract::Outcome;
use serde_json::{Value, json};
use std::pin::pin;
use std::time::Duration;

/// How long is waited for it when all that decides has been read.
const PATIENCE: Duration = Duration::from_millis(250);

/// No resource below a project takes so many roles; one that seems to is not followed further.
const MOST_PAGES: usize = 3;

/// Nor such long definitions; and a document of a snapshot may not be much larger.
const LARGEST: usize = 1024 * 1024;

/// How many roles of this program's list are read.
const LIKELY: usize = 3;

/// Reads what could be granted while `deciding` reads what decides.
pub(super) async fn beside<T>(reader: &Reader<'_>, request: &Request, deciding: impl Future<Output = T>) -> T {
    let node = lowest(&request.resource);
    // What decides is polled first and has its calls sent first.
    match select(pin!(deciding), pin!(offers(reader, request, &node))).await {
        Either::Left((decided, offers)) => {
            if tokio::time::timeout(PATIENCE, offers).await.is_err() {
                let why = "it took longer than all that decides".to_owned();
                reader.note(GRANTABLE, &node.to_string(), Outcome::NotTried { why });
            }
            decided
        }
        Either::Right(((), deciding)) => deciding.await,
    }
}

/// The lowest resource that holds a policy: the one that fixes would grant on.
fn lowest(resource: &FullName) -> FullName {
    let mut containers = resource.containers().into_iter();
    let below = containers.find(|name| name.holds_policy() == Some(true) && name.collection() != Some("managedFolders"));
    let named = || resource.project().map(|project| FullName::new(MANAGER, &format!("projects/{project}")));
    below.or_else(|| Some(resource.clone()).filter(FullName::is_node)).or_else(named).unwrap_or_else(|| resource.clone())
}

async fn offers(reader: &Reader<'_>, request: &Request, node: &FullName) {
    if request.principal == Principal::Anonymous {
        return;
    }
    if node.is_node() || !grantable(reader, node).await {
        let roles = likely(request.permission.v1(), node, LIKELY).into_iter().filter(|role| !reader.was_asked_for(role));
        join_all(roles.map(|role| definition(reader, role))).await;
    }
}

/// Reads what can be granted on `node`. No permission is documented for it (docs.cloud.google.com/iam/docs/reference/rest/v1/roles/queryGrantableRoles).
async fn grantable(reader: &Reader<'_>, node: &FullName) -> bool {
    let subject = node.to_string();
    let roles = all_pages(reader, &subject, &asked(node)).await.and_then(|roles| {
        let text = json!({"roles": roles}).to_string();
        let too_much = || Failure::Malformed(format!("{} lists more than one resource takes", GRANTABLE_ROLES.call));
        if text.len() > LARGEST { Err(too_much()) } else { Ok((roles.is_empty(), text)) }
    });
    match roles {
        // Whatever holds a policy takes roles: an empty list tells nothing.
        Ok((true, _)) => reader.note(GRANTABLE, &subject, Outcome::Absent),
        Ok((false, text)) => {
            reader.document(&GRANTABLE_ROLES, &subject, &format!("roles that can be granted on {}", node.shown()), text);
            reader.note(GRANTABLE, &subject, Outcome::Found);
            return true;
        }
        Err(failure) => reader.failed(&GRANTABLE_ROLES, &subject, &failure),
    }
    false
}

/// The name as IAM takes it: a service account's with its project in the place of the dash.
fn asked(node: &FullName) -> String {
    let home = node.project().filter(|_| node.path.starts_with("projects/-/"));
    let whole = home.map(|project| node.path.replacen("projects/-/", &format!("projects/{project}/"), 1));
    whole.map_or_else(|| node.to_string(), |path| FullName::new(&node.service, &path).to_string())
}

async fn all_pages(reader: &Reader<'_>, subject: &str, name: &str) -> Result<Vec<Value>, Failure> {
    let mut all = Vec::new();
    let mut token = String::new();
    for _ in 0..MOST_PAGES {
        let call = Call::post("/v1/roles:queryGrantableRoles".into(), page(name, &token));
        let (_, mut answer) = reader.ask(&GRANTABLE_ROLES, subject, &call).await?;
        if let Some(Value::Array(roles)) = answer.get_mut("roles").map(Value::take) {
            all.extend(roles);
        }
        match answer.get_mut("nextPageToken").map(Value::take) {
            Some(Value::String(next)) if !next.is_empty() => token = next,
            _ => return Ok(all),
        }
    }
    Err(Failure::Malformed(format!("the pages of {} do not end", GRANTABLE_ROLES.call)))
}

/// What a page begins with stands in the body, as everything does where the body is the whole request.
fn page(name: &str, token: &str) -> Value {
    let mut body = json!({"fullResourceName": name, "view": "FULL", "pageSize": 1000});
    if let Some(members) = body.as_object_mut().filter(|_| !token.is_empty()) {
        members.insert("pageToken".into(), token.into());
    }
    body
}

/// Reads a role that nothing binds. Where that fails, this program's own list serves.
async fn definition(reader: &Reader<'_>, role: &str) {
    let answer = reader.ask(&GET_ROLE, role, &Call::get(format!("/v1/{}", parts(role)))).await;
    let whole = |value: &Value| value.get("name").and_then(Value::as_str) == Some(role) && value.get("includedPermissions").is_some();
    if let Some((text, _)) = answer.ok().filter(|(_, value)| whole(value)) {
        reader.document(&GET_ROLE, role, role, text);
    }
}

/// Reads all predefined roles, for a snapshot from which many questions are answered. Those of Google Cloud itself take no permission
/// (docs.cloud.google.com/iam/docs/reference/rest/v1/roles/list).
pub(super) async fn catalogue(reader: &Reader<'_>) {
    const ALL: &str = "roles/";
    let call = Call::get("/v1/roles".into()).with("view", "FULL").with("pageSize", "1000");
    let call = call.with("fields", "roles(name,title,stage,deleted,includedPermissions),nextPageToken");
    let shape = |error: serde_json::Error| Failure::Malformed(format!("a role of {} is not readable: {error}", LIST_ROLES.call));
    match reader.list(&LIST_ROLES, ALL, &call, "roles").await.and_then(|roles| written(&roles).map_err(shape)) {
        Ok(documents) => {
            for (number, text) in (1..).zip(documents) {
                reader.document(&LIST_ROLES, ALL, &format!("predefined roles, part {number}"), text);
            }
            reader.note(ROLE_CATALOGUE, ALL, Outcome::Found);
        }
        Err(failure) => reader.failed(&LIST_ROLES, ALL, &failure),
    }
}

#[cfg(test)]
mod tests {
    use super::{asked, lowest};
    use crate::language::permissions::Permission;
    use crate::language::resources::FullName;

    #[test]
    fn it_is_asked_what_the_lowest_resource_with_a_policy_takes() {
        for (permission, resource, wanted) in [
            ("storage.objects.get", "gs://reports/2026/q1.csv", "//storage.googleapis.com/projects/_/buckets/reports"),
            (
                "secretmanager.versions.access",
                "projects/300/secrets/db/versions/1",
                "//secretmanager.googleapis.com/projects/300/secrets/db",
            ),
            (
                "iam.serviceAccounts.actAs",
                "app@acme.iam.gserviceaccount.com",
                "//iam.googleapis.com/projects/acme/serviceAccounts/app@acme.iam.gserviceaccount.com",
            ),
            ("cloudsql.instances.connect", "projects/acme/instances/db", "//cloudresourcemanager.googleapis.com/projects/acme"),
            ("resourcemanager.folders.get", "folders/8", "//cloudresourcemanager.googleapis.com/folders/8"),
        ] {
            let resource = FullName::parse(resource, &Permission::parse(permission).unwrap()).unwrap();
            assert_eq!(asked(&lowest(&resource)), wanted, "{permission}");
        }
    }
}
