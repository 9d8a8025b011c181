//! Counts the allocations of a thread, and their bytes. A test that uses this crate has its allocator as the global
//! one.
//!
//! 1. The allocator only counts, and passes every call on to that of the system.
#![allow(unsafe_code, reason = "a global allocator cannot be had without")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    /// The allocations so far, while they are counted.
    static COUNT: Cell<Option<u64>> = const { Cell::new(None) };
    /// Bytes that the thread has allocated and not freed. What others allocated and this one frees counts, too.
    static LIVE_BYTES: Cell<usize> = const { Cell::new(0) };
    /// The most of them so far.
    static PEAK_BYTES: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

fn count(bytes: usize) {
    // Without a destructor, so that it can be read while the thread ends.
    COUNT.set(COUNT.get().map(|count| count + 1));
    let live = LIVE_BYTES.get().saturating_add(bytes);
    LIVE_BYTES.set(live);
    PEAK_BYTES.set(PEAK_BYTES.get().max(live));
}

fn discount(bytes: usize) {
    LIVE_BYTES.set(LIVE_BYTES.get().saturating_sub(bytes));
}

// SAFETY: invariant 1; counting uses only a thread-local without a destructor, and does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: invariant 1; the caller upholds the contract of `System`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: invariant 1; the caller upholds the contract of `System`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Both exist while the bytes are moved.
        count(size);
        discount(layout.size());
        // SAFETY: invariant 1; the caller upholds the contract of `System`.
        unsafe { System.realloc(memory, layout, size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        discount(layout.size());
        // SAFETY: invariant 1; the caller upholds the contract of `System`.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Runs `action`; also returns how often the calling thread has allocated meanwhile. Not inside of another such call.
///
/// ```
/// use ringseal_counting_allocator::allocations;
/// assert_eq!(allocations(|| 1 + 1), (2, 0));
/// assert_eq!(allocations(|| vec![1, 2, 3].len()), (3, 1));
/// ```
pub fn allocations<T>(action: impl FnOnce() -> T) -> (T, u64) {
    COUNT.set(Some(0));
    let result = action();
    (result, COUNT.take().unwrap_or_default())
}

/// Runs `action`; also returns the most bytes that the calling thread had allocated at a time meanwhile, beyond those
/// before.
///
/// ```
/// use ringseal_counting_allocator::peak_bytes;
/// assert_eq!(peak_bytes(|| drop(Vec::<u8>::with_capacity(1000))), ((), 1000));
/// ```
pub fn peak_bytes<T>(action: impl FnOnce() -> T) -> (T, usize) {
    let before = LIVE_BYTES.get();
    PEAK_BYTES.set(before);
    let result = action();
    (result, PEAK_BYTES.get() - before)
}
