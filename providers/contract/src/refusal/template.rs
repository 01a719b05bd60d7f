//! A wording with holes, compiled to a matcher that takes linear time.

use super::view::{View, head, is_dropped};
use memchr::memmem::Finder;
use std::borrow::Cow;
use std::sync::OnceLock;

/// How far a hole may reach, in bytes of dense text.
const REACH: usize = 2048;
/// How far from a hole the words before it mostly stand.
const NEAR: usize = 192;
/// How long the name of an action is at most.
const TORN: usize = 96;
/// How far a gap `{_}` may reach.
const GAP: usize = 400;
/// How often the words before a hole may stand within it.
const SAME_WORDS: usize = 4;

/// A compiled template.
#[derive(Debug)]
pub struct Template {
    pieces: Vec<Piece>,
    /// The piece that is looked for first: the longest of the words that must be there.
    anchor: usize,
    starts_with_word: bool,
    ends_with_word: bool,
    /// A code: `AuthorizationFailure` is not "authorization failure".
    one_word: bool,
    /// A member of JSON: `"error": "Forbidden"` is not the prose "error: forbidden".
    member: bool,
    /// The template as it is written.
    written: &'static str,
}

#[derive(Debug)]
enum Piece {
    Words(Words),
    Hole { name: &'static str, ends: Ends },
    Maybe(Vec<Piece>),
}

/// Words as they stand in the dense text, with what looks for them; built when they are first looked for.
#[derive(Debug, Default)]
struct Words {
    dense: Vec<u8>,
    /// Are they written with a space or a quotation mark behind them? Then `User` is not the beginning of `user@example.com`.
    parted: bool,
    finder: OnceLock<Box<Finder<'static>>>,
}

impl Words {
    fn finder(&self) -> &Finder<'static> {
        self.finder.get_or_init(|| Box::new(Finder::new(&self.dense).into_owned()))
    }

    fn find(&self, text: &[u8]) -> Option<usize> {
        self.finder().find(text)
    }

    /// Most stand near. Looking forward for the last is quicker than looking backward.
    fn rfind(&self, text: &[u8]) -> Option<usize> {
        let last = |text: &[u8]| self.finder().find_iter(text).last();
        let near = text.len().saturating_sub(NEAR);
        last(text.get(near..)?).map(|found| near + found).or_else(|| last(text.get(..text.len().min(near + self.dense.len()))?))
    }
}

/// Where a hole ends that no words follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ends {
    Words,
    Word,
    /// A word with a colon in it: `s3:GetObject`.
    Pair,
    /// A word with a full stop in it: `storage.objects.get`.
    Dotted,
    Number,
    Line,
    Target,
}

/// What a template matched: a range of the clean text, and the ranges of its holes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match<'v> {
    /// Where it begins in the clean text.
    pub start: usize,
    /// Where it ends in the clean text.
    pub end: usize,
    /// The holes and what filled them.
    pub fields: Vec<(&'static str, Cow<'v, str>)>,
}

impl Template {
    /// Compiles a template; `None` where it has no words to look for.
    #[must_use]
    pub fn new(template: &'static str) -> Option<Self> {
        let pieces = parse(template);
        let words = pieces.iter().enumerate().filter_map(|(at, piece)| match piece {
            Piece::Words(words) => Some((at, words.dense.len())),
            _ => None,
        });
        let (anchor, _) = words.max_by_key(|(_, length)| *length)?;
        let is_word = |edge: Option<char>| edge.is_some_and(char::is_alphanumeric);
        Some(Self {
            anchor,
            one_word: pieces.len() == 1 && !template.contains([' ', '"', ',']),
            member: pieces.len() == 1 && template.contains("\":\""),
            written: template,
            starts_with_word: is_word(template.chars().next()),
            ends_with_word: is_word(template.chars().next_back()),
            pieces,
        })
    }

    /// The words to look for in the dense text, or a beginning of them.
    #[must_use]
    pub fn anchor(&self) -> &[u8] {
        match self.pieces.get(self.anchor) {
            Some(Piece::Words(words)) => &words.dense,
            _ => &[],
        }
    }

