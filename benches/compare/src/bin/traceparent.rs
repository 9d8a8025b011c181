//! Reads and writes the header `traceparent`: ringseal and other crates, interleaved, with the number of allocations.
//!
//! A separate program, because its allocator counts. `compare --family traceparent` runs it: arguments are the number
//! of rounds and of batches; it prints a record for each round and candidate. Each candidate reads a text and writes
//! what it has read, in the way that its documentation shows. A candidate whose output differs from the input is not
//! good.
//!
//! Invariant of this file: 1. every call is forwarded to the system's allocator.
#![allow(unsafe_code)]
#![allow(dead_code, reason = "the modules are those of the main program")]

#[path = "../stats.rs"]
mod stats;
#[path = "../tsc.rs"]
mod tsc;

use std::alloc::{GlobalAlloc, Layout, System};
use std::fmt::Write as _;
use std::hint::black_box;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use serde_json::{Value, json};

use stats::Summary;

/// Calls between two readings of the counter.
const BATCH: usize = 20;
/// Different headers, so that branches are not predicted by the text.
const HEADERS: usize = 64;

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: invariant 1.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: invariant 1; the caller upholds the contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: invariant 1; the caller upholds the contract.
        unsafe { System.realloc(memory, layout, bytes) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: invariant 1; the caller upholds the contract.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A crate that reads and writes the header.
trait Candidate {
    const NAME: &'static str;
    /// What is read.
    type Parsed;

    fn parse(&self, header: &str) -> Option<Self::Parsed>;

    /// Writes the header, and passes it to `sink`.
    fn write(&self, parsed: &Self::Parsed, sink: impl FnOnce(&str));
}

struct Ringseal;

impl Candidate for Ringseal {
    const NAME: &'static str = "ringseal";
    type Parsed = ringseal::trace_context::TraceParent;

    #[inline(always)]
    fn parse(&self, header: &str) -> Option<Self::Parsed> {
        ringseal::trace_context::TraceParent::parse(header).ok()
    }

    #[inline(always)]
    fn write(&self, parsed: &Self::Parsed, sink: impl FnOnce(&str)) {
        sink(parsed.write(&mut [0; 55]));
    }
}

/// A carrier with one header, cheaper than a map.
struct Carrier<'h>(&'h str);

impl Extractor for Carrier<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        (key == "traceparent").then_some(self.0)
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent"]
    }
}

/// Keeps the header `traceparent`.
#[derive(Default)]
struct Headers(String);

impl Injector for Headers {
    fn set(&mut self, key: &str, value: String) {
        if key == "traceparent" {
            self.0 = value;
        }
    }
}

struct OpenTelemetry(TraceContextPropagator, Context);

impl Candidate for OpenTelemetry {
    const NAME: &'static str = "opentelemetry_sdk";
    type Parsed = Context;

    #[inline(always)]
    fn parse(&self, header: &str) -> Option<Context> {
        Some(self.0.extract_with_context(&self.1, &Carrier(header)))
    }

    #[inline(always)]
    fn write(&self, parsed: &Context, sink: impl FnOnce(&str)) {
        let mut headers = Headers::default();
        self.0.inject_context(parsed, &mut headers);
        sink(&headers.0);
    }
}

/// A buffer to format into, so that `Display` does not have to allocate.
struct Buffer([u8; 64], usize);

impl std::fmt::Write for Buffer {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let room = self.0.get_mut(self.1..self.1 + text.len()).ok_or(std::fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.1 += text.len();
        Ok(())
    }
}

struct Emit;

impl Candidate for Emit {
    const NAME: &'static str = "emit_traceparent";
    type Parsed = emit_traceparent::Traceparent;

    #[inline(always)]
    fn parse(&self, header: &str) -> Option<Self::Parsed> {
        emit_traceparent::Traceparent::try_from_str(header).ok()
    }

    #[inline(always)]
    fn write(&self, parsed: &Self::Parsed, sink: impl FnOnce(&str)) {
        let mut buffer = Buffer([0; 64], 0);
        let is_written = write!(buffer, "{parsed}").is_ok();
        let text = std::str::from_utf8(&buffer.0[..buffer.1]).ok().filter(|_| is_written);
        sink(text.unwrap_or_default());
    }
}

