//! AWS for iam-why: its authorization as a pure function, and what reads it.
//!
//! A question is read ([`request`]), what bears on it is compiled ([`world`]), decided ([`decide`]) by AWS's own procedure over its
//! [`layers`], and what is open is settled or named as a doubt. Rules carry the numbers under which they are cited beside the code,
//! together with the page of AWS's documentation that states them.
//!
//! For many questions over one snapshot: make one [`library::Library`] of it, which threads may share, a [`world::World`] for each
//! caller and resource, and ask [`decide::decide`].

pub mod answer;
pub mod cases;
pub mod catalog;
#[cfg(feature = "collect")]
pub mod collect;
mod commands;
mod context;
pub mod decide;
pub mod documents;
pub mod findings;
pub mod fixes;
pub mod language;
pub mod layers;
pub mod library;
pub mod needs;
#[cfg(test)]
mod properties;
mod public;
pub mod refusal;
pub mod request;
pub mod settle;
pub mod world;

use iam_why_contract::case::CaseError;
use iam_why_contract::refusal::{Form, Refusal};
use iam_why_contract::{Case, Code, DocumentKind, Layer, Place, Provider, Question, QuestionError, Snapshot, SourceFile, Verdict};
use library::Library;
use request::Request;

/// Amazon Web Services.
#[derive(Debug, Clone, Copy, Default)]
pub struct Aws;

impl Provider for Aws {
    fn id(&self) -> &'static str {
        "aws"
    }

    fn title(&self) -> &'static str {
        "AWS"
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
        request::claims(question)
    }

    fn changed(&self, place: &Place, snapshot: &Snapshot) -> Option<String> {
        documents::changed(place, snapshot)
    }

    fn delay(&self) -> Option<&'static str> {
        Some(documents::DELAY)
    }

    fn simulate(&self, question: &Question, snapshot: &Snapshot) -> Result<Verdict, QuestionError> {
        let request = Request::parse(question)?;
        let mut verdict = answer::answer(&request, &Library::new(snapshot));
        let plain = fixes::with_plain_session(&request, snapshot, &verdict);
        let from = plain.as_ref().unwrap_or(snapshot);
        verdict.fixes = fixes::fixes(question, from, &verdict, |edited| answer::answer(&request, &Library::new(edited)).decision);
        if plain.is_some() && !verdict.fixes.is_empty() {
            verdict.notes.push("changes were simulated for a session that was made without a session policy".to_owned());
        }
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
