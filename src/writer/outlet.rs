//! A sink and its health.
//!
//! Promises: a sink that fails is tried again with growing pauses; meanwhile its lines are held up to a bound and
//! then given up and counted, by level. It is reported once when it fails and once when it is back. Neither the
//! writer nor other sinks wait for it. A panic in a sink is an error like any other.
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::core::clock::Now;
use crate::core::level::Level;
use crate::core::{Batch, Lines};
use crate::metrics::{LevelCounts, SinkMetrics};
use crate::sink::{Sink, SinkError};

/// The ends of held lines are kept as `u32`.
const HELD_BYTES_MAX: usize = 1 << 31;
const RETRY_NANOS_MIN: i64 = 10_000_000;
const RETRY_NANOS_MAX: i64 = 1_000_000_000;

/// A sink with what could not be written yet.
pub(super) struct Outlet {
    sink: Box<dyn Sink>,
    held: Batch,
    held_levels: Vec<Level>,
    held_bytes_max: usize,
    failing: Option<Failing>,
    dropped: LevelCounts,
    /// Dropped lines that no report has told yet.
    dropped_untold: u64,
    errors: u64,
}

#[derive(Debug, Clone, Copy)]
struct Failing {
    since_nanos: i64,
    retry_at_nanos: i64,
    pause_nanos: i64,
}

/// What a call brought to light.
#[derive(Debug)]
pub(super) enum News {
    /// The sink has begun to fail.
    Failed { sink: String, error: String },
    /// The sink takes lines again.
    Recovered { sink: String, dropped: u64, failing_nanos: i64 },
}

impl std::fmt::Debug for Outlet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outlet")
            .field("sink", &self.sink.name())
            .field("failing", &self.failing)
            .finish()
    }
}

impl Outlet {
    pub(super) fn new(sink: Box<dyn Sink>, held_bytes_max: usize) -> Self {
        Self {
            sink,
            held: Batch::default(),
            held_levels: Vec::new(),
            held_bytes_max: held_bytes_max.min(HELD_BYTES_MAX),
            failing: None,
            dropped: LevelCounts::default(),
            dropped_untold: 0,
            errors: 0,
        }
    }

    /// Writes `lines`, or holds them, or gives them up. `levels` has one entry per line.
    pub(super) fn write(&mut self, lines: Lines<'_>, levels: &[Level], now: Now) -> Option<News> {
        let mut news = None;
        if self.failing.is_some() {
            news = self.retry(now);
            if self.failing.is_some() {
                self.hold(lines, levels);
                return news;
            }
        }
        match guarded(&mut *self.sink, |sink| sink.write(lines, now).map_err(Into::into)) {
            Ok(()) => news,
            Err(Part { lines_written, cause }) => {
                let (_, rest) = lines.split_at(lines_written.min(lines.count()));
                let levels = &levels[levels.len().saturating_sub(rest.count())..];
                self.hold(rest, levels);
                self.fail(&cause, now).or(news)
            }
        }
    }

    /// Tries again what is held, when its time has come, and lets the sink do what falls due.
    pub(super) fn turn(&mut self, now: Now) -> Option<News> {
        if self.failing.is_some() {
            return self.retry(now);
        }
        match guarded(&mut *self.sink, |sink| sink.turn(now).map_err(Part::of)) {
            Ok(()) => None,
            Err(part) => self.fail(&part.cause, now),
        }
    }

    /// Tries held lines regardless of pauses, then flushes (and syncs) the sink.
    pub(super) fn flush(&mut self, now: Now, sync: bool) -> (Result<(), String>, Option<News>) {
        let mut news = None;
        if let Some(failing) = &mut self.failing {
            failing.retry_at_nanos = i64::MIN;
            news = self.retry(now);
        }
        if self.failing.is_some() {
            let held = self.held.lines().count();
            return (Err(format!("{}: failing, {held} lines held", self.sink.name())), news);
        }
        let result = guarded(&mut *self.sink, |sink| {
            sink.flush().and_then(|()| if sync { sink.sync() } else { Ok(()) }).map_err(Part::of)
        });
        match result {
            Ok(()) => (Ok(()), news),
            Err(part) => {
                let said = format!("{}: {}", self.sink.name(), part.cause);
                (Err(said), self.fail(&part.cause, now).or(news))
            }
        }
    }

    /// Opens the target again.
    pub(super) fn reopen(&mut self, now: Now) -> Result<(), String> {
        guarded(&mut *self.sink, |sink| sink.reopen(now).map_err(Part::of)).map_err(|part| {
            self.errors += 1;
            format!("{}: {}", self.sink.name(), part.cause)
        })
    }

