//! The audit log's part in recovery: collects what killed runs had not sealed, before the audit thread starts.
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::AuditConfig;
use super::config::AuditParts;
use crate::engine::config::Survivors;
use crate::recover::journal::AuditProgress;
use crate::writer::RedactionConfig;
use crate::writer::Writer;
use crate::writer::audit::{Feed, HeldEntriesOverflow};
use crate::writer::recovery::audit::collect_audit;
use ringseal_base::clock::Clock;

impl AuditParts {
    /// How its events are redacted.
    pub(super) fn redaction(&self) -> &RedactionConfig {
        &self.redaction
    }

    /// Notes how far the log is in the home of this run.
    pub(super) fn set_progress(&mut self, progress: AuditProgress) {
        self.progress = Some(progress);
    }

    /// Seals the events in this spill file of a killed run first.
    pub(super) fn add_recovered(&mut self, spill: PathBuf) {
        self.recovered.push(spill);
    }

    /// The spill file of the settings.
    pub(super) fn spill_path(&self) -> Option<&Path> {
        match &self.config.held_overflow {
            HeldEntriesOverflow::Spill(path) => Some(path),
            HeldEntriesOverflow::Block => None,
        }
    }
}

/// The name of the log in homes of runs; empty without a log.
pub(in crate::engine) fn home_name(config: Option<&AuditConfig>) -> String {
    config.map(AuditConfig::home_name).unwrap_or_default()
}

/// Collects the events that killed runs have not sealed.
pub(in crate::engine) fn recover(
    parts: &mut Option<AuditParts>,
    name: &str,
    survivors: &mut Survivors,
    clock: &Arc<dyn Clock>,
) {
    let adoptions = survivors.recovering.iter_mut().flat_map(|it| &mut it.adoptions);
    for adoption in adoptions {
        let home = &adoption.home;
        let Some(parts) = parts.as_mut().filter(|_| home.image.run.audit == name) else {
            adoption.has_other_audit = home.has_journal();
            continue;
        };
        match collect_audit(home, parts.redaction(), clock, parts.spill_path()) {
            Ok(spill) => spill.into_iter().for_each(|path| parts.add_recovered(path)),
            // The home is left to the next start.
            Err(error) => adoption.failed = Some(error.to_string()),
        }
    }
}

/// A started log.
#[derive(Debug, Default)]
pub(in crate::engine) struct Started {
    pub(super) feed: Option<Feed>,
    pub(super) progress: Option<AuditProgress>,
}

/// Passes the feed that `start` returned to the writer.
pub(in crate::engine) fn attach(writer: Writer, started: Started) -> Writer {
    match started.feed {
        Some(feed) => writer.with_audit(feed, started.progress.as_ref()),
        None => writer,
    }
}