    /// Does the template match around its anchor, which may stand at `at` of the dense text?
    #[must_use]
    pub fn matches<'v>(&self, view: &'v View, at: usize) -> Option<Match<'v>> {
        if !view.dense().get(at..)?.starts_with(self.anchor()) {
            return None;
        }
        let mut walk = Walk { view, fields: Vec::new(), start: at, end: at + self.anchor().len() };
        walk.backward(self.pieces.get(..self.anchor)?)?;
        walk.forward(self.pieces.get(self.anchor + 1..)?)?;
        let matched = walk.matched();
        self.stands_alone(view, &matched).then_some(matched)
    }

    /// `AccessDenied` is not in `KMSAccessDeniedFault`.
    fn stands_alone(&self, view: &View, matched: &Match<'_>) -> bool {
        let is_word = |edge: Option<char>| edge.is_some_and(|edge| edge.is_alphanumeric() || edge == '_');
        let before = view.clean().get(..matched.start).and_then(|before| before.chars().next_back());
        let after = view.clean().get(matched.end..).and_then(|after| after.chars().next());
        let runs_on = self.starts_with_word && is_word(before) || self.ends_with_word && is_word(after);
        let text = view.clean().get(matched.start..matched.end).unwrap_or("");
        let parted = self.one_word && self.is_parted(text);
        let prose = self.member && !text.contains(['"', '\'']);
        !runs_on && !parted && !prose
    }

    /// Two words, or a code that a wrap tore apart? The code is written as it is, the words are not.
    fn is_parted(&self, code: &str) -> bool {
        // `Error` and `AccessDenied` on two lines are two words.
        let two_words = code.split('\n').skip(1).any(|part| part.starts_with(|first: char| first.is_ascii_uppercase()));
        code.contains(' ') || two_words || code.contains('\n') && code.replace('\n', "") != self.written
    }
}

struct Walk<'a> {
    view: &'a View,
    fields: Vec<(&'static str, Cow<'a, str>)>,
    /// In the dense text.
    start: usize,
    end: usize,
}

impl<'a> Walk<'a> {
    fn backward(&mut self, pieces: &[Piece]) -> Option<()> {
        let mut pieces = pieces.iter().rev().peekable();
        while let Some(piece) = pieces.next() {
            match piece {
                Piece::Words(words) => self.words_before(&words.dense)?,
                Piece::Maybe(_) => {}
                Piece::Hole { name, ends } => match pieces.next() {
                    Some(Piece::Words(words)) => self.hole_after(name, *ends, words)?,
                    _ => self.word_before(name)?,
                },
            }
        }
        Some(())
    }

    fn words_before(&mut self, words: &[u8]) -> Option<()> {
        let start = self.start.checked_sub(words.len())?;
        (self.view.dense().get(start..self.start)? == words).then(|| self.start = start)
    }

    fn hole_after(&mut self, name: &'static str, ends: Ends, words: &Words) -> Option<()> {
        let length = words.dense.len();
        let from = self.start.saturating_sub(reach(name) + length);
        let before = |end: usize| Some(from + words.rfind(self.view.dense().get(from..end)?)?);
        let nearest = before(self.start)?;
        let parted = |at: &usize| !words.parted || self.view.is_parted(at + length);
        let found = std::iter::successors(Some(nearest), |at| before(at + length - 1)).take(SAME_WORDS).find(parted).unwrap_or(nearest);
        self.capture_dense(name, ends, found + length, self.start)?;
        self.start = found;
        Some(())
    }

    /// A hole at the very beginning takes the token before.
    fn word_before(&mut self, name: &'static str) -> Option<()> {
        let end = self.view.clean_of_dense(self.start);
        let all = self.view.clean().get(..end)?;
        let before = all.trim_end();
        // A tag that ends right here is a placeholder such as `<role>`; one that ends before the token stands beside it.
        let bare = before.trim_end_matches(['"', '\'', '`']);
        let start = bare.rfind([' ', '\n', '"']).map_or(0, |space| space + 1);
        let token = before.get(start..)?;
        let start = start + end_of_tag(token.trim_end_matches('>'));
        let word = before.get(start..)?;
        // The last word of the line above is no part of the sentence, unless it is a name that was wrapped.
        let above = all.get(before.len()..).is_some_and(|gap| gap.contains('\n'));
        let named = word.contains(|piece: char| piece.is_alphanumeric() || piece == '*');
        if !named || above && !word.contains([':', '@', '/']) {
            return None;
        }
        self.start = self.view.dense_of_clean(start);
        self.keep(name, word);
        (!word.is_empty()).then_some(())
    }

