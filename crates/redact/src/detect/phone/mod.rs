//! Telephone numbers: international, North American, national after a word for one, and numbers that were called.
//!
//! International numbers must fit the numbering plan of their country; [`table`] has the plans.

mod plan;
#[rustfmt::skip]
mod table;

use super::number::{self, Groups, Hint, Number, Walk, barred, ends_at, is_called};
use crate::bytes::{at, distinct, is_word};
use crate::hits::{Finder, rule};
use crate::kind::HitKind;
use plan::{Fit, fit, is_north_american};

/// Fewest digits of a number.
const DIGITS_MIN: usize = 7;
/// Most digits of a number (E.164).
const DIGITS_MAX: usize = 15;
/// Words that identify a telephone number, surely or by its shape.
const CALLED: Hint = Hint::PHONE.with(Hint::CALL);

/// With `is_ssn` a social security number starts there, which only a word for telephones makes a telephone number.
pub(super) fn find(finder: &mut Finder<'_>, number: &Number, walk: &Walk, is_ssn: bool) {
    let walk = walk.within(b" .-/(");
    if walk.count < DIGITS_MIN {
        return;
    }
    if number.plus {
        international(finder, number, &walk, 0);
    } else {
        if walk.digits(2) == b"00" && walk.is_bare(2) && !matches!(number.prev, b':' | b'(') {
            international(finder, number, &walk, 2);
        }
        north_american(finder, number, &walk);
    }
    if !hinted(finder, number, &walk) && !is_ssn && !number.plus {
        national(finder, number, &walk);
    }
}

/// `+` or `00`, a country code and a number of its plan, with single separators.
///
/// Without separators or a word for telephones, the plan must have numbers that start like this, and the words around
/// must not say that the number is a difference, an offset or a count.
fn international(finder: &mut Finder<'_>, number: &Number, walk: &Walk, prefix: usize) {
    let input = finder.input;
    if is_word(number.prev) || matches!(number.prev, b'+' | b'/' | b'.' | b'-') {
        return;
    }
    if prefix > 0 && (walk.is_bare(7) || walk.groups(7).signs().contains(&b'.')) {
        return;
    }
    let lens = DIGITS_MIN + prefix..=walk.count.min(DIGITS_MAX + prefix);
    let Some(n) = lens.rev().find(|&n| ends_at(input, walk.end(n))) else { return };
    let end = walk.end(n);
    let hinted = number.hint.has(CALLED) || is_called(input, end);
    let fit = fit(&walk.digits(n)[prefix..]);
    let amount = number.hint.has(Hint::AMOUNT) || number::is_amount(input, end);
    let sure = match walk.is_bare(n) {
        true => fit == Fit::Start && !amount && prefix == 0,
        false => fit == Fit::Start || prefix == 0 && fit == Fit::Length && !amount,
    };
    if sure || hinted && fit >= Fit::Length {
        finder.hit(number.start, extension(input, end), rule::PHONE_INTL, HitKind::Phone);
    }
}

/// `[2-9]dd [2-9]dd dddd` with separators, `1` before it, an extension after it.
fn north_american(finder: &mut Finder<'_>, number: &Number, walk: &Walk) {
    let input = finder.input;
    if barred(number.prev) || matches!(number.prev, b'+' | b'/') {
        return;
    }
    let strict = finder.rules.loose_numbers;
    let prefix = match walk.digits(3) {
        b"001" if strict => 3,
        [b'1', ..] if !walk.is_bare(2) => 1,
        _ => 0,
    };
    let count = prefix + 10;
    if walk.count < count || !(strict || is_north_american(&walk.digits(count)[prefix..])) {
        return;
    }
    let groups = walk.groups(count);
    let (lens, signs) = match (prefix, groups.lens(), groups.signs()) {
        (0, lens, signs) => (lens, signs),
        (_, [first, lens @ ..], [b' ' | b'.' | b'-' | b'(', signs @ ..])
            if usize::from(*first) == prefix =>
        {
            (lens, signs)
        }
        _ => return,
    };
    let paren = has_paren(input, number, walk, prefix + 4);
    let separated = match signs {
        [b'.' | b'-', b'.' | b'-'] => true,
        [b'/', b'-' | b'.'] => true,
        [b' ' | b'(' | b'-' | b'.', b' ' | b'.' | b'-'] => paren,
        _ => false,
    };
    let version = number.hint.has(Hint::THING) && !paren;
    let end = extension(input, walk.end(count));
    if lens == [3, 3, 4] && separated && !version && ends_at(input, end) {
        finder.hit(number.start, end, rule::PHONE_NANP, HitKind::Phone);
    }
}

