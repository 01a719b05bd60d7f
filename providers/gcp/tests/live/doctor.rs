//! What the doctor tries, finds and prescribes.

use crate::company::company;
use crate::options;
use crate::server::{Answer, Server, refused};
use iam_why_contract::Outcome;
use iam_why_contract::collect::{Check, Collect, CollectError, Doctor, Quiet};
use iam_why_gcp::collect::GcpReader;

async fn examine(server: &Server) -> Doctor {
    GcpReader.doctor(&options(server).with("project", "acme"), &Quiet).await.unwrap()
}

fn of<'d>(doctor: &'d Doctor, call: &str) -> &'d Check {
    doctor.checks.iter().find(|check| check.about == call).unwrap()
}

#[tokio::test]
async fn what_can_be_read_is_found_and_what_was_not_tried_says_why() {
    let doctor = examine(&Server::new(company)).await;
    assert_eq!(doctor.who, "user:ana@example.com");
    let refused: Vec<&Check> = doctor.checks.iter().filter(|check| matches!(check.outcome, Outcome::Refused { .. })).collect();
    assert!(refused.is_empty(), "{refused:#?}");
    let untried: Vec<&str> =
        doctor.checks.iter().filter(|check| matches!(check.outcome, Outcome::NotTried { .. })).map(|check| &*check.about).collect();
    assert_eq!(
        untried,
        [
            "resourcemanager.folders.get",
            "resourcemanager.organizations.search",
            "iam.policies.get",
            "iam.principalAccessBoundaryPolicies.get",
            "iam.serviceAccounts.get",
            "iam.serviceAccounts.getIamPolicy",
            "iam.workforcePools.get",
            "iam.workforcePools.list",
            "cloudidentity.groups.lookup",
            "cloudidentity.groups.memberships.list",
            "cloudasset.effectiveIamPolicies.batchGet",
            "storage.bucketAccessControls.list",
            "storage.objectAccessControls.list",
            "storage.managedFolders.getIamPolicy",
            "secretmanager.secrets.getIamPolicy",
            "cloudkms.cryptoKeys.getIamPolicy",
            "pubsub.getIamPolicy",
            "run.services.getIamPolicy",
            "artifactregistry.repositories.getIamPolicy",
            "cloudfunctions.functions.getIamPolicy",
            "spanner.getIamPolicy",
            "cloudtasks.queues.getIamPolicy",
            "iap.getIamPolicy",
            "compute.getIamPolicy",
            "bigquery.datasets.get",
            "bigquery.tables.get",
            "bigquery.tables.getIamPolicy",
            "accesscontextmanager.servicePerimeters.list",
            "accesscontextmanager.accessLevels.list",
            "orgpolicy.customConstraints.get",
        ]
    );
    let why = Outcome::NotTried { why: "there was nothing in or above acme to try it on, or no time left".into() };
    assert_eq!(of(&doctor, "iam.policies.get").outcome, why);
}

#[tokio::test]
async fn what_may_not_be_read_is_told_with_the_permission_it_takes() {
    let server = Server::new(|seen| match seen.path.as_str() {
        "/v3/folders/8:getIamPolicy" => refused(),
        path if path.ends_with("folders%2F8/denypolicies") => refused(),
        "/v1/groups/-/memberships:searchTransitiveGroups" => refused(),
        _ => company(seen),
    });
    let doctor = examine(&server).await;
    let needs = |call: &str| match &of(&doctor, call).outcome {
        Outcome::Refused { needs, said } => (needs.clone(), said.clone()),
        other => panic!("{call}: {other:?}"),
    };
    let said = "403 IAM_PERMISSION_DENIED: no".to_owned();
    assert_eq!(needs("resourcemanager.folders.getIamPolicy"), ("resourcemanager.folders.getIamPolicy".into(), said.clone()));
    assert_eq!(needs("iam.policies.listPolicies"), ("iam.denypolicies.list".into(), said.clone()));
    let groups = "the right to read groups in Workspace or Cloud Identity (an administrator role, not IAM)";
    assert_eq!(needs("cloudidentity.groups.memberships.searchTransitiveGroups"), (groups.into(), said));
    assert_eq!(of(&doctor, "resourcemanager.projects.getIamPolicy").outcome, Outcome::Found);
}

#[tokio::test]
async fn a_disabled_api_and_a_narrow_scope_are_no_missing_permission() {
    for (reason, wanted) in [
        ("SERVICE_DISABLED", "the API orgpolicy.googleapis.com enabled in the project that the credentials are charged to"),
        ("ACCESS_TOKEN_SCOPE_INSUFFICIENT", "a token with the scope https://www.googleapis.com/auth/cloud-platform"),
    ] {
        let server = Server::new(move |seen| {
            if !seen.path.starts_with("/v2/") || !seen.path.ends_with("/policies") {
                return company(seen);
            }
            Answer::new(
                403,
                &format!(
                    r#"{{"error": {{"code": 403, "message": "no", "details": [{{"@type": "x/google.rpc.ErrorInfo", "reason": "{reason}"}}]}}}}"#
                ),
            )
        });
        let doctor = examine(&server).await;
        let Outcome::Refused { needs, .. } = &of(&doctor, "orgpolicy.policies.list").outcome else { panic!("{doctor:#?}") };
        assert_eq!(needs, wanted);
    }
}

#[tokio::test]
async fn the_role_it_prescribes_is_the_table_s_and_nothing_more() {
    let doctor = examine(&Server::new(company)).await;
    assert_eq!(doctor.least, include_str!("role.yaml"));
}

#[tokio::test]
async fn credentials_that_are_not_accepted_are_an_error_and_no_list_of_refusals() {
    let server = Server::new(|_| Answer::new(401, r#"{"error": {"code": 401, "message": "expired"}}"#));
    let error = GcpReader.doctor(&options(&server).with("project", "acme"), &Quiet).await.unwrap_err();
    assert!(matches!(error, CollectError::BadCredentials { .. }), "{error}");
}
