//! From a question to a verdict: decide, settle what is open, trace, report.

use crate::decide::{Judgement, decide};
use crate::documents;
use crate::facts::{Facts, agree};
use crate::language::permissions::meant_by;
use crate::language::principals::Principal;
use crate::layers::{self, ALLOW_POLICY, Answer, DATASET_ACCESS, STORAGE_ACL};
use crate::request::Request;
use crate::world::World;
use iam_why_contract::settle::{Open, settle_possible};
use iam_why_contract::trace::{Off, Tests};
use iam_why_contract::{Decision, Doubt, Finding, Kind, Lookup, Part, Ruling, Snapshot, Step, Trace, Verdict, verdict};

/// Answers a request, without fixes.
pub(crate) fn answer(request: &Request, snapshot: &Snapshot) -> Verdict {
    let world = World::new(snapshot, request);
    let settled = settled(&world);
    // Where open facts cannot change the decision, it is shown as any one of their completions leads to it.
    let shown = if settled.decision == Decision::Undetermined { Facts::default() } else { Facts::taking(settled.taken) };
    let judged = decide::<Tests>(&world, &shown);
    let mut verdict = report(&world, judged);
    verdict.decision = settled.decision;
    verdict.kind = settled.kind;
    if settled.decision == Decision::Undetermined {
        verdict.decided_by = None;
    }
    verdict.doubts = settled.doubts;
    if !settled.idle.is_empty() {
        verdict.notes.push(format!("not known, and the answer is the same either way: {}", settled.idle.join("; ")));
    }
    verdict
}

/// Whether the request is let through, and nothing else.
pub(crate) fn decision(request: &Request, snapshot: &Snapshot) -> Decision {
    settled(&World::new(snapshot, request)).decision
}

struct Settled {
    decision: Decision,
    kind: Option<Kind>,
    doubts: Vec<Doubt>,
    taken: Vec<(String, usize)>,
    /// What is not known and makes no difference.
    idle: Vec<String>,
}

fn settled(world: &World<'_>) -> Settled {
    let facts = Facts::default();
    let judged = decide::<Off>(world, &facts);
    let asked = facts.asked();
    if judged.decision != Decision::Undetermined {
        return Settled { decision: judged.decision, kind: judged.kind, doubts: Vec::new(), taken: Vec::new(), idle: Vec::new() };
    }
    let open: Vec<Open> = asked.iter().map(|fact| fact.open.clone()).collect();
    let taking = |ways: &[usize]| asked.iter().map(|fact| fact.key.clone()).zip(ways.iter().copied()).collect::<Vec<_>>();
    let mut taken = None;
    let settled = settle_possible(&open, |ways| {
        agree(&asked, ways).then(|| {
            let chosen = taking(ways);
            taken.get_or_insert_with(|| chosen.clone());
            let judged = decide::<Off>(world, &Facts::taking(chosen));
            (judged.decision, judged.kind)
        })
    });
    let mut doubts: Vec<Doubt> = Vec::new();
    for doubt in settled.matters.iter().filter_map(|&at| open.get(at)).map(|open| &open.doubt) {
        if !doubts.contains(doubt) {
            doubts.push(doubt.clone());
        }
    }
    if settled.decision == Decision::Undetermined && doubts.is_empty() {
        doubts = open.into_iter().map(|open| open.doubt).collect();
    }
    let kind = settled.kind.or((settled.decision == Decision::Deny).then_some(Kind::MissingGrant));
    let mut idle = Vec::new();
    if settled.decision != Decision::Undetermined {
        doubts.clear();
        idle = asked.iter().map(|fact| fact.open.doubt.about.clone()).collect();
    }
    Settled { decision: settled.decision, kind, doubts, taken: taken.unwrap_or_default(), idle }
}

