//! One pass over a text: byte classes in, places worth looking at out.
//!
//! The pass allocates nothing. What it may miss is nothing: the tests compare it with an oracle that
//! calls every detector at every position.

use super::classes::{self, Masks, VIEW};
use super::detect;
use super::find::Finder;
use super::rules::Rules;

/// A credential and its literal are at least this long together.
pub(crate) const CHUNK_BYTES_MIN: u32 = 16;
/// A word from this length on can be a credential without any literal.
const LONG_WORD: u32 = 22;

/// Why a place is worth looking at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    Punct,
    Number,
    Word,
    Keyword,
    Iban,
}

/// Runs all detectors over the finder's text.
pub(crate) fn run(f: &mut Finder<'_>) {
    let (rules, v, cut) = (f.rules, f.v, f.cut);
    places(
        rules,
        v,
        cut,
        |_| 0,
        |anchor, p| {
            look(f, anchor, p);
            !f.over_budget()
        },
    );
}

/// Runs the detectors of one place.
pub(crate) fn look(f: &mut Finder<'_>, anchor: Anchor, p: usize) {
    match anchor {
        Anchor::Punct => detect::at_punct(f, p),
        Anchor::Number => detect::at_number(f, p),
        Anchor::Word => detect::at_word(f, p),
        Anchor::Keyword => detect::at_keyword(f, p),
        Anchor::Iban => detect::at_iban(f, p),
    }
}

/// Calls `look` with each place of `v` that a detector could start from, until it returns false.
///
/// With `cut`, whatever touches the end counts as long enough. `starts` gives for each block, by its
/// position, the bits of the bytes that begin a text of their own.
#[inline]
pub(crate) fn places(
    rules: &Rules,
    v: &[u8],
    cut: bool,
    mut starts: impl FnMut(usize) -> u64,
    mut look: impl FnMut(Anchor, usize) -> bool,
) {
    let mut view = [0u8; VIEW];
    let mut at = 0;
    let mut now = block(v, 0, cut, &mut view);
    // Whether the byte before the block is one of a word.
    let mut word_before = 0u64;
    while at < v.len() {
        let next = if at + 64 < v.len() || cut {
            block(v, at + 64, cut, &mut view)
        } else {
            Masks::default()
        };
        let inner = (now.word << 1 | word_before) & !starts(at);
        if !block_places(rules, v, at, &now, &next, now.word & !inner, &mut look) {
            return;
        }
        word_before = now.word >> 63;
        now = next;
        at += 64;
    }
}

/// The classes of the 64 bytes from `at` on; behind the end of a cut text digits are assumed, which
/// are in every class that asks for length.
#[inline]
fn block(v: &[u8], at: usize, cut: bool, view: &mut [u8; VIEW]) -> Masks {
    if let Some(whole) = v.get(at..at + VIEW)
        && let Ok(whole) = <&[u8; VIEW]>::try_from(whole)
    {
        return classes::classify(whole);
    }
    let rest = v.get(at..).unwrap_or_default();
    let len = rest.len().min(VIEW);
    view[..len].copy_from_slice(&rest[..len]);
    view[len..].fill(if cut { b'0' } else { 0 });
    classes::classify(view)
}

/// 128 bits: a block and the one behind it.
#[inline(always)]
fn wide(now: u64, next: u64) -> u128 {
    u128::from(now) | u128::from(next) << 64
}

/// The positions from which on `n` bits are set, for the lower half.
#[inline(always)]
fn runs7(m: u128) -> u64 {
    let m = m & m >> 1;
    let m = m & m >> 2;
    (m & m >> 3) as u64
}

#[inline(always)]
fn runs16(m: u128) -> u64 {
    let m = m & m >> 1;
    let m = m & m >> 2;
    let m = m & m >> 4;
    (m & m >> 8) as u64
}

#[inline(always)]
fn each(mut bits: u64, mut f: impl FnMut(u32) -> bool) -> bool {
    while bits != 0 {
        if !f(bits.trailing_zeros()) {
            return false;
        }
        bits &= bits - 1;
    }
    true
}

#[inline(always)]
fn block_places(
    rules: &Rules,
    v: &[u8],
    at: usize,
    now: &Masks,
    next: &Masks,
    starts: u64,
    look: &mut impl FnMut(Anchor, usize) -> bool,
) -> bool {
    let words = wide(now.word, next.word);
    let digits = wide(now.digit, next.digit);
    let long = starts & runs16(wide(now.chunk, next.chunk));
    let numbers = starts & now.digit & runs7(wide(now.number, next.number));
    // Two letters and two digits.
    let ibans = starts & !now.digit & ((words & !digits) >> 1 & digits >> 2 & digits >> 3) as u64;
    let keywords = starts & now.keyword;
    let place = |bit: u32| at + bit as usize;
    each(now.punct, |i| {
        let p = place(i);
        let wanted = match v.get(p) {
            Some(b'=' | b':') => {
                detect::kv_may_be(rules, v, p)
                    || matches!(v.get(p + 1), Some(b'/' | b'A'))
                    || rules.macs
            }
            Some(b'@' | b'%' | b'$' | b'~') => true,
            _ => false,
        };
        !wanted || look(Anchor::Punct, p)
    }) && each(numbers, |i| {
        let p = place(i);
        p >= v.len() || look(Anchor::Number, p)
    }) && each(long, |i| {
        let p = place(i);
        let run = (!(words >> i)).trailing_zeros();
        !(run >= LONG_WORD || rules.literals.may_start(v, p)) || look(Anchor::Word, p)
    }) && each(ibans, |i| look(Anchor::Iban, place(i)))
        && each(keywords, |i| look(Anchor::Keyword, place(i)))
}
