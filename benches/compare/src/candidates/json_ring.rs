//! The floors that write: a ring, and a reader on the other core that writes the JSON line of a logger with
//! hand-written code, in chunks of 1 MiB.

use std::fs::File;
use std::marker::PhantomData;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ringseal::redact::{Redactor, Rules};

use super::ring_floor::{Pace, Reader};
use crate::candidate::{Candidate, Format, Kind, Output};
use crate::family::Group;
use crate::json_floor::{Clock, Lines, Shape};
use crate::record::{Packed, Plain, Record};
use crate::ring::{self, Consumer, Producer};
use crate::tsc;

/// One of these floors.
pub trait Setup: 'static {
    /// The name on the command line and in the tables.
    const NAME: &'static str;
    /// The family that selects it.
    const GROUP: Group;
    /// What the reader does between two turns.
    const PACE: Pace;
    /// The members of a line.
    const SHAPE: Shape;
    /// Whether the texts are searched for secrets.
    const IS_REDACTED: bool;
    /// What the producer writes.
    type Record: Record;
}

const POLL: Pace = Pace::Poll(Duration::from_micros(20));

/// `ring_json`: a line of about 156 bytes for each event.
pub struct Short;

impl Setup for Short {
    const NAME: &'static str = "ring_json";
    const GROUP: Group = Group::Floors;
    const PACE: Pace = POLL;
    const SHAPE: Shape = Shape::Short;
    const IS_REDACTED: bool = false;
    type Record = Plain;
}

/// `ring_json_same`: the same with the line length of ringseal's `json` layout.
pub struct Same;

impl Setup for Same {
    const NAME: &'static str = "ring_json_same";
    const GROUP: Group = Group::Floors;
    const PACE: Pace = POLL;
    const SHAPE: Shape = Shape::Same;
    const IS_REDACTED: bool = false;
    type Record = Plain;
}

/// `ring_json_asleep`: `ring_json_same` with ringseal's record, and a reader that sleeps like ringseal's writer.
pub struct Asleep;

impl Setup for Asleep {
    const NAME: &'static str = "ring_json_asleep";
    const GROUP: Group = Group::Bounds;
    const PACE: Pace = Pace::Sleep;
    const SHAPE: Shape = Shape::Same;
    const IS_REDACTED: bool = false;
    type Record = Packed;
}

/// `ring_json_redacted`: `ring_json_asleep` with ringseal's scanner over the texts.
pub struct Redacted;

impl Setup for Redacted {
    const NAME: &'static str = "ring_json_redacted";
    const GROUP: Group = Group::Bounds;
    const PACE: Pace = Pace::Sleep;
    const SHAPE: Shape = Shape::Same;
    const IS_REDACTED: bool = true;
    type Record = Packed;
}

/// Records that ringseal's writer scans at once.
const SCANNED_AT_ONCE: usize = 64;

/// ringseal's scanner over the symbols of many records at once, as its writer does for records without a secret. Fails
/// if it finds one, because then the floor would have to rewrite the line.
struct Scanner {
    redactor: Redactor,
    texts: Vec<u8>,
    values: Vec<Range<u32>>,
    has_hit: bool,
}

impl Scanner {
    fn new() -> Self {
        Self {
            redactor: Redactor::new(Arc::new(Rules::standard())),
            texts: Vec::with_capacity(SCANNED_AT_ONCE * 32),
            values: Vec::with_capacity(SCANNED_AT_ONCE),
            has_hit: false,
        }
    }

    fn add(&mut self, text: &[u8]) {
        // Values are separated as in a record, by a tag and a length.
        self.texts.extend_from_slice(&[5, text.len() as u8, 0, 0, 0]);
        let start = self.texts.len() as u32;
        self.texts.extend_from_slice(text);
        self.values.push(start..self.texts.len() as u32);
        if self.values.len() == SCANNED_AT_ONCE {
            self.scan();
        }
    }

    fn scan(&mut self) {
        self.has_hit |= !self.redactor.is_clean(&self.texts, &self.values);
        self.texts.clear();
        self.values.clear();
    }
}

fn write_lines<S: Setup>(
    turns: &dyn Fn(&mut dyn FnMut() -> u64),
    mut consumer: Consumer<S::Record>,
    mut lines: Lines<File>,
) -> std::io::Result<()> {
    let mut failed = None;
    let mut scanner = S::IS_REDACTED.then(Scanner::new);
    turns(&mut || {
        let drained = consumer.drain(|record| {
            if let Some(scanner) = &mut scanner {
                scanner.add(&record.sym());
            }
            if let Err(error) = lines.push(record) {
                failed.get_or_insert(error);
            }
        });
        if let Some(scanner) = &mut scanner {
            scanner.scan();
        }
        drained
    });
    lines.flush()?;
    if scanner.is_some_and(|scanner| scanner.has_hit) {
        failed.get_or_insert_with(|| std::io::Error::other("a symbol was taken for a secret"));
    }
    failed.map_or(Ok(()), Err)
}

/// See the module.
pub struct RingJson<S: Setup> {
    producer: Producer<S::Record>,
    reader: Reader<std::io::Result<()>>,
    path: PathBuf,
    setup: PhantomData<S>,
}

impl<S: Setup> Candidate for RingJson<S> {
    const NAME: &'static str = S::NAME;
    const KIND: Kind = Kind::Floor;
    const GROUP: Group = S::GROUP;
    const FORMAT: Format = Format::Json;
    const CRATE: &'static str = "";

    fn start(dir: &Path) -> Result<Self, String> {
        let path = dir.join("floor.log");
        let file = File::create(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        let clock = Clock::calibrate(Duration::from_millis(50));
        let (producer, consumer) = ring::ring();
        let lines = Lines::new(file, clock, S::SHAPE);
        let reader = Reader::spawn(S::PACE, move |turns| write_lines::<S>(turns, consumer, lines));
        Ok(Self { producer, reader, path, setup: PhantomData })
    }

    #[inline(always)]
    fn log(&mut self, seq: u64, price: f64, sym: &str, qty: i32) {
        self.producer.push(S::Record::new(tsc::now(), seq, price, sym, qty));
    }

    fn finish(self) -> Result<Output, String> {
        self.reader.join()?.map_err(|e| format!("{}: {e}", self.path.display()))?;
        Ok(Output { files: vec![self.path], format: Format::Json })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scanner_sees_every_text() {
        for secret_at in [0, 1, SCANNED_AT_ONCE - 1, SCANNED_AT_ONCE] {
            let mut scanner = Scanner::new();
            for at in 0..SCANNED_AT_ONCE + 1 {
                let is_secret = at == secret_at;
                scanner.add(if is_secret { b"ann@example.com." } else { b"0000-123456.XKUW" });
            }
            scanner.scan();
            assert!(scanner.has_hit, "{secret_at}");
        }
    }
}
