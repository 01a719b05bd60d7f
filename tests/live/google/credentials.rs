//! Application Default Credentials as a program finds them, and where they go: to Google Cloud by its own names.
#![cfg(target_os = "linux")]

use super::company::company;
use super::internet::Internet;
use super::server::{Answer, Seen, Server};
use super::{bare, discreet};
use crate::live::program::said;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Output;
use tempfile::TempDir;

const READER: &str = "reader@acme.iam.gserviceaccount.com";
const MACHINE: &str = "300-compute@developer.gserviceaccount.com";
const METADATA: &str = "/computeMetadata/v1/instance/service-accounts/default";

/// Google Cloud, the places that give tokens and the metadata server of a machine.
fn google(seen: &Seen) -> Answer {
    let token = |from: &str| {
        json!({"access_token": format!("MARKED-of-{from}"), "expires_in": 3600, "token_type": "Bearer",
            "issued_token_type": "urn:ietf:params:oauth:token-type:access_token"})
    };
    let machine = seen.headers.get("metadata-flavor").is_some_and(|flavor| flavor == "Google");
    match seen.path.as_str() {
        "/token" => Answer::json(&token("user").to_string()),
        "/v1/token" => Answer::json(&token("sts").to_string()),
        path if path.strip_prefix(METADATA) == Some("/token") && machine => Answer::json(&token("machine").to_string()),
        path if path.strip_prefix(METADATA) == Some("/email") && machine => Answer::new(200, MACHINE),
        path if path.ends_with(":generateAccessToken") => {
            Answer::json(r#"{"accessToken": "MARKED-of-account", "expireTime": "2099-01-01T00:00:00Z"}"#)
        }
        _ => company(seen),
    }
}

/// `me` asks, with these words more and this environment.
fn ask(internet: &Internet, more: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = bare(&[&["me", "storage.objects.get", "gs://reports/2026/q1.csv"], more].concat());
    internet.surround(&mut command);
    command.envs(environment.iter().copied());
    discreet(command)
}

fn written(folder: &TempDir, name: &str, credentials: &Value) -> String {
    let path = folder.path().join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, credentials.to_string()).unwrap();
    path.display().to_string()
}

/// As `gcloud auth application-default login` writes it, with no address of its own.
fn user() -> Value {
    json!({"type": "authorized_user", "client_id": "it", "client_secret": "MARKED-client-secret", "refresh_token": "MARKED-refresh-token"})
}

fn federated(folder: &TempDir) -> Value {
    let subject = folder.path().join("subject");
    std::fs::write(&subject, "MARKED-of-identity-provider").unwrap();
    json!({"type": "external_account", "audience": "//iam.googleapis.com/projects/300/locations/global/workloadIdentityPools/p/providers/q",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "token_url": "https://sts.googleapis.com/v1/token",
        "credential_source": {"file": subject}})
}

fn through(mut credentials: Value) -> Value {
    credentials["service_account_impersonation_url"] =
        format!("https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/{READER}:generateAccessToken").into();
    credentials
}

/// The tokens of the calls that read.
fn bearers(internet: &Internet) -> BTreeSet<String> {
    let calls = internet.seen().into_iter().filter(|seen| seen.path.starts_with("/v3/"));
    calls.map(|seen| seen.token.trim_start_matches("Bearer ").to_owned()).collect()
}

fn assert_is(output: &Output, member: &str) {
    assert!(matches!(output.status.code(), Some(0 | 11 | 12)), "{}", said(output));
    assert!(said(output).contains(&format!("`me` is {member}")), "{member} in {}", said(output));
}

#[test]
fn the_file_that_the_environment_names_is_taken_to_google_cloud() {
    let folder = tempfile::tempdir().unwrap();
    let impersonated = through(json!({"type": "impersonated_service_account", "source_credentials": user()}));
    let account = format!("serviceAccount:{READER}");
    for (credentials, more, member, token, places) in [
        (user(), &[] as &[&str], "user:ana@example.com", "MARKED-of-user", &["oauth2"] as &[&str]),
        (user(), &["--impersonate", READER], &account, "MARKED-of-account", &["oauth2", "iamcredentials"]),
        (through(federated(&folder)), &[], &account, "MARKED-of-account", &["sts", "iamcredentials"]),
        (impersonated, &[], &account, "MARKED-of-account", &["oauth2", "iamcredentials"]),
    ] {
        let internet = Internet::new(google);
        let path = written(&folder, "credentials.json", &credentials);
        let output = ask(&internet, more, &[("GOOGLE_APPLICATION_CREDENTIALS", &path), ("GOOGLE_CLOUD_QUOTA_PROJECT", "bills")]);
        assert_is(&output, member);
        assert_eq!(bearers(&internet), [token.to_owned()].into());
        let hosts = internet.hosts();
        for place in places.iter().chain(&["cloudresourcemanager", "storage", "iam"]) {
            assert!(hosts.contains(&format!("{place}.googleapis.com")), "{place} in {hosts:?}");
        }
        let reading = internet.seen().into_iter().find(|seen| seen.path.starts_with("/v3/")).unwrap();
        assert_eq!(reading.headers.get("x-goog-user-project").map(String::as_str), Some("bills"));
    }
}

