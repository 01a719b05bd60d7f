//! Which operations are data actions. It is a property of the operation, not of the host it is sent to (R-4: "Azure resource provider
//! operations"): listing containers goes to the blob endpoint and is an action.

use crate::language::action::ActionPattern;
use crate::language::permission::Plane;

/// Data actions of namespaces that have both kinds.
const DATA: &[&str] = &[
    "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/*",
    "Microsoft.Storage/storageAccounts/queueServices/queues/messages/*",
    "Microsoft.Storage/storageAccounts/tableServices/tables/entities/*",
    "Microsoft.Storage/storageAccounts/fileServices/fileshares/files/*",
    "Microsoft.Storage/storageAccounts/fileServices/readFileBackupSemantics/action",
    "Microsoft.Storage/storageAccounts/fileServices/writeFileBackupSemantics/action",
    "Microsoft.Storage/storageAccounts/fileServices/takeOwnership/action",
    "Microsoft.KeyVault/vaults/secrets/*/action",
    "Microsoft.KeyVault/vaults/keys/*/action",
    "Microsoft.KeyVault/vaults/certificates/*",
    "Microsoft.ServiceBus/namespaces/messages/*",
    "Microsoft.EventHub/namespaces/messages/*",
    "Microsoft.EventHub/namespaces/schemas/*",
    "Microsoft.DocumentDB/databaseAccounts/readMetadata",
    "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/items/*",
    "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/executeQuery",
    "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/readChangeFeed",
    "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/executeStoredProcedure",
    "Microsoft.Compute/virtualMachines/login/action",
    "Microsoft.Compute/virtualMachines/loginAsAdmin/action",
    "Microsoft.Compute/virtualMachines/WACloginAsAdmin/action",
    "Microsoft.Compute/disks/download/action",
    "Microsoft.Compute/disks/upload/action",
    "Microsoft.Compute/snapshots/download/action",
    "Microsoft.Compute/snapshots/upload/action",
    "Microsoft.HybridCompute/machines/login/action",
    "Microsoft.HybridCompute/machines/loginAsAdmin/action",
    "Microsoft.ContainerRegistry/registries/repositories/content/*",
    "Microsoft.ContainerRegistry/registries/repositories/metadata/*",
    "Microsoft.ContainerRegistry/registries/catalog/read",
    "Microsoft.CognitiveServices/accounts/OpenAI/*",
    "Microsoft.CognitiveServices/accounts/AIServices/*",
    "Microsoft.OperationalInsights/workspaces/tables/data/read",
    "Microsoft.Insights/Metrics/Write",
    "Microsoft.Insights/Telemetry/Write",
    "Microsoft.EventGrid/events/send/action",
    "Microsoft.Search/searchServices/indexes/documents/*",
    "Microsoft.Devices/IotHubs/*/devices/*",
    "Microsoft.SignalRService/SignalR/auth/*",
    "Microsoft.HealthcareApis/workspaces/fhirservices/resources/*",
    "Microsoft.HealthcareApis/workspaces/dicomservices/resources/*",
];

/// Namespaces whose other operations are known to be actions.
const CONTROL_BESIDES: &[&str] = &[
    "Microsoft.Storage/storageAccounts/blobServices/*",
    "Microsoft.Storage/storageAccounts/read",
    "Microsoft.Storage/storageAccounts/write",
    "Microsoft.Storage/storageAccounts/delete",
    "Microsoft.Storage/storageAccounts/*/action",
    "Microsoft.Storage/storageAccounts/*/read",
    "Microsoft.Storage/storageAccounts/*/write",
    "Microsoft.Storage/storageAccounts/*/delete",
    "Microsoft.KeyVault/vaults/read",
    "Microsoft.KeyVault/vaults/write",
    "Microsoft.KeyVault/vaults/delete",
    "Microsoft.KeyVault/vaults/secrets/write",
    "Microsoft.KeyVault/vaults/keys/write",
    "Microsoft.KeyVault/vaults/accessPolicies/write",
    "Microsoft.KeyVault/vaults/deploy/action",
    "Microsoft.Compute/*",
    "Microsoft.ServiceBus/namespaces/*",
    "Microsoft.EventHub/namespaces/*",
    "Microsoft.DocumentDB/databaseAccounts/read",
    "Microsoft.DocumentDB/databaseAccounts/write",
    "Microsoft.DocumentDB/databaseAccounts/delete",
    "Microsoft.DocumentDB/databaseAccounts/*Keys/action",
    "Microsoft.DocumentDB/databaseAccounts/readonlykeys/read",
    "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/read",
    "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/write",
    "Microsoft.DocumentDB/databaseAccounts/sqlRole*",
    "Microsoft.ContainerService/managedClusters/read",
    "Microsoft.ContainerService/managedClusters/write",
    "Microsoft.ContainerService/managedClusters/delete",
    "Microsoft.ContainerService/managedClusters/list*/action",
    "Microsoft.ContainerService/managedClusters/start/action",
    "Microsoft.ContainerService/managedClusters/stop/action",
    "Microsoft.ContainerService/managedClusters/runCommand/action",
    "Microsoft.ContainerService/managedClusters/agentPools/*",
    "Microsoft.CognitiveServices/accounts/read",
    "Microsoft.CognitiveServices/accounts/write",
    "Microsoft.CognitiveServices/accounts/delete",
    "Microsoft.CognitiveServices/accounts/listKeys/action",
    "Microsoft.CognitiveServices/accounts/regenerateKey/action",
    "Microsoft.CognitiveServices/accounts/deployments/*",
    "Microsoft.ContainerRegistry/registries/read",
    "Microsoft.ContainerRegistry/registries/write",
    "Microsoft.ContainerRegistry/registries/delete",
    "Microsoft.ContainerRegistry/registries/pull/read",
    "Microsoft.ContainerRegistry/registries/push/write",
    "Microsoft.ContainerRegistry/registries/listCredentials/action",
    "Microsoft.OperationalInsights/workspaces/read",
    "Microsoft.OperationalInsights/workspaces/write",
    "Microsoft.OperationalInsights/workspaces/query/*",
    "Microsoft.OperationalInsights/workspaces/sharedKeys/*",
];

