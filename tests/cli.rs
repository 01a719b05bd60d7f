//! The built program as scripts see it: exit codes, streams, formats.

use snapbox::cmd::{Command, cargo_bin};
use snapbox::str;

fn iam_why() -> Command {
    Command::new(cargo_bin!("iam-why")).env_remove("NO_COLOR")
}

#[test]
fn what_makes_no_question_is_the_usage() {
    iam_why().arg("alice").assert().code(2);
    iam_why().args(["--format", "yaml", "alice", "x"]).assert().code(2);
    iam_why().args(["alice", "no such action", "--snapshot", "-"]).assert().code(2);
}

#[test]
fn help_and_version_are_no_failure() {
    iam_why().arg("--help").assert().code(0).stderr_eq(str![""]);
    iam_why().arg("--version").assert().code(0).stdout_eq("iam-why 0.1.0\n");
}

#[test]
fn completions_are_made_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let output = iam_why().args(["completions", shell]).assert().code(0).get_output().stdout.clone();
        assert!(String::from_utf8(output).unwrap().contains("snapshot"), "{shell} completes options");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_crash() {
    let mut child = std::process::Command::new(cargo_bin!("iam-why"))
        .args(["completions", "bash"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

#[test]
fn a_file_of_cases_that_cannot_be_read_is_not_a_pass() {
    iam_why().args(["test", "no-such-file.json"]).assert().code(3);
}
