//! Identity numbers with letters: their shapes and check characters by country.
//!
//! Pure functions of capital letters and digits without separators; nothing here allocates.

use super::checks::{is_day, is_yymmdd, number, value};
use super::digits::chile_check;

/// A kind of identity number.
pub(super) struct Kind {
    /// The number of characters.
    pub(super) len: usize,
    /// The groups in which it is written; without separators it is always allowed.
    pub(super) groups: &'static [&'static [u8]],
    /// Whether the characters are possible.
    pub(super) is_valid: fn(&[u8]) -> bool,
    /// Whether so few other words look the same that no word for identity numbers is needed.
    pub(super) is_sure: bool,
}

const fn kind(
    len: usize,
    groups: &'static [&'static [u8]],
    is_valid: fn(&[u8]) -> bool,
    is_sure: bool,
) -> Kind {
    Kind { len, groups, is_valid, is_sure }
}

/// Kinds that start with a letter.
#[rustfmt::skip]
pub(super) static KINDS: [Kind; 16] = [
    kind(9, &[&[2, 2, 2, 2, 1], &[2, 6, 1]], united_kingdom, true),
    kind(10, &[], india_tax, false),
    kind(9, &[], singapore, true),
    kind(9, &[&[1, 7, 1], &[8, 1]], spain_foreigner, true),
    kind(9, &[&[1, 8], &[1, 7, 1]], spain_company, false),
    kind(10, &[], taiwan, false),
    kind(8, &[&[7, 1]], hong_kong, false),
    kind(18, &[], mexico_person, true),
    kind(12, &[&[3, 6, 3]], mexico_tax, false),
    kind(13, &[&[4, 6, 3]], mexico_tax, false),
    kind(16, &[&[3, 3, 5, 5], &[6, 5, 5]], italy, true),
    kind(10, &[], value_added_tax, false),
    kind(11, &[], value_added_tax, false),
    kind(12, &[], value_added_tax, false),
    kind(13, &[], value_added_tax, false),
    kind(14, &[], value_added_tax, false),
];

/// Whether `text` has this shape: `A` a letter, `9` a digit.
fn is_like(text: &[u8], shape: &[u8]) -> bool {
    text.len() == shape.len()
        && text.iter().zip(shape).all(|(byte, class)| match class {
            b'A' => byte.is_ascii_uppercase(),
            b'9' => byte.is_ascii_digit(),
            _ => byte.is_ascii_alphanumeric(),
        })
}

/// National insurance: prefixes that are not issued are excluded, except the one of the forms' examples.
fn united_kingdom(text: &[u8]) -> bool {
    if text.starts_with(b"QQ") {
        return is_like(text, b"AA999999A") && matches!(text[8], b'A'..=b'D');
    }
    is_like(text, b"AA999999A")
        && !text[..2].iter().any(|letter| b"DFIQUV".contains(letter))
        && text[1] != b'O'
        && ![b"BG", b"GB", b"NK", b"KN", b"TN", b"NT", b"ZZ"]
            .iter()
            .any(|prefix| text.starts_with(*prefix))
        && matches!(text[8], b'A'..=b'D')
}

/// PAN: the fourth letter is the kind of holder.
fn india_tax(text: &[u8]) -> bool {
    is_like(text, b"AAAAA9999A") && b"ABCFGHJLPTK".contains(&text[3])
}

fn singapore(text: &[u8]) -> bool {
    if !is_like(text, b"A9999999A") {
        return false;
    }
    let sum: u32 = text[1..8]
        .iter()
        .zip([2, 7, 6, 5, 4, 3, 2])
        .map(|(digit, weight)| value(*digit) * weight)
        .sum();
    let (letters, offset) = match text[0] {
        b'S' => (b"JZIHGFEDCBA", 0),
        b'T' => (b"JZIHGFEDCBA", 4),
        b'F' => (b"XWUTRQPNMLK", 0),
        b'G' => (b"XWUTRQPNMLK", 4),
        b'M' => (b"KLJNPQRTUWX", 3),
        _ => return false,
    };
    let rest = (sum + offset) as usize % 11;
    let i = if text[0] == b'M' { 10 - rest } else { rest };
    letters[i] == text[8]
}