/// Namespaces that have no data actions.
const CONTROL: &[&str] = &[
    "Microsoft.AlertsManagement",
    "Microsoft.Authorization",
    "Microsoft.Automation",
    "Microsoft.Billing",
    "Microsoft.Blueprint",
    "Microsoft.Cache",
    "Microsoft.Cdn",
    "Microsoft.Consumption",
    "Microsoft.CostManagement",
    "Microsoft.DataFactory",
    "Microsoft.DBforMySQL",
    "Microsoft.DBforPostgreSQL",
    "Microsoft.Features",
    "Microsoft.Logic",
    "Microsoft.ManagedIdentity",
    "Microsoft.ManagedServices",
    "Microsoft.Management",
    "Microsoft.Network",
    "Microsoft.RecoveryServices",
    "Microsoft.ResourceGraph",
    "Microsoft.Resources",
    "Microsoft.Security",
    "Microsoft.Sql",
    "Microsoft.Subscription",
    "Microsoft.Support",
    "Microsoft.Web",
];

/// The first words of Kubernetes resources and groups behind `Microsoft.ContainerService/managedClusters/`: all of them data actions.
const KUBERNETES: &[&str] = &[
    "admissionregistration.k8s.io",
    "api",
    "apis",
    "apps",
    "authorization.k8s.io",
    "autoscaling",
    "batch",
    "configmaps",
    "cronjobs",
    "deployments",
    "endpoints",
    "events",
    "extensions",
    "limitranges",
    "namespaces",
    "networking.k8s.io",
    "nodes",
    "persistentvolumeclaims",
    "persistentvolumes",
    "pods",
    "policy",
    "rbac.authorization.k8s.io",
    "replicationcontrollers",
    "resourcequotas",
    "secrets",
    "serviceaccounts",
    "services",
    "storage.k8s.io",
];

/// The plane of an operation, where it is known here.
pub(crate) fn plane(action: &str) -> Option<Plane> {
    let any = |patterns: &[&str]| patterns.iter().any(|pattern| ActionPattern::new(pattern).matches(action));
    let namespace = action.split('/').next().unwrap_or_default();
    if any(DATA) || is_kubernetes(action) {
        return Some(Plane::Data);
    }
    let control = CONTROL.iter().any(|known| known.eq_ignore_ascii_case(namespace)) || any(CONTROL_BESIDES);
    control.then_some(Plane::Control)
}

fn is_kubernetes(action: &str) -> bool {
    let lower = action.to_ascii_lowercase();
    let rest = lower.strip_prefix("microsoft.containerservice/managedclusters/").and_then(|rest| rest.split('/').next());
    rest.is_some_and(|word| KUBERNETES.contains(&word))
}

/// What an operation does, by its last word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    /// GET
    Read,
    /// PUT, PATCH
    Write,
    /// DELETE
    Delete,
    /// POST
    Act,
}

/// The verb of an operation.
pub(crate) fn verb(action: &str) -> Verb {
    match action.rsplit('/').next().unwrap_or_default().to_ascii_lowercase().as_str() {
        "read" => Verb::Read,
        "write" => Verb::Write,
        "delete" => Verb::Delete,
        _ => Verb::Act,
    }
}

/// The namespace of an operation.
pub(crate) fn namespace(action: &str) -> &str {
    action.split('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::plane;
    use crate::language::permission::Plane;

    #[test]
    fn the_plane_is_a_property_of_the_operation() {
        for (action, wanted) in [
            ("microsoft.storage/storageaccounts/blobservices/containers/blobs/READ", Some(Plane::Data)),
            ("Microsoft.Storage/storageAccounts/blobServices/containers/read", Some(Plane::Control)),
            ("Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action", Some(Plane::Control)),
            ("Microsoft.Storage/storageAccounts/listKeys/action", Some(Plane::Control)),
            ("Microsoft.KeyVault/vaults/secrets/getSecret/action", Some(Plane::Data)),
            ("Microsoft.KeyVault/vaults/keys/read", None),
            ("Microsoft.ContainerService/managedClusters/pods/read", Some(Plane::Data)),
            ("Microsoft.ContainerService/managedClusters/read", Some(Plane::Control)),
            ("Microsoft.Compute/virtualMachines/write", Some(Plane::Control)),
            ("Microsoft.ServiceBus/namespaces/messages/send/action", Some(Plane::Data)),
            ("Contoso.Service/things/write", None),
        ] {
            assert_eq!(plane(action), wanted, "{action}");
        }
    }
}
