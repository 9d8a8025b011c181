//! Compares checkpoints, the log's own and those kept elsewhere, with the tree as it grows.
//!
//! Promises: at any time, one of the log's notes and the notes given by the user are in memory.
use std::io::{self, Read};
use std::path::Path;

use super::super::checkpoint::Checkpoint;
use super::super::note::{NOTE_BYTES_MAX, Note, Verifier};
use super::report::{Finding, FindingKind, Place, Warning, WarningKind};
use super::{KnownCheckpoint, Stop};
use crate::store::names::CHECKPOINT_NEXT;
use ringseal_base::digest::{Hash, constant_time_eq};
use ringseal_base::storage::{FileReader, OpenMode, Storage};

/// The file with every checkpoint of the log.
pub(crate) const CHECKPOINTS: &str = "checkpoints";
/// The file with the latest checkpoint.
pub(crate) const CHECKPOINT: &str = "checkpoint";

/// A checkpoint of the log whose size the tree has not reached yet.
pub(crate) struct PendingCheckpoint {
    pub note: Vec<u8>,
    pub checkpoint: Checkpoint,
    /// The number of its first line in the file.
    pub line: u64,
}

impl PendingCheckpoint {
    pub fn place(&self) -> Place {
        let file = CHECKPOINTS.to_owned();
        Place {
            file,
            line: Some(self.line),
            offset: None,
            seq: self.checkpoint.size.checked_sub(1),
        }
    }
}

/// Reads the file of all checkpoints in order.
pub(crate) struct CheckpointReader {
    reader: Option<FileReader>,
    buffer: Vec<u8>,
    start: usize,
    line: u64,
    /// Bytes of an unfinished note at the end.
    pub torn_bytes: usize,
    pub is_missing: bool,
}

impl CheckpointReader {
    pub fn open(storage: &dyn Storage, dir: &Path) -> Result<CheckpointReader, Stop> {
        let path = dir.join(CHECKPOINTS);
        let reader = match storage.open(&path, OpenMode::Read) {
            Ok(file) => Some(FileReader { file, offset: 0 }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(Stop::io(&path, &error)),
        };
        let is_missing = reader.is_none();
        let buffer = Vec::new();
        Ok(CheckpointReader { reader, buffer, start: 0, line: 1, torn_bytes: 0, is_missing })
    }

    /// The next checkpoint.
    pub fn next(&mut self) -> Result<Option<PendingCheckpoint>, Stop> {
        let Some(note) = self.next_note()? else { return Ok(None) };
        let line = self.line;
        self.line += note.iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
        let parsed = Note::parse(&note).map_err(|error| error.to_string());
        let parsed = parsed
            .and_then(|note| Checkpoint::parse_text(note.text).map_err(|error| error.to_string()));
        match parsed {
            Ok(checkpoint) => Ok(Some(PendingCheckpoint { note, checkpoint, line })),
            Err(reason) => {
                let file = CHECKPOINTS.to_owned();
                let place = Place { file, line: Some(line), ..Place::default() };
                Err(Finding::new(FindingKind::BadCheckpoint, place, reason).into())
            }
        }
    }

    /// The next note: text up to an empty line, signatures up to an empty line.
    fn next_note(&mut self) -> Result<Option<Vec<u8>>, Stop> {
        loop {
            let rest = self.buffer.get(self.start..).unwrap_or_default();
            let text = memchr::memmem::find(rest, b"\n\n");
            let signatures = text.and_then(|text| {
                let after = rest.get(text + 2..).unwrap_or_default();
                memchr::memmem::find(after, b"\n\n").map(|len| text + 2 + len + 1)
            });
            if let Some(end) = signatures {
                let note = rest.get(..end).unwrap_or_default().to_vec();
                self.start += end + 1;
                return Ok(Some(note));
            }
            if rest.len() > NOTE_BYTES_MAX {
                let detail = "a note longer than the limit";
                return Err(
                    Finding::of_file(FindingKind::BadCheckpoint, CHECKPOINTS, detail).into()
                );
            }
            if !self.read_more()? {
                self.torn_bytes = self.buffer.len() - self.start;
                return Ok(None);
            }
        }
    }

    fn read_more(&mut self) -> Result<bool, Stop> {
        const READ_BYTES: usize = 64 * 1024;
        let Some(reader) = &mut self.reader else { return Ok(false) };
        self.buffer.drain(..self.start);
        self.start = 0;
        let filled = self.buffer.len();
        self.buffer.resize(filled + READ_BYTES, 0);
        let read = reader.read(self.buffer.get_mut(filled..).unwrap_or_default());
        self.buffer.truncate(filled + *read.as_ref().unwrap_or(&0));
        read.map(|read| read > 0).map_err(|error| Stop::io(Path::new(CHECKPOINTS), &error))
    }
}

/// The greatest gap allowed between checkpoints.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CheckpointLimits {
    pub seconds: u64,
    pub entries: u64,
}

