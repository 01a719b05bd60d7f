//! What each layer's refusal means and what to do next.

use iam_why_contract::refusal::Reason::{MissingGrant, NotAuthorization, Unknown};
use iam_why_contract::refusal::{Advice, Reason, Refusal, advise};

/// Fills in what to say and what to do next.
pub(super) fn give(refusal: &mut Refusal) {
    let who = if refusal.provider == "generic" { "the server" } else { "Google Cloud" };
    advise(refusal, who, if refusal.provider == "generic" { ANYBODY } else { TABLE });
}

const fn row(layer: &'static str, reason: Option<Reason>, because: &'static str, next: &'static [&'static str]) -> Advice {
    Advice { layer, policy_kind: None, reason, because, next }
}

const WHO: &str = "check which identity really called: `gcloud auth list`, and `gcloud auth application-default print-access-token` for programs; a service account that was deleted and made again under its old name is a new identity";
const TROUBLESHOOT: &str = "ask Policy Troubleshooter, since the text is the same for a missing role, a deny policy and a principal access boundary: `gcloud policy-intelligence troubleshoot-policy iam RESOURCE --principal-email=… --permission=…`";
const FRESH: &str =
    "if the role was granted minutes ago: Google documents about 2 minutes until a change takes effect, 7 and more through groups";

/// Where nothing says that Google answered.
const ANYBODY: &[Advice] = &[
    row(
        "expired_credentials",
        None,
        "the grant that the client holds has expired, was revoked or was never valid; permissions were not looked at",
        &["sign in again, so that the client gets a new refresh token", "check the clock of the machine"],
    ),
    row(
        "",
        None,
        "the text says no more than that it is refused",
        &[
            "find out which service answered: the status code is the one of gRPC, which many use",
            "look into the log of whoever answered, at the same second",
        ],
    ),
];

