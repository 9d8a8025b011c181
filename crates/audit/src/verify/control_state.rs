//! The state that control entries define: starts, segments, epochs, removals, ends.
//!
//! Promises: constant memory; a control entry that contradicts the entries read so far is a finding.
use std::io::{self, Read};
use std::path::Path;

use super::super::entry::Entry;
use super::super::entry::control::{
    CheckStatus, Control, Epoch, Recovery, SealedSegment, SegmentStart, Start, TornPiece,
    statement_text,
};
use super::super::keys::verify_statement;
use super::super::note::Verifier;
use super::checkpoints::CheckpointLimits;
use super::files;
use super::prunes::Prunes;
use super::report::FindingKind;
use super::{PrunePolicy, Stop};
use ringseal_base::digest::text::hex;
use ringseal_base::digest::{Hash, Sha256};
use ringseal_base::storage::{FileReader, OpenMode, Storage};

/// Name, length, hash and entries of a segment, as found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SegmentSummary {
    pub name: String,
    pub bytes: u64,
    pub sha256: Hash,
    pub first_seq: u64,
    pub last_seq: u64,
}

/// The position of an entry, which decides the event types allowed there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EntryPosition {
    /// First line of a present segment.
    First,
    /// Any other line.
    Inner,
    /// A line kept from a removed segment.
    Kept,
}

/// The kind and detail of a finding whose place is not known yet.
pub(super) type Violation = (FindingKind, String);

/// The state after the control entries read so far.
pub(super) struct ControlState {
    pub start: Option<Start>,
    /// The key of the current entry's epoch.
    pub key: Verifier,
    pub epochs: u64,
    segment_number: u64,
    /// The removals recorded so far.
    pub prunes: Prunes,
    /// An opening that no checkpoint has covered yet: the entry that records it.
    pub opened: Option<u64>,
    /// Whether the previous entry was an orderly end.
    pub is_stopped: bool,
}

impl ControlState {
    pub fn new(root: &Verifier, policy: PrunePolicy, now_unix_nanos: Option<i64>) -> ControlState {
        ControlState {
            start: None,
            key: root.clone(),
            epochs: 0,
            segment_number: 0,
            prunes: Prunes::new(policy, now_unix_nanos),
            opened: None,
            is_stopped: false,
        }
    }

    /// The format of the log so far.
    pub fn format(&self) -> u64 {
        self.start.as_ref().map_or(0, |start| start.format)
    }

    /// The greatest gaps between checkpoints: twice what the writer promises.
    pub fn limits(&self) -> CheckpointLimits {
        let (seconds, entries) = self
            .start
            .as_ref()
            .map_or((300, 65_536), |start| (start.checkpoint_seconds, start.checkpoint_entries));
        CheckpointLimits { seconds: seconds.saturating_mul(2), entries: entries.saturating_mul(2) }
    }

    /// Whether no process was running between the previous entry and this one; `None` if the next entry
    /// decides.
    pub fn is_pause(entry: &Entry<'_>) -> Option<bool> {
        match entry.event_type {
            "ringseal.start" | "ringseal.recovery" => Some(true),
            "ringseal.segment" => None,
            _ => Some(false),
        }
    }

    /// Whether [`ControlState::check_position`] accepts any event of an application here, and has no effect.
    pub fn allows(&self, seq: u64, position: EntryPosition) -> bool {
        seq > 0 && position == EntryPosition::Inner && !self.is_stopped && self.opened.is_none()
    }

    /// Checks that an entry's type is allowed at its position.
    pub fn check_position(
        &mut self,
        entry: &Entry<'_>,
        position: EntryPosition,
    ) -> Result<(), Violation> {
        let kind = entry.event_type;
        let wrong = |expected: &str| {
            Err((FindingKind::BadControl, format!("{kind} where {expected} was expected")))
        };
        let begins = kind == "ringseal.start" || kind == "ringseal.recovery";
        let segment = kind == "ringseal.segment";
        if entry.seq == 0 && kind != "ringseal.start" {
            return wrong("ringseal.start");
        }
        if position == EntryPosition::First && entry.seq > 0 && !segment {
            return wrong("ringseal.segment");
        }
        if position == EntryPosition::Inner && segment {
            return wrong("anything but the beginning of a segment");
        }
        // Kept lines are exempt: the entries between them were removed.
        if self.is_stopped && position != EntryPosition::Kept && !begins && !segment {
            return wrong("ringseal.start or ringseal.recovery");
        }
        // After the first entry of a segment, the next entry must still be a start or a recovery.
        self.is_stopped &= segment;
        // An opening is complete, and sealed, before anything else is written.
        if let Some(seq) = self.opened
            && position != EntryPosition::Kept
            && !is_of_opening(kind)
        {
            let detail = format!("no checkpoint covers the opening that entry {seq} records");
            return Err((FindingKind::Unsealed, detail));
        }
        Ok(())
    }

