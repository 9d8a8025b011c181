//! Keyset files.
//!
//! Promises: a file that others can read or change is refused. A keyset is written whole or not at all: a crash leaves
//! the old file or the new one, and at most an unused file `….new`. A new keyset never replaces an existing file;
//! adding a key keeps the old ones, and two processes that add keys at once do so one after the other, or one gets an
//! error. All calls block on the disk; the writer thread must not make them.

use std::io;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::error::KeysetError;
use super::keyset::Keyset;
use ringseal_base::storage::{
    FileKind, FileStat, OpenMode, Storage, StorageFile, append_all, parent_dir, publish_durably,
    read_full,
};

/// Most bytes of a keyset file.
pub const KEYSET_BYTES_MAX: u64 = 1 << 20;

/// Permission bits of a new keyset file: only its owner can read it.
pub const KEYSET_MODE: u32 = 0o600;

/// The users who may read a keyset file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Readers {
    /// Its owner.
    #[default]
    Owner,
    /// Its group as well, as orchestrators mount secrets for a process that is not root.
    Group,
}

impl Readers {
    /// Permission bits that must not be set.
    #[cfg_attr(not(unix), expect(dead_code, reason = "this platform has no permission bits"))]
    const fn refused(self) -> u32 {
        match self {
            Readers::Owner => 0o077,
            Readers::Group => 0o037,
        }
    }
}

impl Keyset {
    /// Reads the keyset file at `path`. Symbolic links are followed: that is how secrets are mounted.
    ///
    /// Refuses files that anyone but the owner has permissions to (on Unix), files that are not regular,
    /// and files longer than [`KEYSET_BYTES_MAX`].
    pub fn open(storage: &dyn Storage, path: &Path) -> Result<Keyset, KeysetError> {
        load(storage, path, Readers::Owner).map(|(keyset, _)| keyset)
    }

    /// Writes a new keyset file with mode [`KEYSET_MODE`]; [`KeysetError::Exists`] if there is one.
    pub fn create(&self, storage: &dyn Storage, path: &Path) -> Result<(), KeysetError> {
        let failed = |action| move |error| io_error(path, action, error);
        match storage.stat(path) {
            Ok(_) => return Err(KeysetError::Exists { file: name(path) }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed("look up")(error)),
        }
        let new = beside(path, &format!(".{}.new", std::process::id()));
        let mut file = storage
            .open(&new, OpenMode::CreateNew { mode: KEYSET_MODE })
            .map_err(failed("create"))?;
        // A link, not a rename: it never replaces a file that was created in the meantime.
        let written = append_all(&mut *file, &self.to_json())
            .and_then(|()| file.sync())
            .and_then(|()| storage.link(&new, path));
        let removed = storage.remove(&new);
        match written {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(KeysetError::Exists { file: name(path) })
            }
            written => written
                .and(removed)
                .and_then(|()| storage.sync_dir(parent_dir(path)))
                .map_err(failed("write")),
        }
    }

    /// Changes the keyset file at `path` and returns the new keyset. The new file has the owner and
    /// permissions of the old one. If `change` fails, the file is unchanged.
    ///
    /// A lock on `….lock` beside the file prevents two changes at once; the second one gets an error. Unknown fields
    /// would be lost, and are an error.
    pub fn change(
        storage: &dyn Storage,
        path: &Path,
        change: impl FnOnce(&mut Keyset) -> Result<(), KeysetError>,
    ) -> Result<Keyset, KeysetError> {
        let failed = |action| move |error| io_error(path, action, error);
        let path = &*storage.resolve(path).map_err(failed("find"))?;
        let _lock = match storage.lock(&beside(path, ".lock"), KEYSET_MODE) {
            Ok(lock) => Some(lock),
            // This file system has no locks: the user must not change the file twice at once.
            Err(error) if error.kind() == io::ErrorKind::Unsupported => None,
            Err(error) => return Err(io_error(path, "lock", error)),
        };
        // A file mounted for a group can be changed, too: it keeps its permissions.
        let (mut keyset, old) = load(storage, path, Readers::Group)?;
        if let Some(field) = keyset.unknown_field() {
            return Err(KeysetError::Field {
                file: name(path),
                field: field.to_owned(),
                expected: "no field that rewriting the file would lose".to_owned(),
                found: "one".to_owned(),
            });
        }
        change(&mut keyset)?;
        replace(storage, path, &*old, &keyset.to_json()).map_err(failed("write"))?;
        Ok(keyset)
    }
}

