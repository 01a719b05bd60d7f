//! `Condition`: operators, set operators, `…IfExists`, `Null` (*IAM JSON policy elements: Condition operators*, *Single-valued vs.
//! multivalued context keys*).

use crate::language::arn::{self, Compared};
use crate::language::date::Instant;
use crate::language::keys::Key;
use crate::language::numeric::Decimal;
use crate::language::open::Flag;
use crate::language::template::{Reading, Template};
use crate::language::view::View;
use crate::language::{binary, boolean, ip, listed};
use iam_why_contract::glob::Case;
use iam_why_contract::{Lookup, Place, Recorder, Test, Truth};
use std::cmp::Ordering;
use std::sync::{Arc, OnceLock};

/// One key of one operator of a `Condition` block.
#[derive(Debug, Clone)]
pub struct Condition {
    /// Where it stands.
    pub place: Place,
    /// The operator as it was written, prefix and suffix included.
    pub operator: Box<str>,
    /// The key.
    pub key: Key,
    /// The values listed.
    pub values: Vec<Wanted>,
    comparison: Comparison,
    quantifier: Quantifier,
    if_exists: bool,
    /// Operator and values in words; made when they are first recorded.
    said: OnceLock<Arc<str>>,
}

/// What an operator compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `StringEquals`, `StringLike`, `…IgnoreCase` and their negations.
    Text {
        /// Whether `a` equals `A`.
        case: Letters,
        /// Whether `*` and `?` are wildcards.
        like: bool,
        /// `…Not…`
        negated: bool,
    },
    /// `Numeric…`
    Number(Order),
    /// `Date…`
    Date(Order),
    /// `Bool`
    Bool,
    /// `BinaryEquals`
    Bytes,
    /// `IpAddress`, `NotIpAddress`
    Address {
        /// `NotIpAddress`
        negated: bool,
    },
    /// `ArnEquals`, `ArnLike` and their negations.
    Arn {
        /// `…Not…`
        negated: bool,
    },
    /// `Null`
    Null,
    /// An operator that is not known here.
    Unknown,
}

/// Whether letters fold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Letters {
    /// `a` is not `A`.
    Exact,
    /// `a` is `A`.
    Folded,
}

/// Which order of two values is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// `…Equals`
    Equal,
    /// `…NotEquals`
    NotEqual,
    /// `…LessThan`
    Less,
    /// `…LessThanEquals`
    LessOrEqual,
    /// `…GreaterThan`
    Greater,
    /// `…GreaterThanEquals`
    GreaterOrEqual,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quantifier {
    None,
    ForAllValues,
    ForAnyValue,
}

/// A listed value, ready to compare.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// As it was written.
    pub text: Box<str>,
    /// What it means to the operator.
    pub value: Meaning,
}

/// What a listed value means to its operator.
#[derive(Debug, Clone)]
pub enum Meaning {
    /// Text, maybe with wildcards and variables.
    Text(Template),
    /// A number.
    Number(Decimal),
    /// A date.
    Instant(Instant),
    /// A truth value.
    Bool(bool),
    /// `${…}` where a truth value should stand.
    BoolVariable(Template),
    /// Bytes.
    Bytes(Vec<u8>),
    /// An address range.
    Network(ipnet::IpNet),
    /// Nothing that this operator could compare (O-9).
    Nothing,
}

/// Why a condition cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`NullIfExists` is no operator")]
pub struct NullIfExists;

impl Condition {
    /// Reads one key of one operator.
    ///
    /// # Errors
    /// For `NullIfExists`, which AWS does not accept (B-5). An operator that is not known is read, but its outcome is open (G-6).
    pub fn new(place: Place, operator: &str, key: &str, values: &[String], variables: bool) -> Result<Self, NullIfExists> {
        let lower = operator.to_ascii_lowercase();
        let (quantifier, bare) = match lower.split_once(':') {
            Some(("forallvalues", bare)) => (Quantifier::ForAllValues, bare),
            Some(("foranyvalue", bare)) => (Quantifier::ForAnyValue, bare),
            _ => (Quantifier::None, &*lower),
        };
        let (bare, if_exists) = bare.strip_suffix("ifexists").map_or((bare, false), |bare| (bare, true));
        let comparison = Comparison::named(bare);
        if comparison == Comparison::Null && if_exists {
            return Err(NullIfExists);
        }
        let values = values.iter().map(|text| Wanted { text: text.as_str().into(), value: comparison.meaning(text, variables) });
        Ok(Self {
            place,
            operator: operator.into(),
            key: Key::new(key),
            values: values.collect(),
            comparison,
            quantifier,
            if_exists,
            said: OnceLock::new(),
        })
    }

    /// Does it hold for this request?
    pub fn holds<R: Recorder>(&self, view: &View<'_>, tests: &mut R) -> Truth {
        let fact = view.fact(&self.key.lower);
        let holds = self.on(fact, view);
        tests.test(|| self.test(fact, holds));
        holds
    }

