//! Servers that refuse, throttle, say nothing and talk nonsense; and what must hold whatever they do.

use crate::server::{APP_OBJECT, MARKED_TOKEN, Server, Treatment, ask, error, outcomes, question, reader, runtime, verdict};
use iam_why_contract::collect::{Collect, CollectError, Options, Quiet};
use iam_why_contract::{Decision, Outcome};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

fn on(path: &'static str, treatment: Treatment) -> Server {
    Server::new(move |seen| if seen.path.ends_with(path) { treatment.clone() } else { Treatment::Pass })
}

#[test]
fn each_call_refused_once_gives_the_same_answer_or_none() {
    let server = Server::new(|_| Treatment::Pass);
    let whole = verdict(&ask(&server, APP_OBJECT).unwrap()).decision;
    let paths: BTreeSet<String> = server.seen().into_iter().map(|seen| seen.path).collect();
    for path in paths {
        let refused = path.clone();
        let server =
            Server::new(
                move |seen| {
                    if seen.path == refused { Treatment::Answer(403, error("AuthorizationFailed", "no")) } else { Treatment::Pass }
                },
            );
        let read = ask(&server, APP_OBJECT).unwrap();
        let decision = verdict(&read).decision;
        assert!(decision == whole || decision == Decision::Undetermined, "{path}: {decision:?}");
        let noted = read.snapshot.searches().iter().any(|search| matches!(search.outcome, Outcome::Refused { .. }));
        assert!(noted, "{path}: the refusal is noted");
    }
}

#[test]
fn a_refusal_names_the_permission_that_was_missing() {
    let server = on("/denyAssignments", Treatment::Answer(403, error("AuthorizationFailed", "no")));
    let read = ask(&server, APP_OBJECT).unwrap();
    let outcomes = outcomes(&read.snapshot, "azure:deny-assignment");
    let [Outcome::Refused { needs, said }] = outcomes.as_slice() else { panic!("{outcomes:?}") };
    assert_eq!(needs, "Microsoft.Authorization/denyAssignments/read");
    assert_eq!(said, "AuthorizationFailed: no");
}

#[test]
fn credentials_that_azure_does_not_accept_are_no_missing_permission() {
    let server = Server::new(|_| Treatment::Answer(401, error("InvalidAuthenticationToken", MARKED_TOKEN)));
    let failed = ask(&server, APP_OBJECT).unwrap_err();
    assert!(matches!(failed, CollectError::BadCredentials { .. }), "{failed}");
    assert!(!format!("{failed}{failed:?}").contains(MARKED_TOKEN), "{failed}");
}

#[test]
fn a_throttled_call_is_sent_again() {
    let server = on("/roleAssignments", Treatment::Once(429, "retry-after: 0\r\n"));
    let read = ask(&server, APP_OBJECT).unwrap();
    assert_eq!(verdict(&read).decision, Decision::Allow);
}

#[test]
fn the_next_page_is_followed_on_the_same_host_only() {
    let server = on("/roleAssignments", Treatment::Answer(200, r#"{"value": [], "nextLink": "https://elsewhere.example/next"}"#.into()));
    let read = ask(&server, APP_OBJECT).unwrap();
    let outcomes = outcomes(&read.snapshot, "azure:role-assignment");
    assert!(matches!(outcomes.as_slice(), [Outcome::Refused { said, .. }] if said.contains("another host")), "{outcomes:?}");
    assert_eq!(verdict(&read).decision, Decision::Undetermined);
}

#[test]
fn nonsense_leaves_the_answer_open() {
    for nonsense in ["{", "[]", r#"{"value": {}}"#, "<html>proxy</html>"] {
        let server = on("/roleAssignments", Treatment::Answer(200, nonsense.into()));
        let read = ask(&server, APP_OBJECT).unwrap();
        assert_eq!(verdict(&read).decision, Decision::Undetermined, "{nonsense}");
    }
}

#[test]
fn a_server_that_says_nothing_is_given_up_in_time_and_it_is_noted() {
    let server = on("/roleAssignments", Treatment::Silence);
    let options = Options { timeout: Duration::from_secs(2), ..server.options() };
    let begun = Instant::now();
    let read = runtime().block_on(reader().question(&question(APP_OBJECT), &options, &Quiet)).unwrap();
    assert!(begun.elapsed() < Duration::from_secs(20));
    let outcomes = outcomes(&read.snapshot, "azure:role-assignment");
    assert!(matches!(outcomes.as_slice(), [Outcome::Refused { said, .. }] if said == "timed out"), "{outcomes:?}");
}

#[test]
fn a_token_that_the_server_repeats_is_in_no_document_search_or_note() {
    let server = Server::new(|seen| {
        if seen.path.ends_with("/locks") {
            return Treatment::Answer(403, error("AuthorizationFailed", &format!("Bearer {MARKED_TOKEN}")));
        }
        if seen.path.ends_with("/transitiveMemberOf") {
            return Treatment::Answer(200, format!(r#"{{"value": [{{"id": "{MARKED_TOKEN}"}}]}}"#));
        }
        Treatment::Pass
    });
    let read = ask(&server, APP_OBJECT).unwrap();
    assert!(!format!("{read:?}").contains(MARKED_TOKEN));
}
