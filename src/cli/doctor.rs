//! `iam-why doctor PROVIDER`

use super::failure::Failure;
use super::live::{Line, Live};
use super::output::{Format, Output};
use crate::exit::Exit;
use clap::Args;
use iam_why::contract::Outcome;
use iam_why::contract::collect::{Check, Doctor, Options};
use iam_why::live;
use serde::Serialize;
use std::fmt::Write;
use std::time::Duration;

/// Says which layers these credentials can read, and the smallest policy that reads all of them
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The cloud
    provider: String,
    #[command(flatten)]
    live: Live,
}

/// `iam-why doctor --format json`.
#[derive(Serialize)]
struct Report<'d> {
    schema: &'static str,
    provider: &'d str,
    who: &'d str,
    checks: Vec<Reported<'d>>,
    least: Least<'d>,
}

#[derive(Serialize)]
struct Reported<'d> {
    layer: &'d str,
    call: &'d str,
    /// `readable`, `refused`, `not_tried`
    result: &'static str,
    needs: Option<&'d str>,
    said: Option<&'d str>,
}

#[derive(Serialize)]
struct Least<'d> {
    title: &'d str,
    text: &'d str,
}

/// Trying everything takes longer than one question.
const PATIENCE: Duration = Duration::from_secs(60);

impl Arguments {
    pub(crate) fn run(self, output: &Output) -> Result<Exit, Failure> {
        let line = Line::new();
        let options = Options { timeout: self.live.limit().unwrap_or(PATIENCE), ..self.live.options() };
        let doctor = live::doctor(&self.provider, &options, &line)?;
        drop(line);
        match output.format() {
            Format::Json => output.json(&report(&self.provider, &doctor))?,
            Format::Text | Format::Markdown => output.text(&text(&doctor))?,
        }
        Ok(Exit::Allowed)
    }
}

fn report<'d>(provider: &'d str, doctor: &'d Doctor) -> Report<'d> {
    let checks = doctor.checks.iter().map(|check| {
        let (result, needs, said) = result(&check.outcome);
        Reported { layer: &check.layer, call: &check.about, result, needs, said }
    });
    let least = Least { title: &doctor.least_title, text: &doctor.least };
    Report { schema: "iam-why/doctor/1", provider, who: &doctor.who, checks: checks.collect(), least }
}

fn result(outcome: &Outcome) -> (&'static str, Option<&str>, Option<&str>) {
    match outcome {
        Outcome::Found | Outcome::Absent => ("readable", None, None),
        Outcome::Refused { needs, said } => ("refused", Some(needs), Some(said)),
        Outcome::NotTried { why } => ("not_tried", None, Some(why)),
    }
}

fn text(doctor: &Doctor) -> String {
    let mut text = format!("You are {}\n", doctor.who);
    let picked = |wanted: &'static str| doctor.checks.iter().filter(move |check| result(&check.outcome).0 == wanted);
    section(&mut text, "Can be read", picked("readable"));
    section(&mut text, "Cannot be read", picked("refused"));
    section(&mut text, "Could not be tried", picked("not_tried"));
    // Writing to a string does not fail.
    let _ = write!(text, "\nThe smallest {} that reads all of it:\n\n{}\n", doctor.least_title, doctor.least);
    text
}

fn section<'d>(text: &mut String, title: &str, checks: impl Iterator<Item = &'d Check>) {
    let mut checks = checks.peekable();
    if checks.peek().is_none() {
        return;
    }
    // Writing to a string does not fail.
    let _ = write!(text, "\n{title}\n");
    for check in checks {
        let why = match &check.outcome {
            Outcome::Refused { needs, said } => format!(": needs {needs} ({said})"),
            Outcome::NotTried { why } => format!(": {why}"),
            Outcome::Found | Outcome::Absent => String::new(),
        };
        let _ = writeln!(text, "  {} ({}){why}", check.layer, check.about);
    }
}
