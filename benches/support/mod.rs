//! Shared by the benchmarks: how long to measure, a sink that discards everything, the event of the published numbers,
//! and the check that no event was lost, because a benchmark that loses events does not measure logging.
#![allow(dead_code)] // each bench uses a part of it

use std::time::Duration;

use criterion::Criterion;
use ringseal::sink::{Lines, Now};
use ringseal::sink::{Sink, SinkCounters, SinkError, WriteError};
use ringseal::{Engine, Level, Overflow};

/// Criterion's settings: about `measurement` per function; with `--quick` only enough for a rough figure.
pub fn settings(measurement: Duration) -> Criterion {
    let criterion = Criterion::default().warm_up_time(Duration::from_millis(500));
    if std::env::args().any(|argument| argument == "--quick") {
        return criterion.measurement_time(Duration::from_millis(200)).without_plots();
    }
    criterion.measurement_time(measurement)
}

/// `64 KiB`, `8 MiB`: for the names of functions.
pub fn size(bytes: usize) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..0x10_0000 => format!("{} KiB", bytes >> 10),
        _ => format!("{} MiB", bytes >> 20),
    }
}

/// Counts lines and discards them.
#[derive(Debug, Default)]
pub struct NullSink(SinkCounters);

impl Sink for NullSink {
    fn name(&self) -> &str {
        "null"
    }

    fn write(&mut self, lines: Lines<'_>, _now: Now) -> Result<(), WriteError> {
        self.0.lines += lines.count() as u64;
        self.0.bytes += lines.bytes().len() as u64;
        Ok(())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    fn sync(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    fn counters(&self) -> SinkCounters {
        self.0
    }
}

/// A full ring makes its producer wait without a time limit: throughput without loss.
pub const LOSSLESS: [Overflow; Level::COUNT] =
    [Overflow::Wait(Duration::from_secs(60)); Level::COUNT];

/// Flushes, and fails the bench if a logged event did not arrive; returns the number of lines that arrived.
pub fn lines_in_place(engine: &Engine) -> u64 {
    engine.flush().expect("everything is with the sinks");
    let metrics = engine.metrics();
    assert_eq!(metrics.lost.total(), 0, "events lost to a full ring; the numbers mean nothing");
    assert_eq!(metrics.dropped.total(), 0, "lines dropped by a failing sink");
    assert_eq!(metrics.record_errors, 0, "records that could not be read");
    let lines = metrics.sinks.iter().map(|sink| sink.lines).sum();
    assert_eq!(metrics.events.total(), lines, "events and lines");
    lines
}

/// The arguments of one call, except the sequence number.
#[derive(Debug)]
pub struct Order {
    /// Between 100.00 and 999.99, two decimals.
    pub price: f64,
    /// 16 bytes of ASCII.
    pub sym: String,
    /// Never 0.
    pub qty: i32,
}

/// A table of arguments, small enough to stay in the first-level cache: making an event costs a load.
#[derive(Debug)]
pub struct Orders(Vec<Order>);

impl Orders {
    const ROWS: usize = 256;

    /// The same table in every run.
    pub fn new() -> Self {
        let row = |index: usize| {
            let mixed = (index as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            Order {
                price: (10_000 + (mixed >> 40) % 90_000) as f64 / 100.0,
                // Starts with a letter: `0043-` and six digits would be a telephone number, which ringseal masks.
                sym: format!("Q{index:03}-{:06}.XKUW", (mixed >> 12) % 1_000_000),
                qty: 1 + ((mixed >> 20) % 500) as i32,
            }
        };
        Self((0..Self::ROWS).map(row).collect())
    }

    /// The arguments that go with number `seq`.
    #[inline(always)]
    pub fn of(&self, seq: u64) -> &Order {
        &self.0[seq as usize % Self::ROWS]
    }
}
