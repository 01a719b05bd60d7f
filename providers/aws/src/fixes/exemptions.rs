//! Exemptions from statements that deny.

use super::{Case, statement};
use iam_why_contract::{Document, Edit, Effect, Part, Proposal, Statement, Step};
use serde_json::{Map, Value, json};

/// Conditions that a caller should meet rather than be exempted from.
const KEPT: &[&str] = &["aws:securetransport", "aws:multifactorauthpresent", "aws:multifactorauthage", "s3:tlsversion"];

/// The operators under which a key may list what a Deny spares.
const SPARING: &[&str] = &["ArnNotEquals", "ArnNotLike", "StringNotEquals", "StringNotLike"];

/// For all denying statements of a step: the ways to exempt the request from them, the one to prefer first. `None` where there should
/// be no exemption, or none can be written.
pub(super) fn of(case: &Case<'_>, part: &Part, step: &Step) -> Option<Vec<Proposal>> {
    // From the last to the first: what is removed does not move what is still to be changed.
    let denies: Vec<&Statement> = step.statements.iter().rev().filter(|one| one.effect == Effect::Deny && one.applies.is_yes()).collect();
    let ways: Vec<Vec<Proposal>> = denies.iter().map(|one| ways(case, part, step, one)).collect::<Option<_>>()?;
    let most = ways.iter().map(Vec::len).max()?;
    let way = |number: usize| ways.iter().filter_map(|ways| ways.get(number).or(ways.first())).cloned().reduce(Proposal::and);
    Some((0..most).filter_map(way).collect())
}

fn ways(case: &Case<'_>, part: &Part, step: &Step, denying: &Statement) -> Option<Vec<Proposal>> {
    if denying.tests.iter().any(|test| KEPT.contains(&test.about.to_ascii_lowercase().as_str())) {
        return None;
    }
    let (document, value) = case.read(&denying.place.document)?;
    let text = value.pointer(&denying.place.pointer)?;
    // AWS's own managed policies cannot be changed (IAM-3).
    if document.subject.contains(":iam::aws:") {
        return None;
    }
    let change = Change { case, part, step, denying, document, text };
    let own = case.own(document);
    let caller = if own { None } else { change.spare_caller() };
    let mut ways: Vec<Proposal> = [change.spare_resource(own), caller, change.spare_action()].into_iter().flatten().collect();
    if own && ways.is_empty() {
        ways.extend(change.remove(&value));
    }
    (!ways.is_empty()).then_some(ways)
}

/// A denying statement that is to be changed.
struct Change<'c> {
    case: &'c Case<'c>,
    part: &'c Part,
    step: &'c Step,
    denying: &'c Statement,
    document: &'c Document,
    text: &'c Value,
}

