//! The words that the two sides of a ring share, and where they are in its region.
//!
//! A region begins with the words and continues with the data. Words of different writers are in different blocks of
//! [`BLOCK_BYTES`], so that a store of one side never takes a cache line from the other side that the other only
//! writes. The places are fixed, because a process that finds the region in a file reads it by them.
//!
//! | at | what | stored by |
//! |---|---|---|
//! | 0 | reserved for a description of the ring | |
//! | [`TAIL_AT`] | the position after the last published byte | the producer |
//! | [`WATERMARK_AT`] | the end of the data of the consumer's lap, if the producer is in the next lap | the producer |
//! | [`HEAD_AT`] | the position up to which bytes were given back | the consumer |
//! | 512 | reserved | |
//! | [`CLAIM_AT`] | the position up to which the producer may write, and flags; only for the living process | both |
//! | 896 to the data | reserved | |
//!
//! # Invariants
//! 1. `start` of [`Words`] is the start of a [`Region`] of at least [`CONTROL_BYTES`], in which [`Words::new`] has
//!    initialised a [`Control`]. Each [`Words`] is inside of an owner that also keeps the region alive.
//! 2. No reference to a whole [`Control`] is created, so that others may access the reserved bytes.
#![allow(unsafe_code)]
// One note covers the pointer and the field, or all four words.
#![allow(clippy::multiple_unsafe_ops_per_block)]
use std::mem::offset_of;
use std::ptr::NonNull;

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
    /// Sets the words at the start of `region` to an empty ring. The caller keeps the region as long as the words.
    /// `None` if the region is too short.
    pub(super) fn new(region: &Region) -> Option<Words> {
        if region.len_bytes() < CONTROL_BYTES {
            return None;
        }
        let control = region.start().cast::<Control>();
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