    fn forward(&mut self, pieces: &[Piece]) -> Option<()> {
        let mut pieces = pieces.iter().peekable();
        while let Some(piece) = pieces.next() {
            match piece {
                Piece::Words(words) => self.words_after(&words.dense)?,
                Piece::Maybe(inner) => self.maybe(inner),
                Piece::Hole { name, ends } => match pieces.peek() {
                    Some(Piece::Words(words)) => self.hole_before(name, *ends, words)?,
                    Some(Piece::Maybe(inner)) if self.hole_torn(name, *ends, inner).is_some() => {}
                    _ => self.hole_at_end(name, *ends)?,
                },
            }
        }
        Some(())
    }

    /// A name that a wrap tore apart; that it goes on to the words that may follow shows it.
    fn hole_torn(&mut self, name: &'static str, ends: Ends, inner: &[Piece]) -> Option<()> {
        let Some(Piece::Words(words)) = inner.first().filter(|_| matches!(ends, Ends::Pair | Ends::Dotted)) else { return None };
        let to = self.view.dense().len().min(self.end + TORN + words.dense.len());
        let found = self.end + words.find(self.view.dense().get(self.end..to)?)?;
        let start = self.view.clean_of_dense(self.end.checked_sub(1)?) + 1;
        let value = self.view.clean().get(start..self.view.clean_of_dense(found))?.trim();
        let torn = value.contains('\n') && one_word(value) && !value.contains(['"', '\'']);
        if !torn {
            return None;
        }
        self.end = found;
        self.keep(name, value);
        Some(())
    }

    fn words_after(&mut self, words: &[u8]) -> Option<()> {
        let end = self.end + words.len();
        (self.view.dense().get(self.end..end)? == words).then(|| self.end = end)
    }

    fn maybe(&mut self, pieces: &[Piece]) {
        let (end, fields) = (self.end, self.fields.len());
        if self.forward(pieces).is_none() {
            self.end = end;
            self.fields.truncate(fields);
        }
    }

    fn hole_before(&mut self, name: &'static str, ends: Ends, words: &Words) -> Option<()> {
        let to = self.view.dense().len().min(self.end + reach(name) + words.dense.len());
        let found = self.end + words.find(self.view.dense().get(self.end..to)?)?;
        self.capture_dense(name, ends, self.end, found)?;
        self.end = found;
        Some(())
    }

    fn hole_at_end(&mut self, name: &'static str, ends: Ends) -> Option<()> {
        let from = match self.end.checked_sub(1) {
            Some(last) => self.view.clean_of_dense(last) + 1,
            None => 0,
        };
        let window = window(self.view.clean().get(from..)?);
        let length = ends.length(window);
        let value = window.get(..length)?;
        self.end = self.view.dense_of_clean(from + length).max(self.end);
        self.keep(name, value);
        (!value.trim().is_empty()).then_some(())
    }

    /// `None` where a hole for one word holds several.
    fn capture_dense(&mut self, name: &'static str, ends: Ends, from: usize, to: usize) -> Option<()> {
        let start = match from.checked_sub(1) {
            Some(last) => self.view.clean_of_dense(last) + 1,
            None => 0,
        };
        let end = self.view.clean_of_dense(to);
        let value = self.view.clean().get(start..end)?;
        let fits = match ends {
            Ends::Word => one_word(value.trim()) && !value.trim().contains("\n'"),
            Ends::Pair => one_word(value.trim()) && value.contains(':') && !value.trim_start().starts_with(':'),
            Ends::Dotted => one_word(value.trim()) && value.contains('.') && (is_name(value) || value.contains('<')),
            Ends::Number => value.trim().bytes().all(|digit| digit.is_ascii_digit()),
            Ends::Line => !value.trim().contains('\n'),
            Ends::Words | Ends::Target => name == "_" || is_within_a_sentence(name, value),
        };
        self.keep(name, value);
        fits.then_some(())
    }

    fn keep(&mut self, name: &'static str, value: &'a str) {
        let value = tidy(value);
        if name != "_" && !value.is_empty() {
            self.fields.push((name, value));
        }
    }