    /// Gives up what is still held, at the end; says how many lines that are.
    pub(super) fn give_up(&mut self) -> u64 {
        let count = self.held_levels.len() as u64;
        for &level in &self.held_levels {
            self.dropped.0[level as usize] += 1;
        }
        self.held.clear();
        self.held_levels.clear();
        count
    }

    /// Lines given up so far, by level.
    pub(super) fn dropped(&self) -> LevelCounts {
        self.dropped
    }

    /// Calls that failed so far.
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

    fn fail(&mut self, error: &SinkError, now: Now) -> Option<News> {
        self.errors += 1;
        let (since_nanos, pause_nanos, is_new) = match self.failing {
            Some(failing) => {
                (failing.since_nanos, (failing.pause_nanos * 2).min(RETRY_NANOS_MAX), false)
            }
            None => (now.unix_nanos, RETRY_NANOS_MIN, true),
        };
        let retry_at_nanos = now.unix_nanos.saturating_add(pause_nanos);
        self.failing = Some(Failing { since_nanos, retry_at_nanos, pause_nanos });
        is_new.then(|| News::Failed { sink: self.sink.name().into(), error: error.to_string() })
    }

    fn retry(&mut self, now: Now) -> Option<News> {
        let failing = self.failing?;
        // A clock that was set back must not turn a short pause into a long one.
        let early = failing.retry_at_nanos.saturating_sub(now.unix_nanos);
        if early > 0 && early <= failing.pause_nanos {
            return None;
        }
        let lines = self.held.lines();
        let result = guarded(&mut *self.sink, |sink| {
            // What fails in a turn, as retention can, says nothing about lines: they are offered all the same.
            let turned = sink.turn(now);
            if lines.is_empty() {
                sink.flush().map_err(Part::of)?;
            } else {
                sink.write(lines, now)?;
            }
            turned.map_err(|cause| Part { lines_written: lines.count(), cause })
        });
        match result {
            Ok(()) => {
                self.held.clear();
                self.held_levels.clear();
                self.failing = None;
                Some(News::Recovered {
                    sink: self.sink.name().into(),
                    dropped: std::mem::take(&mut self.dropped_untold),
                    failing_nanos: now.unix_nanos.saturating_sub(failing.since_nanos),
                })
            }
            Err(part) => {
                self.forget_held(part.lines_written.min(self.held_levels.len()));
                self.fail(&part.cause, now)
            }
        }
    }

    /// The first `count` held lines are in place.
    fn forget_held(&mut self, count: usize) {
        if count == 0 {
            return;
        }
        let rest = {
            let (_, rest) = self.held.lines().split_at(count);
            let mut kept = Batch::default();
            append(&mut kept, rest);
            kept
        };
        self.held_levels.drain(..count);
        self.held = rest;
    }

    /// Keeps what fits under the bound and counts the rest as dropped. The oldest lines are the ones kept.
    fn hold(&mut self, lines: Lines<'_>, levels: &[Level]) {
        let room = self.held_bytes_max.saturating_sub(self.held.len_bytes());
        let kept = lines.count_within(room);
        let (fits, _) = lines.split_at(kept);
        append(&mut self.held, fits);
        self.held_levels.extend_from_slice(&levels[..kept]);
        for &level in &levels[kept..] {
            self.dropped.0[level as usize] += 1;
            self.dropped_untold += 1;
        }
    }
}

fn append(batch: &mut Batch, lines: Lines<'_>) {
    let mut start = 0;
    for index in 0..lines.count() {
        let end = lines.end(index);
        batch.bytes_mut().extend_from_slice(&lines.bytes()[start..end]);
        batch.end_line();
        start = end;
    }
}

/// An error and how many lines came before it.
struct Part {
    lines_written: usize,
    cause: SinkError,
}

impl Part {
    fn of(cause: SinkError) -> Self {
        Part { lines_written: 0, cause }
    }
}

impl From<crate::sink::WriteError> for Part {
    fn from(error: crate::sink::WriteError) -> Self {
        Part { lines_written: error.lines_written, cause: error.cause }
    }
}

/// Calls a sink so that a panic of its own stays inside.
fn guarded(
    sink: &mut dyn Sink,
    call: impl FnOnce(&mut dyn Sink) -> Result<(), Part>,
) -> Result<(), Part> {
    catch_unwind(AssertUnwindSafe(|| call(sink))).unwrap_or_else(|panic| {
        let said = panic
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_default();
        Err(Part::of(SinkError::Panicked { message: said }))
    })
}
