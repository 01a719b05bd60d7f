//! What became of a call: one classification for Resource Manager and Microsoft Graph.

use super::step::Step;
use iam_why_contract::Outcome;
use iam_why_contract::collect::Secrets;

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
    /// What these credentials may see was shown, and what was looked for is not in it.
    Unseen(String),
    /// It is kept in the directory of another tenant.
    Elsewhere(String),
}

/// What Resource Manager and Graph say where exactly what was asked for is not there.
const GONE: &[&str] = &[
    "NotFound",
    "ParentResourceNotFound",
    "PolicyDefinitionNotFound",
    "PolicySetDefinitionNotFound",
    "Request_ResourceNotFound",
    "ResourceGroupNotFound",
    "ResourceNotFound",
    "RoleDefinitionDoesNotExist",
];

impl Failure {
    /// Azure does not accept the credentials themselves: 401, whatever the code; a layer that may not be read is 403.
    pub(super) fn is_bad_credentials(&self) -> bool {
        matches!(self, Self::Answered { status: 401, .. })
    }

    /// Does it say that this very thing is not there? A subscription that is not there may as well be one of another tenant, and a 404
    /// of another wording one of something in between.
    pub(super) fn is_absent(&self) -> bool {
        matches!(self, Self::Answered { status: 404, code, .. } if GONE.iter().any(|gone| gone.eq_ignore_ascii_case(code)))
    }

    /// Has the tenant no license for Privileged Identity Management? Then nothing can be eligible in it, or assigned for a time.
    pub(super) fn is_unlicensed(&self) -> bool {
        matches!(self, Self::Answered { status: 400, code, .. } if code.eq_ignore_ascii_case("AadPremiumLicenseRequired"))
    }

    /// Is the namespace not registered in the subscription? Then it has nothing in it.
    pub(super) fn is_unregistered(&self) -> bool {
        matches!(self, Self::Answered { code, .. } if code.eq_ignore_ascii_case("MissingSubscriptionRegistration"))
    }

    /// Does Azure not take the request as it stands?
    pub(super) fn is_bad_request(&self) -> bool {
        matches!(self, Self::Answered { status: 400, .. })
    }

    /// What a search says of it.
    pub(super) fn outcome(&self, step: &Step, secrets: &Secrets) -> Outcome {
        if self.is_absent() {
            return Outcome::Absent;
        }
        let needs = match self {
            Self::Answered { status: 401, .. } | Self::Credentials(_) => format!("credentials that Azure accepts for {}", step.call),
            Self::Answered { status: 404, code, .. } if code.eq_ignore_ascii_case("SubscriptionNotFound") => {
                "credentials of the tenant that has the subscription (--tenant), with a right to read in it".into()
            }
            Self::Answered { status: 404, .. } => format!("a scope that exists for {}", step.call),
            Self::Answered { status: 403, .. } | Self::Unseen(_) => step.needs.join(" or "),
            Self::Elsewhere(_) => "the directory of the tenant that it belongs to".into(),
            Self::Answered { status: 429, .. } => format!("another attempt: Azure throttled {}", step.call),
            Self::Answered { .. } => format!("an answer to {} without an error", step.call),
            Self::Connection(_) => format!("a connection for {}", step.call),
            Self::Malformed(_) => format!("a readable answer to {}", step.call),
        };
        Outcome::Refused { needs, said: self.said(secrets) }
    }

    /// What a search says of it that found no list: no scope is there, which is no empty list.
    pub(super) fn outcome_of_list(&self, step: &Step, secrets: &Secrets) -> Outcome {
        match self.outcome(step, secrets) {
            Outcome::Absent => Outcome::Refused { needs: format!("a scope that exists for {}", step.call), said: self.said(secrets) },
            outcome => outcome,
        }
    }

    /// What Azure said, in one line.
    pub(super) fn said(&self, secrets: &Secrets) -> String {
        match self {
            Self::Answered { status, code, message } if code.is_empty() => secrets.scrub(&format!("status {status} {message}")),
            Self::Answered { code, message, .. } => secrets.scrub(&format!("{code}: {message}")),
            Self::Credentials(said) | Self::Connection(said) | Self::Malformed(said) | Self::Unseen(said) | Self::Elsewhere(said) => {
                secrets.scrub(said)
            }
        }
    }
}
