//! A whole subscription, and everything below a management group.

use crate::journal::Kept;
use crate::server::{MARKED_TOKEN, Seen, Server, Treatment, error, live, reader, refused, runtime, verdict};
use crate::tenant::{APP_OBJECT, GROUP, NOBODY, OTHER_SUBSCRIPTION, PERSON, SUBSCRIPTION, questions};
use iam_why_azure::Azure;
use iam_why_azure::collect::step::READING_POSTS;
use iam_why_contract::collect::{Collect, CollectError, Point, Quiet, Sink};
use iam_why_contract::{Decision, Outcome, Provider};

/// The last word on a search.
fn outcome(kept: &Kept, kind: &str, subject: &str) -> Option<Outcome> {
    kept.searches.lock().unwrap().get(&(kind.to_owned(), subject.to_owned())).map(|search| search.outcome.clone())
}

fn pass() -> Server {
    Server::new(|_| Treatment::Pass)
}

fn collect(server: &Server, scope: &str, kept: &Kept) -> Result<String, CollectError> {
    runtime().block_on(reader().whole(Some(scope), &server.options(), kept, &Quiet))
}

#[test]
fn a_subscription_read_whole_answers_as_certainly_as_the_live_one() {
    let kept = Kept::default();
    assert_eq!(collect(&pass(), SUBSCRIPTION, &kept).unwrap(), format!("/subscriptions/{SUBSCRIPTION}"));
    let snapshot = kept.snapshot();
    for question in questions(APP_OBJECT).into_iter().chain(questions(PERSON)) {
        let read = live(&pass(), &question).unwrap();
        let offline = Azure.simulate(&question, &snapshot).unwrap();
        let live = verdict(&read);
        let got = (offline.decision, offline.kind, offline.decided_by);
        assert_eq!(
            got,
            (live.decision, live.kind, live.decided_by),
            "{} by {}: {:#?}",
            question.action,
            question.principal,
            offline.doubts
        );
    }
}

#[test]
fn who_was_read_can_be_named_offline() {
    let kept = Kept::default();
    collect(&pass(), SUBSCRIPTION, &kept).unwrap();
    for name in ["reports", crate::tenant::APP_ID] {
        let verdict = Azure.simulate(&crate::server::question(name), &kept.snapshot()).unwrap();
        assert_eq!(verdict.decision, Decision::Allow, "{name}: {:#?}", verdict.doubts);
    }
}

#[test]
fn what_was_read_is_not_read_again() {
    let (server, kept) = (pass(), Kept::default());
    collect(&server, SUBSCRIPTION, &kept).unwrap();
    let before = server.seen().len();
    collect(&server, SUBSCRIPTION, &kept).unwrap();
    assert_eq!(server.seen().len(), before + 1, "only the credentials are tried again: {:#?}", &server.seen()[before..]);
}

#[test]
fn what_was_refused_is_read_by_whoever_comes_back_with_more_rights() {
    let all = pass();
    collect(&all, SUBSCRIPTION, &Kept::default()).unwrap();
    let mut paths: Vec<String> = all.seen().into_iter().map(|seen| seen.path).collect();
    paths.sort();
    paths.dedup();
    for path in paths.into_iter().skip(1) {
        let (kept, refusing) = (Kept::default(), path.clone());
        let server = Server::new(move |seen| if seen.path == refusing { refused() } else { Treatment::Pass });
        collect(&server, SUBSCRIPTION, &kept).unwrap();
        let again = pass();
        collect(&again, SUBSCRIPTION, &kept).unwrap();
        assert!(again.seen().iter().any(|seen| seen.path == path), "{path} was refused, and is not read again");
        let left = kept.searches.lock().unwrap().values().find(|search| matches!(search.outcome, Outcome::Refused { .. })).cloned();
        assert_eq!(left, None, "{path}");
    }
}

