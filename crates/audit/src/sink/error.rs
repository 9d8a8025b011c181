//! Errors of sinks.
use std::{fmt, io};

/// A sink of audit entries, or its spill file, failed. The entries passed to it are not lost: they may be offered
/// again.
#[derive(Debug)]
#[non_exhaustive]
pub enum AuditSinkError {
    /// The operating system returned an error.
    Io {
        /// What was tried.
        action: &'static str,
        /// The sink or file.
        target: String,
        /// The error.
        source: io::Error,
    },
    /// The database returned an error.
    Database {
        /// What was tried.
        action: &'static str,
        /// Which sink.
        target: String,
        /// The error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Entries are missing between those that the sink has and those offered.
    Gap {
        /// Which sink.
        target: String,
        /// The entry expected next.
        expected_seq: u64,
        /// The entry found.
        found_seq: u64,
    },
    /// The sink has a different entry with the same number: one of the two is not from this log.
    Conflict {
        /// Which sink.
        target: String,
        /// The number.
        seq: u64,
    },
    /// An entry does not name the signature of the preceding entry.
    Chain {
        /// Which sink.
        target: String,
        /// The later entry.
        seq: u64,
    },
    /// A line does not end like an entry.
    Malformed {
        /// Which sink.
        target: String,
        /// The number it was offered with.
        seq: u64,
    },
    /// A column stored beside a line differs from the line.
    Column {
        /// Which sink.
        target: String,
        /// The row.
        seq: u64,
        /// Which column.
        column: &'static str,
    },
    /// The tables are not those that the sink creates.
    Schema {
        /// Which sink.
        target: String,
        /// The expected schema.
        expected: String,
        /// The schema found.
        found: String,
    },
    /// The sink's queue is full, and the sink takes no entries.
    Full {
        /// Which sink.
        target: String,
        /// Bytes held.
        held_bytes: usize,
        /// Most bytes that may be held.
        held_bytes_max: usize,
    },
    /// The sink did not reach the entry within the time allowed.
    Timeout {
        /// Which sink.
        target: String,
        /// The first entry that it lacks.
        missing_seq: u64,
    },
    /// The spill file is damaged at its front or middle; a torn end is cut off and is not an error.
    Spill {
        /// Which file.
        target: String,
        /// Byte offset in the file.
        offset: u64,
    },
    /// The sink has entries that the log lacks: the log was rolled back, or the sink belongs to another one.
    Ahead {
        /// Which sink.
        target: String,
        /// The entry that the sink expects next.
        sink_next_seq: u64,
        /// The entry that the log writes next.
        log_next_seq: u64,
    },
    /// The entries that the sink lacks cannot be read from the log.
    Log {
        /// Which sink.
        target: String,
        /// Why.
        reason: String,
    },
    /// It was closed and takes no more entries.
    Closed {
        /// Which sink.
        target: String,
    },
    /// The sink's own code panicked.
    Panicked {
        /// Which sink.
        target: String,
        /// The panic's message.
        message: String,
    },
}

impl AuditSinkError {
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(super) fn database(
        action: &'static str,
        target: &str,
        source: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        AuditSinkError::Database { action, target: target.to_owned(), source: Box::new(source) }
    }

    pub(super) fn io(action: &'static str, target: impl Into<String>, source: io::Error) -> Self {
        AuditSinkError::Io { action, target: target.into(), source }
    }

    /// Whether retrying later can succeed. All other errors need an operator.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            AuditSinkError::Io { .. }
                | AuditSinkError::Database { .. }
                | AuditSinkError::Full { .. }
                | AuditSinkError::Timeout { .. }
                | AuditSinkError::Log { .. }
                | AuditSinkError::Panicked { .. }
        )
    }
}

impl fmt::Display for AuditSinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AuditSinkError::Io { action, target, source } => {
                write!(f, "cannot {action} {target}: {source}")
            }
            AuditSinkError::Database { action, target, source } => {
                write!(f, "{target}: cannot {action}: {source}")?;
                // The server's message is in the source of the error.
                source.source().map_or(Ok(()), |cause| write!(f, ": {cause}"))
            }
            AuditSinkError::Gap { target, expected_seq, found_seq } => {
                write!(f, "{target}: expected entry {expected_seq} next, found {found_seq}")
            }
            AuditSinkError::Conflict { target, seq } => write!(
                f,
                "{target}: expected the same entry {seq} as offered or none, found a different one"
            ),
            AuditSinkError::Chain { target, seq } => write!(
                f,
                "{target}: expected entry {seq} to follow the signature of the preceding entry, \
                 found another signature in it"
            ),
            AuditSinkError::Malformed { target, seq } => write!(
                f,
                "{target}: expected entry {seq} to end with its two signatures, found another end"
            ),
            AuditSinkError::Column { target, seq, column } => write!(
                f,
                "{target}: row {seq}: expected column {column} to have the value of its line, found \
                 another value"
            ),
            AuditSinkError::Schema { target, expected, found } => {
                write!(f, "{target}: expected {expected}, found {found}")
            }
            AuditSinkError::Full { target, held_bytes, held_bytes_max } => write!(
                f,
                "{target} takes no entries; {held_bytes} bytes are held for it, \
                 {held_bytes_max} at most"
            ),
            AuditSinkError::Timeout { target, missing_seq } => {
                write!(f, "{target} does not have entry {missing_seq} in time")
            }
            AuditSinkError::Spill { target, offset } => {
                write!(f, "{target}: expected a spilled entry at byte {offset}, found damage")
            }
            AuditSinkError::Ahead { target, sink_next_seq, log_next_seq } => write!(
                f,
                "{target} has {sink_next_seq} entries, the log {log_next_seq}: the log was rolled back, or the sink is \
                 another log's"
            ),
            AuditSinkError::Log { target, reason } => {
                write!(f, "{target}: cannot read the missing entries from the log: {reason}")
            }
            AuditSinkError::Closed { target } => write!(f, "{target} was closed"),
            AuditSinkError::Panicked { target, message } => {
                write!(f, "{target} panicked: {message}")
            }
        }
    }
}

impl std::error::Error for AuditSinkError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            // Display shows the causes, so `source` skips them.
            AuditSinkError::Io { source, .. } => source.source(),
            AuditSinkError::Database { source, .. } => {
                source.source().and_then(|cause| cause.source())
            }
            _ => None,
        }
    }
}
