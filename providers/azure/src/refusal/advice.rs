//! What each layer's refusal means and what to do next.

use iam_why_contract::refusal::Reason::{ExplicitDeny, NotAuthorization, Unknown};
use iam_why_contract::refusal::{Advice, Reason, Refusal, advise};

/// Fills in what to say and what to do next.
pub(super) fn give(refusal: &mut Refusal) {
    advise(refusal, "Azure", TABLE);
}

const fn row(layer: &'static str, reason: Option<Reason>, because: &'static str, next: &'static [&'static str]) -> Advice {
    Advice { layer, policy_kind: None, reason, because, next }
}

const WHO: &str = "check that {principal} is who you meant to be: `az account show` and `az ad signed-in-user show` in the same shell; a managed identity or pipeline has an object id of its own";
const FRESH: &str = "if the role was assigned minutes ago, sign in again for a new token: Microsoft documents up to 10 minutes until an assignment takes effect";

/// The first row that fits is taken.
const TABLE: &[Advice] = &[
    row(
        "rbac",
        Some(Unknown),
        "Resource Manager answered 403; the text does not hold its message",
        &[
            "get the body of the response: its error code (AuthorizationFailed, RequestDisallowedByPolicy, LinkedAuthorizationFailed) names the layer",
            WHO,
        ],
    ),
    row(
        "rbac",
        None,
        "no role assignment at this scope or above it allows it, or the scope does not exist",
        &[
            "check the scope letter by letter: a resource group or subscription that does not exist is answered the same way",
            "look at the assignments: `az role assignment list --assignee OBJECT-ID --scope SCOPE --include-inherited --include-groups`",
            "have a role with {action} assigned to {principal} at {resource}, no higher; Contributor cannot assign roles, and Owner does not read data",
            WHO,
            "if an eligible role (PIM) would allow it, activate it",
            FRESH,
        ],
    ),
    row(
        "linked_scope",
        None,
        "the action itself is allowed; a second action on a resource that the request refers to is not",
        &[
            "have a role with {action} assigned at the linked scope {resource}: a role on the resource you are changing does not help",
            "where the linked resource is in another subscription or tenant, the assignment must be made there",
            WHO,
            FRESH,
        ],
    ),
    row(
        "deny_assignment",
        None,
        "a deny assignment blocks it; no role assignment can lift that",
        &[
            "do not add roles: while the deny assignment stands they change nothing",
            "read it: `az rest --url https://management.azure.com/SCOPE/providers/Microsoft.Authorization/denyAssignments?api-version=2022-04-01`",
            "a system deny assignment belongs to a managed application, a deployment stack or a service such as Databricks: make the change through the service that owns the resource group, or change the deny settings of the stack",
            "the assignment is named {policyName}",
        ],
    ),
    row(
        "policy",
        Some(NotAuthorization),
        "the entry records an evaluation of Azure Policy; it refuses nothing",
        &["look for the entry of the same correlationId that failed"],
    ),
    row(
        "policy",
        None,
        "Azure Policy does not accept the resource as it is described; permissions were enough",
        &[
            "read in the message which policy assignment and which field it was: evaluatedExpressions names the field and the values it accepts",
            "change the resource so that it complies (location, SKU, tags, public network access are the usual fields)",
            "or ask the owner of the assignment {policy} for an exemption: no role helps",
        ],
    ),
    row(
        "lock",
        None,
        "a management lock on this scope or above it blocks the operation, for everybody",
        &[
            "the lock is on {policy}: ask its owner to remove it for the time of the change (`az lock list --resource …`)",
            "a read-only lock also blocks list-keys, start and restart: they are POST requests",
            "removing a lock takes Microsoft.Authorization/locks/delete (Owner or User Access Administrator)",
        ],
    ),
    row(
        "rp_registration",
        None,
        "the subscription is not registered for this resource provider; permissions were not the problem",
        &["register it once: `az provider register --namespace NAMESPACE`"],
    ),
    row(
        "subscription_state",
        None,
        "the subscription is disabled or not known here; permissions were not the problem",
        &[
            "check its state and tenant: `az account list --all --query '[].{id:id,state:state,tenant:tenantId}'`",
            "a disabled subscription is read-only until billing is settled or its owner enables it",
        ],
    ),
    row(
        "principal",
        None,
        "the principal is not known in this tenant",
        &["check the object id (not the application id) and the tenant; a new principal takes a minute to appear"],
    ),
    row(
        "role_assignment",
        None,
        "the role assignment cannot be made as asked; nothing was refused for lack of permission",
        &["read the existing assignment first: `az role assignment list --scope …`"],
    ),
    row(
        "storage_data_rbac",
        None,
        "the caller is known, but has no data role that allows it on this storage (or a SAS lacks the permission)",
        &[
            "have a data role assigned: Storage Blob Data Reader or Contributor for blobs, the Queue, Table or File Data roles elsewhere; Owner and Contributor do not read data",
            "with a SAS, make one with the permission that the operation needs",
            WHO,
            "on an account with a hierarchical namespace, the access control list of the path may grant it instead",
            FRESH,
        ],
    ),
    row(
        "storage_firewall",
        None,
        "the storage account's network rules refuse the client, or (less often) a data role is missing: the code does not tell which",
        &[
            "look at the network rules first: `az storage account show --name … --query '{access:publicNetworkAccess,rules:networkRuleSet}'`",
            "compare the client's public address with ipRules; from within the same region, Azure clients arrive with private addresses that no IP rule matches: use a private endpoint or a subnet rule",
            "if the network is open, check the data role of the caller",
        ],
    ),
    row(
        "storage_shared_key",
        None,
        "the storage account does not accept account keys (allowSharedKeyAccess is false)",
        &[
            "sign in with Microsoft Entra ID: `--auth-mode login`, `storage_use_azuread = true` in Terraform, DefaultAzureCredential in code",
            "have a data role such as Storage Blob Data Contributor assigned to that identity",
            "a user delegation SAS still works; account and service SAS do not",
        ],
    ),
    row(
        "storage_sas",
        None,
        "the signature, key or SAS is not valid for this request; roles were not looked at",
        &[
            "check the SAS: its start and expiry, its allowed address, protocol, services and resource types; then the clock of the machine",
            "make a new SAS if the key that signed it was rotated",
            "with a token, check its audience: `https://storage.azure.com/`",
        ],
    ),
    row(
        "storage_public_access",
        None,
        "anonymous access is switched off for the account",
        &["sign the request: a token with a data role, or a SAS"],
    ),
    row(
        "keyvault_rbac",
        Some(ExplicitDeny),
        "a deny assignment blocks it; no role assignment can lift that",
        &["read the deny assignment that the message names by its id", WHO],
    ),
    row(
        "keyvault_rbac",
        None,
        "the vault uses Azure roles for data, and no role assignment of the caller allows it",
        &[
            "have a data role assigned on the vault: Key Vault Secrets User reads secrets, Key Vault Secrets Officer writes them, the Crypto and Certificates roles likewise; Owner and Contributor do not",
            "access policies of the vault have no effect in this mode",
            WHO,
            FRESH,
        ],
    ),
    row(
        "keyvault_access_policy",
        None,
        "the vault uses access policies, and none grants this to the caller",
        &[
            "add an access policy: `az keyvault set-policy --name … --object-id … --secret-permissions get`; role assignments for data have no effect in this mode",
            "an application that acts for a user (on-behalf-of) needs a policy of application and user together",
            WHO,
        ],
    ),
    row(
        "keyvault_firewall",
        None,
        "the vault's network rules refuse the client; the caller's permissions were not looked at",
        &[
            "the vault saw the address {sourceAddress}: compare it with the vault's networkAcls",
            "add that address or the subnet, use a private endpoint, or go through a service that the vault trusts",
            "pipeline agents change their address: use a self-hosted agent in the network",
        ],
    ),
    row(
        "keyvault",
        None,
        "the vault answered 403 without its reason",
        &[
            "get the inner code: run it again with `--debug` (or read the AuditEvent log): ForbiddenByRbac, ForbiddenByPolicy and ForbiddenByFirewall are three different repairs",
            "look which mode the vault is in: `az keyvault show --name … --query properties.enableRbacAuthorization`",
        ],
    ),
    row(
        "servicebus_claims",
        None,
        "the token or SAS rule does not carry the claim that the operation needs",
        &[
            "with Microsoft Entra ID: have Azure Service Bus (or Event Hubs) Data Sender or Data Receiver assigned on the namespace or entity; Owner does not send",
            "with a connection string: use a SAS policy that has {action}",
            "check that the entity in {resource} exists: the name is part of the audience",
        ],
    ),
    row(
        "graph_permission",
        None,
        "the application has no Microsoft Graph permission for it, or the signed-in user no directory role; Azure roles do not count here",
        &[
            "look up the permission that this API needs, and whether the token is delegated (`scp`) or application-only (`roles`): the two are granted apart",
            "add the permission to the app registration and have an administrator consent; then get a new token",
            "for `az role assignment create`, pass `--assignee-object-id` and `--assignee-principal-type`: then no Graph lookup is needed",
        ],
    ),
    row(
        "conditional_access",
        Some(NotAuthorization),
        "the application has no consent in this tenant; no token was issued",
        &["have the user, or an administrator for the tenant, consent to the application and the permissions it asks for"],
    ),
    row(
        "conditional_access",
        None,
        "a Conditional Access policy did not let a token be issued; roles were never looked at",
        &[
            "find the policy: in Entra ID, Sign-in logs, the entry of this correlation id lists each policy and the control that was not met",
            "meet the control: multi-factor authentication, a compliant device, a trusted network",
            "for automation, use a service principal or managed identity instead of a user",
        ],
    ),
    row(
        "expired_credentials",
        None,
        "the token has expired; permissions were not looked at",
        &["sign in again: `az login`, or let the SDK refresh the token"],
    ),
    row(
        "authentication",
        None,
        "the token is missing, of another tenant, or was never issued; permissions were not looked at",
        &[
            "sign in to the tenant of the subscription: `az login --tenant TENANT`; then `az account get-access-token --query tenant`",
            "the Entra ID error code {entraCode} says what is wrong with the sign-in",
            "a 401 means that the caller is not known; only a 403 is about what the caller may do",
        ],
    ),
    row(
        "apim",
        None,
        "API Management turned the request away for its subscription key; Azure roles were not involved",
        &["send a valid key of an active subscription of this product in the header Ocp-Apim-Subscription-Key"],
    ),
    row(
        "cosmos_rbac",
        None,
        "no role assignment of the Cosmos DB account itself grants it; Azure role assignments do not count here",
        &[
            "add one: `az cosmosdb sql role assignment create --account-name … --role-definition-id … --principal-id … --scope …`",
            "every client needs Microsoft.DocumentDB/databaseAccounts/readMetadata too",
        ],
    ),
    row("local_auth", None, "keys are switched off for this account", &["use a Microsoft Entra ID token with a data role"]),
    row(
        "waf",
        None,
        "a web application firewall rule blocked it; Azure roles were not involved",
        &[
            "the entry says that nothing was blocked: {blocked} (it only matched, or the policy is in detection mode); look for an entry that blocked",
            "the rule is {rule}",
            "find the rule in the firewall log: ruleId and the details for this address and path",
            "ask whoever runs the gateway for an exclusion for this one rule",
        ],
    ),
    row(
        "app_service",
        None,
        "the web app turned the request away before any role was asked",
        &["check the app's access restrictions for the client's address, for the main site and the SCM site, and that the app is running"],
    ),
    row(
        "azure_devops",
        None,
        "Azure DevOps has not granted it; Azure roles do not count here",
        &["check the permission in Project Settings for {principal}; a pipeline runs as the project's build service identity"],
    ),
    row(
        "sharepoint",
        None,
        "SharePoint has not granted it to this user or application; Graph permissions and Azure roles do not count for its own API",
        &[
            "for an application: grant Sites.Selected and the site, or Sites.FullControl.All, of the SharePoint API, with admin consent",
            "for a user: check the site's members and the item's own permissions",
        ],
    ),
    row(
        "quota",
        None,
        "a quota of the subscription is used up; permissions were not looked at",
        &["ask for more quota, or use another size or region"],
    ),
    row("generic", None, "the text gives no reason", &["get the response body: run the command again with debug output"]),
    row(
        "",
        None,
        "the network rules of the service refuse the client; permissions were not looked at",
        &[
            "the service saw the address {sourceAddress}: add it or the subnet to the service's network rules, or use a private endpoint",
            "check the service's publicNetworkAccess setting",
        ],
    ),
];
