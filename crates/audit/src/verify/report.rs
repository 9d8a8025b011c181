//! The result of a verification.
use std::fmt;

use ringseal_base::digest::Hash;

/// Notes beyond this many are counted, not kept.
pub const NOTES_MAX: usize = 100;

/// The result of a verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerifyOutcome {
    /// Nothing is wrong.
    Intact,
    /// Something is wrong; see [`VerifyReport::first_bad`].
    Tampered,
    /// The log could not be checked; see [`VerifyReport::problem`] for the reason.
    Unchecked,
}

impl VerifyOutcome {
    /// Its name in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            VerifyOutcome::Intact => "intact",
            VerifyOutcome::Tampered => "tampered",
            VerifyOutcome::Unchecked => "unchecked",
        }
    }

    /// The exit status for a program that reports it: 0, 1, 2.
    pub const fn exit_code(self) -> u8 {
        self as u8
    }
}

/// The kind of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FindingKind {
    /// A line that is not an entry.
    Malformed,
    /// An entry whose bytes differ from those that were signed.
    Modified,
    /// An entry that was not in the original log.
    Inserted,
    /// Entries are missing within a segment.
    Deleted,
    /// An entry is not at the position where it was written.
    Reordered,
    /// An entry occurs twice.
    Duplicated,
    /// Entries are missing at the end.
    TailTruncated,
    /// A whole segment is missing.
    SegmentMissing,
    /// Segments have changed places.
    SegmentsSwapped,
    /// The log is older than a checkpoint that was kept elsewhere.
    RolledBack,
    /// The entries differ from those that a checkpoint sealed.
    Rewritten,
    /// Entries without a checkpoint for longer than the log promises.
    Unsealed,
    /// A checkpoint or statement whose signature is missing or wrong.
    BadSignature,
    /// A checkpoint cannot be parsed, names another log, or is out of order.
    BadCheckpoint,
    /// A control entry that is not allowed at its position or contradicts the log.
    BadControl,
    /// A tile or a kept line that contradicts the log.
    BadTile,
    /// The log is valid, but not under the given key: the key belongs to another log, or the log was replaced.
    WrongKey,
    /// When the log was opened, it was not as its last writer had left it.
    StateMismatch,
    /// Entries were removed that the verifier's options do not allow to remove.
    Pruned,
    /// Something else is in the place of a file of the log, or two files of one segment differ.
    BadFile,
    /// The log continues one that was damaged and set aside, and the verifier's options do not accept it.
    SetAside,
}

impl FindingKind {
    /// All kinds.
    pub const ALL: &'static [FindingKind] = &[
        FindingKind::Malformed,
        FindingKind::Modified,
        FindingKind::Inserted,
        FindingKind::Deleted,
        FindingKind::Reordered,
        FindingKind::Duplicated,
        FindingKind::TailTruncated,
        FindingKind::SegmentMissing,
        FindingKind::SegmentsSwapped,
        FindingKind::RolledBack,
        FindingKind::Rewritten,
        FindingKind::Unsealed,
        FindingKind::BadSignature,
        FindingKind::BadCheckpoint,
        FindingKind::BadControl,
        FindingKind::BadTile,
        FindingKind::WrongKey,
        FindingKind::StateMismatch,
        FindingKind::Pruned,
        FindingKind::BadFile,
        FindingKind::SetAside,
    ];

    /// Its name in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            FindingKind::Malformed => "malformed",
            FindingKind::Modified => "modified",
            FindingKind::Inserted => "inserted",
            FindingKind::Deleted => "deleted",
            FindingKind::Reordered => "reordered",
            FindingKind::Duplicated => "duplicated",
            FindingKind::TailTruncated => "tail_truncated",
            FindingKind::SegmentMissing => "segment_missing",
            FindingKind::SegmentsSwapped => "segments_swapped",
            FindingKind::RolledBack => "rolled_back",
            FindingKind::Rewritten => "rewritten",
            FindingKind::Unsealed => "unsealed",
            FindingKind::BadSignature => "bad_signature",
            FindingKind::BadCheckpoint => "bad_checkpoint",
            FindingKind::BadControl => "bad_control",
            FindingKind::BadTile => "bad_tile",
            FindingKind::WrongKey => "wrong_key",
            FindingKind::StateMismatch => "state_mismatch",
            FindingKind::Pruned => "pruned",
            FindingKind::BadFile => "bad_file",
            FindingKind::SetAside => "set_aside",
        }
    }
}

/// The kind of a warning: something that an honest log can show, and that weakens what a verdict proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WarningKind {
    /// More time than the log promises passed between two checkpoints.
    GapTime,
    /// More entries than the log promises are between two checkpoints.
    GapEntries,
    /// The last checkpoint is older than the log promises, and the log was not closed.
    Stale,
    /// The log was opened, and ended before its first checkpoint.
    NoCheckpoint,
    /// The log continues one that was set aside because it was damaged, and the verifier's options accept that.
    SetAside,
}

impl WarningKind {
    /// All kinds.
    pub const ALL: &'static [WarningKind] = &[
        WarningKind::GapTime,
        WarningKind::GapEntries,
        WarningKind::Stale,
        WarningKind::NoCheckpoint,
        WarningKind::SetAside,
    ];

    /// Its name in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            WarningKind::GapTime => "gap_time",
            WarningKind::GapEntries => "gap_entries",
            WarningKind::Stale => "stale",
            WarningKind::NoCheckpoint => "no_checkpoint",
            WarningKind::SetAside => "set_aside",
        }
    }
}

