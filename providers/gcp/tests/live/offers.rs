//! What could be granted: read for fixes, and never in the way of an answer.

use crate::company::{company, with};
use crate::server::{Answer, Seen, Server, refused};
use crate::whole::Kept;
use crate::{BOB, ask, collect, decide, options, read, refusals};
use iam_why_contract::collect::{Collect, Options, Quiet};
use iam_why_contract::{Decision, Fix, Outcome, Provider, Verdict};
use iam_why_gcp::Gcp;
use iam_why_gcp::collect::GcpReader;
use std::time::Duration;

const QUERY: &str = "/v1/roles:queryGrantableRoles";
const BUCKET: &str = "//storage.googleapis.com/projects/_/buckets/reports";

fn says(verdict: &Verdict) -> Vec<&str> {
    verdict.fixes.iter().map(Fix::says).collect()
}

#[tokio::test]
async fn a_fix_grants_the_narrowest_role_that_google_cloud_takes_on_the_bucket() {
    let server = Server::new(company);
    let verdict = decide(&read(&server, BOB).await);
    assert_eq!(verdict.decision, Decision::Deny);
    assert_eq!(
        says(&verdict),
        [
            "grant roles/storage.objectViewer to user:bob@example.com on gs://reports, for gs://reports/2026/q1.csv only",
            "grant roles/storage.objectViewer to user:bob@example.com on gs://reports",
            "grant roles/storage.legacyObjectReader to user:bob@example.com on gs://reports",
        ]
    );
    let asked: Vec<Seen> = server.seen().into_iter().filter(|seen| seen.path == QUERY).collect();
    let bodies: Vec<&str> = asked.iter().map(|seen| seen.body.as_str()).collect();
    assert_eq!(bodies, [format!(r#"{{"fullResourceName":"{BUCKET}","pageSize":1000,"view":"FULL"}}"#)]);
}

#[tokio::test]
async fn what_is_refused_here_makes_no_answer_less_certain() {
    for fault in [refused as fn() -> Answer, || Answer::new(400, "{}"), || Answer::json("[]"), || Answer::Cut] {
        let server = Server::new(move |seen| if seen.path.starts_with(QUERY) { fault() } else { company(seen) });
        let collected = read(&server, BOB).await;
        assert!(matches!(collected.snapshot.outcome("gcp:grantable-roles", BUCKET), Some(Outcome::Refused { .. })));
        let verdict = decide(&collected);
        assert_eq!(verdict.decision, Decision::Deny, "{:?}", verdict.doubts);
        // The role itself was read instead: what is said of it is today's.
        assert_eq!(says(&verdict)[1], "grant roles/storage.objectViewer to user:bob@example.com on gs://reports");
    }
}

#[tokio::test]
async fn where_nothing_is_told_of_roles_the_list_of_this_program_serves_and_says_so() {
    let secret = ask(BOB, "secretmanager.versions.access", "//secretmanager.googleapis.com/projects/300/secrets/db");
    let verdict = decide(&collect(&Server::new(quiet), &secret).await);
    assert_eq!(verdict.decision, Decision::Deny, "{:?}", verdict.doubts);
    let hedge = "as listed by November 2026: `gcloud iam roles describe roles/secretmanager.secretAccessor` shows today's)";
    assert!(says(&verdict)[0].ends_with(hedge), "{:?}", says(&verdict));
}

/// A company whose folder grants nothing, with an API more, that tells nothing of roles.
fn quiet(seen: &Seen) -> Answer {
    match seen.path.as_str() {
        path if path.starts_with("/v1/roles") => refused(),
        "/v3/folders/8:getIamPolicy" => Answer::json(r#"{"etag": "X"}"#),
        path if path.ends_with("/services/secretmanager.googleapis.com") => Answer::json(r#"{"name": "x", "state": "ENABLED"}"#),
        _ => company(seen),
    }
}

#[tokio::test]
async fn no_answer_waits_for_it() {
    let server = Server::new(|seen| if seen.path == QUERY { Answer::Silence } else { company(seen) });
    let patient = Options { timeout: Duration::from_secs(3600), ..options(&server) };
    let collected = GcpReader.question(&crate::question(BOB), &patient, &Quiet).await.unwrap();
    assert_eq!(decide(&collected).decision, Decision::Deny);
    let why = Outcome::NotTried { why: "it took longer than all that decides".into() };
    assert_eq!(collected.snapshot.outcome("gcp:grantable-roles", BUCKET), Some(&why));
}

#[tokio::test]
async fn what_can_be_granted_says_nothing_of_a_binding_whose_role_was_not_read() {
    let server = Server::new(|seen| match seen.path.as_str() {
        "/storage/v1/b/reports/iam" => {
            Answer::json(r#"{"etag": "X", "bindings": [{"role": "roles/storage.objectUser", "members": ["user:bob@example.com"]}]}"#)
        }
        "/v1/roles/storage.objectUser" => refused(),
        _ => company(seen),
    });
    assert_eq!(decide(&read(&server, BOB).await).decision, Decision::Undetermined);
}

#[tokio::test]
async fn its_pages_are_asked_for_in_the_body_and_do_not_go_on_for_ever() {
    let role = r#"{"name": "roles/storage.objectViewer", "stage": "GA", "includedPermissions": ["storage.objects.get"]}"#;
    let server = Server::new(move |seen| match (seen.path.as_str(), seen.body.contains(r#""pageToken":"two""#)) {
        (QUERY, false) => Answer::json(r#"{"nextPageToken": "two"}"#),
        (QUERY, true) => Answer::json(&format!(r#"{{"roles": [{role}]}}"#)),
        _ => company(seen),
    });
    let collected = read(&server, BOB).await;
    let document = collected.snapshot.of("gcp:grantable-roles", BUCKET).next().unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&document.text).unwrap()["roles"][0]["name"], "roles/storage.objectViewer");
    let server =
        Server::new(
            move |seen| {
                if seen.path == QUERY { Answer::json(&format!(r#"{{"nextPageToken": "{}"}}"#, seen.number)) } else { company(seen) }
            },
        );
    let collected = read(&server, BOB).await;
    assert!(refusals(&collected.snapshot).iter().any(|(_, said)| said == "the pages of iam.roles.queryGrantableRoles do not end"));
    assert_eq!(server.seen().iter().filter(|seen| seen.path == QUERY).count(), 3);
    let long = format!(r#"{{"roles": [{{"name": "roles/long", "title": "{}"}}]}}"#, "x".repeat(1024 * 1024));
    let server = Server::new(move |seen| if seen.path == QUERY { Answer::json(&long) } else { company(seen) });
    let collected = read(&server, BOB).await;
    assert!(refusals(&collected.snapshot).iter().any(|(_, said)| said.contains("more than one resource takes")));
    assert_eq!(decide(&collected).decision, Decision::Deny);
}

#[tokio::test]
async fn on_a_project_the_likely_roles_are_read_as_they_are_today() {
    let today = r#"{"name": "roles/bigquery.jobUser", "title": "BigQuery Job User", "stage": "GA",
        "includedPermissions": ["bigquery.jobs.create", "resourcemanager.projects.get"]}"#;
    let server = Server::new(move |seen| match seen.path.as_str() {
        "/v1/roles/bigquery.jobUser" => Answer::json(today),
        path if path.ends_with("/services/bigquery.googleapis.com") => Answer::json(r#"{"name": "x", "state": "ENABLED"}"#),
        _ => company(seen),
    });
    let collected = collect(&server, &ask(BOB, "bigquery.jobs.create", "projects/acme")).await;
    let verdict = decide(&collected);
    assert_eq!(verdict.decision, Decision::Deny, "{:?}", verdict.doubts);
    assert_eq!(says(&verdict)[0], "grant roles/bigquery.jobUser to user:bob@example.com on projects/acme");
    assert_eq!(verdict.fixes[0].widens(), Some("roles/bigquery.jobUser has one other permission"));
    assert_eq!(
        verdict.fixes[0].commands(),
        ["gcloud projects add-iam-policy-binding acme --member='user:bob@example.com' --role='roles/bigquery.jobUser'"]
    );
    assert!(server.seen().iter().all(|seen| seen.path != QUERY), "what a project takes is a list of all roles");
}

#[tokio::test]
async fn a_whole_account_is_read_with_the_catalogue_of_roles() {
    let server = Server::new(with(&[("/v3/folders/8:getIamPolicy", r#"{"etag": "X"}"#)]));
    let kept = Kept::default();
    GcpReader.whole(Some("acme"), &options(&server), &kept, &Quiet).await.unwrap();
    let snapshot = kept.snapshot();
    let verdict = Gcp.simulate(&crate::question(BOB), &snapshot).unwrap();
    assert_eq!(verdict.decision, Decision::Deny, "{:?}", verdict.doubts);
    assert_eq!(
        says(&verdict),
        [
            "grant roles/storage.objectViewer to user:bob@example.com on gs://reports, for gs://reports/2026/q1.csv only",
            "grant roles/storage.objectViewer to user:bob@example.com on gs://reports",
        ]
    );
    assert!(snapshot.of("gcp:role", "roles/storage.objectViewer").next().is_none(), "nothing binds it, so it decides nothing");
}
