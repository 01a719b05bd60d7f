//! Cloud Asset Inventory: one door to the allow policies of a path, or of everything in a scope.
//!
//! cloud.google.com/asset-inventory/docs/reference/rest/v1: effectiveIamPolicies.batchGet, assets.list, searchAllIamPolicies.
//!
//! How old may it be? Almost all updates are there within minutes, some may be missed, and it is not made for what has to be seen at once
//! (cloud.google.com/asset-inventory/docs/asset-types, …/docs/best-practice). What follows from that:
//!
//! - A question is asked in an incident, often about what was granted a minute ago, and the policies on its path are a handful of calls.
//!   They are read themselves; the inventory is asked where one of them may not be read, and at once with the others where that is known
//!   by then. It would save calls, and could answer with the grant of yesterday.
//! - A whole account is read to ask many questions of it later, and has as many policies as resources. The inventory is its first door:
//!   what it tells of is not asked for one by one, what it does not tell of is read itself where that can be done.
//! - Projects, folders and the organization decide about everything below them and are few: they are read themselves. So are service
//!   accounts: what IAM tells the inventory may be up to seven days late (asset-types, Identity and Access Management v1), which is too
//!   old to stand in for anything.
//! - What it leaves out is not taken to be absent.
//! - A policy that was read itself counts, whatever the inventory has; and an answer that looked at one of the inventory says so.

use super::outcome::Failure;
use super::reader::Reader;
use super::resource_manager::{Above, POLICY};
use super::step::{EFFECTIVE_POLICIES, LIST_ASSETS, SEARCH_POLICIES, Step};
use super::wire::{Call, parts};
use crate::documents::{ALLOW_POLICY, canonical};
use crate::language::resources::{FullName, MANAGER, STORAGE};
use iam_why_contract::Outcome;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// What is said of policies that came through this door.
const NOTE: &str = "as Cloud Asset Inventory has it, which may be minutes old";

/// Asks for the policies on the path where it is known already that one of them may not be read.
pub(super) async fn early(reader: &Reader<'_>, resource: &FullName, above: &Above) -> Option<String> {
    if reader.closed().is_empty() { None } else { Some(ask(reader, resource, above).await) }
}

/// Takes the allow policies on the path that could not be read themselves: from the answer that is there, else from one that is asked
/// for now.
pub(super) async fn instead(reader: &Reader<'_>, resource: &FullName, above: &Above, answer: Option<String>) -> Vec<Value> {
    let closed = reader.closed();
    if closed.is_empty() {
        return Vec::new();
    }
    let answer = match answer {
        Some(answer) => answer,
        None => ask(reader, resource, above).await,
    };
    let stands_in = |(attached, policy): (String, String)| {
        let subject = closed.iter().find(|subject| is_same(subject, &canonical(&attached), above) && !is_account(subject))?;
        take(reader, &EFFECTIVE_POLICIES, subject, policy)
    };
    attached(&answer).into_iter().filter_map(stands_in).collect()
}