    fn test(&self, fact: Lookup<'_>, holds: Truth) -> Test {
        let words = || format!("{} {}", self.operator, listed(self.values.iter().map(|value| &*value.text))).into();
        let wanted = Arc::clone(self.said.get_or_init(words));
        Test::new(self.place.clone(), self.key.text.to_string(), wanted, said(fact), holds)
    }

    /// Does it hold if this is what is known of its key?
    #[must_use]
    pub fn on(&self, fact: Lookup<'_>, view: &View<'_>) -> Truth {
        match (self.comparison, fact) {
            (Comparison::Null, _) => self.null(fact),
            (Comparison::Unknown, _) => view.flag(Flag::UnknownOperator),
            (_, Lookup::NotKnown) => Truth::Unknown,
            (_, Lookup::Absent) => self.absent(view),
            (_, Lookup::Known(values)) => self.present(values, view),
        }
    }

    /// `Null` (B-5, B-6: text without characters is as good as absent).
    fn null(&self, fact: Lookup<'_>) -> Truth {
        let absent = match (self.quantifier, fact) {
            (Quantifier::ForAllValues, _) => return Truth::Yes,
            (Quantifier::ForAnyValue, _) => return Truth::No,
            (_, Lookup::NotKnown) => return Truth::Unknown,
            (_, Lookup::Absent) => true,
            (_, Lookup::Known(values)) => values.iter().all(String::is_empty),
        };
        self.values.iter().any(|wanted| matches!(wanted.value, Meaning::Bool(wants) if wants == absent)).into()
    }

    /// B-3: the key is not in the request.
    fn absent(&self, view: &View<'_>) -> Truth {
        match self.quantifier {
            // M-3: the text says that it holds, one table of examples that it does not.
            Quantifier::ForAllValues if self.negated() && !self.if_exists => view.flag(Flag::ForAllNegatedAbsent),
            Quantifier::ForAllValues => Truth::Yes,
            _ if self.if_exists => Truth::Yes,
            Quantifier::ForAnyValue => Truth::No,
            // B-7: the documentation contradicts itself, so nothing is concluded from an empty list.
            Quantifier::None if self.values.is_empty() => view.flag(Flag::NothingListed),
            Quantifier::None => self.negated().into(),
        }
    }

    fn present(&self, values: &[String], view: &View<'_>) -> Truth {
        let each = |value: &String| self.one(value, view);
        match self.quantifier {
            // B-7: nothing is listed.
            Quantifier::ForAllValues | Quantifier::ForAnyValue if self.values.is_empty() => Truth::No,
            // M-1: text without characters is a null set.
            Quantifier::ForAllValues | Quantifier::ForAnyValue if values.iter().all(String::is_empty) => {
                (self.quantifier == Quantifier::ForAllValues || self.if_exists).into()
            }
            Quantifier::ForAllValues => Truth::all(values.iter().map(each)),
            Quantifier::ForAnyValue => Truth::any(values.iter().map(each)),
            Quantifier::None if self.values.is_empty() => view.flag(Flag::NothingListed),
            // M-4: a plain operator does not match a key that can have several values.
            Quantifier::None if self.key.multivalued || values.len() > 1 => self.plain_on_many(view),
            Quantifier::None => Truth::all(values.iter().map(each)),
        }
    }

    fn plain_on_many(&self, view: &View<'_>) -> Truth {
        if self.negated() { view.flag(Flag::NegatedOnMany) } else { Truth::No }
    }

    /// Does one value of the request satisfy the operator? Listed values are alternatives; negated, none of them may match (B-1, M-3).
    fn one(&self, value: &str, view: &View<'_>) -> Truth {
        let any = Truth::any(self.values.iter().map(|wanted| self.matches(wanted, value, view)));
        if self.negated() { !any } else { any }
    }

    fn matches(&self, wanted: &Wanted, value: &str, view: &View<'_>) -> Truth {
        match (&wanted.value, self.comparison) {
            (Meaning::Text(template), Comparison::Arn { negated }) => match arn::compare(template, value, view) {
                Compared::Arns(truth) => truth,
                // O-8: what the negated form does here is not known.
                Compared::NotArns if negated => !view.flag(Flag::NegatedArnOnOther),
                Compared::NotArns => Truth::No,
            },
            (Meaning::Text(template), Comparison::Text { case: Letters::Exact, .. }) => template.matches(value, view, Case::Sensitive),
            (Meaning::Text(template), _) => template.matches(value, view, Case::Insensitive),
            (Meaning::Number(wanted), Comparison::Number(order)) => {
                Decimal::parse(value).is_some_and(|value| order.holds(value.cmp(wanted))).into()
            }
            (Meaning::Instant(wanted), Comparison::Date(order)) => {
                Instant::parse(value).is_some_and(|value| order.holds(value.cmp(wanted))).into()
            }
            (Meaning::Bool(wanted), _) => (boolean::parse(value) == Some(*wanted)).into(),
            (Meaning::BoolVariable(template), _) => {
                let replaced = template.matches(value, view, Case::Insensitive);
                if replaced.is_no() { Truth::No } else { replaced.and(view.flag(Flag::BoolVariable)) }
            }
            (Meaning::Bytes(wanted), _) => binary::decode(value).is_some_and(|value| value == *wanted).into(),
            (Meaning::Network(network), _) => ip::within(network, value, view),
            _ => Truth::No,
        }
    }

