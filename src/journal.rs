//! A whole account on its way into a file: written line by line as it comes, so that it never stands in memory and an interruption
//! loses nothing that was read.
//!
//! Beside `FILE` stands `FILE.part`, a line a document, search or point reached. When everything was read its lines become the snapshot,
//! written to one side and put in place in one step.

use iam_why_contract::collect::{Point, Sink};
use iam_why_contract::snapshot::{FORMAT, Origin};
use iam_why_contract::{Document, Search};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashMap};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, Error, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// What was read longer ago than this is read again: a list may have changed, and the clouds forget where a page began.
const STALE: Duration = Duration::from_secs(60 * 60);

/// The file in which an account is gathered.
#[derive(Debug)]
pub struct Journal {
    target: PathBuf,
    part: PathBuf,
    file: Mutex<BufWriter<File>>,
    reached: Mutex<BTreeMap<String, Point>>,
    resumed: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line<'a> {
    Begun(String),
    #[serde(borrow)]
    Document(&'a RawValue),
    Search(Search),
    Page(String, String),
    End(String),
}

#[derive(Serialize)]
struct FileDocument<'a> {
    id: &'a str,
    kind: &'a str,
    subject: &'a str,
    title: &'a str,
    origin: &'a Origin,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    string: Option<&'a str>,
}

#[derive(Deserialize)]
struct Identified {
    id: String,
}

impl Journal {
    /// Opens the journal of `target`. `what` says what is being read: a journal of something else, or an old one, is begun anew.
    ///
    /// # Errors
    /// Where the file beside `target` cannot be read or written.
    pub fn open(target: &Path, what: &str) -> Result<Self, Error> {
        let mut name = target.file_name().unwrap_or_default().to_owned();
        name.push(".part");
        let part = target.with_file_name(name);
        drop_broken_end(&part)?;
        let reached = points(&part, what)?;
        let resumed = reached.is_some();
        let file = private().append(resumed).truncate(!resumed).write(true).create(true).open(&part)?;
        let journal = Self {
            target: target.to_owned(),
            part,
            file: Mutex::new(BufWriter::new(file)),
            reached: Mutex::new(reached.unwrap_or_default()),
            resumed,
        };
        if !resumed {
            journal.line(&Line::Begun(what.to_owned()))?;
        }
        Ok(journal)
    }

    /// Does it go on where an earlier run was interrupted?
    #[must_use]
    pub fn resumed(&self) -> bool {
        self.resumed
    }

    /// Removes the journal where nothing was reached that another run could go on from; else it stays.
    pub fn leave(self) {
        if self.reached.lock().unwrap_or_else(PoisonError::into_inner).is_empty() {
            // A journal that stays is begun anew when it is of no use.
            let _ = std::fs::remove_file(&self.part);
        }
    }

    /// Puts the snapshot in place and removes the journal. Returns how many documents it has.
    ///
    /// # Errors
    /// Where a file cannot be read or written.
    pub fn finish(self, taken_at: &str) -> Result<usize, Error> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner).flush()?;
        let (last, searches) = survey(&self.part)?;
        let folder = self.target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        let mut writer = BufWriter::new(&mut file);
        write!(writer, "{{\"format\":\"{FORMAT}\",\"taken_at\":{},\"documents\":[", serde_json::to_string(taken_at)?)?;
        let mut written = 0;
        for (number, line) in BufReader::new(File::open(&self.part)?).lines().enumerate() {
            let line = line?;
            let Ok(Line::Document(document)) = serde_json::from_str(&line) else { continue };
            let Identified { id } = serde_json::from_str(document.get())?;
            if last.get(&id) == Some(&number) {
                write!(writer, "{}{}", if written > 0 { ",\n" } else { "\n" }, document.get())?;
                written += 1;
            }
        }
        write!(writer, "],\"searches\":")?;
        serde_json::to_writer(&mut writer, &searches.into_values().collect::<Vec<_>>())?;
        writeln!(writer, "}}")?;
        writer.flush()?;
        drop(writer);
        file.persist(&self.target).map_err(|error| error.error)?;
        std::fs::remove_file(&self.part)?;
        Ok(written)
    }

    fn line(&self, line: &Line<'_>) -> Result<(), Error> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        serde_json::to_writer(&mut *file, line)?;
        file.write_all(b"\n")
    }
}

