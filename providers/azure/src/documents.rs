//! The documents that Azure keeps: one row a kind. What collects, recognises and simulates all read this table.
//!
//! An element is read in either shape: as Resource Manager returns it (its members under `properties`) or as `az` prints it (flat).
//! A search of a list names the scope that was listed; `SCOPE?$filter=atScope()` is the list at and above a scope, and
//! `SCOPE?$filter=atScope() and assignedTo('ID')` what of it is assigned to one principal, directly or through groups.

mod printed;

pub(crate) use printed::{assemble, recognise};

use iam_why_contract::{DocumentKind, Place, Snapshot};

iam_why_contract::document_kinds! {
    // Who may do what, where.
    ROLE_ASSIGNMENT = "azure:role-assignment", "the role assignment", "scope",
        "an element of role assignment list", "az role assignment list --all --include-inherited -o json", ["Microsoft.Authorization/roleAssignments/read"];
    ROLE_DEFINITION = "azure:role-definition", "the role definition", "role definition id",
        "an element of role definition list", "az role definition list -o json", ["Microsoft.Authorization/roleDefinitions/read"];
    DENY_ASSIGNMENT = "azure:deny-assignment", "the deny assignment", "scope",
        "an element of `value` of denyAssignments",
        "az rest --url /subscriptions/ID/providers/Microsoft.Authorization/denyAssignments?api-version=2024-07-01-preview",
        ["Microsoft.Authorization/denyAssignments/read"];
    ELIGIBLE_ASSIGNMENT = "azure:eligible-assignment", "the eligible assignment", "scope",
        "an element of `value` of roleEligibilityScheduleInstances",
        "az rest --url SCOPE/providers/Microsoft.Authorization/roleEligibilityScheduleInstances?api-version=2020-10-01",
        ["Microsoft.Authorization/roleEligibilityScheduleInstances/read"];
    ASSIGNMENT_SCHEDULE = "azure:assignment-schedule", "the schedule of the role assignment", "scope",
        "an element of `value` of roleAssignmentScheduleInstances",
        "az rest --url SCOPE/providers/Microsoft.Authorization/roleAssignmentScheduleInstances?api-version=2020-10-01",
        ["Microsoft.Authorization/roleAssignmentScheduleInstances/read"];
    LIGHTHOUSE_ASSIGNMENT = "azure:lighthouse-assignment", "the Lighthouse registration", "scope",
        "an element of `value` of registrationAssignments with its definition expanded",
        "az managedservices assignment list --include-definition true -o json", ["Microsoft.ManagedServices/registrationAssignments/read"];

    // Who is who.
    PRINCIPAL = "azure:principal", "the principal", "object id",
        "`az ad user show`, `az ad sp show` or `az identity show`: {id, appId?, displayName, userPrincipalName?, servicePrincipalType?}",
        "az ad sp show --id ID -o json", ["Graph Application.Read.All", "Graph User.Read.All"];
    GROUP_MEMBERS = "azure:group-members", "the members of the group", "object id of a group",
        "`az ad group member list`: [{id}], direct members", "az ad group member list --group ID -o json", ["Graph GroupMember.Read.All"];
    MEMBER_OF = "azure:member-of", "the groups of the principal", "object id",
        "transitiveMemberOf: {value: [{id}]}, or `az ad user get-member-groups`", "az ad user get-member-groups --id ID -o json",
        ["Graph User.Read.All", "Graph Application.Read.All"];

    // The hierarchy.
    SUBSCRIPTION = "azure:subscription", "the subscription", "subscription id",
        "`az account show`: {id, tenantId, homeTenantId?, state, managedByTenants}", "az account show -o json", ["Microsoft.Resources/subscriptions/read"];
    ANCESTORS = "azure:ancestors", "the management groups above", "subscription id or scope",
        "{managementGroupAncestorsChain: [{name}]}, nearest first", "az graph query -q \"resourcecontainers | where type =~ 'microsoft.resources/subscriptions' | project subscriptionId, managementGroupAncestorsChain = properties.managementGroupAncestorsChain\"",
        ["Microsoft.Resources/subscriptions/read"];
    MANAGEMENT_GROUP = "azure:management-group", "the management group", "name",
        "`az account management-group show --expand --recurse`: {name, children: [{type, name, children}]}",
        "az account management-group show --name NAME --expand --recurse -o json", ["Microsoft.Management/managementGroups/read"];

    // What stands in the way besides roles.
    LOCK = "azure:lock", "the lock", "scope",
        "an element of lock list", "az lock list -o json", ["Microsoft.Authorization/locks/read"];
    POLICY_ASSIGNMENT = "azure:policy-assignment", "the policy assignment", "scope",
        "an element of policy assignment list", "az policy assignment list --disable-scope-strict-match -o json", ["Microsoft.Authorization/policyAssignments/read"];
    POLICY_DEFINITION = "azure:policy-definition", "the policy definition", "policy definition id",
        "`az policy definition show`", "az policy definition show --name NAME -o json", ["Microsoft.Authorization/policyDefinitions/read"];
    POLICY_SET = "azure:policy-set", "the policy initiative", "policy set definition id",
        "`az policy set-definition show`", "az policy set-definition show --name NAME -o json", ["Microsoft.Authorization/policySetDefinitions/read"];
    POLICY_EXEMPTION = "azure:policy-exemption", "the policy exemption", "scope",
        "an element of policy exemption list", "az policy exemption list --disable-scope-strict-match -o json", ["Microsoft.Authorization/policyExemptions/read"];
    PROVIDER = "azure:provider", "the registration of the resource provider", "subscription id and namespace: ID/Microsoft.Sql",
        "`az provider show`: {namespace, registrationState}", "az provider show --namespace NAMESPACE -o json", ["Microsoft.Resources/subscriptions/providers/read"];
    STORAGE_ACCOUNT = "azure:storage-account", "the storage account", "resource id",
        "`az storage account show`", "az storage account show --ids ID -o json", ["Microsoft.Storage/storageAccounts/read"];
    PATH_ACL = "azure:path-acl", "the access control list", "container scope, then the path: SCOPE//dir/file",
        "`az storage fs access show`: {acl, owner, group, permissions}", "az storage fs access show --auth-mode login -o json",
        ["Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"];
    KEY_VAULT = "azure:key-vault", "the key vault", "resource id",
        "`az keyvault show`", "az keyvault show --name NAME -o json", ["Microsoft.KeyVault/vaults/read"];
    RESOURCE = "azure:resource", "the resource", "resource id",
        "`az resource show`: {id, properties: {publicNetworkAccess?, networkAcls?, ipRules?}}, or its `networkRuleSets/default`",
        "az resource show --ids ID -o json", ["*/read"];
    COSMOS_ASSIGNMENTS = "azure:cosmos-role-assignments", "the Cosmos DB role assignments", "resource id of the account",
        "`az cosmosdb sql role assignment list`: [{principalId, roleDefinitionId, scope}]",
        "az cosmosdb sql role assignment list --account-name NAME --resource-group GROUP -o json", ["Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments/read"];
    COSMOS_DEFINITIONS = "azure:cosmos-role-definitions", "the Cosmos DB role definitions", "resource id of the account",
        "`az cosmosdb sql role definition list`: [{id, permissions: [{dataActions}]}]",
        "az cosmosdb sql role definition list --account-name NAME --resource-group GROUP -o json", ["Microsoft.DocumentDB/databaseAccounts/sqlRoleDefinitions/read"];
    OPERATIONS = "azure:operations", "the operations of the resource provider", "namespace",
        "`az provider operation show`: {operations: [{name, isDataAction}], resourceTypes}",
        "az provider operation show --namespace NAMESPACE -o json", [];
}

