//! Resource Manager: the path from a project to its organization, and the allow policies on it.

use super::reader::Reader;
use super::step::{FOLDER_POLICY, GET_FOLDER, GET_ORGANIZATION, GET_PROJECT, ORGANIZATION_POLICY, PROJECT_POLICY, Step};
use super::wire::{Call, parts};
use crate::language::resources::FullName;
use futures_util::future::join_all;
use serde_json::{Value, json};

/// Folders nest at most ten deep.
const DEEPEST: usize = 16;

/// What lies above a resource, as far as it was readable.
#[derive(Debug, Clone, Default)]
pub(super) struct Above {
    /// Nearest first.
    pub nodes: Vec<FullName>,
    /// The organization's document.
    pub organization: Option<Value>,
}

impl Above {
    /// The organization, where the path reaches one.
    pub(super) fn top(&self) -> Option<&FullName> {
        self.nodes.iter().find(|node| node.path.starts_with("organizations/"))
    }
}

/// Reads `start` and what lies above it, parent by parent.
pub(super) async fn climb(reader: &Reader<'_>, start: FullName) -> Above {
    let mut above = Above::default();
    let mut next = Some(start);
    for _ in 0..DEEPEST {
        let Some(node) = next.take() else { break };
        let step = describing(&node);
        let call = Call::get(format!("/v3/{}", parts(&node.path)));
        let value = reader.read(step, &node.to_string(), &node.path, &call, &["name"]).await;
        above.nodes.push(node.clone());
        if node.path.starts_with("organizations/") {
            above.organization = value;
            break;
        }
        let parent = value.as_ref().and_then(|value| value.get("parent")?.as_str());
        next = parent.and_then(FullName::node).filter(|parent| !above.nodes.contains(parent));
    }
    above
}

/// Reads the allow policies of these nodes.
pub(super) async fn policies(reader: &Reader<'_>, nodes: &[FullName]) -> Vec<Value> {
    join_all(nodes.iter().map(|node| policy(reader, node))).await.into_iter().flatten().collect()
}

async fn policy(reader: &Reader<'_>, node: &FullName) -> Option<Value> {
    let step = match node.path.split('/').next() {
        Some("projects") => &PROJECT_POLICY,
        Some("folders") => &FOLDER_POLICY,
        _ => &ORGANIZATION_POLICY,
    };
    let body = json!({"options": {"requestedPolicyVersion": 3}});
    let call = Call::post(format!("/v3/{}:getIamPolicy", parts(&node.path)), body);
    reader.read(step, &node.to_string(), &format!("allow policy of {}", node.path), &call, POLICY).await
}

/// An allow policy without bindings is an `etag` and nothing else.
pub(super) const POLICY: &[&str] = &["etag", "bindings"];

fn describing(node: &FullName) -> &'static Step {
    match node.path.split('/').next() {
        Some("projects") => &GET_PROJECT,
        Some("folders") => &GET_FOLDER,
        _ => &GET_ORGANIZATION,
    }
}
