//! Reads the clouds with the user's own credentials, and waits for it: the readers' futures run on a runtime of their own.
//!
//! Nothing but reading calls is ever sent. What may not be read is a [`Search`](iam_why_contract::Search) of the snapshot and no error.

use crate::providers;
use iam_why_contract::collect::{
    Collect, CollectError, Collected, Doctor, Holder, Options, Progress, Reading, SecondOpinion, Sink, Testimony,
};
use iam_why_contract::refusal::Refusal;
use iam_why_contract::{Question, Verdict};

/// Reads what `question` needs.
///
/// # Errors
/// Where there is nothing to answer from: no credentials, credentials that the cloud does not accept, no connection.
pub fn question(question: &Question, options: &Options, progress: &dyn Progress) -> Result<Collected, CollectError> {
    wait(of(&question.provider)?.question(question, options, progress))
}

/// Reads a whole account, subscription or project of the provider `id` into `sink`. Returns what was read, in the cloud's spelling.
///
/// # Errors
/// As for [`question`], where `sink` cannot take it, and where the limit of `options` is over.
pub fn whole(id: &str, scope: Option<&str>, options: &Options, sink: &dyn Sink, progress: &dyn Progress) -> Result<String, CollectError> {
    let reading = of(id)?.whole(scope, options, sink, progress);
    wait(match options.limit {
        Some(limit) => Box::pin(async move {
            let late = |_| Err(CollectError::Unfinished { seconds: limit.as_secs_f64() });
            tokio::time::timeout(limit, reading).await.unwrap_or_else(late)
        }),
        None => reading,
    })
}

/// Tries what the credentials for the provider `id` can read.
///
/// # Errors
/// As for [`question`].
pub fn doctor(id: &str, options: &Options, progress: &dyn Progress) -> Result<Doctor, CollectError> {
    wait(of(id)?.doctor(options, progress))
}

/// Asks the cloud's own simulator; `None` where it has none for this question.
///
/// # Errors
/// As for [`question`].
pub fn verify(question: &Question, verdict: &Verdict, options: &Options) -> Result<Option<SecondOpinion>, CollectError> {
    wait(of(&question.provider)?.verify(question, verdict, options))
}

/// Whose the credentials for the provider `id` are; `None` where the cloud does not say, or is none that can be read.
///
/// # Errors
/// As for [`question`].
pub fn holder(id: &str, options: &Options) -> Result<Option<Holder>, CollectError> {
    providers::reader(id).map_or(Ok(None), |reader| wait(reader.holder(options)))
}

/// Asks the cloud what it knows of a refusal that carries a reference.
///
/// # Errors
/// As for [`question`].
pub fn testimony(refusal: &Refusal, options: &Options) -> Result<Option<Testimony>, CollectError> {
    wait(of(&refusal.provider)?.testimony(refusal, options))
}

fn of(id: &str) -> Result<&'static dyn Collect, CollectError> {
    let unknown = || CollectError::Question(format!("`{id}` cannot be read by this build, expected one of: {}", providers::readable()));
    providers::reader(id).ok_or_else(unknown)
}

fn wait<T>(reading: Reading<'_, T>) -> Result<T, CollectError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| CollectError::Question(format!("the runtime does not start: {error}")))?;
    let read = runtime.block_on(reading);
    // A lookup of a name that hangs does not hold up the answer.
    runtime.shutdown_background();
    read
}
