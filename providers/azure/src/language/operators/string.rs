//! `StringEquals`, `StringStartsWith`, `StringLike`.

use crate::language::condition::{Base, Relation};
use iam_why_contract::glob::{Case, Glob, Piece};

/// Does `left` relate to `right`, negation aside? The plain forms compare letter by letter.
pub(super) fn related(base: Base, left: &str, right: &str) -> bool {
    match base.relation {
        Relation::Like => {
            let case = if base.ignore_case { Case::Insensitive } else { Case::Sensitive };
            pattern(right).matches(left, case)
        }
        Relation::StartsWith if base.ignore_case => left.to_lowercase().starts_with(&right.to_lowercase()),
        Relation::StartsWith => left.starts_with(right),
        _ if base.ignore_case => left.to_lowercase() == right.to_lowercase(),
        _ => left == right,
    }
}

/// `*` is any run of characters, `?` exactly one, `\*` and `\?` are themselves; the whole value must fit.
fn pattern(text: &str) -> Glob {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let wildcard = match character {
            '\\' if matches!(characters.peek(), Some('*' | '?')) => {
                literal.extend(characters.next());
                continue;
            }
            '*' => Piece::Any,
            '?' => Piece::One,
            _ => {
                literal.push(character);
                continue;
            }
        };
        flush(&mut pieces, &mut literal);
        if wildcard != Piece::Any || pieces.last() != Some(&Piece::Any) {
            pieces.push(wildcard);
        }
    }
    flush(&mut pieces, &mut literal);
    Glob::from_pieces(pieces)
}

fn flush(pieces: &mut Vec<Piece>, literal: &mut String) {
    if !literal.is_empty() {
        pieces.push(Piece::Text(std::mem::take(literal).into_boxed_str()));
    }
}
