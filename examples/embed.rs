//! Asking from a program: a question, a snapshot, an answer.
//!
//! `cargo run --no-default-features --example embed`

use iam_why::report::Answer;
use iam_why::report::v1;
use iam_why::{Words, ask, load, providers};
use std::error::Error;
use std::io::Write;

fn main() -> Result<(), Box<dyn Error>> {
    let words = Words {
        principal: "arn:aws:iam::444455556666:role/reports-api".into(),
        action: "s3:GetObject".into(),
        resource: Some("arn:aws:s3:::acme-reports/2026/q1.csv".into()),
        context: vec!["aws:RequestedRegion=eu-west-1".into()],
        ..Words::default()
    };
    let question = words.question()?;
    let snapshot = load::load(["examples/snapshots/aws"])?.snapshot;
    let verdict = ask(&question, &snapshot)?;

    let mut out = std::io::stdout();
    writeln!(out, "{:?}, decided by {}", verdict.decision, verdict.decided_by.unwrap_or("nothing"))?;
    for finding in &verdict.findings {
        writeln!(out, "{}: {}", finding.code, finding.says)?;
    }

    // The same answer for another program, in the shape that docs/schema/report-1.json publishes.
    let provider = providers::named(&question.provider).ok_or("the provider that answered is compiled in")?;
    let report: v1::Report = Answer::new(&question, &snapshot, &verdict, provider).report();
    writeln!(out, "{}", report.summary)?;
    Ok(())
}
