//! Payment card numbers: the issuer's range (ISO/IEC 7812), the check digit (Luhn), the grouping.

use super::hint;
use super::number::{Walk, barred, ends_at};
use crate::bytes::{at, before, distinct};
use crate::hits::{Finder, rule};
use crate::kind::HitKind;

/// `pos` is a digit that starts a number.
pub(super) fn find(finder: &mut Finder<'_>, pos: usize) {
    let input = finder.input;
    if !begins(input, pos) || barred(before(input, pos)) {
        return;
    }
    let walk = Walk::from(input, pos, b" -", false);
    for n in (12..=walk.count.min(19)).rev() {
        let end = walk.end(n);
        let digits = walk.digits(n);
        if !ends_at(input, end) || !is_issued(digits) || !luhn(digits) || distinct(digits) < 2 {
            continue;
        }
        let hinted = finder.rules.loose_numbers || hint::card(input, pos);
        if hinted || is_sure(&input[pos..end], n) {
            let keep = if finder.rules.card_last4 { 4 } else { 0 };
            return finder.hit_keeping(pos, end, rule::CARD, HitKind::Card, keep);
        }
    }
}

/// Four digits, then four more after at most one separator: all groupings start like this, and few dates.
fn begins(input: &[u8], pos: usize) -> bool {
    let four = |i: usize| input.get(i..i + 4).is_some_and(|s| s.iter().all(u8::is_ascii_digit));
    four(pos) && four(pos + 4 + usize::from(matches!(at(input, pos + 4), b' ' | b'-')))
}

/// Whether a number without a hint is a card number: 14 to 16 digits, or the groups in which cards are printed.
fn is_sure(text: &[u8], count: usize) -> bool {
    if text.len() == count {
        return (14..=16).contains(&count);
    }
    let separator = text.iter().find(|byte| !byte.is_ascii_digit()).copied().unwrap_or(0);
    if count < 14 || text.iter().any(|&byte| !byte.is_ascii_digit() && byte != separator) {
        return false;
    }
    let mut groups = [0usize; 6];
    let mut used = 0;
    for group in text.split(|&byte| byte == separator) {
        let Some(slot) = groups.get_mut(used) else { return false };
        *slot = group.len();
        used += 1;
    }
    match groups[..used] {
        [4, 4, 4, last] => (1..=4).contains(&last),
        [4, 4, 4, 4, last] => (1..=3).contains(&last),
        [4, 6, last] => (4..=5).contains(&last),
        _ => false,
    }
}

/// The check digit of ISO/IEC 7812-1, annex B.
pub(super) fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(i, &d)| {
            let d = u32::from(d - b'0');
            match (i & 1, d) {
                (0, d) => d,
                (_, d @ 0..=4) => 2 * d,
                (_, d) => 2 * d - 9,
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Whether an issuer with this prefix issues numbers of this length.
fn is_issued(digits: &[u8]) -> bool {
    let n = digits.len();
    let prefix =
        |len: usize| digits.iter().take(len).fold(0u32, |n, &d| n * 10 + u32::from(d - b'0'));
    let (p2, p3, p4, p6) = (prefix(2), prefix(3), prefix(4), prefix(6));
    if digits[0] == b'4' {
        return matches!(n, 13 | 16 | 19);
    }
    match (p2, p3, p4) {
        (51..=55, ..) | (_, _, 2221..=2720) => n == 16,
        (34 | 37, ..) => n == 15,
        (62 | 65, ..) | (_, 644..=649, _) | (_, _, 6011 | 3528..=3589) => n >= 16,
        (36 | 38 | 39, ..) | (_, 300..=305, _) | (_, _, 3095) => n >= 14,
        (
            _,
            _,
            5018 | 5019 | 5020 | 5038 | 5610 | 5893 | 6304 | 6331 | 6759 | 6761 | 6762 | 6763,
        ) => n >= 12,
        _ => (622_126..=622_925).contains(&p6) && n >= 16,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_digit_finds_every_single_wrong_digit() {
        let good = *b"4111111111111111";
        assert!(luhn(&good));
        for i in 0..good.len() {
            for d in b'0'..=b'9' {
                let mut bad = good;
                bad[i] = d;
                assert_eq!(luhn(&bad), bad == good);
            }
        }
    }

    #[test]
    fn networks_test_numbers_are_issued() {
        for number in [
            &b"378282246310005"[..],
            b"371449635398431",
            b"5555555555554444",
            b"2223003122003222",
            b"4012888888881881",
            b"6011111111111117",
            b"3530111333300000",
            b"30569309025904",
            b"36227206271667",
            b"6304000000000000",
            b"6759649826438453",
        ] {
            assert!(is_issued(number), "{}", String::from_utf8_lossy(number));
        }
        for number in [&b"1718857800123456"[..], b"9999999999999995", b"0000000000000000"] {
            assert!(!is_issued(number));
        }
    }
}