/// The first row that fits is taken.
const TABLE: &[Advice] = &[
    row(
        "iam",
        Some(MissingGrant),
        "the permission is not granted, or denied by a deny policy or boundary, or the resource does not exist: the text is the same",
        &[
            "check the name of the resource: one that does not exist is answered the same way",
            "grant a role that contains {action} on {resource} to the caller, no wider than that",
            WHO,
            TROUBLESHOOT,
            FRESH,
        ],
    ),
    row(
        "iam",
        None,
        "the text names neither permission nor reason",
        &[
            "find the audit log entry of the call: `gcloud logging read 'protoPayload.status.code=7' --limit 5` names permission and resource",
            WHO,
            "the caller may be a service agent or default service account instead of you: the entry's authenticationInfo shows it",
            TROUBLESHOOT,
        ],
    ),
    row(
        "bigquery",
        None,
        "BigQuery does not find the permission on this project, dataset or table, or it does not exist",
        &[
            "for bigquery.jobs.create: run the job in your own project, not in the project that owns the data (`--project_id`, the client's project)",
            "for data: have BigQuery Data Viewer granted on the dataset or table; authorised views and policy tags count besides",
            WHO,
        ],
    ),
    row(
        "vpc_service_controls",
        Some(NotAuthorization),
        "a perimeter would refuse it, but runs dry: nothing was blocked",
        &["look for the real error elsewhere; the entry only announces what the perimeter will do when it is enforced"],
    ),
    row(
        "vpc_service_controls",
        None,
        "a VPC Service Controls perimeter stands between caller and service; no role lifts that",
        &[
            "give the identifier {perimeterId} to whoever runs the perimeter: the VPC Service Controls troubleshooter shows the violation",
            "the perimeter is {perimeter}",
            "add an ingress or egress rule for this identity, source and method, or an access level that the request meets; do not add roles",
        ],
    ),
    row(
        "org_policy",
        None,
        "an organization policy constraint forbids it; no role lifts that",
        &[
            "the constraint is {constraint}: read what it allows with `gcloud org-policies describe CONSTRAINT --project=… --effective`",
            "change the request so that it complies, or ask the organization policy administrators for an exception on this project",
            "for domain restricted sharing, grant to a principal of a permitted customer instead of `allUsers`",
        ],
    ),
    row(
        "org_restriction",
        None,
        "the egress proxy of your organization added a header that lets requests reach its own resources only",
        &["ask the administrators of the proxy whether this resource's organization may be listed"],
    ),
    row(
        "service_disabled",
        None,
        "the API is not enabled in the project that the call is counted against; permissions were not looked at",
        &[
            "enable {service}: `gcloud services enable SERVICE --project=PROJECT`, then wait a few minutes",
            "check that it is the project you mean: {resource} is the consumer, which user credentials take from the quota project",
        ],
    ),
    row(
        "billing",
        None,
        "billing is off or closed for the project; permissions were not looked at",
        &[
            "link an open billing account: `gcloud billing projects link PROJECT --billing-account=…`",
            "check the name of the bucket or project: one that somebody else owns may have no billing",
        ],
    ),
    row(
        "project_state",
        None,
        "the project is suspended, deleted or not known to this service",
        &["check the project id and its state: `gcloud projects describe PROJECT`"],
    ),
    row(
        "quota_project",
        Some(MissingGrant),
        "the caller may not use this project for quota and billing",
        &[
            "have roles/serviceusage.serviceUsageConsumer granted on {resource}, or set another quota project: `gcloud auth application-default set-quota-project PROJECT`",
            WHO,
        ],
    ),
    row(
        "quota_project",
        None,
        "the project that the call is counted against is not valid, not set, or not open to the caller",
        &[
            "check the project id letter by letter: {resource} may be a placeholder or misspelt",
            "set the quota project: `gcloud auth application-default set-quota-project PROJECT`, or the header x-goog-user-project",
            "the caller needs serviceusage.services.use there (roles/serviceusage.serviceUsageConsumer)",
        ],
    ),
    row(
        "oauth_scope",
        None,
        "the access token does not carry the OAuth scope that the method needs; roles do not help",
        &[
            "the method asks for one of the scopes {scopesNeeded}",
            "on a VM or node pool, set the access scope to cloud-platform and restart it: scopes are fixed when it starts",
            "for your own credentials, sign in again with the scopes: `gcloud auth application-default login --scopes=…`",
            "in an application, ask the user for the scope and consent again",
        ],
    ),
    row(
        "api_key",
        None,
        "the API key is not valid for this request: its restrictions do not fit; roles do not count here",
        &[
            "open the key in the console, APIs & Services, Credentials, and compare its restrictions with the request: referrer, address, app, API",
            "the referrer that arrived is {referrer}: a server sends none, so restrict its key by address instead",
        ],
    ),
    row(
        "requester_pays",
        None,
        "the bucket is a requester-pays bucket and the request names no project to bill",
        &["name one: `--billing-project`, `userProject=`, or the client library's user_project"],
    ),
    row(
        "bucket_ip_filter",
        None,
        "the bucket's IP filter does not list the client's address or network",
        &["compare the address the bucket sees with `gcloud storage buckets describe gs://… --format='default(ip_filter_config)'`"],
    ),
    row(
        "public_access_prevention",
        None,
        "public access prevention is enforced on the bucket",
        &[
            "grant to named principals instead of `allUsers`",
            "if it must be public, the bucket's owner or the organization policy must allow it",
        ],
    ),
    row(
        "storage_acl",
        None,
        "access control lists are off on this bucket (uniform bucket-level access)",
        &["grant an IAM role on the bucket instead of an ACL"],
    ),
    row(
        "iap",
        Some(NotAuthorization),
        "Identity-Aware Proxy could not take the credentials, or its service agent is missing; no permission is missing",
        &[
            "a program must send an identity token whose audience is the IAP client id",
            "if the message names the service agent, create it: `gcloud beta services identity create --service=iap.googleapis.com --project=…`",
        ],
    ),
    row(
        "iap",
        None,
        "Identity-Aware Proxy does not let the caller in",
        &[
            "grant roles/iap.httpsResourceAccessor on the application to {principal}",
            "a program must send an identity token whose audience is the IAP client id",
            "for a TCP tunnel (SSH, RDP), grant roles/iap.tunnelResourceAccessor instead; an instance that does not exist or does not run is answered the same way",
            "an access level in the condition of the binding may not be met",
        ],
    ),
    row(
        "cloud_run",
        None,
        "the service takes only callers that may invoke it, and this one is not known or not allowed",
        &[
            "send an identity token: `Authorization: Bearer $(gcloud auth print-identity-token)` with the service's URL as audience",
            "grant roles/run.invoker on the service to the caller; to `allUsers` only if the service is meant to be public",
            "check the service's ingress setting: `internal` answers everybody else so",
        ],
    ),
    row(
        "waf",
        None,
        "a Cloud Armor rule blocked it; no IAM policy was involved",
        &["the load balancer's log names the policy and the priority of the rule (enforcedSecurityPolicy)"],
    ),
    row(
        "rate_limit",
        None,
        "a quota is used up; permissions were not looked at",
        &["wait and retry with growing pauses, or ask for more quota"],
    ),
    row(
        "expired_credentials",
        None,
        "the credentials have expired or were withdrawn; permissions were not looked at",
        &["sign in again: `gcloud auth login` and `gcloud auth application-default login`"],
    ),
    row(
        "authentication",
        None,
        "the request carries no valid credentials; permissions were not looked at",
        &[
            "sign in: `gcloud auth application-default login`, or give the program a service account",
            "a 401 means that the caller is not known; only a 403 is about what the caller may do",
        ],
    ),
    row(
        "generic",
        None,
        "the call failed for another reason than a permission",
        &["read the status message of the entry: it is a conflict, a missing resource or a wrong argument"],
    ),
    row(
        "firebase_rules",
        None,
        "the security rules of the database or bucket do not let this user in; IAM roles do not count for client SDKs",
        &[
            "read the rules in the Firebase console and try the request in their simulator, with the user's token",
            "check that the user is signed in: `request.auth` is null before",
            "server code with a service account is not held to the rules, but to IAM",
        ],
    ),
    row(
        "storage_retention",
        None,
        "the object is held by a retention policy, a retention of its own or a hold; no role lifts that",
        &[
            "read how long: `gcloud storage buckets describe gs://… --format='default(retention_policy)'`",
            "write under another name, or wait; a locked policy cannot be shortened",
        ],
    ),
    row(
        "location",
        None,
        "the API is not offered where the request came from; no permission is missing",
        &["call it from a supported country, or use Vertex AI in a region that has the model"],
    ),
    row(
        "signature",
        None,
        "the signature or the key is not valid; permissions were not looked at",
        &[
            "check the HMAC key or service account key, and the clock of the machine",
            "send exactly the method, headers and query that were signed",
        ],
    ),
    row(
        "presigned_url",
        None,
        "the signed URL has expired or was changed; permissions were not looked at",
        &["make a new signed URL: it lives at most seven days"],
    ),
    row(
        "consent",
        None,
        "the sign-in was stopped before a token was issued: the application is not open to this user",
        &[
            "if the application is in testing, have its developer add the user as a test user, or publish it",
            "if it is internal, sign in with an account of its organization",
            "if an administrator blocks it, have them trust the application in the Admin console",
        ],
    ),
    row("", Some(Unknown), "the text gives no reason", &[WHO]),
    row("", None, "the text gives no more than that", &[WHO]),
];
