//! What others put in place of the log's files: links, directories, pipes.
//!
//! Promises: nothing of the kind is sealed, read or followed, and none of it stops a log: it is renamed to
//! `NAME.aside-1`, `NAME.aside-2` and so on, reported as [`SinkError::SetAside`], and the file is created again.
//! Regular files are adopted, as files that others rotated or restored. At the first start of a log, when nothing shows
//! that the path ever was a log, what is found there is refused and left unchanged: the path is more likely a mistake.
//! A device is always refused at the start.
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::helper::Shared;
use super::names::{Found, Names};
use super::recover::stat_or_missing;
use crate::sink::SinkError;
use ringseal_base::storage::{FileKind, Storage};

/// How many names are tried before the error is returned.
const NAMES_MAX: u32 = 10_000;

/// Renames what is under a name if it is no regular file. Returns the report, or `None` if there was nothing to do.
pub(super) fn set_aside(
    storage: &dyn Storage,
    path: &Path,
) -> Result<Option<SinkError>, SinkError> {
    let failed = |source| SinkError::io("set aside", path, source);
    let found = match stat_or_missing(storage.stat(path)).map_err(failed)? {
        None => return Ok(None),
        Some(stat) if stat.kind == FileKind::Regular => return Ok(None),
        Some(stat) => stat.kind.as_str(),
    };
    let aside = free_name(storage, path).map_err(failed)?;
    storage.rename(path, &aside).map_err(failed)?;
    Ok(Some(SinkError::SetAside { path: path.to_owned(), found, aside }))
}

fn free_name(storage: &dyn Storage, path: &Path) -> io::Result<PathBuf> {
    for number in 1..=NAMES_MAX {
        let mut name = OsString::from(path);
        name.push(format!(".aside-{number}"));
        let name = PathBuf::from(name);
        if stat_or_missing(storage.stat(&name))?.is_none() {
            return Ok(name);
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// On start, before anything is created: refuses a path that was never a log and is no regular file, and a device.
pub(super) fn refuse_mistaken_path(storage: &dyn Storage, names: &Names) -> Result<(), SinkError> {
    let read = |path| {
        stat_or_missing(storage.stat(path)).map_err(|source| SinkError::io("examine", path, source))
    };
    let kind = match read(&names.active)? {
        Some(stat) if stat.kind != FileKind::Regular => stat.kind,
        _ => return Ok(()),
    };
    let was_log = read(&names.lock)?.is_some() || read(&names.last)?.is_some();
    if was_log && kind != FileKind::Device {
        return Ok(());
    }
    Err(SinkError::NotAFile { path: names.active.clone(), found: kind.as_str() })
}

impl Shared {
    /// Sets aside what is no regular file under the log's names, and records the reports.
    pub(super) fn set_aside_foreign(&self) -> Result<(), SinkError> {
        let names = &self.names;
        for path in [&names.active, &names.next, &names.last, &names.last_partial, &names.torn] {
            self.set_aside(path)?;
        }
        let found = names.found(&*self.storage);
        let mut found = found.map_err(|source| SinkError::io("read", &names.dir, source))?;
        self.set_aside_foreign_segments(&mut found)
    }

    /// The same for the files that a listing has found; they are removed from it.
    pub(super) fn set_aside_foreign_segments(&self, found: &mut Found) -> Result<(), SinkError> {
        let mut result = Ok(());
        let mut is_own = |path: &Path| match self.set_aside(path) {
            Ok(is_set_aside) => !is_set_aside,
            Err(error) => {
                result = Err(error);
                true
            }
        };
        found.sealed.retain(|name| is_own(&name.path(&self.names)));
        found.partial.retain(|&number| is_own(&self.names.partial(number)));
        result
    }

    /// Returns whether there was something to set aside.
    pub(super) fn set_aside(&self, path: &Path) -> Result<bool, SinkError> {
        let report = set_aside(&*self.storage, path)?;
        let is_set_aside = report.is_some();
        if let Some(report) = report {
            self.record_error(report);
        }
        Ok(is_set_aside)
    }
}
