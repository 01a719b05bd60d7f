//! What could be changed so that the request is let through: proposed from what blocks it, offered only where simulating it does.

pub(crate) mod catalogue;
mod perimeters;
pub(crate) mod predefined;
mod roles;
#[cfg(test)]
mod tests;

use crate::answer;
use crate::documents;
use crate::findings;
use crate::language::attributes::{Attribute, Dialect};
use crate::language::commands;
use crate::language::principals::Principal;
use crate::language::resources::{FullName, STORAGE};
use crate::request::Request;
use crate::world::{AllowPolicy, Level, World, json};
use iam_why_contract::fix::NewDocument;
use iam_why_contract::verdict::Evidence;
use iam_why_contract::{Decision, Edit, Finding, Fix, Proposal, Snapshot, Verdict};
use roles::{Candidate, narrowest};
use serde_json::{Value, json as object};

/// How many ways of granting are offered.
const GRANTS: usize = 3;

/// A role that has more permissions than this besides the one that is needed is much wider than the request: a custom role is offered too.
const WIDE: usize = 10;

/// The changes that let a refused request through, the narrowest first.
pub(crate) fn fixes(request: &Request, snapshot: &Snapshot, verdict: &Verdict) -> Vec<Fix> {
    if verdict.decision != Decision::Deny {
        return Vec::new();
    }
    let world = World::new(snapshot, request);
    let mut needed = Vec::new();
    for finding in verdict.findings.iter().filter(|finding| {
        finding.code != findings::NO_GRANT.id && finding.code != findings::CONDITION_FAILS.id && finding.code != findings::ROLE_INERT.id
    }) {
        match removal(&world, finding) {
            Some(proposal) => needed.push(proposal),
            None => return Vec::new(),
        }
    }
    let lacks = |code: &str| verdict.findings.iter().any(|finding| finding.code == code);
    let ungranted = [findings::NO_GRANT.id, findings::CONDITION_FAILS.id, findings::ROLE_INERT.id].into_iter().any(lacks);
    let ways = if ungranted { grants(&world, verdict) } else { Vec::new() };
    let whole: Vec<Proposal> = match (joined(needed), ways) {
        (Some(needed), ways) if ways.is_empty() && !ungranted => vec![needed],
        (Some(needed), ways) => ways.into_iter().map(|way| way.and(needed.clone())).collect(),
        (None, ways) => ways,
    };
    let proven = whole.into_iter().filter_map(|proposal| proposal.prove(snapshot, |edited| answer::decision(request, edited)));
    proven.take(GRANTS).collect()
}

fn joined(proposals: Vec<Proposal>) -> Option<Proposal> {
    proposals.into_iter().reduce(Proposal::and)
}

/// How to take away what refuses.
fn removal(world: &World<'_>, finding: &Finding) -> Option<Proposal> {
    let Evidence::Place(place) = &finding.evidence else { return charged(world, finding) };
    let edit = |patch: Vec<Value>| vec![Edit { document: place.document.to_string(), creates: None, patch }];
    let who = finding.owner.clone();
    let proposal = |says: String, patch: Vec<Value>, widens: Option<String>, commands: Vec<String>| {
        Some(Proposal { says, edits: edit(patch), who: who.clone(), widens, commands })
    };
    let caller = &world.request.principal;
    match finding.code {
        code if code == findings::DENY_RULE.id => exception(world, place),
        code if code == findings::BOUNDARY.id => {
            let project = world.path.nodes.first()?;
            let rule = object!({"resources": [project.to_string()], "effect": "ALLOW"});
            let says = format!("add {} to the resources of the principal access boundary policy", project.path);
            let widens = Some(format!("every principal that the policy binds becomes eligible for all of {}", project.path));
            proposal(says, vec![object!({"op": "add", "path": format!("{}/-", place.pointer), "value": rule})], widens, Vec::new())
        }
        code if code == findings::SERVICE_DISABLED.id => {
            let project = world.project_node()?.path;
            let id = project.trim_start_matches("projects/").to_owned();
            let document = world.snapshot.document(&place.document).and_then(json)?;
            let host = document.get("name")?.as_str()?.rsplit('/').next()?.to_owned();
            let command = format!("gcloud services enable {host} --project={id}");
            let widens = Some(format!("the API is on for everybody in {project}"));
            proposal(
                format!("enable {host} in {project}"),
                vec![object!({"op": "replace", "path": place.pointer, "value": "ENABLED"})],
                widens,
                vec![command],
            )
        }
        code if code == findings::PERIMETER.id => perimeters::crossing(world, place, &who),
        code if code == findings::POLICY_TAG.id => {
            let document = world.snapshot.document(&place.document).and_then(json)?;
            let request = crate::layers::policy_tags::reading(world, document.pointer(&place.pointer)?.as_str()?)?;
            let other = World::new(world.snapshot, &request);
            let level = other.allow.iter().find(|level| level.node == request.resource)?;
            ways(&other, level).into_iter().next()
        }
        code if code == findings::ACCOUNT_DISABLED.id => {
            let email = caller.email()?;
            let command = format!("gcloud iam service-accounts enable {email}");
            let widens = Some("the account can authenticate again, for everything it may do".to_owned());
            proposal(
                format!("enable the service account {email}"),
                vec![object!({"op": "replace", "path": place.pointer, "value": false})],
                widens,
                vec![command],
            )
        }
        code if code == findings::IP_FILTER.id => {
            let ip = world.context("source.ip")?;
            let range = if ip.contains(':') { format!("{ip}/128") } else { format!("{ip}/32") };
            let path = format!("{}/publicNetworkSource/allowedIpCidrRanges/-", place.pointer);
            let widens = Some(format!("everybody who calls from {ip}"));
            proposal(
                format!("admit {range} in the bucket's IP filter"),
                vec![object!({"op": "add", "path": path, "value": range})],
                widens,
                Vec::new(),
            )
        }
        _ => None,
    }
}

