//! Fault-injecting storage: a file system in memory for tests. Every call can fail once, the process can be killed, and
//! the disk can lose power.
//!
//! **Killed**: the current call does nothing or, if it is a write, stops after some bytes; all later calls fail. What
//! the system had accepted is kept ([`FaultyDisk::after_kill`]).
//!
//! **Power loss** ([`FaultyDisk::after_power_loss`]) affects four things separately. Of the changes of names since the
//! last `sync_dir`, only a prefix is kept (journaling file systems keep their order; nothing here relies on more). Of
//! each file's bytes since its last `sync`, a prefix is kept, as data, or as a length whose bytes read as zeros. Of the
//! bytes that were overwritten since then, each sector of 512 bytes is the new or the old one.
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use self::file::FaultyFile;
use self::power_loss::SplitMix;
use super::{FileId, FileKind, FileLock, FileStat, OpenMode, Storage, StorageFile};

mod file;
mod power_loss;

/// The disk; clones are the same disk.
#[derive(Clone, Default)]
pub struct FaultyDisk {
    state: Arc<Mutex<State>>,
}

/// A function that is called when the process is killed.
type OnKill = Arc<dyn Fn() + Send + Sync>;

#[derive(Clone, Default)]
struct State {
    inodes: Vec<Inode>,
    names: BTreeMap<PathBuf, usize>,
    dirs: BTreeSet<PathBuf>,
    /// The names that survive every power loss.
    durable_names: BTreeMap<PathBuf, usize>,
    /// Changes since then.
    pending: Vec<Change>,
    faults: Faults,
    calls: u64,
    unix_nanos: i64,
    /// The files that are locked.
    locked: BTreeSet<usize>,
    is_killed: bool,
    on_kill: Option<OnKill>,
}

#[derive(Clone, Default)]
struct Inode {
    bytes: Vec<u8>,
    durable: Vec<u8>,
    modified_unix_nanos: i64,
    mode: Option<u32>,
    /// Not a regular file.
    other_kind: Option<FileKind>,
}

impl Inode {
    /// Links cannot be opened. A pipe can, but it cannot be read at an offset nor synced.
    fn refuse(&self, kinds: &[FileKind]) -> io::Result<()> {
        match self.other_kind {
            Some(kind) if kinds.contains(&kind) => Err(io::Error::other(kind.as_str())),
            _ => Ok(()),
        }
    }
}

#[derive(Clone)]
enum Change {
    Add(PathBuf, usize),
    Remove(PathBuf),
    Rename(PathBuf, PathBuf),
}

/// The faults to inject.
#[derive(Clone, Copy)]
pub struct Faults {
    /// The call of this number (from 0) fails, once.
    pub fail_call: Option<(u64, io::ErrorKind)>,
    /// All calls from this number on fail; if the first of them is a write, it still takes this many bytes.
    pub kill_call: Option<(u64, usize)>,
    /// An append takes at most this many bytes.
    pub append_bytes_max: usize,
    /// All files together hold at most this many bytes.
    pub capacity_bytes: usize,
    /// `link` is not supported.
    pub no_links: bool,
    /// Files below this directory accept no bytes.
    pub full_below: Option<&'static str>,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            fail_call: None,
            kill_call: None,
            append_bytes_max: usize::MAX,
            capacity_bytes: usize::MAX,
            no_links: false,
            full_below: None,
        }
    }
}

impl FaultyDisk {
    /// An empty disk with one directory.
    pub fn new(dir: &Path) -> Self {
        let disk = Self::default();
        disk.state.lock().dirs.insert(dir.to_owned());
        disk
    }

    pub fn set_faults(&self, faults: Faults) {
        self.state.lock().faults = faults;
    }

    /// Calls so far.
    pub fn calls(&self) -> u64 {
        self.state.lock().calls
    }

    /// Whether a call was the one that kills the process.
    pub fn is_killed(&self) -> bool {
        self.state.lock().is_killed
    }

    /// Calls `on_kill` when the process is killed, inside the call that does it. It must not use the disk.
    pub fn on_kill(&self, on_kill: impl Fn() + Send + Sync + 'static) {
        self.state.lock().on_kill = Some(Arc::new(on_kill));
    }

    /// Sets the clock for the times of files.
    pub fn set_time(&self, unix_nanos: i64) {
        self.state.lock().unix_nanos = unix_nanos;
    }

