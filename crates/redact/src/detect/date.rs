//! Dates of birth: after a word for them; in the strict preset, any date that can be one.
//!
//! `1984-03-12`, `12/03/1984`, `3.12.1984`, without a word in years up to [`YEAR_MAX`]. A date followed by a time is
//! not one.

use super::number::{Hint, Number, barred, ends_at};
use crate::bytes::at;
use crate::hits::{Finder, rule};
use crate::kind::HitKind;

const YEAR_MIN: u32 = 1900;
/// Later dates are nearly always dates of events.
const YEAR_MAX: u32 = 2019;

/// Years of people who were born lately, after a word for it.
const BORN_YEAR_MAX: u32 = 2035;

/// Adds a hit if a date starts there.
pub(super) fn find(finder: &mut Finder<'_>, number: &Number) {
    let input = finder.input;
    let born = number.hint.has(Hint::BORN);
    if !(born || finder.rules.loose_numbers)
        || barred(number.prev)
        || matches!(number.prev, b'/' | b'+')
        || number.prev == b':' && !born
    {
        return;
    }
    let year_max = if born { BORN_YEAR_MAX } else { YEAR_MAX };
    let Some(end) = date_end(input, number.pos, year_max) else { return };
    let time = matches!(at(input, end), b' ' | b',')
        && at(input, end + 1).is_ascii_digit()
        && (at(input, end + 2) == b':' || at(input, end + 3) == b':');
    if ends_at(input, end) && !matches!(at(input, end), b'/' | b':') && !time {
        finder.hit(number.pos, end, rule::DOB, HitKind::Dob);
    }
}

/// Where the date at `pos` ends.
fn date_end(input: &[u8], pos: usize, year_max: u32) -> Option<usize> {
    let (first, i) = digits(input, pos)?;
    let (second, j) = digits(input, i + 1)?;
    let (third, end) = digits(input, j + 1)?;
    let sign = at(input, i);
    if sign != at(input, j) || !matches!(sign, b'-' | b'/' | b'.') {
        return None;
    }
    let (year, month, day) = match (i - pos, end - j - 1) {
        (4, 2) if j - i == 3 => (first, second, third),
        (1 | 2, 4) if second <= 12 => (third, second, first),
        (1 | 2, 4) => (third, first, second),
        _ => return None,
    };
    let is_date = (YEAR_MIN..=year_max).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && j - i <= 3;
    is_date.then_some(end)
}

/// The one to four digits at `pos` as a number, and where they end.
fn digits(input: &[u8], pos: usize) -> Option<(u32, usize)> {
    let digits = input.get(pos..)?.iter().take(5).take_while(|byte| byte.is_ascii_digit());
    let (value, len) =
        digits.fold((0, 0), |(n, len), byte| (n * 10 + u32::from(byte - b'0'), len + 1));
    (1..=4).contains(&len).then_some((value, pos + len))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_recognised_and_versions_are_not() {
        for date in ["1984-03-12", "12/03/1984", "3.12.1984", "31/1/2001", "12/31/1999"] {
            assert_eq!(date_end(date.as_bytes(), 0, YEAR_MAX), Some(date.len()), "{date}");
        }
        for other in ["2024-07-12", "1984-13-12", "1984-03/12", "10.0.0.1", "1.2.84", "1899-01-01"]
        {
            assert_eq!(date_end(other.as_bytes(), 0, YEAR_MAX), None, "{other}");
        }
    }
}
