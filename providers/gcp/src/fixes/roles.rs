//! Which roles grant a permission, and can be granted on a resource.
//!
//! Three sources, the cloud's own reading first: definitions of roles that were read, the list of what can be granted on the very
//! resource where that was read, and a list of narrow predefined roles that comes with this program.

use super::predefined::{self, LISTED, Predefined};
use crate::documents;
use crate::language::resources::FullName;
use crate::world::{RoleSays, World, json};
use iam_why_contract::fix::NewDocument;
use iam_why_contract::{Edit, Outcome};
use serde_json::{Value, json as object};
use std::collections::BTreeMap;

/// A role that grants the permission, and how many it grants in all.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub permissions: usize,
    pub name: String,
    /// Where its definition comes from.
    pub source: Source,
    /// Is it offered only behind others?
    late: bool,
}

/// Where the definition of a role comes from.
#[derive(Debug, Clone)]
pub(super) enum Source {
    /// A document of the snapshot.
    Read,
    /// What Google Cloud listed as grantable on the resource.
    Offered(Value),
    /// The list that comes with this program.
    Listed(Predefined),
}

/// Basic roles grant thousands of permissions: granting one is never the narrowest change.
const BASIC: &[&str] = &["roles/owner", "roles/editor", "roles/viewer", "roles/admin", "roles/writer", "roles/reader"];

/// Roles that grant the permission and may be granted on `node`, those with the fewest permissions first.
pub(super) fn narrowest(world: &World<'_>, node: &FullName) -> Vec<Candidate> {
    let offered = offered(world, node);
    let mut found = read(world);
    found.extend(of_offer(world, offered.as_ref()));
    found.extend(of_list(world, offered.as_ref()));
    found.retain(|role| is_proposable(&role.name) && is_grantable(world, &role.name, node, offered.as_ref()));
    found.sort_by(|one, two| (one.late, one.permissions, &one.name).cmp(&(two.late, two.permissions, &two.name)));
    found
}

/// Roles of the snapshot.
fn read(world: &World<'_>) -> Vec<Candidate> {
    let permission = &world.request.permission;
    let documents = world.snapshot.all_of(documents::ROLE).filter(|document| {
        // A catalogue holds some thousand roles: what is not proposed is not parsed.
        is_proposable(&document.subject) && permission.is_mentioned_in(&document.text)
    });
    let candidate = |document: &iam_why_contract::Document| {
        let name = document.subject.to_string();
        let includes = matches!(world.role(&name).says, RoleSays::Includes(_));
        let permissions = included(&json(document)?)?;
        includes.then(|| Candidate::new(name, permissions, Source::Read, None))
    };
    let mut found: Vec<Candidate> = documents.filter_map(candidate).collect();
    found.dedup_by(|one, two| one.name == two.name);
    found
}

fn included(role: &Value) -> Option<usize> {
    let stage = role.get("stage").and_then(Value::as_str);
    let dead = matches!(stage, Some("DISABLED" | "DEPRECATED")) || role.get("deleted").and_then(Value::as_bool) == Some(true);
    let permissions = role.get("includedPermissions")?.as_array()?;
    (!dead).then_some(permissions.len())
}

/// What Google Cloud says can be granted on `node`, by name; `None` where that was not read.
fn offered(world: &World<'_>, node: &FullName) -> Option<BTreeMap<String, Value>> {
    let document = world.documents(documents::GRANTABLE, node).into_iter().next().and_then(json)?;
    let roles = document.get("roles")?.as_array()?;
    Some(roles.iter().filter_map(|role| Some((role.get("name")?.as_str()?.to_owned(), role.clone()))).collect())
}

fn of_offer(world: &World<'_>, offered: Option<&BTreeMap<String, Value>>) -> Vec<Candidate> {
    let permission = &world.request.permission;
    let named = |one: &Value| one.as_str().is_some_and(|one| one == permission.v1() || one == permission.v2());
    let grants = |role: &Value| role.get("includedPermissions").and_then(Value::as_array).is_some_and(|all| all.iter().any(named));
    let new = offered.into_iter().flatten().filter(|(name, role)| grants(role) && !is_known(world, name));
    new.filter_map(|(name, role)| {
        let stage = role.get("stage").and_then(Value::as_str).unwrap_or("ALPHA");
        Some(Candidate::new(name.clone(), included(role)?, Source::Offered(role.clone()), Some(stage)))
    })
    .collect()
}

