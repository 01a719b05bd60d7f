//! Reads snapshots: iam-why's own format, files that the clouds' command lines printed, folders of such files.
//!
//! A file is iam-why's own if it says so, else it is offered to each provider. What no provider recognises is skipped and counted,
//! never half read.

use crate::providers;
use iam_why_contract::snapshot::SnapshotError;
use iam_why_contract::{Provider, Snapshot, SourceFile};
use std::io::Read;
use std::path::{Path, PathBuf};

/// The largest file that is read, in bytes.
pub const FILE: u64 = 512 << 20;

/// The largest single document, in bytes: the largest policy of any cloud is a fraction of it.
pub const DOCUMENT: usize = 2 << 20;

/// How many files a folder may hold.
pub const FILES: usize = 100_000;

/// How deep folders may nest.
pub const DEPTH: usize = 32;

/// What came of reading.
#[derive(Debug, Default)]
pub struct Loaded {
    /// Everything that was read.
    pub snapshot: Snapshot,
    /// How many files were read.
    pub files: usize,
    /// Files that hold nothing a provider recognises, and why not where that can be said.
    pub skipped: Vec<Skipped>,
    /// How many hidden files and folders were passed over.
    pub hidden: usize,
}

/// A file that was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Its path.
    pub path: String,
    /// Why.
    pub why: String,
}

/// Why nothing could be read.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file system refused.
    #[error("cannot read `{path}`: {source}")]
    Io {
        /// The path.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file, folder or document beyond the bounds.
    #[error("`{path}` is beyond the limit of {limit}")]
    TooLarge {
        /// The path, or the document.
        path: String,
        /// The limit.
        limit: String,
    },
    /// Neither UTF-8 nor UTF-16.
    #[error("`{path}` is not text: line {line} is not UTF-8, expected UTF-8 or UTF-16 with a byte order mark")]
    NotText {
        /// The path.
        path: String,
        /// From 1.
        line: usize,
    },
    /// A snapshot that is damaged.
    #[error("`{path}`: {source}")]
    Snapshot {
        /// The path.
        path: String,
        /// Where and why.
        source: SnapshotError,
    },
    /// A single file that no provider knows.
    #[error(
        "`{path}` holds nothing that iam-why knows: {why}; expected a snapshot of `iam-why collect` or the output of a cloud's own command line"
    )]
    Unrecognised {
        /// The path.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// A folder without anything.
    #[error("no file under `{path}` holds anything that iam-why knows ({files} looked at{hint})")]
    Nothing {
        /// The path.
        path: String,
        /// How many files.
        files: usize,
        /// The first file and what is wrong with it.
        hint: String,
    },
}

/// Reads files and folders, `-` for stdin, and puts together what belongs together.
///
/// # Errors
/// Where one cannot be read, is damaged or too large, or holds nothing that is recognised.
pub fn load<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> Result<Loaded, LoadError> {
    let mut loaded = Loaded::default();
    for path in paths {
        let path = path.as_ref();
        if path == Path::new("-") {
            loaded.take(read("stdin", std::io::stdin().lock())?);
        } else if path.is_dir() {
            loaded.folder(path)?;
        } else {
            loaded.take(open(path)?);
        }
    }
    loaded.snapshot = providers::all().iter().fold(loaded.snapshot, |snapshot, provider| provider.assemble(snapshot));
    Ok(loaded)
}

impl Loaded {
    fn folder(&mut self, path: &Path) -> Result<(), LoadError> {
        let files_before = self.files;
        for file in files(path, &mut self.hidden)? {
            match open(&file) {
                Ok(snapshot) => self.take(snapshot),
                Err(LoadError::Unrecognised { path, why }) => self.skipped.push(Skipped { path, why }),
                Err(LoadError::NotText { path, .. }) => self.skipped.push(Skipped { path, why: "not text".into() }),
                Err(error) => return Err(error),
            }
        }
        if self.files == files_before {
            let hint = self.skipped.first().map(|first| format!("; `{}`: {}", first.path, first.why)).unwrap_or_default();
            return Err(LoadError::Nothing { path: name(path), files: self.skipped.len(), hint });
        }
        Ok(())
    }

