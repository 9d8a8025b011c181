//! HTTP layers: what a request costs with ringseal's layer, with tower-http's and JSON lines, and with the one of
//! axum-tracing-opentelemetry, in process and over loopback.
//!
//! A separate program, because its allocator counts, and because a process has one subscriber of `tracing`: each
//! measurement is a process, and all take turns. `compare --family http` runs it: arguments are the number of rounds
//! and of batches; it prints a record for each round and candidate. Every response is checked, and every request must
//! have exactly one line with its id; a candidate without them is not good.
#![allow(dead_code, reason = "the modules are those of the main program")]

mod counting;
mod in_process;
mod lines;
mod loopback;
mod stack;

#[path = "../../stats.rs"]
mod stats;
#[path = "../../sys.rs"]
mod sys;
#[path = "../../tsc.rs"]
mod tsc;

use std::path::Path;
use std::process::{Command, ExitCode};

use serde_json::{Value, json};

use stack::Stack;

/// Requests between two readings of the counter.
const BATCH: usize = 20;

/// Where requests come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// A call of the service.
    InProcess,
    /// Sockets of the same machine.
    Loopback,
}

impl Place {
    const ALL: [Place; 2] = [Place::InProcess, Place::Loopback];

    /// The mode in the records.
    const fn mode(self) -> &'static str {
        match self {
            Place::InProcess => "http in process",
            Place::Loopback => "http loopback",
        }
    }
}

/// Every measurement of a round.
fn ways() -> Vec<(Place, Stack)> {
    Place::ALL.into_iter().flat_map(|place| Stack::ALL.map(|stack| (place, stack))).collect()
}

/// One measurement, in this process.
fn run_one((place, stack): (Place, Stack), batches: usize) -> Result<Value, String> {
    let dir = std::env::temp_dir().join(format!("http-{}", std::process::id()));
    std::fs::create_dir_all(&dir).map_err(|e| format!("{}: {e}", dir.display()))?;
    let result = measure(place, stack, batches, &dir);
    // A directory that cannot be removed is harmless.
    let _ = std::fs::remove_dir_all(&dir);
    result
}

fn measure(place: Place, stack: Stack, batches: usize, dir: &Path) -> Result<Value, String> {
    sys::pin(sys::OTHER_CORE)?;
    let started = stack.start(dir)?;
    let mut measured = match place {
        Place::InProcess => in_process::measure(stack, &started, batches)?,
        Place::Loopback => loopback::measure(stack, &started, (batches * BATCH) as u64)?,
    };
    let written = started.finish(&stack::file(dir))?;
    match lines::check(stack, place, &written, measured.requests) {
        Ok(()) => measured.record["good"] = json!(true),
        Err(complaint) => return Ok(json!({"good": false, "complaint": complaint})),
    }
    Ok(measured.record)
}

/// What a measurement has found.
struct Measured {
    /// The requests of the whole process, the first ones included, which are not timed.
    requests: u64,
    record: Value,
}

/// One measurement, in a new process.
fn spawn(index: usize, batches: usize) -> Result<Value, String> {
    let here = std::env::current_exe().map_err(|e| e.to_string())?;
    let output = Command::new(here)
        .args(["--one", &index.to_string(), &batches.to_string()])
        .output()
        .map_err(|e| e.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text).map_err(|e| {
        let (place, stack) = ways()[index];
        let errors = String::from_utf8_lossy(&output.stderr);
        format!("{}, {}: {e}: {text}{errors}", stack.name(), place.mode())
    })
}

fn run_all(rounds: usize, batches: usize) -> Result<(), String> {
    let ways = ways();
    for round in 0..rounds {
        for at in 0..ways.len() {
            // Each round starts with another way.
            let index = (at + round) % ways.len();
            let (place, stack) = ways[index];
            let mut record = spawn(index, batches)?;
            record["candidate"] = json!(stack.name());
            record["mode"] = json!(place.mode());
            record["round"] = json!(round);
            println!("{record}");
        }
    }
    Ok(())
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize| words.get(index).and_then(|word| word.parse::<usize>().ok());
    let result = match (words.first().map(String::as_str), number(0), number(1), number(2)) {
        (Some("--one"), _, Some(index), Some(batches)) => match ways().get(index) {
            Some(&way) => run_one(way, batches).map(|record| println!("{record}")),
            None => Err(format!("expected a way below {}, found {index}", ways().len())),
        },
        (_, Some(rounds), Some(batches), _) => run_all(rounds, batches),
        _ => Err("expected the number of rounds and of batches".to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
