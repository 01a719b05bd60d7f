//! What could be changed so that a denied request goes through: proposed from the trace, shown only if simulating it gives *allow*.
//!
//! A fix is made of all that stands in the way: an exemption for each statement that denies (`exemptions`), an Allow in each layer that
//! must allow and is silent (`gates`), and the missing grant (`grants`). Where a grant on either side suffices (*Policy evaluation
//! logic*: within one account identity and resource policies are a union), each is a fix of its own. What turns out not to be needed is
//! left out before anything is shown.

mod exemptions;
mod gates;
mod grants;
mod statement;

#[cfg(test)]
mod tests;

pub(super) use crate::language::arn::called;

use crate::documents::{GROUP, INLINE_POLICY, ROLE, SESSION, USER};
use crate::language::principal::CallerKind;
use crate::library::Library;
use crate::needs::{Need, needs};
use crate::request::Request;
use iam_why_contract::{Context, Decision, Document, Fix, Outcome, Part, Proposal, Question, Ruling, Search, Snapshot, Step, Verdict};
use serde_json::Value;

/// How many fixes are worth reading.
const FIXES: usize = 3;

/// The snapshot in which the caller's session was made without a session policy, where the request is denied and nothing is known of
/// one: no change of a policy can be proven against what cannot be read back (E-41).
#[must_use]
pub fn with_plain_session(request: &Request, snapshot: &Snapshot, verdict: &Verdict) -> Option<Snapshot> {
    let session = &request.caller.text;
    let open = request.caller.kind == CallerKind::Session && snapshot.outcome(SESSION, session).is_none();
    (open && verdict.decision == Decision::Deny).then(|| {
        let mut plain = snapshot.clone();
        plain.note(Search { kind: SESSION.into(), subject: (&**session).into(), outcome: Outcome::Absent });
        plain
    })
}

/// The fixes for a denied request, the smallest first. `decide` simulates the question on an edited snapshot.
pub fn fixes(question: &Question, snapshot: &Snapshot, verdict: &Verdict, decide: impl Fn(&Snapshot) -> Decision) -> Vec<Fix> {
    if verdict.decision != Decision::Deny {
        return Vec::new();
    }
    let library = Library::new(snapshot);
    let needed = Request::parse(question).map(|request| needs(&request, &library)).unwrap_or_default();
    let case = Case { question, snapshot, verdict, needed };
    let identity = grants::identity(&case);
    let resource = grants::resource(&case);
    let mut found: Vec<(Vec<Proposal>, Fix)> = Vec::new();
    for obstacles in obstacles(&case) {
        for grants in [vec![&identity], vec![&resource], vec![&identity, &resource], vec![]] {
            let Some(grants) = grants.into_iter().map(|grants| (!grants.is_empty()).then(|| grants.clone())).collect::<Option<Vec<_>>>()
            else {
                continue;
            };
            let parts: Vec<Proposal> = obstacles.iter().cloned().chain(grants.into_iter().flatten()).collect();
            let Some((parts, fix)) = least(parts, snapshot, &decide) else { continue };
            // Whoever needs one of two grants is not told of both.
            if !found.iter().any(|(fewer, _)| fewer.iter().all(|one| parts.contains(one))) {
                found.push((parts, fix));
            }
        }
    }
    // What lets nothing else through comes first, then what changes least.
    found.sort_by_key(|(parts, fix)| (fix.widens().is_some(), parts.len()));
    found.into_iter().map(|(_, fix)| fix).take(FIXES).collect()
}

/// The proposals without those that the request does not need, as one fix; `None` where all of them do not suffice.
fn least(mut parts: Vec<Proposal>, snapshot: &Snapshot, decide: &impl Fn(&Snapshot) -> Decision) -> Option<(Vec<Proposal>, Fix)> {
    prove(&parts, snapshot, decide)?;
    let mut at = 0;
    while at < parts.len() && parts.len() > 1 {
        let mut fewer = parts.clone();
        fewer.remove(at);
        if prove(&fewer, snapshot, decide).is_some() { parts = fewer } else { at += 1 }
    }
    let fix = prove(&parts, snapshot, decide)?;
    Some((parts, fix))
}

fn prove(parts: &[Proposal], snapshot: &Snapshot, decide: &impl Fn(&Snapshot) -> Decision) -> Option<Fix> {
    let together = parts.iter().cloned().reduce(Proposal::and)?;
    together.prove(snapshot, decide)
}

