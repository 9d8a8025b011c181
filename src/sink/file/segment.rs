//! A segment being written: an open file, its known length, and the write method.
use std::io;

use crate::core::Lines;
use ringseal_base::storage::{FileStat, StorageFile};

/// A method of writing lines at the end of a file.
pub(super) trait WriteMethod: Send {
    /// Writes whole lines under `len_max` into a file that is `len` bytes long: all of them, or
    /// fewer, but at least one unless the segment is full or an error is returned.
    fn append(
        &mut self,
        file: &mut dyn StorageFile,
        len: u64,
        lines: Lines<'_>,
        len_max: u64,
    ) -> Appended;

    /// Whether lines are written at the current end of the file, and not at a fixed offset.
    fn follows_end(&self) -> bool {
        true
    }

    /// Reserves space ahead of the first write. Called on the helper thread; the first write retries what fails here.
    fn prepare(&mut self, _file: &mut dyn StorageFile) {}

    /// Others changed the file's length, or [`Segment::cut`] did.
    fn resized(&mut self, _file: &mut dyn StorageFile, _len: u64) {}

    /// Releases what was reserved beyond the data. Called once, on the helper thread.
    fn seal(&mut self, _file: &mut dyn StorageFile, _len: u64) -> io::Result<()> {
        Ok(())
    }
}

/// The result of an append.
#[derive(Debug, Default)]
pub(super) struct Appended {
    /// Lines in place.
    pub lines: usize,
    /// Bytes they take in the file.
    pub bytes: u64,
    /// Spaces among those bytes.
    pub padding: u64,
    /// Bytes of a torn line after them, which must be cut.
    pub torn_bytes: u64,
    /// The file was truncated while it was written: it must be opened again, and the rest written again.
    pub lost: bool,
    /// The next line does not fit under the limit.
    pub full: bool,
    /// Why the next line is not in place.
    pub error: Option<io::Error>,
}

impl Appended {
    pub fn add(&mut self, lines: usize, bytes: usize, padding: usize) {
        self.lines += lines;
        self.bytes += bytes as u64;
        self.padding += padding as u64;
    }
}

/// See the module.
pub(super) struct Segment {
    pub file: Box<dyn StorageFile>,
    /// Bytes of whole lines; the length that the file must have at every check.
    pub len: u64,
    /// Bytes of our torn line after `len` that could not be cut yet.
    torn_bytes: u64,
    method: Box<dyn WriteMethod>,
}

impl Segment {
    pub fn new(file: Box<dyn StorageFile>, len: u64, method: Box<dyn WriteMethod>) -> Self {
        Self { file, len, torn_bytes: 0, method }
    }

    /// Appends; a torn end is cut at once, or before anything else is written if that fails.
    pub fn append(&mut self, lines: Lines<'_>, len_max: u64) -> Appended {
        if let Err(error) = self.cut_torn() {
            return Appended { error: Some(error), ..Appended::default() };
        }
        let appended = self.method.append(&mut *self.file, self.len, lines, len_max);
        self.len += appended.bytes;
        self.torn_bytes = appended.torn_bytes;
        // The next append reports a failure here.
        let _ = self.cut_torn();
        appended
    }

    /// The file's length as expected by this segment.
    pub fn len_expected(&self) -> u64 {
        self.len + self.torn_bytes
    }

    /// Cuts the file to `len`. If another process changed the length, accepts that length.
    pub fn cut(&mut self, len: u64) -> io::Result<()> {
        self.file.set_len(len)?;
        self.accept_len(len);
        Ok(())
    }

    /// Others changed the file's length.
    pub fn accept_len(&mut self, len: u64) {
        self.len = len;
        self.torn_bytes = 0;
        self.method.resized(&mut *self.file, len);
    }

    pub fn stat(&self) -> io::Result<FileStat> {
        self.file.stat()
    }

    pub fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }

    /// The offset of the lines of the last append. It differs from the expected one if the file was truncated just
    /// before.
    pub fn start_of(&self, appended: &Appended) -> io::Result<u64> {
        if !self.method.follows_end() {
            return Ok(self.len - appended.bytes);
        }
        let end = self.file.position()?;
        Ok(end.saturating_sub(appended.bytes + appended.torn_bytes))
    }

    /// Helper thread: releases what was reserved.
    pub fn seal(&mut self) -> io::Result<()> {
        self.method.seal(&mut *self.file, self.len)
    }

    fn cut_torn(&mut self) -> io::Result<()> {
        if self.torn_bytes == 0 {
            return Ok(());
        }
        self.cut(self.len)
    }
}
