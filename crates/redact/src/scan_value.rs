//! Scans one text: byte classes give candidate positions, and detectors are called there.
//!
//! The scan allocates nothing. It finds the same hits as detectors that are called at every position; the tests compare
//! both.

use super::byte_masks::{self, Borders, Places, Sink, Wanted};
use super::candidates::Candidates;
use super::detect;
use super::hits::Finder;
use super::rules::Rules;
use super::sign_memo::SignMemo;

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
    let (input, cut, wanted) = (finder.input, finder.cut, wanted(finder.rules, finder.cut));
    if cut {
        detect::at_cut_end(finder);
    }
    byte_masks::pass(input, 0..input.len(), cut, wanted, &mut Whole(finder, memo));
    detect::find_copies(finder);
}

/// The positions at which `rules` search.
pub(crate) fn wanted(rules: &Rules, cut: bool) -> Wanted {
    Wanted {
        digits_min: if rules.ips || rules.loose_numbers { SHORT_DIGITS_MIN } else { DIGITS_MIN },
        all_numbers: rules.ips || rules.loose_numbers || cut,
        colons: rules.checks_every_sign() || rules.tokens_have_colons || cut,
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
        Candidates { rules, input, at, places, memo: self.1 }.for_each(|anchor, pos| {
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
