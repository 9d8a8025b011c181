//! Which record each line of an output comes from, until the ring space of that record is given back.
//!
//! A ring's bytes are given back only after the lines made from them were handed over to the sinks. Until then the
//! table and the ring together say which events are in the sinks and which are only in the ring: the table has an entry
//! for each line since space was last given back, in the order of the lines, with the position at which the line's
//! record ends. So a reader that finds some of these lines in place continues in each lane after the last of their
//! records.
//!
//! There are two halves, which take turns: giving space back starts the other half, so that the entries of the last
//! delivery are still there while heads are stored. A half that is full makes the writer deliver.
//!
//! With a home, the entries are also in a file of it, which outlives the process.
//!
//! Promises: one entry of 16 bytes per line, without allocation. Only the engine's own events can exceed a half, which
//! then grows.
use crate::core::level::Level;
use crate::recover::line_file::LineFile;

/// Lines of a half, at least and at most.
const LINES_MIN: usize = 1 << 8;
const LINES_MAX: usize = 1 << 16;
/// Lines of the engine's own events that a half takes in addition.
const OWN_LINES: usize = 64;

/// Lines of a half of the file that takes the entries of a table for batches of this many lines.
pub(super) fn file_lines(batch_lines: usize) -> usize {
    batch_lines.clamp(LINES_MIN, LINES_MAX) + OWN_LINES
}

/// The lane of lines that the engine writes itself.
const OWN_LANE: u16 = 0;

/// The record that a line is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LineOrigin {
    /// The position in the lane's ring at which the record ends.
    pub(super) end_position: u64,
    /// The lane's number.
    pub(super) lane: u16,
}

impl LineOrigin {
    /// The engine's own events, which are in no ring.
    pub(super) const OWN: LineOrigin = LineOrigin { end_position: 0, lane: OWN_LANE };
}

/// One line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(C)]
pub(super) struct LineEntry {
    /// [`LineOrigin::end_position`].
    pub(super) end_position: u64,
    /// Bytes of the line, its newline included.
    pub(super) line_bytes: u32,
    /// [`LineOrigin::lane`].
    pub(super) lane: u16,
    /// The level.
    flags: u16,
}

const _: () = assert!(size_of::<LineEntry>() == 16);

impl LineEntry {
    /// The line's level.
    pub(super) fn level(&self) -> Level {
        Level::from_u8(self.flags as u8).unwrap_or(Level::Critical)
    }
}

/// The entries of an output's lines.
#[derive(Debug)]
pub(super) struct LineTable {
    /// The lines since ring space was last given back.
    lines: Vec<LineEntry>,
    /// Those before.
    released: Vec<LineEntry>,
    /// The first of `lines` that is in the present batch.
    batch_start: usize,
    /// Lines of a half.
    lines_max: usize,
    /// The number of the first of `lines`, counted over the life of the output.
    first: u64,
    /// The table that outlives the process.
    file: Option<Box<LineFile>>,
}

impl LineTable {
    /// A table for batches of about this number of lines.
    pub(super) fn new(batch_lines: usize) -> LineTable {
        let lines_max = batch_lines.clamp(LINES_MIN, LINES_MAX);
        let half = || Vec::with_capacity(lines_max + OWN_LINES);
        LineTable {
            lines: half(),
            released: half(),
            batch_start: 0,
            lines_max,
            first: 0,
            file: None,
        }
    }

    /// Adds a line of the batch. Returns whether the half is full.
    #[inline(always)]
    pub(super) fn push(&mut self, origin: LineOrigin, line_bytes: usize, level: Level) -> bool {
        let LineOrigin { end_position, lane } = origin;
        let (line_bytes, flags) = (line_bytes as u32, level as u16);
        self.lines.push(LineEntry { end_position, line_bytes, lane, flags });
        self.lines.len() >= self.lines_max
    }

    /// Puts the entries of the batch's lines into the file, before a sink has the lines.
    pub(super) fn publish_batch(&mut self) {
        let Some(file) = &mut self.file else { return };
        for entry in &self.lines[self.batch_start..] {
            let LineEntry { end_position, line_bytes, lane, flags } = *entry;
            let packed = u64::from(line_bytes) | u64::from(lane) << 32 | u64::from(flags) << 48;
            file.push(end_position, packed);
        }
    }

