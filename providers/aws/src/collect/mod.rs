//! Reading AWS with the user's own credentials: the only I/O of this crate, and never anything but reading calls.
//!
//! | file | reads |
//! |---|---|
//! | [`step`] | the table of all calls, and what each one takes |
//! | `connection`, `accounts` | credentials and clients, for one's own account and for others |
//! | `reader`, `outcome`, `secrets` | sends calls, says what became of them, keeps secrets out |
//! | `principal`, `question` | what one question needs |
//! | `iam`, `organizations`, `s3`, `access_points`, `kms`, `services`, `endpoints` | one API family each |
//! | `wire`, `xml` | signed requests to services of which one call is needed |

mod access_points;
mod accounts;
mod arn;
mod connection;
mod endpoints;
mod gathered;
mod iam;
mod kms;
mod organizations;
mod outcome;
mod principal;
mod question;
mod reader;
mod s3;
mod secrets;
mod services;
mod shapes;
pub mod step;
mod wire;
mod xml;

use iam_why_contract::collect::{Collect, Collected, Doctor, Options, Progress, Reading, Sink};
use iam_why_contract::{CollectError, Question};

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

    fn whole<'a>(&'a self, _scope: Option<&'a str>, _options: &'a Options, _sink: &'a dyn Sink, _progress: &'a dyn Progress) -> Reading<'a, String> {
        Box::pin(async { Err(CollectError::Question("a whole account cannot be read yet".into())) })
    }

    fn doctor<'a>(&'a self, _options: &'a Options, _progress: &'a dyn Progress) -> Reading<'a, Doctor> {
        Box::pin(async { Err(CollectError::Question("doctor is not there yet".into())) })
    }
}
