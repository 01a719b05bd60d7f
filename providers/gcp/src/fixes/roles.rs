//! Which roles grant a permission, and can be granted on a resource.
//!
//! Its sources, the cloud's own first: definitions of roles that were read; what can be granted on the very resource and the catalogue of
//! all predefined roles, where those were read; a list of narrow predefined roles that comes with this program.

use super::catalogue;
use super::predefined::{self, LISTED, Predefined};
use crate::documents;
use crate::language::principals::Principal;
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
    /// How many of them do more than show something.
    powers: usize,
    pub name: String,
    /// Where its definition comes from.
    pub source: Source,
    /// Does it take a sign-up?
    early: bool,
    /// Is it offered only behind others?
    late: bool,
}

/// Where the definition of a role comes from.
#[derive(Debug, Clone)]
pub(super) enum Source {
    /// A document of the snapshot.
    Read,
    /// What Google Cloud said of it in a list.
    Told(Value),
    /// The list that comes with this program.
    Listed(Predefined),
}

/// Basic roles grant thousands of permissions: granting one is never the narrowest change.
const BASIC: &[&str] = &["roles/owner", "roles/editor", "roles/viewer", "roles/admin", "roles/writer", "roles/reader"];

/// Roles that grant the permission and may be granted on `node`, the narrowest first: roles of the product that the permission belongs to,
/// those with the fewest permissions that do more than show something, then those with the fewest.
pub(super) fn narrowest(world: &World<'_>, node: &FullName) -> Vec<Candidate> {
    let offered = offered(world, node);
    let mut found = read(world);
    found.extend(told(world, node, offered.as_ref()));
    found.extend(listed(world, offered.as_ref()));
    found.retain(|role| is_proposable(&role.name) && is_grantable(world, &role.name, node, offered.as_ref()));
    for role in &mut found {
        role.late = is_late(world, role);
    }
    found.sort_by(|one, two| one.rank(world).cmp(&two.rank(world)));
    // Behind the first: what is narrower and comes late, and what is in use here.
    let first = found.first().map_or(0, |role| role.permissions);
    let more = found.split_off(found.len().min(1));
    found.extend(more.into_iter().filter(|role| (role.late && role.permissions < first) || is_used(world, &role.name)));
    found
}

/// Does the permission only show something: `get`, `list` and their like? What hands out credentials or data has longer names.
fn only_shows(permission: &str) -> bool {
    const READS: &[&str] = &["get", "getIamPolicy", "getMetadata", "fullView", "lookup", "search", "validate", "view"];
    let verb = permission.rsplit('.').next().unwrap_or_default();
    READS.contains(&verb) || verb.starts_with("list")
}

/// Is another role the better choice though it may be wider? Google keeps the legacy roles of Cloud Storage for what access control lists
/// were; one role is made for workloads that impersonate a service account from a pool; roles of early access take a sign-up.
fn is_late(world: &World<'_>, role: &Candidate) -> bool {
    let pooled = matches!(world.request.principal, Principal::Federated(_));
    let meant_for_others = role.name.starts_with("roles/storage.legacy") || (role.name == "roles/iam.workloadIdentityUser" && !pooled);
    meant_for_others || (role.early && !is_used(world, &role.name))
}

/// Is it a role of the company itself, or bound on the way?
fn is_used(world: &World<'_>, name: &str) -> bool {
    let mut bindings = world.allow.iter().flat_map(|level| &level.policies).flat_map(|policy| &policy.bindings);
    !name.starts_with("roles/") || bindings.any(|binding| binding.role == name)
}

/// Roles of the snapshot.
fn read(world: &World<'_>) -> Vec<Candidate> {
    let permission = &world.request.permission;
    let all = world.snapshot.all_of(documents::ROLE);
    let documents = all.filter(|document| is_proposable(&document.subject) && permission.is_mentioned_in(&document.text));
    let mut found: Vec<Candidate> = documents
        .filter_map(|document| {
            let name = &document.subject;
            let includes = matches!(world.role(name).says, RoleSays::Includes(_));
            includes.then(|| Candidate::of(name, &json(document)?, Source::Read)).flatten()
        })
        .collect();
    found.dedup_by(|one, two| one.name == two.name);
    found
}

/// What Google Cloud says can be granted on `node`, by name; `None` where that was not read.
fn offered(world: &World<'_>, node: &FullName) -> Option<BTreeMap<String, Value>> {
    let document = world.documents(documents::GRANTABLE, node).into_iter().next().and_then(json)?;
    let roles = document.get("roles")?.as_array().filter(|roles| !roles.is_empty())?;
    Some(roles.iter().filter_map(|role| Some((role.get("name")?.as_str()?.to_owned(), role.clone()))).collect())
}

