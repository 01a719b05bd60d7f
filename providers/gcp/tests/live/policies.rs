//! Policies of every kind, with content: what the cloud answers reaches the decision.

use crate::company::{company, with};
use crate::server::{Answer, Server};
use crate::{ANA, APP, BOB, ask, collect, decide, read};
use iam_why_contract::{Decision, Verdict};

async fn asked(changes: &'static [(&'static str, &'static str)], principal: &str, action: &str, resource: &str) -> Verdict {
    decide(&collect(&Server::new(with(changes)), &ask(principal, action, resource)).await)
}

const FINE_GRAINED: (&str, &str) = (
    "/storage/v1/b/reports",
    r#"{"name": "reports", "projectNumber": "300", "location": "EU", "ipFilter": {"mode": "Disabled"},
        "iamConfiguration": {"uniformBucketLevelAccess": {"enabled": false}}}"#,
);

const BUCKET_LIST: (&str, &str) = ("/storage/v1/b/reports/acl", r#"{"kind": "storage#bucketAccessControls"}"#);

#[tokio::test]
async fn an_access_control_list_grants_where_access_is_not_uniform() {
    let object = "gs://reports/2026/q1.csv";
    let granted: &[_] = &[
        FINE_GRAINED,
        BUCKET_LIST,
        (
            "/storage/v1/b/reports/o/2026%2Fq1.csv/acl",
            r#"{"kind": "storage#objectAccessControls", "items": [{"entity": "user-bob@example.com", "role": "READER"}]}"#,
        ),
    ];
    let verdict = asked(granted, BOB, "storage.objects.get", object).await;
    assert_eq!(verdict.decision, Decision::Allow, "{:?}", verdict.doubts);
    let empty: &[_] =
        &[FINE_GRAINED, BUCKET_LIST, ("/storage/v1/b/reports/o/2026%2Fq1.csv/acl", r#"{"kind": "storage#objectAccessControls"}"#)];
    assert_eq!(asked(empty, BOB, "storage.objects.get", object).await.decision, Decision::Deny);
    let unread = asked(&[FINE_GRAINED, BUCKET_LIST], BOB, "storage.objects.get", object).await;
    assert_eq!(unread.decision, Decision::Undetermined);
}

#[tokio::test]
async fn a_managed_folder_grants_what_lies_in_it() {
    let folder: &[_] = &[
        ("/storage/v1/b/reports/managedFolders", r#"{"items": [{"name": "2026/"}]}"#),
        (
            "/storage/v1/b/reports/managedFolders/2026%2F/iam",
            r#"{"etag": "X", "bindings": [{"role": "roles/storage.objectViewer", "members": ["user:bob@example.com"]}]}"#,
        ),
    ];
    assert_eq!(asked(folder, BOB, "storage.objects.get", "gs://reports/2026/q1.csv").await.decision, Decision::Allow);
    assert_eq!(asked(folder, BOB, "storage.objects.get", "gs://reports/2025/q1.csv").await.decision, Decision::Deny);
}

#[tokio::test]
async fn a_boundary_that_leaves_the_resource_out_bars_its_own_people_only() {
    let bound: &[_] = &[
        (
            "/v3/organizations/77/locations/global/policyBindings:searchTargetPolicyBindings",
            r#"{"policyBindings": [{"name": "organizations/77/locations/global/policyBindings/staff",
                "target": {"principalSet": "//iam.googleapis.com/locations/global/workspace/C077"},
                "policyKind": "PRINCIPAL_ACCESS_BOUNDARY", "policy": "organizations/77/locations/global/principalAccessBoundaryPolicies/own"}]}"#,
        ),
        (
            "/v3/organizations/77/locations/global/principalAccessBoundaryPolicies/own",
            r#"{"name": "organizations/77/locations/global/principalAccessBoundaryPolicies/own", "details": {"enforcementVersion": "3",
                "rules": [{"resources": ["//cloudresourcemanager.googleapis.com/organizations/88"], "effect": "ALLOW"}]}}"#,
        ),
    ];
    let verdict = asked(bound, ANA, "storage.objects.get", "gs://reports/2026/q1.csv").await;
    assert_eq!((verdict.decision, verdict.decided_by), (Decision::Deny, Some("pab")), "{:?}", verdict.doubts);
    let grant: &[_] = &[
        bound[0],
        bound[1],
        (
            "/storage/v1/b/reports/iam",
            r#"{"etag": "X", "bindings": [{"role": "roles/storage.objectViewer",
                "members": ["serviceAccount:app@acme.iam.gserviceaccount.com"]}]}"#,
        ),
    ];
    let grant: &'static [(&'static str, &'static str)] = Box::leak(grant.to_vec().into_boxed_slice());
    let account = asked(grant, APP, "storage.objects.get", "gs://reports/2026/q1.csv").await;
    assert_eq!(account.decision, Decision::Allow, "{:?}", account.doubts);
}

