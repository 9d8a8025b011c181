//! The log's directory: names within it, files that are replaced in one step, append-only files.
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::{Damage, StoreError};
use super::names::KEYS_DIR;
use crate::note::NOTE_BYTES_MAX;
use ringseal_base::storage::{
    FileReader, FileStat, OpenMode, Storage, StorageFile, append_all, publish_durably,
};

/// Files are readable and writable by the owner only.
pub(super) const FILE_MODE: u32 = 0o600;
/// Directories too.
pub(super) const DIR_MODE: u32 = 0o700;

/// Longest file that is read as a whole; a sparse file can have any length.
const READ_BYTES_MAX: u64 = 128 << 20;

pub(super) type Result<T> = std::result::Result<T, StoreError>;

/// A directory in a file system.
#[derive(Clone)]
pub(super) struct Disk {
    pub storage: Arc<dyn Storage>,
    pub root: PathBuf,
    /// The directory of the host's keys and of the protected state.
    pub keys: PathBuf,
}

/// Adds the path to an error.
pub(super) fn with_path<T>(doing: &'static str, path: &Path, result: io::Result<T>) -> Result<T> {
    result.map_err(|source| StoreError::Io { doing, path: path.to_owned(), source })
}

fn unless_missing<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

impl Disk {
    /// The directory of a log. Its keys are below it unless a directory is given.
    pub fn new(storage: Arc<dyn Storage>, root: &Path, keys: Option<&Path>) -> Disk {
        let keys = keys.map_or_else(|| root.join(KEYS_DIR), Path::to_owned);
        Disk { storage, root: root.to_owned(), keys }
    }

    /// The path of a key or of the state; `name` is that of a log without a separate directory for keys.
    pub fn secret(&self, name: &str) -> PathBuf {
        let file = name.rsplit_once('/').map_or(name, |(_, file)| file);
        self.keys.join(file)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    pub fn stat(&self, name: &str) -> Result<Option<FileStat>> {
        let path = self.path(name);
        with_path("reading the metadata of", &path, unless_missing(self.storage.stat(&path)))
    }

    pub fn stat_secret(&self, name: &str) -> Result<Option<FileStat>> {
        let path = self.secret(name);
        with_path("reading the metadata of", &path, unless_missing(self.storage.stat(&path)))
    }

    pub fn create_dir(&self, name: &str) -> Result<()> {
        let path = self.path(name);
        with_path("creating", &path, self.storage.create_dir(&path, DIR_MODE))
    }

    /// The UTF-8 names in a directory; empty if it is missing.
    pub fn list(&self, dir: &str) -> Result<Vec<String>> {
        let path = self.path(dir);
        let names = with_path("listing", &path, unless_missing(self.storage.list(&path)))?;
        let names = names.unwrap_or_default();
        Ok(names.into_iter().filter_map(|name| name.into_string().ok()).collect())
    }

    pub fn open(&self, name: &str, how: OpenMode) -> Result<Option<Box<dyn StorageFile>>> {
        let path = self.path(name);
        with_path("opening", &path, unless_missing(self.storage.open(&path, how)))
    }

    /// The whole file, or `None` if it is missing. One that is too long to be a file of the log is an error.
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let Some(bytes) = self.read_start(name, READ_BYTES_MAX + 1)? else { return Ok(None) };
        if bytes.len() as u64 > READ_BYTES_MAX {
            let what = Damage::Order("a file of at most 128 MiB");
            return Err(StoreError::Damaged { file: name.to_owned(), offset: 0, seq: 0, what });
        }
        Ok(Some(bytes))
    }

    /// The first bytes of a file, or `None` if it is missing.
    pub fn read_start(&self, name: &str, bytes_max: u64) -> Result<Option<Vec<u8>>> {
        let Some(file) = self.open(name, OpenMode::Read)? else { return Ok(None) };
        let mut bytes = Vec::new();
        let mut reader = FileReader { file, offset: 0 }.take(bytes_max);
        with_path("reading", &self.path(name), reader.read_to_end(&mut bytes))?;
        Ok(Some(bytes))
    }

