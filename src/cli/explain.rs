//! `iam-why explain [FILE|-]`

use super::failure::Failure;
use super::output::{Output, say};
use super::source::Source;
use crate::exit::Exit;
use clap::Args;
use iam_why::Snapshot;
#[cfg(feature = "live")]
use iam_why::contract::collect::Holder;
#[cfg(feature = "live")]
use iam_why::explain::Identity;
use iam_why::explain::{self, Explanation, Found};
#[cfg(feature = "live")]
use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;

/// Reads a refusal from anything that holds it: says who refused, what was asked, why, and what to do next
///
/// The text may be the output of a command line, an exception, a log, an HTTP response, a CloudTrail, audit or activity record, a line
/// of a browser's console. Nothing is sent anywhere. With --snapshot the policies are asked the question that the refusal is.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The text, or - for stdin
    #[arg(default_value = "-", value_name = "FILE")]
    file: PathBuf,
    /// Also read the cloud and ask its policies
    #[cfg(feature = "live")]
    #[arg(long)]
    live: bool,
    #[command(flatten)]
    source: Source,
}

/// How many refusals of one text are put to the policies.
const ASKED: usize = 20;

impl Arguments {
    pub(crate) fn run(self, output: &Output) -> Result<Exit, Failure> {
        let found = self.read()?;
        if found.more {
            say("there are more refusals than are shown");
        }
        let mut explanations: Vec<Explanation> = found.refusals.into_iter().map(Explanation::of).collect();
        self.answer(&mut explanations)?;
        output.refusals(&explanations)?;
        Ok(explanations.first().map_or(Exit::Undetermined, |first| Exit::of_reason(first.reason())))
    }

    fn read(&self) -> Result<Found, Failure> {
        let fail = |source| Failure::Read { path: self.file.display().to_string(), source };
        if self.file.as_os_str() != "-" {
            return File::open(&self.file).and_then(explain::stream).map_err(fail);
        }
        if self.source.takes_stdin() {
            return Err(Failure::Usage("the text and the snapshot cannot both come from stdin; expected a file for one of them".into()));
        }
        explain::stream(std::io::stdin().lock()).map_err(fail)
    }

    fn answer(&self, explanations: &mut [Explanation]) -> Result<(), Failure> {
        if self.source.is_saved() {
            let snapshot = self.source.saved()?;
            ask_saved(explanations, &snapshot);
            return Ok(());
        }
        self.answer_live(explanations)
    }

    /// Reads the cloud for each refusal: whose the credentials are, what the cloud knows of it, then its policies. What cannot be read is
    /// said, and leaves what the text says.
    #[cfg(feature = "live")]
    fn answer_live(&self, explanations: &mut [Explanation]) -> Result<(), Failure> {
        let mut holders = BTreeMap::new();
        for explanation in explanations.iter_mut().filter(|_| self.live).take(ASKED) {
            self.ask_cloud(explanation);
            let provider = explanation.refusal.provider.clone();
            let holder = holders.entry(provider).or_insert_with_key(|provider| told(self.source.holder(provider)).flatten());
            let is_asked = explanation.question.is_some() || explanation.refusal.principal.is_some();
            if iam_why::providers::named(&explanation.refusal.provider).is_some() && is_asked {
                explanation.identify(identity(explanation, holder.as_ref()));
            }
            if let Some((question, snapshot)) = explanation.question.clone().and_then(|question| told(self.source.snapshot(question))) {
                explanation.answer(question, snapshot);
            }
        }
        Ok(())
    }

    /// What the cloud itself says of a refusal that carries a reference comes first, and is the question that is asked of the policies.
    #[cfg(feature = "live")]
    fn ask_cloud(&self, explanation: &mut Explanation) {
        let refusal = &explanation.refusal;
        if !refusal.context.contains_key("authorization_id") && refusal.sealed.open().is_none() {
            return;
        }
        let Some(testimony) = told(self.source.testimony(refusal)).flatten() else { return };
        let known = explanation.question.take();
        explanation.question = explain::settled(testimony.question, known);
        explanation.refusal.next.splice(0..0, testimony.says).for_each(drop);
    }

    #[cfg(not(feature = "live"))]
    #[expect(clippy::unnecessary_wraps, clippy::unused_self, reason = "with the feature live it reads a cloud, which may fail")]
    fn answer_live(&self, _explanations: &mut [Explanation]) -> Result<(), Failure> {
        Ok(())
    }
}

/// What was read; what could not be is said.
#[cfg(feature = "live")]
fn told<T>(read: Result<T, Failure>) -> Option<T> {
    read.map_err(|failure| say(&failure.sentence())).ok()
}

#[cfg(feature = "live")]
fn identity(explanation: &Explanation, holder: Option<&Holder>) -> Identity {
    let asked = explanation.question.as_ref().map(|question| question.principal.clone());
    let refused = explanation.refusal.principal.clone().or(asked);
    let same = holder.zip(refused.as_ref()).and_then(|(holder, refused)| holder.is(refused));
    Identity { refused, held: holder.map(|holder| holder.who.clone()), same }
}

fn ask_saved(explanations: &mut [Explanation], snapshot: &Snapshot) {
    for explanation in explanations.iter_mut().take(ASKED) {
        if let Some(question) = explanation.question.clone() {
            explanation.answer(question, snapshot.clone());
        }
    }
}