/// The letters of Spain's numbers, by the remainder of 23.
const SPAIN: &[u8; 23] = b"TRWAGMYFPDXBNJZSQVHLCKE";

/// The letter after a number of eight digits: DNI.
pub(super) fn spain_letter(digits: &[u8]) -> u8 {
    SPAIN[number(digits) as usize % 23]
}

/// NIE: X, Y or Z for the first digit.
fn spain_foreigner(text: &[u8]) -> bool {
    let first = match text[0] {
        b'X' => 0,
        b'Y' => 1,
        b'Z' => 2,
        _ => return false,
    };
    is_like(text, b"A9999999A")
        && SPAIN[(first * 10_000_000 + number(&text[1..8])) as usize % 23] == text[8]
}

/// CIF and the NIF of children and residents abroad: a letter, seven digits, a check digit or letter.
fn spain_company(text: &[u8]) -> bool {
    if !is_like(&text[..8], b"A9999999") || !b"ABCDEFGHJKLMNPQRSUVW".contains(&text[0]) {
        return false;
    }
    let digits = &text[1..8];
    let sum: u32 = digits
        .iter()
        .enumerate()
        .map(|(i, digit)| match (i % 2, value(*digit) * 2) {
            (0, double) => double / 10 + double % 10,
            _ => value(*digit),
        })
        .sum();
    let check = (10 - sum % 10) % 10;
    text[8] == b'0' + check as u8
        || text[8] == b"JABCDEFGHI"[check as usize]
        || b"KLM".contains(&text[0]) && text[8] == SPAIN[number(digits) as usize % 23]
}

/// The letter is a place; the weights of its number and of the digits are nine down to one.
fn taiwan(text: &[u8]) -> bool {
    const PLACES: &[u8; 26] = b"ABCDEFGHJKLMNPQRSTUVXYWZIO";
    let Some(place) = PLACES.iter().position(|letter| *letter == text[0]) else { return false };
    let place = place as u32 + 10;
    let digits: u32 = text[1..]
        .iter()
        .zip([8, 7, 6, 5, 4, 3, 2, 1, 1])
        .map(|(digit, weight)| value(*digit) * weight)
        .sum();
    is_like(text, b"A999999999")
        && matches!(text[1], b'1' | b'2' | b'8' | b'9')
        && (place / 10 + place % 10 * 9 + digits).is_multiple_of(10)
}

pub(super) fn hong_kong(text: &[u8]) -> bool {
    if !is_like(&text[..7], b"A999999") {
        return false;
    }
    let letter = u32::from(text[0] - b'A') + 10;
    let digits: u32 = text[1..7]
        .iter()
        .zip([7, 6, 5, 4, 3, 2])
        .map(|(digit, weight)| value(*digit) * weight)
        .sum();
    let check = (11 - (36 * 9 + letter * 8 + digits) % 11) % 11;
    text[7] == if check == 10 { b'A' } else { b'0' + check as u8 }
}

/// CURP: four letters of the name, the date of birth, sex, place and consonants, and a check digit.
fn mexico_person(text: &[u8]) -> bool {
    const VALUES: &[u8] = b"0123456789ABCDEFGHIJKLMN&OPQRSTUVWXYZ";
    let value_of = |byte: u8| VALUES.iter().position(|other| *other == byte).unwrap_or(0) as u32;
    let sum: u32 =
        text[..17].iter().zip((2..=18).rev()).map(|(byte, weight)| value_of(*byte) * weight).sum();
    is_like(text, b"AAAA999999AAAAAA*9")
        && is_yymmdd(&text[4..])
        && matches!(text[10], b'H' | b'M' | b'X')
        && (10 - sum % 10) % 10 == value(text[17])
}

/// RFC: three or four letters, a date and three characters. The check character is often not computed as prescribed.
fn mexico_tax(text: &[u8]) -> bool {
    let (letters, date) = text.split_at(text.len() - 9);
    letters.iter().all(u8::is_ascii_uppercase)
        && date[..6].iter().all(u8::is_ascii_digit)
        && is_yymmdd(date)
}

