//! An allocator that counts the allocations of each thread.
//!
//! Invariant of this file: 1. every call is forwarded to the system's allocator; counting uses only a thread-local
//! without a destructor.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

/// The allocations of the calling thread so far; a growing one counts again.
pub fn count() -> u64 {
    COUNT.get()
}

fn add() {
    COUNT.set(COUNT.get() + 1);
}

struct Counting;

// SAFETY: invariant 1.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        add();
        // SAFETY: invariant 1; the caller upholds the contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        add();
        // SAFETY: invariant 1; the caller upholds the contract.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        add();
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::hint::black_box;

    #[test]
    fn each_thread_counts_what_it_allocates() {
        let before = count();
        black_box(Box::new(7));
        std::thread::scope(|scope| {
            let other = scope.spawn(|| {
                let before = count();
                (0..100).for_each(|number| drop(black_box(Box::new(number))));
                count() - before
            });
            assert_eq!(other.join().ok(), Some(100));
        });
        let here = count() - before;
        assert!((1..100).contains(&here), "{here} allocations of this thread");
    }
}
