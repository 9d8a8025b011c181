//! Makes names survive power loss; no other code in the crate decides the order of these calls.
//!
//! A rename is atomic for running processes, but a crash may lose it, or keep it and lose the data under the new name
//! (Pillai et al., "All File Systems Are Not Created Equal", OSDI 2014). Therefore the order is: data first, then the
//! name, then the directory. These calls block on the disk: helper threads only.
use std::io;
use std::path::Path;

use super::{Storage, StorageFile};

/// The directory of a path; `.` for a name alone.
pub fn parent_dir(path: &Path) -> &Path {
    match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    }
}

/// Gives a finished file its final name. After a crash `to` refers to nothing, to its previous file, or to all of
/// `file`.
pub fn publish_durably(
    storage: &dyn Storage,
    file: &dyn StorageFile,
    from: &Path,
    to: &Path,
) -> io::Result<()> {
    file.sync()?;
    storage.rename(from, to)?;
    storage.sync_dir(parent_dir(to))
}

/// Removes a name so that it does not come back after a crash.
pub fn remove_durably(storage: &dyn Storage, path: &Path) -> io::Result<()> {
    storage.remove(path)?;
    storage.sync_dir(parent_dir(path))
}
