//! Runs every file of cases under `tests/scenarios`: one that does not pass, for whatever reason, fails the test.

use iam_why::cases::{self, Result};
use std::path::{Path, PathBuf};

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect();
    files.sort();
    files
}

#[test]
fn every_scenario_comes_out_as_documented() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let files = files(&folder);
    assert!(files.iter().any(|file| file.starts_with(folder.join("aws"))), "no scenarios for AWS");
    let outcomes = files.iter().flat_map(|file| cases::run(file).unwrap());
    let wrong = outcomes.filter(|outcome| outcome.result != Result::Pass).map(|outcome| {
        let file = Path::new(&outcome.file).strip_prefix(&folder).unwrap().display().to_string();
        format!("{file}, {}: {}", outcome.id, outcome.says)
    });
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "{} scenarios are wrong:\n{}", wrong.len(), wrong.join("\n"));
}
