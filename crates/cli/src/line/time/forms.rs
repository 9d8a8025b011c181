//! The forms of written times.
//!
//! Each form reads from the start of a text and returns nothing if the text does not have that form. The first form
//! that fits counts, so forms with more signs come first.
use ringseal::internals::core::calendar::{civil_from_days, days_from_civil};

use super::cursor::Cursor;
use super::{NANOS_PER_SECOND, SECONDS_PER_DAY, number, zone};

/// The parts of a time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stamp {
    /// `None` if it is not written.
    pub(super) year: Option<i64>,
    pub(super) month: i64,
    pub(super) day: i64,
    /// Seconds since midnight.
    pub(super) clock: i64,
    pub(super) nanos: i64,
    /// Seconds east of UTC.
    pub(super) offset: i64,
}

impl Stamp {
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    pub(super) fn unix_nanos(self, now: i64) -> Option<i64> {
        match self.year {
            Some(year) => self.in_year(year),
            None => self.in_last_year(now),
        }
    }

    fn in_year(self, year: i64) -> Option<i64> {
        let is_valid =
            (1..=12).contains(&self.month) && (1..=days_in(year, self.month)).contains(&self.day);
        if !is_valid {
            return None;
        }
        let days = days_from_civil(year, self.month as u32, self.day as u32);
        let seconds = days * SECONDS_PER_DAY + self.clock - self.offset;
        seconds.checked_mul(NANOS_PER_SECOND)?.checked_add(self.nanos)
    }

    /// The last year in which the time is not after tomorrow. The 29th of February may be years ago.
    fn in_last_year(self, now: i64) -> Option<i64> {
        let tomorrow = now.saturating_add(SECONDS_PER_DAY * NANOS_PER_SECOND);
        let (year, _, _) = civil_from_days(tomorrow.div_euclid(SECONDS_PER_DAY * NANOS_PER_SECOND));
        let mut candidates = (0..9).filter_map(|ago| self.in_year(year - ago));
        candidates.find(|nanos| *nanos <= tomorrow)
    }
}

