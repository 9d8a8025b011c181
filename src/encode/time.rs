//! Points in time as RFC 3339 in UTC: `2026-11-22T15:09:20.123456Z`.
//!
//! Promises: only the cursor allocates. Every `i64` of nanoseconds and of seconds is written correctly, including times
//! before 1970. No clock and no time zone is read. Unix time has no leap seconds, and none are inserted.
use super::number::{PutDecimal, ZEROS, digits6, digits8};
use super::out::{Out, Slot};
use ringseal_base::calendar::civil_from_days;
use ringseal_base::simd::Room;

const NANOS_PER_SEC: u32 = 1_000_000_000;
const SECS_PER_DAY: i64 = 86_400;

/// The number of digits after the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Subsecond {
    /// Three.
    Millis,
    /// Six.
    #[default]
    Micros,
    /// Nine.
    Nanos,
}

/// The rendering of the last second, so that events within one second only write the fraction.
///
/// One cache works for any number of digits and any order of times; times out of order are only slower.
#[derive(Debug, Clone)]
pub struct TimeCache {
    /// The first nanosecond that `prefix` holds for.
    from: i64,
    /// For how many nanoseconds it holds; zero if nothing is cached.
    len: u64,
    /// `2026-11-22T15:09:20.`, then unused bytes.
    prefix: [u8; 32],
}

/// Bytes of `2026-11-22T15:09:20.`.
pub(super) const PREFIX_LEN: usize = 20;

impl TimeCache {
    /// An empty cache.
    pub const fn new() -> Self {
        Self { from: 0, len: 0, prefix: [0; 32] }
    }

    /// The second of `unix_nanos`, with the point after it, and the nanoseconds since its start.
    pub(super) fn second(&mut self, unix_nanos: i64) -> (&[u8], u64) {
        let mut fraction = unix_nanos.wrapping_sub(self.from) as u64;
        if fraction >= self.len {
            fraction = self.refill(unix_nanos);
        }
        (&self.prefix[..PREFIX_LEN], fraction)
    }

    /// The first nanosecond of the last second, and for how many nanoseconds it holds.
    pub(super) fn range(&self) -> (i64, u64) {
        (self.from, self.len)
    }

    /// Renders the second of `unix_nanos`; returns the nanoseconds since its start.
    #[cold]
    #[inline(never)]
    fn refill(&mut self, unix_nanos: i64) -> u64 {
        let secs = unix_nanos.div_euclid(i64::from(NANOS_PER_SEC));
        let fraction = unix_nanos.rem_euclid(i64::from(NANOS_PER_SEC));
        // The first second of the range starts before the range, so it is not cached.
        let start = unix_nanos.checked_sub(fraction);
        self.from = start.unwrap_or(0);
        self.len = start.map_or(0, |start| {
            (u64::from(NANOS_PER_SEC)).min(i64::MAX.abs_diff(start).saturating_add(1))
        });
        let [year, month_day, time] = Moment::from_unix(secs).words().map(u64::to_le_bytes);
        self.prefix[..8].copy_from_slice(&year);
        self.prefix[4..12].copy_from_slice(&month_day);
        self.prefix[11..19].copy_from_slice(&time);
        self.prefix[19] = b'.';
        fraction as u64
    }
}

impl Default for TimeCache {
    fn default() -> Self {
        Self::new()
    }
}

impl Out<'_> {
    /// A point in time between 1677 and 2262, without quotes.
    #[inline(always)]
    pub fn timestamp(&mut self, cache: &mut TimeCache, unix_nanos: i64, digits: Subsecond) {
        self.slot().timestamp(cache, unix_nanos, digits);
    }

    /// A point in time given as seconds and nanoseconds since 1970, as [`std::time::SystemTime`]
    /// can be split, without quotes. Nanoseconds of a second and more carry.
    ///
    /// RFC 3339 covers the years 0 to 9999. Other years have a sign and at least six digits
    /// (`+012026-…`, `-000001-…`), the expanded form of ISO 8601 that ECMAScript reads.
    #[inline(always)]
    pub fn system_time(&mut self, unix_secs: i64, nanos: u32, digits: Subsecond) {
        self.cursor.with_vec(|line| system_time(line, unix_secs, nanos, digits));
    }
}

