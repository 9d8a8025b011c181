//! Contexts and spans: what a poll, an event in a context and a span cost, ringseal and other crates interleaved.
//!
//! `cargo run --release --bin context [-- ROUNDS BATCHES]`. A program of its own, because tracing, fastrace and
//! ringseal each have one subscriber, reporter or engine for the process. Each row is the median of batches, then the
//! median of the rounds with their range. The rows of a group are compared with its first one. What a row writes is
//! counted, and a row that writes fewer lines than it should is not good.
#![allow(dead_code, reason = "the modules are those of the main program")]

#[path = "../tsc.rs"]
mod tsc;

use std::cell::Cell;
use std::hint::black_box;
use std::io::{self, Write};
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context as Task, Poll, Waker};
use std::time::Duration;

use fastrace::local::LocalSpan;
use fastrace::prelude::SpanContext;
use ringseal::sink::{Lines, Now, Sink, SinkCounters, SinkError, WriteError};
use ringseal::{Config, Context, Engine, Output, SpanLines, WithContext, fields, info, span};
use tracing::Instrument;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::layer::SubscriberExt;

/// Calls between two readings of the counter.
const BATCH: usize = 50;

/// Lines that ringseal's sink has taken.
static LINES: AtomicU64 = AtomicU64::new(0);
/// Lines that tracing has written.
static TRACING_LINES: AtomicU64 = AtomicU64::new(0);

/// Counts lines and discards them.
#[derive(Debug, Default)]
struct CountingSink;

impl Sink for CountingSink {
    fn name(&self) -> &str {
        "counting"
    }

    fn write(&mut self, lines: Lines<'_>, _now: Now) -> Result<(), WriteError> {
        LINES.fetch_add(lines.count() as u64, Ordering::Relaxed);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    fn sync(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    fn turn(&mut self, _now: Now) -> Result<(), SinkError> {
        Ok(())
    }

    fn counters(&self) -> SinkCounters {
        SinkCounters::default()
    }
}

/// The same for tracing, which writes one line at a time.
#[derive(Debug, Clone, Copy)]
struct CountingWriter;

impl Write for CountingWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        TRACING_LINES.fetch_add(1, Ordering::Relaxed);
        black_box(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for CountingWriter {
    type Writer = CountingWriter;

    fn make_writer(&'w self) -> CountingWriter {
        CountingWriter
    }
}

/// A future that is never done.
struct Pending;

impl Future for Pending {
    type Output = ();

    #[inline(never)]
    fn poll(self: Pin<&mut Self>, _task: &mut Task<'_>) -> Poll<()> {
        black_box(Poll::Pending)
    }
}

tokio::task_local! {
    static IDS: Cell<u64>;
}

/// One measured way: a group, a name, how many lines of which counter a call writes, and the call.
struct Row<'r> {
    group: &'static str,
    name: &'static str,
    lines: Option<(&'static AtomicU64, u64)>,
    call: Box<dyn FnMut(u64) + 'r>,
    /// The subscriber of tracing meanwhile.
    dispatch: Option<tracing::Dispatch>,
    /// Median nanoseconds of each round.
    rounds: Vec<f64>,
    missing: u64,
}

fn row<'r>(
    group: &'static str,
    name: &'static str,
    lines: Option<(&'static AtomicU64, u64)>,
    call: impl FnMut(u64) + 'r,
) -> Row<'r> {
    Row { group, name, lines, call: Box::new(call), dispatch: None, rounds: Vec::new(), missing: 0 }
}

impl Row<'_> {
    fn with(self, dispatch: &tracing::Dispatch) -> Self {
        Row { dispatch: Some(dispatch.clone()), ..self }
    }
}

/// Polls a future that is never done.
fn polling<'r, F: Future + 'r>(future: F) -> impl FnMut(u64) + 'r {
    let mut future = Box::pin(future);
    move |_| {
        let mut task = Task::from_waker(Waker::noop());
        black_box(future.as_mut().poll(&mut task).is_pending());
    }
}

fn engine(lines: SpanLines) -> Engine {
    let config = Config::new()
        .filter("info,boot=off".parse().expect("a filter"))
        .panic_hook(false)
        .span_lines(lines)
        .ring_bytes(4 << 20)
        .output(Output::custom(CountingSink));
    let engine = Engine::start(config).expect("an engine can be started");
    engine.prepare_thread();
    engine
}

