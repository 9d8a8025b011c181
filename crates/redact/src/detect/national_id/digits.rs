//! Identity numbers that consist of digits: lengths, groups and check digits by country.
//!
//! A constant table: allocates nothing.

use super::checks::*;
use crate::detect::card::luhn;

/// A kind of identity number.
pub(super) struct Kind {
    /// The number of digits.
    pub(super) count: usize,
    /// The groups in which it is written.
    pub(super) groups: &'static [&'static [u8]],
    /// Whether it is also written without separators.
    pub(super) bare: bool,
    /// Whether the digits are possible.
    pub(super) is_valid: fn(&[u8]) -> bool,
    /// How few other numbers look the same.
    pub(super) sure: Sure,
}

/// How sure a number is without a word for identity numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sure {
    /// Never.
    No,
    /// If it is written in groups.
    Grouped,
    /// With or without groups: date and check digits exclude nearly all other numbers.
    Yes,
}
use Sure::{Grouped, No, Yes};

const fn kind(
    count: usize,
    groups: &'static [&'static [u8]],
    is_valid: fn(&[u8]) -> bool,
    sure: Sure,
) -> Kind {
    Kind { count, groups, bare: true, is_valid, sure }
}

/// A kind that is always written in groups, because its digits alone say little.
const fn grouped(
    count: usize,
    groups: &'static [&'static [u8]],
    is_valid: fn(&[u8]) -> bool,
    sure: Sure,
) -> Kind {
    Kind { count, groups, bare: false, is_valid, sure }
}

