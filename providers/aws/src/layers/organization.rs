//! Service control policies and resource control policies, node by node of the organization (*SCP evaluation*, *Resource control
//! policies* in the AWS Organizations User Guide).

use crate::catalog;
use crate::documents::{ATTACHED_RCPS, ATTACHED_SCPS, ORGANIZATION, PARENTS, RCP, SCP};
use crate::language::open::Flag;
use crate::language::policy::{Grammar, Policy};
use crate::language::principal::{Admission, Caller};
use crate::layers::resource::is_assume;
use crate::layers::{Level, Log, Said, Scene, ask, inapplicable};
use crate::library::{Library, Read};
use crate::request::Request;
use crate::world::Reader;
use iam_why_contract::json::Json;
use iam_why_contract::{Doubt, Place, Recorder, Truth};
use std::sync::{Arc, LazyLock};

/// How deep an organization can be: the root, five levels of units, the account.
const DEPTH: usize = 16;

/// The policies of one kind on the way from the root to an account.
#[derive(Debug, Clone)]
pub enum Path {
    /// They do not bind the request.
    Exempt(&'static str),
    /// From the root down.
    Nodes(Vec<Level>),
}

/// Where an account stands.
#[derive(Debug, Clone)]
pub enum Membership {
    /// In no organization.
    None,
    /// In one.
    Member {
        /// `o-…`, where it was written down.
        id: Option<String>,
        /// Whether the account manages it.
        management: bool,
        /// Whether it has policies at all, or shares bills only.
        all_features: bool,
    },
    /// Not read.
    Unread(Doubt),
}

/// The organization of `account`.
#[must_use]
pub fn membership(library: &Library<'_>, account: &str) -> Membership {
    match library.read(ORGANIZATION, account) {
        Read::Absent => Membership::None,
        Read::Unread(doubt) => Membership::Unread(doubt),
        Read::Found(_, json) => Membership::Member {
            id: json.get("Id").and_then(Json::as_str).map(str::to_owned),
            management: json.get("MasterAccountId").and_then(Json::as_str) == Some(account),
            all_features: json.get("FeatureSet").and_then(Json::as_str) != Some("CONSOLIDATED_BILLING"),
        },
    }
}

/// The ids from the root of the organization down to `account`.
///
/// # Errors
/// What was not read of it.
pub fn path(library: &Library<'_>, account: &str) -> Result<Vec<String>, Doubt> {
    let mut nodes = vec![account.to_owned()];
    while let Some(last) = nodes.last().filter(|last| !last.starts_with("r-")) {
        let parent = match library.read(PARENTS, last) {
            Read::Found(_, json) => {
                json.get("Parents").and_then(|parents| parents.elements().first()?.get("Id")?.as_str()).map(str::to_owned)
            }
            Read::Absent => None,
            Read::Unread(doubt) => return Err(doubt),
        };
        match parent {
            Some(parent) if nodes.len() < DEPTH && !nodes.contains(&parent) => nodes.push(parent),
            _ => {
                return Err(Doubt {
                    about: format!("the organization path above {last}"),
                    needs: "organizations:ListParents (aws organizations list-parents)".to_owned(),
                });
            }
        }
    }
    nodes.reverse();
    Ok(nodes)
}

/// The service control policies that bind the caller (E-12 to E-18).
#[must_use]
pub fn scps(reader: &mut Reader<'_>, caller: &Caller) -> Path {
    // E-13, E-14: they follow the caller's account.
    let Some(account) = caller.account.clone().filter(|_| caller.has_account_side()) else {
        return Path::Exempt("service control policies bind principals of accounts only");
    };
    if service_linked(caller) {
        return Path::Exempt("service control policies do not bind service-linked roles");
    }
    match membership(reader.library, &account) {
        Membership::None => Path::Exempt("the caller's account is in no organization"),
        Membership::Member { management: true, .. } => Path::Exempt("service control policies do not bind the management account"),
        Membership::Member { all_features: false, .. } => Path::Exempt("the organization shares bills only"),
        Membership::Member { .. } => Path::Nodes(nodes(reader, &account, &SCPS)),
        Membership::Unread(doubt) => Path::Nodes(vec![unread(reader, &account, &SCPS, doubt)]),
    }
}

/// The resource control policies that bind access to the resource (E-19 to E-22).
#[must_use]
pub fn rcps(reader: &mut Reader<'_>, request: &Request, caller: &Caller, account: Option<&str>) -> Path {
    if service_linked(caller) {
        return Path::Exempt("resource control policies do not bind service-linked roles");
    }
    if is_assume(request) && request.resource.contains(":role/aws-service-role/") {
        return Path::Exempt("resource control policies do not bind the trust policies of service-linked roles");
    }
    if &*request.action.lower == "kms:retiregrant" {
        return Path::Exempt("resource control policies do not bind kms:RetireGrant");
    }
    let Some(account) = account else {
        let doubt = Flag::SameAccount.doubt();
        return Path::Nodes(vec![unread(reader, "the resource's account", &RCPS, doubt)]);
    };
    match membership(reader.library, account) {
        Membership::None => Path::Exempt("the resource's account is in no organization"),
        Membership::Member { management: true, .. } => {
            Path::Exempt("resource control policies do not bind resources of the management account")
        }
        Membership::Member { all_features: false, .. } => Path::Exempt("the organization shares bills only"),
        Membership::Member { .. } => Path::Nodes(nodes(reader, account, &RCPS)),
        Membership::Unread(doubt) => Path::Nodes(vec![unread(reader, account, &RCPS, doubt)]),
    }
}

/// E-13, E-20: roles under `/aws-service-role/`, whose names only AWS can give.
fn service_linked(caller: &Caller) -> bool {
    let by_path = caller.parent.as_deref().map(|arn| arn.contains(":role/aws-service-role/"));
    caller.is_role() && by_path.unwrap_or_else(|| caller.name.starts_with("AWSServiceRoleFor"))
}

/// One of the two kinds of organization policies.
struct Kind {
    layer: &'static str,
    attached: &'static str,
    policy: &'static str,
    grammar: Grammar,
    full_access: &'static str,
}

const SCPS: Kind = Kind { layer: "scp", attached: ATTACHED_SCPS, policy: SCP, grammar: Grammar::Scp, full_access: "p-FullAWSAccess" };
const RCPS: Kind = Kind { layer: "rcp", attached: ATTACHED_RCPS, policy: RCP, grammar: Grammar::Rcp, full_access: "p-RCPFullAWSAccess" };

fn unread(reader: &mut Reader<'_>, account: &str, kind: &Kind, doubt: Doubt) -> Level {
    let mut level = Level::new(kind.layer, account);
    level.not_read(reader, doubt);
    level
}

fn nodes(reader: &mut Reader<'_>, account: &str, kind: &Kind) -> Vec<Level> {
    match path(reader.library, account) {
        Ok(ids) => ids.iter().filter_map(|id| node(reader, id, kind)).collect(),
        Err(doubt) => vec![unread(reader, account, kind, doubt)],
    }
}

/// The policies attached at one node. An absent list says that this kind of policy is not in force there (E-17); an empty one that
/// nothing is attached, which for service control policies denies all (E-18).
fn node(reader: &mut Reader<'_>, id: &str, kind: &Kind) -> Option<Level> {
    let mut level = Level::new(kind.layer, id);
    match reader.library.read(kind.attached, id) {
        Read::Absent => return None,
        Read::Unread(doubt) => level.not_read(reader, doubt),
        Read::Found(document, json) => {
            level.documents.push(document.id.to_string());
            for policy in json.get("Policies").map(Json::elements).unwrap_or_default() {
                let id = policy.get("Id").and_then(Json::as_str).unwrap_or_default();
                match reader.library.read(kind.policy, id) {
                    Read::Found(document, json) => level.add(reader, document, ("", &json), kind.grammar),
                    // The text of AWS's own policies is known.
                    _ if id == kind.full_access => level.policies.push(Arc::clone(&FULL_ACCESS)),
                    Read::Absent => level.not_read(reader, crate::library::missing(kind.policy, id, None)),
                    Read::Unread(doubt) => level.not_read(reader, doubt),
                }
            }
        }
    }
    Some(level)
}

/// `FullAWSAccess`, which AWS attaches everywhere unless somebody detaches it.
static FULL_ACCESS: LazyLock<Arc<Policy>> = LazyLock::new(|| {
    let text = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}"#;
    let json: Json = text.parse().unwrap_or(Json::Null);
    let empty = Policy { document: "FullAWSAccess".into(), pointer: "".into(), statements: Vec::new() };
    Arc::new(Policy::read(&Place::new("FullAWSAccess", ""), "FullAWSAccess".into(), &json, Grammar::Scp).unwrap_or(empty))
});

