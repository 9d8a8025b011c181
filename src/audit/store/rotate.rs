//! Rotation: a segment is closed, and another one begun.
//!
//! The new file is made complete under another name, with its first entries; then the old one gets
//! its permanent name and the new one the active name. A crash between leaves no active segment,
//! and opening begins one.
use super::disk::{Result, Tail, append_all, at};
use super::integrity::{Tally, tally_lines};
use super::lines::Lines;
use super::names::{ACTIVE, sealed_name};
use super::{Active, AuditLog, Report, StoreError, is_due};
use crate::audit::entry::control::{
    Checksum, Control, RotateReason, SealedSegment, SegmentStart, Trigger,
};

/// A sealed segment that is there.
#[derive(Debug, Clone)]
pub(super) struct Sealed {
    pub info: SealedSegment,
    pub extra: Option<Checksum>,
    /// When its successor was begun.
    pub sealed_at: i64,
}

/// A rotation, for the application's own log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// The name that the old segment has now.
    pub old_file: String,
    /// The name of the new one.
    pub new_file: String,
    /// Why.
    pub reason: RotateReason,
    /// Length of the old one.
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

    /// Closes the active segment and begins another one; with it a new epoch.
    pub fn rotate(&mut self, reason: RotateReason) -> Result<()> {
        let result = self.rotate_now(reason);
        self.counts.note(&result);
        result
    }

    fn rotate_now(&mut self, reason: RotateReason) -> Result<()> {
        self.commit()?;
        self.finish_removals()?;
        self.change_epoch()?;
        let (tally, is_right) = self.tally_active()?;
        self.sync_tiles()?;
        let sealed = self.sealed_of(&tally);
        let old_file = sealed.info.name.clone();
        self.stage_segment(reason, sealed)?;
        self.commit()?;
        self.counts.rotated += 1;
        let (new_file, file_size_bytes) = (ACTIVE.to_owned(), tally.bytes);
        self.report(Report::Rotated(Rotated { old_file, new_file, reason, file_size_bytes }));
        self.check_rotated(&tally, is_right)?;
        self.commit()?;
        self.save_chain_key()
    }

    /// What the active segment's file has to say, and whether it is what was written.
    pub(super) fn tally_active(&mut self) -> Result<(Tally, bool)> {
        let algorithm = self.options.integrity_algorithm;
        let Some(mut lines) = Lines::of_file(&self.disk, ACTIVE)? else {
            return Ok((Tally::begin(algorithm).finish(), false));
        };
        let mut tree = self.segment_tree.clone();
        let expected = match &self.active {
            Active::Open(tail) => tail.durable_len,
            Active::Next { .. } => 0,
        };
        let tally = tally_lines(&self.disk, ACTIVE, &mut lines, algorithm, Some(&mut tree))?;
        let is_right = tally.bytes == expected
            && tree.len() == self.tiles.tree().len()
            && tree.root() == self.tiles.tree().root();
        Ok((tally, is_right))
    }

    fn sealed_of(&self, tally: &Tally) -> Sealed {
        let info = SealedSegment {
            name: sealed_name(self.segment_first),
            bytes: tally.bytes,
            sha256: tally.sha256,
            first_seq: self.segment_first,
            last_seq: self.next_seq - 1,
        };
        Sealed { info, extra: tally.extra, sealed_at: self.clock.unix_nanos() }
    }

    /// Appends the first entry of a segment that the next commit begins.
    pub(super) fn stage_segment(&mut self, reason: RotateReason, sealed: Sealed) -> Result<()> {
        let start = SegmentStart {
            number: self.segment_number + 1,
            reason,
            previous: sealed.info.clone(),
            extra: sealed.extra,
        };
        let segment_tree = self.tiles.tree().clone();
        let first = self.append_control(&Control::Segment(start))?.seq;
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

    /// The commit that begins a segment.
    pub(super) fn begin_segment(&mut self) -> Result<()> {
        let Active::Next { rename_from } = &mut self.active else { return Ok(()) };
        let disk = &self.disk;
        let unfinished = format!("{ACTIVE}.tmp");
        let mut file = disk.create(&unfinished)?;
        let (from, to) = (disk.path(&unfinished), disk.path(ACTIVE));
        at("writing", &from, append_all(&mut *file, &self.staged))?;
        at("syncing", &from, file.sync())?;
        if let Some(first_seq) = *rename_from {
            let name = sealed_name(first_seq);
            if disk.stat(&name)?.is_some() {
                return Err(StoreError::Refused { why: "a segment of this name is there already" });
            }
            at("renaming", &to, disk.storage.rename(&to, &disk.path(&name)))?;
            *rename_from = None;
        } else if disk.stat(ACTIVE)?.is_some_and(|stat| stat.len > self.staged.len() as u64) {
            return Err(StoreError::Refused { why: "an active segment is there already" });
        }
        at("renaming", &from, disk.storage.rename(&from, &to))?;
        disk.sync_dir("")?;
        self.active = Active::Open(Tail::new(file, to, self.staged.len() as u64));
        Ok(())
    }

    fn check_rotated(&mut self, tally: &Tally, is_right: bool) -> Result<()> {
        let sealed = self.sealed.last().map(|sealed| sealed.info.name.clone()).unwrap_or_default();
        let checked = tally.checked(sealed, is_right);
        self.append_integrity(Trigger::Rotation, vec![checked], tally)
    }
}
