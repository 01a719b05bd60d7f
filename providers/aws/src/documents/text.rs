//! JSON text as it stands in a file: members as slices, lines, and policies out of their encodings.

use iam_why_contract::snapshot::SourceFile;
use percent_encoding::percent_decode_str;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// The largest policy that is taken in, in bytes. AWS's own limits are far below.
pub(super) const POLICY: usize = 2 << 20;

/// How deep a text may nest and still be indented; beyond it the indentation would outgrow the text.
const INDENTED: usize = 64;

/// The members of an object, in order, each value as the slice of the file that it is.
#[derive(Debug, Default)]
pub(super) struct Members<'t>(Vec<(Cow<'t, str>, &'t RawValue)>);

impl<'t> Members<'t> {
    /// The members of the object that `text` is.
    pub(super) fn read(text: &'t str) -> serde_json::Result<Self> {
        serde_json::from_str(text)
    }

    /// The members of the object that a value is; none of anything else.
    pub(super) fn of(raw: &'t RawValue) -> Self {
        Self::read(raw.get()).unwrap_or_default()
    }

    /// The member of this name. One that stands there twice says nothing.
    pub(super) fn get(&self, name: &str) -> Option<&'t RawValue> {
        let mut found = self.0.iter().filter(|(key, _)| key == name);
        let first = found.next()?;
        found.next().is_none().then_some(first.1)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The member of this name, where it is a string.
    pub(super) fn string(&self, name: &str) -> Option<Cow<'t, str>> {
        self.get(name).and_then(string)
    }

    /// The elements of the member of this name, where it is a list.
    pub(super) fn list(&self, name: &str) -> Option<Vec<&'t RawValue>> {
        self.get(name).and_then(elements)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &'t RawValue)> {
        self.0.iter().map(|(key, value)| (&**key, *value))
    }
}

/// The text of a string.
pub(super) fn string<'t>(raw: &'t RawValue) -> Option<Cow<'t, str>> {
    #[derive(serde::Deserialize)]
    struct Text<'t>(#[serde(borrow)] Cow<'t, str>);
    serde_json::from_str::<Text<'t>>(raw.get()).ok().map(|text| text.0)
}

/// The elements of a list.
pub(super) fn elements(raw: &RawValue) -> Option<Vec<&RawValue>> {
    serde_json::from_str(raw.get()).ok()
}

pub(super) fn is_object(raw: &RawValue) -> bool {
    raw.get().starts_with('{')
}

impl<'de: 't, 't> Deserialize<'de> for Members<'t> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Reader(std::marker::PhantomData))
    }
}

struct Reader<'t>(std::marker::PhantomData<&'t ()>);

impl<'de: 't, 't> Visitor<'de> for Reader<'t> {
    type Value = Members<'t>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'t>, A::Error> {
        #[derive(serde::Deserialize)]
        struct Key<'k>(#[serde(borrow)] Cow<'k, str>);
        let mut members = Vec::new();
        while let Some((key, value)) = map.next_entry::<Key<'de>, &'de RawValue>()? {
            members.push((key.0, value));
        }
        Ok(Members(members))
    }
}

/// Counts the lines before slices of a text. Slices that come in order are counted in one pass.
#[derive(Debug)]
pub(super) struct Lines<'t> {
    text: &'t str,
    at: usize,
    line: u32,
}

impl<'t> Lines<'t> {
    pub(super) fn new(file: &SourceFile<'t>) -> Self {
        Self { text: file.text, at: 0, line: 1 }
    }

    /// The line, from 1, on which `part` of the text begins.
    pub(super) fn of(&mut self, part: &str) -> u32 {
        let offset = part.as_ptr().addr().wrapping_sub(self.text.as_ptr().addr());
        if offset > self.text.len() {
            return 1;
        }
        if offset < self.at {
            (self.at, self.line) = (0, 1);
        }
        let between = self.text.as_bytes().get(self.at..offset).unwrap_or_default();
        let breaks = between.iter().filter(|&&byte| byte == b'\n').count();
        self.line = self.line.saturating_add(u32::try_from(breaks).unwrap_or(u32::MAX));
        self.at = offset;
        self.line
    }
}

