//! Whatever goes wrong with any call: the answer is the same, or open. Never another one.

use crate::company::{company, with};
use crate::server::{Answer, Seen, Server, refused};
use crate::{ANA, APP, BOB, ask, collect, decide, options, read, refusals};
use iam_why_contract::collect::{Collect, Options, Quiet};
use iam_why_contract::{Decision, Question};
use iam_why_gcp::collect::GcpReader;
use iam_why_gcp::collect::step::ALL;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

type Rule = fn(&Seen) -> Answer;

/// Fine-grained lists, a managed folder, tags, a deny policy, a boundary, a perimeter, a group of others: everything that is read for
/// an object.
fn intricate(seen: &Seen) -> Answer {
    with(&[
        (
            "/storage/v1/b/reports",
            r#"{"name": "reports", "projectNumber": "300", "location": "EU", "iamConfiguration": {"uniformBucketLevelAccess": {"enabled": false}}}"#,
        ),
        ("/storage/v1/b/reports/acl", r#"{"kind": "storage#bucketAccessControls"}"#),
        (
            "/storage/v1/b/reports/o/2026%2Fq1.csv/acl",
            r#"{"kind": "storage#objectAccessControls", "items": [{"entity": "group-guests@partner.example", "role": "OWNER"}]}"#,
        ),
        ("/storage/v1/b/reports/managedFolders", r#"{"items": [{"name": "2026/"}]}"#),
        (
            "/v3/organizations/77:getIamPolicy",
            r#"{"version": 3, "etag": "X", "bindings": [{"role": "roles/storage.objectViewer", "members": ["user:bob@example.com"],
                "condition": {"title": "dev", "expression": "resource.matchTag('77/env', 'dev')"}}]}"#,
        ),
        (
            "/v2/policies/cloudresourcemanager.googleapis.com%2Ffolders%2F8/denypolicies",
            r#"{"policies": [{"name": "policies/cloudresourcemanager.googleapis.com%2Ffolders%2F8/denypolicies/guard"}]}"#,
        ),
        (
            "/v2/policies/cloudresourcemanager.googleapis.com%2Ffolders%2F8/denypolicies/guard",
            r#"{"name": "policies/x/denypolicies/guard", "rules": [{"denyRule": {"deniedPrincipals": ["principal://goog/subject/eve@example.com"],
                "deniedPermissions": ["storage.googleapis.com/objects.get"]}}]}"#,
        ),
        (
            "/v3/organizations/77/locations/global/policyBindings:searchTargetPolicyBindings",
            r#"{"policyBindings": [{"name": "organizations/77/locations/global/policyBindings/staff",
                "target": {"principalSet": "//cloudresourcemanager.googleapis.com/organizations/77"},
                "policyKind": "PRINCIPAL_ACCESS_BOUNDARY", "policy": "organizations/77/locations/global/principalAccessBoundaryPolicies/own"}]}"#,
        ),
        (
            "/v3/organizations/77/locations/global/principalAccessBoundaryPolicies/own",
            r#"{"name": "organizations/77/locations/global/principalAccessBoundaryPolicies/own", "details": {"enforcementVersion": "3",
                "rules": [{"resources": ["//cloudresourcemanager.googleapis.com/organizations/77"], "effect": "ALLOW"}]}}"#,
        ),
        ("/v1/accessPolicies", r#"{"accessPolicies": [{"name": "accessPolicies/9", "parent": "organizations/77"}]}"#),
        ("/v1/accessPolicies/9/servicePerimeters", "{}"),
        ("/v1/accessPolicies/9/accessLevels", "{}"),
        (
            "/v2/folders/8/policies",
            r#"{"policies": [{"name": "folders/8/policies/custom.labels", "spec": {"rules": [{"enforce": true}]}}]}"#,
        ),
        ("/v2/organizations/77/customConstraints/custom.labels", CUSTOM),
    ])(seen)
}

/// It looks at clusters and no objects.
pub(crate) const CUSTOM: &str = r#"{"name": "organizations/77/customConstraints/custom.labels", "actionType": "DENY",
    "resourceTypes": ["container.googleapis.com/Cluster"], "methodTypes": ["CREATE"], "condition": "resource.name == 'x'"}"#;