    fn take(&mut self, snapshot: Snapshot) {
        self.files += 1;
        self.snapshot.merge(snapshot);
    }
}

fn open(path: &Path) -> Result<Snapshot, LoadError> {
    let name = name(path);
    let file = std::fs::File::open(path).map_err(|source| LoadError::Io { path: name.clone(), source })?;
    read(&name, file)
}

/// Reads what one `reader` holds; `name` is how it is called in errors and origins.
fn read(name: &str, reader: impl Read) -> Result<Snapshot, LoadError> {
    let mut bytes = Vec::new();
    reader.take(FILE + 1).read_to_end(&mut bytes).map_err(|source| LoadError::Io { path: name.to_owned(), source })?;
    if bytes.len() as u64 > FILE {
        return Err(LoadError::TooLarge { path: name.to_owned(), limit: format!("{} MiB a file", FILE >> 20) });
    }
    parse(name, bytes)
}

/// The snapshot that the bytes of one file hold; `name` is how the file is called in errors and origins. What only several files
/// together say is not put together.
///
/// # Errors
/// Where they are no text, a damaged snapshot, or nothing that is recognised.
pub fn parse(name: &str, bytes: Vec<u8>) -> Result<Snapshot, LoadError> {
    let snapshot = understand(name, &decode(name, bytes)?)?;
    bounded(&snapshot)?;
    Ok(snapshot)
}

/// The text of a file: UTF-8 with or without a byte order mark, or UTF-16 with one, as PowerShell writes it.
///
/// # Errors
/// Where it is neither.
pub fn decode(name: &str, bytes: Vec<u8>) -> Result<String, LoadError> {
    let wide = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> =
            rest.chunks(2).map(|pair| unit([pair.first().copied().unwrap_or(0), pair.get(1).copied().unwrap_or(0)])).collect();
        String::from_utf16(&units).map_err(|_| LoadError::NotText { path: name.to_owned(), line: 1 })
    };
    match bytes.as_slice() {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => utf8(name, rest.to_vec()),
        _ => utf8(name, bytes),
    }
}

fn utf8(name: &str, bytes: Vec<u8>) -> Result<String, LoadError> {
    String::from_utf8(bytes).map_err(|error| {
        let good = error.as_bytes().iter().take(error.utf8_error().valid_up_to());
        LoadError::NotText { path: name.to_owned(), line: 1 + good.filter(|&&byte| byte == b'\n').count() }
    })
}

fn understand(name: &str, text: &str) -> Result<Snapshot, LoadError> {
    if text.contains("\"iam-why/snapshot/") {
        return Snapshot::read(name, text).map_err(|source| LoadError::Snapshot { path: name.to_owned(), source });
    }
    let recognised = providers::all().iter().filter_map(|provider: &&dyn Provider| provider.recognise(SourceFile { path: name, text }));
    let mut recognised = recognised.peekable();
    if recognised.peek().is_none() {
        return Err(LoadError::Unrecognised { path: name.to_owned(), why: complaint(name, text) });
    }
    Ok(recognised.fold(Snapshot::default(), |mut all, one| {
        all.merge(one);
        all
    }))
}

/// What is wrong with a file that nobody recognised.
fn complaint(name: &str, text: &str) -> String {
    if text.trim().is_empty() {
        return "it is empty".into();
    }
    match serde_json::from_str::<serde::de::IgnoredAny>(text) {
        Ok(_) => "its JSON is of no known shape".into(),
        Err(error) if name.ends_with(".json") || text.trim_start().starts_with(['{', '[']) => format!("not JSON: {error}"),
        Err(_) => "it is not JSON".into(),
    }
}

