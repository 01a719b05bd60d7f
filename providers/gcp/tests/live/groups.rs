//! Groups: what the search for somebody's groups proves, and what takes its place where it is refused.

use crate::company::company;
use crate::server::{Answer, Seen, Server, refused};
use crate::{ANA, APP, BOB, decide, read};
use iam_why_contract::Decision;

const SEARCH: &str = "/v1/groups/-/memberships:searchTransitiveGroups";

fn members(seen: &Seen, members: &str) -> Answer {
    match seen.path.as_str() {
        SEARCH => refused(),
        "/v1/groups/1/memberships" => Answer::json(members),
        _ => company(seen),
    }
}

#[tokio::test]
async fn where_the_search_is_refused_the_members_of_the_groups_that_policies_name_are_read() {
    let server = Server::new(|seen| if seen.path == SEARCH { refused() } else { company(seen) });
    assert_eq!(decide(&read(&server, ANA).await).decision, Decision::Allow);
    assert_eq!(decide(&read(&server, BOB).await).decision, Decision::Deny);
    assert!(server.seen().iter().any(|seen| seen.target.contains("groupKey.id=readers%40example.com")));
    assert!(server.seen().iter().any(|seen| seen.path == "/v1/groups/1/memberships" && seen.target.contains("view=FULL")));
}

#[tokio::test]
async fn members_of_members_count() {
    let server = Server::new(|seen| match seen.path.as_str() {
        "/v1/groups/2/memberships" => {
            Answer::json(r#"{"memberships": [{"preferredMemberKey": {"id": "Bob@example.com"}, "type": "USER"}]}"#)
        }
        "/v1/groups:lookup" if seen.target.contains("inner") => Answer::json(r#"{"name": "groups/2"}"#),
        _ => members(seen, r#"{"memberships": [{"preferredMemberKey": {"id": "inner@example.com"}, "type": "GROUP"}]}"#),
    });
    assert_eq!(decide(&read(&server, BOB).await).decision, Decision::Allow);
}

#[tokio::test]
async fn groups_that_hold_each_other_are_read_once() {
    let server =
        Server::new(|seen| members(seen, r#"{"memberships": [{"preferredMemberKey": {"id": "readers@example.com"}, "type": "GROUP"}]}"#));
    assert_eq!(decide(&read(&server, BOB).await).decision, Decision::Deny);
    assert_eq!(server.seen().iter().filter(|seen| seen.path == "/v1/groups/1/memberships").count(), 1);
}

#[tokio::test]
async fn a_member_that_may_stand_for_everybody_leaves_the_answer_open() {
    let server = Server::new(|seen| members(seen, r#"{"memberships": [{"preferredMemberKey": {"id": "C077"}, "type": "OTHER"}]}"#));
    assert_eq!(decide(&read(&server, BOB).await).decision, Decision::Undetermined);
}

#[tokio::test]
async fn members_that_may_not_be_read_either_leave_the_answer_open() {
    for closed in ["/v1/groups:lookup", "/v1/groups/1/memberships"] {
        let server = Server::new(move |seen| if seen.path == SEARCH || seen.path == closed { refused() } else { company(seen) });
        let verdict = decide(&read(&server, BOB).await);
        assert_eq!(verdict.decision, Decision::Undetermined, "{closed}");
        assert!(verdict.doubts.iter().any(|doubt| doubt.about.contains("readers@example.com")), "{:?}", verdict.doubts);
    }
}

/// The group of another organization that is granted the role.
fn partner(seen: &Seen) -> Answer {
    match seen.path.as_str() {
        "/v3/folders/8:getIamPolicy" => Answer::json(
            r#"{"etag": "X", "bindings": [{"role": "roles/storage.objectViewer", "members": ["group:guests@partner.example"]}]}"#,
        ),
        _ => company(seen),
    }
}

#[tokio::test]
async fn that_the_search_does_not_find_a_group_of_another_organization_proves_nothing() {
    let closed = Server::new(|seen| if seen.path == "/v1/groups:lookup" { refused() } else { partner(seen) });
    assert_eq!(decide(&read(&closed, BOB).await).decision, Decision::Undetermined);
    let open = Server::new(|seen| match seen.path.as_str() {
        "/v1/groups/2/memberships" => {
            Answer::json(r#"{"memberships": [{"preferredMemberKey": {"id": "ana@example.com"}, "type": "USER"}]}"#)
        }
        _ => partner(seen),
    });
    assert_eq!(decide(&read(&open, BOB).await).decision, Decision::Deny);
    assert_eq!(decide(&read(&open, ANA).await).decision, Decision::Allow);
}

#[tokio::test]
async fn the_groups_of_a_service_account_are_those_of_the_organization_it_lives_in() {
    let server = Server::new(company);
    assert_eq!(decide(&read(&server, APP).await).decision, Decision::Deny);
    assert!(server.seen().iter().all(|seen| seen.path != "/v1/groups:lookup"));
}
