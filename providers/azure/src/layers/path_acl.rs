//! Hierarchical storage: where no role grants, the access control lists of the path may (X-16: "Access control model in Azure Data Lake
//! Storage"). They can only add. An account with a hierarchical namespace whose lists were not read proves no denial.

use crate::documents;
use crate::language::condition::{Attribute, Source};
use crate::layers::{Asked, Fact, Look, statement};
use crate::scope::Scope;
use crate::world::{Body, PrincipalType, id_key, value};
use iam_why_contract::{Document, Effect, Lookup, Place, Recorder, Test, Truth};
use serde_json::Value;

/// The id of the layer.
pub(crate) const ID: &str = "hns_acl";

const BLOBS: &str = "microsoft.storage/storageaccounts/blobservices/containers/blobs/";

/// Do the lists of the path grant?
pub(crate) fn look<R: Recorder>(asked: &Asked<'_>) -> Look {
    let unbound = Look::unbound(ID, Effect::Allow);
    if !asked.access.action.to_ascii_lowercase().starts_with(BLOBS) {
        return unbound;
    }
    let Some(account) = asked.resource("Microsoft.Storage/storageAccounts") else { return unbound };
    match asked.fact(documents::STORAGE_ACCOUNT, account.text()) {
        Fact::Absent => unbound,
        Fact::NotRead => Look::new(ID, Effect::Allow, asked.unread(documents::STORAGE_ACCOUNT, account.text(), "access control lists")),
        Fact::Read(_, value) => match Body::new(&value).get("isHnsEnabled").and_then(Value::as_bool) {
            Some(true) => lists::<R>(asked, &account),
            _ => unbound,
        },
    }
}

fn lists<R: Recorder>(asked: &Asked<'_>, account: &Scope) -> Look {
    let open = |asked: &Asked<'_>| {
        let about = "what the access control lists of the path grant: container, path or the right that is needed is not known";
        asked.ask("path acl", about, "the URL of the blob, and the access control lists of its path")
    };
    let Some(container) = asked.scope.as_ref().filter(|scope| *scope != account).map(|scope| scope.text().to_owned()) else {
        return Look::new(ID, Effect::Allow, open(asked));
    };
    let (needed, whole) = needed(asked);
    let mut look = Look::new(ID, Effect::Allow, Truth::Yes);
    for (path, right) in needed {
        let subject = format!("{container}//{path}");
        let document = asked.world.document(documents::PATH_ACL, &subject);
        let read = document.and_then(|document| Some((document, value(document)?)));
        let truth = match &read {
            Some((_, value)) => grants(asked, value, right),
            None => asked.unread(documents::PATH_ACL, &subject, "grants"),
        };
        look.truth = look.truth.and(truth);
        if let Some((document, value)) = read.filter(|_| R::KEEPS) {
            look = look.shown(step(document, &value, &path, right, truth));
        }
    }
    if !whole {
        look.truth = look.truth.and(open(asked));
    }
    look
}

fn step(document: &Document, value: &Value, path: &str, right: char, truth: Truth) -> iam_why_contract::Statement {
    let place = Place::new(document.id.to_string(), "").member("acl");
    let got = value.get("acl").and_then(Value::as_str).unwrap_or_default();
    let test = Test::new(place.clone(), "access control list", format!("{right} on /{path}"), got, truth);
    statement(place, &document.title, Effect::Allow, truth, vec![test])
}

/// Execute on every directory above, and read on the item itself; and whether that is all it takes. Of writing and deleting only the
/// directories above are looked at.
fn needed(asked: &Asked<'_>) -> (Vec<(String, char)>, bool) {
    let name = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs:path";
    let mut all = vec![(String::new(), 'x')];
    let Lookup::Known([path]) = asked.request.attributes.get(&Attribute::new(Source::Resource, name)) else { return (all, false) };
    all.extend(path.match_indices('/').filter_map(|(index, _)| path.get(..index)).map(|above| (above.to_owned(), 'x')));
    let reads = asked.access.action.to_ascii_lowercase().strip_prefix(BLOBS) == Some("read");
    if reads {
        all.push((path.clone(), 'r'));
    }
    (all, reads)
}

/// The POSIX check: owner, named users (masked), groups (masked), others; the first that speaks of the caller decides.
fn grants(asked: &Asked<'_>, value: &Value, right: char) -> Truth {
    let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
    let entries: Vec<(&str, String, &str)> = text("acl").split(',').filter_map(entry).collect();
    let bits = |kind: &str| entries.iter().find(|(other, id, _)| *other == kind && id.is_empty()).map_or("", |(_, _, bits)| *bits);
    let mask = entries.iter().find(|(kind, _, _)| *kind == "mask").map(|(_, _, bits)| *bits);
    let masked = |bits: &str| Truth::from(bits.contains(right) && mask.is_none_or(|mask| mask.contains(right)));
    let Some(own) = &asked.caller.id else { return asked.is("", PrincipalType::NotSaid) };
    if id_key(text("owner")) == *own {
        return Truth::from(bits("user").contains(right));
    }
    if let Some((_, _, bits)) = entries.iter().find(|(kind, id, _)| *kind == "user" && id == own) {
        return masked(bits);
    }
    let group = |id: &str, bits: &str| {
        let member = asked.is(&id_key(id), PrincipalType::Group);
        (member, masked(bits))
    };
    let mut groups: Vec<(Truth, Truth)> = vec![group(text("group"), bits("group"))];
    groups.extend(entries.iter().filter(|(kind, id, _)| *kind == "group" && !id.is_empty()).map(|(_, id, bits)| group(id, bits)));
    let granted = Truth::any(groups.iter().map(|(member, holds)| member.and(*holds)));
    let in_any = Truth::any(groups.iter().map(|(member, _)| *member));
    // Others decide only where no group does.
    granted.or((!in_any).and(Truth::from(bits("other").contains(right))))
}

fn entry(text: &str) -> Option<(&str, String, &str)> {
    let mut parts = text.trim().split(':');
    let (kind, id, bits) = (parts.next()?, parts.next()?, parts.next()?);
    // Default entries are for what will be created below.
    (kind != "default").then(|| (kind, if id.is_empty() { String::new() } else { id_key(id) }, bits))
}