/// What the inventory answers; nothing where it does not. Its own refusal adds nothing to what the policies themselves already said.
async fn ask(reader: &Reader<'_>, resource: &FullName, above: &Above) -> String {
    let Some(named) = lowest(resource, above) else { return String::new() };
    for scope in [above.top(), above.project()].into_iter().flatten() {
        let call = Call::get(format!("/v1/{}/effectiveIamPolicies:batchGet", parts(&scope.path))).with("names", asset_name(&named));
        if let Ok((text, _)) = reader.ask(&EFFECTIVE_POLICIES, &named.to_string(), &call).await {
            return text;
        }
    }
    String::new()
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

/// Hands in a policy that stands in for one that was not read itself.
fn take(reader: &Reader<'_>, step: &Step, subject: &str, policy: String) -> Option<Value> {
    let value: Value = serde_json::from_str(&policy).ok().filter(is_policy)?;
    reader.document(step, subject, &format!("allow policy of {subject}, {NOTE}"), policy);
    reader.note(ALLOW_POLICY, subject, Outcome::Found);
    reader.stood_in(subject);
    Some(value)
}

/// One without bindings is an `etag` and nothing else; what is neither says nothing.
fn is_policy(value: &Value) -> bool {
    POLICY.iter().any(|name| value.get(name).is_some())
}

/// No more text than this is held for what has yet to be listed; what exceeds it is read itself.
const MOST_HELD: usize = 64 * 1024 * 1024;

/// The policies of what is listed later and of what is read itself, as the inventory has them.
#[derive(Debug, Default)]
pub(super) struct Inventory {
    policies: BTreeMap<String, (&'static Step, String)>,
    size: usize,
}

impl Inventory {
    /// Hands in what the inventory has under one of these names, as the policy of the first of them.
    pub(super) fn take(&self, reader: &Reader<'_>, names: &[String]) -> Option<Value> {
        let (step, policy) = names.iter().find_map(|name| self.policies.get(name))?;
        take(reader, step, names.first()?, policy.clone())
    }

    fn hold(&mut self, subject: String, step: &'static Step, policy: &str) {
        if self.size + policy.len() <= MOST_HELD {
            self.size += policy.len();
            self.policies.insert(subject, (step, policy.to_owned()));
        }
    }
}

/// What one page of all allow policies in a scope tells: of buckets and nodes it is held, of other resources it is handed in where `new`.
/// Returns the policies that were handed in.
pub(super) fn page(reader: &Reader<'_>, step: &'static Step, text: &str, new: bool, held: &mut Inventory) -> Result<Vec<Value>, Failure> {
    let page: Page<'_> = serde_json::from_str(text).map_err(|error| Failure::Malformed(format!("no page of {}: {error}", step.call)))?;
    let mut policies = Vec::new();
    for asset in page.assets {
        let subject = canonical(&asset.name);
        let Some(policy) = asset.policy.filter(|_| !is_account(&subject)) else { continue };
        if is_listed(&subject) {
            held.hold(subject, step, policy.get());
        } else if new {
            policies.extend(take(reader, step, &subject, policy.get().to_owned()));
        }
    }
    Ok(policies)
}

/// The listing calls it `assets[].{name, iamPolicy}`, the search `results[].{resource, policy}`.
#[derive(serde::Deserialize)]
struct Page<'t> {
    #[serde(borrow, default, alias = "results")]
    assets: Vec<Asset<'t>>,
}

#[derive(serde::Deserialize)]
struct Asset<'t> {
    #[serde(alias = "resource")]
    name: String,
    #[serde(borrow, default, rename = "iamPolicy", alias = "policy")]
    policy: Option<&'t RawValue>,
}

/// Is it of a kind that a whole account lists itself?
fn is_listed(subject: &str) -> bool {
    [MANAGER, STORAGE].iter().any(|service| subject.strip_prefix("//").and_then(|rest| rest.strip_prefix(service)).is_some())
}

fn is_account(subject: &str) -> bool {
    subject.contains("/serviceAccounts/")
}

/// What the user is told of what came through here.
pub(super) fn told(reader: &Reader<'_>) -> Option<String> {
    let found = reader.stand_ins();
    (found > 0).then(|| {
        format!(
            "allow policies that came through the one door of Cloud Asset Inventory, and may be minutes old: {found}; those of projects, \
             folders, the organization and service accounts were read themselves where that is allowed"
        )
    })
}

/// What the user is told where no door is open.
pub(super) fn closed(said: &str) -> String {
    format!(
        "Cloud Asset Inventory cannot be read ({said}): buckets are asked one by one, and of resources that have no list here no allow \
         policies are read"
    )
}

/// The doors to all allow policies in a scope, each with its call: who may not list may be allowed to search. Without a query a search
/// tells the whole of every policy (`IamPolicySearchResult.policy`).
pub(super) fn doors(scope: &FullName) -> [(&'static Step, Call); 2] {
    [(&LIST_ASSETS, all_in(scope)), (&SEARCH_POLICIES, search_in(scope))]
}

/// The call for all allow policies in a scope.
pub(super) fn all_in(scope: &FullName) -> Call {
    Call::get(format!("/v1/{}/assets", parts(&scope.path))).with("contentType", "IAM_POLICY").with("pageSize", "1000")
}

/// The call that searches for all of them.
pub(super) fn search_in(scope: &FullName) -> Call {
    Call::get(format!("/v1/{}:searchAllIamPolicies", parts(&scope.path))).with("pageSize", "500")
}
