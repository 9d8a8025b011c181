//! The pass over the log, entry by entry.
//!
//! Promises: constant memory; the first bad record ends the pass.
use std::path::Path;

use super::super::chain::Chain;
use super::super::entry::control::{Continued, Control, Start};
use super::super::entry::{LINE_BYTES_MAX, Parser, Signature};
use super::super::merkle::{Tree, leaf_hash};
use super::super::tiles::TILE_WIDTH;
use super::checkpoints::{CHECKPOINTS, CheckpointLimits, CheckpointVerifier};
use super::control_state::{ControlState, EntryPosition, NamedFiles, SegmentSummary, Violation};
use super::hashing::{HashedBatch, SignatureChecker};
use super::kept_entries::KeptEntries;
use super::report::{Finding, FindingKind, Place, VerifyReport};
use super::source::{Batch, BatchReader, Segment, segments_and_copies};
use super::tile_check::TileCheck;
use super::workers::{Hasher, Workers};
use super::{Division, Stop, VerifyOptions, VerifyProgress, classify, continued, files};
use ringseal_base::digest::Hash;
use ringseal_base::storage::Storage;

mod finish;
mod line;
mod suspect;

use suspect::ReadCounts;
pub(super) use suspect::Suspect;

/// A defect of a line, before the following lines are considered.
#[derive(Debug)]
pub(super) enum LineError {
    /// Its number is too high.
    SeqTooHigh { found: u64 },
    /// Its number is too low.
    SeqTooLow { found: u64 },
    /// Its bytes or its link differ from what was signed.
    Altered { detail: String },
    /// A violation whose kind is known.
    Violation(Violation),
    /// Not caused by the line.
    Stop(Stop),
}

impl From<Stop> for LineError {
    fn from(stop: Stop) -> LineError {
        LineError::Stop(stop)
    }
}

impl From<Violation> for LineError {
    fn from(wrong: Violation) -> LineError {
        LineError::Violation(wrong)
    }
}

/// The state of the pass.
pub(super) struct Walk<'a> {
    options: &'a VerifyOptions,
    files: NamedFiles<'a>,
    pub segments: &'a [Segment],
    tree: Tree,
    /// Leaves that are not in the tree yet: at most those of one tile, and none after a checkpoint.
    pending: Vec<Hash>,
    pub tiles: TileCheck<'a>,
    checkpoints: CheckpointVerifier,
    control_state: ControlState,
    kept: KeptEntries,
    /// The signature of the previous entry, and its leaf.
    previous: Option<Signature>,
    pub previous_leaf: Option<Hash>,
    /// The greatest time since the log was last opened.
    latest_unix_nanos: Option<i64>,
    /// A time step that counts if the next entry is not a start or a recovery.
    step_open_nanos: u64,
    /// A line that differs from its tile, until a checkpoint shows which is right.
    pub suspect: Option<Suspect>,
    /// An end of an epoch that no checkpoint has sealed yet.
    unsealed_epoch: Option<Suspect>,
    /// An entry that only an opened log contains was read.
    needs_checkpoint: bool,
    /// The amount read without a finding so far.
    read: ReadCounts,
    /// The previous segment.
    before: Option<SegmentSummary>,
    segment: usize,
    segment_first_seq: u64,
    notes: Vec<String>,
    chain_checked: bool,
    /// The log that this one continues.
    continued: Option<Continued>,
}

