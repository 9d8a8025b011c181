//! Log files: whole lines at every instant, rotation without a gap, recovery by a complete table.
//!
//! Promises: `write` makes one vectored write for about two megabytes of lines, and checks the file twice; it allocates
//! nothing unless a file must be opened. A full disk, a limit on the size of files, a deleted, renamed or truncated
//! file and a missing directory are handled, or returned as errors with the exact number of lines that are in place;
//! never a panic or a signal. A link, directory or
//! pipe in place of one of the log's files is set aside and reported (`foreign.rs`). Rotation is a link and a rename;
//! long work happens on a helper thread. After a crash the file holds whole lines, and the next start
//! finishes interrupted steps (`recover.rs` has the table).
use std::sync::Arc;

use crate::core::Lines;
use crate::sink::commit::{Commit, Place};
use crate::sink::{Sink, SinkCounters, SinkError, WriteError};
use ringseal_base::Now;
use ringseal_base::process::file_size::Blocked;
use ringseal_base::storage::{FileId, FileLock, OsStorage, Storage};

mod active;
mod append;
mod cleanup;
#[cfg(feature = "compress")]
mod compress;
mod config;
mod foreign;
mod helper;
mod log_id;
#[cfg(target_os = "linux")]
mod mapped;
mod names;
mod next_segment;
mod pages;
pub mod reader;
mod recover;
mod retain;
mod rotate;
mod schedule;
mod segment;
mod survey;
#[cfg(test)]
mod tests;

pub use config::{FileConfig, RetainBytes, RotateEvery, WriteMode};
#[doc(hidden)]
pub use log_id::read_log_id;
pub use rotate::{Rotation, RotationReason};
#[doc(hidden)]
pub use survey::{Committed, Surveyed, survey};

use helper::{Helper, Job, Shared};
use rotate::HalfRotated;
use schedule::{Due, Every, Period, Schedule};
use segment::Segment;

/// How often a batch is written again within one call because its file was deleted under it.
const REWRITES_MAX: usize = 3;

/// How often an idle sink checks that its file still exists.
const CHECK_NANOS: i64 = 1_000_000_000;
/// How often retention by age is applied when nothing rotates.
const CLEANUP_NANOS: i64 = 600_000_000_000;

/// Writes lines to a file that rotates. See the module.
pub struct FileSink {
    name: String,
    shared: Arc<Shared>,
    helper: Helper,
    schedule: Schedule,
    /// Prevents another sink from rotating the log; `None` if the file system has no locks.
    lock: Option<FileLock>,
    active: Option<Segment>,
    active_id: Option<FileId>,
    /// The period of the active file's content. While the file is empty, the period in which it was opened.
    active_period: Period,
    next_number: u64,
    /// The active file already has its permanent name, but no new file could replace it under the active name.
    half_rotated: Option<HalfRotated>,
    rotate_not_before_unix_nanos: Option<i64>,
    /// Files that others moved or removed are being closed; our writes to them may not be durable yet.
    closing: bool,
    /// When to check the active file although nothing is written.
    check_due: Every,
    /// When to check for segments that have become too old.
    cleanup_due: Every,
    counters: SinkCounters,
    last_error: Option<SinkError>,
    /// Receives the number of lines in place and the end of the active file.
    commit: Option<Box<dyn Commit>>,
    /// The log is being opened: torn tails are those of an earlier process.
    is_opening: bool,
}

impl FileSink {
    /// Opens or creates the log on the operating system's file system, and finishes what a crash left unfinished.
    pub fn open(config: FileConfig, now: Now) -> Result<Self, SinkError> {
        Self::open_on(Arc::new(OsStorage), config, now)
    }

