//! Vectors of 16 bytes on AArch64, with NEON.
//!
//! Promises: nothing allocates or blocks.
//!
//! Invariants that the SAFETY notes cite:
//! 1. **Instructions.** NEON is part of the target.
//! 2. **Bits.** [`Neon`] is one vector register: any bytes are a valid value.
//! 3. **Source.** Loads stay within the array that they come from.
#![allow(unsafe_code)]
// One note covers one step.
#![allow(clippy::multiple_unsafe_ops_per_block)]
use std::arch::aarch64::*;

use super::block::{Block, each_of};
use super::lanes::{Exact, Lanes};

/// 16 bytes.
#[derive(Clone, Copy)]
pub(super) struct Neon(uint8x16_t);

impl Neon {
    #[inline(always)]
    pub(super) fn from_words(low: u64, high: u64) -> Self {
        // SAFETY: (1) NEON is part of the target.
        Neon(unsafe { vreinterpretq_u8_u64(vcombine_u64(vcreate_u64(low), vcreate_u64(high))) })
    }
}

// SAFETY: (2) one vector register.
unsafe impl Block for Neon {}

impl Lanes for Neon {
    each_of!(Self, Neon:
        fn equal(self, byte: u8) vceqq_u8(self.0, vdupq_n_u8(byte));
        fn control(self) vcltq_u8(self.0, vdupq_n_u8(0x20));
        fn control_or_wide(self) vcltq_s8(vreinterpretq_s8_u8(self.0), vdupq_n_s8(0x20));
        fn or(self, other: Self) vorrq_u8(self.0, other.0);
    );

    #[inline(always)]
    fn mask(self) -> u64 {
        const BITS: [u8; 16] = [1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128];
        // SAFETY: (3) 16 bytes; (1).
        let bits = unsafe { vandq_u8(self.0, vld1q_u8(BITS.as_ptr())) };
        // SAFETY: (1)
        let halves = unsafe { [vaddv_u8(vget_low_u8(bits)), vaddv_u8(vget_high_u8(bits))] };
        u64::from(u16::from_le_bytes(halves))
    }

    #[inline(always)]
    fn any(self) -> bool {
        // SAFETY: (1)
        unsafe { vmaxvq_u8(self.0) != 0 }
    }
}

impl Exact for Neon {
    each_of!(Self, Neon:
        fn and(self, other: Self) vandq_u8(self.0, other.0);
        fn with_bits(self, byte: u8) vorrq_u8(self.0, vdupq_n_u8(byte));
        fn within(self, first: u8, last: u8)
            vcleq_u8(vsubq_u8(self.0, vdupq_n_u8(first)), vdupq_n_u8(last - first));
        // The cast keeps the bits of an ASCII byte.
        fn ascii_above(self, byte: u8)
            vcgtq_s8(vreinterpretq_s8_u8(self.0), vdupq_n_s8(byte as i8));
    );
}
