//! What each layer's refusal means and what to do next.

use iam_why_contract::refusal::Reason::{ExplicitDeny, MissingGrant, NotAuthorization, Unknown};
use iam_why_contract::refusal::{Advice, Reason, Refusal, advise};

/// Fills in what to say and what to do next.
pub(super) fn give(refusal: &mut Refusal) {
    if refusal.context.contains_key("encoded_message") {
        let decode = "decode the encoded authorization message that stands beside the error: `aws sts decode-authorization-message --encoded-message …` prints who, what, on what, and every condition key of the request";
        refusal.next.push(decode.to_owned());
    }
    if let Some(id) = refusal.context.get("authorization_id") {
        refusal.next.push(format!("within 24 hours, look the decision up in IAM by its authorization id `{id}` (GetRequestAuthorizationDetails): it lists every policy that was evaluated"));
    }
    if let Some(policy) = &refusal.policy {
        refusal.next.push(format!("read the policy that the message names: `{policy}`"));
    }
    let who = if refusal.provider == "generic" { "the server" } else { "AWS" };
    advise(refusal, who, TABLE);
}

const fn row(
    layer: &'static str,
    policy_kind: Option<&'static str>,
    reason: Option<Reason>,
    because: &'static str,
    next: &'static [&'static str],
) -> Advice {
    Advice { layer, policy_kind, reason, because, next }
}

const WHO: &str =
    "check that {principal} is who you meant to be: `aws sts get-caller-identity` with the same profile, in the same shell or container";
const COMPARE: &str = "if a policy seems to allow it already, compare its Resource and Condition with the request letter by letter";
const ALLOW: &str = "allow {action} on {resource} for {principal}, no wider than that";
const ENDPOINT: &str =
    "read the endpoint's policy: `aws ec2 describe-vpc-endpoints --query 'VpcEndpoints[].[VpcEndpointId,ServiceName,PolicyDocument]'`";
const BOUNDARY: &str = "read the boundary attached to {principal}: `aws iam get-role` or `get-user` shows its ARN";