/// The permission to use the project that the call is charged to.
fn charged(world: &World<'_>, finding: &Finding) -> Option<Proposal> {
    let key = if finding.code == findings::QUOTA_PROJECT_DENIED.id { "quota_project" } else { "user_project" };
    let named = world
        .context(key)
        .filter(|_| finding.code == findings::QUOTA_PROJECT_DENIED.id || finding.code == findings::USER_PROJECT_DENIED.id)?;
    let project = FullName::node(named).unwrap_or_else(|| FullName::new(crate::language::resources::MANAGER, &format!("projects/{named}")));
    let request = world.request.also("serviceusage.services.use", project.clone())?;
    let other = World::new(world.snapshot, &request);
    let level = other.allow.iter().find(|level| level.node == project)?;
    ways(&other, level).into_iter().next()
}

/// D3: an exception for the caller alone.
fn exception(world: &World<'_>, place: &iam_why_contract::Place) -> Option<Proposal> {
    let caller = world.request.principal.v2();
    if world.request.principal == Principal::Anonymous {
        return None;
    }
    let document = world.snapshot.document(&place.document)?;
    let value = json(document)?;
    let rule = value.pointer(&place.pointer)?;
    let list = format!("{}/exceptionPrincipals", place.pointer);
    let patch = if rule.get("exceptionPrincipals").is_some() {
        object!({"op": "add", "path": format!("{list}/-"), "value": caller})
    } else {
        object!({"op": "add", "path": list, "value": [caller]})
    };
    let named = value.get("name").and_then(Value::as_str).unwrap_or(&document.title);
    let id = named.rsplit('/').next().unwrap_or_default();
    let point = document.subject.trim_start_matches("//").replace('/', "%2F");
    let denied = rule.get("deniedPermissions").and_then(Value::as_array).map_or(0, Vec::len);
    let only = denied == 1 && !rule.get("deniedPermissions").is_some_and(|list| list.to_string().contains('*'));
    Some(Proposal {
        says: format!("exempt {caller} from the rule of the deny policy {id}"),
        edits: vec![Edit { document: place.document.to_string(), creates: None, patch: vec![patch] }],
        who: "whoever may update the deny policy (roles/iam.denyAdmin)".into(),
        widens: (!only)
            .then(|| "the exception holds for every permission that the rule denies, on everything below the attachment point".into())
            .or_else(|| Some("the exception holds on everything below the attachment point".into())),
        commands: vec![format!("gcloud iam policies update {id} --kind=denypolicies --attachment-point={point} --policy-file=POLICY.json")],
    })
}

/// Ways to grant the permission: the narrowest roles on the lowest resource that holds a policy, then an undeleted role.
fn grants(world: &World<'_>, verdict: &Verdict) -> Vec<Proposal> {
    if world.request.principal == Principal::Anonymous {
        return Vec::new();
    }
    let mut all: Vec<Proposal> =
        verdict.findings.iter().filter(|finding| finding.code == findings::ROLE_INERT.id).filter_map(revival).collect();
    let mut levels =
        world.allow.iter().filter(|level| level.node.holds_policy() == Some(true) && level.node.collection() != Some("managedFolders"));
    let Some(level) = levels.next() else { return all };
    let roles = narrowest(world, &level.node);
    let only = only_this(world, &level.node);
    all.extend(only.as_deref().and_then(|only| granted(world, level, &roles, Some(only)).into_iter().next()));
    all.extend(granted(world, level, &roles, None));
    if roles.is_empty() {
        // A role that exists may be had further up.
        let above = levels.map(|level| (level, narrowest(world, &level.node))).find(|(_, roles)| !roles.is_empty());
        all.extend(above.and_then(|(level, roles)| binding(world, level, roles.first()?, None)));
    }
    all
}

