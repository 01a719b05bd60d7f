//! Markdown for tickets: what to say to whoever can change it.

use super::quote::Quote;
use super::v1::{CaseResult, Decision, Evidence, Finding, Fix, Report, TestReport};
use super::{Answer, Detail, clean, text, v1};
use std::fmt::Write;

/// The answer as Markdown.
#[must_use]
pub fn render(answer: &Answer<'_>, detail: Detail) -> String {
    let mut report = answer.report();
    let mut page = String::new();
    if answer.contradiction.is_some() && !report.notes.is_empty() {
        let _ = writeln!(page, "> **Beware**: {}\n", plain(&report.notes.remove(0)));
    }
    verdict(&mut page, &report);
    findings(&mut page, &report, answer, detail);
    if detail != Detail::Brief {
        nearest(&mut page, &report);
    }
    list(
        &mut page,
        "Not known",
        v1::by_needs(&report.doubts).map(|(needs, abouts)| {
            let them = if abouts.len() == 1 { "it" } else { "them" };
            format!("{}. To settle {them}: {}", plain(&abouts.join("; ")), plain(needs))
        }),
    );
    fixes(&mut page, &report, detail);
    if detail == Detail::Full {
        layers(&mut page, &report);
    }
    list(&mut page, "Notes", report.notes.iter().map(|note| plain(note)));
    page
}

fn verdict(page: &mut String, report: &Report) {
    let word = match report.decision {
        Decision::Allow => "Allowed",
        Decision::Deny => "Denied",
        Decision::Undetermined => "Undetermined",
    };
    let question = &report.question;
    let _ = writeln!(page, "**{word}**: {}\n", plain(&report.summary));
    let _ = writeln!(page, "| | |\n|---|---|\n| principal | {} |\n| action | {} |", cell(&question.principal), cell(&question.action));
    if let Some(resource) = &question.resource {
        let _ = writeln!(page, "| resource | {} |", cell(resource));
    }
    for (key, values) in &question.context {
        let values = values.as_ref().map_or_else(|| "(absent)".to_owned(), |values| values.join(", "));
        let _ = writeln!(page, "| {} | {} |", cell(key), cell(&values));
    }
}

fn findings(page: &mut String, report: &Report, answer: &Answer<'_>, detail: Detail) {
    for (at, finding) in report.findings.iter().enumerate() {
        let _ = writeln!(page, "\n### {}\n", if at == 0 { "Why" } else { "Also in the way" });
        let _ = writeln!(page, "{}\n", plain(&finding.says));
        let quote = answer.verdict.findings.get(at).and_then(|finding| Quote::of_finding(finding, answer));
        if let Some(quote) = quote.filter(|_| detail != Detail::Brief) {
            fence(page, "json", &quote.text);
        }
        let _ = writeln!(page, "- {}\n- who can change it: {}", place(finding), plain(&finding.owner));
    }
}

fn place(finding: &Finding) -> String {
    let Evidence { title, source, line, .. } = &finding.evidence;
    let line = line.map(|line| format!(", line {line}")).unwrap_or_default();
    let source = source.as_ref().map(|source| format!(" ({}{line})", code(source))).unwrap_or_default();
    if finding.evidence.document.is_some() { format!("stands in {}{source}", plain(title)) } else { format!("looked at: {}", plain(title)) }
}

fn nearest(page: &mut String, report: &Report) {
    let items = report.nearest.iter().map(|near| format!("{}: {}", plain(&near.title), plain(&near.says)));
    list(page, "Came nearest to allowing", items);
}

fn fixes(page: &mut String, report: &Report, detail: Detail) {
    let shown = if detail == Detail::Full { report.fixes.len() } else { 1 };
    for fix in report.fixes.iter().take(shown) {
        let _ = writeln!(page, "\n### Smallest change that lets it through (simulated)\n\n{}\n", plain(&fix.says));
        let _ = writeln!(page, "- who can make it: {}", plain(&fix.who));
        if let Some(widens) = &fix.widens {
            let _ = writeln!(page, "- it also lets through: {}", plain(widens));
        }
        edits(page, fix);
    }
}

fn edits(page: &mut String, fix: &Fix) {
    for edit in &fix.edits {
        let patch: Vec<String> = edit.patch.iter().map(ToString::to_string).collect();
        let _ = writeln!(page, "- edit of {} (RFC 6902):\n", plain(&edit.document));
        fence(page, "json", &format!("[{}]", patch.join(",\n ")));
    }
    if !fix.commands.is_empty() {
        fence(page, "sh", &fix.commands.join("\n"));
    }
}

fn layers(page: &mut String, report: &Report) {
    let _ = writeln!(page, "\n### Layers\n\n| layer | says |\n|---|---|");
    for layer in &report.layers {
        let name = format!("{} {}", layer.title, layer.subject);
        let _ = writeln!(page, "| {} | {} |", cell(name.trim()), text::ruling(layer.ruling));
    }
}

