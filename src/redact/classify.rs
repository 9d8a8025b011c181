//! The classes of 64 bytes, in three ways: by looking nibbles up, by comparing vectors, and in plain
//! arithmetic. All say the same.
//!
//! Promises: no memory beyond the stack; any bytes are welcome.

use super::classes::{Masks, VIEW};
use crate::core::simd::{Exact, Load64, Lookup};

/// Two tables, the low and the high nibble's, for a class per bit: a byte is of a class if both values
/// have its bit. So a class consists of all the low nibbles of its own with all of its high ones.
type Pair = [[u8; 16]; 2];

/// The pair of tables for classes given as low and high nibbles, the first one for bit 0.
const fn pair<const N: usize>(classes: [(&[u8], &[u8]); N]) -> Pair {
    let mut tables = [[0; 16]; 2];
    let mut i = 0;
    while i < N {
        let (low, high) = classes[i];
        let mut j = 0;
        while j < low.len() {
            tables[0][low[j] as usize] |= 1 << i;
            j += 1;
        }
        j = 0;
        while j < high.len() {
            tables[1][high[j] as usize] |= 1 << i;
            j += 1;
        }
        i += 1;
    }
    tables
}

const TEN: &[u8] = &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
const A_TO_O: &[u8] = &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
const P_TO_Z: &[u8] = &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

/// In this order, so that a group of classes is a range of bits.
static CLASSES: Pair = pair([
    (&[15], &[5]),                              // `_`
    (P_TO_Z, &[5, 7]),                          // p to z
    (A_TO_O, &[4, 6]),                          // a to o
    (TEN, &[3]),                                // digits
    (&[0, 8, 9, 10, 11, 12, 13, 14, 15], &[2]), // space, ( to /
    (&[10, 11, 12, 13, 14, 15], &[3]),          // : to ?
    (&[4, 5], &[2]),                            // $ %
    (&[0], &[4]),                               // @
]);
const WORD: u8 = 0b1111;

/// First letters of keywords, a pair of first and third letter per bit.
static FIRST: Pair = pair([
    (&[0], &[5, 7]), // p
    (&[3], &[5, 7]), // s
    (&[4], &[5, 7]), // t
    (&[1], &[4, 6]), // a
    (&[2], &[4, 6]), // b
    (&[2], &[4, 6]),
    (&[2], &[4, 6]),
]);

/// The third letters.
static THIRD: Pair = pair([
    (&[3], &[5, 7]),  // s
    (&[3], &[4, 6]),  // c
    (&[11], &[4, 6]), // k
    (&[9], &[4, 6]),  // i
    (&[1], &[4, 6]),  // a
    (&[3], &[5, 7]),  // s
    (&[7], &[4, 6]),  // g
]);

/// The tables in vectors.
pub(super) struct Tables<V: Lookup> {
    classes: [V::Table; 2],
    first: [V::Table; 2],
    third: [V::Table; 2],
}

impl<V: Lookup> Tables<V> {
    #[inline(always)]
    pub(super) fn new() -> Self {
        let load = |pair: &Pair| [V::table(&pair[0]), V::table(&pair[1])];
        Tables { classes: load(&CLASSES), first: load(&FIRST), third: load(&THIRD) }
    }
}

/// The 64 bytes of `view` from `at` on, which is at most 16.
#[inline(always)]
fn load<V: Load64>(view: &[u8; VIEW], at: usize) -> V {
    let mut part = [0; 64];
    part.copy_from_slice(&view[at..at + 64]);
    V::load(&part)
}

/// Classifies the first 64 bytes of `view` where bytes can be looked up.
#[inline(always)]
pub(super) fn by_lookup<V: Lookup + Load64>(view: &[u8; VIEW], tables: &Tables<V>) -> Masks {
    let (x, behind) = (load::<V>(view, 0), load::<V>(view, 2));
    let look = |x: V, [low, high]: [V::Table; 2]| x.of_low(low).and(x.of_high(high));
    let classes = look(x, tables.classes);
    let keyword = look(x, tables.first).and(look(behind, tables.third));
    // Adding sets the top bit where any of the bits from some place on is set.
    Masks {
        digit: classes.up::<4>().tops(),
        number: classes.up::<3>().plus(0x40).tops(),
        word: classes.masked(WORD).plus(0x7F).tops(),
        chunk: x.ascii_above(0x2A).tops(),
        punct: classes.plus(0x60).or(x.equal(b'~')).tops(),
        keyword: keyword.plus(0x7F).tops(),
        dash: x.within(b'-', b'.').tops(),
        open: x.within(b'(', b'+').tops(),
    }
}

/// Classifies the first 64 bytes of `view` where bytes can be compared.
#[inline(always)]
pub(super) fn by_comparing<V: Exact + Load64>(view: &[u8; VIEW]) -> Masks {
    let (x, behind) = (load::<V>(view, 0), load::<V>(view, 2));
    let (low, third) = (x.with_bits(0x20), behind.with_bits(0x20));
    let digit = x.within(b'0', b'9');
    let (a, s) = (third.equal(b'a'), third.equal(b's'));
    let both = |first: u8, third: V| low.equal(first).and(third);
    let b = both(b'b', a.or(s).or(third.equal(b'g')));
    let rest = both(b's', third.equal(b'c')).or(both(b't', third.equal(b'k')));
    let keyword = b.or(both(b'p', s)).or(rest).or(both(b'a', third.equal(b'i')));
    Masks {
        digit: digit.mask(),
        number: x.within(b'(', b'9').or(x.equal(b' ')).mask(),
        word: low.within(b'a', b'z').or(digit).or(x.equal(b'_')).mask(),
        chunk: x.ascii_above(0x2A).mask(),
        punct: x.within(b':', b'@').or(x.within(b'$', b'%')).or(x.equal(b'~')).mask(),
        keyword: keyword.mask(),
        dash: x.within(b'-', b'.').mask(),
        open: x.within(b'(', b'+').mask(),
    }
}

