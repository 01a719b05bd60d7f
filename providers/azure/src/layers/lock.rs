//! Locks: they bind everybody, on the control plane only, and are inherited downwards (X-7: "Lock your Azure resources").

use crate::documents;
use crate::layers::{Asked, Look, member, statement};
use crate::operations::{Verb, verb};
use crate::scope::Scope;
use crate::world::{Body, Listed, value};
use iam_why_contract::{Document, Effect, Recorder, Test, Truth};

/// The id of the layer.
pub(crate) const ID: &str = "lock";

/// Every level that is documented.
const LEVELS: [&str; 3] = ["NotSpecified", "CanNotDelete", "ReadOnly"];

/// Does a lock refuse?
pub(crate) fn look<R: Recorder>(asked: &Asked<'_>) -> Look {
    let verb = verb(&asked.access.action);
    let own = asked.access.action.to_ascii_lowercase().starts_with("microsoft.authorization/locks/");
    if !asked.is_managed() || verb == Verb::Read || own {
        return Look::unbound(ID, Effect::Deny);
    }
    let mut look = Look::new(ID, Effect::Deny, Truth::No);
    for document in asked.world.all(documents::LOCK) {
        let Some(value) = value(document) else { continue };
        let level = Body::new(&value).text("level").unwrap_or_default().to_owned();
        let truth = asked.facts.unless_certain(|| refuses(asked, &level, &scope_of(document), verb));
        look.truth = look.truth.or(truth);
        if R::KEEPS && !truth.is_no() {
            let place = member(document, &value, "level");
            let wanted =
                if level.eq_ignore_ascii_case("ReadOnly") { "ReadOnly: a write, a delete or a POST" } else { "CanNotDelete: a delete" };
            let test = Test::new(place.clone(), "lock", wanted, asked.access.action.clone(), truth);
            look = look.shown(statement(place, &document.title, Effect::Deny, truth, vec![test]));
        }
    }
    if let Listed::No(doubt) = asked.world.listed(documents::LOCK, asked.scope.as_ref(), asked.caller) {
        look.truth = look.truth.or(asked.facts.ask("locks unread", || doubt));
    }
    look.binds = !look.truth.is_no();
    // Where the plane is not known the lock binds only the control plane.
    look.truth = look.truth.and(if asked.plane.is_none() && !look.truth.is_no() { !asked.is_data() } else { Truth::Yes });
    look
}

fn refuses(asked: &Asked<'_>, level: &str, scope: &Scope, verb: Verb) -> Truth {
    if !LEVELS.iter().any(|known| level.eq_ignore_ascii_case(known)) {
        let covers = asked.world.covers(scope, asked.scope.as_ref(), asked.facts);
        let about = format!("what the lock at {scope} keeps from: its level `{level}` is not documented");
        return covers.and(asked.ask(&format!("lock level {}", scope.key()), about, "the level, CanNotDelete or ReadOnly"));
    }
    let read_only = level.eq_ignore_ascii_case("ReadOnly");
    let blocks = match verb {
        Verb::Delete => read_only || level.eq_ignore_ascii_case("CanNotDelete"),
        Verb::Write | Verb::Act => read_only,
        Verb::Read => false,
    };
    if !blocks {
        return Truth::No;
    }
    let above = asked.world.covers(scope, asked.scope.as_ref(), asked.facts);
    above.or(if verb == Verb::Delete { below(asked, scope) } else { Truth::No })
}

/// A resource group that holds a locked resource cannot be deleted. Of other parents the page does not speak.
fn below(asked: &Asked<'_>, scope: &Scope) -> Truth {
    let Some(target) = asked.scope.as_ref().filter(|target| target.holds(scope) && *target != scope) else { return Truth::No };
    if asked.access.action.eq_ignore_ascii_case("Microsoft.Resources/subscriptions/resourceGroups/delete") {
        return Truth::Yes;
    }
    let about = format!("whether {target} can be deleted while {scope} below it is locked: it is not documented");
    asked.ask(&format!("locked below {}", scope.key()), about, "a test against Azure")
}

fn scope_of(document: &Document) -> Scope {
    let id = value(document).and_then(|value| value.get("id").and_then(|id| id.as_str().map(str::to_owned)));
    let at = id.as_ref().and_then(|id| id.to_ascii_lowercase().rfind("/providers/microsoft.authorization/locks/"));
    match (id, at) {
        (Some(id), Some(at)) => Scope::new(id.get(..at).unwrap_or_default()),
        _ => Scope::new(&document.subject),
    }
}
