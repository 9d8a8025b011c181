//! Loops that are compiled for each instruction set and run with the best one that the processor has.
//!
//! Promises: the processor's features are detected once; after that the choice costs one relaxed load and a branch.
//! Nothing allocates or blocks.
//!
//! Invariants that the SAFETY notes cite:
//! 1. **Instructions.** A function that is compiled for a set of instructions is called only after
//!    `instruction_set` reported that set.
#![allow(unsafe_code)]
use super::Native;
use super::byte_class::Class;
#[cfg(target_arch = "x86_64")]
use super::detect::{InstructionSet, instruction_set};
use super::lanes::{Exact, Lanes, Load64, Lookup, Pair};
#[cfg(target_arch = "x86_64")]
use super::x86::Avx2;

/// Work on 64 bytes at a time that is compiled for each instruction set.
///
/// Every function that it calls with a `V` must be `#[inline(always)]` and not a closure. Only then is it
/// compiled with the instructions of `V`.
pub trait Kernel {
    /// The result of the work.
    type Out;
    /// For processors that can look bytes up in tables.
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
    fn with_lookup<V: Lookup + Load64>(self) -> Self::Out;
    /// For processors that can only compare bytes.
    #[cfg_attr(not(any(target_arch = "x86_64", target_arch = "aarch64")), allow(dead_code))]
    fn with_exact<V: Exact + Load64>(self) -> Self::Out;
    /// For processors without known vector instructions.
    #[cfg_attr(any(target_arch = "x86_64", target_arch = "aarch64"), allow(dead_code))]
    fn portable(self) -> Self::Out;
}

/// Runs `kernel` with the best instructions that the processor has.
#[inline(always)]
pub fn run<K: Kernel>(kernel: K) -> K::Out {
    #[cfg(target_arch = "x86_64")]
    match instruction_set() {
        #[cfg(ringseal_avx512)]
        // SAFETY: (1) each feature was detected.
        InstructionSet::Avx512 => unsafe { run_avx512(kernel) },
        // SAFETY: (1) each feature was detected.
        InstructionSet::Avx2 => unsafe { run_avx2(kernel) },
        InstructionSet::Sse2 => run_baseline(kernel),
    }
    #[cfg(not(target_arch = "x86_64"))]
    run_baseline(kernel)
}

/// Runs `kernel` with the instructions that every processor of this architecture has.
#[inline(always)]
pub fn run_baseline<K: Kernel>(kernel: K) -> K::Out {
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    return kernel.with_exact::<Pair<Pair<Native>>>();
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    kernel.portable()
}

/// # Safety
/// [`instruction_set`] reported AVX2 or better.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
unsafe fn run_avx2<K: Kernel>(kernel: K) -> K::Out {
    kernel.with_lookup::<Pair<Avx2>>()
}

/// # Safety
/// [`instruction_set`] reported AVX-512.
#[cfg(all(target_arch = "x86_64", ringseal_avx512))]
#[clippy::msrv = "1.89"]
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt,avx512f,avx512bw,avx512vbmi")]
unsafe fn run_avx512<K: Kernel>(kernel: K) -> K::Out {
    kernel.with_lookup::<super::avx512::Avx512>()
}

/// A bit for each of 64 bytes that is of class `C`; the first byte is the lowest bit.
#[inline(always)]
pub fn mask64<C: Class>(bytes: &[u8; 64]) -> u64 {
    C::flags(<Pair<Pair<Native>>>::load(bytes)).mask()
}
