//! Lighthouse: principals of a managing tenant hold roles that no list of role assignments shows (P-9). An empty list proves nothing.

use crate::documents;
use crate::layers::tenant::tenancy;
use crate::layers::{Asked, Look, statement};
use crate::scope::Scope;
use crate::world::{Body, Listed, PrincipalType, id_key, last, value};
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
    let list = |name: &str| definition.as_ref().and_then(|definition| definition.get(name)).and_then(Value::as_array).into_iter().flatten();
    let scope = body.text("scope").map_or_else(|| Scope::new(&document.subject), Scope::new);
    let covers = asked.world.covers(&scope, asked.scope.as_ref(), asked.facts);
    let standing = Truth::any(list("authorizations").map(|authorization| grants(asked, authorization)).collect::<Vec<_>>());
    // An eligible one grants while it is activated, which no list of the customer shows.
    let eligible = list("eligibleAuthorizations").map(|authorization| {
        let granted = grants(asked, authorization);
        let activated = || asked.ask("lighthouse activated", "whether the eligible delegation is activated", "the managing tenant");
        if granted.is_no() { granted } else { granted.and(activated()) }
    });
    let eligible = Truth::any(eligible.collect::<Vec<_>>());
    (standing.or(eligible).and(covers), place)
}

/// Is it the caller's, and does its role grant?
fn grants(asked: &Asked<'_>, authorization: &Value) -> Truth {
    let text = |name: &str| authorization.get(name).and_then(Value::as_str).unwrap_or_default();
    // The managing tenant's groups are not readable from the customer's side.
    let caller = asked.is(&id_key(text("principalId")), PrincipalType::NotSaid);
    let id = text("roleDefinitionId");
    if caller.is_no() {
        return caller;
    }
    if id_key(last(id)) == USER_ACCESS_ADMINISTRATOR {
        return caller.and(assigns(asked));
    }
    let role = asked.world.role(id);
    let permitted = role.map(|role| asked.permitted(&role.permissions, &role.document, &mut iam_why_contract::trace::Off));
    let permitted = permitted.unwrap_or_else(|| {
        let about = "what a delegated role grants: its definition was not read";
        asked.ask(&format!("lighthouse role {id}"), about, documents::permissions(documents::ROLE_DEFINITION))
    });
    permitted.and(caller)
}

const USER_ACCESS_ADMINISTRATOR: &str = "18d7d88dd35e4fb5a5c37773c20a72d9";

/// P-9: delegated, this role only lets assign the roles that it lists, and to managed identities only ("Tenants, users, and roles in Azure
/// Lighthouse scenarios").
fn assigns(asked: &Asked<'_>) -> Truth {
    if !asked.access.action.eq_ignore_ascii_case("Microsoft.Authorization/roleAssignments/write") {
        return Truth::No;
    }
    let about = "whether the new assignment is of a role that the delegation lists, to a managed identity";
    asked.ask("lighthouse assigns", about, "the body of the request, and delegatedRoleDefinitionIds of the registration")
}
