//! Byte classes with AVX2, where the processor has it.
//!
//! The one file of this room that needs `unsafe`: a function compiled for AVX2 may only be called where
//! somebody made sure that the processor knows it. Inside, only the load is unsafe as well.
//!
//! # Invariants
//! 1. [`blocks_avx2`] and [`classify_avx2`] are called only after `is_x86_feature_detected!` said yes to
//!    every feature named in their `target_feature`.
//! 2. A vector is loaded only from a slice of 32 bytes; no alignment is assumed.
#![allow(unsafe_code)]

use super::classes::{self, BLOCKS, Carry, Places, Wanted};
#[cfg(test)]
use super::classes::{Masks, VIEW};

/// [`classes::blocks`] with the fastest instructions that this processor has.
#[inline]
pub(super) fn blocks(
    v: &[u8],
    count: usize,
    carry: &mut Carry,
    wanted: Wanted<'_>,
    out: &mut [Places; BLOCKS],
) {
    #[cfg(target_arch = "x86_64")]
    if x86::available() {
        // SAFETY: invariant 1; `available` asked for each feature.
        unsafe { x86::blocks_avx2(v, count, carry, wanted, out) };
        return;
    }
    classes::blocks_by(v, count, carry, wanted, out, classes::classify);
}

/// One block, or `None` where there is no AVX2.
#[cfg(test)]
pub(super) fn classify(view: &[u8; VIEW]) -> Option<Masks> {
    #[cfg(target_arch = "x86_64")]
    if x86::available() {
        // SAFETY: invariant 1; `available` asked for each feature.
        return Some(unsafe { x86::classify_avx2(view) });
    }
    let _ = view;
    None
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use ::core::arch::x86_64::*;

    use crate::redact::classes::{self, BLOCKS, Carry, Masks, Places, VIEW, Wanted};

    /// Whether the processor has what the functions below are compiled for. Asked once, then a load.
    #[inline]
    pub(super) fn available() -> bool {
        is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("popcnt")
    }

    #[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
    pub(super) fn blocks_avx2(
        v: &[u8],
        count: usize,
        carry: &mut Carry,
        wanted: Wanted<'_>,
        out: &mut [Places; BLOCKS],
    ) {
        classes::blocks_by(v, count, carry, wanted, out, |view| classify_avx2(view));
    }

    /// The 32 bytes of `view` from `at` on, which is at most 48.
    #[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
    #[inline]
    fn load(view: &[u8; VIEW], at: usize) -> __m256i {
        let part: &[u8] = &view[at..at + 32];
        // SAFETY: invariant 2; `part` was just cut to 32 bytes.
        unsafe { _mm256_loadu_si256(part.as_ptr().cast()) }
    }

    /// Classifies the first 64 bytes of `view`.
    #[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
    #[inline]
    pub(super) fn classify_avx2(view: &[u8; VIEW]) -> Masks {
        let low = half(load(view, 0), load(view, 2));
        let high = half(load(view, 32), load(view, 34));
        // The casts keep the 32 bits as they are.
        let join = |i: usize| u64::from(low[i] as u32) | u64::from(high[i] as u32) << 32;
        Masks {
            digit: join(0),
            number: join(1),
            word: join(2),
            chunk: join(3),
            punct: join(4),
            keyword: join(5),
            dash: join(6),
            open: join(7),
        }
    }

    /// The eight classes of 32 bytes; `behind` are those two places further.
    #[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
    #[inline]
    fn half(x: __m256i, behind: __m256i) -> [i32; 8] {
        // Bytes are compared as bits: the casts to i8 change none.
        let all = |b: u8| _mm256_set1_epi8(b as i8);
        let or = |a, b| _mm256_or_si256(a, b);
        let is = |x, b: u8| _mm256_cmpeq_epi8(x, all(b));
        let range = |x, from: u8, len: u8| {
            let moved = _mm256_sub_epi8(x, all(from));
            _mm256_cmpeq_epi8(_mm256_min_epu8(moved, all(len - 1)), moved)
        };
        let low = or(x, all(0x20));
        let third = or(behind, all(0x20));
        let digit = range(x, b'0', 10);
        let word = or(or(range(low, b'a', 26), digit), is(x, b'_'));
        let number = or(range(x, b'(', 18), is(x, b' '));
        let chunk = _mm256_cmpgt_epi8(x, all(0x2A));
        let even = _mm256_and_si256(x, all(0xFE));
        let punct = or(or(range(x, b':', 7), is(even, b'$')), is(x, b'~'));
        let (a, s) = (is(third, b'a'), is(third, b's'));
        let both = |first: u8, third| _mm256_and_si256(is(low, first), third);
        let b = both(b'b', or(or(a, s), is(third, b'g')));
        let rest = or(both(b's', is(third, b'c')), both(b't', is(third, b'k')));
        let keyword = or(or(b, both(b'p', s)), or(rest, both(b'a', is(third, b'i'))));
        let (dash, open) = (range(x, b'-', 2), range(x, b'(', 4));
        [digit, number, word, chunk, punct, keyword, dash, open].map(|m| _mm256_movemask_epi8(m))
    }
}
