//! The state of the audit log.
use ringseal_audit::sink::SinkHealth;
use ringseal_audit::store::Health;

/// The state of the audit log, for health endpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditHealth {
    /// The log itself; `None` before the audit thread's first turn.
    pub log: Option<Health>,
    /// The sinks besides the log, in the order in which they were configured.
    pub sinks: Vec<SinkHealth>,
    /// Whether the log has no keys from `ringseal audit keygen`. It is then a chain of plain hashes, sealed by keys
    /// that it made itself. It detects corruption, but anyone who can write the directory can replace it.
    pub is_keyless: bool,
    /// Whether callers of `emit` are waiting.
    pub is_blocked: bool,
    /// Bytes of entries held for the log.
    pub held_bytes: u64,
}

impl AuditHealth {
    /// Whether the log can be written, all its checks succeeded, and all sinks take entries.
    pub fn is_healthy(&self) -> bool {
        let log = self.log.as_ref().is_none_or(|log| log.audit_sink_healthy);
        log && self.sinks.iter().all(|sink| sink.is_healthy)
    }
}
