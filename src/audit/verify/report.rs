//! What a verification found, for people and for programs.
use std::fmt::{self, Write};

use crate::digest::Hash;
use crate::digest::text::{Base64, base64};

/// Notes beyond this many are counted, not kept.
pub const NOTES_MAX: usize = 100;

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerifyOutcome {
    /// Nothing is wrong.
    Intact,
    /// Something is, and [`VerifyReport::first_bad`] says what.
    Tampered,
    /// Neither can be said; [`VerifyReport::problem`] says why.
    Unchecked,
}

impl VerifyOutcome {
    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            VerifyOutcome::Intact => "intact",
            VerifyOutcome::Tampered => "tampered",
            VerifyOutcome::Unchecked => "unchecked",
        }
    }

    /// The exit status of a program that tells it: 0, 1, 2.
    pub const fn exit_code(self) -> u8 {
        self as u8
    }
}

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FindingKind {
    /// A line that is no entry.
    Malformed,
    /// An entry whose bytes are not those that were signed.
    Modified,
    /// An entry that was not there.
    Inserted,
    /// Entries are missing within a segment.
    Deleted,
    /// An entry stands elsewhere than it was written.
    Reordered,
    /// An entry stands twice.
    Duplicated,
    /// Entries are missing at the end.
    TailTruncated,
    /// A whole segment is missing.
    SegmentMissing,
    /// Segments have changed places.
    SegmentsSwapped,
    /// The log is older than a checkpoint that is kept elsewhere.
    RolledBack,
    /// Other entries than those that a checkpoint sealed.
    Rewritten,
    /// Entries that no checkpoint covers for longer than the log promises.
    Unsealed,
    /// A checkpoint or statement whose signature is missing or wrong.
    BadSignature,
    /// A checkpoint that is none, is of another log, or stands out of order.
    BadCheckpoint,
    /// A control entry that cannot stand where it stands or contradicts the log.
    BadControl,
    /// A tile or a kept line that contradicts the log.
    BadTile,
    /// The log is whole, but not under the key that was given: that is another log's, or the log was replaced.
    WrongKey,
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
    ];

    /// Its word in reports.
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
        }
    }
}

/// Where something is: the file below the log's directory, and as much more as is known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// The file.
    pub file: String,
    /// Its line, from 1.
    pub line: Option<u64>,
    /// The line's first byte, from 0, in the plain content.
    pub offset: Option<u64>,
    /// The entry's number: what it should be there.
    pub seq: Option<u64>,
}

/// Something wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub kind: FindingKind,
    /// Where.
    pub place: Place,
    /// In words: what was expected, what was found.
    pub detail: String,
}

impl Finding {
    pub(super) fn new(kind: FindingKind, place: Place, detail: impl Into<String>) -> Finding {
        Finding { kind, place, detail: detail.into() }
    }

    /// Of a whole file.
    pub(super) fn of_file(kind: FindingKind, file: &str, detail: impl Into<String>) -> Finding {
        Finding::new(kind, Place { file: file.to_owned(), ..Place::default() }, detail)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.place.file)?;
        if let Some(line) = self.place.line {
            write!(f, ":{line}")?;
        }
        if let Some(seq) = self.place.seq {
            write!(f, " (seq {seq})")?;
        }
        write!(f, ": {}: {}", self.kind.as_str(), self.detail)
    }
}

/// What was looked at and what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyReport {
    /// The answer.
    pub outcome: VerifyOutcome,
    /// The first bad record, if the log was tampered with.
    pub first_bad: Option<Finding>,
    /// Why the log could not be checked, if so.
    pub problem: Option<String>,
    /// What is worth knowing and proves nothing, at most [`NOTES_MAX`].
    pub notes: Vec<String>,
    /// Notes that were not kept.
    pub notes_left_out: u64,
    /// The log's name.
    pub origin: String,
    /// Entries that were read; if something is wrong, those that stand right before the first bad record.
    pub entries: u64,
    /// Entries before these that were pruned, and are known by their leaf hashes.
    pub entries_pruned: u64,
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
    /// Whether signatures of the chain were checked: the key was given, or none is needed.
    pub chain_checked: bool,
    /// Size and root hash of the tree as far as it was read.
    pub tree_size: u64,
    /// See `tree_size`.
    pub tree_root: Hash,
    /// Of these entries, those behind the last checkpoint that was checked: nothing but the chain protects them.
    pub entries_unsealed: u64,
}

