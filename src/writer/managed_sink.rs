//! A sink with a buffer for the lines that it cannot take.
//!
//! Promises: a failing sink is retried with growing pauses. Meanwhile its lines are held up to a bound; lines above it
//! are dropped and counted by level. A failure is reported once when it begins and once when it ends; a sink that fails
//! again and again is reported less often ([`super::sink_health`]). What does not keep a sink from taking lines is a
//! warning: it is reported, and lines are passed on. Segments that retention removes are reported once a
//! minute. Neither the writer nor other sinks wait for a failing sink. A panic in a sink counts as an error.
mod progress;

use std::panic::{AssertUnwindSafe, catch_unwind};

pub(super) use self::progress::NoCommit;
use super::line_table::LineEntry;
use super::sink_health::{Recovery, SinkHealth};
use crate::core::level::Level;
use crate::core::{Batch, Lines};
use crate::metrics::{LevelCounts, SinkMetrics};
use crate::recover::engine_file::SharedCommit;
use crate::recover::spool::Spool;
use crate::sink::commit::{Commit, Place};
use crate::sink::{Sink, SinkError, WriteError};
use ringseal_base::clock::Now;
use ringseal_base::panic::panic_message;

/// The ends of held lines are stored as `u32`.
const HELD_BYTES_MAX: usize = 1 << 31;
/// After this time a warning that is still true is reported again.
const REPEATED_NANOS: i64 = 300_000_000_000;
/// How often removed segments are reported.
const REMOVED_NANOS: i64 = 60_000_000_000;

/// A sink and the lines that it has not taken yet.
pub(super) struct ManagedSink {
    sink: Box<dyn Sink>,
    held: Batch,
    held_levels: Vec<Level>,
    held_bytes_max: usize,
    health: SinkHealth,
    dropped: LevelCounts,
    /// Dropped lines that have not been reported yet.
    dropped_unreported: u64,
    errors: u64,
    removed: RemovedReport,
    /// The last warning, and when it was reported.
    warned: Option<(String, i64)>,
    /// The record of how far the sink is, for the next start.
    commit: Option<SharedCommit>,
    /// Lines that were dropped since the sink began to fail.
    skipped: u64,
    /// What it was given and does not have in place, for the next start.
    spool: Option<Spool>,
    /// The number of the next line, in the count of the run.
    next_line: u64,
    /// Lines that it has taken.
    taken: u64,
    /// How many it had taken when it began to take lines of an earlier run.
    paused_at: Option<u64>,
}

/// What was reported of the segments that retention removed.
#[derive(Debug, Clone, Copy, Default)]
struct RemovedReport {
    segments: u64,
    bytes: u64,
    at_nanos: Option<i64>,
}

/// A change of a sink's health.
#[derive(Debug)]
pub(super) enum SinkEvent {
    /// The sink began to fail.
    Failed { sink: String, error: String },
    /// Something went wrong that does not keep the sink from taking lines.
    Warning { sink: String, reason: String },
    /// The sink takes lines again.
    Recovered { sink: String, dropped: u64, recovery: Recovery },
    /// Retention removed segments.
    Removed { sink: String, segments: u64, bytes: u64 },
}

impl std::fmt::Debug for ManagedSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ManagedSink")
            .field("sink", &self.sink.name())
            .field("health", &self.health)
            .finish()
    }
}

impl ManagedSink {
    pub(super) fn new(sink: Box<dyn Sink>, held_bytes_max: usize) -> Self {
        Self {
            sink,
            held: Batch::default(),
            held_levels: Vec::new(),
            held_bytes_max: held_bytes_max.min(HELD_BYTES_MAX),
            health: SinkHealth::new(),
            dropped: LevelCounts::default(),
            dropped_unreported: 0,
            errors: 0,
            removed: RemovedReport::default(),
            warned: None,
            commit: None,
            skipped: 0,
            spool: None,
            next_line: 0,
            taken: 0,
            paused_at: None,
        }
    }

    /// The identity of its log, if it writes files.
    pub(super) fn log_id(&self) -> Option<[u8; 16]> {
        self.sink.log_id()
    }

