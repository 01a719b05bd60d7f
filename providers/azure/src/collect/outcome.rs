//! What became of a call: one classification for Resource Manager and Microsoft Graph.

use super::step::Step;
use iam_why_contract::Outcome;
use iam_why_contract::collect::Secrets;
use std::error::Error;

/// A call that did not give what it was sent for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// Azure answered with an error.
    Answered {
        /// The HTTP status.
        status: u16,
        /// `AuthorizationFailed`; empty where the answer had none.
        code: String,
        /// Azure's own words.
        message: String,
    },
    /// There is no token.
    Credentials(String),
    /// No connection, or it broke off.
    Connection(String),
    /// An answer that is not of the documented shape.
    Malformed(String),
}

impl Failure {
    /// Azure does not accept the credentials themselves: 401, whatever the code; a layer that may not be read is 403.
    pub(super) fn is_bad_credentials(&self) -> bool {
        matches!(self, Self::Answered { status: 401, .. })
    }

    pub(super) fn is_absent(&self) -> bool {
        matches!(self, Self::Answered { status: 404, .. })
    }

    /// What a search says of it.
    pub(super) fn outcome(&self, step: &Step, secrets: &Secrets) -> Outcome {
        if self.is_absent() {
            return Outcome::Absent;
        }
        let needs = match self {
            Self::Answered { status: 401, .. } | Self::Credentials(_) => format!("credentials that Azure accepts for {}", step.call),
            Self::Answered { status: 403, .. } => step.needs.join(" or "),
            Self::Answered { status: 429, .. } => format!("another attempt: Azure throttled {}", step.call),
            Self::Answered { .. } => format!("an answer to {} without an error", step.call),
            Self::Connection(_) => format!("a connection for {}", step.call),
            Self::Malformed(_) => format!("a readable answer to {}", step.call),
        };
        Outcome::Refused { needs, said: self.said(secrets) }
    }

    /// What Azure said, in one line.
    pub(super) fn said(&self, secrets: &Secrets) -> String {
        match self {
            Self::Answered { status, code, message } if code.is_empty() => secrets.scrub(&format!("status {status} {message}")),
            Self::Answered { code, message, .. } => secrets.scrub(&format!("{code}: {message}")),
            Self::Credentials(said) | Self::Connection(said) | Self::Malformed(said) => secrets.scrub(said),
        }
    }
}

/// An error and its causes in one line: the outer one alone seldom says what went wrong.
pub(super) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let text = inner.to_string();
        if !said.contains(&text) {
            said = format!("{said}: {text}");
        }
        cause = inner.source();
    }
    said
}
