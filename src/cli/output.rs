//! How answers are printed: format, detail, colour.

use super::failure::Failure;
use anstream::ColorChoice;
use clap::{Args, ValueEnum};
use iam_why::report::{Answer, Detail, clean, json, text, v1};
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
    /// Exit with 0 whatever the answer; failures keep their codes
    #[arg(long, global = true)]
    pub(crate) exit_zero: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For a terminal
    #[default]
    Text,
    /// For programs; docs/schema holds the JSON Schema
    Json,
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

    /// Is the answer for programs?
    pub(crate) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Prints an answer.
    pub(crate) fn answer(&self, answer: &Answer<'_>) -> Result<(), Failure> {
        match self.format {
            Format::Text => print(&text::render(answer, self.layout())),
            Format::Json => print(&json::render(&v1::Report::of(answer))?),
        }
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
