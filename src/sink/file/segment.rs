//! A segment being written: an open file, how long it is known to be, and the way of writing into
//! it.
use std::io;

use crate::core::Lines;
use crate::storage::{FileStat, StorageFile};

/// A way of writing lines at the end of a file.
pub(super) trait Way: Send {
    /// Writes whole lines under `len_max` into a file that is `len` bytes long: all of them, or
    /// fewer, but at least one unless the segment is full or an error is returned.
    fn append(
        &mut self,
        file: &mut dyn StorageFile,
        len: u64,
        lines: Lines<'_>,
        len_max: u64,
    ) -> Appended;

    /// Whether lines go to wherever the file ends when they come, and not to a fixed offset.
    fn follows_end(&self) -> bool {
        true
    }

    /// Reserves ahead of the first write. Called on the helper thread; what fails here is tried
    /// again by the first write.
    fn prepare(&mut self, _file: &mut dyn StorageFile) {}

    /// The file's length was changed by someone else, or by [`Segment::cut`].
    fn resized(&mut self, _file: &mut dyn StorageFile, _len: u64) {}

    /// Gives back what was reserved beyond the data. Called once, on the helper thread.
    fn seal(&mut self, _file: &mut dyn StorageFile, _len: u64) -> io::Result<()> {
        Ok(())
    }
}

/// What came of an append.
#[derive(Debug, Default)]
pub(super) struct Appended {
    /// Lines in place.
    pub lines: usize,
    /// Bytes they take in the file.
    pub bytes: u64,
    /// Spaces among those bytes.
    pub padding: u64,
    /// Bytes of a torn line after them, which must be cut away.
    pub torn_bytes: u64,
    /// The file was truncated while it was written: it must be opened again, and the rest written
    /// again.
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
    /// Bytes of whole lines; what the file's length must be whenever we look.
    pub len: u64,
    /// Bytes of a torn line of our own after `len` that could not be cut away yet.
    torn_bytes: u64,
    way: Box<dyn Way>,
}

impl Segment {
    pub fn new(file: Box<dyn StorageFile>, len: u64, way: Box<dyn Way>) -> Self {
        Self { file, len, torn_bytes: 0, way }
    }

    /// Appends; a torn end is cut back at once, and if that fails, before anything else is written.
    pub fn append(&mut self, lines: Lines<'_>, len_max: u64) -> Appended {
        if let Err(error) = self.cut_torn() {
            return Appended { error: Some(error), ..Appended::default() };
        }
        let appended = self.way.append(&mut *self.file, self.len, lines, len_max);
        self.len += appended.bytes;
        self.torn_bytes = appended.torn_bytes;
        // A failure here shows again, as an error, at the next append.
        let _ = self.cut_torn();
        appended
    }

    /// The file's length as far as this segment knows.
    pub fn len_expected(&self) -> u64 {
        self.len + self.torn_bytes
    }

    /// Cuts the file back to `len`, or accepts the length that someone else gave it.
    pub fn cut(&mut self, len: u64) -> io::Result<()> {
        self.file.set_len(len)?;
        self.accept_len(len);
        Ok(())
    }

    /// Somebody else changed the file's length.
    pub fn accept_len(&mut self, len: u64) {
        self.len = len;
        self.torn_bytes = 0;
        self.way.resized(&mut *self.file, len);
    }

    pub fn stat(&self) -> io::Result<FileStat> {
        self.file.stat()
    }

    pub fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }

    /// Where the lines of the last append begin. They are not where they were meant to be if the
    /// file was truncated just before.
    pub fn start_of(&self, appended: &Appended) -> io::Result<u64> {
        if !self.way.follows_end() {
            return Ok(self.len - appended.bytes);
        }
        let end = self.file.position()?;
        Ok(end.saturating_sub(appended.bytes + appended.torn_bytes))
    }

    /// Helper thread: gives back what was reserved.
    pub fn seal(&mut self) -> io::Result<()> {
        self.way.seal(&mut *self.file, self.len)
    }

    fn cut_torn(&mut self) -> io::Result<()> {
        if self.torn_bytes == 0 {
            return Ok(());
        }
        self.cut(self.len)
    }
}
