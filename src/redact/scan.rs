//! One pass over a text: byte classes in, places worth looking at out.
//!
//! The pass allocates nothing. What it may miss is nothing: the tests compare it with an oracle that
//! calls every detector at every position.

use super::classes::{self, BLOCKS, Carry, Places, VIEW, Wanted};
use super::detect;
use super::find::Finder;
use super::rules::Rules;

/// A credential and its literal are at least this long together.
pub(crate) const CHUNK_BYTES_MIN: u32 = 16;

/// A number has at least this many digits.
const DIGITS_MIN: u32 = 7;
/// And an address of a machine, where these are looked for.
const IP_DIGITS_MIN: u32 = 4;

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
    let mut carry = Carry::default();
    let mut out = [Places::default(); BLOCKS];
    let mut begin = [0u64; BLOCKS];
    let all_numbers = rules.ips || rules.loose_numbers;
    let digits_min = if rules.ips { IP_DIGITS_MIN } else { DIGITS_MIN };
    let mut at = 0;
    let mut search = Search { rules, v, look: &mut look };
    // Blocks that have a whole view of themselves and of the next one.
    while at + 64 + VIEW <= v.len() {
        let count = ((v.len() - at - VIEW) / 64).min(BLOCKS);
        (0..count).for_each(|i| begin[i] = starts(at + 64 * i));
        let wanted = Wanted { starts: &begin, digits_min, all_numbers };
        classes::blocks(&v[at..], count, &mut carry, wanted, &mut out);
        if !search.blocks(at, &out[..count]) {
            return;
        }
        at += 64 * count;
    }
    // The rest, in a copy with something behind it. Behind the end of a cut text digits are assumed:
    // they are of every class that is asked for in numbers.
    let mut tail = [if cut { b'0' } else { 0 }; TAIL];
    let rest = &v[at..];
    tail[..rest.len()].copy_from_slice(rest);
    let count = rest.len().div_ceil(64);
    let view = if cut { 64 * count + VIEW } else { 64 * count + VIEW - 64 };
    (0..count).for_each(|i| begin[i] = starts(at + 64 * i));
    let wanted = Wanted { starts: &begin, digits_min, all_numbers: all_numbers || cut };
    classes::blocks(&tail[..view], count, &mut carry, wanted, &mut out);
    search.blocks(at, &out[..count]);
}

/// The most that is left when no block has a whole view of the next: 143 bytes, in three blocks.
const TAIL: usize = 64 * 3 + VIEW;

struct Search<'a, F> {
    rules: &'a Rules,
    v: &'a [u8],
    look: &'a mut F,
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

impl<F: FnMut(Anchor, usize) -> bool> Search<'_, F> {
    #[inline(always)]
    fn blocks(&mut self, at: usize, blocks: &[Places]) -> bool {
        blocks.iter().enumerate().all(|(i, block)| self.block(at + 64 * i, block))
    }

    #[inline(always)]
    fn block(&mut self, at: usize, block: &Places) -> bool {
        let (rules, v) = (self.rules, self.v);
        let place = |bit: u32| at + bit as usize;
        let look = &mut *self.look;
        if block.punct | block.number | block.word | block.iban | block.keyword == 0 {
            return true;
        }
        each(block.punct, |i| !wanted(rules, v, place(i)) || look(Anchor::Punct, place(i)))
            && each(block.number, |i| look(Anchor::Number, place(i)))
            && each(block.word & !block.long, |i| {
                !rules.literals.may_start(v, place(i)) || look(Anchor::Word, place(i))
            })
            && each(block.long, |i| look(Anchor::Word, place(i)))
            && each(block.iban, |i| look(Anchor::Iban, place(i)))
            && each(block.keyword, |i| look(Anchor::Keyword, place(i)))
    }
}

/// Whether a sign can belong to anything.
#[inline(always)]
fn wanted(rules: &Rules, v: &[u8], p: usize) -> bool {
    match v.get(p) {
        Some(b'=') => detect::kv_may_be(rules, v, p),
        Some(b':') => {
            let rest = &v[p + 1..];
            detect::kv_may_be(rules, v, p)
                || rest.starts_with(b"//")
                || rest.first() == Some(&b'A')
                || rules.macs
        }
        Some(b'@' | b'%' | b'$' | b'~') => true,
        _ => false,
    }
}
