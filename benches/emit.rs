//! The cost of one call for the logging thread, by number and kind of fields.
//!
//! `cargo bench --bench emit [-- FILTER]`. Times are per call. [`BATCH`] calls are timed at a time and flushed outside
//! of the measurement, so that no call finds a full ring. The sink discards everything, so that the disk has no effect.
//! The bench fails if an event was lost or had to wait. The writer polls from another thread, as in production. Every
//! value passes through memory once, so that nothing is computed at compile time; `floor/loop` is the cost of that and
//! of the loop.
//!
//! - `floor`: an empty loop, and one reading of the clock after another. A call can overlap part of that with its work.
//! - `fields`: 0 to 16 integers; the slope is the cost of a field.
//! - `kind`: one field of each kind. `Display`, `Debug`, errors, arrays and maps take the slower path: formatted or
//!   nested in place.
//! - `order filled`: the event of the published comparisons, with exact and coarse timestamps, through the global
//!   engine and through a handle.
//! - `context`: five bound fields against none, two loggers in turns, and 32 in turns. The bench `contexts` has more.
//! - `disabled`: a call below the level.
//! - `sampled`: a sampled call, by chance and by a bound trace id: nearly all dropped, nearly all kept, and a call in
//!   the same program that no rule matches.
//!
//! To tune: if `floor/clock` is most of a call, use coarse timestamps. If `Display` or `Debug` is, log each part as a
//! separate field. If many loggers alternate on one thread, bind fewer of them or log the field in the event.
#![allow(missing_docs)]

use std::fmt;
use std::hint::black_box;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};
use ringseal::internals::core::tsc;
use ringseal::value::Map;
use ringseal::{Config, Engine, Logger, Output, Sampling, Timestamps, debug, error, fields, info};

#[path = "support/mod.rs"]
mod support;
use support::{NullSink, Orders};

/// Calls between two flushes: with the longest events here, they fill a sixth of the default ring.
const BATCH: u64 = 512;

type Group<'a> = BenchmarkGroup<'a, WallTime>;

fn config(timestamps: Timestamps) -> Config {
    let quiet = "info,boot=off".parse().expect("a filter");
    let config = Config::new().filter(quiet).panic_hook(false).timestamps(timestamps);
    config.output(Output::custom(NullSink::default()))
}

fn engine(timestamps: Timestamps) -> Engine {
    Engine::start(config(timestamps)).expect("an engine can be started")
}

/// Times enabled calls, batch by batch.
fn calls(group: &mut Group<'_>, engine: &Engine, name: &str, mut call: impl FnMut(u64)) {
    assert!(engine.prepare_thread(), "there is a ring for this thread");
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|iters| {
            let mut spent = Duration::ZERO;
            let mut done = 0;
            while done < iters {
                let end = iters.min(done + BATCH);
                let start = Instant::now();
                for seq in done..end {
                    call(black_box(seq));
                }
                spent += start.elapsed();
                engine.flush().expect("the null sink takes everything");
                done = end;
            }
            spent
        });
    });
}

/// Times calls that write nothing into a ring.
fn bare(group: &mut Group<'_>, name: &str, mut call: impl FnMut(u64)) {
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|iters| {
            let start = Instant::now();
            for seq in 0..iters {
                call(black_box(seq));
            }
            start.elapsed()
        });
    });
}

/// Fails unless every call found space at once.
fn check(engine: &Engine) {
    support::lines_in_place(engine);
    assert_eq!(engine.metrics().waits, 0, "calls waited for space; the numbers mean nothing");
}

fn floor(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("floor");
    bare(&mut group, "loop", |_| {});
    bare(&mut group, "clock", |_| {
        black_box(tsc::ticks());
    });
    group.finish();
}

fn numbers(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fields");
    let engine = engine(Timestamps::Exact);
    let to = &engine;
    calls(&mut group, to, "0", |_| info!(to, "none"));
    calls(&mut group, to, "1 integer", |n| info!(to, "one", a = n));
    calls(&mut group, to, "4 integers", |n| {
        info!(to, "four", a = n, b = n + 1, c = n + 2, d = n + 3);
    });
    calls(&mut group, to, "8 integers", |n| {
        let m = n + 4;
        info!(
            to,
            "eight",
            a = n,
            b = n + 1,
            c = n + 2,
            d = n + 3,
            e = m,
            f = m + 1,
            g = m + 2,
            h = m + 3
        );
    });
    calls(&mut group, to, "16 integers", |n| {
        let (m, k, l) = (n + 4, n + 8, n + 12);
        info!(
            to,
            "sixteen",
            a = n,
            b = n + 1,
            c = n + 2,
            d = n + 3,
            e = m,
            f = m + 1,
            g = m + 2,
            h = m + 3,
            i = k,
            j = k + 1,
            k = k + 2,
            l = k + 3,
            m = l,
            n = l + 1,
            o = l + 2,
            p = l + 3
        );
    });
    group.finish();
    check(&engine);
}

/// An error with a cause.
#[derive(Debug)]
struct UploadError(std::num::ParseIntError);

impl fmt::Display for UploadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the length of the upload is not a number")
    }
}

impl std::error::Error for UploadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

