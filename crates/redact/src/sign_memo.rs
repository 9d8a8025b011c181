//! A memory of the keys before signs, harmless or telling: a service logs few different keys, each of them often.
//!
//! Promises: a fixed size, direct-mapped; nothing is allocated after its creation. It never changes what is found: a
//! key that is not remembered goes through the filter, as does every key that could depend on the bytes around it.

use super::bytes::{ByteSet, is_word};
use super::key_tails;
use super::rules::Rules;

/// Bytes before a sign that are looked at: a key, the byte before it, and a quote.
pub(crate) const BEFORE: usize = 17;
/// Bytes around a sign: those before it, the sign, and the byte after it.
type Near = [u8; BEFORE + 2];

const SLOTS: usize = 512;
/// Most bytes of a key that is remembered.
const KEY_BYTES_MAX: u32 = 15;

/// For each byte: 1 if it belongs to words; 2 if the text before it can belong to the key after it; then the key is not
/// known from its own bytes.
static CLASS: [u8; 256] = {
    const JOINS: ByteSet = ByteSet::of(&[
        b'.', b'\\', b'-', b'[', b'\\', b']', b'%', b'\\', b'\\', b'*', 0x80, b'-', 0xFF,
    ]);
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = is_word(byte as u8) as u8 | (JOINS.has(byte as u8) as u8) << 1;
        byte += 1;
    }
    table
};

/// Keys that the word before them can make sensitive: `customer name: …`.
const SECOND_WORDS: [&[u8]; 9] =
    [b"name", b"address", b"number", b"key", b"code", b"security", b"phone", b"passe", b"sandi"];

/// What is known about a sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Sign {
    /// Nothing is to be found there.
    Harmless,
    /// The filter for keys accepts it.
    Telling,
    /// The filter must be asked.
    #[default]
    Unknown,
}

/// A key that was decided.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    key: Known,
    sign: Sign,
}

/// The last bytes of a key, as two words of eight bytes; bytes before the key are zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Known {
    first: u64,
    last: u64,
}

/// The keys by hash.
#[derive(Debug)]
pub(crate) struct SignMemo {
    /// A free slot holds the empty key, which is never asked for.
    slots: Box<[Slot; SLOTS]>,
}

impl SignMemo {
    pub(crate) fn new() -> SignMemo {
        SignMemo { slots: Box::new([Slot::default(); SLOTS]) }
    }

    /// Forgets everything: the rules have changed.
    pub(crate) fn clear(&mut self) {
        self.slots.fill(Slot::default());
    }

    /// What is known about a `:` or `=`, which a word precedes that starts `back` bytes before it.
    ///
    /// Must not be asked if the rules check every sign.
    #[inline(always)]
    pub(crate) fn ask(&mut self, rules: &Rules, near: &Near, back: u32) -> Sign {
        let (last, sign, next) = (near[BEFORE - 1], near[BEFORE], near[BEFORE + 1]);
        if sign == b':' && last.is_ascii_digit() {
            // The colon of a time. After other digits may be a token, or the colon is that after a port.
            return if next.is_ascii_digit() { Sign::Harmless } else { Sign::Unknown };
        }
        let Some(key) = key_before(near, back) else { return Sign::Unknown };
        let slot = &self.slots[key.index()];
        if slot.key == key { slot.sign } else { self.learn(rules, key) }
    }

    /// [`SignMemo::ask`] for the sign at `pos`.
    #[cfg(test)]
    pub(crate) fn ask_at(&mut self, rules: &Rules, input: &[u8], pos: usize) -> Sign {
        let near = std::array::from_fn(|i| {
            (pos + i).checked_sub(BEFORE).and_then(|at| input.get(at)).copied().unwrap_or(0)
        });
        let end = pos - usize::from(pos > 0 && input[pos - 1] == b'"');
        let word = input[..end].iter().rev().take_while(|byte| is_word(**byte)).count();
        // No text has words of 4 GiB.
        self.ask(rules, &near, (pos - end + word) as u32)
    }

