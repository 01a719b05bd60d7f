//! Cosmos DB keeps its own role assignments for its data; Azure's decide nothing there.

use crate::documents;
use crate::language::permission::{Coverage, Permission, Plane};
use crate::layers::{Asked, Fact, Look, statement};
use crate::scope::Scope;
use crate::world::{Body, PrincipalType, id_key, last};
use iam_why_contract::{Document, Effect, Place, Recorder, Test, Truth};
use serde_json::Value;

/// The id of the layer.
pub(crate) const ID: &str = "cosmos_rbac";

const ACCOUNT: &str = "Microsoft.DocumentDB/databaseAccounts";

/// A role that every account has.
pub(crate) struct BuiltIn {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    /// What it is good for, in words.
    pub(crate) reach: &'static str,
    data_actions: &'static [&'static str],
}

/// "Azure Cosmos DB for NoSQL: built-in data plane roles", the narrower first.
pub(crate) const BUILT_IN: [BuiltIn; 2] = [
    BuiltIn {
        id: "00000000-0000-0000-0000-000000000001",
        name: "Cosmos DB Built-in Data Reader",
        reach: "reading",
        data_actions: &[
            "Microsoft.DocumentDB/databaseAccounts/readMetadata",
            "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/executeQuery",
            "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/readChangeFeed",
            "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/items/read",
        ],
    },
    BuiltIn {
        id: "00000000-0000-0000-0000-000000000002",
        name: "Cosmos DB Built-in Data Contributor",
        reach: "reading and writing",
        data_actions: &[
            "Microsoft.DocumentDB/databaseAccounts/readMetadata",
            "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/*",
            "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/items/*",
        ],
    },
];

impl BuiltIn {
    fn permission(&self) -> Permission {
        Permission::new(&serde_json::json!({ "dataActions": self.data_actions }), String::new())
    }

    /// Does it grant the action?
    pub(crate) fn grants(&self, action: &str) -> bool {
        matches!(self.permission().coverage(action, Plane::Data), Coverage::Covered(..))
    }
}

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

/// The database or container that is asked for, as its scopes are written: `/dbs/{d}`, `/dbs/{d}/colls/{c}`, or `/` for the account.
pub(crate) fn data_scope(asked: &Asked<'_>, account: &Scope) -> String {
    let below = asked.scope.as_ref().and_then(|scope| scope.text().get(account.text().len()..)).unwrap_or_default();
    let segments: Vec<&str> = below.split('/').skip(1).collect();
    match segments.as_slice() {
        [_, database, _, container, ..] => format!("/dbs/{database}/colls/{container}"),
        [_, database, ..] => format!("/dbs/{database}"),
        _ => "/".to_owned(),
    }
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
    if let Some(built_in) = BUILT_IN.iter().find(|built_in| built_in.id == name) {
        return (covered(asked, &built_in.permission()), built_in.name.to_owned());
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
    Truth::from(matches!(coverage, Coverage::Covered(..)))
}