    /// The entries of the batch's lines.
    pub(super) fn batch(&self) -> &[LineEntry] {
        &self.lines[self.batch_start..]
    }

    /// Notes that the batch was handed over to the sinks.
    pub(super) fn end_batch(&mut self) {
        self.batch_start = self.lines.len();
    }

    /// Notes that the ring space of all lines was given back.
    pub(super) fn note_release(&mut self) {
        if !self.lines.is_empty() {
            self.first += self.lines.len() as u64;
            std::mem::swap(&mut self.lines, &mut self.released);
            self.lines.clear();
            self.batch_start = 0;
            if let Some(file) = &mut self.file {
                file.switch(self.first);
            }
        }
    }

    /// The number of the next line, counted over the life of the output.
    pub(super) fn next_line(&self) -> u64 {
        self.first + self.lines.len() as u64
    }

    /// Whether entries may not survive the process although they are in a file.
    pub(super) fn is_lost(&self) -> bool {
        self.file.as_ref().is_some_and(|file| file.is_lost())
    }

    /// From now on, the entries are also in this file. Called before the first line.
    pub(super) fn set_file(&mut self, file: LineFile) {
        self.file = Some(Box::new(file));
    }

    /// The lines since ring space was last given back.
    #[cfg(test)]
    pub(super) fn unreleased(&self) -> &[LineEntry] {
        &self.lines
    }
}

/// Numbers of lanes, from 1. A number is used again once its lane is removed.
#[derive(Debug, Default)]
pub(super) struct LaneNumbers {
    free: Vec<u16>,
    last: u16,
}

impl LaneNumbers {
    /// A lane with this number has none: there are more lanes than numbers.
    pub(super) const NONE: u16 = u16::MAX;

    /// A free number.
    pub(super) fn take(&mut self) -> u16 {
        if let Some(number) = self.free.pop() {
            return number;
        }
        if self.last == Self::NONE - 1 {
            return Self::NONE;
        }
        self.last += 1;
        self.free.reserve(self.last as usize);
        self.last
    }

    /// Takes the number of a removed lane back.
    pub(super) fn give_back(&mut self, number: u16) {
        if number != Self::NONE {
            self.free.push(number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(number: u64) -> LineOrigin {
        LineOrigin { end_position: number * 8, lane: 3 }
    }

    #[test]
    fn a_half_is_full_until_space_is_released() {
        let mut table = LineTable::new(256);
        for number in 0..256 {
            let is_full =
                table.push(origin(number), 10 + number as usize, Level::ALL[number as usize % 6]);
            assert_eq!(is_full, number == 255);
            if number == 99 {
                table.end_batch();
                assert_eq!(table.batch(), []);
            }
        }
        let levels: Vec<Level> = table.batch().iter().map(LineEntry::level).collect();
        assert!(levels.into_iter().eq((100..256).map(|number| Level::ALL[number % 6])));
        table.end_batch();
        assert!(table.push(LineOrigin::OWN, 5, Level::Warn), "delivery alone frees no entry");
        let entry = table.unreleased()[7];
        assert_eq!((entry.end_position, entry.line_bytes, entry.lane), (56, 17, 3));
        table.note_release();
        assert!(!table.push(origin(1), 5, Level::Warn));
        assert_eq!((table.unreleased().len(), table.batch().len()), (1, 1));
    }

    #[test]
    fn released_entries_last_until_the_next_release() {
        let mut table = LineTable::new(256);
        table.push(origin(1), 5, Level::Warn);
        table.end_batch();
        table.note_release();
        table.note_release();
        assert_eq!(table.released[0].end_position, 8, "nothing new was released");
    }

    #[test]
    fn numbers_of_lanes_are_used_again() {
        let mut numbers = LaneNumbers::default();
        assert_eq!([numbers.take(), numbers.take(), numbers.take()], [1, 2, 3]);
        numbers.give_back(2);
        assert_eq!([numbers.take(), numbers.take()], [2, 4]);
        let last = (5..=u16::MAX).map(|_| numbers.take()).last();
        assert_eq!(last, Some(LaneNumbers::NONE));
        assert_eq!(numbers.take(), LaneNumbers::NONE, "more lanes than numbers share none");
        numbers.give_back(LaneNumbers::NONE);
        numbers.give_back(7);
        assert_eq!([numbers.take(), numbers.take()], [7, LaneNumbers::NONE]);
    }
}
