//! Replaces `audit.rs` if the feature `audit` is off.

/// The audit log of a build without it; takes no bytes.
#[derive(Debug)]
pub(crate) struct AuditHook;

impl AuditHook {
    pub(crate) const fn new() -> AuditHook {
        AuditHook
    }
}