    fn matched(self) -> Match<'a> {
        let end = match self.end.checked_sub(1) {
            Some(last) => self.view.clean_of_dense(last) + 1,
            None => 0,
        };
        Match { start: self.view.clean_of_dense(self.start), end, fields: self.fields }
    }
}

/// A hole within a sentence holds no structure of JSON and not much of the lines around: beyond that, the words before it are of
/// another sentence. A caller is a name.
fn is_within_a_sentence(name: &str, value: &str) -> bool {
    const STRUCTURE: [&str; 6] = ["\"}", "{\"", "\"]", "[\"", "\":\"", "\": \""];
    let value = value.trim_matches(|edge: char| edge.is_whitespace() || matches!(edge, '"' | '\'' | '`'));
    let spaces = || value.chars().filter(|piece| piece.is_whitespace()).count();
    let structured = value.contains('"') && STRUCTURE.iter().any(|mark| value.contains(mark));
    value.matches('\n').count() <= 4 && (name != "principal" || spaces() <= 8) && !structured
}

/// A token; a placeholder such as `<my role>` may hold spaces.
fn one_word(value: &str) -> bool {
    let mut open = 0_u32;
    let mut pieces = value.chars().peekable();
    std::iter::from_fn(|| pieces.next().map(|piece| (piece, pieces.peek().copied()))).all(|(piece, next)| {
        match piece {
            '<' if next.is_some_and(char::is_alphanumeric) => open += 1,
            '>' => open = open.saturating_sub(1),
            _ => {}
        }
        piece != ' ' || open > 0
    })
}

/// Has it only what the name of a permission has, quotation marks aside?
fn is_name(value: &str) -> bool {
    let bare = value.trim_matches(|edge: char| edge.is_whitespace() || matches!(edge, '"' | '\'' | '`' | '\\' | '*'));
    bare.chars().all(|piece| piece.is_alphanumeric() || matches!(piece, '.' | '_' | '-' | '/' | '*' | '\n'))
}

fn reach(name: &str) -> usize {
    if name == "_" { GAP } else { REACH }
}

/// The part of `rest` that a hole at the end is looked for in.
fn window(rest: &str) -> &str {
    head(rest, REACH)
}

/// A value as it was meant: without its quotation marks, with the words that a wrap tore apart joined.
fn tidy(value: &str) -> Cow<'_, str> {
    let bare = value.trim_matches(|edge: char| edge.is_whitespace() || matches!(edge, '"' | '\'' | '`'));
    let bare = bare.trim_end_matches([',', ';']);
    // Markdown's link: `[a@b.example](mailto:a@b.example`.
    let bare = bare.strip_prefix('[').and_then(|link| link.split_once("](")).map_or(bare, |(name, _)| name);
    // Markdown's emphasis ends here; a name that is masked has more asterisks.
    let bare = bare.strip_suffix("**").filter(|plain| plain.ends_with(char::is_alphanumeric) && !plain.contains('*')).unwrap_or(bare);
    if !bare.contains('\n') {
        return Cow::Borrowed(bare);
    }
    let hexadecimal = bare.bytes().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b'-' | b'\n'));
    let marked = bare.contains([':', '/', '@']) || bare.contains('.') && !bare.contains(".\n");
    let one_word = !bare.contains(' ') && (marked || hexadecimal) && !bare.contains("\narn:");
    Cow::Owned(bare.replace('\n', if one_word { "" } else { " " }))
}

impl Ends {
    /// How much of `text` the hole takes.
    fn length(self, text: &str) -> usize {
        let white = text.len() - text.trim_start().len();
        let opened = text.get(white..).filter(|body| body.starts_with(['"', '\'', '`']) && quoted(body).is_none());
        let lead = white + usize::from(opened.is_some());
        let body = text.get(lead..).unwrap_or("");
        lead + match self {
            Self::Words | Self::Word => word(body),
            Self::Pair => word_with(body, ':'),
            Self::Dotted => word_with(body, '.'),
            Self::Number => body.bytes().take_while(u8::is_ascii_digit).count(),
            Self::Line => line(body),
            Self::Target => target(body),
        }
    }
}

