//! The report of refusals, version 1: structs of its own that change only by addition. `docs/schema/` holds the JSON Schema.

pub mod markdown;
pub mod text;

use super::{Answer, Redactor, v1};
use crate::explain::{self, Explanation};
use crate::providers;
use iam_why_contract as contract;
use serde::{Deserialize, Serialize};

/// What the report calls itself.
pub const REFUSAL: &str = "iam-why/refusal/1";

/// The refusals that a text holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Report {
    /// `iam-why/refusal/1`
    pub schema: String,
    /// Each once, the first first.
    pub refusals: Vec<Refusal>,
}

/// One refusal. What the text does not hold is null.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Refusal {
    /// Which cloud refused, or what else: `kubernetes`, `cloudflare`, `generic`.
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
    /// The type of policy that the text blames.
    pub policy_kind: Option<String>,
    /// The policy that the text names.
    pub policy: Option<String>,
    /// The line of the text on which it stands, from 1.
    pub line: usize,
    /// Who refused and why, in one sentence.
    pub says: String,
    /// What to do next, the most likely first.
    pub next: Vec<String>,
    /// Which of the fields above are worked out rather than read.
    pub derived: Vec<String>,
    /// The question it is, with what the text says of the request; null where the text does not hold one.
    pub question: Option<v1::Question>,
    /// What the policies say of that question; null where none were read.
    pub verdict: Option<v1::Report>,
    /// How message and policies contradict each other; null where they do not or no policies were read.
    pub contradiction: Option<String>,
    /// Who was refused beside whose credentials are at hand; null where nobody looked.
    #[serde(default)]
    pub identity: Option<Identity>,
    /// How old the newest grant is, where policies let through what was refused; null where they do not, or do not say.
    #[serde(default)]
    pub freshness: Option<String>,
}

/// The identity that was refused beside the one whose credentials are at hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Identity {
    /// Who was refused; null where neither the text nor the cloud says.
    pub refused: Option<String>,
    /// Whose credentials are at hand; null where the cloud does not say.
    pub held: Option<String>,
    /// Are they the same? Null where that is not known.
    pub same: Option<bool>,
}

/// Why a request was refused, as far as the text says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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

impl Report {
    /// The report of `explanations`, with pseudonyms where a redactor is given.
    #[must_use]
    pub fn of(explanations: &[Explanation], redactor: Option<&Redactor>) -> Self {
        let refusals = explanations.iter().map(|explanation| Refusal::of(explanation, redactor)).collect();
        Self { schema: REFUSAL.to_owned(), refusals }
    }
}

impl Refusal {
    fn of(explanation: &Explanation, redactor: Option<&Redactor>) -> Self {
        let told = &explanation.refusal;
        let mut refusal = Self {
            provider: told.provider.clone(),
            refused_by: told.refused_by.clone(),
            status: told.status,
            principal: told.principal.clone(),
            action: told.action.clone(),
            resource: told.resource.clone(),
            reason: told.reason.into(),
            policy_kind: told.policy_kind.clone(),
            policy: told.policy.clone(),
            line: told.line,
            says: told.says.clone(),
            next: told.next.clone(),
            derived: told.derived.iter().map(|&field| field.to_owned()).collect(),
            question: explanation.question.as_ref().map(Into::into),
            verdict: None,
            contradiction: explanation.contradiction.clone(),
            identity: explanation.identity.as_ref().map(Into::into),
            freshness: explanation.freshness.clone(),
        };
        if let Some(redactor) = redactor {
            redactor.learn_refusal(told);
            explanation.identity.iter().filter_map(|identity| identity.held.as_deref()).for_each(|held| redactor.learn_name(held));
            refusal = refusal.redacted(redactor);
        }
        refusal.verdict = answer(explanation, redactor).map(|answer| answer.report());
        refusal
    }

