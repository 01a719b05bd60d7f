//! Text for a terminal: the answer on one screen, the verdict first.

use super::v1::{CaseResult, Decision, Evidence, Finding, Fix, Report, Ruling, TestReport};
use super::{Answer, Detail, clean};
use anstyle::{AnsiColor, Style};
use std::fmt::Write;

/// How text is laid out.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    /// How much is said.
    pub detail: Detail,
    /// Columns of the terminal.
    pub width: usize,
}

const BOLD: Style = Style::new().bold();

/// The answer as text with ANSI colours; strip them where they are not wanted.
#[must_use]
pub fn render(answer: &Answer<'_>, layout: Layout) -> String {
    let report = Report::of(answer);
    let mut page = Page { text: String::new(), width: layout.width };
    page.verdict(&report);
    for finding in &report.findings {
        page.finding(finding, &report);
    }
    if layout.detail != Detail::Brief {
        page.nearest(&report);
    }
    if layout.detail == Detail::Full {
        page.layers(&report);
    }
    page.doubts(&report);
    page.fixes(&report.fixes);
    page.notes(&report);
    page.text
}

struct Page {
    text: String,
    width: usize,
}

impl Page {
    fn verdict(&mut self, report: &Report) {
        let (word, colour) = match report.decision {
            Decision::Allow => ("ALLOWED", AnsiColor::Green),
            Decision::Deny => ("DENIED", AnsiColor::Red),
            Decision::Undetermined => ("UNDETERMINED", AnsiColor::Yellow),
        };
        let style = Style::new().bold().fg_color(Some(colour.into()));
        self.wrapped(&format!("{style}{word}{style:#}: "), word.len() + 2, &report.summary, 0);
        let question = &report.question;
        let resource = question.resource.as_deref().map(|resource| format!(" on {resource}")).unwrap_or_default();
        self.wrapped("", 0, &format!("{} asks for {}{resource}", question.principal, question.action), 0);
    }

    fn finding(&mut self, finding: &Finding, report: &Report) {
        self.heading(if report.findings.first() == Some(finding) { "Because" } else { "Also in the way" });
        self.item(&finding.says);
        self.item(&place(&finding.evidence));
        self.item(&format!("who can change it: {}", finding.owner));
    }

    fn nearest(&mut self, report: &Report) {
        if report.nearest.is_empty() {
            return;
        }
        self.heading("Came nearest to allowing");
        for nearest in &report.nearest {
            let line = nearest.line.map(|line| format!(":{line}")).unwrap_or_default();
            self.item(&format!("{}{line}: {}", nearest.title, nearest.says));
        }
    }

    fn layers(&mut self, report: &Report) {
        self.heading("Layers");
        for layer in &report.layers {
            let subject = if layer.subject.is_empty() { String::new() } else { format!(" {}", layer.subject) };
            let note = if layer.note.is_empty() { String::new() } else { format!(" ({})", layer.note) };
            self.item(&format!("{}{subject}: {}{note}", layer.title, ruling(layer.ruling)));
        }
    }

    fn doubts(&mut self, report: &Report) {
        if report.doubts.is_empty() {
            return;
        }
        self.heading("Not known");
        for doubt in &report.doubts {
            self.item(&format!("{}; to settle it: {}", doubt.about, doubt.needs));
        }
    }

    fn fixes(&mut self, fixes: &[Fix]) {
        for fix in fixes {
            self.heading("A change that lets it through (simulated)");
            self.item(&fix.says);
            self.item(&format!("who can make it: {}", fix.who));
            if let Some(widens) = &fix.widens {
                self.item(&format!("it also lets through: {widens}"));
            }
            for command in &fix.commands {
                let _ = writeln!(self.text, "    {}", clean::lines(command));
            }
        }
    }

    fn notes(&mut self, report: &Report) {
        for note in &report.notes {
            self.wrapped("note: ", 6, note, 0);
        }
    }

    fn heading(&mut self, heading: &str) {
        let _ = writeln!(self.text, "\n{BOLD}{heading}{BOLD:#}");
    }

    fn item(&mut self, text: &str) {
        self.wrapped("  ", 2, text, 4);
    }

    /// `text` after a prefix of `columns`, wrapped at the width; further lines indented by `indent`.
    fn wrapped(&mut self, prefix: &str, columns: usize, text: &str, indent: usize) {
        let text = clean::line(text);
        let (first, rest) = (" ".repeat(columns), " ".repeat(indent));
        let options = textwrap::Options::new(self.width).initial_indent(&first).subsequent_indent(&rest).break_words(false);
        for (at, line) in textwrap::wrap(&text, options).iter().enumerate() {
            let line = if at == 0 { line.get(columns..).unwrap_or_default() } else { line };
            let _ = writeln!(self.text, "{}{line}", if at == 0 { prefix } else { "" });
        }
    }
}

fn place(evidence: &Evidence) -> String {
    match (&evidence.source, evidence.line) {
        (Some(source), Some(line)) => format!("{} ({source}:{line})", evidence.title),
        (None, Some(line)) => format!("{}, line {line}", evidence.title),
        _ => format!("looked at: {}", evidence.title),
    }
}

fn ruling(ruling: Ruling) -> &'static str {
    match ruling {
        Ruling::Allow => "allows",
        Ruling::Deny => "denies",
        Ruling::Silent => "does not allow",
        Ruling::Inapplicable => "does not apply",
        Ruling::Unknown => "not known",
    }
}

/// How cases came out: a line for each that did not pass, and the count.
#[must_use]
pub fn tests(report: &TestReport) -> String {
    let mut text = String::new();
    for case in report.cases.iter().filter(|case| case.result != CaseResult::Pass) {
        let (word, colour) = if case.result == CaseResult::Fail { ("FAIL", AnsiColor::Red) } else { ("SKIP", AnsiColor::Yellow) };
        let style = Style::new().bold().fg_color(Some(colour.into()));
        let _ = writeln!(text, "{style}{word}{style:#} {} {}: {}", clean::line(&case.file), clean::line(&case.id), clean::line(&case.says));
    }
    let _ = writeln!(text, "{} passed, {} failed, {} not modelled", report.passed, report.failed, report.not_modelled);
    text
}
