//! What was read for one question, kept in memory and put in one order, whichever answer came first.

use crate::documents::KINDS;
use iam_why_contract::collect::{Point, Sink};
use iam_why_contract::{Document, Search, Snapshot};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

/// Documents and searches by the order of their kinds, then by subject.
#[derive(Default)]
pub(super) struct Gathered {
    documents: Mutex<Vec<Document>>,
    searches: Mutex<BTreeMap<(usize, String), Search>>,
}

impl Gathered {
    pub(super) fn into_snapshot(self) -> Snapshot {
        let mut documents = self.documents.into_inner().unwrap_or_else(PoisonError::into_inner);
        documents.sort_by(|one, two| order(one).cmp(&order(two)));
        documents.dedup();
        let searches = self.searches.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut snapshot = Snapshot::new(documents, searches.into_values());
        snapshot.taken_at = Some(now());
        snapshot
    }
}

impl Sink for Gathered {
    fn document(&self, document: Document) -> std::io::Result<()> {
        self.documents.lock().unwrap_or_else(PoisonError::into_inner).push(document);
        Ok(())
    }

    fn search(&self, search: Search) -> std::io::Result<()> {
        let key = (rank(&search.kind), search.subject.to_string());
        self.searches.lock().unwrap_or_else(PoisonError::into_inner).insert(key, search);
        Ok(())
    }

    fn reached(&self, _: &str, _: Point) -> std::io::Result<()> {
        Ok(())
    }

    fn resume(&self, _: &str) -> Option<Point> {
        None
    }
}

/// The moment, RFC 3339 in whole seconds.
pub(super) fn now() -> String {
    let now = chrono::DateTime::<chrono::Utc>::from(SystemTime::now());
    now.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn order(document: &Document) -> (usize, &str, &str, &str) {
    (rank(&document.kind), &document.subject, &document.title, &document.text)
}

fn rank(kind: &str) -> usize {
    KINDS.iter().position(|row| row.id == kind).unwrap_or(KINDS.len())
}
