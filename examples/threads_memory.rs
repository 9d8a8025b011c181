//! Memory against threads: what a process takes while many threads log, and after they ended, and how long the first
//! call of each thread takes. Each row is a separate process. Needs Linux.
//!
//! ```sh
//! cargo run --release --example threads_memory
//! ```
use std::process::Command;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use ringseal::{Config, Engine, info};

type Failure = Box<dyn std::error::Error>;

/// Threads, and the events that each logs.
const ROWS: [(usize, usize); 6] =
    [(50, 10), (500, 1), (500, 10), (500, 1000), (50, 20_000), (1000, 10)];

fn main() -> Result<(), Failure> {
    let arguments: Vec<usize> =
        std::env::args().skip(1).map(|argument| argument.parse()).collect::<Result<_, _>>()?;
    match arguments[..] {
        [threads, events] => measure(threads, events),
        _ => print_table(),
    }
}

fn print_table() -> Result<(), Failure> {
    println!(
        "| threads | events each | at the start | one after another | all alive | 2 s later | ended \
         | first call p50 | max |\n|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
    );
    for (threads, events) in ROWS {
        let mut child = Command::new(std::env::current_exe()?);
        let output = child.args([threads.to_string(), events.to_string()]).output()?;
        let error = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() || !error.is_empty() {
            return Err(format!("{threads} threads: {} {error}", output.status).into());
        }
        print!("{}", String::from_utf8_lossy(&output.stdout));
    }
    Ok(())
}

/// One row, in this process.
fn measure(threads: usize, events: usize) -> Result<(), Failure> {
    let path = std::env::temp_dir().join(format!("ringseal-threads-{}.log", std::process::id()));
    let engine = Engine::start(Config::new().file(&path))?;
    let start = resident_mb()?;
    // Short-lived threads, such as blocking tasks of a runtime: each starts, logs and ends.
    for _ in 0..threads {
        std::thread::scope(|scope| drop(scope.spawn(|| log(&engine, events))));
    }
    let one_by_one = resident_mb()?;
    let mut first_calls = Vec::new();
    let (have_logged, may_end) = (Barrier::new(threads + 1), Barrier::new(threads + 1));
    let mut alive = (0.0, 0.0);
    std::thread::scope(|scope| -> Result<(), Failure> {
        let run = || {
            have_logged.wait();
            let took = log(&engine, events);
            may_end.wait();
            // The second round: the threads are alive and idle until the memory has been read.
            may_end.wait();
            took
        };
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        have_logged.wait();
        may_end.wait();
        alive.0 = resident_mb()?;
        std::thread::sleep(Duration::from_secs(2));
        alive.1 = resident_mb()?;
        may_end.wait();
        first_calls.extend(running.into_iter().filter_map(|thread| thread.join().ok()));
        Ok(())
    })?;
    std::thread::sleep(Duration::from_secs(2));
    let ended = resident_mb()?;
    first_calls.sort_unstable();
    let micros = |index: usize| first_calls.get(index).map_or(0, Duration::as_micros);
    let (p50, max) = (micros(threads / 2), micros(threads - 1));
    println!(
        "| {threads} | {events} | {start:.1} MB | {one_by_one:.1} MB | {:.1} MB | {:.1} MB | {ended:.1} MB | {p50} µs \
         | {max} µs |",
        alive.0, alive.1
    );
    engine.stop()?;
    Ok(std::fs::remove_file(path)?)
}

/// Logs, and returns how long the first call took.
fn log(engine: &Engine, events: usize) -> Duration {
    let start = Instant::now();
    info!(engine, "job_done", number = 0, queue = "mail", attempts = 1);
    let first_call = start.elapsed();
    for number in 1..events {
        info!(engine, "job_done", number, queue = "mail", attempts = 1);
    }
    first_call
}

/// Resident memory of this process in MB.
fn resident_mb() -> Result<f64, Failure> {
    let statm = std::fs::read_to_string("/proc/self/statm")?;
    let pages: f64 = statm.split(' ').nth(1).ok_or("expected a second number in statm")?.parse()?;
    Ok(pages * 4096.0 / 1e6)
}
