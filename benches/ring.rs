//! The ring alone: the cost of passing bytes to another thread, without logging.
//!
//! `cargo bench --bench ring [-- FILTER]`. Each function passes a burst of [`BURST_BYTES`]. Criterion's elements per
//! second are records, its bytes per second are bytes of records.
//!
//! - `ring/one thread/…`: a burst is granted, written and committed record by record, then read and released, all by
//!   one thread: this is the cost of the instructions of both sides and of the cache misses of a ring of that capacity.
//!   The difference to `memcpy` (the same copies and reads in plain memory of the same size) is the cost of the ring
//!   itself.
//! - `ring/two threads/…`: another thread reads while this one writes, at full speed: the cost of moving cache lines
//!   between cores. Both sides spin, then yield, so the result is meaningful only with two free cores.
//! - `channel/…`: the same bursts through `std::sync::mpsc` and `crossbeam-channel`, bounded to 1 MiB of records.
//!
//! To tune: take the smallest capacity at which the two-thread numbers for records of your size stop improving, and no
//! more than fits into the second-level cache (the one-thread numbers rise where it does not). A burst of events needs
//! a ring of its size, whichever ring is faster here; `end_to_end` measures that.
#![allow(missing_docs)]

use std::hint::black_box;
use std::sync::Barrier;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use ringseal::internals::ringbuf::{Consumer, Producer, ring};

#[path = "support/mod.rs"]
mod support;
use support::size;

/// Half of the smallest ring.
const BURST_BYTES: usize = 8 << 10;
const CAPACITIES: [usize; 4] = [16 << 10, 128 << 10, 1 << 20, 8 << 20];
const CHANNEL_BYTES: usize = 1 << 20;

type Group<'a> = BenchmarkGroup<'a, WallTime>;

fn group<'a>(criterion: &'a mut Criterion, name: &str, record_bytes: usize) -> Group<'a> {
    let mut group = criterion.benchmark_group(name);
    let (elements, bytes) = ((BURST_BYTES / record_bytes) as u64, BURST_BYTES as u64);
    group.throughput(Throughput::ElementsAndBytes { elements, bytes });
    group
}

/// Loads a word of each cache line, like a reader that reads everything.
fn read(bytes: &[u8]) {
    let word = |line: &[u8]| line.first_chunk().map_or(0, |word| u64::from_le_bytes(*word));
    black_box(bytes.chunks(64).map(word).fold(0, u64::wrapping_add));
}

/// Returns whether there was space.
fn send(producer: &mut Producer, record: &[u8]) -> bool {
    let Some(mut grant) = producer.grant(record.len()) else { return false };
    grant.bytes_mut()[..record.len()].copy_from_slice(record);
    grant.commit(record.len());
    true
}

/// Reads and releases all records; returns the number of bytes.
fn take(consumer: &mut Consumer) -> usize {
    consumer.poll();
    let mut taken = 0;
    loop {
        let bytes = consumer.readable();
        let len = bytes.len();
        if len == 0 {
            break;
        }
        read(bytes);
        consumer.advance(len);
        taken += len;
    }
    consumer.release();
    taken
}

/// Writes and reads bursts on one thread. `take` returns the number of bytes it found.
fn one_thread<const N: usize>(
    group: &mut Group<'_>,
    name: &str,
    mut send: impl FnMut(&[u8; N]) -> bool,
    mut take: impl FnMut() -> usize,
) {
    let record = [7; N];
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            for _ in 0..BURST_BYTES / N {
                assert!(send(black_box(&record)), "a burst fits");
            }
            let mut taken = 0;
            while taken < BURST_BYTES {
                taken += take();
            }
        });
    });
}

/// Bursts from this thread to another, from the first record until the last is read.
fn two_threads<const N: usize>(
    group: &mut Group<'_>,
    name: &str,
    mut send: impl FnMut(&[u8; N]) -> bool,
    mut take: impl FnMut() -> usize + Send,
) {
    let record = [7; N];
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|iters| {
            let records = iters as usize * (BURST_BYTES / N);
            let ready = Barrier::new(2);
            let (ready, take) = (&ready, &mut take);
            thread::scope(|scope| {
                let reader = scope.spawn(move || {
                    ready.wait();
                    let mut taken = 0;
                    while taken < records * N {
                        taken += retry_until_some(|| Some(take()).filter(|&len| len > 0));
                    }
                });
                ready.wait();
                let start = Instant::now();
                for _ in 0..records {
                    retry_until_some(|| send(black_box(&record)).then_some(()));
                }
                reader.join().expect("the reader ends");
                start.elapsed()
            })
        });
    });
}

