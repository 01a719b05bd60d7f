//! From the name of an operation to the action that policies name.

use crate::catalog;

/// The action that `operation` of `service` asks for. `service` is what stands before `.amazonaws.com`, or the name by which an SDK
/// calls the service. `None` where neither the two nor the catalogue of actions settle it, or where the call needs no permission.
#[must_use]
pub(super) fn action_of(service: Option<&str>, operation: &str) -> Option<String> {
    let operation = without_version(operation);
    let prefix = service.and_then(prefix_of).or_else(|| only_service_with(operation))?;
    if prefix == "apigateway" {
        return Some(format!("apigateway:{}", http_verb(operation)));
    }
    let exception = EXCEPTIONS.iter().find(|(service, api, _)| *service == prefix && api.eq_ignore_ascii_case(operation));
    match exception {
        Some((_, _, "")) => None,
        Some((_, _, action)) => Some(format!("{prefix}:{action}")),
        None => Some(format!("{prefix}:{}", spelled(&prefix, operation))),
    }
}

/// `ListFunctions20150331`, `UpdateFunctionCode20150331v2`, `CreateDistribution2020_05_31`.
fn without_version(operation: &str) -> &str {
    let revision = operation.trim_end_matches(|end: char| end.is_ascii_digit()).strip_suffix('v');
    let dated = |name: &str| name.len() - without_digits(name).len() >= 8;
    match revision {
        Some(name) if dated(name) => without_digits(name),
        _ if dated(operation) => without_digits(operation),
        _ => operation,
    }
}

fn without_digits(name: &str) -> &str {
    name.trim_end_matches(|end: char| end.is_ascii_digit() || end == '_')
}

/// The operation as the catalogue spells it: some programs write `getBucketLocation`.
fn spelled(prefix: &str, operation: &str) -> String {
    if let Some(name) = catalog::embedded().section(prefix).and_then(|section| section.action_name(operation)) {
        return name.to_owned();
    }
    let mut letters = operation.chars();
    letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
}

/// The one service that has an action of this name.
fn only_service_with(operation: &str) -> Option<String> {
    const S3: [&str; 14] = [
        "HeadObject",
        "HeadBucket",
        "ListObjects",
        "ListObjectsV2",
        "GetObject",
        "PutObject",
        "DeleteObject",
        "ListBuckets",
        "UploadPart",
        "CreateMultipartUpload",
        "CompleteMultipartUpload",
        "CopyObject",
        "GetBucketPolicy",
        "PutBucketPolicy",
    ];
    if S3.iter().any(|known| known.eq_ignore_ascii_case(operation)) {
        return Some("s3".to_owned());
    }
    let catalogue = catalog::embedded();
    let having = catalogue.sections().filter(|section| section.action_name(operation).is_some());
    let mut services = having.filter_map(|section| section.head()).map(|(prefix, ..)| prefix);
    let first = services.next()?;
    services.next().is_none().then(|| first.to_owned())
}

/// The prefix of the actions of a service: `monitoring.amazonaws.com`, `Amazon S3`, `AWSKMS`, `SecretsManager`.
#[must_use]
pub(super) fn prefix_of(service: &str) -> Option<String> {
    let name = service.trim_end_matches(".cn").trim_end_matches(".amazonaws.com").to_ascii_lowercase();
    let bare = name.strip_prefix("amazon").or_else(|| name.strip_prefix("aws")).unwrap_or(&name).replace([' ', '-'], "");
    let named = |wanted: &str| SERVICES.iter().find(|(source, _)| *source == wanted).map(|(_, prefix)| (*prefix).to_owned());
    let known = |wanted: &str| catalog::service(wanted).map(|service| service.prefix.to_owned());
    named(&name).or_else(|| named(&bare)).or_else(|| known(&name)).or_else(|| known(&bare))
}

fn http_verb(operation: &str) -> &'static str {
    let begins = |verbs: &[&str]| verbs.iter().any(|verb| operation.starts_with(verb));
    match operation {
        "ImportRestApi" | "ImportApiKeys" => "POST",
        _ if begins(&["Get", "Export", "List"]) => "GET",
        _ if begins(&["Update"]) => "PATCH",
        _ if begins(&["Put", "Import", "Reimport", "Tag"]) => "PUT",
        _ if begins(&["Delete", "Flush", "Untag"]) => "DELETE",
        _ => "POST",
    }
}

