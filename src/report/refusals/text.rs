//! Refusals for a terminal: why first, then what was asked, then what to do.

use super::{Report, answer, rows, word};
use crate::explain::Explanation;
use crate::report::text::{self as answers, Layout, wrap};
use crate::report::{Redactor, clean};
use anstyle::{AnsiColor, Style};
use std::fmt::Write;

const BOLD: Style = Style::new().bold();

/// The refusals as text with ANSI colours; strip them where they are not wanted.
#[must_use]
pub fn render(explanations: &[Explanation], redactor: Option<&Redactor>, layout: Layout) -> String {
    let report = Report::of(explanations, redactor);
    let mut page = String::new();
    if report.refusals.is_empty() {
        let _ = writeln!(page, "{}", super::NONE);
    }
    for (at, (refusal, explanation)) in report.refusals.iter().zip(explanations).enumerate() {
        if at > 0 {
            page.push('\n');
        }
        one(&mut page, refusal, layout.width);
        if let Some(answer) = answer(explanation, redactor) {
            let _ = writeln!(page, "\n{BOLD}What the policies say{BOLD:#}");
            page.push_str(&answers::render(&answer, layout));
        }
    }
    page
}

fn one(page: &mut String, refusal: &super::Refusal, width: usize) {
    let word = word(refusal.reason);
    let colour = match refusal.reason {
        super::Reason::ExplicitDeny | super::Reason::MissingGrant => AnsiColor::Red,
        super::Reason::NotAuthorization | super::Reason::Unknown => AnsiColor::Yellow,
    };
    let style = Style::new().bold().fg_color(Some(colour.into()));
    wrap(page, width, (&format!("{style}{word}{style:#}: "), word.len() + 2), &refusal.says, 2);
    if refusal.line > 1 {
        wrap(page, width, ("  ", 2), &format!("line {}", refusal.line), 4);
    }
    for (name, value) in rows(refusal) {
        wrap(page, width, (&format!("  {name:<11}"), 13), &value, 13);
    }
    if let Some(contradiction) = &refusal.contradiction {
        let _ = writeln!(page, "\n{BOLD}Contradiction{BOLD:#}");
        wrap(page, width, ("  ", 2), contradiction, 2);
    }
    if !refusal.next.is_empty() {
        let _ = writeln!(page, "\n{BOLD}What to do next{BOLD:#}");
    }
    for (at, step) in refusal.next.iter().enumerate() {
        wrap(page, width, (&format!("{:>3}. ", at + 1), 5), &clean::line(step), 5);
    }
}
