//! A folder of what gcloud printed is a snapshot.

use iam_why_contract::{Context, Decision, Provider, Question, Snapshot, SourceFile, Verdict};
use iam_why_gcp::Gcp;

fn folder(files: &[(&str, &str)]) -> Snapshot {
    let mut all = Snapshot::default();
    for (path, text) in files {
        all.merge(Gcp.recognise(SourceFile { path, text }).unwrap_or_else(|| panic!("{path} is not recognised")));
    }
    Gcp.assemble(all)
}

fn ask(snapshot: &Snapshot, principal: &str, action: &str, resource: &str) -> Verdict {
    let question = Question {
        provider: "gcp".into(),
        principal: principal.into(),
        action: action.into(),
        resource: Some(resource.into()),
        context: Context::default(),
    };
    Gcp.simulate(&question, snapshot).unwrap()
}

const ANCESTORS: &str = r#"[{"id": "shop", "type": "project"}, {"id": "77", "type": "organization"}]"#;
const ROLE: &str = r#"{"description": "…", "etag": "AA==", "includedPermissions": ["resourcemanager.projects.get", "storage.objects.get"],
  "name": "roles/storage.objectViewer", "stage": "GA", "title": "Storage Object Viewer"}"#;

fn bucket_folder() -> Vec<(&'static str, &'static str)> {
    vec![
        ("snap/ancestors.json", ANCESTORS),
        ("snap/role.json", ROLE),
        (
            "snap/project.json",
            r#"{"projectId": "shop", "projectNumber": "55", "lifecycleState": "ACTIVE", "parent": {"id": "77", "type": "organization"}}"#,
        ),
        (
            "snap/bucket.json",
            r#"{"name": "invoices", "storage_url": "gs://invoices/", "uniform_bucket_level_access": true, "projectNumber": "55"}"#,
        ),
        (
            "snap/iam-policy--bucket--invoices.json",
            r#"{"bindings": [{"members": ["user:kim@gmail.com"], "role": "roles/storage.objectViewer"}], "etag": "CAE="}"#,
        ),
        ("snap/iam-policy--project--shop.json", r#"{"etag": "ACAB"}"#),
        ("snap/iam-policy/organization/77.json", r#"{"bindings": [], "etag": "BwX="}"#),
        ("snap/deny-policies--project--shop.json", "[]"),
        ("snap/deny-policies--organization--77.json", "[]"),
        ("snap/perimeters--organization--77.json", "[]"),
    ]
}

#[test]
fn a_folder_of_printed_policies_decides() {
    let verdict = ask(&folder(&bucket_folder()), "user:kim@gmail.com", "storage.objects.get", "gs://invoices/a.pdf");
    assert_eq!(verdict.decision, Decision::Allow, "{:?}", verdict.doubts);
}

#[test]
fn the_evidence_lies_in_the_file_that_was_printed() {
    let mut files = bucket_folder();
    files.retain(|(path, _)| !path.contains("deny-policies--project"));
    files.push((
        "snap/deny-policies--project--shop.json",
        r#"[
  {"name": "policies/cloudresourcemanager.googleapis.com%2Fprojects%2F55/denypolicies/quiet", "kind": "DenyPolicy"},
  {"name": "policies/cloudresourcemanager.googleapis.com%2Fprojects%2F55/denypolicies/no-reads", "kind": "DenyPolicy"}
]"#,
    ));
    files.push((
        "snap/quiet.json",
        r#"{"name": "policies/cloudresourcemanager.googleapis.com%2Fprojects%2F55/denypolicies/quiet", "kind": "DenyPolicy", "rules": []}"#,
    ));
    let reads = r#"{"name": "policies/cloudresourcemanager.googleapis.com%2Fprojects%2F55/denypolicies/no-reads", "kind": "DenyPolicy",
      "rules": [{"denyRule": {"deniedPrincipals": ["principalSet://goog/public:all"], "deniedPermissions": ["storage.googleapis.com/objects.get"]}}]}"#;
    let without = folder(&files);
    assert_eq!(
        ask(&without, "user:kim@gmail.com", "storage.objects.get", "gs://invoices/a.pdf").decision,
        Decision::Undetermined,
        "one policy's rules are missing"
    );
    files.push(("snap/no-reads.json", reads));
    let whole = folder(&files);
    let verdict = ask(&whole, "user:kim@gmail.com", "storage.objects.get", "gs://invoices/a.pdf");
    assert_eq!((verdict.decision, verdict.decided_by), (Decision::Deny, Some("deny_policy")));
    let quiet = ask(&whole, "user:kim@gmail.com", "resourcemanager.projects.get", "projects/shop");
    assert_eq!(quiet.decision, Decision::Deny, "nothing grants it, and both deny policies were read");
    let document = match &verdict.findings[0].evidence {
        iam_why_contract::Evidence::Place(place) => whole.document(&place.document).unwrap(),
        iam_why_contract::Evidence::Silence { .. } => panic!("no place"),
    };
    assert_eq!(&*document.origin.source, "snap/no-reads.json");
}

