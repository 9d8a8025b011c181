//! Bridges: what an event costs that a program logs with `tracing` or `log`, by where it goes.
//!
//! A separate program, because a process has one subscriber of `tracing` and one logger of `log`: each measurement is a
//! process, and all take turns. `compare --family bridges` runs it: arguments are the number of rounds and of batches;
//! it prints a record for each round and candidate. The lines that a candidate writes are counted in its file, and one
//! that writes another number than it should is not good.
#![allow(dead_code, reason = "the modules are those of the main program")]

#[path = "../candidate.rs"]
mod candidate;
#[path = "../event.rs"]
mod event;
#[path = "../family.rs"]
mod family;
#[path = "../stats.rs"]
mod stats;
#[path = "../sys.rs"]
mod sys;
#[path = "../tsc.rs"]
mod tsc;

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use ringseal::sink::file::{FileConfig, RotateEvery};
use ringseal::{Config, Engine, Output, info};
use serde_json::{Value, json};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing_appender::non_blocking::NonBlockingBuilder;
use tracing_subscriber::layer::SubscriberExt;

use event::{BATCH, Event, Feed};
use stats::Summary;

/// A measured way.
struct Way {
    group: &'static str,
    name: &'static str,
    /// How many spans of three fields are around the events.
    depth: usize,
    start: fn(&Path) -> Started,
    log: fn(&Event),
    /// Whether each event becomes a line.
    has_lines: bool,
}

/// What must live while events are logged.
enum Started {
    Nothing,
    Ringseal(Engine),
    Tracing(tracing_appender::non_blocking::WorkerGuard),
}

/// The file with the lines of a candidate.
fn file(dir: &Path) -> PathBuf {
    dir.join("bridges.log")
}

fn start_engine(dir: &Path, filter: &str) -> Engine {
    // One file, however many lines are counted in it.
    let file = FileConfig::new(file(dir)).rotate_bytes_max(0).rotate_every(RotateEvery::Never);
    let config = Config::new()
        .filter(filter.parse().expect("a filter"))
        .panic_hook(false)
        .ring_bytes(4 << 20)
        .output(Output::file(file));
    ringseal::init(config).expect("an engine can be started")
}

const ALL: &str = "info,boot=off,ringseal=off";

fn native(dir: &Path) -> Started {
    Started::Ringseal(start_engine(dir, ALL))
}

fn log_natively(event: &Event) {
    let Event { seq, price, sym, qty } = *event;
    info!(target: "exchange::gateway", "order filled", seq, price, sym, qty);
}

fn log_with_tracing(event: &Event) {
    let Event { seq, price, sym, qty } = *event;
    tracing::info!(target: "exchange::gateway", seq, price, sym, qty, "order filled");
}

fn log_with_log(event: &Event) {
    let Event { seq, price, sym, qty } = *event;
    log::info!(target: "exchange::gateway", seq, price, sym, qty; "order filled");
}

/// A subscriber that wants every event, and does nothing with it or reads its fields.
struct NoOp {
    reads: bool,
}

/// Copies what it reads into a buffer: the least that any subscriber does with an event's fields.
struct Reader {
    buffer: [u8; 256],
    len: usize,
}

impl Reader {
    fn take(&mut self, bytes: &[u8]) {
        if let Some(free) = self.buffer.get_mut(self.len..self.len + bytes.len()) {
            free.copy_from_slice(bytes);
            self.len += bytes.len();
        }
    }
}

impl std::fmt::Write for Reader {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.take(text.as_bytes());
        Ok(())
    }
}

impl Visit for Reader {
    fn record_u64(&mut self, _: &Field, value: u64) {
        self.take(&value.to_le_bytes());
    }

    fn record_i64(&mut self, _: &Field, value: i64) {
        self.take(&value.to_le_bytes());
    }

    fn record_f64(&mut self, _: &Field, value: f64) {
        self.take(&value.to_le_bytes());
    }

