//! Durations as JSON numbers, in exact integer arithmetic.
//!
//! Promises: only the cursor allocates. No floating-point arithmetic is used. Every duration of `std` is written
//! exactly.
use super::number::{ZEROS, digits8};
use super::out::Out;

/// The unit of a duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unit {
    /// Seconds, up to nine decimals.
    #[default]
    Seconds,
    /// Milliseconds, up to six decimals.
    Millis,
    /// Microseconds, up to three decimals.
    Micros,
    /// Nanoseconds, an integer.
    Nanos,
}

impl Out<'_> {
    /// `secs` + `nanos` as a number of `unit`, exact, trailing zeros of the fraction left out.
    ///
    /// A whole number has no point: 1.5 s is `1.5`, 2 s is `2`. Nanos of a second and more carry.
    #[inline(always)]
    pub fn duration(&mut self, secs: u64, nanos: u32, unit: Unit) {
        self.cursor.with_vec(|line| duration(line, secs, nanos, unit));
    }

    #[inline(always)]
    fn duration_in<const PER_SECOND: u32>(&mut self, secs: u64, nanos: u32) {
        let nanos_each = 1_000_000_000 / PER_SECOND;
        let (whole, fraction) = (u64::from(nanos / nanos_each), nanos % nanos_each);
        match secs.checked_mul(u64::from(PER_SECOND)).and_then(|secs| secs.checked_add(whole)) {
            Some(whole) => self.u64(whole),
            None => self.u128(u128::from(secs) * u128::from(PER_SECOND) + u128::from(whole)),
        }
        // In billionths of the unit: `fraction` < 10⁹ / PER_SECOND.
        self.billionths(fraction * PER_SECOND);
    }

    /// `.` and up to nine decimals, or nothing.
    #[inline(always)]
    fn billionths(&mut self, fraction: u32) {
        let (eight, ninth) = (u64::from(fraction / 10), (fraction % 10) as u8);
        let digits = digits8(eight);
        // Swapped, because counting zeros from the other end is slow on older processors.
        let unused = if ninth == 0 { digits.swap_bytes().trailing_zeros() / 8 } else { 0 };
        let used = 8 - unused as usize;
        self.cursor.put(b".", usize::from(fraction != 0));
        self.cursor.put(&(digits | ZEROS).to_le_bytes(), used);
        self.cursor.put(&[b'0' + ninth], usize::from(ninth != 0));
    }
}

#[inline(never)]
fn duration(line: &mut Vec<u8>, secs: u64, nanos: u32, unit: Unit) {
    let mut out = Out::new(line);
    // One instance for each unit, so that all divisors are constants.
    match unit {
        Unit::Seconds => out.duration_in::<1>(secs, nanos),
        Unit::Millis => out.duration_in::<1_000>(secs, nanos),
        Unit::Micros => out.duration_in::<1_000_000>(secs, nanos),
        Unit::Nanos => out.duration_in::<1_000_000_000>(secs, nanos),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(secs: u64, nanos: u32, unit: Unit) -> String {
        let mut line = Vec::new();
        Out::new(&mut line).duration(secs, nanos, unit);
        String::from_utf8(line).unwrap()
    }

    /// Writes the nanoseconds as an integer and inserts the point by counting digits.
    fn oracle(secs: u64, nanos: u32, decimals: usize) -> String {
        let total = u128::from(secs) * 1_000_000_000 + u128::from(nanos);
        let digits = format!("{total:0width$}", width = decimals + 1);
        let (whole, fraction) = digits.split_at(digits.len() - decimals);
        format!("{whole}.{fraction}").trim_end_matches('0').trim_end_matches('.').to_owned()
    }

    fn check(secs: u64, nanos: u32) {
        let units = [(Unit::Seconds, 9), (Unit::Millis, 6), (Unit::Micros, 3)];
        for (unit, decimals) in units {
            assert_eq!(written(secs, nanos, unit), oracle(secs, nanos, decimals), "{unit:?}");
        }
        let total = u128::from(secs) * 1_000_000_000 + u128::from(nanos);
        assert_eq!(written(secs, nanos, Unit::Nanos), total.to_string());
    }

    #[test]
    fn a_table_of_durations() {
        for (secs, nanos, unit, text) in [
            (0, 0, Unit::Seconds, "0"),
            (2, 0, Unit::Seconds, "2"),
            (1, 500_000_000, Unit::Seconds, "1.5"),
            (0, 1, Unit::Seconds, "0.000000001"),
            (0, 10, Unit::Seconds, "0.00000001"),
            (1, 234_567_890, Unit::Millis, "1234.56789"),
            (1, 234_567_890, Unit::Micros, "1234567.89"),
            (1, 234_567_890, Unit::Nanos, "1234567890"),
            (u64::MAX, 999_999_999, Unit::Nanos, "18446744073709551615999999999"),
        ] {
            assert_eq!(written(secs, nanos, unit), text);
        }
    }

    #[test]
    fn every_length_of_fraction() {
        for digits in 0..=9 {
            for first in [1, 9, 99, 101, 123_456_789] {
                check(7, (first * 10u64.pow(digits) % 1_000_000_000) as u32);
            }
        }
        check(u64::MAX, u32::MAX);
        check(0, u32::MAX);
    }

    proptest! {
        #[test]
        fn any_duration(secs: u64, shift in 0u32..64, nanos: u32) {
            check(secs >> shift, nanos);
        }
    }
}