/// Time and entries since the last checkpoint.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct CheckpointGap {
    pub nanos: u64,
    pub entries: u64,
}

impl CheckpointGap {
    /// The limits that the gap exceeds. The chain is unbroken across it: nothing was cut out.
    pub fn exceeded(
        &self,
        limits: CheckpointLimits,
    ) -> impl Iterator<Item = (WarningKind, String)> {
        let (entries, max) = (self.entries, limits.entries);
        let by_entries = (entries > max).then(|| {
            let detail = format!("{entries} entries without a checkpoint, expected at most {max}");
            (WarningKind::GapEntries, detail)
        });
        let (seconds, max) = (self.nanos / 1_000_000_000, limits.seconds);
        let by_time = (seconds > max).then(|| {
            let detail = format!("{seconds} s without a checkpoint, expected at most {max} s");
            (WarningKind::GapTime, detail)
        });
        by_entries.into_iter().chain(by_time)
    }
}

/// Compares checkpoints with the tree.
pub(crate) struct CheckpointVerifier {
    stream: CheckpointReader,
    pending: Option<PendingCheckpoint>,
    /// The checkpoint that a writer put on disk before the stop entry that it covers.
    staged: Option<PendingCheckpoint>,
    /// The bytes of the file `checkpoint`.
    latest: Option<Vec<u8>>,
    is_latest_known: bool,
    known: Vec<(String, Checkpoint)>,
    known_checked: usize,
    /// Size of the last checkpoint that was checked.
    pub sealed: u64,
    pub count: u64,
    pub gap: CheckpointGap,
    pub warnings: Vec<Warning>,
}

impl CheckpointVerifier {
    pub fn open(
        storage: &dyn Storage,
        dir: &Path,
        root: &Verifier,
        known: &[KnownCheckpoint],
    ) -> Result<CheckpointVerifier, Stop> {
        let mut stream = CheckpointReader::open(storage, dir)?;
        let pending = stream.next()?;
        let mut known = parse_known(root, known)?;
        // Size 0 is the beginning of every log.
        known.retain(|(_, checkpoint)| checkpoint.size > 0);
        known.sort_by_key(|(_, checkpoint)| checkpoint.size);
        Ok(CheckpointVerifier {
            stream,
            pending,
            staged: read_staged(storage, dir)?,
            latest: read_latest(storage, dir)?,
            is_latest_known: false,
            known,
            known_checked: 0,
            sealed: 0,
            count: 0,
            gap: CheckpointGap::default(),
            warnings: Vec::new(),
        })
    }

    /// The tree size in the file `checkpoint`, unverified: up to here tiles should exist.
    pub fn latest_size(&self) -> u64 {
        size_of(self.latest.as_deref())
    }

    /// How many checkpoints kept elsewhere matched the tree.
    pub fn known_checked(&self) -> u64 {
        self.known_checked as u64
    }

