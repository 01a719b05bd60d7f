//! Sends the calls: so many at once, each noted before it is sent and when it is answered.

use super::outcome::Failure;
use super::step::Step;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use iam_why_contract::collect::{Ledger, Progress, Secrets, Sink};
use iam_why_contract::{Document, Outcome};
use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// No list of AWS is followed further than this: a server whose pages never end does not keep us for ever.
pub(super) const MOST_PAGES: usize = 2_000;

/// All items of a list, page after page. An answer without the member that holds them is not an empty list: `None` on any page leaves
/// the whole list open.
macro_rules! pages {
    ($call:expr, $page:ident => $member:literal, $items:expr) => {
        async {
            let mut pages = $call.into_paginator().send();
            let mut all = Vec::new();
            for _ in 0..$crate::collect::reader::MOST_PAGES {
                match pages.next().await {
                    Some(Ok($page)) => match $items {
                        Some(items) => all.extend(items),
                        None => return Ok(Err($crate::collect::reader::Torn::Lacks($member))),
                    },
                    Some(Err(error)) => return Err(error),
                    None => return Ok(Ok(all)),
                }
            }
            Ok(Err($crate::collect::reader::Torn::Endless))
        }
    };
}
pub(super) use pages;

/// Why pages that were all answered are no list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Torn {
    /// There is always another page.
    Endless,
    /// A page without this member.
    Lacks(&'static str),
}

/// The items of a page that says whether there are more: one that says so and does not say where is not to be trusted.
pub(super) fn of_page<T>(more: bool, marker: Option<&str>, items: T) -> Option<T> {
    (!more || marker.is_some()).then_some(items)
}

/// A call under way. The futures of the SDK are large, so each stands on the heap: nested on the stack they would overflow it.
pub(super) type Sent<'a, T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'a>>;

/// What every part of the collector reads through.
#[derive(Clone)]
pub(super) struct Reader<'r> {
    pub(super) ledger: Arc<Ledger<'r>>,
    pub(super) secrets: Arc<Secrets>,
    permits: Arc<Semaphore>,
    /// The account that is read with the credentials of another one.
    away: Option<String>,
}

impl<'r> Reader<'r> {
    pub(super) fn new(concurrency: usize, sink: &'r dyn Sink, progress: &'r dyn Progress, secrets: Arc<Secrets>) -> Self {
        let permits = Arc::new(Semaphore::new(concurrency.max(1)));
        Self { ledger: Arc::new(Ledger::new(sink, progress)), secrets, permits, away: None }
    }

    /// The same reader for what belongs to `account`, of which its credentials are not: what they lack is for that account to give.
    pub(super) fn away(&self, account: Option<&str>) -> Self {
        Self { away: account.map(str::to_owned), ..self.clone() }
    }

