//! What the IAM commands print: users, roles, groups, and their policies.

use super::name::{Nature, UNRESOLVED, unresolved};
use super::printed::Shape;
use super::reading::{Reading, account_of, last_name};
use super::text::{Members, decode, elements, is_object, string};
use super::{ATTACHED_POLICIES, GROUP, INLINE_POLICY, MANAGED_POLICY, POLICY_FACTS, ROLE, USER, USER_GROUPS};
use iam_why_contract::Outcome;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use std::collections::BTreeSet;

/// The lists of `get-account-authorization-details`: the kind of their elements, how one is called, what its ARN has behind the account.
const DETAILS: [(&str, &str, &str); 3] =
    [("UserDetailList", USER, "user"), ("RoleDetailList", ROLE, "role"), ("GroupDetailList", GROUP, "group")];

/// The lists of inline policies in a detail.
const INLINE: [&str; 3] = ["UserPolicyList", "RolePolicyList", "GroupPolicyList"];

/// `get-account-authorization-details`: everything that IAM knows, one document an identity or policy.
///
/// A list that is complete says that what it does not name is absent, of its own account only. An empty list says nothing: it is
/// printed also where `--filter` left the kind out.
pub(super) fn account(reading: &mut Reading<'_>, _: &Shape) {
    let more = ["NextToken", "Marker"].iter().any(|name| reading.top.has(name));
    let cut_off = more || reading.top.get("IsTruncated").is_some_and(|value| value.get() == "true");
    if cut_off {
        reading.remark("is one page of get-account-authorization-details; what the other pages hold is not known");
    }
    for (list, kind, noun) in DETAILS {
        let Some(elements) = listed(reading, list) else { continue };
        let arns: Vec<String> =
            elements.iter().enumerate().filter_map(|(at, raw)| detail(reading, kind, noun, raw, &format!("/{list}/{at}"))).collect();
        note_all(reading, kind, noun, arns, cut_off);
    }
    let policies = listed(reading, "Policies").unwrap_or_default();
    let arns: Vec<String> = policies.iter().enumerate().filter_map(|(at, raw)| managed(reading, raw, &format!("/Policies/{at}"))).collect();
    note_all(reading, MANAGED_POLICY, "policy", arns, cut_off);
}

fn listed<'t>(reading: &mut Reading<'t>, name: &str) -> Option<Vec<&'t RawValue>> {
    let raw = reading.top.get(name)?;
    let list = elements(raw);
    if list.is_none() {
        reading.remark(&format!("has no list at `/{name}`, expected one as get-account-authorization-details prints it"));
    }
    list
}

/// The accounts whose identities were listed: policies of AWS itself are listed only where they are attached.
fn note_all(reading: &mut Reading<'_>, kind: &str, noun: &str, arns: Vec<String>, cut_off: bool) {
    let starts: BTreeSet<String> = arns
        .iter()
        .filter(|arn| account_of(arn).is_some_and(super::name::is_account))
        .filter_map(|arn| arn.find(&format!(":{noun}/")).and_then(|at| arn.get(..at)).map(|start| format!("{start}:{noun}/*")))
        .collect();
    for subject in starts.iter().filter(|_| !cut_off) {
        reading.note(kind, subject, Outcome::Found);
    }
}

/// A user, role or group with everything that belongs to it. Returns its ARN.
fn detail<'t>(reading: &mut Reading<'t>, kind: &str, noun: &str, raw: &'t RawValue, pointer: &str) -> Option<String> {
    let members = Members::of(raw);
    let Some(arn) = members.string("Arn") else {
        reading.remark(&format!("has no `Arn` at `{pointer}`, expected one as get-account-authorization-details prints it"));
        return None;
    };
    let title = format!("{noun} {}", last_name(&arn));
    let encoded = encoded(&members);
    if encoded.is_empty() {
        reading.slice(kind, &arn, &title, raw.get());
    } else {
        reading.decoded(kind, &arn, &title, replaced(raw.get(), &encoded), pointer);
    }
    Some(arn.into_owned())
}

/// The policies in a detail that stand as strings.
fn encoded<'t>(detail: &Members<'t>) -> Vec<&'t RawValue> {
    let trust = detail.get("AssumeRolePolicyDocument");
    let inline = INLINE.iter().filter_map(|name| detail.list(name)).flatten();
    let inline = inline.filter_map(|policy| Members::of(policy).get("PolicyDocument"));
    trust.into_iter().chain(inline).filter(|policy| policy.get().starts_with('"')).collect()
}

/// `text` with each of these slices of it replaced by the policy that it encodes; nothing else changes.
pub(super) fn replaced(text: &str, encoded: &[&RawValue]) -> String {
    let start = text.as_ptr().addr();
    let mut whole = String::with_capacity(text.len() * 2);
    let mut places: Vec<(usize, &RawValue)> = encoded.iter().map(|raw| (raw.get().as_ptr().addr().wrapping_sub(start), *raw)).collect();
    places.sort_by_key(|(at, _)| *at);
    let mut done = 0;
    for (at, raw) in places {
        let policy = string(raw).map(|text| decode(&text)).filter(|policy| serde_json::from_str::<IgnoredAny>(policy).is_ok());
        whole.push_str(text.get(done..at).unwrap_or_default());
        whole.push_str(policy.as_deref().unwrap_or(raw.get()));
        done = at + raw.get().len();
    }
    whole.push_str(text.get(done..).unwrap_or_default());
    whole
}

