//! A text as it was meant: without colour codes, gutters, escapes and line wraps, with a way back to its lines.

use super::gutter::{BARS, Gutters};

/// A text made comparable.
///
/// `clean` reads as the program meant it; `dense` is `clean` in lower case without white space, quotation marks, asterisks and
/// backslashes, which is what wordings are compared in.
#[derive(Debug, Default)]
pub struct View {
    clean: String,
    /// Where runs of `clean` stand in the raw text, byte for byte.
    runs: Vec<Run>,
    dense: Vec<u8>,
    /// For each byte of `dense`, where it stands in `clean`.
    clean_at: Vec<u32>,
    /// Where the lines of the raw text end.
    line_ends: Vec<u32>,
    /// Was something taken away or decoded that is neither white space nor an escape?
    dressed: bool,
}

/// From here on `clean` is the raw text from there on, up to the next run.
#[derive(Debug, Clone, Copy)]
struct Run {
    clean: u32,
    raw: u32,
}

impl View {
    /// The view of `raw`, of which at most 4 GiB are looked at.
    #[must_use]
    pub fn new(raw: &str) -> Self {
        let mut view = Self::default();
        view.turn_to(raw);
        view
    }

    /// Becomes the view of `raw`, in the memory that it has.
    pub(super) fn turn_to(&mut self, raw: &str) {
        self.clean.clear();
        self.clean.reserve(raw.len());
        self.runs.clear();
        self.dressed = has_doubled_quotes(raw);
        self.line_ends.clear();
        self.line_ends.extend(memchr::memchr_iter(b'\n', raw.as_bytes()).map(offset));
        Cleaner::new(raw, self).run();
        self.condense();
    }

    /// The view of `raw` that keeps what JSON is made of: escapes as they are written, and no dense text.
    pub(super) fn structure(raw: &str) -> Self {
        let mut view = Self::default();
        let mut cleaner = Cleaner::new(raw, &mut view);
        cleaner.structure = true;
        cleaner.doubled = has_doubled_quotes(raw);
        cleaner.twice = !raw.contains("&quot;") && !raw.contains("&#34;");
        cleaner.run();
        view
    }

    /// Does the raw text have more between its words than white space and escapes?
    pub(super) const fn is_dressed(&self) -> bool {
        self.dressed
    }

    /// The text as it was meant; a run of white space is one space, or one line feed where the text has one.
    #[must_use]
    pub fn clean(&self) -> &str {
        &self.clean
    }

    /// The text that wordings are compared in.
    #[must_use]
    pub fn dense(&self) -> &[u8] {
        &self.dense
    }

    /// Where a byte of `dense` stands in `clean`; past the end it is the length of `clean`.
    #[must_use]
    pub fn clean_of_dense(&self, at: usize) -> usize {
        self.clean_at.get(at).map_or(self.clean.len(), |&at| at as usize)
    }

    /// Does white space or a quotation mark stand before this byte of `dense`?
    pub(super) fn is_parted(&self, at: usize) -> bool {
        at.checked_sub(1).is_some_and(|last| self.clean_of_dense(at) > self.clean_of_dense(last) + 1)
    }

    /// The first byte of `dense` at or after a byte of `clean`.
    #[must_use]
    pub fn dense_of_clean(&self, at: usize) -> usize {
        self.clean_at.partition_point(|&clean| (clean as usize) < at)
    }

    /// Where a byte of `clean` stands in the raw text.
    #[must_use]
    pub fn raw_of_clean(&self, at: usize) -> usize {
        let at = offset(at.min(self.clean.len().saturating_sub(1)));
        let run = self.runs.partition_point(|run| run.clean <= at).checked_sub(1).and_then(|run| self.runs.get(run));
        run.map_or(0, |run| run.raw.saturating_add(at - run.clean) as usize)
    }

    /// The first byte of `clean` that stands at or after a byte of the raw text.
    #[must_use]
    pub fn clean_of_raw(&self, at: usize) -> usize {
        let at = offset(at);
        let after = self.runs.partition_point(|run| run.raw < at);
        let Some(run) = after.checked_sub(1).and_then(|run| self.runs.get(run)) else { return 0 };
        let end = self.runs.get(after).map_or(self.clean.len(), |next| next.clean as usize);
        end.min(run.clean.saturating_add(at - run.raw) as usize)
    }

    /// The line of a byte of the raw text, from 1.
    #[must_use]
    pub fn line_of_raw(&self, at: usize) -> usize {
        self.line_ends.partition_point(|&end| (end as usize) < at) + 1
    }

