//! The time stamp counter, which times the calls and is the clock of the floors.
//!
//! Needs x86-64 with an invariant TSC. Invariant of this file: 1. `_rdtsc` and `_mm_lfence` have no
//! precondition on x86-64 (SSE2 is part of the architecture); they are unsafe by signature alone.
#![allow(unsafe_code)]

use std::arch::x86_64::{_mm_lfence, _rdtsc};
use std::time::{Duration, Instant};

/// Reads the counter without fences, as a logger would.
#[inline(always)]
pub fn now() -> u64 {
    // SAFETY: invariant 1.
    unsafe { _rdtsc() }
}

/// The counter at the start of a timed stretch: earlier work has retired, and no later work has
/// begun. Without the fences the timed calls would overlap with the counter's own latency.
#[inline(always)]
pub fn start() -> u64 {
    // SAFETY: invariant 1.
    unsafe { _mm_lfence() };
    let ticks = now();
    // SAFETY: invariant 1.
    unsafe { _mm_lfence() };
    ticks
}

/// The counter at the end of the timed code: all timed instructions have retired (their stores may still be in the
/// store buffer, as after a log call).
#[inline(always)]
pub fn stop() -> u64 {
    // SAFETY: invariant 1.
    unsafe { _mm_lfence() };
    now()
}

/// Ticks per second, measured against the monotonic clock over `window`.
pub fn calibrate(window: Duration) -> f64 {
    let pair = || (now(), Instant::now());
    let (ticks0, time0) = pair();
    while time0.elapsed() < window {
        std::hint::spin_loop();
    }
    let (ticks1, time1) = pair();
    (ticks1 - ticks0) as f64 / (time1 - time0).as_secs_f64()
}

/// Spins until the counter reaches `deadline`.
#[inline]
pub fn spin_until(deadline: u64) {
    while now() < deadline {
        std::hint::spin_loop();
    }
}
