//! The texts by which clouds, and what stands in front of them, refuse.

use serde::Serialize;
use std::collections::BTreeMap;

/// One wording of a refusal.
#[derive(Debug, Clone, Copy)]
pub struct Form {
    /// A short name, unique in its provider.
    pub name: &'static str,
    /// The wording, with `{field}` where it varies.
    pub template: &'static str,
    /// A text of this wording, with invented identifiers.
    pub example: &'static str,
    /// The vendor's page, or where the wording was met.
    pub source: &'static str,
}

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
}
