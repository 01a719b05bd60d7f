//! The table of reading calls: one row a call, with what it yields and the permission it takes.
//!
//! What is read, what `doctor` tries and the smallest role that `doctor` prints all stem from these rows.

use super::question::member;
use crate::documents::{self, kind};
use serde_json::Value;

/// One reading call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The kind of document that it yields.
    pub kind: &'static str,
    /// The call, as the reference names it.
    pub call: &'static str,
    /// The version of the API.
    pub version: &'static str,
    /// The permissions that it takes: an action of Azure, or `Graph` and a permission of Microsoft Graph.
    pub needs: &'static [&'static str],
}

macro_rules! steps {
    ($($name:ident = $kind:expr, $call:literal, $version:literal, [$($needs:literal),*];)*) => {
        $(pub(super) const $name: Step = Step { kind: $kind, call: $call, version: $version, needs: &[$($needs),*] };)*

        /// Every call that reading ever sends. `--verify` has one of its own: [`CHECK_ACCESS`].
        pub const ALL: &[Step] = &[$($name),*];
    };
}

steps! {
    ROLE_ASSIGNMENTS = documents::ROLE_ASSIGNMENT, "roleAssignments", "2022-04-01", ["Microsoft.Authorization/roleAssignments/read"];
    ROLE_DEFINITION = documents::ROLE_DEFINITION, "roleDefinitions", "2022-05-01-preview", ["Microsoft.Authorization/roleDefinitions/read"];
    DENY_ASSIGNMENTS = documents::DENY_ASSIGNMENT, "denyAssignments", "2024-07-01-preview", ["Microsoft.Authorization/denyAssignments/read"];
    ELIGIBLE = documents::ELIGIBLE_ASSIGNMENT, "roleEligibilityScheduleInstances", "2020-10-01",
        ["Microsoft.Authorization/roleEligibilityScheduleInstances/read"];
    SCHEDULES = documents::ASSIGNMENT_SCHEDULE, "roleAssignmentScheduleInstances", "2020-10-01",
        ["Microsoft.Authorization/roleAssignmentScheduleInstances/read"];
    LIGHTHOUSE = documents::LIGHTHOUSE_ASSIGNMENT, "registrationAssignments", "2022-10-01",
        ["Microsoft.ManagedServices/registrationAssignments/read"];
    RESOURCE_GROUPS = documents::LIGHTHOUSE_ASSIGNMENT, "resourcegroups", "2021-04-01",
        ["Microsoft.Resources/subscriptions/resourceGroups/read"];
    SUBSCRIPTION = documents::SUBSCRIPTION, "subscriptions", "2022-12-01", ["Microsoft.Resources/subscriptions/read"];
    ANCESTORS = documents::ANCESTORS, "resources", "2021-03-01",
        ["Microsoft.Resources/subscriptions/read", "Microsoft.Management/managementGroups/read"];
    DESCENDANTS = documents::MANAGEMENT_GROUP, "descendants", "2020-05-01", ["Microsoft.Management/managementGroups/descendants/read"];
    LOCKS = documents::LOCK, "locks", "2016-09-01", ["Microsoft.Authorization/locks/read"];
    POLICY_ASSIGNMENTS = documents::POLICY_ASSIGNMENT, "policyAssignments", "2023-04-01", ["Microsoft.Authorization/policyAssignments/read"];
    POLICY_DEFINITION = documents::POLICY_DEFINITION, "policyDefinitions", "2023-04-01", ["Microsoft.Authorization/policyDefinitions/read"];
    POLICY_SET = documents::POLICY_SET, "policySetDefinitions", "2023-04-01", ["Microsoft.Authorization/policySetDefinitions/read"];
    POLICY_EXEMPTIONS = documents::POLICY_EXEMPTION, "policyExemptions", "2022-07-01-preview", ["Microsoft.Authorization/policyExemptions/read"];
    PROVIDER = documents::PROVIDER, "providers", "2021-04-01", ["Microsoft.Resources/subscriptions/providers/read"];
    OPERATIONS = documents::OPERATIONS, "providerOperations", "2022-04-01", ["Microsoft.Authorization/providerOperations/read"];
    STORAGE_ACCOUNT = documents::STORAGE_ACCOUNT, "storageAccounts", "2023-05-01", ["Microsoft.Storage/storageAccounts/read"];
    KEY_VAULT = documents::KEY_VAULT, "vaults", "2023-07-01", ["Microsoft.KeyVault/vaults/read"];
    COGNITIVE = documents::RESOURCE, "accounts", "2023-05-01", ["Microsoft.CognitiveServices/accounts/read"];
    REGISTRY = documents::RESOURCE, "registries", "2023-07-01", ["Microsoft.ContainerRegistry/registries/read"];
    COSMOS = documents::RESOURCE, "databaseAccounts", "2024-05-15", ["Microsoft.DocumentDB/databaseAccounts/read"];
    SEARCH = documents::RESOURCE, "searchServices", "2023-11-01", ["Microsoft.Search/searchServices/read"];
    TOPIC = documents::RESOURCE, "topics", "2022-06-15", ["Microsoft.EventGrid/topics/read"];
    DOMAIN = documents::RESOURCE, "domains", "2022-06-15", ["Microsoft.EventGrid/domains/read"];
    EVENTS = documents::RESOURCE, "eventGridNamespaces", "2023-12-15-preview", ["Microsoft.EventGrid/namespaces/read"];
    BUS = documents::RESOURCE, "serviceBusNamespaces", "2021-11-01", ["Microsoft.ServiceBus/namespaces/read", "Microsoft.ServiceBus/namespaces/networkRuleSets/read"];
    HUBS = documents::RESOURCE, "eventHubNamespaces", "2024-01-01", ["Microsoft.EventHub/namespaces/read", "Microsoft.EventHub/namespaces/networkRuleSets/read"];
    STORE = documents::RESOURCE, "configurationStores", "2023-03-01", ["Microsoft.AppConfiguration/configurationStores/read"];
    WORKSPACE = documents::RESOURCE, "workspaces", "2022-10-01", ["Microsoft.OperationalInsights/workspaces/read"];
    COSMOS_ASSIGNMENTS = documents::COSMOS_ASSIGNMENTS, "sqlRoleAssignments", "2024-05-15",
        ["Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments/read"];
    COSMOS_DEFINITIONS = documents::COSMOS_DEFINITIONS, "sqlRoleDefinitions", "2024-05-15",
        ["Microsoft.DocumentDB/databaseAccounts/sqlRoleDefinitions/read"];
    IDENTITY = documents::PRINCIPAL, "identities", "2023-01-31",
        ["Microsoft.ManagedIdentity/userAssignedIdentities/read", "Microsoft.ManagedIdentity/identities/read"];
    OBJECT = documents::PRINCIPAL, "directoryObjects", "", ["Graph Directory.Read.All"];
    OBJECTS = documents::PRINCIPAL, "getByIds", "", ["Graph Directory.Read.All"];
    APPLICATION = documents::PRINCIPAL, "servicePrincipals", "", ["Graph Application.Read.All"];
    USER = documents::PRINCIPAL, "users", "", ["Graph User.Read.All"];
    GROUP = documents::PRINCIPAL, "groups", "", ["Graph GroupMember.Read.All"];
    MEMBER_OF = documents::MEMBER_OF, "transitiveMemberOf", "", ["Graph Application.Read.All", "Graph User.Read.All", "Graph GroupMember.Read.All"];
    GROUP_MEMBERS = documents::GROUP_MEMBERS, "transitiveMembers", "", ["Graph GroupMember.Read.All"];
}

/// What `--verify` sends. The right is that of the built-in role which is there "to call the checkAccess API".
pub const CHECK_ACCESS: Step = Step {
    kind: "",
    call: "Microsoft.Authorization/checkAccess",
    version: "2018-09-01-preview",
    needs: &["Microsoft.Authorization/*/read"],
};

/// The calls that are sent as a POST because they carry a query; they read and nothing else.
pub const READING_POSTS: &[&str] =
    &["/providers/Microsoft.ResourceGraph/resources", "/v1.0/directoryObjects/getByIds", "/providers/Microsoft.Authorization/checkAccess"];

impl Step {
    /// What an element of its list must have and `item` does not.
    pub(super) fn lacks(&self, item: &Value) -> Option<&'static str> {
        let members: &[&'static str] = match self.call {
            "locks" => &["id", "level"],
            "sqlRoleAssignments" => &["id", "principalId", "roleDefinitionId"],
            "policyAssignments" => &["id", "policyDefinitionId"],
            _ => &["id"],
        };
        members.iter().copied().find(|name| member(item, name).is_none())
    }

    /// How people call what it yields.
    pub(super) fn title(&self) -> &'static str {
        kind(self.kind).map_or(self.call, |row| row.title.trim_start_matches("the "))
    }
}
