//! The JSON line of the floors, written as directly as possible in safe code: one constant prefix in which only the
//! time changes, `itoa`, `zmij`, and an escape check of the symbol. No redaction.

use std::io::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::event::{NAME, TARGET};
use crate::record::Record;
use crate::tsc;

/// Bytes passed to the kernel at once.
const CHUNK_BYTES: usize = 1 << 20;
/// More than the longest line: prefix below 256, numbers below 64, an escaped symbol below 97.
const LINE_BYTES_MAX: usize = 512;
/// The positions of the time and of its microseconds in the prefix.
const TIME_AT: usize = r#"{"timestamp":""#.len();
const MICROS_AT: usize = TIME_AT + "2000-01-01T00:00:00.".len();

/// The members of a line.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// Time, level, target, event and the four fields.
    Short,
    /// With the run's id and the schema version, as in ringseal's `json` layout.
    Same,
}

impl Shape {
    fn prefix(self) -> Vec<u8> {
        let extra = match self {
            Self::Short => "",
            Self::Same => concat!(
                r#""run_id":"00000000-0000-4000-8000-000000000000","#,
                r#""schema_version":1,"#
            ),
        };
        format!(
            r#"{{"timestamp":"2000-01-01T00:00:00.000000Z","level":"info","target":"{TARGET}",{extra}"event":"{NAME}","seq":"#
        )
        .into_bytes()
    }
}

/// Turns ticks into time since 1970.
#[derive(Clone, Copy)]
pub struct Clock {
    ticks0: u64,
    unix0_ns: u64,
    /// Nanoseconds per tick, times 2^32.
    scale: u64,
}

impl Clock {
    /// Measures the counter over `window`.
    pub fn calibrate(window: Duration) -> Self {
        let scale = (1e9 / tsc::calibrate(window) * (1u64 << 32) as f64) as u64;
        let unix0 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { ticks0: tsc::now(), unix0_ns: unix0.as_nanos() as u64, scale }
    }

    #[inline(always)]
    fn unix_ns(&self, ticks: u64) -> u64 {
        let since = ticks.wrapping_sub(self.ticks0);
        self.unix0_ns + ((u128::from(since) * u128::from(self.scale)) >> 32) as u64
    }
}

/// Collects lines and writes them in chunks. Allocates nothing after its creation.
pub struct Lines<W> {
    out: W,
    clock: Clock,
    prefix: Vec<u8>,
    /// The second in the prefix, in nanoseconds.
    second_ns: u64,
    chunk: Box<[u8]>,
    used: usize,
}

impl<W: Write> Lines<W> {
    /// Writes lines of `shape` to `out`.
    pub fn new(out: W, clock: Clock, shape: Shape) -> Self {
        let chunk = vec![b'x'; CHUNK_BYTES + LINE_BYTES_MAX].into_boxed_slice();
        Self { out, clock, prefix: shape.prefix(), second_ns: u64::MAX, chunk, used: 0 }
    }

