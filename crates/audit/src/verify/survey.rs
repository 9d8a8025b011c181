//! Continues behind the first bad record, so that it does not hide others.
//!
//! The pass that decides the verdict ends at the first bad record, because what follows depends on it. The survey reads
//! the log once more and judges each line alone, against its neighbours and its tile; each checkpoint against the tree,
//! in which a tile takes precedence over a line that contradicts it.
//!
//! Promises: runs only after a finding; constant memory apart from a bounded list; does not change the verdict.
use std::path::Path;

use super::checkpoints::{CheckpointReader, PendingCheckpoint, latest_size};
use super::control_state::{ControlState, EntryPosition, NamedFiles, SegmentSummary};
use super::hashing::signed_and_signature;
use super::kept_entries::KeptEntries;
use super::report::{Finding, FindingKind, NOTES_MAX, Place, VerifyReport};
use super::source::{Batch, BatchReader, Segment, segments};
use super::tile_check::TileCheck;
use super::{Stop, VerifyOptions, continued};
use crate::chain::{Chain, digest_of};
use crate::entry::{Entry, Parser, Signature};
use crate::merkle::{Tree, leaf_hash};
use crate::note::{Note, Verifier};
use crate::read::first_start;
use ringseal_base::digest::Hash;
use ringseal_base::storage::Storage;

/// The first number, and numbers after missing entries, are followed up to this many entries in all: the ratchet would
/// take long, and each line can claim any number.
const FIRST_SEQ_MAX: u64 = 1 << 24;
const JUMPS_MAX: u64 = 1 << 20;

/// Adds all bad records but the first one to the report.
pub(super) fn add_further(
    storage: &dyn Storage,
    dir: &Path,
    options: &VerifyOptions,
    first: &Finding,
    report: &mut VerifyReport,
) {
    let mut found = Found { report, first };
    if let Err(Stop::Tampered(last)) = read_all(storage, dir, options, &mut found) {
        found.add(*last);
    }
}

/// Collects findings, without the first one.
struct Found<'a> {
    report: &'a mut VerifyReport,
    first: &'a Finding,
}

impl Found<'_> {
    fn add(&mut self, finding: Finding) {
        let is_same = |known: &Finding| {
            known.place.file == finding.place.file && known.place.line == finding.place.line
        };
        if is_same(self.first) || self.report.more_bad.last().is_some_and(is_same) {
            return;
        }
        if self.report.more_bad.len() < NOTES_MAX {
            self.report.more_bad.push(finding);
        } else {
            self.report.more_bad_left_out += 1;
        }
    }
}

fn read_all(
    storage: &dyn Storage,
    dir: &Path,
    options: &VerifyOptions,
    found: &mut Found<'_>,
) -> Result<(), Stop> {
    let segments = segments(storage, dir)?;
    let mut checkpoints = CheckpointReader::open(storage, dir)?;
    let pending = checkpoints.next()?;
    let mut survey = Survey {
        segments: &segments,
        options,
        files: NamedFiles { storage, dir },
        tiles: TileCheck::new(storage, dir, latest_size(storage, dir)),
        control: ControlState::new(&options.root, options.prunes, options.now_unix_nanos),
        checkpoints,
        pending,
        chain: None,
        tree: Some(Tree::new()),
        expected: None,
        previous: None,
        before: None,
        has_rewritten: false,
        jumps_left: JUMPS_MAX,
    };
    let mut source = BatchReader::new(storage, dir, &segments);
    let mut parser = Parser::new();
    while let Some(batch) = source.next()? {
        for at in 0..batch.lines.len() {
            survey.line(&batch, at, &mut parser, found)?;
        }
        if batch.ends_segment {
            survey.before = None;
        }
        source.recycle(batch);
    }
    Ok(())
}

struct Survey<'a> {
    segments: &'a [Segment],
    options: &'a VerifyOptions,
    files: NamedFiles<'a>,
    tiles: TileCheck<'a>,
    control: ControlState,
    checkpoints: CheckpointReader,
    pending: Option<PendingCheckpoint>,
    chain: Option<Chain>,
    /// `None` once a leaf is unknown.
    tree: Option<Tree>,
    expected: Option<u64>,
    previous: Option<Signature>,
    before: Option<SegmentSummary>,
    has_rewritten: bool,
    /// How many numbers may still be skipped.
    jumps_left: u64,
}

