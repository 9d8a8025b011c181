//! Hexadecimal digits, sixteen bytes at a time.
//!
//! Promises: safe to call; nothing allocates or blocks.
//!
//! Invariants that the SAFETY notes cite:
//! 1. **Instructions.** SSE2 is part of x86-64.
#![allow(unsafe_code)]
#![cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

/// The 32 hexadecimal digits of 16 bytes, in lower case.
#[inline(always)]
pub fn hex16(bytes: &[u8; 16]) -> [[u8; 16]; 2] {
    // SAFETY: (1)
    unsafe { hex16_sse2(bytes) }
}

#[inline]
#[target_feature(enable = "sse2")]
fn hex16_sse2(bytes: &[u8; 16]) -> [[u8; 16]; 2] {
    let [first, last] = halves(u128::from_le_bytes(*bytes));
    let bytes = _mm_set_epi64x(last, first);
    let low = _mm_set1_epi8(0x0F);
    let highs = _mm_and_si128(_mm_srli_epi16::<4>(bytes), low);
    let lows = _mm_and_si128(bytes, low);
    [digits(_mm_unpacklo_epi8(highs, lows)), digits(_mm_unpackhi_epi8(highs, lows))]
}

#[inline]
#[target_feature(enable = "sse2")]
fn digits(nibbles: __m128i) -> [u8; 16] {
    // From ten upwards, skip the 39 characters between '9' and 'a'.
    let letters = _mm_cmpgt_epi8(nibbles, _mm_set1_epi8(9));
    let skip = _mm_and_si128(letters, _mm_set1_epi8(39));
    let digits = _mm_add_epi8(_mm_add_epi8(nibbles, _mm_set1_epi8(0x30)), skip);
    let first = _mm_cvtsi128_si64(digits) as u64;
    let last = _mm_cvtsi128_si64(_mm_unpackhi_epi64(digits, digits)) as u64;
    (u128::from(last) << 64 | u128::from(first)).to_le_bytes()
}

/// The lower and the upper half.
fn halves(word: u128) -> [i64; 2] {
    [word as i64, (word >> 64) as i64]
}
