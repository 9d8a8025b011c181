//! Atomics of the ring: the standard library's, or loom's when it is being model-checked (`--cfg loom`).

#[cfg(not(loom))]
pub(crate) use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

#[cfg(loom)]
pub(crate) use loom::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// Called in a loop that waits for another thread for a few microseconds.
#[cfg(not(loom))]
pub(crate) use std::hint::spin_loop as spin_wait;

#[cfg(loom)]
pub(crate) use loom::thread::yield_now as spin_wait;

/// Keeps what one side writes off the cache lines that the other side reads.
///
/// 128 bytes: x86 prefetches lines in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct CachePadded<T>(pub(crate) T);
