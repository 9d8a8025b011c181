//! Vectors that are loaded from memory and stored to it.
//!
//! Promises: nothing allocates or blocks.
//!
//! Invariants that the SAFETY notes cite:
//! 1. **Bits.** Every [`Block`] is plain bits: any bytes are a valid value.
//! 2. **Memory.** Loads and stores stay within the `LEN` bytes that the caller provides.
//! 3. **Instructions.** A type's methods use only instructions that are enabled wherever the type is used.
#![allow(unsafe_code)]
use super::lanes::{Lanes, Load64, Pair};
use super::portable::Words;

/// Lanes that are loaded from memory and stored to it.
///
/// # Safety
/// The type is plain bits: any bytes are a valid value.
pub(super) unsafe trait Block: Lanes {
    /// Bytes in a block.
    const LEN: usize = size_of::<Self>();
    /// # Safety
    /// `from` is readable for `LEN` bytes.
    #[inline(always)]
    unsafe fn load(from: *const u8) -> Self {
        // SAFETY: (2) by the contract; (1) any bytes are a block.
        unsafe { from.cast::<Self>().read_unaligned() }
    }
    /// # Safety
    /// `to` is writable for `LEN` bytes.
    #[inline(always)]
    unsafe fn store(self, to: *mut u8) {
        // SAFETY: (2) by the contract.
        unsafe { to.cast::<Self>().write_unaligned(self) };
    }
}

// SAFETY: (1) two integers.
unsafe impl Block for Words {}

// SAFETY: (1) two blocks, without any padding between them.
unsafe impl<B: Block> Block for Pair<B> {}

impl<B: Block> Load64 for Pair<B> {
    #[inline(always)]
    fn load(bytes: &[u8; 64]) -> Self {
        const { assert!(size_of::<Pair<B>>() == 64) };
        // SAFETY: (2) the pair has 64 bytes.
        unsafe { <Pair<B> as Block>::load(bytes.as_ptr()) }
    }
}

/// Methods that only use instructions on registers and return a vector or bits.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
macro_rules! each_of {
    ($out:ty, $of:path: $(fn $method:ident($self:ident $(, $arg:ident: $type:ty)*) $work:expr;)*) => {
        $(
            #[inline(always)]
            fn $method($self $(, $arg: $type)*) -> $out {
                // SAFETY: (3) no instruction touches memory.
                $of(unsafe { $work })
            }
        )*
    };
}
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
pub(super) use each_of;
