//! What the commands of `ringseal` show of homes, of live runs and of dead ones.
//!
//! Promises: files are read and nothing is changed; no lock is taken, so no start takes a home for one in use. The
//! numbers of a live run are each of a moment of the call, not all of the same one.
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::dead::{ASIDE, ClaimError, DeadHome};
use super::engine_file::{RunFacts, SinkFacts, State};
use super::engine_image::{untold, word};
use super::layout::{self, engine as at};
use crate::metrics::LevelCounts;
use ringseal_base::storage::{FileKind, OpenMode, Storage, read_exact};

/// What a home says about its run.
#[derive(Debug, Clone)]
pub struct HomeFacts {
    /// Its directory.
    pub dir: PathBuf,
    /// The run.
    pub run: RunFacts,
    /// What the run, or its recovery, was doing.
    pub state: Option<State>,
    /// Whether its pages may be from any time, because the machine has restarted since.
    pub is_same_boot: bool,
    /// Whether recovery has failed too often.
    pub has_failed: bool,
    /// When the run noted its clock last, about once a second; 0 if it never did.
    pub clock_unix_nanos: i64,
    /// Lanes with a ring in the home.
    pub rings: u64,
    /// Rings that contradict themselves.
    pub unreadable_rings: u64,
    /// Lanes whose rings are in private memory.
    pub unbacked_lanes: u64,
    /// Bytes of records that wait in the rings.
    pub waiting_bytes: u64,
    /// Events that were lost and not reported.
    pub lost: LevelCounts,
    /// The sinks, each with the lines that it says are in place.
    pub sinks: Vec<(SinkFacts, u64)>,
}

/// The directory that [`Rings::auto`](crate::Rings::auto) uses.
pub fn auto_dir() -> PathBuf {
    let user = ringseal_base::storage::file_system::user_id();
    Path::new("/dev/shm").join(format!("ringseal-{user}"))
}

/// Whether a home was set aside.
pub fn is_aside(dir: &Path) -> bool {
    dir.to_string_lossy().ends_with(ASIDE)
}

/// The directories in `ring_dir` that may be homes, with those that were set aside, oldest first. Those without a
/// description are the remains of a start or an end.
///
/// # Errors
/// If the directory cannot be listed.
pub fn homes(storage: &dyn Storage, ring_dir: &Path) -> io::Result<Vec<PathBuf>> {
    let dirs = storage.list(ring_dir)?.into_iter().map(|name| ring_dir.join(name));
    let is_dir = |dir: &PathBuf| {
        storage.stat(dir).is_ok_and(|stat| stat.kind == FileKind::Directory)
            && storage.stat(&dir.join(layout::ENGINE)).is_ok()
    };
    let mut homes: Vec<PathBuf> = dirs.filter(is_dir).collect();
    homes.sort();
    Ok(homes)
}

/// The lock file of a home.
pub fn lock_path(dir: &Path) -> PathBuf {
    dir.join(layout::LOCK)
}

/// Whether a directory is a home.
pub fn is_home(storage: &dyn Storage, dir: &Path) -> bool {
    storage.stat(&dir.join(layout::ENGINE)).is_ok()
}

/// Reads what a home says.
///
/// # Errors
/// If its description cannot be read. A ring that cannot be read is counted.
pub fn inspect(storage: &Arc<dyn Storage>, dir: &Path) -> Result<HomeFacts, ClaimError> {
    let home = DeadHome::look(storage, dir)?;
    let clock_unix_nanos = clock_time(&**storage, dir)?;
    let has_failed = home.has_failed();
    let mut facts = HomeFacts {
        dir: dir.to_owned(),
        state: home.image.state,
        is_same_boot: home.image.run.boot == super::boot::boot_id(),
        has_failed,
        clock_unix_nanos,
        rings: 0,
        unreadable_rings: 0,
        unbacked_lanes: home.image.unbacked,
        waiting_bytes: 0,
        lost: untold(home.image.unplaced.0, home.image.unplaced.1),
        sinks: sinks_of(&home),
        run: home.image.run.clone(),
    };
    for ring in home.rings()? {
        match waiting_bytes(&home, ring) {
            Ok(bytes) => facts.waiting_bytes += bytes,
            // The lane has ended since.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(_) => facts.unreadable_rings += 1,
        }
        facts.rings += 1;
        let (lost, told) = home.lane(ring).0.losses();
        let lost = untold(lost, told);
        (0..lost.0.len()).for_each(|level| facts.lost.0[level] += lost.0[level]);
    }
    Ok(facts)
}

fn sinks_of(home: &DeadHome) -> Vec<(SinkFacts, u64)> {
    let sinks = home.image.sinks.iter();
    sinks.map(|sink| (sink.facts.clone(), sink.committed.lines)).collect()
}

/// How often a ring is read that its owner changes meanwhile.
const TRIES: usize = 20;

fn waiting_bytes(home: &DeadHome, ring: u64) -> io::Result<u64> {
    let mut result = home.ring(ring);
    for _ in 1..TRIES {
        match &result {
            Err(error) if error.kind() == io::ErrorKind::InvalidData => result = home.ring(ring),
            _ => break,
        }
    }
    result.map(|ring| ring.waiting_bytes() as u64)
}

/// When the clock was noted last.
fn clock_time(storage: &dyn Storage, dir: &Path) -> io::Result<i64> {
    let file = storage.open(&dir.join(layout::ENGINE), OpenMode::Read)?;
    let mut bytes = [0; at::CLOCKS_AT[1] + 64];
    read_exact(&*file, &mut bytes, 0)?;
    let newest = (word(&bytes, at::CLOCK_INDEX_AT) & 1) as usize;
    Ok(word(&bytes, at::CLOCKS_AT[newest] + 24) as i64)
}
