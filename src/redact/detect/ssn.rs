//! US social security numbers: `ddd-dd-dddd`; spaced or bare only after a word for them.
//!
//! Area 000, 666 and 9xx, group 00 and serial 0000 were never issued (SSA, POMS RM 10201).

use super::hint;
use super::number::{barred, ends_at};
use crate::redact::bytes::{at, before};
use crate::redact::find::{Finder, rule};
use crate::redact::kind::Kind;

/// `p` is a digit that starts a number. Returns whether one was found.
pub(super) fn find(f: &mut Finder<'_>, p: usize) -> bool {
    let v = f.v;
    let separator = at(v, p + 3);
    let gap = usize::from(matches!(separator, b'-' | b' '));
    let (group, serial) = (p + 3 + gap, p + 5 + 2 * gap);
    let end = serial + 4;
    let prev = before(v, p);
    if end > v.len() || barred(prev) || prev == b'/' {
        return false;
    }
    if gap == 1 && v[group + 2] != separator {
        return false;
    }
    let parts = [&v[p..p + 3], &v[group..group + 2], &v[serial..end]];
    if !parts.iter().all(|part| part.iter().all(u8::is_ascii_digit)) || !ends_at(v, end) {
        return false;
    }
    if matches!(parts[0], b"000" | b"666" | [b'9', ..]) || parts[1] == b"00" || parts[2] == b"0000"
    {
        return false;
    }
    let sure = separator == b'-' || separator == b' ' && f.rules.loose_numbers;
    let found = sure || hint::ssn(v, p);
    if found {
        f.hit(p, end, rule::SSN, Kind::Ssn);
    }
    found
}
