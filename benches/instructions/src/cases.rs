//! The counted cases: the standard event of PERFORMANCE.md, logged in different ways.
//!
//! The functions that callgrind collects are never inlined, and their names are unique in the program, because
//! callgrind finds them by name.
use std::hint::black_box;
use std::pin::Pin;
use std::sync::{Arc, Barrier};
use std::task::{Context as Task, Poll, Waker};
use std::time::Duration;

use ringseal::sink::{Lines, Now};
use ringseal::sink::{Sink, SinkCounters, SinkError, WriteError};
use ringseal::{
    BoundFields, Config, Context, Correlation, EcsOptions, Engine, Logger, Output, SpanLines,
    Timestamps, WaitStrategy, WithContext, debug, fields, info, span,
};

use crate::{cold, typed};

/// Space for all events of the longer run at once.
const RING_BYTES: usize = 4 << 20;

/// The events of the two runs of a warm call. The records of the longer one fit into the ring.
pub const STEADY: [u64; 2] = [1_000, 9_000];

/// The threads of the two runs that count first calls.
const THREADS: [u64; 2] = [8, 40];

/// Which instructions of a run are collected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Collect {
    /// Those of the function of this name and of its callees.
    Function(&'static str),
    /// The same, in every thread that calls it.
    InEachThread(&'static str),
    /// Those of the writer's thread.
    Writer,
}

/// One row of the table.
#[derive(Debug)]
pub struct Case {
    /// Its name in bounds.tsv and on the command line.
    pub name: &'static str,
    /// Its title in the table.
    pub title: &'static str,
    /// The collected instructions.
    pub collect: Collect,
    /// The events of the shorter and of the longer run.
    pub events: [u64; 2],
    /// Logs this number of events.
    pub log: fn(u64) -> Result<(), String>,
}

impl Case {
    /// Logs `events` events and checks that each arrived where it should.
    pub fn run(&self, events: u64) -> Result<(), String> {
        (self.log)(events)
    }
}

/// The loop and the loads of the arguments, which every call has in common; subtracted from the other calls.
pub const LOOP: Case = Case {
    name: "loop",
    title: "the loop alone",
    events: STEADY,
    collect: Collect::Function("load_arguments_only"),
    log: |events| {
        load_arguments_only(events);
        Ok(())
    },
};

/// The rows of the table.
pub const CASES: &[Case] = &[
    Case {
        name: "call_global",
        title: "a call, global logger",
        events: STEADY,
        collect: Collect::Function("log_with_global_engine"),
        log: |events| globally(events, log_with_global_engine),
    },
    Case {
        name: "call_function",
        title: "a call in a function, global logger",
        events: STEADY,
        collect: Collect::Function("log_plain"),
        log: |events| globally(events, typed::log_plain),
    },
    Case {
        name: "call_typed",
        title: "the same as a typed event without rules",
        events: STEADY,
        collect: Collect::Function("log_typed"),
        log: |events| globally(events, typed::log_typed),
    },
    Case {
        name: "call_typed_rules",
        title: "the same with rules: ranges of the numbers, length of the text",
        events: STEADY,
        collect: Collect::Function("log_typed_with_rules"),
        log: |events| globally(events, typed::log_typed_with_rules),
    },
    Case {
        name: "call_bound",
        title: "a call, explicit logger with five bound fields",
        events: STEADY,
        collect: Collect::Function("log_with_bound_fields"),
        log: |events| {
            let engine = start(config())?;
            let logger = bind(&engine);
            // The context's definition is written once, here.
            log_with(&logger, 1);
            log_with_bound_fields(&logger, events);
            finish(engine, events + 1)
        },
    },
    Case {
        name: "call_correlated",
        title: "a call with trace id and span id, global logger",
        events: STEADY,
        collect: Collect::Function("log_with_correlation"),
        log: |events| {
            let engine = ringseal::init(config()).map_err(|error| error.to_string())?;
            prepare(&engine)?;
            IDS.run(|| log_with_correlation(events));
            finish(engine, events)
        },
    },
    Case {
        name: "call_ambient",
        title: "a call in an ambient context of five fields, global logger",
        events: STEADY,
        collect: Collect::Function("log_with_ambient_context"),
        log: |events| {
            let engine = ringseal::init(config()).map_err(|error| error.to_string())?;
            prepare(&engine)?;
            Context::new().with(five_fields()).run(|| log_with_ambient_context(events));
            finish(engine, events)
        },
    },
    Case {
        name: "span",
        title: "a span of four fields, both lines, global logger",
        events: [500, 4_500],
        collect: Collect::Function("log_spans"),
        log: |spans| {
            let engine = ringseal::init(config()).map_err(|error| error.to_string())?;
            prepare(&engine)?;
            log_spans(spans);
            finish(engine, 2 * spans)
        },
    },
    Case {
        name: "span_one_line",
        title: "the same, one line",
        events: STEADY,
        collect: Collect::Function("log_spans"),
        log: |spans| {
            let config = config().span_lines(SpanLines::End);
            let engine = ringseal::init(config).map_err(|error| error.to_string())?;
            prepare(&engine)?;
            log_spans(spans);
            finish(engine, spans)
        },
    },
    Case {
        name: "poll",
        title: "a poll of a future with five fields and ids",
        events: STEADY,
        collect: Collect::Function("poll_in_context"),
        log: |polls| {
            let engine = ringseal::init(config()).map_err(|error| error.to_string())?;
            prepare(&engine)?;
            let context = Context::new().with(five_fields()).with_correlation(IDS);
            let mut task = std::pin::pin!(std::future::poll_fn(yields).in_context(context));
            (0..polls).for_each(|_| poll_in_context(task.as_mut()));
            finish(engine, 0)
        },
    },
    Case {
        name: "call_coarse",
        title: "a call, global logger, coarse clock while the writer sleeps",
        events: STEADY,
        collect: Collect::Function("log_with_coarse_clock"),
        log: |events| {
            // A writer that has found nothing a few times sleeps long and publishes no time.
            let (min, max) = (Duration::from_micros(1), Duration::from_secs(3600));
            let coarse = config().timestamps(Timestamps::Coarse);
            let coarse = coarse.writer_wait(WaitStrategy::Sleep { min, max });
            let engine = ringseal::init(coarse).map_err(|error| error.to_string())?;
            prepare(&engine)?;
            std::thread::sleep(Duration::from_millis(500));
            log_with_coarse_clock(events);
            finish(engine, events)
        },
    },
    Case {
        name: "call_disabled",
        title: "a call below the level",
        events: STEADY,
        collect: Collect::Function("log_below_level"),
        log: |events| {
            let engine = ringseal::init(config()).map_err(|error| error.to_string())?;
            prepare(&engine)?;
            log_below_level(events);
            finish(engine, 0)
        },
    },
    Case {
        name: "writer_unredacted",
        title: "the writer, an event, not redacted",
        events: STEADY,
        collect: Collect::Writer,
        log: |events| {
            let engine =
                ringseal::init(config().no_redaction()).map_err(|error| error.to_string())?;
            prepare(&engine)?;
            log_with_global_engine(events);
            finish(engine, events)
        },
    },
    Case {
        name: "writer_ecs",
        title: "the same, in the Elastic Common Schema",
        events: STEADY,
        collect: Collect::Writer,
        log: |events| {
            let ecs = config().no_redaction().ecs(EcsOptions::new().service("exchange", "1.4.2"));
            let engine = ringseal::init(ecs).map_err(|error| error.to_string())?;
            prepare(&engine)?;
            log_with_global_engine(events);
            finish(engine, events)
        },
    },
    Case {
        name: "writer_redacted",
        title: "the writer, an event, redacted by default",
        events: STEADY,
        collect: Collect::Writer,
        log: |events| globally(events, log_with_global_engine),
    },
    Case {
        name: "writer_redacted_new",
        title: "the same, every text new and much like a telephone number",
        events: STEADY,
        collect: Collect::Writer,
        log: |events| {
            let engine = ringseal::init(config()).map_err(|error| error.to_string())?;
            prepare(&engine)?;
            log_new_texts(events);
            finish(engine, events)
        },
    },
    Case {
        name: "cold_thread",
        title: "the first call of a thread, which makes its ring",
        events: THREADS,
        collect: Collect::InEachThread("first_call_of_a_thread"),
        log: |threads| {
            let engine = ringseal::init(config()).map_err(|error| error.to_string())?;
            prepare(&engine)?;
            log_with_global_engine(1);
            log_from_threads(threads)?;
            finish(engine, threads + 1)
        },
    },
    Case {
        name: "cold_site",
        title: "the first call of a call site",
        events: cold::SITES,
        collect: Collect::Function("first_call_of_a_site"),
        log: |sites| {
            let engine = ringseal::init(config()).map_err(|error| error.to_string())?;
            prepare(&engine)?;
            log_with_global_engine(1);
            cold::log_from_sites(sites)?;
            finish(engine, sites + 1)
        },
    },
];

/// Logs events with the global engine.
fn globally(events: u64, log: fn(u64)) -> Result<(), String> {
    let engine = ringseal::init(config()).map_err(|error| error.to_string())?;
    prepare(&engine)?;
    log(events);
    finish(engine, events)
}

/// A future that is never done.
fn yields(_task: &mut Task<'_>) -> Poll<()> {
    Poll::Pending
}

#[inline(never)]
fn poll_in_context(task: Pin<&mut impl Future<Output = ()>>) {
    black_box(task.poll(&mut Task::from_waker(Waker::noop())).is_pending());
}

#[inline(never)]
fn log_spans(spans: u64) {
    for seq in 0..spans {
        let (price, sym, qty) = order(seq);
        let _span = span!("order", seq, price, sym, qty);
    }
}

/// Logs one event from each of `threads` threads, which live until all have logged, so that each makes a ring.
fn log_from_threads(threads: u64) -> Result<(), String> {
    let all_logged = Arc::new(Barrier::new(threads as usize));
    let spawn = |seq| {
        let all_logged = Arc::clone(&all_logged);
        std::thread::spawn(move || {
            first_call_of_a_thread(seq);
            all_logged.wait();
        })
    };
    let handles: Vec<_> = (0..threads).map(spawn).collect();
    handles
        .into_iter()
        .try_for_each(|handle| handle.join().map_err(|_| "a thread panicked".to_owned()))
}

#[inline(never)]
fn first_call_of_a_thread(seq: u64) {
    let (price, sym, qty) = order(seq);
    info!(target: "exchange::gateway", "order filled", seq, price, sym, qty);
}

/// The defaults, with a sink that discards everything and a writer that wakes only when it is called.
pub fn config() -> Config {
    let long = Duration::from_secs(3600);
    Config::new()
        .filter("info,boot=off".parse().expect("a filter"))
        .panic_hook(false)
        .ring_bytes(RING_BYTES)
        .writer_wait(WaitStrategy::Sleep { min: long, max: long })
        .output(Output::custom(NullSink::default()))
}

fn start(config: Config) -> Result<Engine, String> {
    let engine = Engine::start(config).map_err(|error| error.to_string())?;
    prepare(&engine)?;
    Ok(engine)
}

pub fn prepare(engine: &Engine) -> Result<(), String> {
    if engine.prepare_thread() { Ok(()) } else { Err("no ring for this thread".to_owned()) }
}

/// A count means nothing if events were lost or had to wait.
pub fn finish(engine: Engine, lines_expected: u64) -> Result<(), String> {
    engine.flush().map_err(|error| error.to_string())?;
    let metrics = engine.metrics();
    let lines: u64 = metrics.sinks.iter().map(|sink| sink.lines).sum();
    // The engine adds a line when it notices that the clock was set, which emulation provokes now and then.
    let extra = lines.checked_sub(lines_expected);
    if extra.is_none_or(|extra| extra > 4) || metrics.waits != 0 {
        let waits = metrics.waits;
        return Err(format!(
            "expected {lines_expected} lines, found {lines}; {waits} calls waited"
        ));
    }
    engine.stop().map_err(|error| error.to_string())
}

fn bind(engine: &Engine) -> Logger {
    engine.logger().bind(five_fields())
}

const IDS: Correlation = Correlation::new([0x4b; 16], [0x07; 16]);

fn five_fields() -> BoundFields {
    fields! {
        trace_id = "4bf92f3577b34da6a3ce929d0e0e4736",
        session.id = 7_301_u64,
        venue = "XKUW",
        desk = "equities",
        shard = 12,
    }
}

/// Arguments that the compiler cannot compute in advance.
const PRICES: [f64; 4] = [101.25, 99.5, 100.01, 250.0];
const SYMBOLS: [&str; 4] =
    ["0000-123456.XKUW", "0001-923456.XKUW", "0002-423456.XKUW", "0003-723456.XKUW"];

#[inline(always)]
pub fn order(seq: u64) -> (f64, &'static str, i32) {
    let row = seq as usize % 4;
    (black_box(&PRICES)[row], black_box(&SYMBOLS)[row], row as i32 + 1)
}

#[inline(never)]
fn load_arguments_only(events: u64) {
    let mut sum = 0;
    for seq in 0..events {
        let (price, sym, qty) = order(seq);
        sum ^= price.to_bits() ^ sym.as_ptr() as u64 ^ qty as u64;
    }
    black_box(sum);
}

#[inline(never)]
fn log_with_global_engine(events: u64) {
    for seq in 0..events {
        let (price, sym, qty) = order(seq);
        info!(target: "exchange::gateway", "order filled", seq, price, sym, qty);
    }
}

/// A different `sym` of 16 bytes with each event, so that the redaction's memory of texts does not know it.
fn log_new_texts(events: u64) {
    for seq in 0..events {
        let (price, _, qty) = order(seq);
        let sym = format!("{:04}-{:06}.XKUW", seq % 97, 900_000 - seq);
        info!(target: "exchange::gateway", "order filled", seq, price, sym = sym.as_str(), qty);
    }
}

#[inline(never)]
fn log_with_correlation(events: u64) {
    for seq in 0..events {
        let (price, sym, qty) = order(seq);
        info!(target: "exchange::gateway", "order filled", seq, price, sym, qty);
    }
}

#[inline(never)]
fn log_with_ambient_context(events: u64) {
    for seq in 0..events {
        let (price, sym, qty) = order(seq);
        info!(target: "exchange::gateway", "order filled", seq, price, sym, qty);
    }
}

#[inline(never)]
fn log_with_coarse_clock(events: u64) {
    for seq in 0..events {
        let (price, sym, qty) = order(seq);
        info!(target: "exchange::gateway", "order filled", seq, price, sym, qty);
    }
}

#[inline(always)]
fn log_with(log: &Logger, events: u64) {
    for seq in 0..events {
        let (price, sym, qty) = order(seq);
        info!(target: "exchange::gateway", log, "order filled", seq, price, sym, qty);
    }
}

#[inline(never)]
fn log_with_bound_fields(log: &Logger, events: u64) {
    log_with(log, events);
}

#[inline(never)]
fn log_below_level(events: u64) {
    for seq in 0..events {
        let (price, sym, qty) = order(seq);
        debug!(target: "exchange::gateway", "order filled", seq, price, sym, qty);
    }
}

/// Counts lines and discards them.
#[derive(Debug, Default)]
struct NullSink(SinkCounters);

impl Sink for NullSink {
    fn name(&self) -> &str {
        "null"
    }

    fn write(&mut self, lines: Lines<'_>, _now: Now) -> Result<(), WriteError> {
        self.0.lines += lines.count() as u64;
        self.0.bytes += lines.bytes().len() as u64;
        Ok(())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    fn sync(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    fn counters(&self) -> SinkCounters {
        self.0
    }
}
