//! What connects a key with its value, read forwards from the end of the key: signs, arrows, comparisons, signs of
//! other scripts, encoded signs.
//!
//! Reads at most a few hundred bytes, and allocates nothing.

use super::{extent, gap, literal};
use crate::bytes::{SPACE, at};

/// A sign after a key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sign {
    /// The position after it.
    pub(super) end: usize,
    /// The position of a plain `=` or `:` that only quotes and spaces separate from the key.
    pub(super) plain: Option<usize>,
    /// A plain colon, as in sentences.
    pub(super) colon: bool,
    /// A comparison.
    pub(super) compares: bool,
    /// An arrow, which code has, too.
    pub(super) arrow: bool,
    /// The sign is encoded.
    pub(super) encoded: bool,
    /// A quote is between the key and the sign.
    pub(super) quoted: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Equals,
    Colon,
    Compares,
    Arrow,
    Encoded,
    EncodedColon,
}

/// All signs, the longer ones first.
#[rustfmt::skip]
const SIGNS: [(&[u8], Kind); 40] = [
    (b"===", Kind::Compares), (b"!==", Kind::Compares), (b"==", Kind::Compares),
    (b"!=", Kind::Compares), (b"=>", Kind::Equals), (b"->", Kind::Arrow), (b"~>", Kind::Arrow),
    (b":=", Kind::Equals), (b"::=", Kind::Equals), (b"||=", Kind::Equals), (b"??=", Kind::Equals),
    (b"?=", Kind::Equals), (b".=", Kind::Equals), (b"+=", Kind::Equals), (b"=", Kind::Equals),
    (b"://", Kind::Compares), (b"::", Kind::Compares), (b":", Kind::Colon),
    ("：".as_bytes(), Kind::Colon), ("＝".as_bytes(), Kind::Equals),
    ("→".as_bytes(), Kind::Arrow), ("⇒".as_bytes(), Kind::Arrow),
    (b"%3D", Kind::Encoded), (b"%3d", Kind::Encoded), (b"%253D", Kind::Encoded),
    (b"%253d", Kind::Encoded), (b"%25253D", Kind::Encoded), (b"\\u003d", Kind::Encoded),
    (b"\\u003D", Kind::Encoded), (b"\\x3d", Kind::Encoded), (b"\\x3D", Kind::Encoded),
    (b"&#61;", Kind::Encoded), (b"&equals;", Kind::Encoded), (b"&#x3d;", Kind::Encoded),
    (b"%3A", Kind::EncodedColon), (b"%3a", Kind::EncodedColon), (b"%253A", Kind::EncodedColon),
    (b"%253a", Kind::EncodedColon), (b"\\u003a", Kind::EncodedColon), (b"&#58;", Kind::EncodedColon),
];

/// The sign after the key that ends at `end`.
pub(super) fn after(input: &[u8], end: usize) -> Option<Sign> {
    let mut pos = end + gap::decoration(input, end);
    let quote = quote_len(input, pos);
    let inner = gap::decoration(input, pos + quote);
    let mut decorated = pos > end || inner > 0;
    pos += quote + inner;
    loop {
        let len = bracket_len(input, pos);
        decorated |= len > 1;
        pos += len;
        if len == 0 || pos > end + 24 {
            break;
        }
    }
    let gap = gap::spaces(input, pos);
    if gap > SPACE.run(input, pos, gap) {
        decorated = true;
    }
    pos += gap;
    let rest = &input[pos..];
    if !matches!(rest, [b'!'..=b'?' | b'\\' | b'|' | b'~' | 0xE2 | 0xEF, ..]) {
        return None;
    }
    let (len, kind) = sign_at_start(rest)?;
    if kind == Kind::Compares && rest[0] == b':' {
        return None;
    }
    let plain = !decorated && matches!(rest[0], b'=' | b':') && kind != Kind::Compares;
    Some(Sign {
        end: pos + len,
        plain: plain.then_some(pos),
        colon: matches!(kind, Kind::Colon | Kind::EncodedColon),
        compares: kind == Kind::Compares,
        arrow: kind == Kind::Arrow,
        encoded: matches!(kind, Kind::Encoded | Kind::EncodedColon),
        quoted: quote > 0,
    })
}

/// The length and the kind of the sign that `text` starts with.
fn sign_at_start(text: &[u8]) -> Option<(usize, Kind)> {
    match text {
        [b'=', b'=' | b'>', ..] | [b':', b':' | b'=' | b'/', ..] => {}
        [b'=', ..] => return Some((1, Kind::Equals)),
        [b':', ..] => return Some((1, Kind::Colon)),
        _ => {}
    }
    let starts = |sign: &[u8]| sign.first() == text.first() && text.starts_with(sign);
    SIGNS.iter().find(|(sign, _)| starts(sign)).map(|&(sign, kind)| (sign.len(), kind))
}

/// The length of a bracket at `pos`, which may be encoded: `user[password]`, `user%5Bpassword%5D`.
fn bracket_len(input: &[u8], pos: usize) -> usize {
    match input.get(pos..).unwrap_or_default() {
        [b'[' | b']', ..] => 1,
        // `$cfg{password} = …`
        [b'}', b'=', ..] | [b'}', b' ', b'=', ..] => 1,
        [b'%', b'5', b'B' | b'D' | b'b' | b'd', ..] => 3,
        _ => 0,
    }
}

/// The length of a quote at `pos`, with the backslashes before it, or of an encoded one.
pub(super) fn quote_len(input: &[u8], pos: usize) -> usize {
    match at(input, pos) {
        b'"' | b'\'' | b'`' => 1,
        b'\\' => match extent::quote_at(input, pos) {
            Some((slashes, _)) => slashes + 1,
            None => literal::encoded_len(input, pos),
        },
        b'&' | b'%' => literal::encoded_len(input, pos),
        _ => 0,
    }
}
