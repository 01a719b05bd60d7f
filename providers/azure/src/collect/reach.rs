//! Is Azure there at all? While it is not known to be, no call is sent again for longer than a moment: a machine without a network is told
//! so, and not after all tries of all calls.

use azure_core::error::ErrorKind;
use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::{Context, Request};
use iam_why_contract::collect::chain;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// For so long calls are sent again although none got an answer.
const MOMENT: Duration = Duration::from_secs(2);

/// What became of the calls so far.
#[derive(Debug, Clone, Default)]
enum Calls {
    /// None has come back.
    #[default]
    Pending,
    /// None got an answer, since then, as the first one said.
    Silent(Instant, String),
    /// One got an answer, whatever it says.
    Answered,
}

/// A part of the pipeline that every try of a call goes through.
#[derive(Debug, Default)]
pub(super) struct Reach(Mutex<Calls>);

impl Reach {
    /// Did any call get an answer?
    pub(super) fn is_proven(&self) -> bool {
        matches!(*self.calls(), Calls::Answered)
    }

    /// Did all calls that came back get no answer? Then what the first one said.
    pub(super) fn silence(&self) -> Option<String> {
        match &*self.calls() {
            Calls::Silent(_, said) => Some(said.clone()),
            Calls::Pending | Calls::Answered => None,
        }
    }

    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a call got no answer. Is it useless to send it again?
    fn unanswered(&self, error: &azure_core::Error) -> bool {
        let mut calls = self.calls();
        match &*calls {
            Calls::Answered => false,
            Calls::Silent(since, _) => since.elapsed() > MOMENT,
            Calls::Pending => {
                *calls = Calls::Silent(Instant::now(), chain(error));
                false
            }
        }
    }
}

#[async_trait::async_trait]
impl Policy for Reach {
    async fn send(&self, context: &Context, request: &mut Request, next: &[Arc<dyn Policy>]) -> PolicyResult {
        let Some((next, after)) = next.split_first() else {
            return Err(azure_core::Error::with_message(ErrorKind::Other, "the pipeline has no transport"));
        };
        let answer = next.send(context, request, after).await;
        match &answer {
            Ok(_) => *self.calls() = Calls::Answered,
            // Errors of this kind are not tried again.
            Err(error) if self.unanswered(error) => return answer.map_err(|error| azure_core::Error::new(ErrorKind::Other, error)),
            Err(_) => {}
        }
        answer
    }
}
