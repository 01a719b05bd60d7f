//! Statements that say no more than one request.

use super::Case;
use crate::catalog;
use iam_why_contract::{Lookup, Part};
use serde_json::{Map, Value, json};

/// Condition keys that say what exactly an action does. A grant that leaves them out would grant more than the request.
const SCOPING: &[(&str, &str)] = &[
    ("iam:PassRole", "iam:PassedToService"),
    ("iam:CreateServiceLinkedRole", "iam:AWSServiceName"),
    ("s3:ListBucket", "s3:prefix"),
    ("s3:ListBucketVersions", "s3:prefix"),
    ("sts:AssumeRole", "sts:ExternalId"),
    ("ec2:CreateTags", "ec2:CreateAction"),
    ("ecs:TagResource", "ecs:CreateAction"),
    ("elasticfilesystem:TagResource", "elasticfilesystem:CreateAction"),
    ("elasticloadbalancing:AddTags", "elasticloadbalancing:CreateAction"),
    ("kms:", "kms:ViaService"),
    ("kms:CreateGrant", "kms:GrantIsForAWSResource"),
];

/// An Allow of the request and nothing else. `None` where the action needs a resource and none was given, or the resource is a pattern.
pub(super) fn allow(case: &Case<'_>, part: &Part) -> Option<Map<String, Value>> {
    let mut statement = Map::from_iter([("Effect".to_owned(), json!("Allow")), ("Action".to_owned(), json!(action(part)))]);
    statement.insert("Resource".to_owned(), json!(resource(part)?));
    let conditions = scope(case, part);
    if !conditions.is_empty() {
        statement.insert("Condition".to_owned(), json!({"StringEquals": conditions}));
    }
    Some(statement)
}

/// The same Allow for nobody but the caller, for policies that bind others too.
pub(super) fn allow_caller(case: &Case<'_>, part: &Part) -> Option<Map<String, Value>> {
    let mut statement = allow(case, part)?;
    let principal = case.principal()?;
    let conditions = statement.entry("Condition").or_insert_with(|| json!({}));
    conditions.as_object_mut()?.insert("ArnEquals".to_owned(), json!({"aws:PrincipalArn": principal}));
    Some(statement)
}

/// The action as AWS spells it, where the catalogue knows.
pub(super) fn action(part: &Part) -> String {
    catalog::action(&part.action).map_or_else(|| part.action.clone(), |action| format!("{}:{}", action.service, action.name))
}

/// The resource as a pattern that fits nothing else; `*` for an action that has none.
pub(super) fn resource(part: &Part) -> Option<String> {
    let resource = part.resource.as_deref().filter(|resource| !resource.is_empty());
    match resource {
        None | Some("*") => (catalog::is_wildcard_only(&part.action) == Some(true)).then(|| "*".to_owned()),
        // In a policy these would be patterns or variables. What has no name before it exists is `…/*` to AWS itself (C-3).
        Some(arn) => {
            let named = arn.strip_suffix("/*").filter(|_| catalog::unnamed_at_creation(&part.action)).unwrap_or(arn);
            (!named.contains(['*', '?', '$'])).then(|| arn.to_owned())
        }
    }
}

/// What the authorization says of the keys that its action is scoped by.
fn scope(case: &Case<'_>, part: &Part) -> Map<String, Value> {
    let action = action(part);
    let fits = |of: &str| if of.ends_with(':') { action.starts_with(of) } else { action == of };
    let known = SCOPING.iter().filter(|(of, _)| fits(of)).filter_map(|(_, key)| match case.context(part).get_ignoring_case(key) {
        Lookup::Known([value]) if !value.contains(['*', '?', '$']) => Some(((*key).to_owned(), json!(value))),
        _ => None,
    });
    known.collect()
}

/// The patch that adds `statement` to the policy at `pointer` of a document.
pub(super) fn add(document: &Value, pointer: &str, statement: Map<String, Value>) -> Option<Vec<Value>> {
    let policy = document.pointer(pointer)?;
    Some(match policy.get("Statement") {
        Some(Value::Array(_)) => vec![json!({"op": "add", "path": format!("{pointer}/Statement/-"), "value": statement})],
        Some(one) => vec![json!({"op": "replace", "path": format!("{pointer}/Statement"), "value": [one, statement]})],
        None => return None,
    })
}

/// A policy of these statements.
pub(super) fn policy(statements: Vec<Map<String, Value>>) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}
