//! Role assignments that would grant, the narrowest first.

use crate::documents;
use crate::findings::ASSIGNERS;
use crate::fixes::{Change, create, quoted, short};
use crate::language::permission::{Coverage, Plane};
use crate::layers::Asked;
use crate::operations::{Verb, verb};
use crate::scope::Scope;
use crate::world::{Role, Stated, dashed};
use iam_why_contract::{Evidence, Finding, Truth};
use serde_json::{Value, json};

/// How many roles are offered.
const ROLES: usize = 2;

/// A new assignment: of the narrowest roles that were read, or of a custom role for this one action.
pub(crate) fn new_assignment(asked: &Asked<'_>) -> Vec<Change> {
    let (Some(id), Some(scope)) = (asked.caller.id.as_deref().map(dashed), asked.scope.as_ref().map(Scope::assignable)) else {
        return Vec::new();
    };
    let mut roles: Vec<&Role> =
        asked.world.roles().into_iter().filter(|role| grants(asked, role) && can_be_assigned(asked, role, &scope)).collect();
    roles.sort_by_key(|role| (role.weight(), role.name.clone()));
    // What grants everything is no fix for one action.
    let narrow = roles.into_iter().filter(|role| role.weight() < 10_000).take(ROLES);
    let mut changes: Vec<Change> = narrow.map(|role| with_role(asked, role, &id, &scope)).collect();
    changes.extend(custom_role(asked, &id, &scope));
    changes
}

/// Does one of its permission objects grant the action, without a condition of its own?
fn grants(asked: &Asked<'_>, role: &Role) -> bool {
    let Some(plane) = asked.plane else { return false };
    let covers = |permission: &crate::language::permission::Permission| {
        permission.condition.is_none() && matches!(permission.coverage(&asked.access.action, plane), Coverage::Covered(..))
    };
    role.permissions.iter().any(covers)
}

/// where a role may be assigned.
fn can_be_assigned(asked: &Asked<'_>, role: &Role, scope: &Scope) -> bool {
    role.assignable.is_empty() || role.assignable.iter().any(|at| asked.world.covers(at, Some(scope), asked.facts) == Truth::Yes)
}

fn with_role(asked: &Asked<'_>, role: &Role, id: &str, scope: &Scope) -> Change {
    let says = format!("assign {} to {} at {}", role.name, asked.caller.shown, place(asked, scope));
    let title = format!("new assignment of {}", role.name);
    let assignment = assignment(asked, &role.id, id, scope);
    let spreads = if spreads(asked) { format!("; {SPREADS}") } else { String::new() };
    let widens = format!("everything else that {} grants there{spreads}", role.name);
    let change = Change::new(
        says,
        format!("{ASSIGNERS} at {} or above", scope.name()),
        vec![create(documents::ROLE_ASSIGNMENT, scope.text(), &title, &assignment)],
    );
    // A built-in role has one name everywhere; a custom one is safer by its id.
    let role = if role.built_in { role.name.clone() } else { dashed(&role.guid()) };
    change.widens(widens).command(command(asked, &role, id, scope))
}

fn assignment(asked: &Asked<'_>, role: &str, id: &str, scope: &Scope) -> Value {
    json!({
        "principalId": id, "principalType": asked.caller.kind.name(), "roleDefinitionId": role, "scope": scope.text(),
        "condition": null, "conditionVersion": null,
    })
}

fn command(asked: &Asked<'_>, role: &str, id: &str, scope: &Scope) -> String {
    let kind = asked.caller.kind.name().map(|kind| format!(" --assignee-principal-type {kind}")).unwrap_or_default();
    format!("az role assignment create --assignee-object-id {id}{kind} --role {} --scope {}", quoted(role), quoted(scope.text()))
}

