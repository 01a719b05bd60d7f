//! Key Vault in access-policy mode: roles decide nothing about its data (X-18: "Azure role-based access control vs. access policies").

use crate::documents;
use crate::layers::{Asked, Fact, Look, statement};
use crate::world::{Body, PrincipalType, id_key};
use iam_why_contract::{Document, Effect, Place, Recorder, Test, Truth};
use serde_json::Value;

/// The id of the layer.
pub(crate) const ID: &str = "access_policy";

/// The type of the resource that has them.
pub(crate) const VAULT: &str = "Microsoft.KeyVault/vaults";

/// Which of the two ways decides about a vault's data, and what the access policies say.
pub(crate) struct VaultMode {
    /// Access policies decide.
    pub(crate) policies_decide: Truth,
    /// What they say.
    pub(crate) look: Look,
}

/// Looks at the vault of the request, if there is one.
pub(crate) fn look<R: Recorder>(asked: &Asked<'_>) -> VaultMode {
    let roles_decide = || VaultMode { policies_decide: Truth::No, look: Look::unbound(ID, Effect::Allow) };
    let data = asked.data_of(VAULT);
    if data.is_no() {
        return roles_decide();
    }
    let Some(vault) = asked.resource(VAULT) else {
        if asked.has_none(documents::KEY_VAULT) {
            return roles_decide();
        }
        return VaultMode { policies_decide: mode_not_read(asked, "the vault"), look: Look::unbound(ID, Effect::Allow) };
    };
    match asked.fact(documents::KEY_VAULT, vault.text()) {
        Fact::Absent => roles_decide(),
        Fact::NotRead => {
            let policies_decide = data.and(mode_not_read(asked, vault.text()));
            let look = Look::new(ID, Effect::Allow, asked.unread(documents::KEY_VAULT, vault.text(), "access policies"));
            VaultMode { policies_decide, look }
        }
        Fact::Read(document, value) => {
            let body = Body::new(&value);
            let roles = body.get("enableRbacAuthorization").and_then(Value::as_bool);
            // `null` is what vaults have that were made before the setting was there.
            let policies_decide = data.and(Truth::from(roles != Some(true)));
            let look = if policies_decide.is_no() { Look::unbound(ID, Effect::Allow) } else { policies::<R>(asked, document, &body) };
            VaultMode { policies_decide, look }
        }
    }
}

fn mode_not_read(asked: &Asked<'_>, vault: &str) -> Truth {
    let about = format!("whether roles or access policies decide about {vault}");
    asked.ask(&format!("vault mode {}", vault.to_ascii_lowercase()), about, documents::permissions(documents::KEY_VAULT))
}

fn policies<R: Recorder>(asked: &Asked<'_>, document: &Document, body: &Body<'_>) -> Look {
    let mut look = Look::new(ID, Effect::Allow, Truth::No);
    look.documents.push(document.id.to_string());
    let wanted = permission(&asked.access.action);
    let list = body.get("accessPolicies").and_then(Value::as_array);
    if list.is_none() {
        look.truth = asked.unread(documents::KEY_VAULT, &document.subject, "access policies");
    }
    for (index, entry) in list.into_iter().flatten().enumerate() {
        let principal = entry.get("objectId").and_then(Value::as_str).map(id_key).unwrap_or_default();
        let is = asked.facts.unless_certain(|| asked.is(&principal, PrincipalType::NotSaid).and(compound(asked, entry)));
        let grants = match &wanted {
            Some((kind, name)) => Truth::from(holds(entry, kind, name)),
            None if KINDS.iter().all(|kind| holds(entry, kind, "all")) => Truth::Yes,
            None if KINDS.iter().all(|kind| names(entry, kind).next().is_none()) => Truth::No,
            None => asked.ask(
                &format!("access policy permission {}", asked.access.action),
                format!("which permission of an access policy {} takes", asked.access.action),
                "a test against Azure",
            ),
        };
        look.truth = look.truth.or(is.and(grants));
        if R::KEEPS && !is.is_no() {
            let place = Place::new(document.id.to_string(), body.pointer).member("accessPolicies").element(index);
            let (kind, name) = wanted.clone().unwrap_or_default();
            let (wanted, got) = (format!("{} on {kind}", shown(entry, kind)), format!("{name} on {kind}"));
            let test = Test::new(place.member("permissions").member(kind), "action", wanted, got, grants);
            look = look.shown(statement(place, "access policy", Effect::Allow, is.and(grants), vec![test]));
        }
    }
    look
}

/// The lists of an access policy that a data action can be in.
const KINDS: [&str; 3] = ["keys", "secrets", "certificates"];

/// A policy with an application id is for that application on behalf of that user only.
fn compound(asked: &Asked<'_>, entry: &Value) -> Truth {
    match entry.get("applicationId").and_then(Value::as_str).filter(|id| !id.is_empty()) {
        None => Truth::Yes,
        Some(application) => match asked.request.value("appId") {
            Some(own) => Truth::from(id_key(own) == id_key(application)),
            None => {
                let about = format!("whether the call is made by the application {application} on behalf of the caller");
                asked.ask(&format!("on behalf {application}"), about, "--context appId=ID")
            }
        },
    }
}

fn holds(entry: &Value, kind: &str, name: &str) -> bool {
    names(entry, kind).any(|held| held.eq_ignore_ascii_case(name) || held.eq_ignore_ascii_case("all"))
}

fn names<'v>(entry: &'v Value, kind: &str) -> impl Iterator<Item = &'v str> {
    let list = entry.get("permissions").and_then(|permissions| permissions.get(kind)).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str)
}

fn shown(entry: &Value, kind: &str) -> String {
    let names: Vec<&str> = names(entry, kind).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// The permission of an access policy that a data action is: its list, and its name.
pub(crate) fn permission(action: &str) -> Option<(&'static str, String)> {
    let lower = action.to_ascii_lowercase();
    let mut segments = lower.strip_prefix("microsoft.keyvault/vaults/")?.split('/');
    let (collection, operation) = (segments.next()?, segments.next()?);
    let collection = ["secrets", "keys", "certificates"].into_iter().find(|known| *known == collection)?;
    let name = match (collection, operation) {
        ("secrets", "getsecret") => "get",
        ("secrets", "setsecret") => "set",
        ("secrets", "readmetadata") => "list",
        ("keys", "wrap") => "wrapKey",
        ("keys", "unwrap") => "unwrapKey",
        (_, "delete") => "delete",
        (_, "backup") => "backup",
        (_, "restore") => "restore",
        (_, "recover") => "recover",
        (_, "purge") => "purge",
        ("keys", "encrypt") => "encrypt",
        ("keys", "decrypt") => "decrypt",
        ("keys", "sign") => "sign",
        ("keys", "verify") => "verify",
        ("keys" | "certificates", "create") => "create",
        ("keys" | "certificates", "import") => "import",
        ("keys" | "certificates", "update") => "update",
        ("keys", "release") => "release",
        ("keys", "rotate") => "rotate",
        _ => return None,
    };
    Some((collection, name.to_owned()))
}
