//! Checks that depend on the whole log, and the counts in the report.
use super::super::report::{
    Finding, FindingKind, Place, PrunedRange, VerifyReport, Warning, WarningKind,
};
use super::super::{Stop, files};
use super::Walk;
use crate::entry::Scheme;
use crate::entry::control::{Continued, StatePlace};
use ringseal_base::digest::text::{Base64, base64};

impl Walk<'_> {
    /// Runs the checks that depend on the whole log.
    pub(super) fn finish(&mut self, first_seq: u64) -> Result<(), Stop> {
        let size = self.seq();
        let end = self.end_place();
        if size == 0 && self.checkpoints.count == 0 && self.segments.is_empty() {
            let dir = self.files.dir.display();
            self.checkpoints.finish(size, end, false, &mut self.notes)?;
            return Err(Stop::Unchecked { reason: format!("{dir}: there is no audit log") });
        }
        let needs = self.needs_checkpoint;
        let sealed = self.checkpoints.finish(size, end.clone(), needs, &mut self.notes);
        if let Err(Stop::Tampered(finding)) = sealed {
            return Err(self.prefer_suspect(*finding).into());
        }
        sealed?;
        self.check_tail_age(size, end.clone())?;
        if self.control_state.prunes.before_seq < first_seq {
            return Err(self.missing_beginning(first_seq).into());
        }
        if let Some(suspect) = self.suspect.take() {
            let place = self.rewind_to(suspect);
            let detail = "not the entry whose leaf hash is in its tile";
            return Err(Finding::new(FindingKind::Modified, place, detail).into());
        }
        if self.kept.seq.is_some() {
            let detail = format!("found only {size} entries");
            return Err(Finding::new(FindingKind::TailTruncated, self.kept.place(), detail).into());
        }
        let (storage, dir) = (self.files.storage, self.files.dir);
        let latest = self.checkpoints.latest_size().min(size);
        files::check_partial_tiles(storage, dir, &mut self.tiles, latest);
        match self.tiles.fault.take() {
            Some(finding) => Err(finding.into()),
            None => Ok(()),
        }
    }

    /// What a log that continues another one reports about it.
    fn set_aside(&self) -> Option<(Place, String)> {
        let Continued { dir, entries, tree_root, damage, .. } = self.continued.as_ref()?;
        let root = base64(Base64::Standard, tree_root);
        let detail = format!(
            "the log continues one of {entries} entries with root {root}, which was set aside in {dir}: {damage}"
        );
        Some((Place { file: dir.clone(), ..Place::default() }, detail))
    }

    /// Accepted, or besides another finding.
    pub(super) fn warn_of_set_aside(&self, report: &mut VerifyReport) {
        if let Some((place, detail)) = self.set_aside() {
            report.warn(Warning { kind: WarningKind::SetAside, place, detail });
        }
    }

    /// The last check: the rest of the log is intact.
    pub(super) fn check_continued(&self) -> Result<(), Stop> {
        let accepted = self.options.accepted_set_aside;
        let is_accepted =
            self.continued.as_ref().is_none_or(|other| Some(other.tree_root) == accepted);
        match self.set_aside().filter(|_| !is_accepted) {
            Some((place, detail)) => Err(Finding::new(FindingKind::SetAside, place, detail).into()),
            None => Ok(()),
        }
    }

    /// Checks the time since the last checkpoint at the end of the log.
    fn check_tail_age(&mut self, size: u64, end: Place) -> Result<(), Stop> {
        if let Some(suspect) = &self.unsealed_epoch {
            let seq = suspect.place.seq.unwrap_or_default();
            self.notes.push(format!("the epoch that ends with entry {seq} is not sealed yet"));
        }
        if self.control_state.is_stopped {
            if self.checkpoints.sealed < size {
                let detail = "the log was closed, and no checkpoint covers its end";
                return Err(Finding::new(FindingKind::Unsealed, end, detail).into());
            }
            return Ok(());
        }
        let mut gap = self.checkpoints.gap;
        gap.nanos = gap.nanos.saturating_add(self.step_open_nanos);
        if let (Some(now), Some(last)) = (self.options.now_unix_nanos, self.latest_unix_nanos) {
            gap.nanos = gap.nanos.saturating_add(now.saturating_sub(last).max(0) as u64);
        }
        for (kind, detail) in gap.exceeded(self.limits()) {
            let kind = if kind == WarningKind::GapTime { WarningKind::Stale } else { kind };
            self.checkpoints.warnings.push(Warning { kind, place: end.clone(), detail });
        }
        Ok(())
    }

    /// The finding for an epoch whose end no checkpoint seals. A writer that could not write the checkpoint goes on
    /// with entries, but with nothing that needs it.
    pub(super) fn unsealed_epoch_finding(&mut self) -> Option<Stop> {
        let suspect = self.unsealed_epoch.take()?;
        let place = self.rewind_to(suspect);
        let detail = "an epoch ends here, and no checkpoint of its key seals it";
        Some(Finding::new(FindingKind::Unsealed, place, detail).into())
    }

    /// The place after the last entry.
    fn end_place(&self) -> Place {
        let file = self.segments.last().map(|s| s.file.clone()).unwrap_or_default();
        Place { file, line: None, offset: None, seq: Some(self.seq()) }
    }

    /// Fills in the counts; after a finding, the counts before the first bad record.
    pub(super) fn fill_report(
        &mut self,
        report: &mut VerifyReport,
        first_seq: u64,
        is_wrong: bool,
    ) {
        (report.entries, report.bytes) = (self.read.entries, self.read.bytes);
        report.segments = self.read.segments;
        report.entries_pruned = first_seq.min(self.seq());
        report.checkpoints = self.checkpoints.count;
        report.known_checkpoints = self.checkpoints.known_checked();
        report.epochs = self.control_state.epochs + 1;
        report.tree_size = self.seq();
        self.push_pending();
        report.tree_root = self.tree.root();
        let entries = if is_wrong { report.entries_pruned + report.entries } else { self.seq() };
        report.entries_unsealed = entries.saturating_sub(self.checkpoints.sealed);
        for note in self.notes.drain(..) {
            report.note(note);
        }
        for warning in std::mem::take(&mut self.checkpoints.warnings) {
            report.warn(warning);
        }
        let start = self.control_state.start.as_ref();
        report.format = self.control_state.format();
        report.state_in_log =
            start.is_some_and(|start| start.format > 1 && start.state == StatePlace::Log);
        report.is_keyed = start.is_some_and(|start| start.scheme == Scheme::Mac);
        let is_proven = self.chain_checked && report.is_keyed;
        report.entries_unproven = if is_proven { 0 } else { report.entries_unsealed };
        let prunes = &self.control_state.prunes;
        report.pruned = prunes.pruned_root.map(|(before_seq, root)| PrunedRange {
            before_seq,
            root,
            prune_entries: prunes.entries,
        });
        if self.tiles.missing > 0 {
            report.note(format!("{} tiles could not be read", self.tiles.missing));
        }
    }
}