fn list(page: &mut String, heading: &str, items: impl Iterator<Item = String>) {
    let mut items = items.peekable();
    if items.peek().is_some() {
        let _ = writeln!(page, "\n### {heading}\n");
    }
    for item in items {
        let _ = writeln!(page, "- {item}");
    }
}

/// How cases came out, as a table of those that did not pass.
#[must_use]
pub fn tests(report: &TestReport) -> String {
    let mut page = format!("**{} passed, {} failed, {} not modelled**\n", report.passed, report.failed, report.not_modelled);
    let others: Vec<_> = report.cases.iter().filter(|case| case.result != CaseResult::Pass).collect();
    if !others.is_empty() {
        page.push_str("\n| case | result | |\n|---|---|---|\n");
    }
    for case in others {
        let result = if case.result == CaseResult::Fail { "fail" } else { "not modelled" };
        let _ = writeln!(page, "| {} | {result} | {} |", cell(&case.id), plain(&case.says).replace('|', "\\|"));
    }
    page
}

/// Text as it is, with nothing in it that Markdown, HTML or a ticket system would act on.
pub(super) fn plain(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut before = ' ';
    for character in clean::line(text).chars() {
        match character {
            '<' => safe.push_str("&lt;"),
            '&' => safe.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' => {
                safe.push('\\');
                safe.push(character);
            }
            // `@name` would call somebody.
            '@' if !before.is_alphanumeric() => safe.push_str("@\u{200b}"),
            _ => safe.push(character),
        }
        before = character;
    }
    safe
}

/// Text as code, whatever backticks it holds.
pub(super) fn code(text: &str) -> String {
    let text = clean::line(text);
    let fence = "`".repeat(longest_run(&text) + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// Code that stands in a table.
pub(super) fn cell(text: &str) -> String {
    code(text).replace('|', "\\|")
}

fn fence(page: &mut String, language: &str, text: &str) {
    let text = clean::lines(text);
    let fence = "`".repeat((longest_run(&text) + 1).max(3));
    let _ = writeln!(page, "{fence}{language}\n{text}\n{fence}\n");
}

fn longest_run(text: &str) -> usize {
    text.split(|character| character != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{code, plain, render};
    use crate::report::{Detail, sample};
    use snapbox::{IntoData, assert_data_eq, str};

    #[test]
    fn a_ticket_says_what_to_change_and_who_can() {
        assert_data_eq!(
            render(&sample::refused().answer(), Detail::Nearest).raw(),
            str![[r#"
**Denied**: statement DenyOutsideEu of guard policy p-1a2b3c4d on OU prod denies it

| | |
|---|---|
| principal | `arn:aws:iam::111122223333:role/app` |
| action | `s3:GetObject` |
| resource | `arn:aws:s3:::acme-reports/2026/q1.csv` |
| `aws:RequestedRegion` | `us-east-1` |
| `aws:SourceVpce` | `(absent)` |

### Why

statement DenyOutsideEu of guard policy p-1a2b3c4d on OU prod denies it

```json
{
  "Sid": "DenyOutsideEu",
  "Effect": "Deny",
  "Action": "*",
  "Resource": "*",
  "Condition": {
    "StringNotEquals": {"aws:RequestedRegion": ["eu-west-1", "eu-central-1"]}
  }
}
```

- stands in guard policy DenyOutsideEu (p-1a2b3c4d) (`org/guard.json`, line 4)
- who can change it: the organization's administrators (account 999988887777)

### Also in the way

no policy of role app allows s3:GetObject on arn:aws:s3:::acme-reports/2026/q1.csv

- looked at: 1 policy of role app
- who can change it: the administrators of account 111122223333

### Came nearest to allowing

- policy reports of role app: ReadReports: resource is arn:aws:s3:::acme-reports/2026/q1.csv, statement says arn:aws:s3:::acme-report/\*

### Smallest change that lets it through (simulated)

add arn:aws:s3:::acme-reports/2026/q1.csv to Resource of statement ReadReports

- who can make it: whoever may iam:PutRolePolicy in account 111122223333
- edit of role (RFC 6902):

```json
[{"op":"add","path":"/Statement/1/Resource/-","value":"arn:aws:s3:::acme-reports/2026/q1.csv"}]
```

```sh
aws iam put-role-policy --role-name app --policy-name reports --policy-document file://reports.json
```


### Notes

- the session of ana@acme.example was taken to be of role app

"#]]
            .raw()
        );
    }

    #[test]
    fn names_in_policies_do_nothing_in_a_ticket() {
        assert_eq!(plain("<img src=x> [a](b) @all \u{1b}[2J"), "&lt;img src=x> \\[a\\](b) @\u{200b}all \\\\u001b\\[2J");
        assert_eq!(code("a``b`"), "``` a``b` ```");
    }
}
