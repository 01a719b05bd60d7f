//! The other gates: service perimeters, organization policies, enabled APIs.

use super::outcome::Failure;
use super::reader::Reader;
use super::step::{GET_SERVICE, LIST_ACCESS_POLICIES, LIST_CONSTRAINTS, LIST_LEVELS, LIST_PERIMETERS, Step};
use super::wire::{Call, part, parts};
use crate::documents::{ACCESS_LEVELS, ORG_POLICY, PERIMETERS};
use crate::language::resources::FullName;
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
    of_all(reader, &names, &subject, &LIST_PERIMETERS, "servicePerimeters").await;
    of_all(reader, &names, &subject, &LIST_LEVELS, "accessLevels").await;
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
    for node in nodes {
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
}

/// Reads whether the API of `host` is enabled in a project.
pub(super) async fn service(reader: &Reader<'_>, project: &FullName, host: &str) {
    let subject = format!("//serviceusage.googleapis.com/{}/services/{host}", project.path);
    let call = Call::get(format!("/v1/{}/services/{}", parts(&project.path), part(host)));
    reader.read(&GET_SERVICE, &subject, &format!("{host} in {}", project.path), &call, &["state"]).await;
}

fn named(text: &str) -> Option<String> {
    serde_json::from_str::<Value>(text).ok()?.get("name")?.as_str().map(str::to_owned)
}
