//! Text that came from elsewhere is shown, never obeyed.

use std::borrow::Cow;
use std::fmt::Write;

/// Would a terminal, or a reader's eye, take this character for something else than text?
///
/// Control characters beyond line break and tab, and the characters that reorder or hide what follows (UTR #36, bidirectional
/// controls, zero width, line separators, byte order mark).
#[must_use]
pub fn is_harmful(character: char) -> bool {
    let control = character.is_control() && !matches!(character, '\n' | '\t' | '\r');
    control
        || matches!(character, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// The text on one line, with harmful characters spelled out: `\u001b`.
#[must_use]
pub fn line(text: &str) -> Cow<'_, str> {
    spelled(text, |character| is_harmful(character) || matches!(character, '\n' | '\t' | '\r'))
}

/// The text with its line breaks, and harmful characters spelled out as JSON spells them, so that JSON stays the same JSON.
#[must_use]
pub fn lines(text: &str) -> Cow<'_, str> {
    spelled(text, is_harmful)
}

fn spelled(text: &str, harmful: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&harmful) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '\n' | '\t' | '\r' if harmful(character) => safe.push(' '),
            _ if harmful(character) => {
                let mut units = [0; 2];
                for unit in character.encode_utf16(&mut units) {
                    let _ = write!(safe, "\\u{unit:04x}");
                }
            }
            _ => safe.push(character),
        }
    }
    Cow::Owned(safe)
}

#[cfg(test)]
mod tests {
    use super::{line, lines};

    #[test]
    fn escapes_are_shown_not_obeyed() {
        assert_eq!(line("a\u{1b}[2Jb\nc"), "a\\u001b[2Jb c");
        assert_eq!(lines("é\u{202e}x\n"), "é\\u202ex\n");
        assert_eq!(lines("\u{e0041}"), "\\udb40\\udc41");
    }
}
