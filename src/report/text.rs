//! Text for a terminal: the answer on one screen, the verdict first.

use super::quote::Quote;
use super::v1::{CaseResult, Decision, Evidence, Finding, Fix, Layer, Nearest, Report, Ruling, TestReport};
use super::{Answer, Detail, clean, v1};
use anstyle::{AnsiColor, Style};
use iam_why_contract as contract;
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
const DIM: Style = Style::new().dimmed();

/// The answer as text with ANSI colours; strip them where they are not wanted.
#[must_use]
pub fn render(answer: &Answer<'_>, layout: Layout) -> String {
    let mut page = Page { text: String::new(), width: layout.width, answer, report: answer.report(), detail: layout.detail };
    page.contradiction();
    page.verdict();
    page.findings();
    page.nearest();
    page.doubts();
    page.fixes();
    page.layers();
    page.notes();
    page.basis();
    page.text
}

struct Page<'a> {
    text: String,
    width: usize,
    detail: Detail,
    answer: &'a Answer<'a>,
    report: Report,
}

impl Page<'_> {
    /// Whoever reads no further than the first line must not miss it.
    fn contradiction(&mut self) {
        if self.answer.contradiction.is_some() && !self.report.notes.is_empty() {
            let style = Style::new().bold().fg_color(Some(AnsiColor::Magenta.into()));
            let says = self.report.notes.remove(0);
            self.wrapped((&format!("{style}BEWARE{style:#}: "), 8), &says, 2);
            self.gap();
        }
    }

    fn verdict(&mut self) {
        let (word, colour) = match self.report.decision {
            Decision::Allow => ("ALLOWED", AnsiColor::Green),
            Decision::Deny => ("DENIED", AnsiColor::Red),
            Decision::Undetermined => ("UNDETERMINED", AnsiColor::Yellow),
        };
        let style = Style::new().bold().fg_color(Some(colour.into()));
        let summary = self.report.summary.clone();
        self.wrapped((&format!("{style}{word}{style:#}: "), word.len() + 2), &summary, 2);
        let question = &self.report.question;
        let resource = question.resource.as_deref().map(|resource| format!(" on {resource}")).unwrap_or_default();
        let asked = format!("{} asks for {}{resource}", question.principal, question.action);
        self.item(&asked);
        if self.report.decision == Decision::Allow && self.detail != Detail::Brief {
            self.grant();
        }
    }

    /// The statement that lets an allowed request through.
    fn grant(&mut self) {
        if let Some(quote) = v1::grant(self.answer).and_then(|statement| Quote::of_grant(statement, self.answer)) {
            self.gap();
            self.text.push_str(&quote.render(AnsiColor::Cyan, self.width));
        }
    }

    /// The deciding statement in full, every other blocker in a line or two.
    fn findings(&mut self) {
        let findings = std::mem::take(&mut self.report.findings);
        for (at, finding) in findings.iter().enumerate() {
            let quote = self.answer.verdict.findings.get(at).and_then(|finding| Quote::of_finding(finding, self.answer));
            if at == 1 {
                self.heading("Also in the way");
            }
            if at == 0 {
                self.gap();
                self.part(finding);
            } else {
                self.item(&finding.says);
            }
            match quote.filter(|_| at == 0 && self.detail != Detail::Brief) {
                Some(quote) => self.text.push_str(&quote.render(AnsiColor::Red, self.width)),
                None => self.place(&finding.evidence),
            }
            self.field("who can change it", &finding.owner);
        }
        self.report.findings = findings;
    }

    /// Says which authorization a finding is about where it is not the question itself.
    fn part(&mut self, finding: &Finding) {
        let Some(part) = self.report.parts.get(finding.part).filter(|_| finding.part > 0) else { return };
        let resource = part.resource.as_deref().map(|resource| format!(" on {resource}")).unwrap_or_default();
        let says = format!("the call also needs {}{resource}: {}", part.action, part.because);
        self.item(&says);
    }

    fn place(&mut self, evidence: &Evidence) {
        let at = match (&evidence.source, evidence.line) {
            (Some(source), Some(line)) => format!("at {source}:{line} ({})", evidence.title),
            (None, Some(line)) => format!("at line {line} of {}", evidence.title),
            _ => format!("looked at {}", evidence.title),
        };
        self.wrapped(("    ", 4), &at, 6);
    }

    /// The nearest miss in full, the others in a line each. The statement that a finding has shown is not shown again.
    fn nearest(&mut self) {
        let answer = self.answer;
        let said = std::mem::take(&mut self.report.nearest);
        let pairs = answer.verdict.nearest.iter().zip(&said).filter(|(near, _)| !is_shown(near, answer));
        let shown = match self.detail {
            Detail::Brief => 0,
            Detail::Nearest => 3,
            Detail::Full => usize::MAX,
        };
        for (at, (near, said)) in pairs.take(shown).enumerate() {
            if at == 0 {
                self.heading("Came nearest to allowing");
            }
            self.item(&said.says);
            match Quote::of_nearest(near, answer).filter(|quote| at == 0 && !quote.marks.is_empty()) {
                Some(quote) => self.text.push_str(&quote.render(AnsiColor::Cyan, self.width)),
                None => self.near_place(said),
            }
        }
        self.report.nearest = said;
    }

    fn near_place(&mut self, near: &Nearest) {
        let line = near.line.map(|line| format!(", line {line}")).unwrap_or_default();
        self.wrapped(("    ", 4), &format!("in {}{line}", near.title), 6);
    }

    fn doubts(&mut self) {
        if self.report.doubts.is_empty() {
            return;
        }
        self.heading("Not known");
        let doubts = std::mem::take(&mut self.report.doubts);
        for (needs, abouts) in v1::by_needs(&doubts) {
            abouts.iter().for_each(|about| self.item(about));
            self.field(if abouts.len() == 1 { "what would settle it" } else { "what would settle them" }, needs);
        }
    }

    fn fixes(&mut self) {
        let fixes = std::mem::take(&mut self.report.fixes);
        let Some(first) = fixes.first() else { return };
        self.heading("Smallest change that lets it through (simulated before it is shown)");
        self.fix(first);
        if self.detail == Detail::Full {
            for fix in fixes.iter().skip(1) {
                self.heading("Or");
                self.fix(fix);
            }
        } else if fixes.len() > 1 {
            self.item(&format!("{} more with --detail full", fixes.len() - 1));
        }
    }

    fn fix(&mut self, fix: &Fix) {
        self.item(&fix.says);
        self.field("who can make it", &fix.who);
        if let Some(widens) = &fix.widens {
            self.field("it also lets through", widens);
        }
        if self.detail != Detail::Brief {
            for line in fix.commands.iter().flat_map(|command| command.lines()) {
                let _ = writeln!(self.text, "    {DIM}{}{DIM:#}", clean::line(line));
            }
        }
    }

    fn layers(&mut self) {
        if self.detail != Detail::Full {
            return;
        }
        self.heading("Layers");
        for layer in std::mem::take(&mut self.report.layers) {
            let says = layer_line(&layer);
            self.item(&says);
        }
    }

    fn notes(&mut self) {
        let notes = std::mem::take(&mut self.report.notes);
        if !notes.is_empty() {
            self.gap();
        }
        for note in notes {
            self.wrapped((&format!("{BOLD}note{BOLD:#}: "), 6), &note, 2);
        }
    }

    fn basis(&mut self) {
        let snapshot = &self.report.snapshot;
        let taken = snapshot.taken_at.as_deref().map(|taken| format!(", taken {taken}")).unwrap_or_default();
        let refused = match snapshot.refused.len() {
            0 => String::new(),
            count => format!("; {count} could not be read"),
        };
        let _ = writeln!(self.text, "\n{DIM}from {} documents{}{refused}{DIM:#}", snapshot.documents, clean::line(&taken));
    }

    fn gap(&mut self) {
        self.text.push('\n');
    }

    fn heading(&mut self, heading: &str) {
        let _ = writeln!(self.text, "\n{BOLD}{heading}{BOLD:#}");
    }

    fn item(&mut self, text: &str) {
        self.wrapped(("  ", 2), text, 4);
    }

    fn field(&mut self, name: &str, value: &str) {
        self.wrapped(("    ", 4), &format!("{name}: {value}"), 6);
    }

    fn wrapped(&mut self, prefix: (&str, usize), text: &str, indent: usize) {
        wrap(&mut self.text, self.width, prefix, text, indent);
    }
}

