//! The endings of words for keys, by which the filters before [`super::bare_key`] reject the words of logs.
//!
//! Three filters, each slower and more exact than the one before. They accept too much, but never reject a word that
//! [`super::bare_key`] finds telling. Constant tables: allocates nothing.

use super::words::{SECRETS, SMALL, SOMETIMES};

/// A hash of three bytes, whatever the case of letters.
const fn ending_index(three: u32, factor: u32) -> usize {
    ((three & 0x001F_1F1F).wrapping_mul(factor) >> 20) as usize
}

/// A set of three bytes, by a hash.
struct Endings<const FACTOR: u32>([u64; 64]);

impl<const FACTOR: u32> Endings<FACTOR> {
    #[inline(always)]
    fn has(&self, three: u32) -> bool {
        let i = ending_index(three, FACTOR);
        self.0[i >> 6] >> (i & 63) & 1 != 0
    }

    const fn add(&mut self, [a, b, c]: [u8; 3]) {
        let i = ending_index(u32::from_le_bytes([a, b, c, 0]), FACTOR);
        self.0[i >> 6] |= 1 << (i & 63);
    }

    const fn new() -> Self {
        let mut endings = Endings([0; 64]);
        let mut i = 0;
        while i < SECRETS.len() + SOMETIMES.len() {
            let secret = i < SECRETS.len();
            let word = if secret { SECRETS[i] } else { SOMETIMES[i - SECRETS.len()] };
            let [.., a, b, c] = *word else { panic!() };
            endings.add([a, b, c]);
            endings.add([b, c, b's']);
            // `key1`, `key 1`, but not `access1`.
            let mut digit =
                if matches!(word, b"key" | b"token" | b"secret") { b'1' } else { b'9' + 1 };
            while digit <= b'9' {
                endings.add([b, c, digit]);
                endings.add([c, b' ', digit]);
                digit += 1;
            }
            i += 1;
        }
        i = 0;
        while i < SMALL.len() {
            match *SMALL[i] {
                [.., a, b, c] => endings.add([a, b, c]),
                [b, c] => endings.add([b' ', b, c]),
                _ => panic!(),
            }
            i += 1;
        }
        endings
    }
}

/// Whether a word for keys, or a small word, can end in these three bytes; accepts some others.
#[inline(always)]
pub(super) fn has_ending(three: u32) -> bool {
    static ENDINGS: Endings<0x9E37_79B1> = Endings::new();
    ENDINGS.has(three)
}

/// The same by another hash: what both accept is nearly always an ending.
#[inline(never)]
pub(super) fn has_ending_too(three: u32) -> bool {
    static ENDINGS: Endings<0x85EB_CA6B> = Endings::new();
    ENDINGS.has(three)
}

/// The last eight letters of a word, in lower case, as one number; and the bits of those that the word has.
#[derive(Clone, Copy)]
struct Ending {
    letters: u64,
    bits: u64,
}

impl Ending {
    const fn of(word: &[u8]) -> Ending {
        let (mut letters, mut bits, mut i) = (0, 0, 0);
        while i < word.len() && i < 8 {
            let place = 8 * (7 - i as u32);
            letters |= ((word[word.len() - 1 - i] | SMALL_BIT) as u64) << place;
            bits |= 0xFF << place;
            i += 1;
        }
        Ending { letters, bits }
    }
}

/// The bit that capitals lack.
const SMALL_BIT: u8 = 0x20;

const ENDINGS_MAX: usize = SECRETS.len() + SOMETIMES.len() + SMALL.len();
static WORD_ENDINGS: [Ending; ENDINGS_MAX] = {
    let mut endings = [Ending { letters: 0, bits: 0 }; ENDINGS_MAX];
    let mut i = 0;
    while i < ENDINGS_MAX {
        let word = if i < SECRETS.len() {
            SECRETS[i]
        } else if i < SECRETS.len() + SOMETIMES.len() {
            SOMETIMES[i - SECRETS.len()]
        } else {
            SMALL[i - SECRETS.len() - SOMETIMES.len()]
        };
        endings[i] = Ending::of(word);
        i += 1;
    }
    endings
};

/// The words by their last letter: a bit for each place in [`WORD_ENDINGS`].
static BY_LAST_LETTER: [u64; 32] = {
    let mut places = [0; 32];
    let mut i = 0;
    while i < ENDINGS_MAX {
        places[(WORD_ENDINGS[i].letters >> 56) as usize & 31] |= 1 << i;
        i += 1;
    }
    places
};

/// Whether a word for keys, its plural or a small word ends before `end`, or a digit: the last of the filters, which
/// `connection` and `success` do not pass.
#[inline(never)]
pub(super) fn ends_in_word(input: &[u8], end: usize) -> bool {
    let mut last = [0; 8];
    let text = &input[end - end.min(8)..end];
    last[8 - text.len()..].copy_from_slice(text);
    let letters = u64::from_le_bytes(last.map(|byte| byte | SMALL_BIT));
    let is_word = |letters: u64, bits: u64| {
        let mut places = BY_LAST_LETTER[(letters >> 56) as usize & 31];
        while places != 0 {
            let ending = WORD_ENDINGS[places.trailing_zeros() as usize];
            if (letters ^ ending.letters) & ending.bits & bits == 0 {
                return true;
            }
            places &= places - 1;
        }
        false
    };
    // Without the s of a plural, the first of eight letters is not known.
    last[7].is_ascii_digit()
        || is_word(letters, !0)
        || last[7] | SMALL_BIT == b's' && is_word(letters << 8, !0xFF)
}
