//! What is known of a request: condition keys, each known, known to be absent, or not known.

use iam_why_contract::{Context, Lookup};
use std::collections::HashMap;

/// What is known of one condition key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// Its values, at least one.
    Known(Vec<String>),
    /// The request does not carry it, or with no value.
    Absent,
    /// Nobody said.
    NotKnown,
}

impl Fact {
    /// These values; none are as good as an absent key (M-1: "an empty or null set").
    #[must_use]
    pub fn of(values: Vec<String>) -> Self {
        if values.is_empty() { Self::Absent } else { Self::Known(values) }
    }

    /// The fact as a lookup result.
    #[must_use]
    pub fn lookup(&self) -> Lookup<'_> {
        match self {
            Self::Known(values) => Lookup::Known(values),
            Self::Absent => Lookup::Absent,
            Self::NotKnown => Lookup::NotKnown,
        }
    }
}

/// The condition keys of one request. Keys are held in lower case: their names do not distinguish case, tag keys included (C-13,
/// *AWS global condition context keys*).
#[derive(Debug, Clone, Default)]
pub struct Facts {
    entries: HashMap<Box<str>, Fact>,
    complete: Vec<Box<str>>,
    not_known: Vec<Box<str>>,
}

impl Facts {
    /// The facts of a question. Two spellings of one key with different values make it not known (U-2).
    #[must_use]
    pub fn of(context: &Context) -> Self {
        let lower =
            |prefixes: &std::collections::BTreeSet<String>| prefixes.iter().map(|prefix| prefix.to_ascii_lowercase().into()).collect();
        let mut facts = Self { complete: lower(&context.complete), not_known: lower(&context.not_known), ..Self::default() };
        for (key, values) in &context.entries {
            let fact = values.clone().map_or(Fact::Absent, Fact::of);
            let entry = facts.entries.entry(key.to_ascii_lowercase().into());
            entry
                .and_modify(|earlier| {
                    if *earlier != fact {
                        *earlier = Fact::NotKnown
                    }
                })
                .or_insert(fact);
        }
        facts
    }

    /// What is known of `key`, given in lower case.
    #[must_use]
    pub fn get(&self, key: &str) -> Lookup<'_> {
        self.entries.get(key).map_or_else(|| self.unmentioned(key), Fact::lookup)
    }

    /// The single value of `key`, where it is known to have one.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<&str> {
        match self.get(key) {
            Lookup::Known([value]) => Some(value),
            _ => None,
        }
    }

    fn unmentioned(&self, key: &str) -> Lookup<'static> {
        let under = |prefixes: &[Box<str>]| prefixes.iter().any(|prefix| key.starts_with(&**prefix));
        if under(&self.complete) && !under(&self.not_known) { Lookup::Absent } else { Lookup::NotKnown }
    }

    /// Did the question, or an earlier derivation, speak of `key`?
    #[must_use]
    pub fn mentions(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// The keys that begin with `prefix` and have values, in order.
    #[must_use]
    pub fn under(&self, prefix: &str) -> Vec<&str> {
        let known = self.entries.iter().filter(|(key, fact)| key.starts_with(prefix) && matches!(fact, Fact::Known(_)));
        let mut keys: Vec<&str> = known.map(|(key, _)| &**key).collect();
        keys.sort_unstable();
        keys
    }

    /// Adds what follows from principal, resource or organization. What the question says stands (C-16).
    pub fn derive<V: Into<String>>(&mut self, key: &str, values: impl IntoIterator<Item = V>) {
        let fact = Fact::of(values.into_iter().map(Into::into).collect());
        self.entries.entry(key.to_ascii_lowercase().into()).or_insert(fact);
    }

    /// Notes that a request like this never carries `key`, unless the question says it does.
    pub fn derive_absent(&mut self, key: &str) {
        self.entries.entry(key.to_ascii_lowercase().into()).or_insert(Fact::Absent);
    }

    /// Notes that a request like this always carries `key`, with a value that is not known.
    pub fn derive_open(&mut self, key: &str) {
        self.entries.entry(key.to_ascii_lowercase().into()).or_insert(Fact::NotKnown);
    }

    /// Says that every key under `prefix` that is not mentioned is absent.
    pub fn complete_under(&mut self, prefix: &str) {
        self.complete.push(prefix.to_ascii_lowercase().into());
    }
}

#[cfg(test)]
mod tests {
    use super::Facts;
    use iam_why_contract::{Context, Lookup};

    #[test]
    fn key_names_fold_case_and_a_supplied_key_is_never_replaced() {
        let mut facts = Facts::of(&Context::default().with("aws:PrincipalTag/Team", ["blue"]));
        facts.derive("aws:principaltag/team", ["red"]);
        assert_eq!(facts.value("aws:principaltag/team"), Some("blue"));
        assert_eq!(facts.get("aws:sourceip"), Lookup::NotKnown);
    }

    #[test]
    fn two_spellings_with_different_values_are_not_known() {
        let context = Context::default().with("aws:PrincipalTag/Team", ["blue"]).with("aws:PrincipalTag/team", ["red"]);
        assert_eq!(Facts::of(&context).get("aws:principaltag/team"), Lookup::NotKnown);
    }
}
