//! Scans one text: byte classes give candidate positions, and detectors are called there.
//!
//! The scan allocates nothing. It finds the same hits as detectors that are called at every position; the tests compare
//! both.

use super::byte_masks::{self, Borders, Numbers, Places, Sink};
use super::detect;
use super::hits::Finder;
use super::key_tails;
use super::sign_memo::SignMemo;
use super::rules::Rules;

/// The fewest digits of a number.
const DIGITS_MIN: u32 = 7;
/// The fewest digits of a number if machine addresses and dates are searched for.
const SHORT_DIGITS_MIN: u32 = 4;

/// The reason why a position is a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    Punct,
    Number,
    Word(detect::WordKinds),
    Keyword,
    Lettered,
}

/// Runs all detectors over the finder's text.
pub(crate) fn scan_value(finder: &mut Finder<'_>, memo: &mut SignMemo) {
    let (input, cut, numbers) = (finder.input, finder.cut, number_rules(finder.rules, finder.cut));
    if cut {
        detect::at_cut_end(finder);
    }
    byte_masks::pass(input, 0..input.len(), cut, numbers, &mut Whole(finder, memo));
    detect::find_copies(finder);
}

/// The numbers that `rules` search for.
pub(crate) fn number_rules(rules: &Rules, cut: bool) -> Numbers {
    Numbers {
        digits_min: if rules.ips || rules.loose_numbers { SHORT_DIGITS_MIN } else { DIGITS_MIN },
        all: rules.ips || rules.loose_numbers || cut,
    }
}

/// A whole text that is one value.
struct Whole<'a, 'f>(&'a mut Finder<'f>, &'a mut SignMemo);

impl Sink for Whole<'_, '_> {
    #[inline(always)]
    fn borders(&mut self, _: usize) -> Borders {
        Borders::default()
    }

    #[inline(never)]
    fn block(&mut self, at: usize, places: &Places) -> bool {
        let (rules, input) = (self.0.rules, self.0.input);
        let finder = &mut *self.0;
        for_each_candidate(rules, input, at, places, self.1, |anchor, pos| {
            run_detectors(finder, anchor, pos);
            !finder.over_budget()
        })
    }
}

/// Calls the detectors for one position.
#[inline(never)]
pub(crate) fn run_detectors(finder: &mut Finder<'_>, anchor: Anchor, pos: usize) {
    match anchor {
        Anchor::Punct => detect::at_punct(finder, pos),
        Anchor::Number => detect::at_number(finder, pos),
        Anchor::Word(kinds) => detect::at_word_of(finder, pos, kinds),
        Anchor::Keyword => detect::at_keyword(finder, pos),
        Anchor::Lettered => detect::at_lettered_number(finder, pos),
    }
}

/// Calls `visit` with each position of the block at `at` that passes a second filter, until it returns
/// false.
///
/// The second filter sees all of `input`, in which the text may start and end anywhere. It must reject only positions
/// that cannot be hits in any surrounding text.
#[inline(always)]
pub(crate) fn for_each_candidate(
    rules: &Rules,
    input: &[u8],
    at: usize,
    places: &Places,
    memo: &mut SignMemo,
    mut visit: impl FnMut(Anchor, usize) -> bool,
) -> bool {
    let place = |bit: u32| at + bit as usize;
    let all_signs = rules.checks_every_sign();
    for_each_bit(places.punct, |i| {
        let pos = place(i);
        let sign = matches!(input[pos], b':' | b'=') && !all_signs;
        let mut is_harmless = || {
            memo.is_harmless(rules, input, pos, places)
                || !key_tails::sign_may_be(&rules.key_tails, input, pos)
        };
        sign && is_harmless()
            || !detect::punct_may_be(rules, input, pos)
            || visit(Anchor::Punct, pos)
    }) && for_each_bit(places.number, |i| visit(Anchor::Number, place(i)))
        && for_each_bit(places.word, |i| {
            let (long, drawn) = (places.long >> i & 1 != 0, places.drawn >> i & 1 != 0);
            let kinds = detect::word_kinds(rules, input, place(i), long, drawn.then(|| places.digit_from(place(i))));
            kinds.is_empty() || visit(Anchor::Word(kinds), place(i))
        })
        && for_each_bit(places.lettered, |i| {
            !detect::lettered_number_may_be(rules, input, place(i))
                || visit(Anchor::Lettered, place(i))
        })
        && for_each_bit(places.keyword, |i| {
            !detect::keyword_may_be(input, place(i)) || visit(Anchor::Keyword, place(i))
        })
}

#[inline(always)]
fn for_each_bit(mut bits: u64, mut finder: impl FnMut(u32) -> bool) -> bool {
    while bits != 0 {
        if !finder(bits.trailing_zeros()) {
            return false;
        }
        bits &= bits - 1;
    }
    true
}
