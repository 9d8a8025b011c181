//! Times of entries: RFC 3339 in UTC with nine digits, 30 bytes, in canonical form.
//!
//! Promises: no allocation except to grow the output vector; times outside the years 1970 to 2261 are
//! clamped when written, since a wrong clock must not lose an entry, and rejected when read.

use ringseal_base::calendar::{civil_from_days, days_from_civil};

const NANOS_PER_SEC: i64 = 1_000_000_000;
const SECS_PER_DAY: i64 = 86_400;
/// The last nanosecond of 2261.
const UNIX_NANOS_MAX: i64 = 9_214_646_400 * NANOS_PER_SEC - 1;
/// Bytes of a time.
pub(super) const TIMESTAMP_BYTES: usize = 30;

/// The time that an entry of this time has.
pub(crate) fn clamp_to_format(unix_nanos: i64) -> i64 {
    unix_nanos.clamp(0, UNIX_NANOS_MAX)
}

/// Appends a time given as nanoseconds since 1970-01-01T00:00:00Z.
pub fn put_timestamp(unix_nanos: i64, out: &mut Vec<u8>) {
    let nanos = clamp_to_format(unix_nanos);
    let secs = nanos / NANOS_PER_SEC;
    let (year, month, day) = civil_from_days(secs / SECS_PER_DAY);
    let second = (secs % SECS_PER_DAY) as u32;
    let mut text = *b"0000-00-00T00:00:00.000000000Z";
    put_digits(&mut text, 0, 4, year as u32);
    put_digits(&mut text, 5, 2, month);
    put_digits(&mut text, 8, 2, day);
    put_digits(&mut text, 11, 2, second / 3600);
    put_digits(&mut text, 14, 2, second / 60 % 60);
    put_digits(&mut text, 17, 2, second % 60);
    put_digits(&mut text, 20, 9, (nanos % NANOS_PER_SEC) as u32);
    out.extend_from_slice(&text);
}

fn put_digits(text: &mut [u8; TIMESTAMP_BYTES], at: usize, count: usize, mut value: u32) {
    for digit in text[at..at + count].iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

/// Parses a time to nanoseconds since 1970; `None` if it is not in canonical form.
pub fn parse_timestamp(text: &[u8]) -> Option<i64> {
    TimestampParser::default().parse(text.try_into().ok()?)
}

/// Parses times; caches the last minute, which most times share.
#[derive(Debug, Default)]
pub(super) struct TimestampParser {
    /// The text of the last minute, with its last colon, and its seconds since 1970.
    last: Option<([u8; MINUTE_BYTES], i64)>,
}

/// `2026-11-22T15:09:`
const MINUTE_BYTES: usize = 17;

impl TimestampParser {
    pub fn parse(&mut self, text: &[u8; TIMESTAMP_BYTES]) -> Option<i64> {
        let minute = text.first_chunk()?;
        let secs = match &self.last {
            Some((last, secs)) if last == minute => *secs,
            _ => self.last.insert((*minute, parse_minute(text)?)).1,
        };
        let (second, nanos) = (digits(text, 17, 2)?, digits(text, 20, 9)?);
        if second > 59 || text[19] != b'.' || text[29] != b'Z' {
            return None;
        }
        Some((secs + second) * NANOS_PER_SEC + nanos)
    }
}

/// Parses the minute to seconds since 1970.
fn parse_minute(text: &[u8; TIMESTAMP_BYTES]) -> Option<i64> {
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if marks.iter().any(|(at, mark)| text[*at] != *mark) {
        return None;
    }
    let (year, month, day) =
        (digits(text, 0, 4)?, digits(text, 5, 2)? as u32, digits(text, 8, 2)? as u32);
    let (hour, minute) = (digits(text, 11, 2)?, digits(text, 14, 2)?);
    if !(1970..=2261).contains(&year) || hour > 23 || minute > 59 {
        return None;
    }
    // A date that does not exist is read back as another one.
    let days = days_from_civil(year, month, day);
    if civil_from_days(days) != (year, month, day) {
        return None;
    }
    Some(days * SECS_PER_DAY + hour * 3600 + minute * 60)
}

#[inline]
fn digits(text: &[u8; TIMESTAMP_BYTES], at: usize, count: usize) -> Option<i64> {
    let (mut value, mut is_right) = (0, true);
    for byte in &text[at..at + count] {
        let digit = byte.wrapping_sub(b'0');
        is_right &= digit < 10;
        value = value * 10 + i64::from(digit);
    }
    is_right.then_some(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(unix_nanos: i64) -> String {
        let mut out = Vec::new();
        put_timestamp(unix_nanos, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn known_times_round_trip() {
        let known = [
            (0, "1970-01-01T00:00:00.000000000Z"),
            (951_782_400_000_000_001, "2000-02-29T00:00:00.000000001Z"),
            (1_795_360_160_123_456_789, "2026-11-22T15:09:20.123456789Z"),
            (UNIX_NANOS_MAX, "2261-12-31T23:59:59.999999999Z"),
        ];
        for (nanos, want) in known {
            assert_eq!(text(nanos), want);
            assert_eq!(parse_timestamp(want.as_bytes()), Some(nanos));
        }
    }

    #[test]
    fn a_wrong_clock_is_clamped() {
        assert_eq!(text(i64::MIN), text(0));
        assert_eq!(text(i64::MAX), text(UNIX_NANOS_MAX));
    }

    #[test]
    fn malformed_times_are_rejected() {
        let refused = [
            "2026-11-22T14:29:20.12345678Z",
            "2026-11-22T14:29:20.1234567890Z",
            "2026-11-22t14:29:20.123456789Z",
            "2026-11-22T14:29:20.123456789z",
            "2026-11-22 14:29:20.123456789Z",
            "2026-11-22T24:00:00.000000000Z",
            "2026-11-22T14:60:00.000000000Z",
            "2026-11-22T14:29:60.000000000Z",
            "2026-02-29T14:29:20.123456789Z",
            "2026-00-22T14:29:20.123456789Z",
            "2026-13-22T14:29:20.123456789Z",
            "2026-11-00T14:29:20.123456789Z",
            "2026-11-31T14:29:20.123456789Z",
            "1969-12-31T23:59:59.999999999Z",
            "2262-01-01T00:00:00.000000000Z",
            "2026-11-22T14:29:20,123456789Z",
            "2026-11-22T14:29:+0.123456789Z",
            "",
        ];
        for text in refused {
            assert_eq!(parse_timestamp(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn written_times_are_read_back(nanos in 0..=UNIX_NANOS_MAX) {
            prop_assert_eq!(parse_timestamp(text(nanos).as_bytes()), Some(nanos));
        }
    }
}
