//! Microsoft Graph beyond a single principal: in which groups somebody is, who is in a group, and what ids are called.

use super::assignments::Named;
use super::connection::Service;
use super::outcome::Failure;
use super::principal::{Resolved, Sort, title};
use super::reader::Reader;
use super::step;
use crate::world::{dashed, guid, id_key};
use iam_why_contract::Outcome;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The largest page that Graph gives of memberships.
const PAGE: &str = "999";

/// So many ids are looked up in one call ("directoryObject: getByIds").
pub(super) const IDS: usize = 1000;

/// The groups of the principal, nested ones included. Where Graph refuses, the groups whose assignments the filter `assignedTo` gave
/// are groups of the principal all the same; of the others nothing is known then.
pub(super) async fn member_of(reader: &Reader<'_>, principal: &Resolved, named: &Named) {
    let (step, id) = (&step::MEMBER_OF, principal.id.as_str());
    reader.expect(step, id);
    let known: Vec<Value> = named.confirmed.iter().filter(|group| id_key(group) != id_key(id)).map(|group| json!({"id": group})).collect();
    match groups_of(reader, id, principal.sort).await {
        // The two are copies of one directory and may differ for minutes: who is in a group by either is in it.
        Ok(mut groups) => {
            groups.extend(known.into_iter().filter(|one| !groups.contains(one)).collect::<Vec<_>>());
            let listed: BTreeSet<String> = groups.iter().filter_map(|one| one.get("id")?.as_str()).map(id_key).collect();
            let others = named.groups.iter().filter(|group| !listed.contains(&id_key(group))).cloned().collect();
            reader.document(step, id, &format!("groups of {id}"), &json!({"value": groups}));
            let outcome = if any_hidden(reader, &others).await { hidden() } else { Outcome::Found };
            reader.note(step, id, outcome);
        }
        Err(failure) => {
            if !known.is_empty() {
                let title = format!("groups of {id}, as far as its role assignments show");
                reader.document(step, id, &title, &json!({"value": known}));
            }
            reader.unlisted(step, id, &failure);
        }
    }
}

/// `transitiveMemberOf` is there for each kind of object, not for objects of any kind.
async fn groups_of(reader: &Reader<'_>, id: &str, sort: Sort) -> Result<Vec<Value>, Failure> {
    let collections: &[&str] = match sort {
        Sort::User => &["users"],
        Sort::Application => &["servicePrincipals"],
        Sort::Group => &["groups"],
        // Somebody of another tenant, whose groups are in the directory of that one.
        Sort::Nobody => return Err(Failure::Elsewhere(format!("the directory of this tenant does not have {id}"))),
        Sort::NotKnown => &["servicePrincipals", "users"],
    };
    let query = [("$select", "id".to_owned()), ("$top", PAGE.to_owned())];
    let mut refused = None;
    for collection in collections {
        let path = format!("/v1.0/{collection}/{id}/transitiveMemberOf");
        match reader.pages(&step::MEMBER_OF, Service::Graph, &path, &query).await {
            Ok(groups) => return Ok(groups),
            Err(failure) => refused = Some(failure),
        }
    }
    Err(refused.unwrap_or_else(|| Failure::Unseen("no kind of object was asked for".into())))
}

/// Everybody in a group, through nested groups too. Says whether it was read.
pub(super) async fn members(reader: &Reader<'_>, group: &str) -> bool {
    let step = &step::GROUP_MEMBERS;
    let path = format!("/v1.0/groups/{group}/transitiveMembers");
    let select = |members: &str| [("$select", members.to_owned()), ("$top", PAGE.to_owned())];
    let named_too = reader.pages(step, Service::Graph, &path, &select("id,displayName,userPrincipalName,appId")).await;
    let answer = match named_too {
        // Members are of several kinds; whether Graph takes the members of each for all of them is not documented. Their ids it does.
        Err(failure) if failure.is_bad_request() => reader.pages(step, Service::Graph, &path, &select("id")).await,
        answer => answer,
    };
    match answer {
        // "To list the members of a hidden membership group, the Member.Read.Hidden permission is required": without it there are none.
        Ok(members) if members.is_empty() && is_hidden(reader, group).await => {
            reader.note(step, group, hidden());
            false
        }
        Ok(members) => {
            // Everybody in nested groups is in the list already, so the nested groups themselves need no looking into.
            let is_group = |one: &Value| one.get("@odata.type").and_then(Value::as_str) == Some("#microsoft.graph.group");
            let people: Vec<Value> = members.into_iter().filter(|one| !is_group(one)).collect();
            people.iter().for_each(|one| named(reader, one));
            let ids: Vec<Value> = people.iter().map(|one| json!({"id": one.get("id"), "@odata.type": one.get("@odata.type")})).collect();
            reader.found(step, group, &format!("members of the group {group}, nested ones included"), &json!(ids));
            true
        }
        // A group that was deleted has no members; its assignments stay behind.
        Err(failure) => {
            reader.failed(step, group, &failure);
            failure.is_absent()
        }
    }
}

