//! The texts by which clouds, and what stands in front of them, refuse.
//!
//! One mechanism: a [`Form`] is a wording with holes, an example, a source and what it yields. A [`Catalogue`] looks for all
//! Forms of all dialects in one pass over a [`View`] of the text, in which colour codes, gutters, escapes and line wraps are gone.
//! Marks that stand close together and do not contradict each other are one refusal; the strongest of them says which layer
//! refused, and each fills in the fields that it holds. What no mark holds stays `None`.

mod advice;
mod catalogue;
mod form;
mod gutter;
mod mention;
mod pairs;
mod scan;
mod scrub;
mod sealed;
mod sighting;
mod template;
mod view;

pub use advice::{Advice, advise};
pub use catalogue::{Catalogue, Dialect, Found, Record};
pub use form::{Form, form};
pub use pairs::{Pair, Pairs};
pub use scan::Scanner;
pub use scrub::scrub;
pub use sealed::Sealed;
pub use sighting::{Mark, Sighting};
pub use template::Template;
pub use view::View;

use serde::Serialize;
use std::collections::BTreeMap;

/// Why a request was refused, as far as the text says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Something says no.
    ExplicitDeny,
    /// Nothing says yes.
    MissingGrant,
    /// Credentials, clocks, networks, rate limits: nothing that a policy grants.
    NotAuthorization,
    /// The text does not say.
    Unknown,
}

impl Reason {
    /// Its name in reports and cases.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::ExplicitDeny => "explicit_deny",
            Self::MissingGrant => "missing_grant",
            Self::NotAuthorization => "not_authorization",
            Self::Unknown => "unknown",
        }
    }
}

/// One refusal, as far as its text states it. What the text does not hold is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// `aws`, `azure`, `gcp`, or what else stood in the way: `kubernetes`, `cloudflare`, `generic`.
    pub provider: String,
    /// The layer that refused.
    pub refused_by: String,
    /// The HTTP status.
    pub status: Option<u16>,
    /// The caller.
    pub principal: Option<String>,
    /// What was asked for.
    pub action: Option<String>,
    /// On what.
    pub resource: Option<String>,
    /// Why.
    pub reason: Reason,
    /// The type of policy the text blames.
    pub policy_kind: Option<String>,
    /// The policy the text names.
    pub policy: Option<String>,
    /// The line of the input on which it stands, from 1.
    pub line: usize,
    /// One plain sentence: who refused and why.
    pub says: String,
    /// What to do next, the most likely first.
    pub next: Vec<String>,
    /// Which of the fields above are worked out rather than read.
    pub derived: Vec<&'static str>,
    /// What else the text says of the request, by the cloud's own key names.
    pub context: BTreeMap<String, String>,
    /// The encoded message that came with it, for its cloud to decode.
    #[serde(skip)]
    pub sealed: Sealed,
}

impl Refusal {
    /// Is `other` the same refusal told again, with no more in it than this one has?
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let within = |mine: &Option<String>, theirs: &Option<String>| theirs.is_none() || mine == theirs;
        self.provider == other.provider
            && self.refused_by == other.refused_by
            && self.reason == other.reason
            && within(&self.principal, &other.principal)
            && within(&self.action, &other.action)
            && within(&self.resource, &other.resource)
            && within(&self.policy, &other.policy)
            && within(&self.policy_kind, &other.policy_kind)
            && other.context.get("operation").is_none_or(|called| self.context.get("operation") == Some(called))
    }

    /// Does it give the reason of `other`, which was told of the same request without one? A tool says that a role cannot be assumed; the
    /// service that it asked says why.
    #[must_use]
    pub fn explains(&self, other: &Self) -> bool {
        let same = |mine: &Option<String>, theirs: &Option<String>| mine.is_some() && mine == theirs;
        self.provider == other.provider
            && other.reason == Reason::Unknown
            && matches!(self.reason, Reason::ExplicitDeny | Reason::MissingGrant)
            && same(&self.action, &other.action)
            && same(&self.resource, &other.resource)
            && (other.principal.is_none() || self.principal == other.principal)
    }
}

/// Adds `refusal` to `found` unless it is there already; one that says more of the same takes the place of the one that says less.
pub fn fold(found: &mut Vec<Refusal>, refusal: Refusal) {
    if found.iter().any(|known| known.covers(&refusal)) {
        return;
    }
    match found.iter_mut().find(|known| refusal.covers(known)) {
        Some(known) => *known = Refusal { line: known.line, ..refusal },
        None => found.push(refusal),
    }
}
