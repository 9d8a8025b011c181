//! Creates directories relative to open directories, so that no step follows a link that others put in its place.
//!
//! A path is resolved as usual up to the last directory that exists. Each missing one is created in the open parent,
//! opened without following links, and gets its mode through that descriptor: a link or another directory that replaces
//! it in between is an error, and what the link refers to is left unchanged.
//!
//! Invariants:
//! 1. What is passed to a system call is valid for the time of the call: strings end with a NUL, and descriptors are
//!    open because they are borrowed.
//! 2. A descriptor becomes an `OwnedFd` once, right after the system returned it.
#![allow(unsafe_code)]
use std::ffi::{CString, OsStr};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};

/// A directory to look names up in: an open one, or the working directory.
#[derive(Clone, Copy)]
enum In<'a> {
    WorkingDir,
    Dir(BorrowedFd<'a>),
}

impl In<'_> {
    fn raw(self) -> i32 {
        match self {
            In::WorkingDir => libc::AT_FDCWD,
            In::Dir(dir) => dir.as_raw_fd(),
        }
    }
}

/// Only to look names up: needs no permission to read the directory.
#[cfg(any(target_os = "linux", target_os = "android"))]
const LOOK_UP: i32 = libc::O_PATH;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const LOOK_UP: i32 = libc::O_RDONLY;

/// Creates a directory with exactly this mode, and its missing parents with at most it. Directories that exist are left
/// unchanged.
pub(super) fn create(dir: &Path, mode: u32) -> io::Result<()> {
    match open(In::WorkingDir, dir.as_os_str(), LOOK_UP) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(dir, mode, true).map(drop),
        opened => opened.map(drop),
    }
}

/// Opens a directory, or creates it in its parent.
fn open_or_make(dir: &Path, mode: u32) -> io::Result<OwnedFd> {
    if dir.as_os_str().is_empty() {
        return open(In::WorkingDir, OsStr::new("."), LOOK_UP);
    }
    match open(In::WorkingDir, dir.as_os_str(), LOOK_UP) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(dir, mode, false),
        opened => opened,
    }
}

fn make(dir: &Path, mode: u32, is_exact: bool) -> io::Result<OwnedFd> {
    let (Some(parent), Some(name)) = (dir.parent(), dir.components().next_back()) else {
        return Err(io::ErrorKind::NotFound.into());
    };
    let parent = open_or_make(parent, mode)?;
    let parent = In::Dir(borrowed(&parent));
    let name = match name {
        Component::Normal(name) => name,
        // `..` of a directory that has just been created: it exists.
        other => return open(parent, other.as_os_str(), LOOK_UP),
    };
    let text = c_string(name)?;
    // SAFETY: invariant 1.
    if unsafe { libc::mkdirat(parent.raw(), text.as_ptr(), mode as libc::mode_t) } != 0 {
        let error = io::Error::last_os_error();
        // Another process created it at the same time.
        let exists = error.kind() == io::ErrorKind::AlreadyExists;
        return if exists { open(parent, name, LOOK_UP) } else { Err(error) };
    }
    if is_exact {
        open_with_mode(parent, name, mode)
    } else {
        open(parent, name, LOOK_UP | NO_LINK)
    }
}

const NO_LINK: i32 = libc::O_NOFOLLOW;

/// Opens the directory that was just created, and gives it the bits that the umask took.
fn open_with_mode(parent: In<'_>, name: &OsStr, mode: u32) -> io::Result<OwnedFd> {
    let dir = match open(parent, name, libc::O_RDONLY | NO_LINK) {
        // The umask took the permission to read it.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let text = c_string(name)?;
            let flags = libc::AT_SYMLINK_NOFOLLOW;
            // SAFETY: invariant 1.
            let changed =
                unsafe { libc::fchmodat(parent.raw(), text.as_ptr(), mode as libc::mode_t, flags) };
            if changed != 0 {
                return Err(io::Error::last_os_error());
            }
            open(parent, name, LOOK_UP | NO_LINK)?
        }
        opened => opened?,
    };
    super::os::force_mode(&std::fs::File::from(dir.try_clone()?), mode).map(|()| dir)
}

fn open(parent: In<'_>, name: &OsStr, flags: i32) -> io::Result<OwnedFd> {
    let text = c_string(name)?;
    let flags = flags | libc::O_DIRECTORY | libc::O_CLOEXEC;
    loop {
        // SAFETY: invariant 1.
        let opened = unsafe { libc::openat(parent.raw(), text.as_ptr(), flags) };
        if opened >= 0 {
            // SAFETY: invariant 2.
            return Ok(unsafe { OwnedFd::from_raw_fd(opened) });
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

fn borrowed(dir: &OwnedFd) -> BorrowedFd<'_> {
    std::os::fd::AsFd::as_fd(dir)
}

fn c_string(name: &OsStr) -> io::Result<CString> {
    CString::new(name.as_bytes())
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "the path contains a NUL"))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::Path;

    use super::*;

    fn mode_of(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn missing_directories_are_created_and_others_unchanged() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        fs::create_dir(at("real")).unwrap();
        fs::set_permissions(at("real"), fs::Permissions::from_mode(0o711)).unwrap();
        symlink(at("real"), at("link")).unwrap();
        fs::write(at("file"), b"").unwrap();
        let rows = [
            ("a new directory", "one", Some(("one", 0o770))),
            ("with parents", "two/three/four", Some(("two/three/four", 0o770))),
            ("a directory that exists", "real", Some(("real", 0o711))),
            ("a link to one", "link", Some(("real", 0o711))),
            ("below a link", "link/five", Some(("real/five", 0o770))),
            ("a trailing slash", "six/", Some(("six", 0o770))),
            ("back and forth", "seven/../eight", Some(("eight", 0o770))),
            ("a dot", "nine/./ten", Some(("nine/ten", 0o770))),
            ("a file in its place", "file", None),
            ("below a file", "file/eleven", None),
        ];
        for (name, path, expected) in rows {
            let created = create(&at(path), 0o770);
            match expected {
                Some((path, mode)) => {
                    created.unwrap_or_else(|error| panic!("{name}: {error}"));
                    assert_eq!(mode_of(&at(path)), mode, "{name}");
                }
                None => assert!(created.is_err(), "{name}"),
            }
        }
    }

    /// The moment between the creation of a directory and the change of its mode: a link has taken its place.
    #[test]
    fn a_link_in_between_is_not_followed() {
        let root = tempfile::tempdir().unwrap();
        let victim = root.path().join("victim");
        fs::create_dir(&victim).unwrap();
        fs::set_permissions(&victim, fs::Permissions::from_mode(0o755)).unwrap();
        symlink(&victim, root.path().join("logs")).unwrap();
        let parent = open(In::WorkingDir, root.path().as_os_str(), LOOK_UP).unwrap();
        let opened = open_with_mode(In::Dir(borrowed(&parent)), OsStr::new("logs"), 0o700);
        assert!(opened.is_err());
        assert_eq!(mode_of(&victim), 0o755);
    }
}