/// The policy that stands encoded in a string: as JSON, URL-encoded or not. A policy that fills a single line is spread over several,
/// so that its lines mean something. What is no JSON stays as it is: whoever reads the policy says so.
pub(super) fn decode(text: &str) -> String {
    let trimmed = text.trim_start_matches('\u{feff}').trim();
    let encoded = trimmed.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("%7b"));
    let decoded =
        if encoded { percent_decode_str(trimmed).decode_utf8().unwrap_or(Cow::Borrowed(trimmed)) } else { Cow::Borrowed(trimmed) };
    let single = !decoded.contains('\n') && serde_json::from_str::<IgnoredAny>(&decoded).is_ok();
    if single { indent(&decoded).unwrap_or_else(|| decoded.into_owned()) } else { decoded.into_owned() }
}

/// The JSON text spread over lines: nothing but white space changes. `None` where it nests too deep.
pub(super) fn indent(text: &str) -> Option<String> {
    let mut spread = String::with_capacity(text.len() * 2);
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        if quoted {
            spread.push(character);
            quoted = escaped || character != '"';
            escaped = character == '\\' && !escaped;
            continue;
        }
        match character {
            ' ' | '\t' | '\n' | '\r' => {}
            '{' | '[' => {
                spread.push(character);
                while rest.next_if(|next| next.is_ascii_whitespace()).is_some() {}
                if let Some(end) = rest.next_if(|next| matches!(next, '}' | ']')) {
                    spread.push(end);
                    continue;
                }
                depth += 1;
                if depth > INDENTED {
                    return None;
                }
                new_line(&mut spread, depth);
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut spread, depth);
                spread.push(character);
            }
            ',' => {
                spread.push(character);
                new_line(&mut spread, depth);
            }
            ':' => spread.push_str(": "),
            _ => {
                quoted = character == '"';
                spread.push(character);
            }
        }
    }
    Some(spread)
}

fn new_line(text: &mut String, depth: usize) {
    text.push('\n');
    (0..depth).for_each(|_| text.push_str("  "));
}

#[cfg(test)]
mod tests {
    use super::{Lines, Members, decode, indent};
    use iam_why_contract::snapshot::SourceFile;

    #[test]
    fn a_policy_keeps_everything_but_its_white_space() {
        let minified = r#"{"Statement":[{"Effect":"Deny","Effect":"Allow","Condition":{},"n":1.50e+3,"s":"a \"{,: b\\"}]}"#;
        let spread = indent(minified).unwrap();
        assert_eq!(
            spread,
            "{\n  \"Statement\": [\n    {\n      \"Effect\": \"Deny\",\n      \"Effect\": \"Allow\",\n      \"Condition\": {},\n      \
             \"n\": 1.50e+3,\n      \"s\": \"a \\\"{,: b\\\\\"\n    }\n  ]\n}"
        );
        assert_eq!(decode(minified), spread);
    }

    #[test]
    fn a_policy_of_the_iam_api_is_decoded_from_its_url() {
        assert_eq!(decode("%7B%22Sid%22%3A%20%22100%25+1%22%7D"), "{\n  \"Sid\": \"100%+1\"\n}");
        assert_eq!(decode("{\n \"Sid\": 1}"), "{\n \"Sid\": 1}", "a policy with lines keeps them");
        assert_eq!(decode("{\"Sid\":"), "{\"Sid\":", "what is cut off stays as it is");
    }

    #[test]
    fn deep_nesting_costs_nothing() {
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        assert_eq!(decode(&deep), deep);
        assert!(Members::read(&format!("{{\"a\": {deep}}}")).unwrap().has("a"));
    }

    #[test]
    fn lines_are_counted_from_wherever() {
        let text = "{\n\"a\": 1,\n\"b\":\n 2}";
        let members = Members::read(text).unwrap();
        let mut lines = Lines::new(&SourceFile { path: "f", text });
        assert_eq!(lines.of(members.get("b").unwrap().get()), 4);
        assert_eq!(lines.of(members.get("a").unwrap().get()), 2);
        assert!(Members::read("{\"a\": 1, \"a\": 2}").unwrap().get("a").is_none());
    }
}