#[tokio::test]
async fn an_organization_policy_that_restricts_the_service_refuses() {
    let restricted: &[_] = &[(
        "/v2/folders/8/policies",
        r#"{"policies": [{"name": "folders/8/policies/gcp.restrictServiceUsage",
            "spec": {"rules": [{"values": {"deniedValues": ["storage.googleapis.com"]}}]}}]}"#,
    )];
    let verdict = asked(restricted, ANA, "storage.objects.get", "gs://reports/2026/q1.csv").await;
    assert_eq!((verdict.decision, verdict.decided_by), (Decision::Deny, Some("org_policy")), "{:?}", verdict.doubts);
}

#[tokio::test]
async fn a_perimeter_around_the_project_is_seen_with_its_access_levels() {
    let perimeter: &[_] = &[
        ("/v1/accessPolicies", r#"{"accessPolicies": [{"name": "accessPolicies/9", "parent": "organizations/77"}]}"#),
        (
            "/v1/accessPolicies/9/servicePerimeters",
            r#"{"servicePerimeters": [{"name": "accessPolicies/9/servicePerimeters/data", "perimeterType": "PERIMETER_TYPE_REGULAR",
                "status": {"resources": ["projects/300"], "restrictedServices": ["storage.googleapis.com"],
                    "accessLevels": ["accessPolicies/9/accessLevels/office"]}}]}"#,
        ),
        (
            "/v1/accessPolicies/9/accessLevels",
            r#"{"accessLevels": [{"name": "accessPolicies/9/accessLevels/office", "basic": {"conditions": [{"ipSubnetworks": ["192.0.2.0/24"]}]}}]}"#,
        ),
    ];
    let server = Server::new(with(perimeter));
    for (address, decision) in [("192.0.2.7", Decision::Allow), ("198.51.100.7", Decision::Deny)] {
        let mut question = crate::question(ANA);
        question.context = question.context.with("source.ip", [address]).with("source.kind", ["internet"]);
        let verdict = decide(&collect(&server, &question).await);
        assert_eq!(verdict.decision, decision, "{address}: {:?}", verdict.doubts);
    }
}

const TAGGED: (&str, &str) = (
    "/storage/v1/b/reports/iam",
    r#"{"version": 3, "etag": "X", "bindings": [{"role": "roles/storage.objectViewer", "members": ["user:bob@example.com"],
        "condition": {"title": "prod", "expression": "resource.matchTag('77/env', 'prod')"}}]}"#,
);

#[tokio::test]
async fn tags_are_read_where_a_condition_asks_for_them_and_only_there() {
    let prod: &[_] = &[
        TAGGED,
        (
            "/v3/effectiveTags",
            r#"{"effectiveTags": [{"tagValue": "tagValues/1", "namespacedTagValue": "77/env/prod", "tagKey": "tagKeys/1",
                "namespacedTagKey": "77/env", "inherited": true}]}"#,
        ),
    ];
    let server = Server::new(with(prod));
    assert_eq!(decide(&read(&server, BOB).await).decision, Decision::Allow);
    let parent = "parent=%2F%2Fstorage.googleapis.com%2Fprojects%2F_%2Fbuckets%2Freports";
    assert!(server.seen().iter().any(|seen| seen.path == "/v3/effectiveTags" && seen.target.contains(parent)));
    assert_eq!(asked(&[TAGGED], BOB, "storage.objects.get", "gs://reports/2026/q1.csv").await.decision, Decision::Deny);
    let untagged = Server::new(company);
    read(&untagged, BOB).await;
    assert!(untagged.seen().iter().all(|seen| seen.path != "/v3/effectiveTags"));
}

#[tokio::test]
async fn tags_that_may_not_be_read_or_are_kept_nobody_knows_where_leave_the_answer_open() {
    let unread = Server::new(|seen| match seen.path.as_str() {
        path if path == TAGGED.0 => Answer::json(TAGGED.1),
        "/v3/effectiveTags" => crate::server::refused(),
        _ => company(seen),
    });
    assert_eq!(decide(&read(&unread, BOB).await).decision, Decision::Undetermined);
    let nowhere = Server::new(|seen| match seen.path.as_str() {
        path if path == TAGGED.0 => Answer::json(TAGGED.1),
        "/storage/v1/b/reports" => Answer::json(
            r#"{"name": "reports", "projectNumber": "300", "iamConfiguration": {"uniformBucketLevelAccess": {"enabled": true}}}"#,
        ),
        _ => company(seen),
    });
    assert_eq!(decide(&read(&nowhere, BOB).await).decision, Decision::Undetermined);
    assert!(nowhere.seen().iter().all(|seen| seen.path != "/v3/effectiveTags"));
}

