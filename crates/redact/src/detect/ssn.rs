//! US social security numbers: `ddd-dd-dddd`; spaced or bare only after a word for them.
//!
//! Area 000, 666 and 9xx, group 00 and serial 0000 were never issued (SSA, POMS RM 10201). Numbers of individual
//! taxpayers have the same form, area 9xx and certain groups; they are found after a word for them.

use super::hint;
use super::number::{Hint, Number, Walk, barred, ends_at};
use crate::hits::{Finder, rule};
use crate::kind::HitKind;

/// Returns whether a number was found.
pub(super) fn find(finder: &mut Finder<'_>, number: &Number, walk: &Walk) -> bool {
    let input = finder.input;
    if barred(number.prev) || matches!(number.prev, b'/' | b'+') {
        return false;
    }
    let walk = walk.within(b" -");
    if walk.count < 9 || !ends_at(input, walk.end(9)) {
        return false;
    }
    let groups = walk.groups(9);
    let sign = match (groups.lens(), groups.signs()) {
        ([9], _) => 0,
        ([3, 2, 4], [sign, other]) if sign == other => *sign,
        _ => return false,
    };
    let said = || number.hint.has(Hint::SSN) || hint::ssn(input, number.pos);
    let found = match walk.digits(9) {
        digits if is_issued(digits) => {
            sign == b'-' || sign == b' ' && finder.rules.loose_numbers || said()
        }
        digits => is_taxpayer(digits) && (said() || number.hint.has(Hint::PERSON)),
    };
    if found {
        finder.hit(number.pos, walk.end(9), rule::SSN, HitKind::Ssn);
    }
    found
}

fn is_issued(digits: &[u8]) -> bool {
    !matches!(digits, [b'0', b'0', b'0', ..] | [b'6', b'6', b'6', ..] | [b'9', ..])
        && digits[3..5] != *b"00"
        && digits[5..] != *b"0000"
}

/// An ITIN: area 9xx, group 50 to 65, 70 to 88, 90 to 92 or 94 to 99 (IRS).
fn is_taxpayer(digits: &[u8]) -> bool {
    digits[0] == b'9'
        && matches!(
            &digits[3..5],
            [b'5', _] | [b'6', b'0'..=b'5'] | [b'7', _] | [b'8', b'0'..=b'8'] | [b'9', b'0'..=b'2' | b'4'..]
        )
}