#[test]
fn the_file_that_gcloud_leaves_is_found() {
    let home = tempfile::tempdir().unwrap();
    let internet = Internet::new(google);
    written(&home, ".config/gcloud/application_default_credentials.json", &user());
    written(&home, "moved/application_default_credentials.json", &through(federated(&home)));
    let folder = home.path().to_str().unwrap();
    assert_is(&ask(&internet, &[], &[("HOME", folder)]), "user:ana@example.com");
    let moved = ask(&internet, &[], &[("HOME", folder), ("CLOUDSDK_CONFIG", &format!("{folder}/moved"))]);
    assert_is(&moved, &format!("serviceAccount:{READER}"));
}

#[test]
fn the_metadata_server_of_a_machine_gives_tokens_and_says_whose_they_are() {
    for (more, member, token) in [(&[] as &[&str], MACHINE, "MARKED-of-machine"), (&["--impersonate", READER], READER, "MARKED-of-account")]
    {
        let internet = Internet::new(google);
        let output = ask(&internet, more, &[("GCE_METADATA_HOST", internet.plain())]);
        assert_is(&output, &format!("serviceAccount:{member}"));
        assert_eq!(bearers(&internet), [token.to_owned()].into());
        let asked = internet.seen().into_iter().find(|seen| seen.path.ends_with("/default/token")).unwrap();
        assert!(asked.target.contains("scopes=https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fcloud-platform"), "{}", asked.target);
    }
}

#[test]
fn a_machine_whose_token_has_too_narrow_a_scope_leaves_the_answer_open() {
    let body = r#"{"error": {"code": 403, "message": "Request had insufficient authentication scopes.", "status": "PERMISSION_DENIED", "details": [
        {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT", "domain": "googleapis.com"}]}}"#;
    let internet = Internet::new(|seen| if seen.path.starts_with(METADATA) { google(seen) } else { Answer::new(403, body) });
    let output = ask(&internet, &[], &[("GCE_METADATA_HOST", internet.plain())]);
    // An answer that rests on nothing that was read.
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(said(&output).contains("UNDETERMINED"), "{}", said(&output));
    let text = said(&output).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("a token with the scope https://www.googleapis.com/auth/cloud-platform"), "{text}");
}

/// Nothing was read: why, and how that is told.
fn assert_unread(output: &Output, parts: &[&str]) {
    assert_eq!(output.status.code(), Some(3), "{}", said(output));
    assert!(output.stdout.is_empty(), "{}", said(output));
    let text = said(output);
    assert!(parts.iter().all(|part| text.contains(part)), "{parts:?} in {text}");
}

#[test]
fn a_machine_without_a_service_account_and_no_machine_at_all_are_no_credentials() {
    let here = ["no credentials for Google Cloud", "no metadata server gave a token", "gcloud auth application-default login"];
    let unread = |rule: fn(&Seen) -> Answer, more: &[&str], told: &str| {
        let internet = Internet::new(rule);
        let output = ask(&internet, more, &[("GCE_METADATA_HOST", internet.plain())]);
        assert_unread(&output, &[here.as_slice(), &[told]].concat());
        assert_eq!(internet.hosts(), [""; 0], "nothing is asked without a token");
    };
    unread(|_| Answer::Silence, &["--timeout", "1"], "no token came within 1 s");
    unread(|_| Answer::new(404, "no such account"), &[], "404: no such account");
    unread(|_| Answer::new(200, "<html>MARKED</html>"), &[], "of another shape");
    let internet = Internet::new(google);
    let closed = ask(&internet, &[], &[("GCE_METADATA_HOST", "127.0.0.1:1")]);
    assert_unread(&closed, &here);
}

#[test]
fn a_machine_that_may_not_impersonate_is_told_what_it_takes() {
    let refusing = |seen: &Seen| {
        let body = r#"{"error": {"code": 403, "message": "Permission 'iam.serviceAccounts.getAccessToken' denied", "status": "PERMISSION_DENIED"}}"#;
        if seen.path.ends_with(":generateAccessToken") { Answer::new(403, body) } else { google(seen) }
    };
    let internet = Internet::new(refusing);
    let output = ask(&internet, &["--impersonate", READER], &[("GCE_METADATA_HOST", internet.plain())]);
    let account = format!("the metadata server, impersonating {READER}");
    assert_unread(
        &output,
        &["does not accept the credentials", &account, "403: PERMISSION_DENIED", "roles/iam.serviceAccountTokenCreator"],
    );
}

