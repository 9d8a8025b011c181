//! The throughput of the redactor for clean text, and the cost of text with hits.
//!
//! `cargo bench --bench redact`. `REDACT_TEXT=FILE` adds your file, one value per line. The group `ratio` measures
//! candidates that may only be compared within one run: the redactor, the regular expressions of the same detectors as
//! one `RegexSet`, and a bare search for the literals with `aho-corasick`. That search finds only literals and is
//! therefore an upper bound for the throughput of a scan.

use std::hint::black_box;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use aho_corasick::{AhoCorasick, MatchKind};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use regex::bytes::RegexSet;
use ringseal::redact::{KeyClass, LiteralRule, RedactOutcome, Redactor, RuleSet, Rules, TokenRule};

/// Values one after another in one buffer, with record headers between them.
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

fn uuid(lcg: &mut Lcg) -> String {
    let mut part = |bits: u32| lcg.next(1 << bits);
    format!(
        "{:08x}-{:04x}-4{:03x}-a{:03x}-{:06x}{:06x}",
        part(31),
        part(16),
        part(12),
        part(12),
        part(24),
        part(24)
    )
}

fn service(lcg: &mut Lcg) -> String {
    format!(
        "2024-07-12T21:{:02}:{:02}.{:03}Z INFO [worker-{}] {}: {} id={} took={}us rows={} offset={} rate={}.{:02}/s from 10.{}.{}.{}:{}",
        lcg.next(60),
        lcg.next(60),
        lcg.next(1000),
        lcg.next(16),
        WORDS[lcg.next(32) as usize],
        WORDS[lcg.next(32) as usize],
        uuid(lcg),
        lcg.next(100_000),
        lcg.next(10_000),
        lcg.next(1 << 40),
        lcg.next(1000),
        lcg.next(100),
        lcg.next(256),
        lcg.next(256),
        lcg.next(256),
        lcg.next(60_000),
    )
}

/// A service's JSON line within a text; whole JSON documents are read by their leaves.
fn json_text(lcg: &mut Lcg) -> String {
    format!(
        "event {{\"ts\":\"2024-07-12T21:{:02}:{:02}.{:06}Z\",\"level\":\"info\",\"msg\":\"{} {}\",\"request_id\":\"{}\",\"trace_id\":\"{:016x}{:016x}\",\"status\":{},\"duration_ms\":{}.{},\"bytes\":{},\"path\":\"/api/v1/items/{}\",\"method\":\"GET\",\"shard\":{}}}",
        lcg.next(60),
        lcg.next(60),
        lcg.next(1_000_000),
        WORDS[lcg.next(32) as usize],
        WORDS[lcg.next(32) as usize],
        uuid(lcg),
        lcg.next(1 << 62),
        lcg.next(1 << 62),
        200 + lcg.next(300),
        lcg.next(1000),
        lcg.next(1000),
        lcg.next(1 << 20),
        lcg.next(100_000),
        lcg.next(64),
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
        ("service", texts(service)),
        ("json_text", texts(json_text)),
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
                    redactor.mark_dirty(black_box(&stretch.bytes), &stretch.values, &mut dirty);
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
                black_box(outcome == RedactOutcome::Clean)
            });
        });
    }
    group.finish();
}

/// Lines of which each holds several secrets.
fn full_of_hits(n: u64) -> String {
    match n % 5 {
        0 => format!("user{n}@example.com logged in from 10.0.0.{} password=hunter{n}x", n % 250),
        1 => format!("ann{n}@mail.example.org or +49 30 {:08} card 4111 1111 1111 1111", n * 7919),
        2 => format!("api_key=\"AbC{n}dEfGh8x7K2mQ9z\" session_id=ab{n}cdef token=k9Qz{n}L2mXq8"),
        3 => format!(
            "event {{\"password\": \"p{n}w0rd!\", \"secret\": \"s3cr3t{n}\"}} of x{n}@y.example.com"
        ),
        _ => format!(
            "Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIi{n}xMjM0NTY3.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9 id={n}"
        ),
    }
}

