//! JSON for programs, and for people who look at it in a terminal.

use serde::Serialize;

/// A report as indented JSON with a line break at its end. Characters that a terminal might obey are escaped.
///
/// # Errors
/// Where a report cannot be written as JSON.
pub fn render(report: &impl Serialize) -> Result<String, serde_json::Error> {
    let text = serde_json::to_string_pretty(report)?;
    // Below U+0020 serde_json escapes; what is left can stand inside a string only, where an escape means the same.
    Ok(format!("{}\n", super::clean::lines(&text)))
}

#[cfg(test)]
mod tests {
    use super::render;

    #[test]
    fn a_terminal_gets_nothing_to_obey() {
        let hostile = "\u{1b}[31m \u{9b}31m \u{202e}evil\u{7f}";
        let text = render(&hostile).unwrap();
        assert_eq!(text, "\"\\u001b[31m \\u009b31m \\u202eevil\\u007f\"\n");
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), hostile);
    }
}
