//! Why a sink does not have what it was given, or does not say what it should.
use std::{fmt, io};

/// A sink of audit entries, or what keeps entries for one, failed. Nothing that it was given is
/// given up because of that: it may be offered again.
#[derive(Debug)]
#[non_exhaustive]
pub enum AuditSinkError {
    /// The operating system failed.
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        target: String,
        /// What it said.
        source: io::Error,
    },
    /// The database failed.
    Database {
        /// What was tried.
        action: &'static str,
        /// Which sink.
        target: String,
        /// What it said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Entries are missing between what the sink has and what it was given.
    Gap {
        /// Which sink.
        target: String,
        /// The entry that must come next.
        expected_seq: u64,
        /// The entry that came.
        found_seq: u64,
    },
    /// The sink has another entry under the same number: one of both is not from this log.
    Conflict {
        /// Which sink.
        target: String,
        /// The number.
        seq: u64,
    },
    /// An entry does not name the signature of the one before as its predecessor's.
    Chain {
        /// Which sink.
        target: String,
        /// The later entry.
        seq: u64,
    },
    /// A line does not end as every entry's does.
    Malformed {
        /// Which sink.
        target: String,
        /// The number that it was given under.
        seq: u64,
    },
    /// What is kept beside a line is not what the line says.
    Column {
        /// Which sink.
        target: String,
        /// The row.
        seq: u64,
        /// Which column.
        column: &'static str,
    },
    /// The tables are not those that the sink makes.
    Schema {
        /// Which sink.
        target: String,
        /// What has to be there.
        expected: String,
        /// What is there.
        found: String,
    },
    /// No more can be held for a sink that does not take.
    Full {
        /// Which sink.
        target: String,
        /// Bytes that are held.
        held_bytes: usize,
        /// Bytes that may be held.
        held_bytes_max: usize,
    },
    /// The sink did not get as far as it should within the time allowed.
    Late {
        /// Which sink.
        target: String,
        /// The first entry that it does not have.
        missing_seq: u64,
    },
    /// The file of spilled entries is damaged at its front or middle; a torn end is cut and no error.
    Spill {
        /// Which file.
        target: String,
        /// Where, in bytes from its start.
        offset: u64,
    },
    /// The sink has entries that the log behind it does not have: the log was rolled back, or it is another one.
    Ahead {
        /// Which sink.
        target: String,
        /// The entry that the sink wants next.
        sink_next_seq: u64,
        /// The entry that the log writes next.
        log_next_seq: u64,
    },
    /// What the sink lacks cannot be read from the log.
    Log {
        /// Which sink.
        target: String,
        /// Why.
        reason: String,
    },
    /// It was closed and takes no more.
    Closed {
        /// Which sink.
        target: String,
    },
    /// The sink's own code panicked.
    Panicked {
        /// Which sink.
        target: String,
        /// The panic's message.
        said: String,
    },
}

impl AuditSinkError {
    #[cfg(any(feature = "audit-sqlite", feature = "audit-postgres"))]
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

    /// Whether time and another try can mend it. What else there is needs somebody to look.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            AuditSinkError::Io { .. }
                | AuditSinkError::Database { .. }
                | AuditSinkError::Full { .. }
                | AuditSinkError::Late { .. }
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
                // A server's own words stand one below.
                source.source().map_or(Ok(()), |cause| write!(f, ": {cause}"))
            }
            AuditSinkError::Gap { target, expected_seq, found_seq } => {
                write!(f, "{target}: expected entry {expected_seq} next, found {found_seq}")
            }
            AuditSinkError::Conflict { target, seq } => write!(
                f,
                "{target}: expected the same entry {seq} as offered or none, found another one"
            ),
            AuditSinkError::Chain { target, seq } => write!(
                f,
                "{target}: expected entry {seq} to follow the signature of the entry before, \
                 found another signature in it"
            ),
            AuditSinkError::Malformed { target, seq } => write!(
                f,
                "{target}: expected entry {seq} to end in its two signatures, found another end"
            ),
            AuditSinkError::Column { target, seq, column } => write!(
                f,
                "{target}: row {seq}: expected in column {column} what its line says, found \
                 something else"
            ),
            AuditSinkError::Schema { target, expected, found } => {
                write!(f, "{target}: expected {expected}, found {found}")
            }
            AuditSinkError::Full { target, held_bytes, held_bytes_max } => write!(
                f,
                "{target} does not take entries; {held_bytes} bytes are held for it, \
                 {held_bytes_max} at most"
            ),
            AuditSinkError::Late { target, missing_seq } => {
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
                write!(f, "{target}: cannot read from the log what it lacks: {reason}")
            }
            AuditSinkError::Closed { target } => write!(f, "{target} was closed"),
            AuditSinkError::Panicked { target, said } => write!(f, "{target} panicked: {said}"),
        }
    }
}

impl std::error::Error for AuditSinkError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            AuditSinkError::Io { source, .. } => Some(source),
            AuditSinkError::Database { source, .. } => Some(&**source),
            _ => None,
        }
    }
}
