//! Reads the lines of a segment, plain or compressed, in order.
//!
//! Promises: uses one buffer that grows up to the longest allowed line and is kept; a longer line is cut at that length
//! and reported as incomplete.
use std::io::{self, Read};

use super::disk::{Disk, Result, with_path};
use super::error::StoreError;
use super::names::sealed_name;
use crate::entry::LINE_BYTES_MAX;
use ringseal_base::storage::{FileReader, OpenMode};

const READ_BYTES: usize = 128 * 1024;

/// One line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line<'a> {
    /// Without its newline.
    pub bytes: &'a [u8],
    /// Where it begins in the plain content.
    pub offset: u64,
    /// Whether it ends with a newline within the maximum line length.
    pub is_complete: bool,
}

pub(super) struct Lines {
    source: Box<dyn Read>,
    buffer: Vec<u8>,
    start: usize,
    /// No newline between `start` and here.
    searched: usize,
    offset: u64,
    ended: bool,
}

impl Lines {
    pub fn new(source: Box<dyn Read>) -> Lines {
        let buffer = Vec::with_capacity(2 * READ_BYTES);
        Lines { source, buffer, start: 0, searched: 0, offset: 0, ended: false }
    }

    /// The file of this name.
    pub fn of_file(disk: &Disk, name: &str) -> Result<Option<Lines>> {
        let file = disk.open(name, OpenMode::Read)?;
        Ok(file.map(|file| Lines::new(Box::new(FileReader { file, offset: 0 }))))
    }

    /// The sealed segment that begins with entry `first_seq`.
    pub fn of_sealed(disk: &Disk, first_seq: u64) -> Result<Option<Lines>> {
        Ok(Lines::content_of_sealed(disk, first_seq)?.map(Lines::new))
    }

    /// The plain content of that segment: from the plain file, or else from the compressed one.
    pub fn content_of_sealed(disk: &Disk, first_seq: u64) -> Result<Option<Box<dyn Read>>> {
        let name = sealed_name(first_seq);
        if let Some(file) = disk.open(&name, OpenMode::Read)? {
            return Ok(Some(Box::new(FileReader { file, offset: 0 })));
        }
        let name = format!("{name}.gz");
        let Some(file) = disk.open(&name, OpenMode::Read)? else { return Ok(None) };
        let source = unpacked(FileReader { file, offset: 0 });
        let path = disk.path(&name);
        source.ok_or(StoreError::Compressed { path }).map(Some)
    }

    /// The next line; `None` at the end.
    pub fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        loop {
            let fresh = self.buffer.get(self.searched..).unwrap_or_default();
            if let Some(found) = memchr::memchr(b'\n', fresh) {
                let end = self.searched + found;
                return Ok(Some(self.take(end, true)));
            }
            self.searched = self.buffer.len();
            let waiting = self.buffer.len() - self.start;
            if waiting >= LINE_BYTES_MAX || (self.ended && waiting > 0) {
                let end = self.start + waiting.min(LINE_BYTES_MAX);
                return Ok(Some(self.take(end, false)));
            }
            if self.ended {
                return Ok(None);
            }
            self.fill()?;
        }
    }

    fn take(&mut self, end: usize, has_newline: bool) -> Line<'_> {
        let (start, offset) = (self.start, self.offset);
        let next = end + usize::from(has_newline);
        self.start = next;
        self.searched = next;
        self.offset += (next - start) as u64;
        let bytes = self.buffer.get(start..end).unwrap_or_default();
        Line { bytes, offset, is_complete: has_newline && bytes.len() < LINE_BYTES_MAX }
    }

    fn fill(&mut self) -> io::Result<()> {
        self.buffer.drain(..self.start);
        self.searched -= self.start;
        self.start = 0;
        let len = self.buffer.len();
        self.buffer.resize(len + READ_BYTES, 0);
        let read = loop {
            match self.source.read(self.buffer.get_mut(len..).unwrap_or_default()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        self.buffer.truncate(len + *read.as_ref().unwrap_or(&0));
        self.ended = read? == 0;
        Ok(())
    }
}

#[cfg(feature = "compress")]
fn unpacked(compressed: FileReader) -> Option<Box<dyn Read>> {
    let compressed = io::BufReader::with_capacity(READ_BYTES, compressed);
    Some(Box::new(flate2::bufread::MultiGzDecoder::new(compressed)))
}

#[cfg(not(feature = "compress"))]
fn unpacked(_compressed: FileReader) -> Option<Box<dyn Read>> {
    None
}

/// Reads the next line; errors name the file.
pub(super) fn next_of<'a>(
    lines: &'a mut Lines,
    disk: &Disk,
    name: &str,
) -> Result<Option<Line<'a>>> {
    with_path("reading", &disk.path(name), lines.next())
}
