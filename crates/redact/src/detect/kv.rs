//! `key=value`, `key: value`, `"key": "value"` inside texts, anchored at the sign.
//!
//! The identifier before the sign goes through the same key decision as a structured key; the text after it is a value
//! of that class.

use super::{kv_value, shape};
use crate::bytes::{ByteSet, SPACE, at, before};
use crate::hits::Finder;
use crate::key_tails::{may_be, quote_end};
use crate::key_words as words;
use crate::kind::KeyClass;

const KEY: ByteSet = ByteSet::of(b"A-Za-z0-9_.\\-");
const KEY_BYTES_MAX: usize = 64;

/// A key in a text.
struct Key {
    start: usize,
    end: usize,
    quoted: bool,
}

/// `pos` is a `=` or a `:`.
pub(super) fn find(finder: &mut Finder<'_>, pos: usize) {
    let input = finder.input;
    if pos < finder.kv_from || !may_be(finder.rules, input, pos) {
        return;
    }
    let Some((behind, colon)) = sign_end(input, pos) else { return };
    let Some(key) = key_before(input, pos) else { return };
    finder.spend(key.end - key.start + 8);
    if behind > pos && at(input, pos) == b'=' {
        shape::azure(finder, &input[key.start..key.end], behind);
    }
    let (class, two_words) = decide(finder, &key);
    if class == KeyClass::Plain {
        return;
    }
    if before(input, key.start) == b'/' && class != KeyClass::Password {
        return;
    }
    let i = behind + SPACE.run(input, behind, 3);
    let found = kv_value::Found {
        class,
        key: &input[key.start..key.end],
        two_words,
        colon,
        quoted_key: key.quoted,
        query: matches!(before(input, key.start), b'?' | b'&'),
    };
    kv_value::find(finder, &found, i);
}

/// The end of the sign at `pos`, and whether it is a plain colon; `None` if it is not an assignment.
fn sign_end(input: &[u8], pos: usize) -> Option<(usize, bool)> {
    if matches!(before(input, pos), b':' | b'=' | b'!' | b'<' | b'>') {
        return None;
    }
    match &input[pos..] {
        [b'=', b'>', ..] => Some((pos + 2, false)),
        [b'=', b'=', ..] => None,
        [b'=', ..] => Some((pos + 1, false)),
        [b':', b'=', ..] => Some((pos + 2, false)),
        [b':', b':', b'=', ..] => Some((pos + 3, false)),
        [b':', b':', b':', b'=', ..] => Some((pos + 4, false)),
        [b':', b':', ..] | [b':', b'/', b'/', ..] => None,
        _ => Some((pos + 1, true)),
    }
}

/// The identifier before the sign at `pos`, with a quote and up to three spaces between.
fn key_before(input: &[u8], pos: usize) -> Option<Key> {
    let (mut end, quoted) = quote_end(input, pos);
    let run = KEY.run_back(input, end, KEY_BYTES_MAX + 1);
    if run > KEY_BYTES_MAX {
        return None;
    }
    let mut start = end - run;
    if before(input, start) == b'*' {
        return None;
    }
    while start < end && !input[start].is_ascii_alphabetic() {
        start += 1;
    }
    while end > start && matches!(input[end - 1], b'.' | b'-' | b'_') {
        end -= 1;
    }
    (end - start >= 2).then_some(Key { start, end, quoted })
}

/// The key decision, and whether it used the preceding word: `customer name: …`.
fn decide(finder: &Finder<'_>, key: &Key) -> (KeyClass, bool) {
    let input = finder.input;
    let text = &input[key.start..key.end];
    if !key.quoted && before(input, key.start) == b' ' && text.len() <= 8 {
        let class = two_words(finder, key, text);
        if class != KeyClass::Plain {
            return (class, true);
        }
    }
    (finder.rules.key(text, None), false)
}

fn two_words(finder: &Finder<'_>, key: &Key, text: &[u8]) -> KeyClass {
    let mut low = [0u8; 8];
    low[..text.len()].copy_from_slice(text);
    low.make_ascii_lowercase();
    let word = &low[..text.len()];
    if !matches!(word, b"name" | b"address" | b"number" | b"key" | b"code" | b"security" | b"phone")
    {
        return KeyClass::Plain;
    }
    let end = key.start - 1;
    let len = ByteSet::of(b"A-Za-z").run_back(finder.input, end, 16);
    if !(2..=14).contains(&len) || KEY.has(before(finder.input, end - len)) {
        return KeyClass::Plain;
    }
    let mut both = [0u8; 24];
    let first = &mut both[..len];
    first.copy_from_slice(&finder.input[end - len..end]);
    first.make_ascii_lowercase();
    if word == b"address" && !words::lives_at(first) {
        return KeyClass::Plain;
    }
    both[len] = b'_';
    both[len + 1..len + 1 + word.len()].copy_from_slice(word);
    finder.rules.key(&both[..len + 1 + word.len()], None)
}
