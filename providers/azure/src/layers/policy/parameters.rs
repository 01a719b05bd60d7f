//! The parameters of a policy definition: what the assignment (or the initiative) gives, and the defaults.

use serde_json::{Map, Value};

/// What `[parameters('name')]` stands for.
pub(super) struct Parameters<'a> {
    pub(super) given: Option<&'a Value>,
    pub(super) defaults: Option<&'a Value>,
}

impl Parameters<'_> {
    /// What is written, parameters put in; `None` where that takes more than a parameter.
    pub(super) fn value(&self, written: &Value) -> Option<Value> {
        match written {
            Value::String(text) => self.text(text),
            Value::Array(list) => list.iter().map(|element| self.value(element)).collect::<Option<Vec<Value>>>().map(Value::Array),
            other => Some(other.clone()),
        }
    }

    fn text(&self, written: &str) -> Option<Value> {
        let written = written.trim();
        // `[[` writes a bracket that is none of the template language's.
        if let Some(escaped) = written.strip_prefix("[[") {
            return Some(Value::String(format!("[{escaped}")));
        }
        let Some(expression) = written.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) else {
            return Some(Value::String(written.to_owned()));
        };
        let inside = expression.trim().strip_prefix("parameters(").and_then(|rest| rest.strip_suffix(')'))?;
        let name = inside.trim().strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')).filter(|name| !name.contains('\''))?;
        self.named(name)
    }

    fn named(&self, name: &str) -> Option<Value> {
        let look = |list: Option<&Value>, member: &str| {
            let found = list?.as_object()?.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value)?;
            found.get(member).cloned()
        };
        look(self.given, "value").or_else(|| look(self.defaults, "defaultValue"))
    }

    /// The parameters that an initiative hands on to one of its definitions; those it cannot resolve are left out, and so not known.
    pub(super) fn handed_on(&self, written: &Value) -> Value {
        let entries = written.as_object().into_iter().flatten().map(|(name, entry)| {
            let value = entry.get("value").and_then(|written| self.value(written));
            (name.clone(), value.map_or(Value::Null, |value| serde_json::json!({ "value": value })))
        });
        Value::Object(entries.collect::<Map<String, Value>>())
    }
}

#[cfg(test)]
mod tests {
    use super::Parameters;
    use serde_json::json;

    #[test]
    fn a_parameter_is_what_was_given_or_else_its_default() {
        let (given, defaults) =
            (json!({"Effect": {"value": "Deny"}}), json!({"effect": {"defaultValue": "Audit"}, "list": {"defaultValue": ["a"]}}));
        let parameters = Parameters { given: Some(&given), defaults: Some(&defaults) };
        assert_eq!(parameters.value(&json!("[parameters('effect')]")), Some(json!("Deny")));
        assert_eq!(parameters.value(&json!(["[parameters('list')]", "b"])), Some(json!([["a"], "b"])));
        assert_eq!(parameters.value(&json!("[concat('a', 'b')]")), None);
        assert_eq!(parameters.value(&json!("[[a]")), Some(json!("[a]")));
    }
}