    fn record_str(&mut self, _: &Field, value: &str) {
        self.take(value.as_bytes());
    }

    fn record_debug(&mut self, _: &Field, value: &dyn std::fmt::Debug) {
        use std::fmt::Write;
        let _ = write!(self, "{value:?}");
    }
}

impl tracing::Subscriber for NoOp {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        black_box(event);
        if self.reads {
            let mut reader = Reader { buffer: [0; 256], len: 0 };
            event.record(&mut reader);
            black_box(&reader);
        }
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

fn nothing(_: &Path) -> Started {
    Started::Nothing
}

fn install(subscriber: impl Into<tracing::Dispatch>) {
    tracing::dispatcher::set_global_default(subscriber.into()).expect("the first subscriber");
}

fn no_op(_: &Path) -> Started {
    install(NoOp { reads: false });
    Started::Nothing
}

fn reading(_: &Path) -> Started {
    install(NoOp { reads: true });
    Started::Nothing
}

fn bridged(dir: &Path) -> Started {
    let engine = start_engine(dir, ALL);
    ringseal_tracing::init(engine.logger()).expect("the first subscriber");
    Started::Ringseal(engine)
}

fn bridged_disabled(dir: &Path) -> Started {
    let engine = start_engine(dir, "warn");
    ringseal_tracing::init(engine.logger()).expect("the first subscriber");
    Started::Ringseal(engine)
}

fn layered(dir: &Path) -> Started {
    use tracing_subscriber::Layer;
    let engine = start_engine(dir, ALL);
    let log = engine.logger();
    let layer = ringseal_tracing::layer(log.clone()).with_filter(ringseal_tracing::filter(log));
    install(tracing_subscriber::registry().with(layer));
    Started::Ringseal(engine)
}

fn json(dir: &Path) -> Started {
    let appender = tracing_appender::rolling::never(dir, "bridges.log");
    let (writer, guard) = NonBlockingBuilder::default().lossy(false).finish(appender);
    let subscriber = tracing_subscriber::fmt().json().flatten_event(true).with_writer(writer);
    install(subscriber.finish());
    Started::Tracing(guard)
}

fn logged(dir: &Path) -> Started {
    let engine = start_engine(dir, ALL);
    ringseal_log::init(engine.logger()).expect("the first logger");
    Started::Ringseal(engine)
}

const EVENT: &str = "bridge event";
const DEPTH: &str = "bridge spans";
const DISABLED: &str = "bridge disabled";

const fn way(
    group: &'static str,
    name: &'static str,
    start: fn(&Path) -> Started,
    log: fn(&Event),
) -> Way {
    Way { group, name, depth: 0, start, log, has_lines: true }
}

impl Way {
    const fn without_lines(self) -> Way {
        Way { has_lines: false, ..self }
    }