/// Two pages of role assignments; the second is refused as long as `refuse` says.
fn paged(seen: &Seen, refuse: bool) -> Treatment {
    match (seen.path.ends_with("/roleAssignments"), seen.query.contains("page=2")) {
        (true, false) => {
            let link = format!("http://{}{}?page=2", seen.host, seen.path);
            Treatment::Answer(200, serde_json::json!({"value": [], "nextLink": link}).to_string())
        }
        (true, true) if refuse => refused(),
        _ => Treatment::Pass,
    }
}

#[test]
fn an_interrupted_list_goes_on_with_its_next_page() {
    let kept = Kept::default();
    let broken = Server::new(|seen| paged(seen, true));
    collect(&broken, SUBSCRIPTION, &kept).unwrap();
    let step = format!("/subscriptions/{SUBSCRIPTION} Microsoft.Authorization/roleAssignments");
    let Some(Point::Page(page)) = kept.resume(&step) else { panic!("{:?}", kept.resume(&step)) };
    assert!(page.ends_with("page=2"), "{page}");
    // The page is one of the server that was asked then; the next run asks the same one.
    let whole = Server::new(|seen| paged(seen, false));
    kept.reached(&step, Point::Page(page.replace(&broken.url(), &whole.url()))).unwrap();
    collect(&whole, SUBSCRIPTION, &kept).unwrap();
    assert_eq!(whole.seen().iter().filter(|seen| seen.path.ends_with("/roleAssignments")).count(), 1);
    assert_eq!(kept.resume(&step), Some(Point::End));
}

#[test]
fn a_page_that_azure_has_forgotten_or_that_leads_elsewhere_is_read_from_the_beginning() {
    let step = format!("/subscriptions/{SUBSCRIPTION} Microsoft.Authorization/roleAssignments");
    let elsewhere = pass();
    let forgetful = Server::new(|seen| {
        let forgotten = seen.query.contains("page=2");
        if forgotten { Treatment::Answer(400, error("InvalidSkipToken", "expired")) } else { Treatment::Pass }
    });
    for link in [format!("{}/page=2", elsewhere.url()), format!("{}/roleAssignments?page=2", forgetful.url())] {
        let kept = Kept::default();
        kept.reached(&step, Point::Page(link)).unwrap();
        collect(&forgetful, SUBSCRIPTION, &kept).unwrap();
        assert_eq!(kept.resume(&step), Some(Point::End));
        assert!(kept.snapshot().of("azure:group-members", GROUP).next().is_some());
    }
    assert!(elsewhere.seen().is_empty());
}

#[test]
fn a_management_group_is_read_with_every_subscription_below_it() {
    let (server, kept) = (pass(), Kept::default());
    let root = "/providers/Microsoft.Management/managementGroups/root";
    assert_eq!(collect(&server, root, &kept).unwrap(), root);
    for id in [SUBSCRIPTION, OTHER_SUBSCRIPTION] {
        assert_eq!(outcome(&kept, "azure:role-assignment", &format!("/subscriptions/{id}")), Some(Outcome::Found));
    }
    let unit = "/providers/Microsoft.Management/managementGroups/unit";
    assert_eq!(outcome(&kept, "azure:role-assignment", &format!("{unit}?$filter=atScope()")), Some(Outcome::Found));
    let question = crate::server::asking(PERSON, "Microsoft.Management/managementGroups/read", unit);
    assert_eq!(Azure.simulate(&question, &kept.snapshot()).unwrap().decision, Decision::Deny);
    let offline = Azure.simulate(&crate::server::question(APP_OBJECT), &kept.snapshot()).unwrap();
    assert_eq!(offline.decision, Decision::Allow, "{:#?}", offline.doubts);
    assert_eq!(server.calls("/providerOperations/Microsoft.Odd"), 1, "the catalogue is the same for all subscriptions");
    assert_eq!(kept.snapshot().all_of("azure:role-definition").count(), 2, "and so are the roles of Microsoft's own");
}

