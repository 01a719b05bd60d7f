//! From a pointer to the bytes, line and column it stands for.

use iam_why_contract::{Document, Place};
use jsonc_parser::ast::{StringLit, Value};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use std::ops::Range;

/// Where something stands in a document, and in the file that holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    /// In bytes of the document's text.
    pub range: Range<usize>,
    /// In the file that holds the document, from 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// What stands there, on one line.
    pub excerpt: String,
}

/// The longest excerpt, in characters.
const EXCERPT: usize = 200;

/// Where `place` is in `document`. Where the pointer leads nowhere it is the last element on the way that exists.
#[must_use]
pub fn locate(document: &Document, place: &Place) -> Spot {
    let text = &*document.text;
    let range = range(text, &place.pointer, place.span);
    let before = text.get(..range.start).unwrap_or_default();
    let first = before.rfind('\n').map_or(0, |at| at + 1);
    let line = before.bytes().filter(|&byte| byte == b'\n').count() + document.origin.line as usize;
    let column = before.get(first..).unwrap_or_default().chars().count() + 1;
    Spot { excerpt: excerpt(text.get(range.clone()).unwrap_or_default()), range, line, column }
}

/// The bytes of the value at `pointer`, narrowed to `span` inside a string.
#[must_use]
pub fn range(text: &str, pointer: &str, span: Option<(usize, usize)>) -> Range<usize> {
    let parsed = parse_to_ast(text, &CollectOptions::default(), &STRICT).ok().and_then(|result| result.value);
    let Some(root) = parsed else {
        let (start, end) = span.unwrap_or((0, text.len()));
        let start = start.min(text.len());
        return start..end.clamp(start, text.len());
    };
    let (value, whole) = walk(&root, pointer);
    match (value, span) {
        (Value::StringLit(string), Some(span)) if whole => narrow(text, string, span),
        _ => value.start()..value.end(),
    }
}

const STRICT: ParseOptions = ParseOptions {
    allow_comments: false,
    allow_loose_object_property_names: false,
    allow_trailing_commas: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// The value at `pointer`, and whether the pointer was followed to its end.
fn walk<'v, 'a>(root: &'v Value<'a>, pointer: &str) -> (&'v Value<'a>, bool) {
    let mut here = root;
    for token in pointer.split('/').skip(1) {
        let token = token.replace("~1", "/").replace("~0", "~");
        let next = match here {
            // Of two equal keys the last one counts, as most readers take it.
            Value::Object(object) => {
                object.properties.iter().rev().find(|property| property.name.as_str() == token).map(|found| &found.value)
            }
            Value::Array(array) => token.parse::<usize>().ok().and_then(|index| array.elements.get(index)),
            _ => None,
        };
        match next {
            Some(next) => here = next,
            None => return (here, false),
        }
    }
    (here, true)
}

/// The bytes of the source that make up the bytes `span` of the decoded string.
fn narrow(text: &str, string: &StringLit<'_>, span: (usize, usize)) -> Range<usize> {
    let raw = text.get(string.range.start + 1..string.range.end.saturating_sub(1)).unwrap_or_default();
    let source = |decoded: usize| string.range.start + 1 + source_offset(raw, decoded);
    let (start, end) = (source(span.0), source(span.1));
    start..end.max(start)
}

/// How many bytes of the raw string come before the byte `decoded` of the decoded one.
fn source_offset(raw: &str, decoded: usize) -> usize {
    let (mut read, mut made) = (0, 0);
    while made < decoded {
        let Some(rest) = raw.get(read..).filter(|rest| !rest.is_empty()) else { break };
        let (source, result) = unit(rest);
        read += source;
        made += result;
    }
    read
}

/// The bytes that the first character of a raw string takes in the source and once decoded.
fn unit(rest: &str) -> (usize, usize) {
    let plain = rest.chars().next().map_or(1, char::len_utf8);
    let Some(escape) = rest.strip_prefix('\\') else { return (plain, plain) };
    let Some(code) = escape.strip_prefix('u').and_then(hex) else { return (2, 1) };
    let low = rest.get(6..).and_then(|next| next.strip_prefix("\\u")).and_then(hex);
    match (code, low) {
        (0xd800..=0xdbff, Some(0xdc00..=0xdfff)) => (12, 4),
        _ => (6, char::from_u32(code).map_or(3, char::len_utf8)),
    }
}

fn hex(digits: &str) -> Option<u32> {
    digits.get(..4).and_then(|digits| u32::from_str_radix(digits, 16).ok())
}

fn excerpt(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(EXCERPT) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::{locate, range};
    use iam_why_contract::{Document, Place};

    const POLICY: &str = "{\n  \"Statement\": [\n    {\"Action\": \"s3:*\",\n     \"Resource\": [\"a\", \"b/c\"]}\n  ]\n}";

    fn at(pointer: &str) -> (usize, usize, String) {
        let document = Document::new("policy", "x", "p", POLICY).from_source("policy.json", 10);
        let spot = locate(&document, &Place::new("policy x p", pointer));
        (spot.line, spot.column, spot.excerpt)
    }

    #[test]
    fn a_pointer_leads_to_its_line_in_the_file() {
        assert_eq!(at("/Statement/0/Resource/1"), (13, 24, "\"b/c\"".into()));
        assert_eq!(at(""), (10, 1, "{ \"Statement\": [ {\"Action\": \"s3:*\", \"Resource\": [\"a\", \"b/c\"]} ] }".into()));
    }

    #[test]
    fn a_pointer_into_a_single_value_leads_to_that_value() {
        assert_eq!(at("/Statement/0/Action/0"), (12, 16, "\"s3:*\"".into()));
    }

    #[test]
    fn a_span_counts_the_bytes_of_the_decoded_string() {
        let text = r#"{"expression": "a \"b\" \u00e9\ud83d\ude00 == c"}"#;
        let decoded = "a \"b\" é😀 == c";
        let span = (decoded.find('=').unwrap(), decoded.len());
        assert_eq!(text.get(range(text, "/expression", Some(span))).unwrap(), "== c");
        let span = (decoded.find('é').unwrap(), decoded.find('é').unwrap() + 2);
        assert_eq!(text.get(range(text, "/expression", Some(span))).unwrap(), "\\u00e9");
    }

    #[test]
    fn text_that_is_not_json_is_pointed_at_as_a_whole() {
        assert_eq!(range("free text", "/x", None), 0..9);
        assert_eq!(range("free text", "", Some((5, 40))), 5..9);
    }
}
