//! Deny policies: does a rule deny the permission to the caller?
//!
//! docs.cloud.google.com/iam/docs/deny-overview (D1-D15), deny-permissions-support (D8-D11).

use super::{Answer, DENY_POLICY, ruling_of_guard};
use crate::facts::Facts;
use crate::findings;
use crate::language::attributes::Dialect;
use crate::language::evaluate::Evaluation;
use crate::language::permissions::{LISTED, is_deny_entry};
use crate::language::principals::Member;
use crate::world::{DenyPolicy, DenyRule, Level, World, above};
use iam_why_contract::{Doubt, Effect, Evidence, Lookup, Place, Recorder, Statement, Step, Test, Truth};

/// Does any rule on the path deny the request?
pub(crate) fn denies<R: Recorder>(world: &World<'_>, facts: &Facts) -> Answer {
    let mut answer = Answer::silent(DENY_POLICY);
    for level in &world.deny {
        let (holds, step) = level_denies::<R>(world, level, facts, &mut answer);
        answer.holds = answer.holds.or(holds);
        answer.steps.extend(step);
        if answer.holds.is_yes() && !R::KEEPS {
            return answer;
        }
    }
    answer.holds = answer.holds.or(if answer.holds.is_yes() { Truth::No } else { above(world, facts, "deny policies") });
    answer
}

fn level_denies<R: Recorder>(world: &World<'_>, level: &Level<DenyPolicy>, facts: &Facts, answer: &mut Answer) -> (Truth, Option<Step>) {
    let mut holds = Truth::No;
    let mut statements = Vec::new();
    for policy in &level.policies {
        for rule in &policy.rules {
            let mut recorder = R::default();
            let applies = applies(world, rule, facts, &mut recorder);
            holds = holds.or(applies);
            if R::KEEPS {
                if applies.is_yes() {
                    report(answer, world, level, policy, rule);
                }
                warn(answer, world, rule);
                statements.push(Statement {
                    place: rule.place.clone(),
                    label: label(policy, rule).into(),
                    effect: Effect::Deny,
                    applies,
                    tests: recorder.into_tests(),
                });
            }
        }
    }
    if let Some(doubt) = level.unread.clone().filter(|_| !holds.is_yes() && deniable(world, None) != Truth::No) {
        holds = holds.or(facts.truth(&format!("deny policies of {}", level.node.path), || doubt));
    }
    let step = R::KEEPS.then(|| Step {
        layer: DENY_POLICY,
        subject: level.node.path.clone(),
        ruling: ruling_of_guard(holds),
        needed: false,
        documents: level.policies.iter().map(|policy| policy.document.clone()).collect(),
        statements,
        note: if level.policies.is_empty() && level.unread.is_none() { "no deny policy".into() } else { String::new() },
    });
    (holds, step)
}

/// D3
fn applies<R: Recorder>(world: &World<'_>, rule: &DenyRule, facts: &Facts, recorder: &mut R) -> Truth {
    let mut all = permission_denied(world, rule, facts, recorder);
    if all.is_no() && !R::KEEPS {
        return Truth::No;
    }
    all = all.and(principal_denied(world, rule, facts, recorder));
    if all.is_no() && !R::KEEPS {
        return Truth::No;
    }
    all.and(condition_holds(world, rule, facts, recorder))
}

fn permission_denied<R: Recorder>(world: &World<'_>, rule: &DenyRule, facts: &Facts, recorder: &mut R) -> Truth {
    let permission = &world.request.permission;
    let named = |list: &[String]| list.iter().position(|entry| permission.is_named_by(entry));
    let listed = rule.permissions.iter().position(|entry| permission.is_named_by(entry) && is_deny_entry(entry));
    let denied = listed.or_else(|| named(&rule.permissions));
    let accepted = |entry: &String| permission.is_named_by(entry) && (!entry.contains('*') || is_deny_entry(entry));
    let excepted = rule.except_permissions.iter().position(accepted);
    // D10, D12: whether a group exempts anything that is not among those that deny policies accept is not told.
    let maybe = named(&rule.except_permissions).filter(|_| excepted.is_none());
    let exact = denied.is_some_and(|at| rule.permissions.get(at).is_some_and(|entry| !entry.contains('*')));
    let spared = maybe.filter(|_| denied.is_some()).and_then(|at| rule.except_permissions.get(at)).map_or(Truth::No, |group| {
        facts.truth(&format!("exception {group}"), || Doubt {
            about: format!("whether deny policies accept the group {group} as an exception by now"),
            needs: format!("the page Permissions supported in deny policies: iam-why knows it as of {LISTED}"),
        })
    });
    let holds = match (denied, excepted) {
        (None, _) | (_, Some(_)) => Truth::No,
        // D10: a group that is not listed is not accepted, unless the list has grown since.
        (Some(_), None) => match deniable(world, Some(exact)).and(if listed.is_some() || exact { Truth::Yes } else { Truth::Unknown }) {
            Truth::Unknown => facts.truth("permission is deniable", || Doubt {
                about: match denied.and_then(|at| rule.permissions.get(at)).filter(|_| !exact) {
                    Some(group) => format!("whether deny policies support the group {group} by now"),
                    None => format!("whether deny policies support {} by now", permission.v1()),
                },
                needs: format!("the page Permissions supported in deny policies: iam-why knows it as of {LISTED}"),
            }),
            known => known,
        },
    };
    let holds = holds.and(!spared);
    recorder.test(|| {
        let list = rule.place.member(if excepted.is_some() { "exceptionPermissions" } else { "deniedPermissions" });
        let at = excepted.or(denied);
        let place = at.map_or_else(|| list.clone(), |at| list.element(at));
        let entries = if excepted.is_some() { &rule.except_permissions } else { &rule.permissions };
        let wanted = at.and_then(|at| entries.get(at).cloned()).unwrap_or_else(|| entries.join(", "));
        let wanted = if excepted.is_some() { format!("all but {wanted}") } else { wanted };
        let got = if holds.is_no() && denied.is_some() && excepted.is_none() {
            format!("{}, which deny policies do not support (as of {LISTED})", permission.v2())
        } else {
            permission.v2().to_owned()
        };
        Test::new(place, "action", wanted, got, holds)
    });
    holds
}

