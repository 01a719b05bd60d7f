//! The findings of Azure: their codes, and how they are worded.

use crate::decide::{AccessLooks, NeedLooks};
use crate::language::evaluate::blamed;
use crate::language::permission::{Coverage, Plane};
use crate::layers::{
    Asked, LINKED_SCOPE, Look, access_policy, cosmos_rbac, deny_assignment, eligibility, lock, network, path_acl, policy, purge_protection,
    registration, role_assignment, shared_key, subscription, tenant,
};
use crate::world::{Deny, Role, dashed};
use iam_why_contract::{Code, Evidence, Finding, Kind, Statement, Test};

macro_rules! codes {
    ($($name:ident = $id:literal, $title:literal, $doc:literal;)*) => {
        $(pub(crate) const $name: &str = $id;)*

        /// Every code.
        pub(crate) const CODES: &[Code] = &[$(Code { id: $id, title: $title, doc: $doc },)*];
    };
}

codes! {
    DENY_ASSIGNMENT = "azure-deny-assignment", "a deny assignment refuses, whatever the roles grant",
        "https://learn.microsoft.com/azure/role-based-access-control/deny-assignments";
    NO_ROLE = "azure-no-role", "no role assignment grants the action here",
        "https://learn.microsoft.com/azure/role-based-access-control/troubleshooting";
    NOT_ACTIONS = "azure-not-actions", "the role takes the action out again with NotActions",
        "https://learn.microsoft.com/azure/role-based-access-control/role-definitions#notactions";
    WRONG_PLANE = "azure-wrong-plane", "the role is for the other plane: managing a resource is not reading its data",
        "https://learn.microsoft.com/azure/role-based-access-control/role-definitions#control-and-data-actions";
    OTHER_SCOPE = "azure-other-scope", "the role is assigned at another scope",
        "https://learn.microsoft.com/azure/role-based-access-control/scope-overview";
    WRONG_ID = "azure-wrong-id", "the role is assigned to an application id, not to the object id of the principal",
        "https://learn.microsoft.com/azure/role-based-access-control/troubleshooting#symptom---role-assignments-with-identity-not-found";
    CONDITION = "azure-condition", "the condition of the role assignment is not met",
        "https://learn.microsoft.com/azure/role-based-access-control/conditions-format";
    PRINCIPAL_TYPE = "azure-principal-type-missing", "the request does not carry principalType, which the condition looks at",
        "https://learn.microsoft.com/azure/role-based-access-control/delegate-role-assignments-examples";
    NOT_ACTIVATED = "azure-not-activated", "the role is eligible and has not been activated",
        "https://learn.microsoft.com/entra/id-governance/privileged-identity-management/pim-resource-roles-activate-your-roles";
    EXPIRED = "azure-not-in-force", "the role assignment has ended, or has not begun",
        "https://learn.microsoft.com/azure/role-based-access-control/pim-integration";
    LINKED = "azure-linked-scope", "the request refers to another resource, and the action on that one is refused",
        "https://learn.microsoft.com/azure/role-based-access-control/troubleshooting";
    ACCESS_POLICY = "azure-access-policy", "the vault is in access-policy mode, and no access policy grants",
        "https://learn.microsoft.com/azure/key-vault/general/rest-error-codes";
    COSMOS_ROLE = "azure-cosmos-role", "no role assignment inside Cosmos DB grants",
        "https://learn.microsoft.com/azure/cosmos-db/how-to-setup-rbac";
    SHARED_KEY = "azure-shared-key", "the storage account refuses keys and what is signed with them",
        "https://learn.microsoft.com/azure/storage/common/shared-key-authorization-prevent";
    PUBLIC_ACCESS = "azure-public-access", "the storage account refuses anonymous requests",
        "https://learn.microsoft.com/azure/storage/blobs/anonymous-read-access-prevent";
    NETWORK = "azure-network", "the network rules of the resource refuse the caller's address",
        "https://learn.microsoft.com/azure/storage/common/storage-network-security";
    PURGE_PROTECTION = "azure-purge-protection", "purge protection keeps the vault's deleted objects until their retention ends",
        "https://learn.microsoft.com/azure/key-vault/general/soft-delete-overview";
    TENANT = "azure-tenant", "the token was issued by another tenant",
        "https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/error-invalid-authentication-token";
    SUBSCRIPTION = "azure-subscription-disabled", "the subscription is disabled and read-only",
        "https://learn.microsoft.com/azure/cost-management-billing/manage/subscription-states";
    REGISTRATION = "azure-not-registered", "the resource provider is not registered in the subscription",
        "https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/error-register-resource-provider";
    LOCK = "azure-lock", "a lock refuses the operation to everybody",
        "https://learn.microsoft.com/azure/azure-resource-manager/management/lock-resources";
    POLICY = "azure-policy", "an Azure Policy assignment refuses the resource",
        "https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/error-policy-requestdisallowedbypolicy";
}