#[rustfmt::skip]
pub(super) static KINDS: [Kind; 61] = [
    grouped(9, &[&[2, 7]], employer, No),
    kind(12, &[&[4, 4, 4]], |d| d[0] >= b'2' && is_verhoeff(d), Grouped),
    kind(18, &[&[6, 8, 4], &[6, 4, 4, 4]], china, Yes),
    kind(11, &[&[3, 3, 3, 2]], brazil_person, Grouped),
    kind(14, &[&[2, 3, 3, 4, 2]], brazil_company, Grouped),
    kind(11, &[&[2, 3, 3, 3]], germany, No),
    kind(15, &[&[1, 2, 2, 2, 3, 3, 2], &[13, 2], &[1, 2, 2, 2, 6, 2], &[1, 2, 2, 5, 3, 2]], france, Yes),
    kind(10, &[&[3, 3, 4]], |d| is_mod_11(d, &[10, 9, 8, 7, 6, 5, 4, 3, 2]), No),
    kind(11, &[], poland, No),
    kind(10, &[&[3, 3, 2, 2], &[3, 2, 2, 3]], |d| weighted(d, &[6, 5, 7, 2, 3, 4, 5, 6, 7]) % 11 == value(d[9]), No),
    kind(9, &[&[3, 3, 3], &[4, 2, 3]], netherlands, No),
    kind(9, &[&[3, 3, 3]], luhn, No),
    kind(9, &[&[3, 3, 3]], |d| weighted(d, &[1, 4, 3, 7, 5, 8, 6, 9, 10]).is_multiple_of(11), No),
    kind(10, &[&[4, 5, 1]], australia_medicare, No),
    kind(11, &[&[4, 5, 1, 1]], australia_medicare, No),
    kind(11, &[&[2, 3, 3, 3]], australia_company, No),
    kind(13, &[&[6, 4, 2, 1], &[6, 4, 3], &[6, 4, 1, 2]], south_africa, Yes),
    kind(10, &[&[6, 4]], sweden, Grouped),
    kind(12, &[&[8, 4]], |d| is_yyyymmdd_sweden(d) && luhn(&d[2..]), Yes),
    kind(13, &[&[3, 4, 4, 2]], switzerland, Yes),
    kind(11, &[&[2, 2, 2, 3, 2], &[6, 3, 2]], belgium, Yes),
    kind(11, &[], turkey, No),
    grouped(13, &[&[6, 7]], is_yymmdd, Grouped),
    kind(12, &[&[4, 4, 4]], japan, No),
    kind(16, &[], indonesia, No),
    grouped(13, &[&[5, 7, 1]], |d| matches!(d[0], b'1'..=b'7'), No),
    kind(10, &[], russia_company, No),
    kind(12, &[], russia_person, No),
    kind(11, &[&[3, 3, 3, 2]], russia_pension, No),
    kind(14, &[], egypt, No),
    kind(10, &[&[3, 6, 1]], iran, No),
    kind(13, &[&[1, 4, 5, 2, 1]], thailand, No),
    kind(11, &[&[2, 8, 1]], argentina, Grouped),
    kind(8, &[&[1, 3, 3, 1], &[7, 1]], chile, Grouped),
    kind(9, &[&[2, 3, 3, 1], &[8, 1]], chile, Grouped),
    kind(10, &[&[3, 3, 3, 1], &[9, 1]], colombia, Grouped),
    kind(11, &[], peru, No),
    kind(10, &[], ecuador, No),
    kind(9, &[&[3, 3, 3]], portugal, No),
    kind(10, &[&[6, 4]], is_ddmmyy, No),
    kind(11, &[&[6, 5]], norway, Yes),
    kind(10, &[&[6, 4]], |d| czechia(d) && remainder(&d[..9], 11) % 10 == value(d[9]), Grouped),
    kind(9, &[&[6, 3]], czechia, No),
    kind(13, &[], romania, Yes),
    kind(10, &[], bulgaria, No),
    kind(11, &[], is_mod_11_10, No),
    kind(13, &[], |d| is_ddmmyy(d) && yugoslavia(d), Yes),
    kind(10, &[], |d| d[0] == b'8' && is_mod_11_rest(d, &[1, 2, 3, 4, 5, 6, 7, 8, 9]), No),
    kind(9, &[&[3, 3, 3]], |d| weighted(d, &[3, 7, 3, 7, 3, 7, 3, 7]) % 10 == value(d[8]), No),
    kind(9, &[], |d| is_mod_11_rest(d, &[256, 128, 64, 32, 16, 8, 4, 2]), No),
    kind(11, &[], |d| is_ddmmyy(d) && luhn(d), No),
    kind(11, &[], baltic, No),
    grouped(12, &[&[6, 2, 4]], is_yymmdd, Grouped),
    kind(11, &[&[6, 5]], latvia, No),
    kind(10, &[], united_kingdom_tax, No),
    kind(10, &[], ukraine, No),
    kind(12, &[], kazakhstan, No),
    kind(14, &[&[3, 3, 3, 5]], luhn, No),
    kind(11, &[], luhn, No),
    kind(18, &[&[3, 3, 11, 1], &[3, 3, 12], &[4, 4, 4, 4, 2]], mexico_account, No),
    grouped(15, &[&[3, 4, 7, 1]], |d| d.starts_with(b"784") && luhn(d), Grouped),
];

/// A bank account of Mexico (CLABE): each product counts by its last digit.
fn mexico_account(digits: &[u8]) -> bool {
    let weights = [3, 7, 1].into_iter().cycle();
    let sum: u32 =
        digits[..17].iter().zip(weights).map(|(&digit, by)| value(digit) * by % 10).sum();
    (10 - sum % 10) % 10 == value(digits[17])
}

/// The last digit is the weighted sum modulo eleven, ten as 0.
fn is_mod_11_rest(digits: &[u8], weights: &[u32]) -> bool {
    let last = digits.len() - 1;
    weighted(&digits[..last], weights) % 11 % 10 == value(digits[last])
}

/// The first two digits that the United States' tax agency assigns to employers.
fn employer(digits: &[u8]) -> bool {
    !matches!(
        number(&digits[..2]),
        0 | 7 | 8 | 9 | 17 | 18 | 19 | 28 | 29 | 49 | 69 | 70 | 78 | 79 | 89 | 96 | 97
    )
}

