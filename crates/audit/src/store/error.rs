//! Why a log cannot be opened or written.
use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::entry::ParseError;
use crate::keys::KeyError;
use crate::tiles::TileError;

/// Why a log cannot be opened, or a step failed.
#[non_exhaustive]
pub enum StoreError {
    /// The file system returned an error.
    Io {
        /// The step that failed.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Its error.
        source: io::Error,
    },
    /// Another process writes this log.
    Locked {
        /// The lock.
        path: PathBuf,
    },
    /// Another program truncated, extended or deleted a file that only this process writes. The log does not write to
    /// this file any more: an audit log is never truncated or overwritten.
    Changed {
        /// Which file.
        path: PathBuf,
        /// Its length after the last write.
        expected_bytes: u64,
        /// Its length now; `None` if it was deleted.
        found_bytes: Option<u64>,
    },
    /// The log differs from the written entries, before a position that was known to be on disk.
    Damaged {
        /// The file.
        file: String,
        /// Byte offset in the file.
        offset: u64,
        /// The entry expected there.
        seq: u64,
        /// What is wrong.
        what: Damage,
    },
    /// The log has fewer entries than were once on disk.
    RolledBack {
        /// Entries that were on disk.
        expected_entries: u64,
        /// Entries found.
        found_entries: u64,
        /// The file or checkpoint that recorded them.
        witness: &'static str,
    },
    /// A key file that cannot be loaded, made or replaced.
    Key(KeyError),
    /// Hash tiles that cannot be read or written.
    Tiles(TileError),
    /// A key that differs from the key in the log.
    WrongKey {
        /// Its file.
        path: PathBuf,
        /// The verifier key named by the log.
        expected: String,
        /// The verifier key found.
        found: String,
    },
    /// The key of the chain is missing, and the log is chained with one.
    NoChainKey {
        /// Its file.
        path: PathBuf,
    },
    /// An option is out of range.
    Option {
        /// Which one.
        field: &'static str,
        /// What was expected.
        expected: &'static str,
    },
    /// A compressed segment, and the feature `compress` is off.
    Compressed {
        /// Which one.
        path: PathBuf,
    },
    /// The request cannot be carried out: no such segment, the active one, a gap.
    Refused {
        /// Why.
        why: &'static str,
    },
}

/// A defect of an entry, or of data derived from entries.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Damage {
    /// It does not parse.
    Parse(ParseError),
    /// Its number is not the preceding entry's number plus one.
    Seq {
        /// The number found.
        found: u64,
    },
    /// It does not name the signature of the preceding entry.
    Previous,
    /// Its signature is invalid.
    Signature,
    /// The entries are not those that a checkpoint covers.
    Root,
    /// Hash tiles are wrong and cannot be rebuilt, because the entries were removed.
    Tiles,
    /// Another entry is expected in this place.
    Order(&'static str),
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Damage::Parse(error) => error.fmt(f),
            Damage::Seq { found } => write!(f, "found entry {found}"),
            Damage::Previous => {
                f.write_str("it does not name the signature of the preceding entry")
            }
            Damage::Signature => f.write_str("its signature is invalid"),
            Damage::Root => f.write_str("the entries are not those that the checkpoint covers"),
            Damage::Tiles => f.write_str("hash tiles are wrong and their entries were removed"),
            Damage::Order(expected) => write!(f, "expected {expected}"),
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::Io { doing, path, source } => {
                write!(f, "{doing} {}: {source}", path.display())
            }
            StoreError::Locked { path } => {
                write!(f, "another process writes this log: {} is locked", path.display())
            }
            StoreError::Changed { path, expected_bytes, found_bytes: Some(found) } => write!(
                f,
                "{}: expected {expected_bytes} bytes, found {found}: another program changed it",
                path.display()
            ),
            StoreError::Changed { path, .. } => write!(f, "{} was deleted", path.display()),
            StoreError::Damaged { file, offset, seq, what } => {
                write!(f, "{file}, byte {offset}, entry {seq}: {what}")
            }
            StoreError::RolledBack { expected_entries, found_entries, witness } => write!(
                f,
                "{witness}: expected {expected_entries} entries on disk, found {found_entries}"
            ),
            StoreError::Key(error) => error.fmt(f),
            StoreError::Tiles(error) => error.fmt(f),
            StoreError::WrongKey { path, expected, found } => {
                write!(f, "{}: the log names the key {expected}, found {found}", path.display())
            }
            StoreError::NoChainKey { path } => write!(
                f,
                "{}: expected the key of the chain, found no such file: put it back, or derive it where audit.mac is \
                 kept: ringseal audit chain-key",
                path.display()
            ),
            StoreError::Option { field, expected } => write!(f, "{field}: expected {expected}"),
            StoreError::Compressed { path } => {
                write!(f, "{}: compressed segments need the feature `compress`", path.display())
            }
            StoreError::Refused { why } => f.write_str(why),
        }
    }
}

ringseal_base::debug_by_message!(StoreError);

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            // Display shows the cause, so `source` skips it.
            StoreError::Io { source, .. } => source.source(),
            StoreError::Key(error) => error.source(),
            StoreError::Tiles(error) => error.source(),
            StoreError::Damaged { what: Damage::Parse(error), .. } => error.source(),
            _ => None,
        }
    }
}

impl StoreError {
    /// Whether the log itself is damaged or was cut off, so that it cannot be continued.
    pub fn is_damage(&self) -> bool {
        match self {
            StoreError::Damaged { .. } | StoreError::RolledBack { .. } => true,
            StoreError::Tiles(error) => !matches!(error, TileError::Io { .. }),
            _ => false,
        }
    }
}

impl From<KeyError> for StoreError {
    fn from(error: KeyError) -> Self {
        StoreError::Key(error)
    }
}

impl From<TileError> for StoreError {
    fn from(error: TileError) -> Self {
        StoreError::Tiles(error)
    }
}

/// An entry that was not taken. Nothing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AppendError {
    /// Too many bytes are staged: commit, then try again.
    Full {
        /// Bytes that are staged.
        staged_bytes: usize,
    },
    /// The chain's key for this entry was erased. Cannot happen in a log that was opened.
    KeyErased,
}

impl fmt::Display for AppendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AppendError::Full { staged_bytes } => {
                write!(f, "{staged_bytes} bytes are staged already: commit first")
            }
            AppendError::KeyErased => f.write_str("the key of this entry was erased"),
        }
    }
}

impl std::error::Error for AppendError {}
