//! Conditions of role assignments, of permission objects and of deny assignments, as a tree with places.
//! (Vendor page: "Azure role assignment condition format and syntax".)

use crate::language::action::ActionPattern;
use std::fmt;

/// Where something stands in the text of a condition: bytes `start..end`.
pub(crate) type Span = (usize, usize);

/// How deep conditions may nest.
pub(crate) const DEPTH: usize = 64;

/// How long a condition may be. Azure stores at most 8 KB (C-1).
pub(crate) const LENGTH: usize = 64 * 1024;

/// A condition as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Condition {
    /// Its text.
    pub(crate) text: String,
    /// What it says, or why it could not be read.
    pub(crate) parsed: Result<Expression, Unreadable>,
}

/// Why a condition could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unreadable {
    /// The byte at which reading stopped.
    pub(crate) at: usize,
    /// What was expected there.
    pub(crate) expected: String,
}

/// A condition or a part of one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expression {
    /// `a AND b`
    All(Vec<Expression>, Span),
    /// `a OR b`
    Any(Vec<Expression>, Span),
    /// `a AND b OR c` without parentheses: two readings (C-4). Between the items stands AND where the flag says so, else OR.
    Ambiguous(Vec<Expression>, Vec<bool>, Span),
    /// `!a`
    Not(Box<Expression>, Span),
    /// `ActionMatches{'…'}`
    ActionMatches(Vec<ActionPattern>, Span),
    /// `SubOperationMatches{'…'}`
    SubOperationMatches(Vec<ActionPattern>, Span),
    /// `Exists @Resource[…]`
    Exists(Attribute, Span),
    /// `@Resource[…] StringEquals '…'`
    Compare(Box<Comparison>),
}

impl Expression {
    /// Where it stands.
    pub(crate) fn span(&self) -> Span {
        match self {
            Self::All(_, span)
            | Self::Any(_, span)
            | Self::Ambiguous(_, _, span)
            | Self::Not(_, span)
            | Self::ActionMatches(_, span)
            | Self::SubOperationMatches(_, span)
            | Self::Exists(_, span) => *span,
            Self::Compare(comparison) => comparison.span,
        }
    }

    /// The expressions it consists of.
    pub(crate) fn children(&self) -> Vec<&Expression> {
        match self {
            Self::All(items, _) | Self::Any(items, _) | Self::Ambiguous(items, _, _) => items.iter().collect(),
            Self::Not(inner, _) => vec![inner],
            _ => Vec::new(),
        }
    }

    /// Every comparison in it.
    pub(crate) fn comparisons(&self) -> Vec<&Comparison> {
        match self {
            Self::Compare(comparison) => vec![comparison],
            other => other.children().into_iter().flat_map(Expression::comparisons).collect(),
        }
    }
}

/// A comparison of two operands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Comparison {
    /// What stands left of the operator.
    pub(crate) left: Operand,
    /// The operator.
    pub(crate) operator: Operator,
    /// What stands right of it.
    pub(crate) right: Operand,
    /// Where the comparison stands.
    pub(crate) span: Span,
}

impl fmt::Display for Comparison {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {} {}", self.left, self.operator, self.right)
    }
}

/// One side of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Operand {
    /// `@Request[…]`
    Attribute(Attribute),
    /// `'x'`, or `{'x', 'y'}`
    Literals(Vec<String>),
}

impl fmt::Display for Operand {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Attribute(attribute) => attribute.fmt(formatter),
            Self::Literals(values) => formatter.write_str(&listed(values)),
        }
    }
}

/// Values as a condition writes them: `'x'` or `{'x', 'y'}`.
pub(crate) fn listed(values: &[String]) -> String {
    let quoted: Vec<String> = values.iter().map(|value| format!("'{value}'")).collect();
    if let [only] = quoted.as_slice() { only.clone() } else { format!("{{{}}}", quoted.join(", ")) }
}

/// Where an attribute comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    /// The body and the parameters of the request (C-15).
    Request,
    /// The object asked for.
    Resource,
    /// The caller.
    Principal,
    /// The network and the clock.
    Environment,
}

impl Source {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::Request, Self::Resource, Self::Principal, Self::Environment];

    /// As conditions spell it, behind the `@`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Request => "Request",
            Self::Resource => "Resource",
            Self::Principal => "Principal",
            Self::Environment => "Environment",
        }
    }

    /// Reads it in whatever case (C-3).
    pub(crate) fn read(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.name().eq_ignore_ascii_case(name))
    }
}

/// `@Resource[Microsoft.Storage/…:name]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attribute {
    /// Where it comes from.
    pub(crate) source: Source,
    /// Its name, without the marker of case-sensitive keys.
    pub(crate) name: String,
    /// Whether the key behind the last colon was marked as case-sensitive (C-6).
    pub(crate) exact_key: bool,
    /// Whether the marker was destroyed by a shell's escape when the condition was saved (C-6).
    pub(crate) garbled: bool,
}

impl fmt::Display for Attribute {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "@{}[{}]", self.source.name(), self.name)
    }
}

/// The marker behind a key that is compared letter by letter.
const EXACT_KEY: &str = "<$key_case_sensitive$>";