    /// Decides about a key and remembers it.
    #[cold]
    #[inline(never)]
    fn learn(&mut self, rules: &Rules, key: Known) -> Sign {
        // Bytes that belong to no key, the key, a sign.
        let mut text = [b'\n'; 8 + KEY_BYTES_MAX as usize + 1];
        let bytes = [key.first.to_le_bytes(), key.last.to_le_bytes()];
        let bytes = bytes.as_flattened();
        let mut sign = 8;
        for &byte in bytes.iter().filter(|byte| **byte != 0) {
            text[sign] = byte;
            sign += 1;
        }
        text[sign] = b'=';
        // `customer._name`: more than one byte may join the two words.
        let joints = text[8..sign].iter().take_while(|byte| !byte.is_ascii_alphanumeric()).count();
        let word = &text[8 + joints..sign];
        let is_second = SECOND_WORDS.iter().any(|known| known.eq_ignore_ascii_case(word));
        let sign = match key_tails::may_be(rules, &text[..=sign], sign) {
            _ if is_second => Sign::Unknown,
            true => Sign::Telling,
            false => Sign::Harmless,
        };
        self.slots[key.index()] = Slot { key, sign };
        sign
    }
}

/// The key before a sign, with a quote between or without, if nothing but the key decides.
#[inline(always)]
fn key_before(near: &Near, back: u32) -> Option<Known> {
    let (last, sign, next) = (near[BEFORE - 1], near[BEFORE], near[BEFORE + 1]);
    let quote = u32::from(last == b'"');
    // After the scheme of an address other detectors look at the colon.
    let other = sign == b':' && matches!(next, b'/' | b'A');
    let len = back.wrapping_sub(quote);
    if other || len.wrapping_sub(1) >= KEY_BYTES_MAX {
        return None;
    }
    let end = BEFORE - quote as usize;
    let class = |i: usize| CLASS[usize::from(near[i])];
    // `len` is at most 15.
    if class(end - 1) & 1 == 0 || class(end - 1 - len as usize) & 2 != 0 {
        return None;
    }
    Some(Known::of(near, end, len))
}

impl Known {
    /// The `len` bytes of `near` before `end`; `len` is 1 to 15, `end` 16 or 17.
    #[inline(always)]
    fn of(near: &Near, end: usize, len: u32) -> Known {
        let eight = |from: usize| {
            near.get(from..)
                .and_then(<[u8]>::first_chunk)
                .map_or(0, |eight| u64::from_le_bytes(*eight))
        };
        let (first, last) = (eight(end - 16), eight(end - 8));
        // The bytes before the key leave at the low end.
        if len <= 8 {
            return Known { first: 0, last: last >> (64 - 8 * len) };
        }
        Known { first: first >> (128 - 8 * len), last }
    }

    #[inline(always)]
    fn index(self) -> usize {
        let hash = (self.first.rotate_left(29) ^ self.last).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (hash >> 55) as usize % SLOTS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redactor::{RedactOutcome, Redactor};
    use crate::{KeyClass, RuleSet};
    use std::sync::Arc;

    fn redacted(redactor: &mut Redactor, text: &str) -> String {
        let mut out = Vec::new();
        match redactor.value(KeyClass::Plain, text.as_bytes(), false, &mut out) {
            RedactOutcome::Clean => text.to_owned(),
            RedactOutcome::Replaced => String::from_utf8(out).unwrap(),
        }
    }

    #[test]
    fn a_harmless_key_stays_telling_in_another_context() {
        let harmless =
            "2024-07-12T21:00:00Z name=worker key=7 code=12 address=10.0.0.1 number=3 x=1";
        for (text, found) in [
            ("a text before it, then the customer name: Ann Smith", "Ann Smith"),
            ("a text before it, then social security: 123456789", "123456789"),
            ("a text before it, then db.password.name=1 pwd=hunter2x", "hunter2x"),
            ("a text before it, then x=1 my-token=h7Gf52kLm9Qz8", "h7Gf52kLm9Qz8"),
        ] {
            let mut cold = Redactor::new(Arc::new(Rules::standard()));
            let mut warm = Redactor::new(Arc::new(Rules::standard()));
            for _ in 0..3 {
                assert_eq!(redacted(&mut warm, harmless), harmless);
            }
            let want = redacted(&mut cold, text);
            assert_eq!(redacted(&mut warm, text), want, "{text}");
            assert!(!want.contains(found), "{text}");
        }
    }

    #[test]
    fn new_rules_forget_what_was_harmless() {
        let text = "a text before the sign, favourite=hunter2x and more";
        let mut redactor = Redactor::new(Arc::new(Rules::standard()));
        assert_eq!(redacted(&mut redactor, text), text);
        let key = crate::KeyRule { key: "favourite".into(), class: KeyClass::Password };
        let set = RuleSet { keys: vec![key], ..RuleSet::default() };
        redactor.set_rules(Arc::new(Rules::compile(&set).unwrap()));
        assert!(!redacted(&mut redactor, text).contains("hunter2x"));
    }
}