/// Who can assign roles.
pub(crate) const ASSIGNERS: &str = "Owner, User Access Administrator or Role Based Access Control Administrator";

/// Every certain blocker of one need, the deciding one first.
pub(crate) fn of(asked: &Asked<'_>, looks: &NeedLooks, part: usize) -> Vec<Finding> {
    let Some(access) = looks.accesses.first() else { return Vec::new() };
    let mut findings = Vec::new();
    let gate = |early: bool| looks.gates.iter().filter(move |gate| gate.truth.is_yes() && (gate.layer == tenant::ID) == early);
    findings.extend(gate(true).filter_map(|gate| refusal(asked, gate)));
    if looks.refuses() {
        findings.extend(denials(asked, access));
        if access.granted.is_no() {
            findings.push(missing(asked, access));
        }
    }
    findings.extend(gate(false).filter_map(|gate| refusal(asked, gate)));
    for finding in &mut findings {
        finding.part = part;
        if part > 0 {
            linked(asked, finding);
        }
    }
    findings
}

/// what a further scope refuses is told apart from the request's own.
fn linked(asked: &Asked<'_>, finding: &mut Finding) {
    finding.layer = LINKED_SCOPE;
    if finding.code != DENY_ASSIGNMENT {
        finding.code = LINKED;
    }
    finding.says = format!("the request refers to {}: {}", target(asked), finding.says);
}

fn target(asked: &Asked<'_>) -> String {
    asked.scope.as_ref().map(ToString::to_string).or_else(|| asked.access.target.text()).unwrap_or_else(|| "the resource".to_owned())
}

fn finding(code: &'static str, kind: Kind, layer: &'static str, says: String, evidence: Evidence, owner: impl Into<String>) -> Finding {
    Finding { code, kind, layer, part: 0, says, evidence, related: Vec::new(), owner: owner.into() }
}

/// One finding for each deny assignment that applies.
fn denials(asked: &Asked<'_>, access: &AccessLooks) -> Vec<Finding> {
    let certain = access.denied.truth.is_yes();
    let statements = access.denied.statements.iter().filter(|statement| certain && statement.applies.is_yes());
    let deny = |statement: &Statement| asked.world.denies.iter().find(|deny| *deny.document == *statement.place.document);
    statements.filter_map(|statement| deny(statement).map(|deny| denial(asked, access, deny, statement))).collect()
}

fn denial(asked: &Asked<'_>, access: &AccessLooks, deny: &Deny, statement: &Statement) -> Finding {
    let granted = if access.granted.is_yes() { "although a role grants it" } else { "and no role is seen to grant it either" };
    let through = statement.tests.iter().find(|test| test.about == "principal" && test.wanted.starts_with("the group "));
    let through = through.map(|test| format!(", who is in {}", test.wanted)).unwrap_or_default();
    let says = format!(
        "the deny assignment {} at {} refuses {} to {}{through}, {granted}",
        deny.name, deny.scope, asked.access.action, asked.caller.shown
    );
    let at = |about: &str| statement.tests.iter().find(|test| test.about == about).map(|test| test.place.clone());
    let place = at("action").unwrap_or_else(|| statement.place.clone());
    let mut finding = finding(DENY_ASSIGNMENT, Kind::ExplicitDeny, deny_assignment::ID, says, Evidence::Place(place), deny_owner(deny));
    finding.related = at("principal").into_iter().chain(at("resource")).collect();
    finding
}

