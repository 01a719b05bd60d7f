//! A whole project, folder or organization: answers from it are as certain as live ones, and an interruption loses nothing.

use crate::company::{EMPTY, company};
pub(crate) use crate::journal::Kept;
use crate::server::{Answer, Seen, Server, refused};
use crate::{ANA, APP, BOB, ask, collect, decide, options, question};
use iam_why_contract::collect::{Collect, CollectError, Point, Progress, Quiet, Sink};
use iam_why_contract::{Decision, Outcome, Provider, Question, Snapshot};
use iam_why_gcp::Gcp;
use iam_why_gcp::collect::GcpReader;
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Hears what the user is told.
#[derive(Default)]
pub(crate) struct Listening(pub(crate) Mutex<Vec<String>>);

impl Progress for Listening {
    fn began(&self, _: &str) {}
    fn ended(&self, _: &str) {}
    fn told(&self, note: &str) {
        self.0.lock().unwrap().push(note.into());
    }
}

async fn whole(server: &Server, scope: &str, kept: &Kept) -> Result<String, CollectError> {
    GcpReader.whole(Some(scope), &options(server), kept, &Quiet).await
}

/// The organization with the folder and its project, as the lists tell it.
fn organization(seen: &Seen) -> Answer {
    match seen.path.as_str() {
        "/v3/folders" if seen.target.contains("organizations%2F77") => {
            Answer::json(r#"{"folders": [{"name": "folders/8", "parent": "organizations/77", "displayName": "data"}]}"#)
        }
        "/v3/projects" if seen.target.contains("folders%2F8") => {
            Answer::json(r#"{"projects": [{"name": "projects/300", "projectId": "acme", "parent": "folders/8", "state": "ACTIVE"}]}"#)
        }
        "/v1/projects/acme/serviceAccounts" => Answer::json(&format!(r#"{{"accounts": [{}]}}"#, crate::company::APP)),
        "/v1/projects/acme/services/secretmanager.googleapis.com" | "/v1/projects/300/services/secretmanager.googleapis.com" => {
            Answer::json(r#"{"name": "projects/300/services/secretmanager.googleapis.com", "state": "ENABLED"}"#)
        }
        path if path.ends_with("/assets") => Answer::json(
            r#"{"assets": [
                {"name": "//secretmanager.googleapis.com/projects/300/secrets/db", "assetType": "secretmanager.googleapis.com/Secret",
                    "iamPolicy": {"etag": "X", "bindings": [{"role": "roles/secrets", "members": ["user:bob@example.com"]}]}},
                {"name": "//storage.googleapis.com/reports", "assetType": "storage.googleapis.com/Bucket", "iamPolicy": {"etag": "X"}}]}"#,
        ),
        "/v1/projects/300/secrets/db:getIamPolicy" => {
            Answer::json(r#"{"etag": "X", "bindings": [{"role": "roles/secrets", "members": ["user:bob@example.com"]}]}"#)
        }
        "/v1/roles/secrets" => Answer::json(r#"{"name": "roles/secrets", "includedPermissions": ["secretmanager.versions.access"]}"#),
        "/v1/projects/acme/services" => Answer::json(
            r#"{"services": [{"name": "projects/300/services/storage.googleapis.com", "state": "ENABLED"},
                {"name": "projects/300/services/iam.googleapis.com", "state": "ENABLED"},
                {"name": "projects/300/services/secretmanager.googleapis.com", "state": "ENABLED"}]}"#,
        ),
        _ => company(seen),
    }
}

fn questions() -> Vec<Question> {
    let secret = "//secretmanager.googleapis.com/projects/300/secrets/db";
    vec![
        question(ANA),
        question(BOB),
        question(APP),
        question("user:eve@example.com"),
        ask(BOB, "iam.serviceAccounts.getAccessToken", "app@acme.iam.gserviceaccount.com"),
        ask(BOB, "secretmanager.versions.access", secret),
        ask(ANA, "resourcemanager.projects.delete", "projects/acme"),
    ]
}

#[tokio::test]
async fn answers_from_an_organization_or_a_project_are_as_certain_as_live_ones() {
    for scope in ["acme", "projects/acme", "folders/8", "organizations/77"] {
        let server = Server::new(organization);
        let kept = Kept::default();
        whole(&server, scope, &kept).await.unwrap();
        let snapshot = kept.snapshot();
        for question in questions() {
            let offline = Gcp.simulate(&question, &snapshot).unwrap();
            let live = decide(&collect(&server, &question).await);
            assert_ne!(live.decision, Decision::Undetermined, "{question:?}: {:?}", live.doubts);
            assert_eq!(offline.decision, live.decision, "{scope}: {question:?}: {:?}", offline.doubts);
        }
    }
}

#[tokio::test]
async fn whatever_goes_wrong_with_a_call_leaves_the_same_answers_or_none() {
    let clean = Server::new(organization);
    let kept = Kept::default();
    whole(&clean, "organizations/77", &kept).await.unwrap();
    let decisions = |kept: &Kept| -> Vec<Decision> {
        let snapshot = kept.snapshot();
        questions().iter().map(|question| Gcp.simulate(question, &snapshot).unwrap().decision).collect()
    };
    let done = |kept: &Kept| kept.reached.lock().unwrap().values().filter(|point| **point == Point::End).count();
    let (wanted, all) = (decisions(&kept), done(&kept));
    for fault in [refused as fn() -> Answer, || Answer::json("[]"), || Answer::Cut] {
        let one = async |target: String| {
            let without = target.clone();
            let server = Server::new(move |seen| if seen.target == without { fault() } else { organization(seen) });
            let kept = Kept::default();
            whole(&server, "organizations/77", &kept).await.unwrap();
            for (got, wanted) in decisions(&kept).into_iter().zip(&wanted) {
                assert!(got == *wanted || got == Decision::Undetermined, "without {target}: {got:?}, not {wanted:?}");
            }
            // Which folders and projects there are is asked by every run.
            let listed = ["/v3/projects?", "/v3/folders?"].iter().any(|list| target.starts_with(list));
            assert!(listed || done(&kept) < all, "a step without {target} counts as done");
        };
        futures_util::future::join_all(clean.targets().into_iter().map(one)).await;
    }
}

#[tokio::test]
async fn a_scope_that_is_none_is_told() {
    for scope in ["", "folders/", "billingAccounts/1", "a/b/c"] {
        let error = whole(&Server::new(company), scope, &Kept::default()).await.unwrap_err();
        assert!(matches!(error, CollectError::Question(_)), "{scope}: {error}");
    }
}

/// Documents and searches, one a line.
fn lines(snapshot: &Snapshot) -> BTreeSet<String> {
    let documents = snapshot.documents().iter().map(|document| format!("{} {}", document.id, document.text));
    documents.chain(snapshot.searches().iter().map(|search| format!("{search:?}"))).collect()
}

/// Two pages of buckets.
fn paged(seen: &Seen) -> Answer {
    match (seen.path.as_str(), seen.target.contains("pageToken=two")) {
        ("/storage/v1/b", false) => Answer::json(r#"{"items": [{"name": "one"}, {"name": "reports"}], "nextPageToken": "two"}"#),
        ("/storage/v1/b", true) => Answer::json(r#"{"items": [{"name": "three"}]}"#),
        (path, _) if path.ends_with("/iam/testPermissions") => Answer::json(r#"{"permissions": ["storage.buckets.getIpFilter"]}"#),
        (path, _) if path.ends_with("/iam") => Answer::json(EMPTY),
        ("/storage/v1/b/one" | "/storage/v1/b/three", _) => Answer::json(
            r#"{"name": "x", "projectNumber": "300", "location": "EU", "iamConfiguration": {"uniformBucketLevelAccess": {"enabled": true}}}"#,
        ),
        _ => company(seen),
    }
}

const BUCKETS: &str = "projects/acme buckets";

#[tokio::test]
async fn an_interrupted_run_goes_on_with_the_page_where_it_was() {
    let server = Server::new(paged);
    // Room for the inventory, the path, the predefined roles, the project and the first page.
    let kept = Kept { room: Some(AtomicUsize::new(5)), ..Kept::default() };
    let error = whole(&server, "acme", &kept).await.unwrap_err();
    assert!(matches!(error, CollectError::Write(_)), "{error}");
    assert_eq!(kept.resume(BUCKETS), Some(Point::Page("two".into())));
    let kept = Kept { room: None, ..kept };
    let before = server.seen().len();
    whole(&server, "acme", &kept).await.unwrap();
    let later: Vec<String> = server.seen().into_iter().skip(before).map(|seen| seen.path).collect();
    assert!(later.iter().any(|path| path == "/storage/v1/b/three/iam"), "{later:#?}");
    assert!(
        later.iter().all(|path| !path.contains("/b/one") && !path.contains("/b/reports") && !path.contains("denypolicies")),
        "{later:#?}"
    );
    assert_eq!(kept.resume(BUCKETS), Some(Point::End));
    let server = Server::new(paged);
    let at_once = Kept::default();
    whole(&server, "acme", &at_once).await.unwrap();
    let (parts, whole) = (lines(&kept.snapshot()), lines(&at_once.snapshot()));
    let other: Vec<&String> = parts.symmetric_difference(&whole).collect();
    assert!(other.is_empty(), "{other:#?}");
}

#[tokio::test]
async fn what_conditions_ask_for_is_remembered_by_the_run_that_goes_on() {
    let rule = |seen: &Seen| match seen.path.as_str() {
        "/v3/folders/8:getIamPolicy" => Answer::json(
            r#"{"version": 3, "etag": "X", "bindings": [{"role": "roles/storage.objectViewer", "members": ["user:bob@example.com"],
                "condition": {"title": "prod", "expression": "resource.matchTag('77/env', 'prod')"}}]}"#,
        ),
        _ => paged(seen),
    };
    let server = Server::new(rule);
    // Room for the inventory, what the conditions ask for and the path.
    let kept = Kept { room: Some(AtomicUsize::new(3)), ..Kept::default() };
    whole(&server, "acme", &kept).await.unwrap_err();
    let kept = Kept { room: None, ..kept };
    whole(&server, "acme", &kept).await.unwrap();
    let verdict = Gcp.simulate(&question(BOB), &kept.snapshot()).unwrap();
    assert_eq!(verdict.decision, Decision::Deny, "{:?}", verdict.doubts);
}

#[tokio::test]
async fn a_page_that_is_forgotten_is_read_from_the_start() {
    let server = Server::new(|seen| if seen.target.contains("pageToken=stale") { Answer::new(400, "{}") } else { paged(seen) });
    let kept = Kept::default();
    kept.reached(BUCKETS, Point::Page("stale".into())).unwrap();
    whole(&server, "acme", &kept).await.unwrap();
    assert_eq!(kept.resume(BUCKETS), Some(Point::End));
    assert!(kept.snapshot().of("gcp:bucket", "//storage.googleapis.com/projects/_/buckets/reports").next().is_some());
}

#[tokio::test]
async fn what_was_refused_is_asked_again_by_a_run_with_more_rights() {
    let open = std::sync::Arc::new(AtomicBool::new(false));
    let may = std::sync::Arc::clone(&open);
    let closed = [
        "/storage/v1/b/three/iam",
        "/v3/folders/8:getIamPolicy",
        "/v1/projects/acme/serviceAccounts",
        "/v2/policies/cloudresourcemanager.googleapis.com%2Fprojects%2Facme/denypolicies",
    ];
    let server =
        Server::new(move |seen| if closed.contains(&seen.path.as_str()) && !may.load(Ordering::Relaxed) { refused() } else { paged(seen) });
    let kept = Kept::default();
    whole(&server, "acme", &kept).await.unwrap();
    // The first page of the buckets was read whole; the second and the rest were not.
    assert_eq!(kept.resume(BUCKETS), Some(Point::Page("two".into())));
    assert_eq!([kept.resume("path"), kept.resume("projects/acme"), kept.resume("projects/acme service accounts")], [None, None, None]);
    assert!(kept.snapshot().searches().iter().any(|search| matches!(search.outcome, Outcome::Refused { .. })));
    open.store(true, Ordering::Relaxed);
    let before = server.seen().len();
    whole(&server, "acme", &kept).await.unwrap();
    let later: Vec<String> = server.seen().into_iter().skip(before).map(|seen| seen.path).collect();
    for path in closed {
        assert!(later.iter().any(|asked| asked == path), "{path} is not asked again: {later:#?}");
    }
    assert!(later.iter().all(|path| !path.contains("/b/one")), "{later:#?}");
    assert_eq!(
        [kept.resume("path"), kept.resume("projects/acme"), kept.resume(BUCKETS)],
        [Some(Point::End), Some(Point::End), Some(Point::End)]
    );
    let left = kept.snapshot();
    assert!(left.searches().iter().all(|search| !matches!(search.outcome, Outcome::Refused { .. })), "{:#?}", left.searches());
}

#[tokio::test]
async fn credentials_that_expire_on_the_way_stop_the_run_and_fill_it_with_no_refusals() {
    let expired = std::sync::Arc::new(AtomicBool::new(false));
    let now = std::sync::Arc::clone(&expired);
    let server = Server::new(move |seen| {
        if seen.path == "/storage/v1/b" {
            now.store(true, Ordering::Relaxed);
        }
        if now.load(Ordering::Relaxed) { Answer::new(401, r#"{"error": {"code": 401, "message": "expired"}}"#) } else { organization(seen) }
    });
    let kept = Kept::default();
    let error = whole(&server, "acme", &kept).await.unwrap_err();
    assert!(matches!(error, CollectError::BadCredentials { .. }), "{error}");
    assert_eq!([kept.resume("projects/acme"), kept.resume(BUCKETS)], [Some(Point::End), None]);
    whole(&Server::new(organization), "acme", &kept).await.unwrap();
    assert_eq!(kept.resume(BUCKETS), Some(Point::End));
    assert!(kept.snapshot().searches().iter().all(|search| !matches!(search.outcome, Outcome::Refused { .. })));
    let dead =
        Server::new(
            move |seen| {
                if seen.path.starts_with("/storage") && seen.path != "/storage/v1/b" { Answer::new(401, "{}") } else { many(seen) }
            },
        );
    let error = whole(&dead, "acme", &Kept::default()).await.unwrap_err();
    assert!(matches!(error, CollectError::BadCredentials { .. }), "{error}");
}

fn many(seen: &Seen) -> Answer {
    if seen.path != "/storage/v1/b" {
        return company(seen);
    }
    let buckets: Vec<String> = (0..20).map(|number| format!(r#"{{"name": "bucket-{number}"}}"#)).collect();
    Answer::json(&format!(r#"{{"items": [{}]}}"#, buckets.join(",")))
}

const EVE: &str = "user:eve@example.com";

/// What the inventory tells: eve may read objects of the bucket, app may be impersonated by her, the folder grants her what the bucket does.
fn told(seen: &Seen) -> Answer {
    let grant = r#"{"etag": "X", "bindings": [{"role": "roles/storage.objectViewer", "members": ["user:eve@example.com"]}]}"#;
    let token = r#"{"etag": "X", "bindings": [{"role": "roles/iam.serviceAccountTokenCreator", "members": ["user:eve@example.com"]}]}"#;
    let bucket = format!(r#""//storage.googleapis.com/reports", "assetType": "storage.googleapis.com/Bucket", "POLICY": {grant}"#);
    let account = format!(
        r#""//iam.googleapis.com/projects/acme/serviceAccounts/app@acme.iam.gserviceaccount.com",
            "assetType": "iam.googleapis.com/ServiceAccount", "POLICY": {token}"#
    );
    let node = format!(r#""//cloudresourcemanager.googleapis.com/projects/300", "POLICY": {grant}"#);
    match (seen.path.as_str(), seen.target.contains("pageToken=two")) {
        (path, false) if path.ends_with("/assets") => Answer::json(
            &format!(
                r#"{{"readTime": "2026-01-01T00:00:00Z", "assets": [{{"name": {account}}}, {{"name": {node}}}], "nextPageToken": "two"}}"#
            )
            .replace("POLICY", "iamPolicy"),
        ),
        (path, true) if path.ends_with("/assets") => {
            Answer::json(&format!(r#"{{"assets": [{{"name": {bucket}}}]}}"#).replace("POLICY", "iamPolicy"))
        }
        (path, _) if path.ends_with(":searchAllIamPolicies") => Answer::json(
            &format!(r#"{{"results": [{{"resource": {account}}}, {{"resource": {node}}}, {{"resource": {bucket}}}]}}"#)
                .replace("POLICY", "policy"),
        ),
        _ => organization(seen),
    }
}

fn paths(server: &Server) -> Vec<String> {
    server.seen().into_iter().map(|seen| seen.path).collect()
}

fn decision(kept: &Kept, question: &Question) -> Decision {
    Gcp.simulate(question, &kept.snapshot()).unwrap().decision
}

#[tokio::test]
async fn one_door_tells_the_policies_of_many_and_whose_they_are_is_said() {
    let listed = Server::new(told);
    // Who may not list may be allowed to search.
    let searched = Server::new(|seen| if seen.path.ends_with("/assets") { refused() } else { told(seen) });
    for server in [&listed, &searched] {
        let (kept, listening) = (Kept::default(), Listening::default());
        GcpReader.whole(Some("acme"), &options(server), &kept, &listening).await.unwrap();
        let heard = listening.0.into_inner().unwrap();
        assert!(
            matches!(&heard[..], [only] if only.starts_with("allow policies that came through the one door of Cloud Asset Inventory, and may be minutes old: 1;")),
            "{heard:?}"
        );
        let asked = paths(server);
        assert!(!asked.iter().any(|path| path == "/storage/v1/b/reports/iam"), "{asked:#?}");
        let verdict = Gcp.simulate(&question(EVE), &kept.snapshot()).unwrap();
        assert_eq!(verdict.decision, Decision::Allow, "{:?}", verdict.doubts);
        assert!(verdict.notes.iter().any(|note| note.contains("gs://reports") && note.contains("minutes old")), "{:?}", verdict.notes);
    }
}

#[tokio::test]
async fn that_the_one_door_is_closed_is_said_and_buckets_are_read_themselves() {
    let server = Server::new(|seen| match seen.path.as_str() {
        path if path.ends_with("/assets") || path.ends_with(":searchAllIamPolicies") => refused(),
        _ => organization(seen),
    });
    let (kept, listening) = (Kept::default(), Listening::default());
    GcpReader.whole(Some("acme"), &options(&server), &kept, &listening).await.unwrap();
    let heard = listening.0.into_inner().unwrap();
    assert!(matches!(&heard[..], [only] if only.contains("403 IAM_PERMISSION_DENIED")), "{heard:?}");
    assert_eq!([decision(&kept, &question(ANA)), decision(&kept, &question(BOB))], [Decision::Allow, Decision::Deny]);
}

#[tokio::test]
async fn an_inventory_that_cannot_be_understood_is_none_and_is_asked_again_by_the_next_run() {
    for body in [r#"{"assets": 7}"#, r#"{"assets": [{"iamPolicy": {"bindings": []}}]}"#, r#"{"assets": [], "nextPageToken": "again"}"#] {
        let server = Server::new(move |seen| match seen.path.as_str() {
            path if path.ends_with("/assets") => Answer::json(body),
            _ => organization(seen),
        });
        let kept = Kept::default();
        whole(&server, "acme", &kept).await.unwrap();
        assert_eq!(kept.resume("assets"), None, "{body}");
        assert_eq!([decision(&kept, &question(ANA)), decision(&kept, &question(BOB))], [Decision::Allow, Decision::Deny], "{body}");
    }
}

#[tokio::test]
async fn nodes_and_service_accounts_are_read_themselves_and_count_as_they_are() {
    let server = Server::new(|seen| if seen.target.contains("pageToken=two") { Answer::json("{}") } else { told(seen) });
    let kept = Kept::default();
    whole(&server, "acme", &kept).await.unwrap();
    let asked = paths(&server);
    for path in ["/v3/projects/acme:getIamPolicy", "/v1/projects/-/serviceAccounts/app%40acme.iam.gserviceaccount.com:getIamPolicy"] {
        assert!(asked.iter().any(|other| other == path), "{path} in {asked:#?}");
    }
    // What is not in the inventory is read itself, too.
    assert!(asked.iter().any(|path| path == "/storage/v1/b/reports/iam"), "{asked:#?}");
    let token = ask(EVE, "iam.serviceAccounts.getAccessToken", "app@acme.iam.gserviceaccount.com");
    assert_eq!([decision(&kept, &question(EVE)), decision(&kept, &token)], [Decision::Deny, Decision::Deny]);
}

#[tokio::test]
async fn the_inventory_fills_in_nodes_that_may_not_be_read_and_no_service_accounts() {
    let closed = |path: &str| path == "/v3/projects/acme:getIamPolicy" || path.ends_with("gserviceaccount.com:getIamPolicy");
    let server = Server::new(move |seen| match seen.path.as_str() {
        path if closed(path) => refused(),
        _ if seen.target.contains("pageToken=two") => Answer::json("{}"),
        _ => told(seen),
    });
    let kept = Kept::default();
    whole(&server, "acme", &kept).await.unwrap();
    let verdict = Gcp.simulate(&question(EVE), &kept.snapshot()).unwrap();
    assert_eq!(verdict.decision, Decision::Allow, "{:?}", verdict.doubts);
    assert!(verdict.notes.iter().any(|note| note.contains("projects/acme") && note.contains("minutes old")), "{:?}", verdict.notes);
    // What IAM tells the inventory may be days old.
    let token = ask(EVE, "iam.serviceAccounts.getAccessToken", "app@acme.iam.gserviceaccount.com");
    assert_eq!(decision(&kept, &token), Decision::Undetermined);
}

#[tokio::test]
async fn what_is_read_itself_in_the_end_counts_and_not_what_was_remembered_before() {
    let open = std::sync::Arc::new(AtomicBool::new(false));
    let may = std::sync::Arc::clone(&open);
    let server = Server::new(move |seen| match seen.path.as_str() {
        "/v3/projects/acme:getIamPolicy" if !may.load(Ordering::Relaxed) => refused(),
        _ if seen.target.contains("pageToken=two") => Answer::json("{}"),
        _ => told(seen),
    });
    let kept = Kept::default();
    whole(&server, "acme", &kept).await.unwrap();
    assert_eq!(decision(&kept, &question(EVE)), Decision::Allow);
    open.store(true, Ordering::Relaxed);
    whole(&server, "acme", &kept).await.unwrap();
    assert_eq!(decision(&kept, &question(EVE)), Decision::Deny);
}

#[tokio::test]
async fn levels_above_that_may_not_be_read_come_through_the_inventory_too() {
    let effective = r#"{"policyResults": [{"fullResourceName": "//cloudresourcemanager.googleapis.com/projects/300", "policies": [
        {"attachedResource": "//cloudresourcemanager.googleapis.com/folders/8", "policy": {"etag": "X", "bindings": [
            {"role": "roles/storage.objectViewer", "members": ["user:eve@example.com"]}]}}]}]}"#;
    let server = Server::new(move |seen| match seen.path.as_str() {
        "/v3/folders/8:getIamPolicy" => refused(),
        "/v1/organizations/77/effectiveIamPolicies:batchGet" => Answer::json(effective),
        _ => organization(seen),
    });
    let kept = Kept::default();
    whole(&server, "acme", &kept).await.unwrap();
    assert_eq!(decision(&kept, &question(EVE)), Decision::Allow);
}

const CI: &str = "principal://iam.googleapis.com/projects/300/locations/global/workloadIdentityPools/ci/subject/main";
const STAFF: &str = "principal://iam.googleapis.com/locations/global/workforcePools/staff/subject/ana";

/// Two pools, whose identities may all read objects.
fn pools(seen: &Seen) -> Answer {
    match seen.path.as_str() {
        path if path.ends_with("/assets") => Answer::json("{}"),
        "/storage/v1/b/reports/iam" => Answer::json(
            r#"{"etag": "X", "bindings": [{"role": "roles/storage.objectViewer", "members": [
                "principalSet://iam.googleapis.com/projects/300/locations/global/workloadIdentityPools/ci/*",
                "principalSet://iam.googleapis.com/locations/global/workforcePools/staff/*"]}]}"#,
        ),
        "/v1/projects/acme/locations/global/workloadIdentityPools" if !seen.target.contains("pageToken") => Answer::json(
            r#"{"workloadIdentityPools": [{"name": "projects/300/locations/global/workloadIdentityPools/old", "state": "ACTIVE"}],
                "nextPageToken": "two"}"#,
        ),
        "/v1/projects/acme/locations/global/workloadIdentityPools" => Answer::json(
            r#"{"workloadIdentityPools": [{"name": "projects/300/locations/global/workloadIdentityPools/ci", "state": "ACTIVE"}]}"#,
        ),
        "/v1/locations/global/workforcePools" => Answer::json(
            r#"{"workforcePools": [{"name": "locations/global/workforcePools/staff", "parent": "organizations/77", "state": "ACTIVE"}]}"#,
        ),
        "/v1/locations/global/workforcePools/staff" => {
            Answer::json(r#"{"name": "locations/global/workforcePools/staff", "parent": "organizations/77"}"#)
        }
        "/v3/organizations/77/locations/global/principalAccessBoundaryPolicies/own" => Answer::json(
            r#"{"name": "organizations/77/locations/global/principalAccessBoundaryPolicies/own", "details": {"enforcementVersion": "3",
                "rules": [{"resources": ["//cloudresourcemanager.googleapis.com/organizations/88"], "effect": "ALLOW"}]}}"#,
        ),
        _ => organization(seen),
    }
}

/// What the boundary `own` is bound to, where somebody asks for the bindings of that very set.
fn bound(seen: &Seen, pool: &str) -> Option<Answer> {
    let asked = seen.path.ends_with(":searchTargetPolicyBindings") && seen.target.contains(&pool.replace('/', "%2F"));
    asked.then(|| {
        Answer::json(&format!(
            r#"{{"policyBindings": [{{"name": "organizations/77/locations/global/policyBindings/b", "policyKind": "PRINCIPAL_ACCESS_BOUNDARY",
                "target": {{"principalSet": "//iam.googleapis.com/{pool}"}},
                "policy": "organizations/77/locations/global/principalAccessBoundaryPolicies/own"}}]}}"#
        ))
    })
}

