//! Credentials: every kind gives a token that is sent and never shown; none, bad ones, and a place that gives no tokens are told apart.

use crate::company::company;
use crate::server::{Answer, Seen, Server};
use crate::{ANA, BOB, decide, options, question, read, saved};
use iam_why_contract::collect::{Collect, CollectError, Options, Quiet, Sink};
use iam_why_contract::{Decision, Question};
use iam_why_gcp::collect::GcpReader;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const SECRET: &str = "ya29.MARKED-SECRET-TOKEN-0123456789";

/// A file that goes away with the test.
struct Kept(PathBuf);

impl Kept {
    fn new(text: &str) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let name = format!("iam-why-gcp-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, text).unwrap();
        Self(path)
    }

    fn path(&self) -> String {
        self.0.display().to_string()
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A place that gives tokens, for every kind of credentials.
fn tokens(seen: &Seen) -> Answer {
    match seen.path.as_str() {
        "/token" => Answer::json(&format!(r#"{{"access_token": "{SECRET}", "expires_in": 3600, "token_type": "Bearer"}}"#)),
        "/sts" => Answer::json(&format!(
            r#"{{"access_token": "{SECRET}", "issued_token_type": "urn:ietf:params:oauth:token-type:access_token", "token_type": "Bearer", "expires_in": 3600}}"#
        )),
        path if path.ends_with(":generateAccessToken") => {
            Answer::json(&format!(r#"{{"accessToken": "{SECRET}", "expireTime": "2099-01-01T00:00:00Z"}}"#))
        }
        _ => company(seen),
    }
}

fn user(server: &Server) -> String {
    let url = server.url();
    format!(
        r#"{{"type": "authorized_user", "client_id": "it", "client_secret": "MARKED-client-secret", "refresh_token": "MARKED-refresh-token",
            "token_uri": "{url}/token"}}"#
    )
}

fn federated(server: &Server, subject: &Kept) -> String {
    let url = server.url();
    let path = subject.path();
    format!(
        r#"{{"type": "external_account", "audience": "//iam.googleapis.com/projects/300/locations/global/workloadIdentityPools/p/providers/q",
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "token_url": "{url}/sts", "credential_source": {{"file": "{path}"}}}}"#
    )
}

fn impersonated(server: &Server) -> String {
    let (url, source) = (server.url(), user(server));
    format!(
        r#"{{"type": "impersonated_service_account", "source_credentials": {source},
            "service_account_impersonation_url": "{url}/v1/projects/-/serviceAccounts/app@acme.iam.gserviceaccount.com:generateAccessToken"}}"#
    )
}

fn with_file(server: &Server, file: &Kept) -> Options {
    options(server).with("credentials-file", file.path())
}

#[tokio::test]
async fn each_kind_of_credentials_gives_a_token_that_is_sent() {
    let server = Server::new(tokens);
    let subject = Kept::new("a.subject.token");
    for (kind, text) in [("user", user(&server)), ("federated", federated(&server, &subject)), ("impersonated", impersonated(&server))] {
        let file = Kept::new(&text);
        let collected = GcpReader.question(&question(BOB), &with_file(&server, &file), &Quiet).await.unwrap();
        assert_eq!(decide(&collected).decision, Decision::Deny, "{kind}");
        let bearer = format!("Bearer {SECRET}");
        let calls: Vec<_> = server.seen().into_iter().filter(|seen| seen.path.starts_with("/v3/")).collect();
        assert!(!calls.is_empty() && calls.iter().all(|seen| seen.token == bearer), "{kind}");
    }
}

#[tokio::test]
async fn a_service_account_is_impersonated_where_that_is_asked_for() {
    let server = Server::new(tokens);
    let file = Kept::new(&user(&server));
    let options = with_file(&server, &file).with("impersonate", "reader@acme.iam.gserviceaccount.com");
    GcpReader.question(&question(BOB), &options, &Quiet).await.unwrap();
    let minted = server.seen().into_iter().find(|seen| seen.path.ends_with(":generateAccessToken")).unwrap();
    assert_eq!(minted.path, "/v1/projects/-/serviceAccounts/reader@acme.iam.gserviceaccount.com:generateAccessToken");
    assert!(minted.body.contains("https://www.googleapis.com/auth/cloud-platform"), "{}", minted.body);
}

