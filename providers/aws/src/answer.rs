//! From a request to a verdict: every authorization the call needs, decided, explained and put together.

use crate::catalog;
use crate::decide::{decide, record};
use crate::documents::OBJECT;
use crate::findings::Evidenced;
use crate::language::Flag;
use crate::language::principal::CallerKind;
use crate::language::statement::Principals;
use crate::library::{Library, Read};
use crate::needs::{Need, first_use, needs, unread};
use crate::request::Request;
use crate::settle::{conclude, rests_on};
use crate::world::World;
use iam_why_contract::verdict::nearest;
use iam_why_contract::{Decision, Doubt, Effect, Finding, Kind, Nearest, Part, Ruling, Step, Trace, Truth, Verdict};
use std::collections::BTreeSet;

/// Answers a request.
#[must_use]
pub fn answer(request: &Request, library: &Library<'_>) -> Verdict {
    let needed = needs(request, library);
    let judged: Vec<Judged> = needed.into_iter().enumerate().map(|(part, need)| judge(part, need, library)).collect();
    let mut notes = hints(request);
    for one in &judged {
        notes.extend(one.notes.iter().cloned());
    }
    let deciding = deciding(&judged);
    let verdict = Verdict {
        decision: deciding.map_or(Decision::Undetermined, |one| one.part.decision),
        kind: deciding.and_then(|one| one.part.kind),
        decided_by: deciding.and_then(|one| one.part.decided_by),
        findings: judged.iter().flat_map(|one| one.findings.iter().cloned()).collect(),
        nearest: judged.iter().flat_map(|one| one.nearest.iter().cloned()).collect(),
        doubts: judged.iter().flat_map(|one| one.doubts.iter().cloned()).collect::<BTreeSet<Doubt>>().into_iter().collect(),
        fixes: Vec::new(),
        notes: Vec::new(),
        parts: judged.iter().map(|one| one.part.clone()).collect(),
    };
    finish(with_unread(verdict, request, library), request, library, notes)
}

/// An answer that rests on something else that has to allow, and that nobody named or read, is no *allow*.
fn with_unread(verdict: Verdict, request: &Request, library: &Library<'_>) -> Verdict {
    let doubts = if verdict.decision == Decision::Allow { unread(request, library) } else { Vec::new() };
    if doubts.is_empty() { verdict } else { Verdict { decision: Decision::Undetermined, decided_by: None, doubts, ..verdict } }
}

/// One authorization, decided.
struct Judged {
    part: Part,
    findings: Vec<Finding>,
    nearest: Vec<Nearest>,
    doubts: Vec<Doubt>,
    notes: Vec<String>,
}

/// The authorization that decides: the first that is denied, else the first that is open, else the question itself.
fn deciding(judged: &[Judged]) -> Option<&Judged> {
    let first = |decision: Decision| judged.iter().find(|one| one.part.decision == decision);
    first(Decision::Deny).or_else(|| first(Decision::Undetermined)).or(judged.first())
}

fn judge(part: usize, need: Need, library: &Library<'_>) -> Judged {
    let world = World::of(&need.request, library);
    let recorded = record(&need.request, &world);
    let conclusion = conclude(&need.request, &world, &recorded);
    let answer = conclusion.answer;
    let mut notes = remarks(&world, recorded.answer.kind);
    let readings = rests_on(&need.request, &world, &recorded, answer);
    notes.extend(readings.into_iter().map(|flag| format!("the answer rests on a reading of AWS's documentation: {}", flag.doubt().about)));
    let trace = Trace { steps: recorded.log.steps };
    let evidenced = Evidenced { request: &need.request, world: &world, library, part };
    let denied = answer.decision == Decision::Deny;
    notes.extend(need.unnamed.iter().filter(|_| denied).map(|doubt| format!("not said: {}; {}", doubt.about, doubt.needs)));
    let findings = if denied { evidenced.findings(&trace, answer.decided_by) } else { Vec::new() };
    let nearest = if answer.decision == Decision::Allow { Vec::new() } else { near_misses(&trace) };
    notes.extend(otherwise(&trace, &findings, library));
    let part = Part {
        action: need.request.action.text.to_string(),
        resource: Some(need.request.resource.to_string()).filter(|resource| !resource.is_empty()),
        because: need.because,
        decision: answer.decision,
        kind: answer.kind,
        decided_by: answer.decided_by,
        trace,
    };
    let unnamed = Flag::Resource.doubt();
    let doubts = conclusion.doubts.into_iter();
    let doubts = doubts.map(|doubt| need.unnamed.clone().filter(|_| doubt == unnamed).unwrap_or(doubt)).collect();
    Judged { part, findings, nearest, doubts, notes }
}

/// What came nearest to allowing in the layers that do not allow. Where the caller's side is silent, a grant on the resource's could
/// have made up for it.
fn near_misses(trace: &Trace) -> Vec<Nearest> {
    let silent = |step: &&Step| step.needed && step.ruling != Ruling::Allow;
    let missing: BTreeSet<&str> = trace.steps.iter().filter(silent).map(|step| step.layer).collect();
    let replaceable = ["identity", "resource", "trust"].iter().any(|layer| missing.contains(layer));
    let counts = |step: &Step| {
        let other_side = replaceable && ["resource", "grant", "acl"].contains(&step.layer);
        step.ruling != Ruling::Allow && (missing.contains(step.layer) || other_side)
    };
    nearest(trace, counts).into_iter().filter(speaks_of_the_service).collect()
}

