//! The tenant that issued the token must be the one that the subscription trusts, or manage it through Lighthouse (P-9).

use crate::documents;
use crate::layers::{Asked, Fact, Look, member, statement};
use crate::world::{Body, id_key};
use iam_why_contract::{Effect, Outcome, Place, Recorder, Test, Truth};
use serde_json::Value;

/// The id of the layer.
pub(crate) const ID: &str = "tenant";

/// How the caller's tenant stands to the subscription.
#[derive(Debug)]
pub(crate) struct Tenancy {
    /// Another tenant than the subscription's issued the token.
    pub(crate) foreign: Truth,
    /// That tenant manages the subscription.
    pub(crate) manages: Truth,
    evidence: Option<(Place, String, String)>,
}

/// Compares the tenants, where the caller's was said.
pub(crate) fn tenancy(asked: &Asked<'_>) -> Tenancy {
    let same = Tenancy { foreign: Truth::No, manages: Truth::No, evidence: None };
    let Some(own) = asked.request.value("tenant") else { return not_said(asked).unwrap_or(same) };
    let Some(subscription) = asked.scope.as_ref().and_then(|scope| scope.subscription()) else { return same };
    match asked.fact(documents::SUBSCRIPTION, subscription) {
        Fact::Read(document, value) => {
            let body = Body::new(&value);
            let trusted = body.text("homeTenantId").or_else(|| body.text("tenantId"));
            let Some(trusted) = trusted.filter(|trusted| id_key(trusted) != id_key(own)) else { return same };
            let manages = manages(asked, &body, own, subscription);
            Tenancy {
                foreign: Truth::Yes,
                manages,
                evidence: Some((member(document, &value, "tenantId"), trusted.to_owned(), own.to_owned())),
            }
        }
        Fact::Absent => same,
        Fact::NotRead => {
            Tenancy { foreign: asked.unread(documents::SUBSCRIPTION, subscription, "tenant"), manages: Truth::No, evidence: None }
        }
    }
}

/// Whoever the directory is not known to have may belong to a tenant that manages the subscription: an empty list proves nothing of them.
fn not_said(asked: &Asked<'_>) -> Option<Tenancy> {
    let subscription = asked.scope.as_ref().and_then(|scope| scope.subscription())?;
    let managed = match asked.fact(documents::SUBSCRIPTION, subscription) {
        Fact::Read(_, value) => {
            Body::new(&value).get("managedByTenants").and_then(Value::as_array).is_some_and(|tenants| !tenants.is_empty())
        }
        // Looked for and not seen: which tenants manage it is as open as the rest.
        Fact::NotRead => matches!(asked.world.outcome(documents::SUBSCRIPTION, subscription), Some(Outcome::Refused { .. })),
        Fact::Absent => false,
    };
    if !managed || asked.caller.read || asked.caller.is_anonymous() {
        return None;
    }
    let about = format!("whether {} belongs to a tenant that manages the subscription {subscription}", asked.caller.shown);
    let foreign = asked.ask(&format!("foreign {subscription}"), about, "--context tenant=ID, the tid of the token");
    Some(Tenancy { foreign, manages: Truth::Yes, evidence: None })
}

fn manages(asked: &Asked<'_>, body: &Body<'_>, own: &str, subscription: &str) -> Truth {
    let tenant = |element: &Value| element.get("tenantId").unwrap_or(element).as_str().map(id_key);
    match body.get("managedByTenants").and_then(Value::as_array) {
        Some(list) => Truth::from(list.iter().filter_map(tenant).any(|id| id == id_key(own))),
        None => asked.ask(
            &format!("managed {subscription}"),
            format!("whether the tenant {own} manages the subscription {subscription}"),
            documents::permissions(documents::SUBSCRIPTION),
        ),
    }
}

/// Does the tenant refuse?
pub(crate) fn look<R: Recorder>(asked: &Asked<'_>) -> Look {
    let tenancy = tenancy(asked);
    let truth = tenancy.foreign.and(!tenancy.manages);
    let mut look = Look::new(ID, Effect::Deny, truth);
    look.binds = !tenancy.foreign.is_no();
    match tenancy.evidence.filter(|_| R::KEEPS) {
        Some((place, trusted, own)) => {
            let test = Test::new(place.clone(), "tenant of the token", format!("another than {trusted}"), own, truth);
            look.shown(statement(place, "the subscription's tenant", Effect::Deny, truth, vec![test]))
        }
        None => look,
    }
}
