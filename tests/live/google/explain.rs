//! From the error to Google Cloud: whose credentials these are, and the statement that did it.

use super::company::{company, with};
use super::server::{Answer, Seen, Server, refused};
use super::{bare, discreet};
use crate::live::program::{json, said};
use serde_json::Value;
use std::process::Output;

/// What a command prints that was refused an object: the same for a grant that is missing, a deny and a boundary.
fn refusal_of(principal: &str) -> String {
    format!(
        "ERROR: (gcloud.storage.cat) HTTPError 403: {principal} does not have storage.objects.get access to the Google Cloud Storage object. \
         Permission 'storage.objects.get' denied on resource '//storage.googleapis.com/projects/_/buckets/reports/objects/2026/q1.csv' (or it may not exist). \
         This command is authenticated as {principal} which is the active account specified by the [core/account] property."
    )
}

const ANA: &str = "ana@example.com";
const BOB: &str = "bob@example.com";

/// Explains `text` with what answers at `url`, with a token from a file.
fn explain_at(url: &str, text: &str, more: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let (file, token) = (folder.path().join("error.txt"), folder.path().join("token"));
    std::fs::write(&file, text).unwrap();
    std::fs::write(&token, "ya29.MARKED-token-of-the-test").unwrap();
    let words = ["explain", file.to_str().unwrap(), "--live", "--endpoint-url", url, "--access-token-file", token.to_str().unwrap()];
    discreet(bare(&[&words, more].concat()))
}

fn explain(server: &Server, text: &str) -> (Option<i32>, Value) {
    let output = explain_at(server.url(), text, &["--format", "json"]);
    (output.status.code(), json(&output)["refusals"][0].clone())
}

fn next(refusal: &Value) -> Vec<&str> {
    refusal["next"].as_array().unwrap().iter().filter_map(Value::as_str).collect()
}

/// A deny policy on the folder bars ana, whom a grant on the same folder lets in.
fn barred(seen: &Seen) -> Answer {
    let rule = r#"{"name": "policies/cloudresourcemanager.googleapis.com%2Ffolders%2F8/denypolicies/guard", "rules": [
        {"denyRule": {"deniedPrincipals": ["principal://goog/subject/eve@example.com"], "deniedPermissions": ["storage.googleapis.com/objects.get"]}},
        {"denyRule": {"deniedPrincipals": ["principal://goog/subject/ana@example.com"], "deniedPermissions": ["storage.googleapis.com/objects.get"]}}]}"#;
    match seen.path.as_str() {
        "/v2/policies/cloudresourcemanager.googleapis.com%2Ffolders%2F8/denypolicies" => {
            Answer::json(r#"{"policies": [{"name": "policies/cloudresourcemanager.googleapis.com%2Ffolders%2F8/denypolicies/guard"}]}"#)
        }
        "/v2/policies/cloudresourcemanager.googleapis.com%2Ffolders%2F8/denypolicies/guard" => Answer::json(rule),
        _ => company(seen),
    }
}

#[test]
fn a_pasted_refusal_is_led_back_to_the_rule_that_did_it() {
    let server = Server::new(barred);
    let (code, refusal) = explain(&server, &refusal_of(ANA));
    assert_eq!(code, Some(11), "the text calls it a missing permission: {refusal:#}");
    let question = &refusal["question"];
    assert_eq!((&question["principal"], &question["action"]), (&"user:ana@example.com".into(), &"storage.objects.get".into()));
    let verdict = &refusal["verdict"];
    assert_eq!((&verdict["decision"], &verdict["kind"]), (&"deny".into(), &"explicit_deny".into()), "{verdict:#}");
    let evidence = verdict["findings"][0]["evidence"].to_string();
    assert!(evidence.contains("/rules/1"), "the second rule and not the first: {evidence}");
    assert_eq!(refusal["contradiction"], Value::Null, "the text is the same for a deny: {refusal:#}");
    // Nobody is asked for more than what is read for the question and whose the token is.
    assert_eq!(server.seen().iter().filter(|seen| seen.path == "/tokeninfo").count(), 1);
    assert!(server.seen().iter().all(|seen| seen.token == "Bearer ya29.MARKED-token-of-the-test"));
    let shown = said(&explain_at(server.url(), &refusal_of(ANA), &["--color", "never"]));
    assert!(shown.contains("DENIED: the deny policy guard on folders/8 denies storage.googleapis.com/objects.get"), "{shown}");
}

#[test]
fn a_grant_that_is_missing_is_told_with_what_came_nearest() {
    let server = Server::new(company);
    let (code, refusal) = explain(&server, &refusal_of(BOB));
    assert_eq!(code, Some(11), "{refusal:#}");
    assert_eq!((&refusal["verdict"]["decision"], &refusal["verdict"]["kind"]), (&"deny".into(), &"missing_grant".into()));
    assert!(refusal["verdict"]["nearest"].to_string().contains("readers@example.com"), "{:#}", refusal["verdict"]["nearest"]);
    assert_eq!(refusal["contradiction"], Value::Null);
}

