//! Why the audit log could not be opened.
use std::fmt;
use std::path::PathBuf;

use ringseal_audit::keys::KeyError;
use ringseal_audit::sink::AuditSinkError;
use ringseal_audit::store::StoreError;

/// Why the audit log could not be opened.
#[non_exhaustive]
pub enum AuditOpenError {
    /// The log could not be opened or recovered.
    Store(StoreError),
    /// The log is damaged or was cut off, and [`AuditConfig::on_damage`](super::AuditConfig::on_damage) says to refuse.
    /// Nothing was changed.
    Damaged {
        /// Its directory.
        dir: PathBuf,
        /// What was found.
        source: StoreError,
    },
    /// A key file could not be read, written or used.
    Keys(KeyError),
    /// The thread or the spill file of a sink besides the log could not be created. An unreachable sink is not an error
    /// here.
    Sink(AuditSinkError),
    /// A redaction rule is invalid.
    Redaction(ringseal_redact::RuleError),
    /// The directory has no keys for a new log. Nothing was created.
    NoKeys {
        /// The directory.
        path: PathBuf,
        /// The missing file.
        missing: &'static str,
    },
    /// The directory had keys, but another log was opened with them. Nothing was created.
    KeysMoved {
        /// The directory.
        path: PathBuf,
        /// The missing file.
        missing: &'static str,
    },
    /// A key of the host is missing. Nothing was created.
    KeyLost {
        /// The log's directory.
        dir: PathBuf,
        /// The missing file.
        path: PathBuf,
    },
    /// A directory could not be created or read.
    Dir {
        /// The directory.
        path: PathBuf,
        /// The error.
        source: std::io::Error,
    },
}

impl fmt::Display for AuditOpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cannot open the audit log: ")?;
        match self {
            AuditOpenError::Store(error) => error.fmt(f),
            AuditOpenError::Damaged { dir, source } => {
                let dir = dir.display();
                write!(
                    f,
                    "{dir}: found a log that cannot be continued: {source}. Nothing was changed. See what happened: \
                     ringseal audit verify {dir} --key audit.pub; ringseal audit fsck {dir}. Then restore the files \
                     from a copy, or start a new log that names this one's state: \
                     AuditConfig::on_damage(OnDamage::SetAside)"
                )
            }
            AuditOpenError::Keys(error) => error.fmt(f),
            AuditOpenError::Sink(error) => error.fmt(f),
            AuditOpenError::Redaction(error) => error.fmt(f),
            AuditOpenError::Dir { path, source } => write!(f, "{}: {source}", path.display()),
            AuditOpenError::KeyLost { dir, path } => write!(
                f,
                "{}: expected a key of the log in {}, found no such file. Put it back; a copy from before the last \
                 start does not fit. If it is lost, move the directory away, keep it, and start a new log with new \
                 keys: ringseal audit keygen --dir ANOTHER; docs/audit-operations.md has the steps",
                path.display(),
                dir.display()
            ),
            AuditOpenError::NoKeys { path, missing } => write!(
                f,
                "{}: expected keys for a new log, found no {missing}; create them: \
                 ringseal audit keygen --dir {0}",
                path.display()
            ),
            AuditOpenError::KeysMoved { path, missing } => write!(
                f,
                "{}: expected keys for a new log, found audit.pub without {missing}: its keys were moved into the \
                 log that was opened with them first. Each log needs separate keys, even for the same \
                 service in another directory; create them: ringseal audit keygen --dir ANOTHER",
                path.display()
            ),
        }
    }
}

ringseal_base::debug_by_message!(AuditOpenError);

impl std::error::Error for AuditOpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // Display forwards to the inner error, so `source` skips it.
        match self {
            AuditOpenError::Store(error) | AuditOpenError::Damaged { source: error, .. } => {
                error.source()
            }
            AuditOpenError::Keys(error) => error.source(),
            AuditOpenError::Sink(error) => error.source(),
            AuditOpenError::Redaction(error) => error.source(),
            AuditOpenError::Dir { source, .. } => source.source(),
            AuditOpenError::NoKeys { .. }
            | AuditOpenError::KeysMoved { .. }
            | AuditOpenError::KeyLost { .. } => None,
        }
    }
}

impl From<KeyError> for AuditOpenError {
    fn from(error: KeyError) -> Self {
        AuditOpenError::Keys(error)
    }
}
