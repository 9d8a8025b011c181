//! Decodes and encodes the content of JSON strings.
//!
//! Both take any bytes: invalid escapes and invalid UTF-8 are kept. `\x22`, as nginx writes it, is decoded.
use ringseal::internals::digest::text::hex_byte;

/// Appends the text that `raw` (without its quotes) encodes. A lone surrogate becomes U+FFFD.
pub(super) fn unescape(raw: &[u8], out: &mut Vec<u8>) {
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        let (short, len) = match rest.get(at + 1) {
            Some(b'x') => match hex_pair(&rest[at + 2..]) {
                Some(byte) => (Some(byte), 4),
                None => (Some(b'\\'), 1),
            },
            Some(b'u') if rest.get(at + 2..at + 6).is_some_and(is_hex) => {
                let (character, len) = unicode(&rest[at..]);
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                (None, len)
            }
            Some(b'b') => (Some(8), 2),
            Some(b'f') => (Some(12), 2),
            Some(b'n') => (Some(b'\n'), 2),
            Some(b'r') => (Some(b'\r'), 2),
            Some(b't') => (Some(b'\t'), 2),
            Some(&same @ (b'"' | b'\\' | b'/')) => (Some(same), 2),
            // Not an escape: a path, or a cut one.
            Some(_) | None => (Some(b'\\'), 1),
        };
        out.extend(short);
        rest = rest.get(at + len..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
}

fn is_hex(digits: &[u8]) -> bool {
    digits.iter().all(u8::is_ascii_hexdigit)
}

/// The byte of `22`, as nginx writes it after `\x`.
fn hex_pair(digits: &[u8]) -> Option<u8> {
    let pair = digits.get(..2).filter(|pair| is_hex(pair))?;
    u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()
}

/// The character of the `\u` escape at the front, or of two that are a surrogate pair; and their length.
fn unicode(raw: &[u8]) -> (char, usize) {
    let unit = |at: usize| {
        let hex = raw.get(at..)?.strip_prefix(b"\\u")?.get(..4)?;
        u32::from_str_radix(str::from_utf8(hex).ok()?, 16).ok()
    };
    let Some(first) = unit(0) else { return (char::REPLACEMENT_CHARACTER, 2) };
    if let (0xD800..=0xDBFF, Some(second @ 0xDC00..=0xDFFF)) = (first, unit(6)) {
        let code = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
        return (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 12);
    }
    (char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER), 6)
}

/// Appends `text` as string content. Escapes quotes and backslashes, and control characters that were not already
/// unescaped in the original.
pub(crate) fn escape(text: &[u8], keeps_controls: bool, out: &mut Vec<u8>) {
    for &byte in text {
        match byte {
            0..=0x1F if keeps_controls => out.push(byte),
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0..=0x1F => {
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&hex_byte(byte));
            }
            _ => out.push(byte),
        }
    }
}

/// A text as a JSON string, with its quotes.
pub(crate) fn quoted(text: &str) -> String {
    let mut bytes = vec![b'"'];
    escape(text.as_bytes(), false, &mut bytes);
    bytes.push(b'"');
    // Escaping preserves UTF-8.
    String::from_utf8(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_is_unescaped_like_by_serde(text: String) {
            let mut raw = Vec::new();
            escape(text.as_bytes(), false, &mut raw);
            let quoted = [b"\"", &raw[..], b"\""].concat();
            prop_assert_eq!(serde_json::from_slice::<String>(&quoted).expect("a string"), &text[..]);
            let mut back = Vec::new();
            unescape(&raw, &mut back);
            prop_assert_eq!(back, text.as_bytes());
            // Every character escaped, in UTF-16.
            let units: String = text.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
            let mut back = Vec::new();
            unescape(units.as_bytes(), &mut back);
            prop_assert_eq!(back, text.as_bytes());
        }

        #[test]
        fn any_bytes_can_be_unescaped(raw in proptest::collection::vec(any::<u8>(), 0..40)) {
            let text: Vec<u8> = raw.iter().map(|b| if b % 3 == 0 { b'\\' } else { *b }).collect();
            unescape(&text, &mut Vec::new());
        }
    }
}
