//! Three implementations that classify 64 bytes: nibble lookup, vector comparison, and plain arithmetic.
//! All give the same result.
//!
//! Promises: uses no memory beyond the stack; accepts any bytes.

use std::marker::PhantomData;

use super::byte_masks::{Classify, Masks, VIEW};
use ringseal_base::simd::{ByteSets, Exact, Load64, Lookup};

const TEN: &[u8] = &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
const A_TO_O: &[u8] = &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
const P_TO_Z: &[u8] = &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

/// The order makes groups of sets ranges of bits.
#[rustfmt::skip]
static CLASSES: ByteSets = ByteSets::new([
    (&[5], &[15]),                               // `_`
    (&[5, 7], P_TO_Z),                           // p to z
    (&[4, 6], A_TO_O),                           // a to o
    (&[3], TEN),                                 // digits
    (&[], &[]),                                  // unused
    (&[3], &[10, 13]),                           // : =
    (&[2], &[4, 5]),                             // $ %
    (&[4], &[0]),                                // @
]);
const WORD: u8 = 0b0000_1111;
const DIGIT: u8 = 0b0000_1000;
const PUNCT: u8 = 0b1110_0000;

/// First letters of keywords, a pair of first and third letter per bit.
#[rustfmt::skip]
static FIRST: ByteSets = ByteSets::new([
    (&[5, 7], &[0]), // p
    (&[5, 7], &[3]), // s
    (&[5, 7], &[4]), // t
    (&[4, 6], &[1]), // a
    (&[4, 6], &[2]), // b
    (&[7], &[14]), // not a keyword, but `~`, whatever follows
]);
const TILDE: u8 = 0b0010_0000;

/// The third letters.
#[rustfmt::skip]
static THIRD: ByteSets = ByteSets::new([
    (&[5, 7], &[3]),  // s
    (&[4, 6], &[3]),  // c
    (&[4, 6], &[11]), // k
    (&[4, 6], &[9]),  // i
    (&[4, 5, 6, 7], &[1, 3, 7]), // a s g, c q w
]);

/// The sets in registers.
pub(super) struct Tables<V: Lookup> {
    classes: V::Table,
    first: V::Table,
    third: V::Table,
}

impl<V: Lookup> Tables<V> {
    #[inline(always)]
    pub(super) fn new() -> Self {
        Tables { classes: V::table(&CLASSES), first: V::table(&FIRST), third: V::table(&THIRD) }
    }
}

/// The 64 bytes of `view` that start at `at`; `at` is at most 2.
#[inline(always)]
fn load<V: Load64>(view: &[u8; VIEW], at: usize) -> V {
    match view.get(at..).map(<[u8]>::first_chunk) {
        Some(Some(part)) => V::load(part),
        _ => V::load(&[0; 64]),
    }
}

impl<V: Lookup + Load64> Classify for Tables<V> {
    #[inline(always)]
    fn classify(&self, view: &[u8; VIEW]) -> Masks {
        let (x, behind) = (load::<V>(view, 0), load::<V>(view, 2));
        let (classes, first) = (x.lookup(self.classes), x.lookup(self.first));
        let third = behind.lookup(self.third).with(TILDE);
        Masks {
            digit: classes.any_of(DIGIT),
            number: !x.above(b'9'),
            word: classes.any_of(WORD),
            chunk: x.above(0x2A),
            rare: classes.any_of_or_common(PUNCT, first, third),
        }
    }
}

/// By comparing bytes.
pub(super) struct Compare<V>(PhantomData<V>);

impl<V> Compare<V> {
    #[inline(always)]
    pub(super) fn new() -> Self {
        Compare(PhantomData)
    }
}

impl<V: Exact + Load64> Classify for Compare<V> {
    #[inline(always)]
    fn classify(&self, view: &[u8; VIEW]) -> Masks {
        let (x, behind) = (load::<V>(view, 0), load::<V>(view, 2));
        let (low, third) = (x.with_bits(0x20), behind.with_bits(0x20));
        let digit = x.within(b'0', b'9');
        let (a, c, s) = (third.equal(b'a'), third.equal(b'c'), third.equal(b's'));
        let few = third.equal(b'g').or(third.equal(b'q')).or(third.equal(b'w'));
        let b = low.equal(b'b').and(a.or(s).or(c).or(few));
        let st = low.equal(b's').and(c).or(low.equal(b't').and(third.equal(b'k')));
        let punct = x.within(b'$', b'%').or(x.equal(b'@')).or(x.equal(b'~'));
        let punct = punct.or(x.equal(b':')).or(x.equal(b'='));
        let pa = low.equal(b'p').and(s).or(low.equal(b'a').and(third.equal(b'i')));
        Masks {
            digit: digit.mask(),
            number: !x.ascii_above(b'9').mask(),
            word: low.within(b'a', b'z').or(digit).or(x.equal(b'_')).mask(),
            chunk: x.ascii_above(0x2A).mask(),
            rare: b.or(st).or(pa).or(punct).mask(),
        }
    }
}

/// In plain arithmetic.
pub(super) struct Portable;

impl Classify for Portable {
    fn classify(&self, view: &[u8; VIEW]) -> Masks {
        portable(view)
    }
}

