//! One pass over a text: byte classes in, places worth looking at out, detectors called there.
//!
//! The pass allocates nothing. What it may miss is nothing: the tests compare it with an oracle that
//! calls every detector at every position.

use super::classes::{self, Borders, Numbers, Places, Sink};
use super::detect;
use super::find::Finder;
use super::rules::Rules;

/// A number has at least this many digits.
const DIGITS_MIN: u32 = 7;
/// And an address of a machine or a date, where these are looked for.
const SHORT_DIGITS_MIN: u32 = 4;

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
    let (v, cut, numbers) = (f.v, f.cut, numbers(f.rules, f.cut));
    if cut {
        detect::at_cut_end(f);
    }
    classes::pass(v, 0..v.len(), cut, numbers, &mut Whole(f));
}

/// Which numbers `rules` look at.
pub(crate) fn numbers(rules: &Rules, cut: bool) -> Numbers {
    Numbers {
        digits_min: if rules.ips || rules.loose_numbers { SHORT_DIGITS_MIN } else { DIGITS_MIN },
        all: rules.ips || rules.loose_numbers || cut,
    }
}

/// A whole text that is one value.
struct Whole<'a, 'f>(&'a mut Finder<'f>);

impl Sink for Whole<'_, '_> {
    #[inline(always)]
    fn borders(&mut self, _: usize) -> Borders {
        Borders::default()
    }

    #[inline(never)]
    fn block(&mut self, at: usize, places: &Places) -> bool {
        let (rules, v) = (self.0.rules, self.0.v);
        each(rules, v, at, places, |anchor, p| self.look(anchor, p))
    }
}

impl Whole<'_, '_> {
    #[inline(never)]
    fn look(&mut self, anchor: Anchor, p: usize) -> bool {
        look(self.0, anchor, p);
        !self.0.over_budget()
    }
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

/// Calls `look` with each of the places of the block at `at` that a second look does not turn down, until
/// it returns false.
///
/// The second look sees `v` only, in which the text may begin and end anywhere: what it turns down
/// must be impossible whatever stands around the text.
#[inline(always)]
pub(crate) fn each(
    rules: &Rules,
    v: &[u8],
    at: usize,
    places: &Places,
    mut look: impl FnMut(Anchor, usize) -> bool,
) -> bool {
    let place = |bit: u32| at + bit as usize;
    let all_signs = rules.looks_at_all_signs();
    bits(places.punct, |i| {
        !(all_signs || detect::sign_may_be(&rules.key_tails, v, place(i)))
            || !detect::punct_may_be(rules, v, place(i))
            || look(Anchor::Punct, place(i))
    }) && bits(places.number, |i| look(Anchor::Number, place(i)))
        && bits(places.word, |i| {
            let long = places.long >> i & 1 != 0 && detect::long_word_may_be(v, place(i));
            let literal = || {
                rules.literals.may_start(v, place(i))
                    && rules.literals.may_be(&rules.providers, v, place(i))
            };
            !(long || literal()) || look(Anchor::Word, place(i))
        })
        && bits(places.iban, |i| !detect::iban_may_be(v, place(i)) || look(Anchor::Iban, place(i)))
        && bits(places.keyword, |i| {
            !detect::keyword_may_be(v, place(i)) || look(Anchor::Keyword, place(i))
        })
}

#[inline(always)]
fn bits(mut bits: u64, mut f: impl FnMut(u32) -> bool) -> bool {
    while bits != 0 {
        if !f(bits.trailing_zeros()) {
            return false;
        }
        bits &= bits - 1;
    }
    true
}