/// `text` after a prefix and the columns it takes, wrapped at the width; further lines are indented.
pub(super) fn wrap(page: &mut String, width: usize, (prefix, columns): (&str, usize), text: &str, indent: usize) {
    let (first, rest) = (" ".repeat(columns), " ".repeat(indent));
    let options = textwrap::Options::new(width).initial_indent(&first).subsequent_indent(&rest).break_words(false);
    let options = options.word_splitter(textwrap::WordSplitter::NoHyphenation);
    for (at, line) in textwrap::wrap(&clean::line(text), options).iter().enumerate() {
        match line.get(columns..).filter(|_| at == 0) {
            Some(line) => _ = writeln!(page, "{prefix}{line}"),
            None => _ = writeln!(page, "{line}"),
        }
    }
}

/// Has the deciding finding shown this statement already?
fn is_shown(near: &contract::Nearest, answer: &Answer<'_>) -> bool {
    let evidence = answer.verdict.findings.first().map(|finding| &finding.evidence);
    let Some(contract::Evidence::Place(place)) = evidence else { return false };
    place.document == near.place.document && place.pointer.starts_with(&near.place.pointer)
}

/// `service control policy root: allows`
fn layer_line(layer: &Layer) -> String {
    let subject = if layer.subject.is_empty() { String::new() } else { format!(" {}", layer.subject) };
    let note = if layer.note.is_empty() { String::new() } else { format!(" ({})", layer.note) };
    format!("{}{subject}: {}{note}", layer.title, ruling(layer.ruling))
}

