//! Finds homes and says what became of their processes.
//!
//! A home is the directory in which one run keeps its rings. Whether its process is alive, its lock says; asking does
//! not take the lock, so a service that starts at the same moment does not find the home in use.
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ringseal::internals::recover::{
    ClaimError, HomeFacts, State, homes, inspect, is_aside, is_home, lock_path,
};
use ringseal::system::{OsStorage, Storage};

use crate::console::Failure;

/// What became of the process of a home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// It runs.
    Alive,
    /// Another process recovers the home.
    Recovering,
    /// It was killed, or its machine lost power if the home is on a disk.
    Dead,
    /// It was killed before the machine was restarted.
    OldBoot,
    /// It ended, and its home is empty.
    Ended,
    /// Recovery failed too often, or was unsure; nothing touches the home by itself.
    Aside,
    /// The home cannot be read, for this reason.
    Unreadable(String),
}

impl Status {
    /// The status in one or two words.
    pub fn as_str(&self) -> &'static str {
        match self {
            Status::Alive => "alive",
            Status::Recovering => "being recovered",
            Status::Dead => "dead",
            Status::OldBoot => "dead before boot",
            Status::Ended => "ended",
            Status::Aside => "set aside",
            Status::Unreadable(_) => "unreadable",
        }
    }
}

/// A home.
#[derive(Debug, Clone)]
pub struct Home {
    /// Its directory.
    pub dir: PathBuf,
    /// What became of its process.
    pub status: Status,
    /// What it says; `None` if it cannot be read.
    pub facts: Option<HomeFacts>,
}