    /// The same refusal with pseudonyms. What cannot be written and read again is not shown.
    fn redacted(self, redactor: &Redactor) -> Self {
        let text = |text: Option<String>| text.map(|text| redactor.text(&text));
        let question = self.question.and_then(|question| serde_json::to_value(question).ok());
        Self {
            principal: text(self.principal),
            // An action is a word of the cloud; what has a path in it is a request.
            action: self.action.map(|action| if action.contains(" /") { redactor.text(&action) } else { action }),
            resource: text(self.resource),
            policy: text(self.policy),
            says: redactor.text(&self.says),
            next: self.next.iter().map(|step| redactor.text(step)).collect(),
            question: question.and_then(|question| serde_json::from_value(redactor.value(question)).ok()),
            contradiction: text(self.contradiction),
            identity: self.identity.map(|identity| Identity { refused: text(identity.refused), held: text(identity.held), ..identity }),
            freshness: text(self.freshness),
            ..self
        }
    }
}

/// What the policies say, as an answer that can be rendered.
pub(super) fn answer<'a>(explanation: &'a Explanation, redactor: Option<&'a Redactor>) -> Option<Answer<'a>> {
    let (question, answered) = (explanation.question.as_ref()?, explanation.answered.as_ref()?);
    let answer = Answer::new(question, &answered.snapshot, &answered.verdict, providers::named(&question.provider)?);
    Some(match redactor {
        Some(redactor) => answer.redacted(redactor),
        None => answer,
    })
}

/// The refusal in one word or two, as it stands before everything else.
pub(super) fn word(reason: Reason) -> &'static str {
    match reason {
        Reason::ExplicitDeny => "DENIED",
        Reason::MissingGrant => "NOT GRANTED",
        Reason::NotAuthorization => "NO PERMISSION PROBLEM",
        Reason::Unknown => "REFUSED, THE TEXT DOES NOT SAY WHY",
    }
}

/// The rows that say what was asked, with the names of fields that are worked out marked so.
pub(super) fn rows(refusal: &Refusal) -> Vec<(String, String)> {
    let by = match refusal.status {
        Some(status) => format!("{} / {} (HTTP {status})", refusal.provider, refusal.refused_by),
        None => format!("{} / {}", refusal.provider, refusal.refused_by),
    };
    let mut rows = vec![("refused by".to_owned(), by)];
    let fields =
        [("principal", &refusal.principal), ("action", &refusal.action), ("resource", &refusal.resource), ("policy", &refusal.policy)];
    for (name, value) in fields {
        let worked_out = if refusal.derived.iter().any(|field| field == name) { " (worked out)" } else { "" };
        rows.extend(value.as_ref().map(|value| (name.to_owned(), format!("{value}{worked_out}"))));
    }
    if let Some(identity) = &refusal.identity {
        let same = match identity.same {
            Some(true) => "the same identity",
            Some(false) => "not the same identity",
            None => "the same or not: unknown",
        };
        rows.push(("you hold".to_owned(), format!("{} ({same})", identity.held.as_deref().unwrap_or("unknown"))));
    }
    rows
}

impl From<&explain::Identity> for Identity {
    fn from(identity: &explain::Identity) -> Self {
        Self { refused: identity.refused.clone(), held: identity.held.clone(), same: identity.same }
    }
}

impl From<contract::refusal::Reason> for Reason {
    fn from(reason: contract::refusal::Reason) -> Self {
        use contract::refusal::Reason as Told;
        match reason {
            Told::ExplicitDeny => Self::ExplicitDeny,
            Told::MissingGrant => Self::MissingGrant,
            Told::NotAuthorization => Self::NotAuthorization,
            Told::Unknown => Self::Unknown,
        }
    }
}

/// What is said where a text holds no refusal.
pub const NONE: &str = "no refusal was recognised: the text holds none, or one in words that are not known";

/// Sentences of a report hold their values in backticks.
pub(super) fn is_code(at: usize) -> bool {
    at % 2 == 1
}
