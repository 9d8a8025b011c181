//! One measurement of the sweep, in a separate process.

use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use ringseal::Engine;
use ringseal::sink::file::WriteMode;
use serde_json::{Value, json};

use crate::candidate::{Format, Output};
use crate::candidates::ringseal::{self as own, Ringseal, Tuning};
use crate::child;
use crate::event::Feed;
use crate::measure::{self, Amounts, Logged, Throughput};
use crate::sys;

/// The kind of measurement at a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// End to end, with any number of producers.
    Throughput,
    /// The producer's side, with one.
    Latency,
    /// From `init` to the first line in the file.
    Start,
    /// Processor time with nothing to do.
    Idle,
    /// Processor time with nothing to do and the preset for latency, which polls more often.
    IdleLatency,
    /// Processor time of a thread that does nothing but wake as often as an idle writer.
    IdleFloor,
}

impl What {
    const ALL: [Self; 6] = [
        Self::Throughput,
        Self::Latency,
        Self::Start,
        Self::Idle,
        Self::IdleLatency,
        Self::IdleFloor,
    ];

    /// The word on the command line and in result files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Throughput => "sweep_throughput",
            Self::Latency => "sweep_latency",
            Self::Start => "sweep_start",
            Self::Idle => "sweep_idle",
            Self::IdleLatency => "sweep_idle_latency",
            Self::IdleFloor => "sweep_idle_floor",
        }
    }

    /// The kind of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|what| what.word() == word)
    }
}

/// A point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The kind of measurement.
    pub what: What,
    /// Sizes.
    pub tuning: Tuning,
    /// Threads that log, each with a ring.
    pub producers: usize,
}

/// Measures a point under `dir` and returns its record, without name and round.
pub fn run(
    plan: Plan,
    dir: &Path,
    tsc_hz: f64,
    amounts: Amounts,
    idle: Duration,
) -> Result<Value, String> {
    own::tune(plan.tuning);
    child::observe(|| match plan.what {
        What::Throughput => {
            let (flow, logged) = throughput(dir, amounts.events, plan.producers)?;
            Ok((child::throughput_record(&flow, amounts.events), logged))
        }
        What::Latency => {
            let (times, logged) = measure::latency::<Ringseal<false, false>>(dir, amounts, tsc_hz)?;
            Ok((child::latency_record(times, tsc_hz), logged))
        }
        What::Start => start(dir),
        What::Idle => measure_idle(dir, idle, false),
        What::IdleLatency => measure_idle(dir, idle, true),
        What::IdleFloor => measure_idle_floor(idle),
    })
}

fn engine(dir: &Path) -> Result<Engine, String> {
    ringseal::init(own::config(dir, WriteMode::Append)?).map_err(|e| e.to_string())
}

fn log(feed: &Feed, seqs: Range<u64>) {
    for seq in seqs {
        let event = feed.at(seq);
        own::log_globally(event.seq, event.price, event.sym, event.qty);
    }
}

/// The share of producer `at` when `count` producers divide `total`.
fn share(total: u64, at: usize, count: usize) -> Range<u64> {
    let edge = |at: usize| total * at as u64 / count as u64;
    edge(at)..edge(at + 1)
}

/// Logs `events` in total, at full speed, from `producers` threads on core 0.
fn throughput(dir: &Path, events: u64, producers: usize) -> measure::Measured<Throughput> {
    measure::warm_page_cache(dir, events)?;
    sys::pin(sys::OTHER_CORE)?;
    let engine = engine(dir)?;
    sys::pin(sys::PRODUCER_CORE)?;
    let (feed, gate) = (Feed::new(), Barrier::new(producers + 1));
    let warm = measure::WARM_CALLS;
    let (cpu, begin, calls) = std::thread::scope(|scope| {
        for at in 0..producers {
            let (feed, gate) = (&feed, &gate);
            scope.spawn(move || {
                log(feed, share(warm, at, producers));
                gate.wait();
                gate.wait();
                let Range { start, end } = share(events, at, producers);
                log(feed, warm + start..warm + end);
                gate.wait();
            });
        }
        gate.wait(); // every producer has a ring
        std::thread::sleep(measure::SETTLE);
        let (cpu, begin) = (sys::cpu(), Instant::now());
        gate.wait(); // the producers start
        gate.wait(); // all calls have returned
        (cpu, begin, begin.elapsed())
    });
    let output = own::finish(engine, own::output(dir))?;
    let (completion, cpu) = (sys::wait_until_unchanged(&output.files)?, cpu?);
    let cpu = sys::Cpu {
        user_s: completion.cpu.user_s - cpu.user_s,
        system_s: completion.cpu.system_s - cpu.system_s,
    };
    let logged = Logged { output, events: warm + events, bytes: completion.bytes };
    Ok((Throughput { wall: completion.at - begin, calls, cpu }, logged))
}