/// Where a tag ends that stands right before a name: `<Details>a@b.example`, not the placeholder in `<account>@<project>.example`.
fn end_of_tag(token: &str) -> usize {
    let ends = |(at, _): &(usize, &str)| {
        token.get(at + 1..).is_some_and(|rest| rest.starts_with(|first: char| first.is_alphanumeric() || first == '*'))
    };
    token.match_indices('>').rfind(ends).map_or(0, |(at, _)| at + 1)
}

/// A token: a quoted text, or what stands up to the next white space or mark that no name holds.
fn word(text: &str) -> usize {
    if let Some(length) = quoted(text) {
        return length;
    }
    let mut end = 0;
    loop {
        let rest = text.get(end..).unwrap_or("");
        end += rest.find([' ', '\n', '"', '\'', ',', ';', ')', '}', ']', '<']).unwrap_or(rest.len());
        match placeholder(text.get(end..).unwrap_or("")) {
            0 if closes_bracket(text, end) => end += 1,
            0 => break,
            length => end += length,
        }
    }
    text.get(..end).map_or(0, |token| token.trim_end_matches(['.', ':', '!', '?']).len())
}

/// What is left of the line: of the text in quotation marks or of the element that it is part of.
fn line(text: &str) -> usize {
    let line = text.lines().next().unwrap_or("");
    ["\"}", "'}", "\",", "</"].iter().filter_map(|end| line.find(end)).min().unwrap_or(line.len())
}

/// Does a bracket that was opened within the token end here: `projects/[project]`?
fn closes_bracket(text: &str, end: usize) -> bool {
    let opened = text.get(..end).is_some_and(|token| token.matches('[').count() > token.matches(']').count());
    opened && text.get(end..).is_some_and(|rest| rest.starts_with(']'))
}

/// The length of the placeholder that `text` begins with, such as `<project name>`; tags of a page are none.
fn placeholder(text: &str) -> usize {
    const TAGS: [&str; 12] = ["a", "b", "br", "code", "div", "em", "hr", "i", "li", "p", "pre", "span"];
    const LONGEST: usize = 48;
    let Some(inside) = text.strip_prefix('<').and_then(|rest| head(rest, LONGEST).split_once('>')).map(|(inside, _)| inside) else {
        return 0;
    };
    let named = inside.starts_with(char::is_alphabetic) && !inside.ends_with('/');
    let plain = inside.chars().all(|piece| piece.is_alphanumeric() || matches!(piece, ' ' | '-' | '_' | '.' | ':'));
    if named && plain && !TAGS.contains(&inside) { inside.len() + 2 } else { 0 }
}

fn word_with(text: &str, mark: char) -> usize {
    let end = word(text);
    if text.get(..end).is_some_and(|word| word.contains(mark)) { end } else { 0 }
}

fn quoted(text: &str) -> Option<usize> {
    let quote = text.chars().next().filter(|first| matches!(first, '"' | '\'' | '`'))?;
    // Some services open with a backtick and close with an apostrophe.
    let closes = |piece: char| piece == quote || quote == '`' && piece == '\'';
    let length = text.get(1..)?.find(closes)?;
    Some(length + 2)
}

/// What comes after the name of a resource.
const AFTER_TARGET: [&str; 4] = ["because ", "with an explicit ", "with explicit ", "as "];

/// The name of a resource: quoted, a token (in which `<…>` may hold spaces), or all that stands before the reason.
fn target(text: &str) -> usize {
    if text.starts_with('(') {
        return 0;
    }
    if let Some(length) = quoted(text) {
        return length;
    }
    if let Some(length) = before_reason(text) {
        return length;
    }
    let length = token_with_placeholders(text);
    let token = text.get(..length).unwrap_or("");
    match token.trim_end_matches(['.', ',', ';', ':']) {
        "role" | "user" | "group" | "policy" | "instance profile" => length + second_word(text.get(length..).unwrap_or("")),
        trimmed => trimmed.len(),
    }
}

fn second_word(rest: &str) -> usize {
    let body = rest.trim_start_matches(' ');
    if body.starts_with('\n') { 0 } else { rest.len() - body.len() + word(body) }
}

/// How long a name is at most whose end is known by the reason that follows.
const NAME: usize = 600;

