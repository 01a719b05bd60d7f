//! Refusals as Markdown, for tickets, job summaries and incident notes.

use super::{Report, answer, is_code, rows, word};
use crate::explain::Explanation;
use crate::report::markdown::{self as answers, cell, code, plain};
use crate::report::{Detail, Redactor};
use std::fmt::Write;

/// The refusals as Markdown.
#[must_use]
pub fn render(explanations: &[Explanation], redactor: Option<&Redactor>, detail: Detail) -> String {
    let report = Report::of(explanations, redactor);
    let mut page = String::new();
    if report.refusals.is_empty() {
        let _ = writeln!(page, "{}", super::NONE);
    }
    for (at, (refusal, explanation)) in report.refusals.iter().zip(explanations).enumerate() {
        if at > 0 {
            page.push_str("\n---\n\n");
        }
        one(&mut page, refusal);
        if let Some(answer) = answer(explanation, redactor) {
            let _ = writeln!(page, "\n## What the policies say\n\n{}", answers::render(&answer, detail));
        }
    }
    page
}

fn one(page: &mut String, refusal: &super::Refusal) {
    let _ = writeln!(page, "**{}**: {}\n\n| | |\n|---|---|", word(refusal.reason), sentence(&refusal.says));
    for (name, value) in rows(refusal) {
        let _ = writeln!(page, "| {name} | {} |", cell(&value));
    }
    if refusal.line > 1 {
        let _ = writeln!(page, "| line | {} |", refusal.line);
    }
    if let Some(contradiction) = &refusal.contradiction {
        let _ = writeln!(page, "\n### Contradiction\n\n{}", plain(contradiction));
    }
    if !refusal.next.is_empty() {
        page.push_str("\n### What to do next\n\n");
    }
    for (at, step) in refusal.next.iter().enumerate() {
        let _ = writeln!(page, "{}. {}", at + 1, sentence(step));
    }
}

/// A sentence whose values stand in backticks. Where a value holds one itself, nothing in the sentence is code.
fn sentence(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len() % 2 == 0 {
        return plain(text);
    }
    parts.iter().enumerate().map(|(at, part)| if is_code(at) && !part.is_empty() { code(part) } else { plain(part) }).collect()
}
