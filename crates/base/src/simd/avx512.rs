//! Vectors of 64 bytes on x86-64 with AVX-512. The functions of its instructions need Rust 1.89 (`build.rs`).
//!
//! Promises: nothing allocates or blocks.
//!
//! Invariants that the SAFETY notes cite:
//! 1. **Instructions.** [`Avx512`] is made only in functions that are entered after each of its features was detected
//!    at run time.
//! 2. **Source.** Loads stay within the array that they come from.
#![allow(unsafe_code)]
// One note covers one step, such as the loads of both tables.
#![allow(clippy::multiple_unsafe_ops_per_block)]
use std::arch::x86_64::*;

use super::block::each_of;
use super::lanes::{ByteSets, Load64, Lookup};

/// 64 bytes. Made and used only inside `run_avx512`.
#[derive(Clone, Copy)]
pub(super) struct Avx512(__m512i);

impl Load64 for Avx512 {
    #[inline(always)]
    fn load(bytes: &[u8; 64]) -> Self {
        // SAFETY: (2) 64 bytes; (1).
        Avx512(unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) })
    }
}

impl Lookup for Avx512 {
    type Table = [__m512i; 2];

    #[inline(always)]
    fn table(sets: &ByteSets) -> Self::Table {
        [Avx512::load(&sets.ascii[0]).0, Avx512::load(&sets.ascii[1]).0]
    }

    each_of!(Self, Avx512:
        fn lookup(self, table: [__m512i; 2]) {
            let ascii = !_mm512_movepi8_mask(self.0);
            _mm512_maskz_permutex2var_epi8(ascii, table[0], self.0, table[1])
        };
        fn common(self, other: Self) _mm512_and_si512(self.0, other.0);
        fn with(self, bits: u8) _mm512_or_si512(self.0, _mm512_set1_epi8(bits as i8));
    );

    each_of!(u64, u64::from:
        fn any_of(self, bits: u8) _mm512_test_epi8_mask(self.0, _mm512_set1_epi8(bits as i8));
        fn any_of_or_common(self, bits: u8, one: Self, other: Self) {
            let bits = _mm512_and_si512(self.0, _mm512_set1_epi8(bits as i8));
            let all = _mm512_or_si512(bits, _mm512_and_si512(one.0, other.0));
            _mm512_test_epi8_mask(all, all)
        };
        fn above(self, byte: u8) _mm512_cmpgt_epi8_mask(self.0, _mm512_set1_epi8(byte as i8));
        fn only(self, byte: u8) _mm512_cmpeq_epi8_mask(self.0, _mm512_set1_epi8(byte as i8));
        fn either(self, byte: u8) {
            let offset = _mm512_sub_epi8(self.0, _mm512_set1_epi8(byte as i8));
            _mm512_cmple_epu8_mask(offset, _mm512_set1_epi8(1))
        };
    );
}