/// Replaces `old` by a file with this text. The caller holds the lock.
fn replace(
    storage: &dyn Storage,
    path: &Path,
    old: &dyn StorageFile,
    text: &[u8],
) -> io::Result<()> {
    let new = beside(path, ".new");
    match storage.remove(&new) {
        // A change that a crash interrupted has left this file.
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let mut file = storage.open(&new, OpenMode::CreateNew { mode: KEYSET_MODE })?;
    let written = append_all(&mut *file, text)
        .and_then(|()| keep_owner(old, &*file))
        .and_then(|()| publish_durably(storage, &*file, &new, path));
    if written.is_err() {
        // It may already have its final name; then there is nothing to remove.
        let _ = storage.remove(&new);
    }
    written
}

/// Reads a keyset file and also returns the open file, whose metadata belongs to the text that was read.
pub(super) fn load(
    storage: &dyn Storage,
    path: &Path,
    readers: Readers,
) -> Result<(Keyset, Box<dyn StorageFile>), KeysetError> {
    let failed = |error| io_error(path, "read", error);
    let file = storage
        .resolve(path)
        .and_then(|real| storage.open(&real, OpenMode::Read))
        .map_err(failed)?;
    check_permissions(path, &*file, readers)?;
    let stat = file.stat().map_err(failed)?;
    check_shape(path, &stat)?;
    let text = contents(&*file, stat.len).map_err(failed)?;
    Ok((Keyset::parse(&text, &name(path))?, file))
}

fn check_shape(path: &Path, stat: &FileStat) -> Result<(), KeysetError> {
    let (expected, found) = if stat.kind != FileKind::Regular {
        ("a regular file".to_owned(), stat.kind.as_str().to_owned())
    } else if stat.len > KEYSET_BYTES_MAX {
        (format!("{KEYSET_BYTES_MAX} bytes at most"), format!("{} bytes", stat.len))
    } else {
        return Ok(());
    };
    Err(KeysetError::Field { file: name(path), field: "the file".to_owned(), expected, found })
}

/// The first `len` bytes; fewer if the file was truncated meanwhile.
fn contents(file: &dyn StorageFile, len: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut text = Zeroizing::new(vec![0; usize::try_from(len).unwrap_or(0)]);
    let read = read_full(file, &mut text, 0)?;
    text.truncate(read);
    Ok(text)
}

#[cfg(unix)]
fn check_permissions(
    path: &Path,
    file: &dyn StorageFile,
    readers: Readers,
) -> Result<(), KeysetError> {
    use std::os::unix::fs::PermissionsExt;
    let Some(file) = file.os_file() else { return Ok(()) };
    let metadata = file.metadata().map_err(|error| io_error(path, "read", error))?;
    let found = metadata.permissions().mode() & 0o7777;
    let refused = readers.refused();
    if found & refused == 0 {
        return Ok(());
    }
    Err(KeysetError::Permissions { file: name(path), found, refused })
}

#[cfg(not(unix))]
fn check_permissions(
    _path: &Path,
    _file: &dyn StorageFile,
    _readers: Readers,
) -> Result<(), KeysetError> {
    Ok(())
}

/// Gives `new` the owner, group and permissions of `old`: the user who changes a keyset often differs from the user who
/// reads it.
#[cfg(unix)]
fn keep_owner(old: &dyn StorageFile, new: &dyn StorageFile) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};
    let (Some(old), Some(new)) = (old.os_file(), new.os_file()) else { return Ok(()) };
    let (was, is) = (old.metadata()?, new.metadata()?);
    if (was.uid(), was.gid()) != (is.uid(), is.gid()) {
        fchown(new, Some(was.uid()), Some(was.gid()))?;
    }
    new.set_permissions(was.permissions())
}

#[cfg(not(unix))]
fn keep_owner(_old: &dyn StorageFile, _new: &dyn StorageFile) -> io::Result<()> {
    Ok(())
}

fn io_error(path: &Path, action: &'static str, source: io::Error) -> KeysetError {
    KeysetError::Io { file: name(path), action, source }
}

pub(super) fn name(path: &Path) -> String {
    path.display().to_string()
}

/// The path with `ending` appended to its name.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}
