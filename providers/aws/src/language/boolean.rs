//! `Bool` (*Condition operators: Boolean*).

/// Reads `true` or `false`. `None` for any other text, which no `Bool` condition matches (O-9).
#[must_use]
pub fn parse(text: &str) -> Option<bool> {
    match text {
        _ if text.eq_ignore_ascii_case("true") => Some(true),
        _ if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}
