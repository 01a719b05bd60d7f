//! Patterns of `*` (any run of characters, none included) and `?` (exactly one character), as policies write them.

/// A pattern, ready to match.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Glob {
    pieces: Vec<Piece>,
}

/// One piece of a pattern.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Piece {
    /// These characters, as they stand.
    Text(Box<str>),
    /// `?`
    One,
    /// `*`
    Any,
}

/// Which letters count as equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// `a` is not `A`.
    Sensitive,
    /// ASCII letters fold.
    Insensitive,
}

impl Glob {
    /// Reads `*` and `?` in `pattern` as wildcards.
    #[must_use]
    pub fn new(pattern: &str) -> Self {
        let mut pieces = Vec::new();
        let mut text = String::new();
        for character in pattern.chars() {
            let wildcard = match character {
                '*' => Piece::Any,
                '?' => Piece::One,
                _ => {
                    text.push(character);
                    continue;
                }
            };
            push_text(&mut pieces, &mut text);
            if wildcard != Piece::Any || pieces.last() != Some(&Piece::Any) {
                pieces.push(wildcard);
            }
        }
        push_text(&mut pieces, &mut text);
        Self { pieces }
    }

    /// A pattern of pieces: text that stems from a variable is data, wildcards in it are not.
    #[must_use]
    pub fn from_pieces(pieces: Vec<Piece>) -> Self {
        Self { pieces }
    }

    /// The pieces it consists of.
    #[must_use]
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// Does it match every text?
    #[must_use]
    pub fn is_any(&self) -> bool {
        matches!(self.pieces.as_slice(), [Piece::Any])
    }

    /// Does the whole of `text` fit? Takes at most pattern × text steps, and no memory.
    #[must_use]
    pub fn matches(&self, text: &str, case: Case) -> bool {
        let mut rest = text;
        let mut at = 0;
        // Where to go back to: the piece behind the last `*`, and the text it was last tried on.
        let mut retry: Option<(usize, &str)> = None;
        loop {
            let fits = match self.pieces.get(at) {
                None => rest.is_empty().then_some(rest),
                Some(Piece::Any) => {
                    if at + 1 == self.pieces.len() {
                        return true;
                    }
                    retry = Some((at + 1, rest));
                    Some(rest)
                }
                Some(Piece::One) => without_first(rest),
                Some(Piece::Text(wanted)) => without_prefix(rest, wanted, case),
            };
            match (fits, retry) {
                (Some(_), _) if at == self.pieces.len() => return true,
                (Some(behind), _) => {
                    rest = behind;
                    at += 1;
                }
                (None, Some((piece, tried))) => {
                    let Some(shorter) = without_first(tried) else { return false };
                    retry = Some((piece, shorter));
                    rest = shorter;
                    at = piece;
                }
                (None, None) => return false,
            }
        }
    }
}

fn push_text(pieces: &mut Vec<Piece>, text: &mut String) {
    if !text.is_empty() {
        pieces.push(Piece::Text(std::mem::take(text).into_boxed_str()));
    }
}

fn without_first(text: &str) -> Option<&str> {
    let mut characters = text.chars();
    characters.next().map(|_| characters.as_str())
}

fn without_prefix<'t>(text: &'t str, prefix: &str, case: Case) -> Option<&'t str> {
    match case {
        Case::Sensitive => text.strip_prefix(prefix),
        Case::Insensitive => {
            let (head, tail) = text.split_at_checked(prefix.len())?;
            head.eq_ignore_ascii_case(prefix).then_some(tail)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Case, Glob};

    fn matches(pattern: &str, text: &str) -> bool {
        Glob::new(pattern).matches(text, Case::Sensitive)
    }

    /// The definition, word for word, exponential.
    fn naive(pattern: &[char], text: &[char]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, None) => true,
            (Some(('*', behind)), _) => naive(behind, text) || text.split_first().is_some_and(|(_, tail)| naive(pattern, tail)),
            (Some(('?', behind)), Some((_, tail))) => naive(behind, tail),
            (Some((wanted, behind)), Some((got, tail))) => wanted == got && naive(behind, tail),
            _ => false,
        }
    }

    #[test]
    fn agrees_with_the_definition_on_every_short_text() {
        let words = |letters: &[char], longest: usize| {
            let mut all = vec![String::new()];
            let mut last = all.clone();
            for _ in 0..longest {
                last = last.iter().flat_map(|word| letters.iter().map(move |letter| format!("{word}{letter}"))).collect();
                all.extend(last.iter().cloned());
            }
            all
        };
        for pattern in words(&['a', 'b', '*', '?'], 5) {
            for text in words(&['a', 'b'], 5) {
                let (p, t): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
                assert_eq!(matches(&pattern, &text), naive(&p, &t), "`{pattern}` on `{text}`");
            }
        }
    }

    #[test]
    fn characters_are_not_bytes_and_case_folds_on_request() {
        assert!(matches("caf?", "café"));
        assert!(!matches("caf??", "café"));
        assert!(!matches("S3:*", "s3:GetObject"));
        assert!(Glob::new("S3:get*").matches("s3:GetObject", Case::Insensitive));
    }
}
