//! Answers on the example company, as a script reads them.

use boon::{Compiler, Schemas};
use serde_json::Value;
use snapbox::cmd::{Command, cargo_bin};
use std::path::Path;

const SNAPSHOT: &str = "examples/snapshots/aws";
const REPORTS: [&str; 3] = ["arn:aws:iam::444455556666:role/reports-api", "s3:GetObject", "arn:aws:s3:::acme-reports/2026/q1.csv"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn iam_why(arguments: &[&str]) -> Command {
    Command::new(cargo_bin!("iam-why")).current_dir(root()).args(arguments)
}

fn report(arguments: &[&str], exit: i32) -> Value {
    let output = iam_why(arguments).args(["--format", "json", "--snapshot", SNAPSHOT]).assert().code(exit);
    let report = serde_json::from_slice(&output.get_output().stdout).unwrap();
    assert_eq!(complaint("docs/schema/report-1.json", &report), None);
    report
}

/// What the published schema finds wrong with a value.
fn complaint(schema: &str, value: &Value) -> Option<String> {
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(root().join(schema)).unwrap()).unwrap();
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler.add_resource("schema.json", schema).unwrap();
    let index = compiler.compile("schema.json", &mut schemas).unwrap();
    schemas.validate(value, index).err().map(|error| error.to_string())
}

#[test]
fn every_question_of_the_runbooks_has_a_report_that_keeps_to_the_schema() {
    let mut asked = 0;
    let pages = std::fs::read_dir(root().join("examples/runbooks")).unwrap().map(|page| page.unwrap().path());
    for page in pages.filter(|page| page.extension().is_some_and(|extension| extension == "md")) {
        let text = std::fs::read_to_string(page).unwrap();
        let questions = text.lines().filter_map(|line| line.strip_prefix("$ iam-why ")).filter(|command| !command.starts_with("explain"));
        for command in questions {
            let words = command.split(' ').map(|word| word.trim_matches('\'').to_owned()).collect::<Vec<_>>();
            let output = Command::new(cargo_bin!("iam-why")).current_dir(root()).args(words).args(["--format", "json"]).assert();
            let report: Value = serde_json::from_slice(&output.get_output().stdout).unwrap();
            assert_eq!(complaint("docs/schema/report-1.json", &report), None, "{command}");
            asked += 1;
        }
    }
    assert!(asked >= 8, "{asked} questions");
}

#[test]
fn a_missing_grant_shows_the_line_that_came_nearest() {
    let report = report(&[&REPORTS[..], &["--context", "aws:RequestedRegion=eu-west-1"]].concat(), 11);
    assert_eq!((&report["decision"], &report["kind"]), (&"deny".into(), &"missing_grant".into()));
    let nearest = &report["nearest"][0];
    assert_eq!(nearest["failed"][0]["about"], "resource");
    assert_eq!(nearest["failed"][0]["wanted"], "arn:aws:s3:::acme-report/*");
    assert!(nearest["line"].as_u64().unwrap() > 1);
}

#[test]
fn what_nobody_may_do_is_not_known_and_a_slip_in_the_name_is_pointed_out() {
    let slip = ["arn:aws:iam::444455556666:role/report-api", REPORTS[1], REPORTS[2], "--context", "aws:RequestedRegion=eu-west-1"];
    let report = report(&slip, 12);
    let [doubt] = report["doubts"].as_array().unwrap().as_slice() else { panic!("{report}") };
    assert!(doubt["about"].as_str().unwrap().contains("none of that name in the account"), "{doubt}");
    assert!(doubt["needs"].as_str().unwrap().contains("did you mean reports-api?"), "{doubt}");
}