/// Verifies the log in `dir`.
pub(super) fn run(
    storage: &dyn Storage,
    dir: &Path,
    options: &VerifyOptions,
    division: Division,
    report: &mut VerifyReport,
    progress: &mut dyn FnMut(VerifyProgress<'_>),
) -> Result<(), Stop> {
    let (segments, copies) = segments_and_copies(storage, dir)?;
    files::check_kinds(storage, dir)?;
    let kept = KeptEntries::open(storage, dir)?;
    let checkpoints =
        CheckpointVerifier::open(storage, dir, &options.root, &options.known_checkpoints)?;
    let (first_seq, start) = first_entry(storage, dir, &segments, &kept)?;
    let mut chain =
        start.as_ref().and_then(|start| continued::chain_of(start, options.first_key.as_ref()));
    let root = start.as_ref().map(|start| continued::root_of(storage, dir, &options.root, start));
    let root = root.unwrap_or_else(|| options.root.clone());
    let size = checkpoints.latest_size().max(first_seq);
    let mut walk = Walk {
        options,
        files: NamedFiles { storage, dir },
        segments: &segments,
        tree: Tree::new(),
        pending: Vec::with_capacity(TILE_WIDTH as usize + 1),
        tiles: TileCheck::new(storage, dir, size),
        checkpoints,
        control_state: ControlState::new(&root, options.prunes, options.now_unix_nanos),
        kept,
        previous: None,
        previous_leaf: None,
        latest_unix_nanos: None,
        step_open_nanos: 0,
        suspect: None,
        unsealed_epoch: None,
        needs_checkpoint: false,
        read: ReadCounts::default(),
        before: None,
        segment: usize::MAX,
        segment_first_seq: first_seq,
        notes: Vec::new(),
        chain_checked: chain.is_some(),
        continued: start.and_then(|start| start.continued),
    };
    report.chain_checked = chain.is_some();
    let result = walk.read_pruned(first_seq, &mut chain).and_then(|()| {
        let reader = BatchReader::new(storage, dir, &segments);
        let reader = reader.with_batch_bytes(division.batch_bytes);
        let checker = chain.map(|chain| SignatureChecker { chain, seq: first_seq });
        let workers = Workers::new(reader, checker, division.threads);
        std::thread::scope(|scope| walk.read_present(&mut workers.start(scope), progress))
    });
    let result = result.and_then(|()| walk.finish(first_seq));
    let result = result.and_then(|()| files::compare_copies(storage, dir, &copies));
    let result = result.and_then(|()| walk.check_continued());
    let found = match &result {
        Err(Stop::Tampered(finding)) => Some(finding.kind),
        _ => None,
    };
    walk.fill_report(report, first_seq, result.is_err());
    if found != Some(FindingKind::SetAside) {
        walk.warn_of_set_aside(report);
    }
    result
}

/// The number of the first present entry, and the log's first entry.
fn first_entry(
    storage: &dyn Storage,
    dir: &Path,
    segments: &[Segment],
    kept: &KeptEntries,
) -> Result<(u64, Option<Start>), Stop> {
    let mut source = BatchReader::new(storage, dir, segments);
    let first = source.next()?;
    let mut parser = Parser::new();
    let line = first.as_ref().map(|batch| batch.line(0)).unwrap_or_default();
    let found = parser.entry(line).ok().map(|entry| entry.seq);
    let named = segments.first().and_then(|segment| segment.first_seq);
    let first_seq = named.or(found).unwrap_or(0);
    let line = if first_seq == 0 { line } else { &kept.line };
    let Ok(entry) = parser.entry(line) else { return Ok((first_seq, None)) };
    let Ok(statement) = Control::read(&entry) else { return Ok((first_seq, None)) };
    let Control::Start(start) = statement.control else { return Ok((first_seq, None)) };
    Ok((first_seq, Some(start)))
}

impl Walk<'_> {
    /// The expected number of the next entry; also the number of leaves so far.
    pub fn seq(&self) -> u64 {
        self.tree.len() + self.pending.len() as u64
    }

    fn limits(&self) -> CheckpointLimits {
        let promised = self.control_state.limits();
        CheckpointLimits {
            seconds: self.options.gap_seconds_max.unwrap_or(promised.seconds),
            entries: self.options.gap_entries_max.unwrap_or(promised.entries),
        }
    }

    /// Reads the removed entries: leaf hashes from the tiles, control entries from `kept.jsonl`.
    fn read_pruned(&mut self, first_seq: u64, chain: &mut Option<Chain>) -> Result<(), Stop> {
        let mut parser = Parser::new();
        if first_seq > 0 && self.kept.seq != Some(0) {
            return Err(self.missing_beginning(first_seq).into());
        }
        // Not the tiles of the latest checkpoint: those of removed entries were made durable before the removal.
        let mut tiles = TileCheck::new(self.files.storage, self.files.dir, first_seq);
        while self.seq() < first_seq {
            let seq = self.seq();
            let leaf = tiles.leaf(seq)?;
            let mut next_key = None;
            if self.kept.seq == Some(seq) {
                let place = self.kept.place();
                let line = std::mem::take(&mut self.kept.line);
                let finding = |(kind, detail)| Finding::new(kind, place.clone(), detail);
                next_key =
                    self.check_kept_line(&line, &leaf, &mut parser, chain).map_err(finding)?;
                self.kept.line = line;
                self.kept.advance()?;
            }
            let place = Place { file: CHECKPOINTS.into(), seq: Some(seq), ..Place::default() };
            self.append(leaf, next_key, || place).map_err(|stop| match stop {
                // No kept entry explains the change of keys: the removal was not regular.
                Stop::Tampered(finding)
                    if finding.kind == FindingKind::BadSignature && self.kept.seq.is_none() =>
                {
                    self.missing_beginning(first_seq).into()
                }
                stop => stop,
            })?;
        }
        if first_seq > 0 {
            self.push_pending();
            self.control_state.prunes.pruned_root = Some((first_seq, self.tree.root()));
        }
        Ok(())
    }

    /// The finding for a missing beginning without a prune entry.
    fn missing_beginning(&self, first_seq: u64) -> Finding {
        let file = self.segments.first().map(|s| s.file.clone()).unwrap_or_default();
        let detail = format!(
            "entries before {first_seq} are missing, and no ringseal.prune entry says that they \
             were removed"
        );
        let place =
            Place { file, seq: Some(self.control_state.prunes.before_seq), ..Place::default() };
        Finding::new(FindingKind::SegmentMissing, place, detail)
    }

    fn check_kept_line(
        &mut self,
        line: &[u8],
        leaf: &Hash,
        parser: &mut Parser,
        chain: &mut Option<Chain>,
    ) -> Result<Option<super::Verifier>, Violation> {
        let entry =
            parser.entry(line).map_err(|error| (FindingKind::Malformed, error.to_string()))?;
        if leaf_hash(line) != *leaf {
            return Err((
                FindingKind::Modified,
                "not the entry whose leaf hash is in its tile".into(),
            ));
        }
        if let Some(checked) = chain.take() {
            let mut checker = SignatureChecker { chain: checked, seq: entry.seq };
            let is_next_valid = checker.is_next_valid(line);
            *chain = Some(checker.chain);
            if !is_next_valid {
                return Err((FindingKind::Modified, "the signature of the chain is wrong".into()));
            }
        }
        self.control_state.check_position(&entry, EntryPosition::Kept)?;
        self.control_state.apply(&entry, None, &self.files, &mut self.notes)
    }

    /// Reads the present entries.
    fn read_present(
        &mut self,
        hasher: &mut Hasher<'_, '_>,
        progress: &mut dyn FnMut(VerifyProgress<'_>),
    ) -> Result<(), Stop> {
        let bytes_total = self.segments.iter().map(|segment| segment.file_bytes).sum();
        let mut parser = Parser::new();
        let mut files_done = 0;
        while let Some(hashed) = hasher.next()? {
            let batch = &hashed.batch;
            self.begin_segment(batch, &mut parser)?;
            for at in 0..batch.lines.len() {
                if hashed.event(at).is_none() && self.is_unwritten(batch, at) {
                    let place = self.place(batch, at);
                    let (file, line) = (place.file, at as u64 + batch.lines_before + 1);
                    self.notes.push(never_written(&file, line));
                    return Ok(());
                }
                if let Err(stop) = self.check_line(&hashed, at, &mut parser) {
                    return Err(classify::first_bad(self, stop, hashed, at, hasher, &mut parser));
                }
            }
            self.end_batch(&hashed)?;
            let (file, file_bytes) = self
                .segments
                .get(batch.segment)
                .map_or(("", 0), |segment| (segment.file.as_str(), segment.file_bytes));
            let here = (batch.bytes_before + batch.whole().len() as u64).min(file_bytes);
            let bytes_done = files_done + if batch.ends_segment { file_bytes } else { here };
            files_done += if batch.ends_segment { file_bytes } else { 0 };
            self.read.segments += u64::from(batch.ends_segment);
            progress(VerifyProgress { bytes_done, bytes_total, entries: self.read.entries, file });
            hasher.recycle(hashed);
        }
        Ok(())
    }

    /// Checks on the first batch of a segment that it begins where the previous one ended.
    fn begin_segment(&mut self, batch: &Batch, parser: &mut Parser) -> Result<(), Stop> {
        if batch.segment == self.segment {
            return Ok(());
        }
        self.segment = batch.segment;
        self.segment_first_seq = self.seq();
        let Some(segment) = self.segments.get(batch.segment) else { return Ok(()) };
        match segment.first_seq {
            Some(named) if named != self.seq() => {
                let finding = classify::segment_boundary(self, segment, named, batch, parser);
                Err(self.prefer_suspect(finding).into())
            }
            _ => Ok(()),
        }
    }

    fn end_batch(&mut self, hashed: &HashedBatch) -> Result<(), Stop> {
        let batch = &hashed.batch;
        let place = self.place(batch, batch.lines.len());
        let is_last = batch.segment + 1 == self.segments.len();
        let is_active =
            self.segments.get(batch.segment).is_some_and(|segment| segment.first_seq.is_none());
        let torn = batch.torn().len();
        let start = batch.torn().get(..torn.min(LINE_BYTES_MAX)).unwrap_or_default();
        if is_last && is_active && memchr::memchr(0, start).is_some() {
            // Zeros, in any number: power loss left a length without data.
            let (file, line) = (&place.file, batch.lines_before + batch.lines.len() as u64 + 1);
            self.notes.push(never_written(file, line));
            return Ok(());
        }
        if batch.is_too_long || (torn > 0 && !(is_last && is_active)) {
            let detail =
                if batch.is_too_long { "longer than the limit of a line" } else { "no newline" };
            let finding = Finding::new(FindingKind::Malformed, place, detail);
            return Err(self.prefer_suspect(finding).into());
        }
        if torn > 0 {
            let file = &place.file;
            self.notes.push(format!("{file} ends with {torn} bytes of an unfinished line"));
        }
        if let (Some(sha256), Some(last_seq)) = (hashed.segment, self.seq().checked_sub(1)) {
            let segment = self.segments.get(batch.segment);
            self.before = Some(SegmentSummary {
                name: segment.map(|segment| segment.plain.clone()).unwrap_or_default(),
                bytes: batch.bytes_before + batch.whole().len() as u64,
                sha256,
                first_seq: self.segment_first_seq,
                last_seq,
            });
        }
        Ok(())
    }

    /// The previous segment.
    pub fn before(&self) -> Option<&SegmentSummary> {
        self.before.as_ref()
    }

    /// The place of line `at` of a batch.
    pub fn place(&self, batch: &Batch, at: usize) -> Place {
        let start = batch.lines.get(at).map_or(batch.whole().len(), |line| line.start);
        Place {
            file: self.segments.get(batch.segment).map(|s| s.file.clone()).unwrap_or_default(),
            line: Some(batch.lines_before + at as u64 + 1),
            offset: Some(batch.bytes_before + start as u64),
            seq: Some(self.seq()),
        }
    }

    /// Appends a leaf, and checks the checkpoints of the new tree size.
    fn append(
        &mut self,
        leaf: Hash,
        next_key: Option<super::Verifier>,
        place: impl FnOnce() -> Place,
    ) -> Result<(), Stop> {
        self.pending.push(leaf);
        self.checkpoints.gap.entries += 1;
        let (size, wants) = (self.seq(), self.checkpoints.has_checkpoint_at(self.seq()));
        if wants || size.is_multiple_of(TILE_WIDTH) {
            self.push_pending();
        }
        if wants {
            let (root, limits) = (self.tree.root(), self.limits());
            let checked = self.checkpoints.check(size, &root, &self.control_state.key, limits);
            if let Err(stop) = checked {
                return Err(match stop {
                    Stop::Tampered(finding) => self.prefer_suspect(*finding).into(),
                    other => other,
                });
            }
            if self.checkpoints.sealed == size {
                self.control_state.opened = None;
                // Checkpoints are made in order: the one that seals the epoch came first.
                if let Some(stop) = self.unsealed_epoch_finding() {
                    return Err(stop);
                }
            }
            if self.checkpoints.sealed == size
                && let Some(Suspect { place: Place { seq: Some(seq), .. }, .. }) =
                    self.suspect.take()
            {
                self.tiles.report_bad(0, seq);
            }
        }
        if let Some(key) = next_key {
            if self.checkpoints.sealed != size {
                self.unsealed_epoch = Some(self.suspect_at(place()));
            }
            self.control_state.key = key;
        }
        Ok(())
    }

    /// Appends the pending leaves to the tree.
    fn push_pending(&mut self) {
        let tiles = &mut self.tiles;
        let node = |level, index, hash: &Hash| tiles.check_node(level, index, hash);
        self.tree.push_all(&mut self.pending, node);
    }
}

/// The note about the end of the active segment from a line with zeros on.
fn never_written(file: &str, line: u64) -> String {
    format!("{file} is torn from line {line} on: bytes were never written")
}
