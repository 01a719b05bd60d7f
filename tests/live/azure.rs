//! What the program promises to who asks about Azure, with the managed identity of a web app.

use super::fake::{MARKED_TOKEN, Server, Treatment, error, refused};
use super::program::{file, json, run, said};
use super::tenant::{APP_OBJECT, PERSON, SUBSCRIPTION, questions};
use iam_why::Question;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The program, on the server, without anything else of the environment that could be a credential.
pub(crate) fn program(server: &Server, words: &[&str]) -> Output {
    program_at(&server.url(), server, words)
}

/// The program that reads at `url`, with tokens from the server.
pub(crate) fn program_at(url: &str, server: &Server, words: &[&str]) -> Output {
    let mut command = offline(words);
    command.args(["--endpoint-url", url]);
    command.env("IDENTITY_ENDPOINT", format!("{}/token", server.url())).env("IDENTITY_HEADER", "marked-secret-of-the-identity");
    let output = run(command);
    for secret in [MARKED_TOKEN, "marked-secret-of-the-identity"] {
        assert!(!said(&output).contains(secret), "{}", said(&output));
    }
    output
}

fn offline(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_iam-why"));
    let of_azure = |name: &str| ["AZURE_", "IDENTITY_", "MSI_"].iter().any(|start| name.starts_with(start));
    for (name, _) in std::env::vars().filter(|(name, _)| of_azure(name) || name.to_ascii_lowercase().ends_with("_proxy")) {
        command.env_remove(name);
    }
    command.args(words).env("HOME", env!("CARGO_TARGET_TMPDIR")).stdin(Stdio::null());
    command
}

fn words<'q>(question: &'q Question, more: &[&'q str]) -> Vec<&'q str> {
    let named = [question.principal.as_str(), question.action.as_str(), question.resource.as_deref().unwrap_or_default()];
    named.into_iter().chain(more.iter().copied()).collect()
}

fn pass() -> Server {
    Server::new(|_| Treatment::Pass)
}

#[test]
fn a_saved_question_gives_the_same_answer_offline_byte_for_byte() {
    let server = pass();
    let folder = tempfile::tempdir().unwrap();
    let saved = folder.path().join("saved.json");
    let path = saved.to_str().unwrap();
    for question in questions(APP_OBJECT).into_iter().chain(questions(PERSON)) {
        let online = program(&server, &words(&question, &["--save", path, "--format", "json"]));
        let wanted = if question.principal == PERSON { 11 } else { 0 };
        assert_eq!(online.status.code(), Some(wanted), "{}", said(&online));
        let sent = server.seen().len();
        let again = run(offline(&words(&question, &["--snapshot", path, "--format", "json"])));
        assert_eq!(server.seen().len(), sent, "nothing is asked");
        assert_eq!(String::from_utf8_lossy(&online.stdout), String::from_utf8_lossy(&again.stdout));
        assert_eq!(online.status.code(), again.status.code());
        assert!(!file(&saved).contains(MARKED_TOKEN));
    }
}

#[test]
fn a_layer_that_may_not_be_read_is_no_bad_credential() {
    let question = &questions(APP_OBJECT)[0];
    let code = |server: &Server, more: &[&str]| {
        let output = program(server, &words(question, more));
        (output.status.code(), said(&output))
    };
    let locked = Server::new(|seen| if seen.path.ends_with("/denyAssignments") { refused() } else { Treatment::Pass });
    let (exit, text) = code(&locked, &[]);
    assert_eq!(exit, Some(12), "{text}");
    assert!(text.contains("Microsoft.Authorization/denyAssignments/read"), "{text}");

    let everything = Server::new(|seen| if seen.path == "/token" { Treatment::Pass } else { refused() });
    assert_eq!(code(&everything, &[]).0, Some(3));

    let foreign = Server::new(|seen| match seen.path.as_str() {
        "/token" => Treatment::Pass,
        _ => Treatment::Answer(401, error("InvalidAuthenticationTokenTenant", "The access token is from the wrong issuer")),
    });
    let (exit, text) = code(&foreign, &[]);
    assert_eq!(exit, Some(3), "{text}");
    assert!(text.contains("does not accept the credentials") && text.contains("--tenant"), "{text}");

    let none = Server::new(|_| Treatment::Answer(400, "{}".into()));
    let (exit, text) = code(&none, &[]);
    assert_eq!(exit, Some(3), "{text}");
    assert!(text.contains("no credentials for Azure"), "{text}");

    assert_eq!(code(&pass(), &["--cloud", "AzureGermanCloud"]).0, Some(2));
}

#[test]
fn a_cloud_that_hangs_is_given_up_after_the_timeout() {
    let server = Server::new(|seen| if seen.path.ends_with("/roleAssignments") { Treatment::Silence } else { Treatment::Pass });
    let output = program(&server, &words(&questions(PERSON)[0], &["--timeout", "1"]));
    assert_eq!(output.status.code(), Some(12), "{}", said(&output));
    assert!(said(&output).contains("--timeout"), "{}", said(&output));
}

#[test]
fn azure_itself_is_asked_with_verify_only() {
    let server = pass();
    let question = &questions(APP_OBJECT)[0];
    program(&server, &words(question, &[]));
    assert_eq!(server.calls("/checkAccess"), 0);
    let output = program(&server, &words(question, &["--verify"]));
    assert_eq!(server.calls("/checkAccess"), 1);
    let text = said(&output).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("which agrees"), "{text}");
}

