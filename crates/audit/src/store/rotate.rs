//! Rotation: closes the active segment and begins a new one.
//!
//! The new file is completed under a temporary name, with its first entries. Then the old file gets its permanent name
//! and the new one the active name. After a crash in between there is no active segment, and opening begins one.
use super::disk::{Result, Tail, with_path};
use super::integrity::{ContentSummary, summarize_lines};
use super::lines::Lines;
use super::names::{ACTIVE, sealed_name};
use super::{Active, AuditLog, MaintenanceReport, StoreError, is_due};
use crate::entry::control::{
    Checksum, Control, RotateReason, SealedSegment, SegmentStart, Trigger,
};
use ringseal_base::storage::append_all;

/// An existing sealed segment.
#[derive(Debug, Clone)]
pub(super) struct Sealed {
    pub info: SealedSegment,
    pub extra: Option<Checksum>,
    /// When the next segment was begun.
    pub sealed_at: i64,
}

/// A rotation, reported to the application's own log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// The permanent name of the closed segment.
    pub old_file: String,
    /// The name of the new one.
    pub new_file: String,
    /// Why.
    pub reason: RotateReason,
    /// Length of the closed segment.
    pub file_size_bytes: u64,
}

impl AuditLog {
    pub(super) fn rotation_due(&self, now: i64) -> Option<RotateReason> {
        let Active::Open(tail) = &self.active else { return None };
        let by_size = tail.durable_len >= self.options.segment_bytes_max;
        let by_time = self
            .options
            .segment_seconds_max
            .is_some_and(|max| is_due(self.segment_since, now, max));
        match (by_size, by_time) {
            (true, true) => Some(RotateReason::Both),
            (true, false) => Some(RotateReason::Size),
            (false, true) => Some(RotateReason::Time),
            (false, false) => None,
        }
    }

    /// Closes the active segment and begins a new one, with a new epoch.
    pub fn rotate(&mut self, reason: RotateReason) -> Result<()> {
        let result = self.rotate_now(reason);
        self.counts.record(&result);
        result
    }

    fn rotate_now(&mut self, reason: RotateReason) -> Result<()> {
        self.commit()?;
        self.finish_removals()?;
        self.change_epoch()?;
        let (summary, is_correct) = self.summarize_active()?;
        self.sync_tiles()?;
        let sealed = self.new_sealed(&summary);
        let old_file = sealed.info.name.clone();
        self.stage_segment(reason, sealed)?;
        self.commit()?;
        self.counts.rotated += 1;
        let (new_file, file_size_bytes) = (ACTIVE.to_owned(), summary.bytes);
        self.report(MaintenanceReport::Rotated(Rotated {
            old_file,
            new_file,
            reason,
            file_size_bytes,
        }));
        self.check_rotated(&summary, is_correct)?;
        self.commit()?;
        self.save_chain_key()
    }

    /// Reads the active segment's file; the flag is set if the content is unchanged since it was written.
    pub(super) fn summarize_active(&mut self) -> Result<(ContentSummary, bool)> {
        let algorithm = self.options.integrity_algorithm;
        let Some(mut lines) = Lines::of_file(&self.disk, ACTIVE)? else {
            return Ok((ContentSummary::begin(algorithm).finish(), false));
        };
        let mut tree = self.segment_tree.clone();
        let expected = match &self.active {
            Active::Open(tail) => tail.durable_len,
            Active::Next { .. } => 0,
        };
        let summary = summarize_lines(&self.disk, ACTIVE, &mut lines, algorithm, Some(&mut tree))?;
        let is_correct = summary.bytes == expected
            && tree.len() == self.tiles.tree().len()
            && tree.root() == self.tiles.tree().root();
        Ok((summary, is_correct))
    }

    fn new_sealed(&self, summary: &ContentSummary) -> Sealed {
        let info = SealedSegment {
            name: sealed_name(self.segment_first),
            bytes: summary.bytes,
            sha256: summary.sha256,
            first_seq: self.segment_first,
            last_seq: self.next_seq - 1,
        };
        Sealed { info, extra: summary.extra, sealed_at: self.clock.unix_nanos() }
    }

    /// Stages the first entry of a segment; the next commit creates its file.
    pub(super) fn stage_segment(&mut self, reason: RotateReason, sealed: Sealed) -> Result<()> {
        let start = SegmentStart {
            number: self.segment_number + 1,
            reason,
            previous: sealed.info.clone(),
            extra: sealed.extra,
        };
        let segment_tree = self.tiles.tree().clone();
        // Retention compares this time, which the entry records, with the age of the segment.
        let first = self.append_control_at(&Control::Segment(start), sealed.sealed_at)?.seq;
        self.segment_tree = segment_tree;
        let rename_from = match self.active {
            Active::Open(_) => Some(self.segment_first),
            Active::Next { rename_from } => rename_from,
        };
        self.active = Active::Next { rename_from };
        self.segment_first = first;
        self.segment_number += 1;
        self.segment_since = sealed.sealed_at;
        self.sealed.push(sealed);
        Ok(())
    }

    /// The commit that creates a segment's file.
    pub(super) fn begin_segment(&mut self) -> Result<()> {
        let Active::Next { rename_from } = &mut self.active else { return Ok(()) };
        let disk = &self.disk;
        let unfinished = format!("{ACTIVE}.tmp");
        let mut file = disk.create(&unfinished)?;
        let (from, to) = (disk.path(&unfinished), disk.path(ACTIVE));
        with_path("writing", &from, append_all(&mut *file, &self.staged))?;
        with_path("syncing", &from, file.sync())?;
        if let Some(first_seq) = *rename_from {
            let name = sealed_name(first_seq);
            if disk.stat(&name)?.is_some() {
                return Err(StoreError::Refused { why: "a segment of this name exists already" });
            }
            with_path("renaming", &to, disk.storage.rename(&to, &disk.path(&name)))?;
            *rename_from = None;
        } else if disk.stat(ACTIVE)?.is_some_and(|stat| stat.len > self.staged.len() as u64) {
            return Err(StoreError::Refused { why: "an active segment exists already" });
        }
        with_path("renaming", &from, disk.storage.rename(&from, &to))?;
        disk.sync_dir("")?;
        self.active = Active::Open(Tail::new(file, to, self.staged.len() as u64));
        Ok(())
    }

    fn check_rotated(&mut self, summary: &ContentSummary, is_correct: bool) -> Result<()> {
        let sealed = self.sealed.last().map(|sealed| sealed.info.name.clone()).unwrap_or_default();
        let checked = summary.checked(sealed, is_correct);
        self.append_integrity(Trigger::Rotation, vec![checked], summary)
    }
}
