//! Runs every scenario under `tests/scenarios/gcp`: a file a topic, what stands beside its `cases` holds for each of them.
#![expect(clippy::disallowed_methods, reason = "scenarios are files")]

use iam_why_contract::case::ExpectedDecision;
use iam_why_contract::verdict::Evidence;
use iam_why_contract::{Case, Provider, Verdict};
use iam_why_gcp::Gcp;
use serde_json::Value;
use std::path::{Path, PathBuf};

fn files() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/scenarios/gcp");
    let topics = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = topics.flat_map(|topic| std::fs::read_dir(topic).unwrap().map(|entry| entry.unwrap().path())).collect();
    files.sort();
    files
}

fn cases(file: &Path) -> Vec<Value> {
    let mut common: Value = serde_saphyr::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let cases = common.as_object_mut().unwrap().remove("cases").unwrap();
    let whole = |case: &Value| {
        let mut whole = common.clone();
        whole.as_object_mut().unwrap().extend(case.as_object().unwrap().clone());
        whole
    };
    cases.as_array().unwrap().iter().map(whole).collect()
}

/// What is wrong with the verdict; empty where nothing is.
fn wrong(case: &Case, verdict: &Verdict) -> String {
    let got = ExpectedDecision::of(verdict);
    let first = verdict.findings.first();
    let at = first.and_then(|finding| match &finding.evidence {
        Evidence::Place(place) => Some(place.pointer.as_str()),
        Evidence::Silence { .. } => None,
    });
    let mut wrong = Vec::new();
    if got != case.expect.decision {
        wrong.push(format!("decision {got:?}"));
    }
    for (name, expected, got) in [
        ("decided by", &case.expect.decided_by, verdict.decided_by),
        ("code", &case.expect.code, first.map(|finding| finding.code)),
        ("at", &case.expect.at, at),
    ] {
        if expected.is_some() && expected.as_deref() != got {
            wrong.push(format!("{name} {got:?}"));
        }
    }
    if !case.not_modelled.is_empty() {
        wrong.push(format!("not modelled: {:?}", case.not_modelled));
    }
    if got == ExpectedDecision::Unknown && verdict.doubts.is_empty() {
        wrong.push("undetermined without a doubt".into());
    }
    wrong.join(", ")
}

#[test]
fn every_scenario_comes_out_as_the_documentation_says() {
    let mut failed = Vec::new();
    let mut count = 0;
    for file in files() {
        for value in cases(&file) {
            let case = Gcp.case(&value).unwrap().unwrap();
            let verdict = Gcp.simulate(&case.question, &case.snapshot).unwrap();
            let wrong = wrong(&case, &verdict);
            count += 1;
            if !wrong.is_empty() {
                failed.push(format!("{}, {}: {wrong}", file.file_stem().unwrap().display(), case.id));
            }
        }
    }
    assert!(count > 100, "only {count} scenarios were found");
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
