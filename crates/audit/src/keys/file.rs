//! Files that hold secrets.
//!
//! Promises: those of [`super`]. After a crash during a replacement there is the old file or the new one, and perhaps a
//! `.tmp` file beside it, which the next replacement wipes.
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::KeyError;
use ringseal_base::storage::{
    FileKind, OpenMode, Storage, StorageFile, append_all, parent_dir, publish_durably, read_full,
    remove_durably,
};

const SECRET_MODE: u32 = 0o600;
/// Longest key file.
const KEY_BYTES_MAX: u64 = 4096;

fn io_error(path: &Path) -> impl Fn(io::Error) -> KeyError + '_ {
    move |source| match source.kind() {
        io::ErrorKind::AlreadyExists => KeyError::Exists { path: path.to_owned() },
        _ => KeyError::Io { path: path.to_owned(), source },
    }
}

/// Fails if the path exists.
pub(super) fn refuse_existing(storage: &dyn Storage, path: &Path) -> Result<(), KeyError> {
    match storage.stat(path) {
        Ok(_) => Err(KeyError::Exists { path: path.to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(io_error(path)(error)),
    }
}

pub(super) fn create_dir(storage: &dyn Storage, dir: &Path) -> Result<(), KeyError> {
    storage.create_dir(dir, 0o700).map_err(io_error(dir))
}

/// Creates a file that must not exist, durably.
pub(super) fn create(
    storage: &dyn Storage,
    path: &Path,
    bytes: &[u8],
    mode: u32,
) -> Result<(), KeyError> {
    let mut file = storage.open(path, OpenMode::CreateNew { mode }).map_err(io_error(path))?;
    append_all(file.as_mut(), bytes).map_err(io_error(path))?;
    file.sync().map_err(io_error(path))?;
    storage.sync_dir(parent_dir(path)).map_err(io_error(path))
}

/// Creates a secret with mode 0600, durably. It must not exist.
pub fn create_secret(storage: &dyn Storage, path: &Path, bytes: &[u8]) -> Result<(), KeyError> {
    create(storage, path, bytes, SECRET_MODE)
}

/// Loads a secret that only its owner can read.
pub fn load_secret(storage: &dyn Storage, path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    load(storage, path, true)
}

/// Loads a public key.
pub(super) fn load_public(storage: &dyn Storage, path: &Path) -> Result<Vec<u8>, KeyError> {
    load(storage, path, false).map(|bytes| bytes.to_vec())
}

fn load(
    storage: &dyn Storage,
    path: &Path,
    is_secret: bool,
) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let named = storage.stat(path).map_err(io_error(path))?;
    if named.kind != FileKind::Regular {
        return Err(KeyError::Kind { path: path.to_owned(), found: named.kind.as_str() });
    }
    let file = storage.open(path, OpenMode::Read).map_err(io_error(path))?;
    // The metadata of the opened file, not of the file that now has this name.
    let stat = file.stat().map_err(io_error(path))?;
    match stat.mode {
        Some(mode) if is_secret && mode & 0o177 != 0 => {
            return Err(KeyError::Permissions { path: path.to_owned(), mode });
        }
        _ => {}
    }
    if stat.len > KEY_BYTES_MAX {
        let expected = "a key of at most 4096 bytes";
        return Err(KeyError::Content { path: path.to_owned(), expected });
    }
    let mut bytes = Zeroizing::new(vec![0; stat.len as usize]);
    let filled = read_full(&*file, &mut bytes, 0).map_err(io_error(path))?;
    bytes.truncate(filled);
    Ok(bytes)
}

/// Replaces a secret in one step and then overwrites the old file's bytes. The old file may be missing.
pub fn replace_secret(storage: &dyn Storage, path: &Path, bytes: &[u8]) -> Result<(), KeyError> {
    let temporary = temporary_path(path);
    wipe_secret(storage, &temporary)?;
    let create = OpenMode::CreateNew { mode: SECRET_MODE };
    let mut file = storage.open(&temporary, create).map_err(io_error(&temporary))?;
    append_all(file.as_mut(), bytes).map_err(io_error(&temporary))?;
    let old = open_old(storage, path)?;
    publish_durably(storage, file.as_ref(), &temporary, path).map_err(io_error(path))?;
    match old {
        Some(mut old) => overwrite(old.as_mut()).map_err(io_error(path)),
        None => Ok(()),
    }
}

/// Overwrites a secret's bytes and removes it, durably. It may be missing.
pub fn wipe_secret(storage: &dyn Storage, path: &Path) -> Result<(), KeyError> {
    match open_old(storage, path)? {
        Some(mut file) => {
            overwrite(file.as_mut()).map_err(io_error(path))?;
            remove_durably(storage, path).map_err(io_error(path))
        }
        None => Ok(()),
    }
}

fn open_old(storage: &dyn Storage, path: &Path) -> Result<Option<Box<dyn StorageFile>>, KeyError> {
    match storage.open(path, OpenMode::Overwrite) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io_error(path)(error)),
    }
}

fn overwrite(file: &mut dyn StorageFile) -> io::Result<()> {
    const ZEROS: [u8; 512] = [0; 512];
    let len = file.stat()?.len;
    let mut at = 0;
    while at < len {
        let count = (len - at).min(ZEROS.len() as u64) as usize;
        match file.write_at(&ZEROS[..count], at) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(taken) => at += taken as u64,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    file.sync()
}

/// `path` with `.tmp` appended to its name.
fn temporary_path(path: &Path) -> PathBuf {
    let mut name = OsString::from(path.as_os_str());
    name.push(".tmp");
    PathBuf::from(name)
}
