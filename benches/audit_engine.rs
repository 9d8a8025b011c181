//! The audit log through the engine: the cost for its caller, the sharing of syncs, and the slow-down of the
//! application's own log.
//!
//! `cargo bench --features audit --bench audit_engine [-- [--quick] [emit|wait|application]]`. Each line: measured
//! value, target, verdict. Compared values are measured in turns, in one run.
//!
//! - `emit`: an audit event against an ordinary one with the same fields, on the logging thread. After each [`BATCH`]
//!   calls, both logs are flushed outside of the measurement. The sink discards everything, and syncs of the audit log
//!   do nothing. Reports the fastest batch, and the 99th percentile of single calls (which include reading the clock).
//! - `wait`: [`WAITERS`] threads that emit and wait until their entry survives power loss, on the disk of the temporary
//!   directory. For comparison, the time of one sync of a short append on that disk.
//! - `application`: a thread that logs as fast as it can, first without audit, then beside a thread that emits 1,000
//!   audit events a second.
#![allow(missing_docs)]

use std::hint::black_box;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ringseal::audit::{Actor, AuditEvent, EventOutcome};
use ringseal::system::Storage;
use ringseal::{AuditConfig, AuditLogger, Config, Engine, Output, info};

#[path = "support/audit.rs"]
mod audit;
#[path = "support/mod.rs"]
mod support;
use support::{LOSSLESS, NullSink, Orders};

/// Calls between two flushes: far fewer than a ring holds.
const BATCH: usize = 256;
const WAITERS: u64 = 64;
const CORRELATION: &str = "9f86d081884c7d659a2feaa0c55ad015";

fn config() -> Config {
    let quiet = "info,boot=off".parse().expect("a filter");
    Config::new().filter(quiet).panic_hook(false).output(Output::custom(NullSink::default()))
}

fn with_audit(config: Config, dir: &Path, storage: Arc<dyn Storage>) -> Config {
    let audit = AuditConfig::new(dir).service("payments").storage_for_tests(storage);
    config.audit(audit)
}

#[inline(never)]
fn login(audit: &AuditLogger, user: &str) {
    let actor = Actor::user(user);
    let event = AuditEvent::login(actor, EventOutcome::Success).correlation_id(CORRELATION);
    audit.emit(black_box(&event)).expect("a good event");
}

/// The same fields as an ordinary event.
fn ordinary(to: &Engine, user: &str) {
    info!(
        to,
        "user.login",
        actor.r#type = "user",
        actor.id = black_box(user),
        action = "login",
        outcome = "success",
        correlation_id = black_box(CORRELATION)
    );
}

/// The time of a call in the fastest batch, and the 99th percentile of single calls; nanoseconds.
struct Calls {
    fastest: f64,
    single: Vec<u64>,
}

impl Calls {
    fn new() -> Calls {
        Calls { fastest: f64::MAX, single: Vec::new() }
    }

    fn batch(&mut self, mut call: impl FnMut()) {
        let start = Instant::now();
        (0..BATCH).for_each(|_| call());
        self.fastest = self.fastest.min(start.elapsed().as_nanos() as f64 / BATCH as f64);
    }

    fn singles(&mut self, mut call: impl FnMut()) {
        for _ in 0..BATCH {
            let start = Instant::now();
            call();
            self.single.push(start.elapsed().as_nanos() as u64);
        }
    }

    fn p99(&mut self) -> f64 {
        self.single.sort_unstable();
        self.single[self.single.len() * 99 / 100] as f64
    }
}

fn emit(turns: usize) {
    let dir = tempfile::tempdir().expect("a directory");
    let engine = Engine::start(with_audit(config(), dir.path(), audit::Syncs::none()));
    let engine = engine.expect("an engine");
    let log = engine.audit().expect("it was configured");
    assert!(engine.prepare_thread(), "there is a ring for this thread");
    let (mut plain, mut audited) = (Calls::new(), Calls::new());
    for _ in 0..turns {
        plain.batch(|| ordinary(&engine, "u-184467"));
        engine.flush().expect("everything is taken");
        audited.batch(|| login(&log, "u-184467"));
        engine.flush().expect("everything is taken");
        plain.singles(|| ordinary(&engine, "u-184467"));
        engine.flush().expect("everything is taken");
        audited.singles(|| login(&log, "u-184467"));
        engine.flush().expect("everything is taken");
    }
    assert_eq!(engine.metrics().waits, 0, "calls waited for space; the numbers mean nothing");
    let (one, other) = (plain.fastest, audited.fastest);
    println!("emit: an ordinary event {one:.0} ns, an audit event {other:.0} ns");
    audit::verdict("emit/fastest batch", other / one, "x", 1.5);
    let (one, other) = (plain.p99(), audited.p99());
    println!("emit: 99th percentile of single calls {one:.0} ns and {other:.0} ns");
    audit::verdict("emit/99th percentile", other / one, "x", 1.5);
    engine.stop().expect("an end");
}