fn rows<'r>(engine: &'r Engine, one_line: &'r Engine) -> Vec<Row<'r>> {
    let context = Context::new().with(fields! { request_id = "r-17", tenant = "acme" }).child();
    let (ids, scope) = (Context::new().child(), context.clone());
    let ours = |count| Some((&LINES, count));
    let subscriber = tracing_subscriber::registry();
    let registry = tracing::Dispatch::new(subscriber);
    let json = tracing_subscriber::fmt::layer()
        .json()
        .with_span_events(FmtSpan::NEW | FmtSpan::CLOSE)
        .with_writer(CountingWriter);
    let json = tracing::Dispatch::new(tracing_subscriber::registry().with(json));
    let instrumented = tracing::dispatcher::with_default(&registry, || {
        Pending.instrument(tracing::info_span!("task", request_id = "r-17"))
    });
    vec![
        row("poll", "tokio task_local", None, polling(IDS.scope(Cell::new(7), Pending))),
        row("poll", "no context", None, polling(Pending)),
        row("poll", "ringseal in_context", None, polling(Pending.in_context(context))),
        row("poll", "tracing Instrumented, Registry", None, polling(instrumented)).with(&registry),
        row("event", "no context", ours(1), move |seq| info!(engine, "order", seq, price = 1.5)),
        row("event", "in a trace", ours(1), move |seq| {
            // The scope is entered for each batch of events in practice; here it is part of the call.
            ids.run(|| info!(engine, "order", seq, price = 1.5));
        }),
        row("event", "in a context with two fields", ours(1), move |seq| {
            scope.run(|| info!(engine, "order", seq, price = 1.5));
        }),
        row("span", "two calls", ours(2), move |seq| {
            info!(engine, "order.start", seq, price = 1.5);
            info!(engine, "order.end", seq, price = 1.5);
        }),
        row("span", "one call", ours(1), move |seq| info!(engine, "order", seq, price = 1.5)),
        row("span", "ringseal span!, both lines", ours(2), move |seq| {
            let _span = span!(engine, "order", seq, price = 1.5);
        }),
        row("span", "ringseal span!, one line", ours(1), move |seq| {
            let _span = span!(one_line, "order", seq, price = 1.5);
        }),
        row("span", "fastrace LocalSpan, writes nothing", None, {
            // It records no further span in a trace of 10,240.
            let mut roots = Vec::new();
            move |seq| {
                if seq % 1000 == 0 {
                    roots.clear();
                    let span = fastrace::Span::root("root", SpanContext::random());
                    roots.push((span.set_local_parent(), span));
                }
                let _span = LocalSpan::enter_with_local_parent("order")
                    .with_property(|| ("seq", seq.to_string()));
            }
        }),
        row("span", "tracing Registry, writes nothing", None, |seq| {
            let span = tracing::info_span!("order", seq, price = 1.5);
            let _entered = span.enter();
        })
        .with(&registry),
        row("span", "tracing fmt JSON, both lines", Some((&TRACING_LINES, 2)), |seq| {
            let span = tracing::info_span!("order", seq, price = 1.5);
            let _entered = span.enter();
        })
        .with(&json),
    ]
}

/// One round of a row.
fn measure(row: &mut Row<'_>, engines: [&Engine; 2], batches: usize, tsc_hz: f64) {
    let flush = || engines.iter().all(|engine| engine.flush().is_ok());
    flush();
    let _default = row.dispatch.as_ref().map(tracing::dispatcher::set_default);
    let before = row.lines.map(|(counter, _)| counter.load(Ordering::Relaxed));
    let mut ticks = vec![0; batches];
    let mut seq = 0;
    for slot in &mut ticks {
        let begin = tsc::start();
        for _ in 0..BATCH {
            (row.call)(black_box(seq));
            seq += 1;
        }
        *slot = tsc::stop() - begin;
        if seq % 5_000 == 0 {
            // No call waits for a full ring.
            flush();
        }
    }
    flush();
    if let (Some((counter, each)), Some(before)) = (row.lines, before) {
        row.missing += (each * seq).saturating_sub(counter.load(Ordering::Relaxed) - before);
    }
    ticks.sort_unstable();
    row.rounds.push(ticks[batches / 2] as f64 / tsc_hz * 1e9 / BATCH as f64);
}

fn print(rows: &mut [Row<'_>]) {
    println!("| | | ns | of the rounds | ÷ first |\n|---|---|---:|---:|---:|");
    let mut first = ("", 0.0);
    for row in rows {
        row.rounds.sort_by(f64::total_cmp);
        let median = row.rounds[row.rounds.len() / 2];
        if first.0 != row.group {
            first = (row.group, median);
        }
        let (low, high) = (row.rounds[0], row.rounds[row.rounds.len() - 1]);
        let note = match row.missing {
            0 => String::new(),
            missing => format!(" **{missing} lines are missing**"),
        };
        let (group, name, ratio) = (row.group, row.name, median / first.1);
        println!("| {group} | {name}{note} | {median:.1} | {low:.1}–{high:.1} | {ratio:.2} |");
    }
}

fn main() -> ExitCode {
    let mut numbers = std::env::args().skip(1).map_while(|word| word.parse::<usize>().ok());
    let (rounds, batches) = (numbers.next().unwrap_or(3), numbers.next().unwrap_or(20_000));
    if rounds == 0 || batches < 10 {
        eprintln!("expected: context [ROUNDS [BATCHES]], at least 1 round and 10 batches");
        return ExitCode::FAILURE;
    }
    let tsc_hz = tsc::calibrate(Duration::from_millis(300));
    let (both, one_line) = (engine(SpanLines::StartAndEnd), engine(SpanLines::End));
    let mut rows = rows(&both, &one_line);
    for round in 0..rounds {
        let count = rows.len();
        for place in 0..count {
            // Each round starts with another row.
            measure(&mut rows[(place + round) % count], [&both, &one_line], batches, tsc_hz);
        }
    }
    print(&mut rows);
    ExitCode::SUCCESS
}
