//! An Azure subscription, as a case in its short form.

use super::Seeded;
use serde_json::{Value, json};

const CALLER: &str = "a11ce000-0000-4000-8000-000000000001";
const SUBSCRIPTION: &str = "/subscriptions/5ab00000-0000-4000-8000-000000000001";

/// A caller with `assignments` role assignments, the last of which grants.
pub(crate) fn case(assignments: usize) -> Value {
    let mut seeded = Seeded::new(13);
    let id = |at: usize| format!("/providers/Microsoft.Authorization/roleDefinitions/00000000-0000-4000-8000-{at:012}");
    let definitions: Vec<Value> = (0..20)
        .map(|at| {
            let action = seeded.pick(&["Microsoft.Compute/*/read", "Microsoft.Network/*/read", "Microsoft.Web/sites/*", "Microsoft.Sql/servers/read"]);
            let actions = if at == 0 { "Microsoft.Storage/*" } else { action };
            json!({"id": id(at), "name": format!("role {at}"), "actions": [actions], "notActions": [], "dataActions": [], "notDataActions": []})
        })
        .collect();
    let scope = format!("{SUBSCRIPTION}/resourceGroups/rg-orders");
    let assigned: Vec<Value> = (0..assignments)
        .map(|at| {
            let role = if at + 1 == assignments { 0 } else { 1 + seeded.below(19) };
            json!({
                "id": format!("{scope}/providers/Microsoft.Authorization/roleAssignments/00000000-0000-4000-9000-{at:012}"),
                "principalId": CALLER, "roleDefinitionId": id(role), "scope": scope, "condition": null,
            })
        })
        .collect();
    json!({
        "id": "bench", "expect": "allow", "role_definitions": definitions, "role_assignments": assigned, "deny_assignments": [], "groups": {},
        "principal": CALLER, "action": "Microsoft.Storage/storageAccounts/listKeys/action", "is_data_action": false,
        "scope": format!("{scope}/providers/Microsoft.Storage/storageAccounts/orders"), "context": {},
    })
}
