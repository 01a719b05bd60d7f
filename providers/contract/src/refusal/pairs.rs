//! Keys and values of anything that looks like JSON, a Python or PHP dump, YAML or logfmt: whole, cut off at either end, or with
//! trailing commas, `...` and single quotes.

use super::View;
use super::view::without_entities;
use std::borrow::Cow;
use std::cell::Cell;

/// How deep objects may nest; what is deeper is read as if it stood at this depth.
const DEPTH: usize = 128;
/// How often JSON may be written as a string within JSON.
const WITHIN: usize = 4;
/// How long one text may be.
const TEXT: usize = 256 * 1024;

/// How far an object reaches whose end is missing: what stands further on is another's.
const CUT_OFF: usize = 16 * 1024;

/// How far what stands in no object belongs together.
const AROUND: usize = 4 * 1024;

/// How many pairs are looked at for one that stands beside another: no record has more, and a hostile text may.
const BESIDE: usize = 2048;

/// How many pairs are looked at in all, for each pair there is. A record needs a quarter of it; a hostile text has an object for which
/// everything in it would be looked at for every pair.
const LOOKS: usize = 256;

/// One key with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair<'a> {
    /// The key as written.
    pub key: Cow<'a, str>,
    /// The value, unescaped.
    pub value: Cow<'a, str>,
    /// The object it stands in: an index into the objects.
    object: usize,
    /// Where it stands in the raw text.
    pub at: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Object<'a> {
    key: Cow<'a, str>,
    parent: usize,
    start: usize,
    end: usize,
    depth: usize,
    /// Was its end there?
    closed: bool,
}

/// The keys and values of a text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pairs<'a> {
    pairs: Vec<Pair<'a>>,
    objects: Vec<Object<'a>>,
    /// How many pairs may still be looked at.
    looks: Cell<usize>,
}

impl<'a> Pairs<'a> {
    /// The keys and values that `raw` holds.
    #[must_use]
    pub fn new(raw: &'a str) -> Self {
        let mut pairs = Self { pairs: Vec::new(), objects: vec![Object::root(raw.len())], looks: Cell::new(0) };
        Reader::outermost(raw, &mut pairs).run();
        pairs.looks.set((BESIDE + pairs.pairs.len()).saturating_mul(LOOKS));
        pairs
    }

    /// The keys and values of a view; they stand where its raw text has them.
    pub(super) fn of_view(view: &'a View) -> Self {
        let mut pairs = Self::new(view.clean());
        for pair in &mut pairs.pairs {
            pair.at = view.raw_of_clean(pair.at);
        }
        for object in &mut pairs.objects {
            (object.start, object.end) = (view.raw_of_clean(object.start), view.raw_of_clean(object.end));
        }
        pairs
    }

