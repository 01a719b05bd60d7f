//! Text of a policy with its wildcards and policy variables (*IAM policy elements: Variables and tags*).

use crate::language::arn;
use crate::language::view::View;
use iam_why_contract::glob::{Case, Glob, Piece};
use iam_why_contract::{Lookup, Truth};
use std::sync::OnceLock;

/// A text of a policy, ready to match.
#[derive(Debug, Clone)]
pub struct Template {
    /// As it was written.
    pub text: Box<str>,
    parts: Vec<Part>,
    /// The pattern itself, where nothing in it varies.
    fixed: Option<Glob>,
    /// The six fields of that pattern, where it is an ARN; made when an ARN is first compared with it.
    fields: OnceLock<Option<Vec<Glob>>>,
}

#[derive(Debug, Clone)]
enum Part {
    Piece(Piece),
    Variable(Variable),
}

/// `${key}` or `${key, 'default'}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// The key, in lower case (V-4).
    pub key: Box<str>,
    /// What stands in when the key is absent (V-3).
    pub default: Option<Box<str>>,
}

/// How a text is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// `*` and `?` are wildcards.
    pub wildcards: bool,
    /// `${…}` is a variable: only under Version 2012-10-17 (V-1).
    pub variables: bool,
}

/// A template with its variables replaced.
#[derive(Debug, Clone)]
pub enum Expanded {
    /// Every variable had a value.
    Pieces(Vec<Piece>),
    /// A variable has none: the text matches nothing (V-6).
    Null,
    /// A variable is not known; `*` stands in its place here.
    Open(Vec<Piece>),
}

impl Template {
    /// Reads `text`.
    #[must_use]
    pub fn new(text: &str, reading: Reading) -> Self {
        Self::after(0, text, reading)
    }

    /// Reads `text`, where a variable can only begin behind the first `colons` colons.
    #[must_use]
    pub fn after(colons: usize, text: &str, reading: Reading) -> Self {
        let parts = parts(colons, text, reading);
        let pieces = parts.iter().map(|part| match part {
            Part::Piece(piece) => Some(piece.clone()),
            Part::Variable(_) => None,
        });
        let fixed = pieces.collect::<Option<Vec<Piece>>>().map(Glob::from_pieces);
        Self { text: text.into(), parts, fixed, fields: OnceLock::new() }
    }

    /// Is it a wildcard for everything?
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.fixed.as_ref().is_some_and(Glob::is_any)
    }

    /// The pattern, where nothing in it varies.
    #[must_use]
    pub fn fixed(&self) -> Option<&Glob> {
        self.fixed.as_ref()
    }

    /// The six fields of the pattern, where nothing in it varies; none of them where it is no ARN.
    #[must_use]
    pub fn fixed_fields(&self) -> Option<&Option<Vec<Glob>>> {
        let glob = self.fixed.as_ref()?;
        Some(self.fields.get_or_init(|| arn::fields(glob.pieces().to_vec())))
    }

    /// The variables in it.
    pub fn variables(&self) -> impl Iterator<Item = &Variable> {
        self.parts.iter().filter_map(|part| match part {
            Part::Variable(variable) => Some(variable),
            Part::Piece(_) => None,
        })
    }

    /// Does the whole of `value` fit?
    #[must_use]
    pub fn matches(&self, value: &str, view: &View<'_>, case: Case) -> Truth {
        match &self.fixed {
            Some(glob) => glob.matches(value, case).into(),
            None => self.expand(view).judge(|glob| glob.matches(value, case)),
        }
    }

    /// Replaces the variables. What they are replaced with is data: `*` in it is no wildcard (V-7).
    #[must_use]
    pub fn expand(&self, view: &View<'_>) -> Expanded {
        let mut pieces = Vec::with_capacity(self.parts.len());
        let mut open = false;
        for part in &self.parts {
            match part {
                Part::Piece(piece) => pieces.push(piece.clone()),
                Part::Variable(variable) => match variable.value(view) {
                    Value::Text(text) => pieces.push(Piece::Text(text.into())),
                    Value::Null => return Expanded::Null,
                    Value::NotKnown => {
                        open = true;
                        pieces.push(Piece::Any);
                    }
                },
            }
        }
        if open { Expanded::Open(pieces) } else { Expanded::Pieces(pieces) }
    }
}

impl Expanded {
    /// Whether `matches` holds for the pattern. With a variable open it is at best not known.
    #[must_use]
    pub fn judge(self, matches: impl FnOnce(&Glob) -> bool) -> Truth {
        match self {
            Self::Pieces(pieces) => matches(&Glob::from_pieces(pieces)).into(),
            Self::Null => Truth::No,
            Self::Open(pieces) => Truth::from(matches(&Glob::from_pieces(pieces))).and(Truth::Unknown),
        }
    }
}

enum Value<'v> {
    Text(&'v str),
    Null,
    NotKnown,
}

impl Variable {
    fn value<'v>(&'v self, view: &View<'v>) -> Value<'v> {
        match (view.fact(&self.key), &self.default) {
            // V-5: a key with several values cannot be a variable.
            (Lookup::Known([value]), _) => Value::Text(value),
            (Lookup::Known(_), _) => Value::Null,
            (Lookup::Absent, Some(default)) => Value::Text(default),
            (Lookup::Absent, None) => Value::Null,
            (Lookup::NotKnown, _) => Value::NotKnown,
        }
    }
}

fn parts(mut colons: usize, text: &str, reading: Reading) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let variable = (reading.variables && colons == 0).then(|| variable(rest)).flatten();
        if let Some((found, behind)) = variable {
            match found {
                Found::Literal(literal) => plain.push(literal),
                Found::Variable(variable) => {
                    flush(&mut parts, &mut plain);
                    parts.push(Part::Variable(variable));
                }
            }
            rest = behind;
            continue;
        }
        match character {
            '*' if reading.wildcards => {
                flush(&mut parts, &mut plain);
                if !matches!(parts.last(), Some(Part::Piece(Piece::Any))) {
                    parts.push(Part::Piece(Piece::Any));
                }
            }
            '?' if reading.wildcards => {
                flush(&mut parts, &mut plain);
                parts.push(Part::Piece(Piece::One));
            }
            _ => plain.push(character),
        }
        colons = colons.saturating_sub(usize::from(character == ':'));
        rest = rest.get(character.len_utf8()..).unwrap_or_default();
    }
    flush(&mut parts, &mut plain);
    parts
}

fn flush(parts: &mut Vec<Part>, plain: &mut String) {
    if !plain.is_empty() {
        parts.push(Part::Piece(Piece::Text(std::mem::take(plain).into_boxed_str())));
    }
}

enum Found {
    /// `${*}`, `${?}`, `${$}`: the character itself (V-2).
    Literal(char),
    Variable(Variable),
}

/// The variable at the beginning of `text`, and what stands behind it.
fn variable(text: &str) -> Option<(Found, &str)> {
    let (inside, behind) = text.strip_prefix("${")?.split_once('}')?;
    let found = match inside {
        "*" => Found::Literal('*'),
        "?" => Found::Literal('?'),
        "$" => Found::Literal('$'),
        _ => {
            let quoted = |default: &str| Some(Box::from(default.strip_prefix('\'')?.strip_suffix('\'')?));
            let (key, default) = match inside.split_once(", ") {
                Some((key, default)) => (key, quoted(default)),
                None => (inside, None),
            };
            Found::Variable(Variable { key: key.to_ascii_lowercase().into(), default })
        }
    };
    Some((found, behind))
}
