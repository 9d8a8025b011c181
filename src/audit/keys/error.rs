//! What can go wrong with key files.
use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why a key cannot be made, loaded or replaced.
#[derive(Debug)]
#[non_exhaustive]
pub enum KeyError {
    /// The system refused.
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file of that name is there; keys are never overwritten.
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Others than the owner may read or write it.
    Permissions {
        /// The file.
        path: PathBuf,
        /// Its permission bits; 0o600 or fewer were expected.
        mode: u32,
    },
    /// Not a regular file.
    Kind {
        /// What has that name.
        path: PathBuf,
        /// What it is.
        found: &'static str,
    },
    /// The file does not hold what it should. Its content is not told.
    Content {
        /// The file.
        path: PathBuf,
        /// What was expected.
        expected: &'static str,
    },
    /// No name for a log.
    Origin {
        /// What was expected and found.
        reason: String,
    },
    /// The system has no randomness to give.
    Random {
        /// What it said.
        reason: String,
    },
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyError::Io { path, source } => write!(f, "{}: {source}", path.display()),
            KeyError::Exists { path } => {
                write!(f, "{} exists; keys are never overwritten", path.display())
            }
            KeyError::Permissions { path, mode } => write!(
                f,
                "{} has mode {mode:04o}; expected 0600, so that its owner alone can read it",
                path.display()
            ),
            KeyError::Kind { path, found } => {
                write!(f, "{} is {found}; expected a regular file", path.display())
            }
            KeyError::Content { path, expected } => {
                write!(f, "{}: expected {expected}", path.display())
            }
            KeyError::Origin { reason } => write!(f, "no origin for a log: {reason}"),
            KeyError::Random { reason } => write!(f, "no randomness from the system: {reason}"),
        }
    }
}

impl std::error::Error for KeyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            KeyError::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}
