//! The documents that AWS keeps: one row a kind. What collects, recognises and simulates all read this table.
//!
//! A document never holds a policy in an encoded form: policies that were URL-encoded or stood as JSON inside a string are decoded
//! when they are taken in, so that a pointer leads to every element.
//!
//! [`recognise`] takes in files as the AWS CLI printed them. Many of them do not say whose they are (`get-bucket-policy` prints nothing
//! but the policy). Then the file's name says it, in one of these ways:
//!
//! | file | is |
//! |---|---|
//! | `get-bucket-policy.acme-reports.json` | what the command printed for this subject |
//! | `bucket-policy--acme-reports.json` | the same; the verb may be left out, `.`, `--` or `_` may stand before the subject |
//! | `s3/acme-reports/get-bucket-policy.json` | the same; the folder is the subject if the folder around it names the service |
//! | `list-role-policies.app.json` | of the role `app`, whose ARN another file says (`get-role`, or a folder named by the account id) |
//! | `head-object.acme-reports%2F2026%2Fa.csv.json` | a subject with characters that file names cannot have is percent-encoded |
//! | `get-key-policy.arn%3Aaws%3Akms%3A….json` | a whole ARN is always understood |
//! | `scp--p-1a2b3c4d.json`, `role-policy--app--read-reports.json` | a bare policy document, by what it is and whose |
//!
//! Folders of the tool iam-collect are read as far as their layout is documented (`iam_collect.rs`).
//!
//! A folder above the file that is named by an account id, a region (`eu-west-1`) or a partition (`aws-cn`) says so of all files in it;
//! the buckets in a folder named by an account id belong to that account.
//! What a command printed instead of an output, `An error occurred (NoSuchBucketPolicy) …`, is a fact too: it says that there is none.

use iam_why_contract::{Place, Snapshot};

mod assemble;
mod iam_collect;
mod identities;
mod name;
mod printed;
mod reading;
mod refused;
mod text;

#[cfg(test)]
mod tests;

pub use assemble::assemble;
pub use printed::recognise;