/// Ways to grant the permission on one level.
fn ways(world: &World<'_>, level: &Level<AllowPolicy>) -> Vec<Proposal> {
    granted(world, level, &narrowest(world, &level.node), None)
}

/// Bindings of these roles; where there are none, or none that is nearly as narrow, of a custom role that is made for the permission.
fn granted(world: &World<'_>, level: &Level<AllowPolicy>, roles: &[Candidate], only: Option<&str>) -> Vec<Proposal> {
    let mut ways: Vec<Proposal> = roles.iter().filter_map(|role| binding(world, level, role, only)).take(GRANTS).collect();
    let overshoots = roles.first().is_some_and(|role| role.overshoots(world));
    if overshoots || roles.first().is_none_or(|role| role.permissions > WIDE + 1) {
        let made = custom_role(world).and_then(|(role, making)| Some(making.and(binding(world, level, &role, only)?)));
        // Behind the narrowest that exists, before wider ones; but before one that is made for something else than to look.
        let at = if overshoots { 0 } else { ways.len().min(1) };
        ways.splice(at..at, made);
    }
    ways
}

/// A custom role with the permission alone, in the project of the resource; for what only folders and organizations have, in the
/// organization (A3, A6).
fn custom_role(world: &World<'_>) -> Option<(Candidate, Proposal)> {
    let permission = world.request.permission.v1();
    let above = ["resourcemanager.organizations.", "resourcemanager.folders.", "resourcemanager.projects.list"];
    let in_project = world.project_node().filter(|_| !above.iter().any(|start| permission.starts_with(start)));
    let home = in_project.or_else(|| world.organization().cloned())?.path;
    // Letters, digits, underscores and periods, at most 64.
    let id = permission.replace('-', "_");
    let name = format!("{home}/roles/{id}");
    if id.len() > 64 || world.snapshot.of(documents::ROLE, &name).next().is_some() {
        return None;
    }
    let title = format!("role {name}");
    let creates = NewDocument { kind: documents::ROLE.into(), subject: name.clone(), title };
    let value = object!({"name": name, "includedPermissions": [permission], "stage": "GA"});
    let edit = Edit {
        document: format!("{} {name}", documents::ROLE),
        creates: Some(creates),
        patch: vec![object!({"op": "add", "path": "", "value": value})],
    };
    let scope = home.replace("projects/", "--project=").replace("organizations/", "--organization=");
    let making = Proposal {
        says: format!("create the custom role {name} with {permission} alone (IAM refuses where custom roles do not support it)"),
        edits: vec![edit],
        who: format!("whoever may create roles in {home} (roles/iam.roleAdmin)"),
        widens: None,
        commands: vec![format!("gcloud iam roles create {id} {scope} --title='{permission} only' --permissions={permission} --stage=GA")],
    };
    Some((Candidate::made(name), making))
}

fn revival(finding: &Finding) -> Option<Proposal> {
    let Evidence::Place(place) = &finding.evidence else { return None };
    let deleted = place.pointer == "/deleted";
    let role = place.document.rsplit(' ').next().unwrap_or_default().to_owned();
    let (home, id) = role.rsplit_once("/roles/")?;
    let scope = home.replace("projects/", "--project=").replace("organizations/", "--organization=");
    let (says, value, command) = if deleted {
        (format!("undelete the role {role}"), Value::Bool(false), format!("gcloud iam roles undelete {id} {scope}"))
    } else {
        (format!("set the stage of the role {role} to GA"), Value::from("GA"), format!("gcloud iam roles update {id} {scope} --stage=GA"))
    };
    let edit = Edit {
        document: place.document.to_string(),
        creates: None,
        patch: vec![object!({"op": "replace", "path": place.pointer, "value": value})],
    };
    let widens = Some("every binding of the role grants again".to_owned());
    Some(Proposal { says, edits: vec![edit], who: format!("the administrators of {home}"), widens, commands: vec![command] })
}