impl VerifyReport {
    pub(super) fn new(origin: &str) -> VerifyReport {
        VerifyReport {
            outcome: VerifyOutcome::Unchecked,
            first_bad: None,
            problem: None,
            notes: Vec::new(),
            notes_left_out: 0,
            origin: origin.to_owned(),
            entries: 0,
            entries_pruned: 0,
            bytes: 0,
            segments: 0,
            checkpoints: 0,
            known_checkpoints: 0,
            epochs: 0,
            chain_checked: false,
            tree_size: 0,
            tree_root: [0; 32],
            entries_unsealed: 0,
        }
    }

    pub(super) fn note(&mut self, note: impl Into<String>) {
        if self.notes.len() < NOTES_MAX {
            self.notes.push(note.into());
        } else {
            self.notes_left_out += 1;
        }
    }

    /// The report as one JSON object, without a newline.
    pub fn to_json(&self) -> String {
        let mut json = Json::begin();
        json.text("outcome", self.outcome.as_str());
        json.text("origin", &self.origin);
        match &self.first_bad {
            Some(finding) => json.raw("first_bad", &finding_json(finding)),
            None => json.raw("first_bad", "null"),
        }
        json.maybe_text("problem", self.problem.as_deref());
        json.number("entries", self.entries);
        json.number("entries_pruned", self.entries_pruned);
        json.number("entries_unsealed", self.entries_unsealed);
        json.number("bytes", self.bytes);
        json.number("segments", self.segments);
        json.number("checkpoints", self.checkpoints);
        json.number("known_checkpoints", self.known_checkpoints);
        json.number("epochs", self.epochs);
        json.raw("chain_checked", if self.chain_checked { "true" } else { "false" });
        json.number("tree_size", self.tree_size);
        json.text("tree_root", &base64(Base64::Standard, &self.tree_root));
        let mut notes = String::from("[");
        for (at, note) in self.notes.iter().enumerate() {
            notes.push_str(if at > 0 { "," } else { "" });
            put_string(&mut notes, note);
        }
        notes.push(']');
        json.raw("notes", &notes);
        json.number("notes_left_out", self.notes_left_out);
        json.end()
    }
}

fn finding_json(finding: &Finding) -> String {
    let mut json = Json::begin();
    json.text("kind", finding.kind.as_str());
    json.text("file", &finding.place.file);
    json.maybe_number("line", finding.place.line);
    json.maybe_number("offset", finding.place.offset);
    json.maybe_number("seq", finding.place.seq);
    json.text("detail", &finding.detail);
    json.end()
}

/// Writes one object.
struct Json {
    out: String,
}

impl Json {
    fn begin() -> Json {
        Json { out: "{".into() }
    }

    fn raw(&mut self, key: &str, value: &str) {
        if self.out.len() > 1 {
            self.out.push(',');
        }
        put_string(&mut self.out, key);
        self.out.push(':');
        self.out.push_str(value);
    }

    fn text(&mut self, key: &str, value: &str) {
        let mut text = String::new();
        put_string(&mut text, value);
        self.raw(key, &text);
    }

    fn maybe_text(&mut self, key: &str, value: Option<&str>) {
        match value {
            Some(value) => self.text(key, value),
            None => self.raw(key, "null"),
        }
    }

    fn number(&mut self, key: &str, value: u64) {
        self.raw(key, itoa::Buffer::new().format(value));
    }

    fn maybe_number(&mut self, key: &str, value: Option<u64>) {
        match value {
            Some(value) => self.number(key, value),
            None => self.raw(key, "null"),
        }
    }

    fn end(mut self) -> String {
        self.out.push('}');
        self.out
    }
}

fn put_string(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if c < ' ' || c == '\u{7f}' => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}