/// Asks the service control policies: every node must allow (E-12).
pub fn ask_scps<'w, R: Recorder>(scene: Scene<'w, '_>, log: &mut Log<'w>) -> Said {
    let every = Said { allow: Admission { direct: Truth::Yes, ..Admission::NONE }, deny: Truth::No };
    match &scene.world.scps {
        Path::Exempt(why) => {
            inapplicable::<R>("scp", why, log);
            every
        }
        Path::Nodes(nodes) => nodes.iter().fold(every, |all, node| {
            let said = ask::<R>(node, scene.view, log);
            let allow = Admission { direct: all.allow.direct.and(said.allow.any()), ..Admission::NONE };
            Said { allow, deny: all.deny.or(said.deny) }
        }),
    }
}

/// Asks the resource control policies. They only deny: `RCPFullAWSAccess` cannot be detached (E-19).
pub fn ask_rcps<'w, R: Recorder>(scene: Scene<'w, '_>, request: &Request, log: &mut Log<'w>) -> Truth {
    let nodes = match &scene.world.rcps {
        Path::Exempt(why) => {
            inapplicable::<R>("rcp", why, log);
            return Truth::No;
        }
        Path::Nodes(nodes) => nodes,
    };
    let denied = nodes.iter().fold(Truth::No, |all, node| all.or(ask::<R>(node, scene.resource_view, log).deny));
    if denied.is_no() {
        return Truth::No;
    }
    // E-21: the list of services grows; E-22: of actions without a resource the documentation is not clear.
    let binds = if scene.world.rcp_service { Truth::Yes } else { scene.view.flag(Flag::RcpService) };
    let binds = if request.without_resource() { binds.and(scene.view.flag(Flag::RcpNoResource)) } else { binds };
    // E-20: keys that AWS manages are exempt.
    let managed = if request.action.service() == "kms" { scene.view.flag(Flag::KeyIsManaged) } else { Truth::No };
    denied.and(binds).and(!managed)
}

/// Do resource control policies bind this service, as far as the list that is compiled in says?
#[must_use]
pub fn binds_service(service: &str) -> bool {
    catalog::rcp_supported(service)
}
