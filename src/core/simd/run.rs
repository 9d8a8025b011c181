//! Work with the best instructions that this processor has.
//!
//! Promises: safe code; the processor is asked once, then it is one relaxed load and a branch.

#[cfg(target_arch = "x86_64")]
use super::x86;
use super::{Class, Exact, Lanes, Load64, Lookup, Native, Pair};

/// Work on 64 bytes at a time that is compiled for each set of instructions.
///
/// Every function that it calls with a `V` must be `#[inline(always)]`, and no closure: only so is it
/// compiled with the instructions that `V` stands for.
pub(crate) trait Kernel {
    /// What the work gives.
    type Out;
    /// Where bytes can be looked up.
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
    fn with_lookup<V: Lookup + Load64>(self) -> Self::Out;
    /// Where they can only be compared.
    #[cfg_attr(not(any(target_arch = "x86_64", target_arch = "aarch64")), allow(dead_code))]
    fn with_exact<V: Exact + Load64>(self) -> Self::Out;
    /// Where nothing is known.
    #[cfg_attr(any(target_arch = "x86_64", target_arch = "aarch64"), allow(dead_code))]
    fn portable(self) -> Self::Out;
}

/// Runs `kernel` with the best instructions that this processor has.
#[inline(always)]
pub(crate) fn run<K: Kernel>(kernel: K) -> K::Out {
    #[cfg(target_arch = "x86_64")]
    return x86::run(kernel);
    #[cfg(not(target_arch = "x86_64"))]
    run_baseline(kernel)
}

/// Runs `kernel` with what every processor of this kind has.
#[inline(always)]
pub(crate) fn run_baseline<K: Kernel>(kernel: K) -> K::Out {
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    return kernel.with_exact::<Pair<Pair<Native>>>();
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    kernel.portable()
}

/// Which of 64 bytes are of class `C`, the first one lowest.
#[inline(always)]
pub(crate) fn mask64<C: Class>(bytes: &[u8; 64]) -> u64 {
    C::flags(<Pair<Pair<Native>>>::load(bytes)).mask()
}
