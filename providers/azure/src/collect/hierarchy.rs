//! The subscription, and the management groups above it: from Resource Graph, which takes no right on the groups (F-13).

use super::outcome::Failure;
use super::reader::Reader;
use super::step;
use crate::scope::Scope;
use crate::world::guid;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What Resource Graph says of what is above a scope.
pub(super) struct Above {
    /// As Resource Graph has it: `{name, managementGroupAncestorsChain}`.
    answer: Option<Result<Value, Failure>>,
}

/// The subscription itself.
pub(super) async fn subscription(reader: &Reader<'_>, base: &Scope) -> bool {
    let Some(id) = base.subscription() else { return true };
    reader.expect(&step::SUBSCRIPTION, id);
    match reader.get(&step::SUBSCRIPTION, &format!("/subscriptions/{id}")).await {
        Ok(object) => {
            reader.found(&step::SUBSCRIPTION, id, &format!("subscription {id}"), &object);
            true
        }
        Err(failure) => {
            reader.unlisted(&step::SUBSCRIPTION, id, &failure);
            false
        }
    }
}

/// What is above a subscription or a management group.
pub(super) async fn above(reader: &Reader<'_>, base: &Scope) -> Above {
    let Some((query, subscription)) = query(base) else { return Above { answer: None } };
    reader.expect(&step::ANCESTORS, &named(base));
    let rows = reader.query(&step::ANCESTORS, &query, subscription.as_deref()).await;
    let shown = |rows: Vec<Value>| rows.into_iter().find(|row| row.get("managementGroupAncestorsChain").is_some_and(Value::is_array));
    let unseen = || Failure::Unseen(format!("Resource Graph does not show {base}"));
    Above { answer: Some(rows.and_then(|rows| shown(rows).ok_or_else(unseen))) }
}

/// The query, and the subscription that it is sent to. Names of management groups are letters, digits and `-_.()`.
fn query(base: &Scope) -> Option<(String, Option<String>)> {
    if let Some(id) = base.subscription() {
        let id = guid(id).map(|digits| crate::world::dashed(&digits))?;
        let query = format!(
            "resourcecontainers | where type =~ 'microsoft.resources/subscriptions' and subscriptionId =~ '{id}' | project subscriptionId, managementGroupAncestorsChain = properties.managementGroupAncestorsChain"
        );
        return Some((query, Some(id)));
    }
    let name = base.in_management_group()?;
    let plain = name.chars().all(|one| one.is_ascii_alphanumeric() || "-_.()".contains(one));
    let query = format!(
        "resourcecontainers | where type =~ 'microsoft.management/managementgroups' and name =~ '{name}' | project name, managementGroupAncestorsChain = properties.details.managementGroupAncestorsChain"
    );
    plain.then_some((query, None))
}

/// Hands in what is above. Resource Graph learns of a move with a delay: a management group whose assignments Azure lists for the scope
/// is above it, whatever Resource Graph says.
pub(super) fn keep(reader: &Reader<'_>, base: &Scope, above: Above, seen: &BTreeSet<String>) -> bool {
    let subject = named(base);
    match above.answer {
        None => true,
        Some(Ok(row)) => {
            let row = completed(base, row, seen);
            reader.found(&step::ANCESTORS, &subject, &format!("management groups above {subject}"), &row);
            true
        }
        Some(Err(failure)) => {
            reader.unlisted(&step::ANCESTORS, &subject, &failure);
            false
        }
    }
}

fn completed(base: &Scope, mut row: Value, seen: &BTreeSet<String>) -> Value {
    let own = base.management_group();
    if let Some(chain) = row.get_mut("managementGroupAncestorsChain").and_then(Value::as_array_mut) {
        let has = |name: &str, chain: &[Value]| {
            chain.iter().any(|one| one.get("name").and_then(Value::as_str).is_some_and(|other| other.eq_ignore_ascii_case(name)))
        };
        for name in seen {
            if own != Some(name.as_str()) && !has(name, chain) {
                chain.push(json!({"name": name}));
            }
        }
    }
    row
}

/// A subscription goes by its id, a management group by its scope.
fn named(base: &Scope) -> String {
    base.subscription().map_or_else(|| base.text().to_owned(), str::to_owned)
}

/// A subscription with what is above it, for whoever asks for nothing else. Says whether both were read.
pub(super) async fn both(reader: &Reader<'_>, base: &Scope, seen: &BTreeSet<String>) -> bool {
    let (itself, above) = futures_util::future::join(Box::pin(subscription(reader, base)), Box::pin(above(reader, base))).await;
    let kept = keep(reader, base, above, seen);
    itself && kept
}

#[cfg(test)]
mod tests {
    use super::{completed, query};
    use crate::scope::Scope;
    use serde_json::json;

    #[test]
    fn a_group_that_azure_lists_assignments_of_is_above_whatever_resource_graph_says() {
        let base = Scope::new("/subscriptions/11111111-1111-1111-1111-111111111111");
        let row = json!({"managementGroupAncestorsChain": [{"name": "Unit"}]});
        let whole = completed(&base, row, &["unit".to_owned(), "moved".to_owned()].into());
        assert_eq!(whole["managementGroupAncestorsChain"], json!([{"name": "Unit"}, {"name": "moved"}]));
    }

    #[test]
    fn a_name_that_would_end_the_text_in_a_query_is_not_asked_for() {
        assert!(query(&Scope::of_management_group("a' or '1'=='1")).is_none());
        assert!(query(&Scope::of_management_group("unit-(eu)")).is_some());
    }
}
