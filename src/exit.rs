//! The exit codes. Scripts depend on them.

use iam_why::contract::refusal::Reason;
use iam_why::{Decision, Kind, Verdict};

/// How `iam-why` ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Every policy that was read lets the request through; every case passes; a command without an answer did its work.
    Allowed = 0,
    /// iam-why itself failed.
    Failed = 1,
    /// What was typed makes no question.
    Usage = 2,
    /// Nothing could be read.
    Unread = 3,
    /// Something says no; some case fails.
    ExplicitDeny = 10,
    /// Nothing says yes.
    MissingGrant = 11,
    /// It depends on what is not known.
    Undetermined = 12,
    /// `explain`: the refusal is no matter of permissions.
    NotAuthorization = 13,
}

/// What `--help` says of them.
pub(crate) const TABLE: &str = "\
Exit codes:
   0  allowed by every policy read
  10  denied: something says no
  11  denied: nothing says yes
  12  undetermined: it depends on what was not read or is not known
  13  explain: refused, and no permission would help (credentials, clock, network, rate limit)
   1  iam-why failed
   2  usage
   3  nothing could be read";

impl Exit {
    /// The exit code of an answer.
    pub(crate) fn of(verdict: &Verdict) -> Self {
        match (verdict.decision, verdict.kind) {
            (Decision::Allow, _) => Self::Allowed,
            (Decision::Deny, Some(Kind::ExplicitDeny)) => Self::ExplicitDeny,
            (Decision::Deny, _) => Self::MissingGrant,
            (Decision::Undetermined, _) => Self::Undetermined,
        }
    }

    /// The exit code of a refusal that was read.
    pub(crate) fn of_reason(reason: Reason) -> Self {
        match reason {
            Reason::ExplicitDeny => Self::ExplicitDeny,
            Reason::MissingGrant => Self::MissingGrant,
            Reason::NotAuthorization => Self::NotAuthorization,
            Reason::Unknown => Self::Undetermined,
        }
    }

    /// Is it an answer, rather than the lack of one?
    pub(crate) fn is_answer(self) -> bool {
        !matches!(self, Self::Failed | Self::Usage | Self::Unread)
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
