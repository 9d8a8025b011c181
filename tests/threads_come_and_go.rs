//! Threads that end while they log, any number of threads, and events inside events.
mod support;

use std::cell::{Cell, RefCell};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ringseal::sink::memory::{MemoryLog, MemorySink};
use ringseal::sink::{Lines, Now};
use ringseal::sink::{Sink, SinkError, WriteError};
use ringseal::{Config, Engine, Level, Output, Overflow, fields, info};
use support::{named, numbers, parse};

fn start(config: Config) -> (Engine, MemoryLog) {
    let sink = MemorySink::new();
    let log = sink.log();
    let patient = [Overflow::Wait(Duration::from_secs(20)); Level::COUNT];
    (Engine::start(config.overflow(patient).output(Output::custom(sink))).unwrap(), log)
}

/// Counts lines and keeps none.
struct Counter(Arc<AtomicU64>);

impl Sink for Counter {
    fn name(&self) -> &str {
        "counter"
    }

    fn write(&mut self, lines: Lines<'_>, _now: Now) -> Result<(), WriteError> {
        self.0.fetch_add(lines.count() as u64, Ordering::SeqCst);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    fn sync(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

/// Resident memory of this process in bytes.
fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
}

#[test]
fn ten_thousand_threads_leave_only_their_lines() {
    const WAVE: u64 = 8;
    let lines = Arc::new(AtomicU64::new(0));
    let config =
        Config::new().output(Output::custom(Counter(Arc::clone(&lines)))).ring_bytes(256 << 10);
    let engine = Engine::start(config).unwrap();
    let mut resident = 0;
    for wave in 0..10_000 / WAVE {
        std::thread::scope(|scope| {
            for thread in 0..WAVE {
                let engine = &engine;
                scope.spawn(move || {
                    info!(engine, "first", wave, thread);
                    let log = engine.logger().bind(fields! { wave });
                    info!(log, "second", thread);
                });
            }
        });
        if wave == 50 {
            resident = resident_bytes();
        }
    }
    engine.flush().unwrap();
    assert_eq!(lines.load(Ordering::SeqCst), 20_000);
    let metrics = engine.metrics();
    assert!(metrics.lanes <= WAVE, "{} lanes", metrics.lanes);
    assert_eq!(metrics.lost.total(), 0);
    let grown = resident_bytes().saturating_sub(resident);
    assert!(grown < 8 << 20, "{grown} bytes more after 10,000 threads");
}

/// Runs threads that are all alive at once, each with this many events.
fn run_at_once(engine: &Engine, threads: u64, events: u64) {
    let all_have_logged = std::sync::Barrier::new(threads as usize);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                (0..events).for_each(|number| info!(engine, "step", number, thread = "any"));
                all_have_logged.wait();
            });
        }
    });
}

#[test]
fn many_threads_at_once_take_little_memory() {
    let lines = Arc::new(AtomicU64::new(0));
    let counter = Counter(Arc::clone(&lines));
    let engine = Engine::start(Config::new().output(Output::custom(counter))).unwrap();
    let before = resident_bytes();
    run_at_once(&engine, 300, 20);
    let grown = resident_bytes().saturating_sub(before);
    // Half of it is the threads themselves, and other tests run beside this one.
    assert!(grown < 60 << 20, "{grown} bytes for 300 threads");
    let start = Instant::now();
    while engine.metrics().lanes > 16 {
        assert!(start.elapsed() < Duration::from_secs(20), "{:?}", engine.metrics().lanes);
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!((lines.load(Ordering::SeqCst), engine.metrics().lost.total()), (6000, 0));
    run_at_once(&engine, 300, 20);
    engine.stop().unwrap();
    assert_eq!(lines.load(Ordering::SeqCst), 12_000);
}

#[test]
fn counts_of_ended_threads_are_kept() {
    let lose = [Overflow::Lose; Level::COUNT];
    let counter = Counter(Arc::default());
    let config = Config::new().overflow(lose).ring_bytes(4096).output(Output::custom(counter));
    let engine = Engine::start(config).unwrap();
    run_at_once(&engine, 60, 2000);
    let lost = engine.metrics().lost.total();
    assert!(lost > 0, "a ring of 4 KiB overflows");
    let start = Instant::now();
    while engine.metrics().lanes > 16 {
        assert!(start.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(engine.metrics().lost.total(), lost);
    engine.stop().unwrap();
}

#[test]
fn threads_beyond_the_lanes_share_one_without_loss() {
    let (engine, log) = start(Config::new().rings_max(2).ring_bytes(16 << 10));
    let all_are_there = std::sync::Barrier::new(8);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (engine, all_are_there) = (&engine, &all_are_there);
            scope.spawn(move || {
                info!(engine, "began", thread);
                all_are_there.wait();
                for number in 0..500 {
                    info!(engine, "step", thread, number);
                }
                all_are_there.wait();
            });
        }
    });
    assert_eq!(engine.metrics().lost.total(), 0);
    engine.stop().unwrap();
    let events = parse(&log.bytes());
    assert_eq!(named(&events, "began").len(), 8);
    for thread in 0..8 {
        let of_thread: Vec<_> =
            named(&events, "step").into_iter().filter(|event| event["thread"] == thread).collect();
        assert_eq!(numbers(&of_thread, "number"), (0..500).collect::<Vec<_>>());
    }
}

