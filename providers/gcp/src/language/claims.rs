//! What open facts say of one and the same thing: a time cannot be before 2026 and after 2027, a tag key has one value.
//!
//! Facts are possible together where some value makes every one of them turn out as it is taken to. The values that are tried stand
//! for all others: those that the facts name, their neighbours, and one that nobody names.

use super::value::Value;
use chrono::TimeDelta;
use std::cmp::Ordering;
use std::fmt;

/// What a fact says of a subject.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Claim {
    subject: String,
    says: Says,
}

/// What is said.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Says {
    /// It is this value.
    Is(Value),
    /// It is one of these.
    In(Vec<Value>),
    /// It is less.
    Below(Value),
    /// It is not more.
    AtMost(Value),
    /// Its text begins so.
    Begins(String),
    /// Its text ends so.
    Ends(String),
    /// A tag of this key is there.
    Exists,
}

impl Claim {
    /// Something said of an attribute or of what is computed from one, as it is written.
    pub(crate) fn of(subject: &str, says: Says) -> Self {
        Self { subject: bare(subject), says }
    }

    /// Something said of the value of a tag key, by name or by id.
    pub(crate) fn of_tag(key: &str, says: Says) -> Self {
        Self { subject: format!("tag {key}"), says }
    }

    /// The same, said of another authorization.
    pub(crate) fn about(mut self, authorization: &str) -> Self {
        self.subject.insert_str(0, authorization);
        self
    }

    /// Is it the same for every authorization of one call?
    pub(crate) fn is_of_the_call(&self) -> bool {
        self.subject.starts_with("request.")
    }

    /// Does it hold of this value? `None` is a tag key that the resource does not have.
    fn holds(&self, value: Option<&Value>) -> bool {
        let Some(value) = value else { return false };
        let ordered = |other: &Value| value.order(other);
        match (&self.says, value) {
            (Says::Is(other), _) => value.equals(other),
            (Says::In(others), _) => others.iter().any(|other| value.equals(other)),
            (Says::Below(other), _) => ordered(other) == Some(Ordering::Less),
            (Says::AtMost(other), _) => matches!(ordered(other), Some(Ordering::Less | Ordering::Equal)),
            (Says::Begins(start), Value::Text(text)) => text.starts_with(start.as_str()),
            (Says::Ends(end), Value::Text(text)) => text.ends_with(end.as_str()),
            (Says::Begins(_) | Says::Ends(_), _) => false,
            (Says::Exists, _) => true,
        }
    }

    fn values(&self) -> &[Value] {
        match &self.says {
            Says::Is(value) | Says::Below(value) | Says::AtMost(value) => std::slice::from_ref(value),
            Says::In(values) => values,
            Says::Begins(_) | Says::Ends(_) | Says::Exists => &[],
        }
    }
}

/// The text without the white space between its tokens, and with one kind of quotes where it has no other inside.
fn bare(text: &str) -> String {
    let mut open = None;
    let mut kept = String::new();
    for c in text.chars() {
        match (open, c) {
            (None, '"' | '\'') => open = Some(c),
            (Some(quote), _) if c == quote => open = None,
            _ => {}
        }
        if open.is_some() || !c.is_whitespace() {
            kept.push(c);
        }
    }
    if kept.contains('\'') { kept } else { kept.replace('"', "'") }
}

impl fmt::Display for Claim {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "claim: {} {:?}", self.subject, self.says)
    }
}

/// Can all of these be as they are taken to be?
pub(crate) fn possible(claims: &[(&Claim, bool)]) -> bool {
    claims.iter().all(|(claim, _)| {
        let same: Vec<&(&Claim, bool)> = claims.iter().filter(|(other, _)| other.subject == claim.subject).collect();
        candidates(&same).iter().any(|value| same.iter().all(|(other, taken)| other.holds(value.as_ref()) == *taken))
    })
}

/// Values that stand for all that the subject of these claims can have.
fn candidates(claims: &[&(&Claim, bool)]) -> Vec<Option<Value>> {
    let Some((first, _)) = claims.first() else { return Vec::new() };
    let named: Vec<&Value> = claims.iter().flat_map(|(claim, _)| claim.values()).collect();
    let mut found: Vec<Value> = named.iter().flat_map(|value| around(value)).collect();
    found.extend(texts(claims).into_iter().map(Value::Text));
    let range = range(&first.subject);
    found.extend(range.iter().flat_map(|(low, high)| [Value::Int(*low), Value::Int(*high)]));
    found.retain(|value| range.is_none_or(|(low, high)| matches!(value, Value::Int(number) if (low..=high).contains(number))));
    let absent = first.subject.contains("tag ").then_some(None);
    found.into_iter().map(Some).chain(absent).collect()
}

