//! Many threads: the writer's cost of merging many rings, and the cost of idle rings.
//!
//! `cargo bench --bench rings [-- FILTER]`.
//!
//! - `writer`: the same [`RECORDS`] records in 1, 8 or 64 rings, drained and encoded in one turn of a writer that this
//!   thread drives itself. Scheduler and disk are not involved: this is the cost of merging by time. `all, in turns`
//!   has consecutive records in different rings, the worst case for a merge. `all, 32 at a time` is the pattern of
//!   threads that log in bursts. `one, others idle` has everything in one ring. The total size of all rings is always
//!   the same.
//! - `idle turn`: one turn that finds nothing in 0, 64 or 1024 rings. The difference to 0, divided by the number of
//!   rings, is the cost of an idle ring per turn. The writer makes a hundred turns per second when it is idle, and up
//!   to fifty thousand under load.
//! - `threads`: [`EVENTS`] events through a running engine, from the first call until the flush returns, logged by 1, 8
//!   or 64 threads in equal parts, or by one while the others are alive, have their ring, and are silent.
//!
//! To tune: where `threads/all/64` is slower than `threads/all/1` but `writer` is not, the threads compete for cores.
//! Where idle rings are expensive, lower `rings_max` (threads above it share one ring) or log from fewer threads.
#![allow(missing_docs)]

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ringseal::internals::core::callsite::{Callsite, Metadata};
use ringseal::internals::core::record::{HEADER_BYTES, Header, Kind};
use ringseal::internals::core::registry;
use ringseal::internals::encode::layout::{JsonLayout, JsonOptions, Layout};
use ringseal::internals::ringbuf::{Producer, ring};
use ringseal::internals::writer::link::{Link, NewLane};
use ringseal::internals::writer::{OutputConfig, Writer, WriterConfig};
use ringseal::system::{Clock, SystemClock};
use ringseal::value::ValueWriter;
use ringseal::{Config, Engine, Level, LevelFilter, Limits, Output, info};

#[path = "support/mod.rs"]
mod support;
use support::{LOSSLESS, NullSink, Orders};

/// Records of one turn.
const RECORDS: u64 = 1 << 14;
/// The size of all rings together.
const RINGS_BYTES: usize = 4 << 20;
/// Events of one measurement with threads.
const EVENTS: u64 = 1 << 16;

static ORDER_FILLED: Callsite = Callsite::new(Metadata {
    level: Level::Info,
    event: "order filled",
    target: "exchange::gateway",
    file: file!(),
    line: line!(),
    keys: &["seq", "price", "sym", "qty"],
});

/// A writer that the bench drives, and the producers of its rings.
struct DrivenWriter {
    writer: Writer,
    producers: Vec<Producer>,
}

impl DrivenWriter {
    /// The first `active` rings share [`RINGS_BYTES`]; the others have the minimum size.
    fn new(rings: u64, active: u64) -> Self {
        registry::assign_id(&ORDER_FILLED);
        let (link, inbox) = Link::new();
        let mut producers = Vec::new();
        for index in 0..rings {
            let ring_bytes = if index < active { RINGS_BYTES / active as usize } else { 4096 };
            let (producer, consumer) = ring(ring_bytes);
            let lane = NewLane { consumer, counters: Arc::default(), file: None };
            link.add_lane(lane).expect("the writer's end of the channel is here");
            producers.push(producer);
        }
        let output = OutputConfig {
            layout: Layout::Json(Box::new(JsonLayout::new(JsonOptions::default()))),
            level: LevelFilter::AtLeast(Level::Trace),
            filter: None,
            sinks: vec![Box::new(NullSink::default())],
        };
        let config = WriterConfig {
            outputs: vec![output],
            batch_bytes_max: 1 << 20,
            held_bytes_max: 16 << 20,
            // All records are already older than the turn.
            reorder_window_nanos: 0,
            publishes_time: false,
            static_fields: Vec::new(),
            hooks: Vec::new(),
            observing: Default::default(),
            redaction: ringseal::internals::writer::RedactionConfig::default(),
        };
        let mut writer = Writer::new(config, link, inbox, Arc::new(SystemClock));
        writer.step(SystemClock.ticks());
        Self { writer, producers }
    }

    /// Writes `RECORDS` records, `run` at a time into each of the first `active` rings.
    fn fill(&mut self, orders: &Orders, active: u64, run: u64) {
        for seq in 0..RECORDS {
            let ring = (seq / run) % active;
            write(&mut self.producers[ring as usize], seq, orders);
        }
    }

    /// One turn that takes everything.
    fn drain(&mut self) -> Duration {
        let start = Instant::now();
        let turn = self.writer.step(SystemClock.ticks());
        let spent = start.elapsed();
        assert_eq!(turn.records, RECORDS, "the turn took every record");
        spent
    }
}

