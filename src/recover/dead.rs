//! The homes of runs that are no longer alive: finding, claiming and reading them.
//!
//! Promises: everything here is ordinary reading and writing through [`Storage`]; nothing is mapped, so no file can
//! raise a signal. Reading is total. Which of a home's conditions leads to what is one table ([`Seen::plan`]). A claim
//! is the home's lock: while one process has it, no other touches the home, and it ends with the process.
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::engine_file::{State, commit_words, sink_at};
use super::engine_image::{EngineImage, HomeError};
use super::lane_file::LaneImage;
use super::layout::{self, engine as at};
use super::line_file::LineImage;
use super::ring_image::RingImage;
use super::spool::SpoolImage;
use super::{Sites, file_name, read_sites};
use crate::sink::commit::{Commit, Place};
use parking_lot::Mutex;
use ringseal_base::storage::{FileKind, FileLock, OpenMode, Storage, StorageFile, read_full};

/// A home is set aside when its recovery has failed this often.
pub const FAILURES_MAX: u64 = 3;
/// A home is set aside when processes have died this often while they recovered it. Most of them will have died for
/// other reasons; a home that kills its process must not do so for ever.
pub const ATTEMPTS_MAX: u64 = 10_000;
/// An empty directory of this age is the rest of a home.
const REMAINS_NANOS: i64 = 60_000_000_000;
/// The name of the file with audit events that are to be sealed.
pub const AUDIT_SPILL: &str = "audit-spill";
/// The end of the name of a home that was set aside.
pub const ASIDE: &str = ".aside";

/// What a start finds of a home.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Another process has it.
    pub is_locked: bool,
    /// Its description can be read.
    pub is_readable: bool,
    /// Its state.
    pub state: Option<State>,
    /// Recovery has failed too often ([`FAILURES_MAX`], [`ATTEMPTS_MAX`]).
    pub has_failed: bool,
    /// One of its sinks is one of this run.
    pub is_ours: bool,
    /// It was made since the machine started.
    pub is_same_boot: bool,
}

/// What a start does about a home.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// The run is alive, or another process recovers it.
    LeaveToOwner,
    /// It was made by something else or a newer version, or is damaged: only people can tell.
    LeaveUnread,
    /// Its log is another one.
    LeaveToItsLog,
    /// The machine has restarted: its pages may be from any time.
    LeaveOldBoot,
    /// Nothing is left in it.
    Remove,
    /// Recovery must not fail at each start for ever.
    SetAside,
    /// Recovery.
    Recover,
}

impl Seen {
    /// The plan; exactly one for each combination.
    pub fn plan(self) -> Plan {
        match self {
            Seen { is_locked: true, .. } => Plan::LeaveToOwner,
            Seen { is_readable: false, .. } | Seen { state: None, .. } => Plan::LeaveUnread,
            Seen { state: Some(State::Clean | State::Drained), .. } => Plan::Remove,
            Seen { is_ours: false, .. } => Plan::LeaveToItsLog,
            Seen { is_same_boot: false, .. } => Plan::LeaveOldBoot,
            Seen { has_failed: true, .. } => Plan::SetAside,
            Seen {
                state: Some(State::Running | State::Collecting | State::Delivering), ..
            } => Plan::Recover,
        }
    }
}

/// A home whose lock this process has.
pub struct DeadHome {
    storage: Arc<dyn Storage>,
    dir: PathBuf,
    engine: Arc<Mutex<Box<dyn StorageFile>>>,
    /// Its description as of the claim.
    pub image: EngineImage,
    _lock: Option<FileLock>,
}

impl fmt::Debug for DeadHome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadHome").field("dir", &self.dir).finish_non_exhaustive()
    }
}

/// Why a home was not claimed.
#[derive(Debug)]
pub enum ClaimError {
    /// Another process has it.
    Locked,
    /// It cannot be read.
    Home(HomeError),
    /// A call failed.
    Io(io::Error),
}

impl From<io::Error> for ClaimError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::WouldBlock => ClaimError::Locked,
            _ => ClaimError::Io(error),
        }
    }
}

/// The directories in `ring_dir` that may be homes, oldest names first.
pub fn candidates(storage: &dyn Storage, ring_dir: &Path) -> io::Result<Vec<PathBuf>> {
    let names = match storage.list(ring_dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        names => names?,
    };
    let is_aside = |path: &PathBuf| path.to_string_lossy().ends_with(ASIDE);
    let dirs = names.into_iter().map(|name| ring_dir.join(name));
    let mut homes: Vec<PathBuf> = dirs
        .filter(|dir| !is_aside(dir) && storage.stat(&dir.join(layout::ENGINE)).is_ok())
        .collect();
    homes.sort();
    Ok(homes)
}

