//! Each primitive of `encode` against its usual alternative.
//!
//! `cargo bench --bench encode [-- FILTER]`. Times are for many different values, written into one vector whose memory
//! is warm; read criterion's elements per second, or divide. Kinds whose cost depends on branches use [`MANY`] values,
//! more than a branch predictor can learn.
#![allow(missing_docs)]
use std::hint::black_box;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use ringseal::internals::encode::{Fragment, Out, Subsecond, TimeCache, Unit};

/// Values that fit into the first-level cache.
const FEW: usize = 256;
/// More values than a branch predictor can learn.
const MANY: usize = 1 << 17;

/// A small generator of numbers that look random (Marsaglia's xorshift).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

fn values<T>(count: usize, of: impl Fn(u64) -> T) -> Vec<T> {
    let mut numbers = Numbers(0x9E37_79B9_7F4A_7C15);
    (0..count).map(|_| of(numbers.next())).collect()
}

fn few<T>(of: impl Fn(u64) -> T) -> Vec<T> {
    values(FEW, of)
}

fn many<T>(of: impl Fn(u64) -> T) -> Vec<T> {
    values(MANY, of)
}

type Group<'a> = BenchmarkGroup<'a, WallTime>;

/// Through `Out`.
fn ours<T>(group: &mut Group<'_>, name: &str, values: &[T], write: impl Fn(&mut Out<'_>, &T)) {
    let mut line = Vec::with_capacity(4 << 20);
    group.throughput(Throughput::Elements(values.len() as u64));
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            line.clear();
            let mut out = Out::new(&mut line);
            for value in black_box(values) {
                write(&mut out, value);
            }
            drop(out);
            black_box(line.as_ptr());
        });
    });
}

/// Directly into the vector.
fn theirs<T>(group: &mut Group<'_>, name: &str, values: &[T], write: impl Fn(&mut Vec<u8>, &T)) {
    let mut line = Vec::with_capacity(4 << 20);
    group.throughput(Throughput::Elements(values.len() as u64));
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            line.clear();
            for value in black_box(values) {
                write(&mut line, value);
            }
            black_box(line.as_ptr());
        });
    });
}

/// The event of the published comparisons: a counter, a price, a symbol of 16 bytes, a quantity.
struct Event {
    unix_nanos: i64,
    seq: u64,
    price: f64,
    symbol: [u8; 16],
    quantity: i32,
}

fn events() -> Vec<Event> {
    let mut events = few(|number| Event {
        unix_nanos: 0,
        seq: 0,
        price: (number % 1_000_000) as f64 / 100.0,
        symbol: format!("{:016X}", number).into_bytes().try_into().unwrap(),
        quantity: (number % 10_000) as i32,
    });
    for (index, event) in events.iter_mut().enumerate() {
        event.seq = 1_234_000 + index as u64;
        event.unix_nanos = 1_795_360_160_000_000_000 + 117 * index as i64;
    }
    events
}

const PIECES: [&[u8]; 6] = [
    b"{\"timestamp\":\"",
    b"\",\"level\":\"info\",\"event\":\"order filled\",\"target\":\"exchange::gateway\",\"seq\":",
    b",\"price\":",
    b",\"sym\":",
    b",\"qty\":",
    b"}\n",
];

fn event(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("event");
    let events = events();
    let fragments = PIECES.map(Fragment::new);
    let mut line = Vec::with_capacity(1 << 20);
    let mut cache = TimeCache::new();
    group.throughput(Throughput::Elements(FEW as u64));
    group.bench_function("ours", |bencher| {
        bencher.iter(|| {
            line.clear();
            for event in black_box(&events) {
                write_event(&mut line, &mut cache, &fragments, event);
            }
            black_box(line.as_ptr());
        });
    });
    theirs(&mut group, "extend_from_slice, itoa, zmij", &events, |line, event| {
        line.extend_from_slice(PIECES[0]);
        line.extend_from_slice(b"2026-11-22T15:09:20.");
        let micros = event.unix_nanos / 1_000 % 1_000_000 + 1_000_000;
        line.extend_from_slice(&itoa::Buffer::new().format(micros).as_bytes()[1..]);
        line.push(b'Z');
        line.extend_from_slice(PIECES[1]);
        line.extend_from_slice(itoa::Buffer::new().format(event.seq).as_bytes());
        line.extend_from_slice(PIECES[2]);
        line.extend_from_slice(zmij::Buffer::new().format(event.price).as_bytes());
        line.extend_from_slice(PIECES[3]);
        line.push(b'"');
        if event.symbol.iter().all(|&b| b >= 0x20 && b != b'"' && b != b'\\') {
            line.extend_from_slice(&event.symbol);
        }
        line.push(b'"');
        line.extend_from_slice(PIECES[4]);
        line.extend_from_slice(itoa::Buffer::new().format(event.quantity).as_bytes());
        line.extend_from_slice(PIECES[5]);
    });
    group.finish();
}