    /// Does the clean text between two bytes hold `needle` (given dense: lower case, no spaces)?
    #[must_use]
    pub fn holds(&self, from: usize, to: usize, needle: &str) -> bool {
        let range = self.dense_of_clean(from)..self.dense_of_clean(to);
        self.dense.get(range).is_some_and(|dense| memchr::memmem::find(dense, needle.as_bytes()).is_some())
    }

    /// Takes the bytes that count one after the other; what does not count is overwritten by the next, which takes no branch.
    fn condense(&mut self) {
        self.dense.resize(self.clean.len(), 0);
        self.clean_at.resize(self.clean.len(), 0);
        let clean = self.clean.as_bytes();
        // A mail's mark that a new flow of the lines left between two words.
        let mark = |at: usize| at > 0 && clean.get(at - 1..at + 2) == Some(b" > ");
        let mut kept = 0;
        for (at, &byte) in clean.iter().enumerate() {
            if let (Some(dense), Some(clean_at)) = (self.dense.get_mut(kept), self.clean_at.get_mut(kept)) {
                (*dense, *clean_at) = (byte.to_ascii_lowercase(), offset(at));
            }
            kept += usize::from(!(is_dropped(byte) || byte == b'>' && mark(at)));
        }
        self.dense.truncate(kept);
        self.clean_at.truncate(kept);
    }

    /// What `clean` is extended by next stands at `raw`.
    fn runs_on(&mut self, raw: usize) {
        let (clean, raw) = (offset(self.clean.len()), offset(raw));
        if self.runs.last().is_none_or(|run| raw.checked_sub(run.raw) != clean.checked_sub(run.clean)) {
            self.runs.push(Run { clean, raw });
        }
    }

    /// Takes back what stands after `length`.
    fn cut(&mut self, length: usize) {
        self.clean.truncate(length);
        while self.runs.pop_if(|run| run.clean as usize >= length).is_some() {}
    }
}

/// At most so many bytes of `text`.
pub(super) fn head(text: &str, most: usize) -> &str {
    text.get(..text.floor_char_boundary(most)).unwrap_or("")
}

/// Is this a byte that wordings are compared without?
pub(super) const fn is_dropped(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'"' | b'\'' | b'`' | b'*' | b'\\')
}

/// Is this a byte that stands for itself wherever it stands?
const fn is_plain(byte: u8) -> bool {
    matches!(byte, 0x21..=0x7e) && !matches!(byte, b'\\' | b'&' | b'[')
}

fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

struct Cleaner<'a> {
    raw: &'a str,
    at: usize,
    line_start: bool,
    gutters: Gutters<'a>,
    /// Does this line stand within a box?
    boxed: bool,
    /// The same of a line that ends with an escaped line feed.
    boxed_within: bool,
    /// Does what is written as an escape stay one?
    structure: bool,
    /// Is an ampersand that was encoded twice decoded twice?
    twice: bool,
    /// Are the quotation marks of the structure doubled, as a column of CSV writes them?
    doubled: bool,
    /// Up to here plain quotation marks were counted, and whether one is open on this line.
    counted: usize,
    quoted: bool,
    view: &'a mut View,
}

impl<'a> Cleaner<'a> {
    fn new(raw: &'a str, view: &'a mut View) -> Self {
        let gutters = Gutters::default();
        Self {
            raw,
            at: 0,
            line_start: true,
            gutters,
            boxed: false,
            boxed_within: false,
            structure: false,
            twice: true,
            doubled: false,
            counted: 0,
            quoted: false,
            view,
        }
    }

    fn run(mut self) {
        while let Some(next) = self.rest().bytes().next() {
            if self.line_start {
                self.line_start = false;
                self.skip_gutter();
                continue;
            }
            match next {
                b'\n' if self.is_torn() => self.seam(),
                b'\n' => self.line_feed(1),
                b' ' | b'\t' | b'\r' => self.space(1),
                b'"' if self.doubled => self.doubled_quote(),
                b'\\' if self.structure => self.push('\\', 1),
                b'\\' => self.escape(),
                b'&' => self.entity(),
                b'[' => self.orphan_colour(),
                0x1b => self.colour(),
                0..=0x1f | 0x7f => self.at += 1,
                0x21..=0x7e => self.plain(),
                _ => self.other(),
            }
        }
    }