    /// Every pair, in the order of the text.
    pub fn iter(&self) -> impl Iterator<Item = &Pair<'a>> {
        self.pairs.iter()
    }

    /// Pairs whose key is `key` in whichever case.
    pub fn named<'p>(&'p self, key: &'p str) -> impl Iterator<Item = &'p Pair<'a>> + 'p {
        self.pairs.iter().filter(move |pair| pair.is(key))
    }

    /// The range of the raw text that the object of `pair` takes, `levels` objects further out.
    #[must_use]
    pub fn extent(&self, pair: &Pair<'_>, levels: usize) -> (usize, usize) {
        let mut object = pair.object;
        for _ in 0..levels {
            object = self.objects.get(object).map_or(0, |object| object.parent);
        }
        match self.objects.get(object) {
            // What no object holds is held by what stands around it.
            Some(root) if object == 0 => (pair.at.saturating_sub(AROUND), root.end.min(pair.at + AROUND)),
            Some(object) => (object.start, object.end),
            None => (0, 0),
        }
    }

    /// The value at a path of keys (`userIdentity.arn`) below the object of `pair`, `levels` objects further out. A key that was
    /// written with dots is the same path.
    #[must_use]
    pub fn beside(&self, pair: &Pair<'_>, levels: usize, path: &str) -> Option<&str> {
        let (start, end) = self.extent(pair, levels);
        let mut object = pair.object;
        for _ in 0..levels {
            object = self.objects.get(object).map_or(0, |object| object.parent);
        }
        let from = self.pairs.partition_point(|other| other.at < start);
        let within = self.pairs.get(from..).unwrap_or(&[]).iter().take_while(|other| other.at <= end && self.may_look());
        let within = within.filter(|other| !other.key.is_empty()).take(BESIDE);
        within.filter(|other| self.lies(other, object, path)).map(|other| other.value.as_ref()).next()
    }

    /// The texts of the list at a path below the object of `pair`; none where the list is cut off.
    #[must_use]
    pub fn texts(&self, pair: &Pair<'_>, path: &str) -> Vec<&str> {
        let (start, end) = self.extent(pair, 0);
        let from = self.pairs.partition_point(|other| other.at < start);
        let within = self.pairs.get(from..).unwrap_or(&[]).iter().take(BESIDE).take_while(|other| other.at <= end && self.may_look());
        let listed = |other: &&Pair<'_>| {
            let list = self.objects.get(other.object);
            let named = list.and_then(|list| strip_suffix(path, &list.key)).zip(list);
            other.key.is_empty() && named.is_some_and(|(rest, list)| list.closed && self.leads(list.parent, pair.object, rest))
        };
        within.filter(listed).map(|other| other.value.as_ref()).collect()
    }

    /// Pairs that stand between two bytes of the raw text.
    pub fn between(&self, start: usize, end: usize) -> impl Iterator<Item = &Pair<'a>> {
        let from = self.pairs.partition_point(|pair| pair.at < start);
        self.pairs.get(from..).unwrap_or(&[]).iter().take_while(move |pair| pair.at <= end && self.may_look())
    }

    fn may_look(&self) -> bool {
        let left = self.looks.get();
        self.looks.set(left.saturating_sub(1));
        left > 0
    }

    /// The keys of the objects around `pair`, the nearest first.
    pub fn around<'p>(&'p self, pair: &Pair<'_>) -> impl Iterator<Item = &'p str> {
        let mut at = pair.object;
        std::iter::from_fn(move || {
            let object = self.objects.get(at).filter(|_| at != 0)?;
            at = object.parent;
            Some(object.key.as_ref())
        })
    }

    /// Does the pair lie at this path below this object?
    fn lies(&self, pair: &Pair<'_>, object: usize, path: &str) -> bool {
        strip_suffix(path, &pair.key).is_some_and(|rest| self.leads(pair.object, object, rest))
    }

    /// Does this path lead from `object` to the object `at`?
    fn leads(&self, mut at: usize, object: usize, mut rest: &str) -> bool {
        while at != object {
            let Some(parent) = self.objects.get(at).filter(|_| at != 0) else { return false };
            if !parent.key.is_empty() {
                let Some(shorter) = strip_suffix(rest, &parent.key) else { return false };
                rest = shorter;
            }
            at = parent.parent;
        }
        rest.is_empty()
    }
}

/// `a.b` without a last part `.b`, in whichever case.
fn strip_suffix<'a>(path: &'a str, key: &str) -> Option<&'a str> {
    let cut = path.len().checked_sub(key.len())?;
    let tail = path.get(cut..)?;
    if key.is_empty() || !tail.eq_ignore_ascii_case(key) {
        return None;
    }
    let head = path.get(..cut)?;
    if head.is_empty() { Some(head) } else { head.strip_suffix('.') }
}

impl Pair<'_> {
    /// Is this its key, in whichever case?
    #[must_use]
    pub fn is(&self, key: &str) -> bool {
        self.key.eq_ignore_ascii_case(key)
    }
}

impl Object<'_> {
    const fn root(end: usize) -> Self {
        Self { key: Cow::Borrowed(""), parent: 0, start: 0, end, depth: 0, closed: false }
    }
}

