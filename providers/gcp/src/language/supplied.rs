//! What each service supplies to conditions of a resource: its service, its type, its name.
//!
//! Resource attributes for IAM Conditions: docs.cloud.google.com/iam/docs/conditions-resource-attributes (C10, C11, C30).

use super::resources::{FullName, MANAGER, STORAGE};

/// How the project is written in `resource.name`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token {
    /// By its id.
    Id,
    /// By its number.
    Number,
    /// As the full name has it.
    AsWritten,
}

/// What conditions see of the resources of one service (C10, C30).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Supplied {
    /// The service in full resource names.
    pub service: &'static str,
    /// `resource.service`, and the prefix of `resource.type`.
    pub attribute: &'static str,
    /// How the project is written.
    pub project: Token,
    /// Collections and the types of their resources.
    types: &'static [(&'static str, &'static str)],
    /// Does it supply `resource.name`?
    pub named: bool,
}

impl Supplied {
    /// What the service of `name` supplies; `None` where it supplies nothing.
    pub(crate) fn by(name: &FullName) -> Option<&'static Self> {
        SUPPLIED.iter().find(|row| row.service == name.service)
    }

    /// Does the vendor's page list what the service supplies without a resource like this one?
    pub(crate) fn leaves_out(&self, name: &FullName) -> bool {
        !self.types.is_empty() && self.type_of(name).is_none()
    }

    /// `resource.type` of a resource, `None` where it is not known how the service calls it.
    pub(crate) fn type_of(&self, name: &FullName) -> Option<String> {
        let collection = name.collection()?;
        let listed = self.types.iter().find(|(listed, _)| *listed == collection).map(|(_, kind)| *kind);
        let kind = match listed {
            Some("ForwardingRule") if name.path.contains("/global/") => "GlobalForwardingRule",
            Some(kind) => kind,
            None => return None,
        };
        let prefix = if kind == "Location" && self.service == "cloudkms.googleapis.com" { "cloud.googleapis.com" } else { self.attribute };
        Some(format!("{prefix}/{kind}"))
    }
}

const fn row(service: &'static str, project: Token, types: &'static [(&'static str, &'static str)]) -> Supplied {
    Supplied { service, attribute: service, project, types, named: true }
}

const fn renamed(attribute: &'static str, row: Supplied) -> Supplied {
    Supplied { attribute, ..row }
}

const fn nameless(row: Supplied) -> Supplied {
    Supplied { named: false, ..row }
}

const BIGTABLE: &[(&str, &str)] =
    &[("instances", "Instance"), ("clusters", "Cluster"), ("tables", "Table"), ("backups", "Backup"), ("appProfiles", "AppProfile")];
const SQL: &[(&str, &str)] = &[("instances", "Instance"), ("backupRuns", "BackupRun")];

