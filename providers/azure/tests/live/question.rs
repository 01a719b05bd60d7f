//! What one question reads, and who is meant by it.

use crate::server::{MARKED_TOKEN, Server, Treatment, ask, asking, error, live, question, reader, reader_as, refused, runtime, verdict};
use crate::tenant::{APP_ID, APP_OBJECT, APP_REGISTRATION, GROUP, NOBODY, PERSON, SUBSCRIPTION, machine, questions};
use iam_why_azure::collect::step::READING_POSTS;
use iam_why_contract::collect::{Collect, CollectError, Quiet};
use iam_why_contract::{Context, Decision, Question, Snapshot};
use serde_json::json;

fn pass() -> Server {
    Server::new(|_| Treatment::Pass)
}

#[test]
fn what_is_granted_to_a_group_of_the_application_is_allowed_whatever_is_asked_for() {
    for question in questions(APP_OBJECT) {
        let read = live(&pass(), &question).unwrap();
        let verdict = verdict(&read);
        assert_eq!(verdict.decision, Decision::Allow, "{}: {:#?}", question.action, verdict.doubts);
    }
}

#[test]
fn whoever_is_in_no_group_that_is_granted_anything_is_refused_for_certain() {
    for question in questions(PERSON) {
        let verdict = verdict(&live(&pass(), &question).unwrap());
        assert_eq!(verdict.decision, Decision::Deny, "{}: {:#?}", question.action, verdict.doubts);
    }
}

#[test]
fn every_name_of_a_principal_leads_to_the_object_that_roles_are_assigned_to() {
    let identity =
        format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/reports");
    let machine = machine();
    let names = [
        (APP_OBJECT, APP_OBJECT),
        (APP_ID, APP_OBJECT),
        (APP_REGISTRATION, APP_OBJECT),
        ("reports", APP_OBJECT),
        (&identity, APP_OBJECT),
        (&machine, APP_OBJECT),
        ("nadia@example.com", PERSON),
        ("Nadia", PERSON),
        ("readers", GROUP),
    ];
    for (name, object) in names {
        let read = ask(&pass(), name).unwrap();
        assert_eq!(read.question.principal, object, "{name}");
        let wanted = if object == PERSON { Decision::Deny } else { Decision::Allow };
        assert_eq!(verdict(&read).decision, wanted, "{name}: {:#?}", verdict(&read).doubts);
    }
}

#[test]
fn the_wrong_id_of_an_application_is_explained() {
    let notes = |principal: &str| ask(&pass(), principal).unwrap().notes.join("\n");
    assert!(notes(APP_ID).contains(&format!("`{APP_ID}` is an application id")), "{}", notes(APP_ID));
    assert!(notes(APP_REGISTRATION).contains("object id of the app registration reports"), "{}", notes(APP_REGISTRATION));
    assert!(notes(NOBODY).contains("neither an object nor an application of this tenant"), "{}", notes(NOBODY));
}

#[test]
fn a_name_that_several_have_is_not_guessed_and_one_that_nobody_has_is_said_to_be_nobodys() {
    let two = Server::new(|seen| match seen.path.as_str() {
        "/v1.0/users" => Treatment::Answer(200, json!({"value": [{"id": PERSON, "displayName": "reports"}]}).to_string()),
        _ => Treatment::Pass,
    });
    let error = ask(&two, "reports").unwrap_err();
    assert!(matches!(error, CollectError::Question(ref said) if said.contains(PERSON) && said.contains(APP_OBJECT)), "{error}");
    let error = ask(&pass(), "nobody").unwrap_err();
    assert!(matches!(error, CollectError::Question(ref said) if said.contains("there is no user")), "{error}");
}

#[test]
fn me_is_who_the_token_says_and_takes_no_call_to_the_directory() {
    let server = pass();
    let me = reader_as(&json!({"oid": PERSON, "upn": "nadia@example.com", "idtyp": "user"}));
    let read = runtime().block_on(me.question(&question("me"), &server.options(), &Quiet)).unwrap();
    assert_eq!((read.question.principal.as_str(), server.calls(PERSON)), (PERSON, 0));
    assert!(read.notes.iter().any(|note| note.contains("nadia@example.com")), "{:?}", read.notes);
    assert_eq!(verdict(&read).decision, Decision::Deny);
}