/// The row of a kind.
#[must_use]
pub fn kind(id: &str) -> Option<&'static DocumentKind> {
    KINDS.iter().find(|kind| kind.id == id)
}

/// The permissions that reading a kind takes, in words.
pub(crate) fn permissions(id: &str) -> String {
    kind(id).map(|kind| kind.permissions.join(" or ")).unwrap_or_default()
}

/// "Symptom - Role assignment changes are not being detected"
/// (<https://learn.microsoft.com/azure/role-based-access-control/troubleshooting>).
pub(crate) const DELAY: &str =
    "Microsoft documents that a role assignment takes up to 10 minutes until it is in force, and that a new sign-in fetches it";

/// When the assignment or definition around a place was changed last: `updatedOn`, else `createdOn`, of the object itself or of its
/// `properties`.
pub(crate) fn changed(place: &Place, snapshot: &Snapshot) -> Option<String> {
    let document = snapshot.documents().iter().find(|document| *document.id == *place.document)?;
    let value: serde_json::Value = serde_json::from_str(&document.text).ok()?;
    let mut pointer = place.pointer.as_str();
    loop {
        let object = value.pointer(pointer);
        let within = |name: &str| object.and_then(|object| object.get(name).or_else(|| object.get("properties")?.get(name)))?.as_str();
        if let Some(time) = within("updatedOn").or_else(|| within("createdOn")) {
            return Some(time.to_owned());
        }
        pointer = pointer.rsplit_once('/')?.0;
    }
}