/// One record as a log call would write it.
fn write(producer: &mut Producer, seq: u64, orders: &Orders) {
    let order = orders.of(seq);
    let mut grant = producer.grant(128).expect("the rings hold all records");
    let (head, payload) = grant.bytes_mut().split_at_mut(HEADER_BYTES);
    let mut out = ValueWriter::new(payload, Limits::default());
    out.u64(seq);
    out.f64(order.price);
    out.str(&order.sym);
    out.i64(i64::from(order.qty));
    let header = Header {
        callsite: ORDER_FILLED.id(),
        ticks: SystemClock.ticks(),
        ..Header::new(Kind::Event, Level::Info)
    };
    let len = header.write(head, out.len_bytes());
    grant.commit(len);
}

fn writer(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("writer");
    group.throughput(Throughput::Elements(RECORDS));
    let orders = Orders::new();
    let table = [
        ("all", 1, 1, 1),
        ("all, in turns", 8, 8, 1),
        ("all, in turns", 64, 64, 1),
        ("all, 32 at a time", 8, 8, 32),
        ("all, 32 at a time", 64, 64, 32),
        ("one, others idle", 8, 1, 1),
        ("one, others idle", 64, 1, 1),
    ];
    for (name, rings, active, run) in table {
        let mut driven = DrivenWriter::new(rings, active);
        group.bench_function(format!("{name}/{rings}"), |bencher| {
            bencher.iter_custom(|iters| {
                let mut spent = Duration::ZERO;
                for _ in 0..iters {
                    driven.fill(&orders, active, run);
                    spent += driven.drain();
                }
                spent
            });
        });
    }
    group.finish();
}

fn idle_turn(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("idle turn");
    for rings in [0, 64, 1024] {
        let mut driven = DrivenWriter::new(rings, 0);
        group.bench_function(rings.to_string(), |bencher| {
            bencher.iter(|| black_box(driven.writer.step(SystemClock.ticks())));
        });
    }
    group.finish();
}

/// Threads that stay alive between measurements; the first `active` of them log.
struct Producers {
    engine: Engine,
    orders: Orders,
    active: u64,
    /// All threads and the one that measures.
    gate: Barrier,
    is_over: AtomicBool,
}

impl Producers {
    fn new(threads: u64, active: u64) -> Self {
        let config = Config::new()
            .panic_hook(false)
            .overflow(LOSSLESS)
            .flush_timeout(Duration::from_secs(60))
            .ring_bytes(RINGS_BYTES / 16)
            .output(Output::custom(NullSink::default()));
        Self {
            engine: Engine::start(config).expect("an engine can be started"),
            orders: Orders::new(),
            active,
            gate: Barrier::new(threads as usize + 1),
            is_over: AtomicBool::new(false),
        }
    }

    /// The loop of each thread.
    fn work(&self, thread: u64) {
        self.engine.prepare_thread();
        let part = if thread < self.active { EVENTS / self.active } else { 0 };
        let engine = &self.engine;
        loop {
            self.gate.wait();
            // ORDER: relaxed; the barrier orders it.
            if self.is_over.load(Ordering::Relaxed) {
                return;
            }
            for seq in thread * part..(thread + 1) * part {
                let order = self.orders.of(seq);
                let (price, sym, qty) = (order.price, order.sym.as_str(), order.qty);
                info!(target: "exchange::gateway", engine, "order filled", seq, price, sym, qty);
            }
            self.gate.wait();
        }
    }

    /// The time from the first call until everything is with the sink. Must not panic, because threads wait at the
    /// gate.
    fn measure(&self) -> Duration {
        let start = Instant::now();
        self.gate.wait();
        self.gate.wait();
        // The check at the end reports a failure.
        let _ = self.engine.flush();
        start.elapsed()
    }

    fn stop(&self) {
        // ORDER: relaxed; the barrier orders it.
        self.is_over.store(true, Ordering::Relaxed);
        self.gate.wait();
    }
}

fn threads(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("threads");
    group.throughput(Throughput::Elements(EVENTS));
    let table = [
        ("all", 1, 1),
        ("all", 8, 8),
        ("all", 64, 64),
        ("one, others idle", 8, 1),
        ("one, others idle", 64, 1),
    ];
    for (name, count, active) in table {
        let producers = &Producers::new(count, active);
        let mut rounds = 0;
        thread::scope(|scope| {
            for thread in 0..count {
                scope.spawn(move || producers.work(thread));
            }
            group.bench_function(format!("{name}/{count}"), |bencher| {
                bencher.iter_custom(|iters| {
                    rounds += iters;
                    (0..iters).map(|_| producers.measure()).sum()
                });
            });
            producers.stop();
        });
        let lines = support::lines_in_place(&producers.engine);
        assert_eq!(lines, rounds * EVENTS, "every event became a line");
    }
    group.finish();
}

criterion_group!(
    name = benches;
    config = support::settings(Duration::from_secs(4)).sample_size(30);
    targets = writer, idle_turn, threads
);
criterion_main!(benches);
