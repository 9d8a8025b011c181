//! Many contexts on one thread, as in an asynchronous service: what an event costs its caller and the writer.
//!
//! `cargo bench --bench contexts [-- --quick]`. Each of 1 to 1,024 loggers has five bound fields. They take turns in
//! order or at random, with 1 or 4 events a visit. The call's time is that of batches without the flush after each. The
//! writer's is the processor time of its thread for the events of a batch, from `/proc`, so it needs Linux and has a
//! resolution of some microseconds a batch; elsewhere it is left out. Median of the rounds; rounds of all sizes
//! alternate.
#![allow(missing_docs)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use ringseal::{Config, Engine, Logger, Output, fields, info};

#[path = "support/mod.rs"]
mod support;
use support::{NullSink, lines_in_place};

/// Live contexts.
const COUNTS: [usize; 6] = [1, 16, 17, 64, 256, 1024];
/// Events between two flushes: they fit into the ring with a definition each.
const BATCH: usize = 2048;

/// Measured batches of a round.
const BATCHES: usize = 3;

/// The order in which the loggers take turns.
#[derive(Debug, Clone, Copy)]
struct Turns {
    is_random: bool,
    events_each: usize,
}

const TURNS: [Turns; 3] = [
    Turns { is_random: false, events_each: 1 },
    Turns { is_random: true, events_each: 1 },
    Turns { is_random: true, events_each: 4 },
];

/// One cell of the table: times of an event in nanoseconds, a number a round.
#[derive(Debug, Default)]
struct Cell {
    call: Vec<f64>,
    writer: Vec<f64>,
}

fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

fn start() -> Engine {
    let config = Config::new().filter("info,boot=off".parse().expect("a filter")).panic_hook(false);
    // The bench flushes; a writer that polls beside it would take its cache lines.
    let config = config.ring_bytes(4 << 20).output(Output::custom(NullSink::default()));
    Engine::start(config).expect("an engine can be started")
}

fn loggers(engine: &Engine, count: usize) -> Vec<Logger> {
    let logger = |number: usize| {
        engine.logger().bind(fields! {
            trace_id = format!("4bf92f3577b34da6a3ce929d{number:08x}"),
            session.id = number as u64,
            venue = "XKUW",
            desk = "equities",
            shard = number % 12,
        })
    };
    (0..count).map(logger).collect()
}

/// The indices of the loggers, visit by visit.
fn visits(turns: Turns, count: usize) -> Vec<usize> {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |index: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        if turns.is_random { (random >> 20) as usize % count } else { index % count }
    };
    (0..BATCH / turns.events_each).map(&mut next).collect()
}

/// Logs a batch and returns the call's time.
fn log(loggers: &[Logger], visits: &[usize], events_each: usize) -> Duration {
    let start = Instant::now();
    for &index in visits {
        let log = &loggers[index];
        for event in 0..events_each {
            info!(log, "order filled", seq = black_box(index + event), price = 101.25, qty = 3);
        }
    }
    start.elapsed()
}

/// The processor time of the writer's thread so far.
fn writer_time() -> Option<Duration> {
    let tasks = std::fs::read_dir("/proc/self/task").ok()?;
    let is_writer = |path: &std::path::Path| {
        std::fs::read_to_string(path.join("comm")).is_ok_and(|name| name.starts_with("ringseal"))
    };
    let task = tasks.flatten().map(|entry| entry.path()).find(|path| is_writer(path))?;
    let stat = std::fs::read_to_string(task.join("schedstat")).ok()?;
    stat.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

fn measure(engine: &Engine, loggers: &[Logger], turns: Turns, cell: &mut Cell) {
    let visits = visits(turns, loggers.len());
    let per_event = |time: Duration| time.as_nanos() as f64 / BATCH as f64;
    // The first batch defines the contexts.
    for round in 0..=BATCHES {
        lines_in_place(engine);
        let before = writer_time();
        let call = log(loggers, &visits, turns.events_each);
        lines_in_place(engine);
        let after = writer_time();
        if round > 0 {
            cell.call.push(per_event(call));
            cell.writer.extend(before.zip(after).map(|(before, after)| per_event(after - before)));
        }
    }
}

fn main() {
    let rounds = if std::env::args().any(|argument| argument == "--quick") { 20 } else { 200 };
    let engine = start();
    assert!(engine.prepare_thread(), "there is a ring for this thread");
    let all: Vec<Vec<Logger>> = COUNTS.iter().map(|&count| loggers(&engine, count)).collect();
    let batches = rounds * BATCHES;
    println!("{}; medians of {batches} batches of {BATCH} events\n", processor());
    println!(
        "| turns | contexts | call, ns | to 1 | writer, ns | to 1 |\n|---|---:|---:|---:|---:|---:|"
    );
    for turns in TURNS {
        let mut cells: Vec<Cell> = COUNTS.iter().map(|_| Cell::default()).collect();
        for _ in 0..rounds {
            for (loggers, cell) in all.iter().zip(&mut cells) {
                measure(&engine, loggers, turns, cell);
            }
        }
        print(turns, &mut cells);
    }
}

fn print(turns: Turns, cells: &mut [Cell]) {
    let order = if turns.is_random { "random" } else { "round robin" };
    let mut first = None;
    for (count, cell) in COUNTS.iter().zip(cells) {
        let (call, writer) = (median(&mut cell.call), median(&mut cell.writer));
        let (call_of_one, writer_of_one) = *first.get_or_insert((call, writer));
        let [call, call_ratio] = cells_of(call, call_of_one, 1);
        let [writer, writer_ratio] = cells_of(writer, writer_of_one, 0);
        let each = turns.events_each;
        println!(
            "| {order}, {each} a visit | {count} | {call} | {call_ratio} | {writer} | {writer_ratio} |"
        );
    }
}

/// A time, and its ratio to that of one context; dashes where there is no such time.
fn cells_of(time: Option<f64>, of_one: Option<f64>, decimals: usize) -> [String; 2] {
    let dash = || "–".to_owned();
    [
        time.map_or_else(dash, |time| format!("{time:.decimals$}")),
        time.zip(of_one).map_or_else(dash, |(time, of_one)| format!("{:.2}", time / of_one)),
    ]
}

/// The processor's name, as the kernel reports it.
fn processor() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = info.lines().find_map(|line| line.strip_prefix("model name"));
    line.map_or("unknown processor", |name| name.trim_start_matches([' ', '\t', ':'])).to_owned()
}
