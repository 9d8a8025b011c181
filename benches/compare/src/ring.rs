//! The byte rings of the floors: 1 MiB, records of constant size.
//!
//! `Private` has no reader and no shared index: the cost of encoding alone. `Producer`/`Consumer` are the two ends of a
//! single-producer, single-consumer ring. They do not allocate after their creation; if the ring is full, the producer
//! spins. Every page is touched when a ring is made.
//!
//! Invariants:
//! 1. `base` points to `RING_BYTES` bytes that live as long as the ring, aligned to 64.
//! 2. An offset passed to `encode` or `decode` is at most `RING_BYTES - R::BYTES` and a multiple of 8 (positions only
//!    move by `R::BYTES`, a multiple of 8, or to the next multiple of `RING_BYTES`). No `R` is aligned to more than 8.
//! 3. Bytes between `tail` and `head` belong to the consumer, all others to the producer.
#![allow(unsafe_code)]

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::record::Record;

/// Bytes in a ring; a power of two.
pub const RING_BYTES: u64 = 1 << 20;
/// The number of bytes that the consumer reads before it releases the space.
const COMMIT_BYTES: u64 = 64 << 10;

/// The size of `R`, checked when this is compiled for it.
const fn bytes_of<R: Record>() -> u64 {
    assert!(size_of::<R>().is_multiple_of(8) && align_of::<R>() <= 8, "invariant 2");
    size_of::<R>() as u64
}

/// The memory of a ring.
struct Memory {
    base: *mut u8,
}

// SAFETY: invariant 3: the two ends never touch the same byte at the same time.
unsafe impl Send for Memory {}
// SAFETY: as above.
unsafe impl Sync for Memory {}

impl Memory {
    const LAYOUT: Layout = match Layout::from_size_align(RING_BYTES as usize, 64) {
        Ok(layout) => layout,
        Err(_) => panic!("1 MiB aligned to 64 is a layout"),
    };

    fn new() -> Self {
        // SAFETY: the layout has a size other than 0. Establishes invariant 1.
        let base = unsafe { alloc_zeroed(Self::LAYOUT) };
        if base.is_null() {
            handle_alloc_error(Self::LAYOUT);
        }
        // SAFETY: invariant 1. Touches every page, so that no timed call causes a page fault.
        unsafe { base.write_bytes(0xa5, RING_BYTES as usize) };
        Self { base }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: invariant 1: allocated in `new` with the same layout.
        unsafe { dealloc(self.base, Self::LAYOUT) };
    }
}

/// Where the record for position `at` starts: `at` itself, or the next lap if it would not fit.
#[inline(always)]
fn place<R: Record>(at: u64) -> u64 {
    let offset = at & (RING_BYTES - 1);
    if offset > RING_BYTES - const { bytes_of::<R>() } { at + (RING_BYTES - offset) } else { at }
}

#[inline(always)]
fn encode<R: Record>(base: *mut u8, at: u64, record: R) {
    let offset = (at & (RING_BYTES - 1)) as usize;
    // SAFETY: invariants 1, 2 and 3: in bounds, aligned to 8, and owned by the producer.
    unsafe { base.add(offset).cast::<R>().write(record) };
}

/// A ring without a reader.
pub struct Private<R> {
    memory: Memory,
    head: u64,
    record: PhantomData<R>,
}

impl<R: Record> Private<R> {
    /// A warm ring.
    pub fn new() -> Self {
        Self { memory: std::hint::black_box(Memory::new()), head: 0, record: PhantomData }
    }

    /// Writes the next record over the oldest.
    #[inline(always)]
    pub fn push(&mut self, record: R) {
        let at = place::<R>(self.head);
        encode(self.memory.base, at, record);
        self.head = at + const { bytes_of::<R>() };
    }

    /// Positions used so far; keeps the compiler from dropping the stores.
    pub fn head(&self) -> u64 {
        self.head
    }
}

#[repr(align(128))]
struct Line(AtomicU64);