/// D-4, D-6: who can change a deny assignment depends on who made it.
pub(crate) fn deny_owner(deny: &Deny) -> String {
    let name = deny.name.to_ascii_lowercase();
    let maker = if name.contains("managed application") {
        "the managed application or service that made it"
    } else if name.contains("blueprint") {
        "whoever manages the blueprint assignment"
    } else if name.contains("deployment stack") || name.contains("deploymentstack") {
        "whoever manages the deployment stack's deny settings"
    } else if name.contains("lockdown") {
        "whoever manages the AKS cluster's node resource group lockdown"
    } else if deny.system {
        "the Azure service that made it: only Azure can change it"
    } else {
        return format!("whoever may delete deny assignments at {}: Owner or User Access Administrator", deny.scope);
    };
    maker.to_owned()
}

/// Why nothing grants: the statement that came closest tells.
fn missing(asked: &Asked<'_>, access: &AccessLooks) -> Finding {
    match access.granting() {
        access_policy::ID => native(asked, access, access_policy::ID, ACCESS_POLICY),
        cosmos_rbac::ID => native(asked, access, cosmos_rbac::ID, COSMOS_ROLE),
        _ => missing_role(asked, access),
    }
}

/// Where something else than role assignments decides.
fn native(asked: &Asked<'_>, access: &AccessLooks, layer: &'static str, code: &'static str) -> Finding {
    let (kind, keeps, rule) = if layer == cosmos_rbac::ID {
        (
            cosmos_rbac::ACCOUNT,
            "sqlRoleAssignments",
            "Cosmos DB decides about its data by its own role assignments, where Azure roles do not count; of them",
        )
    } else {
        (access_policy::VAULT, "the access policies", "the vault is in access-policy mode, where roles do not count; of its policies")
    };
    let resource = asked.resource(kind).map_or_else(|| target(asked), |resource| resource.to_string());
    let look = access.grants.iter().find(|look| look.layer == layer);
    let statements = look.map(|look| look.statements.as_slice()).unwrap_or_default();
    let failed = |about| statements.iter().find_map(move |statement| only_failed(statement, about).map(|test| (statement, test)));
    let nearest = failed("action").or_else(|| failed("resource"));
    let held = nearest.map(|(statement, test)| held(layer, statement, test)).unwrap_or_default();
    let says = format!("{rule} none grants {} to {}{held}", asked.access.action, asked.caller.shown);
    let evidence = match nearest {
        Some((_, test)) => Evidence::Place(test.place.clone()),
        None => Evidence::Silence {
            what: format!("no entry for {} that reaches this", asked.caller.shown),
            documents: look.map(|look| look.documents.clone()).unwrap_or_default(),
        },
    };
    finding(code, Kind::MissingGrant, layer, says, evidence, format!("whoever may write {keeps} of {resource}"))
}

/// What the entry that came nearest has instead.
fn held(layer: &str, statement: &Statement, test: &Test) -> String {
    match (layer == cosmos_rbac::ID, &*test.about) {
        (true, "resource") => format!(": {} is assigned at {}", statement.label, test.wanted),
        (true, _) => format!(": {} does not hold it", statement.label),
        (false, _) => format!(": it takes {}, the policy has {}", test.got, test.wanted),
    }
}

fn missing_role(asked: &Asked<'_>, access: &AccessLooks) -> Finding {
    let assignments: &[Statement] =
        access.grants.iter().find(|look| look.layer == role_assignment::ID).map(|look| look.statements.as_slice()).unwrap_or_default();
    let only = |about: &str| assignments.iter().find_map(|statement| only_failed(statement, about).map(|test| (statement, test)));
    let eligible = eligibility::look(asked);
    let activated = eligible.statements.iter().find(|statement| statement.applies.is_yes());
    if let Some((statement, test)) = only("condition") {
        return condition(asked, statement, test);
    }
    if let Some(statement) = activated {
        return not_activated(asked, statement);
    }
    if let Some((statement, test)) = only("time") {
        return not_in_force(asked, statement, test);
    }
    let by_action = || assignments.iter().filter_map(|statement| only_failed(statement, "action").map(|test| (statement, test)));
    if let Some((statement, test)) = by_action().find(|(_, test)| test.wanted.starts_with("not ")) {
        return not_actions(asked, statement, test);
    }
    if let Some((statement, test)) = by_action().find(|(statement, _)| other_plane(asked, statement)) {
        return wrong_plane(asked, statement, test);
    }
    if let Some((statement, test)) = assignments.iter().find_map(|statement| mistaken(asked, statement).map(|test| (statement, test))) {
        return wrong_id(asked, statement, test);
    }
    if let Some((statement, test)) = only("resource") {
        return other_scope(asked, statement, test);
    }
    no_role(asked, access, assignments)
}