impl Change<'_> {
    /// A condition that spares the caller, added to those that there are: all must hold for the statement to deny.
    fn spare_caller(&self) -> Option<Proposal> {
        let (key, operator, value) = match (self.case.principal(), self.case.service()) {
            (Some(arn), _) => ("aws:PrincipalArn", "ArnNotEquals", arn),
            (None, Some(service)) => ("aws:PrincipalServiceName", "StringNotEquals", service),
            (None, None) => return None,
        };
        let patch = spare(self.text, &self.denying.place.pointer, key, operator, value)?;
        let caller = self.case.caller();
        let widens = format!("{caller} is then exempt from all that {} denies, not from this request alone", self.called());
        Some(self.proposal(format!("exempt {caller} from {}", self.called()), patch, Some(widens)))
    }

    /// The resource among those that a `NotResource` spares; in a policy of the caller's own also instead of `Resource: *`.
    fn spare_resource(&self, own: bool) -> Option<Proposal> {
        let resource = statement::resource(self.part).filter(|resource| resource != "*")?;
        let pointer = &self.denying.place.pointer;
        let patch = match (self.text.get("NotResource"), self.text.get("Resource")) {
            (Some(spared), None) => listed(spared, &format!("{pointer}/NotResource"), &resource)?,
            (None, Some(all)) if own && is_any(all) => vec![
                json!({"op": "remove", "path": format!("{pointer}/Resource")}),
                json!({"op": "add", "path": format!("{pointer}/NotResource"), "value": resource}),
            ],
            _ => return None,
        };
        let whom = if own { "" } else { " for everybody whom it binds" };
        let widens = format!("{} then denies none of its actions on {resource}{whom}", self.called());
        Some(self.proposal(format!("let {} spare {resource}", self.called()), patch, Some(widens)))
    }

    /// The action among those that a `NotAction` spares.
    fn spare_action(&self) -> Option<Proposal> {
        let action = statement::action(self.part);
        let spared = self.text.get("NotAction")?;
        let patch = listed(spared, &format!("{}/NotAction", self.denying.place.pointer), &action)?;
        let widens = format!("{} then denies {action} to nobody whom it binds, on no resource", self.called());
        Some(self.proposal(format!("let {} spare {action}", self.called()), patch, Some(widens)))
    }

    /// The statement out of the caller's own policy; the policy out of the identity where it says nothing else.
    fn remove(&self, document: &Value) -> Option<Proposal> {
        let pointer = &self.denying.place.pointer;
        let (list, _) = pointer.rsplit_once('/')?;
        let alone = document.pointer(list).and_then(Value::as_array).is_none_or(|statements| statements.len() == 1);
        let policy = pointer.find("/PolicyDocument").and_then(|at| pointer.get(..at));
        let path = if alone { policy? } else { pointer };
        let widens = format!("{} then denies {} nothing any more", self.called(), self.case.caller());
        Some(self.proposal(format!("remove {}", self.called()), vec![json!({"op": "remove", "path": path})], Some(widens)))
    }

    fn proposal(&self, says: String, patch: Vec<Value>, widens: Option<String>) -> Proposal {
        let edit = Edit { document: self.document.id.to_string(), creates: None, patch };
        let who = self.case.owner(self.step.layer, &format!("whoever can change {}", self.title()));
        Proposal { says, edits: vec![edit], who, widens, commands: Vec::new() }
    }

    /// `statement DenyOutsideEu of service control policy Guard`
    fn called(&self) -> String {
        let number = || self.denying.place.pointer.rsplit('/').next()?.parse::<usize>().ok().map(|number| (number + 1).to_string());
        let label = Some(self.denying.label.to_string()).filter(|label| !label.is_empty()).or_else(number);
        label.map_or_else(|| format!("the statement of {}", self.title()), |label| format!("statement {label} of {}", self.title()))
    }

    fn title(&self) -> &str {
        if self.document.title.is_empty() { &self.document.id } else { &self.document.title }
    }
}

fn is_any(element: &Value) -> bool {
    match element {
        Value::String(text) => text == "*",
        Value::Array(list) => list.len() == 1 && list.first().is_some_and(is_any),
        _ => false,
    }
}

/// The patch that adds `entry` to a text or a list of texts.
fn listed(element: &Value, pointer: &str, entry: &str) -> Option<Vec<Value>> {
    match element {
        Value::Array(_) => Some(vec![json!({"op": "add", "path": format!("{pointer}/-"), "value": entry})]),
        Value::String(one) => Some(vec![json!({"op": "replace", "path": pointer, "value": [one, entry]})]),
        _ => None,
    }
}

/// The patch that makes a denying statement spare `value` of `key`: added to an operator that spares this key already, else an operator
/// of its own.
fn spare(statement: &Value, pointer: &str, key: &str, operator: &str, value: &str) -> Option<Vec<Value>> {
    let added = |path: String, value: Value| Some(vec![json!({"op": "add", "path": path, "value": value})]);
    let Some(conditions) = statement.get("Condition") else {
        return added(format!("{pointer}/Condition"), json!({operator: {key: value}}));
    };
    let conditions = conditions.as_object()?;
    let operators = conditions.iter().filter(|(name, _)| SPARING.contains(&name.as_str()));
    for (name, keys) in operators {
        let keys: &Map<String, Value> = keys.as_object()?;
        if let Some((spelt, spared)) = keys.iter().find(|(spelt, _)| spelt.eq_ignore_ascii_case(key)) {
            return listed(spared, &format!("{pointer}/Condition/{name}/{}", escaped(spelt)), value);
        }
    }
    match conditions.get(operator) {
        Some(_) => added(format!("{pointer}/Condition/{operator}/{}", escaped(key)), json!(value)),
        None => added(format!("{pointer}/Condition/{operator}"), json!({key: value})),
    }
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
