//! The ring's two halves. The memory between them is one region: control words ([`super::control`]), then the data.
//!
//! Positions count bytes and only grow; `position & mask` is the place in memory. A grant never crosses the end of
//! the memory: when it would, the producer notes in `watermark` where the data of this lap ends and continues at
//! the start of the next lap. It can be at most one lap ahead, so one watermark is enough.
//!
//! The producer *claims* the bytes that it is going to write, a window of some pages at a time. Free bytes beyond its
//! claim are written by no one, so the consumer can give their memory back while the producer keeps writing.
//!
//! # Invariants
//! 1. `ring` has the region, with the control words at `words_at`, and whose bytes from `data_at` on are the data:
//!    `mask + 1` initialised bytes, aligned to [`ALIGN`]. It lives until both halves are dropped, and so longer than
//!    `words`. Nothing else writes to it. `data` is the address of the data; the consumer's `mask` is that of the ring.
//! 2. Only the one [`Producer`] stores `tail` and `watermark`, and raises the position in `claim`; only the one
//!    [`Consumer`] stores `head`, and sets and clears [`TRIMMING`].
//! 3. `head <= tail <= head + capacity` at every moment. Bytes in `[head, tail)` belong to the consumer, all others
//!    to the producer. A position changes sides only by a release store that the other side reads by an acquire
//!    load.
//! 4. A grant `[tail, tail + len)` lies within one lap and ends at or before `limit`, and
//!    `limit <= claim <= head + capacity` for some head that the producer has loaded with acquire.
//! 5. A readable stretch lies within one lap and ends at or before a tail that the consumer has loaded with acquire,
//!    and before the lap's watermark if that tail is in a later lap. In a file, another process may have changed the
//!    words: the consumer checks each tail and watermark that it loads, and takes none that contradicts 3.
//! 6. While [`TRIMMING`] is set, the claim does not grow, so `[claim, head + capacity)` belongs to the consumer.
//! 7. While there is room before `limit`, `origin` is the start of the data less the first position of the lap that
//!    `tail` is in.
#![allow(unsafe_code)]
// One note covers the pointer and its slice.
#![allow(clippy::multiple_unsafe_ops_per_block)]

use std::ptr::NonNull;
use std::{fmt, io};

use super::control::{CONTROL_BYTES, RegionLengthError, Words, private_words_at};
use crate::sync::{Arc, Ordering, spin_wait};
use ringseal_base::storage::region::{Region, page_bytes};

/// Grants are rounded up to this many bytes, so that every record starts aligned.
pub const ALIGN: usize = 8;

#[cfg(not(target_pointer_width = "64"))]
compile_error!("ringseal counts ring positions in 64 bits; this target has fewer");

/// No grant is longer: the longest ring. Sums of a position and a length do not overflow.
pub(super) const GRANT_BYTES_MAX: usize = 1 << 30;
/// The shortest ring.
pub(super) const CAPACITY_BYTES_MIN: usize = 64;

/// In `claim`: the consumer is giving memory beyond the claim back.
pub(super) const TRIMMING: usize = 1;
/// In `claim`: the producer is dropped.
const ABANDONED: usize = 2;
/// Positions are multiples of [`ALIGN`], so its lower bits are free.
pub(super) const FLAGS: usize = ALIGN - 1;

/// How often a producer looks whether the consumer has finished trimming, which takes microseconds, before it reports a
/// full ring.
const SPINS_MAX: u32 = if cfg!(loom) { 1 } else { 2000 };

/// A claim's bytes in a ring whose memory is given back, as a part of its capacity.
const WINDOWS: usize = 32;
/// The longest claim in such a ring.
const WINDOW_BYTES_MAX: usize = 32 << 10;

/// What both halves need seldom.
pub(super) struct Ring {
    pub(super) region: Region,
    /// The place of the data in the region.
    pub(super) data_at: usize,
    pub(super) mask: usize,
    /// Bytes claimed at a time, a power of two.
    pub(super) window: usize,
    #[cfg(loom)]
    granules: Vec<loom::cell::UnsafeCell<()>>,
}

