//! Refusals that no cloud's IAM decides: Kubernetes, meshes, gateways, web application firewalls, registries, browsers.
//!
//! A dialect beside those of the clouds: wordings, what they yield, and what to do next. Nothing here simulates anything.

mod advice;
mod forms;
mod host;
mod read;
mod records;
#[cfg(test)]
mod tests;

pub use forms::FORMS;

use iam_why_contract::refusal::{Catalogue, Dialect, Refusal};
use std::sync::LazyLock;

/// How everything else refuses.
pub static DIALECT: Dialect =
    Dialect { forms: FORMS, record_keys: &["auditid"], records: records::records, read: read::read, advise: advice::give };

/// The refusals that `text` holds and no cloud's IAM decided, in the order they stand there.
#[must_use]
pub fn find(text: &str) -> Vec<Refusal> {
    static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::new(&[&DIALECT]));
    CATALOGUE.find(text)
}
