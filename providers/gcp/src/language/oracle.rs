//! The evaluator held against the one of the `cel` crate, on conditions that leave nothing open.

use super::attributes::{ApiRest, Attribute, Attributes, Dialect, Tags};
use super::evaluate::{Evaluation, Ways};
use super::expression::Expression;
use super::value::Value;
use crate::facts::Facts;
use cel::{Context, Program};
use chrono::DateTime;
use iam_why_contract::Place;
use iam_why_contract::trace::Off;
use proptest::prelude::*;
use std::collections::HashMap;

const NAME: &str = "projects/_/buckets/b/objects/ä/q1.csv";
const TIME: &str = "2026-03-01T12:30:00Z";

fn attributes() -> Attributes {
    let known = |text: &str| Attribute::Known(Value::Text(text.into()));
    let time = DateTime::parse_from_rfc3339(TIME).unwrap().to_utc();
    let named = [
        ("resource.name", known(NAME)),
        ("resource.service", known("storage.googleapis.com")),
        ("request.time", Attribute::Known(Value::Time(time))),
    ];
    let named = named.into_iter().map(|(name, value)| (name.into(), value)).collect();
    Attributes { named, api: std::collections::BTreeMap::new(), api_rest: ApiRest::Absent, tags: Tags::Known(Vec::new()) }
}

/// What this crate's evaluator makes of a text.
fn ours(text: &str) -> Ways {
    let expression = Expression::parse(text).unwrap();
    let attributes = attributes();
    let place = Place::new("policy", "/condition");
    Evaluation { expression: &expression, attributes: &attributes, dialect: Dialect::Allow, facts: &Facts::default(), place: &place }
        .run(&mut Off)
}

/// What the crate's evaluator makes of it: true, false, or an error.
fn theirs(text: &str) -> Ways {
    let mut context = Context::default();
    let resource: HashMap<&str, &str> = [("name", NAME), ("service", "storage.googleapis.com")].into();
    context.add_variable("resource", resource).unwrap();
    let time = cel::Value::Timestamp(DateTime::parse_from_rfc3339(TIME).unwrap());
    let request: HashMap<String, cel::Value> = [("time".to_owned(), time)].into();
    context.add_variable_from_value("request", request);
    match Program::compile(text).unwrap().execute(&context) {
        Ok(cel::Value::Bool(value)) => Ways { yes: value, no: !value, error: false },
        _ => Ways { yes: false, no: false, error: true },
    }
}

fn comparison() -> impl Strategy<Value = String> {
    let names = ["resource.name", "resource.service", "'storage.googleapis.com'", "resource.missing"];
    let numbers = [
        "request.time.getMonth()",
        "request.time.getDayOfWeek('Europe/Berlin')",
        "request.time.getHours('+05:30')",
        "2",
        "size(resource.name)",
        "1 + 1",
    ];
    let times = [
        "request.time",
        "timestamp('2026-03-01T12:30:00Z')",
        "timestamp('2030-13-01')",
        "request.time + duration('60s')",
        "timestamp('2026-01-01T00:00:00Z')",
    ];
    let operators = || prop::sample::select(vec!["==", "!=", "<", "<=", ">", ">="]);
    let pair = |words: Vec<&'static str>| {
        (prop::sample::select(words.clone()), operators(), prop::sample::select(words))
            .prop_map(|(one, operator, two)| format!("{one} {operator} {two}"))
    };
    let method = (
        prop::sample::select(names.to_vec()),
        prop::sample::select(vec!["startsWith", "endsWith", "contains"]),
        prop::sample::select(vec!["'projects/'", "'csv'", "'ä'", "''", "resource.missing"]),
    )
        .prop_map(|(target, name, argument)| format!("{target}.{name}({argument})"));
    let list = prop::sample::select(names.to_vec()).prop_map(|name| format!("{name} in ['storage.googleapis.com', 'x']"));
    prop_oneof![pair(names.to_vec()), pair(numbers.to_vec()), pair(times.to_vec()), method, list]
}

fn condition() -> impl Strategy<Value = String> {
    comparison().prop_recursive(3, 12, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(one, two)| format!("({one} && {two})")),
            (inner.clone(), inner.clone()).prop_map(|(one, two)| format!("({one} || {two})")),
            inner.clone().prop_map(|one| format!("!({one})")),
            (inner.clone(), inner.clone(), inner).prop_map(|(test, one, two)| format!("({test} ? {one} : {two})")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn closed_conditions_come_to_what_the_crates_evaluator_says(text in condition()) {
        prop_assert_eq!(ours(&text), theirs(&text), "{}", text);
    }

    #[test]
    fn no_text_panics(text in "[ -~äé\"'()\\[\\]{}.&|!<>=+*/?:,\\\\]{0,60}") {
        let _ = Expression::parse(&text).map(|expression| { let _ = expression.slice(&expression.tree); });
    }
}
