//! Codes that a text speaks of, where nothing was refused: in source code, filters, plans, tables of a documentation.

use super::View;

/// How much of a line is looked at on either side.
const LINE: usize = 400;

/// Is the code between two bytes of the clean text only spoken of? `bare` codes are words that anybody writes.
pub(super) fn is_mention(view: &View, start: usize, end: usize, bare: bool) -> bool {
    let (before, after) = line(view.clean(), start, end);
    is_pattern(before, after)
        || is_compared(before)
        || is_planned(before)
        || is_row(before, after)
        || is_commit(before)
        || bare && (is_variant(before, after) || is_camel(view.clean().get(start..end).unwrap_or("")) && is_word(before, after))
}

/// The line before and after what stands there.
fn line(text: &str, start: usize, end: usize) -> (&str, &str) {
    let before = text.get(text.floor_char_boundary(start.saturating_sub(LINE))..start).unwrap_or("");
    let after = text.get(end..text.floor_char_boundary(end + LINE)).unwrap_or("");
    (before.rsplit('\n').next().unwrap_or(""), after.split('\n').next().unwrap_or(""))
}

/// `"AccessDenied*"`; between two pairs of asterisks it is bold.
fn is_pattern(before: &str, after: &str) -> bool {
    after.starts_with('*') != before.ends_with('*')
}

/// `code == "AccessDenied"`
fn is_compared(before: &str) -> bool {
    let bare = before.trim_end_matches(['"', '\'', '`', ' ', '(']);
    ["==", "!=", "=~", ".equals", "<>"].iter().any(|operator| bare.ends_with(operator)) || bare.trim_start() == "case"
}

/// `+ alarm_description = "… AccessDenied …"`: a value that will be set.
fn is_planned(before: &str) -> bool {
    let line = before.trim_start();
    ["+ ", "~ ", "- "].iter().any(|mark| line.starts_with(mark)) && line.contains(" = \"")
}

/// `AccessDenied | 403 | …`: the first cell of a row.
fn is_row(before: &str, after: &str) -> bool {
    let cell = before.trim_matches(['|', ' ', '`', '*']).is_empty();
    cell && after.trim_start_matches(['`', '*']).starts_with(" | ")
}

/// `a1b2c3d Fix AccessDenied when …`
fn is_commit(before: &str) -> bool {
    let Some((hash, subject)) = before.trim_start().split_once(' ') else { return false };
    let hexadecimal = (7..=40).contains(&hash.len()) && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    hexadecimal && hash.bytes().any(|byte| byte.is_ascii_digit()) && subject.starts_with(|first: char| first.is_ascii_alphabetic())
}

/// `AccessDenied,` on a line of its own: a variant of an enumeration.
fn is_variant(before: &str, after: &str) -> bool {
    after.trim_end() == ","
        && before.trim_end_matches(' ').trim_end_matches(|piece: char| piece == ':' || piece.is_ascii_digit()).is_empty()
}

/// `AccessDenied`, as no sentence spells it.
fn is_camel(code: &str) -> bool {
    code.bytes().zip(code.bytes().skip(1)).any(|(one, next)| one.is_ascii_lowercase() && next.is_ascii_uppercase())
}

/// A word within a sentence that speaks of no failure.
fn is_word(before: &str, after: &str) -> bool {
    const FAILURES: [&str; 16] = [
        "error",
        "fail",
        "exception",
        "unable",
        "cannot",
        "could not",
        "couldn't",
        "403",
        "got ",
        "returned",
        "received",
        "code",
        "denied",
        "status",
        "refused",
        "response",
    ];
    let word = |edge: Option<char>| edge.is_some_and(|edge| edge.is_ascii_alphabetic());
    let quotes = ['`', '"', '\''];
    let (before_bare, after_bare) = (before.trim_end_matches(quotes), after.trim_start_matches(quotes));
    let within = before_bare.strip_suffix(' ').is_some_and(|before| word(before.chars().next_back()))
        && after_bare.strip_prefix(' ').is_some_and(|after| after.starts_with(|next: char| next.is_ascii_lowercase()));
    let line = [before, after].concat().to_ascii_lowercase();
    within && !FAILURES.iter().any(|failure| line.contains(failure))
}

#[cfg(test)]
mod tests {
    use super::super::View;
    use super::is_mention;

    fn mentions(text: &str) -> bool {
        let view = View::new(text);
        let start = view.clean().find("AccessDenied").expect("the code is there");
        is_mention(&view, start, start + "AccessDenied".len(), true)
    }

    #[test]
    fn a_code_that_is_spoken_of_is_no_error() {
        for text in [
            "{ ($.errorCode = \"AccessDenied*\") }",
            "if code == \"AccessDenied\" {",
            "+ alarm_description = \"When an AccessDenied call is made\"",
            "| AccessDenied | 403 | no |",
            "a1b2c3d Fix AccessDenied when the role is missing",
            "kim: did anyone get AccessDenied on staging today?",
            "Retry on `AccessDenied` because it takes a while",
            "    AccessDenied,\n    NoSuchKey,",
        ] {
            assert!(mentions(text), "{text}");
        }
    }

    #[test]
    fn a_code_that_was_answered_is_one() {
        for text in [
            "AccessDenied",
            "**AccessDenied**: no",
            "An error occurred (AccessDenied) when calling the GetObject operation",
            "the upload failed with AccessDenied for this bucket",
            "| ErrorCode | AccessDenied |",
            "{\"code\": \"AccessDenied\"}",
        ] {
            assert!(!mentions(text), "{text}");
        }
    }
}