    fn rest(&self) -> &'a str {
        self.raw.get(self.at..).unwrap_or("")
    }

    fn push(&mut self, piece: char, length: usize) {
        self.view.runs_on(self.at);
        self.view.clean.push(piece);
        // All the bytes of one character stand where it stands.
        for further in 1..piece.len_utf8() {
            let clean = offset(self.view.clean.len() - piece.len_utf8() + further);
            self.view.runs.push(Run { clean, raw: offset(self.at) });
        }
        self.at += length;
    }

    /// Takes in the bytes up to the next one that may mean something else: words with one space between them.
    fn plain(&mut self) {
        let mut spaced = false;
        let doubled = self.doubled;
        let counts = |&byte: &u8| {
            let space = byte == b' ';
            let taken = is_plain(byte) && !(doubled && byte == b'"') || space && !spaced;
            spaced = space;
            taken
        };
        let run = self.rest().as_bytes().iter().copied().take_while(counts).count();
        let end = self.at + run;
        self.view.runs_on(self.at);
        self.view.clean.push_str(self.raw.get(self.at..end).unwrap_or(""));
        self.at = end;
    }

    /// Two are one; one alone is of the column.
    fn doubled_quote(&mut self) {
        if self.rest().starts_with("\"\"") { self.push('"', 2) } else { self.at += 1 }
    }

    fn space(&mut self, length: usize) {
        match self.view.clean.bytes().next_back() {
            Some(b' ' | b'\n') | None => self.at += length,
            Some(_) => self.push(' ', length),
        }
    }

    /// A line feed that was escaped in the text.
    fn line_feed_within(&mut self, length: usize) {
        if self.view.clean.ends_with(' ') {
            self.view.cut(self.view.clean.len() - 1);
        }
        match self.view.clean.bytes().next_back() {
            Some(b'\n') | None => self.at += length,
            Some(_) => self.push('\n', length),
        }
    }

    /// Did a terminal of a fixed width break the line within a word? Its lines are all of one length, and begin as no two entries of a
    /// log do.
    fn is_torn(&self) -> bool {
        let (before, after) = (self.raw.get(..self.at).unwrap_or(""), self.raw.get(self.at + 1..).unwrap_or(""));
        let part =
            |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'/' | b':' | b'-'));
        // A line that ends with a colour ends before it.
        if !part(before.as_bytes().last()) || before.as_bytes().last() != self.view.clean.as_bytes().last() {
            return false;
        }
        let start = memchr::memrchr(b'\n', before.as_bytes().get(before.len().saturating_sub(TORN_TO + 1)..).unwrap_or(&[]));
        let start = start.map_or(0, |line| before.len().saturating_sub(TORN_TO + 1) + line + 1);
        let width = before.len() - start;
        if !(TORN_FROM..=TORN_TO).contains(&width) {
            return false;
        }
        let line = before.get(start..).unwrap_or("");
        let above = before.get(..start.saturating_sub(1)).and_then(|above| above.rsplit('\n').next()).map_or(0, str::len);
        let next_end = memchr::memchr(b'\n', after.as_bytes().get(..after.len().min(width + 1)).unwrap_or(&[])).unwrap_or(after.len());
        let next = after.get(..next_end).unwrap_or("");
        let mut gutters = self.gutters;
        let skipped = gutters.length(next, false);
        let text = next.get(skipped..).unwrap_or("").as_bytes();
        let own = line.len() - line.trim_start_matches(is_edge).len();
        let alike = line.as_bytes().get(own..own + 4) == text.get(..4) || text.starts_with(b"arn:");
        let word = text.iter().take(12).take_while(|byte| byte.is_ascii_lowercase()).count();
        let whole = text.get(..word).is_some_and(|word| WORDS.iter().any(|known| known.as_bytes() == word));
        // `error` and `AccessDenied` are two words.
        let humped = before.ends_with(|last: char| last.is_ascii_lowercase()) && text.first().is_some_and(u8::is_ascii_uppercase);
        let whole = whole || humped;
        above <= width && next.len() <= width && (above == width || next.len() == width) && part(text.first()) && !alike && !whole
    }

    /// Takes the line feed and the gutter after it for nothing.
    fn seam(&mut self) {
        self.view.dressed = true;
        self.at += 1;
        self.skip_gutter();
    }

    fn line_feed(&mut self, length: usize) {
        if std::mem::take(&mut self.boxed) {
            self.close_box();
        }
        self.feed(length);
    }

    fn escaped_line_feed(&mut self, length: usize) {
        if std::mem::take(&mut self.boxed_within) {
            self.close_box();
        }
        self.feed(length);
    }

    fn feed(&mut self, length: usize) {
        self.line_feed_within(length);
        self.line_start = true;
    }

    /// What tools put before each line: Terraform's bar, a mail's quotation mark, a build step's name, a time.
    fn skip_gutter(&mut self) {
        let within = self.at > 0 && self.raw.as_bytes().get(self.at - 1) != Some(&b'\n');
        let length = self.gutters.length(self.rest(), within);
        let boxed = length > 0 && self.rest().get(..length).is_some_and(|gutter| gutter.contains(is_bar) || gutter.contains("u2502"));
        if within {
            self.boxed_within = boxed
        } else {
            self.boxed = boxed
        }
        self.at += length;
        self.view.dressed |= length > 0;
    }

    /// Takes away the bar at the right of a box.
    fn close_box(&mut self) {
        let length = self.view.clean.len();
        let open = self.view.clean.trim_end_matches(' ').trim_end_matches(is_bar).trim_end_matches(' ').len();
        let closed = self.view.clean.get(open..).is_some_and(|end| end.contains(is_bar));
        if closed && open < length {
            self.view.cut(open);
        }
    }

    fn escape(&mut self) {
        let rest = self.rest();
        let slashes = rest.bytes().take_while(|&byte| byte == b'\\').count();
        let after = rest.get(slashes..).unwrap_or("");
        let mut following = after.chars();
        let (escaped, then) = (following.next(), following.next());
        let inside_name = slashes == 1 && self.after_domain() && then.is_some_and(|then| then.is_ascii_lowercase());
        match escaped {
            _ if escaped_colour(after) > 0 => {
                self.view.dressed = true;
                self.at += slashes + escaped_colour(after);
            }
            Some('n' | 'r') if !inside_name => self.escaped_line_feed(slashes + 1),
            Some('t') if !inside_name => self.space(slashes + 1),
            Some('u') if unicode_escape(after).is_some() => {
                let decoded = unicode_escape(after).unwrap_or(' ');
                self.decoded(decoded, slashes + 5);
            }
            Some('"' | '\'' | '/' | '\u{201c}' | '\u{201d}' | '\u{2018}' | '\u{2019}') | None => self.at += slashes,
            Some('&') if entity(after).is_some_and(|(decoded, _)| matches!(decoded, '"' | '\'')) => self.at += slashes,
            Some(_) => self.push('\\', slashes),
        }
    }

    /// `CORP\nadia` is a name of Windows; elsewhere `\n` between letters is a line feed that was escaped.
    fn after_domain(&self) -> bool {
        let word = |piece: &char| piece.is_ascii_alphanumeric() || *piece == '-';
        let mut before = self.view.clean.chars().rev().take_while(word).take(64).peekable();
        before.peek().is_some_and(char::is_ascii_alphanumeric) && before.all(|piece| !piece.is_ascii_lowercase())
    }

    fn entity(&mut self) {
        let found = if self.twice { entity(self.rest()) } else { entity_once(self.rest()) };
        match found {
            Some((decoded, _)) if is_quote(decoded) && self.is_within_a_text() => self.push('&', 1),
            Some((decoded, length)) => {
                self.view.dressed = true;
                self.decoded(decoded, length);
            }
            None => self.push('&', 1),
        }
    }

    /// Is a plain quotation mark of the structure open on this line? Then others stand within its text.
    fn is_within_a_text(&mut self) -> bool {
        if !self.structure {
            return false;
        }
        let mut before = self.counted.checked_sub(1).and_then(|at| self.raw.as_bytes().get(at)).copied().unwrap_or(b'\n');
        for &byte in self.raw.as_bytes().get(self.counted..self.at).unwrap_or(&[]) {
            self.quoted = match byte {
                b'\n' => false,
                b'"' if before != b'\\' => !self.quoted,
                _ => self.quoted,
            };
            before = byte;
        }
        self.counted = self.at;
        self.quoted
    }

    fn decoded(&mut self, decoded: char, length: usize) {
        match decoded {
            decoded if decoded.is_whitespace() => self.space(length),
            decoded if decoded.is_control() => self.at += length,
            decoded => self.push(straight(decoded), length),
        }
    }

    fn colour(&mut self) {
        self.view.dressed = true;
        self.at += colour(self.rest()).max(1);
    }

    fn orphan_colour(&mut self) {
        match colour(self.rest()) {
            0 => self.push('[', 1),
            length => {
                self.view.dressed = true;
                self.at += length;
            }
        }
    }

    fn other(&mut self) {
        let Some(next) = self.rest().chars().next() else { return };
        if straight(next) == next {
            return self.decoded(next, next.len_utf8());
        }
        self.view.dressed = true;
        let shown = if self.is_within_a_text() { next } else { straight(next) };
        self.push(shown, next.len_utf8());
    }
}