#[tokio::test]
async fn impersonation_is_decided_by_the_account_s_own_policy() {
    let chain: &[_] = &[(
        "/v1/projects/-/serviceAccounts/app%40acme.iam.gserviceaccount.com:getIamPolicy",
        r#"{"etag": "X", "bindings": [{"role": "roles/iam.serviceAccountTokenCreator", "members": ["user:bob@example.com"]}]}"#,
    )];
    let account = "app@acme.iam.gserviceaccount.com";
    let verdict = asked(chain, BOB, "iam.serviceAccounts.getAccessToken", account).await;
    assert_eq!(verdict.decision, Decision::Allow, "{:?}", verdict.doubts);
    assert_eq!(asked(chain, ANA, "iam.serviceAccounts.getAccessToken", account).await.decision, Decision::Deny);
}

#[tokio::test]
async fn a_role_without_permissions_grants_nothing_and_one_that_is_gone_neither() {
    let role: &[_] = &[("/v1/roles/storage.objectViewer", r#"{"name": "roles/storage.objectViewer", "stage": "GA"}"#)];
    assert_eq!(asked(role, ANA, "storage.objects.get", "gs://reports/2026/q1.csv").await.decision, Decision::Deny);
    let custom = |seen: &crate::server::Seen| {
        let policy = r#"{"etag": "X", "bindings": [{"role": "projects/acme/roles/reader", "members": ["user:bob@example.com"]}]}"#;
        if seen.path == "/storage/v1/b/reports/iam" { Answer::json(policy) } else { company(seen) }
    };
    // A 404 of a custom role may hide a refusal.
    assert_eq!(decide(&read(&Server::new(custom), BOB).await).decision, Decision::Undetermined);
}

#[tokio::test]
async fn other_services_are_asked_in_their_own_way() {
    let viewer = r#"{"etag": "X", "bindings": [{"role": "roles/it", "members": ["user:bob@example.com"]}]}"#;
    for (action, resource, path) in [
        (
            "secretmanager.versions.access",
            "//secretmanager.googleapis.com/projects/300/secrets/db",
            "/v1/projects/300/secrets/db:getIamPolicy",
        ),
        (
            "cloudkms.cryptoKeyVersions.useToDecrypt",
            "//cloudkms.googleapis.com/projects/acme/locations/eu/keyRings/r/cryptoKeys/k",
            "/v1/projects/acme/locations/eu/keyRings/r/cryptoKeys/k:getIamPolicy",
        ),
        ("pubsub.topics.publish", "//pubsub.googleapis.com/projects/acme/topics/t", "/v1/projects/acme/topics/t:getIamPolicy"),
        (
            "run.routes.invoke",
            "//run.googleapis.com/projects/acme/locations/eu/services/s",
            "/v2/projects/acme/locations/eu/services/s:getIamPolicy",
        ),
        (
            "artifactregistry.repositories.downloadArtifacts",
            "//artifactregistry.googleapis.com/projects/acme/locations/eu/repositories/r",
            "/v1/projects/acme/locations/eu/repositories/r:getIamPolicy",
        ),
        (
            "bigquery.tables.getData",
            "//bigquery.googleapis.com/projects/acme/datasets/d/tables/t",
            "/bigquery/v2/projects/acme/datasets/d/tables/t:getIamPolicy",
        ),
    ] {
        let server = Server::new(move |seen| match seen.path.as_str() {
            at if at == path => Answer::json(viewer),
            "/v1/roles/it" => Answer::json(&format!(r#"{{"name": "roles/it", "includedPermissions": ["{action}"]}}"#)),
            "/bigquery/v2/projects/acme/datasets/d" => {
                Answer::json(r#"{"datasetReference": {"datasetId": "d"}, "access": [{"role": "OWNER", "userByEmail": "eve@example.com"}]}"#)
            }
            at if at.contains("/services/") && !at.ends_with(":getIamPolicy") => Answer::json(r#"{"name": "x", "state": "ENABLED"}"#),
            _ => company(seen),
        });
        let verdict = decide(&collect(&server, &ask(BOB, action, resource)).await);
        assert_eq!(verdict.decision, Decision::Allow, "{resource}: {:?}", verdict.doubts);
        let nobody = decide(&collect(&server, &ask("user:eve@gmail.com", action, resource)).await);
        assert_eq!(nobody.decision, Decision::Deny, "{resource}: {:?}", nobody.doubts);
    }
}
