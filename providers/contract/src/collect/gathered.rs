//! What was read for one question, kept in memory and put in one order, whichever answer came first.

use crate::collect::{Point, Sink};
use crate::provider::DocumentKind;
use crate::snapshot::{Document, Search, Snapshot};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Searches by kind and subject.
type Searches = BTreeMap<(Arc<str>, Arc<str>), Search>;

/// Documents and searches as they come.
#[derive(Debug, Default)]
pub struct Gathered {
    documents: Mutex<Vec<Document>>,
    /// The last search of each kind and subject.
    searches: Mutex<Searches>,
}

impl Gathered {
    /// The snapshot of it, in the order of `kinds`, then of subjects. `taken_at` is RFC 3339.
    #[must_use]
    pub fn into_snapshot(self, kinds: &[DocumentKind], taken_at: String) -> Snapshot {
        let rank = |kind: &str| kinds.iter().position(|row| row.id == kind).unwrap_or(kinds.len());
        let mut documents = self.documents.into_inner().unwrap_or_else(PoisonError::into_inner);
        documents.sort_by(|one, two| {
            let (first, second) = (rank(&one.kind), rank(&two.kind));
            (first, &one.subject, &one.title, &one.text).cmp(&(second, &two.subject, &two.title, &two.text))
        });
        documents.dedup();
        let mut searches: Vec<Search> = self.searches.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect();
        searches.sort_by_key(|search| (rank(&search.kind), Arc::clone(&search.subject)));
        let mut snapshot = Snapshot::new(documents, searches);
        snapshot.taken_at = Some(taken_at);
        snapshot
    }
}

impl Sink for Gathered {
    fn document(&self, document: Document) -> std::io::Result<()> {
        self.documents.lock().unwrap_or_else(PoisonError::into_inner).push(document);
        Ok(())
    }

    fn search(&self, search: Search) -> std::io::Result<()> {
        let key = (Arc::clone(&search.kind), Arc::clone(&search.subject));
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
