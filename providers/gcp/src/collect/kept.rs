//! Deny policies that an earlier run read.
//!
//! One call is needed for the rules of each, and those calls are limited to about five a minute (F61, F62). Which policies there are is
//! asked by every run, and the list leaves out nothing but the rules ("The response lists only policy metadata. In particular, policy
//! rules are omitted": cloud.google.com/iam/docs/reference/rest/v2/policies/listPolicies). A kept policy is taken only where all that the
//! list says of it is what it says of itself, word for word, among it what tells policies and their versions apart: the `uid`, which a
//! policy that is deleted and made anew does not share with its namesake, and the `etag` or the time of the last update. So a policy
//! that changed is read anew, however short ago it was kept; and one that says too little of itself is never kept.
//!
//! Whether a list may lag behind what it lists is not documented; where it did, the call for the policy itself would be no surer.

use super::reader::Reader;
use super::wire::Wire;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::time::SystemTime;

#[derive(Serialize, Deserialize)]
struct Kept<'t> {
    /// RFC 3339
    read_at: String,
    #[serde(borrow)]
    policy: &'t RawValue,
}

/// The text of a policy that is the one of this name in a list, as it was read in an earlier run, and when that was.
pub(super) fn unchanged(reader: &Reader<'_>, listed: &str) -> Option<(String, DateTime<Utc>)> {
    let listed: Map<String, Value> = serde_json::from_str(listed).ok()?;
    let text = reader.cache()?.get(&key(&reader.wire, name(&listed)?))?;
    let kept: Kept<'_> = serde_json::from_str(&text).ok()?;
    let policy: Map<String, Value> = serde_json::from_str(kept.policy.get()).ok()?;
    let read_at = DateTime::parse_from_rfc3339(&kept.read_at).ok()?.to_utc();
    let same = tells_versions_apart(&listed) && listed.iter().all(|(name, value)| policy.get(name) == Some(value));
    let usable = same && policy.get("rules").is_some_and(Value::is_array) && read_at <= now();
    usable.then(|| (reader.secrets().without(kept.policy.get()), read_at))
}

/// Keeps a policy that was just read for the runs to come.
pub(super) fn keep(reader: &Reader<'_>, text: &str) {
    let Some((cache, policy)) = reader.cache().zip(serde_json::from_str::<Map<String, Value>>(text).ok()) else { return };
    let Some(name) = name(&policy).filter(|_| tells_versions_apart(&policy)) else { return };
    let read_at = shown(now());
    let kept = serde_json::from_str(text).ok().and_then(|policy| serde_json::to_string(&Kept { read_at, policy }).ok());
    if let Some(kept) = kept {
        cache.put(&key(&reader.wire, name), &kept);
    }
}

/// What the user is told of policies that were not read in this run; `read_at` is when they were.
pub(super) fn told(read_at: &[DateTime<Utc>]) -> Option<String> {
    let first = shown(*read_at.iter().min()?);
    Some(match read_at.len() {
        1 => {
            format!("1 deny policy is unchanged since it was read at {first}: its rules are those of that run (--no-cache reads them anew)")
        }
        many => format!(
            "{many} deny policies are unchanged since they were read, the first at {first}: their rules are those of that run \
             (--no-cache reads them anew)"
        ),
    })
}

fn tells_versions_apart(policy: &Map<String, Value>) -> bool {
    let says = |name: &str| policy.get(name).and_then(Value::as_str).is_some_and(|value| !value.is_empty());
    says("uid") && (says("etag") || says("updateTime"))
}

fn name(policy: &Map<String, Value>) -> Option<&str> {
    policy.get("name").and_then(Value::as_str)
}

/// A server that stands in for Google Cloud has policies of its own.
fn key(wire: &Wire, policy: &str) -> String {
    format!("gcp deny policy {} {policy}", wire.endpoint.as_deref().unwrap_or("https://iam.googleapis.com"))
}

fn now() -> DateTime<Utc> {
    SystemTime::now().into()
}

fn shown(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Secs, true)
}
