//! A lane at one moment: its ring and its contexts, also of a run that is alive.
//!
//! The owner of a live ring writes on while it is read. Its producer may write at the place of position p once the head
//! is beyond p, so what is before the head as it is after the data were read does not count. The log of contexts is
//! read before and after: if it was replaced meanwhile by a later state, everything is read again.
//!
//! What is before the head has been given back, and stays until it is overwritten: the *history*. A record's end is the
//! start of the next one, so a chain of records that ends exactly at the head, or at the end of its lap, is a chain of
//! whole records with near certainty. Its records also have to be of known call sites and in order of time.
//!
//! Promises: reading is total. Takes memory for one ring.
use std::io;

use super::dead::DeadHome;
use super::lane_file::LaneImage;
use crate::core::record::{Kind, Record};
use crate::ringbuf::{Consumer, RingWords, consumer_of};
use ringseal_base::value::{ValueRef, Values};

/// How often a lane is read that its owner changes meanwhile.
const TRIES: usize = 50;

/// A lane at one moment.
#[derive(Debug)]
pub struct LaneSnapshot {
    words: RingWords,
    data: Vec<u8>,
    /// The lane's number and losses.
    pub counts: LaneImage,
    /// Its contexts.
    pub log: LaneImage,
    /// The position before which the data may have been overwritten.
    oldest: usize,
}

/// Which records of a history count.
pub struct KnownRecords<'a> {
    /// Whether a call site is known.
    pub is_site: &'a dyn Fn(u32) -> bool,
    /// How far the ticks of a record may exceed those of the next one.
    pub slack_ticks: u64,
}

impl LaneSnapshot {
    /// Reads a lane. `None` if it has ended, or changes faster than it can be read.
    ///
    /// # Errors
    /// If the ring contradicts itself, or a call failed.
    pub fn read(home: &DeadHome, ring: u64, is_live: bool) -> io::Result<Option<LaneSnapshot>> {
        let tries = if is_live { TRIES } else { 1 };
        let mut last = Ok(None);
        for _ in 0..tries {
            last = match Self::try_read(home, ring, is_live) {
                Ok(Some(snapshot)) => return Ok(Some(snapshot)),
                // The words of several moments contradict each other.
                Err(error) if is_live && error.kind() == io::ErrorKind::InvalidData => Err(error),
                Err(error) if is_live && error.kind() == io::ErrorKind::NotFound => {
                    return Ok(None);
                }
                Err(error) => return Err(error),
                Ok(None) => Ok(None),
            };
        }
        last
    }

    fn try_read(home: &DeadHome, ring: u64, is_live: bool) -> io::Result<Option<LaneSnapshot>> {
        let (counts, log_before) = home.lane(ring);
        let image = home.ring(ring)?;
        let mut words = image.words();
        let data = image.data()?;
        if !is_live {
            let oldest = words.tail.saturating_sub(words.capacity_bytes);
            return Ok(Some(LaneSnapshot { words, data, counts, log: log_before, oldest }));
        }
        let after = home.ring(ring)?.words();
        let (_, log) = home.lane(ring);
        if log.log_identity() != log_before.log_identity() {
            return Ok(None);
        }
        // Grants that are not published yet reach a quarter of the ring beyond the tail.
        let oldest = after.tail.saturating_sub(words.capacity_bytes / 4 * 3);
        words.head = after.head.min(words.tail);
        words.check().map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        Ok(Some(LaneSnapshot { words, data, counts, log, oldest }))
    }

    /// The position of the first record that waits.
    pub fn head(&self) -> usize {
        self.words.head
    }

    /// The position after the last record.
    pub fn tail(&self) -> usize {
        self.words.tail
    }

