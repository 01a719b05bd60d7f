//! The ready pieces of the runbooks do what they say, as far as that can be tried here.

use serde_json::Value;
use snapbox::cmd::{Command, cargo_bin};
use std::path::{Path, PathBuf};

const EVENT: &str = r#"{"detail-type":"AWS API Call via CloudTrail","detail":{"eventSource":"s3.amazonaws.com","eventName":"GetObject","errorCode":"AccessDenied",
    "errorMessage":"Access Denied","requestParameters":{"bucketName":"acme-reports","key":"q1.csv"},"userIdentity":{"arn":"arn:aws:iam::444455556666:user/mira"}}}"#;

fn piece(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/runbooks/pieces").join(name)
}

fn sh(script: &str, arguments: &[&str]) -> Command {
    Command::new("sh").args(["-c", script, "sh"]).args(arguments).env("IAM_WHY", cargo_bin!("iam-why"))
}

fn yaml(name: &str) -> Value {
    serde_saphyr::from_str(&std::fs::read_to_string(piece(name)).unwrap()).unwrap()
}

#[test]
fn the_shell_function_runs_commands_and_reads_pipes() {
    let (function, error) = (piece("why.sh"), piece("error.txt"));
    let (function, error) = (function.to_str().unwrap(), error.to_str().unwrap());
    let ran = sh(". \"$1\"; why sh -c 'cat \"$0\" >&2; exit 254' \"$2\"", &[function, error]).assert().code(254);
    assert!(String::from_utf8_lossy(&ran.get_output().stderr).contains("NOT GRANTED"));
    let piped = sh(". \"$1\"; why < \"$2\"", &[function, error]).assert().code(11);
    assert!(String::from_utf8_lossy(&piped.get_output().stdout).contains("s3:GetObject"));
}

#[test]
fn a_failed_deployment_says_why_in_the_job_summary() {
    let folder = tempfile::tempdir().unwrap();
    let summary = folder.path().join("summary.md");
    let (step, error) = (piece("explain-step.sh"), piece("error.txt"));
    let step = |script: &str| {
        let arguments = [step.to_str().unwrap(), script, error.to_str().unwrap()];
        sh("\"$1\" sh -c \"$2\" sh \"$3\"", &arguments).env("GITHUB_STEP_SUMMARY", &summary).env("RUNNER_TEMP", folder.path())
    };
    step("echo ok").assert().code(0).stdout_eq("ok\n");
    assert!(!summary.exists(), "nothing is written where nothing failed");
    step("cat \"$1\"; exit 3").assert().code(3);
    let text = std::fs::read_to_string(&summary).unwrap();
    assert!(text.starts_with("**NOT GRANTED**") && !text.contains("444455556666"), "{text}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");
}

#[test]
fn the_workflow_runs_the_step() {
    let workflow = yaml("github-actions.yml");
    let run = workflow["jobs"]["deploy"]["steps"][1]["run"].as_str().unwrap();
    let script = run.split(' ').next().unwrap();
    assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(script).exists(), "{script}");
}

#[test]
fn the_automation_document_runs_what_it_says() {
    let document = yaml("ssm-automation.yml");
    assert_eq!(document["schemaVersion"], "0.3");
    let command = document["mainSteps"][0]["inputs"]["Parameters"]["commands"][0].as_str().unwrap();
    let text = "RXJyb3I6IFRoZSBzZWN1cml0eSB0b2tlbiBpbmNsdWRlZCBpbiB0aGUgcmVxdWVzdCBpcyBleHBpcmVk";
    let command = command.replace("{{ ErrorBase64 }}", text).replace("iam-why", "\"$IAM_WHY\"");
    let output = sh(&command, &[]).assert().code(0);
    assert!(String::from_utf8_lossy(&output.get_output().stdout).starts_with("**NO PERMISSION PROBLEM**"));
}

#[test]
fn the_pattern_matches_the_events_that_the_chat_explains() {
    let pattern: Value = serde_json::from_str(&std::fs::read_to_string(piece("eventbridge-pattern.json")).unwrap()).unwrap();
    let event: Value = serde_json::from_str(EVENT).unwrap();
    let holds = |value: &Value, wanted: &Value| wanted.as_array().unwrap().contains(value);
    assert!(holds(&event["detail-type"], &pattern["detail-type"]) && holds(&event["detail"]["errorCode"], &pattern["detail"]["errorCode"]));
}

#[test]
fn an_event_becomes_what_a_chat_takes() {
    let chat = piece("event-to-chat.sh");
    let output = sh("\"$1\"", &[chat.to_str().unwrap()]).stdin(EVENT).env_remove("CHAT_WEBHOOK").assert().code(0);
    let body: Value = serde_json::from_slice(&output.get_output().stdout).unwrap();
    let text = body["text"].as_str().unwrap();
    assert!(text.contains("`s3:GetObject (worked out)`") && !text.contains("mira") && !text.contains("acme-reports"), "{text}");
}

#[test]
fn an_incident_note_names_nobody() {
    let (note, error) = (piece("incident-note.sh"), piece("error.txt"));
    let output = sh("\"$1\" \"$2\"", &[note.to_str().unwrap(), error.to_str().unwrap()]).assert().code(0);
    let text = String::from_utf8_lossy(&output.get_output().stdout).into_owned();
    assert!(text.starts_with("**NOT GRANTED**") && text.contains("### What to do next"), "{text}");
    assert!(!text.contains("reports-api") && !text.contains("444455556666"), "{text}");
}
