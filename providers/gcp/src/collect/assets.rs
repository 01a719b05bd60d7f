//! Cloud Asset Inventory: one door to the allow policies of a path, or of everything in a scope.
//!
//! cloud.google.com/asset-inventory/docs/reference/rest/v1: effectiveIamPolicies.batchGet, assets.list. It is told what policies are with
//! a delay of minutes, and leaves out levels without one, so it is asked where the policies themselves may not be read, and of what has
//! no list of its own; what it does not show is not taken to be absent.

use super::reader::Reader;
use super::resource_manager::Above;
use super::step::{EFFECTIVE_POLICIES, LIST_ASSETS, Step};
use super::wire::{Call, parts};
use crate::documents::{ALLOW_POLICY, canonical};
use crate::language::resources::{FullName, STORAGE};
use iam_why_contract::Outcome;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeSet;

/// What the user is told of policies that came through this door.
pub(super) const NOTE: &str = "as Cloud Asset Inventory has it, which may be minutes old";

/// Reads the allow policies on the path that could not be read themselves; says whose it found.
pub(super) async fn instead(reader: &Reader<'_>, resource: &FullName, above: &Above) -> (Vec<Value>, Vec<String>) {
    let closed = reader.closed();
    let Some(named) = lowest(resource, above).filter(|_| !closed.is_empty()) else { return Default::default() };
    let mut found = (Vec::new(), Vec::new());
    for scope in [above.top(), above.project()].into_iter().flatten() {
        let call = Call::get(format!("/v1/{}/effectiveIamPolicies:batchGet", parts(&scope.path))).with("names", asset_name(&named));
        // Its own refusal adds nothing to what the policies themselves already said.
        let Ok((text, _)) = reader.ask(&EFFECTIVE_POLICIES, &named.to_string(), &call).await else { continue };
        for (attached, policy) in attached(&text) {
            let Some(subject) = closed.iter().find(|subject| is_same(subject, &canonical(&attached), above)) else { continue };
            take(reader, &EFFECTIVE_POLICIES, subject, policy.clone());
            found.0.extend(serde_json::from_str(&policy));
            found.1.push(subject.clone());
        }
        return found;
    }
    found
}

/// The lowest resource of the path that the inventory knows.
fn lowest(resource: &FullName, above: &Above) -> Option<FullName> {
    let holder = resource.containers().into_iter().find(|container| container.holds_policy() == Some(true) && !is_folder(container));
    holder.or_else(|| above.nodes.first().cloned()).map(|name| above.by_number(&name).filter(FullName::is_node).unwrap_or(name))
}

fn is_folder(name: &FullName) -> bool {
    name.path.contains("/managedFolders/")
}

/// `//storage.googleapis.com/B`
fn asset_name(name: &FullName) -> String {
    let bucket = name.path.strip_prefix("projects/_/buckets/").filter(|_| name.service == STORAGE);
    bucket.map_or_else(|| name.to_string(), |bucket| format!("//{STORAGE}/{bucket}"))
}

/// Do both name the same? Projects go by id here and by number there.
fn is_same(subject: &str, attached: &str, above: &Above) -> bool {
    let numbered = |name: &str| {
        let (service, path) = name.strip_prefix("//")?.split_once('/')?;
        above.by_number(&FullName::new(service, path))
    };
    subject == attached || numbered(subject).is_some_and(|one| Some(one) == numbered(attached))
}

/// The policies as they were written, each with the resource that it is attached to.
fn attached(text: &str) -> Vec<(String, String)> {
    let results = serde_json::from_str::<Effective<'_>>(text).map(|answer| answer.results).unwrap_or_default();
    let policies = results.into_iter().flat_map(|result| result.policies);
    policies.filter_map(|info| Some((info.attached, info.policy?.get().to_owned()))).collect()
}

#[derive(serde::Deserialize)]
struct Effective<'t> {
    #[serde(borrow, default, rename = "policyResults")]
    results: Vec<OfResource<'t>>,
}

#[derive(serde::Deserialize)]
struct OfResource<'t> {
    #[serde(borrow, default)]
    policies: Vec<Attached<'t>>,
}

#[derive(serde::Deserialize)]
struct Attached<'t> {
    #[serde(default, rename = "attachedResource")]
    attached: String,
    #[serde(borrow, default)]
    policy: Option<&'t RawValue>,
}

fn take(reader: &Reader<'_>, step: &Step, subject: &str, policy: String) {
    reader.document(step, subject, &format!("allow policy of {subject}, {NOTE}"), policy);
    reader.note(ALLOW_POLICY, subject, Outcome::Found);
}

/// One page of all allow policies in a scope: those that `wanted` asks for are taken. Returns the policies.
pub(super) fn page(reader: &Reader<'_>, text: &str, wanted: impl Fn(&str) -> bool) -> Vec<Value> {
    let listed: Option<Vec<Asset<'_>>> = serde_json::from_str::<Page<'_>>(text).ok().map(|page| page.assets);
    let mut policies = Vec::new();
    for asset in listed.unwrap_or_default() {
        let subject = canonical(&asset.name);
        let Some(policy) = asset.policy.filter(|_| wanted(&subject)) else { continue };
        policies.extend(serde_json::from_str(policy.get()));
        take(reader, &LIST_ASSETS, &subject, policy.get().to_owned());
    }
    policies
}

#[derive(serde::Deserialize)]
struct Page<'t> {
    #[serde(borrow, default)]
    assets: Vec<Asset<'t>>,
}

#[derive(serde::Deserialize)]
struct Asset<'t> {
    name: String,
    #[serde(borrow, default, rename = "iamPolicy")]
    policy: Option<&'t RawValue>,
}

/// Is it of a kind whose policies are read one by one?
pub(super) fn is_read_itself(subject: &str) -> bool {
    let kinds = ["//cloudresourcemanager.googleapis.com/", "//storage.googleapis.com/projects/_/buckets/"];
    kinds.iter().any(|kind| subject.starts_with(kind)) || subject.contains("/serviceAccounts/")
}

/// The call for all allow policies in a scope.
pub(super) fn all_in(scope: &FullName) -> Call {
    Call::get(format!("/v1/{}/assets", parts(&scope.path))).with("contentType", "IAM_POLICY").with("pageSize", "1000")
}

/// What was found here and could not be read itself, in one sentence.
pub(super) fn told(found: &[String]) -> Option<String> {
    let names: BTreeSet<&str> = found.iter().map(|name| name.trim_start_matches("//cloudresourcemanager.googleapis.com/")).collect();
    (!names.is_empty()).then(|| {
        let names = names.into_iter().collect::<Vec<_>>().join(", ");
        format!("the allow policy of {names} may not be read itself: it is taken {NOTE}")
    })
}
