//! Reads a log line by line, through its sealed segments and the active file, once or continuously.
//!
//! Promises:
//!
//! - Each line is returned exactly once, oldest segment first, however many rotations happen between two calls. Lines
//!   that could not be returned (a segment that retention removed before it was read) are reported as a [`Gap`].
//! - It never changes, locks or delays anything: it only opens, reads, lists and stats.
//! - Memory: one buffer of [`ReaderOptions::read_bytes`], grown only for a longer line and never past
//!   [`ReaderOptions::line_bytes_max`] plus one read; a directory listing at each change of segment.
//! - Nothing waits: without new lines, [`Reader::next_line`] returns [`Step::Idle`] and the caller decides how long to
//!   sleep. Only reading from a pipe blocks.
//! - A crash of the writer may leave a torn last line or a tail of NULs in the active file. Neither is returned while
//!   it may still be completed; a line is returned when its newline is there, or when the file will not grow any more.
//!
//! Following: rotation first links the active file to the next number and then renames a new file over the active name.
//! So a file whose inode has lost the active name is complete, and its number, found by inode (or by content, if it has
//! been compressed meanwhile), determines the next segment. That segment is opened, and not the file that is active
//! now.
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

mod advance;
mod dir;
mod error;
mod identity;
mod lines;
mod logs;
mod open_segment;
#[cfg(all(test, unix))]
mod tests;

use dir::{Directory, FileId, OsDirectory, Sealed};
pub use error::LogReadError;
use lines::LineBuffer;
pub use logs::{SegmentFile, logs_in, segments_of};
use open_segment::Segment;

/// The place at which reading begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ReadFrom {
    /// At the oldest sealed segment.
    #[default]
    Oldest,
    /// At the start of the active file; sealed segments are skipped.
    Active,
}

/// Settings of a [`Reader`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ReaderOptions {
    /// Continue through rotations without an end ([`Step::Idle`]), or stop at the end that the log had when it was
    /// opened ([`Step::End`]).
    pub follow: bool,
    /// Where to start.
    pub start: ReadFrom,
    /// Bytes asked for in one read. Default 262,144.
    pub read_bytes: usize,
    /// A longer line is cut to this many bytes and counted. Default 16,777,216.
    pub line_bytes_max: usize,
    /// Sealed segments that were last modified before this moment are skipped, unread and unreported.
    pub modified_since: Option<SystemTime>,
}

impl Default for ReaderOptions {
    fn default() -> Self {
        Self {
            follow: false,
            start: ReadFrom::default(),
            read_bytes: 256 * 1024,
            line_bytes_max: 16 * 1024 * 1024,
            modified_since: None,
        }
    }
}

impl ReaderOptions {
    /// Sets whether to continue without an end.
    #[must_use]
    pub fn follow(mut self, follow: bool) -> Self {
        self.follow = follow;
        self
    }

    /// Sets where to start.
    #[must_use]
    pub fn start(mut self, start: ReadFrom) -> Self {
        self.start = start;
        self
    }

    /// Sets how many bytes to request in one read.
    #[must_use]
    pub fn read_bytes(mut self, read_bytes: usize) -> Self {
        self.read_bytes = read_bytes;
        self
    }

    /// Sets the longest line to return whole.
    #[must_use]
    pub fn line_bytes_max(mut self, line_bytes_max: usize) -> Self {
        self.line_bytes_max = line_bytes_max;
        self
    }

    /// Skips sealed segments that were last modified before this moment.
    #[must_use]
    pub fn modified_since(mut self, moment: SystemTime) -> Self {
        self.modified_since = Some(moment);
        self
    }
}

/// The result of [`Reader::next_line`].
#[derive(Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// A line as in the file, without its newline.
    Line(&'a [u8]),
    /// No new line yet; only when following.
    Idle,
    /// Lines are missing at this place, or are repeated.
    Gap(Gap),
    /// Everything was read; only when not following, or at the end of a stream.
    End,
}

/// Why the next line does not continue the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Gap {
    /// Sealed segments were removed before they could be read.
    Removed {
        /// Number of removed segments.
        segments: u64,
        /// The number of the next existing segment.
        next: u64,
    },
    /// The file that was being read was sealed and removed before its number was seen, and it was the first one: the
    /// number of segments removed between it and the next one is unknown.
    Unknown {
        /// The number of the next existing segment.
        next: u64,
    },
    /// The active file was shortened or rewritten; it is read again from its start.
    Truncated {
        /// How far it had been read, in bytes.
        read_bytes: u64,
        /// Its length when that was detected, in bytes.
        found_bytes: u64,
    },
}

/// The counters of a reader since it was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReaderCounters {
    /// Returned lines.
    pub lines: u64,
    /// Their bytes, newlines included.
    pub bytes: u64,
    /// Segments opened.
    pub segments: u64,
    /// Sealed segments that were removed before they could be read.
    pub segments_removed: u64,
    /// Times the active file was shortened or rewritten.
    pub truncations: u64,
    /// Lines that were cut at the limit.
    pub lines_cut: u64,
}

/// The place at which a reader that does not follow stops: the log's end when it was opened.
#[derive(Debug, Clone, Copy, Default)]
struct Stop {
    active: Option<(FileId, u64)>,
    number_max: Option<u64>,
}

enum Found {
    Line(Range<usize>),
    Idle,
    Gap(Gap),
    End,
    /// Try again.
    Again,
}

