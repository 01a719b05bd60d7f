//! The documents that Google Cloud keeps: one row a kind. What collects, recognises and simulates all read this table.
//!
//! The text of a document is what the command in its row prints with `--format=json`; the REST shape and the one that Cloud Asset
//! exports (`snake_case` in places) are read too. An empty list, or a policy with an `etag` only, says that there is nothing.
//!
//! Where a document was read and one member of it was not shown, a search says so: its subject is that of the document, `#` and the name
//! of the member, as in `//storage.googleapis.com/projects/_/buckets/b#ipFilter`.
//!
//! [`recognise`] takes in files as those commands printed them. Where an output does not say whose it is, the file's name does: see
//! there.

mod assets;
mod printed;

#[cfg(feature = "collect")]
pub(crate) use assets::canonical;
pub use printed::{assemble, recognise};

iam_why_contract::document_kinds! {
    // The tree.
    PROJECT = "gcp:project", "the project", "full resource name of a project",
        "{projectId, projectNumber | name: projects/NUMBER, parent}", "gcloud projects describe PROJECT", ["resourcemanager.projects.get"];
    FOLDER = "gcp:folder", "the folder", "full resource name of a folder",
        "{name: folders/N, parent}", "gcloud resource-manager folders describe ID", ["resourcemanager.folders.get"];
    ORGANIZATION = "gcp:organization", "the organization", "full resource name of an organization",
        "{name, displayName, owner: {directoryCustomerId} | directoryCustomerId}", "gcloud organizations describe ID", ["resourcemanager.organizations.get"];
    ANCESTRY = "gcp:ancestry", "the path to the organization", "full resource name",
        "[{id, type}] from the project up, or {ancestors: [projects/N, folders/N, organizations/N]} as Cloud Asset has it",
        "gcloud projects get-ancestors PROJECT", ["resourcemanager.projects.get", "resourcemanager.folders.get"];

    // The three policies that IAM decides from, and what they refer to.
    ALLOW_POLICY = "gcp:allow-policy", "the allow policy", "full resource name",
        "{version, etag, bindings: [{role, members, condition}]}", "gcloud projects get-iam-policy PROJECT and its like",
        ["resourcemanager.projects.getIamPolicy", "resourcemanager.folders.getIamPolicy", "resourcemanager.organizations.getIamPolicy"];
    DENY_POLICY = "gcp:deny-policy", "a deny policy", "full resource name of the project, folder or organization it is attached to",
        "{name, displayName, rules: [{denyRule}]}", "gcloud iam policies get ID --kind=denypolicies --attachment-point=…",
        ["iam.denypolicies.list", "iam.denypolicies.get"];
    BOUNDARY_BINDING = "gcp:boundary-binding", "a binding of a principal access boundary policy", "principal set",
        "{name, target: {principalSet}, policyKind, policy, condition}", "gcloud iam policy-bindings search-target-policy-bindings",
        ["resourcemanager.organizations.searchPolicyBindings", "iam.workspacePools.searchPolicyBindings",
         "iam.workforcePools.searchPolicyBindings", "iam.workloadIdentityPools.searchPolicyBindings"];
    BOUNDARY_POLICY = "gcp:boundary-policy", "the principal access boundary policy", "name of the policy",
        "{name, details: {rules: [{resources, effect}], enforcementVersion}}", "gcloud iam principal-access-boundary-policies describe",
        ["iam.principalaccessboundarypolicies.get"];
    ACCESS_BINDING = "gcp:access-policy-binding", "a binding of an access policy", "full resource name of the project",
        "{name, target: {resource}, policyKind: ACCESS, policy}, or a list of these",
        "gcloud iam policy-bindings search-target-policy-bindings --target=//cloudresourcemanager.googleapis.com/projects/PROJECT",
        ["resourcemanager.projects.searchPolicyBindings"];
    ACCESS_POLICY = "gcp:access-policy", "the access policy", "name of the policy",
        "{name, details: {rules: [{effect, principals, excludedPrincipals, operation: {permissions, excludedPermissions}, conditions}]}}",
        "gcloud beta iam access-policies describe", ["iam.accesspolicies.get"];
    ROLE = "gcp:role", "the role", "name of the role",
        "{name, title, includedPermissions, stage, deleted}", "gcloud iam roles describe ROLE", ["iam.roles.get"];
    // What could be granted: proposals are made from it, and nothing is decided by it.
    ROLE_CATALOGUE = "gcp:role-catalogue", "the predefined roles", "`roles/`",
        "{permissions: [name], roles: [{name, title, stage, includes: [number of a permission]}]}", "iam.roles.list with view FULL, each permission once", [];
    GRANTABLE = "gcp:grantable-roles", "the roles that can be granted", "full resource name",
        "{roles: [{name, title, includedPermissions, stage}]}", "iam.roles.queryGrantableRoles with view FULL", [];

    // Principals.
    PRINCIPAL = "gcp:principal", "facts about the principal", "principal as a v1 member, or all of a pool: principalSet://…/POOL/*",
        "{type?, customer_id?, primary_domain?, domains?, pool?, subject?, groups?, attributes?, uid?, project?, ancestors?}: what is known of it",
        "gcloud identity, the directory, the token", [];
    GROUP_MEMBERS = "gcp:group-members", "the members of the group", "email address of the group",
        "[{preferredMemberKey: {id}, type}]", "gcloud identity groups memberships list --group-email=GROUP", [];
    GROUPS_OF = "gcp:groups-of", "the groups of the principal, nested ones too", "email address of the principal",
        "{memberships: [{groupKey: {id}, relationType}]}", "gcloud identity groups memberships search-transitive-groups", [];
    SERVICE_ACCOUNT = "gcp:service-account", "the service account", "email address",
        "{email, uniqueId, projectId, disabled}", "gcloud iam service-accounts describe EMAIL", ["iam.serviceAccounts.get"];

    // Resources.
    RESOURCE = "gcp:resource", "facts about the resource", "full resource name",
        "{project?, location?, tags?}: what is known of it beyond its policies", "gcloud asset search-all-resources", ["cloudasset.assets.searchAllResources"];
    TAGS = "gcp:tags", "the tags in effect", "full resource name",
        "[{namespacedTagKey, namespacedTagValue, tagKey, tagValue}]", "gcloud resource-manager tags bindings list --effective --parent=NAME",
        ["resourcemanager.projects.get", "storage.buckets.listEffectiveTags"];
    BUCKET = "gcp:bucket", "the bucket's settings", "full resource name of the bucket",
        "{iamConfiguration, billing, ipFilter, projectNumber}", "gcloud storage buckets describe gs://BUCKET --raw", ["storage.buckets.get", "storage.buckets.getIpFilter"];
    ACL = "gcp:acl", "the access control list", "full resource name of the bucket or object",
        "[{entity, role}]", "gcloud storage objects describe gs://BUCKET/OBJECT --raw (its `acl`)", ["storage.objects.getIamPolicy", "storage.buckets.getIamPolicy"];
    DATASET = "gcp:dataset", "the dataset's access list", "full resource name of the dataset",
        "{access: [{role, userByEmail | groupByEmail | domain | specialGroup | iamMember}]}", "bq show --format=prettyjson PROJECT:DATASET", ["bigquery.datasets.get"];
    TABLE = "gcp:bigquery-table", "the table's schema with its policy tags", "full resource name of the table",
        "{schema: {fields: [{name, policyTags: {names}, fields}]}}", "bq show --format=prettyjson PROJECT:DATASET.TABLE", ["bigquery.tables.get"];
    ACCESS_REVIEW = "gcp:access-review", "what Kubernetes RBAC says", "full resource name of the cluster",
        "a SubjectAccessReview: {spec, status: {allowed, denied, reason}}", "kubectl auth can-i VERB RESOURCE --as=EMAIL", [];

    RUN_SERVICE = "gcp:run-service", "whether the Cloud Run service checks who invokes it", "full resource name of the service",
        "{invokerIamDisabled}, or the metadata.annotations that gcloud prints",
        "gcloud run services describe SERVICE --region=REGION", ["run.services.get"];

    // The other gates.
    USER_ACCESS = "gcp:user-access-bindings", "the context-aware access of people", "full resource name of the caller's organization",
        "[{name, groupKey | principal, accessLevels, scopedAccessSettings}]",
        "gcloud access-context-manager cloud-bindings list --organization=ORGANIZATION", ["accesscontextmanager.gcpUserAccessBindings.list"];
    PERIMETERS = "gcp:perimeters", "the service perimeters", "full resource name of the organization",
        "[{name, perimeterType, status, spec}]", "gcloud access-context-manager perimeters list --policy=POLICY",
        ["accesscontextmanager.policies.list", "accesscontextmanager.servicePerimeters.list"];
    ACCESS_LEVELS = "gcp:access-levels", "the access levels", "full resource name of the organization",
        "[{name, basic | custom}]", "gcloud access-context-manager levels list --policy=POLICY", ["accesscontextmanager.accessLevels.list"];
    ORG_POLICY = "gcp:org-policy", "an organization policy", "full resource name of the project, folder or organization that sets it",
        "{name, spec: {rules, inheritFromParent, reset}, dryRunSpec}", "gcloud org-policies describe CONSTRAINT --project=PROJECT",
        ["orgpolicy.policies.list", "orgpolicy.policy.get"];
    CUSTOM_CONSTRAINT = "gcp:custom-constraint", "a custom constraint", "name of the constraint",
        "{name: organizations/N/customConstraints/custom.X, resourceTypes, methodTypes, condition, actionType}",
        "gcloud org-policies describe-custom-constraint CONSTRAINT --organization=ORGANIZATION", ["orgpolicy.customConstraints.get"];
    SERVICE_STATE = "gcp:service-state", "whether the API is enabled", "//serviceusage.googleapis.com/projects/P/services/SERVICE",
        "{name, state: ENABLED | DISABLED}", "gcloud services list --project=PROJECT", ["serviceusage.services.get"];
    BILLING = "gcp:billing", "the project's billing", "full resource name of the project",
        "{billingEnabled, billingAccountName}", "gcloud billing projects describe PROJECT", ["resourcemanager.projects.get"];
    CREDENTIAL_BOUNDARY = "gcp:credential-access-boundary", "the credential access boundary of the token", "principal as a v1 member",
        "{accessBoundary: {accessBoundaryRules: [{availableResource, availablePermissions, availabilityCondition}]}}",
        "the options of the token exchange", [];
}
