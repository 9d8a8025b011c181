//! `key=value`, `key: value`, `"key": "value"` inside texts, anchored at the sign.
//!
//! The identifier before the sign goes through the same key decision as a structured key; what
//! follows is a value of that class.

use super::{kv_value, shape};
use crate::redact::bytes::{ByteSet, SPACE, at, before};
use crate::redact::find::Finder;
use crate::redact::key_words as words;
use crate::redact::kind::KeyClass;

const KEY: ByteSet = ByteSet::of(b"A-Za-z0-9_.\\-");
const KEY_BYTES_MAX: usize = 64;
const DIGIT: ByteSet = ByteSet::of(b"0-9");

/// A key in a text.
struct Key {
    start: usize,
    end: usize,
    quoted: bool,
}

/// A filter in front of [`find`]: whether the bytes before the sign at `p` can end a telling key.
///
/// Looks at the last three letters of the key only; wrong in one direction, never in the other.
#[inline]
pub(crate) fn may_be(f: &crate::redact::rules::Rules, v: &[u8], p: usize) -> bool {
    let b = before(v, p);
    if b.is_ascii_alphabetic() {
        return f.key_tails.may_end(v, p);
    }
    if b.is_ascii_digit() {
        return !at(v, p + 1).is_ascii_digit() || at(v, p) == b'=';
    }
    matches!(b, b' ' | b'\t' | b'"' | b'\'' | b'?' | b'_' | b'-' | b'.')
}

/// `p` is a `=` or a `:`.
pub(super) fn find(f: &mut Finder<'_>, p: usize) {
    let v = f.v;
    if p < f.kv_from || !may_be(f.rules, v, p) {
        return;
    }
    let Some((behind, colon)) = sign_end(v, p) else { return };
    let Some(key) = key_before(v, p) else { return };
    f.spend(key.end - key.start + 8);
    if behind > p && at(v, p) == b'=' {
        shape::azure(f, &v[key.start..key.end], behind);
    }
    let (class, two_words) = decide(f, &key);
    if class == KeyClass::Plain {
        return;
    }
    if before(v, key.start) == b'/' && !class.is_secret() {
        return;
    }
    let mut i = behind;
    i += SPACE.run(v, i, 3);
    let text = &v[key.start..key.end];
    kv_value::find(
        f,
        &kv_value::Found { class, key: text, two_words, colon, quoted_key: key.quoted },
        i,
    );
}

/// Where the sign at `p` ends, and whether it is a plain colon; `None` if it is no assignment.
fn sign_end(v: &[u8], p: usize) -> Option<(usize, bool)> {
    if matches!(before(v, p), b':' | b'=' | b'!' | b'<' | b'>') {
        return None;
    }
    match &v[p..] {
        [b'=', b'>', ..] => Some((p + 2, false)),
        [b'=', b'=', ..] => None,
        [b'=', ..] => Some((p + 1, false)),
        [b':', b'=', ..] => Some((p + 2, false)),
        [b':', b':', b'=', ..] => Some((p + 3, false)),
        [b':', b':', b':', b'=', ..] => Some((p + 4, false)),
        [b':', b':', ..] | [b':', b'/', b'/', ..] => None,
        _ => Some((p + 1, true)),
    }
}

/// The identifier in front of the sign at `p`, with a quote and up to three spaces between.
fn key_before(v: &[u8], p: usize) -> Option<Key> {
    let mut end = p;
    if before(v, end) == b'?' {
        end -= 1;
    }
    end -= ByteSet::of(b" \t").run_back(v, end, 3);
    let quoted = matches!(before(v, end), b'"' | b'\'');
    if quoted {
        end -= 1;
        end -= usize::from(before(v, end) == b'\\');
    }
    let run = KEY.run_back(v, end, KEY_BYTES_MAX + 1);
    if run > KEY_BYTES_MAX {
        return None;
    }
    let mut start = end - run;
    if before(v, start) == b'*' {
        return None;
    }
    while start < end && !v[start].is_ascii_alphabetic() {
        start += 1;
    }
    while end > start && matches!(v[end - 1], b'.' | b'-' | b'_') {
        end -= 1;
    }
    (end - start >= 2).then_some(Key { start, end, quoted })
}

