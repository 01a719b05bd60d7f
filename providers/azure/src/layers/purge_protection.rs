//! A vault with purge protection lets nobody purge what was deleted before its time ("Azure Key Vault soft-delete overview", purge
//! protection): 403, whatever roles or access policies grant.

use crate::documents;
use crate::layers::{Asked, Fact, Look, member, statement};
use crate::world::Body;
use iam_why_contract::{Effect, Recorder, Test, Truth};
use serde_json::Value;

/// The id of the layer.
pub(crate) const ID: &str = "purge_protection";

const VAULT: &str = "Microsoft.KeyVault/vaults";
const SETTING: &str = "enablePurgeProtection";

/// Does the vault refuse to purge?
pub(crate) fn look<R: Recorder>(asked: &Asked<'_>) -> Look {
    let unbound = Look::unbound(ID, Effect::Deny);
    let purges = asked.access.action.to_ascii_lowercase().ends_with("/purge/action") && !asked.data_of(VAULT).is_no();
    let Some(vault) = asked.resource(VAULT).filter(|_| purges) else { return unbound };
    match asked.fact(documents::KEY_VAULT, vault.text()) {
        Fact::Absent => unbound,
        Fact::NotRead => Look::new(ID, Effect::Deny, asked.unread(documents::KEY_VAULT, vault.text(), SETTING)),
        // `null` and `false` are the same: it was never switched on.
        Fact::Read(document, value) if Body::new(&value).get(SETTING).and_then(Value::as_bool) == Some(true) => {
            let mut look = Look::new(ID, Effect::Deny, Truth::Yes);
            if R::KEEPS {
                let place = member(document, &value, SETTING);
                let test = Test::new(place.clone(), SETTING, "true", asked.access.action.clone(), Truth::Yes);
                look = look.shown(statement(place, &document.title, Effect::Deny, Truth::Yes, vec![test]));
            }
            look
        }
        Fact::Read(..) => unbound,
    }
}