// SAFETY: invariants 2 and 3: each byte has one owner at a time, and changes hands by release and acquire.
unsafe impl Send for Ring {}
// SAFETY: as above; what is shared besides are constants.
unsafe impl Sync for Ring {}

impl Ring {
    fn new(region: Region, data_at: usize, capacity: usize) -> Ring {
        let window = match region.page_bytes() {
            _ if cfg!(loom) => 16,
            Some(page) => (capacity / WINDOWS).min(WINDOW_BYTES_MAX).next_multiple_of(page),
            None => capacity,
        };
        Ring {
            region,
            data_at,
            mask: capacity - 1,
            window,
            #[cfg(loom)]
            granules: (0..capacity / ALIGN).map(|_| loom::cell::UnsafeCell::new(())).collect(),
        }
    }

    pub(super) fn capacity(&self) -> usize {
        self.mask + 1
    }

    /// The first byte of the data.
    fn data(&self) -> NonNull<u8> {
        // SAFETY: invariant 1: it is within the region.
        unsafe { self.region.start().add(self.data_at) }
    }

    /// Reports accesses to loom; nothing otherwise.
    #[inline(always)]
    pub(super) fn touch(&self, _position: usize, _len: usize, _write: bool) {
        #[cfg(loom)]
        for granule in (_position & self.mask) / ALIGN
            ..((_position & self.mask) + _len.next_multiple_of(ALIGN)) / ALIGN
        {
            if _write {
                self.granules[granule].with_mut(|_| ());
            } else {
                self.granules[granule].with(|_| ());
            }
        }
    }
}

/// Makes a ring of at least `capacity_bytes` (rounded up to a power of two, 64 bytes to 1 GiB).
///
/// # Panics
/// If the system has no memory left.
pub fn ring(capacity_bytes: usize) -> (Producer, Consumer) {
    try_ring(capacity_bytes).expect("memory for a ring")
}

/// The same; an error if the system has no memory left.
pub fn try_ring(capacity_bytes: usize) -> io::Result<(Producer, Consumer)> {
    let capacity = capacity_bytes.clamp(CAPACITY_BYTES_MIN, GRANT_BYTES_MAX).next_power_of_two();
    let data_at = page_bytes().max(CONTROL_BYTES);
    let region = Region::new(data_at + capacity)?;
    // ORDER: relaxed; rings that get the same number share cache sets, nothing else.
    let number = RINGS.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let words_at = private_words_at(number, data_at);
    ring_at(region, words_at, data_at)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))
}

/// Rings that were made in private memory. Not one of loom's atomics: it is not part of the model.
static RINGS: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);

/// Makes an empty ring in `region`: control words first, and data from `data_at` to the end.
pub fn ring_in(region: Region, data_at: usize) -> Result<(Producer, Consumer), RegionLengthError> {
    ring_at(region, 0, data_at)
}

/// The same, with the words at `words_at`.
fn ring_at(
    region: Region,
    words_at: usize,
    data_at: usize,
) -> Result<(Producer, Consumer), RegionLengthError> {
    let len_bytes = region.len_bytes();
    let error = RegionLengthError { len_bytes, data_at };
    let capacity = len_bytes.checked_sub(data_at).ok_or(error)?;
    let is_aligned = data_at >= words_at + CONTROL_BYTES && data_at.is_multiple_of(ALIGN);
    if !is_aligned
        || !capacity.is_power_of_two()
        || !(CAPACITY_BYTES_MIN..=GRANT_BYTES_MAX).contains(&capacity)
    {
        return Err(error);
    }
    let words = Words::new(&region, words_at).ok_or(error)?;
    let ring = Arc::new(Ring::new(region, data_at, capacity));
    let (data, mask) = (ring.data(), ring.mask);
    let producer =
        Producer { words, ring: Arc::clone(&ring), tail: 0, limit: 0, origin: data.as_ptr() };
    let (touched, fresh_end) = (0, capacity);
    let consumer =
        Consumer { words, data, mask, ring, head: 0, at: 0, tail: 0, touched, fresh_end };
    Ok((producer, consumer))
}

