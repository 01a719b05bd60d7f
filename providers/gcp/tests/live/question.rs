//! One question: what is read for it, and how.

use crate::company::{company, with};
use crate::server::{Answer, Server, refused};
use crate::{ANA, APP, BOB, ask, collect, decide, options, question, read, refusals, saved};
use iam_why_contract::collect::{Collect, Options, Quiet};
use iam_why_contract::{Decision, Provider, Snapshot};
use iam_why_gcp::Gcp;
use iam_why_gcp::collect::GcpReader;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

#[tokio::test]
async fn a_grant_on_the_folder_is_found_and_so_is_everything_else_that_could_refuse() {
    let server = Server::new(company);
    let collected = read(&server, ANA).await;
    assert_eq!(refusals(&collected.snapshot), []);
    let verdict = decide(&collected);
    assert_eq!(verdict.decision, Decision::Allow, "{:?}", verdict.doubts);
    let notes = verdict.notes.join("; ");
    assert!(!notes.contains("billing") && !notes.contains("API is enabled"), "{notes}");
}

#[tokio::test]
async fn somebody_without_a_grant_is_refused() {
    let verdict = decide(&read(&Server::new(company), BOB).await);
    assert_eq!(verdict.decision, Decision::Deny, "{:?}", verdict.doubts);
}

#[tokio::test]
async fn me_is_who_the_token_belongs_to() {
    assert_eq!(read(&Server::new(company), "me").await.question.principal, ANA);
}

#[tokio::test]
async fn every_policy_is_asked_for_in_version_3() {
    let secret = "//secretmanager.googleapis.com/projects/300/secrets/db";
    let server = Server::new(company);
    read(&server, ANA).await;
    collect(&server, &ask(ANA, "secretmanager.versions.access", secret)).await;
    collect(&server, &ask(ANA, "iam.serviceAccounts.getAccessToken", "app@acme.iam.gserviceaccount.com")).await;
    collect(&server, &ask(ANA, "bigquery.tables.getData", "//bigquery.googleapis.com/projects/acme/datasets/d/tables/t")).await;
    let policies: Vec<_> =
        server.seen().into_iter().filter(|seen| seen.path.ends_with(":getIamPolicy") || seen.path.ends_with("/iam")).collect();
    assert!(policies.len() > 8, "{policies:#?}");
    for seen in policies {
        let in_body = seen.body.contains(r#""requestedPolicyVersion":3"#);
        let in_query = ["options.requestedPolicyVersion=3", "optionsRequestedPolicyVersion=3"].iter().any(|it| seen.target.contains(it));
        assert!(in_body || in_query, "{} {}", seen.target, seen.body);
    }
}

#[tokio::test]
async fn a_conditional_grant_of_version_3_holds_for_what_its_condition_names() {
    let rule = with(&[(
        "/storage/v1/b/reports/iam",
        r#"{"version": 3, "etag": "CAE=", "bindings": [{"role": "roles/storage.objectViewer", "members": ["user:bob@example.com"],
            "condition": {"title": "2026 only", "expression": "resource.name.startsWith('projects/_/buckets/reports/objects/2026/')"}}]}"#,
    )]);
    let server = Server::new(rule);
    assert_eq!(decide(&read(&server, BOB).await).decision, Decision::Allow);
    let older = ask(BOB, "storage.objects.get", "gs://reports/2025/q1.csv");
    assert_eq!(decide(&collect(&server, &older).await).decision, Decision::Deny);
}

#[tokio::test]
async fn the_path_is_told_at_one_go_and_else_climbed() {
    let server = Server::new(company);
    read(&server, ANA).await;
    assert!(server.seen().iter().all(|seen| seen.path != "/v3/folders/8"));
    let server = Server::new(|seen| if seen.path.ends_with(":getAncestry") { refused() } else { company(seen) });
    let collected = read(&server, ANA).await;
    assert!(server.seen().iter().any(|seen| seen.path == "/v3/folders/8"));
    assert_eq!(decide(&collected).decision, Decision::Allow);
}

