//! A consumer of what another process has left in a ring.
//!
//! Promises: the words are checked before anything is read, and only the published bytes are read. Takes memory for
//! the pages that contain them.
//!
//! # Invariants
//! 1. The ring is new, so nobody else has references to its data.
#![allow(unsafe_code)]
// One note covers the pointer and its slice.
#![allow(clippy::multiple_unsafe_ops_per_block)]
use std::fmt;
use std::io;

use crate::sync::Ordering;

use super::ring::{ALIGN, CAPACITY_BYTES_MIN, Consumer, GRANT_BYTES_MAX, try_ring};

/// A ring's words as they were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RingWords {
    /// Bytes of the data.
    pub capacity_bytes: usize,
    /// The position up to which bytes were given back.
    pub head: usize,
    /// The position after the last published byte.
    pub tail: usize,
    /// The end of the data of the head's lap, if the tail is in the next lap.
    pub watermark: usize,
}

/// Words that no ring has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RingWordsError {
    words: RingWords,
    expected: &'static str,
}

impl fmt::Display for RingWordsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected a ring with {}, found {:?}", self.expected, self.words)
    }
}

impl std::error::Error for RingWordsError {}

impl RingWords {
    /// Whether a ring can have these words.
    pub fn check(self) -> Result<(), RingWordsError> {
        let failed = |expected| Err(RingWordsError { words: self, expected });
        let RingWords { capacity_bytes: capacity, head, tail, watermark } = self;
        if !capacity.is_power_of_two()
            || !(CAPACITY_BYTES_MIN..=GRANT_BYTES_MAX).contains(&capacity)
        {
            return failed("a capacity that is a power of two");
        }
        if [head, tail]
            .iter()
            .any(|position| position % ALIGN != 0 || *position > isize::MAX as usize)
        {
            return failed("positions that are multiples of 8");
        }
        if head > tail || tail - head > capacity {
            return failed("a tail within one lap of the head");
        }
        let lap_end = (head | (capacity - 1)) + 1;
        if tail > lap_end && (watermark % ALIGN != 0 || !(head..=lap_end).contains(&watermark)) {
            return failed("a watermark in the lap of the head");
        }
        Ok(())
    }
}

/// A consumer of a ring with these words. `read` fills bytes with those from an offset of the data on.
pub fn consumer_of(
    words: RingWords,
    read: &mut dyn FnMut(usize, &mut [u8]) -> io::Result<()>,
) -> io::Result<Consumer> {
    let invalid = |error| io::Error::new(io::ErrorKind::InvalidData, error);
    words.check().map_err(invalid)?;
    let (_, mut consumer) = try_ring(words.capacity_bytes)?;
    for places in consumer.ring.places(words.head, words.tail) {
        let offset = places.start - consumer.ring.data_at;
        // SAFETY: (1); the places are within the region, whose bytes are initialised.
        let bytes = unsafe {
            let start = consumer.ring.region.start().as_ptr().add(places.start);
            std::slice::from_raw_parts_mut(start, places.len())
        };
        read(offset, bytes)?;
    }
    consumer.start_at(words);
    Ok(consumer)
}

impl Consumer {
    /// The position up to which bytes were given back.
    pub fn head_position(&self) -> usize {
        self.head
    }

    /// Takes the words of the ring that was copied.
    fn start_at(&mut self, words: RingWords) {
        let RingWords { head, tail, watermark, .. } = words;
        (self.head, self.at, self.tail) = (head, head, tail);
        // ORDER: relaxed; the producer is dropped, and this side alone has the ring.
        self.words.watermark().store(watermark, Ordering::Relaxed);
        self.words.head().store(head, Ordering::Relaxed);
        self.words.tail().store(tail, Ordering::Relaxed);
    }
}