/// The test about `about` that fails, where no other does.
fn only_failed<'s>(statement: &'s Statement, about: &str) -> Option<&'s Test> {
    let mut failed = statement.tests.iter().filter(|test| !test.holds.is_yes());
    // A role and its assignment can have a condition each: one that fails settles it, whatever the other comes to.
    let alone = failed.clone().all(|test| test.about == about);
    failed.find(|test| alone && test.holds.is_no())
}

fn assigners(asked: &Asked<'_>) -> String {
    // The scope itself stands in the question; management groups and other scopes above do too.
    let place = asked.scope.as_ref().map_or_else(|| target(asked), |scope| scope.assignable().name().to_owned());
    format!("{ASSIGNERS} at {place} or above")
}

fn condition(asked: &Asked<'_>, statement: &Statement, test: &Test) -> Finding {
    let blamed = blamed(&test.parts);
    let absent_type = blamed.iter().find(|test| test.about.ends_with("roleAssignments:PrincipalType]") && &*test.got == "absent");
    if let Some(blamed) = absent_type {
        let says = format!(
            "the condition of {} looks at principalType, and the request does not carry it: Azure does not look it up, send it in the body ({})",
            statement.label, blamed.wanted
        );
        let evidence = Evidence::Place(blamed.place.clone());
        return finding(
            PRINCIPAL_TYPE,
            Kind::MissingGrant,
            role_assignment::CONDITION,
            says,
            evidence,
            "the caller: the body of the request",
        );
    }
    let because: Vec<String> =
        blamed.iter().take(2).map(|test| format!("{} is {}, it wants {}", test.about, test.got, test.wanted)).collect();
    let because = if because.is_empty() { "it comes to false".to_owned() } else { with_role_names(asked, &because.join("; ")) };
    let says =
        format!("{} would grant {} to {}, but for its condition: {because}", statement.label, asked.access.action, asked.caller.shown);
    let place = blamed.first().map_or_else(|| test.place.clone(), |test| test.place.clone());
    let mut finding = finding(CONDITION, Kind::MissingGrant, role_assignment::CONDITION, says, Evidence::Place(place), assigners(asked));
    finding.related = vec![statement.place.clone()];
    finding
}

/// Nobody knows a role by its GUID: its name is put behind.
fn with_role_names(asked: &Asked<'_>, text: &str) -> String {
    let named = |text: String, role: &Role| {
        let quoted = format!("'{}'", dashed(&role.guid()));
        text.replace(&quoted, &format!("{quoted} ({})", role.name))
    };
    asked.world.roles().into_iter().fold(text.to_owned(), named)
}

fn not_activated(asked: &Asked<'_>, statement: &Statement) -> Finding {
    let says = format!(
        "{} is eligible for {}, which would grant {}, and has not activated it",
        asked.caller.shown, statement.label, asked.access.action
    );
    let owner = format!("{}: by activating the role", asked.caller.shown);
    finding(NOT_ACTIVATED, Kind::MissingGrant, eligibility::ID, says, Evidence::Place(statement.place.clone()), owner)
}

fn not_in_force(asked: &Asked<'_>, statement: &Statement, test: &Test) -> Finding {
    let says = format!("the assignment of {} to {} counts {}, and it is {}", statement.label, asked.caller.shown, test.wanted, test.got);
    finding(EXPIRED, Kind::MissingGrant, role_assignment::ID, says, Evidence::Place(test.place.clone()), assigners(asked))
}

fn not_actions(asked: &Asked<'_>, statement: &Statement, test: &Test) -> Finding {
    let pattern = test.wanted.trim_start_matches("not ").split(' ').next().unwrap_or_default();
    let says = format!(
        "{} leaves out {} by {pattern} in its {}, and no other role of {} grants it",
        statement.label,
        asked.access.action,
        if asked.plane == Some(Plane::Data) { "NotDataActions" } else { "NotActions" },
        asked.caller.shown
    );
    let mut finding =
        finding(NOT_ACTIONS, Kind::MissingGrant, role_assignment::ID, says, Evidence::Place(test.place.clone()), assigners(asked));
    finding.related = vec![statement.place.clone()];
    finding
}

