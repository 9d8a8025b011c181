//! The audit log on one core: framing, chain, leaf hash, tree, file, compared with hashing the same bytes once.
//!
//! `cargo bench --features audit --bench audit [-- FILTER]`. Elements per second are events.
//!
//! - `audit/…/sha256 once`: SHA-256 of each line of the file: the unit of comparison.
//! - `audit/…/append`: the log's `append`, in memory: each entry is signed with its own key of the ratchet and hashed
//!   into the tree.
//! - `audit/…/append and write`: with a commit per 512 entries into a file whose `sync` does nothing: the throughput of
//!   one core.
//! - `audit/…/unchecked framing`: the line only, without any hash.
//! - `audit/…/body check`: the extra cost of a body of unknown origin: the parser.
//!
//! The target is that `append and write` takes at most three times as long as `sha256 once`. The last lines print that
//! ratio, computed from the fastest of many short rounds of each. The rounds alternate, so that a busy machine slows
//! both.
#![allow(missing_docs)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ringseal::audit::entry::{self, Body, Parser, Scheme, Signature};
use ringseal::audit::store::{AuditLog, LogOptions};
use ringseal::internals::digest::Sha256;

#[path = "support/audit.rs"]
mod audit;

const BATCH: u64 = 512;

/// Directories are kept until the end, because ext4 creates files slowly in the seconds after many were deleted.
#[derive(Default)]
struct Dirs(Vec<tempfile::TempDir>);

impl Dirs {
    fn log(&mut self) -> AuditLog {
        let dir = tempfile::tempdir().expect("a directory");
        // One segment, and checkpoints only by time, so that neither is measured.
        let options = LogOptions {
            segment_bytes_max: u64::MAX,
            checkpoint_entries: u64::MAX,
            ..LogOptions::default()
        };
        let log = audit::log_in(dir.path(), audit::Syncs::none(), options);
        self.0.push(dir);
        log
    }
}

/// Lines as in the file.
fn lines(members: &str) -> Vec<Vec<u8>> {
    let signature = Signature { scheme: Scheme::Mac, hash: [0xA5; 32] };
    let line = |seq| {
        let mut line = Vec::new();
        let body = Body::new(members.as_bytes(), &mut Parser::new()).expect("a body");
        entry::begin(&mut line, 1_000_000 + seq, 1_795_360_160_123_456_789, body, &signature);
        entry::finish(&mut line, &signature);
        line
    };
    (0..BATCH).map(line).collect()
}

fn benches(criterion: &mut Criterion) {
    let mut dirs = Dirs::default();
    for (name, members) in audit::bodies() {
        let mut group = criterion.benchmark_group(format!("audit/{name}"));
        group.throughput(Throughput::Elements(BATCH));
        let lines = lines(&members);
        let bytes: usize = lines.iter().map(Vec::len).sum();
        println!("{name}: {} bytes a line", bytes / lines.len());
        group.bench_function("sha256 once", |bencher| {
            bencher.iter(|| {
                for line in &lines {
                    black_box(Sha256::of(line));
                }
            });
        });
        let mut parser = Parser::new();
        let body = Body::new(members.as_bytes(), &mut parser).expect("a body");
        group.bench_function("unchecked framing", |bencher| {
            let (mut out, first) = (Vec::new(), Signature::first(Scheme::Mac));
            bencher.iter(|| {
                out.clear();
                for seq in 0..BATCH {
                    entry::begin(&mut out, seq, 1_795_360_160_123_456_789, body, &first);
                    entry::finish(&mut out, &first);
                }
                black_box(&out);
            });
        });
        group.bench_function("body check", |bencher| {
            bencher.iter(|| {
                for _ in 0..BATCH {
                    black_box(Body::new(members.as_bytes(), &mut parser)).expect("a body");
                }
            });
        });
        for (what, is_written) in [("append", false), ("append and write", true)] {
            let mut log = dirs.log();
            group.bench_function(what, |bencher| {
                bencher.iter_custom(|count| {
                    let mut appending = Duration::ZERO;
                    let all = Instant::now();
                    for _ in 0..count {
                        let start = Instant::now();
                        for _ in 0..BATCH {
                            log.append(body, 1_795_360_160_123_456_789).expect("room");
                        }
                        appending += start.elapsed();
                        log.commit().expect("a commit");
                        log.maintain().expect("maintenance");
                    }
                    if is_written { all.elapsed() } else { appending }
                });
            });
        }
        group.finish();
        ratio(name, body, &lines, &mut dirs);
    }
}

/// Rounds of each of the two measurements.
const TURNS: usize = 400;

fn ratio(name: &str, body: Body<'_>, lines: &[Vec<u8>], dirs: &mut Dirs) {
    let mut log = dirs.log();
    let mut fastest = [Duration::MAX; 3];
    for _ in 0..TURNS {
        let start = Instant::now();
        lines.iter().for_each(|line| {
            black_box(Sha256::of(line));
        });
        let hashed = start.elapsed();
        let start = Instant::now();
        for _ in 0..BATCH {
            log.append(body, 1_795_360_160_123_456_789).expect("room");
        }
        let appended = start.elapsed();
        log.commit().expect("a commit");
        log.maintain().expect("maintenance");
        let written = start.elapsed();
        for (least, taken) in fastest.iter_mut().zip([hashed, appended, written]) {
            *least = taken.min(*least);
        }
    }
    let nanos = fastest.map(|taken| taken.as_nanos() as f64 / BATCH as f64);
    let [hashed, appended, written] = nanos;
    println!(
        "audit/{name}: sha256 once {hashed:.0} ns, append {appended:.0} ns ({:.2}x), append and write \
         {written:.0} ns ({:.2}x)",
        appended / hashed,
        written / hashed,
    );
}

criterion_group!(all, benches);
criterion_main!(all);
