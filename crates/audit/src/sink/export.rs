//! Writes a repository back to the files of a log, so that the copy can be verified like a log.
use std::io::{self, IoSlice};
use std::path::Path;

use super::{AuditRepository, AuditSinkError, StoredLines};
use crate::store::names::{ACTIVE, sealed_name};
use ringseal_base::storage::{OpenMode, Storage, StorageFile};

/// The type of the first entry of every segment but the first.
const SEGMENT_TYPE: &str = "ringseal.segment";
/// Bytes buffered before they are written.
const CHUNK_BYTES: usize = 1 << 18;

/// The result of [`export`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Exported {
    /// Lines written.
    pub entries: u64,
    /// Files written.
    pub segments: u64,
    /// Bytes of all files.
    pub bytes: u64,
}

/// Writes all lines of a repository to `dir`, split into the log's original segments. Files get mode 0600; `dir` must
/// not contain a log yet and is created with mode 0700 if it is missing.
///
/// A repository keeps lines, not checkpoints: to verify, add the log's `checkpoints` and `checkpoint`, or copies kept
/// elsewhere. Tiles are derived from lines.
///
/// Memory: a page of entries and a chunk of 256 KiB. After a crash, the next call fails with `AlreadyExists`.
pub fn export(
    from: &mut dyn AuditRepository,
    storage: &dyn Storage,
    dir: &Path,
) -> Result<Exported, AuditSinkError> {
    let failed = |action, error| AuditSinkError::io(action, dir.display().to_string(), error);
    storage.create_dir(dir, 0o700).map_err(|error| failed("create", error))?;
    let names = storage.list(dir).map_err(|error| failed("list", error))?;
    let is_segment = |name: &str| name == ACTIVE || name.starts_with("audit-");
    if names.iter().any(|name| name.to_str().is_some_and(is_segment)) {
        return Err(failed("export a log to", io::ErrorKind::AlreadyExists.into()));
    }
    let mut export = Export { storage, dir, segment: None, chunk: Vec::new() };
    let mut exported = Exported::default();
    let mut lines = StoredLines::new(from, 0);
    while let Some(entry) = lines.next_entry()? {
        if export.segment.is_none() || entry.event_type() == SEGMENT_TYPE {
            export.begin(entry.seq)?;
            exported.segments += 1;
        }
        export.chunk.extend_from_slice(entry.line);
        export.chunk.push(b'\n');
        exported.entries += 1;
        exported.bytes += entry.line.len() as u64 + 1;
        if export.chunk.len() >= CHUNK_BYTES {
            export.write()?;
        }
    }
    export.end()?;
    Ok(exported)
}

struct Export<'a> {
    storage: &'a dyn Storage,
    dir: &'a Path,
    /// The number of the first entry of the current segment, and its file.
    segment: Option<(u64, Box<dyn StorageFile>)>,
    chunk: Vec<u8>,
}

impl Export<'_> {
    fn failed(&self, action: &'static str, error: io::Error) -> AuditSinkError {
        AuditSinkError::io(action, self.dir.join(ACTIVE).display().to_string(), error)
    }

    /// Finishes the current segment and opens the next one.
    fn begin(&mut self, seq: u64) -> Result<(), AuditSinkError> {
        self.end()?;
        let active = self.dir.join(ACTIVE);
        if let Some((first_seq, _)) = self.segment.take() {
            let sealed = self.dir.join(sealed_name(first_seq));
            let renamed = self.storage.rename(&active, &sealed);
            renamed.map_err(|error| self.failed("rename", error))?;
        }
        let file = self.storage.open(&active, OpenMode::CreateNew { mode: 0o600 });
        self.segment = Some((seq, file.map_err(|error| self.failed("create", error))?));
        Ok(())
    }

    fn write(&mut self) -> Result<(), AuditSinkError> {
        let Some((_, file)) = &mut self.segment else { return Ok(()) };
        let mut rest = &self.chunk[..];
        while !rest.is_empty() {
            match file.append(&[IoSlice::new(rest)]) {
                Ok(0) => return Err(self.failed("write", io::ErrorKind::WriteZero.into())),
                Ok(len) => rest = rest.get(len..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failed("write", error)),
            }
        }
        self.chunk.clear();
        Ok(())
    }

    /// Makes everything written so far survive power loss.
    fn end(&mut self) -> Result<(), AuditSinkError> {
        self.write()?;
        if let Some((_, file)) = &self.segment {
            file.sync().map_err(|error| self.failed("sync", error))?;
        }
        self.storage.sync_dir(self.dir).map_err(|error| self.failed("sync", error))
    }
}