/// The next multiple of [`ALIGN`]. `len` is at most [`GRANT_BYTES_MAX`].
#[inline(always)]
fn round_up(len: usize) -> usize {
    (len + (ALIGN - 1)) & !(ALIGN - 1)
}

/// The writing half.
pub struct Producer {
    pub(super) words: Words,
    pub(super) ring: Arc<Ring>,
    /// The producer's position; the shared one is lower only between a wrap and the next commit.
    pub(super) tail: usize,
    /// A grant that ends here or before needs no access to shared state (invariant 4).
    limit: usize,
    /// Where position 0 would be if the memory of the producer's lap extended down to it: the place of a position of
    /// this lap is one addition away. Changes with each lap.
    origin: *mut u8,
}

// SAFETY: the pointer is derived from the region of `ring` (invariant 1), which is `Send`.
unsafe impl Send for Producer {}

impl Producer {
    /// Reserves `len` contiguous bytes, or returns `None` when they are not free now (or never could be).
    ///
    /// The bytes hold old data. Dropping the grant gives them back.
    #[inline(always)]
    pub fn grant(&mut self, len: usize) -> Option<Grant<'_>> {
        if len > GRANT_BYTES_MAX {
            return None;
        }
        if self.tail + round_up(len) > self.limit && !self.make_room(round_up(len)) {
            return None;
        }
        self.ring.touch(self.tail, len, true);
        Some(Grant { producer: self, len })
    }

    /// The same, if it needs no access to shared state. `None` means that [`Producer::grant`] has to be called.
    #[inline(always)]
    pub fn grant_claimed(&mut self, len: usize) -> Option<Grant<'_>> {
        if len > GRANT_BYTES_MAX || self.tail + round_up(len) > self.limit {
            return None;
        }
        self.ring.touch(self.tail, len, true);
        Some(Grant { producer: self, len })
    }

    /// Bytes of the whole ring.
    pub fn capacity_bytes(&self) -> usize {
        self.ring.capacity()
    }

    /// Bytes published since the ring was made, including the gaps at the ends of laps.
    pub fn position(&self) -> usize {
        self.tail
    }

    /// Bytes written and not yet released by the consumer.
    pub fn used_bytes(&self) -> usize {
        // ORDER: acquire pairs with the release store in `Consumer::release`.
        self.tail - self.words.head().load(Ordering::Acquire)
    }

    #[cold]
    #[inline(never)]
    fn make_room(&mut self, len: usize) -> bool {
        let capacity = self.ring.capacity();
        // ORDER: acquire pairs with the release store in `Consumer::release`: the consumer has finished reading
        // everything before `head` (invariant 3).
        let head = self.words.head().load(Ordering::Acquire);
        let room = head + capacity;
        let at_lap_start = self.tail & self.ring.mask == 0;
        let lap_end = (self.tail | self.ring.mask) + 1;
        let is_wrap = len > lap_end - self.tail;
        let start = if is_wrap { lap_end } else { self.tail };
        // A grant longer than the ring is never free. Both sums are below the overflow of positions.
        if len > capacity || start + len > room {
            return false;
        }
        let end = if is_wrap { lap_end + capacity } else { lap_end };
        let Some(limit) = self.claim(start + len, end.min(room)) else { return false };
        if is_wrap || at_lap_start {
            self.mark_lap_end();
        }
        self.tail = start;
        self.limit = limit;
        self.set_origin();
        true
    }

    /// Claims the bytes before `needed`, and the next pages up to `end`. Returns the position before which the producer
    /// may write now; `None` if the consumer does not stop trimming.
    fn claim(&self, needed: usize, end: usize) -> Option<usize> {
        // The window is a power of two. Nothing here can panic: the callers of `grant` would have to be ready for it.
        let window = self.ring.window;
        let wanted = ((needed + window) & !(window - 1)).min(end);
        let claim = self.words.claim();
        // ORDER: acquire pairs with the release in `Consumer::trim`: the memory was given back before we write.
        let mut seen = claim.load(Ordering::Acquire);
        let mut spins = 0;
        loop {
            let claimed = seen & !FLAGS;
            if claimed >= wanted {
                return Some(claimed.min(end));
            }
            if seen & TRIMMING != 0 {
                if spins == SPINS_MAX {
                    return (claimed >= needed).then_some(claimed.min(end));
                }
                spins += 1;
                spin_wait();
                // ORDER: as above.
                seen = claim.load(Ordering::Acquire);
                continue;
            }
            // ORDER: the success pairs with both sides of `Consumer::trim`, which sees this claim or makes this
            // exchange fail (invariant 6).
            match claim.compare_exchange(seen, wanted, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Some(wanted),
                Err(now) => seen = now,
            }
        }
    }

    /// Undoes the wrap of a grant that was not committed; otherwise the end of the lap would count as used permanently.
    #[cold]
    #[inline(never)]
    fn take_back(&mut self) {
        // ORDER: relaxed; only this side stores `tail`. Zero if the file was cut off.
        let published = self.words.tail().load(Ordering::Relaxed);
        if self.tail.wrapping_sub(published) <= self.ring.capacity() {
            self.tail = published;
        }
        self.limit = self.tail;
        self.set_origin();
    }

    /// Restores invariant 7 for the lap of `tail`.
    fn set_origin(&mut self) {
        let lap_start = self.tail & !self.ring.mask;
        self.origin = self.ring.data().as_ptr().wrapping_sub(lap_start);
    }

    /// Records where the data of the current lap end. Called only if there is space in the next lap, so `head` has left
    /// every earlier lap and their watermarks are no longer needed.
    fn mark_lap_end(&mut self) {
        // ORDER: relaxed; published by the release store of `tail` in the next commit, read after the acquire load
        // in `Consumer::poll`.
        self.words.watermark().store(self.tail, Ordering::Relaxed);
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        // ORDER: release pairs with the acquire load in `Consumer::is_abandoned`: every commit comes before.
        self.words.claim().fetch_or(ABANDONED, Ordering::Release);
    }
}