impl Sink for Journal {
    fn document(&self, document: Document) -> Result<(), Error> {
        let raw = serde_json::from_str::<&RawValue>(&document.text).ok();
        // A line is a line: JSON that stands on several is written without the breaks, which are outside of its strings.
        let inline = raw.map(|raw| RawValue::from_string(raw.get().replace(['\n', '\r'], " "))).transpose()?;
        let line = FileDocument {
            id: &document.id,
            kind: &document.kind,
            subject: &document.subject,
            title: &document.title,
            origin: &document.origin,
            text: inline.as_deref(),
            string: raw.is_none().then_some(&*document.text),
        };
        self.line(&Line::Document(&serde_json::value::to_raw_value(&line)?))
    }

    fn search(&self, search: Search) -> Result<(), Error> {
        self.line(&Line::Search(search))
    }

    fn reached(&self, step: &str, point: Point) -> Result<(), Error> {
        self.line(&match &point {
            Point::Page(page) => Line::Page(step.to_owned(), page.clone()),
            Point::End => Line::End(step.to_owned()),
        })?;
        self.reached.lock().unwrap_or_else(PoisonError::into_inner).insert(step.to_owned(), point);
        self.file.lock().unwrap_or_else(PoisonError::into_inner).flush()
    }

    fn resume(&self, step: &str) -> Option<Point> {
        self.reached.lock().unwrap_or_else(PoisonError::into_inner).get(step).cloned()
    }
}

/// An interruption in the middle of a line leaves half of one, which would spoil the line that comes after it.
fn drop_broken_end(part: &Path) -> Result<(), Error> {
    let Ok(mut file) = OpenOptions::new().read(true).write(true).open(part) else { return Ok(()) };
    let mut end = file.metadata()?.len();
    let modified = file.metadata()?.modified()?;
    let mut piece = [0; 8192];
    while end > 0 {
        let length = end.min(piece.len() as u64);
        file.seek(SeekFrom::Start(end - length))?;
        let piece = piece.get_mut(..usize::try_from(length).unwrap_or(0)).unwrap_or_default();
        file.read_exact(piece)?;
        if let Some(at) = piece.iter().rposition(|byte| *byte == b'\n') {
            end = end - length + at as u64 + 1;
            break;
        }
        end -= length;
    }
    if end < file.metadata()?.len() {
        file.set_len(end)?;
        // How old it is counts from when it was last written by a run.
        file.set_modified(modified)?;
    }
    Ok(())
}

/// The points that a journal of `what` reached; `None` where there is no journal to go on with.
fn points(part: &Path, what: &str) -> Result<Option<BTreeMap<String, Point>>, Error> {
    let fresh = |path: &Path| path.metadata()?.modified()?.elapsed().map_err(Error::other);
    if !part.exists() || fresh(part)? > STALE {
        return Ok(None);
    }
    let mut reached = BTreeMap::new();
    let mut begun = false;
    for line in BufReader::new(File::open(part)?).lines() {
        match serde_json::from_str(&line?) {
            Ok(Line::Begun(said)) if said != what => return Ok(None),
            Ok(Line::Begun(_)) => begun = true,
            Ok(Line::Page(step, page)) => drop(reached.insert(step, Point::Page(page))),
            Ok(Line::End(step)) => drop(reached.insert(step, Point::End)),
            Ok(Line::Document(_) | Line::Search(_)) | Err(_) => {}
        }
    }
    Ok(begun.then_some(reached))
}

type Searches = BTreeMap<(String, String), Search>;

/// The line on which each document stands last, and the last word on each search.
fn survey(part: &Path) -> Result<(HashMap<String, usize>, Searches), Error> {
    let mut last = HashMap::new();
    let mut searches = BTreeMap::new();
    for (number, line) in BufReader::new(File::open(part)?).lines().enumerate() {
        match serde_json::from_str(&line?) {
            Ok(Line::Document(document)) => {
                let Identified { id } = serde_json::from_str(document.get())?;
                last.insert(id, number);
            }
            Ok(Line::Search(search)) => drop(searches.insert((search.kind.to_string(), search.subject.to_string()), search)),
            _ => {}
        }
    }
    Ok((last, searches))
}

