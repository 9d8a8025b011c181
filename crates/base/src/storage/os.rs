//! [`OsStorage`]: the operating system's file system, through the standard library; locks are in [`super::lock`].
use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, IoSlice, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use super::{FileId, FileKind, FileLock, FileStat, OpenMode, Storage, StorageFile};

/// The operating system's file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsStorage;

impl OsStorage {
    fn open_file(path: &Path, how: OpenMode) -> io::Result<OsFile> {
        let file = open_os_file(path, how)?;
        if let OpenMode::CreateNew { mode } = how {
            force_mode(&file, mode)?;
        }
        Ok(OsFile { file })
    }
}

/// Opens a file. One that is created gets at most this mode: [`force_mode`] undoes the umask.
pub(super) fn open_os_file(path: &Path, how: OpenMode) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    match how {
        OpenMode::Read => {}
        OpenMode::Append => {
            options.append(true);
        }
        OpenMode::Overwrite => {
            options.write(true);
        }
        OpenMode::CreateNew { mode } => {
            options.append(true).create_new(true);
            set_mode(&mut options, mode);
        }
    }
    refuse_symlinks(&mut options);
    options.open(path)
}

impl Storage for OsStorage {
    #[cfg(unix)]
    fn lock(&self, path: &Path, mode: u32) -> io::Result<FileLock> {
        super::lock::lock(path, mode).map(FileLock::new)
    }

    /// Opens the file for this process alone: this platform has no `fork`, and `File::try_lock` is newer than the
    /// oldest supported compiler.
    #[cfg(windows)]
    fn lock(&self, path: &Path, _mode: u32) -> io::Result<FileLock> {
        const ERROR_SHARING_VIOLATION: i32 = 32;
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        std::os::windows::fs::OpenOptionsExt::share_mode(&mut options, 0);
        match options.open(path) {
            Err(error) if error.raw_os_error() == Some(ERROR_SHARING_VIOLATION) => {
                Err(io::ErrorKind::WouldBlock.into())
            }
            opened => opened.map(|file| FileLock::new(OsFile { file })),
        }
    }

    #[cfg(not(any(unix, windows)))]
    fn lock(&self, _path: &Path, _mode: u32) -> io::Result<FileLock> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn open(&self, path: &Path, how: OpenMode) -> io::Result<Box<dyn StorageFile>> {
        Self::open_file(path, how).map(|file| Box::new(file) as Box<dyn StorageFile>)
    }

    fn stat(&self, path: &Path) -> io::Result<FileStat> {
        fs::symlink_metadata(path).map(|metadata| stat_of(&metadata))
    }

    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        fs::canonicalize(path)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_dir(&self, dir: &Path) -> io::Result<()> {
        fs::remove_dir(dir)
    }

    #[cfg(unix)]
    fn owner(&self, path: &Path) -> io::Result<Option<u32>> {
        use std::os::unix::fs::MetadataExt;
        fs::symlink_metadata(path).map(|metadata| Some(metadata.uid()))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<OsString>> {
        fs::read_dir(dir)?.map(|entry| entry.map(|entry| entry.file_name())).collect()
    }

    #[cfg(unix)]
    fn create_dir(&self, dir: &Path, mode: u32) -> io::Result<()> {
        super::dirs::create(dir, mode)
    }

    #[cfg(not(unix))]
    fn create_dir(&self, dir: &Path, _mode: u32) -> io::Result<()> {
        fs::create_dir_all(dir)
    }

    #[cfg(unix)]
    fn capacity(&self, dir: &Path) -> io::Result<Option<u64>> {
        // File systems without a size of their own report zero.
        super::capacity::of(dir).map(|bytes| Some(bytes).filter(|bytes| *bytes > 0))
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        // Elsewhere a directory cannot be opened like a file, and the platform decides how durable names are.
        if cfg!(unix) { File::open(dir)?.sync_all() } else { Ok(()) }
    }
}

#[derive(Debug)]
struct OsFile {
    file: File,
}

impl StorageFile for OsFile {
    fn append(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.file.write_vectored(slices)
    }

