//! Servers that refuse, throttle, say nothing and talk nonsense; and what must hold whatever they do.

use crate::server::{MARKED_TOKEN, Server, Treatment, ask, error, live, outcomes, question, reader, refused, runtime, verdict};
use crate::tenant::{APP_OBJECT, PERSON, questions};
use iam_why_contract::collect::{Collect, CollectError, Options, Quiet};
use iam_why_contract::{Decision, Outcome, Question};
use std::collections::BTreeSet;
use std::time::Duration;

fn on(path: &'static str, treatment: Treatment) -> Server {
    Server::new(move |seen| if seen.path.ends_with(path) { treatment.clone() } else { Treatment::Pass })
}

/// Every call of these questions, treated so: the answer stays what it is, or is left open.
fn each_call(questions: Vec<Question>, treatment: &Treatment) {
    for question in questions {
        let server = Server::new(|_| Treatment::Pass);
        let whole = verdict(&live(&server, &question).unwrap()).decision;
        let paths: BTreeSet<String> = server.seen().into_iter().map(|seen| seen.path).collect();
        for path in paths {
            let (treated, treatment) = (path.clone(), treatment.clone());
            let server = Server::new(move |seen| if seen.path == treated { treatment.clone() } else { Treatment::Pass });
            let decision = verdict(&live(&server, &question).unwrap()).decision;
            let right = decision == whole || decision == Decision::Undetermined;
            assert!(right, "{} by {}, {path}: {decision:?}, not {whole:?}", question.action, question.principal);
        }
    }
}

fn all() -> Vec<Question> {
    questions(APP_OBJECT).into_iter().chain(questions(PERSON)).collect()
}

/// A write that is allowed, which most layers have a say in; data that is refused, in an account and in a vault.
fn some() -> Vec<Question> {
    questions(APP_OBJECT).into_iter().skip(1).take(1).chain(questions(PERSON).into_iter().skip(2).take(2)).collect()
}

#[test]
fn each_call_refused_once_gives_the_same_answer_or_none() {
    each_call(all(), &refused());
}

#[test]
fn each_call_that_finds_no_subscription_gives_the_same_answer_or_none() {
    each_call(some(), &Treatment::Answer(404, error("SubscriptionNotFound", "The subscription could not be found.")));
}

#[test]
fn each_call_broken_off_gives_the_same_answer_or_none() {
    each_call(some(), &Treatment::Cut);
}

#[test]
fn each_answer_of_another_shape_gives_the_same_answer_or_none() {
    for nonsense in ["{", "[]", "{}", r#"{"value": {}}"#, "<html>proxy</html>"] {
        each_call(some().into_iter().take(1).collect(), &Treatment::Answer(200, nonsense.into()));
    }
}