impl Attribute {
    /// Reads what stands between the brackets.
    pub(crate) fn new(source: Source, inside: &str) -> Self {
        let inside = inside.trim();
        let plain = inside.strip_suffix(EXACT_KEY);
        let name = plain.unwrap_or(inside);
        let garbled = name.contains('`') || name.contains("\\$") || name.contains("<$>") || name.ends_with('>');
        Self { source, name: name.to_owned(), exact_key: plain.is_some(), garbled }
    }
}

/// An operator with its quantifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Operator {
    /// `ForAnyOfAnyValues:`
    pub(crate) quantifier: Option<Quantifier>,
    /// `StringEquals`
    pub(crate) base: Base,
}

impl fmt::Display for Operator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(quantifier) = self.quantifier {
            write!(formatter, "{}:", quantifier.name())?;
        }
        formatter.write_str(&self.base.name())
    }
}

/// How many values of each side must compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quantifier {
    /// Some left with some right.
    AnyOfAny,
    /// Every left with some right.
    AllOfAny,
    /// Some left with every right.
    AnyOfAll,
    /// Every left with every right.
    AllOfAll,
}

impl Quantifier {
    const ALL: [Self; 4] = [Self::AnyOfAny, Self::AllOfAny, Self::AnyOfAll, Self::AllOfAll];

    /// As conditions spell it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::AnyOfAny => "ForAnyOfAnyValues",
            Self::AllOfAny => "ForAllOfAnyValues",
            Self::AnyOfAll => "ForAnyOfAllValues",
            Self::AllOfAll => "ForAllOfAllValues",
        }
    }

    /// Reads it in whatever case.
    pub(crate) fn read(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|quantifier| quantifier.name().eq_ignore_ascii_case(name))
    }
}

/// An operator without its quantifier: a family, a relation, and whether it is negated or ignores case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Base {
    /// What the values are.
    pub(crate) family: Family,
    /// How they are compared.
    pub(crate) relation: Relation,
    /// `…Not…`
    pub(crate) negated: bool,
    /// `…IgnoreCase`
    pub(crate) ignore_case: bool,
}

/// What the values of an operator are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// Text.
    String,
    /// Integers.
    Numeric,
    /// RFC 3339 dates.
    DateTime,
    /// `true` and `false`.
    Bool,
    /// GUIDs.
    Guid,
}

/// How the values of an operator are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relation {
    /// The same.
    Equals,
    /// The left begins with the right.
    StartsWith,
    /// The left fits the pattern on the right.
    Like,
    /// The left is greater.
    GreaterThan,
    /// The left is greater or the same.
    GreaterThanEquals,
    /// The left is less.
    LessThan,
    /// The left is less or the same.
    LessThanEquals,
}

impl Family {
    fn name(self) -> &'static str {
        match self {
            Self::String => "String",
            Self::Numeric => "Numeric",
            Self::DateTime => "DateTime",
            Self::Bool => "Bool",
            Self::Guid => "Guid",
        }
    }

    fn relations(self) -> &'static [Relation] {
        use Relation::{Equals, GreaterThan, GreaterThanEquals, LessThan, LessThanEquals, Like, StartsWith};
        match self {
            Self::String => &[Equals, StartsWith, Like],
            Self::Numeric | Self::DateTime => &[Equals, GreaterThan, GreaterThanEquals, LessThan, LessThanEquals],
            Self::Bool | Self::Guid => &[Equals],
        }
    }
}

impl Relation {
    fn name(self) -> &'static str {
        match self {
            Self::Equals => "Equals",
            Self::StartsWith => "StartsWith",
            Self::Like => "Like",
            Self::GreaterThan => "GreaterThan",
            Self::GreaterThanEquals => "GreaterThanEquals",
            Self::LessThan => "LessThan",
            Self::LessThanEquals => "LessThanEquals",
        }
    }

    fn can_be_negated(self) -> bool {
        matches!(self, Self::Equals | Self::StartsWith | Self::Like)
    }
}

impl Base {
    /// Every operator there is.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let families = [Family::String, Family::Numeric, Family::DateTime, Family::Bool, Family::Guid];
        families.into_iter().flat_map(|family| family.relations().iter().flat_map(move |&relation| variants(family, relation)))
    }

    /// As conditions spell it.
    pub(crate) fn name(self) -> String {
        let not = if self.negated { "Not" } else { "" };
        let ignore_case = if self.ignore_case { "IgnoreCase" } else { "" };
        format!("{}{not}{}{ignore_case}", self.family.name(), self.relation.name())
    }

    /// Reads it in whatever case (C-3: built-in roles write `boolequals`).
    pub(crate) fn read(name: &str) -> Option<Self> {
        Self::all().find(|base| base.name().eq_ignore_ascii_case(name))
    }
}

fn variants(family: Family, relation: Relation) -> impl Iterator<Item = Base> {
    let both = [false, true].into_iter().flat_map(|negated| [false, true].into_iter().map(move |ignore_case| (negated, ignore_case)));
    both.filter(move |(negated, ignore_case)| (!negated || relation.can_be_negated()) && (!ignore_case || family == Family::String))
        .map(move |(negated, ignore_case)| Base { family, relation, negated, ignore_case })
}
