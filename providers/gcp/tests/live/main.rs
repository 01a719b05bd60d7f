//! The live reader against a server on loopback that answers in the documented REST shapes.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "these tests run a server and write a file for the reader; what fails here is a test"
)]

mod server;

use iam_why_contract::collect::{Collect, CollectError, Collected, Options, Quiet};
use iam_why_contract::{Decision, Outcome, Provider, Question, Verdict};
use iam_why_gcp::Gcp;
use iam_why_gcp::collect::GcpReader;
use server::{Answer, Server, company};
use std::time::Duration;

const SECRET: &str = "ya29.MARKED-SECRET-TOKEN-0123456789";

fn question(principal: &str) -> Question {
    Question {
        provider: "gcp".into(),
        principal: principal.into(),
        action: "storage.objects.get".into(),
        resource: Some("gs://reports/2026/q1.csv".into()),
        ..Question::default()
    }
}

fn options(server: &Server) -> Options {
    Options { timeout: Duration::from_secs(20), ..Options::default() }.with("endpoint-url", server.url())
}

async fn read(server: &Server, principal: &str) -> Collected {
    GcpReader.question(&question(principal), &options(server), &Quiet).await.unwrap()
}

fn decide(collected: &Collected) -> Verdict {
    Gcp.simulate(&collected.question, &collected.snapshot).unwrap()
}

fn refused() -> Answer {
    let body = r#"{"error": {"code": 403, "message": "no", "status": "PERMISSION_DENIED", "details": [
        {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "IAM_PERMISSION_DENIED", "domain": "iam.googleapis.com"}]}}"#;
    Answer::new(403, body)
}

fn refusals(collected: &Collected) -> Vec<(String, String)> {
    let searches = collected.snapshot.searches().iter();
    let texts = searches.filter_map(|search| match &search.outcome {
        Outcome::Refused { needs, said } => Some((needs.clone(), said.clone())),
        _ => None,
    });
    texts.collect()
}

#[tokio::test]
async fn a_grant_on_the_folder_is_found_and_so_is_everything_else_that_could_refuse() {
    let server = Server::new(company);
    let collected = read(&server, "user:ana@example.com").await;
    assert_eq!(refusals(&collected), []);
    let verdict = decide(&collected);
    assert_eq!(verdict.decision, Decision::Allow, "{:?}", verdict.doubts);
}

#[tokio::test]
async fn somebody_without_a_grant_is_refused() {
    let server = Server::new(company);
    let verdict = decide(&read(&server, "user:bob@example.com").await);
    assert_eq!(verdict.decision, Decision::Deny, "{:?}", verdict.doubts);
}

#[tokio::test]
async fn a_deny_policy_is_read_with_its_rules() {
    let server = Server::new(|seen| match seen.path.as_str() {
        "/v2/policies/cloudresourcemanager.googleapis.com%2Fprojects%2F300/denypolicies" => {
            Answer::json(r#"{"policies": [{"name": "policies/cloudresourcemanager.googleapis.com%2Fprojects%2F300/denypolicies/guard"}]}"#)
        }
        "/v2/policies/cloudresourcemanager.googleapis.com%2Fprojects%2F300/denypolicies/guard" => Answer::json(
            r#"{"name": "policies/cloudresourcemanager.googleapis.com%2Fprojects%2F300/denypolicies/guard", "rules": [{"denyRule": {
            "deniedPrincipals": ["principalSet://goog/public:all"], "deniedPermissions": ["storage.googleapis.com/objects.get"]}}]}"#,
        ),
        _ => company(seen),
    });
    let verdict = decide(&read(&server, "user:ana@example.com").await);
    assert_eq!((verdict.decision, verdict.decided_by), (Decision::Deny, Some("deny_policy")));
}

