//! Azure Policy: the effects `deny` and `denyAction` refuse what everybody else allowed (X-8: `RequestDisallowedByPolicy`).
//!
//! A rule looks at the content of the request. Here only what it says about the type of the resource is evaluated; what is left of it is an
//! open fact.

use crate::documents;
use crate::language::operators::date;
use crate::language::permission::Plane;
use crate::layers::{Asked, Look, statement};
use crate::operations::{Verb, verb};
use crate::scope::Scope;
use crate::world::{Body, Listed, last, value};
use iam_why_contract::{Document, Effect, Place, Recorder, Test, Truth};
use serde_json::Value;

/// The id of the layer.
pub(crate) const ID: &str = "policy";

/// Does a policy refuse?
pub(crate) fn look<R: Recorder>(asked: &Asked<'_>) -> Look {
    let effect = match verb(&asked.access.action) {
        Verb::Write => "deny",
        Verb::Delete => "denyaction",
        Verb::Read | Verb::Act => return Look::unbound(ID, Effect::Deny),
    };
    if asked.plane == Some(Plane::Data) {
        return Look::unbound(ID, Effect::Deny);
    }
    let mut look = Look::new(ID, Effect::Deny, Truth::No);
    for document in asked.world.all(documents::POLICY_ASSIGNMENT) {
        let Some(value) = value(document) else { continue };
        let truth = asked.facts.unless_certain(|| assignment(asked, document, &value, effect));
        look.truth = look.truth.or(truth);
        if R::KEEPS && !truth.is_no() {
            let body = Body::new(&value);
            let place = Place::new(document.id.to_string(), body.pointer).member("policyDefinitionId");
            let test = Test::new(place.clone(), "policy", format!("effect {effect}"), asked.access.action.clone(), truth);
            look = look.shown(statement(place, body.text("displayName").unwrap_or(&document.title), Effect::Deny, truth, vec![test]));
        }
    }
    if let Listed::No(doubt) = asked.world.listed(documents::POLICY_ASSIGNMENT, asked.scope.as_ref(), asked.caller) {
        look.truth = look.truth.or(asked.facts.ask("policies unread", || doubt));
    }
    look.binds = !look.truth.is_no();
    look
}

fn assignment(asked: &Asked<'_>, document: &Document, value: &Value, effect: &str) -> Truth {
    let body = Body::new(value);
    if body.text("enforcementMode").is_some_and(|mode| mode.eq_ignore_ascii_case("DoNotEnforce")) {
        return Truth::No;
    }
    let scope = body.text("scope").map_or_else(|| Scope::new(&document.subject), Scope::new);
    let covers = asked.world.covers(&scope, asked.scope.as_ref(), asked.facts);
    let spared = body.get("notScopes").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let spared = Truth::any(spared.map(|scope| asked.world.covers(&Scope::new(scope), asked.scope.as_ref(), asked.facts)));
    let reaches = covers.and(!spared);
    if reaches.is_no() {
        return Truth::No;
    }
    let definition = body.text("policyDefinitionId").unwrap_or_default();
    let id = body.text("id").unwrap_or(&document.id);
    reaches.and(definitions(asked, definition, &body, effect)).and(!exempt(asked, id))
}

/// A definition, or every definition of an initiative.
fn definitions(asked: &Asked<'_>, id: &str, assignment: &Body<'_>, effect: &str) -> Truth {
    if !id.to_ascii_lowercase().contains("/policysetdefinitions/") {
        return definition(asked, id, assignment.get("parameters"), effect);
    }
    let Some(set) = named(asked, documents::POLICY_SET, id) else { return not_read(asked, documents::POLICY_SET, id) };
    let members = Body::new(&set).get("policyDefinitions").and_then(Value::as_array).cloned().unwrap_or_default();
    let one = |member: &Value| {
        let id = member.get("policyDefinitionId").and_then(Value::as_str).unwrap_or_default();
        // Parameters of a member refer to those of the initiative.
        let parameters = member.get("parameters").map(|own| resolved(own, assignment.get("parameters"), Body::new(&set).get("parameters")));
        definition(asked, id, parameters.as_ref(), effect)
    };
    Truth::any(members.iter().map(one))
}

fn definition(asked: &Asked<'_>, id: &str, parameters: Option<&Value>, effect: &str) -> Truth {
    let Some(value) = named(asked, documents::POLICY_DEFINITION, id) else { return not_read(asked, documents::POLICY_DEFINITION, id) };
    let body = Body::new(&value);
    let Some(rule) = body.get("policyRule") else { return not_read(asked, documents::POLICY_DEFINITION, id) };
    let written = rule.get("then").and_then(|then| then.get("effect")).and_then(Value::as_str).unwrap_or_default();
    let own = parameter(written, parameters, body.get("parameters"));
    let refuses = match own.as_deref() {
        Some(own) => Truth::from(own.eq_ignore_ascii_case(effect)),
        None => not_read(asked, documents::POLICY_DEFINITION, id),
    };
    if refuses.is_no() {
        return Truth::No;
    }
    refuses.and(rule.get("if").map_or(Truth::Unknown, |condition| matches(asked, condition, id, 0)))
}

fn named(asked: &Asked<'_>, kind: &'static str, id: &str) -> Option<Value> {
    let exact = asked.world.document(kind, id);
    exact.or_else(|| asked.world.all(kind).find(|document| last(&document.subject).eq_ignore_ascii_case(last(id)))).and_then(value)
}

fn not_read(asked: &Asked<'_>, kind: &'static str, id: &str) -> Truth {
    asked.unread(kind, id, "refuses")
}

