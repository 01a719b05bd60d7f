//! What could be changed so that the request is let through: proposed from what blocks it, offered only where simulating it does.

use crate::answer;
use crate::documents;
use crate::findings;
use crate::language::attributes::{Attribute, Dialect};
use crate::language::principals::Principal;
use crate::language::resources::{FullName, STORAGE};
use crate::request::Request;
use crate::world::{AllowPolicy, Level, World, json};
use iam_why_contract::fix::NewDocument;
use iam_why_contract::verdict::Evidence;
use iam_why_contract::{Decision, Edit, Finding, Fix, Proposal, Snapshot, Verdict};
use serde_json::{Value, json as object};

/// How many ways of granting are offered.
const GRANTS: usize = 3;

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
        code if code == findings::PERIMETER.id => crossing(world, place, &who),
        code if code == findings::POLICY_TAG.id => {
            let document = world.snapshot.document(&place.document).and_then(json)?;
            let request = crate::layers::policy_tags::reading(world, document.pointer(&place.pointer)?.as_str()?)?;
            let other = World::new(world.snapshot, &request);
            let level = other.allow.iter().find(|level| level.node == request.resource)?;
            ways(&other, level, None).into_iter().next()
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

/// V6, V7: an ingress or egress policy for the caller alone, from where it calls, to the project and the service that it asks for.
fn crossing(world: &World<'_>, place: &iam_why_contract::Place, who: &str) -> Option<Proposal> {
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
    ways(&other, level, None).into_iter().next()
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

/// A role that grants the permission, and how many others it grants.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    permissions: usize,
    name: String,
}

/// Basic roles grant thousands of permissions: granting one is never the narrowest change.
const BASIC: &[&str] = &["roles/owner", "roles/editor", "roles/viewer", "roles/admin", "roles/writer", "roles/reader"];

/// Roles of the snapshot that grant the permission and may be bound here, those with the fewest permissions first.
fn narrowest(world: &World<'_>) -> Vec<Candidate> {
    let permission = world.request.permission.v1();
    let quoted = format!("\"{permission}\"");
    let mut found: Vec<Candidate> = world
        .snapshot
        .all_of(documents::ROLE)
        .filter(|document| document.text.contains(&quoted))
        .filter_map(|document| {
            let name = document.subject.to_string();
            let includes = matches!(world.role(&name).says, crate::world::RoleSays::Includes(_));
            let permissions = json(document)?.get("includedPermissions")?.as_array()?.len();
            (includes && bindable(world, &name) && !BASIC.contains(&name.as_str())).then_some(Candidate { permissions, name })
        })
        .collect();
    found.sort();
    found
}

/// A3: a custom role can be bound where it lives or below.
fn bindable(world: &World<'_>, role: &str) -> bool {
    match role.rsplit_once("/roles/") {
        Some((home, _)) => world.path.nodes.iter().any(|node| world.same_node(&node.path, home).is_yes()),
        None => true,
    }
}

/// Ways to grant the permission: the narrowest roles on the lowest resource that holds a policy, then an undeleted role.
fn grants(world: &World<'_>, verdict: &Verdict) -> Vec<Proposal> {
    if world.request.principal == Principal::Anonymous {
        return Vec::new();
    }
    let mut all: Vec<Proposal> =
        verdict.findings.iter().filter(|finding| finding.code == findings::ROLE_INERT.id).filter_map(revival).collect();
    let level =
        world.allow.iter().find(|level| level.node.holds_policy() == Some(true) && level.node.collection() != Some("managedFolders"));
    if let Some(level) = level {
        let only = only_this(world, &level.node);
        all.extend(only.as_deref().and_then(|only| ways(world, level, Some(only)).into_iter().next()));
        all.extend(ways(world, level, None));
    }
    all
}

/// Bindings of the roles that fit; where the snapshot holds none, of a custom role that is made for it.
fn ways(world: &World<'_>, level: &Level<AllowPolicy>, only: Option<&str>) -> Vec<Proposal> {
    let roles: Vec<Candidate> = narrowest(world).into_iter().filter(|role| grantable(&role.name, &level.node)).collect();
    if roles.is_empty() {
        let made = custom_role(world).and_then(|(role, making)| Some(making.and(binding(world, level, &role, only)?)));
        return made.into_iter().collect();
    }
    roles.iter().filter_map(|role| binding(world, level, role, only)).take(GRANTS).collect()
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
    Some((Candidate { permissions: 1, name }, making))
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

/// Roles that IAM accepts on one type of resource only.
fn grantable(role: &str, node: &FullName) -> bool {
    let of_buckets = role.starts_with("roles/storage.legacy");
    let of_organizations = role.starts_with("roles/resourcemanager.organization") || role.starts_with("roles/billing.");
    let only_on = if of_buckets { Some("buckets") } else { of_organizations.then_some("organizations") };
    only_on.is_none_or(|collection| node.collection() == Some(collection))
}

fn binding(world: &World<'_>, level: &Level<AllowPolicy>, role: &Candidate, only: Option<&str>) -> Option<Proposal> {
    let caller = world.request.principal.v1();
    let mut added = object!({"role": role.name, "members": [caller]});
    if let (Some(expression), Some(members)) = (only, added.as_object_mut()) {
        members.insert("condition".into(), object!({"title": "only this resource", "expression": expression}));
    }
    let edit = added_to(world, level, &added, only.is_some())?;
    let node = world.shown(&level.node);
    let here = level.node == world.request.resource || only.is_some();
    let others = role.permissions.saturating_sub(1);
    let also = match others {
        0 => None,
        1 => Some(format!("{} has one other permission", role.name)),
        _ => Some(format!("{} has {others} other permissions", role.name)),
    };
    let widens = match (also, here) {
        (also, true) => also,
        (None, false) => Some(format!("the permission holds on everything in {node}")),
        (Some(also), false) => Some(format!("{also}, and all of them hold on everything in {node}")),
    };
    let limited = if only.is_some() { format!(", for {} only", world.shown(&world.request.resource)) } else { String::new() };
    Some(Proposal {
        says: format!("grant {} to {caller} on {node}{limited}", role.name),
        edits: vec![edit],
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
    let target = crate::language::commands::of_policy(node, "add-iam-policy-binding")?;
    let safe = member.chars().all(|c| c.is_ascii_alphanumeric() || "@.:/-_=* ".contains(c));
    let condition =
        only.map_or_else(String::new, |expression| format!(" --condition=\"title=only this resource,expression={expression}\""));
    (safe && !condition.contains('%')).then(|| format!("{target} --member='{member}' --role='{role}'{condition}"))
}