struct Fastrace;

impl Candidate for Fastrace {
    const NAME: &'static str = "fastrace";
    type Parsed = fastrace::prelude::SpanContext;

    #[inline(always)]
    fn parse(&self, header: &str) -> Option<Self::Parsed> {
        fastrace::prelude::SpanContext::decode_w3c_traceparent(header)
    }

    #[inline(always)]
    fn write(&self, parsed: &Self::Parsed, sink: impl FnOnce(&str)) {
        sink(&parsed.encode_w3c_traceparent());
    }
}

/// Headers with different ids and both values of the flag `sampled`.
fn headers() -> Vec<String> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut word = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let header = |index: usize| {
        format!("00-{:016x}{:016x}-{:016x}-{:02x}", word(), word(), word(), index % 2)
    };
    (0..HEADERS).map(header).collect()
}

/// The ticks of each batch of `call`, and the allocations of a call.
fn time(batches: usize, mut call: impl FnMut(usize)) -> (Vec<u64>, f64) {
    let mut ticks = vec![u64::MAX; batches];
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    for (batch, slot) in ticks.iter_mut().enumerate() {
        let begin = tsc::start();
        for index in 0..BATCH {
            call((batch * BATCH + index) % HEADERS);
        }
        *slot = tsc::stop() - begin;
    }
    let allocations = ALLOCATIONS.load(Ordering::Relaxed) - before;
    (ticks, allocations as f64 / (batches * BATCH).max(1) as f64)
}

fn measure<C: Candidate>(candidate: &C, headers: &[String], batches: usize, tsc_hz: f64) -> Value {
    let parsed: Vec<C::Parsed> =
        headers.iter().filter_map(|header| candidate.parse(header)).collect();
    let is_same = |(parsed, header): (&C::Parsed, &String)| {
        let mut same = false;
        candidate.write(parsed, |text| same = text == header);
        same
    };
    let is_good = parsed.len() == HEADERS && parsed.iter().zip(headers).all(is_same);
    if !is_good {
        let complaint = "a header is not read, or written in another way";
        return json!({"candidate": C::NAME, "good": false, "complaint": complaint});
    }
    let parse = |index: usize| {
        black_box(candidate.parse(black_box(&headers[index])));
    };
    let write = |index: usize| {
        candidate.write(black_box(&parsed[index]), |text| {
            black_box(text);
        })
    };
    time(batches / 10, parse);
    let (parse_ticks, parse_allocations) = time(batches, parse);
    time(batches / 10, write);
    let (write_ticks, write_allocations) = time(batches, write);
    let ns = 1e9 / tsc_hz / BATCH as f64;
    json!({
        "candidate": C::NAME,
        "good": true,
        "parse": Summary::of(parse_ticks, ns),
        "write": Summary::of(write_ticks, ns),
        "parse_allocations": parse_allocations,
        "write_allocations": write_allocations,
    })
}

fn main() -> ExitCode {
    let mut numbers = std::env::args().skip(1).map_while(|word| word.parse::<usize>().ok());
    let (Some(rounds), Some(batches)) = (numbers.next(), numbers.next()) else {
        eprintln!("expected the number of rounds and of batches");
        return ExitCode::FAILURE;
    };
    let (headers, tsc_hz) = (headers(), tsc::calibrate(Duration::from_millis(300)));
    let opentelemetry = OpenTelemetry(TraceContextPropagator::new(), Context::new());
    for round in 0..rounds {
        for place in 0..4 {
            // Each round starts with another candidate.
            let mut record = match (place + round) % 4 {
                0 => measure(&Ringseal, &headers, batches, tsc_hz),
                1 => measure(&opentelemetry, &headers, batches, tsc_hz),
                2 => measure(&Emit, &headers, batches, tsc_hz),
                _ => measure(&Fastrace, &headers, batches, tsc_hz),
            };
            record["mode"] = json!("traceparent");
            record["round"] = json!(round);
            println!("{record}");
        }
    }
    ExitCode::SUCCESS
}