struct Shared {
    memory: Memory,
    /// Next position to write; stored by the producer.
    head: Line,
    /// Next position to read; stored by the consumer.
    tail: Line,
}

/// The writing end.
pub struct Producer<R> {
    base: *mut u8,
    head: u64,
    tail_seen: u64,
    shared: Arc<Shared>,
    record: PhantomData<R>,
}

/// The reading end.
pub struct Consumer<R> {
    shared: Arc<Shared>,
    tail: u64,
    record: PhantomData<R>,
}

/// Both ends of a new ring.
pub fn ring<R: Record>() -> (Producer<R>, Consumer<R>) {
    let lines = || Line(AtomicU64::new(0));
    let shared = Arc::new(Shared { memory: Memory::new(), head: lines(), tail: lines() });
    let producer = Producer {
        base: shared.memory.base,
        head: 0,
        tail_seen: 0,
        shared: Arc::clone(&shared),
        record: PhantomData,
    };
    (producer, Consumer { shared, tail: 0, record: PhantomData })
}

impl<R: Record> Producer<R> {
    /// Publishes a record; spins while the ring is full.
    #[inline(always)]
    pub fn push(&mut self, record: R) {
        let at = place::<R>(self.head);
        let next = at + const { bytes_of::<R>() };
        if next - self.tail_seen > RING_BYTES {
            self.wait(next);
        }
        encode(self.base, at, record);
        self.head = next;
        // ORDER: Release pairs with the Acquire load in `Consumer::drain`.
        self.shared.head.0.store(next, Ordering::Release);
    }

    #[cold]
    #[inline(never)]
    fn wait(&mut self, next: u64) {
        loop {
            // ORDER: Acquire pairs with the Release store in `Consumer::drain`.
            self.tail_seen = self.shared.tail.0.load(Ordering::Acquire);
            if next - self.tail_seen <= RING_BYTES {
                return;
            }
            std::hint::spin_loop();
        }
    }
}

impl<R: Record> Consumer<R> {
    /// Passes every published record to `each` and releases space every 64 KiB; returns the number of records.
    pub fn drain(&mut self, mut each: impl FnMut(&R)) -> u64 {
        // ORDER: Acquire pairs with the Release store in `Producer::push`.
        let head = self.shared.head.0.load(Ordering::Acquire);
        let (mut committed, mut records) = (self.tail, 0);
        while self.tail < head {
            let at = place::<R>(self.tail);
            let offset = (at & (RING_BYTES - 1)) as usize;
            // SAFETY: invariants 1, 2 and 3: below `head`, so written and owned by the consumer.
            let record = unsafe { &*self.shared.memory.base.add(offset).cast::<R>() };
            each(record);
            records += 1;
            self.tail = at + const { bytes_of::<R>() };
            if self.tail - committed >= COMMIT_BYTES {
                committed = self.tail;
                self.commit();
            }
        }
        if committed != self.tail {
            self.commit();
        }
        records
    }

    fn commit(&self) {
        // ORDER: Release pairs with the Acquire load in `Producer::wait`.
        self.shared.tail.0.store(self.tail, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Packed, Plain};

    fn arrive_once_in_order<R: Record + Send>() {
        let (mut producer, mut consumer) = ring::<R>();
        let total = 200_000;
        let reader = std::thread::spawn(move || {
            let mut seen = 0;
            while seen < total {
                consumer.drain(|record| {
                    let found = (record.ticks(), record.seq(), record.price(), record.qty());
                    assert_eq!(found, (seen, seen, seen as f64 / 100.0, -3));
                    assert_eq!(record.sym(), *b"0123456789abcdef");
                    seen += 1;
                });
                std::thread::yield_now();
            }
        });
        for seq in 0..total {
            producer.push(R::new(seq, seq, seq as f64 / 100.0, "0123456789abcdef", -3));
        }
        reader.join().expect("the reader saw what it expected");
    }

    #[test]
    fn records_arrive_once_in_order_over_many_laps() {
        arrive_once_in_order::<Plain>();
        arrive_once_in_order::<Packed>();
    }
}
