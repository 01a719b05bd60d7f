//! Azure for iam-why: its authorization as a pure function, and what reads it.

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
mod operations;
#[cfg(test)]
mod properties;
pub mod refusal;
mod request;
mod scope;
mod world;

use iam_why_contract::case::CaseError;
use iam_why_contract::refusal::{Form, Refusal};
use iam_why_contract::{Case, Code, DocumentKind, Layer, Place, Provider, Question, QuestionError, Snapshot, SourceFile, Verdict};

/// Microsoft Azure.
#[derive(Debug, Clone, Copy, Default)]
pub struct Azure;

impl Provider for Azure {
    fn id(&self) -> &'static str {
        "azure"
    }

    fn title(&self) -> &'static str {
        "Azure"
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
        let world = world::World::new(snapshot);
        let request = request::Request::new(question)?.naming_roles(&world);
        let caller = world.caller(&request.principal);
        Ok(answer::answer(&decide::Matter { request: &request, world: &world, caller: &caller }, snapshot))
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