#[test]
fn each_list_with_elements_that_nobody_understands_gives_the_same_answer_or_none() {
    each_call(some(), &Treatment::Answer(200, r#"{"value": [7, null, {}], "data": [{}]}"#.into()));
    each_call(some(), &Treatment::Answer(200, r#"{"value": [{"id": "x", "properties": {}}]}"#.into()));
}

#[test]
fn a_refusal_names_the_permission_that_was_missing() {
    let server = on("/denyAssignments", refused());
    let read = ask(&server, APP_OBJECT).unwrap();
    let outcomes = outcomes(&read.snapshot, "azure:deny-assignment");
    let [Outcome::Refused { needs, said }] = outcomes.as_slice() else { panic!("{outcomes:?}") };
    assert_eq!(needs, "Microsoft.Authorization/denyAssignments/read");
    assert_eq!(said, "AuthorizationFailed: no");
}

#[test]
fn one_of_the_two_lists_of_deny_assignments_is_not_all_of_them() {
    for filtered in [true, false] {
        let server = Server::new(move |seen| {
            let this = seen.path.ends_with("/denyAssignments") && seen.query.contains("atScope") == filtered;
            if this { refused() } else { Treatment::Pass }
        });
        assert_eq!(verdict(&ask(&server, APP_OBJECT).unwrap()).decision, Decision::Undetermined);
    }
}

#[test]
fn a_deny_assignment_of_a_management_group_refuses_whichever_list_shows_it() {
    let deny = r#"{"value": [{"id": "/providers/Microsoft.Management/managementGroups/root/providers/Microsoft.Authorization/denyAssignments/d",
        "name": "d", "properties": {"denyAssignmentName": "Freeze", "scope": "/providers/Microsoft.Management/managementGroups/root",
        "permissions": [{"actions": ["*"], "notActions": []}], "principals": [{"id": "00000000-0000-0000-0000-000000000000", "type": "SystemDefined"}]}}]}"#;
    let server = Server::new(move |seen| {
        let this = seen.path.ends_with("/denyAssignments") && seen.query.contains("atScope");
        if this { Treatment::Answer(200, deny.into()) } else { Treatment::Pass }
    });
    let verdict = verdict(&ask(&server, APP_OBJECT).unwrap());
    assert_eq!((verdict.decision, verdict.decided_by), (Decision::Deny, Some("deny_assignment")));
}

#[test]
fn a_cloud_without_the_newest_version_is_asked_for_an_older_one() {
    let server = Server::new(|seen| {
        let newest = seen.path.ends_with("/denyAssignments") && seen.query.contains("preview");
        if newest { Treatment::Answer(400, error("InvalidApiVersionParameter", "no such version")) } else { Treatment::Pass }
    });
    assert_eq!(verdict(&ask(&server, APP_OBJECT).unwrap()).decision, Decision::Allow);
}

#[test]
fn a_move_that_resource_graph_has_not_seen_yet_changes_nothing() {
    let assigned = format!(
        r#"{{"value": [{{"id": "/providers/Microsoft.Management/managementGroups/new/providers/Microsoft.Authorization/roleAssignments/a",
        "name": "a", "properties": {{"roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/55555555-5555-5555-5555-555555555555",
        "principalId": "{PERSON}", "principalType": "User", "scope": "/providers/Microsoft.Management/managementGroups/new", "condition": null}}}}]}}"#
    );
    let server = on("/roleAssignments", Treatment::Answer(200, assigned));
    assert_eq!(verdict(&ask(&server, PERSON).unwrap()).decision, Decision::Allow);
}

#[test]
fn what_resource_graph_names_and_azure_no_longer_has_is_not_taken_to_be_unprotected() {
    let server = on("/storageAccounts/reports", Treatment::Answer(404, error("ResourceNotFound", "moved")));
    let blob = &questions(APP_OBJECT)[2];
    assert_eq!(verdict(&live(&server, blob).unwrap()).decision, Decision::Undetermined);
}

