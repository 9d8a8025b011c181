//! Normalises values before they become tokens: one spelling for each address or number.
//!
//! The rules are those of the other implementations of these tokens: e-mail addresses are trimmed and lower-cased,
//! telephone numbers keep digits and plus signs (E.164 for international numbers), and all other values are trimmed. In
//! addition, addresses and numbers from URLs are percent-decoded.
//!
//! Everything is appended to the caller's buffer; nothing else allocates. Bytes that are not UTF-8 are
//! kept.

use std::str;

/// Appends an e-mail address.
pub(super) fn email(value: &[u8], out: &mut Vec<u8>) {
    let value = trim(value);
    match value.windows(3).position(|w| w == b"%40") {
        Some(at) => {
            lower(&value[..at], out);
            out.push(b'@');
            lower(&value[at + 3..], out);
        }
        None => lower(value, out),
    }
}

/// Appends the digits and plus signs of a telephone number.
///
/// That is E.164 for international numbers. National numbers do not get a country code, because it is not
/// known.
pub(super) fn phone(value: &[u8], out: &mut Vec<u8>) {
    let value = value.trim_ascii_start();
    let rest = value.strip_prefix(b"%2B").or_else(|| value.strip_prefix(b"%2b"));
    if rest.is_some() {
        out.push(b'+');
    }
    // The digits of `%20` are part of the escape.
    let mut skip = 0;
    for chunk in rest.unwrap_or(value).utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '%' => skip = 2,
                _ if skip > 0 => skip -= 1,
                // Digits of other scripts are kept, otherwise all such numbers would be equal.
                _ if c == '+' || c.is_numeric() => push(c, out),
                _ => {}
            }
        }
    }
}

/// The value without white space at its ends.
pub(super) fn trim(value: &[u8]) -> &[u8] {
    match str::from_utf8(value) {
        Ok(text) => text.trim_matches(is_space).as_bytes(),
        Err(_) => value.trim_ascii(),
    }
}

/// White space, and the ASCII separators, which other implementations treat as white space.
fn is_space(character: char) -> bool {
    character.is_whitespace() || ('\x1C'..='\x1F').contains(&character)
}

fn lower(value: &[u8], out: &mut Vec<u8>) {
    match str::from_utf8(value) {
        Ok(text) if !text.is_ascii() => {
            text.chars().flat_map(char::to_lowercase).for_each(|c| push(c, out));
        }
        _ => out.extend(value.iter().map(u8::to_ascii_lowercase)),
    }
}

fn push(character: char, out: &mut Vec<u8>) {
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(put: fn(&[u8], &mut Vec<u8>), value: &str) -> String {
        let mut out = Vec::new();
        put(value.as_bytes(), &mut out);
        String::from_utf8(out).expect("UTF-8 stays UTF-8")
    }

    #[test]
    fn addresses_are_trimmed_and_lowered() {
        for (given, want) in [
            ("  USER@Example.com ", "user@example.com"),
            ("Ann%40Example.com", "ann@example.com"),
            ("\u{A0}J\u{D6}RG@b\u{DC}cher.example\x1F", "j\u{F6}rg@b\u{FC}cher.example"),
            ("", ""),
        ] {
            assert_eq!(of(email, given), want, "{given:?}");
        }
    }

    #[test]
    fn numbers_keep_digits_and_plus_signs() {
        for (given, want) in [
            ("+965 1234-5678", "+96512345678"),
            ("(402) 555-1212", "4025551212"),
            ("%2B1%20402%205551212", "+14025551212"),
            ("tel:+1-402-555-1212", "+14025551212"),
            ("\u{661}\u{662}\u{663}", "\u{661}\u{662}\u{663}"),
            ("unknown", ""),
        ] {
            assert_eq!(of(phone, given), want, "{given:?}");
        }
    }

    #[test]
    fn invalid_utf8_is_normalised_bytewise() {
        let mut out = Vec::new();
        email(b" A\xFF@B ", &mut out);
        assert_eq!(out, b"a\xFF@b");
        assert_eq!(trim(b" \xFE "), b"\xFE");
    }
}
