//! What the keeper tells the application's log, and what it shows to health endpoints.
//!
//! Nothing blocks but the reading of a checkpoint that was just written. News that nobody takes are dropped, except of
//! a failure, which stderr gets as well.
use super::AuditNews;
use super::keeper::Keeper;
use crate::audit::entry::Scheme;
use crate::audit::entry::control::CheckStatus;
use crate::audit::sink::Notice;
use crate::audit::store::Report;
use crate::writer::control::Control;
use crate::writer::link::Link;

/// Tells the application's log; where nobody takes it, stderr has to do.
fn tell(writer: &Link, news: AuditNews) {
    if let AuditNews::Failed { sink, error } = &news {
        let kept = "its entries are kept and tried again";
        writer.stderr.write(format_args!("CRITICAL audit_sink_failure: {sink}: {error}; {kept}"));
    }
    let _ = writer.call(Control::AuditNews(news));
}

/// What the thread of a sink besides the log tells.
pub(super) fn tell_notice(writer: &Link, notice: &Notice<'_>) {
    tell(
        writer,
        match notice {
            Notice::Failing { sink, error } => {
                AuditNews::Failed { sink: (*sink).to_owned(), error: error.to_string() }
            }
            Notice::Recovered { sink, .. } => AuditNews::Recovered { sink: (*sink).to_owned() },
        },
    );
}

impl Keeper {
    pub(super) fn tell_reports(&mut self) {
        for report in self.log.take_reports() {
            let news = match report {
                Report::Checked(checked) => AuditNews::Checked {
                    trigger: checked.trigger.as_str(),
                    is_ok: checked.status() == CheckStatus::Ok,
                    log_bytes: checked.log_bytes,
                    log_entries: checked.log_entries,
                },
                Report::Rotated(rotated) => {
                    self.tidy_at_rotation();
                    AuditNews::Rotated {
                        old_file: rotated.old_file,
                        new_file: rotated.new_file,
                        reason: rotated.reason.as_str(),
                        file_size_bytes: rotated.file_size_bytes,
                    }
                }
                Report::Pruned(prune) => AuditNews::Pruned {
                    before_seq: prune.before_seq,
                    reason: prune.reason.as_str(),
                },
            };
            self.tell(news);
        }
    }

    /// Removes what retention does not let stay, and compresses on a thread of its own.
    pub(super) fn tidy_at_rotation(&mut self) {
        if let Err(error) = self.log.retain() {
            self.writer
                .stderr
                .write(format_args!("audit segments that may go cannot be removed: {error}"));
        }
        #[cfg(feature = "compress")]
        if let Some(dir) = self.config.compress_dir.clone() {
            let storage = std::sync::Arc::clone(&self.storage);
            let stderr = std::sync::Arc::clone(&self.writer.stderr);
            let work = move || {
                if let Err(error) = crate::audit::store::compress_sealed(&storage, &dir) {
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

    pub(super) fn tell(&self, news: AuditNews) {
        tell(&self.writer, news);
    }

    /// Says so if whoever can write the log's directory can make another one.
    pub(super) fn tell_keyless(&self) {
        if self.log.scheme() == Scheme::Hash {
            self.tell(AuditNews::Keyless { sink: format!("audit:{}", self.log.origin()) });
        }
    }

    pub(super) fn publish(&mut self) {
        *self.link.health.lock() = Some(self.log.health());
    }

    /// Tells of a new checkpoint.
    pub(super) fn tell_seal(&mut self) {
        let entries = self.log.checkpoint_entries();
        if entries != self.sealed
            && let Some(note) = self.log.last_checkpoint()
        {
            self.sealed = entries;
            self.tell(AuditNews::Sealed { entries, note });
        }
    }
}