/// The condition that limits a binding to the resource of the request, where its service takes conditions and supplies names (H10, N36).
fn only_this(world: &World<'_>, node: &FullName) -> Option<String> {
    const TAKE_CONDITIONS: &[&str] = &[
        "storage.googleapis.com",
        "secretmanager.googleapis.com",
        "bigquery.googleapis.com",
        "bigtable.googleapis.com",
        "cloudkms.googleapis.com",
        "compute.googleapis.com",
        "spanner.googleapis.com",
        "logging.googleapis.com",
    ];
    let resource = &world.request.resource;
    let takes = node.is_node() || TAKE_CONDITIONS.contains(&node.service.as_str());
    let uniform = node.service != STORAGE || crate::layers::storage::is_uniform(world);
    if node == resource || !takes || !uniform {
        return None;
    }
    let Attribute::Known(name) = world.attributes().get("resource.name", Dialect::Allow) else { return None };
    let name = name.to_string();
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || "/_-.@:%+= ".contains(c));
    plain.then(|| format!("resource.name == '{name}'"))
}

/// Binds a role to the caller.
fn binding(world: &World<'_>, level: &Level<AllowPolicy>, role: &Candidate, only: Option<&str>) -> Option<Proposal> {
    let caller = world.request.principal.v1();
    let mut added = object!({"role": role.name, "members": [caller]});
    if let (Some(expression), Some(members)) = (only, added.as_object_mut()) {
        members.insert("condition".into(), object!({"title": "only this resource", "expression": expression}));
    }
    let edit = added_to(world, level, &added, only.is_some())?;
    let node = world.shown(&level.node);
    let here = level.node == world.request.resource || only.is_some();
    let also = role.others();
    let widens = match (also, here) {
        (also, true) => also,
        (None, false) => Some(format!("the permission holds on everything in {node}")),
        (Some(also), false) => Some(format!("{also}, and all of them hold on everything in {node}")),
    };
    let limited = if only.is_some() { format!(", for {} only", world.shown(&world.request.resource)) } else { String::new() };
    Some(Proposal {
        says: format!("grant {} to {caller} on {node}{limited}{}", role.name, role.hedge()),
        edits: role.definition().into_iter().chain([edit]).collect(),
        who: format!("the administrators of {node}"),
        widens,
        commands: command(&level.node, &caller, &role.name, only).into_iter().collect(),
    })
}

/// The edit that adds a binding to the policy of a level, or makes the policy.
fn added_to(world: &World<'_>, level: &Level<AllowPolicy>, added: &Value, conditional: bool) -> Option<Edit> {
    let Some(policy) = level.policies.first() else {
        if level.unread.is_some() {
            return None;
        }
        let subject = level.node.to_string();
        let title = format!("allow policy of {}", world.shown(&level.node));
        let creates = NewDocument { kind: documents::ALLOW_POLICY.into(), subject: subject.clone(), title };
        let patch = object!({"op": "add", "path": "", "value": {"version": 3, "bindings": [added]}});
        return Some(Edit { document: format!("{} {subject}", documents::ALLOW_POLICY), creates: Some(creates), patch: vec![patch] });
    };
    let has_bindings = world.snapshot.document(&policy.place.document).and_then(json).is_some_and(|value| value.get("bindings").is_some());
    let (path, value) = if has_bindings { ("/bindings/-", added.clone()) } else { ("/bindings", object!([added])) };
    let mut patch = vec![object!({"op": "add", "path": path, "value": value})];
    if conditional {
        // A policy with conditions is of version 3.
        patch.push(object!({"op": "add", "path": "/version", "value": 3}));
    }
    Some(Edit { document: policy.place.document.to_string(), creates: None, patch })
}

/// The command that adds a binding, for the types that have one.
fn command(node: &FullName, member: &str, role: &str, only: Option<&str>) -> Option<String> {
    if let Some(statement) = commands::of_dataset(node, member, role) {
        return Some(statement).filter(|_| only.is_none());
    }
    let target = commands::of_policy(node, "add-iam-policy-binding")?;
    let safe = member.chars().all(|c| c.is_ascii_alphanumeric() || "@.:/-_=* ".contains(c));
    let condition =
        only.map_or_else(String::new, |expression| format!(" --condition=\"title=only this resource,expression={expression}\""));
    // bq wants its flags before the table, and takes no condition.
    if let Some(table) = target.strip_prefix("bq add-iam-policy-binding ") {
        return (safe && only.is_none()).then(|| format!("bq add-iam-policy-binding --member='{member}' --role='{role}' {table}"));
    }
    (safe && !condition.contains('%')).then(|| format!("{target} --member='{member}' --role='{role}'{condition}"))
}