/// Graph refuses everything, as it does for whoever has rights on Azure resources only.
fn without_graph() -> Server {
    Server::new(|seen| {
        if seen.path.starts_with("/v1.0/") { Treatment::Answer(403, error("Authorization_RequestDenied", "no")) } else { Treatment::Pass }
    })
}

#[test]
fn without_graph_what_azure_finds_assigned_is_allowed_all_the_same() {
    assert_eq!(verdict(&ask(&without_graph(), APP_OBJECT).unwrap()).decision, Decision::Allow);
}

#[test]
fn without_graph_an_id_that_may_be_an_application_id_is_not_said_to_lack_a_role() {
    for id in [APP_ID, PERSON] {
        let verdict = verdict(&ask(&without_graph(), id).unwrap());
        assert_eq!(verdict.decision, Decision::Undetermined, "{id}");
        assert!(verdict.doubts.iter().any(|doubt| doubt.needs.contains("objectId=")), "{:?}", verdict.doubts);
    }
    let stated = Question { context: Context::default().with("objectId", [PERSON]), ..question(PERSON) };
    assert_eq!(verdict(&live(&without_graph(), &stated).unwrap()).decision, Decision::Deny);
}

#[test]
fn without_graph_the_whole_list_proves_no_more_where_azure_does_not_filter() {
    let server = Server::new(|seen| {
        let filtered = seen.path.ends_with("/roleAssignments") && seen.query.contains("assignedTo");
        match seen.path.as_str() {
            _ if filtered => Treatment::Answer(400, error("PrincipalNotFound", "no")),
            path if path.ends_with("/roleAssignments") => Treatment::Answer(200, json!({"value": []}).to_string()),
            path if path.starts_with("/v1.0/") => refused(),
            _ => Treatment::Pass,
        }
    });
    assert_eq!(verdict(&ask(&server, APP_ID).unwrap()).decision, Decision::Undetermined);
}

#[test]
fn without_graph_the_own_token_knows_its_own_ids() {
    let server = without_graph();
    let own = reader_as(&json!({"oid": APP_OBJECT, "appid": APP_ID, "idtyp": "app"}));
    let read = runtime().block_on(own.question(&question(APP_ID), &server.options(), &Quiet)).unwrap();
    assert_eq!(read.question.principal, APP_OBJECT);
    assert_eq!(verdict(&read).decision, Decision::Allow);
}

#[test]
fn whoever_may_read_applications_only_still_tells_an_application_id() {
    let server = Server::new(|seen| {
        let hidden = ["/v1.0/directoryObjects", "/v1.0/users", "/v1.0/groups"];
        if hidden.iter().any(|start| seen.path.starts_with(start)) { refused() } else { Treatment::Pass }
    });
    assert_eq!(ask(&server, APP_ID).unwrap().question.principal, APP_OBJECT);
    assert_eq!(verdict(&ask(&server, APP_OBJECT).unwrap()).decision, Decision::Allow);
}

#[test]
fn of_a_group_the_whole_list_is_read_for_azure_filters_by_none() {
    let server = pass();
    let read = ask(&server, GROUP).unwrap();
    assert_eq!(verdict(&read).decision, Decision::Allow);
    let unfiltered = |seen: &&crate::server::Seen| seen.path.ends_with("/roleAssignments") && !seen.query.contains("assignedTo");
    assert_eq!(server.seen().iter().filter(unfiltered).count(), 1);
}

#[test]
fn nothing_but_reading_calls_is_sent_each_with_the_token() {
    for question in questions(APP_OBJECT) {
        let server = pass();
        let read = live(&server, &question).unwrap();
        runtime().block_on(reader().verify(&read.question, &verdict(&read), &server.options())).unwrap();
        for call in server.seen() {
            let reads = call.method == "POST" && READING_POSTS.iter().any(|path| call.path.ends_with(path));
            assert!(call.method == "GET" || reads, "{call:?}");
            assert_eq!(call.authorization, format!("Bearer {MARKED_TOKEN}"));
        }
    }
}

#[test]
fn an_object_id_takes_two_rounds_it_is_looked_up_while_the_lists_are_read() {
    let counted = pass();
    ask(&counted, APP_OBJECT).unwrap();
    // The definitions of the two roles and the groups of the principal are what the lists name.
    let all = counted.seen().len();
    assert_eq!(all, 15, "{:#?}", counted.seen().iter().map(|seen| seen.path.clone()).collect::<Vec<_>>());
    let server = Server::in_waves(vec![all - 3, 3]);
    let read = ask(&server, APP_OBJECT).unwrap();
    assert_eq!(verdict(&read).decision, Decision::Allow, "{:?}", read.notes);
}