/// The first row that fits is taken.
const TABLE: &[Advice] = &[
    row(
        "organizations",
        Some("scp"),
        Some(ExplicitDeny),
        "a service control policy of the organization explicitly denies it; no policy of the account can lift that",
        &[
            "do not add permissions to the identity: they change nothing while the service control policy denies",
            "ask the organization's administrators which service control policy on the account or above it denies {action}, and under which condition (Region, tag, exempt roles)",
            "if the condition exempts certain roles, Regions or tags, make the request that way",
            WHO,
        ],
    ),
    row(
        "organizations",
        Some("scp"),
        None,
        "no service control policy on one of the levels above the account allows it",
        &[
            "ask the organization's administrators for the level (root, organizational unit, account) whose service control policies do not allow {action}: every level must allow it",
            "a permission added in the account changes nothing until then",
            WHO,
        ],
    ),
    row(
        "organizations",
        Some("rcp"),
        None,
        "a resource control policy of the organization that owns the resource denies it",
        &[
            "ask the administrators of the organization that owns {resource}: a resource control policy there denies {action}, whoever asks",
            "look for its condition: aws:PrincipalOrgID, aws:SourceIp, aws:SecureTransport and encryption headers are the usual ones",
            WHO,
        ],
    ),
    row(
        "organizations",
        None,
        None,
        "a policy of the organization forbids it",
        &["ask the organization's administrators which policy is in effect for this account"],
    ),
    row(
        "vpc_endpoint",
        None,
        Some(MissingGrant),
        "the policy of the VPC endpoint that the request went through does not allow it",
        &[ENDPOINT, "add {action} on {resource} there; the identity's own policies are not what refused"],
    ),
    row(
        "vpc_endpoint",
        None,
        None,
        "the policy of the VPC endpoint that the request went through refuses it",
        &[
            ENDPOINT,
            "look for the statement that denies {action}, or for a condition on organization, account or principal that this request does not meet",
            "the same call from outside the VPC tells whether the endpoint alone refuses",
        ],
    ),
    row(
        "sts_trust",
        None,
        Some(ExplicitDeny),
        "the trust policy of the role denies it, or the caller is one that may never assume a role",
        &[
            "a root user cannot assume roles: use an IAM user or an identity of IAM Identity Center",
            "read the role's trust policy (`aws iam get-role --role-name …`) for a Deny that matches the caller",
        ],
    ),
    row(
        "sts_trust",
        None,
        Some(Unknown),
        "the role could not be assumed; the text does not say whether its trust policy or something else is why",
        &[
            "read the role's trust policy (`aws iam get-role --role-name …`): it must name the caller, or the service that is to use the role",
            "check the name and the account of the role: one that does not exist is answered the same way",
            "whoever hands the role to a service needs iam:PassRole on it besides",
            WHO,
        ],
    ),
    row(
        "sts_trust",
        None,
        None,
        "the trust policy of the role does not let this caller assume it",
        &[
            "compare the role's trust policy (`aws iam get-role --role-name …`) with the caller: the principal, and for web identity the provider's ARN and the exact `sub` and `aud` of the token",
            "for sts:TagSession and sts:SetSourceIdentity, the trust policy must list that action too",
            "check that the OIDC or SAML provider exists in the role's account",
            WHO,
        ],
    ),
    row(
        "kms",
        None,
        Some(MissingGrant),
        "the key's policy does not allow this identity to use the key",
        &[
            "read the key's policy (`aws kms get-key-policy --key-id … --policy-name default`): it must allow the caller, or hand the decision to IAM by allowing the account root",
            "in another account, both the key policy there and an identity policy here must allow {action}",
            WHO,
        ],
    ),
    row(
        "kms",
        None,
        Some(NotAuthorization),
        "the key cannot be used in its present state, or does not exist",
        &["check the key's Region and state: `aws kms describe-key --key-id …`"],
    ),
    row(
        "kms",
        None,
        None,
        "the key is missing, in another Region or account, or its key policy does not allow this caller; KMS does not tell which",
        &[
            "check that the key exists in this Region and that it is the key you think: `aws kms describe-key --key-id …`",
            "read the key's policy for this caller; in another account, an identity policy must allow {action} too",
            "the call you made may be another service's: it uses the key in your name",
            WHO,
        ],
    ),
    row(
        "s3",
        Some("s3-bpa"),
        None,
        "S3 Block Public Access does not let anything public in",
        &[
            "leave out the public ACL or the public statement; grant the one principal that needs access instead",
            "if the bucket is meant to be public, its owner must turn the setting off for the bucket and for the account",
        ],
    ),
    row(
        "s3",
        Some("resource"),
        None,
        "the bucket's policy explicitly denies it",
        &[
            "read the bucket policy (`aws s3api get-bucket-policy --bucket …`) for the Deny that matches {action} on {resource}",
            "look at its condition first: encryption headers, aws:SecureTransport, aws:SourceVpce, aws:SourceIp and aws:PrincipalOrgID are the usual ones; make the request the way it asks",
            WHO,
        ],
    ),
    row("s3", None, Some(ExplicitDeny), "a setting of the bucket denies it", &["read the bucket's encryption and public access settings"]),
    row(
        "s3",
        None,
        Some(MissingGrant),
        "it came without credentials, and the bucket is not public",
        &["sign the request: give the client credentials or a presigned URL"],
    ),
    row(
        "s3",
        None,
        Some(Unknown),
        "S3 gave no reason: the text alone does not say which policy it was, or whether the object exists",
        &[
            "check bucket name, key and Region: without s3:ListBucket, S3 answers 403 for an object that does not exist",
            WHO,
            "check that an identity policy allows {action}: bucket actions take `arn:aws:s3:::BUCKET`, object actions `arn:aws:s3:::BUCKET/KEY`",
            "in another account, the bucket policy must allow it too; then come the object's owner, the KMS key, the VPC endpoint's policy, and service control policies",
            "run `iam-why explain` with `--snapshot` to find the statement",
        ],
    ),
    row(
        "s3",
        None,
        None,
        "the object's state or the bucket's setting does not let it through, whatever the permissions",
        &["read the error code in the S3 API reference: it names the state"],
    ),
    row(
        "ecr",
        None,
        Some(Unknown),
        "the registry answered 403 without a body",
        &[
            "check that the repository exists in this account and Region",
            "get the registry's own message: `aws ecr describe-repositories --repository-names …` with the same credentials",
        ],
    ),
    row(
        "ecr",
        Some("resource"),
        None,
        "the repository's policy does not allow it",
        &[
            "read the repository's policy: `aws ecr get-repository-policy --repository-name …`",
            "check the account and Region in {resource}",
            WHO,
        ],
    ),
    row("ecr", None, None, "no policy of the identity allows it", &[ALLOW, "ecr:GetAuthorizationToken is needed on `*` besides", WHO]),
    row(
        "sqs",
        None,
        None,
        "SQS gave no reason, and answers the same where the queue does not exist",
        &[
            "check that the queue's URL, account and Region are right",
            "check that an identity policy allows {action} on the queue's ARN; in another account the queue's policy must allow it too",
            WHO,
        ],
    ),
    row(
        "lambda",
        None,
        None,
        "Lambda gave no reason: it answers so where the account itself is held back, more often than for a policy",
        &[
            "look at the account's Health Dashboard or ask AWS Support: a new or flagged account must be verified first",
            "look the call up in CloudTrail: its errorMessage says more where a policy refused",
        ],
    ),
    row(
        "lambda_url",
        None,
        None,
        "the function URL refuses the caller: with auth type AWS_IAM the request must be signed and allowed, with NONE the function's policy must allow `*`",
        &[
            "check the URL's auth type: `aws lambda get-function-url-config --function-name …`",
            "check that the function's policy allows lambda:InvokeFunctionUrl, and lambda:InvokeFunction with it: `aws lambda get-policy --function-name …`",
            "behind CloudFront, the origin access control must sign the requests",
        ],
    ),
    row(
        "api_gateway",
        None,
        Some(NotAuthorization),
        "the request did not reach a method that takes it: the path, verb or stage does not exist, or the request is not signed",
        &[
            "check the URL: stage, path and verb. API Gateway answers so for a route that does not exist",
            "if the method uses IAM authorization, sign the request with SigV4",
        ],
    ),
    row(
        "api_gateway",
        None,
        Some(Unknown),
        "API Gateway answered 403 without a reason: an API key or usage plan, a WAF rule, the host or stage mapping, mutual TLS, or a private API's policy",
        &[
            "check the API key and that its usage plan covers this stage",
            "look at the header x-amzn-ErrorType and at the field $context.error.responseType of the API's access log: INVALID_API_KEY and WAF_FILTERED stand there",
            "check the custom domain's mapping and, for a private API, the VPC endpoint and the resource policy",
        ],
    ),
    row(
        "api_gateway",
        None,
        None,
        "the API's authorizer or resource policy refuses the caller",
        &[
            "if the API has a Lambda authorizer, look at the policy it returned: a cached policy that names one method only denies the others",
            "read the API's resource policy: `aws apigateway get-rest-api --rest-api-id … --query policy`",
            "an unsigned request is `anonymous`: sign it with SigV4 where the method uses IAM",
        ],
    ),
    row(
        "iam",
        Some("boundary"),
        Some(ExplicitDeny),
        "the permissions boundary of the identity explicitly denies it",
        &[BOUNDARY, "ask whoever manages the boundary; permissions added to the identity change nothing"],
    ),
    row(
        "iam",
        Some("boundary"),
        None,
        "the permissions boundary of the identity does not allow it, whatever its other policies say",
        &[BOUNDARY, "ask whoever manages the boundary to add {action}"],
    ),
    row(
        "iam",
        Some("session"),
        None,
        "the policy that was passed when this session began refuses it",
        &[
            "look at who began the session and with which policy: the AssumeRole or GetFederationToken event in CloudTrail shows it",
            "Cognito's enhanced flow adds a session policy of its own for unauthenticated identities",
        ],
    ),
    row(
        "iam",
        Some("resource"),
        Some(ExplicitDeny),
        "the policy of the resource explicitly denies it",
        &["read the policy of the resource for the Deny that matches {action}, and look at its condition first", WHO],
    ),
    row(
        "iam",
        Some("resource"),
        None,
        "the policy of the resource does not allow it",
        &[
            "read the policy of the resource: in another account it must allow the caller, besides the caller's own policy",
            "check the account, Region and version in {resource}",
            WHO,
        ],
    ),
    row(
        "iam",
        Some("identity"),
        Some(ExplicitDeny),
        "a policy of the identity explicitly denies it; no Allow can lift that",
        &[
            "look through the policies of {principal} and its groups for the Deny that matches {action}: a condition on MFA or source address is the usual one",
            "if it is conditioned on multi-factor authentication, begin a session with `aws sts get-session-token --serial-number …`",
            WHO,
        ],
    ),
    row(
        "iam",
        Some("identity"),
        None,
        "no policy of the identity allows it",
        &[ALLOW, COMPARE, WHO, "the action that is refused may be another than the one you called: the call needs both"],
    ),
    row(
        "iam",
        None,
        Some(MissingGrant),
        "nothing in the policies that were evaluated allows it; the message does not say which type of policy is missing",
        &[
            ALLOW,
            COMPARE,
            WHO,
            "if {resource} is in another account, its own policy must allow the caller too",
            "then look above: permissions boundary, session policy, service control policies",
        ],
    ),
    row(
        "iam",
        None,
        Some(ExplicitDeny),
        "a policy explicitly denies it; the message does not say which type of policy",
        &[
            "look for the Deny in this order: service control policies, the resource's policy, the identity's policies, its permissions boundary, the VPC endpoint's policy",
            "look the call up in CloudTrail: newer messages there name the type of policy",
            WHO,
        ],
    ),
    row(
        "iam",
        None,
        Some(NotAuthorization),
        "no policy refused it",
        &[
            "for a dry run: the permission is there and the call was only tested; run it without the flag",
            "for an image: check that its id exists in this Region and is shared with this account",
        ],
    ),
    row(
        "iam",
        None,
        None,
        "the message gives no reason",
        &[
            WHO,
            "look the call up in CloudTrail: its errorMessage often names the type of policy",
            "an API of AWS Organizations answers the management account and delegated administrators only",
            "run `iam-why PRINCIPAL ACTION RESOURCE` with a snapshot to find the statement",
        ],
    ),
    row(
        "opensearch",
        None,
        None,
        "the domain's own fine-grained access control has no role that allows it",
        &["map {principal} or its backend role to a role with {action} in OpenSearch Dashboards, Security, Roles"],
    ),
    row(
        "opensearch_serverless",
        None,
        None,
        "the collection's data access policy or network policy does not let the caller in",
        &[
            "check the data access policy for the caller's ARN, and that the identity has aoss:APIAccessAll on the collection",
            "check the network policy of the collection",
        ],
    ),
    row(
        "lakeformation",
        None,
        None,
        "Lake Formation has no grant for it; IAM alone is not enough",
        &["have the data lake administrator grant the permission that the message names"],
    ),
    row(
        "bedrock",
        None,
        None,
        "the account or the caller has no access to this model; the text does not say which",
        &[
            "see in the Bedrock console, in this Region, whether the account has access to the model, and request it",
            "a service control policy or a missing bedrock:InvokeModel may be answered the same way: look the call up in CloudTrail",
        ],
    ),
    row(
        "appsync",
        None,
        None,
        "the API's authorization mode does not let the caller read this field",
        &["compare the schema's @aws_… directives of the type and field with how the caller signed in"],
    ),
    row(
        "cognito",
        None,
        None,
        "the identity pool does not hand out credentials to this caller",
        &["check the pool's providers, its authenticated and unauthenticated roles, and their trust policies"],
    ),
    row(
        "signature",
        None,
        None,
        "the signature or the key is not valid; permissions were not looked at",
        &[
            "check the clock of the machine: more than five minutes of drift (fifteen for S3) breaks every signature",
            "check that the access key exists, is active and belongs to this partition: `aws sts get-caller-identity`",
            "a session token of the global STS endpoint is refused in opt-in Regions: use the regional endpoint",
            "a proxy that changes headers or the host breaks the signature too",
        ],
    ),
    row(
        "expired_credentials",
        None,
        None,
        "the credentials have expired; permissions were not looked at",
        &[
            "sign in again: `aws sso login`, or assume the role again",
            "a long-running program must refresh its credentials: do not copy temporary keys into its environment",
        ],
    ),
    row(
        "presigned_url",
        None,
        None,
        "the signed address has expired or was changed; permissions were not looked at",
        &[
            "make a new presigned URL: it lives no longer than X-Amz-Expires, and never longer than the credentials that signed it",
            "send exactly the headers and query that were signed",
        ],
    ),
    row(
        "authentication",
        None,
        None,
        "the request carries no valid credentials; permissions were not looked at",
        &[
            "give the program credentials, and check which it takes: `aws configure list`",
            "check that the Region is enabled for the account",
        ],
    ),
    row(
        "account",
        None,
        None,
        "the account or the Region is not ready for this service; permissions were not looked at",
        &["subscribe to the service or enable the Region for the account; a new account may have to be verified first"],
    ),
    row(
        "waf",
        None,
        None,
        "a web application firewall rule blocked it; no IAM policy was involved",
        &[
            "find the rule: the web ACL's log or sampled requests name terminatingRuleId for this address and path",
            "check whether the client's address is on a block list or over a rate rule",
            "ask whoever runs the web ACL for an exception for this one rule and path",
        ],
    ),
    row(
        "cloudfront",
        None,
        None,
        "CloudFront turned it away before any IAM policy was asked",
        &[
            "read the line of the page: country, method, host name and signed-URL refusals are told apart there",
            "if the header says x-cache: Error from cloudfront with S3's XML, the origin refused: look at the origin access control and the bucket policy",
        ],
    ),
    row(
        "cors",
        None,
        None,
        "the bucket's CORS rules do not admit the page's origin, method or headers; no permission is missing",
        &[
            "read the rules: `aws s3api get-bucket-cors --bucket …`; AllowedOrigins must name the page's origin, scheme and port included",
            "AllowedMethods and AllowedHeaders must name what the preflight asks for",
        ],
    ),
    row(
        "msk",
        None,
        None,
        "the cluster did not accept the client's IAM identity: it lacks kafka-cluster:Connect, or the credentials are not the ones you think",
        &[
            "find out who the client is: awsDebugCreds=true prints the identity that it signs with",
            "allow kafka-cluster:Connect on the cluster's ARN, and the topic and group actions on their ARNs; `kafka:*` is another service",
            "use port 9098 (9198 from outside) and an enabled IAM access control",
        ],
    ),
    row(
        "iot",
        None,
        None,
        "no IoT policy attached to the certificate or identity allows it",
        &["read the policies of the certificate: `aws iot list-attached-policies`; client id and topic must match to the letter"],
    ),
    row(
        "generic",
        None,
        None,
        "the text says no more than that it is refused",
        &["get the whole response with its headers: they say who answered", "look into the log of whoever answered, at the same second"],
    ),
    row("", None, None, "the text gives no reason", &[WHO]),
];
