//! A disabled subscription is read-only (X-10: `ReadOnlyDisabledSubscription`).

use crate::documents;
use crate::language::permission::Plane;
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
    if asked.plane == Some(Plane::Data) || verb == Verb::Read {
        return unbound;
    }
    match asked.fact(documents::SUBSCRIPTION, subscription) {
        Fact::Absent => unbound,
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
                let test = Test::new(place.clone(), "state of the subscription", "read-only", state, truth);
                look = look.shown(statement(place, &document.title, Effect::Deny, truth, vec![test]));
            }
            look
        }
    }
}

fn refuses(asked: &Asked<'_>, state: &str, verb: Verb) -> Truth {
    match (state.to_ascii_lowercase().as_str(), verb) {
        ("enabled" | "active", _) => Truth::No,
        ("disabled" | "deleted" | "expired", Verb::Write | Verb::Act) => Truth::Yes,
        _ => {
            let about = format!("whether a subscription that is {state} lets {} through: it is not documented", asked.access.action);
            asked.ask(&format!("state {state}"), about, "an enabled subscription")
        }
    }
}
