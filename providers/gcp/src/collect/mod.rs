//! Reading Google Cloud with the user's own credentials: the only I/O of this crate, and never anything but reading calls.
//!
//! | file | reads |
//! |---|---|
//! | [`step`] | the table of all calls, and what each one takes |
//! | `credentials`, `no_token`, `connection`, `wire` | every kind of credentials; one REST client with paging, retries and bounds |
//! | `reader`, `outcome` | sends calls, says what became of them |
//! | `principal`, `question` | what one question needs |
//! | `account` | a whole project, folder or organization |
//! | `resource_manager`, `iam`, `pools`, `groups`, `storage`, `services`, `gates`, `assets` | one API family each |
//! | `kept` | deny policies that an earlier run read, where they are unchanged |
//! | `offers` | what could be granted, for fixes |
//! | `mentions` | which groups and tags the policies that were read ask for |
//! | `doctor` | what the credentials can read |
//! | `troubleshooter` | what Google Cloud itself says |

#![expect(clippy::disallowed_methods, reason = "this is where the clock is looked at, and the file with a token is read")]

mod account;
mod assets;
mod connection;
mod credentials;
mod doctor;
mod gates;
mod groups;
mod holder;
mod iam;
mod kept;
mod mentions;
mod no_token;
mod offers;
mod outcome;
mod pools;
mod principal;
mod question;
mod reader;
mod resource_manager;
mod services;
pub mod step;
mod storage;
mod troubleshooter;
mod wire;

use iam_why_contract::collect::{Collect, Collected, Doctor, Holder, Options, Progress, Reading, SecondOpinion, Sink};
use iam_why_contract::{Question, Verdict};

/// Reads Google Cloud.
#[derive(Debug, Clone, Copy, Default)]
pub struct GcpReader;

impl Collect for GcpReader {
    fn id(&self) -> &'static str {
        "gcp"
    }

    fn question<'a>(&'a self, question: &'a Question, options: &'a Options, progress: &'a dyn Progress) -> Reading<'a, Collected> {
        Box::pin(question::read(question, options, progress))
    }

    fn whole<'a>(
        &'a self,
        scope: Option<&'a str>,
        options: &'a Options,
        sink: &'a dyn Sink,
        progress: &'a dyn Progress,
    ) -> Reading<'a, String> {
        Box::pin(account::read(scope, options, sink, progress))
    }

    fn doctor<'a>(&'a self, options: &'a Options, progress: &'a dyn Progress) -> Reading<'a, Doctor> {
        Box::pin(doctor::examine(options, progress))
    }

    fn holder<'a>(&'a self, options: &'a Options) -> Reading<'a, Option<Holder>> {
        Box::pin(holder::ask(options))
    }

    fn verify<'a>(&'a self, question: &'a Question, verdict: &'a Verdict, options: &'a Options) -> Reading<'a, Option<SecondOpinion>> {
        Box::pin(troubleshooter::ask(question, verdict, options))
    }
}
