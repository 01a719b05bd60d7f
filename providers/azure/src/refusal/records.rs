//! Entries of Azure's logs: what they say of the request beyond their message.

use iam_why_contract::refusal::{Pair, Pairs, Record};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

/// The entries that the text holds.
pub(super) fn records(pairs: &Pairs<'_>) -> Vec<Record> {
    let mut records = pairs.named("operationName").filter_map(|name| activity(pairs, name)).collect::<Vec<_>>();
    records.extend(pairs.named("category").filter_map(|category| sign_in(pairs, category)));
    records
}

/// An activity log or resource log entry ("Activity log event schema"): only where it says more than its message.
fn activity(pairs: &Pairs<'_>, name: &Pair<'_>) -> Option<Record> {
    let read = |path: &str| pairs.beside(name, 0, path).filter(|value| !value.is_empty());
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
    let (start, end) = pairs.extent(name, 0);
    let fields = fields.into_iter().chain(status.map(|status| ("status", status))).collect();
    Some(Record { start, end, fields, context: context(pairs, name), ..Record::default() })
}

/// What the entry says of the request, by the names under which a question states it ("Activity log event schema", "Azure Key Vault
/// logging", "Azure Blob Storage monitoring data reference").
fn context(pairs: &Pairs<'_>, name: &Pair<'_>) -> BTreeMap<String, String> {
    let read = |path: &str| pairs.beside(name, 0, path).filter(|value| !value.is_empty());
    let mut context = address(pairs, name);
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

fn address(pairs: &Pairs<'_>, beside: &Pair<'_>) -> BTreeMap<String, String> {
    const PATHS: [&str; 5] = ["callerIpAddress", "httpRequest.clientIpAddress", "claims.ipaddr", "properties.ipAddress", "calleripaddress"];
    let address = PATHS.iter().find_map(|path| pairs.beside(beside, 0, path)).filter(|address| !address.is_empty());
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
    Some(Record { start, end, fields, context: address(pairs, category), verdict, ..Record::default() })
}
