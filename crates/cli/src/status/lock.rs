//! Which process holds a lock, without taking it.
use std::io;
use std::path::Path;

/// The process that holds a lock: its number, if it is known here. Another container's process has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Holder(pub(crate) Option<u32>);

/// The holder of a lock file; `None` if no process has it, or it is missing.
///
/// # Errors
/// If the system cannot say.
#[cfg(unix)]
pub(crate) fn holder(path: &Path) -> io::Result<Option<Holder>> {
    use rustix::process::{Flock, FlockType, fcntl_getlk};
    // Closing the file would end a lock that this process has: it has none.
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let found = fcntl_getlk(&file, &Flock::from(FlockType::ReadLock))?;
    Ok(found.map(|lock| {
        let pid = lock.pid.map(|pid| pid.as_raw_nonzero().get());
        Holder(pid.and_then(|pid| u32::try_from(pid).ok()))
    }))
}

/// The holder of a lock file, which is unknown on this system.
#[cfg(not(unix))]
pub(crate) fn holder(_: &Path) -> io::Result<Option<Holder>> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "locks cannot be inspected on this system"))
}
