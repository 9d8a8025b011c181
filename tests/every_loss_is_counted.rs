//! Logged events equal written lines plus counted losses, per level, under every overflow policy. Losses are reported
//! in the log itself. A dead sink costs a thread one wait bound in all.
mod support;

use std::collections::HashSet;
use std::time::{Duration, Instant};

use ringseal::{Config, Engine, Level, Output, Overflow, event};
use ringseal::{LevelCounts, Metrics};
use serde_json::Value;
use support::{Gate, TestSink, named, own, parse};

const THREADS: u64 = 4;
const EVENTS: u64 = 3000;

/// One event at any level.
fn log(engine: &Engine, level: Level, thread: u64, number: u64) {
    let text = "some text of a usual length";
    match level {
        Level::Trace => event!(engine, Level::Trace, "step", thread, number, text),
        Level::Debug => event!(engine, Level::Debug, "step", thread, number, text),
        Level::Info => event!(engine, Level::Info, "step", thread, number, text),
        Level::Warn => event!(engine, Level::Warn, "step", thread, number, text),
        Level::Error => event!(engine, Level::Error, "step", thread, number, text),
        Level::Critical => event!(engine, Level::Critical, "step", thread, number, text),
    }
}

fn lines_by_level(events: &[&Value]) -> LevelCounts {
    let mut counts = LevelCounts::default();
    for event in events {
        let level: Level = event["level"].as_str().unwrap().parse().unwrap();
        counts.0[level as usize] += 1;
    }
    counts
}

/// The losses that the log itself reports.
fn reported(events: &[Value]) -> LevelCounts {
    let mut counts = LevelCounts::default();
    for report in named(events, "ringseal.lost") {
        let mut of_report = LevelCounts::default();
        for level in Level::ALL {
            of_report.0[level as usize] = report[format!("lost_{level}")].as_u64().unwrap();
        }
        assert_eq!(report["lost"], of_report.total(), "{report}");
        counts.add(of_report);
    }
    counts
}

struct Outcome {
    events: Vec<Value>,
    metrics: Metrics,
    logged: LevelCounts,
    longest: Duration,
}

/// Threads log at all levels in turn while the only sink is blocked; then it is released.
fn overflow_with_a_blocked_sink(overflow: [Overflow; Level::COUNT]) -> Outcome {
    let gate = Gate::closed();
    let (sink, log_of_sink) = TestSink::gated(&gate);
    let config = Config::new().level(Level::Trace).ring_bytes(32 << 10).overflow(overflow);
    let engine = Engine::start(config.output(Output::custom(sink))).unwrap();
    // The writer is inside the sink before the rings fill.
    log(&engine, Level::Info, THREADS, 0);
    support::wait_until("the writer stands at the gate", || gate.waiting() > 0);
    // All threads are alive at once, so that each has its own lane.
    let all_are_there = std::sync::Barrier::new(THREADS as usize);
    let longest = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..THREADS)
            .map(|thread| {
                let name = std::thread::Builder::new().name(format!("worker-{thread}"));
                let (engine, all_are_there) = (&engine, &all_are_there);
                let run = move || {
                    engine.prepare_thread();
                    all_are_there.wait();
                    let start = Instant::now();
                    for number in 0..EVENTS {
                        let level = Level::ALL[number as usize % Level::COUNT];
                        log(engine, level, thread, number);
                    }
                    start.elapsed()
                };
                name.spawn_scoped(scope, run).unwrap()
            })
            .collect();
        handles.into_iter().map(|handle| handle.join().unwrap()).max().unwrap()
    });
    gate.open();
    engine.flush().unwrap();
    let metrics = engine.metrics();
    engine.stop().unwrap();
    let mut logged = LevelCounts([THREADS * EVENTS / Level::COUNT as u64; Level::COUNT]);
    logged.0[Level::Info as usize] += 1;
    Outcome { events: parse(&log_of_sink.bytes()), metrics, logged, longest }
}

fn assert_accounted(outcome: &Outcome, what: &str) {
    let mut sum = lines_by_level(&own(&outcome.events));
    sum.add(outcome.metrics.lost);
    assert_eq!(sum, outcome.logged, "{what}: lines + lost == logged");
    assert_eq!(reported(&outcome.events), outcome.metrics.lost, "{what}: reports == counters");
    assert!(outcome.metrics.lost.total() > 0, "{what}: the test lost nothing");
    assert_eq!(outcome.metrics.events.total(), outcome.events.len() as u64, "{what}");
    let mut seen = HashSet::new();
    for event in own(&outcome.events) {
        let is_new = seen.insert((event["thread"].as_u64(), event["number"].as_u64()));
        assert!(is_new, "{what}: twice: {event}");
    }
}

#[test]
fn every_policy_accounts_for_each_event() {
    let bound = Duration::from_millis(20);
    let mut mixed = [Overflow::Lose; Level::COUNT];
    mixed[Level::Warn as usize] = Overflow::Wait(bound);
    mixed[Level::Critical as usize] = Overflow::Wait(2 * bound);
    for (what, policy) in [
        ("lose", [Overflow::Lose; Level::COUNT]),
        ("wait", [Overflow::Wait(bound); Level::COUNT]),
        ("mixed", mixed),
        ("latency", Overflow::latency_levels()),
        ("a bound of nothing", [Overflow::Wait(Duration::ZERO); Level::COUNT]),
    ] {
        assert_accounted(&overflow_with_a_blocked_sink(policy), what);
    }
}

