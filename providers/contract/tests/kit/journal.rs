//! A whole account in memory, kept as a journal keeps it: each document as it was last, the last word on each search, how far each step
//! came. The tests of all readers read into it.

use iam_why_contract::collect::{Point, Sink};
use iam_why_contract::{Document, Search, Snapshot};
use std::collections::BTreeMap;
use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) documents: Mutex<BTreeMap<String, Document>>,
    pub(crate) searches: Mutex<BTreeMap<(String, String), Search>>,
    pub(crate) reached: Mutex<BTreeMap<String, Point>>,
    /// So many points may be reached before the disk is full; `None` for as many as there are.
    pub(crate) room: Option<AtomicUsize>,
}

impl Sink for Kept {
    fn document(&self, document: Document) -> io::Result<()> {
        self.documents.lock().unwrap().insert(document.id.to_string(), document);
        Ok(())
    }

    fn search(&self, search: Search) -> io::Result<()> {
        self.searches.lock().unwrap().insert((search.kind.to_string(), search.subject.to_string()), search);
        Ok(())
    }

    fn reached(&self, step: &str, point: Point) -> io::Result<()> {
        let taken = |room: &AtomicUsize| room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        if self.room.as_ref().is_some_and(|room| taken(room).is_err()) {
            return Err(io::Error::other("the disk is full"));
        }
        self.reached.lock().unwrap().insert(step.to_owned(), point);
        Ok(())
    }

    fn resume(&self, step: &str) -> Option<Point> {
        self.reached.lock().unwrap().get(step).cloned()
    }
}

impl Kept {
    pub(crate) fn snapshot(&self) -> Snapshot {
        let (documents, searches) = (self.documents.lock().unwrap(), self.searches.lock().unwrap());
        Snapshot::new(documents.values().cloned(), searches.values().cloned())
    }
}
