//! A memory of the keys before signs that turned out harmless: a service logs few different keys, each of them often.
//!
//! Promises: a fixed size, direct-mapped; nothing is allocated after its creation. It never changes what is found: a key
//! that is not remembered goes through the filter, as does every key that could depend on the bytes around it.

use super::byte_masks::Places;
use super::bytes::ByteSet;
use super::key_tails;
use super::rules::Rules;

const SLOTS: usize = 512;
/// Most bytes of a key that is remembered.
const KEY_BYTES_MAX: u32 = 15;

/// Bytes before a key that can belong to it; after all others the key is known from its own bytes.
const JOINS: ByteSet =
    ByteSet::of(&[b'.', b'\\', b'-', b'[', b'\\', b']', b'%', b'\\', b'\\', b'*', 0x80, b'-', 0xFF]);

/// Keys that the word before them can make sensitive: `customer name: …`.
const SECOND_WORDS: [&[u8]; 7] =
    [b"name", b"address", b"number", b"key", b"code", b"security", b"phone"];

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
    slots: Box<[Known; SLOTS]>,
}

impl SignMemo {
    pub(crate) fn new() -> SignMemo {
        SignMemo { slots: Box::new([Known::default(); SLOTS]) }
    }

    /// Forgets everything: the rules have changed.
    pub(crate) fn clear(&mut self) {
        self.slots.fill(Known::default());
    }

    /// Whether nothing is to be found at the sign `:` or `=` at `pos`, bit `i` of the block of `places`.
    ///
    /// False says nothing. Must not be asked if the rules check every sign.
    #[inline(always)]
    pub(crate) fn is_harmless(
        &mut self,
        rules: &Rules,
        input: &[u8],
        pos: usize,
        places: &Places,
    ) -> bool {
        let Some(Some(near)) = input.get(pos.wrapping_sub(17)..).map(<[u8]>::first_chunk::<19>)
        else {
            return false;
        };
        let (sign, next, last) = (near[17], near[18], near[16]);
        if sign == b':' && (matches!(next, b'/' | b'A') || last.is_ascii_digit()) {
            // The colon of a time; an address, a token, a port.
            return last.is_ascii_digit() && next.is_ascii_digit();
        }
        let quote = usize::from(last == b'"');
        // The bit of the byte before the key's end is the highest one.
        let word = places.word_before(pos) << quote;
        let begin = places.begin_before(pos) << quote;
        let len = (!word).leading_zeros().min(begin.leading_zeros() + 1);
        if !(1..=KEY_BYTES_MAX).contains(&len) {
            return false;
        }
        // Up to 15 bytes of the 16 that end at the key's end.
        let end = 17 - quote;
        let begins = begin << (len - 1) >> 63 != 0;
        if !begins && JOINS.has(near[end - 1 - len as usize]) {
            return false;
        }
        let key = Known::of(near, end, len);
        let slot = key.slot();
        self.slots[slot] == key || self.decide(rules, input, pos - quote, len as usize, key)
    }

    /// Decides about the key that ends at `end`, and remembers it if it is harmless.
    #[cold]
    #[inline(never)]
    fn decide(&mut self, rules: &Rules, input: &[u8], end: usize, len: usize, key: Known) -> bool {
        // No byte of a key, before and after it.
        let mut text = [b'\n'; 8 + KEY_BYTES_MAX as usize + 1];
        let sign = 8 + len;
        text[8..sign].copy_from_slice(&input[end - len..end]);
        text[sign] = b'=';
        let is_second = SECOND_WORDS.iter().any(|word| word.eq_ignore_ascii_case(&text[8..sign]));
        let is_harmless = !is_second && !key_tails::may_be(rules, &text[..=sign], sign);
        if is_harmless {
            self.slots[key.slot()] = key;
        }
        is_harmless
    }
}

impl Known {
    /// The `len` bytes of `near` before `end`; `len` is 1 to 15, `end` 16 or 17.
    #[inline(always)]
    fn of(near: &[u8; 19], end: usize, len: u32) -> Known {
        let eight = |from: usize| {
            near.get(from..).and_then(<[u8]>::first_chunk).map_or(0, |eight| u64::from_le_bytes(*eight))
        };
        let (first, last) = (eight(end - 16), eight(end - 8));
        if len <= 8 {
            return Known { first: 0, last: last >> (64 - 8 * len) };
        }
        Known { first: first >> (128 - 8 * len), last }
    }

    #[inline(always)]
    fn slot(self) -> usize {
        let hash = (self.first.rotate_left(29) ^ self.last).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (hash >> 55) as usize % SLOTS
    }
}
