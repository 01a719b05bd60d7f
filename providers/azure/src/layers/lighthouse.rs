//! Lighthouse: principals of a managing tenant hold roles that no list of role assignments shows (P-9). An empty list proves nothing.

use crate::documents;
use crate::layers::tenant::tenancy;
use crate::layers::{Asked, Look, statement};
use crate::scope::Scope;
use crate::world::{Body, Listed, PrincipalType, id_key, value};
use iam_why_contract::{Document, Effect, Place, Recorder, Test, Truth};
use serde_json::Value;

/// The id of the layer.
pub(crate) const ID: &str = "lighthouse";

/// Does a delegation grant?
pub(crate) fn look<R: Recorder>(asked: &Asked<'_>) -> Look {
    let tenancy = tenancy(asked);
    if tenancy.foreign.is_no() || tenancy.manages.is_no() {
        return Look::unbound(ID, Effect::Allow);
    }
    let mut look = Look::new(ID, Effect::Allow, Truth::No);
    for document in asked.world.all(documents::LIGHTHOUSE_ASSIGNMENT) {
        let (truth, place) = one(asked, document);
        look.truth = look.truth.or(truth);
        if R::KEEPS {
            let test = Test::new(place.clone(), "authorization", "one for the caller", asked.caller.shown.clone(), truth);
            look = look.shown(statement(place, &document.title, Effect::Allow, truth, vec![test]));
        }
    }
    if let Listed::No(doubt) = asked.world.listed(documents::LIGHTHOUSE_ASSIGNMENT, asked.scope.as_ref(), asked.caller) {
        look.truth = look.truth.or(asked.facts.ask("lighthouse unread", || doubt));
    }
    look.truth = look.truth.and(tenancy.manages).and(tenancy.foreign);
    look
}

fn one(asked: &Asked<'_>, document: &Document) -> (Truth, Place) {
    let place = Place::new(document.id.to_string(), "");
    let Some(value) = value(document) else { return (Truth::No, place) };
    let body = Body::new(&value);
    let definition = body.get("registrationDefinition").map(Body::new);
    let authorizations = definition.as_ref().and_then(|definition| definition.get("authorizations")).and_then(Value::as_array);
    let scope = body.text("scope").map_or_else(|| Scope::new(&document.subject), Scope::new);
    let covers = asked.world.covers(&scope, asked.scope.as_ref(), asked.facts);
    let grants = |authorization: &Value| {
        let text = |name: &str| authorization.get(name).and_then(Value::as_str).unwrap_or_default();
        let role = asked.world.role(text("roleDefinitionId"));
        let permitted = role.map(|role| asked.permitted(&role.permissions, &role.document, &mut iam_why_contract::trace::Off));
        let permitted = permitted.unwrap_or_else(|| {
            asked.ask(
                &format!("lighthouse role {}", text("roleDefinitionId")),
                "what a delegated role grants: its definition was not read",
                documents::permissions(documents::ROLE_DEFINITION),
            )
        });
        // The managing tenant's groups are not readable from the customer's side.
        let caller = asked.is(&id_key(text("principalId")), PrincipalType::NotSaid);
        permitted.and(caller)
    };
    (Truth::any(authorizations.into_iter().flatten().map(grants)).and(covers), place)
}
