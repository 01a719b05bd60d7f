//! Pools of identities from elsewhere. A boundary can be bound to a pool itself (P40), and the search finds only what is bound to the
//! very set it is asked for: who reads a whole account lists the pools and asks for each.
//!
//! cloud.google.com/iam/docs/reference/rest/v1: projects.locations.workloadIdentityPools.list, locations.workforcePools.list.

use super::iam::{self, Set};
use super::reader::Reader;
use super::resource_manager::Above;
use super::step::{LIST_WORKFORCE_POOLS, LIST_WORKLOAD_POOLS, Step};
use super::wire::{Call, parts};
use crate::documents::PRINCIPAL;
use crate::language::principals::Pool;
use crate::language::resources::FullName;
use iam_why_contract::Outcome;
use serde_json::{Value, json};

/// Reads what is bound to the workload identity pools of a project.
pub(super) async fn of_project(reader: &Reader<'_>, project: &Above) {
    let node = project.node();
    let subject = format!("{} workload identity pools", node.path);
    let listed = pools(reader, &LIST_WORKLOAD_POOLS, &subject, &workload_in(node)).await;
    let sets: Vec<Set> = listed.iter().filter_map(|id| Some(workload(project, node.project()?, id))).collect();
    iam::boundaries(reader, &sets).await;
}

/// Reads what is bound to the workforce pools of an organization, which is the home of their identities (P42).
pub(super) async fn of_organization(reader: &Reader<'_>, organization: &FullName) {
    let subject = format!("{} workforce pools", organization.path);
    let listed = pools(reader, &LIST_WORKFORCE_POOLS, &subject, &workforce_of(organization)).await;
    let pools: Vec<Pool> = listed.into_iter().map(Pool::Workforce).collect();
    pools.iter().for_each(|pool| home(reader, pool, organization));
    let sets: Vec<Set> = pools.iter().map(|pool| Set::named(&full(pool), organization)).collect();
    iam::boundaries(reader, &sets).await;
}

/// The call for the workload identity pools of a project.
pub(super) fn workload_in(project: &FullName) -> Call {
    Call::get(format!("/v1/{}/locations/global/workloadIdentityPools", parts(&project.path))).with("pageSize", "1000")
}

/// The call for the workforce pools of an organization.
pub(super) fn workforce_of(organization: &FullName) -> Call {
    Call::get("/v1/locations/global/workforcePools".into()).with("parent", &organization.path).with("pageSize", "1000")
}

/// The ids of the pools in a list.
async fn pools(reader: &Reader<'_>, step: &'static Step, subject: &str, call: &Call) -> Vec<String> {
    let items = call.path.rsplit('/').next().unwrap_or_default();
    match reader.list(step, subject, call, items).await {
        Ok(listed) => {
            reader.note(step.kind, subject, Outcome::Found);
            listed.iter().filter_map(|text| id(text)).collect()
        }
        Err(failure) => {
            reader.failed(step, subject, &failure);
            Vec::new()
        }
    }
}

fn id(text: &str) -> Option<String> {
    let pool: Value = serde_json::from_str(text).ok()?;
    pool.get("name")?.as_str()?.rsplit('/').next().filter(|id| !id.is_empty()).map(str::to_owned)
}

/// The set of a pool by both names of its project; the API takes it by the number.
fn workload(project: &Above, name: &str, id: &str) -> Set {
    let of = |project: &str| full(&Pool::Workload { project: Some(project.to_owned()), id: id.to_owned() });
    let known = [&project.named.number, &project.named.id].into_iter().flatten().map(String::as_str);
    let names: Vec<String> = known.chain([name]).map(of).collect();
    let path = names.first().and_then(|first| first.strip_prefix("//iam.googleapis.com/")).unwrap_or_default();
    let target = project.by_number(&FullName::new("iam.googleapis.com", path)).map(|pool| pool.to_string());
    Set { names, target, parent: project.node().clone() }
}

fn full(pool: &Pool) -> String {
    format!("//iam.googleapis.com/{}", pool.text())
}

/// What is known of all identities of a pool.
fn home(reader: &Reader<'_>, pool: &Pool, organization: &FullName) {
    let (subject, pool) = (pool.everybody(), pool.text());
    let facts = json!({"pool": pool, "ancestors": [organization.path]});
    reader.document(&LIST_WORKFORCE_POOLS, &subject, &format!("what is known of the identities of {pool}"), facts.to_string());
    reader.note(PRINCIPAL, &subject, Outcome::Found);
}