/// The time from `init` to a line in the file, in a process without other work.
fn start(dir: &Path) -> Result<(Value, Logged), String> {
    let feed = Feed::new();
    let begin = Instant::now();
    let engine = engine(dir)?;
    let started = begin.elapsed();
    log(&feed, 0..1);
    let called = begin.elapsed();
    engine.flush().map_err(|e| e.to_string())?;
    let written = begin.elapsed();
    engine.stop().map_err(|e| e.to_string())?;
    let micros = |time: Duration| time.as_nanos() as f64 / 1e3;
    let record = json!({
        "init_us": micros(started),
        "first_call_us": micros(called - started),
        "first_line_us": micros(written),
    });
    Ok((record, Logged { output: own::output(dir), events: 1, bytes: 0 }))
}

/// Long enough for the writer to reach its longest sleep.
const CALM_DOWN: Duration = Duration::from_millis(500);

/// Processor time of the idle process.
fn measure_idle(dir: &Path, time: Duration, latency: bool) -> Result<(Value, Logged), String> {
    let mut config = own::config(dir, WriteMode::Append)?;
    if latency {
        config = config.low_latency();
    }
    let engine = ringseal::init(config).map_err(|e| e.to_string())?;
    log(&Feed::new(), 0..1000);
    let record = watch(time)?;
    engine.stop().map_err(|e| e.to_string())?;
    Ok((record, nothing_logged(1000)))
}

/// Processor time of a process with a thread that only wakes as often as the writer of an idle engine does.
fn measure_idle_floor(time: Duration) -> Result<(Value, Logged), String> {
    let is_over = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&is_over);
    let (_, pause) = own::writer_pauses();
    let thread = std::thread::spawn(move || {
        // ORDER: Relaxed; no other memory depends on it.
        while !seen.load(Ordering::Relaxed) {
            std::thread::park_timeout(pause);
        }
    });
    let record = watch(time)?;
    // ORDER: as above.
    is_over.store(true, Ordering::Relaxed);
    thread.join().map_err(|_| "the sleeping thread panicked".to_owned())?;
    Ok((record, nothing_logged(0)))
}

/// The share of a core that this process uses over `time`, after it has calmed down.
fn watch(time: Duration) -> Result<Value, String> {
    std::thread::sleep(CALM_DOWN);
    let (begin, cpu_ns) = (Instant::now(), sys::threads_cpu_ns()?);
    std::thread::sleep(time);
    let (wall, spent_ns) = (begin.elapsed(), sys::threads_cpu_ns()? - cpu_ns);
    Ok(json!({
        "idle_s": wall.as_secs_f64(),
        "cpu_share": spent_ns as f64 / wall.as_nanos() as f64,
    }))
}

fn nothing_logged(events: u64) -> Logged {
    let output = Output { files: Vec::new(), format: Format::Nothing };
    Logged { output, events, bytes: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_cover_everything_once() {
        for (total, count) in [(20_000, 64), (1_000_000, 8), (7, 3), (2, 5), (5, 1)] {
            let all: Vec<u64> = (0..count).flat_map(|at| share(total, at, count)).collect();
            assert_eq!(all, (0..total).collect::<Vec<_>>());
        }
    }

    #[test]
    fn words_parse_back() {
        for what in What::ALL {
            assert_eq!(What::parse(what.word()), Some(what));
        }
    }
}