/// What a layer says, as people say it.
pub(super) fn ruling(ruling: Ruling) -> &'static str {
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

#[cfg(test)]
mod tests {
    use super::{Detail, Layout, render};
    use crate::report::sample;
    use snapbox::{assert_data_eq, str};

    fn plain(sample: &sample::Sample, detail: Detail, width: usize) -> String {
        anstream::adapter::strip_str(&render(&sample.answer(), Layout { detail, width })).to_string()
    }

    #[test]
    fn a_refusal_fits_one_screen() {
        assert_data_eq!(
            plain(&sample::refused(), Detail::Nearest, 80),
            str![[r#"
DENIED: statement DenyOutsideEu of guard policy p-1a2b3c4d on OU prod denies it
  arn:aws:iam::111122223333:role/app asks for s3:GetObject on
    arn:aws:s3:::acme-reports/2026/q1.csv

 --> org/guard.json:10:52
  4 | {
  5 |   "Sid": "DenyOutsideEu",
  6 |   "Effect": "Deny",
  7 |   "Action": "*",
    |             --- action is s3:GetObject
  8 |   "Resource": "*",
    |               --- resource is arn:aws:s3:::acme-reports/2026/q1.csv
  9 |   "Condition": {
 10 | …quals": {"aws:RequestedRegion": ["eu-west-1", "eu-central-1"]}
    |                                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    |                                  aws:RequestedRegion is us-east-1
 11 |   }
 12 | }
    who can change it: the organization's administrators (account 999988887777)

Also in the way
  no policy of role app allows s3:GetObject on
    arn:aws:s3:::acme-reports/2026/q1.csv
    looked at 1 policy of role app
    who can change it: the administrators of account 111122223333

Came nearest to allowing
  ReadReports: resource is arn:aws:s3:::acme-reports/2026/q1.csv, statement says
    arn:aws:s3:::acme-report/*
 --> iam/app.json:1:194
    | {
    |   "Sid": "ReadReports",
    |   "Effect": "Allow",
    |   "Action": ["s3:GetObject", "s3:ListBucket"],
    |   "Resource": ["arn:aws:s3:::acme-report/*"]
    |               ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    |               resource is arn:aws:s3:::acme-reports/2026/q1.csv
    | }

Smallest change that lets it through (simulated before it is shown)
  add arn:aws:s3:::acme-reports/2026/q1.csv to Resource of statement ReadReports
    who can make it: whoever may iam:PutRolePolicy in account 111122223333
    aws iam put-role-policy --role-name app --policy-name reports --policy-document file://reports.json

note: the session of ana@acme.example was taken to be of role app

from 2 documents; 1 could not be read

"#]]
        );
    }

    #[test]
    fn an_open_question_says_what_would_settle_it() {
        assert_data_eq!(
            plain(&sample::open(), Detail::Nearest, 80),
            str![[r#"
UNDETERMINED: it depends on aws:RequestedRegion, and 1 more
  arn:aws:iam::111122223333:role/app asks for s3:GetObject on
    arn:aws:s3:::acme-reports/2026/q1.csv

Not known
  aws:RequestedRegion
    what would settle it: --context aws:RequestedRegion=REGION
  the bucket policy of acme-reports
    what would settle it: s3:GetBucketPolicy on arn:aws:s3:::acme-reports

from 2 documents; 1 could not be read

"#]]
        );
    }

    #[test]
    fn what_one_command_settles_names_the_command_once() {
        let sample = sample::open_above("shop");
        let text = plain(&sample, Detail::Nearest, 80);
        let together =
            "  the deny policies above shop\n  the allow policies above shop\n    what would settle them: get-ancestors of shop\n";
        assert!(text.contains(together), "{text}");
    }

    #[test]
    fn brief_is_what_fits_into_a_chat() {
        assert_data_eq!(
            plain(&sample::refused(), Detail::Brief, 80),
            str![[r#"
DENIED: statement DenyOutsideEu of guard policy p-1a2b3c4d on OU prod denies it
  arn:aws:iam::111122223333:role/app asks for s3:GetObject on
    arn:aws:s3:::acme-reports/2026/q1.csv

    at org/guard.json:4 (guard policy DenyOutsideEu (p-1a2b3c4d))
    who can change it: the organization's administrators (account 999988887777)

Also in the way
  no policy of role app allows s3:GetObject on
    arn:aws:s3:::acme-reports/2026/q1.csv
    looked at 1 policy of role app
    who can change it: the administrators of account 111122223333

Smallest change that lets it through (simulated before it is shown)
  add arn:aws:s3:::acme-reports/2026/q1.csv to Resource of statement ReadReports
    who can make it: whoever may iam:PutRolePolicy in account 111122223333

note: the session of ana@acme.example was taken to be of role app

from 2 documents; 1 could not be read

"#]]
        );
    }
}