/// Everything that must go whatever grants: the statements that deny and the layers that must allow and do not. Each element is one
/// way to do it: the first exempts the caller; the second, where there is one, narrows the lists of the statements instead.
fn obstacles(case: &Case<'_>) -> Vec<Vec<Proposal>> {
    let denies = case.steps().filter(|(_, step)| step.ruling == Ruling::Deny);
    let exempted: Option<Vec<Vec<Proposal>>> = denies.map(|(part, step)| exemptions::of(case, part, step)).collect();
    // A statement that nobody should be exempted from leaves no fix.
    let Some(exempted) = exempted else { return Vec::new() };
    let gates: Vec<Proposal> =
        case.steps().filter(|(_, step)| step.ruling == Ruling::Silent).filter_map(|(part, step)| gates::open(case, part, step)).collect();
    let ways = exempted.iter().map(Vec::len).max().unwrap_or(1).max(1);
    (0..ways).map(|way| exempted.iter().filter_map(|ways| ways.get(way).or(ways.first())).chain(&gates).cloned().collect()).collect()
}

/// A denied question.
pub(super) struct Case<'c> {
    pub(super) question: &'c Question,
    pub(super) snapshot: &'c Snapshot,
    pub(super) verdict: &'c Verdict,
    /// The authorizations that the call needs, each with the context that it is asked in.
    needed: Vec<Need>,
}

impl<'c> Case<'c> {
    /// The authorizations that were refused.
    pub(super) fn refused(&self) -> impl Iterator<Item = &'c Part> {
        self.verdict.parts.iter().filter(|part| part.decision == Decision::Deny)
    }

    /// The context of one authorization: a service that takes a role, an action that creates and tags.
    pub(super) fn context(&self, part: &Part) -> &Context {
        let same = |need: &&Need| *need.request.action.text == *part.action && Some(&*need.request.resource) == part.resource.as_deref();
        self.needed.iter().find(same).map_or(&self.question.context, |need| &need.request.context)
    }

    fn steps(&self) -> impl Iterator<Item = (&'c Part, &'c Step)> {
        self.refused().flat_map(|part| part.trace.steps.iter().map(move |step| (part, step)))
    }

    /// A document with its text read.
    pub(super) fn read(&self, id: &str) -> Option<(&'c Document, Value)> {
        let document = self.snapshot.document(id)?;
        Some((document, serde_json::from_str(&document.text).ok()?))
    }

    /// The ARN that the policies of the user or role are attached to.
    pub(super) fn identity(&self) -> Option<&'c str> {
        let principal = self.question.principal.as_str();
        let attached = |arn: &&str| arn.contains(":user/") || arn.contains(":role/");
        let layers = ["identity", "boundary"];
        let steps = self.verdict.parts.iter().flat_map(|part| &part.trace.steps).filter(|step| layers.contains(&step.layer));
        steps.map(|step| step.subject.as_str()).find(attached).or_else(|| Some(principal).filter(attached))
    }

    /// The caller as `aws:PrincipalArn` and `Principal` name it; `None` for services and anonymous callers.
    pub(super) fn principal(&self) -> Option<&'c str> {
        let principal = self.question.principal.as_str();
        let root = principal.ends_with(":root") || principal.contains(":federated-user/");
        self.identity().filter(|_| !root).or_else(|| Some(principal).filter(|arn| arn.starts_with("arn:") && root))
    }

    /// The AWS service that calls in its own name.
    pub(super) fn service(&self) -> Option<&'c str> {
        Some(self.question.principal.as_str()).filter(|name| name.ends_with(".amazonaws.com") || name.ends_with(".amazonaws.com.cn"))
    }

    /// The caller in words: `role app`.
    pub(super) fn caller(&self) -> String {
        self.principal().map_or_else(|| self.question.principal.clone(), called)
    }

    /// Who can change something in `layer`: whom the findings name, else `otherwise`.
    pub(super) fn owner(&self, layer: &str, otherwise: &str) -> String {
        let finding = self.verdict.findings.iter().find(|finding| finding.layer == layer && !finding.owner.is_empty());
        finding.map_or_else(|| otherwise.to_owned(), |finding| finding.owner.clone())
    }

    /// Is the document a policy of nobody but this caller?
    pub(super) fn own(&self, document: &Document) -> bool {
        [USER, ROLE, INLINE_POLICY].contains(&&*document.kind) && Some(&*document.subject) == self.identity() && *document.kind != *GROUP
    }
}

pub(super) fn account_of(arn: &str) -> Option<&str> {
    arn.split(':').nth(4).filter(|account| !account.is_empty())
}