/// `[parameters('effect')]`, looked up in the assignment and then in the defaults.
fn parameter(written: &str, given: Option<&Value>, defaults: Option<&Value>) -> Option<String> {
    let Some(name) = written.trim().strip_prefix("[parameters('").and_then(|rest| rest.strip_suffix("')]")) else {
        return (!written.starts_with('[')).then(|| written.to_owned());
    };
    let look = |list: Option<&Value>, member: &str| {
        let list = list?.as_object()?;
        let found = list.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value)?;
        found.get(member).and_then(Value::as_str).map(str::to_owned)
    };
    look(given, "value").or_else(|| look(defaults, "defaultValue"))
}

fn resolved(own: &Value, given: Option<&Value>, defaults: Option<&Value>) -> Value {
    let mut own = own.clone();
    for entry in own.as_object_mut().into_iter().flat_map(|members| members.values_mut()) {
        let written = entry.get("value").and_then(Value::as_str).map(str::to_owned);
        if let Some(value) = written.and_then(|written| parameter(&written, given, defaults)) {
            *entry = serde_json::json!({ "value": value });
        }
    }
    own
}

/// Does the rule's condition hold for the resource as it would be? Only its type is known here.
fn matches(asked: &Asked<'_>, condition: &Value, id: &str, depth: usize) -> Truth {
    let list = |name: &str| condition.get(name).and_then(Value::as_array);
    let inner = |condition: &Value| matches(asked, condition, id, depth + 1);
    if depth > 64 {
        return content(asked, id);
    }
    if let Some(all) = list("allOf") {
        return Truth::all(all.iter().map(inner));
    }
    if let Some(any) = list("anyOf") {
        return Truth::any(any.iter().map(inner));
    }
    if let Some(not) = condition.get("not") {
        return !inner(not);
    }
    // `value` compares what is written there; a literal needs nothing from the request.
    if let Some(literal) = condition.get("value").and_then(Value::as_str).filter(|text| !text.starts_with('[')) {
        return compared(condition, &literal.to_ascii_lowercase()).map_or_else(|| content(asked, id), Truth::from);
    }
    let about_type = condition.get("field").and_then(Value::as_str).is_some_and(|field| field.eq_ignore_ascii_case("type"));
    let known = about_type.then(|| resource_type(asked)).flatten();
    known.and_then(|own| compared(condition, &own)).map_or_else(|| content(asked, id), Truth::from)
}

/// The type of what the request makes: that of its scope, or what the action names where the scope is the group it is made in.
fn resource_type(asked: &Asked<'_>) -> Option<String> {
    let own = asked.scope.as_ref().and_then(Scope::resource_type);
    own.or_else(|| asked.access.action.rsplit_once('/').map(|(kind, _)| kind.to_ascii_lowercase()))
}

fn content(asked: &Asked<'_>, id: &str) -> Truth {
    let about = format!("whether the resource, as the request would make it, is what the policy {} refuses", last(id));
    asked.ask(
        &format!("policy {}", id.to_ascii_lowercase()),
        about,
        "the content of the request; Azure answers it under checkPolicyRestrictions",
    )
}

fn compared(condition: &Value, own: &str) -> Option<bool> {
    let text = |name: &str| condition.get(name).and_then(Value::as_str).map(str::to_ascii_lowercase);
    let list = |name: &str| {
        let values = condition.get(name)?.as_array()?;
        values.iter().map(|value| value.as_str().map(str::to_ascii_lowercase)).collect::<Option<Vec<String>>>()
    };
    let literal = |text: String| (!text.starts_with('[')).then_some(text);
    let exists = condition.get("exists").map(|value| value.as_bool().unwrap_or(value.as_str() == Some("true")));
    let equals = text("equals").and_then(literal).map(|wanted| wanted == own);
    let differs = text("notEquals").and_then(literal).map(|wanted| wanted != own);
    let within = list("in").map(|wanted| wanted.iter().any(|one| one == own));
    let without = list("notIn").map(|wanted| wanted.iter().all(|one| one != own));
    let like = text("like").and_then(literal).map(|wanted| crate::language::action::ActionPattern::new(&wanted).matches(own));
    exists.or(equals).or(differs).or(within).or(without).or(like)
}

/// Is the resource exempt from the assignment?
fn exempt(asked: &Asked<'_>, assignment: &str) -> Truth {
    let exemption = |document: &Document| {
        let Some(value) = value(document) else { return Truth::No };
        let body = Body::new(&value);
        let own = body.text("policyAssignmentId").is_some_and(|id| id.eq_ignore_ascii_case(assignment));
        let all = body.get("policyDefinitionReferenceIds").and_then(Value::as_array).is_none_or(Vec::is_empty);
        if !own {
            return Truth::No;
        }
        let scope = value.get("id").and_then(Value::as_str).and_then(|id| {
            id.to_ascii_lowercase().rfind("/providers/microsoft.authorization/policyexemptions/").and_then(|at| id.get(..at))
        });
        let covers = asked.world.covers(&Scope::new(scope.unwrap_or(&document.subject)), asked.scope.as_ref(), asked.facts);
        let part = if all {
            Truth::Yes
        } else {
            asked.ask(
                &format!("exemption {}", document.id),
                format!("whether `{}` exempts from the part that refuses", document.title),
                "the definition that refused",
            )
        };
        covers.and(part).and(in_force(asked, &body, document))
    };
    Truth::any(asked.world.all(documents::POLICY_EXEMPTION).map(exemption))
}

fn in_force(asked: &Asked<'_>, body: &Body<'_>, document: &Document) -> Truth {
    match (body.text("expiresOn").and_then(date::moment), asked.request.now()) {
        (None, _) => Truth::Yes,
        (Some(end), Some(now)) => Truth::from(now < end),
        (Some(_), None) => {
            asked.ask(&format!("in force {}", document.id), "when the request was made", "--context now=2026-01-31T12:00:00Z")
        }
    }
}
