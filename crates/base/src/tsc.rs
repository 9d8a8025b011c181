//! The processor's time-stamp counter, where it can be trusted as a clock.
//!
//! # Invariants
//! 1. `rdtsc` and `cpuid` exist on every x86-64 processor, read no memory and have no other effect.
#![allow(unsafe_code)]

/// The counter now; 0 where there is none. Not serialising: a few nanoseconds of work around it may move across.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub fn ticks() -> u64 {
    // SAFETY: invariant 1.
    unsafe { std::arch::x86_64::_rdtsc() }
}

/// Whether the counter runs at one rate in all power states and on all cores (invariant TSC).
#[cfg(target_arch = "x86_64")]
pub fn is_invariant() -> bool {
    use std::arch::x86_64::__cpuid;
    #[allow(unused_unsafe)]
    // SAFETY: invariant 1.
    let highest = unsafe { __cpuid(0x8000_0000) }.eax;
    if highest < 0x8000_0007 {
        return false;
    }
    #[allow(unused_unsafe)]
    // SAFETY: invariant 1.
    let leaf = unsafe { __cpuid(0x8000_0007) };
    leaf.edx & (1 << 8) != 0
}

/// The counter now; 0 where there is none.
#[cfg(not(target_arch = "x86_64"))]
pub fn ticks() -> u64 {
    0
}

/// Always false: the platform has no such counter.
#[cfg(not(target_arch = "x86_64"))]
pub fn is_invariant() -> bool {
    false
}