fn report(world: &World<'_>, judged: Judgement) -> Verdict {
    let Judgement { decision, kind, decided_by, blockers, steps, mut notes } = judged;
    let trace = Trace { steps };
    let grants = |step: &Step| [ALLOW_POLICY, STORAGE_ACL, DATASET_ACCESS].contains(&step.layer);
    // Where something grants, no grant is missing.
    let granted = trace.steps.iter().any(|step| grants(step) && step.ruling == Ruling::Allow);
    let nearest = if granted { Vec::new() } else { verdict::nearest(&trace, grants) };
    let request = world.request;
    let main = Part {
        action: request.permission.v1().into(),
        resource: Some(request.resource.to_string()),
        because: String::new(),
        decision,
        kind,
        decided_by,
        trace,
    };
    let mut parts = vec![main];
    let mut findings = Vec::new();
    for blocker in blockers {
        findings.extend(findings_of(blocker, &mut parts));
    }
    let mut all = request.notes.clone();
    all.append(&mut notes);
    all.extend(remarks(world, decision, decided_by));
    all.dedup();
    Verdict { decision, kind, decided_by, findings, nearest, doubts: Vec::new(), fixes: Vec::new(), notes: all, parts }
}

/// The findings of a blocker; one that rests on another authorization belongs to that part.
fn findings_of(blocker: Answer, parts: &mut Vec<Part>) -> Vec<Finding> {
    let part = if blocker.parts.is_empty() { 0 } else { parts.len() };
    let findings = blocker.findings.into_iter().map(|finding| Finding { part, ..finding }).collect();
    parts.extend(blocker.parts);
    findings
}

fn remarks(world: &World<'_>, decision: Decision, decided_by: Option<&str>) -> Vec<String> {
    let mut remarks = Vec::new();
    if decision == Decision::Deny && decided_by == Some(ALLOW_POLICY) {
        remarks.extend(slip(world));
        // E8
        remarks.push("Google Cloud also answers so where the resource does not exist: check its name, and that project id and number are not mixed up".into());
    }
    if decision == Decision::Allow {
        remarks.extend(layers::pab::beyond(world));
        let unread = not_looked_at(world);
        if !unread.is_empty() {
            remarks.push(format!("not looked at, and able to refuse: {}", unread.join(", ")));
        }
    }
    remarks
}

/// The permission may be misspelt: no role that was read includes it, and one very like it exists.
fn slip(world: &World<'_>) -> Option<String> {
    let asked = world.request.permission.v1();
    let included = || world.snapshot.all_of(documents::ROLE).any(|role| world.request.permission.is_mentioned_in(&role.text));
    let meant = meant_by(&world.request.permission);
    (!meant.is_empty() && !included()).then(|| format!("no role that was read includes {asked}; did you mean {}?", meant.join(" or ")))
}

/// Gates of which nothing is known: they are no doubts, but a refusal may come from them.
fn not_looked_at(world: &World<'_>) -> Vec<&'static str> {
    let context = &world.request.context;
    let complete = |key: &str| context.unmentioned(key) == Lookup::Absent;
    let mut names = Vec::new();
    let project = world.project_node();
    let seen = |kind: &str| {
        project.as_ref().is_some_and(|name| world.outcome(kind, name).is_some()) || world.snapshot.all_of(kind).next().is_some()
    };
    for (kind, name) in [
        (documents::SERVICE_STATE, "whether the API is enabled"),
        (documents::BILLING, "billing"),
        (documents::ORG_POLICY, "organization policies"),
    ] {
        if !complete(kind) && !seen(kind) {
            names.push(name);
        }
    }
    if world.request.permission.v1() == layers::policy_tags::READS && !complete(documents::TABLE) && !seen_table(world) {
        names.push("the policy tags of the table's columns");
    }
    // Whom the filter is not shown to, the API leaves it out, as it does where there is none.
    if !complete(documents::BUCKET) && layers::storage::filter_may_be_hidden(world) {
        names.push("whether the bucket has an IP filter (who may not see it is not told)");
    }
    let person = matches!(world.request.principal, Principal::User(_)) && world.caller.customer != Some(None);
    if person && !complete(documents::USER_ACCESS) && world.snapshot.all_of(documents::USER_ACCESS).next().is_none() {
        names.push("context-aware access");
    }
    if !complete("token.scopes") && context.get("token.scopes") == Lookup::NotKnown {
        names.push("the OAuth scopes of the token");
    }
    if !complete("quota_project") && context.get("quota_project") == Lookup::NotKnown {
        names.push("the quota project");
    }
    names
}

fn seen_table(world: &World<'_>) -> bool {
    world.outcome(documents::TABLE, &world.request.resource).is_some()
}