#[test]
fn the_refused_identity_is_compared_with_the_one_at_hand() {
    let server = Server::new(company);
    for (principal, same) in [(ANA, Value::Bool(true)), (BOB, Value::Bool(false)), ("app@acme.iam.gserviceaccount.com", Value::Bool(false))]
    {
        let (_, refusal) = explain(&server, &refusal_of(principal));
        let identity = &refusal["identity"];
        assert_eq!((&identity["refused"], &identity["held"]), (&principal.into(), &"user:ana@example.com".into()));
        assert_eq!(identity["same"], same, "{principal}");
        // What was looked up replaces the advice to look it up.
        let steps = next(&refusal);
        assert!(!steps.iter().any(|step| step.contains("gcloud auth list")), "{steps:#?}");
        assert!(
            steps.iter().any(|step| step.starts_with(&format!("refused: `{principal}`; you hold: `user:ana@example.com`"))),
            "{steps:#?}"
        );
    }
    // A token that does not tell whose it is.
    let nameless = Server::new(|seen| if seen.path == "/tokeninfo" { Answer::json(r#"{"scope": "x"}"#) } else { company(seen) });
    let (_, refusal) = explain(&nameless, &refusal_of(BOB));
    assert_eq!((&refusal["identity"]["held"], &refusal["identity"]["same"]), (&Value::Null, &Value::Null));
    let redacted = explain_at(server.url(), &refusal_of(BOB), &["--redact", "--format", "json"]);
    let redacted = String::from_utf8(redacted.stdout).unwrap();
    assert!(!["ana@", "bob@", "example.com", "readers"].iter().any(|name| redacted.contains(name)), "{redacted}");
}

#[test]
fn policies_that_let_through_what_was_refused_are_said_to() {
    let server = Server::new(company);
    let (code, refusal) = explain(&server, &refusal_of(ANA));
    assert_eq!(code, Some(11), "{refusal:#}");
    assert_eq!(refusal["verdict"]["decision"], "allow");
    let contradiction = refusal["contradiction"].as_str().unwrap_or_default();
    assert!(contradiction.starts_with("the message contradicts the policies: it says that nothing allows it"), "{contradiction}");
    // An allow policy of Google Cloud has no time: how old a grant is cannot be told, what Google documents on delays can.
    assert_eq!(refusal["freshness"], Value::Null);
    assert!(next(&refusal).iter().any(|step| step.contains("Google documents about 2 minutes")), "{:#?}", next(&refusal));
}

#[test]
fn what_may_not_be_read_leaves_it_open_and_the_text_stands() {
    let closed = Server::new(|seen| if seen.path.contains("/denypolicies") { refused() } else { company(seen) });
    let (code, refusal) = explain(&closed, &refusal_of(ANA));
    assert_eq!(code, Some(11), "the text says that it is a missing permission: {refusal:#}");
    assert_eq!(refusal["verdict"]["decision"], "undetermined");
    assert!(refusal["verdict"]["doubts"].to_string().contains("iam.denypolicies.list"), "{:#}", refusal["verdict"]["doubts"]);
    assert_eq!(refusal["contradiction"], Value::Null, "what is open contradicts nothing");
    // A record that does not say why, and policies that do not either.
    let record = r#"{"protoPayload": {"status": {"code": 7}, "serviceName": "storage.googleapis.com", "methodName": "storage.objects.get",
        "authenticationInfo": {"principalEmail": "ana@example.com"}, "resourceName": "projects/_/buckets/reports/objects/2026/q1.csv",
        "authorizationInfo": [{"permission": "storage.objects.get", "resource": "projects/_/buckets/reports/objects/2026/q1.csv"}]},
        "timestamp": "2026-11-26T04:05:06Z"}"#;
    let (_, refusal) = explain(&closed, record);
    assert_eq!(refusal["question"]["context"]["request.time"][0], "2026-11-26T04:05:06Z", "the time of the record goes into the question");
    assert_eq!(refusal["verdict"]["decision"], "undetermined");
}

#[test]
fn where_nothing_can_be_read_the_text_is_explained_all_the_same() {
    let refusing = Server::new(|_| Answer::new(401, r#"{"error": {"code": 401, "message": "expired", "status": "UNAUTHENTICATED"}}"#));
    let closed = "http://127.0.0.1:1".to_owned();
    for (url, why) in [(refusing.url(), "does not accept the credentials"), (&closed, "nothing could be read from Google Cloud")] {
        let output = explain_at(url, &refusal_of(BOB), &["--format", "json"]);
        assert_eq!(output.status.code(), Some(11), "{}", said(&output));
        let refusal = json(&output)["refusals"][0].clone();
        assert_eq!((&refusal["verdict"], &refusal["identity"]["held"]), (&Value::Null, &Value::Null));
        assert_eq!((&refusal["action"], &refusal["refused_by"]), (&"storage.objects.get".into(), &"iam".into()));
        assert!(String::from_utf8_lossy(&output.stderr).contains(why), "{why} in {}", said(&output));
    }
}
#[test]
fn a_condition_that_the_request_does_not_meet_is_answered_with_the_facts_of_the_record() {
    let server = Server::new(with(&[(
        "/v3/folders/8:getIamPolicy",
        r#"{"version": 3, "etag": "X", "bindings": [{"role": "roles/storage.objectViewer", "members": ["user:bob@example.com"],
            "condition": {"title": "until", "expression": "request.time < timestamp('2026-01-01T00:00:00Z')"}}]}"#,
    )]));
    let record = |time: &str| {
        format!(
            r#"{{"protoPayload": {{"status": {{"code": 7}}, "serviceName": "storage.googleapis.com", "methodName": "storage.objects.get",
            "authenticationInfo": {{"principalEmail": "bob@example.com"}}, "resourceName": "projects/_/buckets/reports/objects/2026/q1.csv",
            "authorizationInfo": [{{"permission": "storage.objects.get", "resource": "projects/_/buckets/reports/objects/2026/q1.csv"}}]}},
            "timestamp": "{time}"}}"#
        )
    };
    let (_, late) = explain(&server, &record("2026-11-26T04:05:06Z"));
    assert_eq!((&late["verdict"]["decision"], &late["verdict"]["kind"]), (&"deny".into(), &"missing_grant".into()), "{late:#}");
    let (_, early) = explain(&server, &record("2025-11-26T04:05:06Z"));
    assert_eq!(early["verdict"]["decision"], "allow", "{early:#}");
    assert!(early["contradiction"].is_string());
}
