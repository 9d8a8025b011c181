//! Typed events: what one without rules, with rules that are satisfied, and with a violated rule costs, beside `info!`
//! with the same fields.
//!
//! A separate program, which `compare --family typed` runs: arguments are the number of rounds and of batches; it
//! prints a record for each round and row. The lines that a row writes are counted, and one that writes another number
//! than it should is not good.
#![allow(dead_code, reason = "the modules are those of the main program")]

#[path = "../counting_sink.rs"]
mod counting_sink;
#[path = "../stats.rs"]
mod stats;
#[path = "../tsc.rs"]
mod tsc;

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ringseal::events::Policy;
use ringseal::{Config, Engine, Output, catalogue, domain_events, info};
use serde_json::{Value, json};

use counting_sink::{CountingSink, LINES};
use stats::Summary;

/// Calls between two readings of the counter.
const BATCH: usize = 20;

domain_events! {
    event OrderFilled<'a> = "ORDER_FILLED", Info, version 1 {
        seq: u64;
        price: f64;
        sym: &'a str;
        qty: i32;
    }
    event OrderChecked<'a> = "ORDER_CHECKED", Info, version 1 {
        seq: u64 where range(..=1_000_000_000);
        price: f64 where range(0.0..=1000.0);
        sym: &'a str where len(1..=32);
        qty: i32 where range(1..=4);
    }
    event OrderRejected<'a> = "ORDER_REJECTED", Info, version 1 {
        seq: u64;
        price: f64 where range(0.0..=1.0);
        sym: &'a str;
        qty: i32;
    }
    event OrderDegraded<'a> = "ORDER_DEGRADED", Info, version 1 {
        seq: u64;
        price: f64 where range(0.0..=1.0);
        sym: &'a str;
        qty: i32;
    }
}

/// One measured way: a group, a name, the lines of a call, and the call in a function of its parameters.
struct Row {
    group: &'static str,
    name: &'static str,
    lines: u64,
    call: fn(&Engine, u64, f64, &'static str, i32),
}

const ROWS: [Row; 5] = [
    Row { group: "typed event", name: "`info!`", lines: 1, call: plain },
    Row { group: "typed event", name: "typed, no rules", lines: 1, call: without_rules },
    Row { group: "typed event", name: "typed, four rules satisfied", lines: 1, call: with_rules },
    Row { group: "typed event", name: "typed, rejected", lines: 0, call: rejected },
    Row { group: "typed event", name: "typed, degraded", lines: 1, call: degraded },
];

#[inline(never)]
fn plain(engine: &Engine, seq: u64, price: f64, sym: &'static str, qty: i32) {
    info!(engine, "ORDER_FILLED", seq, price, sym, qty);
}

#[inline(never)]
fn without_rules(engine: &Engine, seq: u64, price: f64, sym: &'static str, qty: i32) {
    let _ = OrderFilled { seq, price, sym, qty }.emit(engine);
}

#[inline(never)]
fn with_rules(engine: &Engine, seq: u64, price: f64, sym: &'static str, qty: i32) {
    let _ = OrderChecked { seq, price, sym, qty }.emit(engine);
}

#[inline(never)]
fn rejected(engine: &Engine, seq: u64, price: f64, sym: &'static str, qty: i32) {
    let _ = black_box(OrderRejected { seq, price, sym, qty }.emit(engine));
}

#[inline(never)]
fn degraded(engine: &Engine, seq: u64, price: f64, sym: &'static str, qty: i32) {
    let _ = OrderDegraded { seq, price, sym, qty }.emit(engine);
}

fn engine() -> Engine {
    let config = Config::new()
        .filter("info,boot=off".parse().expect("a filter"))
        .panic_hook(false)
        .ring_bytes(4 << 20)
        .output(Output::custom(CountingSink));
    let engine = Engine::start(config).expect("an engine can be started");
    engine.prepare_thread();
    engine
}

/// One round of a row.
fn measure(row: &Row, engine: &Engine, batches: usize, tsc_hz: f64) -> Value {
    let flush = || engine.flush().is_ok();
    flush();
    let before = LINES.load(Ordering::Relaxed);
    let mut ticks = vec![0; batches];
    let mut seq = 0;
    for slot in &mut ticks {
        let begin = tsc::start();
        for _ in 0..BATCH {
            (row.call)(engine, black_box(seq), black_box(101.25), black_box("0001-923456.XKUW"), 2);
            seq += 1;
        }
        *slot = tsc::stop() - begin;
        if seq % 5_000 == 0 {
            // No call waits for a full ring.
            flush();
        }
    }
    flush();
    let (expected, found) = (row.lines * seq, LINES.load(Ordering::Relaxed) - before);
    if found != expected {
        let complaint = format!("expected {expected} lines, found {found}");
        return json!({"candidate": row.name, "good": false, "complaint": complaint});
    }
    let ns = 1e9 / tsc_hz / BATCH as f64;
    json!({"candidate": row.name, "good": true, "call": Summary::of(ticks, ns)})
}

fn main() -> ExitCode {
    let mut numbers = std::env::args().skip(1).map_while(|word| word.parse::<usize>().ok());
    let (Some(rounds), Some(batches)) = (numbers.next(), numbers.next()) else {
        eprintln!("expected the number of rounds and of batches");
        return ExitCode::FAILURE;
    };
    let tsc_hz = tsc::calibrate(Duration::from_millis(300));
    let engine = engine();
    const { catalogue![OrderRejected] }.set_policy(Policy::Reject);
    for round in 0..rounds {
        for place in 0..ROWS.len() {
            // Each round starts with another row.
            let row = &ROWS[(place + round) % ROWS.len()];
            let mut record = measure(row, &engine, batches, tsc_hz);
            record["mode"] = json!(row.group);
            record["round"] = json!(round);
            println!("{record}");
        }
    }
    ExitCode::SUCCESS
}
