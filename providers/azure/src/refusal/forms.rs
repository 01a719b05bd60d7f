//! The wordings of Azure Resource Manager, its data planes, Microsoft Graph and Microsoft Entra ID.

use iam_why_contract::refusal::Reason::{ExplicitDeny, MissingGrant, NotAuthorization, Unknown};
use iam_why_contract::refusal::{Form, form};

const RBAC: &str = "https://learn.microsoft.com/en-us/azure/role-based-access-control/troubleshooting";
const DENY: &str = "https://learn.microsoft.com/en-us/azure/role-based-access-control/deny-assignments";
const POLICY: &str =
    "https://learn.microsoft.com/en-us/azure/azure-resource-manager/troubleshooting/error-policy-requestdisallowedbypolicy";
const ARM: &str = "https://learn.microsoft.com/en-us/azure/azure-resource-manager/troubleshooting/common-deployment-errors";
const LOCK: &str = "https://learn.microsoft.com/en-us/azure/azure-resource-manager/management/lock-resources";
const STORAGE: &str = "https://learn.microsoft.com/en-us/rest/api/storageservices/common-rest-api-error-codes";
const FIREWALL: &str = "https://learn.microsoft.com/en-us/azure/storage/common/storage-network-security";
const SHARED_KEY: &str = "https://learn.microsoft.com/en-us/azure/storage/common/shared-key-authorization-prevent";
const VAULT: &str = "https://learn.microsoft.com/en-us/azure/key-vault/general/common-error-codes";
const BUS: &str = "https://learn.microsoft.com/en-us/azure/service-bus-messaging/service-bus-troubleshooting-guide";
const GRAPH: &str = "https://learn.microsoft.com/en-us/graph/resolve-auth-errors";
const ENTRA: &str = "https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes";
const LOGS: &str = "https://learn.microsoft.com/en-us/azure/azure-monitor/platform/activity-log-schema";
const COSMOS: &str = "https://learn.microsoft.com/en-us/azure/cosmos-db/nosql/troubleshoot-forbidden";
const DEVOPS: &str = "https://learn.microsoft.com/en-us/azure/devops/organizations/security/troubleshoot-permissions";