/// The median time of a short append and its sync.
fn sync_time(dir: &Path) -> Duration {
    let mut file = std::fs::File::create(dir.join("probe")).expect("a file");
    let mut times: Vec<Duration> = (0..41)
        .map(|_| {
            file.write_all(&[b'x'; 4096]).expect("room");
            let start = Instant::now();
            file.sync_data().expect("a sync");
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[times.len() / 2]
}

fn wait(span: Duration) {
    let dir = tempfile::tempdir().expect("a directory");
    let sync = sync_time(dir.path());
    let storage = audit::Syncs::real();
    let path = dir.path().join("log");
    let engine = Engine::start(with_audit(config(), &path, Arc::clone(&storage) as _));
    let engine = engine.expect("an engine");
    let log = engine.audit().expect("it was configured");
    let (count, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
    let before = storage.count();
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..WAITERS {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    let event = AuditEvent::login(Actor::user("u-184467"), EventOutcome::Success);
                    log.emit(&event).and_then(|emitted| emitted.wait()).expect("a receipt");
                    count.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        thread::sleep(span);
        is_over.store(true, Ordering::Relaxed);
    });
    let (count, taken) = (count.into_inner() as f64, start.elapsed().as_secs_f64());
    let syncs = (storage.count() - before) as f64;
    println!(
        "wait: {WAITERS} threads, {:.0} acknowledgements/s, {:.0} syncs/s; a sync alone {:.2} ms",
        count / taken,
        syncs / taken,
        sync.as_secs_f64() * 1e3
    );
    if sync <= Duration::from_millis(1) {
        audit::verdict_at_least("wait/acknowledgements", count / taken, "/s", 20_000.0);
    } else {
        audit::verdict_at_least("wait/acknowledgements per sync", count / syncs, "", 20.0);
    }
    engine.stop().expect("an end");
}

/// Logs `events` events; returns how many per second.
fn application(events: u64, audited: bool) -> f64 {
    let dir = tempfile::tempdir().expect("a directory");
    let config = config().overflow(LOSSLESS).flush_timeout(Duration::from_secs(60));
    let config = if audited {
        with_audit(config, &dir.path().join("log"), audit::Syncs::real())
    } else {
        config
    };
    let engine = Engine::start(config).expect("an engine");
    let (orders, is_over) = (Orders::new(), AtomicBool::new(false));
    assert!(engine.prepare_thread(), "there is a ring for this thread");
    let taken = thread::scope(|scope| {
        if let Some(log) = engine.audit() {
            let is_over = &is_over;
            scope.spawn(move || {
                let start = Instant::now();
                for number in 0.. {
                    if is_over.load(Ordering::Relaxed) {
                        return;
                    }
                    login(&log, "u-184467");
                    let next = start + Duration::from_millis(number + 1);
                    thread::sleep(next.saturating_duration_since(Instant::now()));
                }
            });
        }
        let start = Instant::now();
        for seq in 0..events {
            let order = orders.of(seq);
            let (price, sym, qty) = (order.price, order.sym.as_str(), order.qty);
            info!(target: "exchange::gateway", engine, "order filled", seq, price, sym, qty);
        }
        engine.flush().expect("everything is taken");
        let taken = start.elapsed();
        is_over.store(true, Ordering::Relaxed);
        taken
    });
    engine.stop().expect("an end");
    events as f64 / taken.as_secs_f64()
}

fn main() {
    let is_quick = audit::is_quick();
    let filter = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let wants = |name: &str| filter.as_ref().is_none_or(|filter| name.contains(filter));
    if wants("emit") {
        emit(if is_quick { 200 } else { 2000 });
    }
    if wants("wait") {
        wait(Duration::from_secs(if is_quick { 2 } else { 10 }));
    }
    if !wants("application") {
        return;
    }
    let (events, turns) = if is_quick { (1_000_000, 3) } else { (4_000_000, 9) };
    let (mut off, mut on) = (0f64, 0f64);
    for _ in 0..turns {
        off = off.max(application(events, false));
        on = on.max(application(events, true));
    }
    println!(
        "application: {off:.0} events/s without audit, {on:.0} with 1,000 audit events a second"
    );
    audit::verdict("application/loss", (off / on - 1.0) * 100.0, " %", 5.0);
}
