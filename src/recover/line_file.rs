//! The table of an output's lines in a file: which record each line comes from; see `writer/line_table.rs`.
//!
//! Promises: the writer stores two words for a line. A kill leaves the entries of all lines that were offered to a
//! sink, back to those that no ring has any more.
use std::io;
#[cfg(target_os = "linux")]
use std::path::Path;

use super::engine_image::word;
use super::layout::lines as at;
use ringseal_base::storage::shared_file::SharedFile;

/// Lines of a half in a file, at most.
const LINES_MAX: u64 = 1 << 20;

/// The table of a running engine.
#[derive(Debug)]
pub struct LineFile {
    file: SharedFile,
    lines_max: usize,
    /// The half that is written to.
    half: usize,
    /// Where the half's next entry is.
    next_at: usize,
    /// Where the half ends.
    end_at: usize,
}

impl LineFile {
    /// A table with halves of this many lines.
    #[cfg(target_os = "linux")]
    pub fn create(path: &Path, lines_max: usize) -> io::Result<LineFile> {
        let len = at::ENTRIES_AT + 2 * lines_max * at::ENTRY_BYTES;
        Ok(Self::over(SharedFile::create(path, len)?, lines_max))
    }

    /// The same in any memory.
    pub fn over(file: SharedFile, lines_max: usize) -> LineFile {
        file.store(at::LINES_MAX_AT, lines_max as u64);
        let mut table = LineFile { file, lines_max, half: 0, next_at: 0, end_at: 0 };
        table.enter(0);
        table
    }

    /// Whether another process has cut the file off.
    pub fn is_lost(&self) -> bool {
        self.file.is_lost_now()
    }

    fn enter(&mut self, half: usize) {
        self.half = half;
        self.next_at = at::ENTRIES_AT + half * self.lines_max * at::ENTRY_BYTES;
        self.end_at = self.next_at + self.lines_max * at::ENTRY_BYTES;
    }

    /// Stores the entry of the next line.
    #[inline]
    pub fn push(&mut self, end_position: u64, packed: u64) {
        if self.next_at < self.end_at {
            self.file.store(self.next_at, end_position);
            self.file.store(self.next_at + 8, packed);
            self.next_at += at::ENTRY_BYTES;
        }
    }

    /// Goes on in the other half, whose first line has this number.
    pub fn switch(&mut self, first: u64) {
        let half = 1 - self.half;
        self.file.store(at::FIRST_AT[half], first);
        self.file.publish(at::HALF_AT, half as u64);
        self.enter(half);
    }
}

/// A line's entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineOf {
    /// Where its record ends in the ring.
    pub end_position: u64,
    /// Its bytes, with the newline.
    pub line_bytes: u32,
    /// The number of the lane; 0 for lines without a record.
    pub lane: u16,
}

/// The table as another process finds it.
#[derive(Debug, Clone)]
pub struct LineImage {
    bytes: Vec<u8>,
    lines_max: u64,
    half: usize,
}

impl LineImage {
    /// Reads the file; any bytes give a table.
    pub fn read(bytes: Vec<u8>) -> LineImage {
        let lines_max = word(&bytes, at::LINES_MAX_AT).min(LINES_MAX);
        let half = (word(&bytes, at::HALF_AT) & 1) as usize;
        LineImage { bytes, lines_max, half }
    }

    /// The first line that the present half has, and the first of the half before.
    fn firsts(&self) -> (u64, u64) {
        let first = |half: usize| word(&self.bytes, at::FIRST_AT[half]);
        (first(self.half), first(1 - self.half))
    }

    /// The entry of line number `line` of the output, if the table has it. Only lines that were offered to a sink have
    /// one.
    pub fn line(&self, line: u64) -> Option<LineOf> {
        let (newer, older) = self.firsts();
        let (half, first) = if line >= newer { (self.half, newer) } else { (1 - self.half, older) };
        let index = line.checked_sub(first).filter(|index| *index < self.lines_max)?;
        let entry = half as u64 * self.lines_max + index;
        let place = at::ENTRIES_AT + usize::try_from(entry).ok()? * at::ENTRY_BYTES;
        let packed = word(&self.bytes, place + 8);
        Some(LineOf {
            end_position: word(&self.bytes, place),
            line_bytes: packed as u32,
            lane: (packed >> 32) as u16,
        })
    }

    /// For each lane, the end of its last record among the lines before number `end`, of those whose ring space may not
    /// have been given back.
    pub fn ends(&self, end: u64) -> std::collections::HashMap<u16, u64> {
        let (newer, _) = self.firsts();
        let mut ends = std::collections::HashMap::new();
        let entries = (newer..end).map_while(|line| self.line(line));
        for entry in entries.filter(|entry| entry.lane != 0) {
            let known = ends.entry(entry.lane).or_insert(0);
            *known = entry.end_position.max(*known);
        }
        ends
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(table: &LineFile) -> LineImage {
        let mut bytes = vec![0; table.file.len_bytes()];
        table.file.read(0, &mut bytes);
        LineImage::read(bytes)
    }

    fn push(table: &mut LineFile, line: u64, lane: u16) {
        table.push(line * 8, (10 + line) | u64::from(lane) << 32);
    }

    #[test]
    fn lines_have_their_records_in_both_halves() {
        let file = SharedFile::private(4096).unwrap();
        let mut table = LineFile::over(file, 100);
        (0..10).for_each(|line| push(&mut table, line, 1 + line as u16 % 2));
        table.switch(10);
        (10..15).for_each(|line| push(&mut table, line, 1));
        let image = image(&table);
        for line in 0..15 {
            let entry = image.line(line).unwrap();
            assert_eq!((entry.end_position, entry.line_bytes), (line * 8, 10 + line as u32));
        }
        assert_eq!(image.ends(13), [(1, 96)].into());
        assert!(image.ends(10).is_empty(), "their space was given back");
    }

    #[test]
    fn lines_beyond_a_half_have_no_entry() {
        let mut table = LineFile::over(SharedFile::private(4096).unwrap(), 4);
        (0..9).for_each(|line| push(&mut table, line, 1));
        assert!(image(&table).line(3).is_some() && image(&table).line(4).is_none());
    }

    #[test]
    fn any_bytes_are_a_table() {
        for byte in [0, 1, 0xff] {
            let image = LineImage::read(vec![byte; 100]);
            let _ = (image.line(0), image.line(u64::MAX), image.ends(1000).len());
        }
        assert!(LineImage::read(Vec::new()).line(0).is_none());
    }
}
