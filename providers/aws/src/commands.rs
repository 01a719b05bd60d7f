//! The exact command that reads what was not read.

use crate::documents::{
    ATTACHED_POLICIES, GROUP, INLINE_NAMES, INLINE_POLICY, KMS_GRANTS, KMS_KEY, MANAGED_POLICY, RESOURCE_POLICY, ROLE, USER, USER_GROUPS,
};
use iam_why_contract::DocumentKind;

/// The command that prints the document of `subject`, as far as the subject tells.
#[must_use]
pub(crate) fn command(row: &DocumentKind, subject: &str) -> String {
    let fields: Vec<&str> = subject.splitn(6, ':').collect();
    let [_, _, service, region, _, resource] = fields.as_slice() else { return row.command.to_owned() };
    let name = resource.rsplit('/').next().unwrap_or(resource);
    let bucket = resource.split('/').next().unwrap_or(resource);
    match (row.id, *service) {
        (RESOURCE_POLICY, "s3") if !resource.starts_with("accesspoint") => format!("aws s3api get-bucket-policy --bucket {bucket}"),
        (RESOURCE_POLICY, "kms") => format!("aws kms get-key-policy --policy-name default --key-id {subject}"),
        (RESOURCE_POLICY, "lambda") => format!("aws lambda get-policy --function-name {subject}"),
        (RESOURCE_POLICY, "secretsmanager") => format!("aws secretsmanager get-resource-policy --secret-id {subject}"),
        (RESOURCE_POLICY, "dynamodb") => format!("aws dynamodb get-resource-policy --resource-arn {subject}"),
        (RESOURCE_POLICY, "sns") => format!("aws sns get-topic-attributes --topic-arn {subject}"),
        (RESOURCE_POLICY, "sqs") => {
            format!("aws sqs get-queue-url --queue-name {resource}; aws sqs get-queue-attributes --attribute-names Policy --queue-url URL")
        }
        (RESOURCE_POLICY, "ecr") => {
            format!("aws ecr get-repository-policy --region {region} --repository-name {}", resource.trim_start_matches("repository/"))
        }
        (RESOURCE_POLICY, service) => format!("the policy of {subject}, by {service}'s own command"),
        (KMS_GRANTS | KMS_KEY, _) => format!("{} --key-id {subject}", row.command),
        (USER | USER_GROUPS, _) => format!("{} --user-name {name}", row.command),
        (ROLE, _) => format!("{} --role-name {name}", row.command),
        (GROUP, _) => format!("{} --group-name {name}", row.command),
        (INLINE_NAMES | INLINE_POLICY | ATTACHED_POLICIES, _) => {
            let owner = resource.split('/').next().unwrap_or("role");
            format!("{} --{owner}-name {name}", row.command.replace("role", owner))
        }
        (MANAGED_POLICY, _) => format!("{} --policy-arn {subject}", row.command),
        (_, "s3") if row.command.starts_with("aws s3api") => format!("{} --bucket {bucket}", row.command),
        _ => row.command.to_owned(),
    }
}