    fn position(&self) -> io::Result<u64> {
        (&self.file).stream_position()
    }

    #[cfg(unix)]
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(&self.file, buffer, offset)
    }

    #[cfg(windows)]
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_read(&self.file, buffer, offset)
    }

    #[cfg(not(any(unix, windows)))]
    fn read_at(&self, _buffer: &mut [u8], _offset: u64) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }

    #[cfg(unix)]
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::write_at(&self.file, bytes, offset)
    }

    #[cfg(windows)]
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_write(&self.file, bytes, offset)
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn stat(&self) -> io::Result<FileStat> {
        self.file.metadata().map(|metadata| stat_of(&metadata))
    }

    fn sync(&self) -> io::Result<()> {
        // The length is metadata that reading needs, so `fdatasync` includes it.
        self.file.sync_data()
    }

    fn os_file(&self) -> Option<&File> {
        Some(&self.file)
    }
}

fn stat_of(metadata: &Metadata) -> FileStat {
    let kind = if metadata.is_file() {
        FileKind::Regular
    } else if metadata.is_dir() {
        FileKind::Directory
    } else if metadata.is_symlink() {
        FileKind::Symlink
    } else if is_device(metadata) {
        FileKind::Device
    } else {
        FileKind::Other
    };
    let (id, links) = identity_of(metadata);
    FileStat {
        id,
        kind,
        len: metadata.len(),
        links,
        modified_unix_nanos: modified_of(metadata),
        mode: mode_of(metadata),
    }
}

#[cfg(unix)]
fn is_device(metadata: &Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt;
    let kind = metadata.file_type();
    kind.is_block_device() || kind.is_char_device()
}

#[cfg(not(unix))]
fn is_device(_metadata: &Metadata) -> bool {
    false
}

#[cfg(unix)]
fn mode_of(metadata: &Metadata) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    Some(metadata.permissions().mode() & 0o7777)
}

#[cfg(not(unix))]
fn mode_of(_metadata: &Metadata) -> Option<u32> {
    None
}

fn modified_of(metadata: &Metadata) -> i64 {
    let Ok(modified) = metadata.modified() else { return 0 };
    match modified.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_nanos()).unwrap_or(i64::MAX),
    }
}

#[cfg(unix)]
fn identity_of(metadata: &Metadata) -> (Option<FileId>, u64) {
    use std::os::unix::fs::MetadataExt;
    (Some(FileId { device: metadata.dev(), inode: metadata.ino() }), metadata.nlink())
}

#[cfg(not(unix))]
fn identity_of(_metadata: &Metadata) -> (Option<FileId>, u64) {
    (None, 1)
}

#[cfg(unix)]
fn set_mode(options: &mut OpenOptions, mode: u32) {
    std::os::unix::fs::OpenOptionsExt::mode(options, mode);
}

#[cfg(not(unix))]
fn set_mode(_options: &mut OpenOptions, _mode: u32) {}

#[cfg(unix)]
fn refuse_symlinks(options: &mut OpenOptions) {
    // O_NONBLOCK: opening a pipe in place of the file must not hang; it has no effect on regular files.
    std::os::unix::fs::OpenOptionsExt::custom_flags(options, libc::O_NOFOLLOW | libc::O_NONBLOCK);
}

#[cfg(not(unix))]
fn refuse_symlinks(_options: &mut OpenOptions) {}

/// Gives a file exactly this mode: the umask may have taken bits from it when it was created.
#[cfg(unix)]
pub(super) fn force_mode(file: &File, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    if file.metadata()?.permissions().mode() & 0o7777 == mode {
        return Ok(());
    }
    file.set_permissions(fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn force_mode(_file: &File, _mode: u32) -> io::Result<()> {
    Ok(())
}