/// The reason that follows within the sentence ends the name whatever spaces and wraps it has.
fn before_reason(text: &str) -> Option<usize> {
    let near = head(text, NAME + 32);
    let ends = AFTER_TARGET.iter().take(3).filter_map(|reason| find_word(near, reason));
    let end = ends.min().filter(|end| *end < NAME)?;
    let name = text.get(..end)?;
    let broken = name.trim_end().contains([' ', '"', '}', ')']) && name.contains(". ");
    let torn = name.trim_end().matches('\n').count() > 2;
    (!broken && !torn && !name.contains("User:")).then_some(end)
}

fn find_word(text: &str, word: &str) -> Option<usize> {
    let flat = word.trim_end();
    let mut from = 0;
    while let Some(found) = text.get(from..).and_then(|rest| rest.find(flat)) {
        let at = from + found;
        let parted = at == 0 || text.get(..at).is_some_and(|before| before.ends_with([' ', '\n']));
        if parted {
            return Some(at);
        }
        from = at + flat.len();
    }
    None
}

fn token_with_placeholders(text: &str) -> usize {
    let (mut open, mut braces) = (0_u32, 0_u32);
    for (at, piece) in text.char_indices() {
        match piece {
            '{' if at > 0 => braces += 1,
            '}' if braces > 0 => braces -= 1,
            '<' if text.get(at..).is_some_and(|rest| rest.starts_with("</")) => return at,
            '<' => open += 1,
            '>' => open = open.saturating_sub(1),
            ' ' if open > 0 => {}
            '\n' if is_torn(text, at) => {}
            ' ' | '\n' | '"' | '\'' | ',' | ';' | ')' | '}' => return at,
            _ => {}
        }
    }
    text.len()
}

/// Was an ARN torn apart at this line feed?
fn is_torn(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or("");
    before.starts_with("arn:") && before.matches(':').count() < 5 && !before.ends_with('*')
}

fn parse(template: &'static str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = template;
    while !rest.is_empty() {
        rest = parse_one(rest, &mut pieces);
    }
    pieces
}