/// The length of the terminal sequence that `rest` begins with: `ESC [ … letter` sets a colour, `ESC ] … BEL` a title or a link,
/// `[31m` is a colour whose escape byte was lost on the way. 0 where it begins with none.
pub(super) fn colour(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let window = |from: usize| bytes.iter().enumerate().take(256).skip(from);
    match bytes {
        [0x1b, b'[', ..] => window(2).find(|(_, byte)| (0x40..=0x7e).contains(*byte)).map_or(1, |(end, _)| end + 1),
        [0x1b, b']', ..] => window(2).find(|(_, byte)| matches!(byte, 0x07 | 0x1b)).map_or(1, |(end, _)| end + 1),
        [b'[', ..] => {
            let digits = window(1).take(12).take_while(|(_, byte)| byte.is_ascii_digit() || **byte == b';').count();
            if digits > 0 && bytes.get(digits + 1) == Some(&b'm') { digits + 2 } else { 0 }
        }
        _ => 0,
    }
}

fn unicode_escape(after: &str) -> Option<char> {
    let digits = after.get(1..5)?;
    let code = u32::from_str_radix(digits, 16).ok()?;
    char::from_u32(code)
}

/// The character of an entity, however often its ampersand was encoded: `&amp;quot;` is a quotation mark.
fn entity(rest: &str) -> Option<(char, usize)> {
    let mut length = 1;
    let mut body = rest.strip_prefix('&')?;
    loop {
        let (decoded, taken) = entity_body(body)?;
        let after = body.get(taken..).unwrap_or("");
        if decoded != '&' || entity_body(after).is_none() {
            return Some((decoded, length + taken));
        }
        length += taken;
        body = after;
    }
}

