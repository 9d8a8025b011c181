//! The memory of a ring: which pages are resident, and giving them back.
//!
//! Promises: no byte that anyone may still read or write is touched. Each call takes at most two system calls. Rings
//! that are not mapped keep their memory, and all of this does nothing.
//!
//! # Invariants
//! 1. From invariants 3 and 6 of `ring`: while `TRIMMING` is set, the bytes in `[claim, head + capacity)` belong to the
//!    consumer. It has read and released what was there, and nothing is written there; no reference to them exists.
#![allow(unsafe_code)]

use std::ops::Range;

use super::ring::{Consumer, FLAGS, Producer, Ring, TRIMMING};
use crate::sync::Ordering;

impl Ring {
    /// The places of `[start, end)` in the region, at most one lap: one range, or two around the end of the data.
    pub(super) fn places(&self, start: usize, end: usize) -> [Range<usize>; 2] {
        let at = start & self.mask;
        let len = end.saturating_sub(start).min(self.capacity());
        let first = len.min(self.capacity() - at);
        let data = self.data_at;
        [data + at..data + at + first, data..data + len - first]
    }
}

impl Producer {
    /// Makes the memory of the next grants resident, so that they take no page fault.
    pub fn populate(&self) {
        for places in self.ring.places(self.tail, self.tail + self.ring.window) {
            self.ring.region.populate(places);
        }
    }
}

impl Consumer {
    /// Whether pages are left that no one has written, so that [`Consumer::populate`] has something to do.
    #[inline]
    pub fn has_fresh_pages(&self) -> bool {
        self.touched < self.fresh_end && self.ring.window <= self.ring.mask
    }

    /// Makes the next `ahead_bytes` after the newest tail resident, so that the producer takes no page fault there.
    #[cold]
    pub fn populate(&mut self, ahead_bytes: usize) {
        let start = self.touched.max(self.tail);
        let end = self.tail.saturating_add(ahead_bytes).min(self.fresh_end);
        self.touched = start.max(end);
        if start < end {
            for places in self.ring.places(start, end) {
                self.ring.region.populate(places);
            }
        }
    }

    /// Bytes of memory that the ring takes, at most; all of it if nothing can be given back.
    pub fn resident_bytes(&self) -> usize {
        match self.ring.window <= self.ring.mask {
            true => {
                self.capacity_bytes() - self.fresh_end.saturating_sub(self.touched.max(self.tail))
            }
            false => self.capacity_bytes(),
        }
    }

    /// Whether part of the ring does not outlive the process any more, although it was made in a file.
    pub fn is_lost(&self) -> bool {
        self.ring.region.is_lost()
    }

    /// The newest tail seen by [`Consumer::poll`].
    pub fn position(&self) -> usize {
        self.tail
    }

    /// Stores the head again, in a ring whose file was cut off or overwritten by another process: the producer takes
    /// zeros for a full ring.
    pub fn restore_head(&self) {
        // ORDER: release, as in `release`.
        self.words.head().store(self.head, Ordering::Release);
    }

    /// Bytes that stay resident when the ring is trimmed.
    pub fn window_bytes(&self) -> usize {
        self.ring.window
    }

    /// Gives back the memory of all free bytes that the producer has not claimed. A producer that needs a further claim
    /// waits meanwhile: some microseconds.
    #[cold]
    pub fn trim(&mut self) {
        let claim = self.words.claim();
        // ORDER: acquire pairs with the exchange in `Producer::claim`: either we see the claim, or the exchange fails
        // and the producer waits (invariant 6).
        let claimed = claim.fetch_or(TRIMMING, Ordering::Acquire) & !FLAGS;
        let end = self.head + self.capacity_bytes();
        if claimed < end {
            for places in self.ring.places(claimed, end) {
                self.ring.touch(places.start, places.len(), true);
                // SAFETY: (1) no one accesses these bytes now.
                unsafe { self.ring.region.discard(places) };
            }
        }
        // ORDER: release pairs with the acquire accesses in `Producer::claim`.
        claim.fetch_and(!TRIMMING, Ordering::Release);
        self.touched = claimed;
        self.fresh_end = end;
    }
}
