//! What was read of a cloud, and what became of each attempt to read.

use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;

/// The only snapshot format there is so far.
pub const FORMAT: &str = "iam-why/snapshot/1";

/// The documents a question is answered from. A simulator knows nothing but this and the [`Question`](crate::Question).
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// When the cloud was read, RFC 3339; `None` where nobody wrote it down.
    pub taken_at: Option<String>,
    /// What a file held that could not be taken in, and why: one plain sentence each, for whoever collected the files.
    pub remarks: Vec<String>,
    documents: Vec<Document>,
    searches: Vec<Search>,
    index: HashMap<(Arc<str>, Arc<str>), Vec<usize>>,
    ids: HashMap<Arc<str>, usize>,
    sought: HashMap<(Arc<str>, Arc<str>), usize>,
    /// The searches of each kind whose subject ends in `*`.
    listings: HashMap<Arc<str>, Vec<usize>>,
}

/// One text as the cloud holds it, in the shape in which that cloud's own command line prints it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Unique in its snapshot.
    pub id: Arc<str>,
    /// What it is: `aws:role`, `gcp:allow-policy`; each provider's `documents.rs` lists its kinds.
    pub kind: Arc<str>,
    /// What it belongs to: an ARN, a scope path, a full resource name.
    pub subject: Arc<str>,
    /// How people call it: `service control policy p-1a2b on OU prod`.
    pub title: Arc<str>,
    /// Where it came from.
    pub origin: Origin,
    /// The text itself, JSON unless its kind says otherwise.
    pub text: Arc<str>,
}

/// Where a text came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// A file, or the API call that returned it.
    pub source: Arc<str>,
    /// The line of `source` on which the text begins, from 1.
    #[serde(default = "first_line", skip_serializing_if = "is_first_line")]
    pub line: u32,
}

fn first_line() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_first_line(line: &u32) -> bool {
    *line == 1
}

impl Default for Origin {
    fn default() -> Self {
        Self { source: "".into(), line: 1 }
    }
}

/// One attempt to read. Absence is a fact only where a search says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Search {
    /// The kind of document looked for.
    pub kind: Arc<str>,
    /// What it would belong to. One that ends in `*` stands for every subject that begins so: `*` for all there are,
    /// `arn:aws:iam::111122223333:role/*` where the roles of one account were listed.
    pub subject: Arc<str>,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of an attempt to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "result")]
pub enum Outcome {
    /// It was read; its documents are in the snapshot, and they are all there are.
    Found,
    /// There is none.
    Absent,
    /// The cloud refused.
    Refused {
        /// The permission that was missing, or what else it would take.
        needs: String,
        /// What the cloud said.
        said: String,
    },
    /// It was not looked for.
    NotTried {
        /// Why not.
        why: String,
    },
}

/// A file as a person has it, before anybody knows what it holds.
#[derive(Debug, Clone, Copy)]
pub struct SourceFile<'a> {
    /// Its path, for hints and origins.
    pub path: &'a str,
    /// Its text.
    pub text: &'a str,
}

impl Document {
    /// A document whose id is made of its kind, subject and title.
    #[must_use]
    pub fn new(kind: &str, subject: &str, title: &str, text: impl Into<Arc<str>>) -> Self {
        Self {
            id: format!("{kind} {subject} {title}").into(),
            kind: kind.into(),
            subject: subject.into(),
            title: title.into(),
            origin: Origin::default(),
            text: text.into(),
        }
    }

    /// The same document, read from `source`, where it begins on `line`.
    #[must_use]
    pub fn from_source(mut self, source: &str, line: u32) -> Self {
        self.origin = Origin { source: source.into(), line };
        self
    }
}

impl Snapshot {
    /// A snapshot of these documents and searches.
    #[must_use]
    pub fn new(documents: impl IntoIterator<Item = Document>, searches: impl IntoIterator<Item = Search>) -> Self {
        let mut snapshot = Self::default();
        documents.into_iter().for_each(|document| snapshot.add(document));
        searches.into_iter().for_each(|search| snapshot.note(search));
        snapshot
    }

