//! The texts by which Azure refuses.

use iam_why_contract::refusal::{Form, Refusal};

/// Every wording that is known.
pub(crate) const FORMS: &[Form] = &[];

/// The refusals that `text` holds.
pub(crate) fn find(_: &str) -> Vec<Refusal> {
    Vec::new()
}