struct Reader<'r, 'a, 'p> {
    raw: &'r str,
    at: usize,
    pairs: &'p mut Pairs<'a>,
    /// Takes a part of the text into the pairs: as it is, or as a copy where the text itself is one.
    hold: fn(&'r str) -> Cow<'a, str>,
    /// The object that is open.
    object: usize,
    /// The object that this text itself stands in.
    floor: usize,
    /// A word that may be a key, and where it stands.
    word: Option<(Cow<'r, str>, usize)>,
    /// A key that waits for its value.
    key: Option<(Cow<'r, str>, usize)>,
    /// Where a text within a text stands in the outermost.
    base: usize,
    /// Where it ends there.
    limit: usize,
    within: usize,
}

impl<'a, 'p> Reader<'a, 'a, 'p> {
    fn outermost(raw: &'a str, pairs: &'p mut Pairs<'a>) -> Self {
        Self { raw, at: 0, pairs, hold: Cow::Borrowed, object: 0, floor: 0, word: None, key: None, base: 0, limit: raw.len(), within: 0 }
    }
}

impl<'r, 'a> Reader<'r, 'a, '_> {
    fn run(mut self) {
        while let Some(next) = self.raw.as_bytes().get(self.at).copied() {
            match next {
                b'{' | b'[' => self.open(),
                b'}' | b']' => self.close(),
                b',' => self.comma(),
                b':' | b'=' => self.separator(),
                b'"' => self.text(b'"'),
                b'\'' if self.may_quote() => self.text(b'\''),
                b'\\' => self.escaped_text(),
                b'\n' => self.line_feed(),
                next if is_word(next) => self.bareword(),
                _ => self.at += 1,
            }
        }
        self.settle();
        while self.object != self.floor {
            self.end_object();
        }
    }

    /// Where what stands here stands in the outermost text.
    const fn place(&self) -> usize {
        if self.within == 0 { self.at } else { self.base }
    }

    fn open(&mut self) {
        let start = self.place();
        self.at += 1;
        self.word = None;
        let key = self.key.take().map(|(key, _)| self.held(key)).unwrap_or_default();
        let depth = self.pairs.objects.get(self.object).map_or(0, |object| object.depth) + 1;
        if depth > DEPTH {
            return;
        }
        self.pairs.objects.push(Object { key, parent: self.object, start, end: self.limit.max(start), depth, closed: false });
        self.object = self.pairs.objects.len() - 1;
    }

    fn close(&mut self) {
        self.settle();
        self.list();
        if let Some(object) = self.pairs.objects.get_mut(self.object) {
            object.closed = true;
        }
        self.end_object();
        (self.key, self.word) = (None, None);
        self.at += 1;
    }

    fn end_object(&mut self) {
        if self.object == self.floor {
            return;
        }
        let end = if self.within == 0 { self.at } else { self.limit };
        if let Some(object) = self.pairs.objects.get_mut(self.object) {
            object.end = if object.closed { end } else { end.min(object.start + CUT_OFF) };
            self.object = object.parent;
        }
    }

    /// A value without a text: `"code": 403,`.
    fn comma(&mut self) {
        self.settle();
        self.list();
        (self.key, self.word) = (None, None);
        self.at += 1;
    }

    fn line_feed(&mut self) {
        if self.object == self.floor {
            self.comma();
        } else {
            self.settle();
            self.at += 1;
        }
    }

    /// Takes the word that waits as the value of the key that waits.
    fn settle(&mut self) {
        if self.key.is_some()
            && self.word.is_some()
            && let (Some((value, _)), Some((key, at))) = (self.word.take(), self.key.take())
        {
            self.keep(key, value, at);
        }
    }

    /// Takes the word that waits as an element of a list that has a name.
    fn list(&mut self) {
        let named = self.object != self.floor && self.pairs.objects.get(self.object).is_some_and(|object| !object.key.is_empty());
        if let Some((value, at)) = self.word.take().filter(|_| named && self.key.is_none()) {
            self.keep(Cow::Borrowed(""), value, at);
        }
    }

    fn separator(&mut self) {
        self.at += 1;
        if self.raw.as_bytes().get(self.at) == Some(&b'>') {
            self.at += 1;
        }
        if let Some(word) = self.word.take() {
            self.key = Some(word);
        }
    }

    /// A single quotation mark opens a text only where a text may begin; elsewhere it is an apostrophe.
    fn may_quote(&mut self) -> bool {
        let before = self.raw.get(..self.at).unwrap_or("").trim_end_matches([' ', 'u', 'b', '\n', '\t']);
        let opens = before.is_empty() || before.ends_with(['{', '[', ',', ':', '(', '=', '>']);
        if !opens {
            self.at += 1;
        }
        opens
    }

    fn text(&mut self, quote: u8) {
        let start = self.at + 1;
        let Some(length) = self.text_length(start, quote) else {
            self.at += 1;
            return;
        };
        let body = self.raw.get(start..start + length).unwrap_or("");
        let (value, at) = (unwrapped(unescape(body)), self.place());
        self.at = start + length + 1;
        self.told(value, at);
    }

    /// `\"key\": \"value\"`: JSON that was written as a string, of which the beginning is not there.
    fn escaped_text(&mut self) {
        let rest = self.raw.get(self.at..).unwrap_or("");
        let slashes = rest.bytes().take(WITHIN * 4).take_while(|&byte| byte == b'\\').count();
        let Some(mark) = rest.get(..=slashes).filter(|mark| mark.ends_with('"')) else {
            self.at += slashes.max(1);
            return;
        };
        let start = self.at + mark.len();
        let Some(length) = self.escaped_length(start, mark) else {
            self.at = start;
            return;
        };
        let body = self.raw.get(start..start + length).unwrap_or("");
        // One, three or seven backslashes: written as a string once, twice, three times, and once more for what is within.
        let levels = slashes.count_ones();
        let value = (0..=levels).fold(Cow::Borrowed(body), |text, _| Cow::Owned(unescape(&text).into_owned()));
        let (value, at) = (unwrapped(value), self.place());
        self.at = start + length + mark.len();
        self.told(value, at);
    }

    /// How long the text is that ends with this mark and no longer one.
    fn escaped_length(&self, start: usize, mark: &str) -> Option<usize> {
        let body = self.raw.get(start..)?;
        let window = body.as_bytes().get(..body.len().min(TEXT))?;
        let ends = memchr::memmem::find_iter(window, mark.as_bytes());
        let longer = |at: &usize| at.checked_sub(1).and_then(|before| window.get(before)) == Some(&b'\\');
        ends.filter(|at| !longer(at)).find(|&at| body.is_char_boundary(at))
    }

    /// Takes a text as a value, or as what may be a key.
    fn told(&mut self, value: Cow<'r, str>, at: usize) {
        self.settle();
        match self.key.take() {
            Some((key, at)) => {
                self.descend(&key, &value, at);
                self.keep(key, value, at);
            }
            None => {
                self.descend("", &value, at);
                self.word = Some((value, at));
            }
        }
    }

    /// How long the text is that begins here; `None` where it does not end. Outside of objects it ends with its line.
    fn text_length(&self, start: usize, quote: u8) -> Option<usize> {
        let body = self.raw.as_bytes().get(start..)?;
        let body = body.get(..body.len().min(TEXT))?;
        let mut from = 0;
        loop {
            let found = from + memchr::memchr3(quote, b'\\', b'\n', body.get(from..)?)?;
            match body.get(found) {
                Some(b'\\') => from = found + 2,
                Some(b'\n') if self.object == self.floor && self.within == 0 => return None,
                Some(b'\n') => from = found + 1,
                _ => return Some(found),
            }
        }
    }

    /// JSON that was written as a string.
    fn descend(&mut self, key: &str, value: &str, at: usize) {
        let decoded = without_entities(value);
        let value = decoded.as_deref().unwrap_or(value);
        let holds_object = value.contains('{') && (value.contains("\":") || value.contains("\" :") || value.contains("':"));
        let holds_mapping = !holds_object && is_mapping(value);
        if self.within >= WITHIN || !(holds_object || holds_mapping) {
            return;
        }
        let start = if holds_object { value.find(['{', '[']).unwrap_or(0) } else { 0 };
        let depth = self.pairs.objects.get(self.object).map_or(0, |object| object.depth) + 1;
        if depth > DEPTH {
            return;
        }
        let (base, limit) = if self.within == 0 { (at, self.at) } else { (self.base, self.limit) };
        self.pairs.objects.push(Object {
            key: Cow::Owned(key.to_owned()),
            parent: self.object,
            start: base,
            end: limit,
            depth,
            closed: false,
        });
        let (object, within) = (self.pairs.objects.len() - 1, self.within + 1);
        let raw = value.get(start..).unwrap_or("");
        let hold = |part: &str| Cow::Owned(part.to_owned());
        Reader { raw, at: 0, pairs: &mut *self.pairs, hold, object, floor: object, word: None, key: None, base, limit, within }.run();
    }

    fn held(&self, text: Cow<'r, str>) -> Cow<'a, str> {
        match text {
            Cow::Borrowed(part) => (self.hold)(part),
            Cow::Owned(text) => Cow::Owned(text),
        }
    }

    fn bareword(&mut self) {
        let rest = self.raw.as_bytes().get(self.at..).unwrap_or(&[]);
        let length = rest.iter().take(512).take_while(|byte| is_word(**byte)).count();
        let at = self.place();
        let word = self.raw.get(self.at..self.at + length).unwrap_or("");
        self.at += length.max(1);
        let prefix = matches!(word, "u" | "b") && matches!(self.raw.as_bytes().get(self.at), Some(b'"' | b'\''));
        if !prefix {
            self.settle();
            self.word = Some((Cow::Borrowed(word), at));
        }
    }

    fn keep(&mut self, key: Cow<'r, str>, value: Cow<'r, str>, at: usize) {
        let (key, value) = (self.held(key), self.held(value));
        self.pairs.pairs.push(Pair { key, value, object: self.object, at });
    }
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'@' | b'-' | b'/' | b'$' | b'+' | b'*' | b'<' | b'>' | b'%')
}