/// A warning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Its kind.
    pub kind: WarningKind,
    /// Its place.
    pub place: Place,
    /// The expected and the found value, as text.
    pub detail: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_place(f, &self.place)?;
        write!(f, ": {}: {}", self.kind.as_str(), self.detail)
    }
}

fn write_place(f: &mut fmt::Formatter<'_>, place: &Place) -> fmt::Result {
    f.write_str(&place.file)?;
    if let Some(line) = place.line {
        write!(f, ":{line}")?;
    }
    match place.seq {
        Some(seq) => write!(f, " (seq {seq})"),
        None => Ok(()),
    }
}

/// The entries that were removed from the beginning of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrunedRange {
    /// Entries before this one are missing.
    pub before_seq: u64,
    /// The root hash of their tree, from their leaf hashes, which checkpoints seal.
    pub root: Hash,
    /// The signed entries that record the removals.
    pub prune_entries: u64,
}

/// A place in a log: the file, and the line, offset and entry as far as they are known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// The file, relative to the log's directory.
    pub file: String,
    /// The line, from 1.
    pub line: Option<u64>,
    /// Offset of the line's first byte in the uncompressed content, from 0.
    pub offset: Option<u64>,
    /// The number of the entry that is expected at this place.
    pub seq: Option<u64>,
}

/// A bad record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Its kind.
    pub kind: FindingKind,
    /// Its place.
    pub place: Place,
    /// The expected and the found content, as text.
    pub detail: String,
}

impl Finding {
    pub(super) fn new(kind: FindingKind, place: Place, detail: impl Into<String>) -> Finding {
        Finding { kind, place, detail: detail.into() }
    }

    /// A finding about a whole file.
    pub(super) fn of_file(kind: FindingKind, file: &str, detail: impl Into<String>) -> Finding {
        Finding::new(kind, Place { file: file.to_owned(), ..Place::default() }, detail)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_place(f, &self.place)?;
        write!(f, ": {}: {}", self.kind.as_str(), self.detail)
    }
}

/// The report of a verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyReport {
    /// Whether the log is intact.
    pub outcome: VerifyOutcome,
    /// The first bad record, if the log was tampered with.
    pub first_bad: Option<Finding>,
    /// Further bad records, in order, at most [`NOTES_MAX`].
    pub more_bad: Vec<Finding>,
    /// Bad records beyond these.
    pub more_bad_left_out: u64,
    /// Why the log could not be checked, if it could not.
    pub problem: Option<String>,
    /// What an honest log can show and what weakens the verdict, at most [`NOTES_MAX`].
    pub warnings: Vec<Warning>,
    /// Warnings beyond [`NOTES_MAX`].
    pub warnings_left_out: u64,
    /// Observations that prove nothing, at most [`NOTES_MAX`].
    pub notes: Vec<String>,
    /// Notes beyond [`NOTES_MAX`].
    pub notes_left_out: u64,
    /// The log's name.
    pub origin: String,
    /// Entries that were read; if something is wrong, those before the first bad record.
    pub entries: u64,
    /// Pruned entries before these, of which only the leaf hashes are present.
    pub entries_pruned: u64,
    /// The same with their root hash.
    pub pruned: Option<PrunedRange>,
    /// The format of the log's entries: 2, or 1 if no newer writer has opened it.
    pub format: u64,
    /// Whether the log's protected state is in its own directory, where it is rolled back together with the log.
    pub state_in_log: bool,
    /// Whether entries are chained with a key. A log without one detects accidents only.
    pub is_keyed: bool,
    /// Bytes of these entries, before compression.
    pub bytes: u64,
    /// Segments that were read to their end.
    pub segments: u64,
    /// Checkpoints whose root and signature were checked.
    pub checkpoints: u64,
    /// Checkpoints kept elsewhere that were found in the log's past.
    pub known_checkpoints: u64,
    /// Epochs: one, and one more for each change of the signing key.
    pub epochs: u64,
    /// Whether the chain's signatures were checked: the key was given, or none is needed.
    pub chain_checked: bool,
    /// Size and root hash of the tree as far as it was read.
    pub tree_size: u64,
    /// See `tree_size`.
    pub tree_root: Hash,
    /// The number of these entries after the last checked checkpoint: only the chain protects them.
    pub entries_unsealed: u64,
    /// Of these, the entries that nothing proves: all of them unless the chain was checked with its first key.
    pub entries_unproven: u64,
}

impl VerifyReport {
    pub(super) fn new(origin: &str) -> VerifyReport {
        VerifyReport {
            outcome: VerifyOutcome::Unchecked,
            first_bad: None,
            more_bad: Vec::new(),
            more_bad_left_out: 0,
            warnings: Vec::new(),
            warnings_left_out: 0,
            problem: None,
            notes: Vec::new(),
            notes_left_out: 0,
            origin: origin.to_owned(),
            entries: 0,
            entries_pruned: 0,
            pruned: None,
            format: 0,
            state_in_log: false,
            is_keyed: false,
            bytes: 0,
            segments: 0,
            checkpoints: 0,
            known_checkpoints: 0,
            epochs: 0,
            chain_checked: false,
            tree_size: 0,
            tree_root: [0; 32],
            entries_unsealed: 0,
            entries_unproven: 0,
        }
    }

    pub(super) fn warn(&mut self, warning: Warning) {
        if self.warnings.len() < NOTES_MAX {
            self.warnings.push(warning);
        } else {
            self.warnings_left_out += 1;
        }
    }

    pub(super) fn note(&mut self, note: impl Into<String>) {
        if self.notes.len() < NOTES_MAX {
            self.notes.push(note.into());
        } else {
            self.notes_left_out += 1;
        }
    }
}