    /// What the operator compares.
    #[must_use]
    pub fn comparison(&self) -> Comparison {
        self.comparison
    }

    /// Does it look at each of several values?
    #[must_use]
    pub fn quantified(&self) -> bool {
        self.quantifier != Quantifier::None
    }

    /// Does it hold where its values do not match?
    #[must_use]
    pub fn negated(&self) -> bool {
        match self.comparison {
            Comparison::Text { negated, .. } | Comparison::Address { negated } | Comparison::Arn { negated } => negated,
            // B-4
            Comparison::Number(order) | Comparison::Date(order) => order == Order::NotEqual,
            Comparison::Bool | Comparison::Bytes | Comparison::Null | Comparison::Unknown => false,
        }
    }

    /// The keys its values refer to as variables.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.values.iter().flat_map(Wanted::variables)
    }
}

impl Wanted {
    /// The keys it refers to as variables.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        let template = match &self.value {
            Meaning::Text(template) | Meaning::BoolVariable(template) => Some(template),
            _ => None,
        };
        template.into_iter().flat_map(Template::variables).map(|variable| &*variable.key)
    }
}

impl Comparison {
    /// The operator of this name, in lower case and without prefix and suffix (B-2).
    fn named(lower: &str) -> Self {
        let text = |case, like, negated| Self::Text { case, like, negated };
        let order = |name: &str| {
            Some(match name {
                "equals" => Order::Equal,
                "notequals" => Order::NotEqual,
                "lessthan" => Order::Less,
                "lessthanequals" => Order::LessOrEqual,
                "greaterthan" => Order::Greater,
                "greaterthanequals" => Order::GreaterOrEqual,
                _ => return None,
            })
        };
        match lower {
            "stringequals" => text(Letters::Exact, false, false),
            "stringnotequals" => text(Letters::Exact, false, true),
            "stringequalsignorecase" => text(Letters::Folded, false, false),
            "stringnotequalsignorecase" => text(Letters::Folded, false, true),
            "stringlike" => text(Letters::Exact, true, false),
            "stringnotlike" => text(Letters::Exact, true, true),
            "bool" => Self::Bool,
            "binaryequals" => Self::Bytes,
            "ipaddress" => Self::Address { negated: false },
            "notipaddress" => Self::Address { negated: true },
            "arnequals" | "arnlike" => Self::Arn { negated: false },
            "arnnotequals" | "arnnotlike" => Self::Arn { negated: true },
            "null" => Self::Null,
            _ => {
                let number = lower.strip_prefix("numeric").and_then(order).map(Self::Number);
                number.or_else(|| lower.strip_prefix("date").and_then(order).map(Self::Date)).unwrap_or(Self::Unknown)
            }
        }
    }

    fn meaning(self, text: &str, variables: bool) -> Meaning {
        let template = |wildcards| Template::new(text, Reading { wildcards, variables });
        let meaning = match self {
            Self::Text { like, .. } => Some(Meaning::Text(template(like))),
            Self::Arn { .. } => Some(Meaning::Text(template(true))),
            Self::Number(_) => Decimal::parse(text).map(Meaning::Number),
            Self::Date(_) => Instant::parse(text).map(Meaning::Instant),
            Self::Bool if variables && text.contains("${") => Some(Meaning::BoolVariable(template(false))),
            Self::Bool | Self::Null => boolean::parse(text).map(Meaning::Bool),
            Self::Bytes => binary::decode(text).map(Meaning::Bytes),
            Self::Address { .. } => ip::network(text).map(Meaning::Network),
            Self::Unknown => None,
        };
        meaning.unwrap_or(Meaning::Nothing)
    }
}

impl Order {
    fn holds(self, value_to_wanted: Ordering) -> bool {
        match self {
            // The negation is that of the whole list.
            Self::Equal | Self::NotEqual => value_to_wanted.is_eq(),
            Self::Less => value_to_wanted.is_lt(),
            Self::LessOrEqual => value_to_wanted.is_le(),
            Self::Greater => value_to_wanted.is_gt(),
            Self::GreaterOrEqual => value_to_wanted.is_ge(),
        }
    }
}

/// A fact in words.
#[must_use]
pub fn said(fact: Lookup<'_>) -> String {
    match fact {
        Lookup::Known([value]) if value.is_empty() => "empty text".to_owned(),
        Lookup::Known(values) => listed(values.iter().map(String::as_str)),
        Lookup::Absent => "absent".to_owned(),
        Lookup::NotKnown => "not known".to_owned(),
    }
}
