//! The quoted statement: lines of a policy with a caret under the elements that decided, the two values that were compared beside it.

use super::{Answer, clean, locate, pretty, v1};
use anstyle::{AnsiColor, Style};
use iam_why_contract::verdict::Evidence;
use iam_why_contract::{Document, Finding, Nearest, Place, Statement, Test, Trace, Truth};
use std::fmt::Write;
use std::ops::Range;
use textwrap::core::display_width;

/// A piece of a policy and what is to be seen in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Quote {
    /// Where it stands: file, line and column of what decides; where there is no file, the document and the pointer.
    pub(super) at: String,
    /// The line of the file on which the text begins, from 1; `None` where the text was laid out anew.
    pub(super) first_line: Option<usize>,
    /// Whole lines of the document, without the indentation they share.
    pub(super) text: String,
    /// What is pointed at.
    pub(super) marks: Vec<Mark>,
}

/// Something that is pointed at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    /// In bytes of the quote's text, on one line.
    pub(super) range: Range<usize>,
    /// What is to be said of it.
    pub(super) label: String,
    /// What is to be said of it where there is no room.
    pub(super) short: &'static str,
    /// Did it decide, or is it there to understand what did?
    pub(super) decides: bool,
}

/// Statements up to this many lines are shown whole; of longer ones only the lines that are pointed at.
const WHOLE: usize = 12;

/// The most that is pointed at in one quote.
const MARKS: usize = 5;

/// Lines longer than this are cut to the statement before they are laid out.
const LINE: usize = 4_000;

/// Statements on one line longer than this are laid out over several.
const DENSE: usize = 72;

impl Quote {
    /// The statement that a finding rests on; `None` where it rests on silence or the document is not here.
    pub(super) fn of_finding(finding: &Finding, answer: &Answer<'_>) -> Option<Self> {
        let Evidence::Place(place) = &finding.evidence else { return None };
        let document = answer.snapshot.document(&place.document)?;
        let trace = answer.verdict.parts.get(finding.part).map(|part| &part.trace);
        if let Some(statement) = trace.and_then(|trace| statement_at(trace, place)) {
            return Some(Self::new(answer, document, &statement.place, &matched(statement, place)));
        }
        // It is no statement of the trace, but may be what one of them compared: a role that an assignment gives.
        let test = trace.and_then(|trace| test_at(trace, place));
        let wanted = test.map_or_else(|| Wanted::this(place), |test| Wanted::of(test, true));
        Some(Self::new(answer, document, &around(place), &[wanted]))
    }

    /// The statement that lets a request through.
    pub(super) fn of_grant(statement: &Statement, answer: &Answer<'_>) -> Option<Self> {
        let document = answer.snapshot.document(&statement.place.document)?;
        Some(Self::new(answer, document, &statement.place, &matched(statement, &statement.place)))
    }

    /// A statement that came close to allowing, pointed at where it failed.
    pub(super) fn of_nearest(nearest: &Nearest, answer: &Answer<'_>) -> Option<Self> {
        let document = answer.snapshot.document(&nearest.place.document)?;
        let failed = nearest.failed.iter().flat_map(leaves).filter(|test| !test.holds.is_yes());
        let wanted: Vec<_> = failed.map(|test| Wanted::of(test, true)).collect();
        Some(Self::new(answer, document, &nearest.place, &wanted))
    }

