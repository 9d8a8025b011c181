//! What others put in place of the log's files: links, directories, pipes.
//!
//! Promises: nothing of the kind is sealed, read or followed, and none of it stops a log: it is renamed to
//! `NAME.aside-1`, `NAME.aside-2` and so on, reported as [`SinkError::SetAside`], and the file is created again. Once
//! there are [`ASIDE_MAX`] of a name, further links, pipes and sockets, which hold no data, are removed and reported as
//! [`SinkError::RemovedForeign`]: whatever puts them there must neither fill the directory nor stop the log.
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

/// How many things of a name are kept, not counting directories.
const ASIDE_MAX: u32 = 100;
/// How many names are tried before the error is returned.
const NAMES_MAX: u32 = 10_000;

/// Renames or removes what is under a name if it is no regular file. Returns the report, or `None` if there was nothing
/// to do.
pub(super) fn set_aside(
    storage: &dyn Storage,
    path: &Path,
) -> Result<Option<SinkError>, SinkError> {
    let failed = |source| SinkError::io("set aside", path, source);
    let kind = match stat_or_missing(storage.stat(path)).map_err(failed)? {
        None => return Ok(None),
        Some(stat) if stat.kind == FileKind::Regular => return Ok(None),
        Some(stat) => stat.kind,
    };
    let (path_owned, found) = (path.to_owned(), kind.as_str());
    let holds_data = matches!(kind, FileKind::Directory | FileKind::Device);
    let names_max = if holds_data { NAMES_MAX } else { ASIDE_MAX };
    match free_name(storage, path, names_max).map_err(failed)? {
        Some(aside) => {
            storage.rename(path, &aside).map_err(failed)?;
            Ok(Some(SinkError::SetAside { path: path_owned, found, aside }))
        }
        None if holds_data => Err(failed(io::ErrorKind::AlreadyExists.into())),
        None => {
            storage.remove(path).map_err(failed)?;
            let kept = ASIDE_MAX;
            Ok(Some(SinkError::RemovedForeign { path: path_owned, found, kept }))
        }
    }
}

/// The first of the names that is free.
fn free_name(storage: &dyn Storage, path: &Path, names_max: u32) -> io::Result<Option<PathBuf>> {
    for number in 1..=names_max {
        let mut name = OsString::from(path);
        name.push(format!(".aside-{number}"));
        let name = PathBuf::from(name);
        if stat_or_missing(storage.stat(&name))?.is_none() {
            return Ok(Some(name));
        }
    }
    Ok(None)
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
