//! Parses and formats moments (RFC 3339), dates and durations. All functions are pure; `now` is a parameter.
use std::fmt;
use std::time::Duration;

use ringseal::internals::core::calendar::{civil_from_days, days_from_civil};

const NANOS_PER_SECOND: i64 = 1_000_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// Parses an RFC 3339 moment as written in log lines, `2026-11-22T15:09:20.123456Z`, into nanoseconds since
/// 1970-01-01T00:00:00Z.
///
/// Also accepts a space, `t` or `_` for `T`, a comma before the fraction (ISO 8601), an offset without a colon, and no
/// offset (UTC). Digits after the nanosecond are dropped; a leap second counts as the second before it.
pub fn parse_moment(text: &[u8]) -> Option<i64> {
    let (date, rest) = text.split_at_checked(10)?;
    let days = parse_date(date)?;
    let (&separator, rest) = rest.split_first()?;
    if !matches!(separator, b'T' | b't' | b' ' | b'_') {
        return None;
    }
    let (clock, rest) = rest.split_at_checked(8)?;
    let (fraction_nanos, rest) = parse_fraction(rest)?;
    let seconds = days * SECONDS_PER_DAY + parse_clock(clock)? - parse_offset(rest)?;
    seconds.checked_mul(NANOS_PER_SECOND)?.checked_add(fraction_nanos)
}

/// Days since 1970-01-01 of `2026-11-22`.
fn parse_date(text: &[u8]) -> Option<i64> {
    let &[y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1] = text else { return None };
    let year = number(&[y0, y1, y2, y3])?;
    let (month, day) = (number(&[m0, m1])?, number(&[d0, d1])?);
    let valid = (1..=12).contains(&month) && (1..=days_in(year, month)).contains(&day);
    valid.then(|| days_from_civil(year, month as u32, day as u32))
}

/// Seconds since midnight of `15:09:20`.
fn parse_clock(text: &[u8]) -> Option<i64> {
    let &[h0, h1, b':', m0, m1, b':', s0, s1] = text else { return None };
    let (hour, minute, second) = (number(&[h0, h1])?, number(&[m0, m1])?, number(&[s0, s1])?);
    (hour < 24 && minute < 60 && second <= 60).then(|| hour * 3600 + minute * 60 + second.min(59))
}

/// Nanoseconds of `.123456`, and the text after it.
fn parse_fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let Some((b'.' | b',', rest)) = text.split_first() else { return Some((0, text)) };
    let len = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if len == 0 {
        return None;
    }
    let (digits, rest) = rest.split_at(len);
    let padded = digits.iter().copied().chain(std::iter::repeat(b'0')).take(9);
    Some((padded.fold(0, |nanos, digit| nanos * 10 + i64::from(digit - b'0')), rest))
}

/// Seconds east of UTC of `Z`, `+03:00`, `+0300`, `+03` or nothing.
fn parse_offset(text: &[u8]) -> Option<i64> {
    let (sign, hours, minutes) = match *text {
        [] | [b'Z' | b'z'] => return Some(0),
        [sign, h0, h1, b':', m0, m1] | [sign, h0, h1, m0, m1] => (sign, [h0, h1], [m0, m1]),
        [sign, h0, h1] => (sign, [h0, h1], *b"00"),
        _ => return None,
    };
    let (hours, minutes) = (number(&hours)?, number(&minutes)?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    let seconds = hours * 3600 + minutes * 60;
    match sign {
        b'+' => Some(seconds),
        b'-' => Some(-seconds),
        _ => None,
    }
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |sum, digit| {
        digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0'))
    })
}

fn days_in(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Length of the result of [`write_millis`].
pub const MILLIS_LEN: usize = 24;

/// Formats a moment as `2026-11-22T15:09:20.123Z`. Nanoseconds in 64 bits cannot exceed the years 0000 to 9999.
pub fn write_millis(unix_nanos: i64) -> [u8; MILLIS_LEN] {
    let mut out = *b"0000-00-00T00:00:00.000Z";
    let seconds = unix_nanos.div_euclid(NANOS_PER_SECOND);
    let millis = unix_nanos.rem_euclid(NANOS_PER_SECOND) / 1_000_000;
    let (year, month, day) = civil_from_days(seconds.div_euclid(SECONDS_PER_DAY));
    let second = seconds.rem_euclid(SECONDS_PER_DAY);
    let parts = [
        (0..4, year),
        (5..7, i64::from(month)),
        (8..10, i64::from(day)),
        (11..13, second / 3600),
        (14..16, second / 60 % 60),
        (17..19, second % 60),
        (20..23, millis),
    ];
    for (place, mut value) in parts {
        for digit in out[place].iter_mut().rev() {
            *digit = b'0' + (value % 10) as u8;
            value /= 10;
        }
    }
    out
}

/// A text that is not a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseMomentError {
    found: String,
}

impl fmt::Display for ParseMomentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is not a moment; expected RFC 3339 (2026-11-22T15:09:20Z), a date (2026-11-22, from 00:00 UTC) \
             or a duration before now (30s, 15m, 2h, 3d, 1w, 1h30m)",
            self.found
        )
    }
}

impl std::error::Error for ParseMomentError {}

