//! A file that keeps entries for a sink that cannot take them.
//!
//! Frames of length `u32`, number `u64`, time `i64`, leaf hash (32 bytes) and line, little-endian. The leaf hash is the
//! checksum. Appended at the end, read from the front, emptied when everything is read.
//!
//! Promises: survives the end of the process, but not power loss: entries that were not synced by then are still in the
//! log. A partial append is undone. A torn end is cut off at opening and counted; damage before the end is an error,
//! and nothing after it is read. Entries that were read but not yet consumed ([`Spill::consume`]) are read again after
//! a crash; sinks skip those that they have.
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{AuditSinkError, EntryBatch, SealedEntry};
use crate::merkle::leaf_hash;
use ringseal_base::storage::{
    OpenMode, Storage, StorageFile, append_all, publish_durably, read_exact,
};

/// Length, number, time, leaf hash.
const HEAD_BYTES: usize = 4 + 8 + 8 + 32;
/// More than the longest line of a log; a greater length is damage.
const LINE_BYTES_MAX: usize = 1 << 24;
const MODE: u32 = 0o600;

pub(super) struct Spill {
    storage: Arc<dyn Storage>,
    path: PathBuf,
    file: Box<dyn StorageFile>,
    /// Bytes of whole frames.
    len: u64,
    /// Bytes that were read and consumed.
    read_at: u64,
    /// A failed append may have left bytes after `len`.
    is_dirty: bool,
    torn_bytes: u64,
    frame: Vec<u8>,
}

/// A whole frame, or why there is not one.
enum Frame {
    Whole {
        entry: (u64, i64, [u8; 32]),
        end: u64,
    },
    /// It ends after the end of the file, or is the last frame and does not match its hash.
    Torn,
    End,
}