const SUPPLIED: &[Supplied] = &[
    nameless(row(MANAGER, Token::AsWritten, &[("projects", "Project"), ("folders", "Folder"), ("organizations", "Organization")])),
    row(
        STORAGE,
        Token::AsWritten,
        &[("buckets", "Bucket"), ("objects", "Object"), ("managedFolders", "ManagedFolder"), ("folders", "Folder")],
    ),
    row("secretmanager.googleapis.com", Token::Number, &[("secrets", "Secret"), ("versions", "SecretVersion")]),
    row(
        "bigquery.googleapis.com",
        Token::Id,
        &[("datasets", "Dataset"), ("tables", "Table"), ("routines", "Routine"), ("models", "Model")],
    ),
    row(
        "bigqueryreservation.googleapis.com",
        Token::Id,
        &[
            ("reservations", "Reservation"),
            ("assignments", "Assignment"),
            ("capacityCommitments", "CapacityCommitment"),
            ("biReservation", "BiReservation"),
            ("locations", "Location"),
        ],
    ),
    renamed("bigtableadmin.googleapis.com", row("bigtable.googleapis.com", Token::Id, BIGTABLE)),
    row("bigtableadmin.googleapis.com", Token::Id, BIGTABLE),
    row(
        "cloudkms.googleapis.com",
        Token::Id,
        &[("keyRings", "KeyRing"), ("cryptoKeys", "CryptoKey"), ("cryptoKeyVersions", "CryptoKeyVersion"), ("locations", "Location")],
    ),
    row("spanner.googleapis.com", Token::Id, &[("instances", "Instance"), ("databases", "Database"), ("backups", "Backup")]),
    renamed("sqladmin.googleapis.com", row("cloudsql.googleapis.com", Token::Id, SQL)),
    row("sqladmin.googleapis.com", Token::Id, SQL),
    row(
        "compute.googleapis.com",
        Token::Id,
        &[
            ("instances", "Instance"),
            ("disks", "Disk"),
            ("images", "Image"),
            ("snapshots", "Snapshot"),
            ("instanceTemplates", "InstanceTemplate"),
            ("backendServices", "BackendService"),
            ("firewalls", "Firewall"),
            ("forwardingRules", "ForwardingRule"),
            ("targetHttpProxies", "TargetHttpProxy"),
            ("targetHttpsProxies", "TargetHttpsProxy"),
            ("targetSslProxies", "TargetSslProxy"),
            ("targetTcpProxies", "TargetTcpProxy"),
        ],
    ),
    row("container.googleapis.com", Token::Id, &[("clusters", "Cluster")]),
    row("logging.googleapis.com", Token::Id, &[("buckets", "LogBucket"), ("views", "LogView")]),
    row("firestore.googleapis.com", Token::Id, &[("databases", "Database")]),
    row("dns.googleapis.com", Token::Id, &[("rrsets", "ResourceRecordSet")]),
    row(
        "dataform.googleapis.com",
        Token::Id,
        &[
            ("repositories", "Repository"),
            ("workspaces", "Workspace"),
            ("releaseConfigs", "ReleaseConfig"),
            ("workflowConfigs", "WorkflowConfig"),
            ("workflowInvocations", "WorkflowInvocation"),
            ("compilationResults", "CompilationResult"),
            ("locations", "Location"),
        ],
    ),
    row(
        "binaryauthorization.googleapis.com",
        Token::Number,
        &[("attestors", "Attestor"), ("policy", "Policy"), ("continuousValidationConfig", "ContinuousValidationConfig")],
    ),
    row("parametermanager.googleapis.com", Token::Number, &[("parameters", "Parameter"), ("versions", "ParameterVersion")]),
    row(
        "managedkafka.googleapis.com",
        Token::Number,
        &[("clusters", "Cluster"), ("topics", "Topic"), ("consumerGroups", "ConsumerGroup"), ("operations", "Operation")],
    ),
    row("pubsublite.googleapis.com", Token::Number, &[("topics", "Topic"), ("subscriptions", "Subscription"), ("locations", "Location")]),
    row(
        "networksecurity.googleapis.com",
        Token::Number,
        &[
            ("addressGroups", "AddressGroup"),
            ("securityProfiles", "SecurityProfile"),
            ("securityProfileGroups", "SecurityProfileGroup"),
            ("firewallEndpoints", "FirewallEndpoint"),
            ("interceptDeploymentGroups", "InterceptDeploymentGroup"),
            ("interceptDeployments", "InterceptDeployment"),
            ("interceptEndpointGroups", "InterceptEndpointGroup"),
            ("interceptEndpointGroupAssociations", "InterceptEndpointGroupAssociation"),
            ("mirroringDeploymentGroups", "MirroringDeploymentGroup"),
            ("mirroringDeployments", "MirroringDeployment"),
            ("mirroringEndpointGroups", "MirroringEndpointGroup"),
            ("mirroringEndpointGroupAssociations", "MirroringEndpointGroupAssociation"),
        ],
    ),
    row("clouddeploy.googleapis.com", Token::Id, &[]),
    row("apigee.googleapis.com", Token::AsWritten, &[]),
    row("apihub.googleapis.com", Token::Id, &[]),
    row("backupdr.googleapis.com", Token::Id, &[]),
    row("ces.googleapis.com", Token::Id, &[("apps", "App"), ("operations", "Operation")]),
    row("connectors.googleapis.com", Token::Id, &[]),
    row("integrations.googleapis.com", Token::Id, &[]),
    nameless(row(
        "iap.googleapis.com",
        Token::Number,
        &[
            ("iap_tunnel", "Tunnel"),
            ("zones", "TunnelZone"),
            ("instances", "TunnelInstance"),
            ("services", "WebService"),
            ("versions", "WebServiceVersion"),
        ],
    )),
];

#[cfg(test)]
mod tests {
    use super::Supplied;
    use crate::language::resources::FullName;

    #[test]
    fn types_are_those_of_the_vendors_table() {
        let kind = |service: &str, path: &str| {
            let name = FullName::new(service, path);
            Supplied::by(&name).and_then(|row| row.type_of(&name))
        };
        assert_eq!(kind("cloudsql.googleapis.com", "projects/p/instances/i").as_deref(), Some("sqladmin.googleapis.com/Instance"));
        assert_eq!(
            kind("compute.googleapis.com", "projects/p/global/forwardingRules/f").as_deref(),
            Some("compute.googleapis.com/GlobalForwardingRule")
        );
        assert_eq!(kind("storage.googleapis.com", "projects/_/buckets/b/objects/a/b").as_deref(), Some("storage.googleapis.com/Object"));
        assert_eq!(kind("pubsub.googleapis.com", "projects/p/topics/t"), None);
    }
}