    /// Whether there is a checkpoint to compare at this size. Computing the root costs a few hashes.
    pub fn has_checkpoint_at(&self, size: u64) -> bool {
        self.pending.as_ref().is_some_and(|pending| pending.checkpoint.size <= size)
            || self.staged.as_ref().is_some_and(|staged| staged.checkpoint.size == size)
            || self.known.get(self.known_checked).is_some_and(|(_, known)| known.size <= size)
    }

    /// Checks all checkpoints of this size, whose last entry belongs to the epoch of `key`.
    pub fn check(
        &mut self,
        size: u64,
        root: &Hash,
        key: &Verifier,
        limits: CheckpointLimits,
    ) -> Result<(), Stop> {
        while let Some(pending) = self.pending.take_if(|pending| pending.checkpoint.size <= size) {
            self.check_own(&pending, size, root, key)?;
            for (kind, detail) in self.gap.exceeded(limits) {
                self.warnings.push(Warning { kind, place: pending.place(), detail });
            }
            self.is_latest_known |= self.latest.as_ref() == Some(&pending.note);
            (self.sealed, self.gap) = (size, CheckpointGap::default());
            self.count += 1;
            self.pending = self.stream.next()?;
        }
        // Its absence is not a finding, nor is one that does not fit: the writer may have ended before the entry.
        let staged = self.staged.take_if(|staged| staged.checkpoint.size == size);
        if let Some(staged) = staged.filter(|_| self.sealed < size)
            && self.check_own(&staged, size, root, key).is_ok()
        {
            (self.sealed, self.gap) = (size, CheckpointGap::default());
            self.count += 1;
        }
        while let Some((name, known)) = self.known.get(self.known_checked) {
            if known.size > size {
                break;
            }
            if !constant_time_eq(&known.root, root) {
                let place = Place { file: name.clone(), ..Place::default() };
                let detail = format!("the first {size} entries are not those that it sealed");
                return Err(Finding::new(FindingKind::Rewritten, place, detail).into());
            }
            self.known_checked += 1;
        }
        Ok(())
    }

    fn check_own(
        &self,
        pending: &PendingCheckpoint,
        size: u64,
        root: &Hash,
        key: &Verifier,
    ) -> Result<(), Stop> {
        let checkpoint = &pending.checkpoint;
        let bad = |kind, detail: String| Err(Finding::new(kind, pending.place(), detail).into());
        if checkpoint.origin != key.name() {
            let detail = format!("of the log {}, expected {}", checkpoint.origin, key.name());
            return bad(FindingKind::BadCheckpoint, detail);
        }
        if checkpoint.size < size {
            let detail = format!("size {} after a greater one", checkpoint.size);
            return bad(FindingKind::BadCheckpoint, detail);
        }
        let verified = Note::parse(&pending.note).and_then(|note| note.verify(key));
        if let Err(error) = verified {
            return bad(FindingKind::BadSignature, error.to_string());
        }
        if !constant_time_eq(&checkpoint.root, root) {
            let from = self.sealed;
            let detail = format!("entries {from} to {} are not those that it sealed", size - 1);
            return bad(FindingKind::Rewritten, detail);
        }
        Ok(())
    }

