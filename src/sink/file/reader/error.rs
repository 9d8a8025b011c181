//! Errors of the reader.
use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why a segment, or the directory, could not be read.
#[non_exhaustive]
pub enum LogReadError {
    /// Neither an active file nor a sealed segment exists.
    NotFound {
        /// The requested active file.
        path: PathBuf,
    },
    /// The path has no file name: it is empty, `/`, or ends in `..`.
    NoFileName {
        /// The given path.
        path: PathBuf,
    },
    /// An operating system call failed.
    Io {
        /// The action, in words: `open`, `read`, `list`.
        action: &'static str,
        /// Its object.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A compressed segment is not valid gzip. The lines before the damage were returned.
    Corrupt {
        /// The segment.
        path: PathBuf,
        /// The decoder's error.
        source: io::Error,
    },
    /// A name is that of a sealed segment, and what has it cannot be one. Reported once, when a reader opens the log;
    /// the other segments are read.
    NotASegment {
        /// The path.
        path: PathBuf,
        /// What was found: `a directory`, `a segment number above 999999999999`.
        found: &'static str,
    },
    /// The segment is compressed, and this build lacks the feature `compress`.
    Compressed {
        /// The segment.
        path: PathBuf,
    },
}

impl LogReadError {
    /// For `map_err`.
    pub(super) fn io(action: &'static str, path: PathBuf) -> impl FnOnce(io::Error) -> Self {
        move |source| LogReadError::Io { action, path, source }
    }

    /// The error for a failed read of a segment.
    pub(super) fn of_read(path: PathBuf, gz: bool, source: io::Error) -> Self {
        use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
        if gz && matches!(source.kind(), InvalidData | InvalidInput | UnexpectedEof) {
            return LogReadError::Corrupt { path, source };
        }
        LogReadError::Io { action: "read", path, source }
    }
}

impl fmt::Display for LogReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LogReadError::NotFound { path } => write!(
                f,
                "no log at {}: expected this file, or sealed segments of it such as {}.000001",
                path.display(),
                path.display()
            ),
            LogReadError::NoFileName { path } => {
                write!(f, "expected the path of a log file, found {path:?}, which names no file")
            }
            LogReadError::Io { action, path, source } => {
                write!(f, "cannot {action} {}: {source}", path.display())
            }
            LogReadError::Corrupt { path, source } => {
                write!(f, "{} is not a complete, valid gzip file: {source}", path.display())
            }
            LogReadError::NotASegment { path, found } => write!(
                f,
                "{} is not read: expected a segment of the log, found {found}",
                path.display()
            ),
            LogReadError::Compressed { path } => write!(
                f,
                "{} is compressed, and this build cannot decompress (feature `compress`)",
                path.display()
            ),
        }
    }
}

ringseal_base::debug_by_message!(LogReadError);

impl std::error::Error for LogReadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            // Display shows the cause, so `source` skips it.
            LogReadError::Io { source, .. } | LogReadError::Corrupt { source, .. } => {
                source.source()
            }
            _ => None,
        }
    }
}
