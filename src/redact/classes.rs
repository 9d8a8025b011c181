//! Byte classes of 64 bytes at a time, as bit masks, and the places that follow from them.
//!
//! Bit `i` of a mask speaks of byte `i` of a block. Classes are wider than what the detectors accept
//! where that is cheaper: they only choose places to look at.
//!
//! [`blocks`] takes the fastest of the ways that the processor has.

use super::classify::{self, Tables};
use crate::core::simd::{self, Exact, Kernel, Load64, Lookup};

/// Bytes that classifying a block looks at: its 64 and some behind them.
pub(crate) const VIEW: usize = 80;
/// Blocks that one call does.
pub(crate) const BLOCKS: usize = 16;

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
    /// `-` and `.`: what follows is no beginning of a number.
    pub(crate) dash: u64,
    /// `(` to `+` in ASCII order: what may stand right before a telephone number.
    pub(crate) open: u64,
    /// First letter and the one two places behind are those of a keyword: `pas…`, `sec…`, `tok…`.
    pub(crate) keyword: u64,
}

/// First and third letter of the words that may stand before a secret: password and its like,
/// secret, token, api, bearer, basic, begin.
#[cfg(test)]
pub(crate) const KEYWORDS: [(u8, u8); 7] = [
    (b'p', b's'),
    (b's', b'c'),
    (b't', b'k'),
    (b'a', b'i'),
    (b'b', b'a'),
    (b'b', b's'),
    (b'b', b'g'),
];

/// The places of one block that a detector could start from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Places {
    /// Bytes of [`Masks::punct`].
    pub(crate) punct: u64,
    /// Digits at the start of a word with enough digits in the number that starts there.
    pub(crate) number: u64,
    /// Starts of words with sixteen bytes of [`Masks::chunk`].
    pub(crate) word: u64,
    /// Starts of words of [`LONG_WORD`] bytes or more.
    pub(crate) long: u64,
    /// Starts of words that are of [`Masks::keyword`].
    pub(crate) keyword: u64,
    /// Starts of words of two letters and two digits.
    pub(crate) iban: u64,
}

/// A word from this length on can be a credential without any literal.
const LONG_WORD: usize = 22;

/// What a caller wants to know.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    /// Marks bytes that begin a text of their own, block by block.
    pub(crate) starts: &'a [u64; BLOCKS],
    /// Fewest digits of a number.
    pub(crate) digits_min: u32,
    /// Whether numbers count whatever their shape and whatever stands before them.
    pub(crate) all_numbers: bool,
}

/// What one call leaves to the next.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Carry {
    /// The classes of the block that comes next, once they are known.
    now: Option<Masks>,
    /// The block before it.
    before: Masks,
}

/// Finds the places of the first `count` blocks (at most [`BLOCKS`]) of `v`.
///
/// `v` holds at least `64 * count + 16` bytes; a block whose [`VIEW`] it does not hold whole counts as
/// one of zeros.
pub(crate) fn blocks(
    v: &[u8],
    count: usize,
    carry: &mut Carry,
    wanted: Wanted<'_>,
    out: &mut [Places; BLOCKS],
) {
    simd::run(Blocks { v, count, carry, wanted, out });
}

/// The arguments of [`blocks`].
struct Blocks<'a> {
    v: &'a [u8],
    count: usize,
    carry: &'a mut Carry,
    wanted: Wanted<'a>,
    out: &'a mut [Places; BLOCKS],
}

impl Kernel for Blocks<'_> {
    type Out = ();

    #[inline(always)]
    fn with_lookup<V: Lookup + Load64>(self) {
        let tables = Tables::<V>::new();
        blocks_by(self.v, self.count, self.carry, self.wanted, self.out, |view| {
            classify::by_lookup::<V>(view, &tables)
        });
    }

    #[inline(always)]
    fn with_exact<V: Exact + Load64>(self) {
        let Blocks { v, count, carry, wanted, out } = self;
        blocks_by(v, count, carry, wanted, out, classify::by_comparing::<V>);
    }

    fn portable(self) {
        let Blocks { v, count, carry, wanted, out } = self;
        blocks_by(v, count, carry, wanted, out, classify::portable);
    }
}

/// [`blocks`] over any way to classify.
#[inline(always)]
fn blocks_by(
    v: &[u8],
    count: usize,
    carry: &mut Carry,
    wanted: Wanted<'_>,
    out: &mut [Places; BLOCKS],
    classify: impl Fn(&[u8; VIEW]) -> Masks,
) {
    let view = |i: usize| match v.get(64 * i..64 * i + VIEW).map(<&[u8; VIEW]>::try_from) {
        Some(Ok(view)) => classify(view),
        _ => Masks::default(),
    };
    let mut now = match carry.now {
        Some(now) => now,
        None => view(0),
    };
    let mut before = carry.before;
    for (i, (out, &begin)) in out.iter_mut().zip(wanted.starts).enumerate().take(count) {
        let next = view(i + 1);
        *out = places(&before, &now, &next, begin, &wanted);
        (before, now) = (now, next);
    }
    *carry = Carry { now: Some(now), before };
}

