//! Kubernetes RBAC: inside a cluster, either RBAC or IAM may grant (N60).
//!
//! docs.cloud.google.com/kubernetes-engine/docs/how-to/role-based-access-control.

use super::{K8S_RBAC, ruling_of_grant};
use crate::documents;
use crate::facts::Facts;
use crate::world::{World, doubt, json};
use iam_why_contract::{Outcome, Recorder, Step, Truth};
use serde_json::Value;

/// Is the permission one on an object inside a cluster, rather than on the cluster itself?
pub(crate) fn in_cluster(world: &World<'_>) -> bool {
    let permission = &world.request.permission;
    permission.service() == "container"
        && !matches!(permission.resource(), "container.clusters" | "container.operations" | "container.hostServiceAgent")
}

/// What RBAC grants inside the cluster.
pub(crate) fn grants<R: Recorder>(world: &World<'_>, facts: &Facts) -> (Truth, Vec<Step>) {
    if !in_cluster(world) {
        return (Truth::No, Vec::new());
    }
    let cluster = &world.request.resource;
    // A review belongs to the cluster, also where the request names a namespace or an object in it.
    let mut names = vec![cluster];
    names.extend(world.path.resources.iter().filter(|name| *name != cluster));
    let reviews = names.into_iter().flat_map(|name| world.documents(documents::ACCESS_REVIEW, name));
    let found = reviews.into_iter().find_map(|document| Some((document, answers(world, &json(document)?)?)));
    let (document, allowed) = found.map_or((None, None), |(document, allowed)| (Some(document), Some(allowed)));
    let grants = match (allowed, world.outcome(documents::ACCESS_REVIEW, cluster)) {
        (Some(true), _) => Truth::Yes,
        (Some(false), _) | (None, Some(Outcome::Absent)) => Truth::No,
        (None, outcome) => {
            let subject = world.shown(cluster);
            facts.truth("k8s_rbac", || doubt(documents::ACCESS_REVIEW, &subject, outcome))
        }
    };
    let documents = document.into_iter().map(|document| document.id.to_string()).collect();
    let step = R::KEEPS.then(|| Step {
        layer: K8S_RBAC,
        subject: world.shown(cluster),
        ruling: ruling_of_grant(grants),
        needed: false,
        documents,
        statements: Vec::new(),
        note: "RBAC is asked before IAM, and either grant suffices".into(),
    });
    (grants, step.into_iter().collect())
}

/// What a review says, where it is one of this request: of the same user, verb and resource.
fn answers(world: &World<'_>, review: &Value) -> Option<bool> {
    let spec = review.get("spec")?;
    let asked = spec.get("resourceAttributes")?;
    let field = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_ascii_lowercase);
    let permission = &world.request.permission;
    let resource = permission.resource().rsplit('.').next().map(str::to_ascii_lowercase);
    let same_user = field(spec, "user") == world.request.principal.email().map(str::to_ascii_lowercase);
    let same = same_user && field(asked, "verb") == Some(permission.verb().to_ascii_lowercase()) && field(asked, "resource") == resource;
    let allowed = review.get("status").filter(|_| same)?.get("allowed")?.as_bool()?;
    let reviewed = asked.get("namespace").and_then(Value::as_str).filter(|name| !name.is_empty());
    match (namespace(world), reviewed) {
        (Some(mine), Some(other)) if mine != other => None,
        // What is not allowed in all namespaces may be allowed in one.
        (Some(_), None) if !allowed => None,
        _ => Some(allowed),
    }
}

/// `…/clusters/C/k8s/namespaces/NAMESPACE/…`
fn namespace<'w>(world: &'w World<'_>) -> Option<&'w str> {
    let mut parts = world.request.resource.path.split('/');
    parts.find(|part| *part == "namespaces").and_then(|_| parts.next())
}
