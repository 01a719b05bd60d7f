//! `iam-why PRINCIPAL ACTION [RESOURCE]`

use super::failure::Failure;
use super::output::{Format, Output, say};
use super::source::{Opinion, Source};
use crate::exit::Exit;
use clap::Args;
use iam_why::report::Answer;
use iam_why::{Snapshot, Words, contract::Outcome, providers};
use std::time::Instant;

/// Asks whether a request is allowed, and if not, why
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    request: Request,
    #[command(flatten)]
    source: Source,
}

/// The request.
#[derive(Debug, Args)]
pub(crate) struct Request {
    /// Who asks, in the cloud's own spelling
    principal: String,
    /// For what, in the cloud's own spelling
    action: String,
    /// On what, in the cloud's own spelling
    resource: Option<String>,
    #[command(flatten)]
    facts: Facts,
}

/// What else is known of the request.
#[derive(Debug, Args)]
#[command(next_help_heading = "The request")]
pub(crate) struct Facts {
    /// The cloud, where the spelling of the action does not tell
    #[arg(long, value_name = "PROVIDER")]
    provider: Option<String>,
    /// A fact of the request: KEY=VALUE (again for more values), KEY= known to be empty, KEY! known to be absent
    #[arg(long, value_name = "KEY=VALUE")]
    context: Vec<String>,
    /// Take every fact that is not given to be absent
    #[arg(long)]
    assume_absent: bool,
}

impl Arguments {
    pub(crate) fn run(self, output: &Output) -> Result<Exit, Failure> {
        let begun = Instant::now();
        let question = self.request.words().question()?;
        let (question, snapshot) = self.source.snapshot(question)?;
        let mut verdict = iam_why::ask(&question, &snapshot)?;
        let contradiction = match self.source.second_opinion(&question, &verdict, begun)? {
            Opinion::Contradicts(says) => Some(says),
            Opinion::Note(says) => {
                verdict.notes.push(says);
                None
            }
            Opinion::None => None,
        };
        let Some(provider) = providers::named(&question.provider) else { return Ok(Exit::Failed) };
        // In text it is the first thing that is read; what a program reads may be looked at by nobody.
        contradiction.iter().filter(|_| output.format() != Format::Text).for_each(|says| say(says));
        output.answer(&Answer::new(&question, &snapshot, &verdict, provider).contradicted(contradiction.as_deref()))?;
        Ok(if nothing_read(&snapshot) { Exit::Unread } else { Exit::of(&verdict) })
    }
}

impl Request {
    fn words(self) -> Words {
        Words {
            provider: self.facts.provider,
            principal: self.principal,
            action: self.action,
            resource: self.resource,
            context: self.facts.context,
            assume_absent: self.facts.assume_absent,
        }
    }
}

/// Neither a document nor the certainty that there is none.
pub(crate) fn nothing_read(snapshot: &Snapshot) -> bool {
    let certain = |outcome: &Outcome| matches!(outcome, Outcome::Found | Outcome::Absent);
    snapshot.documents().is_empty() && !snapshot.searches().iter().any(|search| certain(&search.outcome))
}