#[test]
fn what_is_below_a_management_group_is_not_guessed() {
    let server = Server::new(|seen| if seen.path.ends_with("/descendants") { refused() } else { Treatment::Pass });
    let error = collect(&server, "managementGroups/root", &Kept::default()).unwrap_err();
    let needs = "Microsoft.Management/managementGroups/descendants/read";
    assert!(matches!(error, CollectError::NothingRead { ref said, .. } if said.contains(needs)), "{error}");
}

#[test]
fn hidden_members_are_not_no_members() {
    let server = Server::new(|seen| match seen.path.as_str() {
        path if path.ends_with("/transitiveMembers") => Treatment::Answer(200, r#"{"value": []}"#.into()),
        path if path == format!("/v1.0/groups/{GROUP}") => {
            Treatment::Answer(200, format!(r#"{{"id": "{GROUP}", "visibility": "HiddenMembership"}}"#))
        }
        _ => Treatment::Pass,
    });
    let kept = Kept::default();
    collect(&server, SUBSCRIPTION, &kept).unwrap();
    let offline = Azure.simulate(&crate::server::question(APP_OBJECT), &kept.snapshot()).unwrap();
    assert_eq!(offline.decision, Decision::Undetermined);
    let outcome = outcome(&kept, "azure:group-members", GROUP);
    assert!(matches!(outcome, Some(Outcome::Refused { ref needs, .. }) if needs == "Graph Member.Read.Hidden"), "{outcome:?}");
}

#[test]
fn two_assignments_of_one_name_at_one_scope_are_both_kept() {
    let policy = |name: &str| {
        serde_json::json!({"id": format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/policyAssignments/{name}"), "name": name,
            "properties": {"displayName": "Baseline", "scope": format!("/subscriptions/{SUBSCRIPTION}"), "policyDefinitionId": "/x/policyDefinitions/p"}})
    };
    let two = serde_json::json!({"value": [policy("one"), policy("two")]}).to_string();
    let server = Server::new(
        move |seen| {
            if seen.path.ends_with("/policyAssignments") { Treatment::Answer(200, two.clone()) } else { Treatment::Pass }
        },
    );
    let kept = Kept::default();
    collect(&server, SUBSCRIPTION, &kept).unwrap();
    assert_eq!(kept.snapshot().all_of("azure:policy-assignment").count(), 2);
}

#[test]
fn reading_whole_sends_nothing_that_writes_and_keeps_no_secret() {
    let server = Server::new(|seen| {
        let repeated = error("AuthorizationFailed", &format!("Bearer {MARKED_TOKEN}"));
        if seen.path.ends_with("/locks") || seen.path.ends_with("/transitiveMembers") {
            Treatment::Answer(403, repeated)
        } else {
            Treatment::Pass
        }
    });
    let kept = Kept::default();
    collect(&server, "managementGroups/root", &kept).unwrap();
    for call in server.seen() {
        let reads = call.method == "POST" && READING_POSTS.iter().any(|path| call.path.ends_with(path));
        assert!(call.method == "GET" || reads, "{call:?}");
        assert_eq!(call.authorization, format!("Bearer {MARKED_TOKEN}"));
    }
    let said = format!("{:?}{:?}", kept.snapshot(), kept.reached.lock().unwrap());
    assert!(!said.contains(MARKED_TOKEN));
}

/// Role assignments to one group of this type.
fn to_group(kind: &'static str) -> Server {
    Server::new(move |seen| {
        if seen.path.ends_with("/roleAssignments") {
            let own = format!("/subscriptions/{SUBSCRIPTION}");
            let one = serde_json::json!({"id": format!("{own}/providers/Microsoft.Authorization/roleAssignments/a"), "name": "a", "properties": {
                "roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/55555555-5555-5555-5555-555555555555",
                "principalId": NOBODY, "principalType": kind, "scope": own, "condition": null}});
            return Treatment::Answer(200, serde_json::json!({"value": [one]}).to_string());
        }
        Treatment::Pass
    })
}

#[test]
fn a_deleted_group_has_no_members_and_one_of_another_tenant_has_them_there() {
    for (kind, wanted) in [("Group", Decision::Deny), ("ForeignGroup", Decision::Undetermined)] {
        let kept = Kept::default();
        collect(&to_group(kind), SUBSCRIPTION, &kept).unwrap();
        let verdict = Azure.simulate(&crate::server::question(PERSON), &kept.snapshot()).unwrap();
        assert_eq!(verdict.decision, wanted, "{kind}: {:#?}", verdict.doubts);
    }
}

#[test]
fn what_every_subscription_inherits_is_read_once() {
    let definition = "/providers/Microsoft.Authorization/policyDefinitions/regions";
    let server = Server::new(move |seen| {
        if seen.path.ends_with("/policyAssignments") {
            let one = serde_json::json!({"id": "/providers/Microsoft.Management/managementGroups/root/providers/Microsoft.Authorization/policyAssignments/p",
                "name": "p", "properties": {"policyDefinitionId": definition}});
            return Treatment::Answer(200, serde_json::json!({"value": [one]}).to_string());
        }
        if seen.path == definition {
            return Treatment::Answer(200, serde_json::json!({"id": definition, "name": "regions"}).to_string());
        }
        Treatment::Pass
    });
    let kept = Kept::default();
    collect(&server, "managementGroups/root", &kept).unwrap();
    assert_eq!(server.calls("/policyAssignments"), 4, "two groups, two subscriptions");
    assert_eq!(server.calls("/policyDefinitions/regions"), 1);
    assert!(kept.snapshot().of("azure:policy-definition", definition).next().is_some());
}

#[test]
fn members_are_read_by_their_ids_where_the_directory_gives_no_more() {
    let server = Server::new(|seen| {
        let more = seen.path.ends_with("/transitiveMembers") && seen.query.contains("appId");
        if more { Treatment::Answer(400, error("BadRequest", "Could not find a property named 'appId'")) } else { Treatment::Pass }
    });
    let kept = Kept::default();
    collect(&server, SUBSCRIPTION, &kept).unwrap();
    assert_eq!(Azure.simulate(&crate::server::question(APP_OBJECT), &kept.snapshot()).unwrap().decision, Decision::Allow);
}

#[test]
fn what_a_managing_tenant_was_delegated_in_a_resource_group_is_known_offline() {
    let managing = |to: &'static str| {
        Server::new(move |seen| {
            let own = format!("/subscriptions/{SUBSCRIPTION}");
            let registrations = format!("{own}/resourceGroups/g/providers/Microsoft.ManagedServices/registrationAssignments");
            if seen.path == own {
                let object = serde_json::json!({"id": own, "state": "Enabled", "tenantId": "customer", "managedByTenants": [{"tenantId": "provider"}]});
                return Treatment::Answer(200, object.to_string());
            }
            if seen.path == registrations {
                let one = serde_json::json!({"id": format!("{registrations}/r"), "properties": {"registrationDefinition": {"properties": {"authorizations": [
                    {"principalId": to, "roleDefinitionId": "55555555-5555-5555-5555-555555555555"}]}}}});
                return Treatment::Answer(200, serde_json::json!({"value": [one]}).to_string());
            }
            Treatment::Pass
        })
    };
    let context = iam_why_contract::Context::default().with("tenant", ["provider"]);
    let question = iam_why_contract::Question { context, ..crate::server::question(NOBODY) };
    // Who is in a group of the other tenant is not to be seen from here.
    let theirs = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa";
    for (to, wanted) in [(NOBODY, Decision::Allow), (theirs, Decision::Undetermined)] {
        let kept = Kept::default();
        collect(&managing(to), SUBSCRIPTION, &kept).unwrap();
        let verdict = Azure.simulate(&question, &kept.snapshot()).unwrap();
        assert_eq!(verdict.decision, wanted, "{:#?}", verdict.doubts);
    }
}