/// What would let the request through if nothing denied it: nobody need look for a missing grant.
fn otherwise(trace: &Trace, findings: &[Finding], library: &Library<'_>) -> Option<String> {
    if findings.is_empty() || findings.iter().any(|finding| finding.kind != Kind::ExplicitDeny) {
        return None;
    }
    let granting = trace.steps.iter().filter(|step| ["identity", "resource", "trust"].contains(&step.layer));
    let mut statements = granting.flat_map(|step| &step.statements);
    let grant = statements.find(|statement| statement.effect == Effect::Allow && statement.applies.is_yes())?;
    let document = library.snapshot().document(&grant.place.document)?;
    let statement = if grant.label.is_empty() { "a statement".to_owned() } else { format!("statement {}", grant.label) };
    Some(format!("no grant is missing: but for what denies it, {statement} of {} would allow it", document.title))
}

/// A statement about another service did not come near.
fn speaks_of_the_service(near: &Nearest) -> bool {
    let service = |action: &str| action.split(':').next().unwrap_or_default().trim().to_lowercase();
    let action = near.failed.iter().find(|test| test.about == "action" && test.holds == Truth::No);
    // A long list is not shown to its end.
    action.is_none_or(|test| {
        test.place.pointer.ends_with("/NotAction")
            || test.wanted.ends_with(" more")
            || test.wanted.split(',').any(|wanted| service(wanted) == service(&test.got) || wanted.contains("*:"))
    })
}

/// Hints on how the question was asked.
fn hints(request: &Request) -> Vec<String> {
    let mut notes = Vec::new();
    let operation = request.operation.as_deref();
    notes.extend(operation.map(|operation| format!("{operation} is an operation of the API; its permission is {}", request.action.text)));
    let meant = catalog::did_you_mean(&request.action.text);
    if !meant.is_empty() {
        notes.push(format!("AWS's reference does not list {}; did you mean {}?", request.action.text, meant.join(" or ")));
    }
    if request.resource.is_empty() {
        notes.push(format!("{} acts on a resource, and none was given", request.action.text));
    } else {
        notes.extend(catalog::resource_hint(&request.action.text, &request.resource));
    }
    notes
}

fn remarks(world: &World, kind: Option<Kind>) -> Vec<String> {
    let mut notes = world.notes.clone();
    let policies = world.resource.policy.iter().flat_map(|level| &level.policies);
    for statement in policies.flat_map(|policy| &policy.statements) {
        let named = match &statement.principals {
            Principals::Named(named) | Principals::Not(named) => named.as_slice(),
            Principals::Unspoken => &[],
        };
        // E-33
        notes.extend(named.iter().filter(|one| one.is_unique_id()).map(|one| {
            format!("the policy names {}, an id that stands where the user or role it named was deleted; one of the same name made since is not meant", one.text)
        }));
        // E-36
        if matches!(statement.principals, Principals::Not(_)) && statement.effect == Effect::Deny && world.caller.bounded.is_yes() {
            notes.push("a Deny with NotPrincipal denies every caller with a permissions boundary, whoever it names".to_owned());
        }
    }
    let across = world.caller.has_account_side() && world.resource_account.is_some() && world.resource_account != world.caller.account;
    if across && kind == Some(Kind::MissingGrant) {
        notes.push(
            "across accounts AWS's message may blame the resource policy where the caller's own policy is silent: both sides have to allow"
                .to_owned(),
        );
    }
    notes
}

/// The last notes: what the answer does not say yet.
fn finish(mut verdict: Verdict, request: &Request, library: &Library<'_>, mut notes: Vec<String>) -> Verdict {
    if verdict.decision == Decision::Allow {
        notes.extend(missing_object(request, library));
        notes.extend(first_use(request, library));
    }
    let mut seen = BTreeSet::new();
    notes.retain(|note| seen.insert(note.clone()));
    verdict.notes = notes;
    verdict
}

/// S3-7: without permission to list the bucket a missing object is answered 403 instead of 404.
fn missing_object(request: &Request, library: &Library<'_>) -> Option<String> {
    let reads = ["s3:getobject", "s3:getobjectversion"].contains(&&*request.action.lower);
    let (bucket, Some(key)) = request.bucket().filter(|_| reads)? else { return None };
    let bucket_arn = format!("arn:{}:s3:::{bucket}", request.arn()?.partition);
    let list = request.also("s3:ListBucket", &bucket_arn);
    let world = World::of(&list, library);
    let hidden = decide(&list, &world).decision != Decision::Allow && request.caller.kind != CallerKind::Service;
    // A search that found nothing is for the object itself, not for every object.
    let exact = library.snapshot().searches().iter().any(|search| *search.kind == *OBJECT && *search.subject == *request.resource);
    let missing = exact && matches!(library.read(OBJECT, &request.resource), Read::Absent);
    match (missing, hidden) {
        (true, false) => Some(format!("the object {key} does not exist: S3 answers 404")),
        (true, true) => Some(format!(
            "the object {key} does not exist, which S3 hides from who may not list bucket {bucket} (s3:ListBucket): it answers 403 instead of 404"
        )),
        (false, true) => Some(format!(
            "if the object {key} does not exist, S3 answers 403 instead of 404, since the caller may not list bucket {bucket} (s3:ListBucket)"
        )),
        (false, false) => None,
    }
}