/// The end of ` x123`, ` ext. 123`, `;ext=123` after `end`, otherwise `end`.
fn extension(input: &[u8], end: usize) -> usize {
    const WORDS: [&[u8]; 8] =
        [b"extension", b"ext.", b"ext=", b"ext:", b"ext", b"x", b"durchwahl", "доб.".as_bytes()];
    let mut i = end + usize::from(matches!(at(input, end), b' ' | b';' | b','));
    i += usize::from(i > end && at(input, i) == b' ');
    if !matches!(at(input, i), b'x' | b'X' | b'e' | b'E' | b'd' | b'D' | 0xD0) {
        return end;
    }
    let rest = input.get(i..).unwrap_or_default();
    let starts = |word: &&&[u8]| {
        rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
    };
    let Some(word) = WORDS.iter().find(starts) else { return end };
    i += word.len();
    i += usize::from(at(input, i) == b' ');
    let digits =
        input[i.min(input.len())..].iter().take(6).take_while(|byte| byte.is_ascii_digit()).count();
    if (1..=5).contains(&digits) && ends_at(input, i + digits) { i + digits } else { end }
}

/// 7 to 15 digits right after a word for telephones. Returns whether they were found.
fn hinted(finder: &mut Finder<'_>, number: &Number, walk: &Walk) -> bool {
    let input = finder.input;
    if barred(number.prev) || matches!(number.prev, b'+' | b'/' | b'%') || !number.hint.has(CALLED)
    {
        return false;
    }
    let ends = |n: &usize| {
        let end = walk.end(*n);
        ends_at(input, extension(input, end))
            && !(at(input, end) == b':' && at(input, end + 1).is_ascii_digit())
    };
    let Some(n) = (DIGITS_MIN..=walk.count.min(DIGITS_MAX)).rev().find(ends) else { return false };
    let end = walk.end(n);
    let text = &input[number.pos..end];
    let sure = number.hint.has(Hint::PHONE)
        || input[end..].starts_with(b" back")
        || has_shape(input, number, walk, n);
    if sure
        && distinct(walk.digits(n)) >= 3
        && !is_date(text)
        && !is_ipv4(text)
        && !is_epoch(input, number.start, text)
    {
        finder.hit(number.start, extension(input, end), rule::PHONE_HINT, HitKind::Phone);
    }
    true
}

/// Whether parentheses are around one of the groups of the first `n` digits.
fn has_paren(input: &[u8], number: &Number, walk: &Walk, n: usize) -> bool {
    walk.has_paren(n) && input[number.start..walk.end(n)].contains(&b'(')
}

/// Whether the first `n` digits are grouped like a telephone number, or could be one without groups.
fn has_shape(input: &[u8], number: &Number, walk: &Walk, n: usize) -> bool {
    let digits = walk.digits(n);
    if walk.is_bare(n) {
        return number.plus && n >= 8 || is_bare_shape(digits);
    }
    let groups = walk.groups(n);
    let paren = has_paren(input, number, walk, n);
    if is_dated(&groups) {
        return false;
    }
    match (groups.lens(), groups.sign()) {
        ([], _) => false,
        (lens, b'.') => lens.len() >= 3 && n >= 8 && lens.iter().all(|len| (2..=4).contains(len)),
        // With the digit that is dialled before an area code, areas of any length.
        (_, b' ' | b'-' | b'/')
            if digits[0] == b'0' && digits[1] != b'0' && (9..=12).contains(&n) =>
        {
            true
        }
        (lens, _) if paren => lens.iter().all(|len| *len <= 8),
        ([len, rest], b' ' | b'-' | b'/') => {
            (2..=5).contains(len) && (3..=8).contains(rest) && n <= 12
        }
        ([first, rest @ ..], _) => {
            *first <= 5 && rest.len() >= 2 && rest.iter().all(|len| (2..=5).contains(len))
        }
    }
}

