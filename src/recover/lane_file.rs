//! A lane's file: its losses, and the contexts that the records in its ring refer to.
//!
//! A record refers to contexts by slots, and their definitions may have left the ring long ago. So the writer copies
//! each definition it takes from the ring, and each record that names a thread, to a log in one of the two *areas* of
//! this file, with the position at which the record ends. Whoever reads the ring from its head on first applies the
//! entries of the log that end at the head or before. When an area is full, the state as of a moment when everything
//! that was read was given back is written into the other area, which then counts; if it is too large for that, a file
//! of the next generation takes the place of this one.
//!
//! Promises: one copy per definition, nothing per event. A kill leaves an area with whole entries.
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::engine_image::{losses, word};
use super::layout::{lane as at, lane_name, ring_name};
use crate::core::level::Level;
use crate::metrics::LevelCounts;
use ringseal_base::storage::shared_file::SharedFile;

/// Bytes of an area at first.
const AREA_BYTES_FIRST: usize = 28 << 10;
/// Bytes of an area, at most: contexts that do not fit are not recovered.
const AREA_BYTES_MAX: usize = 4 << 20;
/// Bytes before an entry's record.
const ENTRY_HEADER_BYTES: usize = 16;

/// Where a lane's files are made.
#[derive(Debug, Clone)]
enum Maker {
    /// In a directory.
    #[cfg_attr(not(target_os = "linux"), allow(dead_code))]
    Dir(PathBuf, u64),
    /// In private memory, for tests.
    #[cfg_attr(not(test), allow(dead_code))]
    Private,
}

impl Maker {
    fn make(&self, generation: u64, area_bytes: usize) -> io::Result<SharedFile> {
        let len = at::AREAS_AT + 2 * area_bytes;
        match self {
            #[cfg(target_os = "linux")]
            Maker::Dir(dir, lane) => {
                SharedFile::create_sparse(&dir.join(lane_name(*lane, generation)), len)
            }
            #[cfg(not(target_os = "linux"))]
            Maker::Dir(..) => Err(io::ErrorKind::Unsupported.into()),
            Maker::Private => SharedFile::private(len),
        }
    }
}

/// The file of a lane of a running engine.
#[derive(Debug)]
pub struct LaneFile {
    maker: Maker,
    generation: u64,
    losses: Arc<SharedFile>,
    file: Arc<SharedFile>,
    area_bytes: usize,
    area: usize,
    used: usize,
    told: LevelCounts,
    /// Contexts that could not be kept.
    left_out: u64,
}

impl LaneFile {
    /// The file of lane `lane` in a home.
    pub fn create(dir: &Path, lane: u64) -> io::Result<LaneFile> {
        Self::make(Maker::Dir(dir.to_owned(), lane))
    }

    /// The same in private memory.
    #[cfg(test)]
    pub fn private() -> io::Result<LaneFile> {
        Self::make(Maker::Private)
    }

    fn make(maker: Maker) -> io::Result<LaneFile> {
        let file = Arc::new(maker.make(0, AREA_BYTES_FIRST)?);
        file.store(at::AREA_BYTES_AT, AREA_BYTES_FIRST as u64);
        Ok(LaneFile {
            maker,
            generation: 0,
            losses: Arc::clone(&file),
            file,
            area_bytes: AREA_BYTES_FIRST,
            area: 0,
            used: 0,
            told: LevelCounts::default(),
            left_out: 0,
        })
    }

    /// The memory with the counts of losses, for the producer.
    pub fn losses(&self) -> Arc<SharedFile> {
        Arc::clone(&self.losses)
    }

    /// Whether another process has cut the file off.
    pub fn is_lost(&self) -> bool {
        self.losses.is_lost_now() || self.file.is_lost_now()
    }

    /// Notes the lane's number in tables of lines.
    pub fn set_number(&self, number: u16) {
        self.losses.publish(at::NUMBER_AT, number.into());
    }

