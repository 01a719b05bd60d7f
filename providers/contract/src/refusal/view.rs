//! A text as it was meant: without colour codes, gutters, escapes and line wraps, with a way back to its lines.

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
        self.line_ends.clear();
        self.line_ends.extend(memchr::memchr_iter(b'\n', raw.as_bytes()).map(offset));
        Cleaner { raw, at: 0, line_start: true, view: self }.run();
        self.condense();
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

    /// Takes back a space.
    fn pop(&mut self) {
        self.clean.pop();
        let clean = offset(self.clean.len());
        self.runs.pop_if(|run| run.clean >= clean);
    }
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
    view: &'a mut View,
}

impl<'a> Cleaner<'a> {
    fn run(mut self) {
        while let Some(next) = self.rest().bytes().next() {
            if self.line_start {
                self.line_start = false;
                self.skip_gutter();
                continue;
            }
            match next {
                b'\n' => self.line_feed(1),
                b' ' | b'\t' | b'\r' => self.space(1),
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
        let counts = |&byte: &u8| {
            let space = byte == b' ';
            let taken = is_plain(byte) || space && !spaced;
            spaced = space;
            taken
        };
        let run = self.rest().as_bytes().iter().copied().take_while(counts).count();
        let end = self.at + run;
        self.view.runs_on(self.at);
        self.view.clean.push_str(self.raw.get(self.at..end).unwrap_or(""));
        self.at = end;
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
            self.view.pop();
        }
        match self.view.clean.bytes().next_back() {
            Some(b'\n') | None => self.at += length,
            Some(_) => self.push('\n', length),
        }
    }

    fn line_feed(&mut self, length: usize) {
        self.line_feed_within(length);
        self.line_start = true;
    }

    /// What tools put before each line: Terraform's bar, a mail's quotation mark, a build step's name, a paste site's line number.
    fn skip_gutter(&mut self) {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start_matches([' ', '\t']);
            let skipped = rest.len() - trimmed.len();
            let gutter = gutter(trimmed).max(colour(trimmed));
            if gutter == 0 {
                return;
            }
            self.at += skipped + gutter;
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
            Some('n' | 'r') if !inside_name => self.line_feed(slashes + 1),
            Some('t') if !inside_name => self.space(slashes + 1),
            Some('u') if unicode_escape(after).is_some() => {
                let decoded = unicode_escape(after).unwrap_or(' ');
                self.decoded(decoded, slashes + 5);
            }
            Some('"' | '\'' | '/') | None => self.at += slashes,
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
        match entity(self.rest()) {
            Some((decoded, length)) => self.decoded(decoded, length),
            None => self.push('&', 1),
        }
    }

    fn decoded(&mut self, decoded: char, length: usize) {
        match decoded {
            decoded if decoded.is_whitespace() => self.space(length),
            decoded if decoded.is_control() => self.at += length,
            decoded => self.push(straight(decoded), length),
        }
    }

    fn colour(&mut self) {
        self.at += colour(self.rest()).max(1);
    }

    fn orphan_colour(&mut self) {
        match colour(self.rest()) {
            0 => self.push('[', 1),
            length => self.at += length,
        }
    }

    fn other(&mut self) {
        if let Some(next) = self.rest().chars().next() {
            self.decoded(next, next.len_utf8());
        }
    }
}

/// The length of the terminal sequence that `rest` begins with: `ESC [ … letter` sets a colour, `ESC ] … BEL` a title or a link,
/// `[31m` is a colour whose escape byte was lost on the way. 0 where it begins with none.
fn colour(rest: &str) -> usize {
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

/// The length of the gutter that `line` begins with; 0 where it has none.
fn gutter(line: &str) -> usize {
    for bar in ["│", "╷", "╵", "┃"] {
        if line.starts_with(bar) {
            return bar.len();
        }
    }
    if line.starts_with("| ") || line.starts_with("> ") {
        return 2;
    }
    // The bar as JSON writes it.
    let bare = line.trim_start_matches('\\');
    if bare.len() < line.len() && ["u2502", "u2577", "u2575"].iter().any(|bar| bare.starts_with(bar)) {
        return line.len() - bare.len() + 5;
    }
    if let Some(length) = timestamp(line) {
        return length;
    }
    if line.starts_with("Step #") {
        let prefix = line.get(..line.len().min(160)).unwrap_or("");
        return prefix.find("\": ").map_or(0, |end| end + 3);
    }
    numbered(line)
}

/// `2026-01-01T00:00:00.000Z `, which a build service puts before each line.
fn timestamp(line: &str) -> Option<usize> {
    const SHAPE: &[u8] = b"0000-00-00T00:00:00";
    let bytes = line.as_bytes();
    let fits = |(byte, shape): (&u8, &u8)| if *shape == b'0' { byte.is_ascii_digit() } else { byte == shape };
    let begins = bytes.len() > SHAPE.len() && bytes.iter().zip(SHAPE).all(fits);
    let rest = bytes.get(SHAPE.len()..).filter(|_| begins)?;
    let fraction = rest.iter().take(12).take_while(|byte| byte.is_ascii_digit() || **byte == b'.').count();
    rest.get(fraction..)?.starts_with(b"Z ").then_some(SHAPE.len() + fraction + 2)
}

/// `12. {`: the line number of a paste site before a line of JSON.
fn numbered(line: &str) -> usize {
    let digits = line.bytes().take(6).take_while(u8::is_ascii_digit).count();
    let after = line.get(digits..).unwrap_or("");
    let Some(after) = after.strip_prefix(". ").filter(|_| digits > 0) else { return 0 };
    let json = after.trim_start_matches(' ').starts_with(['"', '{', '}', '[', ']']);
    if json { digits + 2 } else { 0 }
}

fn unicode_escape(after: &str) -> Option<char> {
    let digits = after.get(1..5)?;
    let code = u32::from_str_radix(digits, 16).ok()?;
    char::from_u32(code)
}

fn entity(rest: &str) -> Option<(char, usize)> {
    const NAMED: [(&str, char); 6] = [("&quot;", '"'), ("&apos;", '\''), ("&lt;", '<'), ("&gt;", '>'), ("&amp;", '&'), ("&nbsp;", ' ')];
    if let Some((name, decoded)) = NAMED.iter().find(|(name, _)| rest.starts_with(name)) {
        return Some((*decoded, name.len()));
    }
    let body = rest.strip_prefix("&#")?;
    let length = body.bytes().take(8).position(|byte| byte == b';')?;
    let digits = body.get(..length)?;
    let code = match digits.strip_prefix(['x', 'X']) {
        Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16).ok()?,
        None => digits.parse().ok()?,
    };
    Some((char::from_u32(code)?, length + 3))
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
    }

    #[test]
    fn escapes_are_read_however_often_they_were_applied() {
        assert_eq!(View::new(r#"{\"m\":\"a\\r\\nb \\\"c\\\" \u003cd\u003e\"}"#).clean(), "{\"m\":\"a\nb \"c\" <d>\"}");
        assert_eq!(View::new("&quot;a&quot; &#39;b&#39; &amp;").clean(), "\"a\" 'b' &");
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
