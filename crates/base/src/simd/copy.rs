//! Copies of short byte strings, with and without a class of bytes to stop at.
//!
//! Promises: nothing allocates or blocks. Every function is `unsafe`: its callers provide the memory.
//!
//! Invariants that the SAFETY notes cite:
//! 1. **Source.** Loads stay within the `len` readable bytes at `from`.
//! 2. **Target.** Stores stay within the `len` writable bytes at `to`, which do not overlap the source.
//! 3. **Instructions.** Code for AVX2 runs only after AVX2 was detected at run time.
#![allow(unsafe_code)]
// One note covers one step, such as the loads of a copy's two ends.
#![allow(clippy::multiple_unsafe_ops_per_block)]
use std::ptr;

use super::Native;
use super::block::Block;
use super::byte_class::Class;
use super::lanes::Lanes;
#[cfg(target_arch = "x86_64")]
use super::x86::Avx2;

/// Shorter strings are copied before the call through the detection pays off.
#[cfg(target_arch = "x86_64")]
const AVX2_LEN_MIN: usize = 64;

/// Copies `len` bytes with overlapping fixed-size moves; only long ones call `memcpy`.
///
/// # Safety
/// `from` is readable and `to` writable for `len` bytes, without overlap.
#[inline(always)]
pub(super) unsafe fn copy_short(from: *const u8, to: *mut u8, len: usize) {
    // SAFETY: (1, 2) by the contract; each arm's size is at most `len`.
    unsafe {
        if len > 32 {
            ptr::copy_nonoverlapping(from, to, len);
        } else if len >= 16 {
            copy_ends::<[u8; 16]>(from, to, len);
        } else if len >= 8 {
            copy_ends::<[u8; 8]>(from, to, len);
        } else if len >= 4 {
            copy_ends::<[u8; 4]>(from, to, len);
        } else if len > 0 {
            copy_few(from, to, len);
        }
    }
}

/// Copies the first and the last `T` of `len` bytes and returns them.
///
/// # Safety
/// As [`copy_short`], with `size_of::<T>()` ≤ `len` ≤ twice that; any bytes are a valid `T`.
#[inline(always)]
unsafe fn copy_ends<T: Copy>(from: *const u8, to: *mut u8, len: usize) -> (T, T) {
    let last = len - size_of::<T>();
    // SAFETY: (1, 2) both ends are within len bytes.
    unsafe {
        let head = from.cast::<T>().read_unaligned();
        let tail = from.add(last).cast::<T>().read_unaligned();
        to.cast::<T>().write_unaligned(head);
        to.add(last).cast::<T>().write_unaligned(tail);
        (head, tail)
    }
}

/// Copies one to three bytes and returns the first, the middle and the last.
///
/// # Safety
/// As [`copy_short`], with 1 ≤ `len` ≤ 3.
#[inline(always)]
unsafe fn copy_few(from: *const u8, to: *mut u8, len: usize) -> [u8; 3] {
    // SAFETY: (1, 2) 0, len / 2 and len - 1 are below len.
    unsafe {
        let bytes = [*from, *from.add(len / 2), *from.add(len - 1)];
        *to = bytes[0];
        *to.add(len / 2) = bytes[1];
        *to.add(len - 1) = bytes[2];
        bytes
    }
}

/// See [`super::Cursor::copy_clean`].
///
/// # Safety
/// `from` is readable and `to` writable for `len` bytes, without overlap.
#[inline(always)]
pub(super) unsafe fn copy_clean<C: Class>(from: *const u8, to: *mut u8, len: usize) -> usize {
    // SAFETY: (1, 2) by the contract; each arm's size is at most `len`.
    let (low, high) = unsafe {
        if len >= 16 {
            if len > 32 {
                return copy_clean_long::<C>(from, to, len);
            }
            let (head, tail) = copy_ends::<Native>(from, to, len);
            return if C::flags(head).or(C::flags(tail)).any() { 0 } else { len };
        } else if len >= 8 {
            copy_ends::<u64>(from, to, len)
        } else if len >= 4 {
            let (head, tail) = copy_ends::<u32>(from, to, len);
            (SPACES, u64::from(head) | u64::from(tail) << 32)
        } else if len > 0 {
            let [a, b, c] = copy_few(from, to, len);
            (SPACES, SPACES << 24 | u64::from(u32::from_le_bytes([a, b, c, 0])))
        } else {
            return 0;
        }
    };
    if C::flags(Native::from_words(low, high)).any() { 0 } else { len }
}

/// Eight bytes outside of all classes.
const SPACES: u64 = 0x2020_2020_2020_2020;

/// [`copy_clean`] of more than 32 bytes.
///
/// # Safety
/// As [`copy_clean`].
#[inline(never)]
unsafe fn copy_clean_long<C: Class>(from: *const u8, to: *mut u8, len: usize) -> usize {
    #[cfg(target_arch = "x86_64")]
    if len >= AVX2_LEN_MIN && std::is_x86_feature_detected!("avx2") {
        // SAFETY: (3) AVX2 was just detected; the rest by this function's own contract.
        return unsafe { copy_clean_avx2::<C>(from, to, len) };
    }
    // SAFETY: by this function's own contract; len > 32 ≥ 2·LEN.
    unsafe { copy_clean_pairs::<C, Native>(from, to, len) }
}

/// Copies two blocks at a time; the last two overlap the ones before.
///
/// # Safety
/// As [`copy_clean`], with len ≥ 2·`B::LEN`.
#[inline(always)]
unsafe fn copy_clean_pairs<C: Class, B: Block>(from: *const u8, to: *mut u8, len: usize) -> usize {
    let last = len - 2 * B::LEN;
    let mut done = 0;
    loop {
        // SAFETY: (1, 2) done ≤ last, so 2·LEN bytes from `done` on are within len.
        let (head, tail) = unsafe { copy_ends::<B>(from.add(done), to.add(done), 2 * B::LEN) };
        if C::flags(head).or(C::flags(tail)).any() {
            return done;
        }
        if done == last {
            return len;
        }
        done = (done + 2 * B::LEN).min(last);
    }
}

/// [`copy_clean_pairs`] with AVX2.
///
/// # Safety
/// As there, with len ≥ 64, on a processor with AVX2.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn copy_clean_avx2<C: Class>(from: *const u8, to: *mut u8, len: usize) -> usize {
    // SAFETY: (3) only called with AVX2; the rest by this function's own contract.
    unsafe { copy_clean_pairs::<C, Avx2>(from, to, len) }
}

/// [`copy_clean_pairs`] between two slices.
#[cfg(test)]
pub(super) fn copy_pairs<C: Class, B: Block>(from: &[u8], to: &mut [u8]) -> usize {
    assert!(from.len() == to.len() && from.len() >= 2 * B::LEN);
    // SAFETY: (1, 2) as asserted; a shared and an exclusive slice cannot overlap.
    unsafe { copy_clean_pairs::<C, B>(from.as_ptr(), to.as_mut_ptr(), from.len()) }
}
