//! Reports: one file per output format. A report knows documents and pointers, never a policy language and never a provider.

pub mod clean;
pub mod json;
pub mod locate;
pub mod markdown;
mod pretty;
mod quote;
pub mod redact;
pub mod refusals;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod schema;
pub mod text;
pub mod v1;

pub use redact::Redactor;

use iam_why_contract::{Layer, Provider, Question, Snapshot, Verdict};

/// Everything a report is made of.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// What was asked.
    pub question: &'a Question,
    /// What it was answered from.
    pub snapshot: &'a Snapshot,
    /// The answer.
    pub verdict: &'a Verdict,
    /// The layers of the provider that answered.
    pub layers: &'static [Layer],
    /// What puts pseudonyms in the place of identifiers, where that is wanted.
    pub redactor: Option<&'a Redactor>,
    /// What contradicts the answer: it is said before the answer itself.
    pub contradiction: Option<&'a str>,
}

/// How much a report says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Detail {
    /// The verdict, where it stands, and what to do.
    Brief,
    /// Also what came nearest to allowing.
    #[default]
    Nearest,
    /// Also every layer that was asked.
    Full,
}

impl<'a> Answer<'a> {
    /// What `provider` answered.
    #[must_use]
    pub fn new(question: &'a Question, snapshot: &'a Snapshot, verdict: &'a Verdict, provider: &dyn Provider) -> Self {
        Self { question, snapshot, verdict, layers: provider.layers(), redactor: None, contradiction: None }
    }

    /// The same answer, which `says` contradicts.
    #[must_use]
    pub fn contradicted(self, says: Option<&'a str>) -> Self {
        Self { contradiction: says, ..self }
    }

    /// The same answer with pseudonyms in the place of identifiers.
    #[must_use]
    pub fn redacted(self, redactor: &'a Redactor) -> Self {
        redactor.learn(&self);
        Self { redactor: Some(redactor), ..self }
    }

    /// The report of it.
    #[must_use]
    pub fn report(&self) -> v1::Report {
        let report = v1::Report::of(self);
        match self.redactor {
            Some(redactor) => redactor.report(report),
            None => report,
        }
    }

    /// A text as it may be shown: on no terminal does it do anything, and identifiers are replaced where that is wanted.
    fn shown(&self, text: &str) -> String {
        let text = self.redactor.map_or_else(|| text.to_owned(), |redactor| redactor.text(text));
        clean::lines(&text).into_owned()
    }

    /// How people call a layer.
    #[must_use]
    pub fn layer(&self, id: &str) -> String {
        self.layers.iter().find(|layer| layer.id == id).map_or_else(|| id.to_owned(), |layer| layer.title.to_owned())
    }
}
