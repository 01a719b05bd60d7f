//! What can be found to stand in the way: one code each, with the vendor's page.

use iam_why_contract::Code;

macro_rules! codes {
    ($($name:ident = $id:literal, $title:literal, $doc:literal;)*) => {
        $(#[doc = $title] pub(crate) const $name: Code = Code { id: $id, title: $title, doc: $doc };)*

        /// Every code.
        pub(crate) const CODES: &[Code] = &[$($name,)*];
    };
}

codes! {
    BOUNDARY = "gcp-boundary", "A principal access boundary leaves the resource out",
        "https://docs.cloud.google.com/iam/docs/principal-access-boundary-policies";
    DENY_RULE = "gcp-deny-rule", "A deny policy denies the permission",
        "https://docs.cloud.google.com/iam/docs/deny-overview";
    ACCESS_POLICY = "gcp-access-policy", "An access policy denies the permission",
        "https://docs.cloud.google.com/eventarc/advanced/docs/control-publishing-access";
    NO_GRANT = "gcp-no-grant", "No allow policy on the resource or above it grants the permission",
        "https://docs.cloud.google.com/iam/docs/allow-policies";
    CONDITION_FAILS = "gcp-condition", "A binding would grant, but its condition does not hold",
        "https://docs.cloud.google.com/iam/docs/conditions-overview";
    ROLE_INERT = "gcp-role-state", "A binding's role is disabled or deleted",
        "https://docs.cloud.google.com/iam/docs/creating-custom-roles";
    PUBLIC_ACCESS_PREVENTED = "gcp-public-access-prevention", "The only grant is to everybody, and public access prevention voids it",
        "https://docs.cloud.google.com/storage/docs/public-access-prevention";
    POLICY_TAG = "gcp-policy-tag", "A column has a policy tag that the caller may not read",
        "https://docs.cloud.google.com/bigquery/docs/column-level-security-intro";
    IP_FILTER = "gcp-bucket-ip-filter", "The bucket's IP filter does not admit the caller's network",
        "https://docs.cloud.google.com/storage/docs/ip-filtering-overview";
    REQUESTER_PAYS = "gcp-requester-pays", "The requester pays, and the call names no project to bill",
        "https://docs.cloud.google.com/storage/docs/requester-pays";
    USER_PROJECT_DENIED = "gcp-user-project", "The caller may not bill the project that the call names",
        "https://docs.cloud.google.com/storage/docs/requester-pays";
    QUOTA_PROJECT_DENIED = "gcp-quota-project", "The caller may not use the quota project",
        "https://docs.cloud.google.com/docs/quotas/quota-project";
    SERVICE_DISABLED = "gcp-service-disabled", "The API is not enabled in the project",
        "https://docs.cloud.google.com/service-usage/docs/enable-disable";
    BILLING_DISABLED = "gcp-billing", "Billing is off in the project",
        "https://docs.cloud.google.com/billing/docs/how-to/verify-billing-enabled";
    ORG_RESTRICTED = "gcp-org-restriction", "A header added on the way allows other organizations only",
        "https://docs.cloud.google.com/resource-manager/docs/organization-restrictions/overview";
    CREDENTIAL_BOUNDARY = "gcp-credential-access-boundary", "The token is downscoped and does not cover the request",
        "https://docs.cloud.google.com/iam/docs/downscoping-short-lived-credentials";
    SCOPE_INSUFFICIENT = "gcp-oauth-scope", "The token's OAuth scopes do not admit the request",
        "https://developers.google.com/identity/protocols/oauth2/scopes";
    ACCOUNT_DISABLED = "gcp-account-disabled", "The service account is disabled",
        "https://docs.cloud.google.com/iam/docs/service-accounts-disable-enable";
    USER_ACCESS = "gcp-user-access", "Context-aware access asks for an access level that the request does not meet",
        "https://docs.cloud.google.com/access-context-manager/docs/securing-console-and-apis";
    PERIMETER = "gcp-vpc-service-controls", "A service perimeter does not admit the request",
        "https://docs.cloud.google.com/vpc-service-controls/docs/ingress-egress-rules";
    ORG_POLICY = "gcp-org-policy", "An organization policy refuses the request",
        "https://docs.cloud.google.com/iam/docs/troubleshoot-org-policies";
}

#[cfg(test)]
mod tests {
    use super::CODES;
    use std::collections::BTreeSet;

    #[test]
    fn every_code_has_its_own_id_and_page() {
        let ids: BTreeSet<&str> = CODES.iter().map(|code| code.id).collect();
        assert_eq!(ids.len(), CODES.len());
        assert!(CODES.iter().all(|code| code.id.starts_with("gcp-") && code.doc.starts_with("https://")));
    }
}
