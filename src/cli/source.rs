//! Where the snapshot comes from.

use super::failure::Failure;
use super::output::say;
use clap::Args;
use iam_why::load::{self, Loaded};
use iam_why::{Question, Snapshot};
use std::path::{Path, PathBuf};

/// Where the policies are read from.
#[derive(Debug, Args)]
#[command(next_help_heading = "Where the policies are read from")]
pub(crate) struct Source {
    /// A snapshot, a file that the cloud's own command line printed, a folder of such files, or - for stdin; may be repeated
    #[arg(long, value_name = "FILE")]
    snapshot: Vec<PathBuf>,
    /// Saves what was read as a snapshot (mode 0600)
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
}

impl Source {
    /// The snapshot that answers `question`.
    pub(crate) fn snapshot(&self, question: &Question) -> Result<Snapshot, Failure> {
        let snapshot = if self.snapshot.is_empty() { live(question)? } else { self.saved()? };
        if let Some(path) = &self.save {
            save(&snapshot, path)?;
        }
        Ok(snapshot)
    }

    fn saved(&self) -> Result<Snapshot, Failure> {
        let loaded = load::load(&self.snapshot)?;
        tell(&loaded);
        Ok(loaded.snapshot)
    }
}

/// Reads the cloud.
fn live(_question: &Question) -> Result<Snapshot, Failure> {
    Err(Failure::Usage("no --snapshot is given, and this build cannot read a cloud; expected --snapshot FILE".into()))
}

/// How many lines about files that were not taken in are worth reading.
const LINES: usize = 8;

/// Says what was passed over.
fn tell(loaded: &Loaded) {
    let skipped = loaded.skipped.iter().map(|skipped| format!("passed over {}: {}", skipped.path, skipped.why));
    let lines: Vec<String> = skipped.chain(loaded.snapshot.remarks.iter().cloned()).collect();
    lines.iter().take(LINES).for_each(|line| say(line));
    if lines.len() > LINES {
        say(&format!("and {} more of this kind", lines.len() - LINES));
    }
    if !lines.is_empty() || loaded.hidden > 0 {
        let hidden = if loaded.hidden > 0 { format!(", {} hidden ones left alone", loaded.hidden) } else { String::new() };
        say(&format!("{} files read, {} passed over{hidden}", loaded.files, loaded.skipped.len()));
    }
}

/// Writes a snapshot so that only its owner can read it, whole or not at all.
pub(crate) fn save(snapshot: &Snapshot, path: &Path) -> Result<(), Failure> {
    let fail = |source| Failure::Write { path: path.display().to_string(), source };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(fail)?;
    snapshot.write(std::io::BufWriter::new(&mut file)).map_err(fail)?;
    file.persist(path).map_err(|error| fail(error.error))?;
    Ok(())
}