fn of_list(world: &World<'_>, offered: Option<&BTreeMap<String, Value>>) -> Vec<Candidate> {
    let told = |name: &str| is_known(world, name) || offered.is_some_and(|offered| offered.contains_key(name));
    let roles = predefined::granting(world.request.permission.v1()).filter(|role| !told(role.name));
    roles.map(|role| Candidate::new(role.name.to_owned(), role.size(), Source::Listed(role), None)).collect()
}

/// Does the snapshot say what the role is, or that there is none?
fn is_known(world: &World<'_>, name: &str) -> bool {
    world.snapshot.of(documents::ROLE, name).next().is_some() || world.snapshot.outcome(documents::ROLE, name) == Some(&Outcome::Absent)
}

/// Basic roles are never the narrowest; roles of service agents are for these alone
/// (docs.cloud.google.com/iam/docs/service-agents: "don't grant service agent roles to any principals except service agents").
fn is_proposable(name: &str) -> bool {
    !BASIC.contains(&name) && !name.ends_with("erviceAgent") && !name.contains("_withcond_")
}

/// A custom role can be bound where it lives or below (A3); a predefined one where Google Cloud takes it.
fn is_grantable(world: &World<'_>, name: &str, node: &FullName, offered: Option<&BTreeMap<String, Value>>) -> bool {
    if let Some((home, _)) = name.rsplit_once("/roles/") {
        return world.path.nodes.iter().any(|node| world.same_node(&node.path, home).is_yes());
    }
    match (offered, predefined::named(name)) {
        (Some(offered), _) => offered.contains_key(name),
        (None, Some(role)) => role.is_grantable_on(node),
        (None, None) => seems_grantable(name, node),
    }
}

/// Where neither Google Cloud nor the list says what a role can be granted on: below a project, on resources of its own service.
fn seems_grantable(name: &str, node: &FullName) -> bool {
    let of_buckets = name.starts_with("roles/storage.legacy");
    let of_organizations = name.starts_with("roles/resourcemanager.organization") || name.starts_with("roles/billing.");
    let only_on = if of_buckets { Some("buckets") } else { of_organizations.then_some("organizations") };
    if let Some(collection) = only_on {
        return node.collection() == Some(collection);
    }
    let product = name.strip_prefix("roles/").and_then(|id| id.split_once('.')).map(|(product, _)| product);
    let service = node.service.split('.').next().unwrap_or_default();
    node.is_node() || product.is_none_or(|product| service.trim_end_matches("admin") == product.trim_end_matches("admin"))
}

impl Candidate {
    fn new(name: String, permissions: usize, source: Source, stage: Option<&str>) -> Self {
        // Google keeps the legacy roles for what access control lists were; roles of early access take a sign-up.
        let late = name.starts_with("roles/storage.legacy") || matches!(stage, Some("ALPHA" | "EAP"));
        Self { permissions, name, source, late }
    }

    /// A custom role that is made for the permission.
    pub(super) fn made(name: String) -> Self {
        Self::new(name, 1, Source::Read, None)
    }

    /// The edit that brings its definition into a snapshot that has none. It changes nothing in the cloud: the role is there.
    pub(super) fn definition(&self) -> Option<Edit> {
        let (text, title) = match &self.source {
            Source::Read => return None,
            Source::Offered(role) => (role.clone(), format!("role {} as Google Cloud offers it", self.name)),
            Source::Listed(role) => (role.definition(), format!("role {} as listed by {LISTED}", self.name)),
        };
        let creates = NewDocument { kind: documents::ROLE.into(), subject: self.name.clone(), title };
        let patch = vec![object!({"op": "add", "path": "", "value": text})];
        Some(Edit { document: format!("{} {}", documents::ROLE, self.name), creates: Some(creates), patch })
    }

    /// Where what is said of it comes from, for whom that matters: the list may be older than the role.
    pub(super) fn hedge(&self) -> String {
        match self.source {
            Source::Listed(_) => format!(" ({0} as listed by {LISTED}: `gcloud iam roles describe {0}` shows today's)", self.name),
            Source::Read | Source::Offered(_) => String::new(),
        }
    }

    /// What it grants besides the permission.
    pub(super) fn others(&self) -> Option<String> {
        let least = if matches!(self.source, Source::Listed(_)) { "at least " } else { "" };
        match self.permissions.saturating_sub(1) {
            0 => None,
            1 => Some(format!("{} has {least}one other permission", self.name)),
            others => Some(format!("{} has {least}{others} other permissions", self.name)),
        }
    }
}
