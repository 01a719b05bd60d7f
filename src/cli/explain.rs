//! `iam-why explain [FILE|-]`

use super::failure::Failure;
use super::output::{Output, say};
use super::source::Source;
use crate::exit::Exit;
use clap::Args;
use iam_why::Snapshot;
use iam_why::explain::{self, Explanation, Found};
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

    /// Reads the cloud for each refusal, and asks it about those that carry a reference.
    #[cfg(feature = "live")]
    fn answer_live(&self, explanations: &mut [Explanation]) -> Result<(), Failure> {
        for explanation in explanations.iter_mut().filter(|_| self.live).take(ASKED) {
            if explanation.refusal.context.contains_key("authorization_id") {
                match self.source.testimony(&explanation.refusal) {
                    Ok(Some(testimony)) => explanation.refusal.next.splice(0..0, testimony.says).for_each(drop),
                    Ok(None) => {}
                    Err(failure) => say(&failure.sentence()),
                }
            }
            if let Some(question) = explanation.question.clone() {
                let (question, snapshot) = self.source.snapshot(question)?;
                explanation.answer(question, snapshot);
            }
        }
        Ok(())
    }

    #[cfg(not(feature = "live"))]
    #[expect(clippy::unnecessary_wraps, clippy::unused_self, reason = "with the feature live it reads a cloud, which may fail")]
    fn answer_live(&self, _explanations: &mut [Explanation]) -> Result<(), Failure> {
        Ok(())
    }
}

fn ask_saved(explanations: &mut [Explanation], snapshot: &Snapshot) {
    for explanation in explanations.iter_mut().take(ASKED) {
        if let Some(question) = explanation.question.clone() {
            explanation.answer(question, snapshot.clone());
        }
    }
}
