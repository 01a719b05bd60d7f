//! A small company on Google Cloud, in the documented REST shapes: project 300 (`acme`) in folder 8 of organization 77.
//!
//! The group `readers` may read objects by a grant on the folder; ana is one of it, bob is not. Nothing else is granted to anybody
//! unless a test says so.

use super::server::{Answer, Seen};

/// What the company answers.
pub(crate) fn company(seen: &Seen) -> Answer {
    answer(seen, &[])
}

/// What the company answers, but for these paths.
pub(crate) fn with(changes: &'static [(&'static str, &'static str)]) -> impl Fn(&Seen) -> Answer + Send + Sync + Clone + 'static {
    move |seen| answer(seen, changes)
}

fn answer(seen: &Seen, changes: &[(&str, &str)]) -> Answer {
    let changed = changes.iter().find(|(path, _)| *path == seen.path).map(|(_, body)| *body);
    match changed.or_else(|| usual(seen)) {
        Some(body) => Answer::json(body),
        None => Answer::new(404, r#"{"error": {"code": 404, "message": "not found", "status": "NOT_FOUND"}}"#),
    }
}

/// A policy that says nothing.
pub(crate) const EMPTY: &str = r#"{"etag": "ACAB"}"#;

fn usual(seen: &Seen) -> Option<&'static str> {
    let ana = seen.target.contains("ana%40example.com") || seen.target.contains("ana@example.com");
    Some(match seen.path.as_str() {
        "/tokeninfo" => r#"{"email": "ana@example.com", "scope": "https://www.googleapis.com/auth/cloud-platform"}"#,
        "/v3/projects/300" | "/v3/projects/acme" => {
            r#"{"name": "projects/300", "projectId": "acme", "parent": "folders/8", "state": "ACTIVE"}"#
        }
        "/v1/projects/300:getAncestry" | "/v1/projects/acme:getAncestry" => {
            r#"{"ancestor": [{"resourceId": {"type": "project", "id": "acme"}}, {"resourceId": {"type": "folder", "id": "8"}},
                {"resourceId": {"type": "organization", "id": "77"}}]}"#
        }
        "/v3/folders/8" => r#"{"name": "folders/8", "parent": "organizations/77", "displayName": "data"}"#,
        "/v3/organizations/77" => r#"{"name": "organizations/77", "displayName": "example.com", "directoryCustomerId": "C077"}"#,
        "/v3/folders/8:getIamPolicy" => {
            r#"{"version": 1, "etag": "BwX", "bindings": [{"role": "roles/storage.objectViewer", "members": ["group:readers@example.com"]}]}"#
        }
        "/v1/roles/storage.objectViewer" => {
            r#"{"name": "roles/storage.objectViewer", "stage": "GA", "includedPermissions": ["storage.objects.get", "storage.objects.list"]}"#
        }
        "/v1/roles" => {
            r#"{"roles": [
                {"name": "roles/iam.serviceAccountTokenCreator", "title": "Service Account Token Creator", "stage": "GA",
                 "includedPermissions": ["iam.serviceAccounts.getAccessToken"]},
                {"name": "roles/storage.objectViewer", "title": "Storage Object Viewer", "stage": "GA",
                 "includedPermissions": ["storage.objects.get", "storage.objects.list"]},
                {"name": "roles/storage.serviceAgent", "stage": "GA", "includedPermissions": ["storage.objects.get"]},
                {"name": "roles/empty", "stage": "GA"}]}"#
        }
        "/v1/roles:queryGrantableRoles" if seen.body.contains("//storage.googleapis.com/projects/_/buckets/reports") => {
            r#"{"roles": [
                {"name": "roles/storage.legacyObjectReader", "stage": "GA", "includedPermissions": ["storage.objects.get"]},
                {"name": "roles/storage.objectViewer", "title": "Storage Object Viewer", "stage": "GA",
                 "includedPermissions": ["storage.objects.get", "storage.objects.list"]},
                {"name": "roles/storage.objectUser", "title": "Storage Object User", "stage": "GA",
                 "includedPermissions": ["storage.objects.create", "storage.objects.get", "storage.objects.list"]}]}"#
        }
        "/v1/roles:queryGrantableRoles" => "{}",
        "/v1/roles/iam.serviceAccountTokenCreator" => {
            r#"{"name": "roles/iam.serviceAccountTokenCreator", "stage": "GA", "includedPermissions": ["iam.serviceAccounts.getAccessToken"]}"#
        }
        "/v1/groups/-/memberships:searchTransitiveGroups" if ana => {
            r#"{"memberships": [{"group": "groups/1", "groupKey": {"id": "readers@example.com"}, "relationType": "DIRECT"}]}"#
        }
        "/v1/groups:lookup" if seen.target.contains("readers") => r#"{"name": "groups/1"}"#,
        "/v1/groups:lookup" => r#"{"name": "groups/2"}"#,
        "/v1/groups/2/memberships" => "{}",
        "/v1/groups/1/memberships" => {
            r#"{"memberships": [{"name": "groups/1/memberships/2", "preferredMemberKey": {"id": "ana@example.com"}, "type": "USER"}]}"#
        }
        "/storage/v1/b" => r#"{"kind": "storage#buckets", "items": [{"name": "reports", "projectNumber": "300"}]}"#,
        "/storage/v1/b/reports" => {
            r#"{"name": "reports", "projectNumber": "300", "location": "EU",
                "iamConfiguration": {"uniformBucketLevelAccess": {"enabled": true}, "publicAccessPrevention": "inherited"}}"#
        }
        "/storage/v1/b/reports/iam/testPermissions" => {
            r#"{"kind": "storage#testIamPermissionsResponse", "permissions": ["storage.buckets.getIpFilter"]}"#
        }
        "/v1/projects/-/serviceAccounts/app%40acme.iam.gserviceaccount.com" => APP,
        "/v1/projects/300/services/storage.googleapis.com"
        | "/v1/projects/acme/services/iam.googleapis.com"
        | "/v1/projects/acme/services/storage.googleapis.com" => {
            r#"{"name": "projects/300/services/storage.googleapis.com", "state": "ENABLED"}"#
        }
        "/v1/projects/acme/services" | "/v1/projects/300/services" => {
            r#"{"services": [{"name": "projects/300/services/storage.googleapis.com", "state": "ENABLED"},
                {"name": "projects/300/services/iam.googleapis.com", "state": "ENABLED"},
                {"name": "projects/300/services/pubsub.googleapis.com", "state": "DISABLED"},
                {"name": "projects/300/services/something.example.com", "state": "DISABLED"}]}"#
        }
        "/v1/projects/300/billingInfo" | "/v1/projects/acme/billingInfo" => {
            r#"{"name": "projects/acme/billingInfo", "projectId": "acme", "billingEnabled": true, "billingAccountName": "billingAccounts/1"}"#
        }
        "/v3/iam:troubleshoot" => {
            r#"{"overallAccessState": "CANNOT_ACCESS", "allowPolicyExplanation": {"allowAccessState": "ALLOW_ACCESS_STATE_NOT_GRANTED"},
                "denyPolicyExplanation": {"denyAccessState": "DENY_ACCESS_STATE_NOT_DENIED"}}"#
        }
        path if path.ends_with(":getIamPolicy") || path.ends_with("/getIamPolicy") || path.ends_with("/iam") => EMPTY,
        path if is_list(path) => "{}",
        _ => return None,
    })
}

pub(crate) const APP: &str = r#"{"name": "projects/acme/serviceAccounts/app@acme.iam.gserviceaccount.com", "projectId": "acme",
    "email": "app@acme.iam.gserviceaccount.com", "uniqueId": "1"}"#;

/// Lists that are empty here.
fn is_list(path: &str) -> bool {
    let ends = [
        "/denypolicies",
        ":searchTargetPolicyBindings",
        ":searchTransitiveGroups",
        "/managedFolders",
        "/accessPolicies",
        "/policies",
        "/serviceAccounts",
        "/effectiveTags",
        "/v3/projects",
        "/v3/folders",
        "/assets",
        ":batchGet",
        "/workloadIdentityPools",
        "/workforcePools",
    ];
    ends.iter().any(|end| path.ends_with(end))
}
