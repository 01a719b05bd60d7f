//! Hints on how a question was asked. A hint is a note; it never changes a decision.

use super::format::{Section, pattern};
use super::{Action, action, embedded};
use iam_why_contract::glob::{Case, Piece};
use iam_why_contract::spelling::{SUGGESTIONS, close_to, closeness};

/// What people call a service, where its prefix is another word.
const SPOKEN: &[(&str, &str)] = &[
    ("alb", "elasticloadbalancing"),
    ("cloudwatchlogs", "logs"),
    ("cognito", "cognito-idp"),
    ("efs", "elasticfilesystem"),
    ("elb", "elasticloadbalancing"),
    ("elbv2", "elasticloadbalancing"),
    ("emr", "elasticmapreduce"),
    ("eventbridge", "events"),
    ("msk", "kafka"),
    ("opensearch", "es"),
    ("organisations", "organizations"),
    ("parameterstore", "ssm"),
    ("stepfunctions", "states"),
];

/// API operations whose permission has another name (Amazon S3 User Guide, "Required permissions for Amazon S3 API operations";
/// AWS Lambda Developer Guide, "Invoke").
const OPERATIONS: &[(&str, &str)] = &[
    ("lambda:invoke", "lambda:InvokeFunction"),
    ("s3:completemultipartupload", "s3:PutObject"),
    ("s3:copyobject", "s3:PutObject"),
    ("s3:createmultipartupload", "s3:PutObject"),
    ("s3:deletebucketcors", "s3:PutBucketCORS"),
    ("s3:deletebucketencryption", "s3:PutEncryptionConfiguration"),
    ("s3:deletebucketlifecycle", "s3:PutLifecycleConfiguration"),
    ("s3:deletebucketreplication", "s3:PutReplicationConfiguration"),
    ("s3:deletebuckettagging", "s3:PutBucketTagging"),
    ("s3:deleteobjects", "s3:DeleteObject"),
    ("s3:getbucketencryption", "s3:GetEncryptionConfiguration"),
    ("s3:getbucketlifecycleconfiguration", "s3:GetLifecycleConfiguration"),
    ("s3:getbucketnotificationconfiguration", "s3:GetBucketNotification"),
    ("s3:getbucketreplication", "s3:GetReplicationConfiguration"),
    ("s3:getobjectlockconfiguration", "s3:GetBucketObjectLockConfiguration"),
    ("s3:headbucket", "s3:ListBucket"),
    ("s3:headobject", "s3:GetObject"),
    ("s3:listbuckets", "s3:ListAllMyBuckets"),
    ("s3:listmultipartuploads", "s3:ListBucketMultipartUploads"),
    ("s3:listobjects", "s3:ListBucket"),
    ("s3:listobjectsv2", "s3:ListBucket"),
    ("s3:listobjectversions", "s3:ListBucketVersions"),
    ("s3:listparts", "s3:ListMultipartUploadParts"),
    ("s3:putbucketencryption", "s3:PutEncryptionConfiguration"),
    ("s3:putbucketlifecycleconfiguration", "s3:PutLifecycleConfiguration"),
    ("s3:putbucketnotificationconfiguration", "s3:PutBucketNotification"),
    ("s3:putbucketreplication", "s3:PutReplicationConfiguration"),
    ("s3:putobjectlockconfiguration", "s3:PutBucketObjectLockConfiguration"),
    ("s3:selectobjectcontent", "s3:GetObject"),
    ("s3:uploadpart", "s3:PutObject"),
    ("s3:uploadpartcopy", "s3:PutObject"),
];

/// The permission that the API operation `name` asks for, where it has another name.
#[must_use]
pub fn permission_behind(name: &str) -> Option<&'static str> {
    OPERATIONS.iter().find(|(operation, _)| operation.eq_ignore_ascii_case(name)).map(|(_, permission)| *permission)
}

/// Actions that `name` may have been meant to be, the likeliest first. Empty where the action is known, and where nothing is close.
#[must_use]
pub fn did_you_mean(name: &str) -> Vec<String> {
    let Some((prefix, verb)) = name.split_once(':') else { return Vec::new() };
    if action(name).is_some() || verb.contains(['*', '?']) {
        return Vec::new();
    }
    match embedded().section(prefix) {
        Some(section) => close_in(&section, verb).into_iter().chain(elsewhere(verb)).take(SUGGESTIONS).collect(),
        None => by_prefix(prefix, verb).into_iter().take(SUGGESTIONS).collect(),
    }
}