/// Logs when its thread ends.
struct Farewell(RefCell<Option<(Arc<Engine>, u64)>>);

impl Drop for Farewell {
    fn drop(&mut self) {
        if let Some((engine, thread)) = self.0.borrow_mut().take() {
            for number in 0..3 {
                info!(engine, "farewell", thread, number);
            }
        }
    }
}

thread_local! {
    static EARLY: Farewell = const { Farewell(RefCell::new(None)) };
    static LATE: Farewell = const { Farewell(RefCell::new(None)) };
}

#[test]
fn thread_local_destructors_can_still_log() {
    let (engine, log) = start(Config::new());
    let engine = Arc::new(engine);
    for thread in 0..20 {
        let engine = Arc::clone(&engine);
        let run = move || {
            // Destructors run in the opposite order: EARLY's after the lane is gone, LATE's before.
            EARLY.with(|early| *early.0.borrow_mut() = Some((Arc::clone(&engine), 2 * thread)));
            info!(engine, "alive", thread);
            LATE.with(|late| *late.0.borrow_mut() = Some((Arc::clone(&engine), 2 * thread + 1)));
        };
        std::thread::spawn(run).join().unwrap();
    }
    engine.flush().unwrap();
    let events = parse(&log.bytes());
    assert_eq!(named(&events, "alive").len(), 20);
    let farewells = named(&events, "farewell");
    assert_eq!(farewells.len(), 120);
    for thread in 0..40 {
        let of_thread: Vec<_> =
            farewells.iter().copied().filter(|event| event["thread"] == thread).collect();
        assert_eq!(numbers(&of_thread, "number"), [0, 1, 2]);
    }
    assert_eq!(engine.metrics().lost.total(), 0);
}

/// Logs while it is being logged, nested `depth` times.
struct Nested<'a> {
    engine: &'a Engine,
    depth: u32,
    calls: &'a Cell<u32>,
}

impl fmt::Display for Nested<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.calls.set(self.calls.get() + 1);
        if self.depth > 0 {
            let inner = Nested { depth: self.depth - 1, ..*self };
            info!(self.engine, "inner", depth = self.depth, inner = %inner);
        }
        write!(f, "depth {}", self.depth)
    }
}

impl fmt::Debug for Nested<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[test]
fn a_deeply_nested_event_is_not_lost() {
    let (engine, log) = start(Config::new());
    let calls = Cell::new(0);
    let start = Instant::now();
    for round in 0..50 {
        let value = Nested { engine: &engine, depth: 3, calls: &calls };
        info!(engine, "outer", round, shown = %value, dbg = ?value);
    }
    let took = start.elapsed();
    assert_eq!(engine.metrics().lost.total(), 0);
    engine.stop().unwrap();
    let events = parse(&log.bytes());
    assert_eq!(named(&events, "outer").len(), 50);
    assert_eq!(named(&events, "inner").len(), 50 * 2 * 3);
    assert_eq!(calls.get(), 50 * 2 * 4, "each value is formatted once");
    assert!(took < Duration::from_secs(2), "inner events wait for something: {took:?}");
}

#[test]
fn a_thread_on_the_shared_lane_can_nest() {
    let (engine, log) = start(Config::new().rings_max(1));
    info!(engine, "takes_the_only_lane");
    let calls = AtomicU64::new(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let calls_here = Cell::new(0);
            let start = Instant::now();
            for round in 0..5 {
                let value = Nested { engine: &engine, depth: 1, calls: &calls_here };
                info!(engine, "outer", round, shown = %value);
            }
            calls.store(start.elapsed().as_millis() as u64, Ordering::SeqCst);
        });
    });
    let lost = engine.metrics().lost.total();
    engine.stop().unwrap();
    let events = parse(&log.bytes());
    assert_eq!(named(&events, "outer").len(), 5);
    // The outer event holds the shared lane, so the inner one cannot be placed and is counted as lost.
    let reported: u64 = numbers(&named(&events, "ringseal.lost"), "lost").iter().sum();
    assert_eq!((named(&events, "inner").len() as u64 + lost, reported), (5, lost));
    assert!(calls.load(Ordering::SeqCst) < 2000, "it waits for itself");
}

struct Panics(u32);

impl fmt::Display for Panics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("half of the text")?;
        assert!(self.0 % 2 == 1, "a Display that panics");
        Ok(())
    }
}

#[test]
fn a_panic_in_display_leaves_the_ring_intact() {
    let (engine, log) = start(Config::new().ring_bytes(16 << 10));
    std::panic::set_hook(Box::new(|_| {}));
    for number in 0..500_u32 {
        let panics = Panics(number);
        let log_it = || info!(engine, "step", number, value = %panics, after = 7);
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(log_it));
        assert_eq!(outcome.is_err(), number % 2 == 0);
    }
    let metrics = engine.metrics();
    engine.stop().unwrap();
    let events = parse(&log.bytes());
    let odd: Vec<u64> = (0..500).filter(|number| number % 2 == 1).collect();
    assert_eq!(numbers(&named(&events, "step"), "number"), odd);
    assert_eq!((metrics.lost.total(), metrics.record_errors), (0, 0));
}
