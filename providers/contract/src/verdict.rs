//! The answer: the decision, what it rests on, and what is not known.

use crate::fix::Fix;
use crate::trace::{Effect, Place, Statement, Step, Test, Trace};
use crate::truth::Truth;
use serde::Serialize;

/// Whether the request is let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Every layer that can refuse is known not to.
    Allow,
    /// It is refused whatever the open facts turn out to be.
    Deny,
    /// Two completions of the open facts lead to different decisions.
    Undetermined,
}

/// How a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Something says no.
    ExplicitDeny,
    /// Nothing says yes where a yes is needed.
    MissingGrant,
}

/// The answer to a [`Question`](crate::Question).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// Whether the request is let through.
    pub decision: Decision,
    /// How it was refused; `None` unless the decision is `Deny`.
    pub kind: Option<Kind>,
    /// The id of the layer that refused or, for an allowed request, granted.
    pub decided_by: Option<&'static str>,
    /// Every blocker, the deciding one first. Fixing one must not be a surprise party.
    pub findings: Vec<Finding>,
    /// The statements that came closest to allowing, the closest first.
    pub nearest: Vec<Nearest>,
    /// The smallest set of facts that would settle the answer; empty where it is settled.
    pub doubts: Vec<Doubt>,
    /// Changes that were simulated and let the request through.
    pub fixes: Vec<Fix>,
    /// What the question was taken to mean, and hints on how it was asked (`did you mean s3:GetObject`).
    pub notes: Vec<String>,
    /// The authorizations that the one call needs, each with its own answer; the first is the question itself.
    pub parts: Vec<Part>,
}

/// One authorization that the call needs: the same action on another resource, or a second action (a key behind a bucket).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Part {
    /// The action authorized.
    pub action: String,
    /// The resource it is authorized on.
    pub resource: Option<String>,
    /// Why the call needs it; empty for the question itself.
    pub because: String,
    /// Whether this part is let through.
    pub decision: Decision,
    /// How it was refused.
    pub kind: Option<Kind>,
    /// The layer that refused or granted.
    pub decided_by: Option<&'static str>,
    /// What was compared with what.
    pub trace: Trace,
}

/// One blocker with the evidence for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The id of the provider's [`Code`](crate::Code).
    pub code: &'static str,
    /// How it blocks.
    pub kind: Kind,
    /// The id of the layer that blocks.
    pub layer: &'static str,
    /// The index in [`Verdict::parts`] of the authorization it blocks.
    pub part: usize,
    /// One plain sentence: what blocks and why.
    pub says: String,
    /// What shows it.
    pub evidence: Evidence,
    /// Further places that belong to it: the condition keys that matched, a group that conveys the policy.
    pub related: Vec<Place>,
    /// Who can change it.
    pub owner: String,
}

/// What shows a finding. There is no finding without.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// A place in a document that was read.
    Place(Place),
    /// A search that found nothing, or documents that were read and do not speak of the request.
    Silence {
        /// What was looked at: `3 identity policies of role app`, `no bucket policy on acme-reports`.
        what: String,
        /// Ids of the documents that were read and are silent.
        documents: Vec<String>,
    },
}

/// A statement that came close to allowing, and why it did not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Nearest {
    /// Where it stands.
    pub place: Place,
    /// How people call it.
    pub label: String,
    /// The layer it belongs to.
    pub layer: &'static str,
    /// The tests that failed or are open; every other test of the statement holds.
    pub failed: Vec<Test>,
}

/// Something that is not known and could change the answer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Doubt {
    /// What is not known: a condition key, a policy that was not read, an ambiguity of the vendor's documentation.
    pub about: String,
    /// Which fact or which reading permission would settle it.
    pub needs: String,
}

/// How many near misses are worth showing.
const NEAREST: usize = 5;

/// The statements of `trace` that came closest to allowing in the layers that `counts` picks (those whose grant was missing), the
/// closest first: fewest failed tests, then those that failed on the request's own circumstances rather than on its subject. A statement
/// about something else altogether came near nothing, and a layer without a near miss has none.
#[must_use]
pub fn nearest(trace: &Trace, counts: impl Fn(&Step) -> bool) -> Vec<Nearest> {
    let mut found: Vec<(usize, Nearest)> = trace
        .steps
        .iter()
        .filter(|step| counts(step))
        .flat_map(|step| step.statements.iter().map(|statement| (step.layer, statement)))
        .filter(|(_, statement)| statement.effect == Effect::Allow && !statement.applies.is_yes())
        .map(|(layer, statement)| near(layer, statement))
        .filter(|(_, nearest)| is_near(nearest))
        .collect();
    found.sort_by_key(|(distance, _)| *distance);
    found.dedup_by(|a, b| a.1 == b.1);
    found.into_iter().map(|(_, nearest)| nearest).take(NEAREST).collect()
}

fn near(layer: &'static str, statement: &Statement) -> (usize, Nearest) {
    let failed: Vec<Test> = statement.tests.iter().filter(|test| !test.holds.is_yes()).cloned().collect();
    let distance = failed.iter().map(weight).sum();
    (distance, Nearest { place: statement.place.clone(), label: statement.label.to_string(), layer, failed })
}

/// Misses it the request by one of action, principal and resource at most?
fn is_near(nearest: &Nearest) -> bool {
    let misses = |about: &&str| nearest.failed.iter().any(|test| test.about == *about && test.holds == Truth::No);
    ["action", "principal", "resource"].iter().filter(|about| misses(about)).count() <= 1
}

/// A statement about another action is further away than one whose condition fails.
fn weight(test: &Test) -> usize {
    let open = usize::from(test.holds == Truth::Unknown);
    match &*test.about {
        "action" => 40 - open,
        "principal" => 20 - open,
        "resource" => 16 - open,
        _ => 10 - open,
    }
}
