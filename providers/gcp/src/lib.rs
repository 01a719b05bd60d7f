//! Google Cloud for iam-why: its authorization as a pure function, and what reads it.
//!
//! [`Gcp`] answers a question from a snapshot. The decision procedure is `decide.rs`; each layer is a file of `layers/`; the condition
//! language is `language/`. Rule ids such as `D3` in comments number the rules of the vendor's pages named at the head of each file.

mod answer;
mod cases;
#[cfg(feature = "collect")]
pub mod collect;
mod decide;
pub mod documents;
mod facts;
mod findings;
mod fixes;
mod language;
mod layers;
mod membership;
#[cfg(test)]
mod properties;
pub mod refusal;
mod request;
mod surroundings;
mod world;

use iam_why_contract::case::CaseError;
use iam_why_contract::refusal::{Form, Refusal};
use iam_why_contract::{Case, Code, DocumentKind, Layer, Provider, Question, QuestionError, Snapshot, SourceFile, Verdict};

/// Google Cloud.
#[derive(Debug, Clone, Copy, Default)]
pub struct Gcp;

impl Provider for Gcp {
    fn id(&self) -> &'static str {
        "gcp"
    }

    fn title(&self) -> &'static str {
        "Google Cloud"
    }

    fn layers(&self) -> &'static [Layer] {
        layers::LAYERS
    }

    fn kinds(&self) -> &'static [DocumentKind] {
        documents::KINDS
    }

    fn codes(&self) -> &'static [Code] {
        findings::CODES
    }

    fn claims(&self, question: &Question) -> bool {
        question.provider == self.id() || language::permissions::Permission::parse(&question.action).is_some()
    }

    /// "Permission … denied (or it may not exist)" is all that is said of a missing role, a deny policy and a principal access boundary
    /// (<https://cloud.google.com/iam/docs/permission-error-messages>).
    fn tells_denies_apart(&self) -> bool {
        false
    }

    fn simulate(&self, question: &Question, snapshot: &Snapshot) -> Result<Verdict, QuestionError> {
        let request = request::Request::parse(question)?;
        let mut verdict = answer::answer(&request, snapshot);
        verdict.fixes = fixes::fixes(&request, snapshot, &verdict);
        Ok(verdict)
    }

    fn recognise(&self, file: SourceFile<'_>) -> Option<Snapshot> {
        documents::recognise(file)
    }

    fn assemble(&self, snapshot: Snapshot) -> Snapshot {
        documents::assemble(snapshot)
    }

    fn case(&self, value: &serde_json::Value) -> Option<Result<Case, CaseError>> {
        cases::read(value)
    }

    fn forms(&self) -> &'static [Form] {
        refusal::FORMS
    }

    fn refusals(&self, text: &str) -> Vec<Refusal> {
        refusal::find(text)
    }
}
