//! What can go wrong while reading.
use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why a segment, or the directory, could not be read.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReadError {
    /// Neither an active file nor a sealed segment is there.
    NotFound {
        /// The active file that was asked for.
        path: PathBuf,
    },
    /// A path that names no file: empty, `/` or ending in `..`.
    NoFileName {
        /// What was given.
        path: PathBuf,
    },
    /// An operating system call failed.
    Io {
        /// What was tried, in words: `open`, `read`, `list`.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A compressed segment is not valid gzip. The lines before the damage were given.
    Corrupt {
        /// The segment.
        path: PathBuf,
        /// What the decoder said.
        source: io::Error,
    },
    /// A compressed segment, and this build lacks the feature `compress`.
    Compressed {
        /// The segment.
        path: PathBuf,
    },
}

impl ReadError {
    /// For `map_err`.
    pub(super) fn io(action: &'static str, path: PathBuf) -> impl FnOnce(io::Error) -> Self {
        move |source| ReadError::Io { action, path, source }
    }

    /// What a failed read of a segment means.
    pub(super) fn of_read(path: PathBuf, gz: bool, source: io::Error) -> Self {
        use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
        if gz && matches!(source.kind(), InvalidData | InvalidInput | UnexpectedEof) {
            return ReadError::Corrupt { path, source };
        }
        ReadError::Io { action: "read", path, source }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadError::NotFound { path } => write!(
                f,
                "no log at {}: expected this file, or sealed segments of it such as {}.000001",
                path.display(),
                path.display()
            ),
            ReadError::NoFileName { path } => {
                write!(f, "expected the path of a log file, found {path:?}, which names no file")
            }
            ReadError::Io { action, path, source } => {
                write!(f, "cannot {action} {}: {source}", path.display())
            }
            ReadError::Corrupt { path, source } => {
                write!(f, "{} is not whole, valid gzip: {source}", path.display())
            }
            ReadError::Compressed { path } => write!(
                f,
                "{} is compressed, and this build cannot decompress (feature `compress`)",
                path.display()
            ),
        }
    }
}

impl std::error::Error for ReadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            ReadError::Io { source, .. } | ReadError::Corrupt { source, .. } => Some(source),
            _ => None,
        }
    }
}
