//! Masks that other programs wrote: `[FILTERED]`, `********`, `xxxxx`, `(hidden)`.
//!
//! Reads each byte twice at most.

use crate::bytes::ByteSet;

/// A longer text is not a mask.
const BYTES_MAX: usize = 96;
/// The fewest equal characters that are a mask.
const EQUAL_MIN: usize = 3;
const AROUND: ByteSet = ByteSet::of(b"[](){}<>*_\\-#%");
#[rustfmt::skip]
const WORDS: [&[u8]; 14] = [
    b"redacted", b"filtered", b"masked", b"hidden", b"removed", b"scrubbed", b"sanitized",
    b"sanitised", b"censored", b"obfuscated", b"secret_redacted", b"omitted", b"suppressed", b"protected",
];

/// Whether `text` is a mask of another program. Closing brackets may be missing.
pub(crate) fn is_mask(text: &[u8]) -> bool {
    if text.len() > BYTES_MAX {
        return false;
    }
    if is_repeated(text) {
        return true;
    }
    let text = text.strip_prefix(b"%5B").unwrap_or(text);
    let text = text.strip_suffix(b"%5D").unwrap_or(text);
    let start = AROUND.run(text, 0, text.len());
    let text = &text[start..];
    let word = text.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    WORDS.iter().any(|known| text[..word].eq_ignore_ascii_case(known))
        && !text[word..].iter().any(u8::is_ascii_digit)
        && (word == text.len() || !text[word].is_ascii_alphanumeric())
}

/// One character, again and again, which is no digit and no letter but `x`: `****`, `xxxx`, `••••`, `------`.
fn is_repeated(text: &[u8]) -> bool {
    let Some(&first) = text.first() else { return false };
    let width = match first {
        b'x' | b'X' => 1,
        byte if byte.is_ascii_alphanumeric() => return false,
        0..=0x7F => 1,
        0xC0..=0xDF => 2,
        0xE0..=0xEF => 3,
        _ => return false,
    };
    text.len() >= EQUAL_MIN * width && text.chunks(width).all(|part| part == &text[..width])
}
