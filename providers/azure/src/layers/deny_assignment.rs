//! Deny assignments: they beat every role (D-2, D-8: "Understand Azure deny assignments").

use crate::documents;
use crate::layers::{Asked, Look, statement};
use crate::world::{Deny, DenyPrincipal, Listed, dashed};
use iam_why_contract::{Effect, Place, Recorder, Statement, Test, Truth};

/// The id of the layer.
pub(crate) const ID: &str = "deny_assignment";

/// Does a deny assignment refuse?
pub(crate) fn look<R: Recorder>(asked: &Asked<'_>) -> Look {
    let mut look = Look::new(ID, Effect::Deny, Truth::No);
    for deny in &asked.world.denies {
        let (truth, statement) = one::<R>(asked, deny);
        look.truth = look.truth.or(truth);
        if let Some(statement) = statement.filter(|_| concerns(asked, deny)) {
            look = look.shown(statement);
        }
        if !R::KEEPS && look.truth.is_yes() {
            return look;
        }
    }
    look.truth = look.truth.or(not_read(asked));
    look.binds = !look.statements.is_empty() || !look.truth.is_no();
    look
}

/// Is it made at, above or right below what is asked for? Others are not worth showing.
fn concerns(asked: &Asked<'_>, deny: &Deny) -> bool {
    asked.scope.as_ref().is_none_or(|scope| deny.scope.holds(scope) || deny.scope.management_group().is_some())
}

fn one<R: Recorder>(asked: &Asked<'_>, deny: &Deny) -> (Truth, Option<Statement>) {
    let mut tests = R::default();
    let truth = asked.facts.unless_certain(|| applies(asked, deny, &mut tests));
    let statement = R::KEEPS.then(|| statement(deny.place(""), &deny.name, Effect::Deny, truth, tests.into_tests()));
    (truth, statement)
}

/// Effect, scope, principal, exclusion, permission, condition (D-2).
fn applies<R: Recorder>(asked: &Asked<'_>, deny: &Deny, tests: &mut R) -> Truth {
    let mut all = effect(asked, deny, tests);
    let steps: [&dyn Fn(&mut R) -> Truth; 4] = [
        &|tests| scope(asked, deny, tests),
        &|tests| asked.permitted(&deny.permissions, &deny.document, tests),
        &|tests| principal(asked, deny, tests),
        &|tests| condition(asked, deny, tests),
    ];
    for step in steps {
        if all.is_no() && !R::KEEPS {
            return Truth::No;
        }
        all = all.and(step(tests));
    }
    all
}

/// D-5: `audit` is documented as only writing a log; no other effects than these two are.
fn effect<R: Recorder>(asked: &Asked<'_>, deny: &Deny, tests: &mut R) -> Truth {
    let truth = match &deny.other_effect {
        None => Truth::from(!deny.audit),
        Some(other) => asked.ask(
            &format!("effect {}", deny.document),
            format!("whether the deny assignment {} refuses: its effect `{other}` is not documented", deny.name),
            "the effect, enforced or audit",
        ),
    };
    if !truth.is_yes() {
        let got = deny.other_effect.as_deref().unwrap_or("audit");
        tests.test(|| Test::new(deny.place("denyAssignmentEffect"), "effect", "enforced", got, truth));
    }
    truth
}

fn scope<R: Recorder>(asked: &Asked<'_>, deny: &Deny, tests: &mut R) -> Truth {
    let truth = if deny.not_below {
        match &asked.scope {
            Some(scope) => Truth::from(deny.scope == *scope),
            None => asked.world.covers(&deny.scope, None, asked.facts),
        }
    } else {
        asked.world.covers(&deny.scope, asked.scope.as_ref(), asked.facts)
    };
    tests.test(|| {
        let wanted = if deny.not_below { format!("{} itself, nothing below", deny.scope) } else { deny.scope.to_string() };
        let got = asked.scope.as_ref().map_or_else(|| "not known".to_owned(), ToString::to_string);
        Test::new(deny.place("scope"), "resource", wanted, got, truth)
    });
    truth
}

fn principal<R: Recorder>(asked: &Asked<'_>, deny: &Deny, tests: &mut R) -> Truth {
    let any = |list: &[DenyPrincipal]| {
        asked.facts.unless_certain(|| Truth::any(list.iter().map(|principal| asked.is(&principal.id, principal.kind))))
    };
    // P-8: everybody can be named here, and cannot be excluded.
    let named = if deny.principals.iter().any(DenyPrincipal::is_everybody) { Truth::Yes } else { any(&deny.principals) };
    let excluded = if named.is_no() { Truth::No } else { any(&deny.excluded) };
    tests.test(|| {
        let (place, wanted) = named_as(asked, deny);
        Test::new(place, "principal", wanted, asked.caller.shown.clone(), named)
    });
    if !deny.excluded.is_empty() {
        let wanted = "none of the excluded principals";
        tests.test(|| Test::new(deny.place("excludePrincipals"), "exclusion", wanted, asked.caller.shown.clone(), !excluded));
    }
    named.and(!excluded)
}

/// As whom the caller is named, and where.
fn named_as(asked: &Asked<'_>, deny: &Deny) -> (Place, String) {
    let list = deny.place("principals");
    if deny.principals.iter().any(DenyPrincipal::is_everybody) {
        return (list, "everybody".to_owned());
    }
    let is = |principal: &DenyPrincipal| asked.is(&principal.id, principal.kind).is_yes();
    let Some((index, principal)) = deny.principals.iter().enumerate().find(|(_, principal)| is(principal)) else {
        return (list, "one of the principals".to_owned());
    };
    let itself = asked.caller.id.as_ref() == Some(&principal.id);
    let name = asked.world.name_of(&principal.id).map_or_else(|| dashed(&principal.id), str::to_owned);
    (list.element(index), if itself { dashed(&principal.id) } else { format!("the group {name}") })
}

fn condition<R: Recorder>(asked: &Asked<'_>, deny: &Deny, tests: &mut R) -> Truth {
    deny.condition.as_ref().map_or(Truth::Yes, |condition| asked.condition(condition, &deny.place("condition"), false, tests))
}

/// What was not read could refuse.
fn not_read(asked: &Asked<'_>) -> Truth {
    let unreadable = asked.world.unreadable.iter().filter(|(kind, _)| kind == documents::DENY_ASSIGNMENT).map(|(_, id)| {
        asked.ask(
            &format!("unreadable {id}"),
            format!("`{id}`, which is not of the shape of a deny assignment"),
            "the document as Azure returns it",
        )
    });
    let broken = Truth::any(unreadable.collect::<Vec<_>>());
    match asked.world.listed(documents::DENY_ASSIGNMENT, asked.scope.as_ref(), asked.caller) {
        Listed::Yes => broken,
        Listed::No(doubt) => broken.or(asked.facts.ask("deny assignments unread", || doubt)),
    }
}