iam_why_contract::document_kinds! {
    // Identities. A detail of get-account-authorization-details says everything; the pieces below say it one call at a time.
    USER = "aws:user", "the user", "user ARN",
        "an element of UserDetailList, or `User` of get-user", "aws iam get-user", ["iam:GetUser"];
    ROLE = "aws:role", "the role", "role ARN",
        "an element of RoleDetailList, or `Role` of get-role", "aws iam get-role", ["iam:GetRole"];
    GROUP = "aws:group", "the group", "group ARN",
        "an element of GroupDetailList, or `Group` of get-group", "aws iam get-group", ["iam:GetGroup"];
    INLINE_NAMES = "aws:inline-policy-names", "the names of the inline policies", "ARN of a user, role or group",
        "list-role-policies: {PolicyNames}", "aws iam list-role-policies", ["iam:ListUserPolicies", "iam:ListRolePolicies", "iam:ListGroupPolicies"];
    INLINE_POLICY = "aws:inline-policy", "an inline policy", "ARN of a user, role or group",
        "the policy document; the title is the policy's name", "aws iam get-role-policy", ["iam:GetUserPolicy", "iam:GetRolePolicy", "iam:GetGroupPolicy"];
    ATTACHED_POLICIES = "aws:attached-policies", "the list of attached policies", "ARN of a user, role or group",
        "list-attached-role-policies: {AttachedPolicies: [{PolicyName, PolicyArn}]}", "aws iam list-attached-role-policies",
        ["iam:ListAttachedUserPolicies", "iam:ListAttachedRolePolicies", "iam:ListAttachedGroupPolicies"];
    USER_GROUPS = "aws:user-groups", "the user's groups", "user ARN",
        "list-groups-for-user: {Groups: [{Arn, GroupName}]}", "aws iam list-groups-for-user", ["iam:ListGroupsForUser"];
    MANAGED_POLICY = "aws:managed-policy", "the managed policy", "policy ARN",
        "the policy document of the default version", "aws iam get-policy-version", ["iam:GetPolicy", "iam:GetPolicyVersion"];
    SESSION = "aws:session", "the session", "session ARN",
        "{PolicyDocument?, PolicyArns?: [{arn}], Tags?: [{Key, Value}], SourceIdentity?, Issuer?: ARN of the user who made a federated session}: what the credentials were made with; PolicyDocument null and PolicyArns [] say that there is no session policy",
        "the AssumeRole event in CloudTrail", ["cloudtrail:LookupEvents"];

    // The organization.
    ORGANIZATION = "aws:organization", "the organization", "account id",
        "`Organization` of describe-organization: {Id, MasterAccountId, FeatureSet}; an absent search says that the account is in none",
        "aws organizations describe-organization", ["organizations:DescribeOrganization"];
    PARENTS = "aws:parents", "the organization path", "account or OU id",
        "list-parents: {Parents: [{Id, Type}]}", "aws organizations list-parents", ["organizations:ListParents"];
    ATTACHED_SCPS = "aws:attached-scps", "the attached service control policies", "root, OU or account id",
        "list-policies-for-target: {Policies: [{Id, Arn, Name}]}", "aws organizations list-policies-for-target --filter SERVICE_CONTROL_POLICY",
        ["organizations:ListPoliciesForTarget"];
    ATTACHED_RCPS = "aws:attached-rcps", "the attached resource control policies", "root, OU or account id",
        "list-policies-for-target: {Policies: [{Id, Arn, Name}]}", "aws organizations list-policies-for-target --filter RESOURCE_CONTROL_POLICY",
        ["organizations:ListPoliciesForTarget"];
    SCP = "aws:scp", "the service control policy", "policy id (p-…)",
        "`Policy.Content` of describe-policy", "aws organizations describe-policy", ["organizations:DescribePolicy"];
    RCP = "aws:rcp", "the resource control policy", "policy id (p-…)",
        "`Policy.Content` of describe-policy", "aws organizations describe-policy", ["organizations:DescribePolicy"];

    // Who asks, and what ties the others together.
    CALLER = "aws:caller", "whom the credentials belong to", "account id",
        "get-caller-identity: {UserId, Account, Arn}", "aws sts get-caller-identity", ["sts:GetCallerIdentity"];
    POLICY_FACTS = "aws:managed-policy-facts", "what is known of the managed policy beyond its text", "policy ARN",
        "`Policy` of get-policy: {Arn, PolicyName, DefaultVersionId}", "aws iam get-policy", ["iam:GetPolicy"];

    // The network.
    VPC_ENDPOINT = "aws:vpc-endpoint", "the VPC endpoint", "endpoint id (vpce-…)",
        "an element of `VpcEndpoints` of describe-vpc-endpoints", "aws ec2 describe-vpc-endpoints", ["ec2:DescribeVpcEndpoints"];

    // Resources.
    RESOURCE = "aws:resource", "facts about the resource", "resource ARN",
        "{Account?, Region?, Tags?: {key: value}, Exists?}: what is known of it beyond its policies", "aws resourcegroupstaggingapi get-resources", ["tag:GetResources"];
    RESOURCE_POLICY = "aws:resource-policy", "the resource policy", "resource ARN",
        "the policy document (bucket policy, key policy, queue policy, …)", "aws s3api get-bucket-policy and its like",
        ["s3:GetBucketPolicy", "kms:GetKeyPolicy", "sqs:GetQueueAttributes", "sns:GetTopicAttributes", "lambda:GetPolicy",
         "secretsmanager:GetResourcePolicy", "dynamodb:GetResourcePolicy", "ecr:GetRepositoryPolicy", "s3:GetAccessPointPolicy"];
    BUCKET_ACL = "aws:bucket-acl", "the bucket's access control list", "bucket ARN",
        "get-bucket-acl: {Owner, Grants}", "aws s3api get-bucket-acl", ["s3:GetBucketAcl"];
    OBJECT_ACL = "aws:object-acl", "the object's access control list", "object ARN",
        "get-object-acl: {Owner, Grants}", "aws s3api get-object-acl", ["s3:GetObjectAcl"];
    OWNERSHIP_CONTROLS = "aws:ownership-controls", "the bucket's object ownership", "bucket ARN",
        "get-bucket-ownership-controls: {OwnershipControls: {Rules: [{ObjectOwnership}]}}", "aws s3api get-bucket-ownership-controls", ["s3:GetBucketOwnershipControls"];
    PUBLIC_ACCESS_BLOCK = "aws:public-access-block", "Block Public Access", "bucket ARN, access point ARN or account id",
        "get-public-access-block: {PublicAccessBlockConfiguration}", "aws s3api get-public-access-block",
        ["s3:GetBucketPublicAccessBlock", "s3:GetAccountPublicAccessBlock"];
    POLICY_STATUS = "aws:policy-status", "whether S3 calls the bucket policy public", "bucket ARN",
        "get-bucket-policy-status: {PolicyStatus: {IsPublic}}", "aws s3api get-bucket-policy-status", ["s3:GetBucketPolicyStatus"];
    BUCKET_ENCRYPTION = "aws:bucket-encryption", "the bucket's default encryption", "bucket ARN",
        "get-bucket-encryption: {ServerSideEncryptionConfiguration}", "aws s3api get-bucket-encryption", ["s3:GetEncryptionConfiguration"];
    REQUEST_PAYMENT = "aws:request-payment", "who pays for requests", "bucket ARN",
        "get-bucket-request-payment: {Payer}", "aws s3api get-bucket-request-payment", ["s3:GetBucketRequestPayment"];
    OBJECT = "aws:object", "the object's metadata", "object ARN",
        "head-object: {SSEKMSKeyId?, ServerSideEncryption?, …}; an absent search says that it does not exist", "aws s3api head-object", ["s3:GetObject"];
    ACCESS_POINT = "aws:access-point", "the access point", "access point ARN",
        "get-access-point: {Bucket, BucketAccountId, NetworkOrigin, VpcConfiguration?, PublicAccessBlockConfiguration?}", "aws s3control get-access-point", ["s3:GetAccessPoint"];
    KMS_KEY = "aws:kms-key", "the key", "key ARN",
        "`KeyMetadata` of describe-key", "aws kms describe-key", ["kms:DescribeKey"];
    KMS_GRANTS = "aws:kms-grants", "the key's grants", "key ARN",
        "list-grants: {Grants}", "aws kms list-grants", ["kms:ListGrants"];
    CANONICAL_USER = "aws:canonical-user", "whose canonical user id it is", "canonical user id (64 hexadecimal digits)",
        "{Account}: the account that S3 knows by this id", "aws s3api list-buckets --query Owner, run in that account", ["s3:ListAllMyBuckets"];
    API_METHOD = "aws:api-method", "how the API method authorizes its callers", "API ARN (arn:aws:execute-api:REGION:ACCOUNT:API)",
        "get-method: {authorizationType: NONE|AWS_IAM|CUSTOM|COGNITO_USER_POOLS}; authorizerPolicy is the policy that its Lambda authorizer returned",
        "aws apigateway get-method", ["apigateway:GET"];
    FUNCTION_URL = "aws:function-url", "the function's URL", "function ARN",
        "get-function-url-config: {AuthType}", "aws lambda get-function-url-config", ["lambda:GetFunctionUrlConfig"];
}

/// "Changes that I make are not always immediately visible", which names no limit
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html>).
pub(crate) const DELAY: &str = "AWS documents that a change takes time until it is visible everywhere, and names no limit";

/// When a managed policy was changed last. Of inline policies AWS keeps no time, nor of when a policy was attached.
pub(crate) fn changed(place: &Place, snapshot: &Snapshot) -> Option<String> {
    let document = snapshot.documents().iter().find(|document| *document.id == *place.document)?;
    let facts = match document.kind.as_ref() {
        MANAGED_POLICY => snapshot.of(POLICY_FACTS, &document.subject).next()?,
        _ => return None,
    };
    let value: serde_json::Value = serde_json::from_str(&facts.text).ok()?;
    let body = value.get("Policy").unwrap_or(&value);
    ["UpdateDate", "CreateDate"].iter().find_map(|name| body.get(name)?.as_str()).map(str::to_owned)
}
