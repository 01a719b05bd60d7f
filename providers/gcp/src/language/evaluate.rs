//! Evaluating a condition where some of what it asks is not known.
//!
//! The result is the set of ways in which the condition can turn out: true, false, or an error in CEL's sense. CEL absorbs errors
//! (C2): `true || error` is true, `false && error` is false, in either order; otherwise the error stands.

use super::attributes::{ApiRest, Attribute, Attributes, Dialect, Tag, Tags};
use super::claims::{Claim, Says};
use super::expression::Expression;
use super::functions;
use super::value::Value;
use crate::facts::Facts;
use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, operators as op};
use iam_why_contract::{Doubt, Place, Recorder, Test, Truth};
use std::cmp::Ordering;

/// How people call what the tag functions ask for.
const TAGS: &str = "the resource's tags";

/// The ways in which an expression can turn out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Ways {
    /// It can be true.
    pub yes: bool,
    /// It can be false.
    pub no: bool,
    /// Its evaluation can fail.
    pub error: bool,
}

impl Ways {
    const YES: Self = Self { yes: true, no: false, error: false };
    const NO: Self = Self { yes: false, no: true, error: false };
    const ERROR: Self = Self { yes: false, no: false, error: true };
    const ANY: Self = Self { yes: true, no: true, error: true };

    fn of(value: bool) -> Self {
        if value { Self::YES } else { Self::NO }
    }

    fn and(self, other: Self) -> Self {
        Self {
            yes: self.yes && other.yes,
            no: self.no || other.no,
            error: (self.error && (other.error || other.yes)) || (other.error && self.yes),
        }
    }

    fn not(self) -> Self {
        Self { yes: self.no, no: self.yes, error: self.error }
    }

    fn or(self, other: Self) -> Self {
        self.not().and(other.not()).not()
    }

    fn union(self, other: Self) -> Self {
        Self { yes: self.yes || other.yes, no: self.no || other.no, error: self.error || other.error }
    }

    fn count(self) -> usize {
        [self.no, self.yes, self.error].into_iter().filter(|&way| way).count()
    }

    /// The way with this number among those that are open.
    fn nth(self, number: usize) -> Self {
        let ways = [(self.no, Self::NO), (self.yes, Self::YES), (self.error, Self::ERROR)];
        ways.into_iter().filter(|(open, _)| *open).nth(number).map_or(self, |(_, way)| way)
    }

    /// Is it true? Where an error counts as false: bindings of allow policies (E3).
    pub(crate) fn grants(self) -> Truth {
        match (self.yes, self.no || self.error) {
            (true, false) => Truth::Yes,
            (true, true) => Truth::Unknown,
            _ => Truth::No,
        }
    }

    /// Is it true? Where an error counts as true: deny rules and boundary bindings (E3).
    pub(crate) fn enforces(self) -> Truth {
        match (self.yes || self.error, self.no) {
            (true, false) => Truth::Yes,
            (true, true) => Truth::Unknown,
            _ => Truth::No,
        }
    }
}

/// A condition on its way to an answer.
pub(crate) struct Evaluation<'e> {
    /// The condition.
    pub expression: &'e Expression,
    /// What it may ask.
    pub attributes: &'e Attributes,
    /// What kind of policy it stands in.
    pub dialect: Dialect,
    /// What is open.
    pub facts: &'e Facts,
    /// Where the text of the condition stands.
    pub place: &'e Place,
}

/// A value on its way.
enum Outcome {
    Known(Value),
    Error(String),
    Open(Unknown),
}

/// A value that is not known.
#[derive(Clone)]
struct Unknown {
    about: String,
    needs: String,
    /// What a comparison with it can come to.
    ways: Ways,
}

