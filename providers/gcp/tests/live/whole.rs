//! A whole project, folder or organization: answers from it are as certain as live ones, and an interruption loses nothing.

use crate::company::{EMPTY, company};
use crate::server::{Answer, Seen, Server, refused};
use crate::{ANA, APP, BOB, ask, collect, decide, options, question};
use iam_why_contract::collect::{Collect, CollectError, Point, Quiet, Sink};
use iam_why_contract::{Decision, Document, Outcome, Provider, Question, Search, Snapshot};
use iam_why_gcp::Gcp;
use iam_why_gcp::collect::GcpReader;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// What is handed in, kept as a journal keeps it.
#[derive(Default)]
pub(crate) struct Kept {
    documents: Mutex<BTreeMap<String, Document>>,
    searches: Mutex<BTreeMap<(String, String), Search>>,
    reached: Mutex<BTreeMap<String, Point>>,
    /// So many points may be reached before the disk is full.
    room: Option<AtomicUsize>,
}

impl Sink for Kept {
    fn document(&self, document: Document) -> std::io::Result<()> {
        self.documents.lock().unwrap().insert(document.id.to_string(), document);
        Ok(())
    }

    fn search(&self, search: Search) -> std::io::Result<()> {
        self.searches.lock().unwrap().insert((search.kind.to_string(), search.subject.to_string()), search);
        Ok(())
    }

    fn reached(&self, step: &str, point: Point) -> std::io::Result<()> {
        if self
            .room
            .as_ref()
            .is_some_and(|room| room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_err())
        {
            return Err(std::io::Error::other("the disk is full"));
        }
        self.reached.lock().unwrap().insert(step.into(), point);
        Ok(())
    }

    fn resume(&self, step: &str) -> Option<Point> {
        self.reached.lock().unwrap().get(step).cloned()
    }
}

impl Kept {
    pub(crate) fn snapshot(&self) -> Snapshot {
        let (documents, searches) = (self.documents.lock().unwrap(), self.searches.lock().unwrap());
        Snapshot::new(documents.values().cloned(), searches.values().cloned())
    }

    fn point(&self, step: &str) -> Option<Point> {
        self.resume(step)
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
    // Room for the path, the predefined roles, the project and the first page.
    let kept = Kept { room: Some(AtomicUsize::new(4)), ..Kept::default() };
    let error = whole(&server, "acme", &kept).await.unwrap_err();
    assert!(matches!(error, CollectError::Write(_)), "{error}");
    assert_eq!(kept.point(BUCKETS), Some(Point::Page("two".into())));
    let kept = Kept { room: None, ..kept };
    let before = server.seen().len();
    whole(&server, "acme", &kept).await.unwrap();
    let later: Vec<String> = server.seen().into_iter().skip(before).map(|seen| seen.path).collect();
    assert!(later.iter().any(|path| path == "/storage/v1/b/three/iam"), "{later:#?}");
    assert!(
        later.iter().all(|path| !path.contains("/b/one") && !path.contains("/b/reports") && !path.contains("denypolicies")),
        "{later:#?}"
    );
    assert_eq!(kept.point(BUCKETS), Some(Point::End));
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
    // Room for what the conditions ask for and the path.
    let kept = Kept { room: Some(AtomicUsize::new(2)), ..Kept::default() };
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
    assert_eq!(kept.point(BUCKETS), Some(Point::End));
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
    assert_eq!(kept.point(BUCKETS), Some(Point::Page("two".into())));
    assert_eq!([kept.point("path"), kept.point("projects/acme"), kept.point("projects/acme service accounts")], [None, None, None]);
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
        [kept.point("path"), kept.point("projects/acme"), kept.point(BUCKETS)],
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
    assert_eq!([kept.point("projects/acme"), kept.point(BUCKETS)], [Some(Point::End), None]);
    whole(&Server::new(organization), "acme", &kept).await.unwrap();
    assert_eq!(kept.point(BUCKETS), Some(Point::End));
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

#[tokio::test]
async fn the_inventory_fills_in_what_may_not_be_read_itself() {
    let inventory = r#"{"assets": [{"name": "//storage.googleapis.com/reports", "assetType": "storage.googleapis.com/Bucket",
        "iamPolicy": {"etag": "X", "bindings": [{"role": "roles/storage.objectViewer", "members": ["user:eve@example.com"]}]}}]}"#;
    for (closed, decision) in [(true, Decision::Allow), (false, Decision::Deny)] {
        let server = Server::new(move |seen| match seen.path.as_str() {
            "/storage/v1/b/reports/iam" if closed => refused(),
            path if path.ends_with("/assets") => Answer::json(inventory),
            _ => organization(seen),
        });
        let kept = Kept::default();
        whole(&server, "acme", &kept).await.unwrap();
        let verdict = Gcp.simulate(&question("user:eve@example.com"), &kept.snapshot()).unwrap();
        assert_eq!(verdict.decision, decision, "{:?}", verdict.doubts);
        let titles: Vec<String> = kept.snapshot().documents().iter().map(|document| document.title.to_string()).collect();
        let told = titles.iter().any(|title| title.contains("reports") && title.contains("minutes old"));
        assert_eq!(told, closed, "{titles:#?}");
    }
}