#[test]
fn a_misspelt_action_is_pointed_out_in_every_cloud() {
    let asks: [(&str, &[&str], &str); 3] = [
        ("aws", &[REPORTS[0], "s3:GetObjct", REPORTS[2]], "did you mean s3:GetObject?"),
        ("gcp", &["user:ana@acme.example", "storage.object.get", "gs://acme-reports/2026/q1.csv"], "did you mean storage.objects.get?"),
        (
            "azure",
            &["ana@acme.example", "Microsoft.Compute/virtualMachine/restart/action", "/subscriptions/b7c1e0d4-52a8-4f6e-9d3b-6a1f2c8e7401"],
            "did you mean Microsoft.Compute/virtualMachines/restart/action?",
        ),
    ];
    for (cloud, words, meant) in asks {
        let snapshot = format!("examples/snapshots/{cloud}");
        let output = iam_why(words).args(["--format", "json", "--snapshot", &snapshot]).output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(report["notes"].to_string().contains(meant), "{cloud}: {}", report["notes"]);
    }
}

#[test]
fn a_snapshot_that_was_saved_gives_the_same_answer() {
    let folder = tempfile::tempdir().unwrap();
    let saved = folder.path().join("saved.json");
    let saved = saved.to_str().unwrap();
    let first = iam_why(&REPORTS).args(["--snapshot", SNAPSHOT, "--save", saved, "--format", "json"]).assert();
    let first: Value = serde_json::from_slice(&first.get_output().stdout).unwrap();
    let again = iam_why(&REPORTS).args(["--snapshot", saved, "--format", "json"]).assert();
    let again: Value = serde_json::from_slice(&again.get_output().stdout).unwrap();
    assert_eq!(first, again);
    private(saved);
}

#[cfg(unix)]
fn private(path: &str) {
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[cfg(not(unix))]
fn private(_: &str) {}

#[test]
fn a_snapshot_may_come_by_a_pipe() {
    let mut snapshot = Vec::new();
    iam_why::load::load([root().join(SNAPSHOT)]).unwrap().snapshot.write(&mut snapshot).unwrap();
    iam_why(&REPORTS).args(["--snapshot", "-", "--context", "aws:RequestedRegion=eu-west-1"]).stdin(snapshot).assert().code(11);
}

#[test]
fn exit_zero_is_for_answers_not_for_failures() {
    iam_why(&REPORTS).args(["--context", "aws:RequestedRegion=eu-west-1", "--snapshot", SNAPSHOT, "--exit-zero"]).assert().code(0);
    iam_why(&REPORTS).args(["--snapshot", "no-such-folder", "--exit-zero"]).assert().code(3);
}

#[test]
fn an_empty_snapshot_is_nothing_read() {
    let empty = r#"{"format": "iam-why/snapshot/1", "documents": []}"#;
    iam_why(&REPORTS).args(["--snapshot", "-"]).stdin(empty).assert().code(3);
}

#[test]
fn colour_is_for_terminals_and_for_those_who_ask() {
    let output = |arguments: &[&str], no_color: &str| {
        let command = iam_why(&REPORTS).args(["--snapshot", SNAPSHOT]).args(arguments).env("NO_COLOR", no_color);
        String::from_utf8(command.assert().get_output().stdout.clone()).unwrap()
    };
    assert!(!output(&[], "").contains('\u{1b}'));
    assert!(output(&["--color", "always"], "").contains('\u{1b}'));
    assert!(!output(&["--color", "never"], "").contains('\u{1b}'));
}

#[test]
fn nothing_that_identifies_the_company_is_left_when_redacted() {
    for format in ["text", "json", "markdown"] {
        let output = iam_why(&REPORTS).args(["--snapshot", SNAPSHOT, "--redact", "--detail", "full", "--format", format]).assert();
        let text = String::from_utf8(output.get_output().stdout.clone()).unwrap();
        for secret in ["444455556666", "111111111111", "acme-report", "reports-api", "q1.csv", "o-acme4example"] {
            assert!(!text.contains(secret), "{secret} in {format}:\n{text}");
        }
    }
}

#[test]
fn cases_are_reported_in_the_published_shape() {
    let output = iam_why(&["test", "examples/tests/reports.toml", "--format", "json"]).assert().code(0);
    let report: Value = serde_json::from_slice(&output.get_output().stdout).unwrap();
    assert_eq!(complaint("docs/schema/test-1.json", &report), None);
    assert_eq!((&report["passed"], &report["failed"]), (&3.into(), &0.into()));
}