/// A folder that only Cloud Asset Inventory tells of; groups that only their members tell of.
fn closed(seen: &Seen) -> Answer {
    match seen.path.as_str() {
        "/v3/folders/8:getIamPolicy" | "/v1/groups/-/memberships:searchTransitiveGroups" | "/v1/projects/300:getAncestry" => refused(),
        "/v1/organizations/77/effectiveIamPolicies:batchGet" => Answer::json(
            r#"{"policyResults": [{"policies": [{"attachedResource": "//cloudresourcemanager.googleapis.com/folders/8", "policy": {"etag": "X",
                "bindings": [{"role": "roles/storage.objectViewer", "members": ["group:readers@example.com"]}]}}]}]}"#,
        ),
        _ => company(seen),
    }
}

const KEY: &str = "//cloudkms.googleapis.com/projects/acme/locations/eu/keyRings/r/cryptoKeys/k";
const TABLE: &str = "//bigquery.googleapis.com/projects/acme/datasets/d/tables/t";
const STAFF: &str = "principal://iam.googleapis.com/locations/global/workforcePools/staff/subject/ana";

fn services(seen: &Seen) -> Answer {
    match seen.path.as_str() {
        path if path.contains("/services/") && path.ends_with(".googleapis.com") => Answer::json(r#"{"name": "x", "state": "ENABLED"}"#),
        "/bigquery/v2/projects/acme/datasets/d" => Answer::json(r#"{"datasetReference": {"datasetId": "d"}, "access": []}"#),
        "/bigquery/v2/projects/acme/datasets/d/tables/t" => {
            Answer::json(r#"{"tableReference": {"tableId": "t"}, "schema": {"fields": []}}"#)
        }
        "/v1/locations/global/workforcePools/staff" => Answer::json(r#"{"name": "x", "parent": "organizations/77"}"#),
        _ => company(seen),
    }
}

/// Somebody of another organization that can be seen.
const BEA: &str = "user:bea@partner.example";

fn partner(seen: &Seen) -> Answer {
    with(&[
        (
            "/v3/organizations:search",
            r#"{"organizations": [{"name": "organizations/88", "displayName": "partner.example", "directoryCustomerId": "C088"}]}"#,
        ),
        (
            "/storage/v1/b/reports/iam",
            r#"{"etag": "X", "bindings": [{"role": "roles/storage.objectViewer", "members": ["user:bea@partner.example"]}]}"#,
        ),
    ])(seen)
}

/// Questions that together lead through every call.
fn scenarios() -> Vec<(Question, Rule)> {
    let object = "gs://reports/2026/q1.csv";
    let get = "storage.objects.get";
    vec![
        (ask(ANA, get, object), company as Rule),
        (ask(BOB, get, object), company),
        (ask(ANA, get, object), intricate),
        (ask(BOB, get, object), intricate),
        (ask(ANA, get, object), closed),
        (ask(BOB, get, object), closed),
        (ask(BEA, get, object), partner),
        (ask(BOB, "iam.serviceAccounts.getAccessToken", "app@acme.iam.gserviceaccount.com"), services),
        (ask(APP, "cloudkms.cryptoKeyVersions.useToDecrypt", KEY), services),
        (ask(APP, "bigquery.tables.getData", TABLE), services),
        (ask(STAFF, "secretmanager.versions.access", "//secretmanager.googleapis.com/projects/acme/secrets/db"), services),
        (ask(BOB, "pubsub.topics.publish", "//pubsub.googleapis.com/projects/acme/topics/t"), services),
        (ask(BOB, "run.routes.invoke", "//run.googleapis.com/projects/acme/locations/eu/services/s"), services),
        (
            ask(
                BOB,
                "artifactregistry.repositories.downloadArtifacts",
                "//artifactregistry.googleapis.com/projects/acme/locations/eu/repositories/r",
            ),
            services,
        ),
        (ask(BOB, "cloudfunctions.functions.call", "//cloudfunctions.googleapis.com/projects/acme/locations/eu/functions/f"), services),
        (ask(BOB, "spanner.databases.read", "//spanner.googleapis.com/projects/acme/instances/i/databases/d"), services),
        (ask(BOB, "cloudtasks.tasks.create", "//cloudtasks.googleapis.com/projects/acme/locations/eu/queues/q"), services),
        (ask(BOB, "compute.instances.get", "//compute.googleapis.com/projects/acme/zones/eu-b/instances/i"), services),
        (ask(BOB, "iap.webServiceVersions.accessViaIAP", "//iap.googleapis.com/projects/300/iap_web/compute/services/s"), services),
    ]
}

async fn decision(server: &Server, question: &Question) -> Decision {
    decide(&collect(server, question).await).decision
}

/// Lets one call fail in this way, each time it is sent.
/// The first scenarios are let down by each of their calls, the others by those that only they send.
async fn each_call(fault: fn() -> Answer) {
    let mut before = BTreeSet::new();
    for (number, (question, rule)) in scenarios().into_iter().enumerate() {
        let server = Server::new(rule);
        let whole = decision(&server, &question).await;
        assert_ne!(whole, Decision::Undetermined, "{question:?}: {:?}", decide(&collect(&server, &question).await).doubts);
        let targets = server.targets();
        assert!(targets.len() > 12, "{targets:#?}");
        let one = async |target: String| {
            let without = target.clone();
            let server = Server::new(move |seen| if seen.target == without { fault() } else { rule(seen) });
            let got = decision(&server, &question).await;
            assert!(got == whole || got == Decision::Undetermined, "{} without {target}: {got:?}, not {whole:?}", question.principal);
        };
        let fresh: Vec<String> = targets.into_iter().filter(|target| before.insert(target.clone()) || number < 4).collect();
        futures_util::future::join_all(fresh.into_iter().map(one)).await;
    }
}

#[tokio::test]
async fn a_call_that_is_refused_leaves_the_same_answer_or_none() {
    each_call(refused).await;
}

#[tokio::test]
async fn a_call_that_finds_nothing_leaves_the_same_answer_or_none() {
    each_call(|| Answer::new(404, r#"{"error": {"code": 404, "message": "not found", "status": "NOT_FOUND"}}"#)).await;
}

#[tokio::test]
async fn an_answer_that_is_cut_off_leaves_the_same_answer_or_none() {
    each_call(|| Answer::Cut).await;
}

#[tokio::test]
async fn an_answer_that_is_nonsense_leaves_the_same_answer_or_none() {
    each_call(|| Answer::json("[\"<html>\"]")).await;
}

#[tokio::test]
async fn a_server_that_is_out_of_order_leaves_the_same_answer_or_none() {
    each_call(|| Answer::new(503, "upstream").with("Retry-After: 0")).await;
}

#[test]
fn a_call_that_is_never_answered_leaves_the_same_answer_or_none() {
    // All it does is wait, so the scenarios wait side by side.
    std::thread::scope(|scope| {
        for (question, rule) in scenarios().into_iter().take(4) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            scope.spawn(move || runtime.block_on(each_silence(&question, rule)));
        }
    });
}

async fn each_silence(question: &Question, rule: Rule) {
    let server = Server::new(rule);
    let whole = decision(&server, question).await;
    let one = async |target: String| {
        let without = target.clone();
        let server = Server::new(move |seen| if seen.target == without { Answer::Silence } else { rule(seen) });
        let hurried = Options { timeout: Duration::from_secs(3), ..options(&server) };
        let got = decide(&GcpReader.question(question, &hurried, &Quiet).await.unwrap()).decision;
        assert!(got == whole || got == Decision::Undetermined, "{} without {target}: {got:?}, not {whole:?}", question.principal);
    };
    futures_util::future::join_all(server.targets().into_iter().map(one)).await;
}

#[tokio::test]
async fn a_limit_or_an_outage_that_passes_changes_nothing() {
    let (question, rule) = scenarios().swap_remove(2);
    let clean = Server::new(rule);
    let whole = decision(&clean, &question).await;
    for (status, header) in [(429, "Retry-After: 0"), (503, "Retry-After: 0"), (502, "X: y")] {
        let one = async |target: String| {
            let first = AtomicBool::new(true);
            let server = Server::new(move |seen| {
                if seen.target == target && first.swap(false, Ordering::Relaxed) {
                    return Answer::new(status, r#"{"error": {"message": "later"}}"#).with(header);
                }
                rule(seen)
            });
            let collected = collect(&server, &question).await;
            assert_eq!(decide(&collected).decision, whole);
            assert_eq!(refusals(&collected.snapshot), []);
        };
        futures_util::future::join_all(clean.targets().into_iter().map(one)).await;
    }
}

#[tokio::test]
async fn broken_policies_leave_the_question_open() {
    for body in ["{", "[]", "{}", "{\"bindings\": 7}", "\u{0}", "{\"bindings\": [{\"role\": 1}]}"] {
        let server = Server::new(move |seen| if seen.path.ends_with(":getIamPolicy") { Answer::json(body) } else { company(seen) });
        assert_eq!(decide(&read(&server, BOB).await).decision, Decision::Undetermined, "{body}");
    }
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_its_end() {
    let server = Server::new(|seen| if seen.path == "/storage/v1/b/reports/iam" { Answer::Endless } else { company(seen) });
    let collected = read(&server, BOB).await;
    let refused = refusals(&collected.snapshot);
    assert!(refused.iter().any(|(_, said)| said.contains("larger than")), "{refused:?}");
    assert_eq!(decide(&collected).decision, Decision::Undetermined);
}

/// Method, how the path begins, what it holds, how it ends; and the name of the call in the reference. The first row that fits counts.
#[rustfmt::skip]
const CALLS: &[(&str, &str, &str, &str, &str)] = &[
    ("GET", "/tokeninfo", "", "", "oauth2.tokeninfo"),
    ("POST", "/v1/projects/", "", ":getAncestry", "resourcemanager.projects.getAncestry"),
    ("POST", "/v3/iam:troubleshoot", "", "", "policytroubleshooter.iam.troubleshoot"),
    ("POST", "/v3/projects/", "", ":getIamPolicy", "resourcemanager.projects.getIamPolicy"),
    ("POST", "/v3/folders/", "", ":getIamPolicy", "resourcemanager.folders.getIamPolicy"),
    ("POST", "/v3/organizations/", "", ":getIamPolicy", "resourcemanager.organizations.getIamPolicy"),
    ("POST", "/v1/projects/-/serviceAccounts/", "", ":getIamPolicy", "iam.serviceAccounts.getIamPolicy"),
    ("POST", "/bigquery/v2/", "", ":getIamPolicy", "bigquery.tables.getIamPolicy"),
    ("GET", "/v3/effectiveTags", "", "", "resourcemanager.effectiveTags.list"),
    ("GET", "/v1/groups:lookup", "", "", "cloudidentity.groups.lookup"),
    ("GET", "/v3/", "", "policyBindings:searchTargetPolicyBindings", "iam.policyBindings.searchTargetPolicyBindings"),
    ("GET", "/v3/", "/principalAccessBoundaryPolicies/", "", "iam.principalAccessBoundaryPolicies.get"),
    ("GET", "/v3/projects/", "", "", "resourcemanager.projects.get"),
    ("GET", "/v3/folders/", "", "", "resourcemanager.folders.get"),
    ("GET", "/v3/organizations/", "", "", "resourcemanager.organizations.get"),
    ("GET", "/v3/organizations:search", "", "", "resourcemanager.organizations.search"),
    ("GET", "/v3/projects", "", "", "resourcemanager.projects.list"),
    ("GET", "/v3/folders", "", "", "resourcemanager.folders.list"),
    ("GET", "/v1/roles/", "", "", "iam.roles.get"),
    ("GET", "/v1/roles", "", "", "iam.roles.list"),
    ("POST", "/v1/roles:queryGrantableRoles", "", "", "iam.roles.queryGrantableRoles"),
    ("GET", "/v2/policies/", "", "/denypolicies", "iam.policies.listPolicies"),
    ("GET", "/v2/policies/", "", "", "iam.policies.get"),
    ("GET", "/v1/locations/global/workforcePools/", "", "", "iam.workforcePools.get"),
    ("GET", "/v1/locations/global/workforcePools", "", "", "iam.workforcePools.list"),
    ("GET", "/v1/projects/", "", "/workloadIdentityPools", "iam.workloadIdentityPools.list"),
    ("GET", "/v1/groups/-/", "", ":searchTransitiveGroups", "cloudidentity.groups.memberships.searchTransitiveGroups"),
    ("GET", "/v1/groups/", "", "/memberships", "cloudidentity.groups.memberships.list"),
    ("GET", "/v1/", "", "/effectiveIamPolicies:batchGet", "cloudasset.effectiveIamPolicies.batchGet"),
    ("GET", "/v1/", "", "/assets", "cloudasset.assets.list"),
    ("GET", "/v1/", "", ":searchAllIamPolicies", "cloudasset.searchAllIamPolicies"),
    ("GET", "/storage/v1/b/", "", "/iam/testPermissions", "storage.buckets.testIamPermissions"),
    ("GET", "/storage/v1/b/", "/managedFolders/", "/iam", "storage.managedFolders.getIamPolicy"),
    ("GET", "/storage/v1/b/", "", "/managedFolders", "storage.managedFolders.list"),
    ("GET", "/storage/v1/b/", "", "/iam", "storage.buckets.getIamPolicy"),
    ("GET", "/storage/v1/b/", "/o/", "/acl", "storage.objectAccessControls.list"),
    ("GET", "/storage/v1/b/", "", "/acl", "storage.bucketAccessControls.list"),
    ("GET", "/storage/v1/b/", "", "", "storage.buckets.get"),
    ("GET", "/storage/v1/b", "", "", "storage.buckets.list"),
    ("GET", "/v1/projects/", "/secrets/", ":getIamPolicy", "secretmanager.secrets.getIamPolicy"),
    ("GET", "/v1/projects/", "/keyRings/", ":getIamPolicy", "cloudkms.cryptoKeys.getIamPolicy"),
    ("GET", "/v1/projects/", "/topics/", ":getIamPolicy", "pubsub.getIamPolicy"),
    ("GET", "/v2/projects/", "/services/", ":getIamPolicy", "run.services.getIamPolicy"),
    ("GET", "/v1/projects/", "/repositories/", ":getIamPolicy", "artifactregistry.repositories.getIamPolicy"),
    ("GET", "/v2/projects/", "/functions/", ":getIamPolicy", "cloudfunctions.functions.getIamPolicy"),
    ("POST", "/v1/projects/", "/instances/", ":getIamPolicy", "spanner.getIamPolicy"),
    ("POST", "/v2/projects/", "/queues/", ":getIamPolicy", "cloudtasks.queues.getIamPolicy"),
    ("POST", "/v1/projects/", "/iap_web", ":getIamPolicy", "iap.getIamPolicy"),
    ("GET", "/compute/v1/projects/", "/instances/", "/getIamPolicy", "compute.getIamPolicy"),
    ("GET", "/bigquery/v2/", "/tables/", "", "bigquery.tables.get"),
    ("GET", "/bigquery/v2/", "/datasets/", "", "bigquery.datasets.get"),
    ("GET", "/v1/accessPolicies/", "", "/servicePerimeters", "accesscontextmanager.servicePerimeters.list"),
    ("GET", "/v1/accessPolicies/", "", "/accessLevels", "accesscontextmanager.accessLevels.list"),
    ("GET", "/v1/accessPolicies", "", "", "accesscontextmanager.accessPolicies.list"),
    ("GET", "/v2/", "", "/policies", "orgpolicy.policies.list"),
    ("GET", "/v2/organizations/", "/customConstraints/", "", "orgpolicy.customConstraints.get"),
    ("GET", "/v1/projects/", "", "/services", "serviceusage.services.list"),
    ("GET", "/v1/projects/", "/services/", ".googleapis.com", "serviceusage.services.get"),
    ("GET", "/v1/projects/", "", "/billingInfo", "cloudbilling.projects.getBillingInfo"),
    ("GET", "/v1/projects/", "", "/serviceAccounts", "iam.serviceAccounts.list"),
    ("GET", "/v1/projects/-/serviceAccounts/", "", "", "iam.serviceAccounts.get"),
];

/// The call that a request is, by its name in the reference; none where it is none of these.
fn call(seen: &Seen) -> &'static str {
    let fits = |row: &&(&str, &str, &str, &str, &str)| {
        let (method, start, middle, end, _) = row;
        seen.method == *method && seen.path.starts_with(start) && seen.path.contains(middle) && seen.path.ends_with(end)
    };
    CALLS.iter().find(fits).map_or("", |row| row.4)
}

/// Only what the table of steps lists is ever sent, each with the method that reads; and all of it is.
#[tokio::test]
async fn only_reading_calls_of_the_table_are_sent_and_each_of_them_is() {
    let mut sent = BTreeSet::new();
    let mut note = |server: &Server| {
        for seen in server.seen() {
            let name = call(&seen);
            assert!(ALL.iter().any(|step| step.call == name), "not in the table: {} {} {}", seen.method, seen.target, seen.body);
            sent.insert(name);
        }
    };
    for (question, rule) in scenarios() {
        let server = Server::new(rule);
        let collected = collect(&server, &question).await;
        GcpReader.verify(&collected.question, &decide(&collected), &options(&server)).await.unwrap();
        note(&server);
    }
    let server = Server::new(company);
    GcpReader.doctor(&options(&server).with("project", "acme"), &Quiet).await.unwrap();
    GcpReader.whole(Some("organizations/77"), &options(&server), &crate::whole::Kept::default(), &Quiet).await.unwrap();
    note(&server);
    let missing: Vec<&str> = ALL.iter().map(|step| step.call).filter(|call| !sent.contains(call)).collect();
    assert_eq!(missing, [""; 0]);
}
