//! Bytes to hexadecimal digits and back, sixteen digits at a time.
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

/// The 16 bytes of 32 hexadecimal digits in lower case; `None` if there are other characters.
#[inline(always)]
pub fn unhex16(digits: &[u8; 32]) -> Option<[u8; 16]> {
    // SAFETY: (1)
    unsafe { unhex16_sse2(digits) }
}

/// The 8 bytes of 16 hexadecimal digits in lower case; `None` if there are other characters.
#[inline(always)]
pub fn unhex8(digits: &[u8; 16]) -> Option<[u8; 8]> {
    // SAFETY: (1)
    unsafe { unhex8_sse2(digits) }
}

#[inline]
#[target_feature(enable = "sse2")]
fn unhex16_sse2(digits: &[u8; 32]) -> Option<[u8; 16]> {
    let (first, is_first_valid) = pairs(digits.first_chunk()?);
    let (last, is_last_valid) = pairs(digits.last_chunk()?);
    let bytes = _mm_packus_epi16(first, last);
    let low = _mm_cvtsi128_si64(bytes) as u64;
    let high = _mm_cvtsi128_si64(_mm_unpackhi_epi64(bytes, bytes)) as u64;
    (is_first_valid & is_last_valid)
        .then_some((u128::from(high) << 64 | u128::from(low)).to_le_bytes())
}

#[inline]
#[target_feature(enable = "sse2")]
fn unhex8_sse2(digits: &[u8; 16]) -> Option<[u8; 8]> {
    let (pairs, is_valid) = pairs(digits);
    let bytes = _mm_cvtsi128_si64(_mm_packus_epi16(pairs, pairs));
    is_valid.then_some(bytes.to_le_bytes())
}

/// The value of each pair of digits in a word of 16 bits, and whether all digits are valid.
#[inline]
#[target_feature(enable = "sse2")]
fn pairs(digits: &[u8; 16]) -> (__m128i, bool) {
    let [first, last] = halves(u128::from_le_bytes(*digits));
    let digits = _mm_set_epi64x(last, first);
    let number = _mm_sub_epi8(digits, _mm_set1_epi8(0x30));
    let letter = _mm_sub_epi8(digits, _mm_set1_epi8(0x61));
    // A byte is at most nine, without a sign, if it is the smaller one of itself and nine.
    let is_number = _mm_cmpeq_epi8(_mm_min_epu8(number, _mm_set1_epi8(9)), number);
    let is_letter = _mm_cmpeq_epi8(_mm_min_epu8(letter, _mm_set1_epi8(5)), letter);
    let is_valid = _mm_movemask_epi8(_mm_or_si128(is_number, is_letter)) == 0xFFFF;
    let letters = _mm_andnot_si128(is_number, _mm_add_epi8(letter, _mm_set1_epi8(10)));
    let nibbles = _mm_or_si128(_mm_and_si128(is_number, number), letters);
    // The first digit of a pair is in the lower byte of a word.
    let joined = _mm_or_si128(_mm_slli_epi16::<4>(nibbles), _mm_srli_epi16::<8>(nibbles));
    (_mm_and_si128(joined, _mm_set1_epi16(0xFF)), is_valid)
}

/// The lower and the upper half.
fn halves(word: u128) -> [i64; 2] {
    [word as i64, (word >> 64) as i64]
}