    /// A consumer of a copy of what is from `start` on: the head, or the start of the history.
    ///
    /// # Errors
    /// If no ring has such words.
    pub fn consumer(&self, start: usize) -> io::Result<Consumer> {
        let words = RingWords { head: start, ..self.words };
        consumer_of(words, &mut |offset, bytes| {
            let found = self.data.get(offset..offset + bytes.len());
            bytes.copy_from_slice(found.ok_or(io::ErrorKind::InvalidData)?);
            Ok(())
        })
    }

    /// The threads that the records from `start` on name, by number and name.
    pub fn threads(&self, start: usize) -> Vec<(u64, String)> {
        let mut threads = Vec::new();
        let Ok(mut consumer) = self.consumer(start) else { return threads };
        consumer.poll();
        loop {
            let stretch = consumer.readable();
            let mut at = 0;
            while let Ok(record) = Record::read(&stretch[at..]) {
                if record.header.kind == Kind::Thread {
                    threads.extend(thread_of(record.payload));
                }
                at += record.len_bytes;
            }
            if at == 0 {
                return threads;
            }
            consumer.advance(at);
        }
    }

    /// The position of the first record of the history; the head if there is none.
    pub fn history_start(&self, known: &KnownRecords<'_>) -> usize {
        let RingWords { capacity_bytes: capacity, head, tail, watermark } = self.words;
        // Of a lap that ended exactly at its end, the next one has not begun.
        let lap_start = tail.saturating_sub(1) & !(capacity - 1);
        let (own, own_ticks) = match head >= lap_start {
            true => self.chain_start(lap_start.max(self.oldest)..head, u64::MAX, known),
            false => (lap_start, u64::MAX),
        };
        let is_whole = own == lap_start && lap_start > self.oldest;
        let end = if head < lap_start { head } else { watermark };
        if !is_whole || !(lap_start - capacity..=lap_start).contains(&end) || end < self.oldest {
            return own.min(head);
        }
        let (start, _) = self.chain_start(self.oldest..end, own_ticks, known);
        if start < end || end == head { start } else { own.min(head) }
    }

    /// The start of the longest chain of records in these positions of one lap that ends where they end, before a
    /// record with these ticks; and the ticks of its first record.
    fn chain_start(
        &self,
        positions: std::ops::Range<usize>,
        ticks_after: u64,
        known: &KnownRecords<'_>,
    ) -> (usize, u64) {
        let end = positions.end;
        let mask = self.words.capacity_bytes - 1;
        let first = positions.start & mask;
        let Some(bytes) = self.data.get(first..first + positions.len()) else {
            return (end, ticks_after);
        };
        // For each word from the end backwards: the ticks of the chain that starts there.
        let mut chains = vec![None; bytes.len() / 8 + 1];
        chains[bytes.len() / 8] = Some(ticks_after);
        for at in (0..bytes.len() / 8).rev() {
            let Ok(record) = Record::read(&bytes[at * 8..]) else { continue };
            let header = record.header;
            let next: Option<u64> = chains.get(at + record.len_bytes / 8).copied().flatten();
            let Some(next) = next else { continue };
            let is_event = matches!(header.kind, Kind::Event | Kind::Dynamic);
            if header.kind == Kind::Event && !(known.is_site)(header.callsite) {
                continue;
            }
            if !is_event || header.ticks <= next.saturating_add(known.slack_ticks) {
                chains[at] = Some(if is_event { header.ticks } else { next });
            }
        }
        let start = chains.iter().position(Option::is_some).unwrap_or(bytes.len() / 8);
        (positions.start + start * 8, chains[start].unwrap_or(ticks_after))
    }
}

/// The number and the name in the record of a thread.
fn thread_of(payload: &[u8]) -> Option<(u64, String)> {
    let mut values = Values(payload);
    let Some(Ok(ValueRef::U64(number))) = values.next() else { return None };
    let Some(Ok(ValueRef::Str(name))) = values.next() else { return None };
    Some((number, String::from_utf8_lossy(name).into_owned()))
}

#[cfg(test)]
#[path = "snapshot_tests.rs"]
mod tests;
