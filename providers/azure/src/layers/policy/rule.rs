//! The condition of a policy rule ("Azure Policy definition structure: policy rule"), over what is known of the request's content: the
//! type, the name and the id, and the fields that the context has. The rest is not known.

use super::parameters::Parameters;
use crate::language::action::ActionPattern;
use crate::layers::Asked;
use iam_why_contract::{Lookup, Place, Recorder, Test, Truth};
use serde_json::Value;
use std::cmp::Ordering;

/// How deep conditions may be nested; deeper ones are left open.
const DEPTH: usize = 64;

/// A rule's condition, about to be evaluated.
pub(super) struct Rule<'a> {
    pub(super) asked: &'a Asked<'a>,
    pub(super) parameters: &'a Parameters<'a>,
}

/// What is known of one side of a comparison.
enum Got {
    Known(String),
    Absent,
    NotKnown,
}

impl Rule<'_> {
    /// Does the condition at `place` hold for the resource as it would be? What is not known stays unknown; nobody is asked.
    pub(super) fn holds<R: Recorder>(&self, condition: &Value, place: &Place, depth: usize, kept: &mut R) -> Truth {
        if depth > DEPTH {
            return Truth::Unknown;
        }
        let mut list = |name: &str| -> Option<Vec<Truth>> {
            let elements = condition.get(name)?.as_array()?.iter().enumerate();
            Some(elements.map(|(index, one)| self.holds(one, &place.member_element(name, index), depth + 1, kept)).collect())
        };
        if let Some(all) = list("allOf") {
            return Truth::all(all);
        }
        if let Some(any) = list("anyOf") {
            return Truth::any(any);
        }
        match condition.get("not") {
            Some(not) => !self.holds(not, &place.member("not"), depth + 1, kept),
            None => self.compares(condition, place, kept),
        }
    }

    fn compares<R: Recorder>(&self, condition: &Value, place: &Place, kept: &mut R) -> Truth {
        let Some((operator, written)) = operator(condition) else { return Truth::Unknown };
        let (about, got) = self.subject(condition);
        let wanted = self.parameters.value(written);
        let truth =
            wanted.as_ref().map_or(Truth::Unknown, |wanted| compare(operator, wanted, &got, about.eq_ignore_ascii_case("location")));
        kept.test(|| {
            let shown = match &got {
                Got::Known(text) => text.clone(),
                Got::Absent => "absent".to_owned(),
                Got::NotKnown => "not known".to_owned(),
            };
            let wanted = format!("{operator} {}", wanted.as_ref().unwrap_or(written));
            Test::new(place.member(operator), about.clone(), wanted, shown, truth)
        });
        truth
    }

    /// What is compared: a field of the resource, or a value that is written in the rule. Counts and functions are not evaluated.
    fn subject(&self, condition: &Value) -> (String, Got) {
        if let Some(field) = condition.get("field").and_then(Value::as_str) {
            return (field.to_owned(), self.field(field));
        }
        let literal = condition.get("value").and_then(|written| self.parameters.value(written));
        let got = literal.as_ref().and_then(text).map_or(Got::NotKnown, Got::Known);
        ("value".to_owned(), got)
    }

    fn field(&self, name: &str) -> Got {
        match self.asked.request.said(name) {
            Lookup::Known([only]) => return Got::Known(only.clone()),
            Lookup::Absent => return Got::Absent,
            _ => {}
        }
        let own = match name.to_ascii_lowercase().as_str() {
            "type" => resource_type(self.asked),
            "name" | "fullname" => self.name(),
            "id" => self.itself().map(|scope| scope.text().to_owned()),
            _ => tag(name).and_then(|tag| self.asked.request.value(&format!("tags.{tag}")).map(str::to_owned)),
        };
        own.map_or(Got::NotKnown, Got::Known)
    }

    /// The scope, where it is the resource and not what the resource is made in.
    fn itself(&self) -> Option<&crate::scope::Scope> {
        self.asked.scope.as_ref().filter(|scope| scope.resource_type().is_some() && scope.resource_type() == resource_type(self.asked))
    }

    /// Of children the page says what the full name is, but not which part the name is.
    fn name(&self) -> Option<String> {
        let itself = self.itself()?;
        let top = itself.resource_type()?.split('/').count() == 2;
        top.then(|| itself.name().to_owned())
    }
}

/// The type of what the request makes or deletes, which its action names.
pub(super) fn resource_type(asked: &Asked<'_>) -> Option<String> {
    asked.access.action.rsplit_once('/').map(|(kind, _)| kind.to_ascii_lowercase())
}

/// The key in `tags['key']` or `tags[key]`.
fn tag(field: &str) -> Option<&str> {
    let key = field.strip_prefix("tags[")?.strip_suffix(']')?;
    Some(key.trim_matches('\''))
}

const OPERATORS: [&str; 18] = [
    "equals",
    "notEquals",
    "like",
    "notLike",
    "match",
    "matchInsensitively",
    "notMatch",
    "notMatchInsensitively",
    "contains",
    "notContains",
    "in",
    "notIn",
    "containsKey",
    "notContainsKey",
    "less",
    "lessOrEquals",
    "greater",
    "greaterOrEquals",
];

fn operator(condition: &Value) -> Option<(&'static str, &Value)> {
    let members = condition.as_object()?;
    let named = |known: &&'static str| members.iter().find(|(name, _)| name.eq_ignore_ascii_case(known)).map(|(_, value)| (*known, value));
    OPERATORS.iter().chain(&["exists"]).find_map(named)
}

/// Strings are compared without regard to case; locations without their blanks too, `West Europe` being `westeurope`.
fn compare(operator: &str, wanted: &Value, got: &Got, location: bool) -> Truth {
    if operator == "exists" {
        let wanted = wanted.as_bool().or_else(|| text(wanted).and_then(|text| text.to_ascii_lowercase().parse().ok()));
        return match (got, wanted) {
            (Got::Known(_), Some(wanted)) => Truth::from(wanted),
            (Got::Absent, Some(wanted)) => Truth::from(!wanted),
            _ => Truth::Unknown,
        };
    }
    // How the other operators take a field that is not there depends on the field.
    let Got::Known(got) = got else { return Truth::Unknown };
    let normal = |text: String| if location { text.replace(' ', "").to_lowercase() } else { text.to_lowercase() };
    let got = normal(got.clone());
    let one = || text(wanted).map(normal);
    let list = || wanted.as_array()?.iter().map(|element| text(element).map(normal)).collect::<Option<Vec<String>>>();
    let order = || number(&got)?.partial_cmp(&number(&one()?)?);
    let holds = match operator {
        "equals" => one().map(|wanted| wanted == got),
        "notEquals" => one().map(|wanted| wanted != got),
        "like" => one().map(|wanted| ActionPattern::new(&wanted).matches(&got)),
        "notLike" => one().map(|wanted| !ActionPattern::new(&wanted).matches(&got)),
        "contains" => one().map(|wanted| got.contains(&wanted)),
        "notContains" => one().map(|wanted| !got.contains(&wanted)),
        "in" => list().map(|wanted| wanted.contains(&got)),
        "notIn" => list().map(|wanted| !wanted.contains(&got)),
        "less" => order().map(Ordering::is_lt),
        "lessOrEquals" => order().map(Ordering::is_le),
        "greater" => order().map(Ordering::is_gt),
        "greaterOrEquals" => order().map(Ordering::is_ge),
        _ => None,
    };
    holds.map_or(Truth::Unknown, Truth::from)
}

fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok()
}

/// A literal as text.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        _ => None,
    }
}