/// Removes what a run has left that was killed while it made or removed its home. Best effort.
pub fn remove_remains(storage: &Arc<dyn Storage>, ring_dir: &Path, now_unix_nanos: i64) {
    for name in storage.list(ring_dir).unwrap_or_default() {
        let dir = ring_dir.join(name);
        let has = |name: &str| storage.stat(&dir.join(name)).is_ok();
        let is_dir = storage.stat(&dir).is_ok_and(|stat| stat.kind == FileKind::Directory);
        if !is_dir || has(layout::ENGINE) || dir.to_string_lossy().ends_with(ASIDE) {
            continue;
        }
        if has(layout::LOCK) {
            // Whoever makes or removes a home has its lock.
            let lock = storage.lock(&dir.join(layout::LOCK), 0o600);
            if lock.is_ok() && !has(layout::ENGINE) {
                let _ = remove_files(&**storage, &dir);
            }
            continue;
        }
        // Perhaps another process is about to make the lock file.
        let changed = storage.stat(&dir).map_or(i64::MAX, |stat| stat.modified_unix_nanos);
        if now_unix_nanos.saturating_sub(changed) > REMAINS_NANOS {
            let _ = storage.remove_dir(&dir);
        }
    }
}

/// Removes the files of a home, its lock file last, and the directory.
fn remove_files(storage: &dyn Storage, dir: &Path) -> io::Result<()> {
    for name in storage.list(dir)?.iter().filter(|name| *name != layout::LOCK) {
        storage.remove(&dir.join(name))?;
    }
    storage.remove(&dir.join(layout::LOCK))?;
    storage.remove_dir(dir)
}

impl DeadHome {
    /// Takes the home's lock and reads its description.
    pub fn claim(storage: &Arc<dyn Storage>, dir: &Path) -> Result<DeadHome, ClaimError> {
        let lock = storage.lock(&dir.join(layout::LOCK), 0o600)?;
        let engine = storage.open(&dir.join(layout::ENGINE), OpenMode::Overwrite)?;
        Self::over(storage, dir, engine, Some(lock))
    }

    /// A home that is only read; another process may be writing it.
    pub fn look(storage: &Arc<dyn Storage>, dir: &Path) -> Result<DeadHome, ClaimError> {
        let engine = storage.open(&dir.join(layout::ENGINE), OpenMode::Read)?;
        Self::over(storage, dir, engine, None)
    }

    fn over(
        storage: &Arc<dyn Storage>,
        dir: &Path,
        engine: Box<dyn StorageFile>,
        lock: Option<FileLock>,
    ) -> Result<DeadHome, ClaimError> {
        let image = EngineImage::read(&read_whole(&*engine)?).map_err(ClaimError::Home)?;
        Ok(DeadHome {
            storage: Arc::clone(storage),
            dir: dir.to_owned(),
            engine: Arc::new(Mutex::new(engine)),
            image,
            _lock: lock,
        })
    }

    /// Its directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where its files are.
    pub fn storage(&self) -> &Arc<dyn Storage> {
        &self.storage
    }

    fn store(&self, at: usize, value: u64) -> io::Result<()> {
        store(&mut **self.engine.lock(), at, value)
    }

    /// Counts a beginning of recovery.
    pub fn begin(&mut self) -> io::Result<()> {
        self.image.attempts += 1;
        self.store(at::ATTEMPTS_AT, self.image.attempts)
    }

    /// Takes the count back: recovery has ended in order, and the process lives.
    pub fn end_attempt(&mut self) -> io::Result<()> {
        self.image.attempts = self.image.attempts.saturating_sub(1);
        self.store(at::ATTEMPTS_AT, self.image.attempts)
    }

    /// Counts a failure of recovery. Returns whether the home is to be set aside.
    pub fn note_failure(&mut self) -> io::Result<bool> {
        self.image.failures += 1;
        self.store(at::FAILURES_AT, self.image.failures)?;
        Ok(self.has_failed())
    }

    /// Whether recovery has failed too often.
    pub fn has_failed(&self) -> bool {
        self.image.failures >= FAILURES_MAX || self.image.attempts >= ATTEMPTS_MAX
    }

