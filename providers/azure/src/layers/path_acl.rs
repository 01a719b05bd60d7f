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
    let mut look = Look::new(ID, Effect::Allow, Truth::Yes);
    let mut check = |right: &Right| -> Truth {
        let subject = format!("{container}//{}", right.path);
        let read = asked.world.document(documents::PATH_ACL, &subject).and_then(|document| Some((document, value(document)?)));
        let Some((document, value)) = read else { return asked.unread(documents::PATH_ACL, &subject, "grants") };
        let truth = Truth::all(right.bits.chars().map(|bit| grants(asked, &value, bit)));
        if R::KEEPS {
            look.documents.push(document.id.to_string());
            look.statements.push(step(document, &value, right, truth));
        }
        truth
    };
    let above = Truth::all(directories(asked).iter().map(&mut check).collect::<Vec<_>>());
    let item = match needed(asked) {
        Needed::NotKnown => open(asked),
        Needed::Removal(parent) => {
            let held = check(&parent);
            if held.is_yes() && !spares(asked, &format!("{container}//{}", parent.path)) { open(asked) } else { held }
        }
        Needed::All(right) => check(&right),
        Needed::Either(one, other) => either(asked, check(&one), check(&other)),
    };
    look.truth = above.and(item);
    look
}

/// Writing takes one right where the item is there already, and another where it is new.
fn either(asked: &Asked<'_>, there: Truth, new: Truth) -> Truth {
    if there == new {
        return there;
    }
    match asked.ask("path is there", "whether the item exists already: writing it and making it take different rights", "the path") {
        Truth::Yes => there,
        Truth::No => new,
        Truth::Unknown => Truth::Unknown,
    }
}

/// Rights on one path.
struct Right {
    path: String,
    bits: &'static str,
}

/// What the item itself takes.
enum Needed {
    /// This.
    All(Right),
    /// The first where the item exists, the second where it does not.
    Either(Right, Right),
    /// This on the directory, unless a sticky bit there keeps all but owners from removing what is in it.
    Removal(Right),
    /// Not documented, or the path is not known.
    NotKnown,
}

fn step(document: &Document, value: &Value, right: &Right, truth: Truth) -> iam_why_contract::Statement {
    let place = Place::new(document.id.to_string(), "").member("acl");
    let got = value.get("acl").and_then(Value::as_str).unwrap_or_default();
    let test = Test::new(place.clone(), "access control list", format!("{} on /{}", right.bits, right.path), got, truth);
    statement(place, &document.title, Effect::Allow, truth, vec![test])
}

/// The path, if it is known.
fn path<'a>(asked: &'a Asked<'_>) -> Option<&'a str> {
    let name = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs:path";
    match asked.request.attributes.get(&Attribute::new(Source::Resource, name)) {
        Lookup::Known([path]) => Some(path),
        _ => asked.request.value("path"),
    }
}

/// Execute on every directory above ("Access control lists in Azure Data Lake Storage", common scenarios).
fn directories(asked: &Asked<'_>) -> Vec<Right> {
    let path = path(asked).unwrap_or_default();
    let above = path.match_indices('/').filter_map(|(index, _)| path.get(..index));
    std::iter::once("").chain(above).map(|path| Right { path: path.to_owned(), bits: "x" }).collect()
}

/// The table of the same page: reading takes `r--`, appending `rw-`, making `-wx` on the directory.
fn needed(asked: &Asked<'_>) -> Needed {
    let Some(path) = path(asked) else { return Needed::NotKnown };
    let item = |bits| Right { path: path.to_owned(), bits };
    let parent = || Right { path: path.rsplit_once('/').map_or("", |(parent, _)| parent).to_owned(), bits: "wx" };
    match asked.access.action.to_ascii_lowercase().strip_prefix(BLOBS) {
        // Listing a directory takes passing through it too.
        Some("read") => match asked.request.sub_operation() {
            Lookup::Known([sub]) if sub.eq_ignore_ascii_case("Blob.List") => Needed::All(item("rx")),
            _ => Needed::All(item("r")),
        },
        Some("write") => Needed::Either(item("rw"), parent()),
        Some("add/action") => Needed::All(parent()),
        Some("delete") => Needed::Removal(parent()),
        _ => Needed::NotKnown,
    }
}

/// Is it known that the directory has no sticky bit? Its permissions end in `t` or `T` where it has one.
fn spares(asked: &Asked<'_>, directory: &str) -> bool {
    let read = asked.world.document(documents::PATH_ACL, directory).and_then(value);
    let permissions = read.as_ref().and_then(|value| value.get("permissions")).and_then(Value::as_str);
    permissions.is_some_and(|bits| !bits.trim_end_matches('+').ends_with(['t', 'T']))
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
        // `$superuser` is whoever holds the account's key, and no group of the directory.
        let member = if id.starts_with('$') { Truth::No } else { asked.is(&id_key(id), PrincipalType::Group) };
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