#[tokio::test]
async fn folders_that_may_not_be_read_are_known_from_the_ancestry() {
    let server = Server::new(|seen| if seen.path == "/v3/folders/8" { refused() } else { company(seen) });
    let collected = read(&server, ANA).await;
    assert_eq!(decide(&collected).decision, Decision::Allow);
}

#[tokio::test]
async fn an_ancestry_that_leaves_something_out_is_not_the_path() {
    for ancestry in [
        r#"{"ancestor": [{"resourceId": {"type": "project", "id": "acme"}}]}"#,
        r#"{"ancestor": [{"resourceId": {"type": "project", "id": "acme"}}, {"resourceId": {"type": "organization", "id": "77"}}]}"#,
        "{}",
    ] {
        let server = Server::new(move |seen| if seen.path.ends_with(":getAncestry") { Answer::json(ancestry) } else { company(seen) });
        assert_eq!(decide(&read(&server, ANA).await).decision, Decision::Allow, "{ancestry}");
    }
}

#[tokio::test]
async fn nothing_is_asked_twice_and_the_longest_chain_is_short() {
    let server = Server::in_rounds(company);
    let many = Options { concurrency: 64, ..options(&server) };
    let collected = GcpReader.question(&question(ANA), &many, &Quiet).await.unwrap();
    assert_eq!(decide(&collected).decision, Decision::Allow);
    // Bucket, project, policies, roles.
    assert_eq!(server.rounds(), 4);
    let asked: Vec<String> = server.seen().into_iter().map(|seen| format!("{} {}", seen.method, seen.target)).collect();
    let mut once = asked.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), asked.len(), "{asked:#?}");
    assert_eq!(asked.len(), 24, "{asked:#?}");
}

#[tokio::test]
async fn what_was_read_answers_the_same_when_it_was_saved() {
    for principal in [ANA, BOB, APP] {
        let server = Server::new(company);
        let (first, second) = (read(&server, principal).await, read(&server, principal).await);
        let again = Snapshot::parse(&saved(&first.snapshot)).unwrap();
        let offline = Gcp.simulate(&first.question, &again).unwrap();
        assert_eq!(format!("{offline:?}"), format!("{:?}", decide(&first)));
        let without_time = |snapshot: &Snapshot| saved(snapshot).replace(snapshot.taken_at.as_deref().unwrap(), "");
        assert_eq!(without_time(&first.snapshot), without_time(&second.snapshot));
    }
}

#[tokio::test]
async fn a_deny_policy_is_read_with_its_rules() {
    let server = Server::new(with(&[
        (
            "/v2/policies/cloudresourcemanager.googleapis.com%2Fprojects%2F300/denypolicies",
            r#"{"policies": [{"name": "policies/cloudresourcemanager.googleapis.com%2Fprojects%2F300/denypolicies/guard"}]}"#,
        ),
        (
            "/v2/policies/cloudresourcemanager.googleapis.com%2Fprojects%2F300/denypolicies/guard",
            r#"{"name": "policies/cloudresourcemanager.googleapis.com%2Fprojects%2F300/denypolicies/guard", "rules": [{"denyRule": {
                "deniedPrincipals": ["principalSet://goog/public:all"], "deniedPermissions": ["storage.googleapis.com/objects.get"]}}]}"#,
        ),
    ]));
    let verdict = decide(&read(&server, ANA).await);
    assert_eq!((verdict.decision, verdict.decided_by), (Decision::Deny, Some("deny_policy")));
}