#[inline(never)]
fn write_event(line: &mut Vec<u8>, cache: &mut TimeCache, pieces: &[Fragment; 6], event: &Event) {
    let mut out = Out::new(line);
    out.reserve(320);
    out.key(&pieces[0]).timestamp(cache, event.unix_nanos, Subsecond::Micros);
    out.key(&pieces[1]).u64(event.seq);
    out.key(&pieces[2]).f64(event.price);
    out.key(&pieces[3]).string(&event.symbol);
    out.key(&pieces[4]).i64(i64::from(event.quantity));
    out.fragment(&pieces[5]);
}

fn integers(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("integer");
    for (name, digits) in [("1-2", 2), ("1-4", 4), ("7", 7), ("10", 10), ("13", 13), ("19", 19)] {
        let end = 10u64.pow(digits);
        let floor = if digits <= 4 { 0 } else { end / 10 };
        let values = many(|number| floor + number % (end - floor));
        ours(&mut group, &format!("{name} digits/ours"), &values, |out, value| out.u64(*value));
        theirs(&mut group, &format!("{name} digits/itoa"), &values, |line, value| {
            line.extend_from_slice(itoa::Buffer::new().format(*value).as_bytes());
        });
    }
    let mixed = many(|number| number as i64 >> (number % 64));
    ours(&mut group, "mixed/ours", &mixed, |out, value| out.i64(*value));
    theirs(&mut group, "mixed/itoa", &mixed, |line, value| {
        line.extend_from_slice(itoa::Buffer::new().format(*value).as_bytes());
    });
    let wide = many(|number| u128::from(number) << 60);
    ours(&mut group, "u128/ours", &wide, |out, value| out.u128(*value));
    theirs(&mut group, "u128/itoa", &wide, |line, value| {
        line.extend_from_slice(itoa::Buffer::new().format(*value).as_bytes());
    });
    group.finish();
}

fn floats(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("float");
    let table = [
        ("integers", many(|number| (number % 100_000) as f64)),
        ("2 decimals", many(|number| (number % 1_000_000) as f64 / 100.0)),
        ("6 decimals", many(|number| (number % 1_000_000_000) as f64 / 1e6)),
        ("17 digits", many(|number| (number >> 11) as f64 / (1u64 << 53) as f64)),
        ("any", many(|number| f64::from_bits(number & !(1 << 62)))),
    ];
    for (name, values) in table {
        ours(&mut group, &format!("{name}/ours"), &values, |out, value| out.f64(*value));
        theirs(&mut group, &format!("{name}/zmij"), &values, |line, value| {
            line.extend_from_slice(zmij::Buffer::new().format(*value).as_bytes());
        });
        theirs(&mut group, &format!("{name}/ryu"), &values, |line, value| {
            line.extend_from_slice(ryu::Buffer::new().format(*value).as_bytes());
        });
    }
    group.finish();
}

fn strings(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("string");
    let of_len = |len: usize| few(move |number| format!("{number:0len$}")[..len].to_owned());
    let table = [
        ("3", of_len(3)),
        ("8", of_len(8)),
        ("16", of_len(16)),
        ("24", of_len(24)),
        ("48", of_len(48)),
        ("100", of_len(100)),
        ("300", of_len(300)),
        ("2000", of_len(2000)),
        ("1-32 mixed", many(|number| "x".repeat(1 + (number % 32) as usize))),
        ("48, one quote", few(|number| format!("{:>20}\"{number:027}", number % 1000))),
        ("json in 100", few(|number| format!("{{\"name\":\"value\",\"number\":{number:074}}}"))),
        ("cyrillic 40", few(|number| format!("ошибка соединения: {number:05}"))),
        ("quotes “” 40", few(|number| format!("the file “{number:012}” isn’t there …"))),
    ];
    for (name, values) in table {
        ours(&mut group, &format!("{name}/ours"), &values, |out, v| out.string(v.as_bytes()));
        ours(&mut group, &format!("{name}/lossy"), &values, |out, v| {
            out.string_lossy(v.as_bytes());
        });
        ours(&mut group, &format!("{name}/text"), &values, |out, v| out.text(v.as_bytes()));
        theirs(&mut group, &format!("{name}/serde_json"), &values, |line, v| {
            serde_json::to_writer(line, v).unwrap();
        });
    }
    // The same lengths as in "1-32 mixed", from records that have more bytes after the string.
    let record = [b'x'; 96];
    let lens = many(|number| 1 + (number % 32) as usize);
    ours(&mut group, "1-32 mixed/of a record", &lens, |out, len| out.string_of(&record, *len));
    group.finish();
}

