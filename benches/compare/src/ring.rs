//! The byte rings of the floors: 1 MiB, records of 56 bytes.
//!
//! `Private` has no reader and no shared index: the cost of encoding alone. `Producer`/`Consumer` are the two ends of a
//! single-producer, single-consumer ring. They do not allocate after their creation; if the ring is full, the producer
//! spins. Every page is touched when a ring is made.
//!
//! Invariants:
//! 1. `base` points to `RING_BYTES` bytes that live as long as the ring, aligned to 64.
//! 2. An offset passed to `encode` or `decode` is at most `RING_BYTES - RECORD_BYTES` and a multiple of 8 (positions
//!    only move by `RECORD_BYTES` or to the next multiple of `RING_BYTES`).
//! 3. Bytes between `tail` and `head` belong to the consumer, all others to the producer.
#![allow(unsafe_code)]

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes in a ring; a power of two.
pub const RING_BYTES: u64 = 1 << 20;
/// Bytes in a record: header, ticks, seq, price, length and quantity, 16 bytes of symbol.
pub const RECORD_BYTES: u64 = 56;
/// The number of bytes that the consumer reads before it releases the space.
const COMMIT_BYTES: u64 = 64 << 10;
const CALLSITE: u32 = 7;

/// A record, read back.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub struct Record {
    /// Length of the record in bytes and the id of its call site.
    head: [u32; 2],
    /// Time stamp counter at the call.
    pub ticks: u64,
    /// The event's fields.
    pub seq: u64,
    /// See `seq`.
    pub price: f64,
    /// Length of the symbol in bytes; always 16 here.
    sym_len: u32,
    /// See `seq`.
    pub qty: i32,
    /// See `seq`.
    pub sym: [u8; 16],
}

const _: () = assert!(size_of::<Record>() == RECORD_BYTES as usize);

impl Record {
    /// A record of the event. Panics unless the symbol has 16 bytes: this floor is for one event, and a copy of fixed
    /// length is the cheapest.
    #[inline(always)]
    pub fn new(ticks: u64, seq: u64, price: f64, sym: &str, qty: i32) -> Self {
        let sym: [u8; 16] = sym.as_bytes().try_into().expect("the symbol has 16 bytes");
        Self { head: [RECORD_BYTES as u32, CALLSITE], ticks, seq, price, sym_len: 16, qty, sym }
    }
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
fn place(at: u64) -> u64 {
    let offset = at & (RING_BYTES - 1);
    if offset > RING_BYTES - RECORD_BYTES { at + (RING_BYTES - offset) } else { at }
}

#[inline(always)]
fn encode(base: *mut u8, at: u64, record: Record) {
    let offset = (at & (RING_BYTES - 1)) as usize;
    // SAFETY: invariants 1, 2 and 3: in bounds, aligned to 8, and owned by the producer.
    unsafe { base.add(offset).cast::<Record>().write(record) };
}

/// A ring without a reader.
pub struct Private {
    memory: Memory,
    head: u64,
}

impl Private {
    /// A warm ring.
    pub fn new() -> Self {
        Self { memory: std::hint::black_box(Memory::new()), head: 0 }
    }

    /// Writes the next record over the oldest.
    #[inline(always)]
    pub fn push(&mut self, record: Record) {
        let at = place(self.head);
        encode(self.memory.base, at, record);
        self.head = at + RECORD_BYTES;
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
pub struct Producer {
    base: *mut u8,
    head: u64,
    tail_seen: u64,
    shared: Arc<Shared>,
}

/// The reading end.
pub struct Consumer {
    shared: Arc<Shared>,
    tail: u64,
}

/// Both ends of a new ring.
pub fn ring() -> (Producer, Consumer) {
    let lines = || Line(AtomicU64::new(0));
    let shared = Arc::new(Shared { memory: Memory::new(), head: lines(), tail: lines() });
    let producer =
        Producer { base: shared.memory.base, head: 0, tail_seen: 0, shared: Arc::clone(&shared) };
    (producer, Consumer { shared, tail: 0 })
}

impl Producer {
    /// Publishes a record; spins while the ring is full.
    #[inline(always)]
    pub fn push(&mut self, record: Record) {
        let at = place(self.head);
        let next = at + RECORD_BYTES;
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

impl Consumer {
    /// Passes every published record to `each` and releases space every 64 KiB; returns the number of records.
    pub fn drain(&mut self, mut each: impl FnMut(&Record)) -> u64 {
        // ORDER: Acquire pairs with the Release store in `Producer::push`.
        let head = self.shared.head.0.load(Ordering::Acquire);
        let (mut committed, mut records) = (self.tail, 0);
        while self.tail < head {
            let at = place(self.tail);
            let offset = (at & (RING_BYTES - 1)) as usize;
            // SAFETY: invariants 1, 2 and 3: below `head`, so written and owned by the consumer.
            let record = unsafe { &*self.shared.memory.base.add(offset).cast::<Record>() };
            each(record);
            records += 1;
            self.tail = at + RECORD_BYTES;
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

    #[test]
    fn records_arrive_once_in_order_over_many_laps() {
        let (mut producer, mut consumer) = ring();
        let total = 200_000;
        let reader = std::thread::spawn(move || {
            let mut seen = 0;
            while seen < total {
                consumer.drain(|record| {
                    let expected =
                        Record::new(seen, seen, seen as f64 / 100.0, "0123456789abcdef", 3);
                    assert_eq!(*record, expected);
                    seen += 1;
                });
                std::thread::yield_now();
            }
        });
        for seq in 0..total {
            producer.push(Record::new(seq, seq, seq as f64 / 100.0, "0123456789abcdef", 3));
        }
        reader.join().expect("the reader saw what it expected");
    }
}
