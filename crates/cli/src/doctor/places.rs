//! What the system says about paths: asked, never tried, so that nothing is left.
use std::path::{Path, PathBuf};

/// Whether files can be made in a directory.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Access {
    Writable,
    /// It does not exist, and can be made below this directory.
    Creatable(PathBuf),
    Refused(String),
}

/// Whether files can be made in the directory, or the directory itself.
pub(super) fn access(dir: &Path) -> Access {
    let dir = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    let Some(existing) = dir.ancestors().find(|above| above.exists()) else {
        return Access::Refused("expected a directory, found none above it, either".into());
    };
    if !existing.is_dir() {
        return Access::Refused(format!("{} is not a directory", existing.display()));
    }
    if !is_writable(existing) {
        return Access::Refused(format!("{} cannot be written by this user", existing.display()));
    }
    match existing == dir {
        true => Access::Writable,
        false => Access::Creatable(existing.to_owned()),
    }
}

/// Whether this user can write a file, or make files in a directory.
#[cfg(unix)]
pub(super) fn is_writable(path: &Path) -> bool {
    use rustix::fs::{Access, access};
    let enter = if path.is_dir() { Access::EXEC_OK } else { Access::empty() };
    access(path, Access::WRITE_OK | enter).is_ok()
}

#[cfg(not(unix))]
pub(super) fn is_writable(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| !metadata.permissions().readonly())
}

/// Free bytes of the file system for this user.
#[cfg(unix)]
pub(super) fn free_bytes(dir: &Path) -> Option<u64> {
    let stat = rustix::fs::statvfs(dir).ok()?;
    stat.f_bavail.checked_mul(stat.f_frsize)
}

#[cfg(not(unix))]
pub(super) fn free_bytes(_: &Path) -> Option<u64> {
    None
}

/// The mode of a file or directory that others can write.
#[cfg(unix)]
pub(super) fn open_mode(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    let mode = path.metadata().ok()?.permissions().mode() & 0o7777;
    (mode & 0o002 != 0).then_some(mode)
}

#[cfg(not(unix))]
pub(super) fn open_mode(_: &Path) -> Option<u32> {
    None
}

/// A file in the directory that group or others can read, except public keys.
#[cfg(unix)]
pub(super) fn readable_by_others(dir: &Path) -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    let entries = std::fs::read_dir(dir).ok()?.filter_map(Result::ok);
    entries.map(|entry| entry.path()).find(|path| {
        let is_public = path.extension().is_some_and(|extension| extension == "pub");
        let mode = path.metadata().map_or(0, |metadata| metadata.permissions().mode());
        path.is_file() && !is_public && mode & 0o077 != 0
    })
}

#[cfg(not(unix))]
pub(super) fn readable_by_others(_: &Path) -> Option<PathBuf> {
    None
}

/// Whether the directory, or the first one above it that exists, is in memory; `None` if that is not known.
#[cfg(target_os = "linux")]
pub(super) fn is_in_memory(dir: &Path) -> Option<bool> {
    // TMPFS_MAGIC and RAMFS_MAGIC of `linux/magic.h`.
    const IN_MEMORY: [i64; 2] = [0x0102_1994, 0x8584_58f6];
    let existing = dir.ancestors().find(|above| above.exists())?;
    let stat = rustix::fs::statfs(existing).ok()?;
    Some(IN_MEMORY.contains(&(stat.f_type as i64)))
}

#[cfg(not(target_os = "linux"))]
pub(super) fn is_in_memory(_: &Path) -> Option<bool> {
    None
}