/// Text whose secrets are masked, so that it is rewritten.
fn hits(c: &mut Criterion) {
    let mut group = c.benchmark_group("hits");
    group.sample_size(20).warm_up_time(Duration::from_millis(200));
    group.measurement_time(Duration::from_millis(500));
    let mut redactor = Redactor::new(Arc::new(Rules::standard()));
    let lines: Vec<String> = (0..1000).map(full_of_hits).collect();
    let bytes: usize = lines.iter().map(String::len).sum();
    group.throughput(Throughput::Bytes(bytes as u64));
    let mut out = Vec::with_capacity(4096);
    group.bench_function("lines", |b| {
        b.iter(|| {
            let replaced = |line: &&String| {
                out.clear();
                let line = black_box(line.as_bytes());
                redactor.value(KeyClass::Plain, line, false, &mut out) == RedactOutcome::Replaced
            };
            assert_eq!(lines.iter().filter(replaced).count(), lines.len());
        });
    });
    group.finish();
}

/// One check per record, as the writer does it.
fn record(c: &mut Criterion) {
    let mut group = c.benchmark_group("record");
    group.sample_size(20).warm_up_time(Duration::from_millis(200));
    group.measurement_time(Duration::from_millis(500));
    let mut redactor = Redactor::new(Arc::new(Rules::standard()));
    type Make = fn(&mut Lcg) -> Vec<String>;
    let kinds: [(&str, Make); 3] = [
        ("2_words", |lcg| {
            let mut word = || WORDS[lcg.next(32) as usize].to_owned();
            vec![format!("{} {}", word(), word()), word()]
        }),
        ("4_mixed", |lcg| {
            let path = format!("/api/v1/items/{}", lcg.next(100_000));
            let peer = format!("10.1.{}.{}:{}", lcg.next(256), lcg.next(256), lcg.next(60_000));
            vec![path, peer, uuid(lcg), WORDS[lcg.next(32) as usize].to_owned()]
        }),
        ("6_mixed", |lcg| {
            let path = format!("/api/v1/items/{}", lcg.next(100_000));
            let took = format!("{}.{:03}ms", lcg.next(256), lcg.next(1000));
            let span = format!("{:016x}", lcg.next(1 << 62));
            let word = || WORDS[7].to_owned();
            vec![path, took, uuid(lcg), word(), span, "AAPL.NASDAQ.US".to_owned()]
        }),
    ];
    for (name, make) in kinds {
        let mut lcg = Lcg(9);
        let records: Vec<Stretch> =
            (0..1000).map(|_| Stretch::of(make(&mut lcg).iter().map(String::as_bytes))).collect();
        group.throughput(Throughput::Elements(records.len() as u64));
        group.bench_function(name, |b| {
            b.iter(|| {
                let clean = |r: &&Stretch| redactor.is_clean(black_box(&r.bytes), &r.values);
                records.iter().filter(clean).count()
            });
        });
    }
    group.finish();
}

/// The cost of each doubling of the number of user-defined literals.
fn literals(c: &mut Criterion) {
    let mut group = c.benchmark_group("literals");
    group.sample_size(20).warm_up_time(Duration::from_millis(200));
    group.measurement_time(Duration::from_millis(500));
    let stretch = texts(prose);
    for n in [0, 200, 400, 800] {
        let mut set = RuleSet::default();
        let mut lcg = Lcg(3);
        for i in 0..n {
            let text = format!("{:08x}{i}", lcg.next(1 << 32)).into_bytes();
            set.literals.push(LiteralRule { name: format!("own{i}"), text });
        }
        let mut redactor = Redactor::new(Arc::new(Rules::compile(&set).expect("good rules")));
        group.throughput(Throughput::Bytes(stretch.bytes.len() as u64));
        let mut dirty = Vec::new();
        group.bench_function(BenchmarkId::from_parameter(n), |b| {
            b.iter(|| redactor.mark_dirty(black_box(&stretch.bytes), &stretch.values, &mut dirty));
        });
    }
    group.finish();
}

