//! Requests signed with an account key or a shared access signature do not ask for roles at all (C-21); an account may refuse them.

use crate::documents;
use crate::layers::{Asked, Fact, Look, member, statement};
use crate::world::Body;
use iam_why_contract::{Effect, Recorder, Test, Truth};
use serde_json::Value;

/// The id of the layer.
pub(crate) const ID: &str = "shared_key";

/// The id of the layer of anonymous requests.
pub(crate) const PUBLIC: &str = "public_access";

const ACCOUNT: &str = "Microsoft.Storage/storageAccounts";

/// How a request to storage proves who it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    /// A token of Entra ID: roles decide.
    Token,
    /// The account key.
    Key,
    /// A shared access signature made with the account key.
    KeySignature,
    /// A shared access signature made with a token: the roles of whoever made it decide, within the signature's own limits.
    UserDelegation,
    /// Nothing.
    Nothing,
}

/// How this request does.
pub(crate) fn proof(asked: &Asked<'_>) -> Proof {
    if asked.caller.is_anonymous() {
        return Proof::Nothing;
    }
    let said = asked.request.value("auth").unwrap_or_default();
    match said.to_ascii_lowercase().replace(['-', '_', ' '], "").as_str() {
        "sharedkey" | "key" | "accountkey" => Proof::Key,
        "accountsas" | "servicesas" | "sas" => Proof::KeySignature,
        "userdelegationsas" | "userdelegation" => Proof::UserDelegation,
        "anonymous" | "none" => Proof::Nothing,
        _ => Proof::Token,
    }
}

/// Is it a call to the account itself that needs no token? Listing and making containers are actions of the control plane, and go to the
/// account all the same; Resource Manager takes tokens only.
pub(crate) fn counts(asked: &Asked<'_>) -> bool {
    const BELOW: [&str; 4] = ["blobservices/", "queueservices/", "fileservices/", "tableservices/"];
    let below = asked.access.action.to_ascii_lowercase();
    let below = below.strip_prefix("microsoft.storage/storageaccounts/").unwrap_or_default();
    proof(asked) != Proof::Token && BELOW.iter().any(|service| below.starts_with(service))
}

/// Does the account refuse this kind of proof?
pub(crate) fn look<R: Recorder>(asked: &Asked<'_>) -> Look {
    let (layer, setting, refused) = match proof(asked) {
        Proof::Key | Proof::KeySignature => (ID, "allowSharedKeyAccess", "a key or a signature made with one"),
        Proof::Nothing => (PUBLIC, "allowBlobPublicAccess", "no credential"),
        Proof::Token | Proof::UserDelegation => return Look::unbound(ID, Effect::Deny),
    };
    let unbound = Look::unbound(layer, Effect::Deny);
    let Some(account) = asked.resource(ACCOUNT) else { return unbound };
    match asked.fact(documents::STORAGE_ACCOUNT, account.text()) {
        Fact::Absent => unbound,
        Fact::NotRead => Look::new(layer, Effect::Deny, asked.unread(documents::STORAGE_ACCOUNT, account.text(), setting)),
        Fact::Read(document, value) => {
            // F-29: null is allowed for shared keys.
            let allowed = Body::new(&value).get(setting).and_then(Value::as_bool);
            let truth = Truth::from(allowed == Some(false));
            let mut look = Look::new(layer, Effect::Deny, truth);
            look.binds = truth.is_yes();
            if R::KEEPS && look.binds {
                let place = member(document, &value, setting);
                let test = Test::new(place.clone(), setting, "false", refused, truth);
                look = look.shown(statement(place, &document.title, Effect::Deny, truth, vec![test]));
            }
            look
        }
    }
}

/// Does the proof itself grant, whatever the roles say?
pub(crate) fn grants(asked: &Asked<'_>) -> Truth {
    match proof(asked) {
        Proof::Key => Truth::Yes,
        Proof::KeySignature | Proof::UserDelegation => {
            asked.ask("signature", "what the shared access signature permits", "its sp, sr, se, sip and spr parameters")
        }
        Proof::Nothing => asked.ask("public container", "whether the container is open to the public", "the container's publicAccess"),
        Proof::Token => Truth::No,
    }
}
