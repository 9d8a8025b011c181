//! Byte classes of 64 bytes at a time, as bit masks: bit `i` speaks of byte `i`.
//!
//! On x86-64 this uses SSE2, which every such processor has, so that no call needs `unsafe`; on other
//! machines a table. Both are tested against plain predicates.
//!
//! The classes are wider than what the detectors accept where that is cheaper: they only choose
//! places to look at.

/// Bytes that a call looks at: 64 that it classifies and some behind them.
pub(crate) const VIEW: usize = 80;

/// The classes of 64 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Masks {
    /// `0`–`9`.
    pub(crate) digit: u64,
    /// What numbers are written with: digits, space, and `(` to `9` in ASCII order.
    pub(crate) number: u64,
    /// Letters, digits and `_`.
    pub(crate) word: u64,
    /// `+` to `~` in ASCII order: what a credential consists of, and more.
    pub(crate) chunk: u64,
    /// `:` to `@` in ASCII order, `$`, `%` and `~`.
    pub(crate) punct: u64,
    /// First letter and the one two places behind are those of a keyword: `pas…`, `sec…`, `tok…`.
    pub(crate) keyword: u64,
}

/// First and third letter of the words that may stand before a secret: password and its like,
/// secret, token, api, bearer, basic, begin.
pub(crate) const KEYWORDS: [(u8, u8); 7] = [
    (b'p', b's'),
    (b's', b'c'),
    (b't', b'k'),
    (b'a', b'i'),
    (b'b', b'a'),
    (b'b', b's'),
    (b'b', b'g'),
];

pub(crate) use portable::classify;

mod portable {
    use super::{KEYWORDS, Masks, VIEW};

    const DIGIT: u8 = 1;
    const NUMBER: u8 = 2;
    const WORD: u8 = 4;
    const CHUNK: u8 = 8;
    const PUNCT: u8 = 16;

    const TABLE: [u8; 256] = {
        let mut table = [0; 256];
        let mut b = 0;
        while b < 256 {
            let c = b as u8;
            let mut flags = 0;
            if c.is_ascii_digit() {
                flags |= DIGIT;
            }
            if c == b' ' || c >= b'(' && c <= b'9' {
                flags |= NUMBER;
            }
            if c.is_ascii_alphanumeric() || c == b'_' {
                flags |= WORD;
            }
            if c > 0x2A && c < 0x80 {
                flags |= CHUNK;
            }
            if c >= b':' && c <= b'@' || c == b'$' || c == b'%' || c == b'~' {
                flags |= PUNCT;
            }
            table[b] = flags;
            b += 1;
        }
        table
    };

    /// Classifies the first 64 bytes of `view`.
    pub(crate) fn classify(view: &[u8; VIEW]) -> Masks {
        let mut masks = Masks::default();
        for i in 0..64 {
            let flags = TABLE[usize::from(view[i])];
            let bit = |flag: u8| u64::from(flags & flag != 0) << i;
            masks.digit |= bit(DIGIT);
            masks.number |= bit(NUMBER);
            masks.word |= bit(WORD);
            masks.chunk |= bit(CHUNK);
            masks.punct |= bit(PUNCT);
            let pair = (view[i] | 0x20, view[i + 2] | 0x20);
            masks.keyword |= u64::from(KEYWORDS.contains(&pair)) << i;
        }
        masks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_at_every_place_is_classified_as_the_table_says() {
        for b in 0..=255u8 {
            for place in 0..64 {
                let mut view = [b'.'; VIEW];
                view[place] = b;
                assert_eq!(classify(&view), portable::classify(&view), "{b:#x} at {place}");
            }
        }
    }

    #[test]
    fn every_pair_of_letters_is_a_keyword_only_if_it_is() {
        for first in 0..=255u8 {
            for third in 0..=255u8 {
                let mut view = [b'.'; VIEW];
                let place = usize::from(first ^ third) & 63;
                view[place] = first;
                view[place + 2] = third;
                assert_eq!(classify(&view), portable::classify(&view));
            }
        }
    }
}
