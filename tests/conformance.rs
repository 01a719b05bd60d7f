//! Runs the labelled cases that stand beside the checkout (or where `IAM_WHY_CASES` says), where there are any.

use iam_why::cases::{self, Result};
use iam_why::providers;
use std::io::Write;
use std::path::{Path, PathBuf};

fn folder() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/cases");
    let named = std::env::var_os("IAM_WHY_CASES").map(PathBuf::from);
    named.into_iter().chain([beside]).find(|folder| folder.is_dir())
}

/// Says it past the test harness, which hides what a passing test prints.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

#[test]
fn every_labelled_case_gets_its_documented_decision() {
    let Some(folder) = folder() else {
        return say("CONFORMANCE NOT RUN: no case files in ../shared/cases and no IAM_WHY_CASES");
    };
    let mut wrong = Vec::new();
    for name in providers::all().iter().map(|provider| provider.id()).chain(["refusals"]) {
        let file = folder.join(format!("{name}.jsonl"));
        let outcomes = cases::run(&file).unwrap();
        let count = |result| outcomes.iter().filter(|outcome| outcome.result == result).count();
        let (passed, failed, open) = (count(Result::Pass), count(Result::Fail), count(Result::NotModelled));
        say(&format!("CONFORMANCE {name}: {passed} passed, {failed} failed, {open} not modelled"));
        wrong.extend(outcomes.into_iter().filter(|outcome| outcome.result == Result::Fail));
    }
    let lines: Vec<String> = wrong.iter().map(|outcome| format!("{}: {}", outcome.id, outcome.says)).collect();
    assert!(lines.is_empty(), "{} cases are wrong:\n{}", lines.len(), lines.join("\n"));
}
