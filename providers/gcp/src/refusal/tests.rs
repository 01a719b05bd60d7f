//! What users would miss if it broke.

use super::{DIALECT, find};
use iam_why_contract::refusal::Catalogue;

#[test]
fn every_form_reads_its_own_example() {
    assert_eq!(Catalogue::new(&[&DIALECT]).misread(&DIALECT), Vec::<String>::new());
}

#[test]
fn an_audit_entry_names_the_permission_that_was_not_granted() {
    let text = r#"{"protoPayload": {"status": {"code": 7, "message": "PERMISSION_DENIED"}, "authenticationInfo": {"principalEmail": "app@p.iam.gserviceaccount.com"},
        "serviceName": "pubsub.googleapis.com", "methodName": "google.pubsub.v1.Publisher.Publish", "resourceName": "projects/p/topics/t",
        "authorizationInfo": [{"permission": "pubsub.topics.get", "granted": true, "resource": "projects/p/topics/t"}, {"permission": "pubsub.topics.publish", "resource": "projects/p/topics/t"}]}}"#;
    let found = find(text);
    let [refusal] = found.as_slice() else { panic!("one refusal, not {found:?}") };
    assert_eq!((refusal.action.as_deref(), refusal.reason.id()), (Some("pubsub.topics.publish"), "missing_grant"));
    assert_eq!(refusal.principal.as_deref(), Some("app@p.iam.gserviceaccount.com"));
}

#[test]
fn the_machine_reason_wins_over_a_tools_own_advice() {
    let text = "Error 403: Permission 'storage.objects.get' denied on resource (or it may not exist). Grant the role roles/storage.objectViewer.\n\
                \"reason\": \"SECURITY_POLICY_VIOLATED\"";
    assert_eq!(find(text).first().map(|refusal| refusal.refused_by.as_str()), Some("vpc_service_controls"));
}

#[test]
fn a_perimeter_that_runs_dry_blocks_nothing() {
    let text = "(Dry Run Mode) Request is prohibited by organization's policy. vpcServiceControlsUniqueIdentifier: abc";
    assert_eq!(find(text).first().map(|refusal| refusal.reason.id()), Some("not_authorization"));
}
