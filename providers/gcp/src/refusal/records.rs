//! Audit log entries: what they say of the request beyond their message (L1 to L6).

use iam_why_contract::refusal::{Pair, Pairs, Record};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// The entries that the text holds. Exports write keys in lower case and `@type` as `at_sign_type`; a key is found in any case.
pub(super) fn records(pairs: &Pairs<'_>) -> Vec<Record> {
    pairs.named("methodName").filter_map(|method| entry(pairs, method)).collect()
}

fn entry(pairs: &Pairs<'_>, method: &Pair<'_>) -> Option<Record> {
    let read = |path: &str| pairs.beside(method, 0, path).filter(|value| !value.is_empty());
    let outside = |path: &str| pairs.beside(method, 1, path).filter(|value| !value.is_empty());
    read("serviceName")?;
    let (start, end) = if pairs.around(method).next().is_some_and(|key| key.eq_ignore_ascii_case("protoPayload")) {
        pairs.extent(method, 1)
    } else {
        pairs.extent(method, 0)
    };
    let mut record = Record { start, end, context: context(pairs, method), ..Record::default() };
    let refused = not_granted(pairs, method);
    let principal = read("authenticationInfo.principalEmail").or_else(|| read("authenticationInfo.principalSubject"));
    record.fields.extend(principal.map(|principal| ("principal", principal.to_owned())));
    let code = read("status.code").and_then(|code| code.parse::<u16>().ok());
    if let Some(permission) = refused.permission.clone() {
        record.fields.push(("action", permission));
    } else {
        record.fields.extend(action(&method.value, code.is_none()));
        record.derived.extend((code.is_none()).then_some("action"));
    }
    let resource = refused.resource.or_else(|| read("resourceName").map(str::to_owned));
    record.fields.extend(resource.map(|resource| ("resource", resource)));
    record.verdict = match code {
        Some(7) if refused.permission.is_some() => Some("audit-denied"),
        Some(7) => None,
        Some(0) => return None,
        Some(_) => Some("audit-other"),
        None => outside("severity").filter(|severity| *severity == "ERROR").map(|_| "audit-error"),
    };
    let status = if code == Some(7) { Some("403".to_owned()) } else { read("response.code").map(str::to_owned) };
    record.fields.extend(status.map(|status| ("status", status)));
    Some(record)
}

/// The method, where no permission is named; of a Compute method the permission has almost the same name.
fn action(method: &str, guess: bool) -> Option<(&'static str, String)> {
    let compute = method.split_once("compute.").map(|(_, call)| call).filter(|_| guess);
    let named = match compute.and_then(|call| call.split_once('.')) {
        Some((resource, "insert")) => format!("compute.{resource}.create"),
        Some((resource, verb)) => format!("compute.{resource}.{verb}"),
        None => method.to_owned(),
    };
    Some(("action", named))
}

#[derive(Default)]
struct NotGranted {
    permission: Option<String>,
    resource: Option<String>,
}

/// The first entry of `authorizationInfo` that was not granted: false is left out by the encoding, so absent is false (L3).
fn not_granted(pairs: &Pairs<'_>, method: &Pair<'_>) -> NotGranted {
    let (start, end) = pairs.extent(method, 0);
    let within = |pair: &&Pair<'_>| pair.is("permission") && pairs.around(pair).any(|key| key.eq_ignore_ascii_case("authorizationInfo"));
    let refused = |pair: &&Pair<'_>| pairs.beside(pair, 0, "granted") != Some("true");
    let all = pairs.between(start, end).filter(within).collect::<Vec<_>>();
    match all.iter().copied().find(refused) {
        Some(pair) => {
            NotGranted { permission: Some(pair.value.to_string()), resource: pairs.beside(pair, 0, "resource").map(str::to_owned) }
        }
        None => {
            NotGranted { permission: None, resource: all.first().and_then(|pair| pairs.beside(pair, 0, "resource")).map(str::to_owned) }
        }
    }
}

/// What the entry says of the request, by the names under which a question states it (AuditLog, `RequestMetadata`).
fn context(pairs: &Pairs<'_>, method: &Pair<'_>) -> BTreeMap<String, String> {
    const PATHS: [(&str, &str); 7] = [
        ("requestMetadata.requestAttributes.time", "request.time"),
        ("requestMetadata.requestAttributes.path", "request.path"),
        ("requestMetadata.requestAttributes.host", "request.host"),
        ("requestMetadata.destinationAttributes.ip", "destination.ip"),
        ("requestMetadata.destinationAttributes.port", "destination.port"),
        ("metadata.securityPolicyInfo.servicePerimeterName", "perimeter"),
        ("metadata.violationReason", "violationReason"),
    ];
    let read = |path: &str| pairs.beside(method, 0, path).filter(|value| !value.is_empty());
    let mut context = PATHS.iter().filter_map(|(path, key)| Some(((*key).to_owned(), read(path)?.to_owned()))).collect::<BTreeMap<_, _>>();
    if let Some(time) = pairs.beside(method, 1, "timestamp").filter(|_| !context.contains_key("request.time")) {
        context.insert("request.time".to_owned(), time.to_owned());
    }
    let levels = pairs.texts(method, "requestMetadata.requestAttributes.auth.accessLevels").join("\n");
    if !levels.is_empty() {
        context.insert("request.auth.access_levels".to_owned(), levels.replace("//accesscontextmanager.googleapis.com/", ""));
    }
    context.extend(source(read("requestMetadata.callerIp"), read("requestMetadata.callerNetwork")));
    context.insert("method".to_owned(), method.value.to_string());
    context
}

/// From where it came. An address of no public range without its network says nothing: it is one of a network that is not shown.
fn source(address: Option<&str>, network: Option<&str>) -> Vec<(String, String)> {
    let address = address.and_then(|address| address.parse::<IpAddr>().ok());
    let known = |key: &str, value: String| (key.to_owned(), value);
    match (address, network) {
        (address, Some(network)) => {
            let network = network.trim_start_matches("//compute.googleapis.com/").to_owned();
            let place = [known("source.kind", "network".to_owned()), known("source.network", network)];
            place.into_iter().chain(address.map(|address| known("source.ip", address.to_string()))).collect()
        }
        (Some(address), None) if is_public(address) => vec![known("source.ip", address.to_string())],
        _ => Vec::new(),
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !address.is_private() && !address.is_link_local() && !address.is_loopback() && !address.is_unspecified(),
        IpAddr::V6(address) => {
            !address.is_unique_local() && !address.is_unicast_link_local() && !address.is_loopback() && !address.is_unspecified()
        }
    }
}