    /// A reader into another sink, with books of its own, that waits in the same line.
    pub(super) fn over<'s>(&self, sink: &'s dyn Sink) -> Reader<'s>
    where
        'r: 's,
    {
        let ledger = Arc::new(Ledger::new(sink, self.ledger.progress()));
        Reader { ledger, secrets: Arc::clone(&self.secrets), permits: Arc::clone(&self.permits), away: self.away.clone() }
    }

    /// What a search says of a call that failed.
    pub(super) fn failed(&self, step: &Step, failure: &Failure) -> Outcome {
        failure.outcome(step, &self.secrets, self.away.as_deref())
    }

    /// Sends one call of the SDK. What went wrong comes back as what a search would say of it.
    pub(super) fn ask<'a, T, E>(
        &'a self,
        step: &'a Step,
        subject: &str,
        call: impl Future<Output = Result<T, SdkError<E, HttpResponse>>> + Send + 'a,
    ) -> Sent<'a, T, Outcome>
    where
        T: Send + 'a,
        E: ProvideErrorMetadata + Error + Send + 'static,
    {
        let call = Box::pin(call);
        let attempt = self.attempt(step, subject, async move { call.await.map_err(|error| Failure::of(&error)) });
        Box::pin(async move { attempt.await.map_err(|failure| self.failed(step, &failure)) })
    }

    /// Sends the calls of one list, made by [`pages!`].
    pub(super) fn list<'a, T, E>(
        &'a self,
        step: &'a Step,
        subject: &str,
        call: impl Future<Output = Result<Result<Vec<T>, Torn>, SdkError<E, HttpResponse>>> + Send + 'a,
    ) -> Sent<'a, Vec<T>, Outcome>
    where
        T: Send + 'a,
        E: ProvideErrorMetadata + Error + Send + 'static,
    {
        let asked = self.ask(step, subject, call);
        Box::pin(async move {
            asked.await?.map_err(|torn| match torn {
                Torn::Endless => endless(step),
                Torn::Lacks(member) => lacks(step, member),
            })
        })
    }

    /// Sends one call of whichever client, and hands back how it failed.
    pub(super) fn attempt<'a, T: Send + 'a>(
        &'a self,
        step: &'a Step,
        subject: &str,
        call: impl Future<Output = Result<T, Failure>> + Send + 'a,
    ) -> Sent<'a, T, Failure> {
        let call = Box::pin(call);
        let subject = subject.to_owned();
        Box::pin(async move {
            self.ledger.expect(step.kind, &subject, step.call);
            // The semaphore is never closed; were it, calls would go out unbounded rather than not at all.
            let permit = self.permits.acquire().await.ok();
            let what = format!("{} {subject}", step.call);
            self.ledger.progress().began(&what);
            let answer = call.await;
            self.ledger.progress().ended(&what);
            drop(permit);
            self.ledger.answered(step.kind, &subject);
            self.ledger.count(step.call, self.outcome(step, answer.as_ref().err()));
            answer
        })
    }

    fn outcome(&self, step: &Step, failure: Option<&Failure>) -> Outcome {
        match failure {
            Some(failure) if !failure.says_there_is_none() => self.failed(step, failure),
            _ => Outcome::Found,
        }
    }

    /// Sends one call that yields one whole document, and notes what became of it. That there is none AWS says with an error; an
    /// answer out of which `text` can make nothing is not of the documented shape.
    pub(super) fn read<'a, T, E>(
        &'a self,
        step: &'a Step,
        subject: &'a str,
        call: impl Future<Output = Result<T, SdkError<E, HttpResponse>>> + Send + 'a,
        text: impl FnOnce(&T) -> Option<(String, String)> + Send + 'a,
    ) -> Pin<Box<dyn Future<Output = Option<T>> + Send + 'a>>
    where
        T: Send + 'a,
        E: ProvideErrorMetadata + Error + Send + 'static,
    {
        let asked = self.ask(step, subject, call);
        Box::pin(async move {
            match asked.await {
                Ok(answer) => {
                    match text(&answer) {
                        Some((title, text)) => self.found(step, subject, &title, text),
                        None => self.note(step.kind, subject, unlike(step)),
                    }
                    Some(answer)
                }
                Err(outcome) => {
                    self.note(step.kind, subject, outcome);
                    None
                }
            }
        })
    }

    /// Hands in a document and notes that its kind was read of its subject.
    pub(super) fn found(&self, step: &Step, subject: &str, title: &str, text: impl Into<Arc<str>>) {
        self.document(step, subject, title, text);
        self.note(step.kind, subject, Outcome::Found);
    }

    /// Hands in a document that is one of several.
    pub(super) fn document(&self, step: &Step, subject: &str, title: &str, text: impl Into<Arc<str>>) {
        self.ledger.document(Document::new(step.kind, subject, title, text).from_source(step.call, 1));
    }

    /// Notes what became of looking for `kind` of `subject`.
    pub(super) fn note(&self, kind: &'static str, subject: &str, outcome: Outcome) {
        self.ledger.note(kind, subject, outcome);
    }
}

/// An answer without a member that AWS documents as always there.
pub(super) fn lacks(step: &Step, member: &str) -> Outcome {
    Outcome::Refused { needs: format!("a readable answer to {}", step.call), said: format!("the answer has no `{member}`") }
}

/// An answer that is not what AWS documents for this call.
pub(super) fn unlike(step: &Step) -> Outcome {
    Outcome::Refused { needs: format!("a readable answer to {}", step.call), said: "the answer is not of the documented shape".into() }
}

/// A list whose pages never ended.
pub(super) fn endless(step: &Step) -> Outcome {
    Outcome::Refused { needs: format!("an answer to {} that ends", step.call), said: format!("there were more than {MOST_PAGES} pages") }
}
