//! Reports: one file per output format. A report knows documents and pointers, never a policy language and never a provider.

pub mod clean;
pub mod json;
pub mod locate;
pub mod text;
pub mod v1;

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
        Self { question, snapshot, verdict, layers: provider.layers() }
    }

    /// How people call a layer.
    #[must_use]
    pub fn layer(&self, id: &str) -> String {
        self.layers.iter().find(|layer| layer.id == id).map_or_else(|| id.to_owned(), |layer| layer.title.to_owned())
    }
}