fn china(digits: &[u8]) -> bool {
    let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let check = (12 - weighted(&digits[..17], &weights) % 11) % 11;
    is_yyyymmdd(&digits[6..]) && digits[0] != b'0' && check == value(digits[17])
}

fn brazil_person(digits: &[u8]) -> bool {
    let check = |count: usize| {
        let weights: [u32; 10] =
            std::array::from_fn(|i| (count as u32 + 1).saturating_sub(i as u32));
        weighted(&digits[..count], &weights) * 10 % 11 % 10
    };
    digits.iter().any(|digit| *digit != digits[0])
        && check(9) == value(digits[9])
        && check(10) == value(digits[10])
}

fn brazil_company(digits: &[u8]) -> bool {
    let weights = [6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2];
    let check = |count: usize| match 11 - weighted(&digits[..count], &weights[13 - count..]) % 11 {
        10 | 11 => 0,
        check => check,
    };
    digits.iter().any(|digit| *digit != digits[0])
        && check(12) == value(digits[12])
        && check(13) == value(digits[13])
}

/// One digit occurs two or three times among the first ten.
fn germany(digits: &[u8]) -> bool {
    let most = (b'0'..=b'9')
        .map(|digit| digits[..10].iter().filter(|other| **other == digit).count())
        .max();
    digits[0] != b'0' && matches!(most, Some(2 | 3)) && is_mod_11_10(digits)
}

fn france(digits: &[u8]) -> bool {
    let month = number(&digits[3..5]);
    matches!(digits[0], b'1'..=b'4' | b'7' | b'8')
        && ((1..=12).contains(&month) || (20..=42).contains(&month) || month >= 50)
        && 97 - remainder(&digits[..13], 97) == number(&digits[13..])
}

fn poland(digits: &[u8]) -> bool {
    let month = number(&digits[2..4]) % 20;
    is_day(month, number(&digits[4..6]))
        && weighted(digits, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]).is_multiple_of(10)
}

fn netherlands(digits: &[u8]) -> bool {
    let sum = weighted(&digits[..8], &[9, 8, 7, 6, 5, 4, 3, 2]);
    sum >= value(digits[8]) && (sum - value(digits[8])).is_multiple_of(11)
}

fn australia_medicare(digits: &[u8]) -> bool {
    matches!(digits[0], b'2'..=b'6')
        && weighted(digits, &[1, 3, 7, 9, 1, 3, 7, 9]) % 10 == value(digits[8])
}

fn australia_company(digits: &[u8]) -> bool {
    let weights = [10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19];
    digits[0] != b'0' && (weighted(digits, &weights) - 10).is_multiple_of(89)
}

/// The date, the citizenship and the check digit.
fn south_africa(digits: &[u8]) -> bool {
    is_yymmdd(digits) && matches!(digits[10], b'0'..=b'2') && luhn(digits)
}