fn revoked(_: &Seen) -> Answer {
    Answer::new(400, r#"{"error": "invalid_grant", "error_description": "Token has been expired or revoked."}"#)
}

#[test]
fn a_file_of_the_environment_that_is_missing_bad_or_not_heard_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let told_in = |more: &[&str], path: &str, rule: fn(&Seen) -> Answer, parts: &[&str]| {
        let internet = Internet::new(rule);
        let output = ask(&internet, more, &[("GOOGLE_APPLICATION_CREDENTIALS", path)]);
        assert_unread(&output, &[&[path], parts].concat());
    };
    let told = |path: &str, rule: fn(&Seen) -> Answer, parts: &[&str]| told_in(&[], path, rule, parts);
    told("/nowhere/at/all.json", google, &["no credentials for Google Cloud", "No such file"]);
    let broken = written(&folder, "broken.json", &json!("MARKED"));
    told(&broken, google, &["does not accept the credentials", "does not say in `type`"]);
    let login = written(&folder, "login.json", &user());
    told(&login, revoked, &["a user's login", "invalid_grant: Token has been expired or revoked.", "application-default login"]);
    told_in(&["--timeout", "1"], &login, |_| Answer::Silence, &["nothing could be read", "does not answer", "no token came within 1 s"]);
    let pool = written(&folder, "pool.json", &federated(&folder));
    told(&pool, revoked, &["identity federation", "failed to exchange token: 400: invalid_grant", "attribute condition"]);
    let other = written(&folder, "other.json", &json!({"type": "external_account_authorized_user", "refresh_token": "MARKED"}));
    told(&other, google, &["`external_account_authorized_user`, expected one of authorized_user"]);
    // The network is gone, and that is not the fault of the credentials.
    let internet = Internet::new(google);
    let output = ask(&internet, &[], &[("GOOGLE_APPLICATION_CREDENTIALS", &login), ("HTTPS_PROXY", "http://127.0.0.1:1")]);
    assert_unread(&output, &["nothing could be read", &login, "does not answer"]);
}

/// A program that prints `answer` and ends so.
#[cfg(unix)]
fn printing(folder: &TempDir, answer: &str, end: &str) -> String {
    use std::os::unix::fs::PermissionsExt;
    let program = folder.path().join("identity");
    std::fs::write(&program, format!("#!/bin/sh\necho '{answer}'\n{end}\n")).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    program.display().to_string()
}

#[cfg(unix)]
#[test]
fn a_program_that_knows_the_identity_is_started_where_that_is_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let answer = r#"{"version": 1, "success": true, "token_type": "urn:ietf:params:oauth:token-type:jwt", "id_token": "MARKED-of-identity-provider"}"#;
    let with = |answer: &str, end: &str| {
        let mut credentials = through(federated(&folder));
        credentials["credential_source"] = json!({"executable": {"command": printing(&folder, answer, end), "timeout_millis": 5000}});
        written(&folder, "credentials.json", &credentials)
    };
    let allowed = ("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES", "1");
    let internet = Internet::new(google);
    let path = with(answer, "");
    let forbidden = ask(&internet, &[], &[("GOOGLE_APPLICATION_CREDENTIALS", &path)]);
    assert_unread(&forbidden, &[&path, "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES"]);
    assert_is(&ask(&internet, &[], &[("GOOGLE_APPLICATION_CREDENTIALS", &path), allowed]), &format!("serviceAccount:{READER}"));
    let exchange = internet.seen().into_iter().find(|seen| seen.path == "/v1/token").unwrap();
    assert!(exchange.body.contains("subject_token=MARKED-of-identity-provider"), "{}", exchange.body);
    let path = with("", "echo the vault is locked >&2; exit 1");
    let failed = ask(&internet, &[], &[("GOOGLE_APPLICATION_CREDENTIALS", &path), allowed]);
    assert_unread(&failed, &[&path, "the vault is locked"]);
}

#[test]
fn credentials_that_nobody_named_go_to_no_stand_in() {
    let folder = tempfile::tempdir().unwrap();
    let (internet, stand_in) = (Internet::new(google), Server::new(google));
    let path = written(&folder, "credentials.json", &user());
    let output = ask(&internet, &["--endpoint-url", stand_in.url()], &[("GOOGLE_APPLICATION_CREDENTIALS", &path)]);
    assert_is(&output, "user:ana@example.com");
    assert!(stand_in.seen().iter().all(|seen| seen.token.is_empty()));
    assert_eq!(internet.hosts(), [""; 0]);
    assert!(Path::new(&path).exists());
}