    fn new(answer: &Answer<'_>, document: &Document, whole: &Place, wanted: &[Wanted<'_>]) -> Self {
        let here: Vec<&Wanted<'_>> = wanted.iter().filter(|wanted| wanted.place.document == whole.document).collect();
        let mut shown = Document { text: answer.shown(&document.text).into(), ..document.clone() };
        // Pseudonyms move the bytes that a span counts.
        let span = |place: &Place| place.span.filter(|_| answer.redactor.is_none());
        let shift = |place: &Place| Place { pointer: answer.shown(&place.pointer), span: span(place), ..place.clone() };
        let first = here.iter().find(|wanted| wanted.decides).map_or(whole, |wanted| wanted.place);
        let at = locate::locate(&shown, &shift(first));
        let dense = is_dense(&shown.text, &locate::locate(&shown, &shift(whole)).range);
        if let Some(pretty) = dense.then(|| pretty::pretty(&shown.text)).flatten() {
            shown.text = pretty.into();
        }
        let locate = |place: &Place| locate::locate(&shown, &shift(place)).range;
        let lines = lines(&shown.text, &locate(whole));
        let at = match &*document.origin.source {
            "" => format!("{} at {}", v1::title(document), first.pointer),
            source => format!("{source}:{}:{}", at.line, at.column),
        };
        let skipped = shown.text.get(..lines.start).unwrap_or_default().matches('\n').count();
        Self {
            at: clean::line(&answer.shown(&at)).into_owned(),
            first_line: (!dense).then(|| skipped + document.origin.line as usize),
            marks: marks(&shown.text, &lines, &here, &locate(whole), |wanted| (locate(wanted.place), answer.shown(&wanted.label))),
            text: shown.text.get(lines).unwrap_or_default().to_owned(),
        }
        .dedented()
    }

    /// The same without the indentation that all lines share.
    fn dedented(mut self) -> Self {
        let indent = |line: &str| line.len() - line.trim_start_matches(' ').len();
        let shared = self.text.lines().filter(|line| !line.trim().is_empty()).map(indent).min().unwrap_or(0);
        for mark in &mut self.marks {
            let lines_before = self.text.get(..mark.range.start).unwrap_or_default().matches('\n').count();
            let cut = shared * (lines_before + 1);
            mark.range = mark.range.start.saturating_sub(cut)..mark.range.end.saturating_sub(cut);
        }
        let lines: Vec<&str> = self.text.split('\n').map(|line| line.get(shared.min(indent(line))..).unwrap_or_default()).collect();
        self.text = lines.join("\n");
        self
    }

    /// The quote as text with ANSI colours, no wider than `width`.
    pub(super) fn render(&self, colour: AnsiColor, width: usize) -> String {
        let lines: Vec<&str> = self.text.split('\n').collect();
        let gutter = self.first_line.map_or(0, |first| (first + lines.len()).to_string().len()).max(3);
        let mut canvas = Canvas { text: String::new(), gutter, room: width.saturating_sub(gutter + 3).max(20), colour };
        canvas.origin(&self.at);
        let mut start = 0;
        let mut skipped = false;
        for (at, line) in lines.iter().enumerate() {
            let on_line = |mark: &&Mark| mark.range.start >= start && mark.range.end <= start + line.len();
            let marks: Vec<&Mark> = self.marks.iter().filter(on_line).collect();
            if marks.is_empty() && lines.len() > WHOLE {
                if !std::mem::replace(&mut skipped, true) {
                    canvas.row("...", "");
                }
            } else {
                skipped = false;
                let number = self.first_line.map(|first| (first + at).to_string());
                canvas.line(&number.unwrap_or_default(), line, start, &marks);
            }
            start += line.len() + 1;
        }
        canvas.text
    }
}

/// Where a quote is laid out.
struct Canvas {
    text: String,
    gutter: usize,
    room: usize,
    colour: AnsiColor,
}

const FAINT: Style = Style::new().dimmed();

impl Canvas {
    fn origin(&mut self, at: &str) {
        let _ = writeln!(self.text, "{FAINT}{:>width$}{FAINT:#} {at}", "-->", width = self.gutter + 1);
    }

    fn row(&mut self, number: &str, line: &str) {
        let row = format!("{FAINT}{number:>width$} |{FAINT:#} {line}", width = self.gutter);
        let _ = writeln!(self.text, "{}", row.trim_end());
    }

    /// A line of the document and below it each mark. A line that is too long is cut to what is pointed at, once more for each
    /// deciding mark that is too far from the one before.
    fn line(&mut self, number: &str, line: &str, start: usize, marks: &[&Mark]) {
        let here = |mark: &Mark| mark.range.start - start..mark.range.end - start;
        let mut window = window(line, &marks.first().map_or(0..0, |mark| here(mark)), self.room);
        self.cut(number, line, &window);
        for mark in marks {
            let range = here(mark);
            let hidden = range.start < window.start || range.start >= window.end;
            if hidden && !mark.decides {
                continue;
            }
            if hidden {
                window = self::window(line, &range, self.room);
                self.cut("", line, &window);
            }
            let columns = |range: Range<usize>| line.get(range).map_or(0, display_width);
            let column = columns(window.start..range.start) + usize::from(window.start > 0);
            self.mark(mark, column, columns(range.start..range.end.min(window.end)));
        }
    }

