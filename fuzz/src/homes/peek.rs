//! A home that its run changes while it is read, and that somebody damages meanwhile.
//!
//! The files are those of a live run at several moments. Between two reads, of which each may return only some of the
//! bytes, the run goes on to its next moment, or bytes change.
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arbitrary::Arbitrary;

use super::change::Change;
use super::scene::LIVE;
use super::{Files, Identity, RINGS, identity_of, scene};
use crate::json_of;
use ringseal::internals::recover::{DeadHome, From, Showing, inspect, show};
use ringseal::system::{FileKind, FileLock, FileStat, OpenMode, Storage, StorageFile};
use ringseal_counting_allocator::peak_bytes;

/// What `peek` may take beyond the bytes of the files.
const FIXED_BYTES: usize = 4 << 20;
/// And for each lane.
const LANE_BYTES: usize = 64 << 10;

/// What happens while the home is read.
#[derive(Debug, Clone, Arbitrary)]
pub struct Course {
    /// The moment at which reading begins.
    pub moment: u8,
    /// A read returns at most as many bytes.
    pub read_bytes_max: u16,
    /// What happens, in order.
    pub steps: Vec<Step>,
    /// Whether what was given back is shown, too.
    pub has_history: bool,
}

/// Something that happens after some reads.
#[derive(Debug, Clone, Arbitrary)]
pub struct Step {
    /// How many reads after the step before.
    pub reads: u8,
    /// What; `None`: the run goes on to its next moment.
    pub change: Option<Change>,
}

#[derive(Debug)]
struct State {
    files: Files,
    moment: usize,
    read_bytes_max: usize,
    /// The next one last.
    steps: Vec<Step>,
    reads_left: u64,
    has_other_data: bool,
    has_changed: bool,
}

impl State {
    fn new(course: &Course) -> State {
        let moments = &scene().moments;
        let moment = usize::from(course.moment) % moments.len();
        let mut steps: Vec<Step> = course.steps.iter().take(20).cloned().collect();
        steps.reverse();
        State {
            files: moments[moment].clone(),
            moment,
            // Shorter reads take long, and find nothing else.
            read_bytes_max: usize::from(course.read_bytes_max).max(64),
            reads_left: steps.last().map_or(0, |step| step.reads.into()),
            steps,
            has_other_data: false,
            has_changed: false,
        }
    }

    /// Notes a read, and lets happen what is due.
    fn note_read(&mut self) {
        while self.reads_left == 0 {
            let Some(step) = self.steps.pop() else { return };
            self.take(&step);
            self.reads_left = self.steps.last().map_or(0, |step| u64::from(step.reads));
            if self.steps.is_empty() {
                return;
            }
        }
        self.reads_left -= 1;
    }

    fn take(&mut self, step: &Step) {
        self.has_changed = true;
        match &step.change {
            Some(change) => self.has_other_data |= change.apply(&mut self.files).has_other_data,
            None => {
                let moments = &scene().moments;
                self.moment = (self.moment + 1).min(moments.len() - 1);
                // What was damaged is damaged until the run stores something else there.
                self.files = moments[self.moment].clone();
            }
        }
    }
}

/// The files as they change.
#[derive(Debug, Clone)]
struct Changing(Arc<Mutex<State>>);

impl Changing {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn len(&self, path: &Path) -> io::Result<u64> {
        let state = self.state();
        state.files.get(path).map(|bytes| bytes.len() as u64).ok_or(io::ErrorKind::NotFound.into())
    }
}

fn unsupported<T>() -> io::Result<T> {
    Err(io::ErrorKind::Unsupported.into())
}

impl Storage for Changing {
    fn lock(&self, _: &Path, _: u32) -> io::Result<FileLock> {
        Err(io::ErrorKind::WouldBlock.into())
    }

    fn open(&self, path: &Path, how: OpenMode) -> io::Result<Box<dyn StorageFile>> {
        assert_eq!(how, OpenMode::Read, "nothing is changed");
        self.len(path)?;
        Ok(Box::new(OpenFile { all: self.clone(), path: path.to_owned() }))
    }

    fn stat(&self, path: &Path) -> io::Result<FileStat> {
        let is_dir = path == Path::new(LIVE) || path == Path::new(RINGS);
        let len = if is_dir { 0 } else { self.len(path)? };
        let kind = if is_dir { FileKind::Directory } else { FileKind::Regular };
        Ok(FileStat { id: None, kind, len, links: 1, modified_unix_nanos: 0, mode: None })
    }

    fn link(&self, _: &Path, _: &Path) -> io::Result<()> {
        unsupported()
    }

    fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
        unsupported()
    }

    fn remove(&self, _: &Path) -> io::Result<()> {
        unsupported()
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<OsString>> {
        let mut state = self.state();
        state.note_read();
        let names = state.files.keys().filter(|path| path.parent() == Some(dir));
        Ok(names.filter_map(|path| Some(path.file_name()?.to_owned())).collect())
    }

    fn create_dir(&self, _: &Path, _: u32) -> io::Result<()> {
        unsupported()
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        unsupported()
    }
}

