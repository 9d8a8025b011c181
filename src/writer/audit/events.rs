//! Reports of the audit thread to the application's log, and the health for endpoints.
//!
//! Blocks only while reading a checkpoint that was just written. Events that the writer does not accept are dropped,
//! except failures, which also go to stderr.
use super::AuditThreadEvent;
use super::thread::AuditThread;
use crate::writer::control::Control;
use crate::writer::link::Link;
use ringseal_audit::entry::Scheme;
use ringseal_audit::entry::control::CheckStatus;
use ringseal_audit::sink::SinkEvent;
use ringseal_audit::store::MaintenanceReport;
#[cfg(feature = "compress")]
use ringseal_base::own_thread;
use ringseal_base::process::file_size::block_in_this_thread;

/// Reports an event to the application's log; failures also go to stderr.
fn report(writer: &Link, event: AuditThreadEvent) {
    if let AuditThreadEvent::Failed { sink, error } = &event {
        let kept = "its entries are kept and retried";
        writer.stderr.write(format_args!("CRITICAL audit_sink_failure: {sink}: {error}; {kept}"));
    }
    if let AuditThreadEvent::StateMismatch { sink, reason } = &event {
        writer.stderr.write(format_args!("CRITICAL audit_state_mismatch: {sink}: {reason}"));
    }
    let _ = writer.call(Control::AuditThreadEvent(event));
}

/// Reports an event of a sink's thread.
pub(super) fn report_sink_event(writer: &Link, event: &SinkEvent<'_>) {
    let event = match event {
        SinkEvent::Failing { sink, error } => {
            AuditThreadEvent::Failed { sink: (*sink).to_owned(), error: error.to_string() }
        }
        SinkEvent::Recovered { sink, .. } => {
            AuditThreadEvent::Recovered { sink: (*sink).to_owned() }
        }
        // The version of the audit crate is pinned, and these are all of its events.
        _ => return,
    };
    report(writer, event);
}

impl AuditThread {
    pub(super) fn report_maintenance(&mut self) {
        for report in self.log.take_reports() {
            let event = match report {
                MaintenanceReport::Checked(checked) => AuditThreadEvent::Checked {
                    trigger: checked.trigger.as_str(),
                    is_ok: checked.status() == CheckStatus::Ok,
                    log_bytes: checked.log_bytes,
                    log_entries: checked.log_entries,
                },
                MaintenanceReport::Rotated(rotated) => {
                    self.cleanup_after_rotation();
                    AuditThreadEvent::Rotated {
                        old_file: rotated.old_file,
                        new_file: rotated.new_file,
                        reason: rotated.reason.as_str(),
                        file_size_bytes: rotated.file_size_bytes,
                    }
                }
                MaintenanceReport::StateMismatch(mismatch) => AuditThreadEvent::StateMismatch {
                    sink: format!("audit:{}", self.log.origin()),
                    reason: mismatch.to_string(),
                },
                MaintenanceReport::SetAside(continued) => AuditThreadEvent::StateMismatch {
                    sink: format!("audit:{}", self.log.origin()),
                    reason: format!(
                        "the log was damaged and set aside in {}: {}",
                        continued.dir, continued.damage
                    ),
                },
                MaintenanceReport::Pruned(prune) => AuditThreadEvent::Pruned {
                    before_seq: prune.before_seq,
                    reason: prune.reason.as_str(),
                },
                // The version of the audit crate is pinned, and these are all of its reports.
                _ => continue,
            };
            self.report(event);
        }
    }

    /// Removes segments as retention requires, and compresses sealed ones on a separate thread.
    pub(super) fn cleanup_after_rotation(&mut self) {
        if let Err(error) = self.log.retain() {
            self.writer.stderr.write(format_args!("audit segments cannot be removed: {error}"));
        }
        #[cfg(feature = "compress")]
        if let Some(dir) = self.config.compress_dir.clone() {
            let storage = std::sync::Arc::clone(&self.storage);
            let stderr = std::sync::Arc::clone(&self.writer.stderr);
            let work = move || {
                block_in_this_thread();
                own_thread::mark();
                if let Err(error) = ringseal_audit::store::compress_sealed(&storage, &dir) {
                    stderr.write(format_args!("audit segments cannot be compressed: {error}"));
                }
            };
            let builder = std::thread::Builder::new().name("ringseal-audit-gz".into());
            if let Err(error) = builder.spawn(work) {
                self.writer
                    .stderr
                    .write(format_args!("audit segments cannot be compressed: {error}"));
            }
        }
    }

    pub(super) fn report(&self, event: AuditThreadEvent) {
        report(&self.writer, event);
    }

    /// Reports a log without keys: anyone who can write its directory can replace it.
    pub(super) fn report_keyless(&self) {
        if self.log.scheme() == Scheme::Hash {
            self.report(AuditThreadEvent::Keyless { sink: format!("audit:{}", self.log.origin()) });
        }
    }

    pub(super) fn publish_health(&mut self) {
        *self.link.health.lock() = Some(self.log.health());
    }

    /// Reports a new checkpoint.
    pub(super) fn report_checkpoint(&mut self) {
        let entries = self.log.checkpoint_entries();
        if entries != self.sealed
            && let Some(note) = self.log.last_checkpoint()
        {
            self.sealed = entries;
            self.report(AuditThreadEvent::Sealed { entries, note });
        }
    }
}
