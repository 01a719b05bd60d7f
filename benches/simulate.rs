//! From a question and a snapshot to the whole verdict, for each cloud: reading the documents, deciding, explaining.

use crate::data::{aws, azure, gcp};
use divan::{Bencher, black_box};
use iam_why::{Decision, Provider, providers};
use serde_json::Value;

#[divan::bench(args = ["small", "large"])]
fn aws(bencher: Bencher<'_, '_>, size: &str) {
    simulate(bencher, "aws", &if size == "small" { aws::small(0) } else { aws::large(0) });
}

/// A caller's role assignments.
#[divan::bench(args = [1, 100])]
fn azure(bencher: Bencher<'_, '_>, assignments: usize) {
    simulate(bencher, "azure", &azure::case(assignments));
}

/// The bindings at each of an organization, three folders and a project.
#[divan::bench(args = [1, 100])]
fn gcp(bencher: Bencher<'_, '_>, bindings: usize) {
    simulate(bencher, "gcp", &gcp::case(3, bindings));
}

fn simulate(bencher: Bencher<'_, '_>, provider: &str, case: &Value) {
    let Some(provider) = providers::named(provider) else { return };
    let Some(Ok(case)) = provider.case(case) else { return };
    let verdict = || provider.simulate(&case.question, &case.snapshot).map(|verdict| verdict.decision);
    assert_eq!(verdict(), Ok(Decision::Allow), "the data is not what it is meant to be");
    bencher.bench(|| black_box(verdict()));
}
