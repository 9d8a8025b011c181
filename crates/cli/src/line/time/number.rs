//! Times that are numbers: seconds, milliseconds, microseconds or nanoseconds since 1970, by magnitude.
use super::forms::{Stamp, time_of_day};

/// A decimal number as `mantissa × 10^exponent`.
struct Decimal {
    mantissa: i128,
    exponent: i32,
}

/// More digits than any time has.
const DIGITS_MAX: usize = 30;

impl Decimal {
    fn parse(text: &str) -> Option<Self> {
        let (number, exponent) = match text.split_once(['e', 'E']) {
            Some((number, exponent)) => (number, exponent.parse().ok()?),
            None => (text, 0_i32),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let is_valid = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !is_valid(whole) || !is_valid(fraction) || exponent.abs() > 40 {
            return None;
        }
        let mut mantissa = 0_i128;
        let digits = whole.bytes().chain(fraction.bytes());
        for digit in digits.clone().take(DIGITS_MAX) {
            mantissa = mantissa * 10 + i128::from(digit - b'0');
        }
        let dropped = digits.count().saturating_sub(DIGITS_MAX);
        let exponent =
            exponent + i32::try_from(dropped).ok()? - i32::try_from(fraction.len()).ok()?;
        Some(Decimal { mantissa, exponent })
    }

    /// The number times `10^more`, rounded down.
    fn scaled(&self, more: i32) -> Option<i128> {
        let exponent = self.exponent + more;
        let power = 10_i128.checked_pow(exponent.unsigned_abs())?;
        if exponent >= 0 { self.mantissa.checked_mul(power) } else { Some(self.mantissa / power) }
    }
}

/// Returns the time that a JSON number means.
///
/// Seconds begin in 1973 and milliseconds, microseconds and nanoseconds follow in steps of a thousand. A smaller number
/// is not a time: it is an offset or a count.
pub fn time_of_number(text: &str) -> Option<i64> {
    if let Some(nanos) = time_of_civil_digits(text) {
        return Some(nanos);
    }
    let number = Decimal::parse(text)?;
    let more = match number.scaled(0)? {
        100_000_000..100_000_000_000 => 9,
        100_000_000_000..100_000_000_000_000 => 6,
        100_000_000_000_000..100_000_000_000_000_000 => 3,
        100_000_000_000_000_000..100_000_000_000_000_000_000 => 0,
        _ => return None,
    };
    i64::try_from(number.scaled(more)?).ok()
}

/// Returns the time that the digits of a text mean: a number, `@1748779200`, `/Date(1748779200123)/`, TAI64N.
pub(super) fn time_of_digits(text: &str) -> Option<i64> {
    if let Some(inside) = text
        .strip_prefix("/Date(")
        .and_then(|rest| rest.strip_suffix(")/").or_else(|| rest.strip_suffix("/")))
    {
        let inside = inside.trim_end_matches(')');
        return time_of_number(inside.split(['+', '-']).next().unwrap_or(inside));
    }
    match text.strip_prefix('@') {
        Some(label) if label.len() == 24 || label.len() == 16 => time_of_tai(label),
        Some(number) => time_of_number(number),
        None => time_of_number(text),
    }
}

/// TAI64N: seconds since 1970 plus 2^62 and 10, and nanoseconds, in hexadecimal.
fn time_of_tai(label: &str) -> Option<i64> {
    let seconds = u64::from_str_radix(label.get(..16)?, 16).ok()?;
    let nanos = match label.get(16..).unwrap_or_default() {
        "" => 0,
        nanos => i64::from_str_radix(nanos, 16).ok()?,
    };
    let seconds = i64::try_from(seconds.checked_sub((1 << 62) + 10)?).ok()?;
    seconds.checked_mul(1_000_000_000)?.checked_add(nanos)
}

/// `20260102150405`, also with three digits of a fraction.
fn time_of_civil_digits(text: &str) -> Option<i64> {
    if !matches!(text.len(), 14 | 17) || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    if !(text.starts_with("19") || text.starts_with("20")) {
        return None;
    }
    let part = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let clock = time_of_day(part(8, 10)?, part(10, 12)?, part(12, 14)?)?;
    let nanos = if text.len() == 17 { part(14, 17)? * 1_000_000 } else { 0 };
    let stamp = Stamp {
        year: Some(part(0, 4)?),
        month: part(4, 6)?,
        day: part(6, 8)?,
        clock,
        nanos,
        offset: 0,
    };
    stamp.unix_nanos(0)
}