/// The character of an entity as it is written.
fn entity_once(rest: &str) -> Option<(char, usize)> {
    let (decoded, length) = entity_body(rest.strip_prefix('&')?)?;
    Some((decoded, length + 1))
}

fn entity_body(body: &str) -> Option<(char, usize)> {
    const NAMED: [(&str, char); 12] = [
        ("quot;", '"'),
        ("apos;", '\''),
        ("lt;", '<'),
        ("gt;", '>'),
        ("amp;", '&'),
        ("nbsp;", ' '),
        ("ldquo;", '"'),
        ("rdquo;", '"'),
        ("lsquo;", '\''),
        ("rsquo;", '\''),
        ("NewLine;", ' '),
        ("Tab;", ' '),
    ];
    if let Some((name, decoded)) = NAMED.iter().find(|(name, _)| body.starts_with(name)) {
        return Some((*decoded, name.len()));
    }
    let number = body.strip_prefix('#')?;
    let length = number.bytes().take(8).position(|byte| byte == b';')?;
    let digits = number.get(..length)?;
    let code = match digits.strip_prefix(['x', 'X']) {
        Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16).ok()?,
        None => digits.parse().ok()?,
    };
    Some((char::from_u32(code)?, length + 2))
}

/// `{""key"": ""value""}`
fn has_doubled_quotes(raw: &str) -> bool {
    memchr::memmem::find(raw.as_bytes(), b"{\"\"").is_some()
}

/// A text with its entities decoded, where they are the quotation marks that it has.
pub(super) fn without_entities(text: &str) -> Option<String> {
    if text.contains('"') || !text.contains("quot;") && !text.contains("#34;") {
        return None;
    }
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (before, after) = rest.split_at(at);
        decoded.push_str(before);
        let (piece, length) = entity(after).unwrap_or(('&', 1));
        decoded.push(piece);
        rest = after.get(length..).unwrap_or("");
    }
    decoded.push_str(rest);
    Some(decoded)
}

