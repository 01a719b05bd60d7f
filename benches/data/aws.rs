//! Requests and policies of AWS, as cases in their short form.

use super::Seeded;
use serde_json::{Value, json};

const SERVICES: [(&str, [&str; 6]); 12] = [
    ("s3", ["GetObject", "PutObject", "DeleteObject", "ListBucket", "GetBucketPolicy", "PutBucketTagging"]),
    ("ec2", ["RunInstances", "StartInstances", "StopInstances", "DescribeInstances", "CreateTags", "DeleteVolume"]),
    ("dynamodb", ["GetItem", "PutItem", "Query", "Scan", "UpdateItem", "DescribeTable"]),
    ("sqs", ["SendMessage", "ReceiveMessage", "DeleteMessage", "GetQueueUrl", "PurgeQueue", "GetQueueAttributes"]),
    ("sns", ["Publish", "Subscribe", "ListTopics", "GetTopicAttributes", "CreateTopic", "DeleteTopic"]),
    ("lambda", ["InvokeFunction", "GetFunction", "UpdateFunctionCode", "ListFunctions", "CreateFunction", "DeleteFunction"]),
    ("kms", ["Decrypt", "Encrypt", "GenerateDataKey", "DescribeKey", "CreateGrant", "ListKeys"]),
    ("logs", ["PutLogEvents", "CreateLogStream", "FilterLogEvents", "DescribeLogGroups", "GetLogEvents", "CreateLogGroup"]),
    ("secretsmanager", ["GetSecretValue", "PutSecretValue", "DescribeSecret", "ListSecrets", "RotateSecret", "TagResource"]),
    ("ssm", ["GetParameter", "PutParameter", "GetParametersByPath", "StartSession", "SendCommand", "DescribeParameters"]),
    ("ecr", ["BatchGetImage", "GetDownloadUrlForLayer", "PutImage", "InitiateLayerUpload", "ListImages", "DescribeImages"]),
    ("iam", ["PassRole", "GetRole", "CreateRole", "AttachRolePolicy", "ListRoles", "DeleteRole"]),
];

const ACCOUNT: &str = "111122223333";
const VERSION: &str = "2012-10-17";

