//! Cosmos DB keeps its own role assignments for its data; Azure's decide nothing there.

use crate::documents;
use crate::language::permission::{Permission, Plane};
use crate::layers::{Asked, Fact, Look, statement};
use crate::scope::Scope;
use crate::world::{Body, PrincipalType, id_key, last};
use iam_why_contract::{Document, Effect, Place, Recorder, Test, Truth};
use serde_json::Value;

/// The id of the layer.
pub(crate) const ID: &str = "cosmos_rbac";

const ACCOUNT: &str = "Microsoft.DocumentDB/databaseAccounts";

/// Does Cosmos DB itself decide about this request?
pub(crate) fn decides(asked: &Asked<'_>) -> Truth {
    asked.data_of(ACCOUNT)
}

/// Does one of its role assignments grant?
pub(crate) fn look<R: Recorder>(asked: &Asked<'_>) -> Look {
    let unread = |kind, subject: &str| Look::new(ID, Effect::Allow, asked.unread(kind, subject, "grants"));
    let Some(account) = asked.resource(ACCOUNT) else { return unread(documents::COSMOS_ASSIGNMENTS, "of the account") };
    let (document, list) = match asked.fact(documents::COSMOS_ASSIGNMENTS, account.text()) {
        Fact::Read(document, value) => (document, value),
        Fact::Absent => return Look::new(ID, Effect::Allow, Truth::No),
        Fact::NotRead => return unread(documents::COSMOS_ASSIGNMENTS, account.text()),
    };
    let mut look = Look::new(ID, Effect::Allow, Truth::No);
    look.documents.push(document.id.to_string());
    for (index, entry) in elements(&list).enumerate() {
        let place = element_place(document, &list, index);
        let (truth, role) = one(asked, entry, &account);
        look.truth = look.truth.or(truth);
        if R::KEEPS && !asked.is(&principal(entry), PrincipalType::NotSaid).is_no() {
            let test = Test::new(place.clone(), "action", role.clone(), asked.access.action.clone(), truth);
            look = look.shown(statement(place, &role, Effect::Allow, truth, vec![test]));
        }
    }
    look
}

fn elements(list: &Value) -> impl Iterator<Item = &Value> {
    list.get("value").unwrap_or(list).as_array().into_iter().flatten()
}

fn element_place(document: &Document, list: &Value, index: usize) -> Place {
    let pointer = if list.get("value").is_some() { "/value" } else { "" };
    Place::new(document.id.to_string(), pointer).element(index)
}

fn principal(entry: &Value) -> String {
    Body::new(entry).text("principalId").map(id_key).unwrap_or_default()
}

fn one(asked: &Asked<'_>, entry: &Value, account: &Scope) -> (Truth, String) {
    let body = Body::new(entry);
    let role = body.text("roleDefinitionId").unwrap_or_default();
    let own =
        asked.facts.unless_certain(|| asked.is(&principal(entry), PrincipalType::NotSaid).and(below(asked, body.text("scope"), account)));
    if own.is_no() {
        return (Truth::No, last(role).to_owned());
    }
    let (grants, name) = grants(asked, role, account);
    (own.and(grants), name)
}

/// Its scopes are the account, or `…/dbs/{d}/colls/{c}` below it.
fn below(asked: &Asked<'_>, scope: Option<&str>, account: &Scope) -> Truth {
    let normal = |text: &str| {
        let lower = text.to_ascii_lowercase().replace("/sqldatabases/", "/dbs/").replace("/containers/", "/colls/");
        Scope::new(lower.strip_prefix(account.key()).unwrap_or(&lower))
    };
    let granted = normal(scope.unwrap_or("/"));
    let target = asked.scope.as_ref().map(|scope| normal(scope.key())).unwrap_or_else(|| Scope::new("/"));
    if granted.holds(&target) {
        return Truth::Yes;
    }
    if target.holds(&granted) {
        let about = format!("on which database and container the call is: a role is granted at {granted}");
        return asked.ask(&format!("cosmos scope {}", granted.key()), about, "the resource with /dbs/NAME/colls/NAME");
    }
    Truth::No
}

fn grants(asked: &Asked<'_>, role: &str, account: &Scope) -> (Truth, String) {
    let name = last(role);
    // "Azure Cosmos DB built-in data plane roles": …0001 reads, …0002 reads and writes.
    let built_in: Option<&[&str]> = match name {
        "00000000-0000-0000-0000-000000000002" => Some(&["Microsoft.DocumentDB/databaseAccounts/*"]),
        _ => None,
    };
    if let Some(actions) = built_in {
        let permission = Permission::new(&serde_json::json!({ "dataActions": actions }), String::new());
        return (covered(asked, &permission), "Cosmos DB Built-in Data Contributor".to_owned());
    }
    let unread = || asked.unread(documents::COSMOS_DEFINITIONS, account.text(), name);
    let Fact::Read(_, list) = asked.fact(documents::COSMOS_DEFINITIONS, account.text()) else { return (unread(), name.to_owned()) };
    let same = |entry: &&Value| Body::new(entry).text("id").is_some_and(|id| last(id).eq_ignore_ascii_case(name));
    let Some(definition) = elements(&list).find(same) else { return (unread(), name.to_owned()) };
    let body = Body::new(definition);
    let permissions = body.get("permissions").and_then(Value::as_array);
    let truth = Truth::any(permissions.into_iter().flatten().map(|object| covered(asked, &Permission::new(object, String::new()))));
    (truth, body.text("roleName").unwrap_or(name).to_owned())
}

fn covered(asked: &Asked<'_>, permission: &Permission) -> Truth {
    let coverage = permission.coverage(&asked.access.action, Plane::Data);
    Truth::from(matches!(coverage, crate::language::permission::Coverage::Covered(..)))
}
