//! Conditions held against a second evaluator: Microsoft's `regorus`, feature `azure-rbac`.
//!
//! It is right about single values: `StringEquals`, `StringEqualsIgnoreCase`, `StringStartsWith`, `StringLike` with `*`, `Numeric…`,
//! `DateTime…`, `GuidEquals`, each also negated, `Exists` and AND, OR, NOT in parentheses. It is no measure of
//!
//! - quantifiers: it has `ForAnyOfAnyValues` as an operator of its own, without the comparison behind it;
//! - `?`, `\*` and `\?` in patterns, which it takes literally; `…StartsWithIgnoreCase` and `…LikeIgnoreCase`, which it does not know;
//! - GUIDs without dashes, which it takes to differ from those with; `BoolEquals` of text;
//! - `ActionMatches` with a `*` that stands for several segments;
//! - several values without a quantifier, which it takes as *contains* (C-11: no documented meaning);
//! - attributes that are absent: it takes `StringNotEquals` for true (C-16: not documented) and gives up on most others;
//! - lines of more than 1024 columns, which it refuses;
//! - AND beside OR without parentheses, which it reads (C-4: ambiguous).

use crate::facts::Facts;
use crate::language::condition::Condition;
use crate::language::evaluate::{Circumstances, holds};
use crate::request::Request;
use iam_why_contract::trace::Off;
use iam_why_contract::{Context, Lookup, Place, Question, Truth};
use proptest::prelude::*;
use regorus::Value;
use regorus::languages::azure_rbac::ast::{EnvironmentContext, EvaluationContext, Principal, PrincipalType, RequestContext, Resource};
use regorus::languages::azure_rbac::interpreter::ConditionInterpreter;

const TYPE: &str = "Microsoft.Storage/storageAccounts";
const GUIDS: [&str; 2] = ["acdd72a7-3385-48ef-bd42-f606fba81ae7", "8E3AF657-A8FF-443C-A75C-2FE8C4BCB635"];

/// The attributes of every world: name, and value if it has one.
fn attributes() -> impl Strategy<Value = [Option<String>; 4]> {
    let text = proptest::sample::select(vec!["a", "A", "ab", "logs/x", "", "b*"]).prop_map(str::to_owned);
    let number = (-3_i64..3).prop_map(|number| number.to_string());
    let date = proptest::sample::select(vec!["2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00", "2026-01-01T00:00:00.0000001Z"]);
    let guid = proptest::sample::select(GUIDS.to_vec());
    (text, number, date, guid)
        .prop_map(|(text, number, date, guid)| [Some(text), Some(number), Some(date.to_owned()), Some(guid.to_ascii_lowercase())])
}

const NAMES: [&str; 5] = ["text", "number", "date", "guid", "missing"];

fn leaf() -> impl Strategy<Value = String> {
    let attribute = |at: usize| format!("@Resource[{TYPE}:{}]", NAMES[at]);
    let of = move |at: usize, operators: &'static [&'static str], values: Vec<String>| {
        (proptest::sample::select(operators.to_vec()), proptest::sample::select(values))
            .prop_map(move |(operator, value)| format!("{} {operator} {value}", attribute(at)))
    };
    let quoted = |values: &[&str]| values.iter().map(|value| format!("'{value}'")).collect::<Vec<_>>();
    const STRINGS: &[&str] = &[
        "StringEquals",
        "StringNotEquals",
        "StringEqualsIgnoreCase",
        "StringNotEqualsIgnoreCase",
        "StringStartsWith",
        "StringNotStartsWith",
    ];
    const LIKE: &[&str] = &["StringLike", "StringNotLike"];
    const NUMBERS: &[&str] = &[
        "NumericEquals",
        "NumericNotEquals",
        "NumericGreaterThan",
        "NumericGreaterThanEquals",
        "NumericLessThan",
        "NumericLessThanEquals",
    ];
    const DATES: &[&str] = &[
        "DateTimeEquals",
        "DateTimeNotEquals",
        "DateTimeGreaterThan",
        "DateTimeGreaterThanEquals",
        "DateTimeLessThan",
        "DateTimeLessThanEquals",
    ];
    prop_oneof![
        of(0, STRINGS, quoted(&["a", "A", "ab", "logs/", ""])),
        of(0, LIKE, quoted(&["*", "a*", "*b", "logs/*", "l*x", "a"])),
        of(1, NUMBERS, ["'-1'", "0", "2"].map(str::to_owned).to_vec()),
        of(2, DATES, quoted(&["2026-01-01T00:00:00.0000000Z", "2026-01-01T00:00:00.0000001Z", "2025-12-31T23:59:59Z"])),
        of(3, &["GuidEquals", "GuidNotEquals"], quoted(&GUIDS)),
        (0..NAMES.len()).prop_map(move |at| format!("Exists {}", attribute(at))),
    ]
}

fn tree() -> impl Strategy<Value = String> {
    leaf().prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|inner| format!("NOT ({inner})")),
            (proptest::collection::vec(inner, 2..4), proptest::sample::select(vec!["\nAND ", "\nOR "])).prop_map(|(items, word)| items
                .iter()
                .map(|item| format!("({item})"))
                .collect::<Vec<_>>()
                .join(word)),
        ]
    })
}

fn ours(condition: &str, attributes: &[Option<String>]) -> Truth {
    let mut context = Context::default().without("attributes as given");
    for (name, value) in NAMES.iter().zip(attributes.iter().chain([&None])) {
        context.entries.insert(format!("@Resource[{TYPE}:{name}]"), value.as_ref().map(|value| vec![value.clone()]));
    }
    let question = Question { principal: "p".into(), action: "Microsoft.X/y/read".into(), context, ..Question::default() };
    let request = Request::new(&question).unwrap();
    let asked = Circumstances {
        action: "Microsoft.X/y/read",
        sub_operation: Lookup::Absent,
        attributes: &request.attributes,
        facts: &Facts::default(),
        understood: true,
        storage_data: false,
    };
    holds(&Condition::new(condition), &Place::new("document", ""), &asked, &mut Off)
}

fn theirs(condition: &str, attributes: &[Option<String>]) -> bool {
    let all = NAMES.iter().zip(attributes).filter_map(|(name, value)| Some((format!("{TYPE}:{name}"), value.clone()?)));
    let all: serde_json::Map<String, serde_json::Value> = all.map(|(name, value)| (name, value.into())).collect();
    let nothing = || Value::new_object();
    let context = EvaluationContext {
        principal: Principal { id: String::new(), principal_type: PrincipalType::User, custom_security_attributes: nothing() },
        resource: Resource {
            id: String::new(),
            resource_type: String::new(),
            scope: String::new(),
            attributes: Value::from_json_str(&serde_json::Value::Object(all).to_string()).unwrap(),
        },
        request: RequestContext { action: None, data_action: None, attributes: nothing() },
        environment: EnvironmentContext { is_private_link: None, private_endpoint: None, subnet: None, utc_now: None },
        action: Some("Microsoft.X/y/read".into()),
        suboperation: None,
    };
    ConditionInterpreter::new(&context).evaluate_str(condition).unwrap_or_else(|error| panic!("{condition}: {error}"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

    #[test]
    fn another_evaluator_says_the_same(condition in tree(), attributes in attributes()) {
        prop_assert_eq!(ours(&condition, &attributes), Truth::from(theirs(&condition, &attributes)), "{}", condition);
    }
}
