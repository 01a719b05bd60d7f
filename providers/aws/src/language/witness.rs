//! Values of open condition keys that stand for all values: one for every way in which the comparisons on a key can turn out.

use crate::language::facts::Fact;
use crate::language::statement::Statement;
use crate::world::World;
use iam_why_contract::Doubt;
use std::collections::BTreeSet;

/// The ways in which one key can turn out.
#[derive(Debug, Clone)]
pub struct Candidates {
    /// The ways.
    pub facts: Vec<Fact>,
    /// Whether they stand for all.
    pub complete: bool,
}

impl Candidates {
    /// No way is known.
    #[must_use]
    pub fn none() -> Self {
        Self { facts: vec![Fact::NotKnown], complete: false }
    }
}

/// The ways in which each of `keys` can turn out, as far as `open` statements tell the difference.
#[must_use]
pub fn candidates(keys: &BTreeSet<&str>, open: &[&Statement], world: &World) -> Vec<Candidates> {
    let _ = (open, world);
    keys.iter().map(|_| Candidates::none()).collect()
}

/// The doubt about a key.
#[must_use]
pub fn doubt(key: &str, open: &[&Statement]) -> Doubt {
    let written = open.iter().flat_map(|statement| &statement.conditions).find(|condition| *condition.key.lower == *key);
    let name = written.map_or(key, |condition| &condition.key.text);
    Doubt { about: name.to_string(), needs: format!("--context {name}=VALUE, or {name}! if the request does not carry it") }
}