impl Home {
    /// The name of its directory.
    pub fn name(&self) -> String {
        self.dir.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// The identifier of its run, or the name of its directory if it cannot be read.
    pub fn run_id(&self) -> String {
        match &self.facts {
            Some(facts) => facts.run.run_id.clone(),
            None => self.name(),
        }
    }

    /// Whether its files may change while they are read.
    pub fn is_live(&self) -> bool {
        matches!(self.status, Status::Alive | Status::Recovering)
    }
}

/// The storage of all homes.
pub fn storage() -> Arc<dyn Storage> {
    Arc::new(OsStorage)
}

/// The directory of rings that programs use if none is named.
///
/// # Errors
/// On systems that have none.
pub fn default_dir() -> Result<PathBuf, Failure> {
    #[cfg(unix)]
    return Ok(ringseal::internals::recover::auto_dir());
    #[cfg(not(unix))]
    Err(Failure::Message("expected a directory; this system has no default one".into()))
}

/// The homes in a directory, oldest first.
///
/// # Errors
/// If the directory cannot be read.
pub fn find(ring_dir: &Path) -> io::Result<Vec<Home>> {
    let dirs = homes(&OsStorage, ring_dir)?;
    Ok(dirs.iter().filter_map(|dir| read(dir)).collect())
}

/// Reads a home; `None` if it is gone.
pub fn read(dir: &Path) -> Option<Home> {
    let is_locked = is_locked(dir);
    let inspected = inspect(&storage(), dir);
    // It ended while it was read.
    if inspected.is_err() && !is_home(&OsStorage, dir) {
        return None;
    }
    let (facts, status) = match (inspected, is_locked) {
        (Ok(facts), Ok(is_locked)) => {
            let status = status_of(&facts, is_locked);
            (Some(facts), status)
        }
        (Ok(facts), Err(error)) => (Some(facts), Status::Unreadable(format!("its lock: {error}"))),
        (Err(error), _) => (None, Status::Unreadable(reason(error))),
    };
    Some(Home { dir: dir.to_owned(), status, facts })
}

fn status_of(facts: &HomeFacts, is_locked: bool) -> Status {
    match facts.state {
        _ if is_aside(&facts.dir) => Status::Aside,
        Some(State::Collecting | State::Delivering) if is_locked => Status::Recovering,
        _ if is_locked => Status::Alive,
        Some(State::Clean | State::Drained) => Status::Ended,
        None => Status::Unreadable("its state is unknown".into()),
        Some(_) if !facts.is_same_boot => Status::OldBoot,
        Some(_) => Status::Dead,
    }
}

/// Why a home was not read or claimed.
pub fn reason(error: ClaimError) -> String {
    match error {
        ClaimError::Locked => "another process has it".into(),
        ClaimError::Home(error) => error.to_string(),
        ClaimError::Io(error) => error.to_string(),
    }
}

/// Whether a process has the lock of a home. This process must not have it.
///
/// # Errors
/// If the system cannot say.
pub fn is_locked(dir: &Path) -> io::Result<bool> {
    match std::fs::File::open(lock_path(dir)) {
        Ok(file) => lock::is_held(&file),
        // The lock file is made first and removed last.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(unix)]
mod lock {
    use std::fs::File;
    use std::io;

    use rustix::process::{Flock, FlockType, fcntl_getlk};

    pub(super) fn is_held(file: &File) -> io::Result<bool> {
        Ok(fcntl_getlk(file, &Flock::from(FlockType::ReadLock))?.is_some())
    }
}

#[cfg(not(unix))]
mod lock {
    use std::fs::File;
    use std::io;

    /// Processes on this system make no homes.
    pub(super) fn is_held(_: &File) -> io::Result<bool> {
        Ok(false)
    }
}

/// The homes that an argument names: one home, all homes of a directory, or those of a process in the default
/// directory, by its number or the identifier of the run.
///
/// # Errors
/// If there is no such home or directory, or it cannot be read.
pub fn resolve(argument: &Path) -> Result<Vec<Home>, Failure> {
    if is_home(&OsStorage, argument) {
        return Ok(read(argument).into_iter().collect());
    }
    let failed = |dir: &Path, error: &dyn std::fmt::Display| {
        Failure::Message(format!("{}: {error}", dir.display()))
    };
    if argument.is_dir() {
        return find(argument).map_err(|error| failed(argument, &error));
    }
    let name = argument.to_string_lossy();
    let unknown =
        "expected a home, a directory of homes, the number of a process or the identifier of a run";
    let dir = default_dir().map_err(|_| failed(argument, &unknown))?;
    let is_named = |home: &Home| {
        let has_pid = home.facts.as_ref().is_some_and(|facts| name.parse() == Ok(facts.run.pid));
        has_pid || home.run_id() == name || home.name() == name
    };
    let all = find(&dir).unwrap_or_default();
    let found: Vec<Home> = all.into_iter().filter(is_named).collect();
    if found.is_empty() { Err(failed(argument, &unknown)) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_without_homes_is_empty() {
        let dir = tempfile::tempdir().expect("a directory");
        std::fs::create_dir(dir.path().join("no-home")).expect("room");
        std::fs::write(dir.path().join("notes"), "text").expect("room");
        assert!(find(dir.path()).expect("readable").is_empty());
        assert!(find(&dir.path().join("missing")).is_err());
    }

    #[test]
    fn other_bytes_are_unreadable_homes() {
        let dir = tempfile::tempdir().expect("a directory");
        let home = dir.path().join("home");
        std::fs::create_dir(&home).expect("room");
        std::fs::write(home.join("engine"), "garbage").expect("room");
        let found = find(dir.path()).expect("readable");
        let [Home { status: Status::Unreadable(reason), facts: None, .. }] = &found[..] else {
            panic!("{found:?}");
        };
        assert!(reason.contains("expected the home of a run"), "{reason}");
        assert_eq!(resolve(&home).expect("a home").len(), 1);
        assert!(resolve(Path::new("no-such-run")).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_free_lock_is_not_held() {
        let dir = tempfile::tempdir().expect("a directory");
        assert!(!is_locked(dir.path()).expect("an answer"));
        std::fs::write(lock_path(dir.path()), "").expect("room");
        assert!(!is_locked(dir.path()).expect("an answer"));
    }
}
