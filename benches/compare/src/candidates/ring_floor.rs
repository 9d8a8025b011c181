//! The floors with a reader on the other core. `ring` only reads; `ring_json` and `ring_json_same` write the JSON line
//! of a logger with hand-written code, in chunks of 1 MiB.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::candidate::{Candidate, Format, Kind, Output};
use crate::json_floor::{Clock, Lines, Shape};
use crate::ring::{self, Consumer, Producer, Record};
use crate::tsc;

/// The pause between two polls of the ring by the readers of the JSON floors.
const POLL_EVERY: Duration = Duration::from_micros(20);

/// Calls `turn` at most once in `poll_ticks`, until `stop` is set and a later turn found nothing. The pauses avoid
/// contention for the head's cache line.
fn poll(stop: &AtomicBool, poll_ticks: u64, mut turn: impl FnMut() -> u64) {
    loop {
        // ORDER: Acquire pairs with the Release store in `Reader::join`: the next turn sees everything that was pushed.
        let last = stop.load(Ordering::Acquire);
        let begin = tsc::now();
        let found = turn();
        if found == 0 && last {
            return;
        }
        if !last {
            tsc::spin_until(begin + poll_ticks);
        }
    }
}

/// The reading thread.
struct Reader<T> {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<T>,
}

impl<T: Send + 'static> Reader<T> {
    fn spawn(
        poll_every: Duration,
        body: impl FnOnce(&AtomicBool, u64) -> T + Send + 'static,
    ) -> Self {
        let poll_ticks =
            (tsc::calibrate(Duration::from_millis(20)) * poll_every.as_secs_f64()) as u64;
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        let thread = std::thread::spawn(move || body(&seen, poll_ticks));
        Self { stop, thread }
    }

    fn join(self) -> Result<T, String> {
        // ORDER: Release pairs with the Acquire load in `poll`.
        self.stop.store(true, Ordering::Release);
        self.thread.join().map_err(|_| "the reader panicked".to_owned())
    }
}

/// Counter, encoding, release store, and a reader that sums the numbers and polls every `POLL_US` microseconds.
pub struct Ring<const POLL_US: u64> {
    producer: Producer,
    reader: Reader<u64>,
}

impl<const POLL_US: u64> Candidate for Ring<POLL_US> {
    const NAME: &'static str = if POLL_US == 20 { "ring" } else { "ring_lazier" };
    const KIND: Kind = Kind::Floor;
    const FORMAT: Format = Format::Nothing;
    const CRATE: &'static str = "";

    fn start(_dir: &Path) -> Result<Self, String> {
        let (producer, mut consumer) = ring::ring();
        let reader = Reader::spawn(Duration::from_micros(POLL_US), move |stop, poll_ticks| {
            let mut sum = 0u64;
            let add = |sum: &mut u64, r: &Record| {
                *sum = sum.wrapping_add(r.ticks ^ r.seq ^ r.price.to_bits() ^ u64::from(r.sym[15]));
            };
            poll(stop, poll_ticks, || consumer.drain(|record| add(&mut sum, record)));
            sum
        });
        Ok(Self { producer, reader })
    }

    #[inline(always)]
    fn log(&mut self, seq: u64, price: f64, sym: &str, qty: i32) {
        self.producer.push(Record::new(tsc::now(), seq, price, sym, qty));
    }

    fn finish(self) -> Result<Output, String> {
        std::hint::black_box(self.reader.join()?);
        Ok(Output { files: Vec::new(), format: Format::Nothing })
    }
}

/// The part that both JSON floors share.
struct Writing {
    producer: Producer,
    reader: Reader<std::io::Result<()>>,
    path: PathBuf,
}

impl Writing {
    fn start(dir: &Path, shape: Shape) -> Result<Self, String> {
        let path = dir.join("floor.log");
        let file = File::create(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        let clock = Clock::calibrate(Duration::from_millis(50));
        let (producer, consumer) = ring::ring();
        let reader = Reader::spawn(POLL_EVERY, move |stop, poll_ticks| {
            write_lines(consumer, Lines::new(file, clock, shape), stop, poll_ticks)
        });
        Ok(Self { producer, reader, path })
    }

    fn finish(self) -> Result<Output, String> {
        self.reader.join()?.map_err(|e| format!("{}: {e}", self.path.display()))?;
        Ok(Output { files: vec![self.path], format: Format::Json })
    }
}

fn write_lines(
    mut consumer: Consumer,
    mut lines: Lines<File>,
    stop: &AtomicBool,
    poll_ticks: u64,
) -> std::io::Result<()> {
    let mut failed = None;
    poll(stop, poll_ticks, || {
        consumer.drain(|record| {
            if let Err(error) = lines.push(record) {
                failed.get_or_insert(error);
            }
        })
    });
    lines.flush()?;
    failed.map_or(Ok(()), Err)
}

/// `Ring` with a JSON line per event, of about 156 bytes.
pub struct RingJson(Writing);

impl Candidate for RingJson {
    const NAME: &'static str = "ring_json";
    const KIND: Kind = Kind::Floor;
    const FORMAT: Format = Format::Json;
    const CRATE: &'static str = "";

    fn start(dir: &Path) -> Result<Self, String> {
        Writing::start(dir, Shape::Short).map(Self)
    }

    #[inline(always)]
    fn log(&mut self, seq: u64, price: f64, sym: &str, qty: i32) {
        self.0.producer.push(Record::new(tsc::now(), seq, price, sym, qty));
    }

    fn finish(self) -> Result<Output, String> {
        self.0.finish()
    }
}

/// `RingJson` with the line length of ringseal's `json` layout.
pub struct RingJsonSame(Writing);

impl Candidate for RingJsonSame {
    const NAME: &'static str = "ring_json_same";
    const KIND: Kind = Kind::Floor;
    const FORMAT: Format = Format::Json;
    const CRATE: &'static str = "";

    fn start(dir: &Path) -> Result<Self, String> {
        Writing::start(dir, Shape::Same).map(Self)
    }

    #[inline(always)]
    fn log(&mut self, seq: u64, price: f64, sym: &str, qty: i32) {
        self.0.producer.push(Record::new(tsc::now(), seq, price, sym, qty));
    }

    fn finish(self) -> Result<Output, String> {
        self.0.finish()
    }
}
