//! Which instructions this processor has, of those that something is compiled for.
//!
//! Promises: asked once, then one relaxed load.

use std::sync::atomic::{AtomicU8, Ordering};

/// A set of instructions.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Best {
    /// What every x86-64 processor has.
    Sse2 = 1,
    /// AVX2, BMI1, BMI2, POPCNT.
    Avx2,
    /// These, and AVX-512 F, BW, VBMI.
    Avx512,
}

/// One of [`Best`], or 0 before it is known.
static BEST: AtomicU8 = AtomicU8::new(0);

/// The best one that this processor has.
#[inline(always)]
pub(super) fn best() -> Best {
    // ORDER: relaxed here and below; every thread finds the same, and nothing is published through it.
    match BEST.load(Ordering::Relaxed) {
        known if known == Best::Avx512 as u8 => Best::Avx512,
        known if known == Best::Avx2 as u8 => Best::Avx2,
        known if known == Best::Sse2 as u8 => Best::Sse2,
        _ => detect(),
    }
}

#[cold]
fn detect() -> Best {
    let avx2 = is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("popcnt");
    let avx512 = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vbmi");
    let best = match (avx2, avx512) {
        (true, true) => Best::Avx512,
        (true, false) => Best::Avx2,
        (false, _) => Best::Sse2,
    };
    // ORDER: relaxed; see `best`.
    BEST.store(best as u8, Ordering::Relaxed);
    best
}