    /// Notes the losses that were reported.
    pub fn set_told(&mut self, told: LevelCounts) {
        if told != self.told {
            self.told = told;
            for level in Level::ALL {
                self.losses.store(at::TOLD_AT + level as usize * 8, told.of(level));
            }
        }
    }

    /// Adds a record of the ring that ends at `end_position`.
    pub fn add(&mut self, record: &[u8], end_position: u64) {
        if self.used + entry_bytes(record) > self.area_bytes && !self.grow(entry_bytes(record)) {
            self.left_out += 1;
            return;
        }
        self.put(record, end_position);
        self.file.publish(at::USED_AT[self.area], self.used as u64);
    }

    fn put(&mut self, record: &[u8], end_position: u64) {
        let place = at::AREAS_AT + self.area * self.area_bytes + self.used;
        self.file.store(place, end_position);
        self.file.store(place + 8, record.len() as u64);
        self.file.write(place + ENTRY_HEADER_BYTES, record);
        self.used += entry_bytes(record);
    }

    /// Goes on in a file with more room, with a copy of the log.
    fn grow(&mut self, needed: usize) -> bool {
        let area_bytes = (self.used + needed).max(2 * self.area_bytes).next_power_of_two();
        if area_bytes > AREA_BYTES_MAX {
            return false;
        }
        let Ok(file) = self.maker.make(self.generation + 1, area_bytes) else { return false };
        let mut log = vec![0; self.used];
        self.file.read(at::AREAS_AT + self.area * self.area_bytes, &mut log);
        file.write(at::AREAS_AT, &log);
        file.store(at::USED_AT[0], self.used as u64);
        file.store(at::NUMBER_AT, self.losses.load(at::NUMBER_AT));
        file.publish(at::AREA_BYTES_AT, area_bytes as u64);
        self.remove_file();
        self.generation += 1;
        self.file = Arc::new(file);
        (self.area_bytes, self.area) = (area_bytes, 0);
        true
    }

    /// Removes the present file, unless it has the losses.
    fn remove_file(&self) {
        if let (Maker::Dir(dir, lane), 1..) = (&self.maker, self.generation) {
            // One that stays is older than the next generation, and is not read.
            let _ = std::fs::remove_file(dir.join(lane_name(*lane, self.generation)));
        }
    }

    /// Whether the log should be replaced by the present state.
    #[inline]
    pub fn is_compaction_due(&self) -> bool {
        self.used > self.area_bytes / 2
    }

    /// Replaces the log by the records that `write` passes on: the state as of `position`, up to which everything was
    /// given back.
    pub fn compact(&mut self, position: u64, write: impl FnOnce(&mut dyn FnMut(&[u8]))) {
        let (area, used) = (self.area, self.used);
        (self.area, self.used) = (1 - area, 0);
        let mut fits = true;
        write(&mut |record| {
            fits &= self.used + entry_bytes(record) <= self.area_bytes;
            if fits {
                self.put(record, position);
            }
        });
        // A state that takes most of an area would be compacted again and again.
        if fits && self.used <= self.area_bytes / 4 {
            self.file.store(at::USED_AT[self.area], self.used as u64);
            self.file.publish(at::AREA_AT, self.area as u64);
            return;
        }
        (self.area, self.used) = (area, used);
        self.grow(self.area_bytes);
    }

    /// Removes the files of a lane that has ended.
    pub fn remove(self) {
        self.remove_file();
        if let Maker::Dir(dir, lane) = &self.maker {
            // The ring first: a lane without a ring has nothing to recover.
            for name in [ring_name(*lane), lane_name(*lane, 0)] {
                // What stays is removed with the home.
                let _ = std::fs::remove_file(dir.join(name));
            }
        }
    }
}

/// Bytes of a record's entry.
fn entry_bytes(record: &[u8]) -> usize {
    ENTRY_HEADER_BYTES + record.len().next_multiple_of(8)
}

/// A lane's file as another process finds it.
#[derive(Debug, Clone, Default)]
pub struct LaneImage {
    bytes: Vec<u8>,
}