/// Services whose source or SDK name is not the prefix of their actions.
const SERVICES: &[(&str, &str)] = &[
    ("monitoring", "cloudwatch"),
    ("email", "ses"),
    ("tagging", "tag"),
    ("appstream2", "appstream"),
    ("streams.dynamodb", "dynamodb"),
    ("models.lex", "lex"),
    ("runtime.lex", "lex"),
    ("models-v2-lex", "lex"),
    ("runtime-v2-lex", "lex"),
    ("cloudhsmv2", "cloudhsm"),
    ("cloudcontrolapi", "cloudformation"),
    ("api.ecr", "ecr"),
    ("runtime.sagemaker", "sagemaker"),
    ("api.sagemaker", "sagemaker"),
    ("bedrock-runtime", "bedrock"),
    ("bedrock-agent", "bedrock"),
    ("bedrock-agent-runtime", "bedrock"),
    ("bedrockruntime", "bedrock"),
    ("bedrockagent", "bedrock"),
    ("bedrockagentruntime", "bedrock"),
    ("s3-control", "s3"),
    ("s3control", "s3"),
    ("rdsdata", "rds-data"),
    ("redshiftdata", "redshift-data"),
    ("costexplorer", "ce"),
    ("configservice", "config"),
    ("databasemigrationservice", "dms"),
    ("directoryservice", "ds"),
    ("resourcegroupstaggingapi", "tag"),
    ("applicationautoscaling", "application-autoscaling"),
    ("ecrpublic", "ecr-public"),
    ("accessanalyzer", "access-analyzer"),
    ("ssoadmin", "sso"),
    ("cloudwatchevents", "events"),
    ("cloudcontrol", "cloudformation"),
    ("opensearchserverless", "aoss"),
    ("wafregional", "waf-regional"),
    ("mwaa", "airflow"),
    ("docdb", "rds"),
    ("neptune", "rds"),
    ("sesv2", "ses"),
    ("query.timestream", "timestream"),
    ("ingest.timestream", "timestream"),
    ("catalog.marketplace", "aws-marketplace"),
    ("metering.marketplace", "aws-marketplace"),
    ("pinpoint", "mobiletargeting"),
    ("sms-voice.pinpoint", "sms-voice"),
    ("data.iot", "iot"),
    ("iotdata", "iot"),
    ("data.jobs.iot", "iotjobsdata"),
    ("migrationhub-config", "mgh"),
    ("servicecatalog-appregistry", "servicecatalog"),
    ("memory-db", "memorydb"),
    ("participant.connect", "connect"),
    ("contact-lens", "connect"),
    ("a2i-runtime.sagemaker", "sagemaker"),
    ("portal.sso", "sso"),
    ("mturk-requester", "mechanicalturk"),
    ("securitytokenservice", "sts"),
    ("identitymanagement", "iam"),
    ("simpledb", "sdb"),
    ("dynamodbv2", "dynamodb"),
    ("cognitoidentityprovider", "cognito-idp"),
    ("cognitoidentity", "cognito-identity"),
    ("lambdainternal", "lambda"),
    ("elasticloadbalancingv2", "elasticloadbalancing"),
    ("cloudwatchlogs", "logs"),
    ("eventbridge", "events"),
    ("sfn", "states"),
    ("stepfunctions", "states"),
    ("opensearch", "es"),
    ("elasticsearch", "es"),
    ("simplesystemsmanagement", "ssm"),
    ("simplenotificationservice", "sns"),
    ("simplequeueservice", "sqs"),
    ("elasticcontainerregistry", "ecr"),
    ("efs", "elasticfilesystem"),
    ("emr", "elasticmapreduce"),
    ("apigatewayv2", "apigateway"),
];

