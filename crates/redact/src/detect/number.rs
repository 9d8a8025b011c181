//! Numbers with separators: the walk that telephone, card and identity numbers share.

use super::{card, date, hint, network, phone, ssn};
use crate::bytes::{Digits, at, before, is_word};
use crate::hits::{Finder, rule};
use crate::kind::HitKind;

/// Fewest digits of a number.
pub(super) const DIGITS_MIN: usize = 7;
/// Most digits of a number; with separators and parentheses, also a bound on its bytes.
const DIGITS_MAX: usize = 19;

/// Where a number may end, and the digits up to there.
#[derive(Clone, Copy)]
pub(super) struct Walk {
    /// After each digit, the position after it.
    ends: [usize; DIGITS_MAX + 1],
    pub(super) digits: Digits,
    /// The number of digits walked over.
    pub(super) count: usize,
}

impl Walk {
    /// Walks over digits from `pos`, with at most one separator from `allowed` and one parenthesis between two digits.
    pub(super) fn from(input: &[u8], pos: usize, allowed: &[u8], parens: bool) -> Walk {
        let mut walk = Walk { ends: [0; DIGITS_MAX + 1], digits: Digits::new(), count: 0 };
        let mut i = pos;
        while walk.count <= DIGITS_MAX {
            if !at(input, i).is_ascii_digit() {
                break;
            }
            walk.digits.push(input[i]);
            walk.ends[walk.count] = i + 1;
            walk.count += 1;
            i += 1;
            i = skip_gap(input, i, allowed, parens);
        }
        walk
    }

    /// The position after the digit number `count`, counted from one.
    pub(super) fn end(&self, count: usize) -> usize {
        self.ends[count - 1]
    }

    /// The first `count` digits.
    pub(super) fn digits(&self, count: usize) -> &[u8] {
        &self.digits.get()[..count]
    }
}

/// Skips `)`, one separator and `(`, if a digit follows.
fn skip_gap(input: &[u8], pos: usize, allowed: &[u8], parens: bool) -> usize {
    let mut j = pos;
    if parens && at(input, j) == b')' {
        j += 1;
    }
    if allowed.contains(&at(input, j)) {
        j += 1;
    }
    if parens && at(input, j) == b'(' {
        j += 1;
    }
    if at(input, j).is_ascii_digit() { j } else { pos }
}

/// Whether a number may end at `end`: neither a word character follows, nor `.` or `-` and a digit.
pub(super) fn ends_at(input: &[u8], end: usize) -> bool {
    let next = at(input, end);
    !(is_word(next) || matches!(next, b'.' | b'-') && at(input, end + 1).is_ascii_digit())
}

/// Whether the byte before a number rules it out: the number is then part of a word, a path or a version.
pub(super) fn barred(before: u8) -> bool {
    is_word(before) || matches!(before, b'.' | b'-' | b'*')
}

/// `pos` is a digit that does not follow a word character.
pub(super) fn find(finder: &mut Finder<'_>, pos: usize) {
    let prev = before(finder.input, pos);
    if barred(prev) {
        return;
    }
    finder.spend(40);
    if finder.cut {
        cut_number(finder, pos);
    }
    let is_ssn = prev != b'+' && ssn::find(finder, pos);
    phone::find(finder, pos, is_ssn);
    if prev != b'+' {
        card::find(finder, pos);
        if finder.rules.loose_numbers {
            date::find(finder, pos);
        }
    }
    if finder.rules.ips {
        network::ipv4(finder, pos);
    }
}

/// A number that reaches the end of a cut text and can no longer be identified.
fn cut_number(finder: &mut Finder<'_>, pos: usize) {
    let walk = Walk::from(finder.input, pos, b" .-/", true);
    if walk.count == 0 {
        return;
    }
    let end = walk.end(walk.count);
    let tail = &finder.input[end..];
    let open =
        tail.len() <= 2 && tail.iter().all(|byte| matches!(byte, b' ' | b'-' | b'.' | b'(' | b')'));
    if open
        && (walk.count >= 5 || hint::phone(finder.input, pos) || before(finder.input, pos) == b'+')
    {
        finder.hit(pos, end, rule::NUMBER_CUT, HitKind::Cut);
    }
}
