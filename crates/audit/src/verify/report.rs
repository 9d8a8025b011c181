//! The result of a verification, as text and as JSON.
use std::fmt::{self, Write};

use ringseal_base::digest::Hash;
use ringseal_base::digest::text::{Base64, base64};

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
        }
    }
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

/// The report of a verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyReport {
    /// Whether the log is intact.
    pub outcome: VerifyOutcome,
    /// The first bad record, if the log was tampered with.
    pub first_bad: Option<Finding>,
    /// Why the log could not be checked, if it could not.
    pub problem: Option<String>,
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

/// Writes one JSON object.
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