    /// Opens or creates the log on any storage.
    pub fn open_on(
        storage: Arc<dyn Storage>,
        config: FileConfig,
        now: Now,
    ) -> Result<Self, SinkError> {
        let names = config.check()?;
        let _blocked = Blocked::new();
        let schedule = Schedule::new(config.rotate_every, config.rotate_offset_seconds);
        let name = format!("file:{}", config.path.display());
        let shared = Arc::new(Shared::new(storage, names, config));
        shared.set_now(now);
        let helper = Helper::start(&shared).map_err(|source| SinkError::Io {
            action: "start the helper thread of",
            target: name.clone(),
            source,
        })?;
        let mut sink = Self {
            name,
            shared,
            helper,
            schedule,
            lock: None,
            active: None,
            active_id: None,
            active_period: schedule.period(now.unix_nanos),
            next_number: 1,
            half_rotated: None,
            rotate_not_before_unix_nanos: None,
            closing: false,
            check_due: Every::new(CHECK_NANOS, now),
            cleanup_due: Every::new(CLEANUP_NANOS, now),
            counters: SinkCounters::default(),
            last_error: None,
            commit: None,
            is_opening: true,
        };
        sink.recover(now)?;
        sink.is_opening = false;
        sink.helper.offer(Job::Prepare);
        sink.helper.offer(Job::CleanUp);
        Ok(sink)
    }

    /// Waits until the helper thread has finished all its jobs: preparation, compression, retention.
    pub fn wait_idle(&self) {
        self.helper.wait_idle();
    }

    /// Sets the hook that the helper thread calls after each rotation. It replaces an earlier one.
    pub fn on_rotation(&self, hook: impl Fn(&Rotation) + Send + Sync + 'static) {
        *self.shared.hook.lock() = Some(Box::new(hook));
    }

    /// Writes lines until they are all in place, the segment is full, or something fails.
    fn write_part(&mut self, lines: Lines<'_>, now: Now) -> Result<usize, WriteError> {
        let failed = |cause| WriteError { lines_written: 0, cause };
        self.ensure_active(now).map_err(failed)?;
        let postponed = self.rotation_is_postponed(now);
        let len_max = if postponed { u64::MAX } else { self.shared.config.len_max() };
        let Some(active) = &mut self.active else { return Ok(0) };
        let was_empty = active.len == 0;
        let mut appended = active.append(lines, len_max);
        if !appended.lost && !self.is_in_place(&appended) {
            return Ok(0);
        }
        if was_empty && appended.lines > 0 {
            self.active_period = self.schedule.period(now.unix_nanos);
        }
        self.counters.lines += appended.lines as u64;
        self.counters.bytes += appended.bytes;
        self.counters.padding_bytes += appended.padding;
        self.publish();
        if appended.lost {
            self.counters.reopened += 1;
            self.close_active();
        }
        if let Some(source) = appended.error.take() {
            let cause = SinkError::io("write", &self.shared.names.active, source);
            return Err(WriteError { lines_written: appended.lines, cause });
        }
        if appended.full {
            self.rotate(now, RotationReason::Size);
        }
        Ok(appended.lines)
    }

    fn write_all(&mut self, lines: Lines<'_>, now: Now) -> Result<(), WriteError> {
        let mut rest = lines;
        let mut rewrites = 0;
        while !rest.is_empty() {
            let full_before = self.counters.rotations;
            let written = self.write_part(rest, now).map_err(|error| WriteError {
                lines_written: lines.count() - rest.count() + error.lines_written,
                ..error
            })?;
            rest = rest.split_at(written).1;
            let stuck = written == 0
                && self.counters.rotations == full_before
                && !self.rotation_is_postponed(now);
            rewrites += usize::from(stuck);
            if rewrites > REWRITES_MAX {
                let cause = SinkError::io(
                    "keep",
                    &self.shared.names.active,
                    std::io::ErrorKind::NotFound.into(),
                );
                return Err(WriteError { lines_written: lines.count() - rest.count(), cause });
            }
        }
        Ok(())
    }

