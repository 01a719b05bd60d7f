//! From a decided question to the answer: parts, findings, what came nearest, what is not known, fixes.

use crate::decide::{Matter, NeedLooks};
use crate::facts::{Facts, Question as OpenFact};
use crate::language::action::ActionPattern;
use crate::language::permission::Plane;
use crate::layers::{LINKED_SCOPE, Look, eligibility, role_assignment};
use crate::operations::{Verb, verb};
use crate::request::Need;
use crate::{findings, fixes};
use iam_why_contract::settle::Settled;
use iam_why_contract::spelling::{SUGGESTIONS, closeness};
use iam_why_contract::trace::Tests;
use iam_why_contract::{Decision, Doubt, Evidence, Finding, Kind, Nearest, Part, Ruling, Snapshot, Trace, Truth, Verdict, verdict};
use std::collections::BTreeSet;

/// Answers the question.
pub(crate) fn answer(matter: &Matter<'_>, snapshot: &Snapshot) -> Verdict {
    let (settled, open) = matter.settled();
    let facts = Facts::default();
    let looks = matter.look::<Tests>(&facts);
    let mut findings = blockers(matter, &looks, &settled);
    let (kind, decided_by) = reason(&settled, &looks, &mut findings);
    let parts = parts(matter, looks, &findings);
    let fixes = if settled.decision == Decision::Deny { fixes::of(matter, &findings, snapshot) } else { Vec::new() };
    Verdict {
        decision: settled.decision,
        kind,
        decided_by,
        nearest: nearest(&parts, settled.decision),
        findings,
        doubts: doubts(&settled, &open),
        fixes,
        notes: notes(matter, settled.decision),
        parts,
    }
}

fn blockers(matter: &Matter<'_>, looks: &[NeedLooks], settled: &Settled) -> Vec<Finding> {
    if settled.decision != Decision::Deny {
        return Vec::new();
    }
    let facts = Facts::default();
    let needs = matter.request.needs.iter().zip(looks).enumerate();
    let of = |(part, (need, looks)): (usize, (&Need, &NeedLooks))| {
        need.first().map(|access| findings::of(&matter.asked(access, &facts), looks, part)).unwrap_or_default()
    };
    let mut findings: Vec<Finding> = needs.flat_map(of).collect();
    if findings.is_empty() {
        findings.push(in_every_case());
    }
    findings
}

/// Whatever the open facts turn out to be something refuses, though not always the same.
fn in_every_case() -> Finding {
    Finding {
        code: findings::NO_ROLE,
        kind: Kind::MissingGrant,
        layer: role_assignment::ID,
        part: 0,
        says: "however the open facts turn out, nothing lets the request through".to_owned(),
        evidence: Evidence::Silence { what: "every way in which the open facts can turn out".to_owned(), documents: Vec::new() },
        related: Vec::new(),
        owner: findings::ASSIGNERS.to_owned(),
    }
}

fn reason(settled: &Settled, looks: &[NeedLooks], findings: &mut [Finding]) -> (Option<Kind>, Option<&'static str>) {
    match settled.decision {
        Decision::Allow => (None, looks.first().and_then(NeedLooks::counting).map(|access| access.granting())),
        Decision::Deny => {
            // The first need that is refused decides; within it the first certain refusal in the order of the procedure.
            findings.sort_by_key(|finding| finding.part);
            (findings.first().map(|finding| finding.kind), findings.first().map(|finding| finding.layer))
        }
        Decision::Undetermined => {
            let layer =
                looks.iter().enumerate().find_map(|(index, need)| need.open().map(|layer| if index > 0 { LINKED_SCOPE } else { layer }));
            (None, layer)
        }
    }
}

fn parts(matter: &Matter<'_>, looks: Vec<NeedLooks>, findings: &[Finding]) -> Vec<Part> {
    let needs = matter.request.needs.iter().zip(looks).enumerate();
    needs.filter_map(|(index, (need, looks))| part(matter, need, looks, findings.iter().find(|finding| finding.part == index))).collect()
}

fn part(matter: &Matter<'_>, need: &Need, looks: NeedLooks, finding: Option<&Finding>) -> Option<Part> {
    let access = need.first()?;
    let decision = match looks.allowed() {
        Truth::Yes => Decision::Allow,
        Truth::No => Decision::Deny,
        Truth::Unknown => Decision::Undetermined,
    };
    let granting = looks.counting().map(|access| access.granting());
    let open = looks.open();
    let (kind, decided_by) = match decision {
        Decision::Allow => (None, granting),
        Decision::Deny => (finding.map(|finding| finding.kind), finding.map(|finding| finding.layer)),
        Decision::Undetermined => (None, open),
    };
    let facts = Facts::default();
    let asked = matter.asked(access, &facts);
    let resource = asked.scope.as_ref().map(ToString::to_string).or_else(|| access.target.text());
    let mut trace = Trace::default();
    let several = need.any_of.len() > 1;
    for (looked, access) in looks.accesses.into_iter().zip(&need.any_of) {
        let subject = if several { access.action.clone() } else { String::new() };
        let all = std::iter::once(looked.denied).chain(looked.grants);
        trace.steps.extend(all.filter(shows).map(|look| look.step(subject.clone())));
    }
    let eligible = eligibility::look(&asked);
    if decision != Decision::Allow && eligible.binds {
        let mut step = eligible.step(String::new());
        step.needed = false;
        step.note = "an eligible assignment grants nothing before it is activated".to_owned();
        trace.steps.push(step);
    }
    trace.steps.extend(looks.gates.into_iter().filter(shows).map(|look| look.step(String::new())));
    Some(Part { action: access.action.clone(), resource, because: need.because.clone(), decision, kind, decided_by, trace })
}