/// Roles of the lists of Google Cloud.
fn told(world: &World<'_>, node: &FullName, offered: Option<&BTreeMap<String, Value>>) -> Vec<Candidate> {
    let permission = &world.request.permission;
    let named = |one: &Value| one.as_str().is_some_and(|one| one == permission.v1() || one == permission.v2());
    let grants = |role: &&Value| role.get("includedPermissions").and_then(Value::as_array).is_some_and(|all| all.iter().any(named));
    let roles = offered.map(|offered| offered.values().filter(grants).cloned().collect());
    let candidate = |role: Value| {
        let name = role.get("name")?.as_str()?.to_owned();
        if is_known(world, &name) { None } else { Candidate::of(&name, &role.clone(), Source::Told(role)) }
    };
    roles.unwrap_or_else(|| catalogued(world, node)).into_iter().filter_map(candidate).collect()
}

/// Roles of the catalogue, which has some thousand: those of other products are looked at only where there are no others.
fn catalogued(world: &World<'_>, node: &FullName) -> Vec<Value> {
    let fits = |name: &str| is_proposable(name) && is_grantable(world, name, node, None);
    let granting = |foreign: bool| {
        let wanted = |name: &str| (foreign || !is_foreign(world, name)) && fits(name);
        let documents = world.snapshot.all_of(documents::ROLE_CATALOGUE);
        documents.flat_map(|document| catalogue::granting(&document.text, &world.request.permission, wanted)).collect::<Vec<_>>()
    };
    let own = granting(false);
    if own.is_empty() { granting(true) } else { own }
}

/// Is it made for another product? It has the permission for the sake of others.
fn is_foreign(world: &World<'_>, role: &str) -> bool {
    let product = role.strip_prefix("roles/").and_then(|id| id.split_once('.')).map(|(product, _)| product);
    product.is_some_and(|product| product != world.request.permission.service())
}

/// Roles of the list that comes with this program, where Google Cloud's own lists were not read.
fn listed(world: &World<'_>, offered: Option<&BTreeMap<String, Value>>) -> Vec<Candidate> {
    if offered.is_some() || world.snapshot.all_of(documents::ROLE_CATALOGUE).next().is_some() {
        return Vec::new();
    }
    let roles = predefined::granting(world.request.permission.v1()).filter(|role| !is_known(world, role.name));
    roles.filter_map(|role| Candidate::of(role.name, &role.definition(), Source::Listed(role))).collect()
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
    /// A role as it is defined; `None` where it grants nothing, or is not to be granted any more.
    fn of(name: &str, definition: &Value, source: Source) -> Option<Self> {
        let stage = definition.get("stage").and_then(Value::as_str);
        let dead = matches!(stage, Some("DISABLED" | "DEPRECATED")) || definition.get("deleted").and_then(Value::as_bool) == Some(true);
        let included = definition.get("includedPermissions")?.as_array()?;
        let powers = included.iter().filter_map(Value::as_str).filter(|permission| !only_shows(permission)).count();
        // A5: no stage is ALPHA, in what Google Cloud wrote; that has a title too.
        let early = stage.map_or_else(|| definition.get("title").is_some(), |stage| matches!(stage, "ALPHA" | "EAP"));
        (!dead).then(|| Self { permissions: included.len(), powers, name: name.to_owned(), source, early, late: false })
    }

    /// A custom role that is made for the permission.
    pub(super) fn made(name: String) -> Self {
        Self { permissions: 1, powers: 0, name, source: Source::Read, early: false, late: false }
    }

    /// What is narrower comes first.
    fn rank(&self, world: &World<'_>) -> (bool, bool, bool, usize, usize, &str) {
        (self.late, is_foreign(world, &self.name), self.overshoots(world), self.powers, self.permissions, &self.name)
    }

    /// Is it made for more than to look, where looking is all that is asked for? Google calls the roles for that viewers and readers.
    pub(super) fn overshoots(&self, world: &World<'_>) -> bool {
        let name = self.name.to_ascii_lowercase();
        let for_looking = self.powers == 0 || name.ends_with("viewer") || name.ends_with("reader");
        only_shows(world.request.permission.v1()) && !for_looking
    }

    /// The edit that brings its definition into a snapshot that has none. It changes nothing in the cloud: the role is there.
    pub(super) fn definition(&self) -> Option<Edit> {
        let (text, title) = match &self.source {
            Source::Read => return None,
            Source::Told(role) => (role.clone(), format!("role {} as Google Cloud lists it", self.name)),
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
            Source::Read | Source::Told(_) => String::new(),
        }
    }

    /// What it grants besides the permission.
    pub(super) fn others(&self) -> Option<String> {
        let then = if matches!(self.source, Source::Listed(_)) { " in that list" } else { "" };
        match self.permissions.saturating_sub(1) {
            0 => None,
            1 => Some(format!("{} has one other permission{then}", self.name)),
            others => Some(format!("{} has {others} other permissions{then}", self.name)),
        }
    }
}
