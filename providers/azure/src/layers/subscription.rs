//! A disabled subscription is read-only (X-10: `ReadOnlyDisabledSubscription`). Which requests each state lets through is said by
//! "Azure subscription states".

use crate::documents;
use crate::layers::{Asked, Fact, Look, member, statement};
use crate::operations::{Verb, verb};
use crate::world::Body;
use iam_why_contract::{Effect, Recorder, Test, Truth};

/// The id of the layer.
pub(crate) const ID: &str = "subscription";

/// Does the state of the subscription refuse?
pub(crate) fn look<R: Recorder>(asked: &Asked<'_>) -> Look {
    let unbound = Look::unbound(ID, Effect::Deny);
    let verb = verb(&asked.access.action);
    let Some(subscription) = asked.scope.as_ref().and_then(|scope| scope.subscription()) else { return unbound };
    if !asked.is_managed() {
        return unbound;
    }
    match asked.fact(documents::SUBSCRIPTION, subscription) {
        Fact::Absent => unbound,
        // Only a deleted one refuses these, and a deleted one is not there to be asked for.
        _ if matches!(verb, Verb::Read | Verb::Delete) && !state_said(asked, subscription) => unbound,
        Fact::NotRead => Look::new(ID, Effect::Deny, asked.unread(documents::SUBSCRIPTION, subscription, "state")),
        Fact::Read(document, value) => {
            let Some(state) = Body::new(&value).text("state").map(str::to_owned) else {
                return Look::new(ID, Effect::Deny, asked.unread(documents::SUBSCRIPTION, subscription, "state"));
            };
            let truth = refuses(asked, &state, verb);
            let mut look = Look::new(ID, Effect::Deny, truth);
            look.binds = !truth.is_no();
            if R::KEEPS && look.binds {
                let place = member(document, &value, "state");
                let test = Test::new(place.clone(), "state of the subscription", "one that refuses", state, truth);
                look = look.shown(statement(place, &document.title, Effect::Deny, truth, vec![test]));
            }
            look
        }
    }
}

/// Does a document say in which state the subscription is?
fn state_said(asked: &Asked<'_>, subscription: &str) -> bool {
    matches!(asked.fact(documents::SUBSCRIPTION, subscription), Fact::Read(_, value) if Body::new(&value).text("state").is_some())
}

fn refuses(asked: &Asked<'_>, state: &str, verb: Verb) -> Truth {
    match (state.to_ascii_lowercase().as_str(), verb) {
        ("enabled" | "active" | "warned" | "pastdue", _) => Truth::No,
        ("disabled" | "expired", Verb::Read | Verb::Delete) => Truth::No,
        ("disabled" | "expired", Verb::Write | Verb::Act) | ("deleted", _) => Truth::Yes,
        _ => {
            let about = format!("whether a subscription that is {state} lets {} through: it is not documented", asked.access.action);
            asked.ask(&format!("state {state}"), about, "an enabled subscription")
        }
    }
}
