//! How many log calls of each thread have returned, in a file that survives a kill.
//!
//! Promises: one store per call. The count of a thread is never above the number of its calls that have returned.
use std::io;
use std::path::{Path, PathBuf};

use ringseal_base::storage::shared_file::SharedFile;

use super::cleanup::LOG;

/// What follows the log's name in the name of such a file, before the identifier of the run.
pub(super) const SUFFIX: &str = ".calls.";
/// Bytes between the counts of two threads: they share no cache line.
const STRIDE: usize = 128;

/// The file of this run.
pub(super) struct Notes(SharedFile);

impl Notes {
    #[cfg(target_os = "linux")]
    pub(super) fn create(dir: &Path, run_id: &str, threads: u16) -> io::Result<Notes> {
        let path = dir.join(format!(".{LOG}{SUFFIX}{run_id}"));
        let len = (usize::from(threads) * STRIDE).next_multiple_of(4096);
        SharedFile::create(&path, len).map(Notes)
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn create(_: &Path, _: &str, _: u16) -> io::Result<Notes> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Notes that this many calls of a thread have returned.
    #[inline(always)]
    pub(super) fn set(&self, worker: u64, calls: u64) {
        self.0.publish(worker as usize * STRIDE, calls);
    }
}

/// The counts of a run.
#[derive(Debug)]
pub(super) struct Noted {
    pub(super) run_id: String,
    /// By thread.
    pub(super) calls: Vec<u64>,
    path: PathBuf,
}

impl Noted {
    /// Removes the file.
    pub(super) fn remove(self) -> io::Result<()> {
        std::fs::remove_file(self.path)
    }
}

/// The counts of all runs whose files are in `dir`.
pub(super) fn read_all(dir: &Path) -> io::Result<Vec<Noted>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let name = entry?.file_name();
        let rest = name.to_str().and_then(|name| name.strip_prefix('.')?.strip_prefix(LOG));
        let Some(run_id) = rest.and_then(|rest| rest.strip_prefix(SUFFIX)) else { continue };
        let path = dir.join(&name);
        let bytes = std::fs::read(&path)?;
        let word =
            |slot: &[u8]| slot.first_chunk::<8>().map_or(0, |word| u64::from_le_bytes(*word));
        let calls = bytes.chunks_exact(STRIDE).map(word).collect();
        all.push(Noted { run_id: run_id.to_owned(), calls, path });
    }
    all.sort_by(|one, two| one.run_id.cmp(&two.run_id));
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn counts_are_read_back() {
        let dir = tempfile::tempdir().expect("a directory");
        let notes = Notes::create(dir.path(), "run-1", 40).expect("room");
        notes.set(0, 7);
        notes.set(39, u64::MAX);
        let [noted] = &read_all(dir.path()).expect("readable")[..] else { panic!("one run") };
        assert_eq!(
            (noted.run_id.as_str(), noted.calls[0], noted.calls[39]),
            ("run-1", 7, u64::MAX)
        );
        assert_eq!(noted.calls[1..39], [0; 38]);
    }
}
