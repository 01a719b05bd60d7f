//! Reading Azure with the user's own credentials: the only I/O of this crate, and never anything but reading calls.
//!
//! | file | reads |
//! |---|---|
//! | [`step`] | the table of all calls, and what each one takes |
//! | `credentials`, `connection`, `reach` | credentials; clouds and the pipeline; whether there is a network |
//! | `reader`, `outcome` | sends calls, says what became of them |
//! | `principal`, `directory` | who asks, and in which groups: from Microsoft Graph |
//! | `question` | what one question needs |
//! | `assignments`, `hierarchy`, `gates` | one family of layers each |
//! | `subscription`, `management` | a whole subscription, and all below a management group |
//! | `doctor` | what the credentials can read |
//! | `check_access` | what Azure itself says |

#![expect(
    clippy::disallowed_methods,
    reason = "this is where the clock and the environment are looked at: credentials come from there and expire"
)]

mod assignments;
mod check_access;
mod connection;
mod credentials;
mod directory;
mod doctor;
mod gates;
mod hierarchy;
mod holder;
mod management;
mod outcome;
mod principal;
mod question;
mod reach;
mod reader;
pub mod step;
mod subscription;

use azure_core::credentials::TokenCredential;
use iam_why_contract::collect::{Collect, Collected, Doctor, Holder, Options, Progress, Reading, SecondOpinion, Sink};
use iam_why_contract::{Question, Verdict};
use std::sync::Arc;

/// Reads Azure.
#[derive(Debug, Clone, Default)]
pub struct AzureReader(Option<Arc<dyn TokenCredential>>);

impl AzureReader {
    /// Reads with the credentials that the environment, the platform or the developer's tools have.
    #[must_use]
    pub const fn new() -> Self {
        Self(None)
    }

    /// Reads with these credentials.
    #[must_use]
    pub fn with(credential: Arc<dyn TokenCredential>) -> Self {
        Self(Some(credential))
    }
}

impl Collect for AzureReader {
    fn id(&self) -> &'static str {
        "azure"
    }

    fn question<'a>(&'a self, question: &'a Question, options: &'a Options, progress: &'a dyn Progress) -> Reading<'a, Collected> {
        Box::pin(question::read(self.0.clone(), question, options, progress))
    }

    fn whole<'a>(
        &'a self,
        scope: Option<&'a str>,
        options: &'a Options,
        sink: &'a dyn Sink,
        progress: &'a dyn Progress,
    ) -> Reading<'a, String> {
        Box::pin(subscription::read(self.0.clone(), scope, options, sink, progress))
    }

    fn doctor<'a>(&'a self, options: &'a Options, progress: &'a dyn Progress) -> Reading<'a, Doctor> {
        Box::pin(doctor::examine(self.0.clone(), options, progress))
    }

    fn verify<'a>(&'a self, question: &'a Question, verdict: &'a Verdict, options: &'a Options) -> Reading<'a, Option<SecondOpinion>> {
        Box::pin(check_access::ask(self.0.clone(), question, verdict, options))
    }

    fn holder<'a>(&'a self, options: &'a Options) -> Reading<'a, Option<Holder>> {
        Box::pin(holder::ask(self.0.clone(), options))
    }
}