    /// Adds a document. One whose id is taken gets a number behind it, unless it is the same document again.
    pub fn add(&mut self, mut document: Document) {
        let mut number = 2;
        let id = Arc::clone(&document.id);
        while let Some(taken) = self.ids.get(&document.id).and_then(|&at| self.documents.get(at)) {
            if (&taken.kind, &taken.subject, &taken.text) == (&document.kind, &document.subject, &document.text) {
                return;
            }
            document.id = format!("{id} #{number}").into();
            number += 1;
        }
        let at = self.documents.len();
        self.ids.insert(Arc::clone(&document.id), at);
        self.index.entry((Arc::clone(&document.kind), Arc::clone(&document.subject))).or_default().push(at);
        self.documents.push(document);
    }

    /// Puts `document` in the place of the one with its id; `false` where there is none.
    pub(crate) fn replace(&mut self, document: &Document) -> bool {
        let place = self.ids.get(&document.id).and_then(|&at| self.documents.get_mut(at));
        place.map(|old| old.clone_from(document)).is_some()
    }

    /// Notes what became of an attempt to read. A later note of the same search replaces the earlier one.
    pub fn note(&mut self, search: Search) {
        let key = (Arc::clone(&search.kind), Arc::clone(&search.subject));
        match self.sought.get(&key).and_then(|&at| self.searches.get_mut(at)) {
            Some(earlier) => *earlier = search,
            None => {
                if search.subject.ends_with('*') {
                    self.listings.entry(Arc::clone(&search.kind)).or_default().push(self.searches.len());
                }
                self.sought.insert(key, self.searches.len());
                self.searches.push(search);
            }
        }
    }

    /// Takes in all of `other`.
    pub fn merge(&mut self, other: Self) {
        self.taken_at = self.taken_at.take().or(other.taken_at);
        self.remarks.extend(other.remarks);
        other.documents.into_iter().for_each(|document| self.add(document));
        other.searches.into_iter().for_each(|search| self.note(search));
    }

    /// All documents, in the order they came.
    #[must_use]
    pub fn documents(&self) -> &[Document] {
        &self.documents
    }

    /// All searches, in the order they came.
    #[must_use]
    pub fn searches(&self) -> &[Search] {
        &self.searches
    }

    /// The document with this id.
    #[must_use]
    pub fn document(&self, id: &str) -> Option<&Document> {
        self.ids.get(id).and_then(|&at| self.documents.get(at))
    }

    /// The documents of one kind that belong to `subject`.
    pub fn of<'s>(&'s self, kind: &str, subject: &str) -> impl Iterator<Item = &'s Document> {
        let places = self.index.get(&(Arc::from(kind), Arc::from(subject)));
        places.into_iter().flatten().filter_map(|&at| self.documents.get(at))
    }

    /// The documents of one kind, whatever they belong to. Reads the whole list.
    pub fn all_of<'s>(&'s self, kind: &'s str) -> impl Iterator<Item = &'s Document> {
        self.documents.iter().filter(move |document| &*document.kind == kind)
    }

    /// What became of looking for `kind` of `subject`: what was noted for the subject itself, else [`Outcome::Found`] where such a
    /// document is here, else what was noted for the narrowest listing that covers it, else `None`: nobody looked.
    #[must_use]
    pub fn outcome(&self, kind: &str, subject: &str) -> Option<&Outcome> {
        let here = || self.of(kind, subject).next().map(|_| &Outcome::Found);
        self.noted(kind, subject).or_else(here).or_else(|| match self.listing(kind, subject) {
            // They were all listed, and this subject was not among them.
            Some(Outcome::Found) => Some(&Outcome::Absent),
            other => other,
        })
    }

    /// What was noted of looking for `kind` of this very subject.
    #[must_use]
    pub fn noted(&self, kind: &str, subject: &str) -> Option<&Outcome> {
        let at = self.sought.get(&(Arc::from(kind), Arc::from(subject)));
        at.and_then(|&at| self.searches.get(at)).map(|search| &search.outcome)
    }

    fn listing(&self, kind: &str, subject: &str) -> Option<&Outcome> {
        let listings = self.listings.get(kind)?.iter().filter_map(|&at| self.searches.get(at));
        let covers = |search: &&Search| search.subject.strip_suffix('*').is_some_and(|start| subject.starts_with(start));
        listings.filter(covers).max_by_key(|search| search.subject.len()).map(|search| &search.outcome)
    }
}

/// A snapshot as it stands in a file.
#[derive(Debug, Serialize, Deserialize)]
struct File<'a> {
    format: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    taken_at: Option<String>,
    #[serde(borrow)]
    documents: Vec<FileDocument<'a>>,
    #[serde(default)]
    searches: Vec<Search>,
}