impl Survey<'_> {
    fn line(
        &mut self,
        batch: &Batch,
        at: usize,
        parser: &mut Parser,
        found: &mut Found<'_>,
    ) -> Result<(), Stop> {
        let bytes = batch.line(at);
        let start = batch.lines.get(at).map_or(0, |line| line.start);
        let place = Place {
            file: self.segments.get(batch.segment).map(|s| s.file.clone()).unwrap_or_default(),
            line: Some(batch.lines_before + at as u64 + 1),
            offset: Some(batch.bytes_before + start as u64),
            seq: self.expected,
        };
        let entry = match parser.entry(bytes) {
            Ok(entry) => entry,
            Err(error) => {
                found.add(Finding::new(FindingKind::Malformed, place, error.to_string()));
                return self.skip_unknown();
            }
        };
        let place = Place { seq: Some(entry.seq), ..place };
        if self.order(&entry, &place, found)? {
            let is_first = batch.lines_before == 0 && at == 0;
            self.entry(&entry, bytes, is_first, place, found)?;
        }
        Ok(())
    }

    /// The entry of a line that is not an entry: its leaf may be in a tile.
    fn skip_unknown(&mut self) -> Result<(), Stop> {
        self.previous = None;
        if let Some(seq) = self.expected {
            let leaf = self.tiles.leaf(seq).ok();
            self.push(leaf);
            self.expected = Some(seq + 1);
        }
        Ok(())
    }

    /// Whether the entry continues the log. One that repeats a number is reported and skipped.
    fn order(
        &mut self,
        entry: &Entry<'_>,
        place: &Place,
        found: &mut Found<'_>,
    ) -> Result<bool, Stop> {
        let Some(expected) = self.expected else {
            self.begin(entry);
            return Ok(true);
        };
        let detail = || format!("entry {} where entry {expected} was expected", entry.seq);
        if entry.seq < expected {
            found.add(Finding::new(FindingKind::Inserted, place.clone(), detail()));
            return Ok(false);
        }
        if entry.seq > expected {
            found.add(Finding::new(FindingKind::Deleted, place.clone(), detail()));
            self.previous = None;
            if !self.can_jump(entry.seq - expected) {
                return Ok(false);
            }
            self.push_tiles(expected, entry.seq);
        }
        Ok(true)
    }

    /// The first entry: the leaves before it are in the tiles.
    fn begin(&mut self, entry: &Entry<'_>) {
        let seq = entry.seq;
        self.previous = (seq == 0).then(|| Signature::first(entry.signature.scheme));
        let start = first_start(self.files.storage, self.files.dir).ok();
        self.chain = start.as_ref().and_then(|start| {
            self.control.key =
                continued::root_of(self.files.storage, self.files.dir, &self.options.root, start);
            continued::chain_of(start, self.options.first_key.as_ref())
        });
        if seq > FIRST_SEQ_MAX {
            (self.tree, self.chain) = (None, None);
            return;
        }
        let tiles = TileCheck::new(self.files.storage, self.files.dir, seq);
        let latest = std::mem::replace(&mut self.tiles, tiles);
        self.push_tiles(0, seq);
        self.tiles = latest;
        self.apply_kept(seq);
    }

    /// Whether `count` more numbers may be skipped. If so, counts them.
    fn can_jump(&mut self, count: u64) -> bool {
        let left = self.jumps_left.checked_sub(count);
        self.jumps_left = left.unwrap_or(self.jumps_left);
        left.is_some()
    }

    /// Adds leaves from tiles, up to the first one that is missing: the tree is unknown from there on.
    fn push_tiles(&mut self, from: u64, to: u64) {
        for seq in from..to {
            if self.tree.is_none() {
                return;
            }
            let leaf = self.tiles.leaf(seq).ok();
            self.push(leaf);
        }
    }

    /// The control entries of removed segments, which lead to the key of the present epoch.
    fn apply_kept(&mut self, first_seq: u64) {
        let NamedFiles { storage, dir } = self.files;
        let Ok(mut kept) = KeptEntries::open(storage, dir) else { return };
        let mut parser = Parser::new();
        while kept.seq.is_some_and(|seq| seq < first_seq) {
            if let Ok(entry) = parser.entry(&kept.line)
                && let Ok(Some(key)) =
                    self.control.apply(&entry, None, &self.files, &mut Vec::new())
            {
                self.control.key = key;
            }
            if kept.advance().is_err() {
                return;
            }
        }
    }

    fn entry(
        &mut self,
        entry: &Entry<'_>,
        bytes: &[u8],
        is_first: bool,
        place: Place,
        found: &mut Found<'_>,
    ) -> Result<(), Stop> {
        let leaf = leaf_hash(bytes);
        let mut next_key = None;
        let is_linked = self.previous.is_none_or(|previous| previous == entry.previous);
        let differs = self.tiles.contradicts(entry.seq, &leaf);
        let wrong = if !is_linked {
            Some("_prev_signature is not the signature of the previous entry")
        } else if !self.is_signed(entry, bytes) {
            Some("the signature of the chain is wrong")
        } else if differs {
            Some("not the entry whose leaf hash is in its tile")
        } else {
            None
        };
        match wrong {
            Some(detail) => {
                found.add(Finding::new(FindingKind::Modified, place.clone(), detail));
            }
            None => next_key = self.control(entry, is_first, &place, found),
        }
        let known = if differs { self.tiles.leaf(entry.seq).ok() } else { Some(leaf) };
        (self.previous, self.expected) = (Some(entry.signature), Some(entry.seq + 1));
        self.push(known);
        self.check_checkpoints(found)?;
        if let Some(key) = next_key {
            self.control.key = key;
        }
        Ok(())
    }

    fn is_signed(&mut self, entry: &Entry<'_>, bytes: &[u8]) -> bool {
        let Some(chain) = &mut self.chain else { return true };
        let Some((signed, signature)) = signed_and_signature(bytes) else { return false };
        chain.check_digest(entry.seq, &digest_of(signed), &signature).unwrap_or(false)
    }

    /// Applies a control entry; returns the key of the next epoch if it names one. After the first bad record, many
    /// contradict the state.
    fn control(
        &mut self,
        entry: &Entry<'_>,
        is_first: bool,
        place: &Place,
        found: &mut Found<'_>,
    ) -> Option<Verifier> {
        if !entry.is_control() {
            return None;
        }
        let position = if is_first { EntryPosition::First } else { EntryPosition::Inner };
        // The checkpoints that an opening needs are judged by the pass.
        self.control.opened = None;
        let checked = self.control.check_position(entry, position);
        let mut notes = Vec::new();
        let applied = self.control.apply(entry, self.before.as_ref(), &self.files, &mut notes);
        match checked.and(applied) {
            Ok(next_key) => return next_key,
            // Numbers that continue from before the first bad record cannot be judged here.
            Err((kind, detail)) if kind != FindingKind::BadControl => {
                found.add(Finding::new(kind, place.clone(), detail));
            }
            Err(_) => {}
        }
        None
    }

    fn push(&mut self, leaf: Option<Hash>) {
        match (&mut self.tree, leaf) {
            (Some(tree), Some(leaf)) => tree.push(leaf),
            _ => self.tree = None,
        }
    }

    fn check_checkpoints(&mut self, found: &mut Found<'_>) -> Result<(), Stop> {
        let Some(size) = self.expected else { return Ok(()) };
        while let Some(pending) = self.pending.take_if(|one| one.checkpoint.size <= size) {
            let is_here = pending.checkpoint.size == size;
            let root = self.tree.as_ref().filter(|_| is_here).map(Tree::root);
            if root.is_some_and(|root| root != pending.checkpoint.root) && !self.has_rewritten {
                // All later checkpoints differ too.
                self.has_rewritten = true;
                let detail = format!("the first {size} entries are not those that it sealed");
                found.add(Finding::new(FindingKind::Rewritten, pending.place(), detail));
            }
            let is_signed =
                Note::parse(&pending.note).is_ok_and(|note| note.verify(&self.control.key).is_ok());
            if is_here && root.is_some() && !is_signed {
                let detail = format!("not signed by {}", self.control.key.short());
                found.add(Finding::new(FindingKind::BadSignature, pending.place(), detail));
            }
            self.pending = self.checkpoints.next()?;
        }
        Ok(())
    }
}
