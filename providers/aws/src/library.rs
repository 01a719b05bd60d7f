//! The documents of a snapshot, each parsed and compiled at most once, and only when a question touches it.

use crate::documents::{GROUP, KINDS, ROLE};
use crate::language::policy::{Grammar, Policy, Unparsed};
use iam_why_contract::json::Json;
use iam_why_contract::{Document, Doubt, Outcome, Place, Snapshot};
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// A snapshot with what was made of its documents so far. Threads may share it.
#[derive(Debug)]
pub struct Library<'s> {
    snapshot: &'s Snapshot,
    parsed: Cache<Arc<str>, Result<Arc<Json>, String>>,
    policies: Cache<PolicyPlace, Result<Arc<Policy>, Unparsed>>,
    /// Places in the snapshot's list of documents.
    by_name: OnceLock<HashMap<Name, usize>>,
}

/// Document, pointer and grammar of a policy.
type PolicyPlace = (Arc<str>, Box<str>, Grammar);

/// Kind, account and name of a role or group.
type Name = (&'static str, Box<str>, Box<str>);

#[derive(Debug)]
struct Cache<K, V>(Mutex<HashMap<K, V>>);

impl<K: Hash + Eq, V: Clone> Cache<K, V> {
    fn new() -> Self {
        Self(Mutex::new(HashMap::new()))
    }

    fn get(&self, key: K, make: impl FnOnce() -> V) -> V {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        known.unwrap_or_else(|| {
            let made = make();
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, made.clone());
            made
        })
    }
}

/// What became of looking for a document.
#[derive(Debug)]
pub enum Read<'s> {
    /// It is here.
    Found(&'s Document, Arc<Json>),
    /// There is none.
    Absent,
    /// It was not read, or cannot be.
    Unread(Doubt),
}

impl<'s> Library<'s> {
    /// The library of a snapshot.
    #[must_use]
    pub fn new(snapshot: &'s Snapshot) -> Self {
        Self { snapshot, parsed: Cache::new(), policies: Cache::new(), by_name: OnceLock::new() }
    }

    /// The snapshot.
    #[must_use]
    pub fn snapshot(&self) -> &'s Snapshot {
        self.snapshot
    }

    /// The first document of `kind` that belongs to `subject`.
    #[must_use]
    pub fn read(&self, kind: &'static str, subject: &str) -> Read<'s> {
        match (self.snapshot.of(kind, subject).next(), self.snapshot.outcome(kind, subject)) {
            (_, Some(Outcome::Absent)) => Read::Absent,
            (Some(document), _) => self.found(document),
            (None, outcome) => Read::Unread(missing(kind, subject, outcome)),
        }
    }

    /// A document that is known to be here.
    #[must_use]
    pub fn found(&self, document: &'s Document) -> Read<'s> {
        match self.json(document) {
            Ok(json) => Read::Found(document, json),
            Err(error) => {
                let about = format!("what `{}` says: it is not JSON ({error})", document.id);
                Read::Unread(Doubt { about, needs: "the document as AWS prints it".to_owned() })
            }
        }
    }

    /// The JSON of a document.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn json(&self, document: &Document) -> Result<Arc<Json>, String> {
        let parse = || document.text.parse::<Json>().map(Arc::new).map_err(|error| error.to_string());
        self.parsed.get(Arc::clone(&document.id), parse)
    }

    /// The policy that stands at `pointer` of a document, where `json` is what stands there.
    ///
    /// # Errors
    /// Where it is not of the grammar.
    pub fn policy(&self, document: &Document, pointer: &str, json: &Json, grammar: Grammar) -> Result<Arc<Policy>, Unparsed> {
        let id = Arc::clone(&document.id);
        self.policies.get((Arc::clone(&id), pointer.into(), grammar), || {
            Policy::read(&Place::new(&*id, pointer), Arc::clone(&id), json, grammar).map(Arc::new)
        })
    }

    /// The role or group called `name` in `account`, whatever its path (C-7: a session's ARN does not hold the role's path).
    #[must_use]
    pub fn named(&self, kind: &'static str, account: &str, name: &str) -> Option<&'s Document> {
        let names = self.by_name.get_or_init(|| {
            let documents = self.snapshot.documents().iter().enumerate().filter_map(|(at, document)| {
                let kind = [ROLE, GROUP].into_iter().find(|kind| **kind == *document.kind)?;
                let arn = crate::language::arn::Arn::parse(&document.subject)?;
                let name = arn.resource.rsplit('/').next()?;
                Some(((kind, arn.account.into(), name.into()), at))
            });
            documents.collect()
        });
        names.get(&(kind, account.into(), name.into())).and_then(|&at| self.snapshot.documents().get(at))
    }
}

/// The doubt about a document that was not read.
#[must_use]
pub fn missing(kind: &str, subject: &str, outcome: Option<&Outcome>) -> Doubt {
    let row = KINDS.iter().find(|row| row.id == kind);
    let title = row.map_or(kind, |row| row.title);
    match outcome {
        Some(Outcome::Refused { needs, said }) => {
            Doubt { about: format!("{title} of {subject} (reading it was refused: {said})"), needs: needs.clone() }
        }
        Some(Outcome::NotTried { why }) => Doubt { about: format!("{title} of {subject} (not read: {why})"), needs: needs(kind, subject) },
        _ => Doubt { about: format!("{title} of {subject} (not read)"), needs: needs(kind, subject) },
    }
}

/// The permission and the command that read a document.
#[must_use]
pub fn needs(kind: &str, subject: &str) -> String {
    let Some(row) = KINDS.iter().find(|row| row.id == kind) else { return kind.to_owned() };
    let service = subject.split(':').nth(2).unwrap_or_default();
    let owner = subject.rsplit(':').next().and_then(|rest| rest.split('/').next()).unwrap_or_default();
    let fits = |permission: &&&str| {
        let (prefix, name) = permission.split_once(':').unwrap_or_default();
        let lower = name.to_ascii_lowercase();
        match prefix {
            "iam" => ["user", "role", "group"].iter().all(|word| *word == owner || !lower.contains(word) || lower.contains("foruser")),
            _ => prefix == service || !subject.starts_with("arn:"),
        }
    };
    let fitting: Vec<&str> = row.permissions.iter().filter(fits).copied().collect();
    let permissions = if fitting.is_empty() { row.permissions.to_vec() } else { fitting };
    format!("{} ({})", permissions.join(", "), crate::commands::command(row, subject))
}

#[cfg(test)]
mod tests {
    use super::needs;
    use crate::documents::{INLINE_POLICY, RESOURCE_POLICY};

    #[test]
    fn what_is_missing_is_asked_for_by_permission_and_command() {
        assert_eq!(needs(INLINE_POLICY, "arn:aws:iam::111122223333:role/app").split_once(' ').unwrap().0, "iam:GetRolePolicy");
        let bucket = needs(RESOURCE_POLICY, "arn:aws:s3:::acme");
        assert!(bucket.starts_with("s3:GetBucketPolicy"), "{bucket}");
        assert!(bucket.contains("aws s3api get-bucket-policy --bucket acme"), "{bucket}");
    }
}
