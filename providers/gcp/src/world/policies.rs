//! Policies and roles as their documents say them, and where each part of them stands.

use super::fields::{json, member, text, texts};
use crate::language::expression::{Expression, ParseError};
use crate::language::permissions::Permission;
use crate::language::principals::Member;
use iam_why_contract::{Document, Doubt, Place};
use serde::Deserialize;
use serde_json::Value;

/// An allow policy.
#[derive(Debug)]
pub(crate) struct AllowPolicy {
    /// Where it stands.
    pub place: Place,
    /// What it grants.
    pub bindings: Vec<Binding>,
    /// Is it as Cloud Asset Inventory has it, which hears of changes minutes later?
    pub remembered: bool,
}

/// One binding.
#[derive(Debug)]
pub(crate) struct Binding {
    /// Where it stands.
    pub place: Place,
    /// The role it grants.
    pub role: String,
    /// To whom, as written.
    pub members: Vec<String>,
    /// When.
    pub condition: Option<Condition>,
}

/// A condition.
#[derive(Debug)]
pub(crate) struct Condition {
    /// Where its expression stands.
    pub place: Place,
    /// How people call it.
    pub title: String,
    /// What it says.
    pub expression: Result<Expression, ParseError>,
    /// As it is written.
    pub text: String,
}

/// A deny policy.
#[derive(Debug)]
pub(crate) struct DenyPolicy {
    /// How people call it.
    pub title: String,
    /// The document.
    pub document: String,
    /// What it denies.
    pub rules: Vec<DenyRule>,
}

/// One rule of a deny policy.
#[derive(Debug)]
pub(crate) struct DenyRule {
    /// Where its `denyRule` stands.
    pub place: Place,
    /// What it is for.
    pub description: String,
    /// Whom it denies.
    pub principals: Vec<String>,
    /// Whom it spares.
    pub except_principals: Vec<String>,
    /// What it denies.
    pub permissions: Vec<String>,
    /// What it spares.
    pub except_permissions: Vec<String>,
    /// When.
    pub condition: Option<Condition>,
}

/// What a role says of the permission that is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Role {
    /// The document, where it was read.
    pub document: Option<String>,
    /// What it says.
    pub says: RoleSays,
}

/// What a role says of a permission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RoleSays {
    /// It is active and includes it, as the element with this number.
    Includes(usize),
    /// It is active and does not include it.
    Lacks,
    /// It includes it but grants nothing: `deleted`, `stage` (A4).
    Inert(&'static str),
    /// There is no such role.
    Gone,
    /// It was not read.
    Unread(Doubt),
}

#[derive(Deserialize)]
struct RawPolicy {
    #[serde(default)]
    bindings: Vec<RawBinding>,
}

#[derive(Deserialize)]
struct RawBinding {
    #[serde(default)]
    role: String,
    #[serde(default)]
    members: Vec<String>,
    #[serde(default)]
    condition: Option<RawCondition>,
}

#[derive(Deserialize)]
struct RawCondition {
    #[serde(default)]
    title: String,
    #[serde(default)]
    expression: String,
}

/// H3: a resource has one allow policy. What was read of it itself counts, and not what Cloud Asset Inventory remembers of it besides.
pub(super) fn firsthand(mut found: Vec<&Document>) -> Vec<&Document> {
    if found.iter().any(|document| !is_remembered(document)) {
        found.retain(|document| !is_remembered(document));
    }
    found
}

fn is_remembered(document: &Document) -> bool {
    document.origin.source.starts_with("cloudasset.")
}

pub(super) fn allow_policy(document: &Document) -> Option<AllowPolicy> {
    let place = Place::new(&*document.id, "");
    let raw: RawPolicy = serde_json::from_str(&document.text).ok()?;
    let all = place.member("bindings");
    let bindings = raw.bindings.into_iter().enumerate().map(|(at, raw)| {
        let place = all.element(at);
        let condition = raw.condition.map(|raw| condition(raw, &place.member("condition")));
        Binding { role: raw.role, members: raw.members, condition, place }
    });
    let bindings = bindings.collect();
    Some(AllowPolicy { place, bindings, remembered: is_remembered(document) })
}

