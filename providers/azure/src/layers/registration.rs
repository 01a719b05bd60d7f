//! The namespace must be registered in the subscription (X-9: `MissingSubscriptionRegistration`).

use crate::documents;
use crate::layers::{Asked, Fact, Look, member, statement};
use crate::operations::{Verb, namespace, verb};
use crate::world::Body;
use iam_why_contract::{Effect, Recorder, Test, Truth};

/// The id of the layer.
pub(crate) const ID: &str = "rp_registration";

/// Namespaces that every subscription has ("Azure resource providers and types", registered by default).
const ALWAYS: &[&str] = &[
    "Microsoft.ADHybridHealthService",
    "Microsoft.Authorization",
    "Microsoft.Billing",
    "Microsoft.ClassicSubscription",
    "Microsoft.Commerce",
    "Microsoft.Consumption",
    "Microsoft.CostManagement",
    "Microsoft.Features",
    "Microsoft.MarketplaceOrdering",
    "Microsoft.Portal",
    "Microsoft.ResourceGraph",
    "Microsoft.Resources",
    "Microsoft.SerialConsole",
    "Microsoft.Support",
];

/// Does a missing registration refuse?
pub(crate) fn look<R: Recorder>(asked: &Asked<'_>) -> Look {
    let unbound = Look::unbound(ID, Effect::Deny);
    let namespace = namespace(&asked.access.action);
    let always = ALWAYS.iter().any(|known| known.eq_ignore_ascii_case(namespace));
    let registers = asked.access.action.to_ascii_lowercase().ends_with("/register/action");
    // Of reading and deleting what was made while it was registered the texts do not speak: only what creates is refused.
    let creates = verb(&asked.access.action) == Verb::Write && asked.is_managed();
    let Some(subscription) = asked.scope.as_ref().and_then(|scope| scope.subscription()) else { return unbound };
    if always || registers || !creates {
        return unbound;
    }
    let subject = format!("{subscription}/{namespace}");
    match asked.fact(documents::PROVIDER, &subject) {
        Fact::Absent => unbound,
        Fact::NotRead => Look::new(ID, Effect::Deny, asked.unread(documents::PROVIDER, &subject, "registration")),
        Fact::Read(document, value) => {
            let state = Body::new(&value).text("registrationState").unwrap_or_default().to_owned();
            let truth = refuses(asked, &state, namespace);
            let mut look = Look::new(ID, Effect::Deny, truth);
            look.binds = !truth.is_no();
            if R::KEEPS && look.binds {
                let place = member(document, &value, "registrationState");
                let test = Test::new(place.clone(), "registration", "not Registered", state, truth);
                look = look.shown(statement(place, &document.title, Effect::Deny, truth, vec![test]));
            }
            look
        }
    }
}

fn refuses(asked: &Asked<'_>, state: &str, namespace: &str) -> Truth {
    match state.to_ascii_lowercase().as_str() {
        "registered" => Truth::No,
        "notregistered" | "unregistered" => Truth::Yes,
        _ => {
            let about = format!(
                "whether {namespace} takes requests while its registration is {}",
                if state.is_empty() { "not said" } else { state }
            );
            asked.ask(&format!("registration {namespace} {state}"), about, documents::permissions(documents::PROVIDER))
        }
    }
}