#[tokio::test]
async fn a_limit_is_waited_out_and_said() {
    let limited = AtomicBool::new(false);
    let server = Server::new(move |seen| {
        let limit = r#"{"error": {"code": 429, "message": "slow down", "details": [
            {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1.1s"}]}}"#;
        let first = seen.path.ends_with("folders%2F8/denypolicies") && !limited.swap(true, Ordering::Relaxed);
        if first { Answer::new(429, limit) } else { company(seen) }
    });
    let collected = read(&server, ANA).await;
    assert_eq!(decide(&collected).decision, Decision::Allow);
    assert_eq!(collected.notes, ["Google Cloud limits iam.policies.listPolicies: waited 1 s for it"]);
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
    let collected = read(&server, ANA).await;
    let refused = refusals(&collected.snapshot);
    assert!(refused.iter().any(|(needs, _)| needs.contains("5 calls a minute")), "{refused:?}");
    assert!(
        collected.notes.iter().any(|note| note.contains("iam.policies.listPolicies") && note.contains("--timeout")),
        "{:?}",
        collected.notes
    );
    assert_eq!(decide(&collected).decision, Decision::Undetermined);
}

#[tokio::test]
async fn pages_are_followed_and_those_that_never_end_are_given_up() {
    let group = r#""memberships": [{"groupKey": {"id": "readers@example.com"}}]"#;
    let server = Server::new(move |seen| match (seen.path.contains("searchTransitiveGroups"), seen.target.contains("pageToken")) {
        (true, false) => Answer::json(r#"{"memberships": [], "nextPageToken": "two"}"#),
        (true, true) => Answer::json(&format!("{{{group}}}")),
        _ => company(seen),
    });
    assert_eq!(decide(&read(&server, ANA).await).decision, Decision::Allow);
    for changing in [false, true] {
        let server = Server::new(move |seen| {
            let page = if changing { seen.number } else { 0 };
            if seen.path.contains("/denypolicies") {
                Answer::json(&format!(r#"{{"nextPageToken": "again-{page}"}}"#))
            } else {
                company(seen)
            }
        });
        let hurried = Options { timeout: Duration::from_secs(3), ..options(&server) };
        let collected = GcpReader.question(&question(ANA), &hurried, &Quiet).await.unwrap();
        let refused = refusals(&collected.snapshot);
        assert!(refused.iter().any(|(_, said)| said.contains("do not end") || said == "timed out"), "{refused:?}");
        assert_eq!(decide(&collected).decision, Decision::Undetermined);
    }
}

#[tokio::test]
async fn what_a_slow_server_did_not_answer_is_noted() {
    let server = Server::new(|seen| if seen.path.contains("/denypolicies") { Answer::Silence } else { company(seen) });
    let hurried = Options { timeout: Duration::from_secs(2), ..options(&server) };
    let collected = GcpReader.question(&question(ANA), &hurried, &Quiet).await.unwrap();
    let refused = refusals(&collected.snapshot);
    assert!(refused.iter().any(|(needs, _)| needs.contains("--timeout")), "{refused:?}");
    assert_eq!(decide(&collected).decision, Decision::Undetermined);
}

#[tokio::test]
async fn billing_that_is_off_is_left_out_of_the_answer_and_told_all_the_same() {
    let server = Server::new(with(&[(
        "/v1/projects/300/billingInfo",
        r#"{"name": "projects/acme/billingInfo", "projectId": "acme", "billingAccountName": ""}"#,
    )]));
    let verdict = decide(&read(&server, ANA).await);
    assert_eq!(verdict.decision, Decision::Undetermined);
    assert!(verdict.doubts.iter().any(|doubt| doubt.about.contains("billing")), "{:?}", verdict.doubts);
}

#[tokio::test]
async fn an_ip_filter_that_is_not_shown_leaves_the_answer_open() {
    let server = Server::new(with(&[("/storage/v1/b/reports/iam/testPermissions", r#"{"kind": "storage#testIamPermissionsResponse"}"#)]));
    let verdict = decide(&read(&server, ANA).await);
    assert_eq!(verdict.decision, Decision::Undetermined);
    assert!(verdict.doubts.iter().any(|doubt| doubt.needs == "storage.buckets.getIpFilter"), "{:?}", verdict.doubts);
}

#[tokio::test]
async fn policies_that_may_not_be_read_come_through_cloud_asset_inventory() {
    let inventory = r#"{"policyResults": [{"fullResourceName": "//storage.googleapis.com/reports", "policies": [
        {"attachedResource": "//cloudresourcemanager.googleapis.com/projects/300", "policy": {"etag": "X", "bindings": [
            {"role": "roles/owner", "members": ["user:eve@example.com"]}]}},
        {"attachedResource": "//cloudresourcemanager.googleapis.com/folders/8", "policy": {"etag": "X", "bindings": [
            {"role": "roles/storage.objectViewer", "members": ["group:readers@example.com"]}]}}]}]}"#;
    let server = Server::new(move |seen| match seen.path.as_str() {
        "/v3/folders/8:getIamPolicy" => refused(),
        "/v1/organizations/77/effectiveIamPolicies:batchGet" => Answer::json(inventory),
        _ => company(seen),
    });
    let collected = read(&server, ANA).await;
    let verdict = decide(&collected);
    assert_eq!(verdict.decision, Decision::Allow);
    let note = "the allow policy of folders/8 is as Cloud Asset Inventory has it, which may be minutes old";
    assert!(verdict.notes.iter().any(|told| told == note), "{:?}", verdict.notes);
    // The policy of the project was read itself, so what the inventory remembers of it does not count.
    assert!(!saved(&collected.snapshot).contains("eve@example.com"));
}

#[tokio::test]
async fn a_bucket_that_may_not_be_read_itself_takes_no_longer_than_one_that_may() {
    let inventory = r#"{"policyResults": [{"fullResourceName": "//storage.googleapis.com/reports", "policies": [
        {"attachedResource": "//storage.googleapis.com/reports", "policy": {"etag": "X", "bindings": [
            {"role": "roles/iam.serviceAccountTokenCreator", "members": ["user:eve@example.com"]}]}}]}]}"#;
    let server = Server::in_rounds(move |seen| match seen.path.as_str() {
        "/storage/v1/b/reports/iam" => refused(),
        path if path.ends_with(":batchGet") => Answer::json(inventory),
        _ => company(seen),
    });
    let many = Options { concurrency: 64, ..options(&server) };
    let collected = GcpReader.question(&question(ANA), &many, &Quiet).await.unwrap();
    assert_eq!(decide(&collected).decision, Decision::Allow);
    // Bucket; project; policies and inventory; roles of both, and beside them what could be granted.
    assert_eq!((server.rounds(), server.seen().len()), (4, 26));
}

