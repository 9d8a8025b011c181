//! Reads digits, signs and words one after another.

/// A position in a text.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self { rest: text }
    }

    /// What has not been read.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    pub(super) fn skip(&mut self, len: usize) {
        self.rest = self.rest.get(len..).unwrap_or_default();
    }

    /// Reads one byte of `set`.
    pub(super) fn one_of(&mut self, set: &[u8]) -> Option<u8> {
        let byte = self.peek().filter(|byte| set.contains(byte))?;
        self.skip(1);
        Some(byte)
    }

    /// Reads at least one space.
    pub(super) fn spaces(&mut self) -> Option<()> {
        let len = self.rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        self.skip(len);
        (len > 0).then_some(())
    }

    /// Reads a number of `min` to `max` digits that is not followed by another digit.
    pub(super) fn number(&mut self, min: usize, max: usize) -> Option<i64> {
        let len = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if len < min || len > max {
            return None;
        }
        let digits = &self.rest[..len];
        self.skip(len);
        Some(value_of(digits))
    }

    /// Reads exactly `len` digits; more may follow.
    pub(super) fn digits(&mut self, len: usize) -> Option<i64> {
        let digits = self.rest.get(..len)?;
        if !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        self.skip(len);
        Some(value_of(digits))
    }

    /// Reads a word of letters.
    pub(super) fn word(&mut self) -> &'a [u8] {
        let len = self.rest.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        let word = &self.rest[..len];
        self.skip(len);
        word
    }

    /// Reads a clock with its fraction: seconds and nanoseconds since midnight.
    pub(super) fn clock(&mut self) -> Option<(i64, i64)> {
        let hour = self.number(1, 2)?;
        self.one_of(b":")?;
        let minute = self.number(2, 2)?;
        let mut second = 0;
        let mut nanos = 0;
        let is_clock = |cursor: &Self| {
            cursor.peek() == Some(b':') && cursor.rest.get(1).is_some_and(u8::is_ascii_digit)
        };
        if is_clock(self) {
            self.skip(1);
            second = self.number(2, 2)?;
            nanos = self.fraction();
        }
        let hour = self.half_of_day(hour)?;
        let is_valid = hour < 24 && minute < 60 && second <= 60;
        // A leap second counts as the second before it.
        is_valid.then_some((hour * 3600 + minute * 60 + second.min(59), nanos))
    }

    /// Reads the nanoseconds of `.123456`, `,123` or `:123`.
    pub(super) fn fraction(&mut self) -> i64 {
        let Some(b'.' | b',' | b':') = self.peek() else { return 0 };
        let digits = &self.rest[1..];
        let len = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if len == 0 {
            return 0;
        }
        let padded = digits[..len].iter().copied().chain(std::iter::repeat(b'0')).take(9);
        self.skip(1 + len);
        padded.fold(0, |nanos, digit| nanos * 10 + i64::from(digit - b'0'))
    }

    /// Reads `AM` or `PM`, also after a space, and returns the hour of the day.
    fn half_of_day(&mut self, hour: i64) -> Option<i64> {
        let mut ahead = self.clone();
        // A narrow no-break space is what recent locale data has here.
        if ahead.rest.starts_with("\u{202f}".as_bytes()) {
            ahead.skip(3);
        }
        let _ = ahead.spaces();
        let word = ahead.word();
        let is_afternoon = word.eq_ignore_ascii_case(b"PM");
        if !is_afternoon && !word.eq_ignore_ascii_case(b"AM") {
            return Some(hour);
        }
        *self = ahead;
        (1..=12).contains(&hour).then_some(hour % 12 + if is_afternoon { 12 } else { 0 })
    }
}

fn value_of(digits: &[u8]) -> i64 {
    digits.iter().fold(0, |sum: i64, digit| sum.saturating_mul(10) + i64::from(digit - b'0'))
}
