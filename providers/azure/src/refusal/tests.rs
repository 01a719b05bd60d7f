//! What users would miss if it broke.

use super::{DIALECT, find};
use iam_why_contract::refusal::Catalogue;

#[test]
fn every_form_reads_its_own_example() {
    assert_eq!(Catalogue::new(&[&DIALECT]).misread(&DIALECT), Vec::<String>::new());
}

#[test]
fn the_second_action_of_a_linked_refusal_is_the_missing_one() {
    let text = "StatusCode=403 -- Original Error: Code=\"LinkedAuthorizationFailed\" Message=\"The client 'c' with object id 'o-1' has permission to perform action \
                'Microsoft.Compute/virtualMachines/write' on scope '/subscriptions/s/vm'; however, it does not have permission to perform action \
                'Microsoft.Network/virtualNetworks/subnets/join/action' on the linked scope(s) '/subscriptions/s/subnet' or the linked scope(s) are invalid.\"";
    let found = find(text);
    let [refusal] = found.as_slice() else { panic!("one refusal, not {found:?}") };
    assert_eq!(refusal.refused_by, "linked_scope");
    assert_eq!(refusal.principal.as_deref(), Some("o-1"));
    assert_eq!(refusal.action.as_deref(), Some("Microsoft.Network/virtualNetworks/subnets/join/action"));
    assert_eq!(refusal.resource.as_deref(), Some("/subscriptions/s/subnet"));
}

#[test]
fn a_deny_assignment_in_a_vaults_answer_is_an_explicit_deny() {
    let answer = |id: &str| {
        format!(
            "Caller is not authorized to perform action on resource.\\r\\nCaller: appid=a;oid=o;iss=i\\r\\nAction: 'Microsoft.KeyVault/vaults/secrets/getSecret/action'\\r\\nResource: '/r'\\r\\nAssignment: (not found)\\r\\nDenyAssignmentId: {id}\\r\\nDecisionReason: 'x'\\r\\n"
        )
    };
    let reason = |text: &str| find(text).first().map(|refusal| refusal.reason.id());
    assert_eq!(reason(&answer("null")), Some("missing_grant"));
    assert_eq!(reason(&answer("'1234'")), Some("explicit_deny"));
}
