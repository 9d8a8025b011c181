//! Numbers with separators: the walk that telephone, card and identity numbers share.

use super::{card, date, hint, network, phone, ssn};
use crate::redact::bytes::{Digits, at, before, is_word};
use crate::redact::find::{Finder, rule};
use crate::redact::kind::Kind;

/// Fewest digits that are looked at.
pub(super) const DIGITS_MIN: usize = 7;
/// Most digits, and so most bytes with separators and parentheses, that are looked at.
const DIGITS_MAX: usize = 19;

/// Where a number may end, and the digits up to there.
#[derive(Clone, Copy)]
pub(super) struct Walk {
    /// After each digit: the position behind it.
    ends: [usize; DIGITS_MAX + 1],
    pub(super) digits: Digits,
    /// How many digits were walked over.
    pub(super) count: usize,
}

impl Walk {
    /// Walks from the digit at `p` over digits with at most one separator, of `allowed`, and one
    /// parenthesis between each two.
    pub(super) fn from(v: &[u8], p: usize, allowed: &[u8], parens: bool) -> Walk {
        let mut walk = Walk { ends: [0; DIGITS_MAX + 1], digits: Digits::new(), count: 0 };
        let mut i = p;
        while walk.count <= DIGITS_MAX {
            if !at(v, i).is_ascii_digit() {
                break;
            }
            walk.digits.push(v[i]);
            walk.ends[walk.count] = i + 1;
            walk.count += 1;
            i += 1;
            i = skip_gap(v, i, allowed, parens);
        }
        walk
    }

    /// The position behind the digit number `n`, counted from one.
    pub(super) fn end(&self, n: usize) -> usize {
        self.ends[n - 1]
    }

    /// The first `n` digits.
    pub(super) fn digits(&self, n: usize) -> &[u8] {
        &self.digits.get()[..n]
    }
}

/// Skips `)`, one separator and `(`, if a digit follows.
fn skip_gap(v: &[u8], i: usize, allowed: &[u8], parens: bool) -> usize {
    let mut j = i;
    if parens && at(v, j) == b')' {
        j += 1;
    }
    if allowed.contains(&at(v, j)) {
        j += 1;
    }
    if parens && at(v, j) == b'(' {
        j += 1;
    }
    if at(v, j).is_ascii_digit() { j } else { i }
}

/// Whether a number may end at `end`: no word character follows, nor `.` or `-` and a digit.
pub(super) fn ends_at(v: &[u8], end: usize) -> bool {
    let next = at(v, end);
    !(is_word(next) || matches!(next, b'.' | b'-') && at(v, end + 1).is_ascii_digit())
}

/// Whether the byte before a number forbids it: it is part of a word, a path, a version.
pub(super) fn barred(before: u8) -> bool {
    is_word(before) || matches!(before, b'.' | b'-' | b'*')
}

/// `p` is a digit that no word character precedes.
pub(super) fn find(f: &mut Finder<'_>, p: usize) {
    let prev = before(f.v, p);
    if barred(prev) {
        return;
    }
    f.spend(40);
    if f.cut {
        cut_number(f, p);
    }
    let is_ssn = prev != b'+' && ssn::find(f, p);
    phone::find(f, p, is_ssn);
    if prev != b'+' {
        card::find(f, p);
        if f.rules.loose_numbers {
            date::find(f, p);
        }
    }
    if f.rules.ips {
        network::ipv4(f, p);
    }
}

/// A number that runs into the end of a text that was cut there: nobody can tell what it was.
fn cut_number(f: &mut Finder<'_>, p: usize) {
    let walk = Walk::from(f.v, p, b" .-/", true);
    if walk.count == 0 {
        return;
    }
    let end = walk.end(walk.count);
    let tail = &f.v[end..];
    let open =
        tail.len() <= 2 && tail.iter().all(|b| matches!(b, b' ' | b'-' | b'.' | b'(' | b')'));
    if open && (walk.count >= 5 || hint::phone(f.v, p) || before(f.v, p) == b'+') {
        f.hit(p, end, rule::NUMBER_CUT, Kind::Cut);
    }
}