#[tokio::test]
async fn impersonation_that_is_refused_is_told_as_such() {
    let server = Server::new(|seen| if seen.path.ends_with(":generateAccessToken") { crate::server::refused() } else { tokens(seen) });
    let file = Kept::new(&user(&server));
    let options = with_file(&server, &file).with("impersonate", "reader@acme.iam.gserviceaccount.com");
    let error = GcpReader.question(&question(BOB), &options, &Quiet).await.unwrap_err();
    assert!(matches!(error, CollectError::BadCredentials { .. }), "{error}");
    for nonsense in ["reader", "a@b/../x", "a@b?x"] {
        let options = with_file(&server, &file).with("impersonate", nonsense);
        let error = GcpReader.question(&question(BOB), &options, &Quiet).await.unwrap_err();
        assert!(matches!(error, CollectError::Question(_)), "{error}");
    }
}

#[tokio::test]
async fn credentials_that_are_expired_or_broken_are_bad_ones() {
    let server = Server::new(|seen| {
        if seen.path == "/token" {
            Answer::new(400, r#"{"error": "invalid_grant", "error_description": "MARKED-refresh-token"}"#)
        } else {
            tokens(seen)
        }
    });
    let broken = [
        "{",
        r#"{"type": "unheard_of"}"#,
        r#"{"type": "authorized_user"}"#,
        r#"{"type": "service_account", "client_email": "x", "private_key": "MARKED-private-key", "private_key_id": "MARKED-key-id"}"#,
    ];
    for text in broken.map(str::to_owned).into_iter().chain([user(&server)]) {
        let file = Kept::new(&text);
        let error = GcpReader.question(&question(BOB), &with_file(&server, &file), &Quiet).await.unwrap_err();
        assert!(matches!(error, CollectError::BadCredentials { .. }), "{text}: {error}");
        assert!(!format!("{error} {error:?}").contains("MARKED"), "{error}");
    }
    let missing = options(&server).with("credentials-file", "/nowhere/at/all.json");
    let error = GcpReader.question(&question(BOB), &missing, &Quiet).await.unwrap_err();
    assert!(matches!(error, CollectError::NoCredentials { .. }), "{error}");
}

#[tokio::test]
async fn a_place_that_gives_no_tokens_in_time_says_nothing_of_the_credentials() {
    for answer in [(|| Answer::Silence) as fn() -> Answer, || Answer::new(503, "later")] {
        let server = Server::new(move |seen| if seen.path == "/token" { answer() } else { tokens(seen) });
        let file = Kept::new(&user(&server));
        let hurried = Options { timeout: Duration::from_secs(1), ..with_file(&server, &file) };
        let error = GcpReader.question(&question(BOB), &hurried, &Quiet).await.unwrap_err();
        assert!(matches!(&error, CollectError::NothingRead { said, .. } if said.contains("does not answer")), "{error}");
    }
}

#[tokio::test]
async fn credentials_that_no_call_accepts_are_told_apart_from_a_refusal() {
    let server = Server::new(|_| Answer::new(401, r#"{"error": {"code": 401, "message": "expired", "status": "UNAUTHENTICATED"}}"#));
    let error = GcpReader.question(&question(ANA), &options(&server), &Quiet).await.unwrap_err();
    assert!(matches!(error, CollectError::BadCredentials { .. }), "{error}");
    let server = Server::new(|_| crate::server::refused());
    assert_eq!(decide(&read(&server, ANA).await).decision, Decision::Undetermined);
}

/// A server that repeats what it was sent: as an error, as a policy, as a page.
fn indiscreet(seen: &Seen) -> Answer {
    match seen.path.as_str() {
        "/v1/roles/storage.objectViewer" => Answer::new(400, &format!(r#"{{"error": {{"message": "bad header {}"}}}}"#, seen.token)),
        "/storage/v1/b/reports/iam" => Answer::json(&format!(r#"{{"etag": "{SECRET}"}}"#)),
        "/v1/groups/-/memberships:searchTransitiveGroups" => {
            Answer::new(502, &format!("<html>{}</html>", seen.token)).with("Retry-After: 0")
        }
        "/v3/iam:troubleshoot" => Answer::json(&format!(r#"{{"overallAccessState": "{SECRET}"}}"#)),
        _ => company(seen),
    }
}

#[tokio::test]
async fn a_token_is_sent_and_never_shown() {
    let file = Kept::new(SECRET);
    let server = Server::new(indiscreet);
    let options = options(&server).with("access-token-file", file.path()).with("project", "acme");
    let collected = GcpReader.question(&question("me"), &options, &Quiet).await.unwrap();
    assert!(server.seen().iter().all(|seen| seen.token.contains(SECRET)));
    let verdict = decide(&collected);
    let opinion = GcpReader.verify(&collected.question, &verdict, &options).await.unwrap();
    let doctor = GcpReader.doctor(&options, &Quiet).await.unwrap();
    let kept = Everything::default();
    GcpReader.whole(None, &options, &kept, &Quiet).await.unwrap();
    let shown = format!("{}{collected:?}{verdict:?}{opinion:?}{doctor:?}{}", saved(&collected.snapshot), kept.0.lock().unwrap());
    assert!(!shown.contains("MARKED"), "{shown}");
    assert!(shown.contains("[removed]"));
    let bad = Server::new(|seen| Answer::new(401, &format!(r#"{{"error": {{"message": "no: {}"}}}}"#, seen.token)));
    let options = options.with("endpoint-url", bad.url());
    let error = GcpReader.question(&question(ANA), &options, &Quiet).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("MARKED"), "{error}");
}

/// All that is handed in, as text.
#[derive(Default)]
struct Everything(std::sync::Mutex<String>);

impl Sink for Everything {
    fn document(&self, document: iam_why_contract::Document) -> std::io::Result<()> {
        self.0.lock().unwrap().push_str(&format!("{document:?}"));
        Ok(())
    }

    fn search(&self, search: iam_why_contract::Search) -> std::io::Result<()> {
        self.0.lock().unwrap().push_str(&format!("{search:?}"));
        Ok(())
    }

    fn reached(&self, step: &str, point: iam_why_contract::collect::Point) -> std::io::Result<()> {
        self.0.lock().unwrap().push_str(&format!("{step} {point:?}"));
        Ok(())
    }

    fn resume(&self, _: &str) -> Option<iam_why_contract::collect::Point> {
        None
    }
}

/// What the environment offers, told by a program of its own: the environment of this one is everybody's.
fn of_environment(variables: &[(&str, &str)]) -> String {
    let mut program = Command::new(std::env::current_exe().unwrap());
    program.args(["--exact", "credentials::what_this_environment_offers", "--ignored", "--nocapture"]);
    program.env_remove("GOOGLE_APPLICATION_CREDENTIALS").env("HOME", "/nowhere/at/all").envs(variables.iter().copied());
    let output = program.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().find_map(|line| line.split_once("told: ")).unwrap_or(("", &text)).1.to_owned()
}

/// Prints the kind of the error and what it says.
#[tokio::test]
#[ignore = "run by the test below, in an environment of its own"]
async fn what_this_environment_offers() {
    let hurried = Options { timeout: Duration::from_secs(2), ..Options::default() };
    let nothing = Question { principal: "me".into(), ..question(ANA) };
    let kind = match GcpReader.question(&nothing, &hurried, &Quiet).await.unwrap_err() {
        CollectError::NoCredentials { hint, .. } => format!("none: {hint}"),
        CollectError::BadCredentials { said, .. } => format!("bad: {said}"),
        CollectError::NothingRead { said, .. } => format!("unread: {said}"),
        other => format!("other: {other}"),
    };
    println!("told: {kind}");
}

#[test]
fn default_credentials_that_are_missing_bad_or_silent_are_told_apart() {
    let silent = Server::new(|_| Answer::Silence);
    let refusing = Server::new(|_| Answer::new(404, "no such account"));
    for server in [&silent, &refusing] {
        let host = server.url().trim_start_matches("http://");
        let told = of_environment(&[("GCE_METADATA_HOST", host)]);
        assert!(told.starts_with("none: there is no file of them, and no metadata server gave a token"), "{told}");
        assert!(told.contains("gcloud auth application-default login"), "{told}");
    }
    let told = of_environment(&[("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/at/all.json")]);
    assert!(told.starts_with("none: ") && told.contains("/nowhere/at/all.json"), "{told}");
    let file = Kept::new("{\"type\": 7");
    assert!(of_environment(&[("GOOGLE_APPLICATION_CREDENTIALS", &file.path())]).starts_with("bad: "));
    let expired = Server::new(|_| Answer::new(400, r#"{"error": "invalid_grant"}"#));
    let file = Kept::new(&user(&expired));
    let told = of_environment(&[("GOOGLE_APPLICATION_CREDENTIALS", &file.path())]);
    assert!(told.starts_with("bad: ") && told.contains("invalid_grant"), "{told}");
    let file = Kept::new(&user(&silent));
    let told = of_environment(&[("GOOGLE_APPLICATION_CREDENTIALS", &file.path())]);
    assert!(told.starts_with("unread: what gives tokens for") && told.contains("within 2 s"), "{told}");
}
