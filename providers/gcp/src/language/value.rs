//! The values that conditions compute with, and their operators.

use chrono::{DateTime, TimeDelta, Utc};
use std::cmp::Ordering;
use std::fmt;

/// A value of the condition language.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A signed integer.
    Int(i64),
    /// An unsigned integer.
    Uint(u64),
    /// A floating-point number.
    Double(f64),
    /// A string.
    Text(String),
    /// A list.
    List(Vec<Value>),
    /// A point in time.
    Time(DateTime<Utc>),
    /// A length of time.
    Span(TimeDelta),
}

impl Value {
    /// A list of strings.
    pub(crate) fn texts<T: Into<String>>(texts: impl IntoIterator<Item = T>) -> Self {
        Self::List(texts.into_iter().map(|text| Self::Text(text.into())).collect())
    }

    /// `==`: values of different types are not equal; numbers compare by what they count.
    pub(crate) fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::List(mine), Self::List(theirs)) => {
                mine.len() == theirs.len() && mine.iter().zip(theirs).all(|(one, two)| one.equals(two))
            }
            _ => self.number_order(other).map_or_else(|| self == other, |order| order == Some(Ordering::Equal)),
        }
    }

    /// The order of two values of one type, `None` where they have none.
    pub(crate) fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Bool(one), Self::Bool(two)) => Some(one.cmp(two)),
            (Self::Text(one), Self::Text(two)) => Some(one.cmp(two)),
            (Self::Time(one), Self::Time(two)) => Some(one.cmp(two)),
            (Self::Span(one), Self::Span(two)) => Some(one.cmp(two)),
            _ => self.number_order(other).flatten(),
        }
    }

    /// `None` where one of the two is no number; `Some(None)` where a number is not comparable (NaN).
    #[expect(clippy::cast_precision_loss, reason = "CEL compares integers with doubles as doubles")]
    fn number_order(&self, other: &Self) -> Option<Option<Ordering>> {
        match (self, other) {
            (Self::Int(one), Self::Int(two)) => Some(Some(one.cmp(two))),
            (Self::Uint(one), Self::Uint(two)) => Some(Some(one.cmp(two))),
            (Self::Double(one), Self::Double(two)) => Some(one.partial_cmp(two)),
            (Self::Int(one), Self::Uint(two)) => Some(Some(i128::from(*one).cmp(&i128::from(*two)))),
            (Self::Uint(_), Self::Int(_)) | (Self::Double(_), Self::Int(_) | Self::Uint(_)) => {
                other.number_order(self).map(|order| order.map(Ordering::reverse))
            }
            (Self::Int(one), Self::Double(two)) => Some((*one as f64).partial_cmp(two)),
            (Self::Uint(one), Self::Double(two)) => Some((*one as f64).partial_cmp(two)),
            _ => None,
        }
    }

    /// `+`, `None` where the types do not add or the sum overflows.
    pub(crate) fn plus(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Int(one), Self::Int(two)) => one.checked_add(*two).map(Self::Int),
            (Self::Uint(one), Self::Uint(two)) => one.checked_add(*two).map(Self::Uint),
            (Self::Double(one), Self::Double(two)) => Some(Self::Double(one + two)),
            (Self::Text(one), Self::Text(two)) => Some(Self::Text(format!("{one}{two}"))),
            (Self::List(one), Self::List(two)) => Some(Self::List(one.iter().chain(two).cloned().collect())),
            (Self::Time(time), Self::Span(span)) | (Self::Span(span), Self::Time(time)) => time.checked_add_signed(*span).map(Self::Time),
            (Self::Span(one), Self::Span(two)) => one.checked_add(two).map(Self::Span),
            _ => None,
        }
    }

    /// `-`, `None` where the types do not subtract or the difference overflows.
    pub(crate) fn minus(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Int(one), Self::Int(two)) => one.checked_sub(*two).map(Self::Int),
            (Self::Uint(one), Self::Uint(two)) => one.checked_sub(*two).map(Self::Uint),
            (Self::Double(one), Self::Double(two)) => Some(Self::Double(one - two)),
            (Self::Time(time), Self::Span(span)) => time.checked_sub_signed(*span).map(Self::Time),
            (Self::Time(one), Self::Time(two)) => Some(Self::Span(one.signed_duration_since(*two))),
            (Self::Span(one), Self::Span(two)) => one.checked_sub(two).map(Self::Span),
            _ => None,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => formatter.write_str("null"),
            Self::Bool(value) => write!(formatter, "{value}"),
            Self::Int(value) => write!(formatter, "{value}"),
            Self::Uint(value) => write!(formatter, "{value}"),
            Self::Double(value) => write!(formatter, "{value}"),
            Self::Text(value) => formatter.write_str(value),
            Self::Time(value) => formatter.write_str(&value.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)),
            Self::Span(value) => write!(formatter, "{}s", value.num_seconds()),
            Self::List(values) => {
                formatter.write_str("[")?;
                for (at, value) in values.iter().enumerate() {
                    write!(formatter, "{}{value}", if at == 0 { "" } else { ", " })?;
                }
                formatter.write_str("]")
            }
        }
    }
}