    /// Writes lines without holding any that the sink does not take.
    pub(super) fn write_now(&mut self, lines: Lines<'_>, now: Now) -> Result<(), SinkError> {
        if lines.is_empty() {
            return Ok(());
        }
        let result = catch_panic(&mut *self.sink, |sink| sink.write(lines, now));
        self.taken += taken(&result, lines);
        result.map_err(|error| error.cause)
    }

    /// Writes lines, and notes before and after it how far a stream is.
    fn write_noted(&mut self, lines: Lines<'_>, now: Now) -> Result<(), WriteError> {
        let commit = self.commit.as_ref().filter(|_| !self.publishes());
        if let Some(commit) = commit {
            commit.offer(self.taken + lines.count() as u64);
        }
        let result = catch_panic(&mut *self.sink, |sink| sink.write(lines, now));
        self.taken += taken(&result, lines);
        if let Some(commit) = commit {
            commit.publish(self.taken, Place::default());
        }
        result
    }

    /// Writes `lines`, holds them or drops them. There is one entry per line.
    pub(super) fn write(
        &mut self,
        lines: Lines<'_>,
        entries: &[LineEntry],
        now: Now,
    ) -> Option<SinkEvent> {
        self.next_line += lines.count() as u64;
        self.empty_spool();
        if self.sink.lines_done().is_some() {
            self.spool(lines);
        }
        let mut event = None;
        if self.health.is_failing() {
            event = self.retry(now);
            if self.health.is_failing() {
                self.hold(lines, entries);
                return event;
            }
        }
        match self.write_noted(lines, now) {
            Ok(()) => event,
            Err(WriteError { lines_written, cause }) => {
                let (_, rest) = lines.split_at(lines_written.min(lines.count()));
                self.hold(rest, &entries[entries.len().saturating_sub(rest.count())..]);
                self.fail(&cause, now).or(event)
            }
        }
    }

    /// Retries held lines if their pause is over; otherwise lets the sink do its periodic work.
    pub(super) fn turn(&mut self, now: Now) -> Option<SinkEvent> {
        if self.health.is_failing() {
            return self.retry(now);
        }
        match catch_panic(&mut *self.sink, |sink| sink.turn(now).map_err(without_lines)) {
            Ok(()) => match self.health.end_trial(now.unix_nanos) {
                Some(recovery) => Some(self.recovered(recovery)),
                None => self.warning(now),
            },
            Err(error) => self.fail(&error.cause, now),
        }
    }

    /// The sink's next warning; the same one is reported again after [`REPEATED_NANOS`].
    fn warning(&mut self, now: Now) -> Option<SinkEvent> {
        let warning = catch_unwind(AssertUnwindSafe(|| self.sink.warning())).ok()??;
        self.errors += 1;
        let reason = warning.to_string();
        let since = |at: i64| now.unix_nanos.saturating_sub(at);
        let is_known = |(known, at): &(String, i64)| {
            *known == reason && (0..REPEATED_NANOS).contains(&since(*at))
        };
        if self.warned.as_ref().is_some_and(is_known) {
            return None;
        }
        self.warned = Some((reason.clone(), now.unix_nanos));
        Some(SinkEvent::Warning { sink: self.sink.name().into(), reason })
    }

    /// Retries held lines regardless of pauses, then flushes (and syncs) the sink.
    pub(super) fn flush(
        &mut self,
        now: Now,
        sync: bool,
    ) -> (Result<(), String>, Option<SinkEvent>) {
        let mut event = None;
        if self.health.is_failing() {
            self.health.retry_at_once();
            event = self.retry(now);
        }
        if self.health.is_failing() {
            let held = self.held.lines().count();
            return (Err(format!("{}: failing, lines held: {held}", self.sink.name())), event);
        }
        let result = catch_panic(&mut *self.sink, |sink| {
            sink.flush()
                .and_then(|()| if sync { sink.sync() } else { Ok(()) })
                .map_err(without_lines)
        });
        match result {
            Ok(()) => (Ok(()), event),
            Err(error) => {
                let message = format!("{}: {}", self.sink.name(), error.cause);
                (Err(message), self.fail(&error.cause, now).or(event))
            }
        }
    }

