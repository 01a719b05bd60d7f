//! What the credentials can read, and the smallest role that reads everything.

use crate::server::{Server, Treatment, reader_as, refused, runtime};
use crate::tenant::{APP_ID, APP_OBJECT};
use iam_why_azure::collect::step::{ALL, READING_POSTS};
use iam_why_contract::Outcome;
use iam_why_contract::collect::{Collect, Doctor, Quiet};
use serde_json::{Value, json};

fn examine(server: &Server) -> Doctor {
    let own = reader_as(&json!({"oid": APP_OBJECT, "appid": APP_ID, "idtyp": "app", "xms_mirid": "reports"}));
    let options = server.options().with("subscription", crate::tenant::SUBSCRIPTION);
    runtime().block_on(own.doctor(&options, &Quiet)).unwrap()
}

#[test]
fn every_call_of_the_table_is_tried_and_none_that_writes() {
    let server = Server::new(|seen| match seen.path.as_str() {
        "/v1.0/groups" => Treatment::Answer(200, json!({"value": [{"id": crate::tenant::GROUP}]}).to_string()),
        "/v1.0/servicePrincipals" => Treatment::Answer(200, json!({"value": [{"id": APP_OBJECT}]}).to_string()),
        _ => Treatment::Pass,
    });
    let doctor = examine(&server);
    let untried: Vec<&str> =
        doctor.checks.iter().filter(|check| matches!(check.outcome, Outcome::NotTried { .. })).map(|check| check.about.as_str()).collect();
    assert_eq!(untried, ["descendants"], "a subscription tells nothing of what is below a management group");
    let refused: Vec<_> = doctor.checks.iter().filter(|check| matches!(check.outcome, Outcome::Refused { .. })).collect();
    assert!(refused.is_empty(), "{refused:#?}");
    for call in server.seen() {
        assert!(call.method == "GET" || READING_POSTS.iter().any(|path| call.path.ends_with(path)), "{call:?}");
    }
    assert_eq!(doctor.who, format!("reports ({APP_OBJECT})"));
}

#[test]
fn what_is_refused_is_said_with_the_right_that_it_takes() {
    let server = Server::new(|seen| {
        if seen.path.ends_with("/denyAssignments") || seen.path.ends_with("/v1.0/users") { refused() } else { Treatment::Pass }
    });
    let doctor = examine(&server);
    for (call, right) in [("denyAssignments", "Microsoft.Authorization/denyAssignments/read"), ("users", "Graph User.Read.All")] {
        let check = doctor.checks.iter().find(|check| check.about == call).unwrap();
        assert!(matches!(&check.outcome, Outcome::Refused { needs, .. } if needs == right), "{check:?}");
    }
}

#[test]
fn the_smallest_role_is_made_of_the_table_and_can_be_pasted() {
    let doctor = examine(&Server::new(|_| Treatment::Pass));
    let (role, graph) = doctor.least.split_once("\n\nand in Microsoft Graph: ").unwrap();
    let role: Value = serde_json::from_str(role).unwrap();
    let wanted = json!({
        "Name": "iam-why reader",
        "Description": "Reads what iam-why explains refusals from",
        "Actions": [
            "Microsoft.AppConfiguration/configurationStores/read",
            "Microsoft.Authorization/denyAssignments/read",
            "Microsoft.Authorization/locks/read",
            "Microsoft.Authorization/policyAssignments/read",
            "Microsoft.Authorization/policyDefinitions/read",
            "Microsoft.Authorization/policyExemptions/read",
            "Microsoft.Authorization/policySetDefinitions/read",
            "Microsoft.Authorization/providerOperations/read",
            "Microsoft.Authorization/roleAssignmentScheduleInstances/read",
            "Microsoft.Authorization/roleAssignments/read",
            "Microsoft.Authorization/roleDefinitions/read",
            "Microsoft.Authorization/roleEligibilityScheduleInstances/read",
            "Microsoft.CognitiveServices/accounts/read",
            "Microsoft.ContainerRegistry/registries/read",
            "Microsoft.DocumentDB/databaseAccounts/read",
            "Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments/read",
            "Microsoft.DocumentDB/databaseAccounts/sqlRoleDefinitions/read",
            "Microsoft.EventGrid/domains/read",
            "Microsoft.EventGrid/namespaces/read",
            "Microsoft.EventGrid/topics/read",
            "Microsoft.EventHub/namespaces/networkRuleSets/read",
            "Microsoft.EventHub/namespaces/read",
            "Microsoft.KeyVault/vaults/read",
            "Microsoft.ManagedIdentity/identities/read",
            "Microsoft.ManagedIdentity/userAssignedIdentities/read",
            "Microsoft.ManagedServices/registrationAssignments/read",
            "Microsoft.Management/managementGroups/descendants/read",
            "Microsoft.Management/managementGroups/read",
            "Microsoft.OperationalInsights/workspaces/read",
            "Microsoft.Resources/subscriptions/providers/read",
            "Microsoft.Resources/subscriptions/read",
            "Microsoft.Resources/subscriptions/resourceGroups/read",
            "Microsoft.Search/searchServices/read",
            "Microsoft.ServiceBus/namespaces/networkRuleSets/read",
            "Microsoft.ServiceBus/namespaces/read",
            "Microsoft.Storage/storageAccounts/read",
        ],
        "NotActions": [],
        "DataActions": [],
        "NotDataActions": [],
        "AssignableScopes": [format!("/subscriptions/{}", crate::tenant::SUBSCRIPTION)],
    });
    assert_eq!(role, wanted);
    let graph = graph.lines().next().unwrap();
    assert_eq!(graph, "Application.Read.All, Directory.Read.All, GroupMember.Read.All, User.Read.All");
    assert_eq!(doctor.checks.len(), ALL.len());
}