/// Applies `f`, which looks at most 32 bits ahead, to a mask whose next 64 bits are `next`.
///
/// Two windows of 64 bits, of which the lower halves count: cheaper than arithmetic on 128.
#[inline(always)]
fn ahead(now: u64, next: u64, f: impl Fn(u64) -> u64) -> u64 {
    f(now) & 0xFFFF_FFFF | f(now >> 32 | next << 32) << 32
}

/// Positions from which on seven bits are set.
#[inline(always)]
fn runs7(m: u64) -> u64 {
    let m = m & m >> 1;
    let m = m & m >> 2;
    m & m >> 3
}

/// Positions from which on sixteen bits are set.
#[inline(always)]
fn runs16(m: u64) -> u64 {
    let m = m & m >> 1;
    let m = m & m >> 2;
    let m = m & m >> 4;
    m & m >> 8
}

/// Positions from which on [`LONG_WORD`] bits are set.
#[inline(always)]
fn runs22(m: u64) -> u64 {
    let m = runs16(m);
    m & m >> (LONG_WORD - 16)
}

/// The mask of the bytes `n` places behind those of a mask whose 64 bits before are `before`.
#[inline(always)]
fn behind(before: u64, now: u64, n: u32) -> u64 {
    now << n | before >> (64 - n)
}

#[inline(always)]
fn places(before: &Masks, now: &Masks, next: &Masks, begin: u64, wanted: &Wanted<'_>) -> Places {
    let starts = now.word & (!behind(before.word, now.word, 1) | begin);
    let mut places = Places {
        punct: now.punct,
        keyword: starts & now.keyword,
        word: starts & ahead(now.chunk, next.chunk, runs16),
        ..Places::default()
    };
    if places.word != 0 {
        places.long = starts & ahead(now.word, next.word, runs22);
    }
    let digit_next = ahead(now.digit, next.digit, |m| m >> 2 & m >> 3);
    places.iban = starts & !now.digit & digit_next;
    let numbers = starts & now.digit & (!behind(before.dash, now.dash, 1) | begin);
    if numbers != 0 {
        let numbers = numbers & ahead(now.number, next.number, runs7);
        places.number = likely_numbers(numbers, before, now, next, wanted);
    }
    places
}

/// Those of `starts` that have enough digits, and either the shape of a card, of an identity or of a
/// North American number, or something before them that may announce a number: `(`, `+`, a letter not
/// far away.
#[inline(always)]
fn likely_numbers(
    starts: u64,
    before: &Masks,
    now: &Masks,
    next: &Masks,
    wanted: &Wanted<'_>,
) -> u64 {
    let letters = |m: &Masks| m.word & !m.digit;
    let (far, near) = (letters(before), letters(now));
    let mut announced = behind(before.open, now.open, 1);
    for n in 1..=HINT_GAP_MAX + 1 {
        announced |= behind(far, near, n);
    }
    if wanted.all_numbers {
        announced = u64::MAX;
    }
    let mut likely = 0;
    let mut rest = starts;
    while rest != 0 {
        let bit = rest & rest.wrapping_neg();
        let at = rest.trailing_zeros();
        let window = |now: u64, next: u64| now >> at | next << 1 << (63 - at);
        // The casts keep the 32 bits from there on. No detector skips more than three bytes between
        // two digits: 32 bytes hold eight digits or more.
        let number = window(now.number, next.number) as u32;
        let digit = window(now.digit, next.digit) as u32;
        let run = (number ^ number.wrapping_add(1)) >> 1;
        let enough = (digit & run).count_ones() >= wanted.digits_min;
        if enough && (announced & bit != 0 || is_shape(digit)) {
            likely |= bit;
        }
        rest ^= bit;
    }
    likely
}

/// Most bytes between a hint and its number.
pub(crate) const HINT_GAP_MAX: u32 = 4;

/// Whether digits stand like this from the first on: `dddddddd`, `dddd dddd`, `ddd `, `d ddd`, `d (ddd`.
#[inline(always)]
fn is_shape(digit: u32) -> bool {
    digit & 0xFF == 0xFF
        || digit & 0x1EF == 0x1EF
        || digit & 0xF == 0x7
        || digit & 0x1F == 0x1D
        || digit & 0x3F == 0x39
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_found_across_the_border_of_two_blocks() {
        for start in 0..64 {
            let run = |len: u32| {
                let bits = ((1u128 << len) - 1) << start;
                (bits as u64, (bits >> 64) as u64)
            };
            let found = |len: u32, f: fn(u64) -> u64| {
                let (now, next) = run(len);
                ahead(now, next, f)
            };
            assert_eq!((found(7, runs7), found(6, runs7)), (1 << start, 0));
            assert_eq!((found(16, runs16), found(15, runs16)), (1 << start, 0));
            assert_eq!((found(22, runs22), found(21, runs22)), (1 << start, 0));
        }
    }
}
