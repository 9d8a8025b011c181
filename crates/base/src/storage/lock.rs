//! Locks that exclude other processes and end with the process that took them.
//!
//! Record locks (fcntl(2), `F_SETLK`) belong to a process and not to a descriptor. A child that inherits the descriptor
//! by `fork` does not inherit the lock, so a child that outlives a killed parent does not block a restarted service.
//! `flock` and open file description locks (`F_OFD_SETLK`) belong to the open file, which parent and child share, so
//! the child would block it. Descriptors are closed by `exec`, which ends the lock of a process that replaces itself.
//!
//! Record locks have two hazards, which a registry of the files that this process holds removes:
//!
//! - A second lock on a file by the same process succeeds. The registry refuses it.
//! - Closing *any* descriptor of a file ends the process's lock on it. So a lock file is identified by `lstat` and
//!   refused before it is opened, and a descriptor of a held file that was opened in a race is kept until the lock is
//!   released. Code outside of this module must not open a lock file while it is held; no code in this crate does so.
//!
//! Promises: `lock` never waits for the holder of a lock. The registry is locked for a few memory accesses and never
//! during a system call. It remembers which process took a lock: a forked child has the parent's registry but none of
//! its locks, can take them after the parent's end, and cannot end its own lock by dropping what it inherited.
//!
//! Limits: two copies of this crate in one process (two versions, or a plugin with its own copy) have two registries
//! and do not exclude each other. A process that forks to become a daemon must take its locks afterwards. Removing or
//! replacing a lock file while it is held ends the exclusion, as with any lock file. On a file system whose inode
//! numbers change, a second lock in the same process may go unnoticed. A network file system excludes other machines if
//! its server does; without a lock service (`ENOLCK`) the error is `Unsupported`. The file is opened for writing, as an
//! exclusive record lock demands: a read-only file system is an error.
//!
//! Invariants:
//! 1. What is passed to a system call is valid for the time of the call: the descriptor is open because the file is
//!    borrowed, and the pointer refers to an initialised `flock`, for which all zeros are valid too.
#![allow(unsafe_code)]
use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};

use super::os::{force_mode, open_os_file};
use super::{FileId, OpenMode};

/// How often the name may appear or disappear between two system calls before `lock` gives up.
const RACES_MAX: usize = 8;
/// Tries to get the registry, a millisecond apart. Only a child that was forked while another thread had the registry
/// can run out of them.
const REGISTRY_TRIES_MAX: usize = 2_000;

static REGISTRY: Mutex<Vec<Held>> = Mutex::new(Vec::new());

/// A file that a process holds, or is about to.
struct Held {
    id: FileId,
    process: u32,
    /// All descriptors of the file in this process. They are closed before the entry is removed.
    files: Vec<File>,
}

/// The lock on a file; dropping it in the process that took it releases the lock.
#[derive(Debug)]
pub(super) struct RecordLock {
    id: FileId,
    process: u32,
}

/// Takes a file for this process, and creates it with this mode if it is missing; an existing file keeps no permission
/// beyond it. `WouldBlock` if it is taken.
pub(super) fn lock(path: &Path, mode: u32) -> io::Result<RecordLock> {
    let mut races = 0;
    loop {
        match try_lock(path, mode) {
            // The name appeared or disappeared between two calls.
            Err(error) if is_race(&error) && races < RACES_MAX && has_directory(path) => races += 1,
            result => return result,
        }
    }
}

/// Whether this process holds the lock on this file. Opening and closing such a file would end the lock.
pub(super) fn is_held(path: &Path) -> bool {
    let Ok(metadata) = fs::symlink_metadata(path) else { return false };
    let Ok(mut registry) = registry() else { return true };
    find(&mut registry, id_of(&metadata), std::process::id()).is_some()
}

fn is_race(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound)
}

fn has_directory(path: &Path) -> bool {
    path.parent().is_some_and(|dir| dir.as_os_str().is_empty() || dir.is_dir())
}

fn try_lock(path: &Path, mode: u32) -> io::Result<RecordLock> {
    let lock = match fs::symlink_metadata(path) {
        Ok(metadata) => {
            let lock = RecordLock::claim(id_of(&metadata))?;
            let file = open_os_file(path, OpenMode::Append)?;
            let lock = lock.add_file(file)?;
            lock.with_file(|file| narrow_mode(file, mode))?;
            lock
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let file = open_os_file(path, OpenMode::CreateNew { mode })?;
            let lock = RecordLock::claim_opened(file)?;
            lock.with_file(|file| force_mode(file, mode))?;
            lock
        }
        Err(error) => return Err(error),
    };
    lock.with_file(set_lock)?;
    Ok(lock)
}

impl RecordLock {
    /// Enters a file that is not open in this process. `WouldBlock` if this process has it.
    fn claim(id: FileId) -> io::Result<RecordLock> {
        enter(id, None)
    }