impl fmt::Debug for Producer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer").field("tail", &self.tail).field("limit", &self.limit).finish()
    }
}

/// Reserved contiguous bytes, not yet visible to the consumer.
#[derive(Debug)]
#[must_use = "dropping a grant discards its bytes"]
pub struct Grant<'a> {
    producer: &'a mut Producer,
    len: usize,
}

impl Grant<'_> {
    /// The reserved bytes.
    #[inline(always)]
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        let place = self.producer.origin.wrapping_add(self.producer.tail);
        // SAFETY: invariants 1, 3, 4 and 7: the range lies within the memory and belongs to the producer, and this
        // borrow of the grant borrows the producer, so there is no other reference to it.
        unsafe { std::slice::from_raw_parts_mut(place, self.len) }
    }

    /// Publishes the first `len` bytes (rounded up to [`ALIGN`], never more than was granted). Zero publishes nothing.
    #[inline(always)]
    pub fn commit(mut self, len: usize) {
        debug_assert!(len <= self.len, "committed {len} bytes of a grant of {}", self.len);
        // From here on `drop` has nothing to undo, and the compiler removes it.
        let granted = std::mem::take(&mut self.len);
        let len = round_up(len.min(granted));
        if len == 0 {
            return self.producer.take_back();
        }
        let tail = self.producer.tail + len;
        self.producer.tail = tail;
        // ORDER: release pairs with the acquire load in `Consumer::poll`: the bytes are written before they can be
        // seen (invariant 3).
        self.producer.words.tail().store(tail, Ordering::Release);
    }
}

impl Drop for Grant<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        if self.len != 0 {
            self.producer.take_back();
        }
    }
}