/// What was read is for its owner's eyes only.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(test)]
mod tests {
    use super::Journal;
    use iam_why_contract::collect::{Point, Sink};
    use iam_why_contract::{Document, Outcome, Search, Snapshot};
    use std::fs;
    use std::io::Write;
    use std::path::Path;

    const MOMENT: &str = "2026-01-01T00:00:00Z";

    fn role(name: &str, text: &str) -> Document {
        Document::new("aws:role", &format!("arn:aws:iam::111122223333:role/{name}"), &format!("role {name}"), text)
    }

    fn finished(target: &Path) -> Snapshot {
        Snapshot::parse(&fs::read_to_string(target).unwrap()).unwrap()
    }

    #[test]
    fn an_interruption_in_the_middle_of_a_line_loses_nothing_that_comes_after_it() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("account.json");
        let journal = Journal::open(&target, "all").unwrap();
        journal.document(role("one", "{}")).unwrap();
        journal.reached("iam", Point::Page("p2".into())).unwrap();
        drop(journal);
        // Half a document, cut inside of a character of two bytes.
        let mut part = fs::OpenOptions::new().append(true).open(folder.path().join("account.json.part")).unwrap();
        part.write_all(b"{\"document\":{\"id\":\"aws:role \xc3").unwrap();
        drop(part);
        let journal = Journal::open(&target, "all").unwrap();
        assert_eq!((journal.resumed(), journal.resume("iam")), (true, Some(Point::Page("p2".into()))));
        journal.document(role("two", "{}")).unwrap();
        journal.reached("iam", Point::End).unwrap();
        assert_eq!(journal.finish(MOMENT).unwrap(), 2);
        let subjects: Vec<String> = finished(&target).documents().iter().map(|document| document.subject.to_string()).collect();
        assert_eq!(subjects, ["arn:aws:iam::111122223333:role/one", "arn:aws:iam::111122223333:role/two"]);
    }

    #[test]
    fn what_was_handed_in_twice_stands_once_as_it_was_last() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("account.json");
        let journal = Journal::open(&target, "all").unwrap();
        let note = |outcome| Search { kind: "aws:role".into(), subject: "x".into(), outcome };
        journal.document(role("one", r#"{"v":1}"#)).unwrap();
        journal.search(note(Outcome::Refused { needs: "iam:GetRole".into(), said: "no".into() })).unwrap();
        journal.document(role("one", r#"{"v":2}"#)).unwrap();
        journal.search(note(Outcome::Found)).unwrap();
        assert_eq!(journal.finish(MOMENT).unwrap(), 1);
        let snapshot = finished(&target);
        assert_eq!(&*snapshot.documents()[0].text, r#"{"v":2}"#);
        assert_eq!(snapshot.searches()[0].outcome, Outcome::Found);
    }

    #[test]
    fn the_journal_of_something_else_is_not_gone_on_with() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("account.json");
        Journal::open(&target, "eu-west-1").unwrap().reached("iam", Point::End).unwrap();
        let journal = Journal::open(&target, "us-east-1").unwrap();
        assert_eq!((journal.resumed(), journal.resume("iam")), (false, None));
    }

    #[test]
    fn nothing_stands_at_the_target_before_everything_was_read() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("account.json");
        let journal = Journal::open(&target, "all").unwrap();
        journal.document(role("one", "{}")).unwrap();
        assert!(!target.exists());
        journal.finish(MOMENT).unwrap();
        assert!(target.exists() && !folder.path().join("account.json.part").exists());
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_can_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("account.json");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let journal = Journal::open(&target, "all").unwrap();
        assert_eq!(mode(&folder.path().join("account.json.part")), 0o600);
        journal.finish(MOMENT).unwrap();
        assert_eq!(mode(&target), 0o600);
    }
}
