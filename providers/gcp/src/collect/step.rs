//! The table of reading calls: one row a call, with what it yields and the permission it takes.
//!
//! What is read, what `doctor` tries and the role that `doctor` prints all stem from these rows.

use crate::documents::{
    ACCESS_LEVELS, ACL, ALLOW_POLICY, ANCESTRY, BILLING, BOUNDARY_BINDING, BOUNDARY_POLICY, BUCKET, CUSTOM_CONSTRAINT, DATASET,
    DENY_POLICY, FOLDER, GRANTABLE, GROUP_MEMBERS, GROUPS_OF, ORG_POLICY, ORGANIZATION, PERIMETERS, PRINCIPAL, PROJECT, ROLE,
    ROLE_CATALOGUE, SERVICE_ACCOUNT, SERVICE_STATE, TABLE, TAGS,
};

/// One reading call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The kind of document that it yields or leads to; empty where it yields none.
    pub kind: &'static str,
    /// The first label of the host: `storage` of `storage.googleapis.com`.
    pub host: &'static str,
    /// The call, as Google Cloud's reference names it.
    pub call: &'static str,
    /// The permissions that it takes; empty where IAM has none for it.
    pub needs: &'static [&'static str],
}

impl Step {
    /// Is it one of the calls of IAM v2 and v3, of which a project has about five a minute (F61)?
    pub(super) fn is_scarce(&self) -> bool {
        matches!(self.kind, DENY_POLICY | BOUNDARY_BINDING | BOUNDARY_POLICY)
    }

    /// Is it another door to what other rows read one by one?
    pub(super) fn is_another_door(&self) -> bool {
        self.host == "cloudasset"
    }
}

macro_rules! steps {
    ($($name:ident = $kind:expr, $host:literal, $call:literal, [$($needs:literal),*];)*) => {
        $(pub(super) const $name: Step = Step { kind: $kind, host: $host, call: $call, needs: &[$($needs),*] };)*

        /// Every call that is ever sent to read policies.
        pub const ALL: &[Step] = &[$($name),*];
    };
}

