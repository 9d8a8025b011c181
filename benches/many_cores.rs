//! Events of many threads at once: 1, 2, 4, … producers up to the machine's cores, and at least up to 16.
//!
//! `cargo bench --bench many_cores [-- [--quick] [--producers N] [--cores N]]`
//!
//! Each row starts an engine with a sink that discards everything, and lets its producers log without pauses; a full
//! ring waits. A row shows the events per second of all producers together until everything is with the sink, and the
//! mean time of a call while all producers log, which includes waiting for the writer. The writer needs a core, too: a
//! row with more producers than cores less one is marked, because it shows how the system shares cores, and not how
//! ringseal scales. `--cores` is the number that the run is meant for (16 by default); a run on fewer says so.
#![allow(missing_docs)]

use std::num::NonZero;
use std::process::ExitCode;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use ringseal::{Config, Engine, Output, info};

#[path = "support/mod.rs"]
mod support;
use support::{LOSSLESS, NullSink, Orders};

/// Cores that a full run needs.
const CORES_WANTED: usize = 16;

/// What to run.
struct Plan {
    producers_max: usize,
    cores_wanted: usize,
    events: u64,
}

impl Plan {
    fn from_args(cores: usize) -> Result<Plan, String> {
        let mut plan = Plan {
            producers_max: cores.max(CORES_WANTED),
            cores_wanted: CORES_WANTED,
            events: 4 << 20,
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut number = || {
                let value = arguments.next().unwrap_or_default();
                let number = value.parse::<usize>().ok().filter(|number| *number > 0);
                number.ok_or(format!("{argument}: expected a number from 1, found {value:?}"))
            };
            match argument.as_str() {
                "--quick" => plan.events = 1 << 17,
                "--producers" => plan.producers_max = number()?,
                "--cores" => plan.cores_wanted = number()?,
                // cargo passes it to every benchmark.
                "--bench" => {}
                _ => {
                    return Err(format!(
                        "unknown argument {argument:?}; see the head of this file"
                    ));
                }
            }
        }
        Ok(plan)
    }

    /// Powers of two, and the highest number.
    fn rows(&self) -> Vec<usize> {
        let powers = (0..usize::BITS).map(|power| 1usize << power);
        let mut rows: Vec<usize> = powers.take_while(|count| *count < self.producers_max).collect();
        rows.push(self.producers_max);
        rows
    }
}

/// One row.
struct Measured {
    /// From the first call until everything is with the sink.
    total: Duration,
    /// The sum of the times that producers spent in their loops.
    calls: Duration,
    events: u64,
}

fn measure(producers: usize, events: u64) -> Result<Measured, String> {
    let config = Config::new()
        .panic_hook(false)
        .overflow(LOSSLESS)
        .flush_timeout(Duration::from_secs(60))
        .rings_max(producers + 1)
        .output(Output::custom(NullSink::default()));
    let engine = Engine::start(config).map_err(|error| error.to_string())?;
    let orders = Orders::new();
    let part = events / producers as u64;
    let gate = Barrier::new(producers + 1);
    let (mut total, mut calls) = (Duration::ZERO, Duration::ZERO);
    let work = |producer: u64| {
        engine.prepare_thread();
        gate.wait();
        let start = Instant::now();
        for seq in producer * part..(producer + 1) * part {
            let order = orders.of(seq);
            let (price, sym, qty) = (order.price, order.sym.as_str(), order.qty);
            info!(target: "exchange::gateway", engine, "order filled", seq, price, sym, qty);
        }
        start.elapsed()
    };
    let work = &work;
    thread::scope(|scope| {
        let threads: Vec<_> =
            (0..producers as u64).map(|producer| scope.spawn(move || work(producer))).collect();
        gate.wait();
        let start = Instant::now();
        calls = threads.into_iter().map(|thread| thread.join().expect("a producer")).sum();
        // The check below reports a failure.
        let _ = engine.flush();
        total = start.elapsed();
    });
    let (metrics, events) = (engine.metrics(), part * producers as u64);
    let lines: u64 = metrics.sinks.iter().map(|sink| sink.lines).sum();
    if lines < events {
        return Err(format!("expected {events} lines, found {lines}"));
    }
    engine.stop().map_err(|error| error.to_string())?;
    Ok(Measured { total, calls, events })
}

fn main() -> ExitCode {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    match run(cores) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(cores: usize) -> Result<(), String> {
    let plan = Plan::from_args(cores)?;
    if cores < plan.cores_wanted {
        println!(
            "RUN ON {cores} CORES, {} WANTED: rows marked * have more threads than cores and show no scaling.\n",
            plan.cores_wanted
        );
    }
    println!("| producers | million events/s | per producer | a call, ns |");
    println!("|---:|---:|---:|---:|");
    for producers in plan.rows() {
        let Measured { total, calls, events } = measure(producers, plan.events)?;
        let rate = events as f64 / total.as_secs_f64() / 1e6;
        let call = calls.as_nanos() as f64 / events as f64;
        let mark = if producers < cores { "" } else { " *" };
        println!("| {producers}{mark} | {rate:.2} | {:.2} | {call:.0} |", rate / producers as f64);
    }
    Ok(())
}