#[tokio::test]
async fn each_call_refused_once_leaves_the_same_answer_or_none() {
    for principal in ["user:ana@example.com", "user:bob@example.com"] {
        let server = Server::new(company);
        let whole = decide(&read(&server, principal).await).decision;
        let mut targets: Vec<String> = server.seen().into_iter().map(|seen| seen.target).collect();
        targets.sort();
        targets.dedup();
        assert!(targets.len() > 15, "{targets:?}");
        for target in targets {
            let without = target.clone();
            let server = Server::new(move |seen| if seen.target == without { refused() } else { company(seen) });
            let decision = decide(&read(&server, principal).await).decision;
            assert!(decision == whole || decision == Decision::Undetermined, "{principal} without {target}: {decision:?}, not {whole:?}");
        }
    }
}

#[tokio::test]
async fn only_reading_calls_are_sent() {
    let server = Server::new(company);
    let collected = read(&server, "user:ana@example.com").await;
    let verdict = decide(&collected);
    GcpReader.verify(&collected.question, &verdict, &options(&server)).await.unwrap();
    GcpReader.doctor(&options(&server).with("project", "300"), &Quiet).await.unwrap();
    for seen in server.seen() {
        let reads = [":getIamPolicy", ":troubleshoot"].iter().any(|verb| seen.path.ends_with(verb));
        assert!(seen.method == "GET" || (seen.method == "POST" && reads), "{} {}", seen.method, seen.path);
    }
}

#[tokio::test]
async fn the_troubleshooter_is_asked_and_agrees() {
    let server = Server::new(company);
    let collected = read(&server, "user:bob@example.com").await;
    let opinion = GcpReader.verify(&collected.question, &decide(&collected), &options(&server)).await.unwrap().unwrap();
    assert_eq!((opinion.decision, opinion.agrees), (Some(Decision::Deny), Some(true)), "{}", opinion.says);
}

#[tokio::test]
async fn me_is_who_the_token_belongs_to() {
    let server = Server::new(company);
    assert_eq!(read(&server, "me").await.question.principal, "user:ana@example.com");
}