fn portugal(digits: &[u8]) -> bool {
    let rest = weighted(&digits[..8], &[9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    (if rest < 2 { 0 } else { 11 - rest }) == value(digits[8])
}

/// The day may have 60 added: a coordination number.
fn is_day_sweden(month: u32, day: u32) -> bool {
    is_day(month, if day > 60 { day - 60 } else { day })
}

fn sweden(digits: &[u8]) -> bool {
    is_day_sweden(number(&digits[2..4]), number(&digits[4..6])) && luhn(digits)
}

fn is_yyyymmdd_sweden(digits: &[u8]) -> bool {
    (1900..=2030).contains(&number(&digits[..4]))
        && is_day_sweden(number(&digits[4..6]), number(&digits[6..8]))
}

fn switzerland(digits: &[u8]) -> bool {
    digits.starts_with(b"756")
        && weighted(digits, &[1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]).is_multiple_of(10)
}

/// The check number counts from 97 down; for births since 2000 a 2 precedes the number.
fn belgium(digits: &[u8]) -> bool {
    let (rest, check) = (remainder(&digits[..9], 97), number(&digits[9..]));
    let century = (rest + 2 * remainder(b"1000000000", 97)) % 97;
    let (month, day) = (number(&digits[2..4]) % 20, number(&digits[4..6]));
    (is_day(month, day) || month == 0 && day <= 31) && (check == 97 - rest || check == 97 - century)
}

fn turkey(digits: &[u8]) -> bool {
    let sum = |from: usize, to: usize| (from..to).step_by(2).map(|i| value(digits[i])).sum::<u32>();
    let (odd, even) = (sum(0, 9), sum(1, 8));
    let all = odd + even + value(digits[9]);
    digits[0] != b'0'
        && (odd * 7 + 100 - even) % 10 == value(digits[9])
        && all % 10 == value(digits[10])
}

fn japan(digits: &[u8]) -> bool {
    let weights = [6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2];
    let check = match weighted(&digits[..11], &weights) % 11 {
        0 | 1 => 0,
        rest => 11 - rest,
    };
    check == value(digits[11])
}

/// The province, and the date of birth with 40 added to the day for women.
fn indonesia(digits: &[u8]) -> bool {
    let day = number(&digits[6..8]);
    (11..=97).contains(&number(&digits[..2]))
        && is_day(number(&digits[8..10]), if day > 40 { day - 40 } else { day })
}

fn russia_company(digits: &[u8]) -> bool {
    weighted(digits, &[2, 4, 10, 3, 5, 9, 4, 6, 8]) % 11 % 10 == value(digits[9])
}

fn russia_person(digits: &[u8]) -> bool {
    weighted(digits, &[7, 2, 4, 10, 3, 5, 9, 4, 6, 8]) % 11 % 10 == value(digits[10])
        && weighted(digits, &[3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8]) % 11 % 10 == value(digits[11])
}

fn russia_pension(digits: &[u8]) -> bool {
    weighted(digits, &[9, 8, 7, 6, 5, 4, 3, 2, 1]) % 101 % 100 == number(&digits[9..])
}

/// The century, the date of birth and the governorate.
fn egypt(digits: &[u8]) -> bool {
    let place = number(&digits[7..9]);
    matches!(digits[0], b'2' | b'3')
        && is_yymmdd(&digits[1..])
        && ((1..=35).contains(&place) || place == 88)
}

fn iran(digits: &[u8]) -> bool {
    let rest = weighted(digits, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    let check = if rest < 2 { rest } else { 11 - rest };
    digits.iter().any(|digit| *digit != digits[0]) && check == value(digits[9])
}

fn thailand(digits: &[u8]) -> bool {
    let sum = weighted(digits, &[13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]);
    digits[0] != b'0' && (11 - sum % 11) % 10 == value(digits[12])
}

fn argentina(digits: &[u8]) -> bool {
    let check = match 11 - weighted(digits, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11 {
        11 => 0,
        10 => 9,
        check => check,
    };
    matches!(number(&digits[..2]), 20 | 23..=27 | 30 | 33 | 34 | 50 | 51 | 55)
        && check == value(digits[10])
}

/// The check digit by weights of 2 to 7 from the end; 10 is the letter K.
pub(super) fn chile_check(digits: &[u8]) -> u32 {
    let sum: u32 = digits
        .iter()
        .rev()
        .zip([2, 3, 4, 5, 6, 7].into_iter().cycle())
        .map(|(d, w)| value(*d) * w)
        .sum();
    11 - sum % 11
}

fn chile(digits: &[u8]) -> bool {
    let (last, head) = (digits[digits.len() - 1], &digits[..digits.len() - 1]);
    chile_check(head) % 11 == value(last) && digits[0] != b'0'
}

fn colombia(digits: &[u8]) -> bool {
    let rest = weighted(&digits[..9], &[41, 37, 29, 23, 19, 17, 13, 7, 3]) % 11;
    (if rest < 2 { rest } else { 11 - rest }) == value(digits[9])
}

fn peru(digits: &[u8]) -> bool {
    let sum = weighted(digits, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]);
    matches!(&digits[..2], b"10" | b"15" | b"16" | b"17" | b"20")
        && (11 - sum % 11) % 10 == value(digits[10])
}

fn ecuador(digits: &[u8]) -> bool {
    let doubled = |(i, digit): (usize, &u8)| match (i % 2, value(*digit) * 2) {
        (0, double @ 10..) => double - 9,
        (0, double) => double,
        _ => value(*digit),
    };
    let sum: u32 = digits[..9].iter().enumerate().map(doubled).sum();
    let place = number(&digits[..2]);
    ((1..=24).contains(&place) || place == 30)
        && digits[2] < b'6'
        && (10 - sum % 10) % 10 == value(digits[9])
}

fn norway(digits: &[u8]) -> bool {
    let day = number(&digits[..2]);
    let (first, second) = ([3, 7, 6, 1, 8, 9, 4, 5, 2], [5, 4, 3, 2, 7, 6, 5, 4, 3, 2]);
    let month = number(&digits[2..4]) % 40;
    is_day(month, if day > 40 { day - 40 } else { day })
        && (11 - weighted(digits, &first) % 11) % 11 == value(digits[9])
        && (11 - weighted(digits, &second) % 11) % 11 == value(digits[10])
}

/// The month has 50 added for women, and 20 if numbers of a day ran out.
fn czechia(digits: &[u8]) -> bool {
    let month = number(&digits[2..4]) % 50;
    is_day(if month > 20 { month - 20 } else { month }, number(&digits[4..6]))
}

fn romania(digits: &[u8]) -> bool {
    let check = weighted(digits, &[2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11;
    matches!(digits[0], b'1'..=b'9')
        && is_yymmdd(&digits[1..])
        && (if check == 10 { 1 } else { check }) == value(digits[12])
}

fn bulgaria(digits: &[u8]) -> bool {
    let month = number(&digits[2..4]) % 20;
    is_day(month, number(&digits[4..6]))
        && weighted(digits, &[2, 4, 8, 5, 10, 9, 7, 3, 6]) % 11 % 10 == value(digits[9])
}

/// The numbers of the countries of former Yugoslavia; the year has three digits.
fn yugoslavia(digits: &[u8]) -> bool {
    let check = 11 - weighted(digits, &[7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
    (if check > 9 { 0 } else { check }) == value(digits[12])
}

/// Estonia and Lithuania: the century and sex, the date, the check digit.
fn baltic(digits: &[u8]) -> bool {
    let check = match weighted(digits, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 1]) % 11 {
        10 => weighted(digits, &[3, 4, 5, 6, 7, 8, 9, 1, 2, 3]) % 11 % 10,
        check => check,
    };
    matches!(digits[0], b'1'..=b'8') && is_yymmdd(&digits[1..]) && check == value(digits[10])
}

fn latvia(digits: &[u8]) -> bool {
    let sum = weighted(digits, &[1, 6, 3, 7, 9, 10, 5, 8, 4, 2]);
    is_ddmmyy(digits) && (1101 - sum) % 11 == value(digits[10])
}

/// Unique taxpayer reference: the first digit checks the others.
fn united_kingdom_tax(digits: &[u8]) -> bool {
    let rest = weighted(&digits[1..], &[6, 7, 8, 9, 10, 5, 4, 3, 2]) as usize % 11;
    b"21987654321"[rest] == digits[0]
}

fn ukraine(digits: &[u8]) -> bool {
    let sum: i64 = digits
        .iter()
        .zip([-1, 5, 7, 9, 4, 6, 10, 5, 7])
        .map(|(digit, weight)| i64::from(value(*digit)) * weight)
        .sum();
    sum.rem_euclid(11) % 10 == i64::from(value(digits[9]))
}

fn kazakhstan(digits: &[u8]) -> bool {
    let check = match weighted(digits, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]) % 11 {
        10 => weighted(digits, &[3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2]) % 11,
        check => check,
    };
    is_yymmdd(digits) && check == value(digits[11])
}
