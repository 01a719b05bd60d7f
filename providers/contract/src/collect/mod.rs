//! Reading a cloud: the only part of a provider that does I/O.
//!
//! What cannot be read is no error but a [`Search`] in the snapshot: the answer goes on and says what is missing. An error is only
//! what leaves nothing to answer from.

mod cache;
mod gathered;
mod ledger;
mod opinion;
mod secrets;

pub use cache::Cache;
pub use gathered::Gathered;
pub use ledger::Ledger;
pub use opinion::{SecondOpinion, agreement};
pub use secrets::Secrets;

use crate::question::Question;
use crate::refusal::Refusal;
use crate::snapshot::{Document, Outcome, Search, Snapshot};
use crate::verdict::{Decision, Verdict};
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// What reading gives, once it is awaited. No particular runtime is assumed here; the providers' readers need a running `tokio`.
pub type Reading<'a, T> = Pin<Box<dyn Future<Output = Result<T, CollectError>> + Send + 'a>>;

/// What reads a cloud, with the user's own credentials and never anything but reading calls.
pub trait Collect: Send + Sync {
    /// The id of the provider: `aws`, `azure`, `gcp`.
    fn id(&self) -> &'static str;

    /// Reads what `question` needs.
    fn question<'a>(&'a self, question: &'a Question, options: &'a Options, progress: &'a dyn Progress) -> Reading<'a, Collected>;

    /// Reads everything there is in `scope` (an account, a subscription, a project or what it lies in; `None` for the one the credentials belong to) and
    /// hands it to `sink` as it comes. Returns the scope that was read, in the cloud's own spelling.
    fn whole<'a>(
        &'a self,
        scope: Option<&'a str>,
        options: &'a Options,
        sink: &'a dyn Sink,
        progress: &'a dyn Progress,
    ) -> Reading<'a, String>;

    /// Tries each layer that the credentials would have to read.
    fn doctor<'a>(&'a self, options: &'a Options, progress: &'a dyn Progress) -> Reading<'a, Doctor>;

    /// Asks the cloud's own simulator; `None` where it has none for this question.
    fn verify<'a>(&'a self, question: &'a Question, verdict: &'a Verdict, options: &'a Options) -> Reading<'a, Option<SecondOpinion>> {
        let _ = (question, verdict, options);
        Box::pin(async { Ok(None) })
    }

    /// Whose the credentials are; `None` where the cloud does not say.
    fn holder<'a>(&'a self, options: &'a Options) -> Reading<'a, Option<Holder>> {
        let _ = options;
        Box::pin(async { Ok(None) })
    }

    /// Asks the cloud what it knows about a refusal that carries a reference: an encoded message, an authorization id.
    /// `None` where it carries none.
    fn testimony<'a>(&'a self, refusal: &'a Refusal, options: &'a Options) -> Reading<'a, Option<Testimony>> {
        let _ = (refusal, options);
        Box::pin(async { Ok(None) })
    }
}

/// How to read.
#[derive(Debug, Clone)]
pub struct Options {
    /// How long reading for one question, or a doctor's examination, may take in all; of a whole account, how long one call may take.
    /// What was not read by then is noted as such.
    pub timeout: Duration,
    /// How long reading a whole account may take in all; `None` for as long as it takes.
    pub limit: Option<Duration>,
    /// How many calls may be under way at once.
    pub concurrency: usize,
    /// What only some clouds know, by the name of the command line option without its dashes: `profile`, `region`, `regions`,
    /// `endpoint-url`, `reader-role`, `tenant`, `subscription`, `project`, `credentials-file`, `impersonate`.
    pub settings: BTreeMap<&'static str, String>,
    /// What is kept between runs; `None` for nothing.
    pub cache: Option<Arc<dyn Cache>>,
}

impl Default for Options {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(20), limit: None, concurrency: 16, settings: BTreeMap::new(), cache: None }
    }
}

impl Options {
    /// The setting of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.settings.get(name).map(String::as_str)
    }

    /// The same options with `name` set to `value`.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.settings.insert(name, value.into());
        self
    }
}

/// What was read for one question.
#[derive(Debug, Clone)]
pub struct Collected {
    /// The question as the cloud spells it: `me` and bare names resolved, facts learnt from the credentials in its context.
    pub question: Question,
    /// What was read, and what became of each attempt.
    pub snapshot: Snapshot,
    /// What the user should know about how the question was understood: `me` is `arn:…`.
    pub notes: Vec<String>,
}