impl Slot<'_, '_> {
    /// See [`Out::timestamp`].
    #[inline(always)]
    pub fn timestamp(self, cache: &mut TimeCache, unix_nanos: i64, digits: Subsecond) {
        let mut fraction = unix_nanos.wrapping_sub(cache.from) as u64;
        if fraction >= cache.len {
            fraction = cache.refill(unix_nanos);
        }
        self.0.put::<32, 10>(&cache.prefix, PREFIX_LEN).fraction(fraction as u32, digits);
    }
}

/// Fractions of a second at a cursor with room for them.
trait PutFraction: Sized {
    /// The digits after the point, and `Z`.
    fn fraction(self, nanos: u32, digits: Subsecond);
}

impl<const CAP: usize> PutFraction for Room<'_, '_, CAP> {
    #[inline(always)]
    fn fraction(self, nanos: u32, digits: Subsecond) {
        const Z: u64 = b'Z' as u64;
        let nanos = u64::from(nanos);
        match digits {
            Subsecond::Millis => {
                let word = (digits8(nanos / 1_000_000) | ZEROS) >> 40 | Z << 24;
                self.put::<4, 0>(&(word as u32).to_le_bytes(), 4);
            }
            Subsecond::Micros => {
                let word = digits6(nanos / 1_000) | ZEROS >> 16 | Z << 48;
                self.put::<8, 0>(&word.to_le_bytes(), 7);
            }
            Subsecond::Nanos => {
                let last = [b'0' + (nanos % 10) as u8, b'Z'];
                self.following8::<2>(nanos / 10).put::<2, 0>(&last, 2);
            }
        }
    }
}

/// See [`Out::system_time`].
#[inline(never)]
fn system_time(line: &mut Vec<u8>, unix_secs: i64, nanos: u32, digits: Subsecond) {
    let mut out = Out::new(line);
    let secs = unix_secs.saturating_add(i64::from(nanos / NANOS_PER_SEC));
    let moment = Moment::from_unix(secs);
    let [year, month_day, time] = moment.words().map(u64::to_le_bytes);
    match moment.year {
        0..=9999 => out.cursor.put(&year, 4),
        year => out.cursor.with_vec(|line| expanded_year(line, year)),
    }
    let room = out.cursor.room::<27>().put::<8, 19>(&month_day, 7).put::<8, 11>(&time, 8);
    room.put::<1, 10>(b".", 1).fraction(nanos % NANOS_PER_SEC, digits);
}

/// `+012026`, `-000001`, `+292277026596`.
#[cold]
#[inline(never)]
fn expanded_year(line: &mut Vec<u8>, year: i64) {
    let mut out = Out::new(line);
    let magnitude = year.unsigned_abs();
    out.byte(if year < 0 { b'-' } else { b'+' });
    if magnitude < 1_000_000 {
        let word = (digits8(magnitude) | ZEROS) >> 16;
        out.cursor.put(&word.to_le_bytes(), 6);
    } else {
        out.u64(magnitude);
    }
}

/// The parts of a point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Moment {
    year: i64,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
}

impl Moment {
    fn from_unix(secs: i64) -> Self {
        let (year, month, day) = civil_from_days(secs.div_euclid(SECS_PER_DAY));
        let of_day = secs.rem_euclid(SECS_PER_DAY) as u32;
        Self {
            year,
            month: month as u8,
            day: day as u8,
            hour: (of_day / 3_600) as u8,
            minute: (of_day / 60 % 60) as u8,
            second: (of_day % 60) as u8,
        }
    }

    /// `2026`, `-11-22T` and `15:09:20` in the low bytes of three words; for years outside 0..=9999
    /// the last four digits.
    #[inline(always)]
    fn words(&self) -> [u64; 3] {
        const HYPHENS: u64 = u64::from_le_bytes(*b"-\0\0-\0\0T\0");
        const COLONS: u64 = u64::from_le_bytes(*b"\0\0:\0\0:\0\0");
        let year = self.year.rem_euclid(10_000) as u64;
        let date = year * 10_000 + u64::from(self.month) * 100 + u64::from(self.day);
        let time = u64::from(self.hour) * 10_000 + u64::from(self.minute) * 100;
        let date = digits8(date) | ZEROS;
        let time = digits8(time + u64::from(self.second)) | ZEROS;
        let two = |word: u64, from: u32| word >> (8 * from) & 0xFFFF;
        [
            date,
            HYPHENS | two(date, 4) << 8 | two(date, 6) << 32,
            COLONS | two(time, 2) | two(time, 4) << 24 | two(time, 6) << 48,
        ]
    }
}

#[cfg(test)]
#[path = "time_tests.rs"]
mod tests;
