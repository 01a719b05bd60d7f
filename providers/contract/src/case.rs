//! Policy unit tests: a question, a world, an expectation.

use crate::question::Question;
use crate::snapshot::Snapshot;
use crate::verdict::{Decision, Kind, Verdict};
use serde::{Deserialize, Serialize};

/// One case.
#[derive(Debug, Clone)]
pub struct Case {
    /// Its name.
    pub id: String,
    /// Why the expectation is believed; may be empty.
    pub why: String,
    /// What is asked.
    pub question: Question,
    /// What the world is.
    pub snapshot: Snapshot,
    /// What the answer should be.
    pub expect: Expected,
    /// Facts of the case that this provider does not model. Where there are any the case is neither passed nor failed.
    pub not_modelled: Vec<String>,
}

/// What a case expects.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct Expected {
    /// The decision.
    pub decision: ExpectedDecision,
    /// The layer that decides, where the case says so.
    #[serde(default)]
    pub decided_by: Option<String>,
    /// The code of the first finding, where the case says so.
    #[serde(default)]
    pub code: Option<String>,
    /// The pointer of the first finding's evidence, where the case says so.
    #[serde(default)]
    pub at: Option<String>,
}

/// The decision as cases name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ExpectedDecision {
    /// Let through.
    Allow,
    /// Refused by something that says no.
    ExplicitDeny,
    /// Refused because nothing says yes.
    ImplicitDeny,
    /// It depends on what is not known.
    Unknown,
}

/// Why a case could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("case `{id}`: `{field}` is {found}, expected {expected}")]
pub struct CaseError {
    /// The case, as far as it has a name.
    pub id: String,
    /// The field.
    pub field: String,
    /// What stands there.
    pub found: String,
    /// What was expected there.
    pub expected: String,
}

impl ExpectedDecision {
    /// How a case would call what this verdict decided.
    #[must_use]
    pub fn of(verdict: &Verdict) -> Self {
        match (verdict.decision, verdict.kind) {
            (Decision::Allow, _) => Self::Allow,
            (Decision::Deny, Some(Kind::ExplicitDeny)) => Self::ExplicitDeny,
            (Decision::Deny, _) => Self::ImplicitDeny,
            (Decision::Undetermined, _) => Self::Unknown,
        }
    }
}
