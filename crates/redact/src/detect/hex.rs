//! Long hexadecimal strings right after a word for secrets; never without one.
//!
//! Git commits, digests, trace ids and UUIDs look the same and are kept.

use super::bare_key::{Telling, may_be_told, telling};
use crate::bytes::{ALNUM, HEX, at, before, is_word};
use crate::hits::{Finder, rule};
use crate::kind::HitKind;

const HEX_BYTES_MIN: usize = 32;
const HEX_BYTES_MAX: usize = 128;
/// How much of a hexadecimal string is enough where a limit cut it.
const HEX_CUT_BYTES_MIN: usize = 8;

/// A filter applied before [`find`], for words that do not end near the end of the text.
#[inline(always)]
pub(super) fn may_be(input: &[u8], pos: usize) -> bool {
    let digit = |i: usize| input.get(pos + i).is_none_or(|&byte| HEX.has(byte));
    [0, HEX_BYTES_MIN - 1, 8, 16, 24].into_iter().all(digit)
        && (input.len() - pos < HEX_BYTES_MIN || may_be_told(input, pos))
}

/// `pos` is where a word starts.
pub(super) fn find(finder: &mut Finder<'_>, pos: usize) {
    let input = finder.input;
    if !HEX.has(at(input, pos)) || before(input, pos) == b'-' {
        return;
    }
    let run = HEX.run(input, pos, HEX_BYTES_MAX + 1);
    finder.spend(run);
    let end = pos + run;
    let min = if finder.is_cut(end) { HEX_CUT_BYTES_MIN } else { HEX_BYTES_MIN };
    if !(min..=HEX_BYTES_MAX).contains(&run) || is_word(at(input, end)) || at(input, end) == b'-' {
        return;
    }
    let text = &input[pos..end];
    let letters = text.iter().any(|byte| ALNUM.has(*byte) && !byte.is_ascii_digit());
    if letters && text.iter().any(u8::is_ascii_digit) && telling(input, pos) == Telling::Secret {
        finder.hit(pos, end, rule::HEX, HitKind::Token);
    }
}