    /// Closes and opens the target.
    pub(super) fn reopen(&mut self, now: Now) -> Result<(), String> {
        catch_panic(&mut *self.sink, |sink| sink.reopen(now).map_err(without_lines)).map_err(
            |error| {
                self.errors += 1;
                format!("{}: {}", self.sink.name(), error.cause)
            },
        )
    }

    /// The sink's name.
    pub(super) fn name(&self) -> &str {
        self.sink.name()
    }

    /// Whether it has everything that it was given in place, as far as that is noted for the next start.
    pub(super) fn has_all(&mut self) -> bool {
        self.empty_spool();
        self.spool.as_ref().is_none_or(Spool::is_empty)
    }

    /// Drops all held lines, at the end; returns how many.
    pub(super) fn drop_held(&mut self) -> u64 {
        let count = self.held_levels.len() as u64;
        for &level in &self.held_levels {
            self.dropped.0[level as usize] += 1;
        }
        self.held.clear();
        self.held_levels.clear();
        count
    }

    /// Dropped lines so far, by level.
    pub(super) fn dropped(&self) -> LevelCounts {
        self.dropped
    }

    /// Failed calls so far.
    pub(super) fn errors(&self) -> u64 {
        self.errors
    }

    pub(super) fn metrics(&self) -> SinkMetrics {
        let counters = self.sink.counters();
        SinkMetrics {
            name: self.sink.name().to_owned(),
            is_healthy: !self.health.is_failing(),
            lines: counters.lines,
            bytes: counters.bytes,
            lines_dropped: self.dropped.total(),
            rotations: counters.rotations,
            reopened: counters.reopened,
            removed: counters.removed,
            removed_bytes: counters.removed_bytes,
            torn_bytes: counters.torn_bytes,
            errors: self.errors.max(counters.errors),
        }
    }

    fn fail(&mut self, error: &SinkError, now: Now) -> Option<SinkEvent> {
        self.errors += 1;
        let is_new = self.health.fail(now.unix_nanos);
        is_new
            .then(|| SinkEvent::Failed { sink: self.sink.name().into(), error: error.to_string() })
    }

    fn recovered(&mut self, recovery: Recovery) -> SinkEvent {
        let dropped = std::mem::take(&mut self.dropped_unreported);
        SinkEvent::Recovered { sink: self.sink.name().into(), dropped, recovery }
    }

    /// At the end: what has not been reported yet.
    pub(super) fn last_events(&mut self, now: Now) -> impl Iterator<Item = SinkEvent> {
        let recovery = self.health.end_trial_now(now.unix_nanos);
        let recovered = recovery.map(|recovery| self.recovered(recovery));
        self.removed.at_nanos = None;
        recovered.into_iter().chain(self.removed_segments(now))
    }

    /// The segments that retention removed since the last report, once a minute.
    pub(super) fn removed_segments(&mut self, now: Now) -> Option<SinkEvent> {
        let reported = self.removed;
        let since = |at| now.unix_nanos.saturating_sub(at);
        if reported.at_nanos.is_some_and(|at| (0..REMOVED_NANOS).contains(&since(at))) {
            return None;
        }
        let counters = catch_unwind(AssertUnwindSafe(|| self.sink.counters())).ok()?;
        let segments = counters.removed.saturating_sub(reported.segments);
        if segments == 0 {
            return None;
        }
        self.removed = RemovedReport {
            segments: counters.removed,
            bytes: counters.removed_bytes,
            at_nanos: Some(now.unix_nanos),
        };
        let bytes = counters.removed_bytes.saturating_sub(reported.bytes);
        Some(SinkEvent::Removed { sink: self.sink.name().into(), segments, bytes })
    }

