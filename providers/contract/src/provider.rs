//! What a cloud must be able to do to be one of iam-why's providers.

use crate::case::{Case, CaseError};
use crate::question::Question;
use crate::refusal::{Form, Refusal};
use crate::snapshot::{Snapshot, SourceFile};
use crate::trace::Place;
use crate::verdict::Verdict;

/// One layer of a cloud's authorization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layer {
    /// A short stable id: `scp`, `deny_policy`.
    pub id: &'static str,
    /// How people call it: `service control policy`.
    pub title: &'static str,
}

/// One kind of finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    /// A short stable id, unique over all providers: `aws-scp-deny`.
    pub id: &'static str,
    /// What it means in one line.
    pub title: &'static str,
    /// The vendor's page.
    pub doc: &'static str,
}

/// One kind of document: the row that what collects, recognises, simulates and doubts all read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DocumentKind {
    /// `aws:role`; unique over all providers.
    pub id: &'static str,
    /// What a document of this kind is, as people call it: `the role`.
    pub title: &'static str,
    /// What its subject is: `role ARN`.
    pub subject: &'static str,
    /// The shape of its text, in terms of what the vendor's command line prints.
    pub shape: &'static str,
    /// The vendor's command that prints it.
    pub command: &'static str,
    /// The permissions that reading it takes.
    pub permissions: &'static [&'static str],
}

/// The table of a provider's document kinds: `NAME = id, title, subject, shape, command, [permission, …];` a row. Makes a constant of
/// each id, and `KINDS` of all rows.
#[macro_export]
macro_rules! document_kinds {
    ($($name:ident = $id:literal, $title:literal, $subject:literal, $shape:literal, $command:literal, [$($permission:literal),*];)*) => {
        $(#[doc = concat!("`", $id, "`: ", $title, ", of a ", $subject, ".")] pub const $name: &str = $id;)*

        /// Every kind of document that this provider reads.
        pub const KINDS: &[$crate::DocumentKind] = &[$($crate::DocumentKind {
            id: $id,
            title: $title,
            subject: $subject,
            shape: $shape,
            command: $command,
            permissions: &[$($permission),*],
        },)*];
    };
}

/// Why a question could not be put to a cloud.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is not {expected}{}", hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default())]
pub struct QuestionError {
    /// What was given.
    pub found: String,
    /// What was expected in its place.
    pub expected: String,
    /// What may have been meant.
    pub hint: Option<String>,
}

/// A cloud.
///
/// Everything here is a function of its arguments: no file, clock, network or environment variable is read.
pub trait Provider: Send + Sync {
    /// `aws`, `azure`, `gcp`.
    fn id(&self) -> &'static str;

    /// How people call it.
    fn title(&self) -> &'static str;

    /// Its layers, in the order of its own procedure.
    fn layers(&self) -> &'static [Layer];

    /// The kinds of documents it reads.
    fn kinds(&self) -> &'static [DocumentKind];

    /// The kinds of findings it can report.
    fn codes(&self) -> &'static [Code];

    /// Is this a question for this cloud, by the grammar of its action, resource or principal?
    fn claims(&self, question: &Question) -> bool;

    /// When what stands at a place was changed last, in RFC 3339; `None` where the documents do not say.
    fn changed(&self, place: &Place, snapshot: &Snapshot) -> Option<String> {
        let _ = (place, snapshot);
        None
    }

    /// What the vendor documents about when a change is in force everywhere, as a clause.
    fn delay(&self) -> Option<&'static str> {
        None
    }

    /// Do this cloud's refusals tell a deny from a grant that is missing? Where they do not, the message of one does not contradict the
    /// other.
    fn tells_denies_apart(&self) -> bool {
        true
    }

    /// Answers the question.
    ///
    /// # Errors
    /// Where principal, action or resource are not of this cloud's grammar. What is not known is no error but a doubt.
    fn simulate(&self, question: &Question, snapshot: &Snapshot) -> Result<Verdict, QuestionError>;

    /// Reads a file that this cloud's own command line (or a tool people have) wrote; `None` where it is none of those. What is of this
    /// cloud and cannot be taken in (cut off, or not saying whose it is) is a [remark](Snapshot::remarks) of the snapshot.
    fn recognise(&self, file: SourceFile<'_>) -> Option<Snapshot>;

    /// Puts together what was recognised in several files: one file may say whose the text in another is. Called once, when all files
    /// were read.
    fn assemble(&self, snapshot: Snapshot) -> Snapshot {
        snapshot
    }

    /// Reads a case in this provider's short form; `None` where the value is not of that form.
    fn case(&self, value: &serde_json::Value) -> Option<Result<Case, CaseError>>;

    /// The texts by which this cloud refuses.
    fn forms(&self) -> &'static [Form];

    /// The refusals that `text` holds, in the order they stand there.
    fn refusals(&self, text: &str) -> Vec<Refusal>;
}
