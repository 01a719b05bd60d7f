//! The 403 texts of Azure.

mod advice;
mod forms;
mod read;
mod records;
#[cfg(test)]
mod tests;

pub use forms::FORMS;

use iam_why_contract::refusal::{Catalogue, Dialect, Refusal};
use std::sync::LazyLock;

/// How Azure refuses.
pub static DIALECT: Dialect = Dialect {
    forms: FORMS,
    record_keys: &["operationname", "category"],
    records: records::records,
    read: read::read,
    advise: advice::give,
};

/// The refusals of Azure that `text` holds, in the order they stand there.
#[must_use]
pub fn find(text: &str) -> Vec<Refusal> {
    static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::new(&[&DIALECT]));
    CATALOGUE.find(text)
}
