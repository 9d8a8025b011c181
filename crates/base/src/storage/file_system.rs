//! What kind of file system a directory is in, and how much room it has.
//!
//! Invariants:
//! 1. What is passed to the system call is valid for its time: the string ends with a NUL, and the result is
//!    initialised, for which all zeros are valid.
#![allow(unsafe_code)]
use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A kind of file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileSystem {
    /// In memory: it ends with the machine, or with its mount.
    Memory,
    /// On another machine, or served by a process: mapped memory and locks may not be what they are elsewhere.
    Remote(&'static str),
    /// Any other.
    Disk,
}

/// The kinds by the numbers of statfs(2).
#[cfg(target_os = "linux")]
const KINDS: &[(u32, FileSystem)] = &[
    (0x0102_1994, FileSystem::Memory),
    (0x8584_58f6, FileSystem::Memory),
    (0x0000_6969, FileSystem::Remote("NFS")),
    (0x0000_517b, FileSystem::Remote("SMB")),
    (0xff53_4d42, FileSystem::Remote("CIFS")),
    (0xfe53_4d42, FileSystem::Remote("SMB 2")),
    (0x6573_5546, FileSystem::Remote("FUSE")),
    (0x0102_1997, FileSystem::Remote("9p")),
    (0x00c3_6400, FileSystem::Remote("Ceph")),
    (0x5346_414f, FileSystem::Remote("AFS")),
    (0x0116_1970, FileSystem::Remote("GFS2")),
    (0x7461_636f, FileSystem::Remote("OCFS2")),
    (0x0bd0_0bd0, FileSystem::Remote("Lustre")),
];

fn c_path(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_bytes())
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "the path contains a NUL"))
}

/// The kind of file system that contains `dir`.
#[cfg(target_os = "linux")]
#[allow(clippy::unnecessary_cast, reason = "the types of the fields differ between systems")]
pub fn file_system_of(dir: &Path) -> io::Result<FileSystem> {
    let text = c_path(dir)?;
    // SAFETY: invariant 1.
    let mut found: libc::statfs = unsafe { std::mem::zeroed() };
    // SAFETY: invariant 1.
    if unsafe { libc::statfs(text.as_ptr(), &raw mut found) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let number = found.f_type as u32;
    let known = KINDS.iter().find(|(known, _)| *known == number);
    Ok(known.map_or(FileSystem::Disk, |(_, kind)| *kind))
}

/// The kind of file system that contains `dir`. Unknown on this system: a disk.
#[cfg(not(target_os = "linux"))]
pub fn file_system_of(_dir: &Path) -> io::Result<FileSystem> {
    Ok(FileSystem::Disk)
}

/// Bytes that this user may still write to the file system that contains `dir`.
#[allow(clippy::unnecessary_cast, reason = "the types of the fields differ between systems")]
pub fn available_bytes(dir: &Path) -> io::Result<u64> {
    let text = c_path(dir)?;
    // SAFETY: invariant 1.
    let mut found: libc::statvfs = unsafe { std::mem::zeroed() };
    // SAFETY: invariant 1.
    if unsafe { libc::statvfs(text.as_ptr(), &raw mut found) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let unit = if found.f_frsize > 0 { found.f_frsize as u64 } else { found.f_bsize as u64 };
    Ok((found.f_bavail as u64).saturating_mul(unit))
}

/// The effective user of this process.
pub fn user_id() -> u32 {
    // SAFETY: invariant 1 does not apply: the call takes nothing and cannot fail.
    unsafe { libc::geteuid() }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_directory_has_room_and_a_kind() {
        let dir = tempfile::tempdir().unwrap();
        assert!(available_bytes(dir.path()).unwrap() > 0);
        file_system_of(dir.path()).unwrap();
        assert!(available_bytes(Path::new("a\0b")).is_err());
        assert!(file_system_of(Path::new("/no/such/dir")).is_err());
    }

    #[cfg(all(target_os = "linux", not(miri)))]
    #[test]
    fn shared_memory_is_in_memory() {
        if Path::new("/dev/shm").is_dir() {
            assert_eq!(file_system_of(Path::new("/dev/shm")).unwrap(), FileSystem::Memory);
        }
    }
}
