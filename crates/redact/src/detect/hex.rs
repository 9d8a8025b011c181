//! Long hexadecimal strings right after a word for secrets; never without one.
//!
//! Git commits, digests, trace ids and UUIDs look the same and are kept.

use super::bare_key::{Telling, telling};
use crate::bytes::{ALNUM, HEX, at, before, is_word};
use crate::hits::{Finder, rule};
use crate::kind::HitKind;

const HEX_BYTES_MIN: usize = 32;
const HEX_BYTES_MAX: usize = 128;
/// How much of a hexadecimal string is enough where a limit cut it.
const HEX_CUT_BYTES_MIN: usize = 8;
/// The digits of a key with `0x` before them; shorter numbers are addresses.
const NUMBER_BYTES: usize = 64;
/// The digits of MySQL's password hash, after its `*`.
const MYSQL_BYTES: usize = 40;

/// A filter applied before [`find`], for words that do not end near the end of the text. `is_told` is the result of
/// [`may_be_told`](super::bare_key::may_be_told).
#[inline(always)]
pub(super) fn may_be(input: &[u8], pos: usize, is_told: bool) -> bool {
    let digit = |i: usize| input.get(pos + i).is_none_or(|&byte| HEX.has(byte));
    [0, HEX_BYTES_MIN - 1, 8, 16, 24].into_iter().all(digit)
        && (input.len() - pos < HEX_BYTES_MIN || before(input, pos) == b'*' || is_told)
}

/// `pos` is where a word starts.
pub(super) fn find(finder: &mut Finder<'_>, pos: usize) {
    let input = finder.input;
    if !HEX.has(at(input, pos)) {
        return;
    }
    let number = input[pos..].starts_with(b"0x");
    let start = pos + if number { 2 } else { 0 };
    let run = HEX.run(input, start, HEX_BYTES_MAX + 1);
    finder.spend(run);
    let end = start + run;
    let min = if finder.is_cut(end) { HEX_CUT_BYTES_MIN } else { HEX_BYTES_MIN };
    if !(min..=HEX_BYTES_MAX).contains(&run) || is_word(at(input, end)) || at(input, end) == b'-' {
        return;
    }
    let text = &input[start..end];
    let letters = text.iter().any(|byte| ALNUM.has(*byte) && !byte.is_ascii_digit());
    if !letters || !text.iter().any(u8::is_ascii_digit) || number && run != NUMBER_BYTES {
        return;
    }
    if telling(input, pos) >= Telling::Secret {
        finder.hit(pos, end, rule::HEX, HitKind::Token);
    } else if run == MYSQL_BYTES
        && before(input, pos) == b'*'
        && !text.iter().any(u8::is_ascii_lowercase)
    {
        finder.hit(pos - 1, end, rule::PWHASH, HitKind::PwHash);
    }
}
