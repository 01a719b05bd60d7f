//! Who asks for what: neutral text, the same for every cloud.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// One request whose refusal is to be explained.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Question {
    /// The id of the provider that answers: `aws`, `azure`, `gcp`.
    pub provider: String,
    /// The caller in the cloud's own spelling: an ARN, an object id, `user:ana@example.com`.
    pub principal: String,
    /// `service:Action`, `Namespace.X/type/verb`, `service.resource.verb`.
    pub action: String,
    /// An ARN, a scope path, a full resource name; `None` where the action has none or none was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// What is known of the request beyond these.
    #[serde(default)]
    pub context: Context,
}

/// The facts of a request, each in one of three states: known, known to be absent, not known.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Context {
    /// What was said of each key: `Some(values)` is known, `None` is known to be absent.
    #[serde(default)]
    pub entries: BTreeMap<String, Option<Vec<String>>>,
    /// Key prefixes under which a key that was not given is absent; the empty prefix covers every key.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub complete: BTreeSet<String>,
    /// Key prefixes under which a key that was not given is not known, whatever `complete` says: somebody said so.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub not_known: BTreeSet<String>,
}

/// What is known of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup<'a> {
    /// Its values; an empty slice is a key that is there with no value.
    Known(&'a [String]),
    /// The request does not carry it.
    Absent,
    /// Nobody said.
    NotKnown,
}

impl Context {
    /// A context in which every key that is not given is absent.
    #[must_use]
    pub fn complete() -> Self {
        Self { complete: BTreeSet::from([String::new()]), ..Self::default() }
    }

    /// The same context with `key` known to have `values`.
    #[must_use]
    pub fn with<V: Into<String>>(mut self, key: &str, values: impl IntoIterator<Item = V>) -> Self {
        self.entries.insert(key.to_owned(), Some(values.into_iter().map(Into::into).collect()));
        self
    }

    /// The same context with `key` known to be absent.
    #[must_use]
    pub fn without(mut self, key: &str) -> Self {
        self.entries.insert(key.to_owned(), None);
        self
    }

    /// What is known of `key`, spelled exactly so.
    #[must_use]
    pub fn get(&self, key: &str) -> Lookup<'_> {
        match self.entries.get(key) {
            Some(Some(values)) => Lookup::Known(values),
            Some(None) => Lookup::Absent,
            None => self.unmentioned(key),
        }
    }

    /// What is known of `key` in whichever case it was written.
    #[must_use]
    pub fn get_ignoring_case(&self, key: &str) -> Lookup<'_> {
        let found = self.entries.iter().find(|(name, _)| name.eq_ignore_ascii_case(key));
        match found {
            Some((_, Some(values))) => Lookup::Known(values),
            Some((_, None)) => Lookup::Absent,
            None => self.unmentioned(key),
        }
    }

    /// What it means that `key` was not mentioned at all.
    #[must_use]
    pub fn unmentioned(&self, key: &str) -> Lookup<'static> {
        let absent = self.complete.iter().any(|prefix| key.starts_with(prefix.as_str()));
        if absent && !self.is_said_not_to_be_known(key) { Lookup::Absent } else { Lookup::NotKnown }
    }

    /// Did somebody say that `key` is there or not, and that its value is not known? A key of which nobody spoke is another matter.
    #[must_use]
    pub fn is_said_not_to_be_known(&self, key: &str) -> bool {
        !self.entries.contains_key(key) && self.not_known.iter().any(|prefix| key.starts_with(prefix.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::{Context, Lookup};
    use std::collections::BTreeSet;

    #[test]
    fn a_key_has_three_states() {
        let context = Context::default().with("aws:SourceIp", ["203.0.113.9"]).without("aws:SourceVpce");
        assert_eq!(context.get_ignoring_case("AWS:sourceip"), Lookup::Known(&["203.0.113.9".to_owned()]));
        assert_eq!(context.get("aws:SourceVpce"), Lookup::Absent);
        assert_eq!(context.get("aws:RequestedRegion"), Lookup::NotKnown);
        assert_eq!(Context::complete().get("aws:RequestedRegion"), Lookup::Absent);
        let but_one = Context { not_known: BTreeSet::from(["source.".to_owned()]), ..Context::complete() };
        assert_eq!(but_one.get("source.ip"), Lookup::NotKnown);
        assert_eq!(but_one.get("method"), Lookup::Absent);
    }
}