    /// Sets the state.
    pub fn set_state(&mut self, state: State) -> io::Result<()> {
        self.store(at::STATE_AT, state.number())?;
        self.image.state = Some(state);
        Ok(())
    }

    /// Settles how many lines of a sink are in place, and how many after them may be.
    pub fn settle(&mut self, sink: usize, lines: u64, unsure: u64) -> io::Result<()> {
        self.store(sink_at(sink) + at::STAGE_FIRST_AT, lines)?;
        self.store(sink_at(sink) + at::STAGED_UNSURE_AT, unsure)?;
        if let Some(sink) = self.image.sinks.get_mut(sink) {
            (sink.stage_first, sink.staged_unsure) = (lines, unsure);
        }
        Ok(())
    }

    /// Notes that the stage of a sink is complete.
    pub fn note_stage(&mut self, sink: usize, bytes: u64) -> io::Result<()> {
        self.store(sink_at(sink) + at::STAGE_BYTES_AT, bytes)?;
        if let Some(sink) = self.image.sinks.get_mut(sink) {
            sink.stage_bytes = bytes;
        }
        Ok(())
    }

    /// The commit record of a sink that begins to take lines from the stage, when its count is `lines_now`, and
    /// `lines` of the dead run are in place.
    pub fn commit_of(&self, sink: usize, lines: u64, lines_now: u64) -> DeadCommit {
        DeadCommit {
            engine: Arc::clone(&self.engine),
            at: sink_at(sink),
            base: lines_now.wrapping_sub(lines),
        }
    }

    /// Notes that the lines of a sink's record are all that are in place, whatever follows them in its file. Called
    /// when the sink does not write.
    pub fn close_commit(&self, sink: usize) -> io::Result<()> {
        let commit = self.commit_of(sink, 0, 0);
        let lines = commit.lines()?;
        commit.try_publish(lines, Place::default())
    }

    /// Notes that this many lines of a sink are in place, whatever its files have. Called when the sink does not write.
    pub fn close_commit_at(&self, sink: usize, lines: u64) -> io::Result<()> {
        self.commit_of(sink, 0, 0).try_publish(lines, Place::default())
    }

    /// The path of a sink's stage.
    pub fn stage(&self, sink: usize) -> PathBuf {
        self.dir.join(layout::stage_name(sink))
    }

    /// The table of an output's lines; empty if there is none.
    pub fn lines(&self, output: usize) -> LineImage {
        LineImage::read(self.file(&layout::lines_name(output)).unwrap_or_default())
    }

    /// The spools of a sink, or of the audit journal, whose number is that after the last possible sink.
    pub fn spool(&self, sink: usize) -> io::Result<SpoolImage> {
        let of_sink = self.image.sinks.get(sink).map(|sink| sink.spool_firsts);
        let firsts = of_sink.unwrap_or(self.image.journal_firsts);
        SpoolImage::read(&*self.storage, &self.dir, sink, firsts)
    }

    /// Whether it has audit events that were not on disk in their log.
    pub fn has_journal(&self) -> bool {
        self.spool(at::SINKS_MAX).is_ok_and(|journal| journal.end() > self.image.audit.0)
            || self.has_unsealed()
    }

    /// Whether audit events were collected in it and are not sealed.
    pub fn has_unsealed(&self) -> bool {
        self.storage.stat(&self.dir.join(AUDIT_SPILL)).is_ok_and(|stat| stat.len > 0)
    }

    /// The run's call sites.
    pub fn sites(&self) -> Sites {
        let mut sites = Sites::default();
        for number in 0..64 {
            let Ok(bytes) = self.file(&file_name(number)) else { break };
            // What comes before a bad entry counts.
            let _ = read_sites(&bytes, &mut sites);
        }
        sites
    }

    /// The numbers of its rings.
    pub fn rings(&self) -> io::Result<Vec<u64>> {
        let names = self.storage.list(&self.dir)?;
        let number = |name: &std::ffi::OsString| name.to_str()?.strip_prefix("ring-")?.parse().ok();
        let mut rings: Vec<u64> = names.iter().filter_map(number).collect();
        rings.sort_unstable();
        Ok(rings)
    }

    /// Bytes of a ring's file, at least one.
    pub fn ring_file_bytes(&self, ring: u64) -> u64 {
        let stat = self.storage.stat(&self.dir.join(layout::ring_name(ring)));
        stat.map_or(1, |stat| stat.len.max(1))
    }

    /// Reads a ring.
    pub fn ring(&self, ring: u64) -> io::Result<RingImage> {
        let path = self.dir.join(layout::ring_name(ring));
        RingImage::read(self.storage.open(&path, OpenMode::Read)?)
    }

