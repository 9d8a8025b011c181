//! Measures one setting once.
use std::path::Path;
use std::time::{Duration, Instant};

use ringseal::internals::core::clock;
use ringseal::sink::file::{FileConfig, RotateEvery};
use ringseal::{Config, Engine, Logger, Overflow, Rings, info};
use ringseal::{Level, Output};

use super::Setting;
use crate::console::Failure;
use crate::histogram::Histogram;
use crate::stopwatch::{Percentiles, Stopwatch, ticks};

/// Calls that are timed together, so that they share the cost of reading the clock.
const BURST: u32 = 20;
/// Pause between two bursts, in which the writer empties the ring.
const PAUSE: Duration = Duration::from_micros(40);
/// How long a call and the flush may wait: no event of a throughput run may be lost.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// The size of a measurement.
#[derive(Debug, Clone, Copy)]
pub(super) struct RunSize {
    /// Events of a throughput run.
    pub(super) events: u64,
    /// Bursts of a latency run.
    pub(super) bursts: u64,
}

/// The result of one round of one setting.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sample {
    pub(super) events_per_second: f64,
    /// Nanoseconds of CPU time.
    pub(super) cpu_nanos_per_event: f64,
    /// Calls that found the ring full, at full speed.
    pub(super) waits: u64,
    /// Latency of a call as the mean of its burst, with pauses.
    pub(super) latency: Percentiles,
}

/// Measures `setting` once, in files below `dir`, which are removed afterwards.
pub(super) fn measure(dir: &Path, setting: Setting, size: RunSize) -> Result<Sample, Failure> {
    measure_at(dir, setting, size, None)
}

/// The same with rings in a ring directory.
pub(super) fn measure_at(
    dir: &Path,
    setting: Setting,
    size: RunSize,
    rings: Option<&Rings>,
) -> Result<Sample, Failure> {
    let dir = tempfile::tempdir_in(dir).map_err(Failure::of)?;
    let engine = start(dir.path(), setting, rings)?;
    let logger = engine.logger();
    logger.prepare_thread();
    // Warm-up: the first events touch cold memory in every setting and are not measured.
    (0..size.events / 10).for_each(|seq| log(&logger, seq));
    engine.flush().map_err(Failure::of)?;
    let latency = latency(&logger, size.bursts);
    engine.flush().map_err(Failure::of)?;
    let waits_before = engine.metrics().waits;

    let watch = Stopwatch::start();
    (0..size.events).for_each(|seq| log(&logger, seq));
    engine.flush().map_err(Failure::of)?;
    let lap = watch.lap();

    let metrics = engine.metrics();
    let events = size.events / 10 + size.bursts * u64::from(BURST) + size.events;
    let in_place: u64 = metrics.sinks.iter().map(|sink| sink.lines).sum();
    if in_place < events {
        return Err(Failure::Message(format!("of {events} events, {in_place} are in the files")));
    }
    let cpu = lap.cpu.unwrap_or_default();
    Ok(Sample {
        events_per_second: size.events as f64 / lap.wall.as_secs_f64(),
        cpu_nanos_per_event: cpu.as_nanos() as f64 / size.events as f64,
        waits: metrics.waits - waits_before,
        latency,
    })
}

/// An engine that writes below `dir`.
pub(super) fn start(
    dir: &Path,
    setting: Setting,
    rings: Option<&Rings>,
) -> Result<Engine, Failure> {
    let file = FileConfig::new(dir.join("bench.log"))
        .rotate_bytes_max(64 << 20)
        .rotate_every(RotateEvery::Never);
    let config = Config::new()
        .output(Output::file(file))
        .ring_bytes(setting.ring_bytes)
        .batch_bytes_max(setting.batch_bytes)
        .overflow([Overflow::Wait(WAIT_MAX); Level::COUNT])
        .flush_timeout(WAIT_MAX);
    let config = match rings {
        Some(rings) => config.survive_kill(rings.clone()),
        None => config,
    };
    Engine::start(config).map_err(Failure::of)
}

/// Logs the measured event: a number, a price, a symbol, a quantity.
#[inline(always)]
fn log(logger: &Logger, seq: u64) {
    const SYMBOLS: [&str; 2] = ["BTC-PERP-26DEC26", "ETHUSD-26DEC2026"];
    info!(target: "exchange::gateway", logger, "order filled", seq,
        price = (seq % 100_000) as f64 / 100.0, sym = SYMBOLS[(seq & 1) as usize], qty = seq as i32);
}

fn latency(logger: &Logger, bursts: u64) -> Percentiles {
    let mut histogram = Histogram::default();
    let watch = Stopwatch::start();
    for burst in 0..bursts {
        let start = ticks();
        (0..u64::from(BURST)).for_each(|call| log(logger, burst + call));
        // In hundredths of a tick, so that short calls differ.
        histogram.record(ticks().wrapping_sub(start) * 100 / u64::from(BURST));
        pause();
    }
    Percentiles::of(&histogram, watch.lap().nanos_per_tick / 100.0)
}

fn pause() {
    // A sleep would take longer than the pause; yielding lets the writer run on a single core.
    let start = Instant::now();
    while start.elapsed() < PAUSE {
        std::thread::yield_now();
    }
}

/// The name of the clock that times the calls, for the report.
pub(super) fn clock_name() -> &'static str {
    match clock::tick_source() {
        clock::TickSource::Tsc => "the time-stamp counter",
        clock::TickSource::Monotonic => "the monotonic clock",
    }
}
