//! Reads a log back, line by line, through its sealed segments and the active file, once or for
//! ever.
//!
//! Promises:
//! - Each line is given exactly once, oldest segment first, however many rotations happen between
//!   two calls. What could not be given (a segment that retention removed before it was read) is
//!   reported as a [`Gap`].
//! - It never changes, locks or delays anything: it only opens, reads, lists and stats.
//! - Memory: one buffer of [`Options::read_bytes`], grown only for a longer line and never past
//!   [`Options::line_bytes_max`] plus one read; a directory listing at each change of segment.
//! - Nothing waits: when nothing is new, [`Reader::next_line`] says [`Step::Idle`] and the caller
//!   decides how long to sleep. Only reading from a pipe blocks.
//! - A crash of the writer may leave a torn last line or a tail of NULs in the active file. Neither
//!   is given while it may still be completed; a line is given when its newline is there, or when
//!   the file will not grow any more.
//!
//! How it follows: rotation first links the active file to the next number and then renames a new
//! file over the active name. So a file whose inode is no longer behind the active name is
//! complete, and its own number, found by inode (or by content, when it has been compressed
//! meanwhile), says which segment comes next. That one is opened, not whatever is active now.
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

mod dir;
mod error;
mod follow;
mod identity;
mod lines;
mod logs;
mod segment;
#[cfg(all(test, unix))]
mod tests;

use dir::{Directory, FileId, OsDirectory, Sealed};
pub use error::ReadError;
use lines::LineBuffer;
pub use logs::{SegmentFile, logs_in, segments_of};
use segment::Segment;

/// Where reading begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Start {
    /// At the oldest sealed segment.
    #[default]
    Oldest,
    /// At the start of the active file; sealed segments are passed over.
    Active,
}

/// How to read.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// Go on for ever, through rotations ([`Step::Idle`]), or stop at what was there at the
    /// beginning ([`Step::End`]).
    pub follow: bool,
    /// Where to begin.
    pub start: Start,
    /// Bytes asked for in one read. Default 262,144.
    pub read_bytes: usize,
    /// A longer line is cut to this many bytes and counted. Default 16,777,216.
    pub line_bytes_max: usize,
    /// Sealed segments that were last modified before this moment are passed over, unread and
    /// unreported.
    pub modified_since: Option<SystemTime>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            follow: false,
            start: Start::default(),
            read_bytes: 256 * 1024,
            line_bytes_max: 16 * 1024 * 1024,
            modified_since: None,
        }
    }
}

impl Options {
    /// Whether to go on for ever.
    #[must_use]
    pub fn follow(mut self, follow: bool) -> Self {
        self.follow = follow;
        self
    }

    /// Where to begin.
    #[must_use]
    pub fn start(mut self, start: Start) -> Self {
        self.start = start;
        self
    }

    /// How many bytes to ask for in one read.
    #[must_use]
    pub fn read_bytes(mut self, read_bytes: usize) -> Self {
        self.read_bytes = read_bytes;
        self
    }

    /// The longest line to give whole.
    #[must_use]
    pub fn line_bytes_max(mut self, line_bytes_max: usize) -> Self {
        self.line_bytes_max = line_bytes_max;
        self
    }

    /// Which sealed segments to pass over: those last modified before this moment.
    #[must_use]
    pub fn modified_since(mut self, moment: SystemTime) -> Self {
        self.modified_since = Some(moment);
        self
    }
}

/// What [`Reader::next_line`] found.
#[derive(Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// A line, without its newline, as it stands in the file.
    Line(&'a [u8]),
    /// Nothing new for now; only when following.
    Idle,
    /// Something is missing at this place, or comes again.
    Gap(Gap),
    /// All was read; only when not following, or when a stream has ended.
    End,
}

/// Why the next line does not follow on the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Gap {
    /// Sealed segments were removed before they could be read.
    Removed {
        /// How many.
        segments: u64,
        /// The number of the next one that is there.
        next: u64,
    },
    /// The file that was being read was sealed and removed before its number was seen, and it was
    /// the first one: how many segments were removed between it and the next one cannot be known.
    Unknown {
        /// The number of the next one that is there.
        next: u64,
    },
    /// Somebody shortened or rewrote the active file; it is read again from its start.
    Truncated {
        /// How far it had been read, in bytes.
        read_bytes: u64,
        /// How long it was when that was seen, in bytes.
        found_bytes: u64,
    },
}

