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

/// The type of the resource that has them.
pub(crate) const ACCOUNT: &str = "Microsoft.DocumentDB/databaseAccounts";

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
        let own = asked.is(&principal(entry), PrincipalType::NotSaid);
        let granted = asked.facts.unless_certain(|| own.and(below(asked, Body::new(entry).text("scope"), &account)));
        let role = if granted.is_no() && !R::KEEPS { None } else { Some(grants(asked, entry, &account)) };
        let truth = granted.and(role.as_ref().map_or(Truth::No, |role| role.truth));
        look.truth = look.truth.or(truth);
        if let Some(role) = role.filter(|_| R::KEEPS && !own.is_no()) {
            let reach = below(asked, Body::new(entry).text("scope"), &account);
            let scope = Body::new(entry).text("scope").unwrap_or("/");
            let target = asked.scope.as_ref().map_or_else(|| "not known".to_owned(), ToString::to_string);
            let tests = vec![
                Test::new(place.member("roleDefinitionId"), "action", role.actions, asked.access.action.clone(), role.truth),
                Test::new(place.member("scope"), "resource", scope, target, reach),
            ];
            look = look.shown(statement(place, &role.name, Effect::Allow, truth, tests));
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

/// What a role grants of what is asked.
struct Granted {
    name: String,
    /// Its data actions, in words.
    actions: String,
    truth: Truth,
}

fn grants(asked: &Asked<'_>, entry: &Value, account: &Scope) -> Granted {
    let name = Body::new(entry).text("roleDefinitionId").map(last).unwrap_or_default();
    if let Some(built_in) = BUILT_IN.iter().find(|built_in| built_in.id == name) {
        return of(asked, built_in.name, &[built_in.permission()]);
    }
    let unread = || Granted {
        name: name.to_owned(),
        actions: "not known".into(),
        truth: asked.unread(documents::COSMOS_DEFINITIONS, account.text(), name),
    };
    let Fact::Read(_, list) = asked.fact(documents::COSMOS_DEFINITIONS, account.text()) else { return unread() };
    let same = |entry: &&Value| Body::new(entry).text("id").is_some_and(|id| last(id).eq_ignore_ascii_case(name));
    let Some(definition) = elements(&list).find(same) else { return unread() };
    let body = Body::new(definition);
    let permissions = body.get("permissions").and_then(Value::as_array).into_iter().flatten();
    let permissions: Vec<Permission> = permissions.map(|object| Permission::new(object, String::new())).collect();
    of(asked, body.text("roleName").unwrap_or(name), &permissions)
}

fn of(asked: &Asked<'_>, name: &str, permissions: &[Permission]) -> Granted {
    let covered = |permission: &Permission| matches!(permission.coverage(&asked.access.action, Plane::Data), Coverage::Covered(..));
    let actions: Vec<String> = permissions.iter().map(|permission| permission.summary(Plane::Data)).collect();
    Granted { name: name.to_owned(), actions: actions.join(", "), truth: Truth::from(permissions.iter().any(covered)) }
}