#[test]
fn a_tenant_without_privileged_identity_management_is_no_tenant_that_refuses() {
    let server = on("/roleEligibilityScheduleInstances", Treatment::Answer(400, error("AadPremiumLicenseRequired", "buy")));
    let read = ask(&server, PERSON).unwrap();
    let outcomes = outcomes(&read.snapshot, "azure:eligible-assignment");
    assert!(matches!(outcomes.as_slice(), [Outcome::NotTried { why }] if why.contains("license")), "{outcomes:?}");
    assert_eq!(verdict(&read).decision, Decision::Deny);
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

fn list_of(next: &str, link: &str) -> String {
    serde_json::json!({"value": [], next: link}).to_string()
}

#[test]
fn the_next_page_is_followed_on_the_same_host_only() {
    for (path, next, kind) in
        [("/roleAssignments", "nextLink", "azure:role-assignment"), ("/transitiveMemberOf", "@odata.nextLink", "azure:member-of")]
    {
        let elsewhere = Server::new(|_| Treatment::Pass);
        let server = on(path, Treatment::Answer(200, list_of(next, &format!("{}/next", elsewhere.url()))));
        let read = ask(&server, APP_OBJECT).unwrap();
        let outcomes = outcomes(&read.snapshot, kind);
        let said = |outcome: &&Outcome| matches!(outcome, Outcome::Refused { said, .. } if said.contains("another host"));
        assert!(outcomes.iter().any(said), "{path}: {outcomes:?}");
        assert!(elsewhere.seen().is_empty(), "{path}: the token stays where it was sent");
        assert_ne!(verdict(&read).decision, Decision::Deny, "{path}");
    }
}

#[test]
fn the_second_page_counts_in_both_services() {
    let server = Server::new(|seen| {
        let (first, host) = (!seen.query.contains("page=2"), format!("http://{}", seen.host));
        let link = |next: &str| Treatment::Answer(200, list_of(next, &format!("{host}{}?page=2", seen.path)));
        match seen.path.rsplit('/').next() {
            Some("roleAssignments") if first => link("nextLink"),
            Some("transitiveMemberOf") if first => link("@odata.nextLink"),
            _ => Treatment::Pass,
        }
    });
    assert_eq!(verdict(&ask(&server, APP_OBJECT).unwrap()).decision, Decision::Allow);
    assert_eq!((server.calls("/roleAssignments"), server.calls("/transitiveMemberOf")), (2, 2));
}

#[test]
fn pages_without_end_are_given_up() {
    let server = Server::new(|seen| {
        let number = seen.query.split_once("page=").and_then(|(_, number)| number.parse::<usize>().ok()).unwrap_or(0);
        let next = format!("http://{}{}?page={}", seen.host, seen.path, number + 1);
        if seen.path.ends_with("/locks") { Treatment::Answer(200, list_of("nextLink", &next)) } else { Treatment::Pass }
    });
    let read = ask(&server, APP_OBJECT).unwrap();
    let outcomes = outcomes(&read.snapshot, "azure:lock");
    assert!(matches!(outcomes.as_slice(), [Outcome::Refused { said, .. }] if said.contains("more than 500 pages")), "{outcomes:?}");
}

#[test]
fn an_answer_beyond_all_measure_is_no_list() {
    let server = on("/roleAssignments", Treatment::Huge(33 << 20));
    let read = ask(&server, APP_OBJECT).unwrap();
    let outcomes = outcomes(&read.snapshot, "azure:role-assignment");
    assert!(matches!(outcomes.as_slice(), [Outcome::Refused { said, .. }] if said.contains("larger than")), "{outcomes:?}");
    assert_eq!(verdict(&read).decision, Decision::Undetermined);
}

#[test]
fn a_scope_that_is_not_there_is_no_empty_list() {
    let gone = || Treatment::Answer(404, error("ResourceNotFound", "no such scope"));
    for path in ["/roleAssignments", "/denyAssignments", "/locks", "/policyAssignments"] {
        let server = Server::new(move |seen| if seen.path.ends_with(path) { gone() } else { Treatment::Pass });
        let write = &questions(APP_OBJECT)[1];
        assert_eq!(verdict(&live(&server, write).unwrap()).decision, Decision::Undetermined, "{path}");
    }
}

#[test]
fn a_server_that_says_nothing_is_given_up_in_time_and_it_is_noted() {
    let server = on("/roleAssignments", Treatment::Silence);
    let options = Options { timeout: Duration::from_secs(1), ..server.options() };
    let read = runtime().block_on(reader().question(&question(APP_OBJECT), &options, &Quiet)).unwrap();
    let outcomes = outcomes(&read.snapshot, "azure:role-assignment");
    assert!(matches!(outcomes.as_slice(), [Outcome::Refused { said, .. }] if said == "timed out"), "{outcomes:?}");
    assert!(read.notes.iter().any(|note| note.contains("--timeout")), "{:?}", read.notes);
}

#[test]
fn a_server_that_never_says_anything_gives_nothing_to_answer_from() {
    let server = Server::new(|_| Treatment::Silence);
    let options = Options { timeout: Duration::from_secs(1), ..server.options() };
    let read = runtime().block_on(reader().question(&question("nadia@example.com"), &options, &Quiet));
    let found = |outcome: &Outcome| matches!(outcome, Outcome::Found | Outcome::Absent);
    assert!(read.is_err() || !read.unwrap().snapshot.searches().iter().any(|search| found(&search.outcome)));
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
    let mut saved = Vec::new();
    read.snapshot.write(&mut saved).unwrap();
    let said = format!("{read:?}{:?}{}", verdict(&read), String::from_utf8(saved).unwrap());
    assert!(!said.contains(MARKED_TOKEN));
}