    /// All names and bytes.
    pub fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let state = self.state.lock();
        let bytes = |&inode: &usize| state.inodes[inode].bytes.clone();
        state.names.iter().map(|(path, inode)| (path.clone(), bytes(inode))).collect()
    }

    /// The bytes of every file that ever existed, with or without a name.
    pub fn all_bytes(&self) -> Vec<Vec<u8>> {
        self.state.lock().inodes.iter().map(|inode| inode.bytes.clone()).collect()
    }

    /// Creates a file, durably.
    pub fn put(&self, path: &Path, bytes: &[u8]) {
        let mut state = self.state.lock();
        let modified_unix_nanos = state.unix_nanos;
        let inode = state.inodes.len();
        state.inodes.push(Inode {
            bytes: bytes.to_vec(),
            durable: bytes.to_vec(),
            modified_unix_nanos,
            ..Inode::default()
        });
        state.names.insert(path.to_owned(), inode);
        state.durable_names.insert(path.to_owned(), inode);
    }

    /// Puts a link or a pipe in place of a file, durably.
    pub fn put_other(&self, path: &Path, kind: FileKind) {
        self.put(path, b"");
        let mut state = self.state.lock();
        if let Some(inode) = state.inodes.last_mut() {
            inode.other_kind = Some(kind);
        }
    }

    /// Creates a directory.
    pub fn put_dir(&self, path: &Path) {
        self.state.lock().dirs.insert(path.to_owned());
    }

    /// Gives a file a second name, durably.
    pub fn put_link(&self, from: &Path, to: &Path) {
        let mut state = self.state.lock();
        if let Some(&inode) = state.names.get(from) {
            state.names.insert(to.to_owned(), inode);
            state.durable_names.insert(to.to_owned(), inode);
        }
    }

    /// The disk as the next process finds it after this one was killed.
    pub fn after_kill(&self) -> FaultyDisk {
        let mut state = self.state.lock().clone();
        state.begin_process();
        FaultyDisk { state: Arc::new(Mutex::new(state)) }
    }

    /// The disk as it may be after power loss; `seed` decides what is lost.
    pub fn after_power_loss(&self, seed: u64) -> FaultyDisk {
        let mut state = self.state.lock().clone();
        let mut random = SplitMix(seed);
        let kept = random.below(state.pending.len() + 1);
        let changes: Vec<Change> = state.pending.drain(..).take(kept).collect();
        let mut names = std::mem::take(&mut state.durable_names);
        for change in changes {
            change.apply(&mut names);
        }
        state.durable_names = names.clone();
        state.names = names;
        for inode in &mut state.inodes {
            inode.lose_power(&mut random);
        }
        state.begin_process();
        FaultyDisk { state: Arc::new(Mutex::new(state)) }
    }
}

impl Change {
    fn apply(self, names: &mut BTreeMap<PathBuf, usize>) {
        match self {
            Change::Add(path, inode) => {
                names.insert(path, inode);
            }
            Change::Remove(path) => {
                names.remove(&path);
            }
            Change::Rename(from, to) => {
                if let Some(inode) = names.remove(&from) {
                    names.insert(to, inode);
                }
            }
        }
    }
}

impl State {
    /// No fault, lock or call of the last process is left.
    fn begin_process(&mut self) {
        self.faults = Faults::default();
        self.locked.clear();
        (self.is_killed, self.on_kill) = (false, None);
    }

    /// Counts a call and fails if it is the one that has to.
    fn call(&mut self) -> io::Result<()> {
        let call = self.calls;
        self.calls += 1;
        if self.faults.kill_call.is_some_and(|(killed, _)| call >= killed) {
            if !std::mem::replace(&mut self.is_killed, true)
                && let Some(on_kill) = &self.on_kill
            {
                on_kill();
            }
            return Err(io::Error::other("the process is dead"));
        }
        match self.faults.fail_call {
            Some((failing, kind)) if failing == call => Err(kind.into()),
            _ => Ok(()),
        }
    }

    fn has_name(&self, path: &Path) -> bool {
        self.names.contains_key(path) || self.dirs.contains(path)
    }

    /// Bytes that a write still takes if it is the call that kills the process.
    fn bytes_when_killed(&self, call: u64) -> usize {
        self.faults.kill_call.filter(|(killed, _)| *killed == call).map_or(0, |(_, bytes)| bytes)
    }

