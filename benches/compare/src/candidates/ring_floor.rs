//! The floors with a reader on the other core that only reads, and the reading thread of all floors.

use std::marker::PhantomData;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::floors::SHARED_TIME;
use super::ringseal::writer_pauses;
use crate::candidate::{Candidate, Format, Kind, Output};
use crate::family::Group;
use crate::record::{Packed, Plain, Record};
use crate::ring::{self, Producer};
use crate::tsc;

/// What the reader does between two turns.
#[derive(Clone, Copy, Debug)]
pub enum Pace {
    /// Spins until this time has passed since the turn began. The pause avoids contention for the head's cache line.
    Poll(Duration),
    /// Sleeps as ringseal's writer does while events come.
    Sleep,
    /// Sleeps as long, and wakes to store the time for the producer as often as ringseal's writer does.
    Publish,
}

/// How often ringseal's writer wakes to store the time.
const PUBLISH_PAUSE: Duration = Duration::from_micros(25);

impl Pace {
    /// Calls `turn`, until `stop` is set and a later turn found nothing.
    fn run(self, stop: &AtomicBool, mut turn: impl FnMut() -> u64) {
        let tsc_hz = tsc::calibrate(Duration::from_millis(20));
        loop {
            // ORDER: Acquire pairs with the Release store in `Reader::join`: the next turn sees everything that was
            // pushed.
            let is_last = stop.load(Ordering::Acquire);
            let begin = tsc::now();
            let found = turn();
            if found == 0 && is_last {
                return;
            }
            if !is_last {
                self.wait(begin, tsc_hz);
            }
        }
    }

    fn wait(self, begin: u64, tsc_hz: f64) {
        let (pause, _) = writer_pauses();
        match self {
            Self::Poll(every) => tsc::spin_until(begin + (tsc_hz * every.as_secs_f64()) as u64),
            Self::Sleep => std::thread::park_timeout(pause),
            Self::Publish => {
                let start = Instant::now();
                while start.elapsed() < pause {
                    // ORDER: Relaxed; a single value, no other memory depends on it.
                    SHARED_TIME.0.store(tsc::now(), Ordering::Relaxed);
                    std::thread::park_timeout(PUBLISH_PAUSE);
                }
            }
        }
    }
}

/// The reading thread.
pub struct Reader<T> {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<T>,
}

impl<T: Send + 'static> Reader<T> {
    /// Calls what `body` makes of the thread's turns: it gets a function that runs a turn at the given pace until
    /// `join`.
    pub fn spawn(
        pace: Pace,
        body: impl FnOnce(&dyn Fn(&mut dyn FnMut() -> u64)) -> T + Send + 'static,
    ) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        let thread = std::thread::spawn(move || body(&|turn| pace.run(&seen, turn)));
        Self { stop, thread }
    }

    /// Waits until the reader has read everything.
    pub fn join(self) -> Result<T, String> {
        // ORDER: Release pairs with the Acquire load in `Pace::run`.
        self.stop.store(true, Ordering::Release);
        self.thread.thread().unpark();
        self.thread.join().map_err(|_| "the reader panicked".to_owned())
    }
}

/// One of these floors.
pub trait Setup: 'static {
    /// The name on the command line and in the tables.
    const NAME: &'static str;
    /// The family that selects it.
    const GROUP: Group;
    /// What the reader does between two turns.
    const PACE: Pace;
    /// What the producer writes.
    type Record: Record;
}

/// `ring`: the floor of a logger with a reader.
pub struct Plainly;

impl Setup for Plainly {
    const NAME: &'static str = "ring";
    const GROUP: Group = Group::Floors;
    const PACE: Pace = Pace::Poll(Duration::from_micros(20));
    type Record = Plain;
}

/// `ring_lazier`: the same, polling every millisecond.
pub struct Lazier;

impl Setup for Lazier {
    const NAME: &'static str = "ring_lazier";
    const GROUP: Group = Group::Floors;
    const PACE: Pace = Pace::Poll(Duration::from_millis(1));
    type Record = Plain;
}

/// `ring_same`: `ring` with the bytes and stores of ringseal's record.
pub struct Same;

impl Setup for Same {
    const NAME: &'static str = "ring_same";
    const GROUP: Group = Group::Bounds;
    const PACE: Pace = Plainly::PACE;
    type Record = Packed;
}

/// `ring_asleep`: `ring_same` with a reader that sleeps like ringseal's writer.
pub struct Asleep;

impl Setup for Asleep {
    const NAME: &'static str = "ring_asleep";
    const GROUP: Group = Group::Bounds;
    const PACE: Pace = Pace::Sleep;
    type Record = Packed;
}

/// `ring_coarse`: `ring_asleep` with the time from a line that the reader stores to.
pub struct Coarse;

impl Setup for Coarse {
    const NAME: &'static str = "ring_coarse";
    const GROUP: Group = Group::Bounds;
    const PACE: Pace = Pace::Publish;
    type Record = Packed;
}

/// Clock, encoding, release store, and a reader that sums the numbers.
pub struct Ring<S: Setup> {
    producer: Producer<S::Record>,
    reader: Reader<u64>,
    setup: PhantomData<S>,
}

impl<S: Setup> Candidate for Ring<S> {
    const NAME: &'static str = S::NAME;
    const KIND: Kind = Kind::Floor;
    const GROUP: Group = S::GROUP;
    const FORMAT: Format = Format::Nothing;
    const CRATE: &'static str = "";

    fn start(_dir: &Path) -> Result<Self, String> {
        let (producer, mut consumer) = ring::ring::<S::Record>();
        let reader = Reader::spawn(S::PACE, move |turns| {
            let mut sum = 0u64;
            let mut add = |r: &S::Record| {
                let fields = r.ticks() ^ r.seq() ^ r.price().to_bits() ^ u64::from(r.sym()[15]);
                sum = sum.wrapping_add(fields);
            };
            turns(&mut || consumer.drain(&mut add));
            sum
        });
        Ok(Self { producer, reader, setup: PhantomData })
    }

    #[inline(always)]
    fn log(&mut self, seq: u64, price: f64, sym: &str, qty: i32) {
        let ticks = match S::PACE {
            // ORDER: Relaxed; a single value, no other memory depends on it.
            Pace::Publish => SHARED_TIME.0.load(Ordering::Relaxed),
            Pace::Poll(_) | Pace::Sleep => tsc::now(),
        };
        self.producer.push(S::Record::new(ticks, seq, price, sym, qty));
    }

    fn finish(self) -> Result<Output, String> {
        std::hint::black_box(self.reader.join()?);
        Ok(Output { files: Vec::new(), format: Format::Nothing })
    }
}
