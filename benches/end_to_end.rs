//! From the first call until everything is in a file: the throughput of the whole engine, and the effect of its buffer
//! sizes.
//!
//! `cargo bench --bench end_to_end [-- FILTER]`. Each measurement starts an engine on a fresh directory, lets the
//! producers log [`EVENTS`] events (those of the published comparisons) as fast as they go, and ends when `flush` has
//! returned: everything is in the page cache. Starting, stopping and deleting are not measured. Full rings make
//! producers wait instead of losing; every event must arrive or the bench fails. Elements per second are events, bytes
//! per second those in the file, padding included.
//!
//! The directory is created in the system's directory for temporary files; set `TMPDIR` to measure the file system that
//! you will log to.
//!
//! - `threads`: 1, 2 and 4 producers. If there are at least as many as cores, they share a core with the writer.
//! - `ring`: one producer, rings of 64 KiB to 8 MiB. Take the smallest at which throughput stops rising. A larger ring
//!   only holds longer bursts (bytes of an event in the ring × events in the longest burst) and takes memory for every
//!   thread.
//! - `batch`: batches of 64 KiB to 4 MiB. A batch ends with its turn, so a size that no turn fills has no effect.
//! - `redaction`: the writer with and without it, and no file.
//! - `file`: appending, appending without padding to pages, storing into a mapping, and no file, which is the cost of
//!   the writer alone.
#![allow(missing_docs)]

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use ringseal::sink::file::{FileConfig, RotateEvery, WriteMode};
use ringseal::{Config, Engine, Output, info};

#[path = "support/mod.rs"]
mod support;
use support::{LOSSLESS, NullSink, Orders, size};

/// Events of one measurement: about 12 MB of lines.
const EVENTS: u64 = 1 << 16;

type Group<'a> = BenchmarkGroup<'a, WallTime>;

/// The destination of the lines.
#[derive(Debug, Clone, Copy)]
enum Target {
    File { mode: WriteMode, page_align: bool },
    Nowhere,
}

/// The settings that vary.
#[derive(Debug, Clone, Copy)]
struct Setup {
    threads: u64,
    ring_bytes: usize,
    batch_bytes_max: usize,
    target: Target,
    redacts: bool,
}

/// The defaults of the engine, with one producer.
const DEFAULT: Setup = Setup {
    threads: 1,
    ring_bytes: 1 << 20,
    batch_bytes_max: 1 << 20,
    target: Target::File { mode: WriteMode::Append, page_align: true },
    redacts: true,
};

impl Setup {
    fn start(&self, dir: &tempfile::TempDir) -> Engine {
        let config = Config::new()
            .panic_hook(false)
            .overflow(LOSSLESS)
            .flush_timeout(Duration::from_secs(60))
            .ring_bytes(self.ring_bytes)
            .batch_bytes_max(self.batch_bytes_max);
        let config = if self.redacts { config } else { config.no_redaction() };
        let config = match self.target {
            Target::Nowhere => config.output(Output::custom(NullSink::default())),
            Target::File { mode, page_align } => {
                let file = FileConfig::new(dir.path().join("app.log"));
                let file = file.rotate_bytes_max(0).rotate_every(RotateEvery::Never);
                config.output(Output::file(file.write_mode(mode).page_align(page_align)))
            }
        };
        Engine::start(config).expect("an engine can be started")
    }

    /// Logs everything once; returns the duration and the number of bytes.
    fn run(&self, orders: &Orders) -> (Duration, u64) {
        let dir = tempfile::tempdir().expect("a directory for temporary files");
        let engine = self.start(&dir);
        let spent = self.log(&engine, orders);
        assert_eq!(support::lines_in_place(&engine), EVENTS, "every event became a line");
        let bytes = engine.metrics().sinks.iter().map(|sink| sink.bytes).sum();
        engine.stop().expect("everything arrived");
        (spent, bytes)
    }

    fn log(&self, engine: &Engine, orders: &Orders) -> Duration {
        let (ready, go) = (&self.barrier(), &self.barrier());
        let start = thread::scope(|scope| {
            for thread in 0..self.threads {
                let part = EVENTS / self.threads;
                scope.spawn(move || {
                    engine.prepare_thread();
                    ready.wait();
                    go.wait();
                    for seq in thread * part..(thread + 1) * part {
                        let order = orders.of(seq);
                        let (price, sym, qty) = (order.price, order.sym.as_str(), order.qty);
                        info!(target: "exchange::gateway", engine, "order filled", seq, price, sym, qty);
                    }
                });
            }
            ready.wait();
            let start = Instant::now();
            go.wait();
            start
        });
        engine.flush().expect("everything is with the sinks");
        start.elapsed()
    }

    /// For all producers and this thread.
    fn barrier(&self) -> Barrier {
        Barrier::new(self.threads as usize + 1)
    }
}

fn bench(group: &mut Group<'_>, name: &str, setup: Setup) {
    let orders = Orders::new();
    // Lines are equally long in every run, except for padding between pages, which depends on the batches.
    let (_, bytes) = setup.run(&orders);
    group.throughput(Throughput::ElementsAndBytes { elements: EVENTS, bytes });
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|iters| (0..iters).map(|_| setup.run(&orders).0).sum());
    });
}

fn threads(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("threads");
    for threads in [1, 2, 4] {
        bench(&mut group, &threads.to_string(), Setup { threads, ..DEFAULT });
    }
    group.finish();
}

fn rings(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ring");
    for ring_bytes in [64 << 10, 256 << 10, 1 << 20, 4 << 20, 8 << 20] {
        bench(&mut group, &size(ring_bytes), Setup { ring_bytes, ..DEFAULT });
    }
    group.finish();
}

fn batches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("batch");
    for batch_bytes_max in [64 << 10, 256 << 10, 1 << 20, 4 << 20] {
        // A ring so large that a turn can fill the largest batch.
        let setup = Setup { batch_bytes_max, ring_bytes: 4 << 20, ..DEFAULT };
        bench(&mut group, &size(batch_bytes_max), setup);
    }
    group.finish();
}

fn files(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("file");
    let table = [
        ("append", Target::File { mode: WriteMode::Append, page_align: true }),
        ("append, no padding", Target::File { mode: WriteMode::Append, page_align: false }),
        #[cfg(target_os = "linux")]
        ("mmap", Target::File { mode: WriteMode::Mmap, page_align: true }),
        ("none", Target::Nowhere),
    ];
    for (name, target) in table {
        bench(&mut group, name, Setup { target, ..DEFAULT });
    }
    group.finish();
}

fn redaction(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("redaction");
    for (name, redacts) in [("on", true), ("off", false)] {
        bench(&mut group, name, Setup { redacts, target: Target::Nowhere, ..DEFAULT });
    }
    group.finish();
}

criterion_group!(
    name = benches;
    config = support::settings(Duration::from_secs(5)).sample_size(20);
    targets = threads, rings, batches, files, redaction
);
criterion_main!(benches);