fn bounded(snapshot: &Snapshot) -> Result<(), LoadError> {
    let large = snapshot.documents().iter().find(|document| document.text.len() > DOCUMENT);
    large.map_or(Ok(()), |document| {
        let path = format!("{} of {}", document.kind, document.subject);
        Err(LoadError::TooLarge { path, limit: format!("{} MiB a document", DOCUMENT >> 20) })
    })
}

/// Every file under a folder that is not hidden, in a stable order. Links to folders are not followed.
fn files(folder: &Path, hidden: &mut usize) -> Result<Vec<PathBuf>, LoadError> {
    let mut files = Vec::new();
    let mut folders = vec![(folder.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        let fail = |source| LoadError::Io { path: name(&folder), source };
        for entry in std::fs::read_dir(&folder).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let kind = entry.file_type().map_err(fail)?;
            if entry.file_name().to_string_lossy().starts_with('.') {
                *hidden += 1;
            } else if kind.is_dir() {
                folders.push((entry.path(), depth + 1));
            } else if entry.path().is_file() {
                files.push(entry.path());
            }
        }
        if files.len() > FILES || depth > DEPTH {
            let limit = format!("{FILES} files, {DEPTH} folders deep");
            return Err(LoadError::TooLarge { path: name(&folder), limit });
        }
    }
    files.sort();
    Ok(files)
}

fn name(path: &Path) -> String {
    path.display().to_string().replace('\\', "/")
}

#[cfg(test)]
mod tests {
    use super::{LoadError, decode, load, read};
    use std::fs;

    const SNAPSHOT: &str = "{\"format\": \"iam-why/snapshot/1\",\n \"documents\": [\n  {\"kind\": \"k\", \"subject\": \"s\", \"title\": \"t\",\n   \"text\": {\"a\": 1}}]}";

    #[test]
    fn a_document_says_the_line_of_the_file_it_stands_on() {
        let loaded = read("saved.json", SNAPSHOT.as_bytes()).unwrap();
        let origin = &loaded.documents()[0].origin;
        assert_eq!((&*origin.source, origin.line), ("saved.json", 4));
    }

    #[test]
    fn powershell_writes_utf16() {
        let little: Vec<u8> = std::iter::once(0xfeff).chain(SNAPSHOT.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = std::iter::once(0xfeff).chain(SNAPSHOT.encode_utf16()).flat_map(u16::to_be_bytes).collect();
        assert_eq!(decode("f", little).unwrap(), SNAPSHOT);
        assert_eq!(decode("f", big).unwrap(), SNAPSHOT);
        assert_eq!(decode("f", format!("\u{feff}{SNAPSHOT}").into_bytes()).unwrap(), SNAPSHOT);
        assert!(matches!(decode("f", b"one\ntwo \xff".to_vec()), Err(LoadError::NotText { line: 2, .. })));
    }

    #[test]
    fn a_folder_skips_and_counts_what_it_does_not_know() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("sub")).unwrap();
        fs::write(folder.path().join("sub/saved.json"), SNAPSHOT).unwrap();
        fs::write(folder.path().join("notes.txt"), "hello").unwrap();
        fs::write(folder.path().join("cut.json"), "{\"Statement\": [").unwrap();
        fs::write(folder.path().join(".git"), "").unwrap();
        let loaded = load([folder.path()]).unwrap();
        assert_eq!((loaded.files, loaded.hidden, loaded.snapshot.documents().len()), (1, 1, 1));
        let why: Vec<&str> = loaded.skipped.iter().map(|skipped| skipped.why.as_str()).collect();
        assert_eq!(why, ["not JSON: EOF while parsing a list at line 1 column 15", "it is not JSON"]);
    }

    #[test]
    fn a_snapshot_that_is_cut_off_stops_everything() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.json"), SNAPSHOT.get(..60).unwrap()).unwrap();
        assert!(matches!(load([folder.path()]), Err(LoadError::Snapshot { .. })));
    }
}
