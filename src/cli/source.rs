//! Where the snapshot comes from.

use super::failure::Failure;
use super::output::say;
use clap::Args;
#[cfg(feature = "live")]
use iam_why::contract::{
    collect::{Holder, Testimony},
    refusal::Refusal,
};
use iam_why::load::{self, Loaded};
use iam_why::{Question, Snapshot, Verdict};
use std::path::{Path, PathBuf};
use std::time::Instant;

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
    #[cfg(feature = "live")]
    #[command(flatten)]
    live: super::live::Live,
}

impl Source {
    /// Was a snapshot named?
    pub(crate) fn is_saved(&self) -> bool {
        !self.snapshot.is_empty()
    }

    /// Does a snapshot come from stdin?
    pub(crate) fn takes_stdin(&self) -> bool {
        self.snapshot.iter().any(|path| path.as_os_str() == "-")
    }

    /// What the cloud itself says of a refusal that carries a reference.
    #[cfg(feature = "live")]
    pub(crate) fn testimony(&self, refusal: &Refusal) -> Result<Option<Testimony>, Failure> {
        Ok(iam_why::live::testimony(refusal, &self.live.options())?)
    }

    /// Whose the credentials for a provider are.
    #[cfg(feature = "live")]
    pub(crate) fn holder(&self, provider: &str) -> Result<Option<Holder>, Failure> {
        Ok(iam_why::live::holder(provider, &self.live.options())?)
    }

    /// The snapshot that answers `question`, and the question as the cloud spells it where the cloud was read.
    pub(crate) fn snapshot(&self, question: Question) -> Result<(Question, Snapshot), Failure> {
        let (question, snapshot) = if self.snapshot.is_empty() { self.read(question)? } else { (question, self.saved()?) };
        if let Some(path) = &self.save {
            save(&snapshot, path)?;
        }
        Ok((question, snapshot))
    }

    /// Reads the cloud.
    #[cfg(feature = "live")]
    fn read(&self, question: Question) -> Result<(Question, Snapshot), Failure> {
        let line = super::live::Line::new();
        let read = iam_why::live::question(&question, &self.live.options(), &line)?;
        drop(line);
        read.notes.iter().for_each(|note| say(note));
        Ok((read.question, read.snapshot))
    }

    #[cfg(not(feature = "live"))]
    fn read(&self, _question: Question) -> Result<(Question, Snapshot), Failure> {
        Err(Failure::Usage("no --snapshot is given, and this build cannot read a cloud; expected --snapshot FILE".into()))
    }

    /// Asks the cloud's own simulator, where that is wanted, in what is left of the time since `begun`: what contradicts the answer, and
    /// else a note on it.
    #[cfg(feature = "live")]
    pub(crate) fn second_opinion(&self, question: &Question, verdict: &Verdict, begun: Instant) -> Result<Opinion, Failure> {
        let opinion = if self.live.verify { iam_why::live::verify(question, verdict, &self.live.options_since(begun))? } else { None };
        Ok(match opinion {
            Some(opinion) if opinion.agrees == Some(false) => {
                Opinion::Contradicts(format!("contradicted by {}: {}", opinion.by, opinion.says))
            }
            Some(opinion) => Opinion::Note(format!("{}: {}", opinion.by, opinion.says)),
            None => Opinion::None,
        })
    }

    #[cfg(not(feature = "live"))]
    #[expect(clippy::unnecessary_wraps, clippy::unused_self, reason = "with the feature live it asks a cloud, which may fail")]
    pub(crate) fn second_opinion(&self, _question: &Question, _verdict: &Verdict, _begun: Instant) -> Result<Opinion, Failure> {
        Ok(Opinion::None)
    }

    pub(crate) fn saved(&self) -> Result<Snapshot, Failure> {
        let loaded = load::load(&self.snapshot)?;
        tell(&loaded);
        Ok(loaded.snapshot)
    }
}

/// What somebody else says of an answer.
#[cfg_attr(not(feature = "live"), expect(dead_code, reason = "without the feature live nobody is asked"))]
pub(crate) enum Opinion {
    /// Nobody was asked, or nobody knows.
    None,
    /// It agrees, or says why it cannot tell.
    Note(String),
    /// It says otherwise.
    Contradicts(String),
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
