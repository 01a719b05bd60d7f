//! CloudTrail records and decoded authorization messages: what they say of the request beyond their message.

use super::actions::action_of;
use super::resources::resource_of;
use iam_why_contract::refusal::{Pair, Pairs, Record};
use std::collections::{BTreeMap, HashMap};

/// The records that the text holds.
pub(super) fn records(pairs: &Pairs<'_>) -> Vec<Record> {
    let mut actions = Actions::new();
    let mut records = pairs.named("eventName").filter_map(|name| event(pairs, name, &mut actions)).collect::<Vec<_>>();
    records.extend(pairs.named("explicitDeny").map(|deny| decoded(pairs, deny)));
    records
}

/// The actions of the operations that the text has named so far: a trail names few, each a thousand times.
type Actions = HashMap<(String, String), Option<String>>;

/// One CloudTrail event ("CloudTrail record contents").
fn event(pairs: &Pairs<'_>, name: &Pair<'_>, actions: &mut Actions) -> Option<Record> {
    let read = |path: &str| pairs.beside(name, 0, path).filter(|value| !value.is_empty());
    let source = read("eventSource");
    if source.is_none() && read("errorCode").or_else(|| read("errorMessage")).is_none() {
        return None;
    }
    let (start, end) = pairs.extent(name, 0);
    let mut record = Record { start, end, context: context(pairs, name), ..Record::default() };
    record.fields.extend(caller(pairs, name).map(|principal| ("principal", principal.to_owned())));
    let called = (source.unwrap_or_default().to_owned(), name.value.to_string());
    let action = actions.entry(called).or_insert_with(|| action_of(source, &name.value)).clone();
    let derive = || resource_of(pairs, name, action.as_deref()?).map(|arn| (arn, false));
    if let Some((resource, literal)) = resource(pairs, name).or_else(derive) {
        record.fields.push(("resource", resource));
        record.derived.extend((!literal).then_some("resource"));
    }
    if let Some(action) = action {
        record.fields.push(("action", action));
        record.derived.push("action");
    }
    record.fields.push(("operation", name.value.to_string()));
    Some(record)
}

fn caller<'p>(pairs: &'p Pairs<'_>, name: &Pair<'_>) -> Option<&'p str> {
    const PATHS: [&str; 5] =
        ["userIdentity.arn", "userIdentity.userName", "userIdentity.invokedBy", "Username", "userIdentity.principalId"];
    PATHS.iter().find_map(|path| pairs.beside(name, 0, path).filter(|value| !value.is_empty()))
}

/// The resource, and whether it stands so in the record.
fn resource(pairs: &Pairs<'_>, name: &Pair<'_>) -> Option<(String, bool)> {
    let read = |path: &str| pairs.beside(name, 0, path).filter(|value| !value.is_empty());
    let asked = |key: &str| read(&format!("requestParameters.{key}"));
    if let Some(arn) = read("resources.ARN").filter(|arn| arn.starts_with("arn:")) {
        return Some((arn.to_owned(), true));
    }
    match (asked("bucketName"), asked("key")) {
        (Some(bucket), Some(key)) => return Some((format!("arn:aws:s3:::{bucket}/{key}"), false)),
        (Some(bucket), None) => return Some((bucket.to_owned(), true)),
        _ => {}
    }
    let arn = RESOURCE_PARAMETERS.iter().filter_map(|key| asked(key)).find(|value| value.starts_with("arn:"));
    arn.map(|arn| (arn.to_owned(), true))
}

/// Request parameters that name the resource, where their value is an ARN.
const RESOURCE_PARAMETERS: [&str; 16] = [
    "roleArn",
    "policyArn",
    "keyId",
    "secretId",
    "functionName",
    "topicArn",
    "stackName",
    "resourceArn",
    "clusterArn",
    "stateMachineArn",
    "tableName",
    "streamARN",
    "certificateArn",
    "loadBalancerArn",
    "targetGroupArn",
    "repositoryArn",
];

/// What the event says of the request, by the names of condition keys.
fn context(pairs: &Pairs<'_>, name: &Pair<'_>) -> BTreeMap<String, String> {
    const KEYS: [(&str, &str); 12] = [
        ("sourceIPAddress", "aws:SourceIp"),
        ("awsRegion", "aws:RequestedRegion"),
        ("eventTime", "aws:CurrentTime"),
        ("vpcEndpointId", "aws:SourceVpce"),
        ("userAgent", "aws:UserAgent"),
        ("userIdentity.accountId", "aws:PrincipalAccount"),
        ("userIdentity.sessionContext.attributes.mfaAuthenticated", "aws:MultiFactorAuthPresent"),
        ("userIdentity.sessionContext.sourceIdentity", "aws:SourceIdentity"),
        ("userIdentity.sessionContext.attributes.creationDate", "aws:TokenIssueTime"),
        ("userIdentity.principalId", "aws:userid"),
        ("userIdentity.invokedBy", "invokedBy"),
        ("recipientAccountId", "recipientAccountId"),
    ];
    let read = |path: &str| pairs.beside(name, 0, path).filter(|value| !value.is_empty());
    let mut context = KEYS.iter().filter_map(|(path, key)| Some(((*key).to_owned(), read(path)?.to_owned()))).collect::<BTreeMap<_, _>>();
    // T3: a service's name in place of an address says nothing of the address.
    context.retain(|key, value| key != "aws:SourceIp" || value.parse::<std::net::IpAddr>().is_ok());
    context.retain(|key, value| key != "aws:SourceVpce" || value.starts_with("vpce-"));
    context
}

/// What `sts:DecodeAuthorizationMessage` returns (D1, D2).
fn decoded(pairs: &Pairs<'_>, deny: &Pair<'_>) -> Record {
    let (start, end) = pairs.extent(deny, 0);
    let read = |path: &str| pairs.beside(deny, 0, path).filter(|value| !value.is_empty());
    let fields = [("principal", "context.principal.arn"), ("action", "context.action"), ("resource", "context.resource")];
    let fields = fields.iter().filter_map(|(field, path)| Some((*field, read(path)?.to_owned()))).collect();
    Record { start, end, fields, context: decoded_context(pairs, start, end), ..Record::default() }
}

/// The keys of the request; pseudo keys such as `aws:Resource` are no condition keys and are left out.
fn decoded_context(pairs: &Pairs<'_>, start: usize, end: usize) -> BTreeMap<String, String> {
    const PSEUDO: [&str; 8] = ["aws:Resource", "aws:Account", "aws:Service", "aws:Type", "aws:Region", "aws:ARN", "aws:ID", "aws:Action"];
    let mut context = BTreeMap::new();
    let mut open: Option<String> = None;
    for pair in pairs.between(start, end).filter(|pair| matches!(pair.key.as_ref(), "key" | "value")) {
        let of_request = pairs.around(pair).any(|object| object.eq_ignore_ascii_case("context"));
        match pair.key.as_ref() {
            _ if !of_request => {}
            "key" => open = Some(pair.value.to_string()),
            _ => {
                let key = open.take().filter(|key| key.contains(':') && !PSEUDO.contains(&key.as_str()));
                context.extend(key.map(|key| (key, pair.value.to_string())));
            }
        }
    }
    context
}