fn parse_one(rest: &'static str, pieces: &mut Vec<Piece>) -> &'static str {
    if let Some((inner, after)) = rest.strip_prefix("[[").and_then(|rest| rest.split_once("]]")) {
        pieces.push(Piece::Maybe(parse(inner)));
        return after;
    }
    if let Some((hole, after)) = hole(rest) {
        pieces.push(parse_hole(hole));
        return after;
    }
    let special = |at: &usize| rest.get(*at..).is_some_and(|rest| rest.starts_with("[[") || hole(rest).is_some());
    let length = rest.char_indices().map(|(at, _)| at).skip(1).find(special).unwrap_or(rest.len());
    let (words, after) = rest.split_at(length);
    let dense = words.bytes().filter(|byte| !is_dropped(*byte)).map(|byte| byte.to_ascii_lowercase()).collect::<Vec<_>>();
    match pieces.last_mut() {
        _ if dense.is_empty() => {}
        Some(Piece::Words(words)) => words.dense.extend(dense),
        _ => pieces.push(Piece::Words(Words { dense, ..Words::default() })),
    }
    if let Some(Piece::Words(last)) = pieces.last_mut() {
        last.parted = words.bytes().next_back().is_some_and(is_dropped);
    }
    after
}

/// A brace before a letter opens a hole; before anything else it is part of the wording.
fn hole(rest: &'static str) -> Option<(&'static str, &'static str)> {
    let (name, after) = rest.strip_prefix('{')?.split_once('}')?;
    let named = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_' || byte == b':') && !name.is_empty();
    named.then_some((name, after))
}

fn parse_hole(hole: &'static str) -> Piece {
    let (name, ends) = hole.split_once(':').unwrap_or((hole, ""));
    let ends = match ends {
        "word" => Ends::Word,
        "pair" => Ends::Pair,
        "dotted" => Ends::Dotted,
        "number" => Ends::Number,
        "line" => Ends::Line,
        "target" => Ends::Target,
        _ => Ends::Words,
    };
    Piece::Hole { name, ends }
}

#[cfg(test)]
mod tests {
    use super::Template;
    use crate::refusal::View;

    fn find(template: &'static str, text: &str) -> Option<Vec<(&'static str, String)>> {
        let template = Template::new(template).expect("has words");
        let view = View::new(text);
        let at = memchr::memmem::find(view.dense(), template.anchor())?;
        Some(template.matches(&view, at)?.fields.into_iter().map(|(name, value)| (name, value.into_owned())).collect())
    }

    fn fields(template: &'static str, text: &str) -> Vec<(&'static str, String)> {
        find(template, text).expect("matches")
    }

    const SENTENCE: &str = "User: {principal} is not authorized to perform: {action:word}[[ on resource: {resource:target}]]";

    #[test]
    fn a_sentence_is_read_through_wraps_and_quotes() {
        let text =
            "User: \narn:aws:iam::1:user/a is not\nauthorized to perform: s3:GetObject on resource: \\\"arn:aws:s3:::b/k\\\" because";
        let expected = [("principal", "arn:aws:iam::1:user/a"), ("action", "s3:GetObject"), ("resource", "arn:aws:s3:::b/k")];
        assert_eq!(fields(SENTENCE, text), expected.map(|(name, value)| (name, value.to_owned())));
    }

    #[test]
    fn a_name_may_begin_with_the_words_before_it() {
        let found = fields("User \"{principal}\" cannot list resource", "User \"user@example.com\" cannot list resource \"pods\"");
        assert_eq!(found, [("principal", "user@example.com".to_owned())]);
    }

    #[test]
    fn json_is_the_same_on_one_line_and_on_several() {
        let template = "\"message\":\"Unauthorized\",\"reason\":\"Unauthorized\"";
        assert!(find(template, "{\n  \"message\": \"Unauthorized\",\n  \"reason\": \"Unauthorized\"\n}").is_some());
    }

    #[test]
    fn what_is_missing_is_left_out() {
        let found = fields(SENTENCE, "User: anonymous is not authorized to perform: es:ESHttpPost because no");
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn a_resource_may_hold_spaces_where_its_end_is_known() {
        let resource = |text: &str| fields("on resource: {resource:target}", text).remove(0).1;
        assert_eq!(resource("on resource: role APP with an explicit deny in"), "role APP");
        assert_eq!(resource("on resource: role APP\n  status code: 403"), "role APP");
        assert_eq!(
            resource("on resource: arn:aws:ec2:x:<Log Archive Account>:key-pair/k {\"a\": 1}"),
            "arn:aws:ec2:x:<Log Archive Account>:key-pair/k"
        );
        assert_eq!(resource("on resource: arn:aws:dynamo\ndb:us-east-2:1:table/T (Service"), "arn:aws:dynamodb:us-east-2:1:table/T");
        assert_eq!(resource("on resource: *. Next"), "*");
        assert_eq!(resource("on resource: arn:aws:a:b:c:d</Message>"), "arn:aws:a:b:c:d");
    }

    #[test]
    fn a_hole_ends_with_its_sentence() {
        let json = "{\"user\":\"system\"}\nthe clerk is not authorized to perform: s3:GetObject";
        assert!(find("User: {principal} is not authorized to perform: {action:pair}", json).is_none());
        let above = "saved\nis not authorized to perform: s3:GetObject";
        assert!(find("{principal} is not authorized to perform: {action:pair}", above).is_none());
        let tag = "<Details>a@b.example does not have storage.objects.get access";
        assert_eq!(fields("{principal:word} does not have {action:dotted} access", tag).remove(0).1, "a@b.example");
        let permission = "\"permission\":\"storage.buckets.get\"}],\"message\":\"DENIED\"";
        assert!(find("Permission '{action:dotted}' denied", permission).is_none());
    }

    #[test]
    fn a_backtick_may_be_closed_by_an_apostrophe() {
        let text = "User `arn:aws:iam::1:user/a' is not authorized to perform `ses:SendEmail' on resource `arn:aws:ses:x:1:identity/b'";
        let found = fields("{principal:word} is not authorized to perform {action:pair} on resource {resource:target}", text);
        let values = found.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>();
        assert_eq!(values, ["arn:aws:iam::1:user/a", "ses:SendEmail", "arn:aws:ses:x:1:identity/b"]);
    }

    #[test]
    fn a_word_stands_alone() {
        assert!(find("AccessDenied", "KMSAccessDeniedFault").is_none());
        assert!(find("AccessDenied", "(AccessDenied)").is_some());
        assert!(find("AccessDenied", "AccessDenie\nd:").is_some());
        assert!(find("AccessDenied", "Access\ndenied").is_none());
        assert!(find("AccessDenied", "Access Denied").is_none());
    }
}