/// A managed policy: the document of its default version. Returns its ARN.
fn managed<'t>(reading: &mut Reading<'t>, raw: &'t RawValue, pointer: &str) -> Option<String> {
    let members = Members::of(raw);
    let arn = members.string("Arn")?;
    let versions = members.list("PolicyVersionList").unwrap_or_default();
    let default = versions.iter().map(|version| Members::of(version)).enumerate();
    let mut default = default.filter(|(_, version)| version.get("IsDefaultVersion").is_some_and(|is| is.get() == "true"));
    let Some((at, document)) = default.next().and_then(|(at, version)| Some((at, version.get("Document")?))) else {
        reading.remark(&format!("does not hold the default version of the policy {arn}"));
        return None;
    };
    let title = members.string("PolicyName").unwrap_or_else(|| last_name(&arn).into());
    reading.policy(MANAGED_POLICY, &arn, &title, document, &format!("{pointer}/PolicyVersionList/{at}/Document"));
    Some(arn.into_owned())
}

/// `get-user`, `get-role`, `get-group`: the element under `User`, `Role`, `Group`.
pub(super) fn one(reading: &mut Reading<'_>, shape: &Shape) {
    let member = shape.member();
    let noun = member.to_ascii_lowercase();
    if let Some(raw) = reading.top.get(member) {
        detail(reading, shape.kind, &noun, raw, &format!("/{member}"));
    }
}

/// `get-role-policy` and its like: says the name of the identity, not its account.
pub(super) fn inline(reading: &mut Reading<'_>, shape: &Shape) {
    let Nature::Identity(noun) = shape.nature else { return };
    let named = reading.top.string(shape.member()).map(|name| unresolved(reading.name.account.as_deref(), noun, &name));
    let known = shape.subject(reading).filter(|subject| !subject.starts_with(UNRESOLVED));
    let (Some(subject), Some(title), Some(policy)) = (known.or(named), reading.top.string("PolicyName"), reading.top.get("PolicyDocument"))
    else {
        return reading.remark("has no names as strings, expected them as the IAM commands print them");
    };
    reading.policy(INLINE_POLICY, &subject, &title, policy, "/PolicyDocument");
    not_all(reading, &subject);
}

/// One inline policy does not say that it is the only one.
pub(super) fn not_all(reading: &mut Reading<'_>, subject: &str) {
    let why = "inline policies were read one by one; whether there are others, `aws iam list-role-policies` and its like say";
    reading.note(INLINE_POLICY, subject, Outcome::NotTried { why: why.to_owned() });
}

/// `list-role-policies`, `list-attached-role-policies`, `list-groups-for-user` and their like: a list that does not say whose it is.
pub(super) fn list(reading: &mut Reading<'_>, shape: &Shape) {
    let Nature::Identity(noun) = shape.nature else { return };
    if ["NextToken", "Marker"].iter().any(|name| reading.top.has(name)) {
        return reading.remark(&format!("is one page of {}; a list counts only where it is complete", shape.command));
    }
    if reading.name.account.is_none() {
        reading.name.account = account_in(reading, shape);
    }
    match shape.subject(reading) {
        Some(subject) => {
            let title = format!("{noun} {}", last_name(&subject));
            reading.slice(shape.kind, &subject, &title, reading.file.text);
        }
        None => shape.unplaced(reading),
    }
}

/// The account that the ARNs in a list belong to.
fn account_in(reading: &Reading<'_>, shape: &Shape) -> Option<String> {
    let (list, arn) = match shape.kind {
        ATTACHED_POLICIES => ("AttachedPolicies", "PolicyArn"),
        USER_GROUPS => ("Groups", "Arn"),
        _ => return None,
    };
    let arns = reading.top.list(list)?.into_iter().filter_map(|element| Members::of(element).string(arn));
    let mut accounts = arns.filter_map(|arn| account_of(&arn).filter(|account| super::name::is_account(account)).map(str::to_owned));
    accounts.next()
}

/// `get-policy`: what a managed policy is called; its text stands in another file.
pub(super) fn policy_facts(reading: &mut Reading<'_>, _: &Shape) {
    let Some(raw) = reading.top.get("Policy") else { return };
    let members = Members::of(raw);
    if let Some(arn) = members.string("Arn") {
        reading.slice(POLICY_FACTS, &arn, last_name(&arn), raw.get());
    }
}

/// `get-policy-version`: a policy's text without its name.
pub(super) fn policy_version(reading: &mut Reading<'_>, shape: &Shape) {
    let Some(version) = reading.top.get("PolicyVersion").filter(|raw| is_object(raw)).map(Members::of) else { return };
    if version.get("IsDefaultVersion").is_some_and(|is| is.get() == "false") {
        return reading.remark("holds a version of a policy that is not in force: only the default version counts");
    }
    match (shape.subject(reading), version.get("Document")) {
        (Some(subject), Some(document)) => {
            let title = last_name(&subject).to_owned();
            reading.policy(MANAGED_POLICY, &subject, &title, document, "/PolicyVersion/Document");
        }
        (None, _) => shape.unplaced(reading),
        (_, None) => reading.remark("has no policy at `/PolicyVersion/Document`"),
    }
}
