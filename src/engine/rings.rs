//! Where rings are that outlive the process, and whether a directory is fit for that.
//!
//! Rings hold events before redaction, so their directory belongs to this user alone, and is in memory unless the
//! application asks for a disk.
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::recover::inspect::auto_dir;
use ringseal_base::storage::file_system::{FileSystem, available_bytes, file_system_of, user_id};
use ringseal_base::storage::{FileKind, OsStorage, Storage};

/// Rings for which [`Rings::auto`] needs room.
const AUTO_RINGS: u64 = 16;

/// Where rings are that outlive the process; see [`Config::survive_kill`](crate::Config::survive_kill).
///
/// ```
/// use ringseal::{Config, Rings};
/// let config = Config::new().file("/var/log/shop/app.log").survive_kill(Rings::auto());
/// # let _ = config;
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "has no effect until `Config::survive_kill` takes it"]
pub struct Rings {
    pub(super) dir: Option<PathBuf>,
    pub(super) is_on_disk: bool,
    pub(super) is_required: bool,
    pub(super) name: Option<String>,
}

impl Rings {
    /// A directory of this user in `/dev/shm`. Events do not survive a kill if there is none, if it is not in memory,
    /// or if it has no room for 16 rings; a message on standard error says so.
    pub fn auto() -> Rings {
        Rings { dir: None, is_on_disk: false, is_required: false, name: None }
    }

    /// This directory. It is created with mode 0700; an existing one must belong to this user alone.
    pub fn dir(dir: impl Into<PathBuf>) -> Rings {
        Rings { dir: Some(dir.into()), ..Rings::auto() }
    }

    /// Allows a directory on a disk. Events are then on the disk before redaction, and a log call may wait for the disk
    /// for milliseconds.
    pub fn on_disk(mut self, is_on_disk: bool) -> Rings {
        self.is_on_disk = is_on_disk;
        self
    }

    /// Fails to start where events would not survive a kill.
    pub fn require(mut self, is_required: bool) -> Rings {
        self.is_required = is_required;
        self
    }

    /// The name by which a run without log files finds the run before it. Default: the file name of the program.
    pub fn name(mut self, name: impl Into<String>) -> Rings {
        self.name = Some(name.into());
        self
    }

    /// The directory, made if it is missing and checked.
    pub(super) fn open(&self, ring_bytes: usize) -> Result<PathBuf, RingDirError> {
        let Some(dir) = &self.dir else { return self.open_auto(ring_bytes) };
        check(dir, self.is_on_disk)?;
        Ok(dir.clone())
    }

    fn open_auto(&self, ring_bytes: usize) -> Result<PathBuf, RingDirError> {
        let dir = auto_dir();
        check(&dir, false)?;
        let needed = AUTO_RINGS * ring_bytes as u64;
        let found = available_bytes(&dir).map_err(|source| RingDirError::io(&dir, source))?;
        if found < needed {
            return Err(RingDirError::new(&dir, format!("{needed} bytes of room, found {found}")));
        }
        Ok(dir)
    }

    /// The name by which runs without log files find each other.
    pub(super) fn program(&self) -> String {
        let of_program = || {
            let path = std::env::current_exe().ok()?;
            Some(path.file_name()?.to_string_lossy().into_owned())
        };
        self.name.clone().or_else(of_program).unwrap_or_default()
    }
}

/// How a start treats the events of runs that were killed; see
/// [`Config::recovery`](crate::Config::recovery).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Recovery {
    /// The writer writes them before the new events; starting does not wait for that.
    #[default]
    Background,
    /// The same; starting waits for it, at most this long.
    Wait(Duration),
    /// They are left to a later start or to `ringseal recover`.
    Off,
}

/// A directory that is not fit for rings.
#[derive(Clone, PartialEq, Eq)]
pub struct RingDirError {
    dir: PathBuf,
    /// What was expected, and what was found.
    reason: String,
}

impl RingDirError {
    fn new(dir: &Path, reason: String) -> RingDirError {
        RingDirError { dir: dir.to_owned(), reason }
    }

    fn io(dir: &Path, source: io::Error) -> RingDirError {
        RingDirError::new(dir, format!("a directory of this user; {source}"))
    }
}

impl fmt::Display for RingDirError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ring directory {}: expected {}", self.dir.display(), self.reason)
    }
}

ringseal_base::debug_by_message!(RingDirError);

impl std::error::Error for RingDirError {}

/// Makes the directory if it is missing, and checks it.
fn check(dir: &Path, is_on_disk: bool) -> Result<(), RingDirError> {
    if !cfg!(target_os = "linux") {
        return Err(RingDirError::new(
            dir,
            "Linux; rings outlive their process on no other system yet".into(),
        ));
    }
    let refuse = |reason: String| Err(RingDirError::new(dir, reason));
    let failed = |source| RingDirError::io(dir, source);
    if OsStorage.stat(dir).is_err() {
        OsStorage.create_dir(dir, 0o700).map_err(failed)?;
    }
    let stat = OsStorage.stat(dir).map_err(failed)?;
    if stat.kind != FileKind::Directory {
        return refuse(format!("a directory, found {}", stat.kind.as_str()));
    }
    let mode = stat.mode.unwrap_or(0o700);
    if mode & 0o077 != 0 {
        return refuse(format!(
            "mode 0700, because rings hold events before redaction; found mode {mode:04o}"
        ));
    }
    let owner = OsStorage.owner(dir).map_err(failed)?;
    if owner.is_some_and(|owner| owner != user_id()) {
        return refuse(format!(
            "user {} as its owner, found user {}",
            user_id(),
            owner.unwrap_or(0)
        ));
    }
    match file_system_of(dir).map_err(failed)? {
        FileSystem::Memory => Ok(()),
        FileSystem::Remote(kind) => refuse(format!(
            "a file system in memory, found {kind}, on which a process may see old bytes"
        )),
        FileSystem::Disk if is_on_disk => Ok(()),
        FileSystem::Disk => refuse(
            "a file system in memory (tmpfs), found a disk; Rings::on_disk allows it, and writes events to it before \
             redaction"
                .to_owned(),
        ),
    }
}