/// The key decision, and whether it took the word before: `customer name: …`.
fn decide(f: &Finder<'_>, key: &Key) -> (KeyClass, bool) {
    let v = f.v;
    let text = &v[key.start..key.end];
    if !key.quoted && before(v, key.start) == b' ' && text.len() <= 8 {
        let class = two_words(f, key, text);
        if class != KeyClass::Plain {
            return (class, true);
        }
    }
    (f.rules.key(text, None), false)
}

fn two_words(f: &Finder<'_>, key: &Key, text: &[u8]) -> KeyClass {
    let mut low = [0u8; 8];
    low[..text.len()].copy_from_slice(text);
    low.make_ascii_lowercase();
    let word = &low[..text.len()];
    if !matches!(word, b"name" | b"address" | b"number" | b"key" | b"code" | b"security" | b"phone")
    {
        return KeyClass::Plain;
    }
    let end = key.start - 1;
    let len = ByteSet::of(b"A-Za-z").run_back(f.v, end, 16);
    if !(2..=14).contains(&len) || KEY.has(before(f.v, end - len)) {
        return KeyClass::Plain;
    }
    let mut both = [0u8; 24];
    let first = &mut both[..len];
    first.copy_from_slice(&f.v[end - len..end]);
    first.make_ascii_lowercase();
    if word == b"address" && !words::lives_at(first) {
        return KeyClass::Plain;
    }
    both[len] = b'_';
    both[len + 1..len + 1 + word.len()].copy_from_slice(word);
    f.rules.key(&both[..len + 1 + word.len()], None)
}

/// Drops trailing digits and their separator: `address_2` ends like `address`.
fn tail_end(v: &[u8], end: usize) -> usize {
    end - DIGIT.run_back(v, end, 4)
}

/// Which endings of three letters a telling key can have.
#[derive(Debug, Clone)]
pub(crate) struct KeyTails {
    bits: Box<[u64; 512]>,
}

/// Five bits of each of the last three letters, whatever their case.
fn tail_index(a: u8, b: u8, c: u8) -> usize {
    usize::from(a & 31) << 10 | usize::from(b & 31) << 5 | usize::from(c & 31)
}

impl KeyTails {
    /// The endings of the built-in words.
    pub(crate) fn new() -> KeyTails {
        let mut tails = KeyTails { bits: Box::new([0; 512]) };
        for word in words::LAST_TOKENS {
            tails.add(word);
        }
        tails
    }

    /// Lets every key through, for rules that look inside words.
    pub(crate) fn open(&mut self) {
        self.bits.fill(u64::MAX);
    }

    /// Adds the ending of `word`, and of its plural.
    pub(crate) fn add(&mut self, word: &[u8]) {
        let end = tail_end(word, word.len());
        let word = &word[..end];
        self.add_ending(word);
        if let [.., a, b] = *word {
            self.set(tail_index(a, b, b's'));
        }
    }

    fn add_ending(&mut self, word: &[u8]) {
        match *word {
            [.., a, b, c] => self.set(tail_index(a, b, c)),
            [b, c] => (0..32).for_each(|a| self.set(tail_index(a, b, c))),
            _ => self.bits.fill(u64::MAX),
        }
    }

    fn set(&mut self, i: usize) {
        self.bits[i >> 6] |= 1 << (i & 63);
    }

    /// Whether a key that ends right before `end` can be telling.
    #[inline]
    pub(crate) fn may_end(&self, v: &[u8], end: usize) -> bool {
        let Some(from) = end.checked_sub(3) else { return true };
        let Some(&[a, b, c]) = v.get(from..end) else { return false };
        let i = tail_index(a, b, c);
        self.bits[i >> 6] >> (i & 63) & 1 != 0
    }
}