    /// Seals a segment whose period is over, unless it is empty.
    fn rotate_by_time(&mut self, now: Now) {
        match self.schedule.due(self.active_period, now.unix_nanos) {
            Due::No => {}
            Due::Adopt => self.active_period = self.schedule.period(now.unix_nanos),
            Due::Seal if self.active.as_ref().is_none_or(|active| active.len == 0) => {
                self.active_period = self.schedule.period(now.unix_nanos);
            }
            Due::Seal if self.rotation_is_postponed(now) => {}
            Due::Seal => {
                let full = self.is_full();
                // The file under the active name must be ours before it gets a permanent name.
                match self.ensure_active(now) {
                    Ok(()) if self.active.as_ref().is_some_and(|active| active.len > 0) => {
                        let both = RotationReason::Both;
                        self.rotate(now, if full { both } else { RotationReason::Time });
                    }
                    Ok(()) => {}
                    Err(error) => self.postpone_rotation(now, error),
                }
            }
        }
    }

    fn is_full(&self) -> bool {
        self.active.as_ref().is_some_and(|active| active.len >= self.shared.config.len_max())
    }

    /// Publishes the lines in place and the end of the active file. Called when all lines of this sink in that file are
    /// counted or have been cut; see [`crate::sink::commit`].
    fn publish(&self) {
        if let (Some(commit), Some(active)) = (&self.commit, &self.active) {
            let place = Place { file: self.active_id, len_bytes: active.len };
            commit.publish(self.counters.lines, place);
        }
    }

    fn record_error(&mut self, error: SinkError) {
        self.counters.errors += 1;
        self.last_error = Some(error);
    }
}

impl Sink for FileSink {
    fn name(&self) -> &str {
        &self.name
    }

    fn write(&mut self, lines: Lines<'_>, now: Now) -> Result<(), WriteError> {
        if lines.is_empty() {
            return Ok(());
        }
        let _blocked = Blocked::new();
        self.rotate_by_time(now);
        self.write_all(lines, now).inspect_err(|_| self.counters.errors += 1)
    }

    /// Nothing to do: the kernel has every written line.
    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    /// An error means that lines written since the last success may not survive power loss, even if a later call
    /// succeeds: the kernel reports a failed write-back once and then treats the pages as clean (Rebello et al., "Can
    /// Applications Recover from fsync Failures?", USENIX ATC 2020).
    fn sync(&mut self) -> Result<(), SinkError> {
        if std::mem::take(&mut self.closing) {
            self.helper.wait_idle();
        }
        self.shared.sync_sealed()?;
        let names = &self.shared.names;
        if let Some(active) = &self.active {
            active.sync().map_err(|source| SinkError::io("sync", &names.active, source))?;
        }
        let synced = self.shared.storage.sync_dir(&names.dir);
        synced.map_err(|source| SinkError::io("sync", &names.dir, source))
    }

    /// Rotates by time, and checks that the file is in place.
    fn turn(&mut self, now: Now) -> Result<(), SinkError> {
        let _blocked = Blocked::new();
        self.shared.set_now(now);
        self.rotate_by_time(now);
        if self.check_due.is_due(now) {
            self.ensure_active(now)?;
        }
        if self.cleanup_due.is_due(now) {
            self.helper.offer(Job::CleanUp);
        }
        Ok(())
    }

    /// A postponed rotation, a file that was set aside, an error on the helper thread.
    fn warning(&mut self) -> Option<SinkError> {
        self.last_error.take().or_else(|| self.shared.take_error())
    }

    fn reopen(&mut self, now: Now) -> Result<(), SinkError> {
        let _blocked = Blocked::new();
        self.open_active(now)?;
        self.helper.offer(Job::Prepare);
        self.helper.offer(Job::CleanUp);
        Ok(())
    }

    fn counters(&self) -> SinkCounters {
        SinkCounters {
            removed: self.shared.removed(),
            removed_bytes: self.shared.removed_bytes(),
            errors: self.counters.errors + self.shared.errors(),
            ..self.counters
        }
    }

    fn attach(&mut self, commit: Box<dyn Commit>) {
        if self.active.is_none() {
            commit.publish(self.counters.lines, Place::default());
        }
        self.commit = Some(commit);
        self.publish();
    }

    fn log_id(&self) -> Option<[u8; 16]> {
        self.shared.log_id.get().copied()
    }
}
