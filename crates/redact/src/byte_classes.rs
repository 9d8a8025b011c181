//! Three implementations that classify 64 bytes: nibble lookup, vector comparison, and plain arithmetic.
//! All find the same classes; the lookup of nibbles also finds a few [`Masks::rare`] bytes that are neither.
//!
//! Promises: uses no memory beyond the stack; accepts any bytes.

use std::marker::PhantomData;

use super::byte_masks::{Classify, KEYWORDS, Masks, VIEW};
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
    (&[5], &[11]),                               // [
    (&[3], &[10, 12, 13]),                       // : < =
    (&[2], &[3, 4, 5, 8]),                       // # $ % (
    (&[4], &[0]),                                // @
]);
const WORD: u8 = 0b0000_1111;
const DIGIT: u8 = 0b0000_1000;
const PUNCT: u8 = 0b1111_0000;

/// First bytes of keywords and options; a keyword has the same bit in all three tables.
///
/// A set is each of its high nibbles with each of its low ones, so sets of several letters include others: `t` and
/// `i` share a bit with `d` and `y`.
#[rustfmt::skip]
static FIRST: ByteSets = ByteSets::new([
    (&[5, 7], &[0]),           // p
    (&[5, 7], &[3]),           // s
    (&[4, 5, 6, 7], &[4, 9]),  // t i
    (&[4, 6], &[1]),           // a
    (&[4, 6], &[2]),           // b
    (&[7], &[14]),             // not a keyword, but `~`, whatever follows
    (&[4, 6], &[3]),           // c
    (&[2], &[0, 2, 7, 13]),    // space " ' -
]);
const TILDE: u8 = 0b0010_0000;
/// The first byte of the full-width `：` and `＝`.
const WIDE: u8 = 0xEF;

/// The second bytes.
#[rustfmt::skip]
static SECOND: ByteSets = ByteSets::new([
    (&[4, 6], &[1]),           // a
    (&[4, 6], &[5]),           // e
    (&[4, 6], &[4, 15]),       // o d
    (&[5, 7], &[0, 5]),        // p u
    (&[4, 6], &[1, 5]),        // e a
    (&[], &[]),
    (&[4, 5, 6, 7], &[2, 15]), // r o
    (&[2], &[13, 15]),         // - /
]);

/// The third bytes.
#[rustfmt::skip]
static THIRD: ByteSets = ByteSets::new([
    (&[5, 7], &[3]),                          // s
    (&[4, 6], &[3]),                          // c
    (&[4, 6], &[5, 11]),                      // k e
    (&[4, 5, 6, 7], &[4, 9]),                 // i t
    (&[4, 5, 6, 7], &[1, 3, 7]),              // a g s
    (&[], &[]),
    (&[4, 6], &[4, 5, 15]),                   // d e o
    (&[4, 5, 6, 7], &[0, 1, 5, 7, 11]),       // p u a w k
]);

/// The sets in registers.
pub(super) struct Tables<V: Lookup> {
    classes: V::Table,
    first: V::Table,
    second: V::Table,
    third: V::Table,
}

