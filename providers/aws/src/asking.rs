//! What the request itself could carry, so that no policy has to change: an external id, a second factor, an encryption header.
//!
//! Who wrote such a condition wants it met. Where meeting it is enough, that is the advice, and no change of a policy is offered.

use crate::answer::answer;
use crate::language::principal::CallerKind;
use crate::library::Library;
use crate::request::Request;
use iam_why_contract::trace::Statement;
use iam_why_contract::{Decision, Effect, Test, Truth, Verdict};

/// The condition keys whose values the caller chooses with the call.
const CARRIED: &[&str] = &[
    "aws:MultiFactorAuthPresent",
    "aws:SecureTransport",
    "ec2:MetadataHttpTokens",
    "iam:PermissionsBoundary",
    "kms:RequestAlias",
    "s3:x-amz-acl",
    "s3:x-amz-server-side-encryption",
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "s3:x-amz-storage-class",
    "sts:ExternalId",
    "sts:RoleSessionName",
    "sts:SourceIdentity",
];

/// The same for keys of which there are many.
const CARRIED_UNDER: &[&str] = &["aws:RequestTag/", "kms:EncryptionContext:"];

/// How many changes of the request are tried.
const TRIES: usize = 6;

/// A condition key and the value it should have; none where any would do.
type Value = (String, Option<String>);

/// How the request could be made so that it goes through as the policies are.
#[must_use]
pub fn otherwise(request: &Request, verdict: &Verdict, library: &Library<'_>) -> Option<String> {
    if verdict.decision != Decision::Deny {
        return None;
    }
    let tries = tries(request, verdict, library)?;
    let goes_through = |values: &&Vec<Value>| answer(&carrying(request, values), library).decision == Decision::Allow;
    let values = tries.iter().filter(|values| !values.is_empty()).take(TRIES).find(goes_through)?;
    let with: Vec<String> = values.iter().map(said).collect();
    Some(format!("no policy has to change: with {} in the request it is allowed (simulated)", with.join(" and ")))
}

fn carrying(request: &Request, values: &[Value]) -> Request {
    let mut changed = request.clone();
    for (key, value) in values {
        changed.context.entries.retain(|given, _| !given.eq_ignore_ascii_case(key));
        changed.context = changed.context.with(key, [value.as_deref().unwrap_or_else(|| any(key))]);
    }
    changed
}

/// A value of a key of which it only matters that it is there.
fn any(key: &str) -> &'static str {
    if key.eq_ignore_ascii_case("s3:x-amz-server-side-encryption") { "AES256" } else { "any" }
}

/// What evades every statement that denies, alone and with what each statement wants that would allow. `None` where something denies
/// that no value evades.
fn tries(request: &Request, verdict: &Verdict, library: &Library<'_>) -> Option<Vec<Vec<Value>>> {
    let statements = || verdict.parts.iter().flat_map(|part| &part.trace.steps).flat_map(|step| &step.statements);
    let denying = statements().filter(|statement| statement.effect == Effect::Deny && statement.applies.is_yes());
    let evading: Option<Vec<Value>> = denying.map(|statement| evading(request, statement, library)).collect();
    let evading = evading?;
    let allowing = statements().filter(|statement| statement.effect == Effect::Allow && statement.applies.is_no());
    let wanted = allowing.filter_map(|statement| wanted(request, statement, library));
    let both = wanted.map(|values| evading.iter().cloned().chain(values).collect());
    Some(std::iter::once(evading.clone()).chain(both).collect())
}

/// A value with which a statement no longer denies.
fn evading(request: &Request, statement: &Statement, library: &Library<'_>) -> Option<Value> {
    let conditions = statement.tests.iter().filter(|test| test.holds == Truth::Yes);
    conditions.filter_map(|test| value(request, test, library, true)).next()
}

/// The values with which a statement would allow, where nothing else is wrong with it.
fn wanted(request: &Request, statement: &Statement, library: &Library<'_>) -> Option<Vec<Value>> {
    statement.tests.iter().filter(|test| test.holds == Truth::No).map(|test| value(request, test, library, false)).collect()
}

/// The value that makes a condition on a carried key hold, or fail where `fail`.
fn value(request: &Request, test: &Test, library: &Library<'_>, fail: bool) -> Option<Value> {
    let key = carried(request, &test.about)?;
    let operator = test.wanted.split(' ').next()?.to_ascii_lowercase();
    let operator = operator.strip_suffix("ifexists").unwrap_or(&operator);
    let first = listed(test, library)?;
    // `Null` true in a Deny and `Null` false in an Allow want the key to be there.
    if operator == "null" {
        return (first.eq_ignore_ascii_case("true") == fail).then_some((key, None));
    }
    let plain = || Some(first.clone()).filter(|value| !value.contains(['*', '?', '$']));
    let value = match (operator, fail) {
        ("bool", false) => Some(first),
        ("bool", true) => Some(if first.eq_ignore_ascii_case("true") { "false" } else { "true" }.to_owned()),
        ("stringequals" | "stringlike" | "arnequals" | "arnlike" | "stringequalsignorecase", false)
        | ("stringnotequals" | "stringnotlike" | "arnnotequals" | "arnnotlike" | "stringnotequalsignorecase", true) => plain(),
        _ => None,
    };
    // Nobody switches off a second factor or encryption to get in.
    let weakens = matches!(operator, "bool") && value.as_deref() != Some("true");
    value.filter(|_| !weakens).map(|value| (key, Some(value)))
}

/// The key, where the caller can choose its value. A second factor is a user's; a session does not carry it on (STS-7).
fn carried(request: &Request, key: &str) -> Option<String> {
    let listed = CARRIED.iter().any(|carried| carried.eq_ignore_ascii_case(key));
    let under = CARRIED_UNDER.iter().any(|prefix| key.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix)));
    let session = request.caller.is_role() && key.eq_ignore_ascii_case("aws:MultiFactorAuthPresent");
    ((listed || under) && !session && request.caller.kind != CallerKind::Service).then(|| key.to_owned())
}

/// The first value that the condition lists.
fn listed(test: &Test, library: &Library<'_>) -> Option<String> {
    let document = library.snapshot().document(&test.place.document)?;
    let json: serde_json::Value = serde_json::from_str(&document.text).ok()?;
    let found = json.pointer(&test.place.pointer)?;
    let one = found.as_array().and_then(|values| values.first()).unwrap_or(found);
    one.as_str().map(str::to_owned).or_else(|| one.as_bool().map(|value| value.to_string()))
}

fn said((key, value): &Value) -> String {
    match key.to_ascii_lowercase().as_str() {
        "aws:multifactorauthpresent" => "a second factor (credentials for which MFA was used)".to_owned(),
        "aws:securetransport" => "TLS (https)".to_owned(),
        _ => value.as_deref().map_or_else(|| format!("a value for {key}"), |value| format!("{key}={value}")),
    }
}
