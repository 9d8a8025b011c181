//! Which characters can be shown to people as they are.
//!
//! A terminal or an editor shows some characters as nothing, or moves, colours or reorders what it shows because of
//! them: text could look like other text. They are shown as escapes of JSON.
//!
//! Promises: safe code; nothing blocks; only [`Printable`] allocates, as its output does.
use std::fmt::{self, Write};

/// Whether a character is shown as itself: not a control (C0, DEL, C1), a separator of lines or paragraphs, a mark of
/// the reading direction, a tag, or a character that is invisible and without width.
///
/// Shown although they have no width: combining marks, and the variation selectors U+FE00 to U+FE0F, which choose the
/// form of the character before them, as in `❤️`. Escaped although text uses them: the joiner U+200D and the
/// non-joiner U+200C, so a joined emoji is shown as its parts, and some words in Persian or Hindi with escapes.
///
/// ```
/// use ringseal_base::printable::is_printable;
/// assert!("Größe 価格 🙂".chars().all(is_printable));
/// assert!("\n\u{1b}\u{7f}\u{9b}\u{200b}\u{2028}\u{202e}\u{feff}".chars().all(|shown| !is_printable(shown)));
/// ```
pub const fn is_printable(character: char) -> bool {
    !matches!(
        character,
        '\0'..='\x1F'
            | '\x7F'..='\u{9F}'
            | '\u{AD}'
            | '\u{34F}'
            | '\u{61C}'
            | '\u{115F}'..='\u{1160}'
            | '\u{17B4}'..='\u{17B5}'
            | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200F}'
            | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}'
            | '\u{3164}'
            | '\u{FEFF}'
            | '\u{FFA0}'
            | '\u{FFF9}'..='\u{FFFB}'
            | '\u{1BCA0}'..='\u{1BCA3}'
            | '\u{1D173}'..='\u{1D17A}'
            | '\u{E0000}'..='\u{E0FFF}'
    )
}

/// Writes one character: itself, or an escape of JSON.
pub fn write_printable(character: char, out: &mut impl Write) -> fmt::Result {
    match character {
        '\n' => out.write_str("\\n"),
        '\r' => out.write_str("\\r"),
        '\t' => out.write_str("\\t"),
        shown if is_printable(shown) => out.write_char(shown),
        hidden => {
            let mut units = [0; 2];
            let units = hidden.encode_utf16(&mut units);
            units.iter().try_for_each(|unit| write!(out, "\\u{unit:04x}"))
        }
    }
}

/// A text whose characters are all printable: the others are escaped. For names and messages from outside.
///
/// ```
/// use ringseal_base::printable::Printable;
/// assert_eq!(Printable("a\n\u{1b}[2J\u{e0041}").to_string(), "a\\n\\u001b[2J\\udb40\\udc41");
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Printable<'a>(pub &'a str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some((at, hidden)) = rest.char_indices().find(|&(_, shown)| !is_printable(shown))
        {
            f.write_str(&rest[..at])?;
            write_printable(hidden, f)?;
            rest = &rest[at + hidden.len_utf8()..];
        }
        f.write_str(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_of_hidden_characters_is_escaped() {
        let rows = [
            ("a bell", "a\x07b", "a\\u0007b"),
            ("colours", "\x1b[31m", "\\u001b[31m"),
            ("a C1 control", "\u{9b}31m", "\\u009b31m"),
            ("lines", "a\r\n\tb", "a\\r\\n\\tb"),
            ("separators", "a\u{2028}b\u{2029}", "a\\u2028b\\u2029"),
            ("reading direction", "\u{202e}x\u{2066}\u{61c}", "\\u202ex\\u2066\\u061c"),
            ("no width", "a\u{200b}\u{200d}\u{feff}\u{ad}", "a\\u200b\\u200d\\ufeff\\u00ad"),
            ("joiners", "\u{1f469}\u{200d}\u{1f4bb}\u{200c}", "\u{1f469}\\u200d\u{1f4bb}\\u200c"),
            ("variation selectors", "\u{2764}\u{fe0f}\u{fe00}", "\u{2764}\u{fe0f}\u{fe00}"),
            ("more of them", "\u{e0100}", "\\udb40\\udd00"),
            ("tags", "\u{e0061}", "\\udb40\\udc61"),
            ("letters and signs", "Größe, 価格, 🙂, e\u{301}", "Größe, 価格, 🙂, e\u{301}"),
        ];
        for (name, text, shown) in rows {
            assert_eq!(Printable(text).to_string(), shown, "{name}");
        }
    }
}
