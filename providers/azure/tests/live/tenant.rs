//! A small tenant, in the documented shapes of Resource Manager and Microsoft Graph: two subscriptions below two management groups, an
//! application that holds all its roles through a group, and a person who holds none.

use super::fake::{MARKED_TOKEN, Seen, error};
use iam_why_contract::{Context, Question};
use serde_json::{Value, json};

pub(crate) const SUBSCRIPTION: &str = "11111111-1111-1111-1111-111111111111";
pub(crate) const APP_OBJECT: &str = "22222222-2222-2222-2222-222222222222";
pub(crate) const APP_ID: &str = "33333333-3333-3333-3333-333333333333";
pub(crate) const GROUP: &str = "44444444-4444-4444-4444-444444444444";
pub(crate) const PERSON: &str = "66666666-6666-6666-6666-666666666666";
pub(crate) const APP_REGISTRATION: &str = "77777777-7777-7777-7777-777777777777";
pub(crate) const OTHER_SUBSCRIPTION: &str = "88888888-8888-8888-8888-888888888888";
/// Nobody has it.
pub(crate) const NOBODY: &str = "99999999-9999-9999-9999-999999999999";

const MACHINES: &str = "/providers/Microsoft.Authorization/roleDefinitions/55555555-5555-5555-5555-555555555555";
const BLOBS: &str = "/providers/Microsoft.Authorization/roleDefinitions/55555555-5555-5555-5555-555555555556";

pub(crate) fn machine() -> String {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm")
}

fn resource(kind: &str) -> String {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/g/providers/{kind}")
}

/// `principal` asking for `action` on `resource`.
pub(crate) fn asking(principal: &str, action: &str, resource: &str) -> Question {
    Question {
        provider: "azure".into(),
        principal: principal.into(),
        action: action.into(),
        resource: Some(resource.into()),
        context: Context::default(),
    }
}

/// One question of each kind that is read for in its own way.
pub(crate) fn questions(principal: &str) -> Vec<Question> {
    let asking = |action: &str, resource: &str| asking(principal, action, resource);
    vec![
        asking("Microsoft.Compute/virtualMachines/read", &machine()),
        asking("Microsoft.Compute/virtualMachines/write", &machine()),
        asking("Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read", "https://reports.blob.core.windows.net/c/b.csv"),
        asking("Microsoft.KeyVault/vaults/secrets/getSecret/action", "https://reports.vault.azure.net/secrets/s"),
        asking("Microsoft.DocumentDB/databaseAccounts/readMetadata", &resource("Microsoft.DocumentDB/databaseAccounts/reports")),
        asking("Microsoft.ServiceBus/namespaces/messages/send/action", &resource("Microsoft.ServiceBus/namespaces/reports")),
        asking("Microsoft.Odd/things/spin/action", &resource("Microsoft.Odd/things/t")),
    ]
}