/// Reads one log. See the module's promises.
///
/// ```
/// use ringseal::sink::file::reader::{ReaderOptions, Reader, Step};
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("app.log");
/// std::fs::write(&path, "{\"event\":\"one\"}\n{\"event\":\"two\"}\n")?;
/// let mut reader = Reader::open(&path, ReaderOptions::default())?;
/// let mut lines = 0;
/// while let Step::Line(line) = reader.next_line()? {
///     assert!(line.starts_with(b"{\"event\""));
///     lines += 1;
/// }
/// assert_eq!((lines, reader.line_number()), (2, 2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Reader {
    directory: Box<dyn Directory>,
    options: ReaderOptions,
    lines: LineBuffer,
    current: Option<Segment>,
    /// Every sealed segment up to this number has been read or skipped.
    read_up_to: Option<u64>,
    /// The number of the next unread segment if none was removed.
    expected: Option<u64>,
    /// The previous segment was removed before its number was seen, and no earlier number was seen either.
    lost_count: bool,
    stop: Stop,
    gap: Option<Gap>,
    /// Names that cannot be segments, reported before the first line.
    foreign: Vec<LogReadError>,
    /// The number of the last returned line in its file, and which opened file that was.
    line_number: u64,
    line_segment: u64,
    listing: Vec<Sealed>,
    /// The last read found nothing new: before reading on, check that the file was not replaced.
    was_idle: bool,
    nul_reads: u32,
    /// A single stream instead of a log.
    is_single_stream: bool,
    done: bool,
    counters: ReaderCounters,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader")
            .field("active", &self.directory.path(None, false))
            .field("read_up_to", &self.read_up_to)
            .field("done", &self.done)
            .field("counters", &self.counters)
            .finish_non_exhaustive()
    }
}

impl Reader {
    /// Opens the log whose active file is `path`, with its sealed segments beside it.
    ///
    /// With [`ReadFrom::Active`] a path may also name one sealed segment, compressed or not, or a pipe; then only that
    /// is read. When following, the log need not exist yet.
    ///
    /// # Errors
    ///
    /// [`LogReadError::NotFound`] when not following and no file exists; otherwise the system's error.
    pub fn open(path: impl AsRef<Path>, options: ReaderOptions) -> Result<Self, LogReadError> {
        let path = path.as_ref();
        let directory = OsDirectory::of(path)
            .ok_or_else(|| LogReadError::NoFileName { path: path.to_path_buf() })?;
        let mut reader = Self::over(Box::new(directory), options);
        reader.begin()?;
        if !reader.is_single_stream && reader.options.start == ReadFrom::Oldest {
            reader.foreign = reader.directory.take_foreign();
        }
        Ok(reader)
    }

    /// Reads lines from any stream until it ends.
    pub fn from_stream(
        name: &str,
        stream: Box<dyn std::io::Read + Send>,
        options: ReaderOptions,
    ) -> Self {
        let mut reader = Self::over(Box::new(OsDirectory::named(name)), options);
        reader.begin_stream(stream, false);
        reader
    }

    /// The next line, or why there is none. See [`Step`].
    ///
    /// # Errors
    ///
    /// A sealed segment that cannot be read is skipped: the next call continues after it. After any other error the
    /// next call retries when following, and returns [`Step::End`] otherwise.
    pub fn next_line(&mut self) -> Result<Step<'_>, LogReadError> {
        if let Some(error) = self.foreign.pop() {
            return Err(error);
        }
        loop {
            let found = match self.next_found() {
                Ok(found) => found,
                Err(error) => {
                    self.skip_after_error(&error);
                    return Err(error);
                }
            };
            match found {
                Found::Line(range) => {
                    self.counters.lines += 1;
                    if std::mem::replace(&mut self.line_segment, self.counters.segments)
                        != self.counters.segments
                    {
                        self.line_number = 0;
                    }
                    self.line_number += 1;
                    self.counters.bytes += range.len() as u64 + 1;
                    self.nul_reads = 0;
                    return Ok(Step::Line(self.lines.get(range)));
                }
                Found::Idle => return Ok(Step::Idle),
                Found::Gap(gap) => {
                    if matches!(gap, Gap::Truncated { .. }) {
                        self.line_number = 0;
                    }
                    return Ok(Step::Gap(gap));
                }
                Found::End => return Ok(Step::End),
                Found::Again => {}
            }
        }
    }

    /// The counters so far.
    pub fn counters(&self) -> ReaderCounters {
        ReaderCounters { lines_cut: self.lines.lines_cut(), ..self.counters }
    }

    /// The number of the last returned line in its file, from 1; 0 before the first. With [`Reader::path`], the line's
    /// position for messages.
    pub fn line_number(&self) -> u64 {
        self.line_number
    }

    /// The file that is being read, for messages.
    pub fn path(&self) -> PathBuf {
        match &self.current {
            Some(segment) => {
                self.directory.path(segment.number, segment.gz && segment.number.is_some())
            }
            None => self.directory.path(None, false),
        }
    }

    fn over(directory: Box<dyn Directory>, options: ReaderOptions) -> Self {
        Self {
            lines: LineBuffer::new(options.read_bytes, options.line_bytes_max),
            directory,
            options,
            current: None,
            read_up_to: None,
            expected: None,
            lost_count: false,
            stop: Stop::default(),
            gap: None,
            foreign: Vec::new(),
            line_number: 0,
            line_segment: 0,
            listing: Vec::new(),
            was_idle: false,
            nul_reads: 0,
            is_single_stream: false,
            done: false,
            counters: ReaderCounters::default(),
        }
    }
}