/// Classifies the first 64 bytes of `view` in plain arithmetic that the compiler can vectorise.
#[inline(always)]
fn portable(view: &[u8; VIEW]) -> Masks {
    let [digit, number, word, chunk, rare, ..] = gather(view);
    Masks { digit, number, word, chunk, rare }
}

/// Eight classes of the first 64 bytes of `view`: one byte of flags per byte, then the bits of each flag
/// gathered by transposing.
#[inline(always)]
fn gather(view: &[u8; VIEW]) -> [u64; 8] {
    let mut words = [0u64; 8];
    let mut flags = [0u8; 64];
    for (i, flags) in flags.iter_mut().enumerate() {
        *flags = flag(view[i], view[i + 2]);
    }
    for (word, bytes) in words.iter_mut().zip(flags.chunks_exact(8)) {
        let mut eight = [0; 8];
        eight.copy_from_slice(bytes);
        *word = transpose(u64::from_le_bytes(eight));
    }
    ::core::array::from_fn(|k| {
        let mut bytes = [0u8; 8];
        for (byte, word) in bytes.iter_mut().zip(words) {
            *byte = (word >> (8 * k)) as u8;
        }
        u64::from_le_bytes(bytes)
    })
}

/// The classes of byte `byte`, two places before `ahead`, as bits.
#[inline(always)]
fn flag(byte: u8, ahead: u8) -> u8 {
    let bit = |is: bool, bit: u8| if is { bit } else { 0 };
    let (low, third) = (byte | 0x20, ahead | 0x20);
    let digit = byte.wrapping_sub(b'0') < 10;
    let letter = low.wrapping_sub(b'a') < 26;
    let pair = |a: u8, b: u8| (low == a) & (third == b);
    let behind_b = (third == b'a') | (third == b'c') | (third == b'g') | (third == b'q');
    let keyword = pair(b'p', b's')
        | pair(b's', b'c')
        | pair(b't', b'k')
        | pair(b'a', b'i')
        | (low == b'b') & (behind_b | (third == b's') | (third == b'w'));
    let punct =
        (byte == b'@') | (byte & 0xFE == b'$') | (byte == b'~') | (byte == b':') | (byte == b'=');
    bit(digit, 1)
        | bit(!(b':'..0x80).contains(&byte), 2)
        | bit(digit | letter | (byte == b'_'), 4)
        | bit((0x2B..0x80).contains(&byte), 8)
        | bit(keyword | punct, 16)
}

/// Transposes eight by eight bits (Warren, Hacker's Delight, 7-3).
#[inline(always)]
const fn transpose(bits: u64) -> u64 {
    let t = (bits ^ bits >> 7) & 0x00AA_00AA_00AA_00AA;
    let bits = bits ^ t ^ t << 7;
    let t = (bits ^ bits >> 14) & 0x0000_CCCC_0000_CCCC;
    let bits = bits ^ t ^ t << 14;
    let t = (bits ^ bits >> 28) & 0x0000_0000_F0F0_F0F0;
    bits ^ t ^ t << 28
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::byte_masks::KEYWORDS;
    use ringseal_base::simd::{self, Kernel};

    struct View<'a>(&'a [u8; VIEW]);

    impl Kernel for View<'_> {
        type Out = Masks;
        #[inline(always)]
        fn with_lookup<V: Lookup + Load64>(self) -> Masks {
            Tables::<V>::new().classify(self.0)
        }
        #[inline(always)]
        fn with_exact<V: Exact + Load64>(self) -> Masks {
            Compare::<V>::new().classify(self.0)
        }
        fn portable(self) -> Masks {
            portable(self.0)
        }
    }

    /// The classes, computed byte by byte from their descriptions.
    fn plain(view: &[u8; VIEW]) -> Masks {
        let mut masks = Masks::default();
        for i in 0..64 {
            let b = view[i];
            let bit = |is: bool| u64::from(is) << i;
            masks.digit |= bit(b.is_ascii_digit());
            masks.number |= bit(b <= b'9' || b >= 0x80);
            masks.word |= bit(b.is_ascii_alphanumeric() || b == b'_');
            masks.chunk |= bit((b'+'..=0x7F).contains(&b));
            let punct = matches!(b, b'@' | b'$' | b'%' | b'~' | b':' | b'=');
            let keyword = KEYWORDS.contains(&(b | 0x20, view[i + 2] | 0x20));
            masks.rare |= bit(punct || keyword);
        }
        masks
    }

    /// Compares all implementations on one block.
    fn compare_implementations(view: &[u8; VIEW]) {
        let want = plain(view);
        assert_eq!(portable(view), want);
        assert_eq!(simd::run(View(view)), want);
        assert_eq!(simd::run_baseline(View(view)), want);
    }

    #[test]
    fn every_byte_is_classified_at_every_place() {
        for b in 0..=255u8 {
            for place in 0..64 {
                let mut view = [b'.'; VIEW];
                view[place] = b;
                compare_implementations(&view);
            }
        }
    }

    #[test]
    fn only_keyword_pairs_are_classified_as_keywords() {
        for first in 0..=255u8 {
            for third in 0..=255u8 {
                let mut view = [b'.'; VIEW];
                let place = usize::from(first ^ third) & 63;
                view[place] = first;
                view[place + 2] = third;
                compare_implementations(&view);
            }
        }
    }
}
