//! Errors of key files.
use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why a key cannot be created, loaded or replaced.
#[non_exhaustive]
pub enum KeyError {
    /// The operating system returned an error.
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The error.
        source: io::Error,
    },
    /// The file exists; keys are never overwritten.
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The file's permission bits allow access by others than the owner.
    Permissions {
        /// The file.
        path: PathBuf,
        /// Its permission bits; 0o600 or fewer were expected.
        mode: u32,
    },
    /// Not a regular file.
    Kind {
        /// The path.
        path: PathBuf,
        /// The kind of file found.
        found: &'static str,
    },
    /// The file does not have the expected content. The error does not show its content.
    Content {
        /// The file.
        path: PathBuf,
        /// What was expected.
        expected: &'static str,
    },
    /// Not a valid name of a log.
    Origin {
        /// What was expected and found.
        reason: String,
    },
    /// The operating system provided no randomness.
    Random {
        /// The error.
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
                "{} has mode {mode:04o}; expected 0600, so that only its owner can read it",
                path.display()
            ),
            KeyError::Kind { path, found } => {
                write!(f, "{} is {found}; expected a regular file", path.display())
            }
            KeyError::Content { path, expected } => {
                write!(f, "{}: expected {expected}", path.display())
            }
            KeyError::Origin { reason } => write!(f, "not a valid origin: {reason}"),
            KeyError::Random { reason } => write!(f, "no randomness from the system: {reason}"),
        }
    }
}

ringseal_base::debug_by_message!(KeyError);

impl std::error::Error for KeyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            // Display shows the cause, so `source` skips it.
            KeyError::Io { source, .. } => source.source(),
            _ => None,
        }
    }
}
