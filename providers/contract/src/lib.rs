//! The words that iam-why, its providers and its reports share.
//!
//! A [`Question`] is answered from a [`Snapshot`] by a [`Provider`], whose answer is a [`Verdict`]. Every one of them is a plain
//! value: it can be printed, saved and written by hand. Nothing here reads a file, a clock, a network or an environment variable.
//!
//! | module | words |
//! |---|---|
//! | [`truth`] | `No`, `Unknown`, `Yes` and their logic |
//! | [`question`] | who asks for what, and what is known of the request |
//! | [`snapshot`] | the documents that were read, and what became of each attempt to read |
//! | [`trace`] | what was compared with what: steps, statements, tests |
//! | [`verdict`] | the decision, its findings, what came nearest, what is not known |
//! | [`settle`] | whether open facts can change the decision, and which of them |
//! | [`fix`] | changes that were simulated before they are shown |
//! | [`refusal`] | the 403 texts of a cloud |
//! | [`case`] | policy unit tests: a question, a world, an expectation |
//! | [`glob`] | `*` and `?` patterns |
//! | [`json`] | JSON that keeps what policies need kept: order, duplicates, places |
//! | [`spelling`] | what a misspelt name was meant to be |
//! | [`provider`] | what a cloud must be able to do |
//! | [`collect`] | how a cloud is read: what is asked for, what comes back |

pub mod case;
pub mod collect;
pub mod fix;
pub mod glob;
pub mod json;
pub mod provider;
pub mod question;
pub mod refusal;
pub mod settle;
pub mod snapshot;
pub mod spelling;
pub mod trace;
pub mod truth;
pub mod verdict;

pub use case::{Case, Expected};
pub use collect::{Collect, CollectError, Collected, Gathered};
pub use fix::{Edit, Fix, Proposal};
pub use provider::{Code, DocumentKind, Layer, Provider, QuestionError};
pub use question::{Context, Lookup, Question};
pub use snapshot::{Document, Origin, Outcome, Search, Snapshot, SourceFile};
pub use trace::{Effect, Place, Recorder, Ruling, Statement, Step, Test, Trace};
pub use truth::Truth;
pub use verdict::{Decision, Doubt, Evidence, Finding, Kind, Nearest, Part, Verdict};
