//! Reading a cloud from the command line: how, and how far it has come.

use super::output::say;
use clap::Args;
use iam_why::contract::collect::{Cache, Options, Progress};
use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How a cloud is read.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Reading the cloud")]
pub(crate) struct Live {
    /// How many seconds it may take in all: 20 for a question and what goes with it, 60 for doctor, without end for collect
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    timeout: Option<f64>,
    /// How many calls may be under way at once
    #[arg(long, value_name = "CALLS", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=256))]
    concurrency: u16,
    /// AWS: the profile whose credentials are used
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// AWS: the region where nothing else names one
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// The address of a server that stands in for the cloud
    #[arg(long, value_name = "URL")]
    endpoint_url: Option<String>,
    /// AWS: the role that is assumed in other accounts that a question touches
    #[arg(long, value_name = "NAME")]
    reader_role: Option<String>,
    /// Google Cloud: the project that `collect` and `doctor` read where no other is named
    #[arg(long, value_name = "PROJECT")]
    project: Option<String>,
    /// Google Cloud: the project that the calls are charged to
    #[arg(long, value_name = "PROJECT")]
    billing_project: Option<String>,
    /// Google Cloud: a file with an access token, in place of Application Default Credentials
    #[arg(long, value_name = "FILE")]
    access_token_file: Option<String>,
    /// Google Cloud: a file with credentials of any kind, in place of Application Default Credentials
    #[arg(long, value_name = "FILE", conflicts_with = "access_token_file")]
    credentials_file: Option<String>,
    /// Google Cloud: the service account that is impersonated to read with
    #[arg(long, value_name = "EMAIL", conflicts_with = "access_token_file")]
    impersonate: Option<String>,
    /// Azure: the tenant whose directory and subscriptions are read
    #[arg(long, value_name = "ID")]
    tenant: Option<String>,
    /// Azure: the subscription where nothing else names one
    #[arg(long, value_name = "ID")]
    subscription: Option<String>,
    /// Azure: AzureCloud, AzureUSGovernment or AzureChinaCloud
    #[arg(long, value_name = "NAME")]
    cloud: Option<String>,
    /// Google Cloud: read every deny policy anew, and keep none for the next run
    #[arg(long)]
    no_cache: bool,
    /// Also ask the cloud's own simulator, and say whether it agrees
    #[arg(long)]
    pub(crate) verify: bool,
}

impl Live {
    /// The options of the readers.
    pub(crate) fn options(&self) -> Options {
        let named = [
            ("profile", &self.profile),
            ("region", &self.region),
            ("endpoint-url", &self.endpoint_url),
            ("reader-role", &self.reader_role),
            ("project", &self.project),
            ("billing-project", &self.billing_project),
            ("access-token-file", &self.access_token_file),
            ("credentials-file", &self.credentials_file),
            ("impersonate", &self.impersonate),
            ("tenant", &self.tenant),
            ("subscription", &self.subscription),
            ("cloud", &self.cloud),
        ];
        let settings = named.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect();
        let timeout = self.limit().unwrap_or(Options::default().timeout);
        Options { timeout, concurrency: self.concurrency.into(), settings, limit: None, cache: self.cache() }
    }

    #[cfg(feature = "live")]
    fn cache(&self) -> Option<Arc<dyn Cache>> {
        let folder = if self.no_cache { None } else { iam_why::cache::Folder::of_user() };
        folder.map(|folder| Arc::new(folder) as Arc<dyn Cache>)
    }

    #[cfg(not(feature = "live"))]
    #[expect(clippy::unused_self, reason = "with the feature live it depends on what was typed")]
    fn cache(&self) -> Option<Arc<dyn Cache>> {
        None
    }

    /// How long it may take in all, where that was said.
    pub(crate) fn limit(&self) -> Option<Duration> {
        self.timeout.map(Duration::from_secs_f64)
    }

    /// The options for what comes after: what is left of the time that began at `begun`.
    pub(crate) fn options_since(&self, begun: Instant) -> Options {
        let options = self.options();
        Options { timeout: options.timeout.saturating_sub(begun.elapsed()).max(LEAST), ..options }
    }
}

/// Whatever went before, a call has time to be answered.
const LEAST: Duration = Duration::from_secs(1);

fn seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| "expected a number of seconds".to_owned())?;
    if (0.1..=86_400.0).contains(&seconds) { Ok(seconds) } else { Err("expected between 0.1 and 86400 seconds".into()) }
}

/// One line on stderr that says how far reading has come; nothing where stderr is no terminal.
pub(crate) struct Line {
    shown: bool,
    state: Mutex<State>,
}

struct State {
    sent: usize,
    answered: usize,
    drawn: Instant,
}

/// How often the line is drawn at most.
const BEAT: Duration = Duration::from_millis(80);

impl Line {
    pub(crate) fn new() -> Self {
        Self { shown: std::io::stderr().is_terminal(), state: Mutex::new(State { sent: 0, answered: 0, drawn: Instant::now() }) }
    }

    fn clear(&self) {
        if self.shown {
            // Where nobody sees it there is nobody to tell.
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }

    fn draw(&self, change: impl FnOnce(&mut State), what: &str) {
        if !self.shown {
            return;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state);
        if state.drawn.elapsed() >= BEAT {
            state.drawn = Instant::now();
            let what: String = what.chars().filter(|character| !character.is_control()).take(60).collect();
            // Where nobody sees it there is nobody to tell.
            let _ = write!(std::io::stderr(), "\r\x1b[Kreading: {} of {} calls answered, {what}", state.answered, state.sent);
        }
    }
}

impl Progress for Line {
    fn began(&self, what: &str) {
        self.draw(|state| state.sent += 1, what);
    }

    fn ended(&self, what: &str) {
        self.draw(|state| state.answered += 1, what);
    }

    fn told(&self, note: &str) {
        self.clear();
        say(note);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.clear();
    }
}
