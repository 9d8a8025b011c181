//! Retention: removes old segments; proofs stay possible.
//!
//! The order ensures that after a crash at any point every missing segment is recorded by an entry: the control entries
//! of the segments are copied, then the signed prune entry is on disk, then the files are removed. The tiles of a
//! sealed segment are on disk since its rotation and are never removed.
use super::disk::{Disk, Result, Tail};
use super::lines::{Lines, next_of};
use super::names::{KEPT, sealed_name};
use super::{AuditLog, Damage, MaintenanceReport, Retain, StoreError, is_due};
use crate::entry::control::{
    Control, NUMBER_MAX, PRUNED_SEGMENTS_MAX, Prune, PruneReason, PruneTerms,
};
use crate::entry::{Entry, Parser, clamp_to_format};
use crate::merkle::Tree;
use crate::tiles::TileReader;

/// The last line of `kept.jsonl` is first searched in this many bytes at the end.
const LOOK_BACK_BYTES: u64 = 64 * 1024;

impl AuditLog {
    /// Removes the segments that exceed [`super::Retain`]; returns how many were removed.
    pub fn retain(&mut self) -> Result<u64> {
        let now = self.clock.unix_nanos();
        let Some((count, reason)) = self.prunable(now) else { return Ok(0) };
        let result = self.prune_first(count, reason, now);
        self.counts.record(&result);
        result
    }

    /// Removes the sealed segments whose last entry comes before entry `before_seq`; returns how many were removed.
    pub fn prune(&mut self, before_seq: u64) -> Result<u64> {
        let is_before = |sealed: &&super::rotate::Sealed| sealed.info.last_seq < before_seq;
        let count = self.sealed.iter().take_while(is_before).count();
        let result = self.prune_first(count, PruneReason::Manual, self.clock.unix_nanos());
        self.counts.record(&result);
        result
    }

    /// How many of the oldest segments must be removed, and the first reason for it.
    fn prunable(&self, now: i64) -> Option<(usize, PruneReason)> {
        let retain = self.options.retain;
        let by_count = retain
            .segments_max
            .map_or(0, |max| self.sealed.len().saturating_sub(usize::try_from(max).unwrap_or(0)));
        let by_age = retain.seconds_max.map_or(0, |max| {
            // By the times that the entries have: a verifier compares those.
            let is_old = |sealed: &&super::rotate::Sealed| {
                let (sealed_at, now) = (clamp_to_format(sealed.sealed_at), clamp_to_format(now));
                sealed_at < now && is_due(sealed_at, now, max)
            };
            self.sealed.iter().take_while(is_old).count()
        });
        let by_bytes = retain.bytes_max.map_or(0, |max| {
            let mut bytes = 0u64;
            let fits = |sealed: &&super::rotate::Sealed| {
                bytes = bytes.saturating_add(sealed.info.bytes);
                bytes <= max
            };
            self.sealed.len() - self.sealed.iter().rev().take_while(fits).count()
        });
        [(by_count, PruneReason::Count), (by_age, PruneReason::Age), (by_bytes, PruneReason::Bytes)]
            .into_iter()
            .rev()
            .max_by_key(|(count, _)| *count)
            .filter(|(count, _)| *count > 0)
    }

    /// The entry has the time `now`, so that it can be compared with its policy.
    fn prune_first(&mut self, count: usize, reason: PruneReason, now: i64) -> Result<u64> {
        self.commit()?;
        self.finish_epoch()?;
        self.finish_removals()?;
        let pruned = self.sealed.get(..count.min(PRUNED_SEGMENTS_MAX)).unwrap_or_default();
        let segments: Vec<_> = pruned.iter().map(|sealed| sealed.info.clone()).collect();
        let Some(last) = segments.last() else { return Ok(0) };
        let before_seq = last.last_seq + 1;
        let numbers: Vec<u64> = segments.iter().map(|segment| segment.first_seq).collect();
        copy_control_entries(&self.disk, &numbers)?;
        let mut reader = TileReader::new(&*self.disk.storage, &self.disk.root, self.sealed_size);
        let tree_root = Tree::load(&mut reader, before_seq)?.root();
        let Retain { segments_max, seconds_max, bytes_max } = self.options.retain;
        let [segments_max, seconds_max, bytes_max] = [segments_max, seconds_max, bytes_max]
            .map(|limit: Option<u64>| limit.map(|limit| limit.min(NUMBER_MAX)));
        let terms = Some(PruneTerms { segments_max, seconds_max, bytes_max, tree_root });
        let prune = Prune { before_seq, reason, segments, terms };
        self.append_control_at(&Control::Prune(prune.clone()), now)?;
        self.sealed.drain(..numbers.len());
        self.check_next = 0;
        let removed = numbers.len() as u64;
        self.removals = numbers;
        self.report(MaintenanceReport::Pruned(prune));
        self.commit()?;
        self.finish_removals()?;
        Ok(removed)
    }

