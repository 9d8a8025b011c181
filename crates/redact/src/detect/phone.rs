//! Telephone numbers: international, North American, and any number right after a word for one.

use super::hint;
use super::number::{DIGITS_MIN, Walk, barred, ends_at};
use crate::bytes::{at, before, distinct, is_word};
use crate::hits::{Finder, rule};
use crate::kind::HitKind;

/// `pos` is a digit that may start a number. With `is_ssn` a social security number starts there, which
/// only a word for telephones makes a telephone number.
pub(super) fn find(finder: &mut Finder<'_>, pos: usize, is_ssn: bool) {
    if before(finder.input, pos) == b'+' {
        international(finder, pos);
    }
    north_american(finder, pos);
    if !hinted(finder, pos) && finder.rules.loose_numbers && !is_ssn {
        national(finder, pos);
    }
}

/// `+`, a country code, 8 to 15 digits (E.164) with single separators.
fn international(finder: &mut Finder<'_>, pos: usize) {
    let start = pos - 1;
    let prev = before(finder.input, start);
    if is_word(prev) || matches!(prev, b'+' | b'/' | b'.' | b'-') {
        return;
    }
    let walk = Walk::from(finder.input, pos, b" .-", true);
    for n in (8..=walk.count.min(15)).rev() {
        if ends_at(finder.input, walk.end(n)) {
            if is_country(walk.digits(n)) {
                finder.hit(start, walk.end(n), rule::PHONE_INTL, HitKind::Phone);
            }
            return;
        }
    }
}

/// `[2-9]dd [2-9]dd dddd` with separators, `+1` or `1` before it, an extension after it.
fn north_american(finder: &mut Finder<'_>, pos: usize) {
    let input = finder.input;
    let mut start = pos;
    let mut i = pos;
    if input[pos] == b'1' && matches!(at(input, pos + 1), b' ' | b'.' | b'-') {
        i = pos + 2;
    } else if before(input, pos) == b'(' {
        start = pos - 1;
        i = start;
    }
    if i == pos && before(input, pos) == b'+' {
        return;
    }
    if before(input, start) == b'+' {
        start -= 1;
    }
    if barred(before(input, start)) || matches!(before(input, start), b'+' | b'/') {
        return;
    }
    let Some(end) = area_and_line(input, i) else { return };
    let end = extension(input, end);
    if ends_at(input, end) {
        finder.hit(start, end, rule::PHONE_NANP, HitKind::Phone);
    }
}

fn three(input: &[u8], pos: usize) -> bool {
    matches!(at(input, pos), b'2'..=b'9')
        && at(input, pos + 1).is_ascii_digit()
        && at(input, pos + 2).is_ascii_digit()
}

/// The end of `(402) 555-1212`, `402-555-1212` or `402.555.1212` at `pos`.
fn area_and_line(input: &[u8], pos: usize) -> Option<usize> {
    let paren = at(input, pos) == b'(';
    let mut j = pos + usize::from(paren);
    if !three(input, j) {
        return None;
    }
    j += 3;
    if paren {
        if at(input, j) != b')' {
            return None;
        }
        j += 1;
        j += usize::from(at(input, j) == b' ');
    } else if matches!(at(input, j), b'.' | b'-') {
        j += 1;
    } else {
        return None;
    }
    let gap = at(input, j + 3);
    if !three(input, j) || !(matches!(gap, b'.' | b'-') || paren && gap == b' ') {
        return None;
    }
    j += 4;
    input.get(j..j + 4)?.iter().all(u8::is_ascii_digit).then_some(j + 4)
}

/// The end of ` x123`, ` ext. 123` after `end`, otherwise `end`.
fn extension(input: &[u8], end: usize) -> usize {
    let mut i = end + usize::from(at(input, end) == b' ');
    if at(input, i) == b'x' {
        i += 1;
    } else if input.get(i..).is_some_and(|s| s.starts_with(b"ext")) {
        i += 3 + usize::from(at(input, i + 3) == b'.');
    } else {
        return end;
    }
    i += usize::from(at(input, i) == b' ');
    let digits =
        input[i.min(input.len())..].iter().take(6).take_while(|byte| byte.is_ascii_digit()).count();
    if (1..=5).contains(&digits) { i + digits } else { end }
}

