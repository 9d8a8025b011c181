//! Vectors of bytes on x86-64: 16 bytes with SSE2, 32 with AVX2. [`super::avx512`] has those of 64 bytes.
//!
//! Promises: nothing allocates or blocks.
//!
//! Invariants that the SAFETY notes cite:
//! 1. **Instructions.** SSE2 is part of x86-64. [`Avx2`] is made only in functions that are entered after each of its
//!    features was detected at run time.
//! 2. **Bits.** The types that implement [`Block`] are one vector register: any bytes are a valid value.
//! 3. **Source.** Loads stay within the array that they come from.
#![allow(unsafe_code)]
// One note covers one step, such as the loads of both tables.
#![allow(clippy::multiple_unsafe_ops_per_block)]
use std::arch::x86_64::*;

use super::block::{Block, each_of};
use super::lanes::{ByteSets, Exact, Lanes, Shuffle};

/// 16 bytes.
#[derive(Clone, Copy)]
pub(super) struct Sse2(__m128i);

/// 32 bytes. Made and used only inside `copy_clean_avx2` and `run_avx2`, into which all of this is inlined.
#[derive(Clone, Copy)]
pub(super) struct Avx2(__m256i);

impl Sse2 {
    #[inline(always)]
    pub(super) fn from_words(low: u64, high: u64) -> Self {
        // SAFETY: (1) SSE2 is part of x86-64.
        Sse2(unsafe { _mm_set_epi64x(high as i64, low as i64) })
    }
}

/// The comparisons of one width, by the names of its instructions. Bytes are compared as bits: the
/// casts to i8 change none.
macro_rules! compares {
    ($name:ident, $all:ident, $equal:ident, $above:ident, $least:ident, $or:ident, $and:ident,
     $minus:ident, $bits:ident) => {
        // SAFETY: (2) one vector register.
        unsafe impl Block for $name {}
        impl Lanes for $name {
            each_of!(Self, $name:
                fn equal(self, byte: u8) $equal(self.0, $all(byte as i8));
                // `min(x, 0x1F) == x` is the unsigned `x ≤ 0x1F`.
                fn control(self) $equal($least(self.0, $all(0x1F)), self.0);
                fn control_or_wide(self) $above($all(0x20), self.0);
                fn or(self, other: Self) $or(self.0, other.0);
            );
            each_of!(u64, u64::from: fn mask(self) $bits(self.0) as u32;);
        }
        impl Exact for $name {
            each_of!(Self, $name:
                fn and(self, other: Self) $and(self.0, other.0);
                fn with_bits(self, byte: u8) $or(self.0, $all(byte as i8));
                fn within(self, first: u8, last: u8) {
                    let moved = $minus(self.0, $all(first as i8));
                    $equal($least(moved, $all((last - first) as i8)), moved)
                };
                fn ascii_above(self, byte: u8) $above(self.0, $all(byte as i8));
            );
        }
    };
}

#[rustfmt::skip]
compares!(
    Sse2, _mm_set1_epi8, _mm_cmpeq_epi8, _mm_cmpgt_epi8, _mm_min_epu8, _mm_or_si128,
    _mm_and_si128, _mm_sub_epi8, _mm_movemask_epi8
);
#[rustfmt::skip]
compares!(
    Avx2, _mm256_set1_epi8, _mm256_cmpeq_epi8, _mm256_cmpgt_epi8, _mm256_min_epu8,
    _mm256_or_si256, _mm256_and_si256, _mm256_sub_epi8, _mm256_movemask_epi8
);

impl Shuffle for Avx2 {
    type Table = [__m256i; 2];

    #[inline(always)]
    fn load_table(sets: &ByteSets) -> Self::Table {
        // SAFETY: (3) 16 bytes each; (1).
        unsafe {
            let low = _mm_loadu_si128(sets.low.as_ptr().cast());
            let high = _mm_loadu_si128(sets.high.as_ptr().cast());
            [_mm256_broadcastsi128_si256(low), _mm256_broadcastsi128_si256(high)]
        }
    }

    each_of!(Self, Avx2:
        fn shuffled(self, table: [__m256i; 2]) {
            // The shift moves bits between bytes; the mask takes them away.
            let high = _mm256_and_si256(_mm256_srli_epi16::<4>(self.0), _mm256_set1_epi8(0x0F));
            let low = _mm256_shuffle_epi8(table[0], self.0);
            _mm256_and_si256(low, _mm256_shuffle_epi8(table[1], high))
        };
        fn masked(self, byte: u8) _mm256_and_si256(self.0, _mm256_set1_epi8(byte as i8));
        fn plus(self, byte: u8) _mm256_adds_epu8(self.0, _mm256_set1_epi8(byte as i8));
    );
}