/// Who is told how far reading has come.
pub trait Progress: Send + Sync {
    /// A call was sent for `what`: `the role app`.
    fn began(&self, what: &str);
    /// The call for `what` was answered.
    fn ended(&self, what: &str);
    /// What the user should know of how a whole account was read, in one sentence.
    fn told(&self, note: &str) {
        let _ = note;
    }
}

/// Nobody is told.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quiet;

impl Progress for Quiet {
    fn began(&self, _: &str) {}
    fn ended(&self, _: &str) {}
}

/// Where a whole account goes as it is read, and what was already read before an interruption.
///
/// A step is one list of the cloud, by a name of the reader's own. What a step handed in counts only up to the last
/// [`reached`](Sink::reached) of that step.
pub trait Sink: Send + Sync {
    /// Takes a document.
    ///
    /// # Errors
    /// Where it cannot be written.
    fn document(&self, document: Document) -> std::io::Result<()>;

    /// Takes what became of an attempt to read.
    ///
    /// # Errors
    /// Where it cannot be written.
    fn search(&self, search: Search) -> std::io::Result<()>;

    /// `step` has come to `point`.
    ///
    /// # Errors
    /// Where it cannot be written.
    fn reached(&self, step: &str, point: Point) -> std::io::Result<()>;

    /// How far `step` had come before reading was interrupted.
    fn resume(&self, step: &str) -> Option<Point>;
}

/// How far a step of reading has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Point {
    /// The next page is this one, in the cloud's own words.
    Page(String),
    /// There is nothing more.
    End,
}

/// What these credentials can read.
#[derive(Debug, Clone)]
pub struct Doctor {
    /// Who they are, in the cloud's own spelling.
    pub who: String,
    /// Each thing that was tried, in the order of the cloud's layers.
    pub checks: Vec<Check>,
    /// What the smallest policy or role that reads everything is called.
    pub least_title: String,
    /// Its text, in the cloud's own language.
    pub least: String,
}

/// One thing that was tried.
#[derive(Debug, Clone)]
pub struct Check {
    /// The layers that need it, as people call them: `service control policies`.
    pub layer: String,
    /// The kind of document, or the call.
    pub about: String,
    /// What became of it.
    pub outcome: Outcome,
}

/// Whose credentials they are.
#[derive(Debug, Clone)]
pub struct Holder {
    /// In the cloud's own spelling.
    pub who: String,
    /// Other names of the same principal.
    pub also: Vec<String>,
    /// Is this holder the principal that is named so? `None` where the name does not settle it.
    pub same: fn(&Self, &str) -> Option<bool>,
}

impl Holder {
    /// Is the holder the principal that is named so? `None` where the name does not settle it.
    #[must_use]
    pub fn is(&self, name: &str) -> Option<bool> {
        (self.same)(self, name)
    }
}

/// What the cloud itself says about a refusal that happened.
#[derive(Debug, Clone)]
pub struct Testimony {
    /// Whose it is: `sts:DecodeAuthorizationMessage`.
    pub by: String,
    /// The request as the cloud saw it, with the facts it was judged by.
    pub question: Question,
    /// What it decided.
    pub decision: Option<Decision>,
    /// One plain sentence a finding: which statement of which policy refused.
    pub says: Vec<String>,
    /// The policies it shows, as documents.
    pub snapshot: Snapshot,
}

/// Why there is nothing to answer from.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CollectError {
    /// There are no credentials.
    #[error("no credentials for {cloud} were found: {hint}")]
    NoCredentials {
        /// The cloud.
        cloud: &'static str,
        /// Where they were looked for, and how to get some.
        hint: String,
    },
    /// There are credentials, and the cloud does not accept them. This is no missing permission.
    #[error("{cloud} does not accept the credentials: {said} ({hint})")]
    BadCredentials {
        /// The cloud.
        cloud: &'static str,
        /// What it said.
        said: String,
        /// What to do.
        hint: String,
    },
    /// No call came through at all.
    #[error("nothing could be read from {cloud}: {said}")]
    NothingRead {
        /// The cloud.
        cloud: &'static str,
        /// What the first call said.
        said: String,
    },
    /// Time ran out before everything was read.
    #[error("not everything was read within {seconds} s (--timeout): the same command goes on where this one stopped")]
    Unfinished {
        /// How many seconds there were.
        seconds: f64,
    },
    /// The question or an option makes no sense to the cloud.
    #[error("{0}")]
    Question(String),
    /// What was read could not be written.
    #[error("what was read could not be written: {0}")]
    Write(String),
}

/// An error and its causes in one line: the outer one alone seldom says what went wrong.
#[must_use]
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let text = inner.to_string();
        if !said.contains(&text) {
            said = format!("{said}: {text}");
        }
        cause = inner.source();
    }
    said
}