/// The length of a colour whose escape byte is itself written as an escape: `u001b[31m`, `x1b[0m`, `033[1m`, `e[0m`, without the backslash.
pub(super) fn escaped_colour(after: &str) -> usize {
    const ESCAPES: [&str; 6] = ["u001b", "u001B", "x1b", "x1B", "033", "e"];
    let set = |escape: &&&str| after.strip_prefix(**escape).is_some_and(|rest| colour(rest) > 0);
    let escape = ESCAPES.iter().find(set).map_or(0, |escape| escape.len());
    if escape == 0 { 0 } else { escape + after.get(escape..).map_or(0, colour) }
}

const fn is_quote(piece: char) -> bool {
    matches!(piece, '"' | '\'')
}

fn is_bar(piece: char) -> bool {
    piece == '|' || BARS.iter().any(|bar| bar.starts_with(piece))
}

/// How wide a terminal is that breaks lines.
const TORN_FROM: usize = 60;
const TORN_TO: usize = 260;

/// Words that stand behind a name in the sentence of a refusal: a line that begins with one was broken between words.
const WORDS: [&str; 24] = [
    "because",
    "action",
    "actions",
    "using",
    "with",
    "on",
    "to",
    "is",
    "not",
    "the",
    "or",
    "and",
    "for",
    "in",
    "at",
    "does",
    "has",
    "permission",
    "policy",
    "over",
    "scope",
    "resource",
    "that",
    "denied",
];

fn is_edge(piece: char) -> bool {
    is_bar(piece) || piece.is_whitespace()
}

/// Typographic quotation marks, straightened.
const fn straight(piece: char) -> char {
    match piece {
        '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{00ab}' | '\u{00bb}' => '"',
        '\u{2018}' | '\u{2019}' | '\u{201a}' => '\'',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::View;

    #[test]
    fn what_tools_add_to_a_message_is_gone() {
        assert_eq!(View::new("\u{1b}[31m│\u{1b}[0m Error:\n│ denied").clean(), "Error:\ndenied");
        assert_eq!(View::new("[31m│[0m Error: [1mdenied[0m").clean(), "Error: denied");
        assert_eq!(View::new("  1. {\n  2.   \"a\": 1").clean(), "{\n\"a\": 1");
        assert_eq!(View::new("> on\n> resource: x").clean(), "on\nresource: x");
        assert_eq!(View::new("2026-01-01T00:00:00.1234567Z Error:\n2026-01-01T00:00:01Z denied").clean(), "Error:\ndenied");
        assert_eq!(View::new(r#"{"log":"\u2502 is not\n\u2502 authorized"}"#).clean(), "{\"log\":\"│ is not\nauthorized\"}");
        assert_eq!(View::new("Message: > denied").dense(), b"message:denied");
        assert_eq!(View::new("│ is not      │\n│ authorized  │\n").clean(), "is not\nauthorized\n");
    }

    #[test]
    fn a_colour_is_gone_however_its_escape_is_written() {
        assert_eq!(View::new(r"\x1b[31mError\033[0m: \\u001b[1mdenied\\u001b[0m \e[0m").clean().trim_end(), "Error: denied");
        assert_eq!(View::new(r#"{"m":"a\n\u001b[31m\u2502\u001b[0m b"}"#).clean(), "{\"m\":\"a\nb\"}");
    }

    #[test]
    fn escapes_are_read_however_often_they_were_applied() {
        assert_eq!(View::new(r#"{\"m\":\"a\\r\\nb \\\"c\\\" \u003cd\u003e\"}"#).clean(), "{\"m\":\"a\nb \"c\" <d>\"}");
        assert_eq!(View::new("&quot;a&quot; &#39;b&#39; &amp;").clean(), "\"a\" 'b' &");
        assert_eq!(View::new("&amp;quot;a&amp;#34; &amp;amp;lt; &amp;x").clean(), "\"a\" < &x");
        assert_eq!(View::new("\u{201c}a\u{201d}").clean(), "\"a\"");
        assert_eq!(View::new(r"user CORP\nadia").clean(), r"user CORP\nadia");
        assert_eq!(View::new(r"resource: db\nbecause no").clean(), "resource: db\nbecause no");
        assert_eq!(View::new(r"\&quot;a\&quot;").clean(), "\"a\"");
    }

    #[test]
    fn every_byte_knows_its_line() {
        let raw = "one\n│ two\nAccess\n  Denied";
        let view = View::new(raw);
        let at = view.clean().find("Denied").expect("the word is there");
        assert_eq!(view.line_of_raw(view.raw_of_clean(at)), 4);
        assert_eq!(view.dense(), b"onetwoaccessdenied");
    }
}
