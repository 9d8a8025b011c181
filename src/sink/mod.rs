//! Where batches go.
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

pub use crate::core::{Batch, Lines, Now};

pub mod console;
pub mod file;
pub(crate) mod isolated;
pub mod memory;

/// Takes batches of whole lines, in order, from one thread.
pub trait Sink: Send {
    /// A short name for reports: `file:/var/log/app.log`, `stdout`.
    fn name(&self) -> &str;

    /// Takes all `lines`, or says how many are safely in place and why the next is not.
    ///
    /// What is not in place may be offered again; a sink never leaves part of a line behind.
    fn write(&mut self, lines: Lines<'_>, now: Now) -> Result<(), WriteError>;

    /// Passes on what it buffers itself. After `Ok`, everything written survives the process.
    fn flush(&mut self) -> Result<(), SinkError>;

    /// After `Ok`, everything written survives power loss, where the sink has such a notion.
    fn sync(&mut self) -> Result<(), SinkError>;

    /// Called every turn, lines or not: rotation by time, retries, health.
    fn turn(&mut self, _now: Now) -> Result<(), SinkError> {
        Ok(())
    }

    /// Closes and opens its target again (SIGHUP, logrotate).
    fn reopen(&mut self, _now: Now) -> Result<(), SinkError> {
        Ok(())
    }

    /// What it has counted so far.
    fn counters(&self) -> SinkCounters {
        SinkCounters::default()
    }
}

/// What a sink counts; all since it was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SinkCounters {
    /// Lines in place.
    pub lines: u64,
    /// Bytes in place.
    pub bytes: u64,
    /// Segments sealed.
    pub rotations: u64,
    /// Times the target had to be opened again because somebody removed, renamed or truncated it.
    pub reopened: u64,
    /// Sealed segments removed by retention.
    pub removed: u64,
    /// Bytes of torn lines cut away when the target was opened.
    pub torn_bytes: u64,
    /// Spaces among `bytes` that keep lines from standing across the pages of a file.
    pub padding_bytes: u64,
    /// Errors met, whether or not a retry mended them.
    pub errors: u64,
}

/// Part of a batch is in place.
#[derive(Debug)]
pub struct WriteError {
    /// How many lines, from the first, are in place.
    pub lines_written: usize,
    /// Why the next one is not.
    pub cause: SinkError,
}

/// Why a sink could not do what it was asked.
#[derive(Debug)]
#[non_exhaustive]
pub enum SinkError {
    /// An operating system call failed.
    Io {
        /// What was tried, in words: `open`, `write`, `rename`.
        action: &'static str,
        /// On what: a path, or a stream's name.
        target: String,
        /// What the system said.
        source: io::Error,
    },
    /// Something that is no regular file stands where one is needed.
    NotAFile {
        /// Where.
        path: PathBuf,
        /// What stands there: `a directory`, `a symbolic link`.
        found: &'static str,
    },
    /// The sink's own code panicked.
    Panicked {
        /// The panic's message.
        said: String,
    },
    /// The sink's thread has not taken anything for too long.
    Stalled {
        /// The sink.
        target: String,
    },
    /// Another sink, in this process or another, writes to the same target.
    InUse {
        /// Which.
        path: PathBuf,
    },
    /// A setting that makes no sense.
    Config {
        /// Which one.
        field: &'static str,
        /// What would.
        expected: &'static str,
        /// What was found.
        found: String,
    },
}

impl SinkError {
    /// An operating system call on a path failed.
    pub fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        SinkError::Io { action, target: path.display().to_string(), source }
    }
}

impl fmt::Display for SinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SinkError::Io { action, target, source } => {
                write!(f, "cannot {action} {target}: {source}")
            }
            SinkError::NotAFile { path, found } => {
                write!(f, "{}: expected a regular file or nothing, found {found}", path.display())
            }
            SinkError::Panicked { said } => write!(f, "the sink panicked: {said}"),
            SinkError::Stalled { target } => {
                write!(f, "{target} has not taken anything for too long")
            }
            SinkError::InUse { path } => {
                write!(
                    f,
                    "{}: another process, or another sink of this one, writes it",
                    path.display()
                )
            }
            SinkError::Config { field, expected, found } => {
                write!(f, "{field}: expected {expected}, found {found}")
            }
        }
    }
}

impl std::error::Error for SinkError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            SinkError::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}