    fn retry(&mut self, now: Now) -> Option<SinkEvent> {
        if !self.health.is_retry_due(now.unix_nanos) {
            return None;
        }
        let lines = self.held.lines();
        let commit = self.commit.as_ref().filter(|_| !self.publishes() && !lines.is_empty());
        if let Some(commit) = commit {
            commit.offer(self.taken + lines.count() as u64);
        }
        let result = catch_panic(&mut *self.sink, |sink| {
            // A failing turn, for example of the retention, does not prevent the sink from taking lines.
            let turned = sink.turn(now);
            if lines.is_empty() {
                sink.flush().map_err(without_lines)?;
            } else {
                sink.write(lines, now)?;
            }
            turned.map_err(|cause| WriteError { lines_written: lines.count(), cause })
        });
        self.taken += taken(&result, lines);
        if let Some(commit) = commit {
            commit.publish(self.taken, Place::default());
        }
        match result {
            Ok(()) => {
                self.held.clear();
                self.held_levels.clear();
                let skipped = std::mem::take(&mut self.skipped);
                if let Some(commit) = &self.commit {
                    commit.skip(skipped);
                }
                let recovery = self.health.succeed(now.unix_nanos)?;
                Some(self.recovered(recovery))
            }
            Err(error) => {
                self.remove_written(error.lines_written.min(self.held_levels.len()));
                self.fail(&error.cause, now)
            }
        }
    }

    /// Removes the first `count` held lines, which are written.
    fn remove_written(&mut self, count: usize) {
        if count == 0 {
            return;
        }
        let rest = {
            let (_, rest) = self.held.lines().split_at(count);
            let mut kept = Batch::default();
            kept.append(rest);
            kept
        };
        self.held_levels.drain(..count);
        self.held = rest;
    }

    /// Keeps lines for the next start, as the last ones that the sink was given.
    fn spool(&mut self, lines: Lines<'_>) {
        if let Some(spool) = &mut self.spool
            && !lines.is_empty()
        {
            let count = lines.count() as u64;
            // An error is counted there; the sink has the lines in memory.
            let _ = spool.add(self.next_line - count, count, lines.bytes());
        }
    }

    /// Drops lines from the spool that are in place.
    fn empty_spool(&mut self) {
        if self.spool.as_ref().is_none_or(Spool::is_empty) {
            return;
        }
        let lines = self.lines();
        if let (Some(spool), Some(commit)) = (&mut self.spool, &self.commit) {
            spool.note_done(commit.number(lines));
        }
    }

    /// Holds the lines that fit under the bound and drops the rest. The oldest lines are kept.
    fn hold(&mut self, lines: Lines<'_>, entries: &[LineEntry]) {
        let room = self.held_bytes_max.saturating_sub(self.held.len_bytes());
        // Once a line was dropped, the next ones are, too: what is held is one run of lines.
        let kept = if self.skipped > 0 { 0 } else { lines.count_within(room) };
        let (fits, dropped) = lines.split_at(kept);
        if self.sink.lines_done().is_none() && !fits.is_empty() {
            // The lines that are dropped come after those that are kept.
            self.next_line -= dropped.count() as u64;
            self.spool(fits);
            self.next_line += dropped.count() as u64;
        }
        self.held.append(fits);
        self.held_levels.extend(entries[..kept].iter().map(LineEntry::level));
        for entry in &entries[kept..] {
            self.dropped.0[entry.level() as usize] += 1;
            self.dropped_unreported += 1;
            self.skipped += 1;
        }
    }
}

/// How many of `lines` a call has written.
fn taken(result: &Result<(), WriteError>, lines: Lines<'_>) -> u64 {
    let count = match result {
        Ok(()) => lines.count(),
        Err(error) => error.lines_written.min(lines.count()),
    };
    count as u64
}

/// Handles an error of a call that wrote no lines.
fn without_lines(cause: SinkError) -> WriteError {
    WriteError { lines_written: 0, cause }
}

/// Calls a sink and turns a panic into an error.
fn catch_panic(
    sink: &mut dyn Sink,
    call: impl FnOnce(&mut dyn Sink) -> Result<(), WriteError>,
) -> Result<(), WriteError> {
    catch_unwind(AssertUnwindSafe(|| call(sink))).unwrap_or_else(|panic| {
        let message = panic_message(&*panic).unwrap_or_default().to_owned();
        Err(without_lines(SinkError::Panicked { message }))
    })
}