#[test]
fn a_dead_sink_costs_one_bound_per_thread() {
    let bound = Duration::from_millis(200);
    let outcome = overflow_with_a_blocked_sink([Overflow::Wait(bound); Level::COUNT]);
    assert_accounted(&outcome, "wait");
    assert_eq!(outcome.metrics.waits, THREADS);
    assert!(outcome.longest >= bound, "{:?}", outcome.longest);
    // One bound, and generous room for a busy machine: far from 3000 bounds.
    assert!(outcome.longest < 10 * bound, "{:?}", outcome.longest);
}

#[test]
fn lossy_presets_never_wait_below_error() {
    let outcome = overflow_with_a_blocked_sink([Overflow::Lose; Level::COUNT]);
    assert_eq!(outcome.metrics.waits, 0);
    let latency = Overflow::latency_levels();
    for level in Level::ALL {
        let waits = matches!(latency[level as usize], Overflow::Wait(_));
        assert_eq!(waits, level >= Level::Error, "{level}");
    }
}

#[test]
fn a_loss_report_names_thread_and_start() {
    let outcome = overflow_with_a_blocked_sink([Overflow::Lose; Level::COUNT]);
    let reports = named(&outcome.events, "ringseal.lost");
    let mut names = HashSet::new();
    for report in reports {
        names.insert(report["thread_name"].as_str().unwrap().to_owned());
        assert!(report["thread"].as_u64().unwrap() > 0, "{report}");
        assert!(report["since"].as_str().unwrap() <= report["timestamp"].as_str().unwrap());
        assert_eq!(report["level"], "warn");
    }
    assert_eq!(names, (0..THREADS).map(|thread| format!("worker-{thread}")).collect());
}

#[test]
fn a_loss_report_names_the_ended_thread() {
    let gate = Gate::closed();
    let (sink, log_of_sink) = TestSink::gated(&gate);
    let overflow = [Overflow::Lose; Level::COUNT];
    let config = Config::new().ring_bytes(16 << 10).overflow(overflow).output(Output::custom(sink));
    let engine = Engine::start(config).unwrap();
    log(&engine, Level::Info, 0, 0);
    support::wait_until("the writer stands at the gate", || gate.waiting() > 0);
    for thread in 1..=3 {
        // One thread ends before the next starts, so all use the same lane, which is full after the first.
        let run = || (0..1000).for_each(|number| log(&engine, Level::Info, thread, number));
        std::thread::scope(|scope| scope.spawn(run).join().unwrap());
    }
    gate.open();
    engine.flush().unwrap();
    let lost = engine.metrics().lost;
    engine.stop().unwrap();
    let events = parse(&log_of_sink.bytes());
    assert_eq!(reported(&events), lost);
    for report in named(&events, "ringseal.lost") {
        assert_eq!(
            (&report["thread"], report["thread_name"].as_str()),
            (&0.into(), Some("more than one thread"))
        );
    }
}

#[test]
fn nothing_is_lost_after_the_sink_recovers() {
    let gate = Gate::closed();
    let (sink, log_of_sink) = TestSink::gated(&gate);
    let overflow = [Overflow::Wait(Duration::from_millis(10)); Level::COUNT];
    let config = Config::new().ring_bytes(16 << 10).overflow(overflow).output(Output::custom(sink));
    let engine = Engine::start(config).unwrap();
    for number in 0..1000 {
        log(&engine, Level::Info, 0, number);
    }
    gate.open();
    engine.flush().unwrap();
    let lost = engine.metrics().lost;
    assert!(lost.total() > 0);
    for number in 1000..1100 {
        log(&engine, Level::Info, 0, number);
    }
    engine.flush().unwrap();
    assert_eq!(engine.metrics().lost, lost);
    let events = parse(&log_of_sink.bytes());
    let last: Vec<u64> = support::numbers(&own(&events), "number");
    assert_eq!(last[last.len() - 100..], (1000..1100).collect::<Vec<_>>());
}

#[test]
fn an_event_below_all_sinks_is_discarded() {
    let (sink, log_of_sink) = TestSink::boxed("picky", &Default::default());
    let least = ringseal::LevelFilter::AtLeast(Level::Error);
    let config = Config::new().level(Level::Trace);
    let config = config.output(Output::custom(sink).format(ringseal::Format::Json).level(least));
    let engine = Engine::start(config).unwrap();
    for level in Level::ALL {
        log(&engine, level, 0, 0);
    }
    engine.flush().unwrap();
    let metrics = engine.metrics();
    assert_eq!(metrics.discarded, LevelCounts([1, 1, 1, 1, 0, 0]));
    assert_eq!(metrics.events, LevelCounts([0, 0, 0, 0, 1, 1]));
    assert_eq!((metrics.lost.total(), log_of_sink.lines().len()), (0, 2));
}