pub(crate) type Told = (u16, &'static str, String);

fn told(value: &Value) -> Told {
    (200, "", value.to_string())
}

fn list(items: Value) -> Told {
    told(&json!({ "value": items }))
}

/// What the tenant answers.
pub(crate) fn answer(seen: &Seen) -> Told {
    for id in [SUBSCRIPTION, OTHER_SUBSCRIPTION] {
        if let Some(rest) = seen.path.strip_prefix(&format!("/subscriptions/{id}")) {
            return of_subscription(id, rest, seen);
        }
    }
    let below_group = seen.path.strip_prefix("/providers/Microsoft.Management/managementGroups/");
    below_group.map_or_else(|| outside(seen), of_management_group)
}

fn of_management_group(rest: &str) -> Told {
    let parent = |name: &str| json!({"parent": {"id": format!("/providers/Microsoft.Management/managementGroups/{name}")}});
    match rest {
        "root/descendants" => list(json!([
            {"id": "m1", "name": "unit", "type": "Microsoft.Management/managementGroups", "properties": parent("root")},
            {"id": "m2", "name": SUBSCRIPTION, "type": "/subscriptions", "properties": parent("unit")},
            {"id": "m3", "name": OTHER_SUBSCRIPTION, "type": "/subscriptions", "properties": parent("unit")},
        ])),
        other if other.contains("/providers/Microsoft.Authorization/") => list(json!([])),
        _ => absent(),
    }
}

fn absent() -> Told {
    (404, "", error("ResourceNotFound", "there is none"))
}

fn of_subscription(id: &str, rest: &str, seen: &Seen) -> Told {
    let own = format!("/subscriptions/{id}");
    let empty = id != SUBSCRIPTION;
    match rest {
        "" => told(&json!({"id": own, "subscriptionId": id, "state": "Enabled", "tenantId": "t", "managedByTenants": []})),
        "/resourcegroups" => list(json!([{"id": format!("{own}/resourceGroups/g"), "name": "g"}])),
        "/providers" => list(json!([
            {"id": "p1", "namespace": "Microsoft.Compute", "registrationState": "Registered", "resourceTypes": [{"resourceType": "virtualMachines"}]},
            {"id": "p2", "namespace": "Microsoft.Odd", "registrationState": "Registered"},
            {"id": "p3", "namespace": "Microsoft.Sql", "registrationState": "NotRegistered"},
        ])),
        "/providers/Microsoft.Compute" | "/providers/Microsoft.Odd" => {
            let namespace = rest.trim_start_matches("/providers/");
            told(
                &json!({"id": rest, "namespace": namespace, "registrationState": "Registered", "resourceTypes": [{"resourceType": "virtualMachines"}]}),
            )
        }
        other if !empty => resources(&own, other, seen),
        "/providers/Microsoft.Authorization/roleDefinitions" => {
            let mut same = role(MACHINES);
            same["id"] = json!(format!("{own}{MACHINES}"));
            list(json!([same]))
        }
        other if other.starts_with("/providers/Microsoft.") => list(json!([])),
        _ => absent(),
    }
}

/// What the first subscription holds.
fn resources(own: &str, rest: &str, seen: &Seen) -> Told {
    let account = json!({"id": resource("Microsoft.Storage/storageAccounts/reports"), "name": "reports",
        "properties": {"isHnsEnabled": false, "publicNetworkAccess": "Enabled", "networkAcls": {"defaultAction": "Allow"}}});
    let vault = json!({"id": resource("Microsoft.KeyVault/vaults/reports"), "name": "reports",
        "properties": {"enableRbacAuthorization": false, "publicNetworkAccess": "Enabled",
            "accessPolicies": [{"tenantId": "t", "objectId": GROUP, "permissions": {"secrets": ["get"]}}]}});
    let bus = json!({"id": resource("Microsoft.ServiceBus/namespaces/reports"), "name": "reports", "properties": {"publicNetworkAccess": "Enabled"}});
    let identity = json!({"id": resource("Microsoft.ManagedIdentity/userAssignedIdentities/reports"), "name": "reports",
        "properties": {"principalId": APP_OBJECT, "clientId": APP_ID}});
    match rest {
        "/providers/Microsoft.Authorization/roleAssignments" => list(assigned(own, seen)),
        "/providers/Microsoft.Authorization/roleDefinitions" => list(json!([role(MACHINES), role(BLOBS)])),
        "/providers/Microsoft.Storage/storageAccounts" => list(json!([account])),
        "/providers/Microsoft.ServiceBus/namespaces" => list(json!([bus])),
        "/resourceGroups/g/providers/Microsoft.ServiceBus/namespaces/reports" => told(&bus),
        "/resourceGroups/g/providers/Microsoft.ServiceBus/namespaces/reports/networkRuleSets/default" => {
            told(&json!({"id": "rules", "properties": {"defaultAction": "Allow", "publicNetworkAccess": "Enabled"}}))
        }
        "/providers/Microsoft.KeyVault/vaults" => list(json!([vault])),
        "/providers/Microsoft.DocumentDB/databaseAccounts" => {
            list(json!([{"id": resource("Microsoft.DocumentDB/databaseAccounts/reports"), "name": "reports"}]))
        }
        "/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/reports" => told(&account),
        "/resourceGroups/g/providers/Microsoft.KeyVault/vaults/reports" => told(&vault),
        "/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/reports" => told(&identity),
        other if other.ends_with("/virtualMachines/vm/providers/Microsoft.ManagedIdentity/identities/default") => told(&identity),
        other if other.ends_with("/databaseAccounts/reports/sqlRoleAssignments") => list(json!([{
            "id": resource("Microsoft.DocumentDB/databaseAccounts/reports/sqlRoleAssignments/c1"), "properties": {"principalId": GROUP,
                "roleDefinitionId": "/x/sqlRoleDefinitions/00000000-0000-0000-0000-000000000002",
                "scope": resource("Microsoft.DocumentDB/databaseAccounts/reports")}}])),
        other if other.ends_with("/sqlRoleDefinitions") => list(json!([])),
        other if other.ends_with("/providers/Microsoft.Authorization/checkAccess") => checked(seen),
        other if other.ends_with("/registrationAssignments") => list(json!([])),
        other if other.starts_with("/providers/Microsoft.") && other.matches('/').count() == 3 => list(json!([])),
        _ => absent(),
    }
}

/// Azure itself evaluates the filter, groups included: the person is in none.
fn assigned(own: &str, seen: &Seen) -> Value {
    if seen.query.contains("assignedTo") && !seen.query.contains(APP_OBJECT) {
        return json!([]);
    }
    let one = |name: &str, role: &str, scope: &str| {
        json!({"id": format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{name}"), "name": name,
            "properties": {"roleDefinitionId": role, "principalId": GROUP, "principalType": "Group", "scope": scope,
                "condition": null, "conditionVersion": null}})
    };
    json!([one("a1", MACHINES, own), one("a2", BLOBS, &format!("{own}/resourceGroups/g"))])
}

fn role(id: &str) -> Value {
    let permissions = if id == MACHINES {
        json!([{"actions": ["Microsoft.Compute/*/read", "Microsoft.Compute/virtualMachines/write", "Microsoft.Odd/things/*"],
            "notActions": [], "dataActions": [], "notDataActions": []}])
    } else {
        json!([{"actions": [], "notActions": [], "notDataActions": [],
            "dataActions": ["Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read",
                "Microsoft.ServiceBus/namespaces/messages/send/action"]}])
    };
    let name = if id == MACHINES { "Machine reader" } else { "Blob reader" };
    json!({"id": id, "name": id, "properties": {"roleName": name, "type": "BuiltInRole", "assignableScopes": ["/"], "permissions": permissions}})
}

fn checked(seen: &Seen) -> Told {
    let asked: Value = serde_json::from_str(&seen.body).unwrap();
    let allowed = asked["Subject"]["Attributes"]["ObjectId"] == APP_OBJECT;
    let decision = if allowed { "Allowed" } else { "NotAllowed" };
    let by = allowed.then(|| json!({"id": "/x/roleAssignments/a1"}));
    told(&json!([{"actionId": asked["Actions"][0]["Id"], "isDataAction": asked["Actions"][0]["IsDataAction"], "accessDecision": decision,
        "roleAssignment": by, "timeToLiveInMs": 300_000}]))
}

fn outside(seen: &Seen) -> Told {
    let application = json!({"@odata.type": "#microsoft.graph.servicePrincipal", "id": APP_OBJECT, "appId": APP_ID, "displayName": "reports",
        "servicePrincipalType": "Application"});
    let person = json!({"@odata.type": "#microsoft.graph.user", "id": PERSON, "displayName": "Nadia", "userPrincipalName": "nadia@example.com",
        "mobilePhone": "+49 555 0100"});
    let group = json!({"@odata.type": "#microsoft.graph.group", "id": GROUP, "displayName": "readers", "visibility": null});
    let registration =
        json!({"@odata.type": "#microsoft.graph.application", "id": APP_REGISTRATION, "appId": APP_ID, "displayName": "reports"});
    let path = seen.path.as_str();
    let body = match path {
        MACHINES | BLOBS => role(path),
        // The endpoint that a web app has its identity's tokens from.
        "/token" => json!({"access_token": MARKED_TOKEN, "expires_on": "4102444800", "token_type": "Bearer", "resource": "x"}),
        "/providers/Microsoft.ResourceGraph/resources" => graphed(&seen.body),
        "/providers/Microsoft.Authorization/providerOperations/Microsoft.Compute" => {
            json!({"name": "Microsoft.Compute", "resourceTypes": [{"name": "virtualMachines", "operations": [
                {"name": "Microsoft.Compute/virtualMachines/read", "isDataAction": false, "description": "words"}]}]})
        }
        "/providers/Microsoft.Authorization/providerOperations/Microsoft.Odd" => json!({"name": "Microsoft.Odd",
            "operations": [{"name": "Microsoft.Odd/things/spin/action", "isDataAction": false, "description": "words"}]}),
        "/v1.0/directoryObjects/getByIds" => {
            let asked: Value = serde_json::from_str(&seen.body).unwrap();
            let known = [&application, &person, &group];
            let found: Vec<&&Value> = known.iter().filter(|one| asked["ids"].as_array().unwrap().contains(&one["id"])).collect();
            json!({"value": found})
        }
        "/v1.0/users" if seen.query.contains("nadia") || seen.query.contains("Nadia") => json!({"value": [person]}),
        "/v1.0/servicePrincipals" if seen.query.contains("reports") => json!({"value": [application]}),
        "/v1.0/groups" if seen.query.contains("readers") => json!({"value": [group]}),
        "/v1.0/users" | "/v1.0/groups" | "/v1.0/servicePrincipals" => json!({"value": []}),
        _ => match path.trim_start_matches("/v1.0/") {
            one if one == format!("directoryObjects/{APP_OBJECT}") || one == format!("servicePrincipals/{APP_OBJECT}") => application,
            one if one == format!("servicePrincipals(appId='{APP_ID}')") => application,
            one if one == format!("directoryObjects/{PERSON}") || one == format!("users/{PERSON}") => person,
            one if one == format!("directoryObjects/{GROUP}") || one == format!("groups/{GROUP}") => group,
            one if one == format!("directoryObjects/{APP_REGISTRATION}") => registration,
            one if one == format!("servicePrincipals/{APP_OBJECT}/transitiveMemberOf") => json!({"value": [{"id": GROUP}]}),
            one if one == format!("users/{PERSON}/transitiveMemberOf") => json!({"value": []}),
            one if one == format!("groups/{GROUP}/transitiveMemberOf") => json!({"value": []}),
            one if one == format!("groups/{GROUP}/transitiveMembers") => json!({"value": [application]}),
            _ => return (404, "", error("Request_ResourceNotFound", "there is none")),
        },
    };
    told(&body)
}

/// Azure Resource Graph.
fn graphed(body: &str) -> Value {
    let above = json!([{"name": "unit"}, {"name": "root"}]);
    if body.contains("storageaccounts") || body.contains("storageAccounts") {
        return json!({"data": [{"id": resource("Microsoft.Storage/storageAccounts/reports")}]});
    }
    if body.contains("vaults") {
        return json!({"data": [{"id": resource("Microsoft.KeyVault/vaults/reports")}]});
    }
    if body.contains("microsoft.management/managementgroups") {
        let above = if body.contains("=~ 'unit'") { json!([{"name": "root"}]) } else { json!([]) };
        return json!({"data": [{"name": "x", "managementGroupAncestorsChain": above}]});
    }
    json!({"data": [{"subscriptionId": SUBSCRIPTION, "managementGroupAncestorsChain": above}]})
}
