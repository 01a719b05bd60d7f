//! What one question reads.

use crate::server::{APP_ID, APP_OBJECT, MARKED_TOKEN, Server, Treatment, ask, reader, runtime, verdict};
use iam_why_contract::Decision;
use iam_why_contract::collect::{Collect, CollectError};

#[test]
fn a_grant_to_a_group_of_the_application_is_found() {
    let server = Server::new(|_| Treatment::Pass);
    let read = ask(&server, APP_OBJECT).unwrap();
    let verdict = verdict(&read);
    assert_eq!(verdict.decision, Decision::Allow, "{verdict:#?}");
}

#[test]
fn an_application_id_is_told_from_an_object_id() {
    let server = Server::new(|_| Treatment::Pass);
    let read = ask(&server, APP_ID).unwrap();
    assert_eq!(read.question.principal, APP_OBJECT);
    assert!(read.notes.iter().any(|note| note.contains("is an application id") && note.contains(APP_OBJECT)), "{:?}", read.notes);
}

#[test]
fn a_display_name_is_looked_up_and_one_that_nobody_has_is_said_to_be_nobodys() {
    let server = Server::new(|_| Treatment::Pass);
    assert_eq!(ask(&server, "reports").unwrap().question.principal, APP_OBJECT);
    let empty = Server::new(|seen| match seen.path.as_str() {
        "/v1.0/servicePrincipals" => Treatment::Answer(200, r#"{"value": []}"#.into()),
        _ => Treatment::Pass,
    });
    let error = ask(&empty, "nobody").unwrap_err();
    assert!(matches!(error, CollectError::Question(ref said) if said.contains("there is no user")), "{error}");
}

#[test]
fn nothing_but_reading_calls_is_sent_each_with_the_token() {
    let server = Server::new(|_| Treatment::Pass);
    ask(&server, APP_OBJECT).unwrap();
    let seen = server.seen();
    assert!(seen.len() > 8, "{seen:#?}");
    for call in &seen {
        let query = call.method == "POST" && call.path == "/providers/Microsoft.ResourceGraph/resources";
        assert!(call.method == "GET" || query, "{call:?}");
        assert_eq!(call.authorization, format!("Bearer {MARKED_TOKEN}"));
    }
    let assigned = seen.iter().find(|call| call.path.ends_with("/roleAssignments")).unwrap();
    assert!(assigned.query.contains("assignedTo"), "{assigned:?}");
}

#[test]
fn a_token_that_does_not_say_whose_it_is_has_no_known_holder() {
    let server = Server::new(|_| Treatment::Pass);
    let holder = runtime().block_on(reader().holder(&server.options())).unwrap();
    assert!(holder.is_none(), "{holder:?}");
    assert!(server.seen().is_empty(), "the token itself says it, or nothing does");
}
