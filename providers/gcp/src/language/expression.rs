//! The text of a condition as a tree whose nodes know where they stand.
//!
//! Parsing is the `cel` crate's. Its parser and its trees recurse, so a text is measured before it is parsed: what is deeper or longer
//! than any condition that IAM would store is refused, and what is deep is parsed on a thread with a stack of its own.

use cel::common::ast::{Expr, IdedExpr, SourceInfo};
use std::sync::Arc;

/// The longest text that is parsed, in bytes.
const LONGEST: usize = 4096;

/// The deepest nesting of brackets and chains of operators that is parsed. IAM itself stops at 12 logical operators (C1).
const DEEPEST: usize = 64;

/// The depth up to which the caller's own stack is certain to suffice.
const SHALLOW: usize = 12;

/// The stack on which deeper texts are parsed, in bytes.
const STACK: usize = 16 << 20;

/// A parsed condition.
#[derive(Debug)]
pub(crate) struct Expression {
    /// What was parsed.
    pub text: Arc<str>,
    /// Its tree.
    pub tree: IdedExpr,
    offsets: SourceInfo,
}

/// Why a text is no condition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ParseError {
    /// Longer or deeper than this program reads. What the cloud makes of it is not known.
    #[error("the expression is {found}, iam-why reads at most {limit}")]
    TooLarge {
        /// How large it is.
        found: String,
        /// How large it may be.
        limit: String,
    },
    /// Not CEL: nobody can evaluate it.
    #[error("the expression is not valid: {0}")]
    Syntax(String),
}

impl Expression {
    /// Parses `text`.
    ///
    /// # Errors
    /// Where the text is not CEL, or too large to be read.
    pub(crate) fn parse(text: &str) -> Result<Self, ParseError> {
        if text.len() > LONGEST {
            return Err(ParseError::TooLarge { found: format!("{} bytes long", text.len()), limit: format!("{LONGEST} bytes") });
        }
        let depth = depth(text);
        if depth > DEEPEST {
            return Err(ParseError::TooLarge { found: format!("nested {depth} deep"), limit: format!("{DEEPEST} levels") });
        }
        let (tree, offsets) = if depth > SHALLOW { parse_aside(text)? } else { parse(text)? };
        Ok(Self { text: text.into(), tree, offsets })
    }

    /// The bytes of the text that `node` covers.
    pub(crate) fn span(&self, node: &IdedExpr) -> (usize, usize) {
        let mut span = None;
        self.widen(node, &mut span);
        let (start, end) = span.unwrap_or((0, self.text.len()));
        (start, self.closed(start, end))
    }

    /// The text that `node` covers.
    pub(crate) fn slice(&self, node: &IdedExpr) -> &str {
        let (start, end) = self.span(node);
        self.text.get(start..end).unwrap_or(&self.text)
    }

    fn widen(&self, node: &IdedExpr, span: &mut Option<(usize, usize)>) {
        if let Some((start, last)) = self.offsets.offset_for(node.id) {
            let (start, end) = (start as usize, last as usize + 1);
            *span = Some(span.map_or((start, end), |(from, to)| (from.min(start), to.max(end))));
        }
        match &node.expr {
            Expr::Call(call) => call.target.iter().map(AsRef::as_ref).chain(&call.args).for_each(|part| self.widen(part, span)),
            Expr::List(list) => list.elements.iter().for_each(|part| self.widen(part, span)),
            Expr::Select(select) => self.widen(&select.operand, span),
            _ => {}
        }
    }

    /// Nodes know their own token and their operands, not the bracket or the name that closes them.
    fn closed(&self, start: usize, end: usize) -> usize {
        let mut open = 0_usize;
        let mut until = end;
        for token in tokens(&self.text).filter(|token| token.start >= start) {
            if token.start >= end && open == 0 {
                let continues = token.start == until && matches!(token.kind, Kind::Word);
                if !continues || !self.text.get(..until).is_some_and(|before| before.ends_with('.')) {
                    break;
                }
            }
            match token.kind {
                Kind::Open => open += 1,
                Kind::Close if open == 0 => break,
                Kind::Close => open -= 1,
                _ => {}
            }
            until = token.end.max(end);
        }
        until
    }
}

fn parse(text: &str) -> Result<(IdedExpr, SourceInfo), ParseError> {
    let parser = cel::parser::Parser::new();
    parser.parse_with_source_info(text).map_err(|errors| {
        let first = errors.errors.first();
        ParseError::Syntax(first.map_or_else(|| "no reason given".into(), |error| first_line(&error.msg)))
    })
}

fn parse_aside(text: &str) -> Result<(IdedExpr, SourceInfo), ParseError> {
    let owned = text.to_owned();
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(move || parse(&owned));
    let refused = || ParseError::TooLarge { found: "too deep for this machine's stack".into(), limit: format!("{SHALLOW} levels") };
    thread.map_err(|_| refused())?.join().map_err(|_| refused())?
}

fn first_line(message: &str) -> String {
    message.lines().next().unwrap_or_default().to_owned()
}

