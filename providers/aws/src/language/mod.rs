//! The policy language: what a statement says, and whether it applies to a request.
//!
//! Written along the *IAM JSON policy element reference*, *Grammar of the IAM JSON policy language* and *Policy evaluation logic* of the
//! IAM User Guide. Matching is generic over [`Recorder`](iam_why_contract::Recorder): the same code decides and traces.

pub mod action;
pub mod arn;
pub mod binary;
pub mod boolean;
pub mod condition;
pub mod date;
pub mod facts;
pub mod ip;
pub mod keys;
pub mod numeric;
pub mod open;
pub mod policy;
pub mod principal;
pub mod resource;
pub mod statement;
pub mod template;
pub mod view;
pub mod witness;
pub mod words;

pub use action::ActionName;
pub use facts::{Fact, Facts};
pub use open::{Flag, Flags, Suppositions};
pub use policy::{Grammar, Policy};
pub use principal::{Admission, Caller, CallerKind};
pub use statement::{Matched, Statement};
pub use view::View;

/// Some of `values`, as one text for people.
#[must_use]
pub fn listed<'a>(values: impl IntoIterator<Item = &'a str>) -> String {
    const SHOWN: usize = 4;
    let mut values = values.into_iter();
    let Some(first) = values.next() else { return "nothing".to_owned() };
    let mut shown = first.to_owned();
    for value in values.by_ref().take(SHOWN - 1) {
        shown.extend([", ", value]);
    }
    match values.count() {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