/// Whether the groups begin like a date: `2024-07-12`, `12.7.2024`.
fn is_dated(groups: &Groups) -> bool {
    matches!(groups.lens(), [1 | 2, 1 | 2, 4, ..] | [4, 1 | 2, 1 | 2, ..])
        && matches!(groups.signs(), [b'-' | b'/' | b'.', sign, ..] if *sign == groups.signs()[0])
}

/// Digits without separators: a number of North America, with a trunk prefix, or with a country code.
fn is_bare_shape(digits: &[u8]) -> bool {
    match digits {
        [b'0', b'1'..=b'9', ..] => (9..=12).contains(&digits.len()),
        [b'0', b'0', rest @ ..] => fit(rest) == Fit::Start,
        [b'2'..=b'9', ..] if digits.len() == 10 => true,
        _ => digits.len() >= 11 && fit(digits) == Fit::Start,
    }
}

/// National forms without a word before them: if the number was called, and in the strict preset.
fn national(finder: &mut Finder<'_>, number: &Number, walk: &Walk) {
    let input = finder.input;
    if barred(number.prev) || matches!(number.prev, b'+' | b'/' | b'%') {
        return;
    }
    let loose = finder.rules.loose_numbers;
    let thing = number.hint.has(Hint::AMOUNT.with(Hint::THING).with(Hint::ID));
    for n in (DIGITS_MIN..=walk.count.min(DIGITS_MAX)).rev() {
        let end = walk.end(n);
        let called = !thing && is_called(input, end);
        if !(called || loose)
            || !ends_at(input, extension(input, end))
            || !has_shape(input, number, walk, n)
        {
            continue;
        }
        if (called || is_likely(input, number, walk, n)) && !is_ipv4(&input[number.pos..end]) {
            let end = extension(input, end);
            return finder.hit(number.start, end, rule::PHONE_NATIONAL, HitKind::Phone);
        }
    }
}

/// Whether digits that are grouped like a telephone number, without any word, are more likely one than not.
fn is_likely(input: &[u8], number: &Number, walk: &Walk, n: usize) -> bool {
    if walk.is_bare(n) || number.hint.has(Hint::AMOUNT.with(Hint::THING)) {
        return false;
    }
    let groups = walk.groups(n);
    let trunk = walk.digits(1) == b"0";
    let paren = has_paren(input, number, walk, n);
    n >= 8 && (trunk || paren || groups.lens().len() >= 3 && groups.sign() != b'/') || paren
}

/// `2024-07-12…`.
fn is_date(text: &[u8]) -> bool {
    let shape =
        |i: usize, byte: u8| if matches!(i, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() };
    text.len() >= 10 && text[..10].iter().enumerate().all(|(i, &byte)| shape(i, byte))
}

fn is_ipv4(text: &[u8]) -> bool {
    let mut parts = 0;
    for part in text.split(|&byte| byte == b'.') {
        if part.is_empty() || part.len() > 3 || !part.iter().all(u8::is_ascii_digit) {
            return false;
        }
        parts += 1;
    }
    parts == 4
}

/// Ten bare digits of these decades after `at` or `on`: seconds since 1970.
fn is_epoch(input: &[u8], start: usize, text: &[u8]) -> bool {
    let timed = input[..start].ends_with(b" at ") || input[..start].ends_with(b" on ");
    timed && text.len() == 10 && text[0] == b'1' && text.iter().all(u8::is_ascii_digit)
}