#[tokio::test]
async fn a_token_is_sent_and_never_shown() {
    let folder = std::env::temp_dir().join(format!("iam-why-gcp-{}", std::process::id()));
    std::fs::write(&folder, SECRET).unwrap();
    // A server that repeats what it was sent, as an error and as a policy.
    let server = Server::new(|seen| match seen.path.as_str() {
        "/v1/roles/storage.objectViewer" => Answer::new(400, &format!(r#"{{"error": {{"message": "bad header {}"}}}}"#, seen.headers)),
        "/storage/v1/b/reports/iam" => Answer::json(&format!(r#"{{"etag": "{SECRET}"}}"#)),
        _ => company(seen),
    });
    let options = options(&server).with("access-token-file", folder.display().to_string());
    let collected = GcpReader.question(&question("me"), &options, &Quiet).await.unwrap();
    std::fs::remove_file(&folder).unwrap();
    assert!(server.seen().iter().all(|seen| seen.headers.contains(SECRET)));
    let mut saved = Vec::new();
    collected.snapshot.write(&mut saved).unwrap();
    let shown = format!("{}{:?}", String::from_utf8(saved).unwrap(), collected);
    assert!(!shown.contains("MARKED"), "{shown}");
    assert!(shown.contains("[removed]"));
}

#[tokio::test]
async fn credentials_that_are_not_accepted_are_told_apart_from_a_refusal() {
    let server = Server::new(|_| Answer::new(401, r#"{"error": {"code": 401, "message": "expired", "status": "UNAUTHENTICATED"}}"#));
    let error = GcpReader.question(&question("user:ana@example.com"), &options(&server), &Quiet).await.unwrap_err();
    assert!(matches!(error, CollectError::BadCredentials { .. }), "{error}");
    let server = Server::new(|_| refused());
    let verdict = decide(&read(&server, "user:ana@example.com").await);
    assert_eq!(verdict.decision, Decision::Undetermined);
}

#[tokio::test]
async fn a_rate_limit_is_waited_out() {
    let server = Server::new(|seen| {
        if seen.number < 3 {
            Answer::new(
                429,
                r#"{"error": {"code": 429, "message": "slow down", "details": [
            {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.05s"}]}}"#,
            )
        } else {
            company(seen)
        }
    });
    assert_eq!(decide(&read(&server, "user:ana@example.com").await).decision, Decision::Allow);
}

#[tokio::test]
async fn a_limit_that_lasts_longer_than_there_is_time_is_said() {
    let server = Server::new(|seen| {
        if seen.path.contains("denypolicies") {
            Answer::new(429, r#"{"error": {"code": 429, "message": "quota"}}"#).with("Retry-After: 60")
        } else {
            company(seen)
        }
    });
    let collected = read(&server, "user:ana@example.com").await;
    assert!(refusals(&collected).iter().any(|(needs, _)| needs.contains("5 calls a minute")), "{:?}", refusals(&collected));
    assert_eq!(decide(&collected).decision, Decision::Undetermined);
}

#[tokio::test]
async fn broken_answers_leave_the_question_open() {
    for body in ["{", "[]", "{}", "{\"bindings\": 7}", "\u{0}"] {
        let server = Server::new(move |seen| if seen.path.ends_with(":getIamPolicy") { Answer::json(body) } else { company(seen) });
        let verdict = decide(&read(&server, "user:bob@example.com").await);
        assert_eq!(verdict.decision, Decision::Undetermined, "{body}");
    }
}

#[tokio::test]
async fn pages_are_followed_and_those_that_never_end_are_given_up() {
    let group = r#""memberships": [{"groupKey": {"id": "readers@example.com"}}]"#;
    let server = Server::new(move |seen| match (seen.path.contains("searchTransitiveGroups"), seen.target.contains("pageToken")) {
        (true, false) => Answer::json(r#"{"memberships": [], "nextPageToken": "two"}"#),
        (true, true) => Answer::json(&format!("{{{group}}}")),
        _ => company(seen),
    });
    assert_eq!(decide(&read(&server, "user:ana@example.com").await).decision, Decision::Allow);
    let server = Server::new(|seen| {
        if seen.path.contains("searchTransitiveGroups") { Answer::json(r#"{"nextPageToken": "again"}"#) } else { company(seen) }
    });
    let collected = read(&server, "user:ana@example.com").await;
    assert!(refusals(&collected).iter().any(|(_, said)| said.contains("do not end")), "{:?}", refusals(&collected));
    assert_ne!(decide(&collected).decision, Decision::Deny);
}

#[tokio::test]
async fn what_a_slow_server_did_not_answer_is_noted() {
    let server = Server::new(|seen| if seen.path.contains("searchTransitiveGroups") { Answer::silence() } else { company(seen) });
    let hurried = Options { timeout: Duration::from_secs(2), ..options(&server) };
    let collected = GcpReader.question(&question("user:ana@example.com"), &hurried, &Quiet).await.unwrap();
    assert!(refusals(&collected).iter().any(|(needs, _)| needs.contains("--timeout")), "{:?}", refusals(&collected));
    assert_eq!(decide(&collected).decision, Decision::Undetermined);
}

#[tokio::test]
async fn the_token_says_whose_it_is() {
    let server = Server::new(company);
    let holder = GcpReader.holder(&options(&server)).await.unwrap().unwrap();
    assert_eq!(holder.who, "user:ana@example.com");
    assert_eq!((holder.is("ana@example.com"), holder.is("serviceAccount:app@acme.iam.gserviceaccount.com")), (Some(true), Some(false)));
    let nameless = Server::new(|seen| if seen.path == "/tokeninfo" { Answer::json(r#"{"scope": "x"}"#) } else { company(seen) });
    assert!(GcpReader.holder(&options(&nameless)).await.unwrap().is_none());
}