/// The detectors as regular expressions, in the usual form of scanners.
fn expressions() -> RegexSet {
    let mut all = vec![
        r"(?-u)[A-Za-z0-9._%+-]{1,64}(@|%40)[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,24}"
            .to_owned(),
        r"(?-u)\+[0-9][0-9 .()-]{6,18}[0-9]".to_owned(),
        r"(?-u)\(?[2-9][0-9]{2}\)?[ .-][2-9][0-9]{2}[ .-][0-9]{4}".to_owned(),
        r"(?-u)(?i:phone|tel|mobile|call|sms|fax)[^a-z0-9]{0,4}[0-9][0-9 .-]{5,16}[0-9]".to_owned(),
        r"(?-u)\b[2-6][0-9]{3}[ -]?[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{1,7}\b".to_owned(),
        r"(?-u)\b[0-9]{3}-[0-9]{2}-[0-9]{4}\b".to_owned(),
        r"(?-u)\b[A-Z]{2}[0-9]{2}( ?[A-Z0-9]{4}){3,7}( ?[A-Z0-9]{1,3})?\b".to_owned(),
        r"(?-u)eyJ[A-Za-z0-9_-]+\.eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*".to_owned(),
        r"(?-u)(?i:bearer)[ :]+[A-Za-z0-9._~+/-]{16,}".to_owned(),
        r"(?-u)(?i:basic) [A-Za-z0-9+/]{8,}=*".to_owned(),
        r"(?-u)://[^/@: ]+:[^/@ ]+@".to_owned(),
        r#"(?-u)(?i:password|passwd|pwd|secret|token|api_?key|credential|cookie)["']?\s*[:=]"#
            .to_owned(),
        r"(?-u)-----BEGIN [A-Z ]*PRIVATE KEY".to_owned(),
        r"(?-u)\$(2[aby]|5|6|argon2[a-z]*)\$".to_owned(),
        r"(?-u)(?i:token|secret|key|auth)\W{1,16}[a-fA-F0-9]{32,128}".to_owned(),
    ];
    // Provider tokens: the most common of the redactor's 190.
    for literal in
        ["AKIA", "ASIA", "AIza", "ghp_", "gho_", "ghs_", "glpat-", "xoxb-", "xoxp-", "sk_live_"]
    {
        all.push(format!("(?-u){literal}[A-Za-z0-9_-]{{16,80}}"));
    }
    RegexSet::new(all).expect("good expressions")
}

/// Literals as long as the redactor's shortest useful ones.
const BOUND: [&str; 20] = [
    "password",
    "secret",
    "token",
    "apikey",
    "AKIA",
    "ghp_",
    "xoxb-",
    "sk_live_",
    "eyJ",
    "BEGIN",
    "bearer",
    "basic",
    "glpat-",
    "hvs.",
    "npm_",
    "pypi-",
    "AIza",
    "authorization",
    "cookie",
    "gho_",
];

fn ratio(c: &mut Criterion) {
    let mut group = c.benchmark_group("ratio");
    group.sample_size(10).warm_up_time(Duration::from_millis(200));
    group.measurement_time(Duration::from_millis(500));
    let mut redactor = Redactor::new(Arc::new(Rules::standard()));
    let set = expressions();
    let mut search = AhoCorasick::builder();
    let search = search.match_kind(MatchKind::LeftmostFirst).build(BOUND).expect("good literals");
    for (name, stretch) in
        [("prose", texts(prose)), ("service", texts(service)), ("json_text", texts(json_text))]
    {
        let values =
            || stretch.values.iter().map(|r| &stretch.bytes[r.start as usize..r.end as usize]);
        let bytes: usize = values().map(<[u8]>::len).sum();
        group.throughput(Throughput::Bytes(bytes as u64));
        let mut dirty = Vec::new();
        group.bench_function(BenchmarkId::new("redactor", name), |b| {
            b.iter(|| redactor.mark_dirty(black_box(&stretch.bytes), &stretch.values, &mut dirty));
        });
        group.bench_function(BenchmarkId::new("regex_set", name), |b| {
            b.iter(|| values().filter(|v| set.is_match(black_box(v))).count());
        });
        group.bench_function(BenchmarkId::new("aho_corasick_bulk", name), |b| {
            b.iter(|| search.find_iter(black_box(&stretch.bytes)).count());
        });
    }
    group.finish();
}

criterion_group!(benches, bulk, single, hits, record, literals, ratio);
criterion_main!(benches);