#[tokio::test]
async fn a_level_that_the_inventory_leaves_out_stays_unread() {
    let server = Server::new(|seen| match seen.path.as_str() {
        "/v3/folders/8:getIamPolicy" => refused(),
        path if path.ends_with(":batchGet") => {
            Answer::json(r#"{"policyResults": [{"fullResourceName": "//storage.googleapis.com/reports"}]}"#)
        }
        _ => company(seen),
    });
    assert_eq!(decide(&read(&server, BOB).await).decision, Decision::Undetermined);
}

#[tokio::test]
async fn the_path_of_a_service_account_of_another_project_bounds_it() {
    let server = Server::new(with(&[
        ("/v3/projects/tools", r#"{"name": "projects/400", "projectId": "tools", "parent": "organizations/77"}"#),
        (
            "/v1/projects/tools:getAncestry",
            r#"{"ancestor": [{"resourceId": {"type": "project", "id": "tools"}}, {"resourceId": {"type": "organization", "id": "77"}}]}"#,
        ),
        ("/v1/projects/tools/services/storage.googleapis.com", r#"{"name": "x", "state": "ENABLED"}"#),
        (
            "/v1/projects/-/serviceAccounts/ci%40tools.iam.gserviceaccount.com",
            r#"{"email": "ci@tools.iam.gserviceaccount.com", "uniqueId": "3"}"#,
        ),
        (
            "/storage/v1/b/reports/iam",
            r#"{"etag": "X", "bindings": [{"role": "roles/storage.objectViewer", "members": ["serviceAccount:ci@tools.iam.gserviceaccount.com"]}]}"#,
        ),
    ]));
    let collected = read(&server, "serviceAccount:ci@tools.iam.gserviceaccount.com").await;
    let target = "%2F%2Fcloudresourcemanager.googleapis.com%2Fprojects%2F400";
    assert!(server.seen().iter().any(|seen| seen.target.contains(target)), "asked for by number");
    assert_eq!(decide(&collected).decision, Decision::Allow, "{:?}", decide(&collected).doubts);
}

#[tokio::test]
async fn a_workload_pool_is_bounded_by_the_path_above_its_project() {
    let caller = "principal://iam.googleapis.com/projects/300/locations/global/workloadIdentityPools/ci/subject/main";
    let grant = r#"{"etag": "X", "bindings": [{"role": "roles/storage.objectViewer", "members": [
        "principalSet://iam.googleapis.com/projects/300/locations/global/workloadIdentityPools/ci/*"]}]}"#;
    for (closed, decision) in [(false, Decision::Allow), (true, Decision::Undetermined)] {
        let server = Server::new(move |seen| match seen.path.as_str() {
            "/storage/v1/b/reports/iam" => Answer::json(grant),
            path if closed && path.ends_with(":searchTargetPolicyBindings") && seen.target.contains("workloadIdentityPools") => refused(),
            _ => company(seen),
        });
        let verdict = decide(&read(&server, caller).await);
        assert_eq!(verdict.decision, decision, "{:?}", verdict.doubts);
    }
}

