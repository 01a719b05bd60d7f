//! A management group with everything below it: each group's own lists, and every subscription whole.

use super::connection::Service;
use super::hierarchy;
use super::outcome::Failure;
use super::principal::unusable;
use super::question::member;
use super::step;
use super::subscription::Run;
use crate::scope::Scope;
use crate::world::last;
use futures_util::future::join_all;
use iam_why_contract::CollectError;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Azure allows six levels below the root.
const DEEPEST: usize = 16;

/// Reads a management group.
pub(super) async fn read(run: &Run<'_>, base: &Scope) -> Result<(), CollectError> {
    let below = below(run, base).await?;
    let named = |kind: &'static str| below.iter().filter(move |one| is(one, kind)).filter_map(|one| one.get("name")?.as_str());
    let groups: Vec<Scope> = std::iter::once(base.clone()).chain(named("managementgroups").map(Scope::of_management_group)).collect();
    join_all(groups.iter().map(|group| Box::pin(run.scoped(group)))).await;
    join_all(groups.iter().map(|group| Box::pin(run.step(group, "hierarchy", Box::pin(above(run, group)))))).await;
    // One after the other: a subscription in full is many calls, and an interruption finds whole ones done.
    for id in named("subscriptions") {
        run.subscription(&Scope::new(&format!("/subscriptions/{id}"))).await;
    }
    Ok(())
}

/// Everything that descends from the group. Resource Graph would show only what the credentials may see.
async fn below(run: &Run<'_>, base: &Scope) -> Result<Vec<Value>, CollectError> {
    let step = &step::DESCENDANTS;
    let query = super::reader::version(step);
    let path = format!("{}/descendants", base.text());
    match run.reader.pages(step, Service::Manager, &path, &query).await {
        Ok(items) => {
            let name = last(base.text());
            run.reader.found(step, name, &format!("management group {name}"), &tree(name, &items));
            Ok(items)
        }
        Err(failure @ (Failure::Credentials(_) | Failure::Connection(_) | Failure::Answered { status: 401, .. })) => {
            Err(unusable(run.reader, &failure))
        }
        Err(failure) => {
            let needs = step.needs.join(" or ");
            let said = failure.said(&run.reader.secrets);
            Err(CollectError::NothingRead {
                cloud: "Azure",
                said: format!("what is below {base} could not be listed ({said}); it takes {needs}"),
            })
        }
    }
}

async fn above(run: &Run<'_>, base: &Scope) -> bool {
    let above = hierarchy::above(run.reader, base).await;
    hierarchy::keep(run.reader, base, above, &BTreeSet::new())
}

fn is(one: &Value, kind: &str) -> bool {
    let stated = one.get("type").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
    stated.trim_end_matches('/').ends_with(kind)
}

/// As `az account management-group show --expand --recurse` prints it. Each descendant stands in it once, whatever the parents say.
fn tree(name: &str, items: &[Value]) -> Value {
    let mut placed = BTreeSet::from([name.to_ascii_lowercase()]);
    let children = children(name, items, &mut placed, 0);
    json!({"name": name, "type": "Microsoft.Management/managementGroups", "children": children})
}

fn children(parent: &str, items: &[Value], placed: &mut BTreeSet<String>, depth: usize) -> Vec<Value> {
    let above = |one: &Value| {
        let id = one.pointer("/properties/parent/id").and_then(Value::as_str);
        id.is_some_and(|id| last(id).eq_ignore_ascii_case(parent))
    };
    let mut branches = Vec::new();
    for one in items.iter().filter(|one| above(one)) {
        let name = one.get("name").and_then(Value::as_str).unwrap_or_default();
        if depth < DEEPEST && placed.insert(name.to_ascii_lowercase()) {
            let below = if is(one, "managementgroups") { children(name, items, placed, depth + 1) } else { Vec::new() };
            branches.push(json!({"name": name, "type": one.get("type"), "displayName": member(one, "displayName"), "children": below}));
        }
    }
    branches
}

#[cfg(test)]
mod tests {
    use super::tree;
    use serde_json::json;

    #[test]
    fn descendants_become_the_tree_that_the_command_line_prints() {
        let parent = |name: &str| json!({"parent": {"id": format!("/providers/Microsoft.Management/managementGroups/{name}")}});
        let items = [
            json!({"name": "unit", "type": "Microsoft.Management/managementGroups", "properties": parent("TOP")}),
            json!({"name": "11111111-1111-1111-1111-111111111111", "type": "/subscriptions", "properties": parent("unit")}),
        ];
        let tree = tree("top", &items);
        assert_eq!(tree["children"][0]["name"], "unit");
        assert_eq!(tree["children"][0]["children"][0]["type"], "/subscriptions");
    }

    #[test]
    fn a_circle_of_parents_ends() {
        let parent = |name: &str| json!({"parent": {"id": name}});
        let items = [
            json!({"name": "a", "type": "managementGroups", "properties": parent("b")}),
            json!({"name": "b", "type": "managementGroups", "properties": parent("a")}),
        ];
        assert!(tree("a", &items).to_string().len() < 10_000);
    }
}