fn times(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("time");
    let same = few(|number| 1_795_360_160_000_000_000 + (number % 1_000_000_000) as i64);
    let mut cache = TimeCache::new();
    let mut line = Vec::with_capacity(1 << 20);
    group.throughput(Throughput::Elements(FEW as u64));
    for digits in [Subsecond::Millis, Subsecond::Micros, Subsecond::Nanos] {
        group.bench_function(format!("cached/{digits:?}"), |bencher| {
            bencher.iter(|| {
                line.clear();
                let mut out = Out::new(&mut line);
                for nanos in black_box(&same) {
                    out.timestamp(&mut cache, *nanos, digits);
                }
                drop(out);
                black_box(line.as_ptr());
            });
        });
    }
    let seconds = few(|number| (number as i64 >> 31, number as u32 % 1_000_000_000));
    ours(&mut group, "any second", &seconds, |out, (secs, nanos)| {
        out.system_time(*secs, *nanos, Subsecond::Micros);
    });
    let spans = few(|number| (number >> 55, number as u32 % 1_000_000_000));
    for unit in [Unit::Seconds, Unit::Millis, Unit::Nanos] {
        ours(&mut group, &format!("duration/{unit:?}"), &spans, |out, (secs, nanos)| {
            out.duration(*secs, *nanos, unit);
        });
    }
    theirs(&mut group, "duration/std format", &spans, |line, (secs, nanos)| {
        write!(line, "{secs}.{nanos:09}").unwrap();
    });
    group.finish();
}

fn others(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("other");
    let ids = few(|number| (u128::from(number) * 0x9E37_79B9_7F4A_7C15_1234).to_be_bytes());
    ours(&mut group, "uuid/ours", &ids, |out, id| out.uuid(id));
    ours(&mut group, "hex16/ours", &ids, |out, id| out.hex(id));
    theirs(&mut group, "hex16/table", &ids, |line, id| {
        for byte in id {
            let digits = b"0123456789abcdef";
            line.push(digits[usize::from(byte >> 4)]);
            line.push(digits[usize::from(byte & 15)]);
        }
    });
    let v4 = few(|number| IpAddr::V4(Ipv4Addr::from(number as u32)));
    let v6 = few(|number| IpAddr::V6(Ipv6Addr::from(u128::from(number) | 0x2001_0db8 << 96)));
    for (name, addresses) in [("ipv4", v4), ("ipv6", v6)] {
        ours(&mut group, &format!("{name}/ours"), &addresses, |out, address| out.ip(*address));
        theirs(&mut group, &format!("{name}/std"), &addresses, |line, address| {
            write!(line, "{address}").unwrap();
        });
    }
    let flags = few(|number| number & 1 == 1);
    ours(&mut group, "bool", &flags, |out, flag| out.bool(*flag));
    let short = Fragment::new(b",\"price\":");
    let long = Fragment::new(PIECES[1]);
    ours(&mut group, "fragment 9", &flags, |out, _| out.fragment(&short));
    ours(&mut group, "fragment 77", &flags, |out, _| out.fragment(&long));
    theirs(&mut group, "extend_from_slice 9", &flags, |line, _| {
        line.extend_from_slice(black_box(PIECES[2]));
    });
    theirs(&mut group, "extend_from_slice 77", &flags, |line, _| {
        line.extend_from_slice(black_box(PIECES[1]));
    });
    group.finish();
}

criterion_group!(benches, event, integers, floats, strings, times, others);
criterion_main!(benches);
