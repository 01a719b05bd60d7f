//! Sends the calls: so many at once, each noted before it is sent and when it is answered.

use super::kept;
use super::mentions::Mentions;
use super::outcome::Failure;
use super::step::Step;
use super::wire::{Call, Wire};
use crate::documents::ALLOW_POLICY;
use chrono::{DateTime, Utc};
use iam_why_contract::collect::{Cache, CollectError, Ledger, Progress, Secrets, Sink};
use iam_why_contract::{Document, Outcome};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Semaphore;

/// No list is followed further than this: a server whose pages never end does not keep us for ever.
const MOST_PAGES: usize = 500;

/// After so many calls in a row without an answer a long reading stops.
const MOST_UNHEARD: usize = 8;

/// What every part of the collector reads through.
pub(super) struct Reader<'r> {
    pub(super) wire: Wire,
    pub(super) ledger: Ledger<'r>,
    permits: Semaphore,
    answered: AtomicBool,
    /// The first failure that leaves nothing to answer from, if nothing else comes.
    fatal: Mutex<Option<Failure>>,
    /// Roles, groups and the like that were asked for.
    seen: Mutex<BTreeSet<String>>,
    /// What the policies that were read refer to.
    mentions: Mutex<Mentions>,
    /// How often reading failed.
    failures: AtomicUsize,
    /// Whose allow policies could not be read.
    closed: Mutex<BTreeSet<String>>,
    /// How many policies were read elsewhere than where they are set.
    stand_ins: AtomicUsize,
    /// So many calls in a row got no answer, or none to these credentials.
    unheard: AtomicUsize,
    /// What is kept between runs.
    cache: Option<Arc<dyn Cache>>,
    /// When the deny policies were read that were taken from there.
    taken: Mutex<Vec<DateTime<Utc>>>,
}

impl<'r> Reader<'r> {
    pub(super) fn new(wire: Wire, concurrency: usize, sink: &'r dyn Sink, progress: &'r dyn Progress) -> Self {
        Self {
            wire,
            ledger: Ledger::new(sink, progress),
            permits: Semaphore::new(concurrency.max(1)),
            answered: AtomicBool::new(false),
            fatal: Mutex::default(),
            seen: Mutex::default(),
            mentions: Mutex::default(),
            failures: AtomicUsize::new(0),
            closed: Mutex::default(),
            stand_ins: AtomicUsize::new(0),
            unheard: AtomicUsize::new(0),
            cache: None,
            taken: Mutex::default(),
        }
    }

    /// The same reader, which takes from `cache` what may not be read often and has not changed.
    pub(super) fn keeping(self, cache: Option<Arc<dyn Cache>>) -> Self {
        Self { cache, ..self }
    }

    pub(super) fn cache(&self) -> Option<&dyn Cache> {
        self.cache.as_deref()
    }

    /// A deny policy was taken that an earlier run read then.
    pub(super) fn took(&self, read_at: DateTime<Utc>) {
        held(&self.taken).push(read_at);
    }