#[test]
fn a_name_takes_one_round_more_and_only_for_what_hangs_on_it() {
    let counted = pass();
    ask(&counted, "nadia@example.com").unwrap();
    let all = counted.seen().len();
    // Only the three lists of what is assigned to the person wait for the name.
    let server = Server::in_waves(vec![all - 3, 3]);
    assert_eq!(verdict(&ask(&server, "nadia@example.com").unwrap()).decision, Decision::Deny);
}

#[test]
fn graph_is_not_asked_for_groups_where_no_group_could_matter() {
    let server = pass();
    ask(&server, PERSON).unwrap();
    assert_eq!(server.calls("/transitiveMemberOf"), 0);
}

#[test]
fn what_was_saved_answers_the_same() {
    for question in questions(APP_OBJECT).into_iter().chain(questions(PERSON)) {
        let read = live(&pass(), &question).unwrap();
        let mut saved = Vec::new();
        read.snapshot.write(&mut saved).unwrap();
        let again = Snapshot::parse(std::str::from_utf8(&saved).unwrap()).unwrap();
        let answer = |snapshot: &Snapshot| {
            let verdict = iam_why_contract::Provider::simulate(&iam_why_azure::Azure, &read.question, snapshot).unwrap();
            serde_json::to_string(&verdict).unwrap()
        };
        assert_eq!(answer(&again), answer(&read.snapshot), "{}", question.action);
    }
}

#[test]
fn two_runs_differ_in_their_time_only() {
    let saved = || {
        let mut snapshot = ask(&pass(), APP_OBJECT).unwrap().snapshot;
        snapshot.taken_at = None;
        let mut text = Vec::new();
        snapshot.write(&mut text).unwrap();
        String::from_utf8(text).unwrap()
    };
    assert_eq!(saved(), saved());
}

#[test]
fn of_a_person_no_more_is_kept_than_a_question_needs() {
    let read = ask(&pass(), "Nadia").unwrap();
    assert!(!format!("{:?}", read.snapshot).contains("555 0100"));
}

#[test]
fn the_plane_of_an_unknown_operation_is_looked_up_and_only_then() {
    let known = pass();
    ask(&known, APP_OBJECT).unwrap();
    assert_eq!(known.calls("/providerOperations/Microsoft.Compute"), 0);
    let unknown = pass();
    let question = asking(APP_OBJECT, "Microsoft.Odd/things/spin/action", &machine());
    assert_eq!(verdict(&live(&unknown, &question).unwrap()).decision, Decision::Allow);
    assert_eq!(unknown.calls("/providerOperations/Microsoft.Odd"), 1);
}

#[test]
fn a_management_group_is_asked_about_with_what_is_above_it() {
    let question = asking(PERSON, "Microsoft.Management/managementGroups/read", "/providers/Microsoft.Management/managementGroups/unit");
    let server = pass();
    let read = live(&server, &question).unwrap();
    assert_eq!(verdict(&read).decision, Decision::Deny, "{:#?}", verdict(&read).doubts);
    assert!(read.snapshot.of("azure:ancestors", "/providers/Microsoft.Management/managementGroups/unit").next().is_some());
}