/// Tries until it succeeds: spins for a while, then yields.
fn retry_until_some<T>(mut attempt: impl FnMut() -> Option<T>) -> T {
    let mut tries = 0u32;
    loop {
        if let Some(result) = attempt() {
            return result;
        }
        tries += 1;
        if tries.is_multiple_of(64) {
            thread::yield_now();
        } else {
            std::hint::spin_loop();
        }
    }
}

/// Plain memory that is written and read in the same places as a ring of that capacity.
fn memcpy<const N: usize>(group: &mut Group<'_>, capacity: usize) {
    let mut memory = vec![0xA5u8; capacity];
    let record = [7; N];
    let mut at = 0;
    group.bench_function(format!("memcpy/{}", size(capacity)), |bencher| {
        bencher.iter(|| {
            let burst = &mut memory[at..at + BURST_BYTES];
            for place in burst.chunks_exact_mut(N) {
                place.copy_from_slice(black_box(&record));
                black_box(place.as_ptr());
            }
            read(black_box(burst));
            at = (at + BURST_BYTES) % capacity;
        });
    });
}

fn rings<const N: usize>(criterion: &mut Criterion) {
    let mut one = group(criterion, &format!("ring/one thread/{N} B"), N);
    for capacity in CAPACITIES {
        memcpy::<N>(&mut one, capacity);
        let (mut producer, mut consumer) = ring(capacity);
        one_thread::<N>(
            &mut one,
            &size(capacity),
            |record| send(&mut producer, record),
            || take(&mut consumer),
        );
    }
    one.finish();
    let mut two = group(criterion, &format!("ring/two threads/{N} B"), N);
    for capacity in CAPACITIES {
        let (mut producer, mut consumer) = ring(capacity);
        two_threads::<N>(
            &mut two,
            &size(capacity),
            |record| send(&mut producer, record),
            || take(&mut consumer),
        );
    }
    two.finish();
}

fn channels<const N: usize>(criterion: &mut Criterion) {
    let messages = CHANNEL_BYTES / N;
    let (std_in, std_out) = mpsc::sync_channel::<[u8; N]>(messages);
    let (crossbeam_in, crossbeam_out) = crossbeam_channel::bounded::<[u8; N]>(messages);
    let std_send = |record: &[u8; N]| std_in.try_send(*record).is_ok();
    let crossbeam_send = |record: &[u8; N]| crossbeam_in.try_send(*record).is_ok();
    let taken = |message: Option<[u8; N]>| message.map_or(0, |bytes| black_box(&bytes).len());
    let mut one = group(criterion, &format!("channel/one thread/{N} B"), N);
    one_thread::<N>(&mut one, "std mpsc", std_send, || taken(std_out.try_recv().ok()));
    let crossbeam_take = || taken(crossbeam_out.try_recv().ok());
    one_thread::<N>(&mut one, "crossbeam", crossbeam_send, crossbeam_take);
    one.finish();
    let mut two = group(criterion, &format!("channel/two threads/{N} B"), N);
    two_threads::<N>(&mut two, "crossbeam", crossbeam_send, crossbeam_take);
    two_threads::<N>(&mut two, "std mpsc", std_send, move || taken(std_out.try_recv().ok()));
    two.finish();
}

fn all_rings(criterion: &mut Criterion) {
    rings::<32>(criterion);
    rings::<64>(criterion);
    rings::<128>(criterion);
    rings::<512>(criterion);
}

fn all_channels(criterion: &mut Criterion) {
    channels::<32>(criterion);
    channels::<64>(criterion);
    channels::<128>(criterion);
    channels::<512>(criterion);
}

criterion_group!(
    name = benches;
    config = support::settings(Duration::from_secs(2));
    targets = all_rings, all_channels
);
criterion_main!(benches);
