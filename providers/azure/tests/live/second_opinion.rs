//! `--verify`: what Azure itself says of the same question.

use crate::server::{MARKED_TOKEN, Server, Treatment, asking, error, live, reader, runtime, verdict};
use crate::tenant::{APP_OBJECT, PERSON, machine, questions};
use iam_why_contract::collect::{Collect, SecondOpinion};
use iam_why_contract::{Decision, Question};
use serde_json::json;

fn opinion(server: &Server, question: &Question) -> Option<SecondOpinion> {
    let read = live(server, question).unwrap();
    runtime().block_on(reader().verify(&read.question, &verdict(&read), &server.options())).unwrap()
}

fn says(answer: &'static str) -> Server {
    Server::new(move |seen| if seen.path.ends_with("/checkAccess") { Treatment::Answer(200, answer.into()) } else { Treatment::Pass })
}

fn read(principal: &str) -> Question {
    asking(principal, "Microsoft.Compute/virtualMachines/read", &machine())
}

#[test]
fn it_agrees_where_both_say_the_same() {
    let server = Server::new(|_| Treatment::Pass);
    for (principal, decision) in [(APP_OBJECT, Decision::Allow), (PERSON, Decision::Deny)] {
        let opinion = opinion(&server, &read(principal)).unwrap();
        assert_eq!((opinion.decision, opinion.agrees), (Some(decision), Some(true)), "{}", opinion.says);
        assert!(opinion.says.contains("does not document"), "{}", opinion.says);
    }
    let asked = server.seen().into_iter().find(|seen| seen.path.ends_with("/checkAccess")).unwrap();
    assert_eq!(asked.path, format!("{}/providers/Microsoft.Authorization/checkAccess", machine()));
    let body: serde_json::Value = serde_json::from_str(&asked.body).unwrap();
    assert_eq!(body["Actions"], json!([{"Id": "Microsoft.Compute/virtualMachines/read", "IsDataAction": false}]));
}

#[test]
fn it_contradicts_where_the_two_differ_and_nothing_explains_it() {
    let server = says(
        r#"{"value": [{"actionId": "microsoft.compute/virtualmachines/read", "accessDecision": "Denied", "denyAssignment": {"id": "/x/denyAssignments/d"}}]}"#,
    );
    let opinion = opinion(&server, &read(APP_OBJECT)).unwrap();
    assert_eq!((opinion.decision, opinion.agrees), (Some(Decision::Deny), Some(false)), "{}", opinion.says);
    assert!(opinion.says.contains("/x/denyAssignments/d"), "{}", opinion.says);
}

#[test]
fn a_grant_under_a_condition_is_no_word_at_all() {
    let server = says(
        r#"[{"actionId": "Microsoft.Compute/virtualMachines/read", "accessDecision": "Allowed", "roleAssignment": {"id": "/x/roleAssignments/a", "condition": "@Request[x] StringEquals 'y'"}}]"#,
    );
    let opinion = opinion(&server, &read(PERSON)).unwrap();
    assert_eq!((opinion.decision, opinion.agrees), (Some(Decision::Undetermined), None), "{}", opinion.says);
    assert!(opinion.says.contains("under a condition"), "{}", opinion.says);
}

#[test]
fn what_refuses_beside_roles_is_named_as_its_blind_spot() {
    let lock = json!({"value": [{"id": format!("{}/providers/Microsoft.Authorization/locks/keep", machine()), "name": "keep",
        "properties": {"level": "ReadOnly"}}]});
    let server =
        Server::new(move |seen| if seen.path.ends_with("/locks") { Treatment::Answer(200, lock.to_string()) } else { Treatment::Pass });
    let opinion = opinion(&server, &asking(APP_OBJECT, "Microsoft.Compute/virtualMachines/write", &machine())).unwrap();
    assert_eq!((opinion.decision, opinion.agrees), (Some(Decision::Allow), None), "{}", opinion.says);
    assert_eq!(opinion.leaves_out, ["lock"]);
}

#[test]
fn a_cloud_that_does_not_have_it_gives_no_opinion_and_says_so() {
    for (status, code) in [(404, "NotFound"), (403, "AuthorizationFailed"), (400, "InvalidApiVersionParameter"), (200, "{")] {
        let body = if status == 200 { code.to_owned() } else { error(code, &format!("Bearer {MARKED_TOKEN}")) };
        let server =
            Server::new(
                move |seen| if seen.path.ends_with("/checkAccess") { Treatment::Answer(status, body.clone()) } else { Treatment::Pass },
            );
        let opinion = opinion(&server, &read(APP_OBJECT)).unwrap();
        assert_eq!((opinion.decision, opinion.agrees), (None, None), "{}", opinion.says);
        assert!(opinion.says.contains("could not be asked"), "{}", opinion.says);
        assert!(!opinion.says.contains(MARKED_TOKEN), "{}", opinion.says);
    }
}

#[test]
fn it_is_asked_about_the_data_of_a_blob_by_its_address() {
    let server = Server::new(|_| Treatment::Pass);
    let blob = &questions(APP_OBJECT)[2];
    let opinion = opinion(&server, blob).unwrap();
    assert_eq!((opinion.decision, opinion.agrees), (Some(Decision::Allow), Some(true)), "{}", opinion.says);
    let asked = server.seen().into_iter().find(|seen| seen.path.ends_with("/checkAccess")).unwrap();
    assert!(asked.body.contains(r#""IsDataAction":true"#), "{}", asked.body);
}