    /// What the user should know of how it was read: what was waited for, what was taken from an earlier run.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = self.wire.waits.notes();
        notes.extend(kept::told(&held(&self.taken)));
        notes
    }

    pub(super) fn secrets(&self) -> &Secrets {
        &self.wire.secrets
    }

    /// Sends one call; its answer is a JSON object.
    pub(super) async fn ask(&self, step: &Step, subject: &str, call: &Call) -> Result<(String, Value), Failure> {
        self.ledger.expect(step.kind, subject, step.call);
        // The semaphore is never closed; were it, calls would go out unbounded rather than not at all.
        let permit = self.permits.acquire().await.ok();
        let what = format!("{} {subject}", step.call);
        self.ledger.progress().began(&what);
        let answer = self.wire.send(step, call).await.and_then(|text| read(&self.wire.secrets.without(&text)));
        self.ledger.progress().ended(&what);
        drop(permit);
        self.ledger.answered(step.kind, subject);
        self.count(step, answer.as_ref().err());
        answer
    }

    /// Sends the calls of one list: every element of `items` of every page, as it was written.
    pub(super) async fn list(&self, step: &Step, subject: &str, call: &Call, items: &str) -> Result<Vec<String>, Failure> {
        let mut all = Vec::new();
        let mut page = call.clone();
        let mut seen = BTreeSet::new();
        for _ in 0..MOST_PAGES {
            let (text, value) = self.ask(step, subject, &page).await?;
            all.extend(elements(&text, items)?);
            let next = value.get("nextPageToken").and_then(Value::as_str).filter(|token| !token.is_empty());
            let Some(next) = next else { return Ok(all) };
            if !seen.insert(next.to_owned()) {
                break;
            }
            page = call.clone().with("pageToken", next);
        }
        let failure = Failure::Malformed(format!("the pages of {} do not end", step.call));
        self.count(step, Some(&failure));
        Err(failure)
    }

    /// Sends one call that yields one whole document, and notes what became of it.
    pub(super) async fn read(&self, step: &Step, subject: &str, title: &str, call: &Call, has: &[&str]) -> Option<Value> {
        let answer = self.ask(step, subject, call).await.and_then(|(text, value)| {
            let shaped = has.iter().any(|name| value.get(name).is_some());
            if shaped { Ok((text, value)) } else { Err(Failure::Malformed(format!("the answer has none of {}", has.join(", ")))) }
        });
        match answer {
            Ok((text, value)) => {
                self.document(step, subject, title, text);
                self.note(step.kind, subject, Outcome::Found);
                Some(value)
            }
            Err(failure) => {
                self.failed(step, subject, &failure);
                None
            }
        }
    }

    /// Notes that reading failed.
    pub(super) fn failed(&self, step: &Step, subject: &str, failure: &Failure) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        if step.kind == ALLOW_POLICY && !step.is_another_door() {
            held(&self.closed).insert(subject.to_owned());
        }
        self.note(step.kind, subject, failure.outcome(step, self.secrets()));
    }

    /// Notes that something of what was read is hidden.
    pub(super) fn refused(&self, kind: &'static str, subject: &str, needs: &str, said: String) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        self.note(kind, subject, Outcome::Refused { needs: needs.into(), said });
    }

    /// How often reading failed so far.
    pub(super) fn failures(&self) -> usize {
        self.failures.load(Ordering::Relaxed)
    }

    /// Whose allow policies could not be read so far.
    pub(super) fn closed(&self) -> BTreeSet<String> {
        held(&self.closed).clone()
    }

    /// What could not be read itself was read elsewhere.
    pub(super) fn stood_in(&self, subject: &str) {
        held(&self.closed).remove(subject);
        self.stand_ins.fetch_add(1, Ordering::Relaxed);
    }

    /// How many policies were read elsewhere.
    pub(super) fn stand_ins(&self) -> usize {
        self.stand_ins.load(Ordering::Relaxed)
    }

    /// Hands in a document.
    pub(super) fn document(&self, step: &Step, subject: &str, title: &str, text: String) {
        held(&self.mentions).add(step.kind, &text);
        self.ledger.document(Document::new(step.kind, subject, title, text).from_source(step.call, 1));
    }

    /// Notes what became of looking for `kind` of `subject`.
    pub(super) fn note(&self, kind: &'static str, subject: &str, outcome: Outcome) {
        self.ledger.note(kind, subject, outcome);
    }

    /// What the policies that were read since the last time refer to.
    pub(super) fn mentions(&self) -> Mentions {
        let mut held = held(&self.mentions);
        Mentions { groups: std::mem::take(&mut held.groups), tags: held.tags }
    }

    /// Does a condition that was read ask for tags?
    pub(super) fn asks_for_tags(&self) -> bool {
        held(&self.mentions).tags
    }

    /// It is to be read, and was not asked for before.
    pub(super) fn is_new(&self, name: &str) -> bool {
        held(&self.seen).insert(name.to_owned())
    }

    /// Was it asked for before?
    pub(super) fn was_asked_for(&self, name: &str) -> bool {
        held(&self.seen).contains(name)
    }

    /// Is there nothing to answer from, and why?
    pub(super) fn check(&self) -> Result<(), CollectError> {
        if let Some(error) = self.ledger.write_error() {
            return Err(CollectError::Write(error));
        }
        // Who was answered, be it by a refusal, has credentials that are accepted.
        match held(&self.fatal).as_ref().filter(|_| !self.answered.load(Ordering::Relaxed)) {
            None => Ok(()),
            Some(failure) if failure.is_bad_credentials() => Err(self.wire.bad_credentials(failure)),
            Some(failure) => Err(CollectError::NothingRead { cloud: "Google Cloud", said: failure.said(self.secrets()) }),
        }
    }

    /// May a long reading go on? Where the connection is gone, or the credentials have expired, the rest would be nothing but refusals.
    pub(super) fn go_on(&self) -> Result<(), CollectError> {
        self.heard(MOST_UNHEARD)
    }

    /// Did a long reading end well? One that ended with calls that were not heard is to be gone on with.
    pub(super) fn ended(&self) -> Result<(), CollectError> {
        self.heard(2)
    }

    fn heard(&self, most: usize) -> Result<(), CollectError> {
        self.check()?;
        let heard = self.unheard.load(Ordering::Relaxed) < most;
        match held(&self.fatal).as_ref().filter(|_| !heard) {
            None => Ok(()),
            Some(failure) if failure.is_bad_credentials() => Err(self.wire.bad_credentials(failure)),
            Some(failure) => Err(CollectError::NothingRead { cloud: "Google Cloud", said: failure.said(self.secrets()) }),
        }
    }

    fn count(&self, step: &Step, failure: Option<&Failure>) {
        match failure {
            Some(failure) if failure.is_bad_credentials() || failure.is_unreachable() => drop(self.unheard.fetch_add(1, Ordering::Relaxed)),
            _ => self.unheard.store(0, Ordering::Relaxed),
        }
        match failure {
            Some(failure) if failure.is_bad_credentials() || failure.is_unreachable() => {
                let mut fatal = held(&self.fatal);
                if fatal.as_ref().is_none_or(Failure::is_unreachable) {
                    *fatal = Some(failure.clone());
                }
            }
            _ => self.answered.store(true, Ordering::Relaxed),
        }
        // That there is none was readable.
        let failure = failure.filter(|failure| !failure.is_not_found());
        self.ledger.count(step.call, failure.map_or(Outcome::Found, |failure| failure.outcome(step, self.secrets())));
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read(text: &str) -> Result<(String, Value), Failure> {
    match serde_json::from_str::<Value>(text) {
        Ok(value) if value.is_object() => Ok((text.to_owned(), value)),
        Ok(_) => Err(Failure::Malformed("the answer is no JSON object".into())),
        Err(error) => Err(Failure::Malformed(format!("the answer is no JSON: {error}"))),
    }
}

/// The elements of a member as they were written; where the member is missing there are none (proto3 leaves out empty lists).
fn elements(text: &str, items: &str) -> Result<Vec<String>, Failure> {
    let shape = |error: serde_json::Error| Failure::Malformed(format!("`{items}` is no list: {error}"));
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(text).map_err(shape)?;
    let Some(list) = members.get(items) else { return Ok(Vec::new()) };
    let list: Vec<&RawValue> = serde_json::from_str(list.get()).map_err(shape)?;
    Ok(list.into_iter().map(|raw| raw.get().to_owned()).collect())
}