fn kinds(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("kind");
    let engine = engine(Timestamps::Exact);
    let to = &engine;
    for len in [16, 64, 256] {
        let text = "x".repeat(len);
        calls(&mut group, to, &format!("str {len}"), |_| {
            info!(to, "text", value = black_box(text.as_str()));
        });
    }
    calls(&mut group, to, "f64", |n| info!(to, "float", value = n as f64 * 0.01));
    let address = Ipv4Addr::new(192, 168, 17, 4);
    calls(&mut group, to, "IPv4 address", |_| info!(to, "peer", value = black_box(address)));
    calls(&mut group, to, "Display", |_| info!(to, "peer", value = %black_box(address)));
    let state = Some((17, true, "primary"));
    calls(&mut group, to, "Debug", |_| info!(to, "state", value = ?black_box(&state)));
    let failure = UploadError("17x".parse::<u16>().expect_err("no number"));
    calls(&mut group, to, "error", |_| error!(to, "upload_failed", error = black_box(&failure)));
    let array = [1u64, 2, 3, 4, 5, 6, 7, 8];
    calls(&mut group, to, "array of 8", |_| info!(to, "array", value = black_box(&array)));
    calls(&mut group, to, "map of 4", |n| {
        let map = Map(&[("id", &n), ("name", &"ada"), ("age", &36), ("is_admin", &true)]);
        info!(to, "map", value = map);
    });
    group.finish();
    check(&engine);
}

fn order_filled(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("order filled");
    let orders = Orders::new();
    let (exact, coarse) = (engine(Timestamps::Exact), engine(Timestamps::Coarse));
    for (name, to) in [("handle, exact", &exact), ("handle, coarse", &coarse)] {
        calls(&mut group, to, name, |seq| {
            let order = orders.of(seq);
            let (price, sym, qty) = (order.price, order.sym.as_str(), order.qty);
            info!(target: "exchange::gateway", to, "order filled", seq, price, sym, qty);
        });
        check(to);
    }
    for (name, timestamps) in
        [("global, exact", Timestamps::Exact), ("global, coarse", Timestamps::Coarse)]
    {
        let global = ringseal::init(config(timestamps)).expect("the only global engine");
        calls(&mut group, &global, name, |seq| {
            let order = orders.of(seq);
            let (price, sym, qty) = (order.price, order.sym.as_str(), order.qty);
            info!(target: "exchange::gateway", "order filled", seq, price, sym, qty);
        });
        check(&global);
    }
    group.finish();
}

fn contexts(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("context");
    let engine = engine(Timestamps::Exact);
    let bind = |id: u64| {
        engine.logger().bind(fields! {
            trace_id = "4bf92f3577b34da6a3ce929d0e0e4736", span_id = id, user.id = 42,
            http.request.method = "POST", tenant = "shop",
        })
    };
    let none = engine.logger();
    let loggers: Vec<Logger> = (0..32).map(bind).collect();
    calls(&mut group, &engine, "none", |n| info!(none, "request_started", n));
    calls(&mut group, &engine, "5 fields", |n| info!(loggers[0], "request_started", n));
    for count in [2, 32] {
        calls(&mut group, &engine, &format!("{count} loggers in turns"), |n| {
            info!(loggers[n as usize % count], "request_started", n);
        });
    }
    group.finish();
    check(&engine);
}

fn disabled(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("disabled");
    let orders = Orders::new();
    let global = ringseal::init(config(Timestamps::Exact)).expect("the only global engine");
    let to = &global;
    bare(&mut group, "global", |seq| {
        debug!("order filled", seq, price = orders.of(seq).price, sym = orders.of(seq).sym);
    });
    bare(&mut group, "handle", |seq| {
        debug!(to, "order filled", seq, price = orders.of(seq).price, sym = orders.of(seq).sym);
    });
    group.finish();
    assert_eq!(support::lines_in_place(&global), 0, "a disabled call became a line");
}

fn sampled(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sampled");
    let orders = Orders::new();
    let rules = "scope=info,few=0.000001,many=0.999999";
    let sampling = Sampling::new().targets_from(rules).expect("a policy");
    let engine = Engine::start(config(Timestamps::Exact).sampling(sampling)).expect("an engine");
    let to = &engine;
    calls(&mut group, to, "no rule", |seq| {
        let order = orders.of(seq);
        let (price, sym, qty) = (order.price, order.sym.as_str(), order.qty);
        info!(target: "all", to, "order filled", seq, price, sym, qty);
    });
    calls(&mut group, to, "not kept", |seq| {
        let order = orders.of(seq);
        let (price, sym, qty) = (order.price, order.sym.as_str(), order.qty);
        info!(target: "few", to, "order filled", seq, price, sym, qty);
    });
    let log = engine.logger().bind(fields! { trace_id = "4bf92f3577b34da6a300000000000001" });
    calls(&mut group, to, "not kept, trace id", |seq| {
        let order = orders.of(seq);
        let (price, sym, qty) = (order.price, order.sym.as_str(), order.qty);
        info!(target: "few", log, "order filled", seq, price, sym, qty);
    });
    calls(&mut group, to, "kept", |seq| {
        let order = orders.of(seq);
        let (price, sym, qty) = (order.price, order.sym.as_str(), order.qty);
        info!(target: "many", to, "order filled", seq, price, sym, qty);
    });
    group.finish();
    check(&engine);
}

criterion_group!(
    name = benches;
    config = support::settings(Duration::from_secs(3));
    targets = floor, numbers, kinds, order_filled, contexts, disabled, sampled
);
criterion_main!(benches);