/// A moment on the command line: RFC 3339, a date (its start in UTC) or a duration before now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    At(i64),
    /// Nanoseconds before now.
    Ago(i64),
}

impl Moment {
    /// Converts to nanoseconds since 1970-01-01T00:00:00Z.
    pub fn unix_nanos(self, now: i64) -> i64 {
        match self {
            Moment::At(nanos) => nanos,
            Moment::Ago(nanos) => now.saturating_sub(nanos),
        }
    }
}

impl std::str::FromStr for Moment {
    type Err = ParseMomentError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = text.trim().as_bytes();
        let midnight = || parse_date(bytes)?.checked_mul(SECONDS_PER_DAY * NANOS_PER_SECOND);
        parse_moment(bytes)
            .or_else(midnight)
            .map(Moment::At)
            .or_else(|| parse_nanos(bytes).map(Moment::Ago))
            .ok_or_else(|| ParseMomentError { found: text.to_owned() })
    }
}

/// Parses a duration greater than zero: `15m`, `1h30m`, `7d`.
///
/// # Errors
/// If the text is not a duration or is zero.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let nanos = parse_nanos(text.trim().as_bytes()).and_then(|nanos| u64::try_from(nanos).ok());
    nanos.filter(|nanos| *nanos > 0).map(Duration::from_nanos).ok_or_else(|| {
        "expected a duration such as 500ms, 30s, 15m, 2h, 3d, 1w or 1h30m".to_owned()
    })
}

/// Nanoseconds of `15m` or `1h30m`.
fn parse_nanos(text: &[u8]) -> Option<i64> {
    let mut rest = text;
    let mut total: i64 = 0;
    while !rest.is_empty() {
        let len = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, after) = rest.split_at(len);
        let count: i64 = str::from_utf8(digits).ok()?.parse().ok()?;
        let len = after.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        let (unit, after) = after.split_at(len);
        let nanos = match unit {
            b"ms" => 1_000_000,
            b"s" => NANOS_PER_SECOND,
            b"m" | b"min" => 60 * NANOS_PER_SECOND,
            b"h" => 3600 * NANOS_PER_SECOND,
            b"d" => SECONDS_PER_DAY * NANOS_PER_SECOND,
            b"w" => 7 * SECONDS_PER_DAY * NANOS_PER_SECOND,
            _ => return None,
        };
        total = total.checked_add(count.checked_mul(nanos)?)?;
        rest = after;
    }
    (!text.is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_parse_in_all_accepted_forms() {
        let at = 1_795_360_160_123_456_000;
        let cases: [(&str, Option<i64>); 22] = [
            ("2026-11-22T15:09:20.123456Z", Some(at)),
            ("2026-11-22t15:09:20.123456z", Some(at)),
            ("2026-11-22 15:09:20,123456", Some(at)),
            ("2026-11-22T18:09:20.123456+03:00", Some(at)),
            ("2026-11-22T18:09:20.123456+0300", Some(at)),
            ("2026-11-22T18:09:20.123456+03", Some(at)),
            ("2026-11-22T04:39:20.123456-10:30", Some(at)),
            ("2026-11-22T15:09:20.1234560001Z", Some(at)),
            ("1970-01-01T00:00:00Z", Some(0)),
            ("1969-12-31T23:59:59.5Z", Some(-500_000_000)),
            ("2000-02-29T00:00:00Z", Some(951_782_400_000_000_000)),
            ("2016-12-31T23:59:60Z", Some(1_483_228_799_000_000_000)),
            ("2100-02-29T00:00:00Z", None),
            ("2026-13-01T00:00:00Z", None),
            ("2026-11-22T24:00:00Z", None),
            ("2026-11-22T15:09:20.Z", None),
            ("2026-11-22T15:09:20.5", Some(at - 123_456_000 + 500_000_000)),
            ("2026-11-22T15:09Z", None),
            ("2026-11-22", None),
            ("2026-11-22T15:09:20Zx", None),
            ("9999-12-31T00:00:00Z", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_moment(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn formatted_moments_parse_back() {
        for day in -100_000..=84_000_i64 {
            let nanos = day * SECONDS_PER_DAY * NANOS_PER_SECOND + 1_000_000 * (day & 511);
            let text = write_millis(nanos);
            assert_eq!(parse_moment(&text), Some(nanos), "{}", String::from_utf8_lossy(&text));
        }
    }

    #[test]
    fn moments_dates_and_durations_parse_as_moments() {
        let second = NANOS_PER_SECOND;
        let cases: [(&str, Option<Moment>); 13] = [
            ("15m", Some(Moment::Ago(900 * second))),
            ("2h", Some(Moment::Ago(7200 * second))),
            ("3d", Some(Moment::Ago(3 * 86_400 * second))),
            ("1w", Some(Moment::Ago(7 * 86_400 * second))),
            ("1h30m", Some(Moment::Ago(5400 * second))),
            ("250ms", Some(Moment::Ago(second / 4))),
            ("2026-11-22", Some(Moment::At(1_795_305_600 * second))),
            ("2026-11-22T15:09:20Z", Some(Moment::At(1_795_360_160 * second))),
            ("15", None),
            ("m", None),
            ("15 m", None),
            ("yesterday", None),
            ("99999999999999d", None),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse().ok(), expected, "{text}");
        }
    }
}
