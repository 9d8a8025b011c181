//! A sink with a buffer for the lines that it cannot take.
//!
//! Promises: a failing sink is retried with growing pauses. Meanwhile its lines are held up to a bound; lines above it
//! are dropped and counted by level. A failure is reported once when it begins and once when it ends. Neither the
//! writer nor other sinks wait for a failing sink. A panic in a sink counts as an error.
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use crate::core::level::Level;
use crate::core::{Batch, Lines};
use crate::metrics::{LevelCounts, SinkMetrics};
use crate::sink::{Sink, SinkError, WriteError};
use ringseal_base::backoff::Backoff;
use ringseal_base::clock::Now;
use ringseal_base::panic::panic_message;

/// The ends of held lines are stored as `u32`.
const HELD_BYTES_MAX: usize = 1 << 31;
const RETRY_PAUSE_MIN: Duration = Duration::from_millis(10);
const RETRY_PAUSE_MAX: Duration = Duration::from_secs(1);

/// A sink and the lines that it has not taken yet.
pub(super) struct ManagedSink {
    sink: Box<dyn Sink>,
    held: Batch,
    held_levels: Vec<Level>,
    held_bytes_max: usize,
    failing: Option<Failing>,
    dropped: LevelCounts,
    /// Dropped lines that have not been reported yet.
    dropped_unreported: u64,
    errors: u64,
}

#[derive(Debug, Clone, Copy)]
struct Failing {
    since_nanos: i64,
    retry_at_nanos: i64,
    pause_nanos: i64,
    backoff: Backoff,
}

/// A change of a sink's health.
#[derive(Debug)]
pub(super) enum SinkEvent {
    /// The sink began to fail.
    Failed { sink: String, error: String },
    /// The sink takes lines again.
    Recovered { sink: String, dropped: u64, failing_nanos: i64 },
}

impl std::fmt::Debug for ManagedSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ManagedSink")
            .field("sink", &self.sink.name())
            .field("failing", &self.failing)
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
            failing: None,
            dropped: LevelCounts::default(),
            dropped_unreported: 0,
            errors: 0,
        }
    }

    /// Writes `lines`, holds them or drops them. `levels` has one entry per line.
    pub(super) fn write(
        &mut self,
        lines: Lines<'_>,
        levels: &[Level],
        now: Now,
    ) -> Option<SinkEvent> {
        let mut event = None;
        if self.failing.is_some() {
            event = self.retry(now);
            if self.failing.is_some() {
                self.hold(lines, levels);
                return event;
            }
        }
        match catch_panic(&mut *self.sink, |sink| sink.write(lines, now)) {
            Ok(()) => event,
            Err(WriteError { lines_written, cause }) => {
                let (_, rest) = lines.split_at(lines_written.min(lines.count()));
                let levels = &levels[levels.len().saturating_sub(rest.count())..];
                self.hold(rest, levels);
                self.fail(&cause, now).or(event)
            }
        }
    }

    /// Retries held lines if their pause is over; otherwise lets the sink do its periodic work.
    pub(super) fn turn(&mut self, now: Now) -> Option<SinkEvent> {
        if self.failing.is_some() {
            return self.retry(now);
        }
        match catch_panic(&mut *self.sink, |sink| sink.turn(now).map_err(without_lines)) {
            Ok(()) => None,
            Err(error) => self.fail(&error.cause, now),
        }
    }

    /// Retries held lines regardless of pauses, then flushes (and syncs) the sink.
    pub(super) fn flush(
        &mut self,
        now: Now,
        sync: bool,
    ) -> (Result<(), String>, Option<SinkEvent>) {
        let mut event = None;
        if let Some(failing) = &mut self.failing {
            failing.retry_at_nanos = i64::MIN;
            event = self.retry(now);
        }
        if self.failing.is_some() {
            let held = self.held.lines().count();
            return (Err(format!("{}: failing, {held} lines held", self.sink.name())), event);
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
            is_healthy: self.failing.is_none(),
            lines: counters.lines,
            bytes: counters.bytes,
            lines_dropped: self.dropped.total(),
            rotations: counters.rotations,
            reopened: counters.reopened,
            removed: counters.removed,
            torn_bytes: counters.torn_bytes,
            errors: self.errors.max(counters.errors),
        }
    }

    fn fail(&mut self, error: &SinkError, now: Now) -> Option<SinkEvent> {
        self.errors += 1;
        let (since_nanos, mut backoff, is_new) = match self.failing {
            Some(failing) => (failing.since_nanos, failing.backoff, false),
            None => (now.unix_nanos, Backoff::new(RETRY_PAUSE_MIN, RETRY_PAUSE_MAX), true),
        };
        let pause_nanos = backoff.next_pause().as_nanos() as i64;
        let retry_at_nanos = now.unix_nanos.saturating_add(pause_nanos);
        self.failing = Some(Failing { since_nanos, retry_at_nanos, pause_nanos, backoff });
        is_new
            .then(|| SinkEvent::Failed { sink: self.sink.name().into(), error: error.to_string() })
    }

    fn retry(&mut self, now: Now) -> Option<SinkEvent> {
        let failing = self.failing?;
        // A clock that was set back must not make the pause longer.
        let early = failing.retry_at_nanos.saturating_sub(now.unix_nanos);
        if early > 0 && early <= failing.pause_nanos {
            return None;
        }
        let lines = self.held.lines();
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
        match result {
            Ok(()) => {
                self.held.clear();
                self.held_levels.clear();
                self.failing = None;
                Some(SinkEvent::Recovered {
                    sink: self.sink.name().into(),
                    dropped: std::mem::take(&mut self.dropped_unreported),
                    failing_nanos: now.unix_nanos.saturating_sub(failing.since_nanos),
                })
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

    /// Holds the lines that fit under the bound and drops the rest. The oldest lines are kept.
    fn hold(&mut self, lines: Lines<'_>, levels: &[Level]) {
        let room = self.held_bytes_max.saturating_sub(self.held.len_bytes());
        let kept = lines.count_within(room);
        let (fits, _) = lines.split_at(kept);
        self.held.append(fits);
        self.held_levels.extend_from_slice(&levels[..kept]);
        for &level in &levels[kept..] {
            self.dropped.0[level as usize] += 1;
            self.dropped_unreported += 1;
        }
    }
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
