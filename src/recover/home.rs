//! The home of a running engine: its directory, its lock, and the files that others of its parts write.
//!
//! Promises: making a home takes some system calls and 400 KiB of the file system, each ring some calls and then the
//! pages that are used. No room is an error value; the caller goes on with private memory. The lock ends with the
//! process, however it ends. [`Home::remove`] is called when all events are in the sinks; a process that ends otherwise
//! leaves the home to the next start.
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::SiteLog;
use super::engine_file::{EngineFile, RunFacts, SinkFacts, State, sink_at};
#[cfg(feature = "audit")]
use super::journal::{AuditProgress, JOURNAL, Journal};
use super::lane_file::LaneFile;
use super::layout::{self, engine as at, ring_name};
use super::line_file::LineFile;
use super::spool::Spool;
pub use super::writer_home::{OutputTables, WriterHome};
use crate::core::registry;
use crate::core::site_mirror::MirrorId;
use crate::ringbuf::{Consumer, Producer, SHARED_DATA_AT, ring_in};
use ringseal_base::storage::region::Region;
use ringseal_base::storage::shared_file::SharedFile;
use ringseal_base::storage::{FileLock, OsStorage, Storage};

/// Bytes of a ring of which the file system must have room for a home to be made.
const RESERVED_BYTES: usize = 1 << 12;

/// The home of this engine.
#[derive(Debug)]
pub struct Home {
    dir: PathBuf,
    engine: Arc<SharedFile>,
    lanes: AtomicU64,
    sites: Arc<SiteLog>,
    mirror: MirrorId,
    _lock: Mutex<FileLock>,
    /// The process that made it: a forked child removes nothing.
    process: u32,
}

impl Home {
    /// Makes a home in `ring_dir`, which exists.
    pub fn create(
        ring_dir: &Path,
        name: &str,
        run: &RunFacts,
        (sinks, outputs): (&[SinkFacts], OutputTables),
    ) -> io::Result<WriterHome> {
        let dir = ring_dir.join(name);
        OsStorage.create_dir(&dir, 0o700)?;
        let home = Self::fill(&dir, run, (sinks, outputs));
        if home.is_err() {
            remove_files(&dir);
        }
        home
    }

    fn fill(
        dir: &Path,
        run: &RunFacts,
        (sinks, outputs): (&[SinkFacts], OutputTables),
    ) -> io::Result<WriterHome> {
        let lock = OsStorage.lock(&dir.join(layout::LOCK), 0o600)?;
        let sites = Arc::new(SiteLog::create(dir)?);
        let OutputTables { count, lines_max } = outputs;
        // Without its table, an output's lines would be recovered twice.
        let table = |output| LineFile::create(&dir.join(layout::lines_name(output)), lines_max);
        let lines = (0..count).map(table).collect::<io::Result<_>>()?;
        // It gets its name once it is complete: a directory without it is not a home, and the next start removes it.
        let partial = dir.join(layout::ENGINE_PARTIAL);
        let engine = EngineFile::create(&partial, run, sinks)?;
        OsStorage.rename(&partial, &dir.join(layout::ENGINE))?;
        let home = Arc::new(Home {
            dir: dir.to_owned(),
            engine: Arc::clone(engine.shared()),
            lanes: AtomicU64::new(0),
            mirror: registry::add_mirror(Arc::clone(&sites) as _),
            sites,
            _lock: Mutex::new(lock),
            process: std::process::id(),
        });
        Ok(WriterHome { home, engine, lines })
    }

    /// Its directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Makes a ring of at least `capacity_bytes`, and the file of its lane.
    pub fn new_ring(&self, capacity_bytes: usize) -> io::Result<(Producer, Consumer, LaneFile)> {
        let capacity = capacity_bytes.clamp(64, 1 << 30).next_power_of_two();
        // ORDER: relaxed; only uniqueness matters.
        let lane = self.lanes.fetch_add(1, Ordering::Relaxed);
        let file = LaneFile::create(&self.dir, lane)?;
        let path = self.dir.join(ring_name(lane));
        let ring = Region::create(&path, SHARED_DATA_AT + capacity, RESERVED_BYTES)
            .and_then(|region| ring_in(region, SHARED_DATA_AT).map_err(io::Error::other));
        match ring {
            Ok((producer, consumer)) => {
                self.engine.publish(at::RINGS_AT, lane + 1);
                Ok((producer, consumer, file))
            }
            Err(error) => {
                file.remove();
                Err(error)
            }
        }
    }

    /// Counts a lane whose ring is in private memory.
    pub fn note_unbacked(&self) {
        self.engine.add(at::UNBACKED_AT, 1);
    }

    /// How many lanes have rings in private memory.
    pub fn unbacked(&self) -> u64 {
        self.engine.load(at::UNBACKED_AT)
    }

    /// Whether what the next start needs is incomplete: there was no room for a call site, or another process has cut a
    /// file off.
    pub fn is_incomplete(&self) -> bool {
        self.engine.is_lost_now() || self.sites.is_lost() || self.sites.left_out() > 0
    }

    /// The audit journal, and the progress that the audit thread notes.
    #[cfg(feature = "audit")]
    pub fn journal(&self, progress: &AuditProgress) -> Journal {
        Journal::new(self.spool(JOURNAL), progress.clone())
    }

    /// How far the audit log is.
    #[cfg(feature = "audit")]
    pub fn audit_progress(&self) -> AuditProgress {
        AuditProgress::new(Arc::clone(&self.engine))
    }

    /// The spools of a sink.
    pub fn spool(&self, sink: usize) -> Spool {
        Spool::new(Arc::clone(&self.engine), sink_at(sink), &self.dir, sink)
    }

    /// Removes the home: all events are in the sinks.
    pub fn remove(&self) {
        if self.process == std::process::id() {
            self.engine.publish(at::STATE_AT, State::Clean.number());
            remove_files(&self.dir);
        }
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        registry::remove_mirror(self.mirror);
    }
}

/// Removes a home's files, and then the directory. Best effort: the next start removes what stays.
fn remove_files(dir: &Path) {
    let Ok(names) = OsStorage.list(dir) else { return };
    // The description goes first: without it, the rest is not taken for a home.
    let _ = OsStorage.remove(&dir.join(layout::ENGINE));
    for name in names.iter().filter(|name| *name != layout::LOCK) {
        let _ = OsStorage.remove(&dir.join(name));
    }
    let _ = OsStorage.remove(&dir.join(layout::LOCK));
    let _ = std::fs::remove_dir(dir);
}
