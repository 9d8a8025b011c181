//! Reads a log that is in use: a read that fails while files change is repeated.
//!
//! Rotation renames the active file, compression and retention remove files, and a checkpoint may be newer than the
//! entries that were read. To a concurrent reader, each of these looks like tampering.
//!
//! Promises: a bounded number of attempts; no failure is ignored in a log that did not change.
use std::path::Path;

use super::source::segments;
use crate::store::names::CHECKPOINTS;
use ringseal_base::storage::Storage;

/// Attempts to read a log that changes each time.
const TRIES_MAX: usize = 8;

/// Properties of the files that show whether a log has changed.
#[derive(PartialEq, Eq)]
struct State {
    /// `None` if they cannot be listed.
    files: Option<Vec<String>>,
    checkpoint_bytes: Option<u64>,
}

impl State {
    fn of(storage: &dyn Storage, dir: &Path) -> State {
        let names = |found: Vec<super::source::Segment>| found.into_iter().map(|one| one.file);
        State {
            files: segments(storage, dir).ok().map(|found| names(found).collect()),
            checkpoint_bytes: storage.stat(&dir.join(CHECKPOINTS)).ok().map(|stat| stat.len),
        }
    }
}

/// Runs `work` until its result is good or the log did not change meanwhile. `None` if the log changed
/// during every attempt.
pub(crate) fn until_stable<T>(
    storage: &dyn Storage,
    dir: &Path,
    mut work: impl FnMut() -> T,
    is_good: impl Fn(&T) -> bool,
) -> Option<T> {
    for _ in 0..TRIES_MAX {
        let before = State::of(storage, dir);
        let result = work();
        if is_good(&result) || before == State::of(storage, dir) {
            return Some(result);
        }
    }
    None
}

/// The message for a log that changed during every attempt.
pub(crate) fn never_stable(dir: &Path) -> String {
    format!(
        "{}: the log changed during each of {TRIES_MAX} attempts to read it: try again, or verify a copy",
        dir.display()
    )
}
