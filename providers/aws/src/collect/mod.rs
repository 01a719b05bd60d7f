//! Reading AWS with the user's own credentials: the only I/O of this crate, and never anything but reading calls.
//!
//! | file | reads |
//! |---|---|
//! | [`step`] | the table of all calls, and what each one takes |
//! | `connection`, `accounts` | credentials and clients, for one's own account and for others |
//! | `reader`, `outcome` | sends calls, says what became of them |
//! | `principal`, `question` | what one question needs |
//! | `account` | a whole account |
//! | `iam`, `organizations`, `s3`, `access_points`, `kms`, `services`, `endpoints` | one API family each |
//! | `doctor` | what the credentials can read |
//! | `simulator`, `testimony` | what AWS itself says |
//! | `wire`, `xml` | signed requests to services of which one call is needed |

#![expect(clippy::disallowed_methods, reason = "this is where the clock is looked at: credentials expire, and a signature bears the time")]

mod access_points;
mod account;
mod accounts;
mod arn;
mod connection;
mod doctor;
mod endpoints;
mod holder;
mod iam;
mod kms;
mod organizations;
mod outcome;
mod principal;
mod question;
mod reader;
mod s3;
mod services;
mod shapes;
mod simulator;
pub mod step;
mod testimony;
mod wire;
mod xml;

use iam_why_contract::collect::{Collect, Collected, Doctor, Holder, Options, Progress, Reading, SecondOpinion, Sink, Testimony};
use iam_why_contract::refusal::Refusal;
use iam_why_contract::{Question, Verdict};

/// Reads AWS.
#[derive(Debug, Clone, Copy, Default)]
pub struct AwsReader;

impl Collect for AwsReader {
    fn id(&self) -> &'static str {
        "aws"
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

    fn verify<'a>(&'a self, question: &'a Question, verdict: &'a Verdict, options: &'a Options) -> Reading<'a, Option<SecondOpinion>> {
        Box::pin(simulator::ask(question, verdict, options))
    }

    fn holder<'a>(&'a self, options: &'a Options) -> Reading<'a, Option<Holder>> {
        Box::pin(holder::ask(options))
    }

    fn testimony<'a>(&'a self, refusal: &'a Refusal, options: &'a Options) -> Reading<'a, Option<Testimony>> {
        Box::pin(testimony::ask(refusal, options))
    }
}
