//! The identity of a log: 16 random bytes in its directory, the same for every process that opens it.
//!
//! A path does not identify a log: two containers may use one path for two logs, and two paths for one. The id is
//! created when a log is opened for the first time. If the directory is removed while the log is written, the helper
//! thread puts the same id into the new one.
//!
//! Promises: the file of the id has all of its bytes or is not used, whatever interrupts the process or the system; one
//! of another length, or of zeros alone, is replaced. It is written only while the log's lock is held. A failure keeps
//! no log from being written.
use std::io;
use std::path::Path;

use super::helper::Shared;
use super::names::Names;
use super::recover::stat_or_missing;
use crate::sink::SinkError;
use ringseal_base::random::nonzero_words;
use ringseal_base::storage::{FileKind, OpenMode, Storage, append_all, read_full};

const BYTES: usize = 16;

/// See the module.
pub(super) type LogId = [u8; BYTES];

/// The identity of the log whose active file is `active`; `None` if it has none yet.
#[doc(hidden)]
pub fn read_log_id(storage: &dyn Storage, active: &Path) -> io::Result<Option<[u8; 16]>> {
    read(storage, &Names::of_any(active)?)
}

fn read(storage: &dyn Storage, names: &Names) -> io::Result<Option<LogId>> {
    match stat_or_missing(storage.stat(&names.id))? {
        Some(stat) if stat.kind == FileKind::Regular => {}
        _ => return Ok(None),
    }
    let mut bytes = [0; BYTES + 1];
    let len = read_full(&*storage.open(&names.id, OpenMode::Read)?, &mut bytes, 0)?;
    let id: Option<LogId> = bytes[..len].try_into().ok();
    // After a power loss a file may have its length and none of its bytes.
    Ok(id.filter(|id| *id != [0; BYTES]))
}

fn new_id() -> LogId {
    let words = nonzero_words::<2>().map(u64::to_le_bytes);
    std::array::from_fn(|index| words[index / 8][index % 8])
}

impl Shared {
    /// On start, with the lock: reads the log's id, or creates it.
    pub(super) fn find_or_make_log_id(&self) -> Result<(), SinkError> {
        self.set_aside(&self.names.id)?;
        self.set_aside(&self.names.id_partial)?;
        let found = read(&*self.storage, &self.names);
        let found = found.map_err(|source| SinkError::io("read", &self.names.id, source))?;
        let id = match found {
            Some(id) => id,
            None => {
                let id = new_id();
                self.write_log_id(&id)?;
                id
            }
        };
        self.log_id.get_or_init(|| id);
        Ok(())
    }

    /// Helper: puts the id of this log in place again if its file was removed.
    pub(super) fn keep_log_id(&self) -> Result<(), SinkError> {
        let Some(id) = self.log_id.get() else { return Ok(()) };
        match stat_or_missing(self.storage.stat(&self.names.id)) {
            Ok(None) => self.write_log_id(id),
            Ok(Some(_)) => Ok(()),
            Err(source) => Err(SinkError::io("examine", &self.names.id, source)),
        }
    }

    fn write_log_id(&self, id: &LogId) -> Result<(), SinkError> {
        let (storage, names) = (&*self.storage, &self.names);
        let create = OpenMode::CreateNew { mode: self.config.lock_mode };
        let written = match storage.open(&names.id_partial, create) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => storage
                .remove(&names.id_partial)
                .and_then(|()| storage.open(&names.id_partial, create)),
            opened => opened,
        }
        .and_then(|mut file| {
            append_all(&mut *file, id)?;
            file.sync()?;
            storage.rename(&names.id_partial, &names.id)
        });
        written.map_err(|source| SinkError::io("write", &names.id, source))?;
        // If a power loss takes the name, the next start creates another id.
        let _ = storage.sync_dir(&names.dir);
        Ok(())
    }
}