/// The actions of a service whose names are close to `verb`.
fn close_in(section: &Section<'_>, verb: &str) -> Vec<String> {
    let prefix = section.head().map_or("", |head| head.0);
    close_to(verb, section.action_names()).into_iter().map(|name| format!("{prefix}:{name}")).collect()
}

/// The same verb of other services, where only a few have it.
fn elsewhere(verb: &str) -> Vec<String> {
    let with = embedded().sections().filter_map(|section| Some((section.head()?.0, section.action(verb)?.name)));
    let found: Vec<String> = with.map(|(prefix, name)| format!("{prefix}:{name}")).collect();
    if found.len() <= SUGGESTIONS { found } else { Vec::new() }
}

/// The verb in services whose prefix is close to `prefix`.
fn by_prefix(prefix: &str, verb: &str) -> Vec<String> {
    let spoken = SPOKEN.iter().find(|(spoken, _)| spoken.eq_ignore_ascii_case(prefix)).map(|(_, service)| *service);
    let near = embedded().sections().filter_map(|section| Some((closeness(prefix, section.head()?.0)?, section)));
    let mut near: Vec<_> = near.collect();
    near.sort_by_key(|(distance, _)| *distance);
    let sections = spoken.and_then(|service| embedded().section(service)).into_iter().chain(near.into_iter().map(|(_, section)| section));
    let found: Vec<String> = sections.flat_map(|section| close_in(&section, verb)).collect();
    if found.is_empty() { elsewhere(verb) } else { found }
}

/// What is odd about asking for `action` on `resource`: no ARN, an ARN of another service, of another type of resource, or an action
/// that has no resource. `None` where nothing is, and where the action is not known.
#[must_use]
pub fn resource_hint(action: &str, resource: &str) -> Option<String> {
    let action = super::action(action)?;
    let named = format!("{}:{}", action.service, action.name);
    if resource == "*" {
        return None;
    }
    if action.resources.is_empty() {
        return Some(format!("{named} acts on no single resource: AWS checks it against `*`"));
    }
    let wanted = wanted(&action);
    let segments: Vec<&str> = resource.splitn(6, ':').collect();
    let [arn, partition, service, _, _, _] = segments.as_slice() else {
        return Some(format!("{named} needs {wanted}; `{resource}` is no ARN"));
    };
    if *arn != "arn" {
        return Some(format!("{named} needs {wanted}; `{resource}` is no ARN"));
    }
    if !PARTITIONS.contains(partition) {
        return Some(format!("`{partition}` is no partition of AWS; ARNs begin with `arn:aws:`, `arn:aws-cn:` or `arn:aws-us-gov:`"));
    }
    if action.resources.iter().all(|type_| type_.arn.split(':').nth(2) != Some(service)) {
        return Some(format!("{named} needs {wanted}; this ARN belongs to the service `{service}`"));
    }
    let other = other_type(&action, resource)?;
    Some(format!("{named} needs {wanted}; this is the ARN of {} {other}", article(&other)))
}

/// AWS General Reference, "Amazon Resource Names": the partitions.
const PARTITIONS: &[&str] = &["aws", "aws-cn", "aws-us-gov", "aws-eusc", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f"];

/// The resources of an action: `an object ARN arn:aws:s3:::BUCKET/OBJECT`.
fn wanted(action: &Action) -> String {
    let mut types: Vec<_> = action.resources.iter().collect();
    // The plainest type is the one that people mean: `object` before `accesspointobject`.
    types.sort_by_key(|type_| (!type_.required, type_.name.len()));
    let wanted: Vec<String> =
        types.iter().take(2).map(|type_| format!("{} {} ARN ({})", article(type_.name), type_.name, example(&type_.arn))).collect();
    wanted.join(" or ")
}

/// `arn:aws:s3:::BucketName/ObjectName`
fn example(arn: &str) -> String {
    arn.replace("${Partition}", "aws").replace("${", "").replace('}', "").replace(":Region:", ":REGION:").replace(":Account:", ":ACCOUNT:")
}

fn article(noun: &str) -> &'static str {
    if noun.starts_with(['a', 'e', 'i', 'o', 'u', 'A', 'E', 'I', 'O', 'U']) { "an" } else { "a" }
}