struct OpenFile {
    all: Changing,
    path: PathBuf,
}

impl StorageFile for OpenFile {
    fn append(&mut self, _: &[IoSlice<'_>]) -> io::Result<usize> {
        unsupported()
    }

    fn position(&self) -> io::Result<u64> {
        Ok(0)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut state = self.all.state();
        state.note_read();
        let len = buffer.len().min(state.read_bytes_max);
        // A file that was removed is empty: what a reader still sees of it is among the other moments.
        let bytes = state.files.get(&self.path).map_or(&[][..], |bytes| bytes);
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
        let len = len.min(bytes.len() - start);
        buffer[..len].copy_from_slice(&bytes[start..start + len]);
        Ok(len)
    }

    fn set_len(&mut self, _: u64) -> io::Result<()> {
        unsupported()
    }

    fn stat(&self) -> io::Result<FileStat> {
        self.all.stat(&self.path)
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads the home while this happens.
///
/// # Panics
/// If anything panics, takes too much memory, or an event is shown that nobody logged, or twice.
pub fn check(course: &Course) {
    let changing = Changing(Arc::new(Mutex::new(State::new(course))));
    let files = &scene().moments[0];
    let bytes: usize = files.values().map(Vec::len).sum();
    let lanes = files.keys().filter(|path| path.to_string_lossy().contains("/ring-")).count();
    let bound = FIXED_BYTES + 8 * bytes + (lanes + 8) * LANE_BYTES;
    let (shown, peak) = peak_bytes(|| look(&changing, course));
    assert!(peak <= bound, "{peak} bytes of memory, at most {bound}");
    let (lines, is_whole) = shown;
    let found: Vec<Identity> =
        lines.iter().filter_map(|line| identity_of(&json_of(line))).collect();
    let state = changing.state();
    if !state.has_other_data {
        let mut seen = BTreeSet::new();
        for identity in &found {
            assert!(scene().logged.contains(identity), "nobody has logged {identity:?}");
            assert!(seen.insert(identity), "twice: {identity:?}");
        }
    }
    if !state.has_changed {
        assert!(is_whole);
        let waiting = if state.moment % 2 == 1 { 24 } else { 0 };
        assert!(found.len() >= waiting, "{} events", found.len());
    }
}

/// The lines that are shown, and whether everything could be read.
fn look(changing: &Changing, course: &Course) -> (Vec<Vec<u8>>, bool) {
    let storage: Arc<dyn Storage> = Arc::new(changing.clone());
    let dir = Path::new(LIVE);
    let _ = inspect(&storage, dir);
    let Ok(home) = DeadHome::look(&storage, dir) else { return (Vec::new(), false) };
    let from = if course.has_history { From::History } else { From::Head };
    let showing = Showing { from, is_live: true, ..Showing::default() };
    let lines = Arc::new(Mutex::new(Vec::new()));
    let again = Arc::clone(&lines);
    let take = Box::new(move |line: &[u8]| {
        again.lock().unwrap_or_else(PoisonError::into_inner).push(line.to_vec());
        Ok(())
    });
    let shown = show(&home, &showing, take);
    let is_whole = shown.is_ok_and(|shown| shown.unreadable + shown.busy_lanes == 0);
    let lines = std::mem::take(&mut *lines.lock().unwrap_or_else(PoisonError::into_inner));
    (lines, is_whole)
}

/// Inputs to start from.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = crate::seeds::noise();
    seeds.extend((0..6).map(|moment| vec![moment, 0xFF, 0xFF, 0]));
    seeds
}

#[cfg(test)]
mod tests {
    use super::*;
    use arbitrary::Unstructured;

    #[test]
    fn homes_at_rest_are_shown_whole() {
        for (moment, has_history) in (0..6).flat_map(|each| [(each, false), (each, true)]) {
            check(&Course { moment, read_bytes_max: u16::MAX, steps: Vec::new(), has_history });
        }
    }

    /// The run goes on after each number of reads.
    #[test]
    fn homes_that_go_on_are_shown() {
        for (moment, read_bytes_max) in (0..5).flat_map(|each| [(each, 100), (each, u16::MAX)]) {
            for (reads, has_history) in
                (0..=255).step_by(5).flat_map(|each| [(each, false), (each, true)])
            {
                let steps = vec![Step { reads, change: None }, Step { reads: 3, change: None }];
                check(&Course { moment, read_bytes_max, steps, has_history });
            }
        }
    }

    #[test]
    fn changing_homes_of_the_seeds_pass() {
        for seed in seeds() {
            Course::arbitrary(&mut Unstructured::new(&seed)).iter().for_each(check);
        }
    }
}
