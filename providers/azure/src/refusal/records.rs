//! Entries of Azure's logs: what they say of the request beyond their message.

use iam_why_contract::refusal::{Pair, Pairs, Record};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

/// The entries that the text holds.
pub(super) fn records(pairs: &Pairs<'_>) -> Vec<Record> {
    let mut records = pairs.named("operationName").filter_map(|name| activity(pairs, name, 0)).collect::<Vec<_>>();
    // The API and the portal write `"operationName": {"value": …, "localizedValue": …}`.
    let of_operation = |value: &&Pair<'_>| pairs.around(value).next().is_some_and(|key| key.eq_ignore_ascii_case("operationName"));
    records.extend(pairs.named("value").filter(of_operation).filter_map(|name| activity(pairs, name, 1)));
    records.extend(pairs.named("category").filter_map(|category| sign_in(pairs, category)));
    records.extend(pairs.named("category").filter_map(|category| firewall(pairs, category)));
    records
}

/// An activity log or resource log entry ("Activity log event schema"): only where it says more than its message.
fn activity(pairs: &Pairs<'_>, name: &Pair<'_>, levels: usize) -> Option<Record> {
    let read = |path: &str| pairs.beside(name, levels, path).filter(|value| !value.is_empty());
    let first = |paths: &[&'static str]| paths.iter().find_map(|path| read(path)).map(str::to_owned);
    let principal = first(&[
        "claims.http://schemas.microsoft.com/identity/claims/objectidentifier",
        "identity.claims.http://schemas.microsoft.com/identity/claims/objectidentifier",
        "identity.claim.http://schemas.microsoft.com/identity/claims/objectidentifier",
        "identity.claim.oid",
        "identity.requester.objectId",
        "caller",
        "Caller",
    ]);
    let authorized = read("authorization.action").or_else(|| read("identity.authorization.action"));
    let action = authorized.or(Some(name.value.as_ref()).filter(|operation| operation.contains('/'))).map(str::to_owned);
    let resource = first(&["authorization.scope", "resourceId"]);
    let known = [("principal", principal), ("action", action), ("resource", resource)];
    let fields = known.into_iter().filter_map(|(field, value)| Some((field, value?))).collect::<Vec<_>>();
    let status =
        first(&["properties.httpStatusCode", "properties.statusCode", "statusCode"]).filter(|status| status.parse::<u16>().is_ok());
    let (start, end) = pairs.extent(name, levels);
    let fields = fields.into_iter().chain(status.map(|status| ("status", status))).collect();
    Some(Record { start, end, fields, context: context(pairs, name, levels), ..Record::default() })
}

/// An entry of the log of Application Gateway's or Front Door's web application firewall, whether it blocked or only matched.
fn firewall(pairs: &Pairs<'_>, category: &Pair<'_>) -> Option<Record> {
    let read = |path: &str| pairs.beside(category, 0, path).filter(|value| !value.is_empty());
    let action = read("properties.action")?;
    if !category.value.ends_with("FirewallLog") || !["block", "match"].iter().any(|word| action.to_ascii_lowercase().starts_with(word)) {
        return None;
    }
    let detects = read("properties.policyMode").or_else(|| read("properties.policy_mode"));
    let blocked = action.to_ascii_lowercase().starts_with("block") && !detects.is_some_and(|mode| mode.eq_ignore_ascii_case("detection"));
    let (start, end) = pairs.extent(category, 0);
    let mut context = BTreeMap::new();
    context.extend(
        read("properties.clientIp").or_else(|| read("properties.clientIP")).map(|address| ("sourceAddress".to_owned(), address.to_owned())),
    );
    context.extend(read("properties.ruleId").or_else(|| read("properties.ruleName")).map(|rule| ("rule".to_owned(), rule.to_owned())));
    context.extend((!blocked).then(|| ("blocked".to_owned(), "no".to_owned())));
    Some(Record { start, end, context, verdict: Some("gateway-waf-log"), ..Record::default() })
}

/// What the entry says of the request, by the names under which a question states it ("Activity log event schema", "Azure Key Vault
/// logging", "Azure Blob Storage monitoring data reference").
fn context(pairs: &Pairs<'_>, name: &Pair<'_>, levels: usize) -> BTreeMap<String, String> {
    let read = |path: &str| pairs.beside(name, levels, path).filter(|value| !value.is_empty());
    let mut context = address(pairs, name, levels);
    for (key, paths) in FACTS {
        context.extend(paths.iter().find_map(|path| read(path)).map(|value| ((*key).to_owned(), value.to_owned())));
    }
    // The address that the token was issued to (`claims.ipaddr`) is another matter than the one that called.
    let caller = ["callerIpAddress", "httpRequest.clientIpAddress"].iter().find_map(|path| read(path)).and_then(without_port);
    context.extend(caller.map(|address| ("clientIp".to_owned(), address.to_string())));
    context.extend(read("identity.type").and_then(proof).map(|proof| ("auth".to_owned(), proof.to_owned())));
    context
}

/// Keys of a question, and where entries hold them.
const FACTS: &[(&str, &[&str])] = &[
    ("now", &["eventTimestamp", "time"]),
    (
        "tenant",
        &[
            "claims.http://schemas.microsoft.com/identity/claims/tenantid",
            "identity.claims.http://schemas.microsoft.com/identity/claims/tenantid",
            "identity.requester.tenantId",
        ],
    ),
    ("appId", &["claims.appid", "identity.claims.appid", "identity.claim.appid", "identity.requester.appId"]),
];

/// `10.1.2.3:4352`, `[2001:db8::1]:4352`, `203.0.113.9`
pub(super) fn without_port(address: &str) -> Option<IpAddr> {
    address.parse().ok().or_else(|| address.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

/// Storage says how a request proved who it comes from; a signature may be of the account's key or of a token, which it does not say.
fn proof(kind: &str) -> Option<&'static str> {
    match kind {
        "OAuth" => Some("oauth"),
        "Account Key" | "AccountKey" => Some("accountkey"),
        "Anonymous" => Some("anonymous"),
        _ => None,
    }
}

fn address(pairs: &Pairs<'_>, beside: &Pair<'_>, levels: usize) -> BTreeMap<String, String> {
    const PATHS: [&str; 5] = ["callerIpAddress", "httpRequest.clientIpAddress", "claims.ipaddr", "properties.ipAddress", "calleripaddress"];
    let address = PATHS.iter().find_map(|path| pairs.beside(beside, levels, path)).filter(|address| !address.is_empty());
    address.map(|address| ("sourceAddress".to_owned(), address.to_owned())).into_iter().collect()
}

/// A sign-in that failed: no token was issued, so no role was ever looked at.
fn sign_in(pairs: &Pairs<'_>, category: &Pair<'_>) -> Option<Record> {
    let read = |path: &str| pairs.beside(category, 0, path).filter(|value| !value.is_empty());
    let failed = read("properties.status.errorCode").or_else(|| read("resultType")).is_some_and(|code| code != "0");
    if !category.value.ends_with("SignInLogs") || !failed {
        return None;
    }
    let (start, end) = pairs.extent(category, 0);
    let first = |paths: &[&'static str]| paths.iter().find_map(|path| read(path)).map(str::to_owned);
    let principal = first(&["properties.servicePrincipalName", "properties.userPrincipalName", "identity"]);
    let known = [("principal", principal), ("resource", first(&["properties.resourceDisplayName"]))];
    let fields = known.into_iter().filter_map(|(field, value)| Some((field, value?))).collect();
    let blocked = read("properties.conditionalAccessStatus") == Some("failure");
    let verdict = Some(if blocked { "conditional-sentence" } else { "sign-in-failed" });
    Some(Record { start, end, fields, context: address(pairs, category, 0), verdict, ..Record::default() })
}
