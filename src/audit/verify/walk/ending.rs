//! What can be said of a log only when all of it has been read.
use super::super::Stop;
use super::super::report::{Finding, Kind, Place, Report};
use super::Walk;

impl Walk<'_> {
    /// What can be said only at the end.
    pub(super) fn finish(&mut self, first_seq: u64) -> Result<(), Stop> {
        let size = self.seq();
        let end = self.end();
        if size == 0 && self.seals.count == 0 && self.segments.is_empty() {
            let dir = self.files.dir.display();
            self.seals.finish(size, end, &mut self.notes)?;
            return Err(Stop::Unchecked { reason: format!("{dir}: there is no audit log") });
        }
        let sealed = self.seals.finish(size, end.clone(), &mut self.notes);
        if let Err(Stop::Tampered(finding)) = sealed {
            return Err(self.or_suspect(*finding).into());
        }
        sealed?;
        self.tail(size, end.clone())?;
        if self.course.pruned_before < first_seq {
            return Err(self.not_removed(first_seq).into());
        }
        if let Some(suspect) = self.suspect.take() {
            let place = self.accuse(suspect);
            let detail = "not the entry whose leaf hash is in its tile";
            return Err(Finding::new(Kind::Modified, place, detail).into());
        }
        if self.kept.seq.is_some() {
            let detail = format!("only {size} entries are there");
            return Err(Finding::new(Kind::TailTruncated, self.kept.place(), detail).into());
        }
        match self.evidence.fault.take() {
            Some(finding) => Err(finding.into()),
            None => Ok(()),
        }
    }

    /// How long the end has been without a checkpoint.
    fn tail(&mut self, size: u64, end: Place) -> Result<(), Stop> {
        if let Some(suspect) = &self.unsealed_epoch {
            let seq = suspect.place.seq.unwrap_or_default();
            self.notes.push(format!("the epoch that ends with entry {seq} is not sealed yet"));
        }
        if self.course.is_stopped {
            if self.seals.sealed < size {
                let detail = "the log was closed, and no checkpoint covers its end";
                return Err(Finding::new(Kind::Unsealed, end, detail).into());
            }
            return Ok(());
        }
        let mut gap = self.seals.gap;
        gap.nanos = gap.nanos.saturating_add(self.step_open_nanos);
        if let (Some(now), Some(last)) = (self.options.now_unix_nanos, self.latest_unix_nanos) {
            gap.nanos = gap.nanos.saturating_add(now.saturating_sub(last).max(0) as u64);
        }
        match gap.excess(self.limits()) {
            Some(excess) => Err(Finding::new(Kind::Unsealed, end, excess).into()),
            None => Ok(()),
        }
    }

    /// The place behind the last entry.
    fn end(&self) -> Place {
        let file = self.segments.last().map(|s| s.file.clone()).unwrap_or_default();
        Place { file, line: None, offset: None, seq: Some(self.seq()) }
    }

    /// Puts the counts into the report; if something is wrong, those of what is right before it.
    pub(super) fn tell(&mut self, report: &mut Report, first_seq: u64, is_wrong: bool) {
        (report.entries, report.bytes) = (self.read.entries, self.read.bytes);
        report.segments = self.read.segments;
        report.entries_pruned = first_seq.min(self.seq());
        report.checkpoints = self.seals.count;
        report.known_checkpoints = self.seals.known_checked();
        report.epochs = self.course.epochs + 1;
        report.tree_size = self.seq();
        self.grow();
        report.tree_root = self.tree.root();
        let entries = if is_wrong { report.entries_pruned + report.entries } else { self.seq() };
        report.entries_unsealed = entries.saturating_sub(self.seals.sealed);
        for note in self.notes.drain(..) {
            report.note(note);
        }
        if self.evidence.missing > 0 {
            report.note(format!("{} tiles could not be read", self.evidence.missing));
        }
    }
}
