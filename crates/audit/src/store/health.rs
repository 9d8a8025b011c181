//! The state of a log, for health endpoints.
use super::disk::Result;
use super::{Active, AuditLog};
use crate::entry::control::StateMismatch;

/// Counters since the log was opened.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub rotated: u64,
    pub recovered_bytes: u64,
    pub failures: u64,
    pub integrity_failures: u64,
    pub last_unix_nanos: i64,
    pub last_error: Option<String>,
    pub last_copy_error: Option<String>,
    pub last_state_error: Option<String>,
    pub state_mismatch: Option<StateMismatch>,
    pub set_aside: Option<String>,
}

impl Counts {
    /// Records the result of writing the protected state.
    pub fn record_state(&mut self, result: &Result<()>) {
        self.last_state_error = result.as_ref().err().map(ToString::to_string);
        self.failures += u64::from(result.is_err());
    }

    /// Records the result of a step that touched the disk.
    pub fn record<T>(&mut self, result: &Result<T>) {
        self.last_error = match result {
            Ok(_) => None,
            Err(error) => {
                self.failures += 1;
                Some(error.to_string())
            }
        };
    }
}

/// The state of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// Whether the last step that touched the disk succeeded and no check has found a problem.
    pub audit_sink_healthy: bool,
    /// Entries of the log since its first, staged ones included.
    pub audit_event_count: u64,
    /// Entries staged for a commit.
    pub waiting_entries: u64,
    /// Their bytes.
    pub waiting_bytes: u64,
    /// Time of the last entry, nanoseconds since 1970; 0 if there is none.
    pub last_audit_event_unix_nanos: i64,
    /// Length of the active segment.
    pub audit_log_size_bytes: u64,
    /// Existing sealed segments.
    pub audit_log_rotated_files: u64,
    /// Segments sealed since the log was opened.
    pub rotations: u64,
    /// Entries that the latest checkpoint covers.
    pub checkpoint_entries: u64,
    /// Time of the latest checkpoint, nanoseconds since 1970.
    pub checkpoint_unix_nanos: i64,
    /// Number of the epoch.
    pub epoch: u64,
    /// Torn bytes that opening cut off and kept.
    pub recovered_bytes: u64,
    /// Steps that failed since the log was opened.
    pub failures: u64,
    /// Checks that found a problem since the log was opened.
    pub integrity_failures: u64,
    /// The error of the last step, if it failed.
    pub last_error: Option<String>,
    /// The last error of writing `audit-integrity.log`.
    pub last_copy_error: Option<String>,
    /// The error of writing the protected state, if the last attempt failed.
    pub last_state_error: Option<String>,
    /// How the log differed from the state that its last writer left, when it was opened. A signed entry records it.
    pub state_mismatch: Option<StateMismatch>,
    /// The directory to which opening moved a damaged log, which this one continues.
    pub set_aside: Option<String>,
}

impl AuditLog {
    /// Number of entries that the latest checkpoint covers.
    pub fn checkpoint_entries(&self) -> u64 {
        self.sealed_size
    }

    /// The latest checkpoint, as a signed note; `None` if it cannot be read.
    pub fn last_checkpoint(&self) -> Option<String> {
        let bytes = self.disk.read_note(super::names::CHECKPOINT).ok()??;
        String::from_utf8(bytes).ok()
    }

    /// The state of the log. Takes no lock and does not access the disk.
    pub fn health(&self) -> Health {
        let counts = &self.counts;
        let size = match &self.active {
            Active::Open(tail) => tail.durable_len,
            Active::Next { .. } => 0,
        };
        Health {
            audit_sink_healthy: counts.last_error.is_none()
                && counts.integrity_failures == 0
                && counts.last_state_error.is_none()
                && counts.state_mismatch.is_none()
                && counts.set_aside.is_none(),
            audit_event_count: self.next_seq,
            waiting_entries: self.next_seq - self.committed,
            waiting_bytes: self.staged.len() as u64,
            last_audit_event_unix_nanos: counts.last_unix_nanos,
            audit_log_size_bytes: size,
            audit_log_rotated_files: self.sealed.len() as u64,
            rotations: counts.rotated,
            checkpoint_entries: self.sealed_size,
            checkpoint_unix_nanos: self.sealed_since,
            epoch: self.epoch,
            recovered_bytes: counts.recovered_bytes,
            failures: counts.failures,
            integrity_failures: counts.integrity_failures,
            last_error: counts.last_error.clone(),
            last_copy_error: counts.last_copy_error.clone(),
            last_state_error: counts.last_state_error.clone(),
            state_mismatch: counts.state_mismatch,
            set_aside: counts.set_aside.clone(),
        }
    }
}