pub(super) fn days_in(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Seconds since midnight.
pub(super) fn time_of_day(hour: i64, minute: i64, second: i64) -> Option<i64> {
    let is_valid = hour < 24 && minute < 60 && second <= 60;
    is_valid.then_some(hour * 3600 + minute * 60 + second.min(59))
}

type Form = fn(&mut Cursor<'_>) -> Option<Stamp>;

/// All forms.
pub(super) const FORMS: [Form; 11] = [
    year_first,
    basic,
    day_named_month,
    named_month,
    slashes,
    two_digit_year,
    dots,
    month_day,
    six_digits,
    packed,
    epoch,
];

/// `2026-01-02T15:04:05.123+01:00`, `2026/01/02 15:04:05`, `2026-1-2 3:04:05 PM`.
fn year_first(cursor: &mut Cursor<'_>) -> Option<Stamp> {
    let year = cursor.number(4, 4)?;
    let sign = cursor.one_of(b"-/.")?;
    let month = cursor.number(1, 2)?;
    cursor.one_of(&[sign])?;
    let day = cursor.number(1, 2)?;
    between_date_and_clock(cursor)?;
    with_clock(cursor, Some(year), month, day)
}

/// `T`, spaces, `_`, a comma or a colon.
fn between_date_and_clock(cursor: &mut Cursor<'_>) -> Option<()> {
    let had_comma = cursor.one_of(b",").is_some();
    let had_space = cursor.spaces().is_some();
    if had_comma || had_space {
        // `2021-01-16 at 21:49`
        if cursor.rest().starts_with(b"at ") {
            cursor.skip(3);
        }
        if cursor.rest().starts_with(b"- ") {
            cursor.skip(2);
        }
        return Some(());
    }
    cursor.one_of(b"Tt_:|-").map(|_| ())
}

fn with_clock(cursor: &mut Cursor<'_>, year: Option<i64>, month: i64, day: i64) -> Option<Stamp> {
    let (clock, nanos) = cursor.clock()?;
    let offset = zone::read(cursor);
    let is_end = !cursor.peek().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_end.then_some(Stamp { year, month, day, clock, nanos, offset })
}

/// `20260102T150405.123Z`, `20260102 15:04:05`, `20260102150405`.
fn basic(cursor: &mut Cursor<'_>) -> Option<Stamp> {
    let year = cursor.digits(4)?;
    let month = cursor.digits(2)?;
    let day = cursor.digits(2)?;
    if !(1900..2200).contains(&year) {
        return None;
    }
    let has_sign = cursor.one_of(b"Tt -_").is_some();
    if cursor.rest().get(1..3).is_some_and(|next| next.contains(&b':')) {
        return if has_sign { with_clock(cursor, Some(year), month, day) } else { None };
    }
    let clock = time_of_day(cursor.digits(2)?, cursor.digits(2)?, cursor.digits(2)?)?;
    let nanos = cursor.fraction();
    let offset = zone::read(cursor);
    let is_end = !cursor.peek().is_some_and(|byte| byte.is_ascii_alphanumeric());
    is_end.then_some(Stamp { year: Some(year), month, day, clock, nanos, offset })
}

const MONTHS: [&[u8]; 12] = [
    b"january",
    b"february",
    b"march",
    b"april",
    b"may",
    b"june",
    b"july",
    b"august",
    b"september",
    b"october",
    b"november",
    b"december",
];

/// A month's name, whole or its first three letters.
fn month(word: &[u8]) -> Option<i64> {
    let is_name = |name: &&[u8]| {
        word.eq_ignore_ascii_case(name)
            || word.eq_ignore_ascii_case(&name[..3])
            || word.eq_ignore_ascii_case(b"sept") && name.starts_with(b"sep")
    };
    (1..).zip(MONTHS).find(|(_, name)| is_name(name)).map(|(number, _)| number)
}

/// Skips `Sun`, `Sunday` and a comma after it.
fn skip_weekday(cursor: &mut Cursor<'_>) {
    const DAYS: [&[u8]; 7] =
        [b"monday", b"tuesday", b"wednesday", b"thursday", b"friday", b"saturday", b"sunday"];
    let mut ahead = cursor.clone();
    let word = ahead.word();
    let is_day =
        |day: &&[u8]| word.eq_ignore_ascii_case(day) || word.eq_ignore_ascii_case(&day[..3]);
    if DAYS.iter().any(is_day) {
        let _ = ahead.one_of(b",");
        let _ = ahead.spaces();
        *cursor = ahead;
    }
}

/// `10/Oct/2000:13:55:36 -0700`, `Tue, 10 Oct 2000 13:55:36 GMT`, `16-Jan-2021::21:49:17`, `10 Oct 13:55:36.123`.
fn day_named_month(cursor: &mut Cursor<'_>) -> Option<Stamp> {
    skip_weekday(cursor);
    let day = cursor.number(1, 2)?;
    cursor.one_of(b"/- .")?;
    let month = month(cursor.word())?;
    let _ = cursor.one_of(b".");
    cursor.one_of(b"/- ")?;
    if cursor.rest().get(1..3).is_some_and(|next| next.contains(&b':')) {
        return with_clock(cursor, None, month, day);
    }
    let year = year_of_two_or_four(cursor)?;
    let _ = cursor.one_of(b",");
    let _ = cursor.spaces();
    let _ = cursor.one_of(b":T");
    let _ = cursor.one_of(b":");
    with_clock(cursor, Some(year), month, day)
}

fn year_of_two_or_four(cursor: &mut Cursor<'_>) -> Option<i64> {
    let len = cursor.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
    match (len, cursor.number(2, 4)?) {
        (4, year) => Some(year),
        // RFC 2822, section 4.3.
        (2, year) => Some(if year < 50 { 2000 + year } else { 1900 + year }),
        _ => None,
    }
}

/// `Jan  2 15:04:05`, `Sun Jun 01 12:00:00.123 2025`, `Jun 01, 2025 12:00:00 PM`, `Jan 2 2026 15:04:05`.
fn named_month(cursor: &mut Cursor<'_>) -> Option<Stamp> {
    skip_weekday(cursor);
    let month = month(cursor.word())?;
    let _ = cursor.one_of(b".");
    let _ = cursor.spaces();
    let _ = cursor.one_of(b"-/");
    let day = cursor.number(1, 2)?;
    let _ = cursor.one_of(b",");
    let _ = cursor.one_of(b"-/");
    let _ = cursor.spaces();
    let mut year = None;
    if cursor.rest().iter().take_while(|byte| byte.is_ascii_digit()).count() == 4 {
        year = cursor.number(4, 4);
        let _ = cursor.one_of(b",");
        cursor.spaces()?;
        if cursor.rest().starts_with(b"at ") {
            cursor.skip(3);
        }
    }
    let mut stamp = with_clock(cursor, year, month, day)?;
    if stamp.year.is_none() {
        stamp.year = trailing_year(cursor);
    }
    Some(stamp)
}

/// The year after the clock, as ctime writes it.
fn trailing_year(cursor: &mut Cursor<'_>) -> Option<i64> {
    let mut ahead = cursor.clone();
    ahead.spaces()?;
    let year = ahead.number(4, 4).filter(|year| (1970..2200).contains(year))?;
    let is_end = ahead.peek().is_none_or(|byte| !byte.is_ascii_alphanumeric() && byte != b'.');
    if !is_end {
        return None;
    }
    *cursor = ahead;
    Some(year)
}

/// `1/16/2021 9:49:17 PM`, `16/01/2021 21:49:17`. Without a number above 12, only AM or PM decides.
fn slashes(cursor: &mut Cursor<'_>) -> Option<Stamp> {
    let first = cursor.number(1, 2)?;
    let sign = cursor.one_of(b"/-")?;
    let second = cursor.number(1, 2)?;
    cursor.one_of(&[sign])?;
    let year = cursor.number(4, 4)?;
    between_date_and_clock(cursor)?;
    let clock_start = cursor.rest();
    let stamp = with_clock(cursor, Some(year), 1, 1)?;
    let clock = &clock_start[..clock_start.len() - cursor.rest().len()];
    let is_american = clock.iter().any(|byte| matches!(byte, b'M' | b'm'));
    let (month, day) = match (first, second) {
        (13.., _) => (second, first),
        (_, 13..) => (first, second),
        _ if is_american || first == second => (first, second),
        _ => return None,
    };
    Some(Stamp { month, day, ..stamp })
}

/// `16.01.2021 21:49:17`, as in much of Europe.
fn dots(cursor: &mut Cursor<'_>) -> Option<Stamp> {
    let day = cursor.number(1, 2)?;
    cursor.one_of(b".")?;
    let month = cursor.number(1, 2)?;
    cursor.one_of(b".")?;
    let year = year_of_two_or_four(cursor)?;
    between_date_and_clock(cursor)?;
    with_clock(cursor, Some(year), month, day)
}

/// `17/06/09 20:10:40 INFO `: Spark's and Hadoop's default. The same digits elsewhere leave doubt.
fn two_digit_year(cursor: &mut Cursor<'_>) -> Option<Stamp> {
    let year = cursor.number(2, 2)?;
    cursor.one_of(b"/")?;
    let month = cursor.number(2, 2)?;
    cursor.one_of(b"/")?;
    let day = cursor.number(2, 2)?;
    cursor.spaces()?;
    let stamp = with_clock(cursor, Some(2000 + year), month, day)?;
    let levels: [&[u8]; 6] = [b" INFO ", b" WARN ", b" ERROR ", b" DEBUG ", b" FATAL ", b" TRACE "];
    levels.iter().any(|level| cursor.rest().starts_with(level)).then_some(stamp)
}

/// `01-16 21:49:17.073`, `01-16|21:49:17`: Android, log15.
fn month_day(cursor: &mut Cursor<'_>) -> Option<Stamp> {
    let month = cursor.number(2, 2)?;
    cursor.one_of(b"-/")?;
    let day = cursor.number(2, 2)?;
    cursor.one_of(b" |")?;
    with_clock(cursor, None, month, day)
}

/// `0102 15:04:05.000000` of klog, `260102 15:04:05` of MySQL and CockroachDB, `081109 203615` of HDFS.
fn six_digits(cursor: &mut Cursor<'_>) -> Option<Stamp> {
    let len = cursor.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
    let year = match len {
        4 => None,
        6 => Some(2000 + cursor.digits(2)?),
        _ => return None,
    };
    let (month, day) = (cursor.digits(2)?, cursor.digits(2)?);
    cursor.spaces()?;
    let digits = cursor.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
    if year.is_some() && digits == 6 {
        let clock = time_of_day(cursor.digits(2)?, cursor.digits(2)?, cursor.digits(2)?)?;
        let is_end = cursor.peek().is_none_or(|byte| byte == b' ');
        return is_end.then_some(Stamp { year, month, day, clock, nanos: 0, offset: 0 });
    }
    with_clock(cursor, year, month, day)
}

/// `0116/214917.073282`, as Chromium writes.
fn packed(cursor: &mut Cursor<'_>) -> Option<Stamp> {
    let (month, day) = (cursor.digits(2)?, cursor.digits(2)?);
    cursor.one_of(b"/")?;
    let clock = time_of_day(cursor.digits(2)?, cursor.digits(2)?, cursor.digits(2)?)?;
    let nanos = cursor.fraction();
    Some(Stamp { year: None, month, day, clock, nanos, offset: 0 })
}

/// A number of seconds to nanoseconds since 1970, with the digits that such a number has today; `@` and TAI64N.
fn epoch(cursor: &mut Cursor<'_>) -> Option<Stamp> {
    let text = cursor.rest();
    let is_part = |byte: &u8| byte.is_ascii_hexdigit() || b".@E+".contains(byte);
    let len = text.iter().take_while(|byte| is_part(byte)).count();
    let word = str::from_utf8(&text[..len]).ok()?.trim_end_matches('.');
    let whole = word.split('.').next().unwrap_or(word);
    let is_whole = matches!(whole.len(), 10 | 13 | 16 | 19);
    let is_number = (is_whole || word.contains("e+")) && whole.starts_with('1');
    let is_next_word = text.get(len).is_some_and(u8::is_ascii_alphanumeric);
    if is_next_word || !(is_number || word.starts_with('@')) {
        return None;
    }
    let nanos = number::time_of_digits(word)?;
    cursor.skip(word.len());
    let day_nanos = SECONDS_PER_DAY * NANOS_PER_SECOND;
    let (year, month, day) = civil_from_days(nanos.div_euclid(day_nanos));
    let of_day = nanos.rem_euclid(day_nanos);
    let (clock, nanos) = (of_day / NANOS_PER_SECOND, of_day % NANOS_PER_SECOND);
    Some(Stamp { year: Some(year), month: month.into(), day: day.into(), clock, nanos, offset: 0 })
}