    /// Enters a file that has just been opened.
    fn claim_opened(file: File) -> io::Result<RecordLock> {
        match file.metadata() {
            Ok(metadata) => enter(id_of(&metadata), Some(file)),
            Err(error) => {
                // It may be a file that this process holds: closing it could end that lock.
                std::mem::forget(file);
                Err(error)
            }
        }
    }

    /// Adds the descriptor that was opened for this claim. If the name was given to another file in the meantime, that
    /// file is claimed in place of this one.
    fn add_file(self, file: File) -> io::Result<RecordLock> {
        if file.metadata().is_ok_and(|metadata| id_of(&metadata) == self.id) {
            let mut registry = registry()?;
            if let Some(held) = find(&mut registry, self.id, self.process) {
                held.files.push(file);
            }
            drop(registry);
            return Ok(self);
        }
        RecordLock::claim_opened(file)
    }

    /// Calls `f` on the file, outside of the registry.
    fn with_file(&self, f: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let missing = || io::Error::other("a claimed lock file is not in the registry");
        let file = {
            let mut registry = registry()?;
            let held = find(&mut registry, self.id, self.process).ok_or_else(missing)?;
            held.files.pop().ok_or_else(missing)?
        };
        let result = f(&file);
        match registry() {
            Ok(mut registry) => match find(&mut registry, self.id, self.process) {
                Some(held) => held.files.push(file),
                None => std::mem::forget(file),
            },
            Err(_) => std::mem::forget(file),
        }
        result
    }
}

impl Drop for RecordLock {
    /// Closes the descriptors before it removes the entry: otherwise another thread that opened the file in between
    /// would lose its lock when we close them. A forked child keeps what it inherited open: closing it could end the
    /// child's lock.
    fn drop(&mut self) {
        if self.process != std::process::id() {
            return;
        }
        // Without the registry the descriptors stay open, which harms no lock.
        while let Ok(mut registry) = registry() {
            let Some(held) = find(&mut registry, self.id, self.process) else { return };
            let files = std::mem::take(&mut held.files);
            if files.is_empty() {
                registry.retain(|held| !held.belongs_to(self.id, self.process));
                return;
            }
            drop(registry);
            drop(files);
        }
    }
}

impl Held {
    fn belongs_to(&self, id: FileId, process: u32) -> bool {
        self.id == id && self.process == process
    }
}

/// Makes an entry for this process. If it has one, `opened` is kept there: closing it would end the lock.
fn enter(id: FileId, opened: Option<File>) -> io::Result<RecordLock> {
    let process = std::process::id();
    let mut registry = match registry() {
        Ok(registry) => registry,
        Err(error) => {
            std::mem::forget(opened);
            return Err(error);
        }
    };
    if let Some(held) = find(&mut registry, id, process) {
        held.files.extend(opened);
        return Err(io::ErrorKind::WouldBlock.into());
    }
    registry.push(Held { id, process, files: opened.into_iter().collect() });
    Ok(RecordLock { id, process })
}

fn find(registry: &mut [Held], id: FileId, process: u32) -> Option<&mut Held> {
    registry.iter_mut().find(|held| held.belongs_to(id, process))
}

/// The registry. No thread parks on its mutex. In the worst case, a fork leaves the child a mutex that stays locked,
/// which is an error after a bounded time.
fn registry() -> io::Result<MutexGuard<'static, Vec<Held>>> {
    for _ in 0..REGISTRY_TRIES_MAX {
        if let Some(registry) = REGISTRY.try_lock() {
            return Ok(registry);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Err(io::Error::new(io::ErrorKind::TimedOut, "the registry of locks was taken at a fork"))
}

fn id_of(metadata: &fs::Metadata) -> FileId {
    FileId { device: metadata.dev(), inode: metadata.ino() }
}

/// Takes permissions that `mode` lacks from the file: a record lock for reading, which any process that may read the
/// file can take, keeps the exclusive lock from everyone. Only the file's owner can change that.
fn narrow_mode(file: &File, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let found = file.metadata()?.permissions().mode() & 0o7777;
    if found & !mode == 0 {
        return Ok(());
    }
    match force_mode(file, found & mode) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        result => result,
    }
}

/// An exclusive record lock on the whole file, without waiting.
fn set_lock(file: &File) -> io::Result<()> {
    // SAFETY: invariant 1: all zeros are a valid `flock`.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    // Start and length 0: the whole file, even if it grows.
    lock.l_type = libc::F_WRLCK as libc::c_short;
    lock.l_whence = libc::SEEK_SET as libc::c_short;
    loop {
        // SAFETY: invariant 1.
        let result = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETLK, &raw const lock) };
        if result != -1 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        match error.raw_os_error() {
            Some(libc::EINTR) => {}
            // Both mean that another process has it (POSIX leaves the choice).
            Some(libc::EACCES | libc::EAGAIN) => return Err(io::ErrorKind::WouldBlock.into()),
            Some(libc::ENOLCK) => return Err(io::ErrorKind::Unsupported.into()),
            _ => return Err(error),
        }
    }
}

#[cfg(test)]
#[path = "lock_tests.rs"]
mod tests;