impl Spill {
    /// Opens the file, or creates it with mode 0600; cuts off a torn end.
    pub(super) fn open(storage: Arc<dyn Storage>, path: &Path) -> Result<Spill, AuditSinkError> {
        let failed = |action, error| AuditSinkError::io(action, path.display().to_string(), error);
        let file = match storage.open(path, OpenMode::Append) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                storage.open(path, OpenMode::CreateNew { mode: MODE })
            }
            opened => opened,
        };
        let file = file.map_err(|error| failed("open", error))?;
        let whole_len = file.stat().map_err(|error| failed("read the metadata of", error))?.len;
        let mut spill = Spill {
            storage,
            path: path.to_owned(),
            file,
            len: whole_len,
            read_at: 0,
            is_dirty: false,
            torn_bytes: 0,
            frame: Vec::new(),
        };
        let mut at = 0;
        while let Frame::Whole { end, .. } = spill.frame(at)? {
            at = end;
        }
        spill.torn_bytes = whole_len - at;
        spill.len = at;
        spill.is_dirty = spill.torn_bytes > 0;
        spill.clean()?;
        Ok(spill)
    }

    fn failed(&self, action: &'static str, error: io::Error) -> AuditSinkError {
        AuditSinkError::io(action, self.path.display().to_string(), error)
    }

    /// Whether all entries are consumed.
    pub(super) fn is_empty(&self) -> bool {
        self.read_at == self.len
    }

    /// Bytes not yet consumed.
    pub(super) fn waiting_bytes(&self) -> u64 {
        self.len - self.read_at
    }

    /// Bytes of a torn end that opening cut off.
    pub(super) fn torn_bytes(&self) -> u64 {
        self.torn_bytes
    }

    /// The number of the first entry not yet consumed.
    pub(super) fn first_seq(&mut self) -> Result<Option<u64>, AuditSinkError> {
        match self.frame(self.read_at)? {
            Frame::Whole { entry: (seq, ..), .. } => Ok(Some(seq)),
            _ => Ok(None),
        }
    }

    /// The number of the last entry.
    pub(super) fn last_seq(&mut self) -> Result<Option<u64>, AuditSinkError> {
        let (mut at, mut last) = (self.read_at, None);
        while let Frame::Whole { entry: (seq, ..), end } = self.frame(at)? {
            (at, last) = (end, Some(seq));
        }
        Ok(last)
    }

    /// Removes the remains of a failed append.
    fn clean(&mut self) -> Result<(), AuditSinkError> {
        if self.is_dirty {
            self.file.set_len(self.len).map_err(|error| self.failed("cut", error))?;
            self.is_dirty = false;
        }
        Ok(())
    }

    /// Adds an entry at the end: the whole entry, or nothing after an error.
    pub(super) fn append(&mut self, entry: &SealedEntry<'_>) -> Result<(), AuditSinkError> {
        self.clean()?;
        let mut frame = std::mem::take(&mut self.frame);
        frame.clear();
        put_frame(&mut frame, entry);
        self.is_dirty = true;
        let result = append_all(&mut *self.file, &frame);
        let frame_len = frame.len() as u64;
        self.frame = frame;
        result.map_err(|error| self.failed("append to", error))?;
        self.is_dirty = false;
        self.len += frame_len;
        Ok(())
    }

    /// Appends the next consecutive entries to `batch`, up to `bytes_max` but at least one if `batch` is empty. Returns
    /// the position to pass to [`Spill::consume`] once the sink has them.
    pub(super) fn read(
        &mut self,
        batch: &mut EntryBatch,
        bytes_max: usize,
    ) -> Result<u64, AuditSinkError> {
        let mut at = self.read_at;
        loop {
            let (seq, unix_nanos, leaf, end) = match self.frame(at) {
                Ok(Frame::Whole { entry: (seq, unix_nanos, leaf), end }) => {
                    (seq, unix_nanos, leaf, end)
                }
                Ok(_) => return Ok(at),
                // Entries before the damage are good; the next call reports the damage.
                Err(_) if at > self.read_at => return Ok(at),
                Err(error) => return Err(error),
            };
            // Entries that are missing here may be in the log and must be delivered first.
            if batch.last_seq().is_some_and(|last| last.checked_add(1) != Some(seq)) {
                return Ok(at);
            }
            let entry = SealedEntry { seq, unix_nanos, line: &self.frame, leaf };
            let bytes = batch.len_bytes() + EntryBatch::cost_bytes(&entry);
            if !batch.is_empty() && bytes > bytes_max {
                return Ok(at);
            }
            batch.push(&entry);
            at = end;
        }
    }

    /// Drops the entries before `at`; empties the file when nothing is left.
    pub(super) fn consume(&mut self, at: u64) -> Result<(), AuditSinkError> {
        self.read_at = at.min(self.len);
        if self.is_empty() && self.len > 0 {
            (self.len, self.read_at) = (0, 0);
            self.is_dirty = true;
            self.clean()?;
        }
        Ok(())
    }

    /// Inserts entries at the front; they are on disk when it returns. Entries held in memory come before spilled ones.
    pub(super) fn prepend(&mut self, batches: &[&EntryBatch]) -> Result<(), AuditSinkError> {
        let mut name = self.path.clone().into_os_string();
        name.push(".tmp");
        let temporary = PathBuf::from(name);
        let failed =
            |action, error| AuditSinkError::io(action, temporary.display().to_string(), error);
        // A crash during an earlier call has left this file.
        match self.storage.remove(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(failed("remove", error));
            }
            _ => {}
        }
        let opened = self.storage.open(&temporary, OpenMode::CreateNew { mode: MODE });
        let mut file = opened.map_err(|error| failed("create", error))?;
        let mut len = 0;
        for entry in batches.iter().flat_map(|batch| batch.iter()) {
            self.frame.clear();
            put_frame(&mut self.frame, &entry);
            append_all(&mut *file, &self.frame).map_err(|error| failed("append to", error))?;
            len += self.frame.len() as u64;
        }
        let mut chunk = vec![0; 1 << 16];
        let mut at = self.read_at;
        while at < self.len {
            let count = chunk.len().min(usize::try_from(self.len - at).unwrap_or(usize::MAX));
            let part = chunk.get_mut(..count).unwrap_or_default();
            read_exact(&*self.file, part, at).map_err(|error| self.failed("read", error))?;
            append_all(&mut *file, part).map_err(|error| failed("append to", error))?;
            at += part.len() as u64;
        }
        publish_durably(&*self.storage, &*file, &temporary, &self.path)
            .map_err(|error| self.failed("replace", error))?;
        self.len = len + (self.len - self.read_at);
        (self.file, self.read_at, self.is_dirty) = (file, 0, false);
        Ok(())
    }

    /// Reads the frame at `at`; its line is left in `self.frame`.
    fn frame(&mut self, at: u64) -> Result<Frame, AuditSinkError> {
        if at >= self.len {
            return Ok(Frame::End);
        }
        let rest = usize::try_from(self.len - at).unwrap_or(usize::MAX);
        let mut head = [0; HEAD_BYTES];
        if rest < HEAD_BYTES {
            return Ok(Frame::Torn);
        }
        read_exact(&*self.file, &mut head, at).map_err(|error| self.failed("read", error))?;
        let (line_len, seq, unix_nanos, leaf) = take_head(&head);
        if line_len > LINE_BYTES_MAX {
            return Err(self.damaged(at));
        }
        if rest < HEAD_BYTES + line_len {
            return Ok(Frame::Torn);
        }
        self.frame.clear();
        self.frame.resize(line_len, 0);
        let line_at = at + HEAD_BYTES as u64;
        read_exact(&*self.file, &mut self.frame, line_at)
            .map_err(|error| self.failed("read", error))?;
        if leaf_hash(&self.frame) != leaf {
            return if rest == HEAD_BYTES + line_len {
                Ok(Frame::Torn)
            } else {
                Err(self.damaged(at))
            };
        }
        Ok(Frame::Whole { entry: (seq, unix_nanos, leaf), end: line_at + line_len as u64 })
    }

    fn damaged(&self, offset: u64) -> AuditSinkError {
        AuditSinkError::Spill { target: self.path.display().to_string(), offset }
    }
}

fn put_frame(frame: &mut Vec<u8>, entry: &SealedEntry<'_>) {
    let len = u32::try_from(entry.line.len()).unwrap_or(u32::MAX);
    frame.extend_from_slice(&len.to_le_bytes());
    frame.extend_from_slice(&entry.seq.to_le_bytes());
    frame.extend_from_slice(&entry.unix_nanos.to_le_bytes());
    frame.extend_from_slice(&entry.leaf);
    frame.extend_from_slice(entry.line);
}

fn take_head(head: &[u8; HEAD_BYTES]) -> (usize, u64, i64, [u8; 32]) {
    fn part<const N: usize>(head: &[u8; HEAD_BYTES], at: usize) -> [u8; N] {
        let mut bytes = [0; N];
        bytes.copy_from_slice(&head[at..at + N]);
        bytes
    }
    let len = u32::from_le_bytes(part(head, 0)) as usize;
    (len, u64::from_le_bytes(part(head, 4)), i64::from_le_bytes(part(head, 12)), part(head, 20))
}