/// Does the statement's role cover the action on the other plane?
fn other_plane(asked: &Asked<'_>, statement: &Statement) -> bool {
    let Some(plane) = asked.plane else { return false };
    let assignment = asked.world.assignments.iter().find(|assignment| *assignment.document == *statement.place.document);
    let Some(role) = assignment.and_then(|assignment| asked.world.role(&assignment.role)) else { return false };
    let covers = |permission: &crate::language::permission::Permission| {
        matches!(permission.coverage(&asked.access.action, plane.other()), Coverage::Covered(..))
    };
    role.permissions.iter().any(covers)
}

fn wrong_plane(asked: &Asked<'_>, statement: &Statement, test: &Test) -> Finding {
    let (is, has) = match asked.plane {
        Some(Plane::Data) => ("a data action", "manages the resource and does not reach its data"),
        _ => ("an action on the resource itself", "reaches its data and does not manage it"),
    };
    let says = format!("{} is {is}, and {} only {has}", asked.access.action, statement.label);
    let mut finding =
        finding(WRONG_PLANE, Kind::MissingGrant, role_assignment::ID, says, Evidence::Place(test.place.clone()), assigners(asked));
    finding.related = vec![statement.place.clone()];
    finding
}

/// P-2: an assignment that names the application id.
fn mistaken<'s>(asked: &Asked<'_>, statement: &'s Statement) -> Option<&'s Test> {
    let test = only_failed(statement, "principal")?;
    let assignment = asked.world.assignments.iter().find(|assignment| *assignment.document == *statement.place.document)?;
    (asked.caller.app_id.as_ref() == Some(&assignment.principal)).then_some(test)
}

fn wrong_id(asked: &Asked<'_>, statement: &Statement, test: &Test) -> Finding {
    let own = asked.caller.id.as_deref().map(dashed).unwrap_or_default();
    let says = format!(
        "{} is assigned to {}, which is the application id of {}: it must name the object id {own}",
        statement.label, test.wanted, asked.caller.shown
    );
    finding(WRONG_ID, Kind::MissingGrant, role_assignment::ID, says, Evidence::Place(test.place.clone()), assigners(asked))
}

fn other_scope(asked: &Asked<'_>, statement: &Statement, test: &Test) -> Finding {
    let says = format!(
        "{} would grant {} to {}, but it is assigned at {}, which does not hold {}",
        statement.label,
        asked.access.action,
        asked.caller.shown,
        test.wanted,
        target(asked)
    );
    finding(OTHER_SCOPE, Kind::MissingGrant, role_assignment::ID, says, Evidence::Place(test.place.clone()), assigners(asked))
}

fn no_role(asked: &Asked<'_>, access: &AccessLooks, assignments: &[Statement]) -> Finding {
    let operation = asked.plane.map_or("action", Plane::operation);
    let says =
        format!("no role of {} grants the {operation} {} at {}{}", asked.caller.shown, asked.access.action, target(asked), lists(access));
    let documents = access.grants.iter().flat_map(|look| look.documents.iter().cloned()).collect();
    let what = match assignments.len() {
        0 => format!("no role assignment of {}", asked.caller.shown),
        1 => format!("1 role assignment of {}", asked.caller.shown),
        count => format!("{count} role assignments of {}", asked.caller.shown),
    };
    finding(NO_ROLE, Kind::MissingGrant, role_assignment::ID, says, Evidence::Silence { what, documents }, assigners(asked))
}

/// What the access control lists of the path lack, where they could have granted.
fn lists(access: &AccessLooks) -> String {
    let look = access.grants.iter().find(|look| look.layer == path_acl::ID && look.binds);
    let failed = look.and_then(|look| look.statements.iter().find(|statement| statement.applies.is_no()));
    let test = failed.and_then(|statement| statement.tests.first());
    test.map(|test| format!(", and the access control lists of the path do not either: it takes {}", test.wanted)).unwrap_or_default()
}

