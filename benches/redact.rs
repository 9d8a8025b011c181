//! How fast clean text passes the redactor, and what dirty text costs.
//!
//! `cargo bench --bench redact`. `REDACT_TEXT=FILE` adds a file of your own, one value a line.

use std::hint::black_box;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ringseal::redact::{KeyClass, Outcome, Redactor, RuleSet, Rules, TokenRule};

/// Values behind one another in one stretch, with record headers between them.
struct Stretch {
    bytes: Vec<u8>,
    values: Vec<Range<u32>>,
}

impl Stretch {
    fn of<'a>(values: impl Iterator<Item = &'a [u8]>) -> Stretch {
        let mut stretch = Stretch { bytes: Vec::new(), values: Vec::new() };
        for value in values {
            stretch.bytes.extend_from_slice(&[3, 0, 0, 0]);
            let start = stretch.bytes.len() as u32;
            stretch.bytes.extend_from_slice(value);
            stretch.values.push(start..stretch.bytes.len() as u32);
        }
        stretch
    }
}

/// A small generator: the same text on every run.
struct Lcg(u64);

impl Lcg {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % below
    }
}

const WORDS: [&str; 32] = [
    "request",
    "completed",
    "order",
    "cache",
    "miss",
    "upstream",
    "retry",
    "scheduled",
    "worker",
    "connection",
    "closed",
    "by",
    "peer",
    "after",
    "timeout",
    "the",
    "queue",
    "is",
    "full",
    "job",
    "finished",
    "with",
    "status",
    "payment",
    "captured",
    "for",
    "user",
    "session",
    "started",
    "on",
    "shard",
    "success",
];

fn prose(lcg: &mut Lcg) -> String {
    let n = 6 + lcg.next(10);
    (0..n).map(|_| WORDS[lcg.next(32) as usize]).collect::<Vec<_>>().join(" ")
}

fn logfmt(lcg: &mut Lcg) -> String {
    format!(
        "level=info msg=\"{} {}\" duration={}ms status={} path=/api/v1/items/{} attempt={}",
        WORDS[lcg.next(32) as usize],
        WORDS[lcg.next(32) as usize],
        lcg.next(1000),
        200 + lcg.next(300),
        lcg.next(100_000),
        lcg.next(5),
    )
}

fn access(lcg: &mut Lcg) -> String {
    format!(
        "10.{}.{}.{} - - [12/Jul/2024:21:{:02}:{:02} +0000] \"GET /static/js/app.{:08x}.js HTTP/1.1\" 200 {} {:016x}",
        lcg.next(256),
        lcg.next(256),
        lcg.next(256),
        lcg.next(60),
        lcg.next(60),
        lcg.next(1 << 31),
        lcg.next(1 << 20),
        lcg.next(1 << 31) << 31 | lcg.next(1 << 31),
    )
}

fn texts(make: fn(&mut Lcg) -> String) -> Stretch {
    let mut lcg = Lcg(42);
    let lines: Vec<String> = (0..4000).map(|_| make(&mut lcg)).collect();
    Stretch::of(lines.iter().map(String::as_bytes))
}

fn short(len: usize) -> Stretch {
    let mut lcg = Lcg(7);
    let text: String = (0..3000).map(|_| prose(&mut lcg) + " ").collect();
    Stretch::of(text.as_bytes().chunks_exact(len))
}

/// 606 token shapes besides the built-in ones: 800 literals.
fn many_literals() -> RuleSet {
    let mut set = RuleSet::default();
    for i in 0..606u32 {
        let part = |n: u32| char::from(b'a' + (n % 26) as u8);
        set.tokens.push(TokenRule {
            name: format!("own{i}"),
            literal: format!("{}{}{}{i}_", part(i * 7 + 3), part(i / 3), part(i * 11 + 5)),
            alphabet: "A-Za-z0-9".into(),
            body_min: 32,
            body_max: 40,
        });
    }
    set
}

fn bulk(c: &mut Criterion) {
    let mut group = c.benchmark_group("bulk");
    group.sample_size(20).warm_up_time(Duration::from_millis(200));
    group.measurement_time(Duration::from_millis(800));
    let mut stretches = vec![
        ("prose", texts(prose)),
        ("logfmt", texts(logfmt)),
        ("access", texts(access)),
        ("values_16_bytes", short(16)),
        ("values_64_bytes", short(64)),
    ];
    if let Ok(path) = std::env::var("REDACT_TEXT") {
        let bytes = std::fs::read(path).expect("REDACT_TEXT names a readable file");
        let lines = bytes.split(|&b| b == b'\n').filter(|l| !l.is_empty());
        stretches.push(("file", Stretch::of(lines)));
    }
    for (rules, set) in [("standard", RuleSet::default()), ("800_literals", many_literals())] {
        let rules_of = Arc::new(Rules::compile(&set).expect("good rules"));
        let mut redactor = Redactor::new(rules_of);
        for (name, stretch) in &stretches {
            let bytes: usize = stretch.values.iter().map(|r| r.len()).sum();
            group.throughput(Throughput::Bytes(bytes as u64));
            let mut dirty = Vec::new();
            group.bench_function(BenchmarkId::new(*name, rules), |b| {
                b.iter(|| {
                    redactor.dirty(black_box(&stretch.bytes), &stretch.values, &mut dirty);
                    black_box(&dirty);
                });
            });
        }
    }
    group.finish();
}

fn single(c: &mut Criterion) {
    let mut group = c.benchmark_group("value");
    group.sample_size(20).warm_up_time(Duration::from_millis(200));
    group.measurement_time(Duration::from_millis(500));
    let mut redactor = Redactor::new(Arc::new(Rules::standard()));
    for (name, text) in [
        ("clean_16", "checkout started"),
        (
            "clean_100",
            "upstream request completed after retry, connection closed by peer while the queue was full of jobs ok",
        ),
        ("email", "delivery to ann.smith@example.com failed: 550 no such user"),
        ("pair", "validation failed: password=hunter2 attempt=3"),
        (
            "json",
            r#"{"id": 1, "user": {"name": "Ann", "mail": "ann@example.com"}, "tags": ["a", "b"]}"#,
        ),
    ] {
        let mut out = Vec::with_capacity(1024);
        group.bench_function(name, |b| {
            b.iter(|| {
                out.clear();
                let outcome =
                    redactor.value(KeyClass::Plain, black_box(text.as_bytes()), false, &mut out);
                black_box(outcome == Outcome::Clean)
            });
        });
    }
    group.finish();
}

criterion_group!(benches, bulk, single);
criterion_main!(benches);