/// A value and its neighbours.
fn around(value: &Value) -> Vec<Value> {
    let near = match value {
        Value::Int(number) => [number.checked_sub(1), number.checked_add(1)].into_iter().flatten().map(Value::Int).collect(),
        Value::Time(time) => {
            [-1, 1].into_iter().filter_map(|step| time.checked_add_signed(TimeDelta::nanoseconds(step))).map(Value::Time).collect()
        }
        Value::Bool(_) => vec![Value::Bool(true), Value::Bool(false)],
        _ => Vec::new(),
    };
    near.into_iter().chain([value.clone()]).collect()
}

/// Texts that begin and end as the claims ask, and are otherwise like nothing that anybody names.
fn texts(claims: &[&(&Claim, bool)]) -> Vec<String> {
    const UNNAMED: &str = "\u{10fffd}";
    let mut starts = vec![""];
    let mut ends = vec![""];
    for (claim, _) in claims {
        match &claim.says {
            Says::Begins(start) => starts.push(start),
            Says::Ends(end) => ends.push(end),
            _ => {}
        }
    }
    starts.iter().flat_map(|start| ends.iter().map(move |end| format!("{start}{UNNAMED}{end}"))).collect()
}

/// What a part of a time can be (C14).
fn range(subject: &str) -> Option<(i64, i64)> {
    let (_, getter) = subject.split_once(".get")?;
    match getter.split('(').next()? {
        "Hours" => Some((0, 23)),
        "Minutes" | "Seconds" => Some((0, 59)),
        "Milliseconds" => Some((0, 999)),
        "DayOfWeek" => Some((0, 6)),
        "Month" => Some((0, 11)),
        "Date" => Some((1, 31)),
        "DayOfMonth" => Some((0, 30)),
        "DayOfYear" => Some((0, 365)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Claim, Says, possible};
    use crate::language::value::Value;

    fn day(text: &str) -> Value {
        Value::Time(format!("{text}T00:00:00Z").parse().unwrap())
    }

    fn text(value: &str) -> Value {
        Value::Text(value.into())
    }

    #[test]
    fn a_time_is_not_before_and_after() {
        let before = Claim::of("request.time", Says::Below(day("2026-01-01")));
        let until = Claim::of("request.time", Says::AtMost(day("2027-01-01")));
        assert!(!possible(&[(&before, true), (&until, false)]));
        assert!(possible(&[(&before, false), (&until, true)]));
        assert!(possible(&[(&before, false), (&until, false)]));
        let same = Claim::of("request.time", Says::AtMost(day("2026-01-01")));
        assert!(possible(&[(&before, false), (&same, true)]), "the very moment");
    }

    #[test]
    fn a_tag_key_has_one_value_or_none() {
        let prod = Claim::of_tag("1/env", Says::Is(text("prod")));
        let dev = Claim::of_tag("1/env", Says::Is(text("dev")));
        let there = Claim::of_tag("1/env", Says::Exists);
        assert!(!possible(&[(&prod, true), (&dev, true)]));
        assert!(!possible(&[(&prod, true), (&there, false)]));
        assert!(possible(&[(&prod, false), (&dev, false), (&there, true)]), "another value");
        assert!(possible(&[(&prod, false), (&there, false)]));
        let other = Claim::of_tag("1/team", Says::Is(text("x")));
        assert!(possible(&[(&prod, true), (&other, true)]));
    }

    #[test]
    fn a_subject_is_told_by_its_tokens() {
        let subject = |text: &str| Claim::of(text, Says::Exists).subject;
        assert_eq!(subject("request.time . getHours( \"Europe/Berlin\" )"), subject("request.time.getHours('Europe/Berlin')"));
        assert_ne!(subject("resource.name.extract('a b{x}')"), subject("resource.name.extract('ab{x}')"));
    }

    #[test]
    fn hours_end_at_23_and_texts_can_be_anything() {
        let early = Claim::of("request.time.getHours()", Says::Below(Value::Int(24)));
        assert!(!possible(&[(&early, false)]));
        let long = Claim::of("resource.name", Says::Begins("a/b/".into()));
        let short = Claim::of("resource.name", Says::Begins("a/".into()));
        let end = Claim::of("resource.name", Says::Ends(".csv".into()));
        assert!(!possible(&[(&long, true), (&short, false)]));
        assert!(possible(&[(&long, false), (&short, true), (&end, true)]));
        let named = Claim::of("resource.name", Says::Is(text("a/b/c")));
        assert!(!possible(&[(&named, true), (&end, true)]));
        assert!(possible(&[(&named, false), (&long, true)]));
    }
}