steps! {
    TOKEN = "", "oauth2", "oauth2.tokeninfo", [];
    GET_PROJECT = PROJECT, "cloudresourcemanager", "resourcemanager.projects.get", ["resourcemanager.projects.get"];
    GET_ANCESTRY = ANCESTRY, "cloudresourcemanager", "resourcemanager.projects.getAncestry", ["resourcemanager.projects.get"];
    LIST_PROJECTS = PROJECT, "cloudresourcemanager", "resourcemanager.projects.list", ["resourcemanager.projects.list"];
    LIST_FOLDERS = FOLDER, "cloudresourcemanager", "resourcemanager.folders.list", ["resourcemanager.folders.list"];
    GET_FOLDER = FOLDER, "cloudresourcemanager", "resourcemanager.folders.get", ["resourcemanager.folders.get"];
    GET_ORGANIZATION = ORGANIZATION, "cloudresourcemanager", "resourcemanager.organizations.get", ["resourcemanager.organizations.get"];
    SEARCH_ORGANIZATIONS = ORGANIZATION, "cloudresourcemanager", "resourcemanager.organizations.search", ["resourcemanager.organizations.get"];
    PROJECT_POLICY = ALLOW_POLICY, "cloudresourcemanager", "resourcemanager.projects.getIamPolicy", ["resourcemanager.projects.getIamPolicy"];
    FOLDER_POLICY = ALLOW_POLICY, "cloudresourcemanager", "resourcemanager.folders.getIamPolicy", ["resourcemanager.folders.getIamPolicy"];
    ORGANIZATION_POLICY = ALLOW_POLICY, "cloudresourcemanager", "resourcemanager.organizations.getIamPolicy",
        ["resourcemanager.organizations.getIamPolicy"];
    LIST_TAGS = TAGS, "cloudresourcemanager", "resourcemanager.effectiveTags.list",
        ["resourcemanager.projects.get", "storage.buckets.listEffectiveTags"];
    GET_ROLE = ROLE, "iam", "iam.roles.get", ["iam.roles.get"];
    LIST_ROLES = ROLE_CATALOGUE, "iam", "iam.roles.list", [];
    GRANTABLE_ROLES = GRANTABLE, "iam", "iam.roles.queryGrantableRoles", [];
    LIST_DENY = DENY_POLICY, "iam", "iam.policies.listPolicies", ["iam.denypolicies.list"];
    GET_DENY = DENY_POLICY, "iam", "iam.policies.get", ["iam.denypolicies.get"];
    SEARCH_BINDINGS = BOUNDARY_BINDING, "iam", "iam.policyBindings.searchTargetPolicyBindings",
        ["resourcemanager.organizations.searchPolicyBindings", "resourcemanager.folders.searchPolicyBindings",
         "resourcemanager.projects.searchPolicyBindings", "iam.workspacePools.searchPolicyBindings",
         "iam.workforcePools.searchPolicyBindings", "iam.workloadIdentityPools.searchPolicyBindings"];
    GET_BOUNDARY = BOUNDARY_POLICY, "iam", "iam.principalAccessBoundaryPolicies.get", ["iam.principalaccessboundarypolicies.get"];
    GET_ACCOUNT = SERVICE_ACCOUNT, "iam", "iam.serviceAccounts.get", ["iam.serviceAccounts.get"];
    LIST_ACCOUNTS = SERVICE_ACCOUNT, "iam", "iam.serviceAccounts.list", ["iam.serviceAccounts.list"];
    ACCOUNT_POLICY = ALLOW_POLICY, "iam", "iam.serviceAccounts.getIamPolicy", ["iam.serviceAccounts.getIamPolicy"];
    GET_POOL = PRINCIPAL, "iam", "iam.workforcePools.get", ["iam.workforcePools.get"];
    LIST_WORKFORCE_POOLS = PRINCIPAL, "iam", "iam.workforcePools.list", ["iam.workforcePools.list"];
    LIST_WORKLOAD_POOLS = PRINCIPAL, "iam", "iam.workloadIdentityPools.list", ["iam.workloadIdentityPools.list"];
    SEARCH_GROUPS = GROUPS_OF, "cloudidentity", "cloudidentity.groups.memberships.searchTransitiveGroups", [];
    LOOKUP_GROUP = GROUP_MEMBERS, "cloudidentity", "cloudidentity.groups.lookup", [];
    LIST_MEMBERS = GROUP_MEMBERS, "cloudidentity", "cloudidentity.groups.memberships.list", [];
    EFFECTIVE_POLICIES = ALLOW_POLICY, "cloudasset", "cloudasset.effectiveIamPolicies.batchGet", ["cloudasset.assets.searchAllIamPolicies"];
    LIST_ASSETS = ALLOW_POLICY, "cloudasset", "cloudasset.assets.list", ["cloudasset.assets.listIamPolicy"];
    SEARCH_POLICIES = ALLOW_POLICY, "cloudasset", "cloudasset.searchAllIamPolicies", ["cloudasset.assets.searchAllIamPolicies"];
    LIST_BUCKETS = BUCKET, "storage", "storage.buckets.list", ["storage.buckets.list"];
    GET_BUCKET = BUCKET, "storage", "storage.buckets.get", ["storage.buckets.get", "storage.buckets.getIpFilter"];
    BUCKET_RIGHTS = BUCKET, "storage", "storage.buckets.testIamPermissions", [];
    BUCKET_POLICY = ALLOW_POLICY, "storage", "storage.buckets.getIamPolicy", ["storage.buckets.getIamPolicy"];
    BUCKET_ACL = ACL, "storage", "storage.bucketAccessControls.list", ["storage.buckets.get", "storage.buckets.getIamPolicy"];
    OBJECT_ACL = ACL, "storage", "storage.objectAccessControls.list", ["storage.objects.get", "storage.objects.getIamPolicy"];
    LIST_MANAGED = ALLOW_POLICY, "storage", "storage.managedFolders.list", ["storage.managedFolders.list"];
    MANAGED_POLICY = ALLOW_POLICY, "storage", "storage.managedFolders.getIamPolicy", ["storage.managedFolders.getIamPolicy"];
    SECRET_POLICY = ALLOW_POLICY, "secretmanager", "secretmanager.secrets.getIamPolicy", ["secretmanager.secrets.getIamPolicy"];
    KEY_POLICY = ALLOW_POLICY, "cloudkms", "cloudkms.cryptoKeys.getIamPolicy", ["cloudkms.cryptoKeys.getIamPolicy", "cloudkms.keyRings.getIamPolicy"];
    PUBSUB_POLICY = ALLOW_POLICY, "pubsub", "pubsub.getIamPolicy", ["pubsub.topics.getIamPolicy", "pubsub.subscriptions.getIamPolicy"];
    RUN_POLICY = ALLOW_POLICY, "run", "run.services.getIamPolicy", ["run.services.getIamPolicy"];
    REPOSITORY_POLICY = ALLOW_POLICY, "artifactregistry", "artifactregistry.repositories.getIamPolicy",
        ["artifactregistry.repositories.getIamPolicy"];
    FUNCTION_POLICY = ALLOW_POLICY, "cloudfunctions", "cloudfunctions.functions.getIamPolicy", ["cloudfunctions.functions.getIamPolicy"];
    SPANNER_POLICY = ALLOW_POLICY, "spanner", "spanner.getIamPolicy", ["spanner.instances.getIamPolicy", "spanner.databases.getIamPolicy"];
    QUEUE_POLICY = ALLOW_POLICY, "cloudtasks", "cloudtasks.queues.getIamPolicy", ["cloudtasks.queues.getIamPolicy"];
    IAP_POLICY = ALLOW_POLICY, "iap", "iap.getIamPolicy",
        ["iap.web.getIamPolicy", "iap.webTypes.getIamPolicy", "iap.webServices.getIamPolicy", "iap.webServiceVersions.getIamPolicy",
         "iap.tunnel.getIamPolicy", "iap.tunnelZones.getIamPolicy", "iap.tunnelInstances.getIamPolicy"];
    COMPUTE_POLICY = ALLOW_POLICY, "compute", "compute.getIamPolicy",
        ["compute.instances.getIamPolicy", "compute.disks.getIamPolicy", "compute.images.getIamPolicy", "compute.snapshots.getIamPolicy",
         "compute.subnetworks.getIamPolicy", "compute.instanceTemplates.getIamPolicy", "compute.backendServices.getIamPolicy"];
    GET_DATASET = DATASET, "bigquery", "bigquery.datasets.get", ["bigquery.datasets.get", "bigquery.datasets.getIamPolicy"];
    GET_TABLE = TABLE, "bigquery", "bigquery.tables.get", ["bigquery.tables.get"];
    TABLE_POLICY = ALLOW_POLICY, "bigquery", "bigquery.tables.getIamPolicy", ["bigquery.tables.getIamPolicy"];
    LIST_ACCESS_POLICIES = PERIMETERS, "accesscontextmanager", "accesscontextmanager.accessPolicies.list", ["accesscontextmanager.policies.list"];
    LIST_PERIMETERS = PERIMETERS, "accesscontextmanager", "accesscontextmanager.servicePerimeters.list",
        ["accesscontextmanager.servicePerimeters.list"];
    LIST_LEVELS = ACCESS_LEVELS, "accesscontextmanager", "accesscontextmanager.accessLevels.list", ["accesscontextmanager.accessLevels.list"];
    LIST_CONSTRAINTS = ORG_POLICY, "orgpolicy", "orgpolicy.policies.list", ["orgpolicy.policies.list"];
    GET_CUSTOM = CUSTOM_CONSTRAINT, "orgpolicy", "orgpolicy.customConstraints.get", ["orgpolicy.customConstraints.get"];
    GET_SERVICE = SERVICE_STATE, "serviceusage", "serviceusage.services.get", ["serviceusage.services.get"];
    LIST_SERVICES = SERVICE_STATE, "serviceusage", "serviceusage.services.list", ["serviceusage.services.list"];
    GET_BILLING = BILLING, "cloudbilling", "cloudbilling.projects.getBillingInfo", ["resourcemanager.projects.get"];
    TROUBLESHOOT = "", "policytroubleshooter", "policytroubleshooter.iam.troubleshoot", [];
}