    /// Reads the file of a lane: the counts of its first generation, and the log of the newest.
    pub fn lane(&self, lane: u64) -> (LaneImage, LaneImage) {
        let generations: BTreeMap<u64, String> = self.generations(lane);
        let read = |name: &String| LaneImage::read(self.file(name).unwrap_or_default());
        let first = generations.values().next().map(read).unwrap_or_default();
        let newest = generations.values().next_back().map(read).unwrap_or_default();
        (first, newest)
    }

    fn generations(&self, lane: u64) -> BTreeMap<u64, String> {
        let prefix = format!("lane-{lane}-");
        let names = self.storage.list(&self.dir).unwrap_or_default();
        let generation = |name: std::ffi::OsString| {
            let name = name.into_string().ok()?;
            Some((name.strip_prefix(&prefix)?.parse().ok()?, name))
        };
        names.into_iter().filter_map(generation).collect()
    }

    fn file(&self, name: &str) -> io::Result<Vec<u8>> {
        read_whole(&*self.storage.open(&self.dir.join(name), OpenMode::Read)?)
    }

    /// Removes the home. The lock goes last.
    pub fn remove(&self) -> io::Result<()> {
        // Without its description, it is no home any more.
        self.storage.remove(&self.dir.join(layout::ENGINE))?;
        remove_files(&*self.storage, &self.dir)
    }

    /// Gives the home another name, under which no start looks at it. Returns the name.
    pub fn set_aside(&self) -> io::Result<PathBuf> {
        let mut name = self.dir.clone().into_os_string();
        name.push(ASIDE);
        let aside = PathBuf::from(name);
        self.storage.rename(&self.dir, &aside)?;
        Ok(aside)
    }
}

/// Puts the progress of a sink that takes lines from a stage into the dead run's record.
pub struct DeadCommit {
    engine: Arc<Mutex<Box<dyn StorageFile>>>,
    at: usize,
    base: u64,
}

impl DeadCommit {
    /// Lines of the newest record.
    fn lines(&self) -> io::Result<u64> {
        let engine = self.engine.lock();
        let index = load(&**engine, self.at + at::COMMIT_INDEX_AT)?;
        load(&**engine, self.at + at::COMMITS_AT[(index & 1) as usize])
    }

    fn try_publish(&self, lines: u64, place: Place) -> io::Result<()> {
        let mut engine = self.engine.lock();
        let index_at = self.at + at::COMMIT_INDEX_AT;
        let turn = load(&**engine, index_at)?.wrapping_add(1);
        let slot = self.at + at::COMMITS_AT[(turn & 1) as usize];
        for (number, word) in commit_words(lines, place).into_iter().enumerate() {
            store(&mut **engine, slot + number * 8, word)?;
        }
        store(&mut **engine, index_at, turn)
    }
}

impl Commit for DeadCommit {
    fn offer(&self, lines: u64) {
        let lines = lines.wrapping_sub(self.base);
        // Without it, a repeated line is not marked as that.
        let _ = store(&mut **self.engine.lock(), self.at + at::OFFERED_AT, lines);
    }

    fn publish(&self, lines: u64, place: Place) {
        // A home that cannot be written keeps the older record, from which lines are counted all the same.
        let _ = self.try_publish(lines.wrapping_sub(self.base), place);
    }
}

fn load(file: &dyn StorageFile, at: usize) -> io::Result<u64> {
    let mut bytes = [0; 8];
    read_full(file, &mut bytes, at as u64)?;
    Ok(u64::from_le_bytes(bytes))
}

fn store(file: &mut dyn StorageFile, at: usize, value: u64) -> io::Result<()> {
    let bytes = value.to_le_bytes();
    let mut done = 0;
    while done < bytes.len() {
        match file.write_at(&bytes[done..], (at + done) as u64)? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            count => done += count,
        }
    }
    Ok(())
}

/// Bytes of a file that is read whole, at most.
const WHOLE_BYTES_MAX: u64 = 64 << 20;

/// Reads a file from start to end.
fn read_whole(file: &dyn StorageFile) -> io::Result<Vec<u8>> {
    let len = file.stat()?.len.min(WHOLE_BYTES_MAX);
    let mut bytes = vec![0; usize::try_from(len).unwrap_or(usize::MAX)];
    let read = read_full(file, &mut bytes, 0)?;
    bytes.truncate(read);
    Ok(bytes)
}
