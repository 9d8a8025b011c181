//! Long hexadecimal strings right after a word for secrets; never without one.
//!
//! Git commits, digests, trace ids and UUIDs look the same and must stay.

use super::hint;
use crate::redact::bytes::{ALNUM, HEX, at, before, is_word};
use crate::redact::find::{Finder, rule};
use crate::redact::kind::Kind;

const HEX_BYTES_MIN: usize = 32;
const HEX_BYTES_MAX: usize = 128;
/// How much of a hexadecimal string is enough where a limit cut it.
const HEX_CUT_BYTES_MIN: usize = 8;

/// A filter in front of [`find`], for words whose end is not near that of the text.
#[inline(always)]
pub(super) fn may_be(v: &[u8], p: usize) -> bool {
    let digit = |i: usize| v.get(p + i).is_none_or(|&b| HEX.has(b));
    [0, HEX_BYTES_MIN - 1, 8, 16, 24].into_iter().all(digit)
        && (v.len() - p < HEX_BYTES_MIN || hint::token(v, p))
}

/// `p` is where a word starts.
pub(super) fn find(f: &mut Finder<'_>, p: usize) {
    let v = f.v;
    if !HEX.has(at(v, p)) || before(v, p) == b'-' {
        return;
    }
    let run = HEX.run(v, p, HEX_BYTES_MAX + 1);
    f.spend(run);
    let end = p + run;
    let min = if f.is_cut(end) { HEX_CUT_BYTES_MIN } else { HEX_BYTES_MIN };
    if !(min..=HEX_BYTES_MAX).contains(&run) || is_word(at(v, end)) || at(v, end) == b'-' {
        return;
    }
    let text = &v[p..end];
    let letters = text.iter().any(|b| ALNUM.has(*b) && !b.is_ascii_digit());
    if letters && text.iter().any(u8::is_ascii_digit) && hint::token(v, p) {
        f.hit(p, end, rule::HEX, Kind::Token);
    }
}