    /// A checkpoint, or what is in its place, up to the length of the longest one.
    pub fn read_note(&self, name: &str) -> Result<Option<Vec<u8>>> {
        self.read_start(name, NOTE_BYTES_MAX as u64 + 1)
    }

    /// Creates a file; a leftover of this name is removed first.
    pub fn create(&self, name: &str) -> Result<Box<dyn StorageFile>> {
        self.remove(name)?;
        let path = self.path(name);
        with_path(
            "creating",
            &path,
            self.storage.open(&path, OpenMode::CreateNew { mode: FILE_MODE }),
        )
    }

    /// Removes a file if it exists.
    pub fn remove(&self, name: &str) -> Result<bool> {
        let path = self.path(name);
        let removed = with_path("removing", &path, unless_missing(self.storage.remove(&path)))?;
        Ok(removed.is_some())
    }

    pub fn sync_dir(&self, dir: &str) -> Result<()> {
        let path = self.path(dir);
        with_path("syncing", &path, self.storage.sync_dir(&path))
    }

    /// Replaces a file's content in one step; after `Ok` the new content survives power loss.
    pub fn replace(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let unfinished = format!("{name}.tmp");
        let mut file = self.create(&unfinished)?;
        let (from, to) = (self.path(&unfinished), self.path(name));
        with_path("writing", &from, append_all(&mut *file, bytes))?;
        with_path("publishing", &to, publish_durably(&*self.storage, &*file, &from, &to))
    }
}

/// An append-only file, written in pieces that are on disk when [`Tail::append`] returns.
pub(super) struct Tail {
    pub file: Box<dyn StorageFile>,
    pub path: PathBuf,
    /// The number of its bytes that are on disk and were reported as such.
    pub durable_len: u64,
    /// An append failed and may have left parts after `durable_len`.
    is_dirty: bool,
}

impl Tail {
    pub fn new(file: Box<dyn StorageFile>, path: PathBuf, durable_len: u64) -> Tail {
        Tail { file, path, durable_len, is_dirty: false }
    }

    /// Opens the file of this name, or creates it.
    pub fn open(disk: &Disk, name: &str) -> Result<Tail> {
        let path = disk.path(name);
        if let Some(file) = disk.open(name, OpenMode::Append)? {
            let len = with_path("reading the metadata of", &path, file.stat())?.len;
            return Ok(Tail::new(file, path, len));
        }
        let file = disk.create(name)?;
        disk.sync_dir("")?;
        Ok(Tail::new(file, path, 0))
    }

    /// Appends all of `bytes`. After an error, the remains of a failed append do not count and are cut off before the
    /// next attempt. After a failed `fsync` the system may have dropped pages it did not write and marked them clean
    /// (Rebello et al., "Can Applications Recover from fsync Failures?", 2020), so the bytes are written again.
    pub fn append(&mut self, bytes: &[u8]) -> Result<()> {
        let stat = with_path("reading the metadata of", &self.path, self.file.stat())?;
        let found_bytes = (stat.links > 0).then_some(stat.len);
        let is_ours =
            stat.len == self.durable_len || (self.is_dirty && stat.len > self.durable_len);
        if !is_ours || stat.links == 0 {
            let (path, expected_bytes) = (self.path.clone(), self.durable_len);
            return Err(StoreError::Changed { path, expected_bytes, found_bytes });
        }
        if stat.len > self.durable_len {
            with_path(
                "removing a failed write from",
                &self.path,
                self.file.set_len(self.durable_len),
            )?;
        }
        self.is_dirty = true;
        with_path("appending to", &self.path, append_all(&mut *self.file, bytes))?;
        with_path("syncing", &self.path, self.file.sync())?;
        self.is_dirty = false;
        self.durable_len += bytes.len() as u64;
        Ok(())
    }
}
