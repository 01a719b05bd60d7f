//! Audit events of a Kubernetes API server: what they say of the request beyond their message.

use iam_why_contract::refusal::{Pair, Pairs, Record};

/// The events that the text holds (<https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/>).
pub(crate) fn records(pairs: &Pairs<'_>) -> Vec<Record> {
    pairs.named("auditID").filter_map(|id| event(pairs, id)).collect()
}

fn event(pairs: &Pairs<'_>, id: &Pair<'_>) -> Option<Record> {
    let read = |path: &str| pairs.beside(id, 0, path).filter(|value| !value.is_empty());
    let verb = read("verb")?;
    let (start, end) = pairs.extent(id, 0);
    let mut record = Record { start, end, ..Record::default() };
    record.fields.extend(read("user.username").map(|user| ("principal", user.to_owned())));
    let path = read("requestURI").map(|uri| uri.split('?').next().unwrap_or(uri));
    let (action, resource) = match (read("objectRef.resource"), read("objectRef.subresource")) {
        (Some(kind), Some(part)) => (Some(format!("{verb} {kind}/{part}")), Some(scope(read("objectRef.namespace")))),
        (Some(kind), None) => (Some(format!("{verb} {kind}")), Some(scope(read("objectRef.namespace")))),
        _ => (path.map(|path| format!("{verb} {path}")), path.map(str::to_owned)),
    };
    record.fields.extend(action.map(|action| ("action", action)));
    record.fields.extend(resource.map(|resource| ("resource", resource)));
    record.fields.extend(read("responseStatus.code").map(|code| ("status", code.to_owned())));
    record.context.extend(read("sourceIPs").map(|address| ("source".to_owned(), address.to_owned())));
    record.verdict = match (read("annotations.authorization.k8s.io/decision"), read("responseStatus.code")) {
        (Some("forbid"), _) => Some("audit-forbid"),
        (Some("allow"), Some("403")) => Some("audit-admission"),
        (None, Some("403")) => Some("audit-forbidden"),
        (_, Some("401")) => Some("audit-unauthenticated"),
        _ => None,
    };
    Some(record)
}

fn scope(namespace: Option<&str>) -> String {
    namespace.map_or_else(|| "cluster scope".to_owned(), |namespace| format!("namespace {namespace}"))
}