/// Codice fiscale: letters of the name, year, month letter and day, the place, and a check letter. Where several
/// people have the same code, letters replace digits after the year.
fn italy(text: &[u8]) -> bool {
    const ODD: [u32; 26] = [
        1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24,
        23,
    ];
    let is_digit = |i: usize| text[i].is_ascii_digit() || b"LMNPQRSTUV".contains(&text[i]);
    let place = |byte: u8| u32::from(if byte.is_ascii_digit() { byte - b'0' } else { byte - b'A' });
    let sum: u32 = text[..15]
        .iter()
        .enumerate()
        .map(|(i, byte)| match i % 2 {
            0 => ODD[place(*byte) as usize],
            _ => place(*byte),
        })
        .sum();
    text[..6].iter().all(u8::is_ascii_uppercase)
        && text[6..8].iter().all(u8::is_ascii_digit)
        && [9, 10, 12, 13, 14].into_iter().all(is_digit)
        && b"ABCDEHLMPRST".contains(&text[8])
        && text[11].is_ascii_uppercase()
        && u32::from(b'A') + sum % 26 == u32::from(text[15])
}

/// The number of a company or self-employed person for value-added tax: the country and eight digits or more.
fn value_added_tax(text: &[u8]) -> bool {
    is_like(&text[..2], b"AA") && text[2..].iter().filter(|byte| byte.is_ascii_digit()).count() >= 8
}

/// Germany's pension insurance: the office, the date of birth, the first letter of the name, a number, a check digit.
pub(super) fn germany_pension(text: &[u8]) -> bool {
    const WEIGHTS: [u32; 12] = [2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1];
    if !is_like(text, b"99999999A999") {
        return false;
    }
    let letter = u32::from(text[8] - b'A') + 1;
    let digits = text[..8].iter().map(|digit| value(*digit));
    let digits = digits
        .chain([letter / 10, letter % 10])
        .chain(text[9..11].iter().map(|digit| value(*digit)));
    let sum: u32 =
        digits.zip(WEIGHTS).map(|(digit, weight)| digit * weight).map(|n| n / 10 + n % 10).sum();
    sum % 10 == value(text[11])
}

/// Finland: `ddmmyy`, a sign for the century, three digits and a check character.
pub(super) fn finland(digits: &[u8], check: u8) -> bool {
    is_day(number(&digits[2..4]), number(&digits[..2]))
        && b"0123456789ABCDEFHJKLMNPRSTUVWXY"[number(digits) as usize % 31] == check
}

/// Ireland: seven digits, a check letter and often one more letter.
pub(super) fn ireland(digits: &[u8], letters: &[u8]) -> bool {
    let extra = match letters {
        [_, second] if *second != b'W' => u32::from(second - b'A') + 1,
        _ => 0,
    };
    let sum: u32 =
        digits.iter().zip((2..=8).rev()).map(|(digit, weight)| value(*digit) * weight).sum();
    b"WABCDEFGHIJKLMNOPQRSTUV"[(sum + extra * 9) as usize % 23] == letters[0]
}

/// Chile: the check character is a K.
pub(super) fn chile(digits: &[u8]) -> bool {
    chile_check(digits) == 10
}

/// Whether 17 characters are a vehicle's number. The check digit is required where it is prescribed: in North America
/// and China.
pub(super) fn is_vehicle(text: &[u8]) -> bool {
    const VALUES: [u32; 26] =
        [1, 2, 3, 4, 5, 6, 7, 8, 0, 1, 2, 3, 4, 5, 0, 7, 0, 9, 2, 3, 4, 5, 6, 7, 8, 9];
    const WEIGHTS: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
    let value_of = |byte: u8| match byte {
        b'0'..=b'9' => value(byte),
        _ => VALUES[usize::from(byte - b'A')],
    };
    let sum: u32 = text.iter().zip(WEIGHTS).map(|(byte, weight)| value_of(*byte) * weight).sum();
    let check = match sum % 11 {
        10 => b'X',
        rest => b'0' + rest as u8,
    };
    text.len() == 17
        && !text.iter().any(|byte| b"IOQ".contains(byte))
        && text.iter().any(u8::is_ascii_uppercase)
        && text[13..].iter().all(u8::is_ascii_digit)
        && (text[8] == check || !matches!(text[0], b'1'..=b'5' | b'L'))
}
