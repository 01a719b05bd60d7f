//! The SDK's answers in the shape in which AWS's own command line prints them.
//!
//! Policies stay the text that AWS holds, character for character: order, duplicates and spelling are evidence.

use aws_sdk_iam::types as iam;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// A user, role or group, alone or with its policies.
#[derive(Serialize, Default)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Entity<'a> {
    path: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_id: Option<&'a str>,
    arn: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    create_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    assume_role_policy_document: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_session_duration: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions_boundary: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Vec<Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_policy_list: Option<Vec<Inline<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role_policy_list: Option<Vec<Inline<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_policy_list: Option<Vec<Inline<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_list: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attached_managed_policies: Option<Vec<Value>>,
}

/// An inline policy inside a detail.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Inline<'a> {
    policy_name: &'a str,
    policy_document: Box<RawValue>,
}

/// `value` as text, indented as the command line prints it.
pub(super) fn pretty(value: &impl Serialize) -> String {
    // These values hold nothing that JSON cannot: no maps with other keys than strings.
    serde_json::to_string_pretty(value).unwrap_or_default()
}

pub(super) fn role(role: &iam::Role) -> Entity<'_> {
    Entity {
        path: Some(&role.path),
        role_name: Some(&role.role_name),
        role_id: Some(&role.role_id),
        arn: Some(&role.arn),
        create_date: date(Some(&role.create_date)),
        assume_role_policy_document: role.assume_role_policy_document.as_deref().map(embedded),
        max_session_duration: role.max_session_duration,
        permissions_boundary: role.permissions_boundary.as_ref().map(boundary),
        tags: tags(role.tags.as_deref()),
        ..Entity::default()
    }
}

/// What `get-policy` prints of a managed policy that its text does not say.
pub(super) fn policy_facts(policy: &iam::Policy) -> Value {
    json!({
        "Arn": policy.arn(),
        "PolicyName": policy.policy_name(),
        "DefaultVersionId": policy.default_version_id(),
        "CreateDate": date(policy.create_date()),
        "UpdateDate": date(policy.update_date()),
    })
}

pub(super) fn user(user: &iam::User) -> Entity<'_> {
    Entity {
        path: Some(&user.path),
        user_name: Some(&user.user_name),
        user_id: Some(&user.user_id),
        arn: Some(&user.arn),
        create_date: date(Some(&user.create_date)),
        permissions_boundary: user.permissions_boundary.as_ref().map(boundary),
        tags: tags(user.tags.as_deref()),
        ..Entity::default()
    }
}

/// A user of a whole account; `Err` names what the answer lacks.
pub(super) fn user_detail(user: &iam::UserDetail) -> Result<Entity<'_>, String> {
    Ok(Entity {
        path: user.path(),
        user_name: user.user_name(),
        user_id: user.user_id(),
        arn: user.arn(),
        create_date: date(user.create_date()),
        user_policy_list: Some(inline(user.user_policy_list())?),
        group_list: Some(user.group_list()),
        attached_managed_policies: Some(attached(user.attached_managed_policies())),
        permissions_boundary: user.permissions_boundary().map(boundary),
        tags: Some(tags(Some(user.tags())).unwrap_or_default()),
        ..Entity::default()
    })
}

/// A role of a whole account; `Err` names what the answer lacks.
pub(super) fn role_detail(role: &iam::RoleDetail) -> Result<Entity<'_>, String> {
    Ok(Entity {
        path: role.path(),
        role_name: role.role_name(),
        role_id: role.role_id(),
        arn: role.arn(),
        create_date: date(role.create_date()),
        assume_role_policy_document: role.assume_role_policy_document().map(embedded),
        role_policy_list: Some(inline(role.role_policy_list())?),
        attached_managed_policies: Some(attached(role.attached_managed_policies())),
        permissions_boundary: role.permissions_boundary().map(boundary),
        tags: Some(tags(Some(role.tags())).unwrap_or_default()),
        ..Entity::default()
    })
}

/// A group of a whole account; `Err` names what the answer lacks.
pub(super) fn group_detail(group: &iam::GroupDetail) -> Result<Entity<'_>, String> {
    Ok(Entity {
        path: group.path(),
        group_name: group.group_name(),
        group_id: group.group_id(),
        arn: group.arn(),
        create_date: date(group.create_date()),
        group_policy_list: Some(inline(group.group_policy_list())?),
        attached_managed_policies: Some(attached(group.attached_managed_policies())),
        ..Entity::default()
    })
}

/// `[{PolicyName, PolicyArn}]`
pub(super) fn attached(policies: &[iam::AttachedPolicy]) -> Vec<Value> {
    policies.iter().map(|policy| json!({"PolicyName": policy.policy_name(), "PolicyArn": policy.policy_arn()})).collect()
}

/// A policy as IAM sends it, percent-encoded after RFC 3986, decoded.
pub(super) fn decoded(policy: &str) -> String {
    percent_encoding::percent_decode_str(policy).decode_utf8().map_or_else(|_| policy.to_owned(), std::borrow::Cow::into_owned)
}

/// A policy inside a document: its own text where it is JSON, else that text as a string.
fn embedded(policy: &str) -> Box<RawValue> {
    let decoded = decoded(policy);
    raw(&decoded)
}

/// `text` itself where it is JSON, else `text` as a JSON string.
pub(super) fn raw(text: &str) -> Box<RawValue> {
    let as_string = || serde_json::value::to_raw_value(text).unwrap_or_default();
    serde_json::from_str::<Box<RawValue>>(text).unwrap_or_else(|_| as_string())
}

fn inline(policies: &[iam::PolicyDetail]) -> Result<Vec<Inline<'_>>, String> {
    policies
        .iter()
        .map(|policy| {
            let name = policy.policy_name().ok_or("an inline policy without `PolicyName`")?;
            let document = policy.policy_document().ok_or("an inline policy without `PolicyDocument`")?;
            Ok(Inline { policy_name: name, policy_document: embedded(document) })
        })
        .collect()
}

fn boundary(boundary: &iam::AttachedPermissionsBoundary) -> Value {
    let kind = boundary.permissions_boundary_type().map_or("Policy", |kind| kind.as_str());
    json!({"PermissionsBoundaryType": kind, "PermissionsBoundaryArn": boundary.permissions_boundary_arn()})
}

fn tags(tags: Option<&[iam::Tag]>) -> Option<Vec<Value>> {
    tags.map(|tags| tags.iter().map(|tag| json!({"Key": tag.key, "Value": tag.value})).collect())
}

fn date(date: Option<&DateTime>) -> Option<String> {
    date.and_then(|date| date.fmt(Format::DateTime).ok())
}