/// Operations whose action has another name (S3-8 and §5.9); an empty action means that the call needs none.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("s3", "HeadObject", "GetObject"),
    ("s3", "SelectObjectContent", "GetObject"),
    ("s3", "HeadBucket", "ListBucket"),
    ("s3", "ListObjects", "ListBucket"),
    ("s3", "ListObjectsV2", "ListBucket"),
    ("s3", "ListBuckets", "ListAllMyBuckets"),
    ("s3", "ListObjectVersions", "ListBucketVersions"),
    ("s3", "ListMultipartUploads", "ListBucketMultipartUploads"),
    ("s3", "ListParts", "ListMultipartUploadParts"),
    ("s3", "CreateMultipartUpload", "PutObject"),
    ("s3", "UploadPart", "PutObject"),
    ("s3", "CompleteMultipartUpload", "PutObject"),
    ("s3", "CopyObject", "PutObject"),
    ("s3", "UploadPartCopy", "PutObject"),
    ("s3", "DeleteObjects", "DeleteObject"),
    ("s3", "GetBucketCors", "GetBucketCORS"),
    ("s3", "PutBucketCors", "PutBucketCORS"),
    ("s3", "DeleteBucketCors", "PutBucketCORS"),
    ("s3", "DeleteBucketTagging", "PutBucketTagging"),
    ("s3", "DeleteBucketEncryption", "PutEncryptionConfiguration"),
    ("s3", "GetBucketEncryption", "GetEncryptionConfiguration"),
    ("s3", "PutBucketEncryption", "PutEncryptionConfiguration"),
    ("s3", "GetBucketLifecycle", "GetLifecycleConfiguration"),
    ("s3", "GetBucketLifecycleConfiguration", "GetLifecycleConfiguration"),
    ("s3", "PutBucketLifecycle", "PutLifecycleConfiguration"),
    ("s3", "PutBucketLifecycleConfiguration", "PutLifecycleConfiguration"),
    ("s3", "DeleteBucketLifecycle", "PutLifecycleConfiguration"),
    ("s3", "GetBucketReplication", "GetReplicationConfiguration"),
    ("s3", "PutBucketReplication", "PutReplicationConfiguration"),
    ("s3", "DeleteBucketReplication", "PutReplicationConfiguration"),
    ("s3", "GetBucketNotificationConfiguration", "GetBucketNotification"),
    ("s3", "PutBucketNotificationConfiguration", "PutBucketNotification"),
    ("s3", "GetBucketAccelerateConfiguration", "GetAccelerateConfiguration"),
    ("s3", "PutBucketAccelerateConfiguration", "PutAccelerateConfiguration"),
    ("s3", "GetBucketAnalyticsConfiguration", "GetAnalyticsConfiguration"),
    ("s3", "ListBucketAnalyticsConfigurations", "GetAnalyticsConfiguration"),
    ("s3", "PutBucketAnalyticsConfiguration", "PutAnalyticsConfiguration"),
    ("s3", "DeleteBucketAnalyticsConfiguration", "PutAnalyticsConfiguration"),
    ("s3", "GetBucketInventoryConfiguration", "GetInventoryConfiguration"),
    ("s3", "ListBucketInventoryConfigurations", "GetInventoryConfiguration"),
    ("s3", "PutBucketInventoryConfiguration", "PutInventoryConfiguration"),
    ("s3", "DeleteBucketInventoryConfiguration", "PutInventoryConfiguration"),
    ("s3", "GetBucketMetricsConfiguration", "GetMetricsConfiguration"),
    ("s3", "PutBucketMetricsConfiguration", "PutMetricsConfiguration"),
    ("s3", "DeleteBucketMetricsConfiguration", "PutMetricsConfiguration"),
    ("s3", "GetBucketIntelligentTieringConfiguration", "GetIntelligentTieringConfiguration"),
    ("s3", "PutBucketIntelligentTieringConfiguration", "PutIntelligentTieringConfiguration"),
    ("s3", "GetObjectLockConfiguration", "GetBucketObjectLockConfiguration"),
    ("s3", "PutObjectLockConfiguration", "PutBucketObjectLockConfiguration"),
    ("s3", "GetPublicAccessBlock", "GetBucketPublicAccessBlock"),
    ("s3", "PutPublicAccessBlock", "PutBucketPublicAccessBlock"),
    ("s3", "DeletePublicAccessBlock", "PutBucketPublicAccessBlock"),
    ("lambda", "Invoke", "InvokeFunction"),
    ("lambda", "GetLayerVersionByArn", "GetLayerVersion"),
    ("dynamodb", "TransactGetItems", "GetItem"),
    ("dynamodb", "DescribeEndpoints", ""),
    // What such a call asks for depends on the items and statements in it.
    ("dynamodb", "TransactWriteItems", ""),
    ("dynamodb", "ExecuteStatement", ""),
    ("dynamodb", "ExecuteTransaction", ""),
    ("dynamodb", "BatchExecuteStatement", ""),
    ("bedrock", "Converse", "InvokeModel"),
    ("bedrock", "ConverseStream", "InvokeModelWithResponseStream"),
    ("kms", "ReEncrypt", "ReEncryptFrom"),
    ("glue", "BatchUpdatePartition", "UpdatePartition"),
    ("sts", "SwitchRole", "AssumeRole"),
    ("signin", "ConsoleLogin", ""),
    ("signin", "SwitchRole", ""),
    ("budgets", "DescribeBudgets", "ViewBudget"),
];

#[cfg(test)]
mod tests {
    use super::action_of;

    #[test]
    fn an_operation_is_the_action_that_policies_name() {
        let action = |service, operation| action_of(Some(service), operation).unwrap_or_default();
        assert_eq!(action("s3.amazonaws.com", "ListObjects"), "s3:ListBucket");
        assert_eq!(action("lambda.amazonaws.com", "ListFunctions20150331"), "lambda:ListFunctions");
        assert_eq!(action("lambda.amazonaws.com", "Invoke20150331"), "lambda:InvokeFunction");
        assert_eq!(action("monitoring.amazonaws.com", "PutMetricData"), "cloudwatch:PutMetricData");
        assert_eq!(action("Amazon S3", "HeadObject"), "s3:GetObject");
        assert_eq!(action("AWSKMS", "Decrypt"), "kms:Decrypt");
        assert_eq!(action("apigateway.amazonaws.com", "UpdateStage"), "apigateway:PATCH");
        assert_eq!(action("S3", "getBucketLocation"), "s3:GetBucketLocation");
    }

    #[test]
    fn a_name_that_only_one_service_has_needs_no_service() {
        assert_eq!(action_of(None, "AssumeRole").as_deref(), Some("sts:AssumeRole"));
        assert_eq!(action_of(None, "RunInstances").as_deref(), Some("ec2:RunInstances"));
        assert_eq!(action_of(None, "ListTagsForResource"), None);
    }
}