/// What a reader has counted since it was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReadCounters {
    /// Lines given.
    pub lines: u64,
    /// Their bytes, newlines included.
    pub bytes: u64,
    /// Segments opened.
    pub segments: u64,
    /// Sealed segments that were removed before they could be read.
    pub segments_removed: u64,
    /// Times the active file was shortened or rewritten by somebody.
    pub truncations: u64,
    /// Lines that were cut at the limit.
    pub lines_cut: u64,
}

/// Where a reader that does not follow stops: at what was there when it was opened.
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
    /// Look again.
    Again,
}

/// Reads one log. See the module's promises.
///
/// ```
/// use ringseal::sink::file::reader::{Options, Reader, Step};
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("app.log");
/// std::fs::write(&path, "{\"event\":\"one\"}\n{\"event\":\"two\"}\n")?;
/// let mut reader = Reader::open(&path, Options::default())?;
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
    options: Options,
    lines: LineBuffer,
    current: Option<Segment>,
    /// Every sealed segment up to this number is behind us.
    floor: Option<u64>,
    /// The number that the next unread segment bears if none was removed.
    expected: Option<u64>,
    /// The segment before went away without its number having been seen, and no number was known
    /// before it.
    lost_count: bool,
    stop: Stop,
    gap: Option<Gap>,
    /// The number of the last line given, in its file, and which opened file that was.
    line_number: u64,
    line_segment: u64,
    listing: Vec<Sealed>,
    /// Nothing was new at the last look: before reading on, see whether the file is still the same
    /// one.
    was_idle: bool,
    nul_looks: u32,
    /// No log, just one stream.
    alone: bool,
    done: bool,
    counters: ReadCounters,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader")
            .field("active", &self.directory.path(None, false))
            .field("floor", &self.floor)
            .field("done", &self.done)
            .field("counters", &self.counters)
            .finish_non_exhaustive()
    }
}

impl Reader {
    /// Opens the log whose active file is `path`, with its sealed segments beside it.
    ///
    /// With [`Start::Active`] a path may also name one sealed segment, compressed or not, or a
    /// pipe; then only that is read. When following, the log need not exist yet.
    ///
    /// # Errors [`ReadError::NotFound`] when not following and nothing is there; otherwise what the
    /// system said.
    pub fn open(path: impl AsRef<Path>, options: Options) -> Result<Self, ReadError> {
        let path = path.as_ref();
        let directory = OsDirectory::of(path)
            .ok_or_else(|| ReadError::NoFileName { path: path.to_path_buf() })?;
        let mut reader = Self::over(Box::new(directory), options);
        reader.begin()?;
        Ok(reader)
    }

    /// Reads lines from anything, until it ends.
    pub fn from_stream(
        name: &str,
        stream: Box<dyn std::io::Read + Send>,
        options: Options,
    ) -> Self {
        let mut reader = Self::over(Box::new(OsDirectory::named(name)), options);
        reader.begin_alone(stream, false);
        reader
    }

    /// The next line, or why there is none. See [`Step`].
    ///
    /// # Errors A sealed segment that cannot be read is passed over: the next call goes on behind
    /// it. After any other error the next call tries again when following, and says [`Step::End`]
    /// when not.
    pub fn next_line(&mut self) -> Result<Step<'_>, ReadError> {
        loop {
            let found = match self.look() {
                Ok(found) => found,
                Err(error) => {
                    self.pass_over(&error);
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
                    self.nul_looks = 0;
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

    /// What was counted so far.
    pub fn counters(&self) -> ReadCounters {
        ReadCounters { lines_cut: self.lines.lines_cut(), ..self.counters }
    }

    /// The number in its file of the line that was given last, from 1; 0 before the first. With
    /// [`Reader::path`], where that line stands, for messages.
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

    fn over(directory: Box<dyn Directory>, options: Options) -> Self {
        Self {
            lines: LineBuffer::new(options.read_bytes, options.line_bytes_max),
            directory,
            options,
            current: None,
            floor: None,
            expected: None,
            lost_count: false,
            stop: Stop::default(),
            gap: None,
            line_number: 0,
            line_segment: 0,
            listing: Vec::new(),
            was_idle: false,
            nul_looks: 0,
            alone: false,
            done: false,
            counters: ReadCounters::default(),
        }
    }
}