    /// Adds the record's line; writes a chunk when it is full.
    #[inline]
    pub fn push(&mut self, record: &impl Record) -> std::io::Result<()> {
        let micros = self.micros(record.ticks());
        let Some(line) = self.chunk.get_mut(self.used..self.used + LINE_BYTES_MAX) else {
            return Err(std::io::Error::other("the chunk has no space for a line"));
        };
        let mut at = put(line, 0, &self.prefix);
        six_digits(&mut line[MICROS_AT..MICROS_AT + 6], micros);
        at = put(line, at, itoa::Buffer::new().format(record.seq()).as_bytes());
        at = put(line, at, br#","price":"#);
        at = put(line, at, zmij::Buffer::new().format(record.price()).as_bytes());
        at = put(line, at, br#","sym":""#);
        at = put_escaped(line, at, &record.sym());
        at = put(line, at, br#"","qty":"#);
        at = put(line, at, itoa::Buffer::new().format(record.qty()).as_bytes());
        at = put(line, at, b"}\n");
        self.used += at;
        if self.used >= CHUNK_BYTES { self.flush() } else { Ok(()) }
    }

    /// Writes the collected lines.
    pub fn flush(&mut self) -> std::io::Result<()> {
        let written = self.out.write_all(&self.chunk[..self.used]);
        self.used = 0;
        written
    }

    #[inline(always)]
    fn micros(&mut self, ticks: u64) -> u32 {
        let unix_ns = self.clock.unix_ns(ticks);
        let within = unix_ns.wrapping_sub(self.second_ns);
        if within < 1_000_000_000 { (within / 1000) as u32 } else { self.turn_second(unix_ns) }
    }

    #[cold]
    #[inline(never)]
    fn turn_second(&mut self, unix_ns: u64) -> u32 {
        let second = unix_ns / 1_000_000_000;
        self.second_ns = second * 1_000_000_000;
        let (days, rest) = (second / 86_400, second % 86_400);
        let (year, month, day) = civil(days);
        let text = format!(
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.",
            rest / 3600,
            rest / 60 % 60,
            rest % 60
        );
        self.prefix[TIME_AT..MICROS_AT].copy_from_slice(text.as_bytes());
        ((unix_ns - self.second_ns) / 1000) as u32
    }
}

#[inline(always)]
fn put(line: &mut [u8], at: usize, bytes: &[u8]) -> usize {
    line[at..at + bytes.len()].copy_from_slice(bytes);
    at + bytes.len()
}

#[inline(always)]
fn six_digits(to: &mut [u8], value: u32) {
    for (pair, part) in to.chunks_exact_mut(2).zip([value / 10_000, value / 100 % 100, value % 100])
    {
        pair[0] = b'0' + (part / 10) as u8;
        pair[1] = b'0' + (part % 10) as u8;
    }
}

#[inline(always)]
fn put_escaped(line: &mut [u8], at: usize, text: &[u8; 16]) -> usize {
    let special = |byte: &u8| *byte < 0x20 || *byte == b'"' || *byte == b'\\';
    if text.iter().fold(false, |any, byte| any | special(byte)) {
        escape(line, at, text)
    } else {
        put(line, at, text)
    }
}

#[cold]
#[inline(never)]
fn escape(line: &mut [u8], mut at: usize, text: &[u8; 16]) -> usize {
    for &byte in text {
        at = match byte {
            b'"' | b'\\' => put(line, at, &[b'\\', byte]),
            0..0x20 => put(line, at, format!("\\u{byte:04x}").as_bytes()),
            _ => put(line, at, &[byte]),
        };
    }
    at
}

/// Year, month and day of a day since 1970. Days are counted from the first of March of a year divisible by 400, so
/// that the leap day comes last.
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Plain;

    fn line(record: Plain, shape: Shape) -> serde_json::Value {
        let clock = Clock { ticks0: 0, unix0_ns: 1_700_000_000_000_000_000, scale: 1 << 32 };
        let mut lines = Lines::new(Vec::new(), clock, shape);
        lines.push(&record).expect("a Vec takes everything");
        lines.flush().expect("a Vec takes everything");
        serde_json::from_slice(&lines.out).expect("the line is JSON")
    }

    #[test]
    fn a_line_has_all_values_of_its_record() {
        let record = Plain::new(123_456_789, 42, 101.25, "ab\"\\\u{1}fghijklmnop", -7);
        let expected = serde_json::json!({
            "timestamp": "2023-11-14T22:13:20.123456Z", "level": "info", "target": TARGET,
            "event": NAME, "seq": 42, "price": 101.25, "sym": "ab\"\\\u{1}fghijklmnop", "qty": -7,
        });
        assert_eq!(line(record, Shape::Short), expected);
        let same = line(record, Shape::Same);
        assert_eq!(same["schema_version"], 1);
        assert_eq!(same["run_id"].as_str().map(str::len), Some(36));
    }

    #[test]
    fn days_become_dates() {
        let table = [
            (0, (1970, 1, 1)),
            (59, (1970, 3, 1)),
            (11_016, (2000, 2, 29)),
            (19_782, (2024, 2, 29)),
        ];
        for (days, date) in table {
            assert_eq!(civil(days), date);
        }
    }
}