#[derive(Debug, Serialize, Deserialize)]
struct FileDocument<'a> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<Arc<str>>,
    kind: Arc<str>,
    subject: Arc<str>,
    #[serde(default)]
    title: Arc<str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    origin: Option<Origin>,
    /// JSON text stands inline; any other text as a string in `string`.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    text: Option<&'a serde_json::value::RawValue>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    string: Option<Arc<str>>,
    /// The id of a document whose text this one shares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    same_text_as: Option<Arc<str>>,
}

/// Why a snapshot could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// Not JSON, cut off, or not of a snapshot's shape.
    #[error("the snapshot is not readable at line {line}, column {column}: {message}")]
    Unreadable {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// What was expected there.
        message: String,
    },
    /// A format that this version does not know.
    #[error("the snapshot says format `{found}`, expected `{FORMAT}`")]
    Format {
        /// What it says.
        found: String,
    },
    /// A document without a text, or with a reference to a document that is not there.
    #[error("document `{document}` of the snapshot has no text{hint}")]
    Textless {
        /// Its kind and subject.
        document: String,
        /// What was referred to.
        hint: String,
    },
}

impl Snapshot {
    /// Reads a snapshot file.
    ///
    /// # Errors
    /// Where the text is not JSON, is cut off, has another format, or a document has no text.
    pub fn parse(text: &str) -> Result<Self, SnapshotError> {
        Self::read("", text)
    }

    /// Reads a snapshot file that is called `name`. A document that does not say where it came from comes from the line of this file
    /// on which its text begins.
    ///
    /// # Errors
    /// As [`Snapshot::parse`].
    pub fn read(name: &str, text: &str) -> Result<Self, SnapshotError> {
        let file: File<'_> = serde_json::from_str(text).map_err(|error| SnapshotError::Unreadable {
            line: error.line(),
            column: error.column(),
            message: error.to_string(),
        })?;
        if file.format != FORMAT {
            return Err(SnapshotError::Format { found: file.format });
        }
        let mut snapshot = Self { taken_at: file.taken_at, ..Self::default() };
        let mut lines = Lines { text, offset: 0, line: 1 };
        let source: Arc<str> = name.into();
        for document in file.documents {
            let text = snapshot.text_of(&document)?;
            let mut whole = Document::new(&document.kind, &document.subject, &document.title, text);
            let line = document.text.map_or(1, |raw| lines.of(raw.get()));
            whole.origin = document.origin.unwrap_or_else(|| Origin { source: Arc::clone(&source), line });
            if let Some(id) = document.id {
                whole.id = id;
            }
            snapshot.add(whole);
        }
        file.searches.into_iter().for_each(|search| snapshot.note(search));
        Ok(snapshot)
    }

    fn text_of(&self, document: &FileDocument<'_>) -> Result<Arc<str>, SnapshotError> {
        let referred = || document.same_text_as.as_ref().and_then(|id| self.document(id)).map(|other| Arc::clone(&other.text));
        let inline = document.text.map(|raw| Arc::from(raw.get()));
        inline.or_else(|| document.string.clone()).or_else(referred).ok_or_else(|| SnapshotError::Textless {
            document: format!("{} of {}", document.kind, document.subject),
            hint: document.same_text_as.as_ref().map(|id| format!(": `{id}` does not stand before it")).unwrap_or_default(),
        })
    }

    /// Writes the snapshot as its file has it; texts that several documents share are written once.
    ///
    /// # Errors
    /// Where the writer fails.
    pub fn write(&self, writer: impl std::io::Write) -> std::io::Result<()> {
        let mut written: HashMap<*const u8, Arc<str>> = HashMap::new();
        let documents = self.documents.iter().map(|document| file_document(document, &mut written)).collect();
        let file = File { format: FORMAT.into(), taken_at: self.taken_at.clone(), documents, searches: self.searches.clone() };
        serde_json::to_writer(writer, &file).map_err(std::io::Error::from)
    }
}

/// Counts the lines of a text from front to back.
struct Lines<'a> {
    text: &'a str,
    offset: usize,
    line: u32,
}

