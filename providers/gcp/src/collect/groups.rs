//! Groups, which Cloud Identity keeps: those that somebody is in, else the members of those that policies name.
//!
//! cloud.google.com/identity/docs/reference/rest/v1: groups.memberships.searchTransitiveGroups, groups.lookup, groups.memberships.list.

use super::outcome::Failure;
use super::reader::Reader;
use super::step::{LIST_MEMBERS, LOOKUP_GROUP, SEARCH_GROUPS, Step};
use super::wire::{Call, parts};
use crate::documents::{GROUP_MEMBERS, GROUPS_OF};
use crate::membership::is_searched;
use futures_util::future::join_all;
use iam_why_contract::Outcome;
use serde_json::Value;
use std::collections::BTreeSet;

/// So many groups are read for one question, or for one part of an account.
const MOST: usize = 100;

/// How deep groups are followed into groups.
const DEEPEST: usize = 12;

/// Reads the groups of `email`, nested ones too; `None` where that is refused, or not possible with this edition of Workspace.
///
/// Every group that a policy can name carries the label of the query: groups for security, dynamic and locked ones carry it besides
/// their own. Who may not see all of the groups is refused ("Actor must have view permissions all transitive groups").
pub(super) async fn of(reader: &Reader<'_>, email: &str) -> Option<BTreeSet<String>> {
    if email.contains(['\'', '\\']) {
        reader.note(GROUPS_OF, email, Outcome::NotTried { why: "its address cannot stand in a query".into() });
        return None;
    }
    let query = format!("member_key_id == '{email}' && 'cloudidentity.googleapis.com/groups.discussion_forum' in labels");
    let call = Call::get("/v1/groups/-/memberships:searchTransitiveGroups".into()).with("query", query).with("pageSize", "1000");
    match reader.list(&SEARCH_GROUPS, email, &call, "memberships").await {
        Ok(memberships) => {
            let text = format!("{{\"memberships\": [{}]}}", memberships.join(", "));
            reader.document(&SEARCH_GROUPS, email, &format!("groups of {email}"), text);
            reader.note(GROUPS_OF, email, Outcome::Found);
            Some(memberships.iter().filter_map(|text| key(text, "groupKey")).collect())
        }
        Err(failure) => {
            reader.failed(&SEARCH_GROUPS, email, &failure);
            None
        }
    }
}

/// Reads the members of those groups of which the search does not tell whether they hold `email`: of all where there was none, else of
/// those that belong to other organizations than `domains`.
pub(super) async fn unsearched(
    reader: &Reader<'_>,
    email: &str,
    listed: Option<&BTreeSet<String>>,
    named: BTreeSet<String>,
    domains: &[String],
) {
    let open = |group: &String| listed.is_none_or(|listed| !listed.contains(group) && !is_searched(group, email, domains));
    members(reader, named.into_iter().filter(open).collect()).await;
}

/// Reads the members of these groups, and of the groups among them.
pub(super) async fn members(reader: &Reader<'_>, groups: BTreeSet<String>) {
    let mut left = MOST;
    let mut next = groups;
    for _ in 0..DEEPEST {
        let level: Vec<String> = next.into_iter().filter(|group| reader.is_new(&format!("group:{group}"))).collect();
        let (now, later) = level.split_at(level.len().min(left));
        for group in later {
            let why = format!("more than {MOST} groups are named");
            reader.note(GROUP_MEMBERS, group, Outcome::NotTried { why });
        }
        left -= now.len();
        let nested = join_all(now.iter().map(|group| one(reader, group))).await;
        next = nested.into_iter().flatten().collect();
        if next.is_empty() {
            return;
        }
    }
    next.iter().for_each(|group| reader.note(GROUP_MEMBERS, group, Outcome::NotTried { why: "groups are nested too deep".into() }));
}

/// Reads the members of one group; returns the groups among them.
async fn one(reader: &Reader<'_>, group: &str) -> BTreeSet<String> {
    match listed(reader, group).await {
        Ok(memberships) => {
            let text = format!("{{\"memberships\": [{}]}}", memberships.join(", "));
            reader.document(&LIST_MEMBERS, group, &format!("members of {group}"), text);
            reader.note(GROUP_MEMBERS, group, Outcome::Found);
            memberships.iter().filter(|text| is_group(text)).filter_map(|text| key(text, "preferredMemberKey")).collect()
        }
        Err((step, failure)) => {
            reader.failed(step, group, &failure);
            BTreeSet::new()
        }
    }
}

async fn listed(reader: &Reader<'_>, group: &str) -> Result<Vec<String>, (&'static Step, Failure)> {
    let lookup = Call::get("/v1/groups:lookup".into()).with("groupKey.id", group);
    let (_, value) = reader.ask(&LOOKUP_GROUP, group, &lookup).await.map_err(|failure| (&LOOKUP_GROUP, failure))?;
    let name = value.get("name").and_then(Value::as_str).filter(|name| name.starts_with("groups/"));
    let name = name.ok_or_else(|| (&LOOKUP_GROUP, Failure::Malformed("the answer has no `name` of a group".into())))?;
    // Only the full view says which members are groups.
    let call = Call::get(format!("/v1/{}/memberships", parts(name))).with("view", "FULL").with("pageSize", "500");
    reader.list(&LIST_MEMBERS, group, &call, "memberships").await.map_err(|failure| (&LIST_MEMBERS, failure))
}

fn is_group(text: &str) -> bool {
    serde_json::from_str::<Value>(text).is_ok_and(|value| value.get("type").and_then(Value::as_str) == Some("GROUP"))
}

/// The address in a key, in small letters.
fn key(text: &str, name: &str) -> Option<String> {
    serde_json::from_str::<Value>(text).ok()?.get(name)?.get("id")?.as_str().map(str::to_ascii_lowercase)
}