/// What refuses whoever asks.
fn refusal(asked: &Asked<'_>, gate: &Look) -> Option<Finding> {
    let statement = gate.statements.iter().find(|statement| statement.applies.is_yes())?;
    let test = statement.tests.first()?;
    let action = &asked.access.action;
    let (code, says, owner) = match gate.layer {
        tenant::ID => {
            let says = format!(
                "the token was issued by the tenant {}, and the subscription trusts {}",
                test.got,
                test.wanted.trim_start_matches("another than ")
            );
            (TENANT, says, "the caller: a token of the subscription's tenant".to_owned())
        }
        shared_key::ID => (
            SHARED_KEY,
            format!("the storage account refuses {}", test.got),
            "whoever manages the storage account; or use a token of Entra ID".to_owned(),
        ),
        shared_key::PUBLIC => (
            PUBLIC_ACCESS,
            "the storage account refuses requests without a credential".to_owned(),
            "whoever manages the storage account".to_owned(),
        ),
        network::ID => {
            let resource = network::resource_name(asked);
            let says = format!("the firewall of {resource} ({}) does not let {} in, whatever the roles grant", test.wanted, test.got);
            (NETWORK, says, format!("whoever manages the network rules of {resource}"))
        }
        purge_protection::ID => {
            let says = format!(
                "{} has purge protection, which cannot be switched off: what was deleted goes when its retention ends, and nobody can purge it before",
                asked.resource("Microsoft.KeyVault/vaults").map_or_else(|| "the vault".to_owned(), |vault| vault.name().to_owned())
            );
            (PURGE_PROTECTION, says, "nobody: recover it, or wait until its retention ends".to_owned())
        }
        subscription::ID => {
            let left = if test.got.eq_ignore_ascii_case("deleted") { "takes no requests any more" } else { "takes no writes and no POST" };
            (SUBSCRIPTION, format!("the subscription is {} and {left}", test.got), "whoever pays for the subscription".to_owned())
        }
        registration::ID => {
            let says = format!("{action} needs its namespace registered in the subscription, and it is {}", test.got);
            (REGISTRATION, says, "whoever may register resource providers in the subscription".to_owned())
        }
        lock::ID => {
            let level = test.wanted.split(':').next().unwrap_or_default();
            let says = format!("a {level} lock refuses {action} to everybody");
            (LOCK, says, "whoever may delete locks there: Owner or User Access Administrator".to_owned())
        }
        policy::ID => {
            let says = format!("the policy assignment {} refuses {action} at {}{}", statement.label, target(asked), fields(&test.parts));
            (POLICY, says, "whoever manages the policy assignment".to_owned())
        }
        _ => return None,
    };
    // Of a policy the line that refuses is worth more than the line that names it.
    let line = deciding(&test.parts).next().map(|part| part.place.clone());
    let mut finding =
        finding(code, Kind::ExplicitDeny, gate.layer, says, Evidence::Place(line.unwrap_or_else(|| test.place.clone())), owner);
    finding.related = vec![test.place.clone()];
    Some(finding)
}

/// The fields of the resource that a policy looked at. Its type is no news.
pub(crate) fn deciding(parts: &[Test]) -> impl Iterator<Item = &Test> {
    let fields = |part: &&Test| !part.about.eq_ignore_ascii_case("type") && part.about != "value";
    parts.iter().filter(|part| part.holds.is_yes()).filter(fields).take(2)
}

/// One comparison of a policy in words.
fn field(part: &Test) -> String {
    let (operator, wanted) = part.wanted.split_once(' ').unwrap_or_default();
    let list = wanted.trim_matches(['[', ']', '"']).replace("\",\"", ", ");
    match operator {
        "notIn" => format!("{} is {}, which is none of {list}", part.about, part.got),
        "in" => format!("{} is {}, which is one of {list}", part.about, part.got),
        "notEquals" => format!("{} is {}, not {list}", part.about, part.got),
        "equals" | "exists" => format!("{} is {}", part.about, part.got),
        _ => format!("{} is {} ({operator} {list})", part.about, part.got),
    }
}

fn fields(parts: &[Test]) -> String {
    let mut said: Vec<(&str, String)> = Vec::new();
    for part in deciding(parts) {
        if said.iter().all(|(about, _)| *about != part.about) {
            said.push((&part.about, field(part)));
        }
    }
    let said: Vec<String> = said.into_iter().map(|(_, text)| text).collect();
    if said.is_empty() { String::new() } else { format!(": {}", said.join("; ")) }
}