/// How deep a tree of `text` can become: nested brackets, and operators that chain within them.
fn depth(text: &str) -> usize {
    let mut outer: Vec<usize> = Vec::new();
    let (mut below, mut chain, mut deepest) = (0, 0, 0);
    for token in tokens(text) {
        match token.kind {
            Kind::Open => {
                outer.push(chain + 1);
                below += chain + 1;
                chain = 0;
            }
            Kind::Close => {
                chain = outer.pop().unwrap_or_default();
                below -= chain.min(below);
            }
            Kind::Link => chain += 1,
            Kind::Separator => chain = 0,
            Kind::Word | Kind::Text => {}
        }
        deepest = deepest.max(below + chain);
    }
    deepest
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `(`, `[`, `{`
    Open,
    /// `)`, `]`, `}`
    Close,
    /// An operator that nests to the left or to the right.
    Link,
    /// `,`, `&`, `|`
    Separator,
    /// A name or a number.
    Word,
    /// A string.
    Text,
}

#[derive(Debug, Clone, Copy)]
struct Token {
    kind: Kind,
    start: usize,
    end: usize,
}

/// The tokens of `text`, as far as brackets and chains are concerned; comments and blanks are left out.
fn tokens(text: &str) -> impl Iterator<Item = Token> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let rest = text.get(at..)?;
            let first = rest.chars().next()?;
            let start = at;
            let (kind, length) = match first {
                _ if first.is_whitespace() => {
                    at += first.len_utf8();
                    continue;
                }
                '/' if rest.starts_with("//") => {
                    at += rest.find('\n').unwrap_or(rest.len());
                    continue;
                }
                '"' | '\'' => (Kind::Text, string(rest, first, false)),
                'r' | 'R' if rest.get(1..).is_some_and(|behind| behind.starts_with(['"', '\''])) => {
                    let quote = rest.chars().nth(1).unwrap_or('"');
                    (Kind::Text, 1 + string(rest.get(1..).unwrap_or_default(), quote, true))
                }
                _ if first.is_alphanumeric() || first == '_' => (Kind::Word, word(rest)),
                '(' | '[' | '{' => (Kind::Open, 1),
                ')' | ']' | '}' => (Kind::Close, 1),
                ',' | '&' | '|' => (Kind::Separator, 1),
                _ => (Kind::Link, first.len_utf8()),
            };
            at += length;
            return Some(Token { kind, start, end: at });
        }
    })
}

fn word(text: &str) -> usize {
    text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len())
}

/// The length of the string that `text` begins with.
fn string(text: &str, quote: char, raw: bool) -> usize {
    let fence: String = std::iter::repeat_n(quote, 3).collect();
    let close = if text.starts_with(&fence) { fence } else { quote.to_string() };
    let mut at = close.len();
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with(&close) {
            return at + close.len();
        }
        let mut characters = rest.chars();
        let first = characters.next().map_or(1, char::len_utf8);
        let escaped = if !raw && rest.starts_with('\\') { characters.next().map_or(0, char::len_utf8) } else { 0 };
        at += first + escaped;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::{Expression, ParseError};
    use cel::common::ast::Expr;

    fn parts(text: &str) -> Vec<String> {
        let expression = Expression::parse(text).unwrap();
        let Expr::Call(call) = &expression.tree.expr else { panic!("no call: {text}") };
        call.target.iter().map(AsRef::as_ref).chain(&call.args).map(|part| expression.slice(part).to_owned()).collect()
    }

    #[test]
    fn a_part_covers_its_text_to_the_closing_bracket() {
        assert_eq!(
            parts("resource.name.startsWith('projects/_/buckets/(ä)') && request.time < timestamp('2026-01-01T00:00:00Z')"),
            ["resource.name.startsWith('projects/_/buckets/(ä)')", "request.time < timestamp('2026-01-01T00:00:00Z')"]
        );
        assert_eq!(
            parts("'a' in request.auth.access_levels || resource.type in ['x', 'y']"),
            ["'a' in request.auth.access_levels", "resource.type in ['x', 'y']"]
        );
        assert_eq!(parts("(resource.name == 'a') && resource.service != 'b'"), ["resource.name == 'a'", "resource.service != 'b'"]);
    }

    #[test]
    fn hostile_texts_are_refused_without_being_parsed() {
        let chains = [
            format!("1{}", "+1".repeat(2000)),
            format!("x{}", "[1]".repeat(1000)),
            format!("x{}", ".f()".repeat(1000)),
            "(".repeat(4000),
            format!("x{}", ".b".repeat(2000)),
            "a?b:".repeat(900),
            "a < ".repeat(900),
        ];
        for text in chains {
            assert!(matches!(Expression::parse(&text), Err(ParseError::TooLarge { .. })), "{}…", text.get(..20).unwrap_or_default());
        }
        assert!(matches!(Expression::parse(&"a".repeat(5000)), Err(ParseError::TooLarge { .. })));
        assert!(matches!(Expression::parse(&format!("{}{}", "!".repeat(4000), "a")), Err(ParseError::TooLarge { .. })));
    }

    #[test]
    fn the_deepest_text_that_is_read_is_read_on_any_stack() {
        let text = format!("1{} == 1", "+1".repeat(60));
        assert!(Expression::parse(&text).is_ok());
        let text = format!("{}true{}", "(".repeat(60), ")".repeat(60));
        assert!(Expression::parse(&text).is_ok());
    }

    #[test]
    fn what_is_not_cel_says_so() {
        assert!(matches!(Expression::parse("request.time <"), Err(ParseError::Syntax(_))));
        assert!(matches!(Expression::parse(""), Err(ParseError::Syntax(_))));
        assert!(matches!(Expression::parse("'unclosed"), Err(ParseError::Syntax(_))));
    }
}
