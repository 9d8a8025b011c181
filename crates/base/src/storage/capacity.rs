//! The size of a file system.
//!
//! Invariants:
//! 1. What is passed to the system call is valid for its time: the string ends with a NUL, and the result is
//!    initialised, for which all zeros are valid.
#![allow(unsafe_code)]
use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Bytes of the file system that contains `dir`, free or not.
#[allow(clippy::unnecessary_cast, reason = "the types of the fields differ between systems")]
pub(super) fn of(dir: &Path) -> io::Result<u64> {
    let text = CString::new(dir.as_os_str().as_bytes())
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "the path contains a NUL"))?;
    // SAFETY: invariant 1.
    let mut found: libc::statvfs = unsafe { std::mem::zeroed() };
    // SAFETY: invariant 1.
    if unsafe { libc::statvfs(text.as_ptr(), &raw mut found) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // Some file systems report no fragment size.
    let unit = if found.f_frsize > 0 { found.f_frsize as u64 } else { found.f_bsize as u64 };
    Ok((found.f_blocks as u64).saturating_mul(unit))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn a_directory_has_a_file_system() {
        let dir = tempfile::tempdir().unwrap();
        assert!(super::of(dir.path()).unwrap() >= 1 << 20);
        assert!(super::of(Path::new("/no/such/dir")).is_err());
        assert!(super::of(Path::new("a\0b")).is_err());
    }
}
