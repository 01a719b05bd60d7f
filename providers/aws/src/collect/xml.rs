//! The answers of the query protocol and of S3 Control, as a small tree.

use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::{Map, Value};

/// No answer of AWS is nested deeper.
const DEEPEST: usize = 64;

/// One element, without attributes, which these answers do not use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) text: String,
    pub(super) children: Vec<Element>,
}

impl Element {
    /// Reads a document with one element at its root.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut reader = Reader::from_str(text);
        let mut open: Vec<Self> = vec![Self::default()];
        loop {
            let event = reader.read_event().map_err(|error| format!("the answer is no XML: {error}"))?;
            match event {
                Event::Start(start) => {
                    if open.len() > DEEPEST {
                        return Err(format!("the answer is nested deeper than {DEEPEST}"));
                    }
                    open.push(Self { name: local_name(start.name().as_ref()), ..Self::default() });
                }
                Event::Empty(empty) => close(&mut open, Self { name: local_name(empty.name().as_ref()), ..Self::default() }),
                Event::Text(piece) => add(&mut open, &piece.xml10_content()),
                Event::CData(piece) => add(&mut open, &piece.xml10_content()),
                Event::GeneralRef(reference) => {
                    let name = reference.xml10_content();
                    let resolved = quick_xml::escape::unescape(&format!("&{name};")).map_err(|error| error.to_string())?.into_owned();
                    add(&mut open, &resolved);
                }
                Event::End(_) => {
                    let done = open.pop().unwrap_or_default();
                    close(&mut open, done);
                }
                Event::Eof => break,
                _ => {}
            }
        }
        match open.as_mut_slice() {
            [document] if document.children.len() == 1 => document.children.pop().ok_or_else(String::new),
            _ => Err("the answer is no XML, or cut off".into()),
        }
    }

    /// The first element of this name at any depth below.
    pub(super) fn find(&self, name: &str) -> Option<&Self> {
        self.children.iter().find_map(|child| if child.name == name { Some(child) } else { child.find(name) })
    }

    /// The child of this name.
    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text of the child of this name.
    pub(super) fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.trim()).filter(|text| !text.is_empty())
    }

    /// The element as the command line prints it: members by name, `true` and `false` as such, lists (`member`, `entry`, `item`) as such.
    pub(super) fn to_json(&self) -> Value {
        if self.children.is_empty() {
            return match self.text.trim() {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                text => Value::String(text.to_owned()),
            };
        }
        let mut members = Map::new();
        for child in &self.children {
            let value = child.to_json();
            match (members.get_mut(&child.name), matches!(child.name.as_str(), "member" | "entry" | "item")) {
                (Some(Value::Array(list)), true) => list.push(value),
                (_, true) => {
                    members.insert(child.name.clone(), Value::Array(vec![value]));
                }
                _ => {
                    members.insert(child.name.clone(), value);
                }
            }
        }
        Value::Object(members)
    }
}

fn local_name(name: &str) -> String {
    name.rsplit(':').next().unwrap_or_default().to_owned()
}

fn add(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

fn close(open: &mut [Element], done: Element) {
    if let Some(parent) = open.last_mut() {
        parent.children.push(done);
    }
}

#[cfg(test)]
mod tests {
    use super::Element;

    #[test]
    fn a_policy_inside_xml_is_read_with_its_escapes() {
        let element =
            Element::parse("<?xml version='1.0'?><A xmlns='x'><Policy>{&quot;Sid&quot;: &#34;a&amp;b&#34;}</Policy><Empty/></A>").unwrap();
        assert_eq!(element.text_of("Policy"), Some(r#"{"Sid": "a&b"}"#));
        assert_eq!(element.text_of("Empty"), None);
    }

    #[test]
    fn what_is_cut_off_or_not_xml_is_an_error() {
        for text in ["", "<A><B></A>", "<A>", "{}", "<A/><B/>"] {
            assert!(Element::parse(text).is_err(), "{text}");
        }
        assert!(Element::parse(&"<a>".repeat(100_000)).is_err());
    }
}