/// Classifies the first 64 bytes of `view` in plain arithmetic that the compiler can vectorise: one
/// byte of flags per byte, then the bits of each flag gathered by transposing.
#[inline(always)]
pub(super) fn portable(view: &[u8; VIEW]) -> Masks {
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
    let gather = |k: usize| {
        let mut bytes = [0u8; 8];
        for (byte, word) in bytes.iter_mut().zip(words) {
            *byte = (word >> (8 * k)) as u8;
        }
        u64::from_le_bytes(bytes)
    };
    Masks {
        digit: gather(0),
        number: gather(1),
        word: gather(2),
        chunk: gather(3),
        punct: gather(4),
        keyword: gather(5),
        dash: gather(6),
        open: gather(7),
    }
}

/// The classes of byte `x`, two places before `y`, as eight bits.
#[inline(always)]
fn flag(x: u8, y: u8) -> u8 {
    let bit = |is: bool, bit: u8| if is { bit } else { 0 };
    let (low, third) = (x | 0x20, y | 0x20);
    let digit = x.wrapping_sub(b'0') < 10;
    let letter = low.wrapping_sub(b'a') < 26;
    let pair = |a: u8, b: u8| (low == a) & (third == b);
    let keyword = pair(b'p', b's')
        | pair(b's', b'c')
        | pair(b't', b'k')
        | pair(b'a', b'i')
        | (low == b'b') & ((third == b'a') | (third == b's') | (third == b'g'));
    bit(digit, 1)
        | bit((x.wrapping_sub(b'(') < 18) | (x == b' '), 2)
        | bit(digit | letter | (x == b'_'), 4)
        | bit((0x2B..0x80).contains(&x), 8)
        | bit((x.wrapping_sub(b':') < 7) | (x & 0xFE == b'$') | (x == b'~'), 16)
        | bit(keyword, 32)
        | bit(x.wrapping_sub(b'-') < 2, 64)
        | bit(x.wrapping_sub(b'(') < 4, 128)
}

/// Transposes eight by eight bits (Warren, Hacker's Delight, 7-3).
#[inline(always)]
const fn transpose(x: u64) -> u64 {
    let t = (x ^ x >> 7) & 0x00AA_00AA_00AA_00AA;
    let x = x ^ t ^ t << 7;
    let t = (x ^ x >> 14) & 0x0000_CCCC_0000_CCCC;
    let x = x ^ t ^ t << 14;
    let t = (x ^ x >> 28) & 0x0000_0000_F0F0_F0F0;
    x ^ t ^ t << 28
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::simd::{self, Kernel};
    use crate::redact::classes::KEYWORDS;

    struct Classify<'a>(&'a [u8; VIEW]);

    impl Kernel for Classify<'_> {
        type Out = Masks;
        #[inline(always)]
        fn with_lookup<V: Lookup + Load64>(self) -> Masks {
            by_lookup::<V>(self.0, &Tables::new())
        }
        #[inline(always)]
        fn with_exact<V: Exact + Load64>(self) -> Masks {
            by_comparing::<V>(self.0)
        }
        fn portable(self) -> Masks {
            portable(self.0)
        }
    }

    /// The classes, byte by byte, as their descriptions say.
    fn plain(view: &[u8; VIEW]) -> Masks {
        let mut masks = Masks::default();
        for i in 0..64 {
            let b = view[i];
            let bit = |is: bool| u64::from(is) << i;
            masks.digit |= bit(b.is_ascii_digit());
            masks.number |= bit(b == b' ' || (b'('..=b'9').contains(&b));
            masks.word |= bit(b.is_ascii_alphanumeric() || b == b'_');
            masks.chunk |= bit((b'+'..=0x7F).contains(&b));
            masks.punct |= bit((b':'..=b'@').contains(&b) || matches!(b, b'$' | b'%' | b'~'));
            masks.dash |= bit(matches!(b, b'-' | b'.'));
            masks.open |= bit((b'('..=b'+').contains(&b));
            masks.keyword |= bit(KEYWORDS.contains(&(b | 0x20, view[i + 2] | 0x20)));
        }
        masks
    }

    /// A block of its own, all ways there are.
    fn all_ways(view: &[u8; VIEW]) {
        let want = plain(view);
        assert_eq!(portable(view), want);
        assert_eq!(simd::run(Classify(view)), want);
        assert_eq!(simd::run_baseline(Classify(view)), want);
    }

    #[test]
    fn every_byte_at_every_place_is_classified_as_described() {
        for b in 0..=255u8 {
            for place in 0..64 {
                let mut view = [b'.'; VIEW];
                view[place] = b;
                all_ways(&view);
            }
        }
    }

    #[test]
    fn every_pair_of_bytes_is_a_keyword_only_if_it_is() {
        for first in 0..=255u8 {
            for third in 0..=255u8 {
                let mut view = [b'.'; VIEW];
                let place = usize::from(first ^ third) & 63;
                view[place] = first;
                view[place + 2] = third;
                all_ways(&view);
            }
        }
    }
}
