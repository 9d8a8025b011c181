//! Quoted texts: plain, escaped, tripled, and with quotes that are themselves encoded.
//!
//! Reads to the closing quote, or to the end of the text if there is none.

use super::extent;
use crate::bytes::{ByteSet, at};

/// A quoted text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Literal {
    /// The content.
    pub(super) start: usize,
    pub(super) end: usize,
    /// The position after the closing quote.
    pub(super) next: usize,
    /// The closing quote is missing.
    pub(super) open: bool,
}

/// Quotes that are written in another way.
const ENCODED: [&[u8]; 16] = [
    b"&quot;", b"&#34;", b"&#x22;", b"&apos;", b"&#39;", b"&#x27;", b"&#039;", b"%22", b"%27",
    b"%2522", b"%2527", b"\\u0022", b"\\u0027", b"\\x22", b"\\x27", b"%252522",
];
/// An encoded text longer than this ends with its line.
const ENCODED_BYTES_MAX: usize = 4096;
const PREFIX: ByteSet = ByteSet::of(b"bBuUrRfFLN@");

/// The length of the encoded quote at `pos`, or 0.
#[inline]
pub(super) fn encoded_len(input: &[u8], pos: usize) -> usize {
    if !matches!(at(input, pos), b'&' | b'%' | b'\\') {
        return 0;
    }
    let rest = &input[pos..];
    ENCODED.iter().find(|quote| rest.starts_with(quote)).map_or(0, |quote| quote.len())
}

/// Whether a quoted text starts at `pos`, without a prefix.
#[inline]
pub(super) fn opens(input: &[u8], pos: usize) -> bool {
    match at(input, pos) {
        b'"' | b'\'' | b'`' => true,
        b'\\' | b'&' | b'%' => {
            extent::quote_at(input, pos).is_some() || encoded_len(input, pos) > 0
        }
        _ => false,
    }
}

/// The quoted text whose opening quote is at `pos`.
pub(super) fn at_quote(input: &[u8], pos: usize) -> Option<Literal> {
    if !opens(input, pos) {
        return None;
    }
    let encoded = encoded_len(input, pos);
    if encoded > 0 {
        return Some(encoded_text(input, pos, encoded));
    }
    let (slashes, quote) = extent::quote_at(input, pos).unwrap_or((0, at(input, pos)));
    let start = pos + slashes + 1;
    let quotes = [quote; 3];
    if slashes == 0 && input[pos..].starts_with(&quotes) {
        return Some(tripled(input, pos + 3, quotes));
    }
    if slashes > 1 {
        let (extent, leaf) = extent::string(input, pos, false, 0)?;
        let end = extent.masked_end(input).max(leaf.start);
        let next = if leaf.open { end } else { leaf.end + slashes + 1 };
        return Some(Literal { start: leaf.start, end, next, open: leaf.open });
    }
    let end = quoted_end(input, start, quote, slashes == 1);
    Some(Literal { start, end, next: end + slashes + 1, open: end == input.len() })
}

/// The quoted text at `pos`, which may have a prefix: `b"…"`, `N'…'`.
pub(super) fn prefixed(input: &[u8], pos: usize) -> Option<Literal> {
    let prefix = PREFIX.run(input, pos, 2);
    at_quote(input, pos).or_else(|| at_quote(input, pos + prefix))
}

/// SQL's quoted text at `pos`, in which a quote is doubled: `'it''s'`.
pub(super) fn sql(input: &[u8], pos: usize) -> Option<Literal> {
    let mut text = prefixed(input, pos)?;
    let quote = at(input, text.end);
    while !text.open && text.next == text.end + 1 && at(input, text.next) == quote {
        text.end = quoted_end(input, text.next + 1, quote, false);
        text.next = text.end + 1;
        text.open = text.end == input.len();
    }
    Some(text)
}

/// Where a quoted text ends: at the closing quote. It is preceded by a backslash exactly if the opening quote is.
fn quoted_end(input: &[u8], start: usize, quote: u8, escaped: bool) -> usize {
    let rest = input.get(start..).unwrap_or_default();
    let mut i = 0;
    while i < rest.len() {
        match rest[i] {
            b'\\' if escaped && at(rest, i + 1) == quote => return start + i,
            b'\\' => i += 2,
            byte if byte == quote => return start + i,
            _ => i += 1,
        }
    }
    start + i.min(rest.len())
}

/// A text in three quotes on each side.
fn tripled(input: &[u8], start: usize, quotes: [u8; 3]) -> Literal {
    let rest = input.get(start..).unwrap_or_default();
    let found = rest.windows(3).position(|three| three == quotes);
    let end = start + found.unwrap_or(rest.len());
    Literal { start, end, next: (end + 3).min(input.len()), open: found.is_none() }
}

/// A text between encoded quotes.
fn encoded_text(input: &[u8], pos: usize, len: usize) -> Literal {
    let (quote, start) = (&input[pos..pos + len], pos + len);
    let rest = &input[start..input.len().min(start + ENCODED_BYTES_MAX)];
    let line = rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
    let found = rest[..line].windows(len).position(|part| part == quote);
    let end = start + found.unwrap_or(line);
    let next = if found.is_some() { end + len } else { end };
    Literal { start, end, next, open: found.is_none() }
}
