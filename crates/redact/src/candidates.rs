//! The second filter: of the positions that the pass over the bytes yields, those at which a detector is called.
//!
//! Promises: reads a bounded number of bytes around each position, in which texts may start and end anywhere, and
//! rejects only positions that cannot be hits in any surrounding text. Allocates nothing.

use super::byte_masks::Places;
use super::detect;
use super::rules::Rules;
use super::scan_value::Anchor;
use super::sign_memo::{self, Sign, SignMemo};

/// Bytes before a block that the filters see.
pub(crate) const BEFORE: usize = sign_memo::BEFORE;
/// A block, the bytes before it and two after it.
const VIEW: usize = BEFORE + 64 + 4;

/// The candidates of a block.
pub(crate) struct Candidates<'a> {
    pub(crate) rules: &'a Rules,
    pub(crate) input: &'a [u8],
    /// The position of the block.
    pub(crate) at: usize,
    pub(crate) places: &'a Places,
    pub(crate) memo: &'a mut SignMemo,
}

impl Candidates<'_> {
    /// Calls `visit` with each candidate until it returns false.
    #[inline(always)]
    pub(crate) fn for_each(&mut self, mut visit: impl FnMut(Anchor, usize) -> bool) -> bool {
        let Places { punct, number, word, lettered, keyword, .. } = *self.places;
        if punct | word != 0 {
            let mut copy = [0; VIEW];
            let view = view(self.input, self.at, &mut copy);
            if punct != 0 && !self.signs(view, &mut visit)
                || word != 0 && !self.words(view, &mut visit)
            {
                return false;
            }
        }
        number | lettered | keyword == 0 || self.rest(&mut visit)
    }

    #[inline(never)]
    fn signs(&mut self, view: &[u8; VIEW], visit: &mut impl FnMut(Anchor, usize) -> bool) -> bool {
        let (rules, input, places, at) = (self.rules, self.input, self.places, self.at);
        let all = rules.checks_every_sign();
        for_each_bit(places.punct, |i| {
            let pos = at + i as usize;
            let near = part(view, i);
            let is_sign = matches!(near[BEFORE], b':' | b'=') && !all;
            let known = match is_sign {
                true => self.memo.ask(rules, near, places.last_start(i)),
                false => Sign::Unknown,
            };
            known == Sign::Harmless
                || known == Sign::Unknown && !detect::punct_may_be(rules, input, pos)
                || visit(Anchor::Punct, pos)
        })
    }

    #[inline(never)]
    fn words(&mut self, view: &[u8; VIEW], visit: &mut impl FnMut(Anchor, usize) -> bool) -> bool {
        let (rules, input, at) = (self.rules, self.input, self.at);
        let places = self.places;
        let Places { word, long, sixteen, .. } = *places;
        let kept = mark_each(word & !sixteen, |i| {
            let near: &[u8; BEFORE + 4] = part(view, i);
            detect::word_may_be(rules, near)
        });
        for_each_bit(sixteen | kept, |i| {
            let (is_long, is_sixteen) = (long >> i & 1 != 0, sixteen >> i & 1 != 0);
            let pos = at + i as usize;
            let shape = is_sixteen.then(|| places.from(i));
            let kinds = detect::word_kinds(rules, input, pos, is_long, shape);
            kinds.is_empty() || visit(Anchor::Word(kinds), pos)
        })
    }

    #[inline(never)]
    fn rest(&mut self, visit: &mut impl FnMut(Anchor, usize) -> bool) -> bool {
        let (rules, input, places) = (self.rules, self.input, self.places);
        let place = |bit: u32| self.at + bit as usize;
        for_each_bit(places.number, |i| visit(Anchor::Number, place(i)))
            && for_each_bit(places.lettered, |i| {
                !detect::lettered_number_may_be(rules, input, place(i))
                    || visit(Anchor::Lettered, place(i))
            })
            && for_each_bit(places.keyword, |i| {
                !detect::keyword_may_be(input, place(i)) || visit(Anchor::Keyword, place(i))
            })
    }
}

/// The bytes around the block at `at`, zeros outside of `input`.
#[inline(always)]
fn view<'a>(input: &'a [u8], at: usize, copy: &'a mut [u8; VIEW]) -> &'a [u8; VIEW] {
    match input.get(at.wrapping_sub(BEFORE)..).map(<[u8]>::first_chunk) {
        Some(Some(view)) => view,
        _ => {
            fill(input, at, copy);
            copy
        }
    }
}

/// Copies what [`view`] shows.
#[inline(never)]
fn fill(input: &[u8], at: usize, copy: &mut [u8; VIEW]) {
    let skipped = BEFORE.saturating_sub(at);
    let part = &input[at + skipped - BEFORE..input.len().min(at + VIEW - BEFORE)];
    copy[skipped..skipped + part.len()].copy_from_slice(part);
}

/// The bytes around byte `i` of the block, which has the index [`BEFORE`].
#[inline(always)]
fn part<const N: usize>(view: &[u8; VIEW], i: u32) -> &[u8; N] {
    const { assert!(N <= BEFORE + 4) };
    match view.get(i as usize & 63..).map(<[u8]>::first_chunk) {
        Some(Some(part)) => part,
        _ => &[0; N],
    }
}

/// The bits of `bits` that `is_kept` accepts, which must not have branches.
///
/// Bits are taken in pairs: how many there are is hard to predict.
#[inline(always)]
fn mark_each(bits: u64, is_kept: impl Fn(u32) -> bool) -> u64 {
    let (mut rest, mut kept) = (bits, 0);
    while rest != 0 {
        for _ in 0..2 {
            // Without a bit left, any place will do.
            let i = rest.trailing_zeros() & 63;
            kept |= u64::from(is_kept(i)) << i;
            rest &= rest.wrapping_sub(1);
        }
    }
    kept & bits
}

#[inline(always)]
fn for_each_bit(mut bits: u64, mut visit: impl FnMut(u32) -> bool) -> bool {
    while bits != 0 {
        if !visit(bits.trailing_zeros()) {
            return false;
        }
        bits &= bits - 1;
    }
    true
}