/// Every wording, in no particular order: the strongest that stands in a place decides.
pub const FORMS: &[Form] = &[
    // Resource Manager: roles
    form("rbac", "does not have authorization to perform action '{action}' over scope '{resource}' or the scope is invalid", "The client 'nadia@example.com' with object id '1' does not have authorization to perform action 'Microsoft.Storage/storageAccounts/write' over scope '/subscriptions/1' or the scope is invalid.", RBAC).blames("azure", "rbac", MissingGrant, 84).status(403),
    form("rbac-cut", "does not have authorization to perform action '{action:word}' over scope '{resource:target}", "does not have authorization to perform action 'Microsoft.Storage/storageAccounts/write' over scope '/subscriptions/1", RBAC).blames("azure", "rbac", MissingGrant, 82).status(403),
    form("rbac-action", "does not have authorization to perform action '{action:word}", "does not have authorization to perform action 'Microsoft.Storage/storageAccounts/write", RBAC).blames("azure", "rbac", MissingGrant, 80).status(403),
    form("rbac-condition", "does not have authorization or an ABAC condition not fulfilled to perform action '{action}' over scope '{resource:target}", "does not have authorization or an ABAC condition not fulfilled to perform action 'Microsoft.Authorization/roleAssignments/write' over scope '/subscriptions/1'", RBAC).blames("azure", "rbac", MissingGrant, 85).status(403),
    form("rbac-template", "does not have permission to perform action '{action:word}' at scope '{resource:target}", "Authorization failed for template resource 'r' of type 'T'. The client 'c' with object id '1' does not have permission to perform action 'Microsoft.Web/sites/write' at scope '/subscriptions/1'.", RBAC).blames("azure", "rbac", MissingGrant, 84).status(403),
    form("rbac-code", "AuthorizationFailed", "Code=\"AuthorizationFailed\"", RBAC).blames("azure", "rbac", MissingGrant, 50).status(403),
    form("rbac-lacks", "more specifically the {action:word} permission", "LackOfPermissions: you need more specifically the Microsoft.Network/virtualNetworks/read permission", RBAC).blames("azure", "rbac", MissingGrant, 80).status(403),
    form("rbac-data-action", "The principal `{principal}` lacks the required data action `{action}` to perform", "The principal `1` lacks the required data action `Microsoft.CognitiveServices/accounts/OpenAI/deployments/chat/completions/action` to perform `POST /openai` operation.", RBAC).blames("azure", "rbac", MissingGrant, 86).status(401),
    form("rbac-kubernetes", "User does not have access to the resource in Azure. Update role assignment to allow access", "User does not have access to the resource in Azure. Update role assignment to allow access.", "https://learn.microsoft.com/en-us/azure/aks/manage-azure-rbac").blames("azure", "rbac", MissingGrant, 88).status(403),
    form("rbac-logs", "InsufficientAccessError", "\"code\":\"InsufficientAccessError\"", LOGS).blames("azure", "rbac", MissingGrant, 80).status(403),
    form("rbac-request", "management.azure.com:443 \"{method:word} /subscriptions/{subscription_path:word} HTTP/1.1\" 403", "https://management.azure.com:443 \"PUT /subscriptions/1/resourcegroups/r?api-version=2024-11-01 HTTP/1.1\" 403 439", RBAC).blames("azure", "rbac", Unknown, 60).status(403),
    form("rbac-log-forbidden", "Forbidden (HTTP Status Code: 403)", "\"subStatus\": \"Forbidden (HTTP Status Code: 403)\"", LOGS).blames("azure", "rbac", Unknown, 56).status(403),
    form("client", "The client '{client}' with object id '{oid}'", "The client 'nadia@example.com' with object id '1' has", RBAC),
    form("client-id-only", "The client with object id '{oid}'", "The client with object id '1' does", RBAC),
    form("has-permission", "has permission to perform action '{outer_action}' on scope '{outer_scope:target}", "has permission to perform action 'Microsoft.Web/sites/write' on scope '/subscriptions/1'; however", RBAC),
    // Resource Manager: linked resources, deny assignments
    form("linked", "it does not have permission to perform action '{action}' on the linked scope(s) '{resource}' or the linked scope(s) are invalid", "however, it does not have permission to perform action 'Microsoft.Network/virtualNetworks/subnets/join/action' on the linked scope(s) '/subscriptions/1' or the linked scope(s) are invalid.", RBAC).blames("azure", "linked_scope", MissingGrant, 86).status(403),
    form("linked-several", "it does not have permission to perform action(s) '{action}' on the linked scope(s) '{resource}' (respectively)", "however, it does not have permission to perform action(s) 'A/b/join/action;C/d/join/action' on the linked scope(s) '/subscriptions/1;/subscriptions/2' (respectively) or the linked scope(s) are invalid.", RBAC).blames("azure", "linked_scope", MissingGrant, 87).status(403),
    form("linked-cut", "it does not have permission to perform action '{action:word}' on the linked scope(s) '{resource:target}", "however, it does not have permission to perform action 'Microsoft.Network/virtualNetworks/subnets/join/action' on the linked scope(s) '/subscriptions/1", RBAC).blames("azure", "linked_scope", MissingGrant, 84).status(403),
    form("linked-deny", "does not have permission to perform action '{action}' on the '{_}' linked scope(s) '{_}' or the linked scope(s) are invalid and is blocked by deny assignments on the '{_}' linked scope(s) '{resource:target}", "however, it does not have permission to perform action 'Microsoft.Network/networkSecurityGroups/join/action' on the '0' linked scope(s) '' or the linked scope(s) are invalid and is blocked by deny assignments on the '1' linked scope(s) '/subscriptions/1'.", DENY).blames("azure", "deny_assignment", ExplicitDeny, 89).kind("deny_assignment").status(403),
    form("linked-tenant", "The client has permission to perform action '{action}' on scope '{outer_scope}', however the current tenant '{tenant}' is not authorized to access linked subscription '{resource:target}", "The client has permission to perform action 'Microsoft.Network/virtualNetworks/write' on scope '/subscriptions/1', however the current tenant '2' is not authorized to access linked subscription '3'.", RBAC).blames("azure", "linked_scope", MissingGrant, 88).status(403),
    form("linked-code", "LinkedAuthorizationFailed", "Code=\"LinkedAuthorizationFailed\"", RBAC).blames("azure", "linked_scope", MissingGrant, 52).status(403),
    form("linked-check", "LinkedAccessCheckFailed", "\"code\": \"LinkedAccessCheckFailed\"", RBAC).blames("azure", "linked_scope", MissingGrant, 88).status(400),
    form("deny", "however, the access is denied because of the deny assignment with name '{policy_name}' and Id '{policy}' at scope '{deny_scope:target}", "has permission to perform action 'A/b/write' on scope '/subscriptions/1'; however, the access is denied because of the deny assignment with name 'System' and Id '2' at scope '/subscriptions/1'.", DENY).blames("azure", "deny_assignment", ExplicitDeny, 89).kind("deny_assignment").status(403),
    form("deny-cut", "the access is denied because of the deny assignment", "however, the access is denied because of the deny assignment", DENY).blames("azure", "deny_assignment", ExplicitDeny, 86).kind("deny_assignment").status(403),
    form("deny-code", "DenyAssignmentAuthorizationFailed", "(DenyAssignmentAuthorizationFailed)", DENY).blames("azure", "deny_assignment", ExplicitDeny, 80).kind("deny_assignment").status(403),
    // Resource Manager: policy, locks, registration, the subscription
    form("policy", "Resource '{resource}' was disallowed by policy", "Resource 'vm1' was disallowed by policy.", POLICY).blames("azure", "policy", ExplicitDeny, 89).kind("azure_policy").status(403),
    form("policy-code", "RequestDisallowedByPolicy", "Code=\"RequestDisallowedByPolicy\"", POLICY).blames("azure", "policy", ExplicitDeny, 88).kind("azure_policy").status(403),
    form("policy-assignment", "\"policyAssignment\":{\"name\":\"{policy_name}\",\"id\":\"{policy:word}", "'[{\"policyAssignment\":{\"name\":\"Allowed locations\",\"id\":\"/subscriptions/1/providers/Microsoft.Authorization/policyAssignments/loc\"}}]'", POLICY),
    form("policy-audit", "Microsoft.Authorization/policies/{_}/action", "\"operationName\": \"Microsoft.Authorization/policies/audit/action\"", LOGS).blames("azure", "policy", NotAuthorization, 84).kind("azure_policy"),
    form("policy-compliance", "checkPolicyCompliance", "\"operationName\": \"Microsoft.PolicyInsights/checkPolicyCompliance\"", LOGS).blames("azure", "policy", NotAuthorization, 84).kind("azure_policy"),
    form("lock", "The scope '{resource}' cannot perform {action:word} operation because following scope(s) are locked: '{policy}'", "The scope '/subscriptions/1/resourceGroups/r' cannot perform delete operation because following scope(s) are locked: '/subscriptions/1'. Please remove the lock and try again.", LOCK).blames("azure", "lock", ExplicitDeny, 89).status(409),
    form("lock-code", "ScopeLocked", "Code: ScopeLocked", LOCK).blames("azure", "lock", ExplicitDeny, 88).status(409),
    form("registration", "is not registered to use namespace '{resource:word}", "The subscription is not registered to use namespace 'Microsoft.Batch'.", ARM).blames("azure", "rp_registration", NotAuthorization, 88).status(409),
    form("registration-code", "MissingSubscriptionRegistration", "Code=\"MissingSubscriptionRegistration\"", ARM).blames("azure", "rp_registration", NotAuthorization, 87).status(409),
    form("subscription", "The subscription '{resource}' is disabled and therefore marked as read only", "The subscription '1' is disabled and therefore marked as read only.", ARM).blames("azure", "subscription_state", NotAuthorization, 89).status(409),
    form("subscription-code", "ReadOnlyDisabledSubscription", "(ReadOnlyDisabledSubscription)", ARM).blames("azure", "subscription_state", NotAuthorization, 88).status(409),
    form("subscription-unknown", "SubscriptionNotFound", "(SubscriptionNotFound)", ARM).blames("azure", "subscription_state", NotAuthorization, 86).status(404),
    form("principal-unknown", "PrincipalNotFound", "(PrincipalNotFound) Principal 1 does not exist in the directory 2.", RBAC).blames("azure", "principal", NotAuthorization, 86).status(400),
    form("assignment-changed", "RoleAssignmentUpdateNotPermitted", "(RoleAssignmentUpdateNotPermitted)", RBAC).blames("azure", "role_assignment", NotAuthorization, 86).status(400),
    form("assignment-exists", "RoleAssignmentExists", "(RoleAssignmentExists) The role assignment already exists.", RBAC).blames("azure", "role_assignment", NotAuthorization, 86).status(409),
    // Storage
    form("storage-role", "AuthorizationPermissionMismatch", "x-ms-error-code: AuthorizationPermissionMismatch", STORAGE).blames("azure", "storage_data_rbac", MissingGrant, 88).status(403),
    form("storage-role-sentence", "This request is not authorized to perform this operation using this permission", "This request is not authorized to perform this operation using this permission.", STORAGE).blames("azure", "storage_data_rbac", MissingGrant, 87).status(403),
    form("storage-role-cli", "You do not have the required permissions needed to perform this operation", "You do not have the required permissions needed to perform this operation.", STORAGE).blames("azure", "storage_data_rbac", MissingGrant, 84).status(403),
    form("storage-log", "\"reason\": \"NoPolicy\"", "\"reason\": \"NoPolicy\", \"result\": \"Denied\"", "https://learn.microsoft.com/en-us/azure/storage/blobs/monitor-blob-storage-reference").blames("azure", "storage_data_rbac", MissingGrant, 86).status(403),
    form("storage-firewall", "AuthorizationFailure", "x-ms-error-code: AuthorizationFailure", FIREWALL).blames("azure", "storage_firewall", Unknown, 72).status(403),
    form("storage-firewall-sentence", "This request is not authorized to perform this operation.", "This request is not authorized to perform this operation.", FIREWALL).blames("azure", "storage_firewall", Unknown, 70).status(403),
    form("storage-firewall-cli", "The request may be blocked by network rules of storage account", "The request may be blocked by network rules of storage account.", FIREWALL).blames("azure", "storage_firewall", Unknown, 84).status(403),
    form("storage-firewall-portal", "virtual networks' settings", "The storage account's 'Firewalls and virtual networks' settings may be blocking access to storage services.", FIREWALL).blames("azure", "storage_firewall", Unknown, 84).status(403),
    form("storage-key", "Key based authentication is not permitted on this storage account", "Key based authentication is not permitted on this storage account.", SHARED_KEY).blames("azure", "storage_shared_key", ExplicitDeny, 89).status(403),
    form("storage-key-code", "KeyBasedAuthenticationNotPermitted", "ErrorCode: KeyBasedAuthenticationNotPermitted", SHARED_KEY).blames("azure", "storage_shared_key", ExplicitDeny, 88).status(403),
    form("storage-signature", "Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly", "Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including the signature.", STORAGE).blames("azure", "storage_sas", NotAuthorization, 88).status(403),
    form("storage-signature-code", "<Code>AuthenticationFailed</Code>", "<Error><Code>AuthenticationFailed</Code></Error>", STORAGE).blames("azure", "storage_sas", NotAuthorization, 86).status(403),
    form("storage-sas-address", "AuthorizationSourceIPMismatch", "<Code>AuthorizationSourceIPMismatch</Code>", STORAGE).blames("azure", "storage_sas", NotAuthorization, 88).status(403),
    form("storage-sas-protocol", "AuthorizationProtocolMismatch", "<Code>AuthorizationProtocolMismatch</Code>", STORAGE).blames("azure", "storage_sas", NotAuthorization, 88).status(403),
    form("storage-sas-service", "AuthorizationServiceMismatch", "<Code>AuthorizationServiceMismatch</Code>", STORAGE).blames("azure", "storage_sas", NotAuthorization, 88).status(403),
    form("storage-sas-type", "AuthorizationResourceTypeMismatch", "<Code>AuthorizationResourceTypeMismatch</Code>", STORAGE).blames("azure", "storage_sas", NotAuthorization, 88).status(403),
    form("storage-no-token", "NoAuthenticationInformation", "<Code>NoAuthenticationInformation</Code>", STORAGE).blames("azure", "authentication", NotAuthorization, 88).status(401),
    form("storage-public", "PublicAccessNotPermitted", "<Code>PublicAccessNotPermitted</Code>", STORAGE).blames("azure", "storage_public_access", ExplicitDeny, 88).status(409),
    form("storage-account", "InsufficientAccountPermissions", "<Code>InsufficientAccountPermissions</Code>", STORAGE).blames("azure", "storage_data_rbac", MissingGrant, 86).status(403),
    form("storage-disabled", "AccountIsDisabled", "<Code>AccountIsDisabled</Code>", STORAGE).blames("azure", "subscription_state", NotAuthorization, 86).status(403),
    form("storage-address", "https://{store:word}.core.windows.net{store_path:target}", "PUT https://orders.blob.core.windows.net/reports/a.csv?timeout=901", STORAGE),
    // Key Vault
    form("vault-rbac", "Caller is not authorized to perform action on resource", "Caller is not authorized to perform action on resource.", VAULT).blames("azure", "keyvault_rbac", MissingGrant, 86).status(403),
    form("vault-rbac-code", "ForbiddenByRbac", "\"innererror\":{\"code\":\"ForbiddenByRbac\"}", VAULT).blames("azure", "keyvault_rbac", MissingGrant, 85).status(403),
    form("vault-caller", "oid={oid};", "Caller: appid=1;oid=2;iss=https://sts.windows.net/3/", VAULT),
    form("vault-application", "appid={appid};", "Caller: appid=1;oid=2;iss=https://sts.windows.net/3/", VAULT),
    form("vault-action", "Action: '{action}' Resource: '{resource}' Assignment:", "Action: 'Microsoft.KeyVault/vaults/secrets/getSecret/action'\nResource: '/subscriptions/1'\nAssignment: (not found)", VAULT),
    form("vault-deny", "DenyAssignmentId: {policy} DecisionReason", "DenyAssignmentId: '1'\nDecisionReason: 'Denied'", VAULT),
    form("vault-policy", "' does not have {action} permission on key vault '{resource};location", "The user, group or application 'appid=1;oid=2;iss=https://sts.windows.net/3/' does not have secrets get permission on key vault 'orders;location=westeurope'.", VAULT).blames("azure", "keyvault_access_policy", MissingGrant, 88).status(403),
    form("vault-policy-code", "ForbiddenByPolicy", "\"innererror\":{\"code\":\"ForbiddenByPolicy\"}", VAULT).blames("azure", "keyvault_access_policy", MissingGrant, 85).status(403),
    form("vault-behalf", "to use on-behalf-of (OBO) flow", "The policy requires the caller 'appid=1;oid=2' to use on-behalf-of (OBO) flow.", VAULT).blames("azure", "keyvault_access_policy", MissingGrant, 87).status(403),
    form("vault-firewall", "Client address is not authorized and caller is not a trusted service", "Client address is not authorized and caller is not a trusted service.", VAULT).blames("azure", "keyvault_firewall", ExplicitDeny, 89).status(403),
    form("vault-firewall-code", "ForbiddenByFirewall", "\"innererror\":{\"code\":\"ForbiddenByFirewall\"}", VAULT).blames("azure", "keyvault_firewall", ExplicitDeny, 88).status(403),
    form("vault-private", "ForbiddenByConnection", "\"innererror\":{\"code\":\"ForbiddenByConnection\"}", VAULT).blames("azure", "keyvault_firewall", ExplicitDeny, 88).status(403),
    form("vault-address", "Client address: {address:word}", "Client address: 203.0.113.9", VAULT),
    form("status-forbidden", "Operation returned an invalid status code 'Forbidden'", "Operation returned an invalid status code 'Forbidden'", "Az PowerShell").blames("azure", "keyvault", Unknown, 45).status(403),
    // Messaging, databases, other data planes
    form("bus", "Unauthorized access. '{action}' claim(s) are required to perform this operation. Resource: '{resource}'", "Unauthorized access. 'Send' claim(s) are required to perform this operation. Resource: 'sb://orders.servicebus.windows.net/q'.", BUS).blames("azure", "servicebus_claims", MissingGrant, 88),
    form("bus-claim", "Unauthorized access. '{action}' claim(s) are required", "Unauthorized access. 'Listen' claim(s) are required to perform this operation.", BUS).blames("azure", "servicebus_claims", MissingGrant, 86),
    form("bus-empty", "claim is empty or token is invalid", "(401) Unauthorized. claim is empty or token is invalid.", BUS).blames("azure", "servicebus_claims", MissingGrant, 84).status(401),
    form("bus-address", "sb://{bus}.servicebus.windows.net", "sb://orders.servicebus.windows.net/", BUS),
    form("cosmos", "principal [{principal}] does not have required RBAC permissions to perform action [{action}] on resource [{resource}]", "Request blocked by Auth orders : principal [1] does not have required RBAC permissions to perform action [Microsoft.DocumentDB/databaseAccounts/readMetadata] on resource [/].", COSMOS).blames("azure", "cosmos_rbac", MissingGrant, 89).status(403),
    form("cosmos-firewall", "is blocked by your Cosmos DB account firewall settings", "Request originated from IP 203.0.113.9. This is blocked by your Cosmos DB account firewall settings.", COSMOS).blames("azure", "cosmos_firewall", ExplicitDeny, 88).status(403),
    form("cosmos-keys", "Local Authorization is disabled", "Local Authorization is disabled. Use an AAD token to authorize all requests.", COSMOS).blames("azure", "local_auth", ExplicitDeny, 86).status(401),
    form("registry-firewall", "client with IP '{address}' is not allowed access", "{\"errors\":[{\"code\":\"DENIED\",\"message\":\"client with IP '203.0.113.9' is not allowed access. Refer https://aka.ms/acr/firewall to grant access.\"}]}", "https://learn.microsoft.com/en-us/azure/container-registry/container-registry-troubleshoot-access").blames("azure", "acr_firewall", ExplicitDeny, 88).status(403),
    form("sql-firewall", "Client with IP address '{address}' is not allowed to access the server", "Cannot open server 'orders' requested by the login. Client with IP address '203.0.113.9' is not allowed to access the server.", "https://learn.microsoft.com/en-us/azure/azure-sql/database/troubleshoot-common-connectivity-issues").blames("azure", "sql_firewall", ExplicitDeny, 88),
    form("perimeter", "NspValidationFailedError", "\"code\":\"NspValidationFailedError\"", LOGS).blames("azure", "network", ExplicitDeny, 88).status(403),
    form("public-access", "Public network access is disabled", "Public network access is disabled and request is not from a trusted service nor via an approved private link.", VAULT).blames("azure", "network", ExplicitDeny, 78).status(403),
    // Graph and Entra ID
    form("graph", "Authorization_RequestDenied", "\"code\": \"Authorization_RequestDenied\"", GRAPH).blames("azure", "graph_permission", MissingGrant, 88).status(403),
    form("graph-sentence", "Insufficient privileges to complete the operation", "Insufficient privileges to complete the operation.", GRAPH).blames("azure", "graph_permission", MissingGrant, 87).status(403),
    form("graph-address", "https://graph.microsoft.com/{graph:target}", "GET https://graph.microsoft.com/v1.0/users", GRAPH),
    form("conditional", "AADSTS53003", "AADSTS53003: Access has been blocked by Conditional Access policies.", ENTRA).blames("azure", "conditional_access", ExplicitDeny, 89),
    form("conditional-device", "AADSTS53000", "AADSTS53000: Device is not in required device state.", ENTRA).blames("azure", "conditional_access", ExplicitDeny, 89),
    form("conditional-domain", "AADSTS53001", "AADSTS53001: Device is not in required device state: domain joined.", ENTRA).blames("azure", "conditional_access", ExplicitDeny, 89),
    form("conditional-application", "AADSTS53002", "AADSTS53002: Application used is not an approved application.", ENTRA).blames("azure", "conditional_access", ExplicitDeny, 89),
    form("conditional-proof", "AADSTS53004", "AADSTS53004: Cannot configure multifactor authentication methods.", ENTRA).blames("azure", "conditional_access", ExplicitDeny, 89),
    form("conditional-protection", "AADSTS53005", "AADSTS53005: Application needs to enforce Intune protection policies.", ENTRA).blames("azure", "conditional_access", ExplicitDeny, 89),
    form("conditional-mfa", "AADSTS50076", "AADSTS50076: Due to a configuration change made by your administrator, you must use multi-factor authentication.", ENTRA).blames("azure", "conditional_access", ExplicitDeny, 89),
    form("conditional-enrol", "AADSTS50079", "AADSTS50079: you must enroll in multi-factor authentication.", ENTRA).blames("azure", "conditional_access", ExplicitDeny, 89),
    form("conditional-sentence", "blocked by Conditional Access policies", "Access has been blocked by Conditional Access policies.", ENTRA).blames("azure", "conditional_access", ExplicitDeny, 86),
    form("consent", "AADSTS65001", "AADSTS65001: The user or administrator has not consented to use the application.", ENTRA).blames("azure", "conditional_access", NotAuthorization, 89).status(400),
    form("not-assigned", "AADSTS50105", "AADSTS50105: The signed in user is not assigned to a role for the application.", ENTRA).blames("azure", "authentication", MissingGrant, 89),
    form("entra", "AADSTS{entra_code:number}", "AADSTS7000215: Invalid client secret provided.", ENTRA).blames("azure", "authentication", NotAuthorization, 76),
    form("wrong-tenant", "InvalidAuthenticationTokenTenant", "\"code\": \"InvalidAuthenticationTokenTenant\"", RBAC).blames("azure", "authentication", NotAuthorization, 89).status(401),
    form("wrong-issuer", "The access token is from the wrong issuer '{issuer}'", "The access token is from the wrong issuer 'https://sts.windows.net/1/'.", RBAC).blames("azure", "authentication", NotAuthorization, 88).status(401),
    form("token-invalid", "InvalidAuthenticationToken", "\"code\": \"InvalidAuthenticationToken\"", RBAC).blames("azure", "authentication", NotAuthorization, 86).status(401),
    form("token-expired", "ExpiredAuthenticationToken", "\"code\": \"ExpiredAuthenticationToken\"", RBAC).blames("azure", "expired_credentials", NotAuthorization, 88).status(401),
    form("arm-address", "https://management.azure.com/subscriptions/{subscription_url:target}", "GET https://management.azure.com/subscriptions/1/providers/Microsoft.Batch/batchAccounts?api-version=2018-12-01", RBAC),
    form("sign-in", "\"category\": \"{_}SignInLogs\"", "\"category\": \"ServicePrincipalSignInLogs\"", LOGS),
    form("sign-in-failed", "sign-in failed with an error code", "sign-in failed with an error code", LOGS).blames("azure", "authentication", NotAuthorization, 84).status(401),
    // In front of Azure
    form("apim-invalid", "Access denied due to invalid subscription key", "Access denied due to invalid subscription key.", "https://learn.microsoft.com/en-us/azure/api-management/api-management-subscriptions").blames("azure", "apim", NotAuthorization, 88).status(401),
    form("apim-missing", "Access denied due to missing subscription key", "Access denied due to missing subscription key.", "https://learn.microsoft.com/en-us/azure/api-management/api-management-subscriptions").blames("azure", "apim", NotAuthorization, 88).status(401),
    form("gateway-waf", "403 Forbidden{_}Microsoft-Azure-Application-Gateway", "<h1>403 Forbidden</h1><center>Microsoft-Azure-Application-Gateway/v2</center>", "https://learn.microsoft.com/en-us/azure/web-application-firewall/ag/web-application-firewall-troubleshoot").blames("azure", "waf", NotAuthorization, 86).status(403),
    form("front-door-waf", "The request is blocked.{_}X-Azure-Ref", "<h2>The request is blocked.</h2>X-Azure-Ref: 1", "https://learn.microsoft.com/en-us/azure/web-application-firewall/afds/waf-faq").blames("azure", "waf", NotAuthorization, 88).status(403),
    form("front-door-waf-header", "X-Azure-Ref{_}The request is blocked.", "X-Azure-Ref: 1\n<h2>The request is blocked.</h2>", "https://learn.microsoft.com/en-us/azure/web-application-firewall/afds/waf-faq").blames("azure", "waf", NotAuthorization, 88).status(403),
    form("app-address", "403 Ip Forbidden", "HTTP/1.1 403 Ip Forbidden", "https://learn.microsoft.com/en-us/azure/app-service/app-service-ip-restrictions").blames("azure", "app_service", ExplicitDeny, 88).status(403),
    form("app-stopped", "This web app is stopped", "Error 403 - This web app is stopped.", "https://learn.microsoft.com/en-us/azure/app-service/troubleshoot-http-502-http-503").blames("azure", "app_service", NotAuthorization, 86).status(403),
    form("devops", "TF400813: The user '{principal}' is not authorized to access this resource", "TF400813: The user 'nadia' is not authorized to access this resource.", DEVOPS).blames("azure", "azure_devops", MissingGrant, 88).status(401),
    form("devops-git", "TF401027: You need the Git '{action}' permission", "TF401027: You need the Git 'GenericContribute' permission to perform this action.", DEVOPS).blames("azure", "azure_devops", MissingGrant, 88).status(403),
    form("status-code", "StatusCode={status:number}", "StatusCode=403 -- Original Error", "Go autorest"),
    form("response-status", "RESPONSE {status:number}:", "RESPONSE 403: 403 Forbidden", "Azure SDK for Go"),
    form("remote-status", "The remote server returned an error: ({status:number})", "The remote server returned an error: (401) Unauthorized.", ".NET"),
];
