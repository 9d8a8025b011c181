//! The only module that touches the file system.
//!
//! [`Storage`] has all operations that the engine needs of a file system; [`OsStorage`] passes them to the operating
//! system. Tests implement the same trait: each call can fail once, and power loss can take data, length and directory
//! entries separately.
//!
//! Promises: a call blocks as long as its system call does and no longer. Nothing is buffered in the process: the
//! effect of a completed call survives the death of the process, and only `sync` and `sync_dir` make it survive power
//! loss. Appending allocates nothing. Errors are the system's.
use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};

#[cfg(target_os = "linux")]
mod bus_error;
#[cfg(unix)]
mod capacity;
#[cfg(unix)]
mod dirs;
mod durable;
#[cfg(any(test, feature = "test-support"))]
pub mod faulty;
#[cfg_attr(not(unix), path = "no_file_system.rs")]
pub mod file_system;
#[cfg(unix)]
mod lock;
#[cfg(target_os = "linux")]
pub mod mmap;
mod os;
pub mod region;
pub mod shared_file;
mod transfer;

pub use durable::{parent_dir, publish_durably, remove_durably};
pub use os::OsStorage;
pub use transfer::{FileAppender, FileReader, append_all, append_slices, read_exact, read_full};

/// Whether this process holds the lock on this file. Other code must not open such a file: closing any descriptor of it
/// ends the lock.
pub fn is_locked_here(path: &Path) -> bool {
    #[cfg(unix)]
    return lock::is_held(path);
    #[cfg(not(unix))]
    {
        let _ = path;
        false
    }
}

/// The identity of a file, independent of its name: device and inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId {
    /// The file system that contains it.
    pub device: u64,
    /// Its number in that file system.
    pub inode: u64,
}

/// The kind of a file. Symbolic links are not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    Regular,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A device.
    Device,
    /// A pipe or a socket.
    Other,
}

impl FileKind {
    /// The kind in words, for error messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            FileKind::Regular => "a regular file",
            FileKind::Directory => "a directory",
            FileKind::Symlink => "a symbolic link",
            FileKind::Device => "a device",
            FileKind::Other => "a pipe or a socket",
        }
    }
}

/// A file's metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileStat {
    /// Its identity; `None` if the platform has none.
    pub id: Option<FileId>,
    /// Its kind.
    pub kind: FileKind,
    /// Visible length in bytes.
    pub len: u64,
    /// Number of its names; 0 if it was deleted while open.
    pub links: u64,
    /// Last change of its content, in nanoseconds since 1970-01-01T00:00:00Z.
    pub modified_unix_nanos: i64,
    /// Permission bits, as in `0o600`; `None` if the platform has none.
    pub mode: Option<u32>,
}

impl FileStat {
    /// Whether both are the same file. Unknown identities count as equal.
    pub fn same_file(&self, other: &FileStat) -> bool {
        match (self.id, other.id) {
            (Some(one), Some(two)) => one == two,
            _ => true,
        }
    }
}

/// How to open a file. A symbolic link as the last part of the path is refused everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenMode {
    /// For reading; it must exist.
    Read,
    /// For reading and appending; it must exist.
    Append,
    /// For reading and for overwriting in place; it must exist.
    Overwrite,
    /// For reading and appending; it must not exist. It gets exactly this mode, regardless of the process's umask.
    CreateNew {
        /// Permission bits, as in `0o644`.
        mode: u32,
    },
}

/// A file that this process holds; see [`Storage::lock`]. Dropping it releases the file.
pub struct FileLock {
    _held: Box<dyn Send>,
}

impl FileLock {
    /// A lock that is released when `held` is dropped.
    pub fn new(held: impl Send + 'static) -> FileLock {
        FileLock { _held: Box::new(held) }
    }
}

impl fmt::Debug for FileLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileLock").finish_non_exhaustive()
    }
}

/// A file system.
pub trait Storage: Send + Sync {
    /// Takes a file for this process alone and creates it with this mode if it is missing. An existing file loses the
    /// permissions that this mode lacks: every process that may open it could hold the lock.
    ///
    /// The lock ends when the value is dropped or the process ends, however it ends; a forked child does not have it.
    /// The error is `WouldBlock` if this or another process holds the file, and `Unsupported` if the file system has no
    /// locks. Nothing else in the process may open the file while it is held.
    fn lock(&self, path: &Path, mode: u32) -> io::Result<FileLock>;
    /// Opens a file.
    fn open(&self, path: &Path, how: OpenMode) -> io::Result<Box<dyn StorageFile>>;
    /// The metadata of a path; symbolic links are not followed.
    fn stat(&self, path: &Path) -> io::Result<FileStat>;
    /// The path with all symbolic links resolved, for files that are mounted as links, as secrets are. Storage without
    /// links returns the path unchanged.
    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        Ok(path.to_owned())
    }
    /// Gives the file at `from` a second name. Fails if `to` exists.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Renames, replacing `to` in one step.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file's name.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Removes an empty directory.
    fn remove_dir(&self, dir: &Path) -> io::Result<()> {
        let _ = dir;
        Err(io::ErrorKind::Unsupported.into())
    }
    /// The user that owns a path; `None` if that is unknown.
    fn owner(&self, path: &Path) -> io::Result<Option<u32>> {
        let _ = path;
        Ok(None)
    }
    /// The names in a directory, in any order.
    fn list(&self, dir: &Path) -> io::Result<Vec<OsString>>;
    /// Creates a directory and its missing parents. The directory gets exactly this mode, its parents at most it. An
    /// existing directory is left unchanged.
    fn create_dir(&self, dir: &Path, mode: u32) -> io::Result<()>;
    /// Bytes of the file system that contains a directory, free or not; `None` if that is unknown.
    fn capacity(&self, dir: &Path) -> io::Result<Option<u64>> {
        let _ = dir;
        Ok(None)
    }
    /// After `Ok`, the names in the directory survive power loss.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
}

/// An open file.
pub trait StorageFile: Send {
    /// Writes at the current end. Returns how many bytes were accepted, which may be fewer than offered.
    fn append(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize>;
    /// Where the last append ended. Others may have truncated or extended the file since.
    fn position(&self) -> io::Result<u64>;
    /// Reads at an offset. Returns 0 at the end only.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes at an offset, over existing bytes. Returns how many bytes were accepted. Only for files that were opened
    /// with [`OpenMode::Overwrite`]: with others the platform may append instead.
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let (_, _) = (bytes, offset);
        Err(io::ErrorKind::Unsupported.into())
    }
    /// Truncates the file, or extends it with zeros.
    fn set_len(&mut self, len: u64) -> io::Result<()>;
    /// The file's metadata.
    fn stat(&self) -> io::Result<FileStat>;
    /// After `Ok`, its content and length survive power loss (its name does after
    /// [`Storage::sync_dir`]).
    fn sync(&self) -> io::Result<()>;
    /// The operating system's file, for mapping it into memory; `None` if there is none.
    fn os_file(&self) -> Option<&File> {
        None
    }
}