#[test]
fn a_subscription_that_was_collected_answers_offline() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("subscription.json");
    let path = target.to_str().unwrap();
    let output = program(&pass(), &["collect", "azure", SUBSCRIPTION, "-o", path]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    for (principal, wanted) in [(APP_OBJECT, 0), ("reports", 0), (PERSON, 11)] {
        for question in questions(principal) {
            let answer = run(offline(&words(&question, &["--snapshot", path])));
            assert_eq!(answer.status.code(), Some(wanted), "{}", said(&answer));
        }
    }
    assert!(!file(&target).contains(MARKED_TOKEN) && !Path::new(&format!("{path}.part")).exists());
}

#[test]
fn the_object_id_in_an_error_needs_no_directory() {
    let server = Server::new(|seen| if seen.path.starts_with("/v1.0/") { refused() } else { Treatment::Pass });
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("error.txt");
    let text = format!(
        "(AuthorizationFailed) The client 'nadia@example.com' with object id '{PERSON}' does not have authorization to perform action \
         'Microsoft.Compute/virtualMachines/read' over scope '{}' or the scope is invalid.",
        super::tenant::machine()
    );
    std::fs::write(&log, text).unwrap();
    let explained = program(&server, &["explain", log.to_str().unwrap(), "--live"]);
    assert_eq!(explained.status.code(), Some(11), "{}", said(&explained));
    // Typed by hand it may as well be the id of an application.
    let typed = program(&server, &words(&questions(PERSON)[0], &[]));
    assert_eq!(typed.status.code(), Some(12), "{}", said(&typed));
}

#[test]
fn the_doctor_says_what_can_be_read() {
    let output = program(&pass(), &["doctor", "azure", "--subscription", SUBSCRIPTION, "--format", "json"]);
    // The token of the test says nothing of whose it is.
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    let claims = "eyJvaWQiOiIyMjIyMjIyMi0yMjIyLTIyMjItMjIyMi0yMjIyMjIyMjIyMjIiLCJpZHR5cCI6ImFwcCJ9";
    let token = serde_json::json!({"access_token": format!("marked.{claims}.signature"), "expires_on": "4102444800", "token_type": "Bearer",
        "resource": "x"});
    let server = Server::new(move |seen| if seen.path == "/token" { Treatment::Answer(200, token.to_string()) } else { Treatment::Pass });
    let output = program(&server, &["doctor", "azure", "--subscription", SUBSCRIPTION, "--format", "json"]);
    let report = json(&output);
    assert_eq!(report["who"], APP_OBJECT);
    let refused: Vec<_> = report["checks"].as_array().unwrap().iter().filter(|check| check["result"] == "refused").collect();
    assert!(refused.is_empty(), "{refused:#?}");
    assert!(!said(&output).contains(claims));
}

/// A stand-in for `az` that writes down how it was called, and what it answers.
#[cfg(unix)]
fn command_line(folder: &Path, answer: &str) -> std::path::PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let program = folder.join("az");
    std::fs::write(&program, format!("#!/bin/sh\necho \"$@\" >> '{}'\n{answer}\n", folder.join("calls").display())).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    folder.join("calls")
}

#[cfg(unix)]
fn logged_in(folder: &Path, server: &Server, more: &[&str]) -> Output {
    let question = &questions(APP_OBJECT)[0];
    let mut command = offline(&words(question, more));
    command.args(["--endpoint-url", &server.url()]).env("PATH", format!("{}:/usr/bin:/bin", folder.display()));
    run(command)
}

#[cfg(unix)]
#[test]
fn the_command_line_is_asked_for_a_token_of_the_tenant_and_of_the_cloud() {
    let folder = tempfile::tempdir().unwrap();
    let token = format!(r#"{{"accessToken": "{MARKED_TOKEN}", "expires_on": 4102444800, "tokenType": "Bearer"}}"#);
    let calls = command_line(folder.path(), &format!("echo '{token}'"));
    let tenant = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa";
    let output = logged_in(folder.path(), &pass(), &["--tenant", tenant, "--cloud", "AzureUSGovernment"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let calls = file(&calls);
    assert!(calls.lines().all(|call| call.contains(&format!("--tenant {tenant}"))), "{calls}");
    assert_eq!(calls.lines().count(), 2, "one process a service, not one a call: {calls}");
    for audience in ["https://management.usgovcloudapi.net/.default", "https://graph.microsoft.us/.default"] {
        assert!(calls.contains(audience), "{calls}");
    }
    assert!(!said(&output).contains(MARKED_TOKEN));
}

#[cfg(unix)]
#[test]
fn a_command_line_that_is_not_logged_in_is_told_from_one_whose_login_has_expired() {
    let tenant = ["--tenant", "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"];
    let told = |answer: &str| {
        let folder = tempfile::tempdir().unwrap();
        command_line(folder.path(), answer);
        let output = logged_in(folder.path(), &pass(), &tenant);
        assert_eq!(output.status.code(), Some(3), "{}", said(&output));
        said(&output)
    };
    let out = told("echo \"ERROR: Please run 'az login' to setup account.\" >&2; exit 1");
    assert!(out.contains("no credentials for Azure"), "{out}");
    let expired = told("echo 'ERROR: AADSTS700082: The refresh token has expired due to inactivity.' >&2; exit 1");
    assert!(expired.contains("does not accept the credentials") && expired.contains("have expired"), "{expired}");
}