impl Evaluation<'_> {
    /// The ways in which the condition can turn out. Every comparison it consists of is recorded.
    pub(crate) fn run<R: Recorder>(&self, recorder: &mut R) -> Ways {
        self.truth(&self.expression.tree, recorder)
    }

    fn truth<R: Recorder>(&self, node: &IdedExpr, recorder: &mut R) -> Ways {
        let Expr::Call(call) = &node.expr else { return self.leaf(node, recorder) };
        match (call.func_name.as_str(), call.args.as_slice()) {
            (op::LOGICAL_AND, [one, two]) => {
                let one = self.truth(one, recorder);
                if one == Ways::NO && !R::KEEPS {
                    return Ways::NO;
                }
                one.and(self.truth(two, recorder))
            }
            (op::LOGICAL_OR, [one, two]) => {
                let one = self.truth(one, recorder);
                if one == Ways::YES && !R::KEEPS {
                    return Ways::YES;
                }
                one.or(self.truth(two, recorder))
            }
            (op::LOGICAL_NOT, [one]) => self.truth(one, recorder).not(),
            (op::CONDITIONAL, [test, then, otherwise]) => {
                let test = self.truth(test, recorder);
                let then = if test.yes { self.truth(then, recorder) } else { Ways::default() };
                let otherwise = if test.no { self.truth(otherwise, recorder) } else { Ways::default() };
                then.union(otherwise).union(if test.error { Ways::ERROR } else { Ways::default() })
            }
            _ => self.leaf(node, recorder),
        }
    }

    /// A part without `&&`, `||`, `!` and `?:` of its own.
    fn leaf<R: Recorder>(&self, node: &IdedExpr, recorder: &mut R) -> Ways {
        let outcome = self.value(node);
        let ways = match &outcome {
            Outcome::Known(Value::Bool(value)) => Ways::of(*value),
            Outcome::Known(_) | Outcome::Error(_) => Ways::ERROR,
            Outcome::Open(unknown) => self.settled(node, unknown),
        };
        recorder.test(|| self.test(node, &outcome, ways));
        ways
    }

    /// What an open comparison is taken to come to. A comparison and its negation are one fact, and what two comparisons say of one
    /// attribute may exclude each other.
    fn settled(&self, node: &IdedExpr, unknown: &Unknown) -> Ways {
        let plain = unknown.ways == Ways { yes: true, no: true, error: false };
        let (negated, claim) = self.claim(node).filter(|_| plain).map_or((false, None), |(negated, claim)| (negated, Some(claim)));
        let doubt = || Doubt {
            about: format!("{}, which the condition asks for in `{}`", unknown.about, self.expression.slice(node)),
            needs: unknown.needs.clone(),
        };
        let way = match claim {
            Some(claim) => self.facts.claim(claim, unknown.ways.count(), doubt),
            None => self.facts.way(&format!("condition: {}", self.expression.slice(node)), unknown.ways.count(), doubt),
        };
        let taken = way.map_or(unknown.ways, |way| unknown.ways.nth(way));
        if negated { taken.not() } else { taken }
    }

    /// What an open comparison says of what it compares, and whether it says the contrary.
    fn claim(&self, node: &IdedExpr) -> Option<(bool, Claim)> {
        let Expr::Call(call) = &node.expr else { return None };
        if tag_function(call) {
            return self.tag_claim(call).map(|claim| (false, claim));
        }
        let known = |node: &IdedExpr| if let Outcome::Known(value) = self.value(node) { Some(value) } else { None };
        let of = |subject: &IdedExpr, says: Says| Claim::of(self.expression.slice(subject), says);
        if let (Some(target), [argument]) = (call.target.as_deref(), call.args.as_slice()) {
            let Value::Text(text) = known(argument)? else { return None };
            return match call.func_name.as_str() {
                "startsWith" => Some((false, of(target, Says::Begins(text)))),
                "endsWith" => Some((false, of(target, Says::Ends(text)))),
                _ => None,
            };
        }
        let [one, two] = call.args.as_slice() else { return None };
        let (subject, value, turned) = match (known(one), known(two)) {
            (None, Some(value)) => (one, value, false),
            (Some(value), None) => (two, value, true),
            _ => return None,
        };
        let ordered = matches!(value, Value::Int(_) | Value::Time(_));
        let (negated, says) = match (call.func_name.as_str(), turned, value) {
            (op::EQUALS, _, value) => (false, Says::Is(value)),
            (op::NOT_EQUALS, _, value) => (true, Says::Is(value)),
            (op::IN, false, Value::List(values)) => (false, Says::In(values)),
            (op::LESS, false, value) if ordered => (false, Says::Below(value)),
            (op::LESS_EQUALS, false, value) if ordered => (false, Says::AtMost(value)),
            (op::GREATER, false, value) if ordered => (true, Says::AtMost(value)),
            (op::GREATER_EQUALS, false, value) if ordered => (true, Says::Below(value)),
            (op::LESS, true, value) if ordered => (true, Says::AtMost(value)),
            (op::LESS_EQUALS, true, value) if ordered => (true, Says::Below(value)),
            (op::GREATER, true, value) if ordered => (false, Says::Below(value)),
            (op::GREATER_EQUALS, true, value) if ordered => (false, Says::AtMost(value)),
            _ => return None,
        };
        Some((negated, of(subject, says)))
    }

    /// H9: a key has one value on a resource, or none.
    fn tag_claim(&self, call: &CallExpr) -> Option<Claim> {
        let Ok(arguments) = self.values(call.args.iter()) else { return None };
        match (call.func_name.as_str(), arguments.as_slice()) {
            ("matchTag" | "matchTagId", [Value::Text(key), value @ Value::Text(_)]) => Some(Claim::of_tag(key, Says::Is(value.clone()))),
            ("hasTagKey" | "hasTagKeyId", [Value::Text(key)]) => Some(Claim::of_tag(key, Says::Exists)),
            _ => None,
        }
    }

    fn test(&self, node: &IdedExpr, outcome: &Outcome, ways: Ways) -> Test {
        let (start, end) = self.expression.span(node);
        let mut about = Vec::new();
        self.asks(node, &mut about);
        let mut got: Vec<String> = about.iter().map(|name| self.shown(name)).collect();
        if let Outcome::Error(error) = outcome
            && !got.contains(error)
        {
            got.push(error.clone());
        }
        let about = if about.is_empty() { "condition".into() } else { about.join(", ") };
        Test::new(self.place.within(start, end), about, self.expression.slice(node), got.join("; "), ways.grants())
    }

    fn shown(&self, name: &str) -> String {
        match self.attributes.get(name, self.dialect) {
            _ if name == TAGS => match &self.attributes.tags {
                Tags::Known(tags) if tags.is_empty() => format!("{TAGS} are none"),
                Tags::Known(tags) => {
                    let tags: Vec<String> = tags.iter().map(|tag| format!("{}={}", tag.key, tag.value)).collect();
                    format!("{TAGS} are {}", tags.join(", "))
                }
                Tags::Open { .. } => format!("{TAGS} are not known"),
            },
            _ if name.starts_with("api ") => match self.attributes.api.get(name.trim_start_matches("api ")) {
                Some(Some(value)) => format!("{} is {value}", name.trim_start_matches("api ")),
                None if matches!(&self.attributes.api_rest, ApiRest::Open(names) if names.iter().any(|open| name.ends_with(open))) => {
                    format!("{} is not known", name.trim_start_matches("api "))
                }
                _ => format!("{} is not supplied", name.trim_start_matches("api ")),
            },
            Attribute::Known(value) => format!("{name} is {value}"),
            Attribute::Absent => format!("{name} is not available here"),
            Attribute::Open { .. } => format!("{name} is not known"),
        }
    }

    /// The attributes that a part asks for, in order, each once.
    fn asks(&self, node: &IdedExpr, found: &mut Vec<String>) {
        let mut add = |name: String| {
            if !found.contains(&name) {
                found.push(name);
            }
        };
        if let Some(path) = path(node) {
            return add(path);
        }
        match &node.expr {
            Expr::Call(call) if tag_function(call) => add(TAGS.into()),
            Expr::Call(call) if is_api_attribute(call) => {
                if let Some(Expr::Literal(LiteralValue::String(name))) = call.args.first().map(|argument| &argument.expr) {
                    add(format!("api {}", name.inner()));
                }
            }
            Expr::Call(call) => call.target.iter().map(AsRef::as_ref).chain(&call.args).for_each(|part| self.asks(part, found)),
            Expr::List(list) => list.elements.iter().for_each(|part| self.asks(part, found)),
            Expr::Select(select) => self.asks(&select.operand, found),
            _ => {}
        }
    }

    fn value(&self, node: &IdedExpr) -> Outcome {
        if let Some(path) = path(node) {
            return self.attribute(&path);
        }
        match &node.expr {
            Expr::Literal(literal) => literal_value(literal),
            Expr::List(list) => match self.values(list.elements.iter()) {
                Ok(values) => Outcome::Known(Value::List(values)),
                Err(other) => other,
            },
            Expr::Call(call) => self.call(node, call),
            Expr::Select(select) if select.test => self.has(&select.operand, &select.field),
            _ => Outcome::Open(Unknown {
                about: format!("what Google makes of `{}`", self.expression.slice(node)),
                needs: "iam-why does not evaluate this form".into(),
                ways: Ways::ANY,
            }),
        }
    }

    /// All values, or the first error, or the first that is not known: an error is certain to stand, whatever else is unknown.
    fn values<'n>(&self, nodes: impl Iterator<Item = &'n IdedExpr>) -> Result<Vec<Value>, Outcome> {
        let mut values = Vec::new();
        let mut open = None;
        for node in nodes {
            match self.value(node) {
                Outcome::Known(value) => values.push(value),
                Outcome::Error(error) => return Err(Outcome::Error(error)),
                Outcome::Open(unknown) => open = open.or(Some(unknown)),
            }
        }
        open.map_or(Ok(values), |unknown| Err(Outcome::Open(unknown)))
    }

    fn attribute(&self, path: &str) -> Outcome {
        match self.attributes.get(path, self.dialect) {
            Attribute::Known(value) => Outcome::Known(value),
            Attribute::Absent => Outcome::Error(format!("{path} is not available here")),
            Attribute::Open { may_be_absent, needs } => {
                let ways = Ways { yes: true, no: true, error: may_be_absent };
                Outcome::Open(Unknown { about: path.to_owned(), needs, ways })
            }
        }
    }

    fn has(&self, operand: &IdedExpr, field: &str) -> Outcome {
        let Some(operand) = path(operand) else { return Outcome::Error("has() of what is no attribute".into()) };
        match self.attributes.get(&format!("{operand}.{field}"), self.dialect) {
            Attribute::Known(_) => Outcome::Known(Value::Bool(true)),
            Attribute::Absent => Outcome::Known(Value::Bool(false)),
            Attribute::Open { may_be_absent: false, .. } => Outcome::Known(Value::Bool(true)),
            Attribute::Open { needs, .. } => {
                let ways = Ways { yes: true, no: true, error: false };
                Outcome::Open(Unknown { about: format!("{operand}.{field}"), needs, ways })
            }
        }
    }

    fn call(&self, node: &IdedExpr, call: &CallExpr) -> Outcome {
        if tag_function(call) {
            return self.tags(call);
        }
        if is_api_attribute(call) {
            return self.api(call);
        }
        if !self.dialect.has_functions() {
            return Outcome::Error("a condition of this kind can ask for tags only".into());
        }
        // B9: IAM accepts no others there; what it would make of one is not told.
        if self.dialect == Dialect::Boundary && call.target.is_some() && !matches!(call.func_name.as_str(), "startsWith" | "endsWith") {
            let about = format!("what Google makes of `{}`, which conditions of boundaries do not support", self.expression.slice(node));
            return Outcome::Open(Unknown { about, needs: "a test with the live service".into(), ways: Ways::ANY });
        }
        if let (op::LOGICAL_AND | op::LOGICAL_OR | op::LOGICAL_NOT | op::CONDITIONAL, None) = (call.func_name.as_str(), &call.target) {
            return self.logic(node, call);
        }
        if call.target.as_deref().and_then(path).is_some_and(|target| target == "compute") {
            return self.load_balancing(call);
        }
        if let Some(ambiguous) = self.type_of_unlisted_service(call) {
            return ambiguous;
        }
        let target = match call.target.as_ref().map(|target| self.value(target)) {
            None => None,
            Some(Outcome::Known(value)) => Some(value),
            Some(other) => return other,
        };
        match self.values(call.args.iter()) {
            Err(other) => other,
            Ok(arguments) => apply(&call.func_name, target.as_ref(), &arguments),
        }
    }

    /// Logic inside a comparison: `(a || b) == true`, `a ? 'x' : 'y'`.
    fn logic(&self, node: &IdedExpr, call: &CallExpr) -> Outcome {
        let mut off = iam_why_contract::trace::Off;
        if let (op::CONDITIONAL, [test, then, otherwise]) = (call.func_name.as_str(), call.args.as_slice()) {
            return match self.truth(test, &mut off) {
                Ways::YES => self.value(then),
                Ways::NO => self.value(otherwise),
                Ways::ERROR => Outcome::Error("the test of a choice cannot be evaluated".into()),
                _ => self.open(test),
            };
        }
        match self.truth(node, &mut off) {
            Ways::YES => Outcome::Known(Value::Bool(true)),
            Ways::NO => Outcome::Known(Value::Bool(false)),
            Ways::ERROR => Outcome::Error("a part of it cannot be evaluated".into()),
            _ => self.open(node),
        }
    }

    fn open(&self, node: &IdedExpr) -> Outcome {
        let about = format!("`{}`", self.expression.slice(node));
        Outcome::Open(Unknown { about, needs: "the attributes that it asks for".into(), ways: Ways::ANY })
    }

    /// C4: for a service that publishes no `resource.type`, the page says both that `!=` is true and that it never grants.
    fn type_of_unlisted_service(&self, call: &CallExpr) -> Option<Outcome> {
        let [one, two] = call.args.as_slice() else { return None };
        let unequal = match call.func_name.as_str() {
            op::NOT_EQUALS => true,
            op::EQUALS => false,
            _ => return None,
        };
        let name = [one, two].into_iter().filter_map(path).find(|name| name == "resource.type" || name == "resource.service")?;
        if self.dialect != Dialect::Allow || self.attributes.get(&name, self.dialect) != Attribute::Absent {
            return None;
        }
        let ways = Ways { yes: unequal, no: !unequal, error: true };
        let needs = "a test with the live service: the documentation says both that an unavailable attribute never grants and that it differs from every value".into();
        Some(Outcome::Open(Unknown { about: format!("{name}, which this service does not supply"), needs, ways }))
    }

    /// C23
    fn load_balancing(&self, call: &CallExpr) -> Outcome {
        match (call.func_name.as_str(), call.args.as_slice()) {
            ("isForwardingRuleCreationOperation", []) => self.attribute("compute.isForwardingRuleCreationOperation"),
            ("matchLoadBalancingSchemes", [schemes]) => match (self.value(schemes), self.attribute("compute.loadBalancingScheme")) {
                (Outcome::Known(Value::List(schemes)), Outcome::Known(scheme)) => {
                    Outcome::Known(Value::Bool(schemes.iter().any(|other| other.equals(&scheme))))
                }
                (Outcome::Known(Value::List(_)), other) => other,
                _ => Outcome::Error("matchLoadBalancingSchemes takes a list".into()),
            },
            _ => Outcome::Error(format!("there is no function compute.{}", call.func_name)),
        }
    }

    /// C13
    fn tags(&self, call: &CallExpr) -> Outcome {
        if !self.dialect.has_tags() {
            return Outcome::Error("tags are not available here".into());
        }
        let arguments = match self.values(call.args.iter()) {
            Ok(arguments) => arguments,
            Err(other) => return other,
        };
        let holds: Box<dyn Fn(&Tag) -> bool> = match (call.func_name.as_str(), arguments.as_slice()) {
            ("matchTag", [Value::Text(key), Value::Text(value)]) => Box::new(move |tag| tag.key == *key && tag.value == *value),
            ("matchTagId", [Value::Text(key), Value::Text(value)]) => Box::new(move |tag| tag.key_id == *key && tag.value_id == *value),
            ("hasTagKey", [Value::Text(key)]) => Box::new(move |tag| tag.key == *key),
            ("hasTagKeyId", [Value::Text(key)]) => Box::new(move |tag| tag.key_id == *key),
            _ => return Outcome::Error(format!("`{}` does not take these values", call.func_name)),
        };
        let by_id = call.func_name.ends_with("Id");
        let nameless = |tag: &Tag| if by_id { tag.key_id.is_empty() } else { tag.key.is_empty() };
        match &self.attributes.tags {
            Tags::Known(tags) if tags.iter().any(&holds) => Outcome::Known(Value::Bool(true)),
            Tags::Known(tags) if tags.iter().any(nameless) => Outcome::Open(Unknown {
                about: format!("the {} of the tags in effect on the resource", if by_id { "ids" } else { "names" }),
                needs: "the effective tags, with names and ids".into(),
                ways: Ways { yes: true, no: true, error: false },
            }),
            Tags::Known(_) => Outcome::Known(Value::Bool(false)),
            Tags::Open { needs } => {
                let ways = Ways { yes: true, no: true, error: false };
                Outcome::Open(Unknown { about: "the tags in effect on the resource".into(), needs: needs.clone(), ways })
            }
        }
    }

    /// C20: the default is used where the API supplies no value.
    fn api(&self, call: &CallExpr) -> Outcome {
        if !self.dialect.has_api() {
            return Outcome::Error("API attributes are not available here".into());
        }
        let arguments = match self.values(call.args.iter()) {
            Ok(arguments) => arguments,
            Err(other) => return other,
        };
        let [Value::Text(name), default] = arguments.as_slice() else {
            return Outcome::Error("api.getAttribute takes a name and a default".into());
        };
        match (self.attributes.api.get(name), &self.attributes.api_rest) {
            _ if !self.dialect.has_api_attribute(name) => Outcome::Known(default.clone()),
            (Some(Some(value)), _) => Outcome::Known(value.clone()),
            (None, ApiRest::Open(names)) if names.contains(name) => Outcome::Open(Unknown {
                about: name.clone(),
                needs: format!("--context 'api.{name}=…': what the request says of it"),
                ways: Ways { yes: true, no: true, error: false },
            }),
            (None, ApiRest::Refused(refused)) if refused == name => {
                Outcome::Error(format!("this service does not supply {name}, and refuses those whom it limits"))
            }
            _ => Outcome::Known(default.clone()),
        }
    }
}