    /// Applies a control entry. Returns the key of the next epoch if the entry ends one.
    pub fn apply(
        &mut self,
        entry: &Entry<'_>,
        before: Option<&SegmentSummary>,
        files: &NamedFiles<'_>,
        notes: &mut Vec<String>,
    ) -> Result<Option<Verifier>, Violation> {
        let statement =
            Control::read(entry).map_err(|error| (FindingKind::BadControl, error.to_string()))?;
        if let Control::Start(start) = &statement.control {
            // A log under another key is reported as that, not as badly signed.
            self.check_start_key(start)?;
        }
        if let Some(signature) = &statement.signature {
            let is_signed = statement_text(entry)
                .is_some_and(|text| verify_statement(&self.key, text, signature));
            if !is_signed {
                let detail = format!("not signed by {}, the key of its epoch", self.key.short());
                return Err((FindingKind::BadSignature, detail));
            }
        }
        if statement.format < self.format() {
            let (found, expected) = (statement.format, self.format());
            let detail = format!("an entry of format {found}, expected format {expected}");
            return Err((FindingKind::BadControl, detail));
        }
        match statement.control {
            Control::Start(start) => {
                self.opened = (start.format > 1).then_some(entry.seq);
                if start.continued.is_some() {
                    self.check_continued(entry.seq)?;
                }
                self.apply_start(start)?;
            }
            Control::Segment(segment) => self.apply_segment(&segment, entry.unix_nanos, before)?,
            Control::Epoch(epoch) => return self.apply_epoch(&epoch).map(Some),
            Control::Recovery(recovery) => {
                files.check_torn(&recovery, entry.seq, notes)?;
                if let Some(mismatch) = recovery.mismatch {
                    return Err((FindingKind::StateMismatch, mismatch.to_string()));
                }
            }
            Control::Prune(prune) => self.prunes.apply(&prune, entry)?,
            Control::Integrity(integrity) => {
                if integrity.status() != CheckStatus::Ok {
                    let seq = entry.seq;
                    notes.push(format!("the integrity entry {seq} reports a mismatch"));
                }
            }
            Control::Stop(_) => self.is_stopped = true,
        }
        Ok(None)
    }

    /// The log continues another one, which is evidence that is not read here.
    fn check_continued(&mut self, seq: u64) -> Result<(), Violation> {
        if seq > 0 {
            return wrong("continued", "only in the first entry", "in another one");
        }
        self.prunes.check_continued()
    }

    fn check_start_key(&self, start: &Start) -> Result<(), Violation> {
        if start.origin != self.key.name() {
            return wrong("origin", self.key.name(), &start.origin);
        }
        let key = self.key.to_string();
        if start.public_key != key {
            return wrong("public_key", &key, &start.public_key);
        }
        Ok(())
    }

    fn apply_start(&mut self, start: Start) -> Result<(), Violation> {
        if start.checkpoint_seconds == 0 || start.checkpoint_entries == 0 {
            return wrong("a gap", "1 or more", "0");
        }
        if let Some(first) = &self.start
            && (first.scheme, first.ratchet) != (start.scheme, start.ratchet)
        {
            return wrong("algorithm", first.scheme.as_str(), start.scheme.as_str());
        }
        self.start = Some(start);
        Ok(())
    }

    fn apply_segment(
        &mut self,
        segment: &SegmentStart,
        unix_nanos: i64,
        before: Option<&SegmentSummary>,
    ) -> Result<(), Violation> {
        if segment.number != self.segment_number + 1 {
            let expected = self.segment_number + 1;
            let detail = format!("segment number {}, expected {expected}", segment.number);
            // After removed segments: more are missing than the log records.
            let is_jump = before.is_none() && segment.number > expected;
            let kind = if is_jump { FindingKind::SegmentMissing } else { FindingKind::BadControl };
            return Err((kind, detail));
        }
        self.segment_number = segment.number;
        self.prunes.add_segment(segment.previous.last_seq.saturating_add(1), unix_nanos);
        match before {
            Some(facts) => compare_segment(&segment.previous, facts),
            None => Ok(()),
        }
    }

