//! Numbers with separators: what telephone, card and identity numbers share.

mod hint;
mod walk;
mod words;

pub(crate) use hint::{
    before_number, is_amount, is_called, may_be as may_be_hinted, may_be_unless,
};
pub(crate) use walk::{Groups, Walk, separator};
pub(crate) use words::Hint;

use super::{card, date, national_id, network, phone, ssn};
use crate::bytes::{at, before, is_word};
use crate::hits::{Finder, rule};
use crate::kind::HitKind;

/// A number and its surroundings.
#[derive(Debug, Clone, Copy)]
pub(super) struct Number {
    /// The position of the first digit.
    pub(super) pos: usize,
    /// The same, or the position of the parenthesis or plus sign before it.
    pub(super) start: usize,
    /// The byte before `start`, or 0.
    pub(super) prev: u8,
    /// Whether a plus sign precedes the first digit.
    pub(super) plus: bool,
    /// What the words before it say.
    pub(super) hint: Hint,
}

impl Number {
    /// The number whose first digit is at `pos`.
    fn at(input: &[u8], pos: usize) -> Number {
        let paren = pos - usize::from(before(input, pos) == b'(');
        let plus = before(input, paren) == b'+';
        let start = paren - usize::from(plus);
        Number {
            pos,
            start,
            prev: before(input, start),
            plus: plus && paren == pos,
            hint: before_number(input, start),
        }
    }
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
    finder.spend(48);
    let number = Number::at(finder.input, pos);
    if finder.cut {
        cut_number(finder, &number);
    }
    let walk = Walk::from(finder.input, pos);
    let is_ssn = ssn::find(finder, &number, &walk) | national_id::find(finder, &number, &walk);
    phone::find(finder, &number, &walk, is_ssn);
    if !number.plus {
        card::find(finder, &number, &walk);
        date::find(finder, &number);
    }
    if finder.rules.ips {
        network::ipv4(finder, pos);
    }
}

/// A number that reaches the end of a cut text and can no longer be identified.
fn cut_number(finder: &mut Finder<'_>, number: &Number) {
    let walk = Walk::from(finder.input, number.pos).within(b" .-/(");
    if walk.count == 0 {
        return;
    }
    let end = walk.end(walk.count);
    let tail = &finder.input[end..];
    let open =
        tail.len() <= 2 && tail.iter().all(|byte| matches!(byte, b' ' | b'-' | b'.' | b'(' | b')'));
    let phone = number.hint.has(Hint::PHONE.with(Hint::CALL));
    if open && (walk.count >= 5 || phone || number.plus) {
        finder.hit(number.pos, end, rule::NUMBER_CUT, HitKind::Cut);
    }
}