impl LaneImage {
    /// Reads a file; any bytes give an image.
    pub fn read(bytes: Vec<u8>) -> LaneImage {
        LaneImage { bytes }
    }

    /// The lane's number in tables of lines; 0 if it had none yet.
    pub fn number(&self) -> u16 {
        word(&self.bytes, at::NUMBER_AT) as u16
    }

    /// Events lost and those of them that were reported.
    pub fn losses(&self) -> (LevelCounts, LevelCounts) {
        losses(&self.bytes, at::LOST_AT, at::TOLD_AT)
    }

    /// What differs after the log was replaced by the state as of a later position.
    pub fn log_identity(&self) -> (u64, u64) {
        (word(&self.bytes, at::AREA_BYTES_AT), word(&self.bytes, at::AREA_AT))
    }

    /// The records of the log that end at `head` or before, in their order.
    pub fn records(&self, head: u64) -> impl Iterator<Item = &[u8]> {
        let area_bytes = usize::try_from(word(&self.bytes, at::AREA_BYTES_AT)).unwrap_or(0);
        let area = (word(&self.bytes, at::AREA_AT) & 1) as usize;
        let used = usize::try_from(word(&self.bytes, at::USED_AT[area])).unwrap_or(0);
        let start = area.saturating_mul(area_bytes).saturating_add(at::AREAS_AT);
        let log = self.bytes.get(start..).unwrap_or_default();
        let mut rest = &log[..used.min(area_bytes).min(log.len())];
        std::iter::from_fn(move || {
            let (end, len) = (word(rest, 0), usize::try_from(word(rest, 8)).ok()?);
            let record = rest.get(ENTRY_HEADER_BYTES..)?.get(..len).filter(|_| len > 0)?;
            rest = rest.get(entry_bytes(record)..).unwrap_or_default();
            Some((end, record))
        })
        .filter(move |(end, _)| *end <= head)
        .map(|(_, record)| record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(file: &LaneFile) -> LaneImage {
        let mut bytes = vec![0; file.file.len_bytes()];
        file.file.read(0, &mut bytes);
        LaneImage::read(bytes)
    }

    fn texts(file: &LaneFile, head: u64) -> Vec<String> {
        let image = image(file);
        let text = |record: &[u8]| String::from_utf8_lossy(record).into_owned();
        image.records(head).map(text).collect()
    }

    #[test]
    fn only_what_left_the_ring_is_applied() {
        let mut file = LaneFile::private().unwrap();
        file.add(b"one", 8);
        file.add(b"two", 16);
        file.add(b"three", 32);
        assert_eq!(texts(&file, 16), ["one", "two"]);
        assert_eq!(texts(&file, 7), [""; 0]);
    }

    #[test]
    fn a_compacted_log_has_the_state() {
        let mut file = LaneFile::private().unwrap();
        let mut position = 0;
        while !file.is_compaction_due() {
            position += 8;
            file.add(b"an older definition", position);
        }
        file.compact(position, |put| put(b"the state"));
        assert_eq!(texts(&file, position), ["the state"]);
        file.add(b"newer", position + 8);
        assert_eq!(texts(&file, position + 8), ["the state", "newer"]);
    }

    #[test]
    fn a_log_grows_with_all_its_entries() {
        let mut file = LaneFile::private().unwrap();
        let long = vec![b'x'; 10_000];
        (1..=20).for_each(|index| file.add(&long, index * 8));
        assert_eq!(texts(&file, 160).len(), 20);
        file.compact(160, |put| (0..15).for_each(|_| put(&long)));
        assert!(texts(&file, 160).len() >= 15);
        file.add(&vec![b'y'; AREA_BYTES_MAX], 168);
        assert_eq!(file.left_out, 1);
    }

    #[test]
    fn any_bytes_are_an_image() {
        for byte in [0, 1, 0x7f, 0xff] {
            for len in [0, 100, 600, 70_000] {
                let image = LaneImage::read(vec![byte; len]);
                assert!(image.records(u64::MAX).count() < 10_000);
                let _ = (image.number(), image.losses());
            }
        }
    }
}
