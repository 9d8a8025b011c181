//! Check digits and dates of identity numbers.
//!
//! Pure functions of decimal digits, which are written in ASCII.

/// The value of a digit.
pub(super) fn value(digit: u8) -> u32 {
    u32::from(digit.wrapping_sub(b'0'))
}

/// The number that digits form; at most nine digits.
pub(super) fn number(digits: &[u8]) -> u32 {
    digits.iter().fold(0, |n, digit| n * 10 + value(*digit))
}

/// The sum of the digits, each times its weight.
pub(super) fn weighted(digits: &[u8], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).map(|(digit, weight)| value(*digit) * weight).sum()
}

/// The remainder of a number of any length.
pub(super) fn remainder(digits: &[u8], divisor: u32) -> u32 {
    digits.iter().fold(0, |rest, digit| (rest * 10 + value(*digit)) % divisor)
}

/// ISO/IEC 7064, MOD 11,10: Germany's and Croatia's tax numbers.
pub(super) fn is_mod_11_10(digits: &[u8]) -> bool {
    let Some((last, head)) = digits.split_last() else { return false };
    let product = head.iter().fold(10, |product, digit| {
        let sum = (value(*digit) + product) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    (11 - product) % 10 == value(*last)
}

/// The products of the dihedral group of ten elements.
#[rustfmt::skip]
const VERHOEFF: [[u8; 10]; 10] = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 2, 3, 4, 0, 6, 7, 8, 9, 5], [2, 3, 4, 0, 1, 7, 8, 9, 5, 6],
    [3, 4, 0, 1, 2, 8, 9, 5, 6, 7], [4, 0, 1, 2, 3, 9, 5, 6, 7, 8], [5, 9, 8, 7, 6, 0, 4, 3, 2, 1],
    [6, 5, 9, 8, 7, 1, 0, 4, 3, 2], [7, 6, 5, 9, 8, 2, 1, 0, 4, 3], [8, 7, 6, 5, 9, 3, 2, 1, 0, 4],
    [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
];

/// Verhoeff's check digit: Aadhaar.
pub(super) fn is_verhoeff(digits: &[u8]) -> bool {
    const STEP: [u8; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    let permuted = |digit: u8, times: usize| {
        (0..times).fold(digit - b'0', |digit, _| STEP[usize::from(digit)])
    };
    let product = digits.iter().rev().enumerate().fold(0, |product, (i, digit)| {
        VERHOEFF[usize::from(product)][usize::from(permuted(*digit, i % 8))]
    });
    product == 0
}

/// Whether these are a month and a day.
pub(super) fn is_day(month: u32, day: u32) -> bool {
    let last = match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    (1..=12).contains(&month) && (1..=last).contains(&day)
}

/// Whether digits begin with a year of two digits, a month and a day.
pub(super) fn is_yymmdd(digits: &[u8]) -> bool {
    is_day(number(&digits[2..4]), number(&digits[4..6]))
}

/// Whether digits begin with a day, a month and a year of two digits.
pub(super) fn is_ddmmyy(digits: &[u8]) -> bool {
    is_day(number(&digits[2..4]), number(&digits[..2]))
}

/// Whether digits begin with a year since 1900, a month and a day.
pub(super) fn is_yyyymmdd(digits: &[u8]) -> bool {
    (1900..=2030).contains(&number(&digits[..4])) && is_yymmdd(&digits[2..])
}

/// A remainder of eleven as the last digit, where ten is not a digit.
pub(super) fn is_mod_11(digits: &[u8], weights: &[u32]) -> bool {
    let Some((last, head)) = digits.split_last() else { return false };
    11 - weighted(head, weights) % 11 == value(*last) + if *last == b'0' { 11 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_of_published_examples_hold() {
        assert!(is_mod_11_10(b"86095742719"));
        assert!(!is_mod_11_10(b"86095742718"));
        assert!(is_verhoeff(b"2363") && !is_verhoeff(b"2364"));
        assert!(is_verhoeff(b"234123412346"));
        assert_eq!(remainder(b"123456789012345678901234567890", 97), 52);
        assert!(is_day(2, 29) && !is_day(2, 30) && !is_day(13, 1) && !is_day(0, 1));
    }
}
