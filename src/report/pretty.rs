//! JSON that stands on one line, laid out to be read. Keys keep their order, duplicates included.

use iam_why_contract::json::Json;

/// The longest list or object that stays on one line, in characters.
const INLINE: usize = 70;

/// The same JSON over several lines; `None` where the text is no JSON.
pub(super) fn pretty(text: &str) -> Option<String> {
    let json: Json = text.parse().ok()?;
    let mut page = String::with_capacity(text.len() * 2);
    write(&json, 0, &mut page);
    Some(page)
}

fn write(json: &Json, indent: usize, page: &mut String) {
    let (open, close) = match json {
        Json::Array(_) => ('[', ']'),
        Json::Object(_) => ('{', '}'),
        _ => return page.push_str(&scalar(json)),
    };
    if let Some(line) = inline(json) {
        return page.push_str(&line);
    }
    page.push(open);
    let mut separator = "";
    let mut item = |key: Option<&str>, value: &Json, page: &mut String| {
        page.push_str(separator);
        separator = ",";
        page.push('\n');
        page.push_str(&"  ".repeat(indent + 1));
        if let Some(key) = key {
            page.push_str(&quoted(key));
            page.push_str(": ");
        }
        write(value, indent + 1, page);
    };
    json.elements().iter().for_each(|value| item(None, value, page));
    json.members().iter().for_each(|(key, value)| item(Some(key), value, page));
    page.push('\n');
    page.push_str(&"  ".repeat(indent));
    page.push(close);
}

/// A list or object of scalars that is short enough for one line.
fn inline(json: &Json) -> Option<String> {
    let plain = |value: &Json| !matches!(value, Json::Array(_) | Json::Object(_));
    let parts: Vec<String> = match json {
        Json::Array(values) if values.iter().all(plain) => values.iter().map(scalar).collect(),
        Json::Object(members) if members.len() <= 1 && members.iter().all(|(_, value)| plain(value)) => {
            members.iter().map(|(key, value)| format!("{}: {}", quoted(key), scalar(value))).collect()
        }
        _ => return None,
    };
    let (open, close) = if matches!(json, Json::Array(_)) { ('[', ']') } else { ('{', '}') };
    let line = format!("{open}{}{close}", parts.join(", "));
    (line.chars().count() <= INLINE).then_some(line)
}

fn scalar(json: &Json) -> String {
    match json {
        Json::Bool(value) => value.to_string(),
        Json::Number(number) => number.to_string(),
        Json::String(text) => quoted(text),
        _ => "null".to_owned(),
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::pretty;

    #[test]
    fn short_lists_stay_on_their_line() {
        let text = r#"{"Statement":[{"Effect":"Allow","Action":["s3:GetObject","s3:ListBucket"],"Effect":"Deny"}],"x":{}}"#;
        let wanted = "{\n  \"Statement\": [\n    {\n      \"Effect\": \"Allow\",\n      \"Action\": [\"s3:GetObject\", \"s3:ListBucket\"],\n      \"Effect\": \"Deny\"\n    }\n  ],\n  \"x\": {}\n}";
        assert_eq!(pretty(text).as_deref(), Some(wanted));
        assert_eq!(pretty("no JSON"), None);
    }
}