#[test]
fn a_host_name_that_resource_graph_does_not_show_leaves_the_answer_open() {
    let server = Server::new(|seen| {
        let lookup = seen.path.ends_with("/resources") && seen.body.contains("reports");
        if lookup { Treatment::Answer(200, r#"{"data": []}"#.into()) } else { Treatment::Pass }
    });
    let question = &questions(APP_OBJECT)[2];
    assert_eq!(verdict(&live(&server, question).unwrap()).decision, Decision::Undetermined);
}

/// The subscription is managed by another tenant, which delegated the role to `to`.
fn managed(to: &'static str) -> Server {
    Server::new(move |seen| {
        let own = format!("/subscriptions/{SUBSCRIPTION}");
        if seen.path == own {
            let managed = json!({"id": own, "state": "Enabled", "tenantId": "customer", "managedByTenants": [{"tenantId": "provider"}]});
            return Treatment::Answer(200, managed.to_string());
        }
        if seen.path == format!("{own}/providers/Microsoft.ManagedServices/registrationAssignments") {
            let registration = json!({"id": format!("{own}/providers/Microsoft.ManagedServices/registrationAssignments/r"), "properties": {
                "registrationDefinition": {"properties": {"authorizations": [
                    {"principalId": to, "roleDefinitionId": "55555555-5555-5555-5555-555555555555"}]}}}});
            return Treatment::Answer(200, json!({"value": [registration]}).to_string());
        }
        Treatment::Pass
    })
}

#[test]
fn a_token_of_the_managing_tenant_has_what_that_tenant_was_delegated() {
    let me = reader_as(&json!({"oid": NOBODY, "tid": "provider", "upn": "nadia@provider.example", "idtyp": "user"}));
    let decided = |server: &Server| {
        let read = runtime().block_on(me.question(&question("me"), &server.options(), &Quiet)).unwrap();
        verdict(&read).decision
    };
    assert_eq!(decided(&managed(NOBODY)), Decision::Allow);
    // Who is in a group of the other tenant is not to be seen from here.
    assert_eq!(decided(&managed(GROUP)), Decision::Undetermined);
}

#[test]
fn an_id_of_another_tenant_is_not_said_to_lack_a_role_where_a_tenant_manages_the_subscription() {
    for delegated in [NOBODY, GROUP] {
        assert_eq!(verdict(&ask(&managed(delegated), NOBODY).unwrap()).decision, Decision::Undetermined);
    }
    let unseen = Server::new(|seen| {
        let hidden = seen.path == format!("/subscriptions/{SUBSCRIPTION}") || seen.path.ends_with("/registrationAssignments");
        if hidden { refused() } else { Treatment::Pass }
    });
    assert_eq!(verdict(&ask(&unseen, NOBODY).unwrap()).decision, Decision::Undetermined);
}

#[test]
fn a_group_that_hides_its_members_may_have_the_principal_among_them() {
    let vault = &questions(PERSON)[3];
    let server = Server::new(|seen| match seen.path.as_str() {
        "/v1.0/directoryObjects/getByIds" => {
            Treatment::Answer(200, json!({"value": [{"id": GROUP, "visibility": "HiddenMembership"}]}).to_string())
        }
        _ => Treatment::Pass,
    });
    assert_eq!(verdict(&live(&pass(), vault).unwrap()).decision, Decision::Deny);
    let read = live(&server, vault).unwrap();
    assert_eq!(verdict(&read).decision, Decision::Undetermined);
}

#[test]
fn whoever_sends_no_credential_is_looked_up_nowhere() {
    let server = Server::new(|seen| {
        let account = json!({"id": seen.path, "name": "reports", "properties": {"allowBlobPublicAccess": false}});
        if seen.path.ends_with("/storageAccounts/reports") { Treatment::Answer(200, account.to_string()) } else { Treatment::Pass }
    });
    let read = live(&server, &questions("anonymous")[2]).unwrap();
    assert_eq!(verdict(&read).decision, Decision::Deny);
    assert!(!server.seen().iter().any(|seen| seen.path.starts_with("/v1.0/") || seen.query.contains("assignedTo")));
}

/// The network rules of a namespace for messages are a resource of their own below it.
#[test]
fn a_question_about_messages_reads_the_rules_of_the_namespace() {
    let server = Server::new(|seen| match seen.path.as_str() {
        path if path.ends_with("/namespaces/bus") => {
            Treatment::Answer(200, r#"{"id": "bus", "properties": {"publicNetworkAccess": "Enabled"}}"#.into())
        }
        path if path.ends_with("/networkRuleSets/default") => Treatment::Answer(
            200,
            r#"{"id": "rules", "properties": {"defaultAction": "Deny", "ipRules": [{"ipMask": "203.0.113.0/24"}]}}"#.into(),
        ),
        _ => Treatment::Pass,
    });
    let bus = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.ServiceBus/namespaces/bus");
    let action = "Microsoft.ServiceBus/namespaces/messages/send/action".to_owned();
    let question = Question { action, resource: Some(bus.clone()), ..question(APP_OBJECT) };
    let read = runtime().block_on(reader().question(&question, &server.options(), &Quiet)).unwrap();
    let rules = read.snapshot.of("azure:resource", &format!("{bus}/networkRuleSets/default")).next();
    assert!(rules.is_some_and(|document| document.text.contains("203.0.113.0/24")), "{:#?}", server.seen());
}