fn apply(name: &str, target: Option<&Value>, arguments: &[Value]) -> Outcome {
    let called = match (name, target, arguments) {
        (op::EQUALS, None, [one, two]) => Ok(Value::Bool(one.equals(two))),
        (op::NOT_EQUALS, None, [one, two]) => Ok(Value::Bool(!one.equals(two))),
        (op::LESS, None, [one, two]) => ordered(one, two, Ordering::is_lt),
        (op::LESS_EQUALS, None, [one, two]) => ordered(one, two, Ordering::is_le),
        (op::GREATER, None, [one, two]) => ordered(one, two, Ordering::is_gt),
        (op::GREATER_EQUALS, None, [one, two]) => ordered(one, two, Ordering::is_ge),
        (op::IN, None, [element, Value::List(list)]) => Ok(Value::Bool(list.iter().any(|other| other.equals(element)))),
        (op::ADD, None, [one, two]) => one.plus(two).ok_or_else(|| format!("{one} and {two} do not add")),
        (op::SUBSTRACT, None, [one, two]) => one.minus(two).ok_or_else(|| format!("{two} does not subtract from {one}")),
        (op::NEGATE, None, [Value::Int(number)]) => number.checked_neg().map(Value::Int).ok_or_else(|| "the number is too large".into()),
        (op::INDEX, None, [Value::List(list), Value::Int(at)]) => {
            let found = usize::try_from(*at).ok().and_then(|at| list.get(at));
            found.cloned().ok_or_else(|| format!("the list has no element {at}"))
        }
        _ => functions::call(name, target, arguments),
    };
    called.map_or_else(Outcome::Error, Outcome::Known)
}