/// One identity statement, and one level of service control policies.
pub(crate) fn small(_: usize) -> Value {
    let statement = json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::acme-data/*"});
    let everything = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
    case(
        "arn:aws:s3:::acme-data/2026/report.csv",
        json!({
            "identity": [policy(vec![statement])],
            "scps": [[policy(vec![everything])]],
            "rcps": [],
            "resource_policy": null,
        }),
    )
}

/// 500 identity statements, 10 levels of 5 service control policies, 10 levels of resource control policies, a bucket policy of 50
/// statements. Only the object asked for differs from one `number` to the next.
pub(crate) fn large(number: usize) -> Value {
    let mut seeded = Seeded::new(42);
    let mut identity: Vec<Vec<Value>> = (0..10).map(|_| (0..50).map(|_| identity_statement(&mut seeded)).collect()).collect();
    if let Some(last) = identity.last_mut().and_then(|policy| policy.last_mut()) {
        *last = json!({"Sid": "Reports", "Effect": "Allow", "Action": ["s3:Get*", "s3:List*"], "Resource": ["arn:aws:s3:::acme-data", "arn:aws:s3:::acme-data/*"]});
    }
    let scps: Vec<Value> = (0..10).map(|_| (0..5).map(|at| organization_policy(&mut seeded, at, "scp")).collect()).collect();
    let rcps: Vec<Value> = (0..10).map(|_| (1..3).map(|at| organization_policy(&mut seeded, at, "rcp")).collect()).collect();
    let bucket: Vec<Value> = (0..50).map(|at| bucket_statement(&mut seeded, at)).collect();
    case(
        &format!("arn:aws:s3:::acme-data/2026/{number}/report.csv"),
        json!({
            "identity": identity.into_iter().map(policy).collect::<Vec<_>>(),
            "scps": scps,
            "rcps": rcps,
            "resource_policy": policy(bucket),
        }),
    )
}

fn case(resource: &str, mut case: Value) -> Value {
    let rest = json!({
        "id": "bench", "expect": "allow", "boundary": null, "session": null, "extra": {},
        "principal": format!("arn:aws:iam::{ACCOUNT}:role/app"), "action": "s3:GetObject",
        "resource": resource, "resource_account": ACCOUNT,
        "context": {"aws:SecureTransport": "true", "aws:SourceIp": "10.1.2.3", "aws:RequestedRegion": "eu-west-1", "aws:PrincipalOrgID": "o-acme000000"},
    });
    if let (Some(case), Some(rest)) = (case.as_object_mut(), rest.as_object()) {
        case.extend(rest.clone());
    }
    case
}

pub(crate) fn policy(statements: Vec<Value>) -> Value {
    json!({"Version": VERSION, "Statement": statements})
}

/// A statement as they stand in the policies of roles: a few actions of one service, a resource or two, now and then a condition.
pub(crate) fn identity_statement(seeded: &mut Seeded) -> Value {
    let at = seeded.below(SERVICES.len());
    let Some((service, names)) = SERVICES.get(at) else { return Value::Null };
    let actions: Vec<String> = (0..1 + seeded.below(5)).map(|_| format!("{service}:{}", seeded.pick(names))).collect();
    let resources: Vec<String> = (0..1 + seeded.below(2)).map(|_| resource(service, seeded)).collect();
    let mut statement = json!({"Sid": format!("S{}", seeded.hex(12)), "Effect": "Allow", "Action": actions, "Resource": resources});
    if seeded.below(4) == 0
        && let Some(members) = statement.as_object_mut()
    {
        members.insert("Condition".into(), condition(seeded));
    }
    statement
}

fn resource(service: &str, seeded: &mut Seeded) -> String {
    let name = seeded.hex(8);
    match service {
        "s3" => format!("arn:aws:s3:::acme-{name}/*"),
        "dynamodb" => format!("arn:aws:dynamodb:*:{ACCOUNT}:table/{name}*"),
        "iam" => format!("arn:aws:iam::{ACCOUNT}:role/{name}"),
        _ => format!("arn:aws:{service}:eu-west-1:{ACCOUNT}:{name}-*"),
    }
}

fn condition(seeded: &mut Seeded) -> Value {
    match seeded.below(4) {
        0 => json!({"StringEquals": {"aws:RequestedRegion": ["us-east-1", "us-west-2"]}}),
        1 => json!({"Bool": {"aws:SecureTransport": "false"}}),
        2 => json!({"IpAddress": {"aws:SourceIp": ["192.0.2.0/24", "198.51.100.0/24"]}}),
        _ => json!({"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/admin-*"}}),
    }
}

/// The first service control policy of a level allows everything; all others deny what this request is not.
fn organization_policy(seeded: &mut Seeded, at: usize, kind: &str) -> Value {
    let everyone = kind == "rcp";
    let mut statement = match at {
        0 => json!({"Effect": "Allow", "Action": "*", "Resource": "*"}),
        _ if seeded.below(2) == 0 => json!({
            "Sid": "Regions", "Effect": "Deny", "Resource": "*", "Action": "s3:*",
            "Condition": {"StringNotEquals": {"aws:RequestedRegion": ["eu-west-1", "eu-central-1"]}, "ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/break-glass"}},
        }),
        _ => json!({"Sid": "Guard", "Effect": "Deny", "Action": ["s3:PutBucketPolicy", "s3:Delete*", "s3:PutBucketAcl"], "Resource": "*"}),
    };
    if everyone && let Some(members) = statement.as_object_mut() {
        members.insert("Principal".into(), "*".into());
    }
    policy(vec![statement])
}

fn bucket_statement(seeded: &mut Seeded, at: usize) -> Value {
    let principal = format!("arn:aws:iam::{ACCOUNT}:role/team-{}", seeded.hex(6));
    match at % 5 {
        0 => json!({
            "Sid": format!("Tls{at}"), "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::acme-data/*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }),
        _ => json!({
            "Sid": format!("Team{at}"), "Effect": "Allow", "Principal": {"AWS": principal}, "Action": ["s3:GetObject", "s3:PutObject"],
            "Resource": format!("arn:aws:s3:::acme-data/{}/*", seeded.hex(4)),
        }),
    }
}
