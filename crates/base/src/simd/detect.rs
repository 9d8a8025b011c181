//! Detects which of the compiled instruction sets the processor has.
//!
//! Promises: detected once; after that one relaxed load.

use std::sync::atomic::{AtomicU8, Ordering};

/// An instruction set.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum InstructionSet {
    /// Part of every x86-64 processor.
    Sse2 = 1,
    /// AVX2, BMI1, BMI2, POPCNT.
    Avx2,
    /// The ones above and AVX-512 F, BW, VBMI.
    #[cfg(ringseal_avx512)]
    Avx512,
}

/// An [`InstructionSet`], or 0 before the detection.
static DETECTED: AtomicU8 = AtomicU8::new(0);

/// The best set that the processor has.
#[inline(always)]
pub(super) fn instruction_set() -> InstructionSet {
    // ORDER: relaxed here and below; every thread detects the same set, and nothing is published through it.
    match DETECTED.load(Ordering::Relaxed) {
        #[cfg(ringseal_avx512)]
        set if set == InstructionSet::Avx512 as u8 => InstructionSet::Avx512,
        set if set == InstructionSet::Avx2 as u8 => InstructionSet::Avx2,
        set if set == InstructionSet::Sse2 as u8 => InstructionSet::Sse2,
        _ => detect(),
    }
}

#[cold]
fn detect() -> InstructionSet {
    let avx2 = is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("popcnt");
    let best = if avx2 { InstructionSet::Avx2 } else { InstructionSet::Sse2 };
    #[cfg(ringseal_avx512)]
    let best = if avx2
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vbmi")
    {
        InstructionSet::Avx512
    } else {
        best
    };
    // ORDER: relaxed; see `instruction_set`.
    DETECTED.store(best as u8, Ordering::Relaxed);
    best
}