/// A role for nothing but this action.
fn custom_role(asked: &Asked<'_>, id: &str, scope: &Scope) -> Option<Change> {
    let plane = asked.plane?;
    let subscription = scope.subscription_scope()?;
    let name = format!("iam-why {}", short(asked.access));
    let lists = |on: Plane| if on == plane { json!([asked.access.action]) } else { json!([]) };
    let (actions, data_actions) = (lists(Plane::Control), lists(Plane::Data));
    let role_id = format!("{subscription}/providers/Microsoft.Authorization/roleDefinitions/{name}");
    let definition = json!({
        "id": role_id, "name": name, "roleName": name, "roleType": "CustomRole", "assignableScopes": [subscription.text()],
        "permissions": [{"actions": actions, "notActions": [], "dataActions": data_actions, "notDataActions": []}],
    });
    let for_az = json!({
        "Name": name, "Description": format!("{} and nothing else", asked.access.action), "Actions": actions, "DataActions": data_actions,
        "AssignableScopes": [subscription.text()],
    });
    let at = place(asked, scope);
    let says = format!("make a custom role for {} alone, and assign it to {} at {at}", asked.access.action, asked.caller.shown);
    let edits = vec![
        create(documents::ROLE_DEFINITION, &role_id, &name, &definition),
        create(documents::ROLE_ASSIGNMENT, scope.text(), &format!("new assignment of {name}"), &assignment(asked, &role_id, id, scope)),
    ];
    let who = format!("Owner or User Access Administrator at {subscription}");
    let change =
        Change::new(says, who, edits).command(format!("az role definition create --role-definition {}", quoted(&for_az.to_string())));
    let change = change.command(command(asked, &name, id, scope));
    Some(if spreads(asked) { change.widens(SPREADS) } else { change })
}

/// What comes with the right to assign roles.
const SPREADS: &str = "whoever may write role assignments can give any role to anybody, themselves included";

fn spreads(asked: &Asked<'_>) -> bool {
    asked.access.action.eq_ignore_ascii_case("Microsoft.Authorization/roleAssignments/write")
}

/// A scope in words: nothing can be assigned at a resource that the request is yet to make.
fn place(asked: &Asked<'_>, scope: &Scope) -> String {
    let makes = verb(&asked.access.action) == Verb::Write && asked.plane == Some(Plane::Control) && scope.resource_type().is_some();
    if makes && asked.scope.as_ref() == Some(scope) {
        format!("{scope}, or at its group where it is yet to be made")
    } else {
        scope.to_string()
    }
}

/// The activation of an eligible assignment.
pub(crate) fn activation(asked: &Asked<'_>, finding: &Finding) -> Option<Change> {
    let Evidence::Place(place) = &finding.evidence else { return None };
    let eligible = asked.world.eligible.iter().find(|eligible| *eligible.document == *place.document)?;
    let role = crate::layers::role_assignment::label(asked, eligible);
    let id = asked.caller.id.as_deref().map(dashed)?;
    let condition = match &eligible.condition {
        Stated::Some(condition) => json!(condition.text),
        Stated::None | Stated::Unsaid => Value::Null,
    };
    let mut active = assignment(asked, &eligible.role, &dashed(&eligible.principal), &eligible.scope);
    if let Some(members) = active.as_object_mut() {
        members.insert("condition".into(), condition);
        members.insert("principalType".into(), json!(eligible.principal_type.name()));
    }
    let says = format!("activate the eligible role {role} at {}", eligible.scope);
    let edits = vec![create(documents::ROLE_ASSIGNMENT, eligible.scope.text(), &format!("activation of {role}"), &active)];
    let body = json!({"properties": {
        "principalId": id, "roleDefinitionId": eligible.role, "requestType": "SelfActivate", "justification": "WHY",
        "scheduleInfo": {"expiration": {"type": "AfterDuration", "duration": "PT1H"}},
    }});
    let url = format!(
        "https://management.azure.com{}/providers/Microsoft.Authorization/roleAssignmentScheduleRequests/NEW-GUID?api-version=2020-10-01",
        eligible.scope.text().trim_end_matches('/')
    );
    let change = Change::new(says, asked.caller.shown.clone(), edits);
    let change = change.widens(format!("everything else that {role} grants there, until the activation ends"));
    Some(change.command(format!("az rest --method put --url {} --body {}", quoted(&url), quoted(&body.to_string()))))
}
