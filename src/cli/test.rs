//! `iam-why test FILE…`

use super::failure::Failure;
use super::output::{Format, Output};
use crate::exit::Exit;
use clap::Args;
use iam_why::cases;
use iam_why::report::{markdown, text, v1};
use std::path::PathBuf;

/// Runs policy unit tests: exit 0 only if every case passes
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Files of cases: .json, .jsonl, .toml or .yaml
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

impl Arguments {
    pub(crate) fn run(self, output: &Output) -> Result<Exit, Failure> {
        let mut outcomes = Vec::new();
        for file in &self.files {
            outcomes.extend(cases::run(file)?);
        }
        let report = v1::TestReport::of(&outcomes);
        match output.format() {
            Format::Json => output.json(&report)?,
            Format::Text => output.text(&text::tests(&report))?,
            Format::Markdown => output.text(&markdown::tests(&report))?,
        }
        Ok(if report.passed == outcomes.len() { Exit::Allowed } else { Exit::ExplicitDeny })
    }
}