/// YAML: a key that has nothing but what is indented below it.
fn is_mapping(text: &str) -> bool {
    let opens = |line: &str| {
        let key = line.trim().strip_suffix(':').unwrap_or("");
        !key.is_empty() && key.bytes().all(is_word)
    };
    text.contains(":\n") && text.lines().any(opens)
}

/// A name without the line feeds that a terminal put into it.
fn unwrapped(text: Cow<'_, str>) -> Cow<'_, str> {
    if !text.contains([' ', '{']) && text.contains('\n') { Cow::Owned(text.replace(['\n', '\r'], "")) } else { text }
}

fn unescape(body: &str) -> Cow<'_, str> {
    if !body.contains('\\') {
        return Cow::Borrowed(body);
    }
    let mut text = String::with_capacity(body.len());
    let mut pieces = body.chars();
    while let Some(piece) = pieces.next() {
        if piece != '\\' {
            text.push(piece);
            continue;
        }
        match pieces.next() {
            Some('n') => text.push('\n'),
            Some('r') => text.push('\r'),
            Some('t') => text.push('\t'),
            Some('u') => push_unicode(&mut pieces, &mut text),
            Some(escaped) => text.push(escaped),
            None => {}
        }
    }
    Cow::Owned(text)
}

fn push_unicode(pieces: &mut std::str::Chars<'_>, text: &mut String) {
    let digits = pieces.as_str().get(..4).and_then(|digits| u32::from_str_radix(digits, 16).ok());
    match digits.and_then(char::from_u32) {
        Some(piece) => {
            text.push(piece);
            *pieces = pieces.as_str().get(4..).unwrap_or("").chars();
        }
        None => text.push('u'),
    }
}