/// 7 to 15 digits right after a word for telephones. Returns whether they were found.
fn hinted(finder: &mut Finder<'_>, pos: usize) -> bool {
    let input = finder.input;
    let mut start = pos;
    if before(input, start) == b'(' {
        start -= 1;
    }
    if before(input, start) == b'+' {
        start -= 1;
    }
    let prev = before(input, start);
    if barred(prev) || matches!(prev, b'+' | b'/' | b'%') || !hint::phone(input, start) {
        return false;
    }
    let walk = Walk::from(input, pos, b" .-/", true);
    for n in (DIGITS_MIN..=walk.count.min(15)).rev() {
        let end = walk.end(n);
        if !ends_at(input, end) || at(input, end) == b':' && at(input, end + 1).is_ascii_digit() {
            continue;
        }
        let text = &input[pos..end];
        if distinct(walk.digits(n)) >= 3
            && !is_date(text)
            && !is_ipv4(text)
            && !is_epoch(input, start, text)
        {
            let end = extension(input, end);
            finder.hit(start, end, rule::PHONE_HINT, HitKind::Phone);
        }
        return true;
    }
    false
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

/// National forms without any hint: strict preset only.
fn national(finder: &mut Finder<'_>, pos: usize) {
    let input = finder.input;
    let prev = before(input, pos);
    if barred(prev) || matches!(prev, b'+' | b'/' | b'%' | b'(') {
        return;
    }
    let walk = Walk::from(input, pos, b" -", false);
    for n in (9..=walk.count.min(11)).rev() {
        let end = walk.end(n);
        let text = &input[pos..end];
        let spaced = n == 10
            && three(text, 0)
            && three(text, 4)
            && at(text, 3) == b' '
            && at(text, 7) == b' '
            && text.len() == 12;
        let trunk = text[0] == b'0' && text.iter().any(|byte| matches!(byte, b' ' | b'-'));
        if ends_at(input, end) && (spaced || trunk) && !is_date(text) {
            return finder.hit(pos, end, rule::PHONE_NATIONAL, HitKind::Phone);
        }
    }
}

/// Whether `digits` begin with a country code of the ITU's E.164 list.
fn is_country(digits: &[u8]) -> bool {
    let n = |len: usize| digits.iter().take(len).fold(0u16, |n, &d| n * 10 + u16::from(d - b'0'));
    matches!(n(1), 1 | 7) || COUNTRY2.contains(&(n(2) as u8)) || COUNTRY3.contains(&n(3))
}

#[rustfmt::skip]
const COUNTRY2: [u8; 44] = [
    20, 27, 30, 31, 32, 33, 34, 36, 39, 40, 41, 43, 44, 45, 46, 47, 48, 49, 51, 52, 53, 54, 55, 56,
    57, 58, 60, 61, 62, 63, 64, 65, 66, 81, 82, 84, 86, 90, 91, 92, 93, 94, 95, 98,
];

#[rustfmt::skip]
const COUNTRY3: [u16; 171] = [
    210, 211, 212, 213, 216, 218, 220, 221, 222, 223, 224, 225, 226, 227, 228, 229, 230, 231, 232,
    233, 234, 235, 236, 237, 238, 239, 240, 241, 242, 243, 244, 245, 246, 247, 248, 249, 250, 251,
    252, 253, 254, 255, 256, 257, 258, 260, 261, 262, 263, 264, 265, 266, 267, 268, 269, 290, 291,
    297, 298, 299, 350, 351, 352, 353, 354, 355, 356, 357, 358, 359, 370, 371, 372, 373, 374, 375,
    376, 377, 378, 379, 380, 381, 382, 383, 385, 386, 387, 389, 420, 421, 423, 500, 501, 502, 503,
    504, 505, 506, 507, 508, 509, 590, 591, 592, 593, 594, 595, 596, 597, 598, 599, 670, 672, 673,
    674, 675, 676, 677, 678, 679, 680, 681, 682, 683, 685, 686, 687, 688, 689, 690, 691, 692, 800,
    808, 850, 852, 853, 855, 856, 870, 878, 880, 881, 882, 883, 886, 888, 960, 961, 962, 963, 964,
    965, 966, 967, 968, 970, 971, 972, 973, 974, 975, 976, 977, 979, 992, 993, 994, 995, 996, 998,
];