/// The type that `resource` is of, where that is none of the action's. A bucket's name could, as far as patterns go, be `b/k`; so an
/// ARN is of the type whose fixed text has more of its slashes.
fn other_type(action: &Action, resource: &str) -> Option<String> {
    let own = action.resources.iter().filter_map(|type_| fit(&type_.arn, resource)).max();
    let types = embedded().section(action.service)?.types();
    let (best, name) = types.iter().filter_map(|type_| Some((fit(&type_.arn, resource)?, type_.name))).max()?;
    own.is_none_or(|own| own.slashes < best.slashes).then(|| name.to_owned())
}

/// How much of an ARN is fixed text of its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Fit {
    slashes: usize,
    characters: usize,
}

fn fit(template: &str, resource: &str) -> Option<Fit> {
    let glob = pattern(template);
    let texts = || glob.pieces().iter().filter_map(|piece| if let Piece::Text(text) = piece { Some(text) } else { None });
    let fit = Fit { slashes: texts().map(|text| text.matches('/').count()).sum(), characters: texts().map(|text| text.len()).sum() };
    glob.matches(resource, Case::Sensitive).then_some(fit)
}

#[cfg(test)]
mod tests {
    use super::{did_you_mean, resource_hint};

    #[test]
    fn a_misspelt_action_is_recognised() {
        assert_eq!(did_you_mean("s3:GetObjct").first().map(String::as_str), Some("s3:GetObject"));
        assert_eq!(did_you_mean("dynamodb:GetItems"), ["dynamodb:GetItem"]);
        assert!(did_you_mean("s3:GetObject").is_empty());
        assert!(did_you_mean("s3:SomethingEntirelyNew").is_empty());
        assert!(did_you_mean("s3:Get*").is_empty());
    }

    #[test]
    fn an_operation_is_led_to_its_permission() {
        assert_eq!(super::permission_behind("s3:ListObjectsV2"), Some("s3:ListBucket"));
        assert_eq!(super::permission_behind("lambda:Invoke"), Some("lambda:InvokeFunction"));
        assert_eq!(did_you_mean("stepfunctions:StartExecution"), ["states:StartExecution"]);
        assert_eq!(did_you_mean("s3:RunInstances"), ["ec2:RunInstances"]);
    }

    #[test]
    fn the_permissions_behind_operations_exist() {
        for (operation, permission) in super::OPERATIONS {
            assert!(super::action(permission).is_some(), "{permission}");
            assert!(super::action(operation).is_none(), "{operation} is an action of its own");
        }
        for (_, service) in super::SPOKEN {
            assert!(super::embedded().section(service).is_some(), "{service}");
        }
    }

    #[test]
    fn a_bucket_is_no_object() {
        let hint = resource_hint("s3:GetObject", "arn:aws:s3:::acme-reports").unwrap();
        assert_eq!(
            hint,
            "s3:GetObject needs an object ARN (arn:aws:s3:::BucketName/ObjectName) or an accesspointobject ARN \
             (arn:aws:s3:REGION:ACCOUNT:accesspoint/AccessPointName/object/ObjectName); this is the ARN of a bucket"
        );
        let hint = resource_hint("s3:ListBucket", "arn:aws:s3:::acme-reports/2026/a.csv").unwrap();
        assert!(hint.ends_with("this is the ARN of an object"), "{hint}");
    }

    #[test]
    fn other_services_partitions_and_no_arns_are_named() {
        let hint = |action, resource| resource_hint(action, resource).unwrap_or_default();
        assert!(hint("s3:GetObject", "arn:aws:sqs:eu-west-1:111122223333:jobs").ends_with("belongs to the service `sqs`"));
        assert!(hint("s3:GetObject", "arn:amazon:s3:::b/k").starts_with("`amazon` is no partition"));
        assert!(hint("s3:GetObject", "acme-reports/a.csv").ends_with("is no ARN"));
        assert!(hint("s3:ListAllMyBuckets", "arn:aws:s3:::acme-reports").contains("against `*`"));
    }

    #[test]
    fn the_right_resource_needs_no_hint() {
        for (action, resource) in [
            ("s3:GetObject", "arn:aws:s3:::acme-reports/a.csv"),
            ("s3:ListBucket", "arn:aws-cn:s3:::acme-reports"),
            ("sts:AssumeRole", "arn:aws:iam::111122223333:role/team/app"),
            ("kms:Decrypt", "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"),
            ("lambda:InvokeFunction", "arn:aws:lambda:eu-west-1:111122223333:function:app:prod"),
            ("s3:GetObject", "*"),
            ("s3:InventedYesterday", "whatever"),
        ] {
            assert_eq!(resource_hint(action, resource), None, "{action} {resource}");
        }
    }
}