#[tokio::test]
async fn boundaries_of_pools_bar_their_identities_offline_as_they_do_live() {
    for (caller, pool) in [(CI, "projects/300/locations/global/workloadIdentityPools/ci"), (STAFF, "locations/global/workforcePools/staff")]
    {
        let search = |seen: &Seen| seen.path.ends_with(":searchTargetPolicyBindings") && seen.target.contains(&pool.replace('/', "%2F"));
        let open = Server::new(pools);
        let barred = Server::new(move |seen| bound(seen, pool).unwrap_or_else(|| pools(seen)));
        let unread = Server::new(move |seen| if search(seen) { refused() } else { pools(seen) });
        let list = pool.rsplit_once('/').unwrap().0;
        let unlisted = Server::new(move |seen| {
            let kind = list.rsplit('/').next().unwrap();
            if seen.path.ends_with(kind) { refused() } else { pools(seen) }
        });
        for (server, wanted) in [
            (&open, (Decision::Allow, None)),
            (&barred, (Decision::Deny, Some("pab"))),
            (&unread, (Decision::Undetermined, None)),
            (&unlisted, (Decision::Undetermined, None)),
        ] {
            let kept = Kept::default();
            whole(server, "acme", &kept).await.unwrap();
            let verdict = Gcp.simulate(&question(caller), &kept.snapshot()).unwrap();
            let layer = verdict.decided_by.filter(|_| verdict.decision == Decision::Deny);
            assert_eq!((verdict.decision, layer), wanted, "{caller}: {:?}", verdict.doubts);
        }
        assert_eq!(decide(&collect(&barred, &question(caller)).await).decision, Decision::Deny);
    }
}
