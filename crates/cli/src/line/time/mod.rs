//! Reads times as loggers write them.
//!
//! Promises: a form that leaves doubt about the day is not read ([`TimeReading::Unknown`] instead of a guess), except
//! for what every reader must assume: a time without a zone is in UTC, and a year that is not written is the last one
//! in which the time is not after tomorrow. Nothing allocates.
mod cursor;
mod forms;
mod number;
mod zone;

#[cfg(test)]
mod tests;

use cursor::Cursor;
pub use number::time_of_number;

const NANOS_PER_SECOND: i64 = 1_000_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// What a line says about its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TimeReading {
    /// Nothing.
    #[default]
    Missing,
    /// Something that is not understood.
    Unknown,
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    At(i64),
}

impl TimeReading {
    /// Nanoseconds since 1970-01-01T00:00:00Z, if the time is understood.
    pub fn unix_nanos(self) -> Option<i64> {
        match self {
            TimeReading::At(nanos) => Some(nanos),
            TimeReading::Missing | TimeReading::Unknown => None,
        }
    }
}

/// Returns the time that a whole text means: a written time, or the digits of a number.
pub fn time_of_value(text: &str, now: i64) -> Option<i64> {
    let is_frame = |c: char| c.is_whitespace() || "[]()\"'".contains(c);
    if let Some(nanos) = number::time_of_digits(text.trim()) {
        return Some(nanos);
    }
    // The name of a zone may be in brackets at the end: the start is trimmed first.
    let text = text.trim_start_matches(is_frame).as_bytes();
    let (nanos, len) = time_at_start(text, now)?;
    let is_end = |byte: &u8| byte.is_ascii_whitespace() || b"[]()\"'".contains(byte);
    text[len..].iter().all(is_end).then_some(nanos)
}

/// Joins a day and a clock that are written in two places; `None` if they are something else.
pub(super) fn join_date_and_clock(date: &str, clock: &str) -> Option<String> {
    let is_date = date.len() <= 12
        && !date.contains(':')
        && date.starts_with(|c: char| c.is_ascii_alphanumeric());
    let is_clock = clock.get(1..3).is_some_and(|next| next.contains(':')) && clock.len() <= 24;
    (is_date && is_clock).then(|| format!("{date} {clock}"))
}

/// Returns the time at the start of a text, and its length.
pub(super) fn time_at_start(text: &[u8], now: i64) -> Option<(i64, usize)> {
    let first = *text.first()?;
    if !first.is_ascii_digit() && !first.is_ascii_uppercase() && first != b'@' {
        return None;
    }
    for form in forms::FORMS {
        let mut cursor = Cursor::new(text);
        let stamp = form(&mut cursor);
        if let Some(nanos) = stamp.and_then(|stamp| stamp.unix_nanos(now)) {
            return Some((nanos, text.len() - cursor.rest().len()));
        }
    }
    None
}