#[tokio::test]
async fn a_user_of_another_organization_is_bounded_by_that_one() {
    let bea = "user:bea@partner.example";
    let grant = r#"{"etag": "X", "bindings": [{"role": "roles/storage.objectViewer", "members": ["user:bea@partner.example"]}]}"#;
    let seen = r#"{"organizations": [{"name": "organizations/88", "displayName": "partner.example", "directoryCustomerId": "C088"}]}"#;
    for (found, decision) in [(seen, Decision::Allow), ("{}", Decision::Undetermined)] {
        let server = Server::new(move |seen| match seen.path.as_str() {
            "/storage/v1/b/reports/iam" => Answer::json(grant),
            "/v3/organizations:search" => Answer::json(found),
            _ => company(seen),
        });
        let verdict = decide(&read(&server, bea).await);
        assert_eq!(verdict.decision, decision, "{:?}", verdict.doubts);
        let asked = server.seen().iter().any(|seen| seen.path.starts_with("/v3/organizations/88/") && seen.target.contains("C088"));
        assert_eq!(asked, decision == Decision::Allow);
    }
}

#[tokio::test]
async fn a_workforce_pool_is_bounded_by_its_organization() {
    let caller = "principal://iam.googleapis.com/locations/global/workforcePools/staff/subject/ana";
    let grant = (
        "/storage/v1/b/reports/iam",
        r#"{"etag": "X", "bindings": [{"role": "roles/storage.objectViewer", "members": [
            "principal://iam.googleapis.com/locations/global/workforcePools/staff/subject/ana"]}]}"#,
    );
    let pool = r#"{"name": "locations/global/workforcePools/staff", "parent": "organizations/77"}"#;
    let unknown = Server::new(move |seen| if seen.path == grant.0 { Answer::json(grant.1) } else { company(seen) });
    assert_eq!(decide(&read(&unknown, caller).await).decision, Decision::Undetermined);
    let known = Server::new(move |seen| match seen.path.as_str() {
        "/v1/locations/global/workforcePools/staff" => Answer::json(pool),
        path if path == grant.0 => Answer::json(grant.1),
        _ => company(seen),
    });
    let collected = read(&known, caller).await;
    assert_eq!(decide(&collected).decision, Decision::Allow, "{:?}", decide(&collected).doubts);
}
