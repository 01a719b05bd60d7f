//! Members of JSON documents, in the camel case of the APIs or the snake case of exports and of gcloud.

use iam_why_contract::Document;
use serde_json::Value;

/// A member by its camel-case or its snake-case name.
pub(crate) fn member<'v>(value: &'v Value, camel: &str) -> Option<&'v Value> {
    value.get(camel).or_else(|| {
        let mut snake = String::with_capacity(camel.len() + 4);
        for character in camel.chars() {
            if character.is_ascii_uppercase() {
                snake.push('_');
            }
            snake.push(character.to_ascii_lowercase());
        }
        value.get(snake)
    })
}

/// A member as a string; numbers are taken as they are written.
pub(crate) fn text(value: &Value, name: &str) -> Option<String> {
    match member(value, name)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A member as a list of strings.
pub(crate) fn texts(value: &Value, name: &str) -> Option<Vec<String>> {
    let list = member(value, name)?.as_array()?;
    Some(list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

/// The elements of a list that stands alone or under one of these names.
pub(crate) fn elements<'v>(value: &'v Value, names: &[&str]) -> Option<&'v Vec<Value>> {
    value.as_array().or_else(|| names.iter().find_map(|name| member(value, name)?.as_array()))
}

pub(crate) fn json(document: &Document) -> Option<Value> {
    serde_json::from_str(&document.text).ok()
}