    const fn in_spans(self, depth: usize) -> Way {
        Way { depth, ..self }
    }
}

const WAYS: &[Way] = &[
    way(EVENT, "native `info!`", native, log_natively),
    way(EVENT, "tracing, no-op subscriber", no_op, log_with_tracing).without_lines(),
    way(EVENT, "tracing, a subscriber that only reads the fields", reading, log_with_tracing)
        .without_lines(),
    way(EVENT, "tracing, ringseal subscriber", bridged, log_with_tracing),
    way(EVENT, "tracing, ringseal layer", layered, log_with_tracing),
    way(EVENT, "tracing, its JSON and appender", json, log_with_tracing),
    way(EVENT, "log, ringseal", logged, log_with_log),
    way(DEPTH, "ringseal subscriber, no span", bridged, log_with_tracing),
    way(DEPTH, "ringseal subscriber, 1 span", bridged, log_with_tracing).in_spans(1),
    way(DEPTH, "ringseal subscriber, 3 spans", bridged, log_with_tracing).in_spans(3),
    way(DEPTH, "ringseal layer, 3 spans", layered, log_with_tracing).in_spans(3),
    way(DEPTH, "its JSON and appender, 3 spans", json, log_with_tracing).in_spans(3),
    way(DISABLED, "no subscriber", nothing, log_with_tracing).without_lines(),
    way(DISABLED, "ringseal subscriber, below its level", bridged_disabled, log_with_tracing)
        .without_lines(),
];

/// Logs `batches` batches in spans.
fn measure(way: &Way, batches: usize, feed: &mut Feed) -> Vec<u64> {
    let mut ticks = vec![0; batches];
    for slot in &mut ticks {
        let events = feed.batch();
        let begin = tsc::start();
        events.iter().for_each(|event| (way.log)(black_box(event)));
        *slot = tsc::stop() - begin;
        if feed.handed_out().is_multiple_of(4_000) {
            // No call waits for a full ring or queue.
            std::thread::sleep(Duration::from_millis(4));
        }
    }
    ticks
}

fn in_spans(depth: usize, action: &mut dyn FnMut()) {
    if depth == 0 {
        return action();
    }
    let span = tracing::info_span!("layer", depth, user.id = 42, tenant = "acme");
    span.in_scope(|| in_spans(depth - 1, action));
}

/// One measurement, in this process.
fn run_one(way: &Way, batches: usize) -> Result<Value, String> {
    let dir = std::env::temp_dir().join(format!("bridges-{}", std::process::id()));
    std::fs::create_dir_all(&dir).map_err(|e| e.to_string())?;
    let tsc_hz = tsc::calibrate(Duration::from_millis(100));
    sys::pin(sys::OTHER_CORE)?;
    let started = (way.start)(&dir);
    sys::pin(sys::PRODUCER_CORE)?;
    let mut feed = Feed::new();
    let (mut ticks, mut cpu_ns) = (Vec::new(), 0);
    in_spans(way.depth, &mut || {
        measure(way, batches / 10 + 1, &mut feed);
        let before = sys::threads_cpu_ns().unwrap_or_default();
        ticks = measure(way, batches, &mut feed);
        std::thread::sleep(Duration::from_millis(50));
        cpu_ns = sys::threads_cpu_ns().unwrap_or_default() - before;
    });
    let events = (batches * BATCH) as f64;
    match started {
        Started::Ringseal(engine) => {
            if way.has_lines {
                engine.flush().map_err(|e| e.to_string())?;
            }
            drop(engine);
        }
        Started::Tracing(guard) => drop(guard),
        Started::Nothing => {}
    }
    let text = std::fs::read_to_string(file(&dir)).unwrap_or_default();
    let _ = std::fs::remove_dir_all(&dir);
    let expected = if way.has_lines { feed.handed_out() } else { 0 };
    let found = text.lines().filter(|line| line.contains("\"seq\":")).count() as u64;
    if found != expected {
        let complaint = format!("expected {expected} lines, found {found}");
        return Ok(json!({"good": false, "complaint": complaint}));
    }
    let call = Summary::of(ticks, 1e9 / tsc_hz / BATCH as f64);
    Ok(json!({"good": true, "call": call, "cpu_ns_per_event": cpu_ns as f64 / events}))
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
        format!("{}: {e}: {text}{}", WAYS[index].name, String::from_utf8_lossy(&output.stderr))
    })
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize| words.get(index).and_then(|word| word.parse::<usize>().ok());
    let result = match (words.first().map(String::as_str), number(0), number(1), number(2)) {
        (Some("--one"), _, Some(index), Some(batches)) => {
            run_one(&WAYS[index % WAYS.len()], batches).map(|record| println!("{record}"))
        }
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

fn run_all(rounds: usize, batches: usize) -> Result<(), String> {
    for round in 0..rounds {
        for place in 0..WAYS.len() {
            // Each round starts with another way.
            let index = (place + round) % WAYS.len();
            let mut record = spawn(index, batches)?;
            record["candidate"] = json!(WAYS[index].name);
            record["mode"] = json!(WAYS[index].group);
            record["round"] = json!(round);
            println!("{record}");
        }
    }
    Ok(())
}
