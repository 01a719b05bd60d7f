//! How answers are printed: format, detail, colour.

use super::failure::Failure;
use anstream::ColorChoice;
use clap::{Args, ValueEnum};
use iam_why::explain::Explanation;
use iam_why::report::{Answer, Detail, Redactor, clean, json, markdown, refusals, text};
use serde::Serialize;
use std::io::{ErrorKind, Write};

/// How the answer is printed.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct Output {
    /// How the answer is written
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT")]
    format: Format,
    /// How much of it
    #[arg(long, global = true, value_enum, default_value_t, value_name = "DETAIL")]
    detail: Level,
    /// Whether it is coloured
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    color: Color,
    /// Put pseudonyms in the place of account numbers, names, addresses and other identifiers
    #[arg(long, global = true)]
    redact: bool,
    /// Exit with 0 whatever the answer; failures keep their codes
    #[arg(long, global = true)]
    pub(crate) exit_zero: bool,
    /// The pseudonyms of this run.
    #[arg(skip)]
    pseudonyms: Redactor,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For a terminal
    #[default]
    Text,
    /// For programs; docs/schema holds the JSON Schema
    Json,
    /// For tickets
    Markdown,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Level {
    /// The verdict, where it stands, what to do
    Brief,
    /// Also what came nearest to allowing
    #[default]
    Nearest,
    /// Also every layer that was asked
    Full,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Color {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The columns of a page that is no terminal.
const PAGE: usize = 100;

impl Output {
    /// Sets the colour for everything that is printed from here on.
    pub(crate) fn colour(&self) {
        let choice = match self.color {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::AlwaysAnsi,
            Color::Never => ColorChoice::Never,
        };
        choice.write_global();
    }

    /// How the answer is written.
    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// Prints an answer.
    pub(crate) fn answer(&self, answer: &Answer<'_>) -> Result<(), Failure> {
        let answer = if self.redact { answer.redacted(&self.pseudonyms) } else { *answer };
        match self.format {
            Format::Text => print(&text::render(&answer, self.layout())),
            Format::Json => print(&json::render(&answer.report())?),
            Format::Markdown => print(&markdown::render(&answer, self.layout().detail)),
        }
    }

    /// Prints what was read of refusals.
    pub(crate) fn refusals(&self, explanations: &[Explanation]) -> Result<(), Failure> {
        let redactor = self.redact.then_some(&self.pseudonyms);
        match self.format {
            Format::Text => print(&refusals::text::render(explanations, redactor, self.layout())),
            Format::Json => print(&json::render(&refusals::Report::of(explanations, redactor))?),
            Format::Markdown => print(&refusals::markdown::render(explanations, redactor, self.layout().detail)),
        }
    }

    /// Says what was read of refusals on stderr, after a command whose output is its own.
    pub(crate) fn aside(&self, explanations: &[Explanation]) -> Result<(), Failure> {
        let redactor = self.redact.then_some(&self.pseudonyms);
        let text = match self.format {
            Format::Text => refusals::text::render(explanations, redactor, self.layout()),
            Format::Json => json::render(&refusals::Report::of(explanations, redactor))?,
            Format::Markdown => refusals::markdown::render(explanations, redactor, self.layout().detail),
        };
        // Where nobody hears it there is nobody to tell.
        let _ = anstream::stderr().write_all(text.as_bytes());
        Ok(())
    }

    /// Prints a report of another kind as JSON.
    pub(crate) fn json(&self, report: &impl Serialize) -> Result<(), Failure> {
        let value = serde_json::to_value(report)?;
        // Without pseudonyms the report is written as it is: a value would put its fields in the order of the alphabet.
        if self.redact { print(&json::render(&self.pseudonyms.value(value))?) } else { print(&json::render(report)?) }
    }

    /// Prints text that is not an answer.
    pub(crate) fn text(&self, text: &str) -> Result<(), Failure> {
        if self.redact { print(&self.pseudonyms.text(text)) } else { print(text) }
    }

    fn layout(&self) -> text::Layout {
        let detail = match self.detail {
            Level::Brief => Detail::Brief,
            Level::Nearest => Detail::Nearest,
            Level::Full => Detail::Full,
        };
        let width = terminal_size::terminal_size().map_or(PAGE, |(width, _)| usize::from(width.0));
        text::Layout { detail, width: width.clamp(40, 140) }
    }
}

/// Prints to stdout. That nobody reads on is no failure.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = anstream::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::Write { path: "stdout".into(), source: error }),
        _ => Ok(()),
    }
}

/// Says a line on stderr. Where nobody hears it there is nobody to tell.
pub(crate) fn say(line: &str) {
    let _ = writeln!(anstream::stderr(), "iam-why: {}", clean::line(line));
}