    fn inode_of(&self, path: &Path) -> io::Result<usize> {
        self.names.get(path).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn change(&mut self, change: Change) {
        change.clone().apply(&mut self.names);
        self.pending.push(change);
    }

    fn stat(&self, inode: usize) -> FileStat {
        FileStat {
            // No file has the number 0.
            id: Some(FileId { device: 1, inode: inode as u64 + 1 }),
            kind: self.inodes[inode].other_kind.unwrap_or(FileKind::Regular),
            len: self.inodes[inode].bytes.len() as u64,
            links: self.names.values().filter(|&&other| other == inode).count() as u64,
            modified_unix_nanos: self.inodes[inode].modified_unix_nanos,
            mode: self.inodes[inode].mode,
        }
    }

    /// Names of directories change at once: none of them is synced on its own.
    fn rename_dir(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let moved = |path: &Path| path.strip_prefix(from).ok().map(|rest| to.join(rest));
        let dirs = std::mem::take(&mut self.dirs);
        self.dirs = dirs.into_iter().map(|dir| moved(&dir).unwrap_or(dir)).collect();
        let files = self.names.keys().filter_map(|file| Some((file.clone(), moved(file)?)));
        for (file, to) in files.collect::<Vec<_>>() {
            self.change(Change::Rename(file, to));
        }
        Ok(())
    }

    fn space(&self) -> usize {
        let named: BTreeSet<usize> = self.names.values().copied().collect();
        let used: usize = named.iter().map(|&inode| self.inodes[inode].bytes.len()).sum();
        self.faults.capacity_bytes.saturating_sub(used)
    }
}

impl Storage for FaultyDisk {
    /// There is only one process, which cannot lock a file twice.
    fn lock(&self, path: &Path, mode: u32) -> io::Result<FileLock> {
        let opened = match self.open(path, OpenMode::CreateNew { mode }) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                self.open(path, OpenMode::Append)
            }
            opened => opened,
        };
        opened?;
        let mut state = self.state.lock();
        let inode = state.inode_of(path)?;
        if !state.locked.insert(inode) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(FileLock::new(Locked { disk: self.clone(), inode }))
    }

    fn open(&self, path: &Path, how: OpenMode) -> io::Result<Box<dyn StorageFile>> {
        let mut state = self.state.lock();
        state.call()?;
        let inode = match how {
            OpenMode::Read | OpenMode::Append | OpenMode::Overwrite => state.inode_of(path)?,
            OpenMode::CreateNew { mode } => {
                if state.has_name(path) {
                    return Err(io::ErrorKind::AlreadyExists.into());
                }
                if !path.parent().is_some_and(|dir| state.dirs.contains(dir)) {
                    return Err(io::ErrorKind::NotFound.into());
                }
                let inode = state.inodes.len();
                let modified_unix_nanos = state.unix_nanos;
                let mode = Some(mode);
                state.inodes.push(Inode { modified_unix_nanos, mode, ..Inode::default() });
                state.change(Change::Add(path.to_owned(), inode));
                inode
            }
        };
        state.inodes[inode].refuse(&[FileKind::Symlink])?;
        Ok(Box::new(FaultyFile { state: Arc::clone(&self.state), inode, position: 0 }))
    }

    fn stat(&self, path: &Path) -> io::Result<FileStat> {
        let mut state = self.state.lock();
        state.call()?;
        if state.dirs.contains(path) {
            let kind = FileKind::Directory;
            let (modified_unix_nanos, mode) = (0, None);
            return Ok(FileStat { id: None, kind, len: 0, links: 1, modified_unix_nanos, mode });
        }
        let inode = state.inode_of(path)?;
        Ok(state.stat(inode))
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state.lock();
        state.call()?;
        if state.faults.no_links {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let inode = state.inode_of(from)?;
        if state.has_name(to) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        state.change(Change::Add(to.to_owned(), inode));
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state.lock();
        state.call()?;
        if state.dirs.contains(from) {
            return state.rename_dir(from, to);
        }
        state.inode_of(from)?;
        state.change(Change::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state.lock();
        state.call()?;
        state.inode_of(path)?;
        state.change(Change::Remove(path.to_owned()));
        Ok(())
    }

    fn remove_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.state.lock();
        state.call()?;
        if state.names.keys().chain(&state.dirs).any(|path| path.parent() == Some(dir)) {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        if !state.dirs.remove(dir) {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<OsString>> {
        let mut state = self.state.lock();
        state.call()?;
        let all = state.names.keys().chain(&state.dirs);
        let inside = all.filter(|path| path.parent() == Some(dir));
        Ok(inside.filter_map(|path| path.file_name()).map(OsString::from).collect())
    }

    fn create_dir(&self, dir: &Path, _mode: u32) -> io::Result<()> {
        let mut state = self.state.lock();
        state.call()?;
        state.dirs.insert(dir.to_owned());
        Ok(())
    }

    fn capacity(&self, _dir: &Path) -> io::Result<Option<u64>> {
        let mut state = self.state.lock();
        state.call()?;
        let capacity = state.faults.capacity_bytes;
        Ok((capacity != usize::MAX).then_some(capacity as u64))
    }

    fn sync_dir(&self, _dir: &Path) -> io::Result<()> {
        let mut state = self.state.lock();
        state.call()?;
        state.durable_names = state.names.clone();
        state.pending.clear();
        Ok(())
    }
}

/// Ends a lock when it is dropped.
struct Locked {
    disk: FaultyDisk,
    inode: usize,
}

impl Drop for Locked {
    fn drop(&mut self) {
        self.disk.state.lock().locked.remove(&self.inode);
    }
}
