//! The words that the two sides of a ring share, and where they are in its region.
//!
//! A region begins with the words and continues with the data. In private memory the words begin some blocks later, at
//! a different place in each ring ([`private_words_at`]), because all regions begin at a page: words at the same place
//! of every page would be in one set of the first-level cache, which holds about eight lines.
//!
//! Words that different sides store are in different blocks of [`BLOCK_BYTES`], so that the stores of the two sides do
//! not take the same cache line from each other. The places are fixed, because a process that finds the region in a
//! file reads it by them.
//!
//! | at | what | stored by |
//! |---|---|---|
//! | 0 | reserved for a description of the ring | |
//! | [`TAIL_AT`] | the position after the last published byte | the producer |
//! | [`WATERMARK_AT`] | the end of the data of the consumer's lap, if the producer is in the next lap | the producer |
//! | [`HEAD_AT`] | the position up to which bytes were given back | the consumer |
//! | 512 | reserved | |
//! | [`CLAIM_AT`] | the position up to which the producer may write, and flags; for live processes only | both |
//! | 896 to the data | reserved | |
//!
//! # Invariants
//! 1. `control` of [`Words`] is a place in a [`Region`] with [`CONTROL_BYTES`] from there on, at which [`Words::new`]
//!    has initialised a [`Control`]. Each [`Words`] is inside of an owner that also keeps the region alive.
//! 2. No reference to a whole [`Control`] is created, so that others may access the reserved bytes.
#![allow(unsafe_code)]
// One note covers the pointer and the field, or all four words.
#![allow(clippy::multiple_unsafe_ops_per_block)]
use std::fmt;
use std::mem::offset_of;
use std::ptr::NonNull;

use super::ring::{ALIGN, CAPACITY_BYTES_MIN, GRANT_BYTES_MAX};
use crate::sync::{AtomicUsize, CachePadded};
use ringseal_base::storage::region::{REGION_ALIGN, Region};

/// The place of the tail in the region.
pub const TAIL_AT: usize = 128;
/// The place of the watermark.
pub const WATERMARK_AT: usize = 256;
/// The place of the head.
pub const HEAD_AT: usize = 384;
/// The place of the claim.
pub const CLAIM_AT: usize = 768;
/// The least bytes before the data.
pub const CONTROL_BYTES: usize = 1024;
/// The place of the data in a region of a file: the largest page of any system, so that the data can be mapped alone.
/// In private memory the data begin at the second page.
pub const SHARED_DATA_AT: usize = 65_536;
/// Two cache lines, because x86 prefetches lines in pairs.
pub const BLOCK_BYTES: usize = 128;

/// The place of the words of the ring of this number, if its memory is private and its data begin at `data_at`: another
/// one for each of the rings that are made after each other.
pub(super) const fn private_words_at(number: usize, data_at: usize) -> usize {
    number % ((data_at - CONTROL_BYTES) / BLOCK_BYTES + 1) * BLOCK_BYTES
}

/// The control words, as they are in memory.
#[repr(C)]
struct Control {
    /// Reserved.
    _description: [u8; TAIL_AT],
    tail: CachePadded<AtomicUsize>,
    watermark: CachePadded<AtomicUsize>,
    head: CachePadded<AtomicUsize>,
    /// Reserved.
    _counters: [u8; CLAIM_AT - HEAD_AT - BLOCK_BYTES],
    claim: CachePadded<AtomicUsize>,
}

const _: () = {
    assert!(offset_of!(Control, tail) == TAIL_AT);
    assert!(offset_of!(Control, watermark) == WATERMARK_AT);
    assert!(offset_of!(Control, head) == HEAD_AT);
    assert!(offset_of!(Control, claim) == CLAIM_AT);
    assert!(size_of::<CachePadded<AtomicUsize>>() == BLOCK_BYTES);
    assert!(size_of::<Control>() <= CONTROL_BYTES);
    assert!(align_of::<Control>() <= REGION_ALIGN);
    // The words are abandoned with their region.
    assert!(!std::mem::needs_drop::<Control>());
};

/// The control words of a region that the owner keeps alive.
#[derive(Clone, Copy)]
pub(super) struct Words {
    control: NonNull<Control>,
}

// SAFETY: (1) the words are atomics in memory that lives as long as the owner.
unsafe impl Send for Words {}
// SAFETY: as above.
unsafe impl Sync for Words {}

impl Words {
    /// Sets the words at `words_at` of `region` to those of an empty ring. The caller keeps the region as long as the
    /// words. `None` if the region is too short, or they would be in parts of blocks.
    pub(super) fn new(region: &Region, words_at: usize) -> Option<Words> {
        let end = words_at.checked_add(CONTROL_BYTES)?;
        if region.len_bytes() < end || !words_at.is_multiple_of(BLOCK_BYTES) {
            return None;
        }
        // SAFETY: (1) it is within the region.
        let control = unsafe { region.start().add(words_at) }.cast::<Control>();
        let at = control.as_ptr();
        // The words alone: their padding would copy bytes of the stack into a file.
        // SAFETY: (1) the region is long enough and aligned, and its owner has passed it on to this ring alone.
        unsafe {
            (&raw mut (*at).tail.0).write(AtomicUsize::new(0));
            (&raw mut (*at).watermark.0).write(AtomicUsize::new(0));
            (&raw mut (*at).head.0).write(AtomicUsize::new(0));
            (&raw mut (*at).claim.0).write(AtomicUsize::new(0));
        }
        Some(Words { control })
    }

    /// The position after the last published byte.
    #[inline(always)]
    pub(super) fn tail(&self) -> &AtomicUsize {
        // SAFETY: (1) and (2).
        unsafe { &(*self.control.as_ptr()).tail.0 }
    }

    /// The end of the data of the consumer's lap, if the producer is in the next lap.
    #[inline(always)]
    pub(super) fn watermark(&self) -> &AtomicUsize {
        // SAFETY: (1) and (2).
        unsafe { &(*self.control.as_ptr()).watermark.0 }
    }

    /// The position up to which bytes were given back.
    #[inline(always)]
    pub(super) fn head(&self) -> &AtomicUsize {
        // SAFETY: (1) and (2).
        unsafe { &(*self.control.as_ptr()).head.0 }
    }

    /// The position up to which the producer may write, and flags.
    #[inline(always)]
    pub(super) fn claim(&self) -> &AtomicUsize {
        // SAFETY: (1) and (2).
        unsafe { &(*self.control.as_ptr()).claim.0 }
    }
}

/// A region's length does not fit a ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegionLengthError {
    pub(super) len_bytes: usize,
    pub(super) data_at: usize,
}

impl fmt::Display for RegionLengthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RegionLengthError { len_bytes, data_at } = self;
        write!(
            f,
            "a ring's region must have at least {CONTROL_BYTES} bytes before the data, a multiple of {ALIGN}, and \
             then a power of two from {CAPACITY_BYTES_MIN} to {GRANT_BYTES_MAX} bytes; it has {len_bytes} bytes, and \
             its data start at {data_at}"
        )
    }
}

impl std::error::Error for RegionLengthError {}