#[test]
fn a_policy_that_does_not_say_whose_it_is_is_remarked_on() {
    let snapshot = Gcp.recognise(SourceFile { path: "policy.json", text: r#"{"bindings": [], "etag": "AA"}"# }).unwrap();
    assert!(snapshot.documents().is_empty());
    assert!(snapshot.remarks[0].contains("iam-policy--project--ID.json"), "{:?}", snapshot.remarks);
}

#[test]
fn an_export_of_cloud_asset_is_read_line_by_line() {
    let export = concat!(
        r#"{"name": "//storage.googleapis.com/invoices", "asset_type": "storage.googleapis.com/Bucket", "ancestors": ["projects/55", "organizations/77"], "iam_policy": {"bindings": [{"role": "roles/storage.objectViewer", "members": ["user:kim@gmail.com"]}]}}"#,
        "\n",
        r#"{"name": "//cloudresourcemanager.googleapis.com/projects/shop", "assetType": "cloudresourcemanager.googleapis.com/Project", "ancestors": ["projects/55", "organizations/77"], "resource": {"data": {"projectId": "shop", "projectNumber": "55"}}}"#,
        "\n",
    );
    let mut files = bucket_folder();
    files.retain(|(path, _)| !path.contains("ancestors") && !path.contains("iam-policy--bucket") && !path.contains("project.json"));
    files.push(("snap/export.ndjson", export));
    let verdict = ask(&folder(&files), "user:kim@gmail.com", "storage.objects.get", "gs://invoices/a.pdf");
    assert_eq!(verdict.decision, Decision::Allow, "{:?}", verdict.doubts);
}

#[test]
fn organization_policies_of_cloud_asset_count_and_so_do_roles_and_buckets() {
    let asset = |rest: &str| {
        format!(
            r#"{{"name": "//cloudresourcemanager.googleapis.com/organizations/77", "assetType": "cloudresourcemanager.googleapis.com/Organization", "ancestors": ["organizations/77"], {rest}}}"#
        )
    };
    let read = |policy: &str| {
        let export = asset(&format!(r#""orgPolicy": [{policy}]"#));
        let mut files = bucket_folder();
        files.push(("snap/org.ndjson", &export));
        let verdict = ask(&folder(&files), "user:kim@gmail.com", "storage.objects.get", "gs://invoices/a.pdf");
        (verdict.decision, verdict.decided_by)
    };
    let denied = (Decision::Deny, Some("org_policy"));
    let allowed = (Decision::Allow, Some("allow_policy"));
    let usage = "constraints/gcp.restrictServiceUsage";
    assert_eq!(read(&format!(r#"{{"constraint": "{usage}", "listPolicy": {{"deniedValues": ["storage.googleapis.com"]}}}}"#)), denied);
    assert_eq!(read(&format!(r#"{{"constraint": "{usage}", "list_policy": {{"all_values": "DENY"}}}}"#)), denied);
    assert_eq!(read(&format!(r#"{{"constraint": "{usage}", "listPolicy": {{"allowedValues": ["storage.googleapis.com"]}}}}"#)), allowed);
    assert_eq!(read(&format!(r#"{{"constraint": "{usage}", "restoreDefault": {{}}}}"#)), allowed);
    assert_eq!(read(r#"{"constraint": "constraints/storage.publicAccessPrevention", "booleanPolicy": {"enforced": true}}"#), allowed);
}

#[test]
fn several_deny_policies_and_an_ancestors_dump_all_count() {
    let dump = r#"[
      {"id": "shop", "type": "project", "policy": {"etag": "ACAB"}},
      {"id": "shop", "type": "project", "policy": {"name": "policies/cloudresourcemanager.googleapis.com%2Fprojects%2F55/denypolicies/quiet", "kind": "DenyPolicy", "rules": []}},
      {"id": "shop", "type": "project", "policy": {"name": "policies/cloudresourcemanager.googleapis.com%2Fprojects%2F55/denypolicies/no-reads", "kind": "DenyPolicy",
        "rules": [{"denyRule": {"deniedPrincipals": ["principalSet://goog/public:all"], "deniedPermissions": ["storage.googleapis.com/objects.get"]}}]}},
      {"id": "77", "type": "organization", "policy": {"bindings": [], "etag": "BwX="}}
    ]"#;
    let mut files = bucket_folder();
    files.retain(|(path, _)| !path.contains("deny-policies") && !path.contains("ancestors") && !path.contains("iam-policy/"));
    files.retain(|(path, _)| !path.contains("iam-policy--project"));
    files.push(("snap/get-ancestors-iam-policy.json", dump));
    let verdict = ask(&folder(&files), "user:kim@gmail.com", "storage.objects.get", "gs://invoices/a.pdf");
    assert_eq!((verdict.decision, verdict.decided_by), (Decision::Deny, Some("deny_policy")), "{:?}", verdict.doubts);
}

#[test]
fn a_bucket_without_managed_folders_says_so() {
    let mut files = bucket_folder();
    let lee = |files: &[(&str, &str)]| ask(&folder(files), "user:lee@gmail.com", "storage.objects.get", "gs://invoices/a/b.pdf");
    let before = lee(&files);
    assert_eq!(before.decision, Decision::Undetermined);
    assert!(before.doubts[0].needs.contains("gcloud storage managed-folders get-iam-policy gs://invoices/a/"), "{:?}", before.doubts);
    files.push(("snap/managed-folders--bucket--invoices.json", "[]"));
    assert_eq!(lee(&files).decision, Decision::Deny, "{:?}", lee(&files).doubts);
}

#[test]
fn results_of_a_search_grant_but_their_silence_proves_nothing() {
    let result = r#"[{"resource": "//storage.googleapis.com/invoices", "assetType": "storage.googleapis.com/Bucket", "project": "projects/55",
      "organization": "organizations/77", "policy": {"bindings": [{"role": "roles/storage.objectViewer", "members": ["user:kim@gmail.com"]}]}}]"#;
    let mut files = bucket_folder();
    files.retain(|(path, _)| !path.contains("iam-policy--bucket"));
    files.push(("snap/search.json", result));
    let snapshot = folder(&files);
    assert_eq!(ask(&snapshot, "user:kim@gmail.com", "storage.objects.get", "gs://invoices/a.pdf").decision, Decision::Allow);
    assert_eq!(ask(&snapshot, "user:lee@gmail.com", "storage.objects.get", "gs://invoices/a.pdf").decision, Decision::Undetermined);
}

#[test]
fn what_is_not_of_google_cloud_is_left_alone() {
    for text in
        [r#"{"Version": "2012-10-17", "Statement": []}"#, r#"{"name": "package", "version": "1.0.0"}"#, "[1, 2]", "plain text", "[]", "{}"]
    {
        assert!(Gcp.recognise(SourceFile { path: "x.json", text }).is_none(), "{text}");
    }
}

#[test]
fn a_custom_constraint_and_the_schema_of_a_table_say_what_they_are() {
    let constraint = r#"{"name": "organizations/77/customConstraints/custom.small", "resourceTypes": ["compute.googleapis.com/Instance"],
      "methodTypes": ["CREATE"], "condition": "resource.machineType.endsWith('e2-small')", "actionType": "ALLOW", "displayName": "small"}"#;
    let policy = r#"{"name": "organizations/77/policies/custom.small", "spec": {"etag": "A", "rules": [{"enforce": true}]}}"#;
    let table = r#"{"kind": "bigquery#table", "id": "shop:sales.people", "schema": {"fields": [{"name": "ssn", "type": "STRING",
      "policyTags": {"names": ["projects/shop/locations/eu/taxonomies/1/policyTags/2"]}}]},
      "tableReference": {"projectId": "shop", "datasetId": "sales", "tableId": "people"}}"#;
    let role = r#"{"name": "roles/x", "stage": "GA", "includedPermissions": ["compute.instances.create", "bigquery.tables.getData"]}"#;
    let granted = r#"{"bindings": [{"role": "roles/x", "members": ["user:kim@gmail.com"]}], "etag": "A"}"#;
    let mut files = bucket_folder();
    files.retain(|(path, _)| *path != "snap/iam-policy--project--shop.json");
    files.extend([("snap/constraint.json", constraint), ("snap/policy.json", policy), ("snap/table.json", table), ("snap/x.json", role)]);
    files.push(("snap/iam-policy--project--shop.json", granted));
    let snapshot = folder(&files);
    let of_machine = ask(&snapshot, "user:kim@gmail.com", "compute.instances.create", "projects/shop");
    let about = |verdict: &Verdict| verdict.doubts.iter().map(|doubt| doubt.about.clone()).collect::<Vec<String>>();
    assert_eq!(about(&of_machine), ["resource.machineType, which the condition asks for in `resource.machineType.endsWith('e2-small')`"]);
    let of_table = ask(
        &snapshot,
        "user:kim@gmail.com",
        "bigquery.tables.getData",
        "//bigquery.googleapis.com/projects/shop/datasets/sales/tables/people",
    );
    let column = "whether the query reads the column ssn, which has the policy tag projects/shop/locations/eu/taxonomies/1/policyTags/2";
    assert!(about(&of_table).iter().any(|about| about == column), "{:?}", of_table.doubts);
}

#[test]
fn a_service_of_cloud_run_that_asks_nobody_is_recognised_in_both_shapes() {
    let service = "//run.googleapis.com/projects/55/locations/europe-west1/services/shopfront";
    let printed = r#"{"apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": {"name": "shopfront", "namespace": "55",
        "labels": {"cloud.googleapis.com/location": "europe-west1"}, "annotations": {"run.googleapis.com/invoker-iam-disabled": "true"}}}"#;
    let answered = r#"{"name": "projects/55/locations/europe-west1/services/shopfront", "ingress": "INGRESS_TRAFFIC_ALL",
        "template": {}, "invokerIamDisabled": true}"#;
    for text in [printed, answered] {
        let mut files = bucket_folder();
        files.push(("snap/service.json", text));
        let verdict = ask(&folder(&files), "anonymous", "run.routes.invoke", service);
        assert_eq!(verdict.decided_by, Some("cloud_run"), "{:?} {:?}", verdict.decision, verdict.doubts);
    }
}

#[test]
fn bindings_of_context_aware_access_name_a_group_by_the_id_that_lists_of_members_hold() {
    let bindings = r#"[{"name": "organizations/77/gcpUserAccessBindings/a1", "groupKey": "01staff",
        "accessLevels": ["accessPolicies/9/accessLevels/office"]}]"#;
    let levels = r#"[{"name": "accessPolicies/9/accessLevels/office", "basic": {"conditions": [{"ipSubnetworks": ["203.0.113.0/24"]}]}}]"#;
    let members = r#"[{"name": "groups/01staff/memberships/1", "preferredMemberKey": {"id": "kim@gmail.com"}, "type": "USER"}]"#;
    let mut files = bucket_folder();
    files.extend([
        ("snap/bindings.json", bindings),
        ("snap/levels.json", levels),
        ("snap/group-members--staff@shop.example.json", members),
    ]);
    let from = |ip: &str| {
        let question = Question {
            provider: "gcp".into(),
            principal: "user:kim@gmail.com".into(),
            action: "storage.objects.get".into(),
            resource: Some("gs://invoices/1.pdf".into()),
            context: Context::default().with("source.ip", [ip]),
        };
        Gcp.simulate(&question, &folder(&files)).unwrap()
    };
    let outside = from("198.51.100.1");
    assert_eq!((outside.decision, outside.decided_by), (Decision::Deny, Some("user_access")), "{:?}", outside.doubts);
    assert!(from("203.0.113.8").findings.iter().all(|finding| finding.layer != "user_access"));
}

#[test]
fn an_access_policy_and_its_binding_are_read_as_printed() {
    let binding = r#"{"name": "projects/55/locations/global/policyBindings/b", "policyKind": "ACCESS",
        "policy": "projects/55/locations/global/accessPolicies/p",
        "target": {"resource": "//cloudresourcemanager.googleapis.com/projects/55"}}"#;
    let policy = r#"{"name": "projects/55/locations/global/accessPolicies/p", "details": {"rules": [{"effect": "DENY",
        "principals": ["principalSet://goog/public:all"], "operation": {"permissions": ["eventarc.googleapis.com/messageBuses.publish"]}}]}}"#;
    let mut files = bucket_folder();
    files.extend([("snap/binding.json", binding), ("snap/policy.json", policy)]);
    let bus = "//eventarc.googleapis.com/projects/shop/locations/europe-west1/messageBuses/orders";
    let verdict = ask(&folder(&files), "user:kim@gmail.com", "eventarc.messageBuses.publish", bus);
    assert_eq!((verdict.decision, verdict.decided_by), (Decision::Deny, Some("access_policy")), "{:?}", verdict.doubts);
}