/// A group of another tenant has its members there.
pub(super) fn foreign(reader: &Reader<'_>, group: &str) {
    let failure = Failure::Elsewhere(format!("the group {group} is of another tenant"));
    reader.failed(&step::GROUP_MEMBERS, group, &failure);
}

/// A group with hidden members shows itself to its members no more than to others. Graph says which groups are such to whoever may read
/// their properties; to others it shows none as such.
async fn any_hidden(reader: &Reader<'_>, groups: &BTreeSet<String>) -> bool {
    if groups.is_empty() {
        return false;
    }
    let ids: Vec<&String> = groups.iter().take(IDS).collect();
    let answer = reader.post(&step::OBJECTS, Service::Graph, ("/v1.0/directoryObjects/getByIds", &[]), &json!({"ids": ids})).await;
    let answer = answer.unwrap_or_default();
    answer.get("value").and_then(Value::as_array).into_iter().flatten().any(hides)
}

fn hides(group: &Value) -> bool {
    group.get("visibility").and_then(Value::as_str).is_some_and(|said| said.eq_ignore_ascii_case("HiddenMembership"))
}

fn hidden() -> Outcome {
    Outcome::Refused { needs: "Graph Member.Read.Hidden".into(), said: "a group hides its members, or shows none".into() }
}

/// Unless the group says that it is not.
async fn is_hidden(reader: &Reader<'_>, group: &str) -> bool {
    let query = [("$select", "id,visibility".to_owned())];
    match reader.graph(&step::GROUP, &format!("/v1.0/groups/{group}"), &query).await {
        Ok(object) => hides(&object),
        Err(_) => true,
    }
}

/// What the ids are: those of groups, and of others. `None` where it could not be read.
pub(super) async fn sorted(reader: &Reader<'_>, ids: &BTreeSet<String>) -> Option<BTreeSet<String>> {
    let mut groups = BTreeSet::new();
    let all: Vec<&String> = ids.iter().filter(|id| guid(id).is_some()).collect();
    for ids in all.chunks(IDS) {
        let answer = reader.post(&step::OBJECTS, Service::Graph, ("/v1.0/directoryObjects/getByIds", &[]), &json!({"ids": ids})).await;
        let answer = answer.ok()?;
        let objects = answer.get("value").and_then(Value::as_array)?;
        for object in objects {
            named(reader, object);
            let is_group = object.get("@odata.type").and_then(Value::as_str) == Some("#microsoft.graph.group");
            groups.extend(object.get("id").and_then(Value::as_str).filter(|_| is_group).map(str::to_owned));
        }
    }
    Some(groups)
}

/// Hands in what an object is called, so that a question can name it. One that came without its properties says nothing.
fn named(reader: &Reader<'_>, object: &Value) {
    let Some(id) = object.get("id").and_then(Value::as_str).and_then(guid).map(|digits| dashed(&digits)) else { return };
    if title(object, &id) != id {
        reader.found(&step::OBJECT, &id, &title(object, &id), &shown(object));
    }
}

/// What a question may need of an object; the rest is nobody's business.
pub(super) fn shown(object: &Value) -> Value {
    const KEPT: &[&str] = &[
        "@odata.type",
        "id",
        "appId",
        "displayName",
        "userPrincipalName",
        "mail",
        "servicePrincipalType",
        "alternativeNames",
        "securityEnabled",
    ];
    let kept = object.as_object().into_iter().flatten().filter(|(name, value)| KEPT.contains(&name.as_str()) && !value.is_null());
    Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect())
}

/// The same object, which says what it is: a list of one kind does not.
pub(super) fn typed(object: &Value, sort: Sort) -> Value {
    let mut object = object.clone();
    let kind = match sort {
        Sort::User => "#microsoft.graph.user",
        Sort::Application => "#microsoft.graph.servicePrincipal",
        Sort::Group => "#microsoft.graph.group",
        Sort::Nobody | Sort::NotKnown => return object,
    };
    if let Some(members) = object.as_object_mut() {
        members.entry("@odata.type").or_insert_with(|| json!(kind));
    }
    object
}
