//! `iam-why collect PROVIDER [SCOPE] -o FILE`

use super::failure::Failure;
use super::live::{Line, Live};
use super::output::{Output, say};
use crate::exit::Exit;
use clap::Args;
use iam_why::contract::collect::Options;
use iam_why::journal::Journal;
use iam_why::live;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

/// Takes a snapshot of a whole account, to ask many questions of later
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The cloud
    provider: String,
    /// Which account, where not the one that the credentials belong to: for Google Cloud a project, `folders/N` or `organizations/N`
    scope: Option<String>,
    /// The snapshot (mode 0600); after an interruption the same command goes on where it was
    #[arg(long, short = 'o', value_name = "FILE")]
    output: PathBuf,
    /// AWS: the regions whose resource policies are read, with commas between; the configured one if none are named
    #[arg(long, value_name = "REGIONS")]
    regions: Option<String>,
    #[command(flatten)]
    live: Live,
}

/// A whole account takes as long as it takes; a single call does not.
const CALL: Duration = Duration::from_secs(30);

impl Arguments {
    pub(crate) fn run(self, _output: &Output) -> Result<Exit, Failure> {
        let mut options = Options { timeout: CALL, ..self.live.options() };
        options.settings.extend(self.regions.clone().map(|regions| ("regions", regions)));
        let what = format!("{} {} {:?}", self.provider, self.scope.as_deref().unwrap_or("own"), options.settings);
        let unwritable = |source| Failure::Write { path: self.output.display().to_string(), source };
        let journal = Journal::open(&self.output, &what).map_err(unwritable)?;
        if journal.resumed() {
            say("going on where the last run was interrupted");
        }
        let line = Line::new();
        let read = live::whole(&self.provider, self.scope.as_deref(), &options, &journal, &line)?;
        drop(line);
        let documents = journal.finish(&now()).map_err(unwritable)?;
        say(&format!("{read}: {documents} documents in {}", self.output.display()));
        Ok(Exit::Allowed)
    }
}

/// The moment, RFC 3339 in whole seconds.
fn now() -> String {
    chrono::DateTime::<chrono::Utc>::from(SystemTime::now()).format("%Y-%m-%dT%H:%M:%SZ").to_string()
}