/// The reading half.
pub struct Consumer {
    pub(super) words: Words,
    /// The first byte of the data.
    data: NonNull<u8>,
    mask: usize,
    pub(super) ring: Arc<Ring>,
    /// The position up to which bytes were released to the producer.
    pub(super) head: usize,
    /// The position up to which bytes have been read.
    pub(super) at: usize,
    /// The newest tail seen.
    pub(super) tail: usize,
    /// The pages of `[touched, fresh_end)` have not been written since the ring was made or trimmed, as far as this
    /// side knows.
    pub(super) touched: usize,
    pub(super) fresh_end: usize,
}

// SAFETY: the pointer is derived from the region of `ring` (invariant 1), which is `Send`.
unsafe impl Send for Consumer {}

impl Consumer {
    /// Looks for newly published bytes and returns how many bytes are in use, read ones not yet released included.
    #[inline]
    pub fn poll(&mut self) -> usize {
        // ORDER: acquire pairs with the release store in `Grant::commit` (invariant 3).
        let tail = self.words.tail().load(Ordering::Acquire);
        // Zero if another process has cut the ring's file off, until the next commit.
        if tail >= self.at && tail - self.head <= self.ring.capacity() {
            self.tail = tail;
        }
        self.tail - self.head
    }

    /// The next contiguous bytes to read as of the last [`Consumer::poll`]; empty when there is nothing.
    #[inline]
    pub fn readable(&mut self) -> &[u8] {
        self.readable_at().1
    }

    /// The same, and the position of its first byte, as [`Producer::position`] counts.
    #[inline]
    pub fn readable_at(&mut self) -> (usize, &[u8]) {
        let mask = self.mask;
        let lap_end = (self.at | mask) + 1;
        let mut end = self.tail;
        if self.tail > lap_end {
            // ORDER: relaxed; written before the release store of the `tail` that `poll` has loaded with acquire.
            end = self.words.watermark().load(Ordering::Relaxed);
            // Outside of the lap if the file was cut off.
            if end <= self.at || end > lap_end {
                self.at = lap_end;
                end = self.tail;
            }
        }
        let len = end - self.at;
        self.ring.touch(self.at, len, false);
        // SAFETY: invariants 1, 3 and 5: the range lies within the memory and belongs to the consumer until it is
        // released, which needs `&mut self`.
        let bytes =
            unsafe { std::slice::from_raw_parts(self.data.as_ptr().add(self.at & mask), len) };
        (self.at, bytes)
    }

    /// Moves on by `len` bytes of the readable stretch. They stay valid until [`Consumer::release`].
    #[inline]
    pub fn advance(&mut self, len: usize) {
        debug_assert!(len <= self.tail - self.at);
        self.at += len;
    }

    /// Bytes that have not been read as of the last [`Consumer::poll`], including the gaps at the ends of laps.
    pub fn unread_bytes(&self) -> usize {
        self.tail - self.at
    }

    /// Bytes that were read and not yet released.
    pub fn unreleased_bytes(&self) -> usize {
        self.at - self.head
    }

    /// Releases everything that was read to the producer.
    #[inline]
    pub fn release(&mut self) {
        if self.head != self.at {
            self.head = self.at;
            // ORDER: release pairs with the acquire loads in `Producer::make_room` and `Producer::used_bytes`: our
            // reads are done before the bytes can be overwritten (invariant 3).
            self.words.head().store(self.head, Ordering::Release);
        }
    }

    /// Bytes of the whole ring.
    pub fn capacity_bytes(&self) -> usize {
        self.ring.capacity()
    }

    /// Whether the producer half is dropped, so that nothing can be published after the next poll.
    pub fn is_abandoned(&self) -> bool {
        // ORDER: acquire pairs with the release in the drop of `Producer`.
        self.words.claim().load(Ordering::Acquire) & ABANDONED != 0
    }
}

impl fmt::Debug for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer").field("at", &self.at).field("tail", &self.tail).finish()
    }
}