/// D9: only listed permissions can be denied, also where a group would cover them by its text. A rule that names a permission exactly
/// was accepted by the service, so the list may have grown since.
fn deniable(world: &World<'_>, exact: Option<bool>) -> Truth {
    match world.request.context.get("permission_deniable") {
        Lookup::Known(values) if values.iter().any(|value| value == "false") => return Truth::No,
        Lookup::Known(_) => return Truth::Yes,
        _ => {}
    }
    match (world.request.permission.is_deniable(), exact) {
        (true, _) => Truth::Yes,
        (false, Some(false)) => Truth::No,
        (false, _) => Truth::Unknown,
    }
}

fn principal_denied<R: Recorder>(world: &World<'_>, rule: &DenyRule, facts: &Facts, recorder: &mut R) -> Truth {
    let (denied, at) = first(world, &rule.principals, facts, R::KEEPS);
    record(world, recorder, &rule.place.member("deniedPrincipals"), &rule.principals, at, denied, false);
    if denied.is_no() && !R::KEEPS {
        return Truth::No;
    }
    let (excepted, at) = first(world, &rule.except_principals, facts, R::KEEPS);
    if !rule.except_principals.is_empty() {
        record(world, recorder, &rule.place.member("exceptionPrincipals"), &rule.except_principals, at, !excepted, true);
    }
    denied.and(!excepted)
}

/// Whether some principal of the list covers the caller, and which.
fn first(world: &World<'_>, list: &[String], facts: &Facts, all: bool) -> (Truth, Option<usize>) {
    let (mut best, mut place) = (Truth::No, None);
    for (at, written) in list.iter().enumerate() {
        let covers = world.covers(&Member::v2(written), facts);
        if covers > best {
            (best, place) = (covers, Some(at));
        }
        if best.is_yes() && !all {
            break;
        }
    }
    (best, place)
}

fn record<R: Recorder>(
    world: &World<'_>,
    recorder: &mut R,
    list: &Place,
    entries: &[String],
    at: Option<usize>,
    holds: Truth,
    except: bool,
) {
    recorder.test(|| {
        let place = at.map_or_else(|| list.clone(), |at| list.element(at));
        let wanted = at.and_then(|at| entries.get(at).cloned()).unwrap_or_else(|| entries.join(", "));
        let wanted = if except { format!("all but {wanted}") } else { wanted };
        Test::new(place, "principal", wanted, world.request.principal.v2(), holds)
    });
}

/// D3, D4: a condition that cannot be evaluated makes the rule apply. D6: only tags can be asked for.
fn condition_holds<R: Recorder>(world: &World<'_>, rule: &DenyRule, facts: &Facts, recorder: &mut R) -> Truth {
    let Some(condition) = &rule.condition else { return Truth::Yes };
    let mut inner = R::default();
    let holds = match &condition.expression {
        Ok(expression) => {
            let evaluation =
                Evaluation { expression, attributes: world.attributes(), dialect: Dialect::Tags, facts, place: &condition.place };
            evaluation.run(&mut inner).enforces()
        }
        Err(error) => world.illegible_condition(condition, error, Truth::Yes, facts),
    };
    recorder.test(|| {
        let got = if holds.is_yes() { "true, or not evaluable: the rule applies" } else { "false" };
        Test::new(condition.place.clone(), "condition", condition.text.clone(), got, holds).of(inner.into_tests())
    });
    holds
}

fn label(policy: &DenyPolicy, rule: &DenyRule) -> String {
    if rule.description.is_empty() { policy.title.clone() } else { format!("{}: {}", policy.title, rule.description) }
}

fn report(answer: &mut Answer, world: &World<'_>, level: &Level<DenyPolicy>, policy: &DenyPolicy, rule: &DenyRule) {
    let says = format!(
        "the deny policy {} on {} denies {} to {}",
        label(policy, rule),
        level.node.path,
        world.request.permission.v2(),
        world.request.principal.v1()
    );
    let owner = format!("the administrators of {}", level.node.path);
    let taken = std::mem::replace(answer, Answer::silent(DENY_POLICY));
    *answer = taken.finding(&findings::DENY_RULE, says, Evidence::Place(rule.place.clone()), &owner);
}

/// D12, P31, P34: what looks like an exception and is none.
fn warn(answer: &mut Answer, world: &World<'_>, rule: &DenyRule) {
    for entry in rule.except_permissions.iter().filter(|entry| !is_deny_entry(entry)) {
        let so = if entry.contains('*') && world.request.permission.is_named_by(entry) { "" } else { ", so it exempts nothing" };
        answer.notes.push(format!("the exception `{entry}` is no permission that deny policies know (as of {LISTED}){so}"));
    }
    for written in rule.principals.iter().chain(&rule.except_principals) {
        if Member::v2(written) == Member::Foreign {
            answer
                .notes
                .push(format!("`{written}` is a member of allow policies; deny policies do not know this form, so it matches nobody"));
        }
    }
    if rule.except_principals.iter().any(|written| Member::v2(written) == Member::Everybody) {
        answer.notes.push(
            "a deny rule exempts public:all: one page of the documentation says that this is not valid; it is taken to exempt everybody"
                .into(),
        );
    }
}
