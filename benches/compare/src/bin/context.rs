//! Contexts and spans: what a poll, an event in a context and a span cost, ringseal and other crates interleaved.
//!
//! A separate program, because tracing, fastrace and ringseal each have one subscriber, reporter or engine for the
//! process. `compare --family context` runs it: arguments are the number of rounds and of batches; it prints a record
//! for each round and candidate. The lines that a candidate writes are counted, and one that writes fewer than it
//! should is not good.
#![allow(dead_code, reason = "the modules are those of the main program")]

#[path = "../counting_sink.rs"]
mod counting_sink;
#[path = "../stats.rs"]
mod stats;
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
use ringseal::{Config, Context, Engine, Output, SpanLines, WithContext, fields, info, span};
use serde_json::{Value, json};
use tracing::Instrument;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::layer::SubscriberExt;

use counting_sink::{CountingSink, LINES};
use stats::Summary;

/// Calls between two readings of the counter.
const BATCH: usize = 50;

/// Lines that tracing has written.
static TRACING_LINES: AtomicU64 = AtomicU64::new(0);

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
}

fn row<'r>(
    group: &'static str,
    name: &'static str,
    lines: Option<(&'static AtomicU64, u64)>,
    call: impl FnMut(u64) + 'r,
) -> Row<'r> {
    Row { group, name, lines, call: Box::new(call), dispatch: None }
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
        row("context poll", "tokio task_local", None, polling(IDS.scope(Cell::new(7), Pending))),
        row("context poll", "no context", None, polling(Pending)),
        row("context poll", "ringseal in_context", None, polling(Pending.in_context(context))),
        row("context poll", "tracing Instrumented, Registry", None, polling(instrumented))
            .with(&registry),
        row("context event", "no context", ours(1), move |seq| {
            info!(engine, "order", seq, price = 1.5)
        }),
        row("context event", "in a trace", ours(1), move |seq| {
            // The scope is entered for each batch of events in practice; here it is part of the call.
            ids.run(|| info!(engine, "order", seq, price = 1.5));
        }),
        row("context event", "in a context with two fields", ours(1), move |seq| {
            scope.run(|| info!(engine, "order", seq, price = 1.5));
        }),
        row("context span", "two calls", ours(2), move |seq| {
            info!(engine, "order.start", seq, price = 1.5);
            info!(engine, "order.end", seq, price = 1.5);
        }),
        row("context span", "one call", ours(1), move |seq| {
            info!(engine, "order", seq, price = 1.5)
        }),
        row("context span", "ringseal span!, both lines", ours(2), move |seq| {
            let _span = span!(engine, "order", seq, price = 1.5);
        }),
        row("context span", "ringseal span!, one line", ours(1), move |seq| {
            let _span = span!(one_line, "order", seq, price = 1.5);
        }),
        row("context span", "fastrace LocalSpan, writes nothing", None, {
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
        row("context span", "tracing Registry, writes nothing", None, |seq| {
            let span = tracing::info_span!("order", seq, price = 1.5);
            let _entered = span.enter();
        })
        .with(&registry),
        row("context span", "tracing fmt JSON, both lines", Some((&TRACING_LINES, 2)), |seq| {
            let span = tracing::info_span!("order", seq, price = 1.5);
            let _entered = span.enter();
        })
        .with(&json),
    ]
}

/// One round of a row.
fn measure(row: &mut Row<'_>, engines: [&Engine; 2], batches: usize, tsc_hz: f64) -> Value {
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
        let (expected, found) = (each * seq, counter.load(Ordering::Relaxed) - before);
        if found != expected {
            let complaint = format!("expected {expected} lines, found {found}");
            return json!({"candidate": row.name, "good": false, "complaint": complaint});
        }
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
    let (both, one_line) = (engine(SpanLines::StartAndEnd), engine(SpanLines::End));
    let mut rows = rows(&both, &one_line);
    for round in 0..rounds {
        let count = rows.len();
        for place in 0..count {
            // Each round starts with another row.
            let row = &mut rows[(place + round) % count];
            let mut record = measure(row, [&both, &one_line], batches, tsc_hz);
            record["mode"] = json!(row.group);
            record["round"] = json!(round);
            println!("{record}");
        }
    }
    ExitCode::SUCCESS
}
