//! US social security numbers: `ddd-dd-dddd`; spaced or bare only after a word for them.
//!
//! Area 000, 666 and 9xx, group 00 and serial 0000 were never issued (SSA, POMS RM 10201).

use super::hint;
use super::number::{barred, ends_at};
use crate::bytes::{at, before};
use crate::hits::{Finder, rule};
use crate::kind::HitKind;

/// `pos` is a digit that starts a number. Returns whether one was found.
pub(super) fn find(finder: &mut Finder<'_>, pos: usize) -> bool {
    let input = finder.input;
    let separator = at(input, pos + 3);
    let gap = usize::from(matches!(separator, b'-' | b' '));
    let (group, serial) = (pos + 3 + gap, pos + 5 + 2 * gap);
    let end = serial + 4;
    let prev = before(input, pos);
    if end > input.len() || barred(prev) || prev == b'/' {
        return false;
    }
    if gap == 1 && input[group + 2] != separator {
        return false;
    }
    let parts = [&input[pos..pos + 3], &input[group..group + 2], &input[serial..end]];
    if !parts.iter().all(|part| part.iter().all(u8::is_ascii_digit)) || !ends_at(input, end) {
        return false;
    }
    if matches!(parts[0], b"000" | b"666" | [b'9', ..]) || parts[1] == b"00" || parts[2] == b"0000"
    {
        return false;
    }
    let sure = separator == b'-' || separator == b' ' && finder.rules.loose_numbers;
    let found = sure || hint::ssn(input, pos);
    if found {
        finder.hit(pos, end, rule::SSN, HitKind::Ssn);
    }
    found
}
