//! How many lines of a dead process are in its log.
//!
//! The process published a number of lines and a place ([`crate::sink::commit`]), and may have been killed between a
//! write and the next publication. [`survey`] counts the lines that it wrote beyond that place: in that file, then in
//! the files that became active later. It runs before the log is opened, because opening cuts torn lines, finishes
//! rotations, and compresses or removes segments.
//!
//! A line counts if it has the length that the dead process recorded for it, not counting the spaces that keep lines
//! from crossing pages ([`super::pages`]). Lines of other processes are passed over, unless they have exactly the
//! length that is expected there. What opening the log would cut does not count: a torn line, and what follows a NUL
//! near the end of a file.
//!
//! Promises: nothing is changed. Any contents of the files are accepted. Files are read in blocks of bounded size, so
//! lines and files may be longer than the memory. Nothing is mapped.
use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use super::names::Names;
use super::recover::{end_of_last_line, stat_or_missing};
use crate::sink::commit::Place;
use ringseal_base::storage::{FileId, FileKind, OpenMode, Storage, StorageFile, read_full};

/// Bytes read at a time.
const BLOCK_BYTES: usize = 64 * 1024;

/// What a sink published last.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// Lines in place.
    pub lines: u64,
    /// The end of the last of them.
    pub place: Place,
}

/// How many lines of a sink are in place.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surveyed {
    /// The file of the record was found.
    Found {
        /// Lines in place.
        lines: u64,
        /// False if lines were found that are not the expected ones: those of other processes.
        is_exact: bool,
    },
    /// The file of the record is missing, was compressed, or was truncated: the lines of the record count.
    Lost {
        /// The lines of the record.
        lines: u64,
    },
}

/// Counts the lines in place of the log whose active file is `active`. `line_bytes(n)` is the length, newline included,
/// of line number `n` (from 0) of the sink, or `None` if it is unknown; the count ends there.
#[doc(hidden)]
pub fn survey(
    storage: &dyn Storage,
    active: &Path,
    committed: &Committed,
    line_bytes: &mut dyn FnMut(u64) -> Option<u32>,
) -> io::Result<Surveyed> {
    let lost = Surveyed::Lost { lines: committed.lines };
    let Some(id) = committed.place.file else { return Ok(lost) };
    let files = files_in_order(storage, &Names::of_any(active)?)?;
    let Some(first) = files.iter().position(|(found, _)| *found == id) else { return Ok(lost) };
    let mut count = Count { lines: committed.lines, is_exact: true, line_bytes };
    let mut block = vec![0; BLOCK_BYTES];
    for (index, (id, path)) in files[first..].iter().enumerate() {
        let start = if index == 0 { committed.place.len_bytes } else { 0 };
        let Some((file, len)) = open_with_line_at(storage, path, *id, start)? else {
            if index == 0 {
                return Ok(lost);
            }
            continue;
        };
        let end = end_of_last_line(&*file, len)?;
        if !count.add_lines(&*file, start..end, &mut block)? {
            break;
        }
    }
    Ok(Surveyed::Found { lines: count.lines, is_exact: count.is_exact })
}

/// Opens a file and returns its length; `None` if another process has replaced it meanwhile, or if it has no line that
/// ends at `start`.
fn open_with_line_at(
    storage: &dyn Storage,
    path: &Path,
    id: FileId,
    start: u64,
) -> io::Result<Option<(Box<dyn StorageFile>, u64)>> {
    let file = match storage.open(path, OpenMode::Read) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let stat = file.stat()?;
    let is_found = stat.id == Some(id) && begins_line(&*file, start, stat.len)?;
    Ok(is_found.then_some((file, stat.len)))
}

/// The log's files in the order in which they were written, each once: a file may have two names.
fn files_in_order(storage: &dyn Storage, names: &Names) -> io::Result<Vec<(FileId, PathBuf)>> {
    let found = match names.found(storage) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        found => found?,
    };
    let sealed = found.sealed.iter().filter(|sealed| !sealed.compressed);
    let sealed = sealed.map(|sealed| sealed.path(names));
    let mut seen = HashSet::new();
    let mut files = Vec::new();
    for path in sealed.chain([names.active.clone(), names.next.clone()]) {
        let Some(stat) = stat_or_missing(storage.stat(&path))? else { continue };
        let Some(id) = stat.id.filter(|_| stat.kind == FileKind::Regular) else { continue };
        if seen.insert(id) {
            files.push((id, path));
        }
    }
    Ok(files)
}

/// Whether a line can begin at `start`. It cannot if the file was truncated, in most cases even if it has grown again
/// since.
fn begins_line(file: &dyn StorageFile, start: u64, len: u64) -> io::Result<bool> {
    if start == 0 || start > len {
        return Ok(start == 0);
    }
    let mut byte = [0];
    Ok(read_full(file, &mut byte, start - 1)? == 1 && byte == *b"\n")
}

/// The count so far.
struct Count<'a> {
    lines: u64,
    is_exact: bool,
    line_bytes: &'a mut dyn FnMut(u64) -> Option<u32>,
}

impl Count<'_> {
    /// Counts the lines in a part of a file that ends with a line. Returns whether more lines are expected.
    fn add_lines(
        &mut self,
        file: &dyn StorageFile,
        part: std::ops::Range<u64>,
        block: &mut [u8],
    ) -> io::Result<bool> {
        let mut at = part.start;
        let mut line = Shape::default();
        while at < part.end {
            let left = usize::try_from(part.end - at).unwrap_or(usize::MAX);
            let wanted = left.min(block.len());
            let read = read_full(file, &mut block[..wanted], at)?;
            if read == 0 {
                // Another process has truncated the file meanwhile.
                break;
            }
            for piece in block[..read].split_inclusive(|&byte| byte == b'\n') {
                line.add(piece);
                if line.is_whole && !self.add_line(&std::mem::take(&mut line)) {
                    return Ok(false);
                }
            }
            at += read as u64;
        }
        Ok(true)
    }

    /// Returns whether more lines are expected.
    fn add_line(&mut self, line: &Shape) -> bool {
        let Some(expected) = (self.line_bytes)(self.lines) else { return false };
        if line.fits(u64::from(expected)) {
            self.lines = self.lines.saturating_add(1);
        } else {
            self.is_exact = false;
        }
        true
    }
}

/// The lengths of a line that is read in pieces.
#[derive(Debug, Default)]
struct Shape {
    /// All bytes so far, with the newline.
    len: u64,
    /// Spaces at the start.
    front: u64,
    /// Spaces before the newline, or at the end so far.
    back: u64,
    has_text: bool,
    has_nul: bool,
    is_whole: bool,
}

impl Shape {
    fn add(&mut self, piece: &[u8]) {
        let text = piece.strip_suffix(b"\n").unwrap_or(piece);
        self.is_whole = text.len() < piece.len();
        self.len += piece.len() as u64;
        self.has_nul |= memchr::memchr(0, text).is_some();
        let Some(first) = text.iter().position(|&byte| byte != b' ') else {
            let spaces = if self.has_text { &mut self.back } else { &mut self.front };
            *spaces += text.len() as u64;
            return;
        };
        if !self.has_text {
            self.front += first as u64;
            self.has_text = true;
        }
        self.back = text.iter().rev().take_while(|&&byte| byte == b' ').count() as u64;
    }

    /// Whether it can be a line of `expected` bytes, with spaces that the sink has put before or after it.
    fn fits(&self, expected: u64) -> bool {
        !self.has_nul && (self.len - self.front - self.back..=self.len).contains(&expected)
    }
}
