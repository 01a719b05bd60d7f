//! `BoolEquals`: `true` and `false`, quoted or not.

/// Are they the same?
pub(super) fn same(left: &str, right: &str) -> Option<bool> {
    Some(boolean(left)? == boolean(right)?)
}

fn boolean(text: &str) -> Option<bool> {
    match text.trim() {
        text if text.eq_ignore_ascii_case("true") => Some(true),
        text if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}