#[cfg(test)]
mod tests {
    use super::Pairs;

    fn value(text: &str, key: &str, path: &str) -> Option<String> {
        let pairs = Pairs::new(text);
        let pair = pairs.named(key).next()?.clone();
        pairs.beside(&pair, 0, path).map(str::to_owned)
    }

    #[test]
    fn whole_and_broken_objects_are_read() {
        let text = r#"{"eventName": "Run", "userIdentity": {"arn": "a", "sessionContext": {"arn": "b"},},"#;
        assert_eq!(value(text, "eventName", "userIdentity.arn").as_deref(), Some("a"));
        assert_eq!(value(text, "eventName", "userIdentity.sessionContext.arn").as_deref(), Some("b"));
        assert_eq!(value(r#"{"eventName": "Run", "a": {"b": {}}, "c": {"arn": "x"}}"#, "eventName", "c.arn").as_deref(), Some("x"));
        assert_eq!(value("{'eventName': u'Run', 'code': 403, }", "eventName", "code").as_deref(), Some("403"));
        assert_eq!(value(r#""x": 1 } }, "eventName": "Run", "code": 7"#, "eventName", "code").as_deref(), Some("7"));
        assert_eq!(
            value("[ \"error\" => array:4 [▼ \"code\" => 403 \n \"message\" => \"no\" ] ]", "message", "message").as_deref(),
            Some("no")
        );
    }

    #[test]
    fn objects_in_strings_are_read() {
        let text = r#"{"CloudTrailEvent": "{\"eventName\":\"Run\",\"userIdentity\":{\"arn\":\"a\"}}"}"#;
        assert_eq!(value(text, "eventName", "userIdentity.arn").as_deref(), Some("a"));
    }

    #[test]
    fn objects_of_which_the_outer_string_is_lost_are_read() {
        let once = r#"failed: {\"eventName\":\"Run\",\"userIdentity\":{\"arn\":\"a \\\"b\\\"\"}}"#;
        assert_eq!(value(once, "eventName", "userIdentity.arn").as_deref(), Some("a \"b\""));
        let twice = r#"failed: {\\\"eventName\\\":\\\"Run\\\",\\\"userIdentity\\\":{\\\"arn\\\":\\\"a\\\"}}"#;
        assert_eq!(value(twice, "eventName", "userIdentity.arn").as_deref(), Some("a"));
    }

    #[test]
    fn what_stands_between_the_lines_is_no_part_of_a_structure() {
        let text = "│ {&quot;eventName&quot;: &quot;Run&quot;,\n│ &quot;userIdentity&quot;: {&quot;arn&quot;: &quot;arn:aws:iam::1:us\n│ er/a&quot;}}";
        let view = super::View::structure(text);
        let pairs = Pairs::of_view(&view);
        let pair = pairs.named("eventName").next().unwrap();
        assert_eq!(pairs.beside(pair, 0, "userIdentity.arn"), Some("arn:aws:iam::1:user/a"));
        assert_eq!(text.get(pair.at..).unwrap().find("eventName"), Some(6));
        let column = super::View::structure("1,\"{\"\"eventName\"\":\"\"Run\"\",\"\"code\"\":\"\"\"\"}\"\n");
        let pairs = Pairs::of_view(&column);
        assert_eq!(pairs.beside(pairs.named("eventName").next().unwrap(), 0, "code"), Some(""));
    }

    #[test]
    fn dotted_keys_are_paths() {
        assert_eq!(value(r#"{"eventName": "Run", "userIdentity.arn": "a"}"#, "eventName", "userIdentity.arn").as_deref(), Some("a"));
    }

    #[test]
    fn lists_of_texts_are_read_where_they_are_whole() {
        let texts = |text: &str| {
            let pairs = Pairs::new(text);
            let pair = pairs.named("m").next().unwrap();
            pairs.texts(pair, "a.levels").into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(texts(r#"{"m": "x", "a": {"levels": ["one", "two"], "more": ["three"]}}"#), ["one", "two"]);
        assert_eq!(texts(r#"{"m": "x", "a": {"levels": ["one", "two"#), Vec::<String>::new());
    }

    #[test]
    fn prose_is_no_trouble() {
        let text = "it doesn't \"work\" at all\n{\"eventName\": \"Run\"}";
        assert_eq!(value(text, "eventName", "eventName").as_deref(), Some("Run"));
    }
}
