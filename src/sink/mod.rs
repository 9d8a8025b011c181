//! Destinations of batches.
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

pub use crate::core::{Batch, Lines};
pub use ringseal_base::Now;

use commit::Commit;

#[doc(hidden)]
pub mod commit;
pub mod console;
pub mod file;
pub(crate) mod isolated;
pub mod memory;

/// Takes batches of whole lines, in order, from one thread.
pub trait Sink: Send {
    /// A short name for reports: `file:/var/log/app.log`, `stdout`.
    fn name(&self) -> &str;

    /// Writes all `lines`, or reports how many are safely in place and why the next one is not.
    ///
    /// The caller may offer lines that are not in place again; a sink never leaves part of a line.
    fn write(&mut self, lines: Lines<'_>, now: Now) -> Result<(), WriteError>;

    /// Passes on what the sink buffers. After `Ok`, everything written survives the end of the process.
    fn flush(&mut self) -> Result<(), SinkError>;

    /// After `Ok`, everything written survives power loss, if the sink can promise that.
    fn sync(&mut self) -> Result<(), SinkError>;

    /// Called every turn, with or without lines: rotation by time, retries, health.
    fn turn(&mut self, _now: Now) -> Result<(), SinkError> {
        Ok(())
    }

    /// What went wrong without keeping the sink from taking lines, each once: a rotation that had to be postponed, a
    /// foreign file that was set aside. Called after [`Sink::turn`].
    fn warning(&mut self) -> Option<SinkError> {
        None
    }

    /// Closes and opens its target again (SIGHUP, logrotate).
    fn reopen(&mut self, _now: Now) -> Result<(), SinkError> {
        Ok(())
    }

    /// The sink's counters so far.
    fn counters(&self) -> SinkCounters {
        SinkCounters::default()
    }

    /// Publishes to `commit` at once and from then on; see [`commit`]. A sink whose lines cannot be found again by
    /// another process ignores it.
    #[doc(hidden)]
    fn attach(&mut self, _commit: Box<dyn Commit>) {}

    /// For a sink with a queue: how many of its lines have left the queue and are in place.
    #[doc(hidden)]
    fn lines_done(&self) -> Option<u64> {
        None
    }

    /// The identity of the log that the sink writes, the same for every process that opens it.
    #[doc(hidden)]
    fn log_id(&self) -> Option<[u8; 16]> {
        None
    }
}

impl<S: Sink + ?Sized> Sink for Box<S> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn write(&mut self, lines: Lines<'_>, now: Now) -> Result<(), WriteError> {
        (**self).write(lines, now)
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        (**self).flush()
    }

    fn sync(&mut self) -> Result<(), SinkError> {
        (**self).sync()
    }

    fn turn(&mut self, now: Now) -> Result<(), SinkError> {
        (**self).turn(now)
    }

    fn warning(&mut self) -> Option<SinkError> {
        (**self).warning()
    }

    fn reopen(&mut self, now: Now) -> Result<(), SinkError> {
        (**self).reopen(now)
    }

    fn counters(&self) -> SinkCounters {
        (**self).counters()
    }

    fn attach(&mut self, commit: Box<dyn Commit>) {
        (**self).attach(commit);
    }

    fn lines_done(&self) -> Option<u64> {
        (**self).lines_done()
    }

    fn log_id(&self) -> Option<[u8; 16]> {
        (**self).log_id()
    }
}

/// A sink's counters since it was created.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SinkCounters {
    /// Lines in place.
    pub lines: u64,
    /// Bytes in place.
    pub bytes: u64,
    /// Segments sealed.
    pub rotations: u64,
    /// Times the target was opened again because another process removed, renamed or truncated it.
    pub reopened: u64,
    /// Sealed segments removed by retention.
    pub removed: u64,
    /// Bytes of those segments.
    pub removed_bytes: u64,
    /// Bytes of torn lines cut away when the target was opened.
    pub torn_bytes: u64,
    /// Spaces among `bytes` that keep lines from crossing page boundaries of a file.
    pub padding_bytes: u64,
    /// Errors, including those that a retry resolved.
    pub errors: u64,
}

/// Only part of a batch is in place.
#[derive(Debug)]
pub struct WriteError {
    /// How many lines, from the first, are in place.
    pub lines_written: usize,
    /// Why the next one is not.
    pub cause: SinkError,
}

/// Why a call of a sink failed.
#[non_exhaustive]
pub enum SinkError {
    /// An operating system call failed.
    Io {
        /// The action, in words: `open`, `write`, `rename`.
        action: &'static str,
        /// Its object: a path, or a stream's name.
        target: String,
        /// The system's error.
        source: io::Error,
    },
    /// A regular file is needed, and the path names something else.
    NotAFile {
        /// The path.
        path: PathBuf,
        /// What was found: `a directory`, `a symbolic link`.
        found: &'static str,
    },
    /// A regular file is needed, and something else was in its place: it was renamed, and the log continues.
    SetAside {
        /// The path.
        path: PathBuf,
        /// What was found.
        found: &'static str,
        /// Its new name.
        aside: PathBuf,
    },
    /// A regular file is needed, and a link, pipe or socket was in its place. Enough of them have been set aside, so
    /// that it was removed instead of renamed. The log continues.
    RemovedForeign {
        /// The path.
        path: PathBuf,
        /// What was found.
        found: &'static str,
        /// How many earlier ones are kept beside it.
        kept: u32,
    },
    /// The file system has no locks: two processes that write the same log are not kept apart.
    NotLocked {
        /// The lock file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A log has used all numbers of segments. Its active file grows without rotation.
    NumbersUsedUp {
        /// The active file.
        path: PathBuf,
        /// The highest number.
        number_max: u64,
    },
    /// The sink's own code panicked.
    Panicked {
        /// The panic's message.
        message: String,
    },
    /// The sink's thread has accepted nothing for too long.
    Stalled {
        /// The sink's name.
        target: String,
    },
    /// Another sink, in this process or another one, writes to the same target.
    InUse {
        /// The target.
        path: PathBuf,
    },
    /// An invalid setting.
    Config {
        /// The setting.
        field: &'static str,
        /// The values that are valid.
        expected: &'static str,
        /// The value that was found.
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
            SinkError::SetAside { path, found, aside } => write!(
                f,
                "{}: expected a regular file, found {found}; renamed it to {}",
                path.display(),
                aside.display()
            ),
            SinkError::RemovedForeign { path, found, kept } => write!(
                f,
                "{}: expected a regular file, found {found}; removed it, because {kept} others that were found there \
                 are kept already",
                path.display()
            ),
            SinkError::NotLocked { path, source } => write!(
                f,
                "cannot lock {}: {source}; let no other process write this log",
                path.display()
            ),
            SinkError::NumbersUsedUp { path, number_max } => write!(
                f,
                "{}: expected a free segment number up to {number_max}, found none; move the log's files away and \
                 reopen it",
                path.display()
            ),
            SinkError::Panicked { message } => write!(f, "the sink panicked: {message}"),
            SinkError::Stalled { target } => {
                write!(f, "{target} has accepted nothing for too long")
            }
            SinkError::InUse { path } => {
                write!(
                    f,
                    "{}: in use by another process, or by another sink of this one",
                    path.display()
                )
            }
            SinkError::Config { field, expected, found } => {
                write!(f, "{field}: expected {expected}, found {found}")
            }
        }
    }
}

ringseal_base::debug_by_message!(SinkError);

impl std::error::Error for SinkError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            // Display shows the cause, so `source` skips it.
            SinkError::Io { source, .. } | SinkError::NotLocked { source, .. } => source.source(),
            _ => None,
        }
    }
}