    fn cut(&mut self, number: &str, line: &str, window: &Range<usize>) {
        let (before, after) = (if window.start > 0 { "…" } else { "" }, if window.end < line.len() { "…" } else { "" });
        self.row(number, &format!("{before}{}{after}", line.get(window.clone()).unwrap_or_default()));
    }

    /// Carets and what they mean: beside them where there is room, else below.
    fn mark(&mut self, mark: &Mark, column: usize, columns: usize) {
        let (sign, style) = if mark.decides { ("^", Style::new().bold().fg_color(Some(self.colour.into()))) } else { ("-", FAINT) };
        let carets = sign.repeat(columns.max(1));
        let pad = " ".repeat(column);
        let beside = self.room.saturating_sub(column + columns + 1);
        let label = if display_width(&mark.label) <= beside || mark.decides { mark.label.as_str() } else { mark.short };
        if display_width(label) <= beside {
            return self.row("", &format!("{pad}{style}{carets} {label}{style:#}"));
        }
        self.row("", &format!("{pad}{style}{carets}{style:#}"));
        let options = textwrap::Options::new(self.room).break_words(false).word_splitter(textwrap::WordSplitter::NoHyphenation);
        let lines = textwrap::wrap(label, options);
        let widest = lines.iter().map(|line| display_width(line)).max().unwrap_or(0);
        let indent = " ".repeat(column.min(self.room.saturating_sub(widest)));
        for line in lines {
            self.row("", &format!("{indent}{style}{line}{style:#}"));
        }
    }
}

/// The part of a line that fits into `room` columns and holds what is pointed at.
fn window(line: &str, range: &Range<usize>, room: usize) -> Range<usize> {
    if display_width(line) <= room {
        return 0..line.len();
    }
    let room = room.saturating_sub(2);
    let width = |range: Range<usize>| line.get(range).map_or(0, display_width);
    let before = line.get(..range.start).unwrap_or_default();
    // What comes before says more than what comes after.
    let left = room.saturating_sub(width(range.clone())) * 3 / 4;
    let start =
        if width(0..range.end) <= room { 0 } else { before.char_indices().rev().take(left).last().map_or(range.start, |(at, _)| at) };
    let mut columns = 0;
    let fits = |character: &(usize, char)| {
        columns += display_width(character.1.encode_utf8(&mut [0; 4]));
        columns <= room
    };
    let rest = line.get(start..).unwrap_or_default();
    let end = rest.char_indices().take_while(fits).last().map_or(start, |(at, last)| start + at + last.len_utf8());
    start..end
}

/// The marks on the lines of a quote. What is the whole statement is no mark.
fn marks(
    text: &str,
    lines: &Range<usize>,
    wanted: &[&Wanted<'_>],
    whole: &Range<usize>,
    place: impl Fn(&Wanted<'_>) -> (Range<usize>, String),
) -> Vec<Mark> {
    let mut marks: Vec<Mark> = Vec::new();
    for wanted in wanted {
        let (range, label) = place(wanted);
        let Some(caret) = caret(text, range.clone()).filter(|caret| range != *whole && within(lines, caret)) else { continue };
        let caret = caret.start - lines.start..caret.end - lines.start;
        if marks.iter().all(|mark| mark.range != caret) {
            marks.push(Mark { range: caret, label: clean::line(&label).into_owned(), short: wanted.short, decides: wanted.decides });
        }
    }
    marks.truncate(MARKS);
    marks
}

/// Does what is quoted stand on one line that is too long to be read?
fn is_dense(text: &str, range: &Range<usize>) -> bool {
    let lines = lines(text, range);
    let quoted = text.get(lines).unwrap_or_default();
    quoted.lines().any(|line| line.len() > DENSE) && quoted.lines().count() < 3
}

/// Something that is to be pointed at.
struct Wanted<'a> {
    place: &'a Place,
    label: String,
    short: &'static str,
    decides: bool,
}

impl<'a> Wanted<'a> {
    fn this(place: &'a Place) -> Self {
        Self { place, label: "this".to_owned(), short: "this", decides: true }
    }

    fn of(test: &'a Test, decides: bool) -> Self {
        let short = match test.holds {
            Truth::Yes => "matches",
            Truth::No => "does not match",
            Truth::Unknown => "not known",
        };
        Self { place: &test.place, label: v1::has(test), short, decides }
    }
}

/// The statement of the trace that `place` is, or is in.
fn statement_at<'t>(trace: &'t Trace, place: &Place) -> Option<&'t Statement> {
    let holds = |statement: &&Statement| {
        let inside = place.pointer.strip_prefix(statement.place.pointer.as_str());
        statement.place.document == place.document && inside.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    trace.steps.iter().flat_map(|step| &step.statements).filter(holds).max_by_key(|statement| statement.place.pointer.len())
}