impl<V: Lookup> Tables<V> {
    #[inline(always)]
    pub(super) fn new() -> Self {
        Tables {
            classes: V::table(&CLASSES),
            first: V::table(&FIRST),
            second: V::table(&SECOND),
            third: V::table(&THIRD),
        }
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
        let x = load::<V>(view, 0);
        let (classes, first) = (x.lookup(self.classes), x.lookup(self.first));
        let second = load::<V>(view, 1).lookup(self.second);
        let third = load::<V>(view, 2).lookup(self.third);
        let rest = second.common(third).with(TILDE);
        Masks {
            digit: classes.any_of(DIGIT),
            number: !x.above(b'9'),
            word: classes.any_of(WORD),
            chunk: x.above(0x2A),
            colon: x.only(b':'),
            joint: x.either(b'-'),
            rare: classes.any_of_or_common(PUNCT, first, rest) | x.only(WIDE),
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
        let (x, next) = (load::<V>(view, 0), load::<V>(view, 1));
        let (low, second) = (x.with_bits(0x20), next.with_bits(0x20));
        let third = load::<V>(view, 2).with_bits(0x20);
        let word = |[a, b, c]: [u8; 3]| low.equal(a).and(second.equal(b)).and(third.equal(c));
        let rare =
            KEYWORDS[1..].iter().fold(word(KEYWORDS[0]), |all, letters| all.or(word(*letters)));
        let opens = x.equal(b' ').or(x.equal(b'"')).or(x.equal(b'\'')).or(x.equal(b'-'));
        let letter = third.equal(b'p').or(third.equal(b'u')).or(third.equal(b'a'));
        let letter = letter.or(third.equal(b'w')).or(third.equal(b'k'));
        let option = opens.and(next.equal(b'-').or(next.equal(b'/'))).and(letter);
        let digit = x.within(b'0', b'9');
        let punct = x
            .within(b'#', b'%')
            .or(x.equal(b'('))
            .or(x.equal(b'['))
            .or(x.equal(b'@'))
            .or(x.equal(b'~'));
        let punct = punct.or(x.equal(b':')).or(x.within(b'<', b'=')).or(x.equal(WIDE));
        Masks {
            digit: digit.mask(),
            number: !x.ascii_above(b'9').mask(),
            word: low.within(b'a', b'z').or(digit).or(x.equal(b'_')).mask(),
            chunk: x.ascii_above(0x2A).mask(),
            colon: x.equal(b':').mask(),
            joint: x.within(b'-', b'.').mask(),
            rare: rare.or(option).or(punct).mask(),
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
    let [digit, number, word, chunk, colon, joint, rare, ..] = gather(view);
    Masks { digit, number, word, chunk, colon, joint, rare }
}

/// Eight classes of the first 64 bytes of `view`: one byte of flags per byte, then the bits of each flag
/// gathered by transposing.
#[inline(always)]
fn gather(view: &[u8; VIEW]) -> [u64; 8] {
    let mut words = [0u64; 8];
    let mut flags = [0u8; 64];
    for (i, flags) in flags.iter_mut().enumerate() {
        *flags = flag(view[i], view[i + 1], view[i + 2]);
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

/// The classes of the byte `byte`, which `next` and `ahead` follow, as bits.
#[inline(always)]
fn flag(byte: u8, next: u8, ahead: u8) -> u8 {
    let bit = |is: bool, bit: u8| if is { bit } else { 0 };
    let (low, second, third) = (byte | 0x20, next | 0x20, ahead | 0x20);
    let digit = byte.wrapping_sub(b'0') < 10;
    let letter = low.wrapping_sub(b'a') < 26;
    let word = |[a, b, c]: [u8; 3]| (low == a) & (second == b) & (third == c);
    let keyword = KEYWORDS.iter().fold(false, |any, letters| any | word(*letters));
    let opens = (byte == b' ') | (byte == b'"') | (byte == b'\'') | (byte == b'-');
    let letters = (third == b'p') | (third == b'u') | (third == b'a');
    let option =
        opens & ((next == b'-') | (next == b'/')) & (letters | (third == b'w') | (third == b'k'));
    let punct = (byte == b'@')
        | (byte.wrapping_sub(b'#') < 3)
        | (byte == b'(')
        | (byte == b'[')
        | (byte == b'~')
        | (byte == b':')
        | (byte == WIDE)
        | (byte & 0xFE == b'<');
    bit(digit, 1)
        | bit(!(b':'..0x80).contains(&byte), 2)
        | bit(digit | letter | (byte == b'_'), 4)
        | bit((0x2B..0x80).contains(&byte), 8)
        | bit(byte == b':', 16)
        | bit(byte == b'-' || byte == b'.', 32)
        | bit(keyword | option | punct, 64)
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
            masks.colon |= bit(b == b':');
            masks.joint |= bit(matches!(b, b'-' | b'.'));
            let punct =
                matches!(b, b'#'..=b'%' | b'(' | b'@' | b'[' | b'~' | b':' | b'<' | b'=' | 0xEF);
            let [low, second, third] = [b, view[i + 1], view[i + 2]].map(|b| b | 0x20);
            let option = matches!(b, b' ' | b'"' | b'\'' | b'-')
                && matches!(view[i + 1], b'-' | b'/')
                && matches!(third, b'p' | b'u' | b'a' | b'w' | b'k');
            masks.rare |= bit(punct || option || KEYWORDS.contains(&[low, second, third]));
        }
        masks
    }

    /// Compares all implementations on one block.
    fn compare_implementations(view: &[u8; VIEW]) {
        let want = plain(view);
        assert_eq!(portable(view), want);
        for mut masks in [simd::run(View(view)), simd::run_baseline(View(view))] {
            assert_eq!(masks.rare & want.rare, want.rare);
            masks.rare = want.rare;
            assert_eq!(masks, want);
        }
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
    fn keywords_and_options_are_classified_at_every_place() {
        let options = [*b" -p", *b"\"-u", *b"--a", *b"'-w", *b" /A", *b" -K"];
        for letters in KEYWORDS.into_iter().chain(options) {
            for place in 0..64 {
                let mut view = [b'.'; VIEW];
                view[place..place + 3].copy_from_slice(&letters);
                compare_implementations(&view);
                view[place..place + 3].copy_from_slice(&letters.map(|b| b.to_ascii_uppercase()));
                compare_implementations(&view);
                assert_eq!(plain(&view).rare, 1 << place);
            }
        }
    }

    #[test]
    fn few_other_letters_are_classified_as_keywords() {
        let mut found = 0;
        for number in 0..26 * 26 * 26usize {
            let mut view = [b'.'; VIEW];
            for (byte, place) in view.iter_mut().zip([676, 26, 1]) {
                *byte = b'a' + (number / place % 26) as u8;
            }
            let masks = simd::run(View(&view));
            found += masks.rare.count_ones() as usize;
            compare_implementations(&view);
        }
        assert!((KEYWORDS.len()..6 * KEYWORDS.len()).contains(&found), "{found}");
    }
}