    /// Removes the files that a prune entry names, once it is committed.
    pub(super) fn finish_removals(&mut self) -> Result<()> {
        if self.removals.is_empty() || !self.staged.is_empty() {
            return Ok(());
        }
        while let Some(first_seq) = self.removals.first() {
            remove_segment(&self.disk, *first_seq)?;
            self.removals.remove(0);
        }
        self.disk.sync_dir("")
    }
}

/// Removes the plain and the compressed file of a segment.
pub(super) fn remove_segment(disk: &Disk, first_seq: u64) -> Result<()> {
    let name = sealed_name(first_seq);
    disk.remove(&name)?;
    disk.remove(&format!("{name}.gz"))?;
    Ok(())
}

/// Copies the control entries of segments to `kept.jsonl`, except integrity checks.
fn copy_control_entries(disk: &Disk, segments: &[u64]) -> Result<()> {
    let mut parser = Parser::new();
    let mut kept = repair_kept(disk)?;
    let mut lines_kept = Vec::new();
    for first_seq in segments {
        let name = sealed_name(*first_seq);
        let Some(mut lines) = Lines::of_sealed(disk, *first_seq)? else { continue };
        while let Some(line) = next_of(&mut lines, disk, &name)? {
            let entry = parser.entry(line.bytes).map_err(|error| StoreError::Damaged {
                file: name.clone(),
                offset: line.offset,
                seq: *first_seq,
                what: Damage::Parse(error),
            })?;
            if survives_pruning(&entry) && kept.is_none_or(|last| entry.seq > last) {
                kept = Some(entry.seq);
                lines_kept.extend_from_slice(line.bytes);
                lines_kept.push(b'\n');
            }
        }
    }
    if lines_kept.is_empty() { Ok(()) } else { Tail::open(disk, KEPT)?.append(&lines_kept) }
}

fn survives_pruning(entry: &Entry<'_>) -> bool {
    entry.is_control() && entry.event_type != "ringseal.integrity"
}

/// The number of the last entry in `kept.jsonl`. An unfinished line at its end is cut off: it was copied from a segment
/// that still exists. Reads only the end of the file.
pub(super) fn repair_kept(disk: &Disk) -> Result<Option<u64>> {
    if disk.stat(KEPT)?.is_none() {
        return Ok(None);
    }
    let path = disk.path(KEPT);
    let mut tail = Tail::open(disk, KEPT)?;
    let file = tail.durable_len;
    let mut window = LOOK_BACK_BYTES;
    loop {
        let from = file.saturating_sub(window);
        let mut bytes = vec![0; (file - from) as usize];
        let read = ringseal_base::storage::read_full(&*tail.file, &mut bytes, from);
        bytes.truncate(super::disk::with_path("reading", &path, read)?);
        let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let start =
            bytes.get(..end.saturating_sub(1)).and_then(|line| memchr::memrchr(b'\n', line));
        if start.is_none() && from > 0 {
            window *= 2;
            continue;
        }
        let good_bytes = from + end as u64;
        if good_bytes < file {
            super::disk::with_path(
                "removing a failed write from",
                &path,
                tail.file.set_len(good_bytes),
            )?;
        }
        let start = start.map_or(0, |at| at + 1);
        let line = bytes.get(start..end.saturating_sub(1)).unwrap_or_default();
        let entry = Parser::new().entry(line).ok().map(|entry| entry.seq);
        if entry.is_none() && end > 0 {
            let what = Damage::Order("an entry");
            let offset = from + start as u64;
            return Err(StoreError::Damaged { file: KEPT.into(), offset, seq: 0, what });
        }
        tail.durable_len = good_bytes;
        return Ok(entry);
    }
}
