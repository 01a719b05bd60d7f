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

/// A whole account takes as long as it takes, unless --timeout says otherwise; a single call does not.
const CALL: Duration = Duration::from_secs(30);

impl Arguments {
    pub(crate) fn run(self, _output: &Output) -> Result<Exit, Failure> {
        let options = self.options();
        let what = format!("{} {} {:?}", self.provider, self.scope.as_deref().unwrap_or("own"), options.settings);
        let unwritable = |source| Failure::Write { path: self.output.display().to_string(), source };
        let journal = Journal::open(&self.output, &what).map_err(unwritable)?;
        if journal.resumed() {
            say("going on where the last run was interrupted");
        }
        let line = Line::new();
        let read = live::whole(&self.provider, self.scope.as_deref(), &options, &journal, &line);
        drop(line);
        let read = match read {
            Ok(read) => read,
            Err(error) => {
                journal.leave();
                return Err(error.into());
            }
        };
        let documents = journal.finish(&now()).map_err(unwritable)?;
        say(&format!("{read}: {documents} documents in {}", self.output.display()));
        Ok(Exit::Allowed)
    }
}

impl Arguments {
    fn options(&self) -> Options {
        let mut options = Options { timeout: CALL, limit: self.live.limit(), ..self.live.options() };
        options.settings.extend(self.regions.clone().map(|regions| ("regions", regions)));
        options
    }
}

/// The moment, RFC 3339 in whole seconds.
fn now() -> String {
    chrono::DateTime::<chrono::Utc>::from(SystemTime::now()).format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::{Arguments, CALL};
    use clap::Parser;
    use std::time::Duration;

    #[derive(Parser)]
    struct Typed {
        #[command(flatten)]
        arguments: Arguments,
    }

    #[test]
    fn a_whole_account_takes_as_long_as_it_takes_unless_somebody_says_otherwise() {
        let options = |more: &[&str]| Typed::parse_from([&["collect", "aws", "-o", "x"], more].concat()).arguments.options();
        assert_eq!((options(&[]).limit, options(&[]).timeout), (None, CALL));
        let limited = options(&["--timeout", "5"]);
        assert_eq!((limited.limit, limited.timeout), (Some(Duration::from_secs(5)), CALL), "a call is as patient as ever");
    }
}
