//! Dates that can be somebody's birthday, without any word that says so: strict preset only.
//!
//! `1984-03-12`, `12/03/1984`, `3.12.1984`, of the years up to [`YEAR_MAX`]. A time behind it makes it a
//! date of something else.

use super::number::{barred, ends_at};
use crate::redact::bytes::{at, before};
use crate::redact::find::{Finder, rule};
use crate::redact::kind::Kind;

const YEAR_MIN: u32 = 1900;
/// Younger dates are nearly always those of events.
const YEAR_MAX: u32 = 2019;

/// `p` is a digit that starts a number.
pub(super) fn find(f: &mut Finder<'_>, p: usize) {
    let v = f.v;
    let prev = before(v, p);
    if barred(prev) || matches!(prev, b'/' | b'+' | b':') {
        return;
    }
    let Some(end) = date_end(v, p) else { return };
    let time = matches!(at(v, end), b' ' | b',')
        && at(v, end + 1).is_ascii_digit()
        && (at(v, end + 2) == b':' || at(v, end + 3) == b':');
    if ends_at(v, end) && !matches!(at(v, end), b'/' | b':') && !time {
        f.hit(p, end, rule::DOB, Kind::Dob);
    }
}

/// Where the date at `p` ends.
fn date_end(v: &[u8], p: usize) -> Option<usize> {
    let (first, i) = digits(v, p)?;
    let (second, j) = digits(v, i + 1)?;
    let (third, end) = digits(v, j + 1)?;
    let sign = at(v, i);
    if sign != at(v, j) || !matches!(sign, b'-' | b'/' | b'.') {
        return None;
    }
    let (year, month, day) = match (i - p, end - j - 1) {
        (4, 2) if j - i == 3 => (first, second, third),
        (1 | 2, 4) if second <= 12 => (third, second, first),
        (1 | 2, 4) => (third, first, second),
        _ => return None,
    };
    let is_date = (YEAR_MIN..=YEAR_MAX).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && j - i <= 3;
    is_date.then_some(end)
}

/// The one to four digits at `i` as a number, and where they end.
fn digits(v: &[u8], i: usize) -> Option<(u32, usize)> {
    let digits = v.get(i..)?.iter().take(5).take_while(|b| b.is_ascii_digit());
    let (value, len) = digits.fold((0, 0), |(n, len), b| (n * 10 + u32::from(b - b'0'), len + 1));
    (1..=4).contains(&len).then_some((value, i + len))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_the_last_century_are_dates_and_versions_are_none() {
        for date in ["1984-03-12", "12/03/1984", "3.12.1984", "31/1/2001", "12/31/1999"] {
            assert_eq!(date_end(date.as_bytes(), 0), Some(date.len()), "{date}");
        }
        for other in ["2024-07-12", "1984-13-12", "1984-03/12", "10.0.0.1", "1.2.84", "1899-01-01"]
        {
            assert_eq!(date_end(other.as_bytes(), 0), None, "{other}");
        }
    }
}
