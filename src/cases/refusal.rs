//! Cases about the text of a refusal.

use crate::explain;
use iam_why_contract::refusal::Refusal;
use serde_json::Value;

/// The text, where the case is one of these.
pub(super) fn raw(value: &Value) -> Option<&str> {
    value.get("expect").filter(|expect| expect.is_object())?;
    value.get("raw")?.as_str()
}

/// The reason that is expected.
pub(super) fn reason(value: &Value) -> Option<String> {
    expected(value, "reason").map(str::to_owned)
}

/// What is not as expected of the first refusal that the text holds.
pub(super) fn differences(raw: &str, value: &Value) -> Vec<String> {
    let found = explain::text(raw);
    let Some(first) = found.first() else { return vec!["no refusal was recognised".to_owned()] };
    let must = [("provider", first.provider.as_str()), ("refused_by", &first.refused_by), ("reason", first.reason.id())];
    let must = must.into_iter().filter(|(field, got)| expected(value, field) != Some(got)).map(|(field, got)| line(value, field, got));
    let stated = FIELDS.iter().filter_map(|(field, got)| stated(value, field, got(first).as_deref(), first));
    must.chain(stated).collect()
}

type Field = (&'static str, fn(&Refusal) -> Option<String>);

/// What a text may state or not.
const FIELDS: [Field; 5] = [
    ("principal", |refusal| refusal.principal.clone()),
    ("action", |refusal| refusal.action.clone()),
    ("resource", |refusal| refusal.resource.clone()),
    ("policy_kind", |refusal| refusal.policy_kind.clone()),
    ("status", |refusal| refusal.status.map(|status| status.to_string())),
];

/// A field that the text states must be right. One that it does not print may be missing, and what we say of it ourselves must say so.
fn stated(value: &Value, field: &str, got: Option<&str>, refusal: &Refusal) -> Option<String> {
    let derived = value.get("derived").and_then(Value::as_array).is_some_and(|fields| fields.iter().any(|known| known == field));
    let wanted = match value.pointer(&format!("/expect/{field}")) {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    let fine = match (wanted.as_deref(), got) {
        (Some(wanted), Some(got)) => wanted == got || may_differ(field, wanted, refusal),
        (Some(_), None) => derived,
        (None, Some(_)) => refusal.derived.contains(&field),
        (None, None) => true,
    };
    (!fine).then(|| line(value, field, got.unwrap_or("none")))
}

/// Some texts name the caller twice, by name and by id; a status that is not printed is what the service is known to send, and services
/// changed that over time.
fn may_differ(field: &str, wanted: &str, refusal: &Refusal) -> bool {
    match field {
        "principal" => refusal.context.get("client").is_some_and(|client| client == wanted),
        "status" => refusal.derived.contains(&"status"),
        _ => false,
    }
}

fn expected<'a>(value: &'a Value, field: &str) -> Option<&'a str> {
    value.get("expect")?.get(field)?.as_str()
}

fn line(value: &Value, field: &str, got: &str) -> String {
    let wanted = value.pointer(&format!("/expect/{field}")).map_or_else(|| "nothing".to_owned(), ToString::to_string);
    format!("expected {field} {wanted}, got {got}")
}
