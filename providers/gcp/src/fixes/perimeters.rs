//! What lets a call through a service perimeter.

use crate::language::principals::Principal;
use crate::world::{World, json};
use iam_why_contract::{Edit, Place, Proposal};
use serde_json::{Value, json as object};

/// V6, V7: an ingress or egress policy for the caller alone, from where it calls, to the project and the service that it asks for.
pub(super) fn crossing(world: &World<'_>, place: &Place, who: &str) -> Option<Proposal> {
    if world.request.principal == Principal::Anonymous {
        return None;
    }
    let inward = place.pointer.rsplit_once("/restrictedServices").map(|(status, _)| status);
    let outward = place.pointer.strip_suffix("/egressPolicies").or_else(|| Some(&*place.pointer).filter(|at| at.ends_with("/status")));
    let status = inward.or(outward)?;
    let (name, direction) = if inward.is_some() { ("ingressPolicies", "ingress") } else { ("egressPolicies", "egress") };
    let document = world.snapshot.document(&place.document).and_then(json)?;
    let perimeter = document.pointer(status.rsplit_once('/')?.0)?.get("name")?.as_str()?.to_owned();
    let list = format!("{status}/{name}");
    let service = document.pointer(&place.pointer).and_then(Value::as_str).filter(|service| *service != "*");
    let service = service.or_else(|| world.request.permission.apis().into_iter().next())?;
    let to = object!({"resources": [numbered(world)?], "operations": [operation(world, service)]});
    let policy = if inward.is_some() { letting_in(world, &to) } else { letting_out(world, &to) };
    let patch = if document.pointer(status)?.get(name).is_some() {
        object!({"op": "add", "path": format!("{list}/-"), "value": policy})
    } else {
        object!({"op": "add", "path": list, "value": [policy]})
    };
    let mut widens = Vec::new();
    if world.context("method").is_none() {
        widens.push(format!("every method of {service} there, as far as IAM grants it"));
    }
    if inward.is_some() && world.context("source.project").is_none() {
        widens.push("from any network: name an access level instead of `*` where there is one".to_owned());
    }
    let (access_policy, id) = perimeter.strip_prefix("accessPolicies/").and_then(|rest| rest.split_once("/servicePerimeters/"))?;
    Some(Proposal {
        says: format!("add an {direction} policy for {} to the service perimeter {id}", world.request.principal.v1()),
        edits: vec![Edit { document: place.document.to_string(), creates: None, patch: vec![patch] }],
        who: who.to_owned(),
        widens: (!widens.is_empty()).then(|| widens.join("; ")),
        commands: vec![format!(
            "gcloud access-context-manager perimeters update {id} --policy={access_policy} --set-{direction}-policies=ALL_POLICIES.yaml"
        )],
    })
}

fn letting_in(world: &World<'_>, to: &Value) -> Value {
    let source = world.context("source.project").map_or_else(|| object!({"accessLevel": "*"}), |source| object!({"resource": source}));
    object!({"ingressFrom": {"identities": [world.request.principal.v1()], "sources": [source]}, "ingressTo": to})
}

fn letting_out(world: &World<'_>, to: &Value) -> Value {
    object!({"egressFrom": {"identities": [world.request.principal.v1()]}, "egressTo": to})
}

/// Perimeters name projects by number.
fn numbered(world: &World<'_>) -> Option<String> {
    world.project.number.as_ref().map(|number| format!("projects/{number}"))
}

fn operation(world: &World<'_>, service: &str) -> Value {
    let method = world.context("method").unwrap_or("*");
    object!({"serviceName": service, "methodSelectors": [{"method": method}]})
}
