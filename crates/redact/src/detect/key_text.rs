//! Keys in a text: where the identifier starts and ends, and how it is decided.
//!
//! Reads at most [`KEY_BYTES_MAX`] bytes in each direction, and allocates nothing.

use super::gap;
use crate::bytes::{ByteSet, HEX, at, before};
use crate::hits::Finder;
use crate::kind::KeyClass;

pub(super) const KEY: ByteSet = ByteSet::of(b"A-Za-z0-9_.\\-");
pub(super) const KEY_BYTES_MAX: usize = 64;
/// Bytes of invisible characters within a key.
const INVISIBLE: ByteSet =
    ByteSet::of(&[0x80, b'-', 0x8F, 0xA0, b'-', 0xAE, 0xBB, b'-', 0xBF, 0xC2, 0xE2, 0xEF]);

/// A key in a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) quoted: bool,
}

/// How far the rest of an escape reaches into the identifier at `start`: `3F` of `%3Fpassword`, `n` of `\npassword`,
/// `u0022` of `\u0022password`.
pub(super) fn escape_len(input: &[u8], start: usize) -> usize {
    let rest = input.get(start..).unwrap_or_default();
    let hex = |from: usize, count: usize| HEX.run(rest, from, count) == count;
    match (before(input, start), at(rest, 0)) {
        (b'%', _) => {
            let mut len = 0;
            while rest[len..].starts_with(b"25") && hex(len + 2, 2) {
                len += 2;
            }
            if hex(len, 2) { len + 2 } else { 0 }
        }
        (b'\\', b'n' | b'r' | b't') => 1,
        (b'\\', b'x') if hex(1, 2) => 3,
        (b'\\', b'u') if hex(1, 4) => 5,
        (b'[' | b';', b'0'..=b'9' | b'm') => gap::colour_rest(input, start),
        _ => 0,
    }
}

/// The identifier around `pos`, without the dots and dashes at its ends; `None` if it is too long.
pub(super) fn around(input: &[u8], pos: usize) -> Option<Key> {
    let mut start = pos;
    loop {
        let run = KEY.run_back(input, start, KEY_BYTES_MAX + 1);
        start -= run;
        if pos - start > KEY_BYTES_MAX {
            return None;
        }
        if before(input, start).is_ascii() {
            break;
        }
        let marks = INVISIBLE.run_back(input, start, 3);
        let from = start - marks;
        let joined = (2..=3).contains(&marks) && gap::invisible(input, from) == marks;
        if !joined || !KEY.has(before(input, from)) {
            break;
        }
        start = from;
    }
    let mut end = pos;
    loop {
        end += KEY.run(input, end, KEY_BYTES_MAX + 1);
        if end - start > KEY_BYTES_MAX {
            return None;
        }
        let marks = gap::invisible(input, end);
        if marks == 0 || !KEY.has(at(input, end + marks)) {
            break;
        }
        end += marks;
    }
    trimmed(input, start, end)
}

/// The identifier in `start..end`, without what cannot be at its ends.
pub(super) fn trimmed(input: &[u8], mut start: usize, mut end: usize) -> Option<Key> {
    start += escape_len(input, start);
    while start < end && !input[start].is_ascii_alphabetic() {
        start += 1;
    }
    // `-Dpassword=x`: a property of Java.
    let property = before(input, start) == b'-' && at(input, start) == b'D';
    start += usize::from(property && at(input, start + 1).is_ascii_lowercase());
    while end > start && matches!(input[end - 1], b'.' | b'-' | b'_') {
        end -= 1;
    }
    (end >= start + 2).then_some(Key { start, end, quoted: false })
}

/// The class of the key, which may contain invisible characters.
pub(super) fn class(finder: &Finder<'_>, key: Key) -> KeyClass {
    let text = &finder.input[key.start..key.end];
    if text.is_ascii() {
        let class = finder.key_class(text);
        return if class == KeyClass::Plain && is_setting(text) {
            KeyClass::Password
        } else {
            class
        };
    }
    let (mut plain, mut len) = ([0u8; KEY_BYTES_MAX], 0);
    let (mut i, end) = (key.start, key.end);
    while i < end {
        let marks = gap::invisible(finder.input, i);
        if marks == 0 {
            let Some(slot) = plain.get_mut(len) else { break };
            *slot = finder.input[i];
            len += 1;
        }
        i += marks.max(1);
    }
    finder.key_class(&plain[..len])
}

/// Settings of Redis whose names look like those of flags; [`super::kv`] does not know them.
pub(super) fn is_setting(text: &[u8]) -> bool {
    text.eq_ignore_ascii_case(b"requirepass") || text.eq_ignore_ascii_case(b"masterauth")
}
