//! The other gates: service perimeters, organization policies, enabled APIs, billing.

use super::outcome::Failure;
use super::reader::Reader;
use super::step::{GET_BILLING, GET_SERVICE, LIST_ACCESS_POLICIES, LIST_CONSTRAINTS, LIST_LEVELS, LIST_PERIMETERS, LIST_SERVICES, Step};
use super::wire::{Call, part, parts};
use crate::documents::{ACCESS_LEVELS, BILLING, ORG_POLICY, PERIMETERS, SERVICE_STATE};
use crate::language::permissions::is_listed;
use crate::language::resources::FullName;
use futures_util::future::{join, join_all};
use iam_why_contract::Outcome;
use serde_json::Value;

/// Reads the perimeters and access levels of an organization, those of all its access policies in one list.
pub(super) async fn perimeters(reader: &Reader<'_>, organization: &FullName) {
    let subject = organization.to_string();
    let call = Call::get("/v1/accessPolicies".into()).with("parent", &organization.path);
    let policies = match reader.list(&LIST_ACCESS_POLICIES, &subject, &call, "accessPolicies").await {
        Ok(policies) => policies,
        Err(failure) => {
            reader.failed(&LIST_ACCESS_POLICIES, &subject, &failure);
            let outcome = failure.outcome(&LIST_ACCESS_POLICIES, reader.secrets());
            return reader.note(ACCESS_LEVELS, &subject, outcome);
        }
    };
    let names: Option<Vec<String>> = policies.iter().map(|policy| named(policy)).collect();
    let Some(names) = names else {
        return reader.failed(&LIST_ACCESS_POLICIES, &subject, &Failure::Malformed("an access policy has no `name`".into()));
    };
    join(
        of_all(reader, &names, &subject, &LIST_PERIMETERS, "servicePerimeters"),
        of_all(reader, &names, &subject, &LIST_LEVELS, "accessLevels"),
    )
    .await;
}

async fn of_all(reader: &Reader<'_>, policies: &[String], subject: &str, step: &Step, items: &str) {
    let mut all = Vec::new();
    for policy in policies {
        let call = Call::get(format!("/v1/{}/{items}", parts(policy)));
        match reader.list(step, subject, &call, items).await {
            Ok(listed) => all.extend(listed),
            Err(failure) => return reader.failed(step, subject, &failure),
        }
    }
    let title = if step.kind == PERIMETERS { "service perimeters" } else { "access levels" };
    reader.document(step, subject, title, format!("[{}]", all.join(", ")));
    reader.note(step.kind, subject, Outcome::Found);
}

/// Reads the organization policies that these nodes set.
pub(super) async fn constraints(reader: &Reader<'_>, nodes: &[FullName]) {
    join_all(nodes.iter().map(|node| constraints_of(reader, node))).await;
}

async fn constraints_of(reader: &Reader<'_>, node: &FullName) {
    let subject = node.to_string();
    let call = Call::get(format!("/v2/{}/policies", parts(&node.path)));
    match reader.list(&LIST_CONSTRAINTS, &subject, &call, "policies").await {
        Ok(policies) => {
            for policy in policies {
                let title = named(&policy).unwrap_or_else(|| "organization policy".into());
                reader.document(&LIST_CONSTRAINTS, &subject, &title, policy);
            }
            reader.note(ORG_POLICY, &subject, Outcome::Found);
        }
        Err(failure) => reader.failed(&LIST_CONSTRAINTS, &subject, &failure),
    }
}

/// Reads whether a project's bills are paid. Where they are not the answer leaves out `billingEnabled` (proto3): the document says so.
pub(super) async fn billing(reader: &Reader<'_>, project: &FullName) {
    let subject = project.to_string();
    match reader.ask(&GET_BILLING, &subject, &Call::get(format!("/v1/{}/billingInfo", parts(&project.path)))).await {
        Ok((text, value)) if value.get("name").is_some() => {
            let text = if value.get("billingEnabled").is_some() { text } else { unpaid(value) };
            reader.document(&GET_BILLING, &subject, &format!("billing of {}", project.path), text);
            reader.note(BILLING, &subject, Outcome::Found);
        }
        Ok(_) => reader.failed(&GET_BILLING, &subject, &Failure::Malformed("the answer has no `name`".into())),
        Err(failure) => reader.failed(&GET_BILLING, &subject, &failure),
    }
}

fn unpaid(mut billing: Value) -> String {
    if let Some(members) = billing.as_object_mut() {
        members.insert("billingEnabled".into(), Value::Bool(false));
    }
    billing.to_string()
}

/// Reads whether the API of `host` is enabled in a project.
pub(super) async fn service(reader: &Reader<'_>, project: &FullName, host: &str) {
    let subject = format!("//serviceusage.googleapis.com/{}/services/{host}", project.path);
    let call = Call::get(format!("/v1/{}/services/{}", parts(&project.path), part(host)));
    reader.read(&GET_SERVICE, &subject, &format!("{host} in {}", project.path), &call, &["state"]).await;
}

/// Reads which APIs are enabled in a project, and which of those that a permission can belong to are not.
pub(super) async fn services(reader: &Reader<'_>, project: &FullName) {
    let call = Call::get(format!("/v1/{}/services", parts(&project.path)))
        .with("fields", "services(name,state),nextPageToken")
        .with("pageSize", "200");
    let subject = format!("//serviceusage.googleapis.com/{}/services", project.path);
    match reader.list(&LIST_SERVICES, &subject, &call, "services").await {
        Ok(services) => {
            reader.note(SERVICE_STATE, &subject, Outcome::Found);
            services.into_iter().for_each(|text| state(reader, project, text));
        }
        Err(failure) => reader.failed(&LIST_SERVICES, &subject, &failure),
    }
}

fn state(reader: &Reader<'_>, project: &FullName, text: String) {
    let Ok(value) = serde_json::from_str::<Value>(&text) else { return };
    let member = |name: &str| value.get(name).and_then(Value::as_str);
    let Some(host) = member("name").and_then(|name| name.rsplit('/').next()) else { return };
    if member("state") == Some("ENABLED") || is_listed(host) {
        let subject = format!("//serviceusage.googleapis.com/{}/services/{host}", project.path);
        reader.note(SERVICE_STATE, &subject, Outcome::Found);
        reader.document(&LIST_SERVICES, &subject, &format!("{host} in {}", project.path), text);
    }
}

fn named(text: &str) -> Option<String> {
    serde_json::from_str::<Value>(text).ok()?.get("name")?.as_str().map(str::to_owned)
}