fn shows(look: &Look) -> bool {
    look.binds || !look.documents.is_empty() || look.layer == role_assignment::ID
}

fn nearest(parts: &[Part], decision: Decision) -> Vec<Nearest> {
    if decision == Decision::Allow {
        return Vec::new();
    }
    let mut all: Vec<Nearest> = Vec::new();
    for part in parts.iter().filter(|part| part.decision != Decision::Allow) {
        all.extend(verdict::nearest(&part.trace, |step| step.ruling != Ruling::Allow));
    }
    all
}

fn doubts(settled: &Settled, open: &[OpenFact]) -> Vec<Doubt> {
    let matters = settled.matters.iter().filter_map(|&index| open.get(index)).map(|question| question.doubt().clone());
    let unique: BTreeSet<Doubt> = matters.collect();
    unique.into_iter().collect()
}

fn notes(matter: &Matter<'_>, decision: Decision) -> Vec<String> {
    let mut notes = matter.caller.notes.clone();
    let audit = matter.world.denies.iter().filter(|deny| deny.audit);
    // D-5: said to only write a log while the feature is in preview.
    notes.extend(audit.map(|deny| format!("the deny assignment {} has the effect audit and is taken not to refuse", deny.name)));
    notes.extend(linked(matter).filter(|_| decision == Decision::Allow));
    if decision == Decision::Deny {
        notes.extend(matter.request.needs.iter().flat_map(|need| &need.any_of).filter_map(|access| slip(matter, &access.action)));
    }
    if decision != Decision::Deny && changed_lately(matter) {
        notes.push(
            "a role assignment of the caller was changed less than ten minutes before: it may not be in force yet; sign in again"
                .to_owned(),
        );
    }
    notes
}

/// The namespace or a type may be misspelt: no role that was read names an operation of it, and one names it but for a slip.
fn slip(matter: &Matter<'_>, action: &str) -> Option<String> {
    let roles = matter.world.roles();
    let permissions = || roles.iter().flat_map(|role| &role.permissions);
    let named = || permissions().flat_map(|permission| [Plane::Control, Plane::Data].map(|plane| permission.lists(plane).0)).flatten();
    let exact: BTreeSet<&str> = named().filter(|pattern| !pattern.is_wild()).map(ActionPattern::text).collect();
    let known = exact.iter().any(|name| type_of(name).eq_ignore_ascii_case(type_of(action)));
    let meant: Vec<&str> = exact.into_iter().filter(|name| !known && one_type_off(action, name)).take(SUGGESTIONS).collect();
    (!meant.is_empty()).then(|| format!("no role that was read names {action}; did you mean {}?", meant.join(" or ")))
}

/// An operation without what is done: `Microsoft.Compute/virtualMachines`.
fn type_of(action: &str) -> &str {
    let rest = action.strip_suffix("/action").unwrap_or(action);
    rest.rsplit_once('/').map_or(rest, |(rest, _)| rest)
}

/// Do two operations do the same, of types of which one name differs by a slip?
fn one_type_off(one: &str, other: &str) -> bool {
    let [done, as_well] = [one, other].map(|action| action.get(type_of(action).len()..).unwrap_or_default());
    let [left, right] = [one, other].map(|action| type_of(action).split('/').collect::<Vec<_>>());
    let mut off = left.iter().zip(&right).filter(|(left, right)| !left.eq_ignore_ascii_case(right));
    let first = off.next();
    done.eq_ignore_ascii_case(as_well)
        && left.len() == right.len()
        && off.next().is_none()
        && first.is_some_and(|(left, right)| closeness(left, right).is_some())
}

/// what a resource refers to takes rights of its own, and only the content of the request says what that is.
fn linked(matter: &Matter<'_>) -> Option<String> {
    let [only] = matter.request.needs.as_slice() else { return None };
    let access = only.first()?;
    let writes = verb(&access.action) == Verb::Write && !access.action.to_ascii_lowercase().starts_with("microsoft.authorization/");
    let manages = matter.asked(access, &Facts::default()).plane == Some(Plane::Control);
    (writes && manages)
        .then(|| "what the resource refers to (a subnet, an identity, …) takes rights of its own: --context linked=ACTION@SCOPE".to_owned())
}

/// E-5: a change takes up to ten minutes to reach every cache ("Troubleshoot Azure RBAC").
fn changed_lately(matter: &Matter<'_>) -> bool {
    let Some(now) = matter.request.now() else { return false };
    let own = matter.world.assignments.iter().filter(|assignment| matter.caller.id.as_ref() == Some(&assignment.principal));
    let mut changes = own.filter_map(|assignment| assignment.changed);
    changes.any(|changed| changed <= now && now - changed < chrono::TimeDelta::minutes(10))
}

#[cfg(test)]
mod tests {
    use super::one_type_off;

    #[test]
    fn a_type_may_be_misspelt_but_what_is_done_is_meant() {
        let read = "Microsoft.Compute/virtualMachines/read";
        assert!(one_type_off("Microsoft.Compute/virtualMachine/read", read));
        assert!(one_type_off("Microsoft.Computer/virtualMachines/read", read));
        assert!(!one_type_off("Microsoft.Compute/virtualMachines/delete", read));
        assert!(!one_type_off("Microsoft.Compute/virtualMachines/restart/action", "Microsoft.Compute/virtualMachines/start/action"));
        assert!(!one_type_off("Microsoft.Compute/disks/read", read));
    }
}
