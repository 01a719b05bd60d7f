//! What is known of condition keys themselves: their type, and whether one request may carry several values.

use crate::catalog;
use crate::catalog::format::BaseType;

/// A condition key as a statement names it.
#[derive(Debug, Clone)]
pub struct Key {
    /// As it was written.
    pub text: Box<str>,
    /// In lower case.
    pub lower: Box<str>,
    /// Whether one request may have several values (C-14: a property of the key).
    pub multivalued: bool,
    /// Whether its values are `true` and `false`.
    pub boolean: bool,
}

impl Key {
    /// The key called `text`. Of a key that AWS's reference does not list nothing is known.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let kind = catalog::key_type(text);
        Self {
            text: text.into(),
            lower: text.to_ascii_lowercase().into(),
            multivalued: kind.is_some_and(|kind| kind.multivalued),
            boolean: kind.is_some_and(|kind| kind.base == BaseType::Bool),
        }
    }
}