impl Lines<'_> {
    /// The line on which `part`, a slice of the text further back than the one before, begins.
    fn of(&mut self, part: &str) -> u32 {
        let offset = (part.as_ptr() as usize).wrapping_sub(self.text.as_ptr() as usize);
        if let Some(between) = self.text.as_bytes().get(self.offset..offset) {
            let breaks = between.iter().filter(|&&byte| byte == b'\n').count();
            self.line = self.line.saturating_add(u32::try_from(breaks).unwrap_or(u32::MAX));
            self.offset = offset;
        }
        self.line
    }
}

fn file_document<'d>(document: &'d Document, written: &mut HashMap<*const u8, Arc<str>>) -> FileDocument<'d> {
    let earlier = written.get(&document.text.as_ptr()).cloned();
    if earlier.is_none() {
        written.insert(document.text.as_ptr(), Arc::clone(&document.id));
    }
    let raw = serde_json::from_str::<&serde_json::value::RawValue>(&document.text).ok();
    let string = raw.is_none().then(|| Arc::clone(&document.text));
    FileDocument {
        id: Some(Arc::clone(&document.id)),
        kind: Arc::clone(&document.kind),
        subject: Arc::clone(&document.subject),
        title: Arc::clone(&document.title),
        origin: Some(document.origin.clone()).filter(|origin| *origin != Origin::default()),
        text: raw.filter(|_| earlier.is_none()),
        string: string.filter(|_| earlier.is_none()),
        same_text_as: earlier,
    }
}

#[cfg(test)]
mod tests {
    use super::{Document, Outcome, Search, Snapshot, SnapshotError};

    fn sample() -> Snapshot {
        let one = Document::new("aws:scp", "p-1", "Guard", r#"{"Version": "2012-10-17"}"#).from_source("scp.json", 3);
        let mut twin = Document::new("aws:scp", "p-2", "Guard", "");
        twin.text = one.text.clone();
        let odd = Document::new("note", "x", "not JSON", "free text\nof two lines");
        let refused = Outcome::Refused { needs: "organizations:ListParents".into(), said: "AccessDenied".into() };
        Snapshot::new([one, twin, odd], [Search { kind: "aws:parents".into(), subject: "111122223333".into(), outcome: refused }])
    }

    #[test]
    fn a_snapshot_survives_being_saved() {
        let mut file = Vec::new();
        sample().write(&mut file).unwrap();
        let file = String::from_utf8(file).unwrap();
        let again = Snapshot::parse(&file).unwrap();
        assert_eq!(again.documents(), sample().documents());
        assert_eq!(again.searches(), sample().searches());
        assert_eq!(file.matches("2012-10-17").count(), 1, "a shared text is written once: {file}");
    }

    #[test]
    fn absence_is_a_fact_only_where_a_search_says_so() {
        let mut snapshot = sample();
        assert_eq!(snapshot.outcome("aws:scp", "p-1"), Some(&Outcome::Found));
        assert_eq!(snapshot.outcome("aws:scp", "p-9"), None);
        snapshot.note(Search { kind: "aws:scp".into(), subject: "*".into(), outcome: Outcome::Found });
        assert_eq!(snapshot.outcome("aws:scp", "p-9"), Some(&Outcome::Absent));
    }

    #[test]
    fn a_listing_covers_what_begins_like_it_and_nothing_else() {
        let listed = Search { kind: "aws:role".into(), subject: "arn:aws:iam::111122223333:role/*".into(), outcome: Outcome::Found };
        let snapshot = Snapshot::new([Document::new("aws:role", "arn:aws:iam::111122223333:role/app", "app", "{}")], [listed]);
        assert_eq!(snapshot.outcome("aws:role", "arn:aws:iam::111122223333:role/app"), Some(&Outcome::Found));
        assert_eq!(snapshot.outcome("aws:role", "arn:aws:iam::111122223333:role/other"), Some(&Outcome::Absent));
        assert_eq!(snapshot.outcome("aws:role", "arn:aws:iam::444455556666:role/other"), None);
        assert_eq!(snapshot.outcome("aws:user", "arn:aws:iam::111122223333:user/ana"), None);
    }

    #[test]
    fn a_snapshot_that_is_cut_off_says_where() {
        let error = Snapshot::parse("{\"format\": \"iam-why/snapshot/1\",\n \"documents\": [").unwrap_err();
        assert!(matches!(error, SnapshotError::Unreadable { line: 2, .. }), "{error}");
    }
}