fn condition(raw: RawCondition, place: &Place) -> Condition {
    Condition { place: place.member("expression"), title: raw.title, expression: Expression::parse(&raw.expression), text: raw.expression }
}

/// Reads a condition `{title, expression}`.
pub(crate) fn condition_of(value: &Value, place: &Place) -> Option<Condition> {
    serde_json::from_value(value.clone()).ok().map(|raw| condition(raw, place))
}

/// F62: what a list prints has no rules; such a document says nothing.
pub(super) fn deny_policy(document: &Document) -> Option<DenyPolicy> {
    let value = json(document)?;
    let place = Place::new(&*document.id, "").member("rules");
    let rules = value.get("rules")?.as_array()?;
    let rules = rules.iter().enumerate().map(|(at, rule)| deny_rule(rule, &place.element(at))).collect::<Option<_>>()?;
    let named = text(&value, "displayName").or_else(|| text(&value, "name")).unwrap_or_else(|| document.title.to_string());
    let title = named.rsplit('/').next().unwrap_or_default().to_owned();
    Some(DenyPolicy { title, document: document.id.to_string(), rules })
}

/// F62: a list names its policies without their rules; of those that were read one by one it says nothing new.
pub(super) fn has_twin(found: &[&Document], document: &Document) -> bool {
    let Some(mine) = json(document).filter(|value| value.get("rules").is_none()) else { return false };
    let named = text(&mine, "name");
    named.is_some()
        && found.iter().filter_map(|other| json(other)).any(|other| other.get("rules").is_some() && text(&other, "name") == named)
}

fn deny_rule(rule: &Value, place: &Place) -> Option<DenyRule> {
    let inner = member(rule, "denyRule")?;
    let place = place.member("denyRule");
    let list = |name: &str| texts(inner, name).unwrap_or_default();
    let condition = member(inner, "denialCondition").filter(|value| !value.is_null());
    let condition = match condition {
        Some(value) => Some(condition_of(value, &place.member("denialCondition"))?),
        None => None,
    };
    Some(DenyRule {
        description: text(rule, "description").unwrap_or_default(),
        principals: list("deniedPrincipals"),
        except_principals: list("exceptionPrincipals"),
        permissions: list("deniedPermissions"),
        except_permissions: list("exceptionPermissions"),
        condition,
        place,
    })
}

#[derive(Deserialize)]
struct RawRole<'r> {
    #[serde(rename = "includedPermissions", alias = "included_permissions", borrow, default)]
    included: Option<Vec<std::borrow::Cow<'r, str>>>,
    #[serde(default)]
    stage: Option<String>,
    #[serde(default)]
    deleted: bool,
}

/// A4, A5: DISABLED and deleted roles grant nothing, every other stage does, and so does none. Some roles list permissions in the spelling
/// of deny policies: `iam.googleapis.com/workloadIdentityPools.get` in roles/iam.workloadIdentityPoolViewer.
pub(super) fn role_says(text: &str, permission: &Permission) -> Option<RoleSays> {
    let role: RawRole<'_> = serde_json::from_str(text).ok()?;
    let at = role.included?.iter().position(|included| included == permission.v1() || included == permission.v2());
    Some(match at {
        None => RoleSays::Lacks,
        Some(_) if role.deleted => RoleSays::Inert("deleted"),
        Some(_) if role.stage.as_deref() == Some("DISABLED") => RoleSays::Inert("stage"),
        Some(at) => RoleSays::Includes(at),
    })
}

/// A member together with how it is written.
pub(crate) fn members(written: &[String]) -> impl Iterator<Item = (&str, Member)> {
    written.iter().map(|text| (text.as_str(), Member::v1(text)))
}