/// The comparison whose wanted value stands at `place`.
fn test_at<'t>(trace: &'t Trace, place: &Place) -> Option<&'t Test> {
    let tests = trace.steps.iter().flat_map(|step| &step.statements).flat_map(|statement| &statement.tests);
    tests.flat_map(leaves).find(|test| test.place == *place)
}

/// The object that `place` is in: up past lists to the member, and from the member to its object.
fn around(place: &Place) -> Place {
    let mut pointer = place.pointer.as_str();
    while let Some((before, last)) = pointer.rsplit_once('/') {
        pointer = before;
        if last.is_empty() || !last.bytes().all(|byte| byte.is_ascii_digit()) {
            break;
        }
    }
    Place::new(place.document.clone(), pointer)
}

/// What to point at: in a statement that does not apply, what failed; in one that applies, what its conditions compared, or else what it
/// is about.
fn matched<'a>(statement: &'a Statement, place: &'a Place) -> Vec<Wanted<'a>> {
    let tests: Vec<&Test> = statement.tests.iter().flat_map(leaves).collect();
    let subject = |test: &Test| matches!(&*test.about, "action" | "resource" | "principal");
    let conditions = tests.iter().any(|test| !subject(test));
    let whole = *place == statement.place;
    let decides = |test: &Test| match (statement.applies, whole) {
        (Truth::Yes, true) => !(conditions && subject(test)),
        (Truth::Yes, false) => place.pointer == test.place.pointer,
        _ => !test.holds.is_yes(),
    };
    let mut wanted: Vec<_> = tests.iter().map(|test| Wanted::of(test, decides(test))).collect();
    if !wanted.iter().any(|wanted| wanted.decides) {
        wanted.push(Wanted::this(place));
    }
    // What decided must not be cut off.
    wanted.sort_by_key(|wanted| !wanted.decides);
    wanted
}

/// The comparisons that consist of no others.
fn leaves(test: &Test) -> Vec<&Test> {
    if test.parts.is_empty() { vec![test] } else { test.parts.iter().flat_map(leaves).collect() }
}

/// The lines that `range` stands on; of a very long line only the range itself.
fn lines(text: &str, range: &Range<usize>) -> Range<usize> {
    let start = text.get(..range.start).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let end = text.get(range.end..).and_then(|after| after.find('\n')).map_or(text.len(), |at| range.end + at);
    let start = if range.start - start > LINE { range.start } else { start };
    let end = if end - range.end > LINE { range.end } else { end };
    start..end
}

fn within(outer: &Range<usize>, inner: &Range<usize>) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

/// A range on one line: of a range over several lines, the key it belongs to or what stands on its first line.
fn caret(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    let within = text.get(range.clone())?;
    let Some(first_end) = within.find('\n') else { return Some(range) };
    let line_start = text.get(..range.start)?.rfind('\n').map_or(0, |at| at + 1);
    let before = text.get(line_start..range.start)?;
    let key = before.trim_end().strip_suffix(':').and_then(|before| Some((before.rfind('"')?, before)));
    if let Some((close, before)) = key {
        let open = before.get(..close)?.rfind('"')?;
        return Some(line_start + open..line_start + close + 1);
    }
    Some(range.start..range.start + first_end)
}