fn ordered(one: &Value, two: &Value, holds: fn(Ordering) -> bool) -> functions::Called {
    let order = one.order(two).ok_or_else(|| format!("{one} and {two} have no order"))?;
    Ok(Value::Bool(holds(order)))
}

fn literal_value(literal: &LiteralValue) -> Outcome {
    Outcome::Known(match literal {
        LiteralValue::Boolean(value) => Value::Bool(*value.inner()),
        LiteralValue::Int(value) => Value::Int(*value.inner()),
        LiteralValue::UInt(value) => Value::Uint(*value.inner()),
        LiteralValue::Double(value) => Value::Double(*value.inner()),
        LiteralValue::String(value) => Value::Text(value.inner().to_owned()),
        LiteralValue::Null => Value::Null,
        LiteralValue::Bytes(_) => return Outcome::Error("bytes are not supported in conditions".into()),
    })
}

/// `resource.name`, `request.auth.access_levels`: the names of a chain of fields.
fn path(node: &IdedExpr) -> Option<String> {
    match &node.expr {
        Expr::Ident(name) => Some(name.clone()),
        Expr::Select(select) if !select.test => Some(format!("{}.{}", path(&select.operand)?, select.field)),
        _ => None,
    }
}

fn tag_function(call: &CallExpr) -> bool {
    let on_resource = call.target.as_deref().and_then(path).is_some_and(|target| target == "resource");
    on_resource && matches!(call.func_name.as_str(), "matchTag" | "matchTagId" | "hasTagKey" | "hasTagKeyId")
}

fn is_api_attribute(call: &CallExpr) -> bool {
    call.func_name == "getAttribute" && call.target.as_deref().and_then(path).is_some_and(|target| target == "api")
}
