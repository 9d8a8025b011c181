//! Reading a log that is in use: what fails while files change under it is done again.
//!
//! A log that rotates gives its active file another name, compression and retention take files away, and a
//! checkpoint may be newer than what was read of the entries. To a reader in the middle each looks like
//! somebody's hand.
//!
//! Promises: a bounded number of tries; nothing is forgiven in a log that stands still.
use std::path::Path;

use super::source::segments;
use crate::audit::store::names::CHECKPOINTS;
use crate::storage::Storage;

/// How often a log is read that moves each time.
const TRIES_MAX: usize = 8;

/// What tells that a log has moved.
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

/// The result of `work`, which is done again as long as it is not good and the log moves meanwhile. `None`
/// if it always does.
pub(in crate::audit) fn until_stable<T>(
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

/// Why nothing can be said.
pub(in crate::audit) fn never_stable(dir: &Path) -> String {
    format!(
        "{}: was written to each of the {TRIES_MAX} times that it was read: try again, or verify a copy",
        dir.display()
    )
}