    fn apply_epoch(&mut self, epoch: &Epoch) -> Result<Verifier, Violation> {
        if epoch.number != self.epochs + 1 || epoch.old_key != self.key.to_string() {
            let expected = self.epochs + 1;
            let detail = format!(
                "epoch {} after the key {}, expected epoch {expected} after {}",
                epoch.number, epoch.old_key, self.key
            );
            return Err((FindingKind::BadControl, detail));
        }
        match Verifier::parse(&epoch.new_key) {
            Ok(key) if key.name() == self.key.name() => {
                self.epochs += 1;
                Ok(key)
            }
            _ => Err((
                FindingKind::BadControl,
                format!("new_key {:?} is not a key of this log", epoch.new_key),
            )),
        }
    }
}

fn wrong(what: &str, expected: &str, found: &str) -> Result<(), Violation> {
    Err((FindingKind::BadControl, format!("{what} {found:?}, expected {expected:?}")))
}

/// Whether an opening writes this kind of entry before its checkpoint.
fn is_of_opening(kind: &str) -> bool {
    let kinds = ["start", "integrity", "epoch", "segment", "recovery"];
    kind.strip_prefix("ringseal.").is_some_and(|kind| kinds.contains(&kind))
}

/// Compares the description of the previous segment, in the first entry of a segment, with the segment that was read.
fn compare_segment(said: &SealedSegment, facts: &SegmentSummary) -> Result<(), Violation> {
    let is_range = (said.first_seq, said.last_seq) == (facts.first_seq, facts.last_seq);
    if said.name != facts.name || !is_range {
        let detail = format!(
            "names {} with entries {} to {} as the previous segment, found {} with {} to {}",
            said.name, said.first_seq, said.last_seq, facts.name, facts.first_seq, facts.last_seq
        );
        return Err((FindingKind::BadControl, detail));
    }
    if said.bytes != facts.bytes || said.sha256 != facts.sha256 {
        let detail = format!(
            "{} has {} bytes and SHA-256 {}; expected {} and {}",
            facts.name,
            facts.bytes,
            hex(&facts.sha256),
            said.bytes,
            hex(&said.sha256)
        );
        return Err((FindingKind::Modified, detail));
    }
    Ok(())
}

/// Access to the files that entries name.
pub(super) struct NamedFiles<'a> {
    pub storage: &'a dyn Storage,
    pub dir: &'a Path,
}

impl NamedFiles<'_> {
    fn check_torn(
        &self,
        recovery: &Recovery,
        seq: u64,
        notes: &mut Vec<String>,
    ) -> Result<(), Violation> {
        notes.push(format!("the log was recovered before entry {seq}"));
        for piece in &recovery.torn {
            match self.hash(piece) {
                Ok(Some(hash)) if hash == piece.sha256 => {}
                Ok(Some(hash)) => {
                    let (expected, found) = (hex(&piece.sha256), hex(&hash));
                    let detail = format!("{}: SHA-256 {found}, expected {expected}", piece.kept);
                    return Err((FindingKind::Modified, detail));
                }
                Ok(None) => notes.push(format!("{} is missing", piece.kept)),
                Err(error) => match files::wrong_kind(self.storage, self.dir, &piece.kept) {
                    Some(finding) => return Err((finding.kind, finding.to_string())),
                    None => notes.push(format!("{}: {error}", piece.kept)),
                },
            }
        }
        Ok(())
    }

    fn hash(&self, piece: &TornPiece) -> io::Result<Option<Hash>> {
        // The name comes from the log: it must not lead out of the directory.
        let is_inside = piece.kept.strip_prefix("torn/").is_some_and(|name| {
            !name.contains('/') && name.ends_with(".bin") && !name.starts_with('.')
        });
        if !is_inside {
            return Err(io::Error::other("expected a name torn/*.bin"));
        }
        let file = match self.storage.open(&self.dir.join(&piece.kept), OpenMode::Read) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        // One byte more than was recorded is enough to find a longer file, which may be as long as a disk can name.
        let mut reader = FileReader { file, offset: 0 }.take(piece.bytes.saturating_add(1));
        let (mut hash, mut buffer) = (Sha256::new(), vec![0; 64 * 1024]);
        loop {
            match reader.read(&mut buffer)? {
                0 => return Ok(Some(hash.finish())),
                read => hash.update(buffer.get(..read).unwrap_or_default()),
            }
        }
    }
}

/// A violation becomes a finding; the caller adds the place.
impl From<Violation> for Stop {
    fn from((kind, detail): Violation) -> Stop {
        super::report::Finding::new(kind, Default::default(), detail).into()
    }
}