    /// Checks the remaining checkpoints when all `size` entries have been read. `needs_checkpoint`: entries follow an
    /// opening that was complete.
    pub fn finish(
        &mut self,
        size: u64,
        end: Place,
        needs_checkpoint: bool,
        notes: &mut Vec<String>,
    ) -> Result<(), Stop> {
        if let Some(pending) = &self.pending {
            let sealed = pending.checkpoint.size;
            let detail = format!(
                "found {size} entries, the checkpoint in {CHECKPOINTS}:{} sealed {sealed}",
                pending.line
            );
            return Err(Finding::new(FindingKind::TailTruncated, end, detail).into());
        }
        if let Some((name, known)) = self.known.get(self.known_checked) {
            let detail = format!("found {size} entries, {name} sealed {}", known.size);
            return Err(Finding::new(FindingKind::RolledBack, end, detail).into());
        }
        if self.count == 0 && size > 0 {
            let detail = if self.stream.is_missing { "missing" } else { "has no checkpoint" };
            if needs_checkpoint {
                return Err(Finding::of_file(FindingKind::Unsealed, CHECKPOINTS, detail).into());
            }
            let place = Place { file: CHECKPOINTS.to_owned(), ..Place::default() };
            let (kind, detail) = (WarningKind::NoCheckpoint, detail.to_owned());
            self.warnings.push(Warning { kind, place, detail });
        }
        if self.stream.torn_bytes > 0 {
            let bytes = self.stream.torn_bytes;
            notes.push(format!("{CHECKPOINTS} ends with {bytes} bytes of an unfinished note"));
        }
        match &self.latest {
            None if size > 0 && self.count > 0 => notes.push(format!("{CHECKPOINT} is missing")),
            Some(_) if !self.is_latest_known => {
                let detail = format!("not one of those in {CHECKPOINTS}");
                return Err(Finding::of_file(FindingKind::BadCheckpoint, CHECKPOINT, detail).into());
            }
            _ => {}
        }
        Ok(())
    }
}

fn parse_known(
    root: &Verifier,
    known: &[KnownCheckpoint],
) -> Result<Vec<(String, Checkpoint)>, Stop> {
    let parse = |known: &KnownCheckpoint| {
        let text = Note::parse(&known.note).map_err(|error| error.to_string())?.text;
        let checkpoint = Checkpoint::parse_text(text).map_err(|error| error.to_string())?;
        if checkpoint.origin != root.name() {
            return Err(format!("of the log {}, expected {}", checkpoint.origin, root.name()));
        }
        Ok((known.name.clone(), checkpoint))
    };
    let failed = |known: &KnownCheckpoint, reason| Stop::Unchecked {
        reason: format!("the known checkpoint {}: {reason}", known.name),
    };
    known.iter().map(|known| parse(known).map_err(|reason| failed(known, reason))).collect()
}

/// The checkpoint over a stop entry that was being written; `None` if there is none or it cannot be parsed.
fn read_staged(storage: &dyn Storage, dir: &Path) -> Result<Option<PendingCheckpoint>, Stop> {
    let Some(note) = read_note(storage, &dir.join(CHECKPOINT_NEXT))? else { return Ok(None) };
    let parsed = Note::parse(&note).ok();
    let checkpoint = parsed.and_then(|note| Checkpoint::parse_text(note.text).ok());
    Ok(checkpoint.map(|checkpoint| PendingCheckpoint { note, checkpoint, line: 1 }))
}

fn read_latest(storage: &dyn Storage, dir: &Path) -> Result<Option<Vec<u8>>, Stop> {
    read_note(storage, &dir.join(CHECKPOINT))
}

/// The tree size in the file `checkpoint`, unverified; 0 if it cannot be read.
pub(super) fn latest_size(storage: &dyn Storage, dir: &Path) -> u64 {
    size_of(read_latest(storage, dir).ok().flatten().as_deref())
}

fn size_of(note: Option<&[u8]>) -> u64 {
    let note = note.and_then(|note| Note::parse(note).ok());
    let checkpoint = note.and_then(|note| Checkpoint::parse_text(note.text).ok());
    checkpoint.map_or(0, |checkpoint| checkpoint.size)
}

fn read_note(storage: &dyn Storage, path: &Path) -> Result<Option<Vec<u8>>, Stop> {
    let file = match storage.open(path, OpenMode::Read) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Stop::io(path, &error)),
    };
    let mut bytes = Vec::new();
    let mut reader = FileReader { file, offset: 0 }.take(NOTE_BYTES_MAX as u64 + 1);
    reader.read_to_end(&mut bytes).map_err(|error| Stop::io(path, &error))?;
    Ok(Some(bytes))
}
