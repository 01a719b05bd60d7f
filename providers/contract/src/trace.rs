//! What was compared with what. A trace is recorded once; every answer is a filter over it.

use crate::truth::Truth;
use serde::Serialize;
use std::borrow::Cow;
use std::sync::Arc;

/// Where in a document something stands. The pointer is symbolic until a report turns it into a line and a column.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The id of the [`Document`](crate::Document).
    pub document: Arc<str>,
    /// An RFC 6901 JSON pointer into its text, `""` for the whole.
    pub pointer: String,
    /// A span inside the string at the pointer, in bytes of the decoded string: a sub-expression of a condition language.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span: Option<(usize, usize)>,
}

impl Place {
    /// The place of `pointer` in `document`.
    #[must_use]
    pub fn new(document: impl Into<Arc<str>>, pointer: impl Into<String>) -> Self {
        Self { document: document.into(), pointer: pointer.into(), span: None }
    }

    /// The place of the member `name` under this one, escaped as RFC 6901 asks.
    #[must_use]
    pub fn member(&self, name: &str) -> Self {
        if name.contains(['~', '/']) {
            return self.below(&name.replace('~', "~0").replace('/', "~1"));
        }
        self.below(name)
    }

    /// The place of the element `index` under this one.
    #[must_use]
    pub fn element(&self, index: usize) -> Self {
        self.below(&index.to_string())
    }

    /// The place of the element `index` of the member `name` under this one.
    #[must_use]
    pub fn member_element(&self, name: &str, index: usize) -> Self {
        if name.contains(['~', '/']) {
            return self.member(name).element(index);
        }
        let pointer = format!("{}/{name}/{index}", self.pointer);
        Self { document: Arc::clone(&self.document), pointer, span: None }
    }

    fn below(&self, token: &str) -> Self {
        let mut pointer = String::with_capacity(self.pointer.len() + 1 + token.len());
        pointer.extend([&self.pointer, "/", token]);
        Self { document: Arc::clone(&self.document), pointer, span: None }
    }

    /// The same place, narrowed to the bytes `start..end` of the string that stands there.
    #[must_use]
    pub fn within(&self, start: usize, end: usize) -> Self {
        Self { span: Some((start, end)), ..self.clone() }
    }
}

/// What a statement does when it applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It grants.
    Allow,
    /// It refuses, whatever grants.
    Deny,
}

/// What one layer has to say about the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ruling {
    /// It allows.
    Allow,
    /// It refuses explicitly.
    Deny,
    /// It was asked and does not allow.
    Silent,
    /// It does not bind this request.
    Inapplicable,
    /// It was not read, or depends on a fact that is not known.
    Unknown,
}

/// Everything that was looked at, layer by layer in the order of the cloud's own procedure.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Trace {
    /// The layers asked; a layer with several levels (an organization's nodes) has a step for each.
    pub steps: Vec<Step>,
}

/// One layer's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The [`Layer`](crate::Layer) id.
    pub layer: &'static str,
    /// Which instance of the layer: an organization node, a bucket, a scope; empty where there is only one.
    pub subject: String,
    /// What the layer says.
    pub ruling: Ruling,
    /// Could this layer's silence alone refuse the request, given what the other layers say?
    pub needed: bool,
    /// Ids of the documents read for it.
    pub documents: Vec<String>,
    /// The statements of those documents.
    pub statements: Vec<Statement>,
    /// Why the layer does not bind, or another remark; may be empty.
    pub note: String,
}

/// One statement, rule, assignment or binding, and whether it applies to the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Statement {
    /// Where it stands.
    pub place: Place,
    /// How people call it: its `Sid`, role name, rule name; may be empty.
    pub label: std::sync::Arc<str>,
    /// What it does when it applies.
    pub effect: Effect,
    /// Whether it applies.
    pub applies: Truth,
    /// What was compared: in a statement that applies every test holds.
    pub tests: Vec<Test>,
}

/// One comparison of what a statement wants with what the request has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Test {
    /// Where the wanted value stands.
    pub place: Place,
    /// What is compared: `action`, `resource`, `principal`, a condition key or attribute.
    pub about: Cow<'static, str>,
    /// What the statement says, with its operator where it has one: `StringEquals eu-west-1`.
    pub wanted: Arc<str>,
    /// What the request has; `absent` or `not known` where it has nothing.
    pub got: Arc<str>,
    /// Whether it holds.
    pub holds: Truth,
    /// The comparisons this one consists of.
    pub parts: Vec<Test>,
}

impl Test {
    /// A comparison without parts.
    #[must_use]
    pub fn new(
        place: Place,
        about: impl Into<Cow<'static, str>>,
        wanted: impl Into<Arc<str>>,
        got: impl Into<Arc<str>>,
        holds: Truth,
    ) -> Self {
        Self { place, about: about.into(), wanted: wanted.into(), got: got.into(), holds, parts: Vec::new() }
    }

    /// The same comparison, consisting of `parts`.
    #[must_use]
    pub fn of(mut self, parts: Vec<Test>) -> Self {
        self.parts = parts;
        self
    }
}

/// Whether a pass over the predicates keeps what it compares.
///
/// Deciding and tracing share their matching code through this parameter: with [`Off`] the closures are never called and nothing is
/// allocated, with [`Tests`] every comparison is kept.
pub trait Recorder: Default {
    /// Whether comparisons are kept. Matching code may stop at the first certain answer when they are not.
    const KEEPS: bool;

    /// Keeps one comparison.
    fn test(&mut self, test: impl FnOnce() -> Test);

    /// What was kept, in order.
    fn into_tests(self) -> Vec<Test>;
}

/// Keeps nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Off;

impl Recorder for Off {
    const KEEPS: bool = false;

    fn test(&mut self, _: impl FnOnce() -> Test) {}

    fn into_tests(self) -> Vec<Test> {
        Vec::new()
    }
}

/// Keeps every comparison.
#[derive(Debug, Clone, Default)]
pub struct Tests(Vec<Test>);

impl Recorder for Tests {
    const KEEPS: bool = true;

    fn test(&mut self, test: impl FnOnce() -> Test) {
        self.0.push(test());
    }

    fn into_tests(self) -> Vec<Test> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::Place;

    #[test]
    fn a_condition_key_with_a_slash_is_escaped_in_its_pointer() {
        let place = Place::new("policy", "/Statement/0/Condition").member("StringEquals").member("aws:PrincipalTag/team");
        assert_eq!(place.pointer, "/Statement/0/Condition/StringEquals/aws:PrincipalTag~1team");
        assert_eq!(place.element(1).pointer, "/Statement/0/Condition/StringEquals/aws:PrincipalTag~1team/1");
    }
}
