//! The measuring loops, generic over the candidate, so that timed code makes no indirect calls.

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::candidate::{Candidate, Output};
use crate::event::{BATCH, Event, Feed};
use crate::{sys, tsc};

/// The amount of each kind of measurement.
#[derive(Clone, Copy, Debug)]
pub struct Amounts {
    /// Batches of 20 calls, 20–40 µs apart.
    pub batches: usize,
    /// Single calls, 4–8 µs apart.
    pub singles: usize,
    /// Single calls, 2 ms apart.
    pub colds: usize,
    /// Events flat out.
    pub events: u64,
}

/// Calls before the timed ones, so that buffers are allocated, threads are awake and code is in the cache.
pub const WARM_CALLS: u64 = 20_000;
/// Time for the logger to write the events of the warm-up.
pub const SETTLE: Duration = Duration::from_millis(100);

/// Ticks of the measured stretches.
pub struct Latency {
    /// Whole batches, in ticks.
    pub batches: Vec<u64>,
    /// Calls some microseconds apart, the counter's own cost included.
    pub singles: Vec<u64>,
    /// Calls 2 ms apart, the counter's own cost included.
    pub colds: Vec<u64>,
}

/// Flat-out logging.
pub struct Throughput {
    /// Time from the first call until the last byte is in the page cache.
    pub wall: Duration,
    /// Time from the first call to the return of the last call.
    pub calls: Duration,
    /// Processor time of the process over `wall`, seconds.
    pub cpu: sys::Cpu,
}

/// The data needed to check the output and count its bytes.
pub struct Logged {
    /// The files with the lines.
    pub output: Output,
    /// Events logged, warm-up included; `seq` runs from 0 to this.
    pub events: u64,
    /// Length of all files.
    pub bytes: u64,
}

/// A measurement and the data needed to check it.
pub type Measured<T> = Result<(T, Logged), String>;

/// Uniformly distributed pauses between two bounds, by spinning on the counter.
struct Pause {
    low: u64,
    span: u64,
    state: u64,
}

impl Pause {
    fn new(low_ns: f64, high_ns: f64, tsc_hz: f64) -> Self {
        let ticks = |ns: f64| (ns * tsc_hz / 1e9) as u64;
        Self { low: ticks(low_ns), span: ticks(high_ns - low_ns).max(1), state: 0x2545_f491 }
    }

    fn wait(&mut self) {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        tsc::spin_until(tsc::now() + self.low + self.state % self.span);
    }
}

/// Measures the producer's side of `C`.
pub fn latency<C: Candidate>(dir: &Path, amounts: Amounts, tsc_hz: f64) -> Measured<Latency> {
    let (mut candidate, mut feed) = start::<C>(dir)?;
    let pause = Pause::new(20e3, 40e3, tsc_hz);
    let batches = time_batches(&mut candidate, &mut feed, amounts.batches, pause);
    let pause = Pause::new(4e3, 8e3, tsc_hz);
    let singles = time_singles(&mut candidate, &mut feed, amounts.singles, pause);
    let pause = Pause::new(2e6, 2e6, tsc_hz);
    let colds = time_singles(&mut candidate, &mut feed, amounts.colds, pause);
    let output = candidate.finish()?;
    let completion = sys::wait_until_unchanged(&output.files)?;
    let logged = Logged { output, events: feed.handed_out(), bytes: completion.bytes };
    Ok((Latency { batches, singles, colds }, logged))
}

/// Measures `C` end to end.
pub fn throughput<C: Candidate>(dir: &Path, amounts: Amounts) -> Measured<Throughput> {
    warm_page_cache(dir, amounts.events)?;
    let (mut candidate, mut feed) = start::<C>(dir)?;
    let cpu = sys::cpu()?;
    let begin = Instant::now();
    for _ in 0..amounts.events {
        let event = feed.next();
        call(&mut candidate, &event);
    }
    let calls = begin.elapsed();
    let output = candidate.finish()?;
    let completion = sys::wait_until_unchanged(&output.files)?;
    let cpu = sys::Cpu {
        user_s: completion.cpu.user_s - cpu.user_s,
        system_s: completion.cpu.system_s - cpu.system_s,
    };
    let logged = Logged { output, events: feed.handed_out(), bytes: completion.bytes };
    Ok((Throughput { wall: completion.at - begin, calls, cpu }, logged))
}

fn start<C: Candidate>(dir: &Path) -> Result<(C, Feed), String> {
    sys::pin(sys::OTHER_CORE)?;
    let mut candidate = C::start(dir)?;
    sys::pin(sys::PRODUCER_CORE)?;
    let mut feed = Feed::new();
    for _ in 0..WARM_CALLS {
        let event = feed.next();
        call(&mut candidate, &event);
    }
    std::thread::sleep(SETTLE);
    Ok((candidate, feed))
}

#[inline(always)]
fn call<C: Candidate>(candidate: &mut C, event: &Event) {
    candidate.log(event.seq, event.price, event.sym, event.qty);
}

fn time_batches<C: Candidate>(
    candidate: &mut C,
    feed: &mut Feed,
    count: usize,
    mut pause: Pause,
) -> Vec<u64> {
    let mut ticks = vec![u64::MAX; count]; // already written once: no page fault while timing
    for slot in &mut ticks {
        let events: [Event; BATCH] = black_box(feed.batch());
        pause.wait();
        let begin = tsc::start();
        for event in &events {
            call(candidate, event);
        }
        *slot = tsc::stop() - begin;
    }
    ticks
}

fn time_singles<C: Candidate>(
    candidate: &mut C,
    feed: &mut Feed,
    count: usize,
    mut pause: Pause,
) -> Vec<u64> {
    let mut ticks = vec![u64::MAX; count];
    for slot in &mut ticks {
        let event = black_box(feed.next());
        pause.wait();
        let begin = tsc::start();
        call(candidate, &event);
        *slot = tsc::stop() - begin;
    }
    ticks
}

/// More than any candidate writes per event. With less, candidates with longer lines would also pay for cold memory.
const LINE_BYTES_MAX: u64 = 320;

/// Writes and deletes at least as many bytes as the run will write. The first access to memory that was not used for a
/// while is several times slower, and the first candidate would have the whole cost.
pub fn warm_page_cache(dir: &Path, events: u64) -> Result<(), String> {
    use std::io::Write;
    let chunk = vec![b'x'; 1 << 20];
    let path = dir.join("warm-up");
    let describe = |e: std::io::Error| format!("{}: {e}", path.display());
    let mut file = std::fs::File::create(&path).map_err(describe)?;
    for _ in 0..(events * LINE_BYTES_MAX / chunk.len() as u64).min(2048) {
        file.write_all(&chunk).map_err(describe)?;
    }
    drop(file);
    std::fs::remove_file(&path).map_err(describe)
}
