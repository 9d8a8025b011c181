//! The thread of an isolated sink, and what both threads see.
//!
//! Promises: jobs are done in the order in which they came; lines stay in their buffer until the
//! inner sink has them. After an error the thread pauses, but a request or the end wakes it at
//! once: a request for a failing sink is one more attempt, and its error is the answer. Panics of
//! the inner sink are errors. Memory is taken at the start.
use std::cell::Cell;
use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use parking_lot::Mutex;

use super::{BUFFERS, Bounds};
use crate::core::backoff::Backoff;
use crate::core::{Batch, Now};
use crate::metrics::Counter;
use crate::sink::{Sink, SinkCounters, SinkError, WriteError};

/// What the thread is asked to do.
pub(super) enum Job {
    /// Write these.
    Lines(Batch, Now),
    /// Do that, and say how it went.
    Call(Call),
}

pub(super) struct Call {
    pub what: What,
    pub now: Option<Now>,
    pub answer: Sender<Result<(), SinkError>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Flush,
    Sync,
    Reopen,
}

/// The thread's last words.
pub(super) struct Farewell {
    /// Why it could not finish, or not flush.
    pub error: Option<SinkError>,
}

#[derive(Default)]
struct Health {
    is_failing: bool,
    /// The last error, as long as it is to be told.
    error: Option<SinkError>,
    is_told: bool,
}

/// What both threads see. Locks are held for a copy, never while the inner sink is called.
pub(super) struct Shared {
    /// Calls that came back from the inner sink.
    beats: Counter,
    /// Lines in place.
    lines_written: Counter,
    counters: Mutex<SinkCounters>,
    /// Whether `health` has something to tell.
    has_trouble: AtomicBool,
    health: Mutex<Health>,
    /// The caller's latest reading of the clocks.
    now: Mutex<Option<Now>>,
    stop_at: Mutex<Option<Instant>>,
}

impl Shared {
    pub fn new(counters: SinkCounters) -> Self {
        Self {
            beats: Counter::new(),
            lines_written: Counter::new(),
            counters: Mutex::new(counters),
            has_trouble: AtomicBool::new(false),
            health: Mutex::default(),
            now: Mutex::default(),
            stop_at: Mutex::default(),
        }
    }

    pub fn beats(&self) -> u64 {
        self.beats.get()
    }

    pub fn lines_written(&self) -> u64 {
        self.lines_written.get()
    }

    pub fn counters(&self) -> SinkCounters {
        *self.counters.lock()
    }

    pub fn set_stop_at(&self, at: Instant) {
        *self.stop_at.lock() = Some(at);
    }

    /// Hands the time over; a thread that is just reading it gets the next.
    pub fn offer_now(&self, now: Now) {
        if let Some(mut slot) = self.now.try_lock() {
            *slot = Some(now);
        }
    }

    /// The error, while the inner sink is failing.
    pub fn failing(&self) -> Option<SinkError> {
        self.trouble_where(|health| health.is_failing)
    }

    /// The error, while the inner sink is failing, and once more when that passed before anybody
    /// was told.
    pub fn take_trouble(&self) -> Option<SinkError> {
        self.trouble_where(|_| true)
    }

    fn trouble_where(&self, is_asked: impl FnOnce(&Health) -> bool) -> Option<SinkError> {
        // ORDER: relaxed; a hint that may come late, what it is about is under the lock.
        if !self.has_trouble.load(Ordering::Relaxed) {
            return None;
        }
        let mut health = self.health.lock();
        if !is_asked(&health) {
            return None;
        }
        health.is_told = true;
        // ORDER: relaxed; stored under the lock, see above.
        self.has_trouble.store(health.is_failing, Ordering::Relaxed);
        health.error.as_ref().map(copy_of)
    }

    fn set_failing(&self, error: SinkError) {
        let mut health = self.health.lock();
        *health = Health { is_failing: true, error: Some(error), is_told: false };
        // ORDER: relaxed; stored under the lock, see `trouble_where`.
        self.has_trouble.store(true, Ordering::Relaxed);
    }

    fn set_mended(&self) {
        let mut health = self.health.lock();
        health.is_failing = false;
        // ORDER: relaxed; stored under the lock, see `trouble_where`.
        self.has_trouble.store(!health.is_told, Ordering::Relaxed);
    }
}

thread_local! {
    static IS_SINK_THREAD: Cell<bool> = const { Cell::new(false) };
}

/// Whether the caller runs on the thread of an isolated sink. Whoever does must not wait for a
/// flush of the engine: that flush would wait for this very thread.
pub fn is_sink_thread() -> bool {
    IS_SINK_THREAD.get()
}

#[derive(Clone, Copy)]
struct Retry {
    at: Instant,
    pause: Duration,
}

/// The thread's side.
pub(super) struct Worker {
    sink: Box<dyn Sink>,
    shared: Arc<Shared>,
    jobs: Receiver<Job>,
    emptied: Sender<Batch>,
    bounds: Bounds,
    /// Buffers that the inner sink has not taken whole; at most one unless it is failing.
    pending: VecDeque<Batch>,
    /// How many lines of the first of them it has.
    lines_written: usize,
    /// None has been handed in yet, or the latest by ticks.
    now: Option<Now>,
    /// While the inner sink is failing.
    retry: Option<Retry>,
    backoff: Backoff,
    turn_at: Instant,
}

impl Worker {
    pub fn new(
        sink: Box<dyn Sink>,
        shared: Arc<Shared>,
        jobs: Receiver<Job>,
        emptied: Sender<Batch>,
        bounds: Bounds,
    ) -> Self {
        Self {
            sink,
            shared,
            jobs,
            emptied,
            bounds,
            pending: VecDeque::with_capacity(BUFFERS),
            lines_written: 0,
            now: None,
            retry: None,
            backoff: Backoff::new(bounds.retry_pause_min, bounds.retry_pause_max),
            turn_at: Instant::now() + bounds.turn_pause_max,
        }
    }

    /// Works until the queue is closed, then finishes.
    pub fn run(mut self, goodbye: &Sender<Farewell>) {
        IS_SINK_THREAD.set(true);
        loop {
            let wake_at = self.retry.map_or(self.turn_at, |retry| retry.at);
            match self.jobs.recv_deadline(wake_at) {
                Ok(Job::Lines(batch, now)) => {
                    self.advance(Some(now));
                    self.pending.push_back(batch);
                    if self.retry.is_none_or(|retry| Instant::now() >= retry.at) {
                        let _ = self.attempt();
                    }
                }
                Ok(Job::Call(call)) => self.answer(&call),
                Err(RecvTimeoutError::Timeout) => {
                    let newest = *self.shared.now.lock();
                    self.advance(newest);
                    let _ = self.attempt();
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        let error = self.finish().err();
        // Closing files is part of what the other side waits for, and a sink may panic there, too.
        let _ = guarded(move || drop(self));
        let _ = goodbye.send(Farewell { error });
    }

    fn advance(&mut self, newer: Option<Now>) {
        let is_older = |newer: Now, now: Now| (newer.ticks.wrapping_sub(now.ticks) as i64) < 0;
        match (self.now, newer) {
            (_, None) => {}
            (Some(now), Some(newer)) if is_older(newer, now) => {}
            _ => self.now = newer,
        }
    }

    fn now_or_start(&self) -> Now {
        self.now.unwrap_or(Now { ticks: 0, unix_nanos: 0 })
    }

    fn answer(&mut self, call: &Call) {
        self.advance(call.now);
        let result = match call.what {
            // A failing sink may be waiting for just this; any other has nothing pending.
            What::Reopen => {
                let now = self.now_or_start();
                let reopened = self.with_sink(|sink| sink.reopen(now));
                reopened.and_then(|()| self.attempt())
            }
            What::Flush => self.attempt().and_then(|()| self.with_sink(|sink| sink.flush())),
            What::Sync => self.attempt().and_then(|()| self.with_sink(|sink| sink.sync())),
        };
        self.publish_counters();
        // Whoever asked may have stopped waiting.
        let _ = call.answer.send(result);
    }

    /// Does what falls due and writes what is pending, and keeps score of how that went.
    fn attempt(&mut self) -> Result<(), SinkError> {
        let result = self.turn_and_write();
        match &result {
            Ok(()) if self.retry.is_none() => {}
            Ok(()) => {
                self.retry = None;
                self.backoff.reset();
                self.shared.set_mended();
            }
            Err(error) => {
                let pause = self.backoff.next_pause();
                self.retry = Some(Retry { at: Instant::now() + pause, pause });
                self.shared.set_failing(copy_of(error));
            }
        }
        self.publish_counters();
        result
    }

    fn turn_and_write(&mut self) -> Result<(), SinkError> {
        let clock = Instant::now();
        if self.retry.is_some() || clock >= self.turn_at {
            self.turn_at = clock + self.bounds.turn_pause_max;
            // A sink that rotates by time must not be told that it is 1970.
            if let Some(now) = self.now {
                self.with_sink(|sink| sink.turn(now))?;
            }
        }
        while let Some(batch) = self.pending.pop_front() {
            let result = self.write_rest(&batch);
            if self.lines_written < batch.lines().count() {
                self.pending.push_front(batch);
            } else {
                self.give_back(batch);
            }
            result?;
        }
        Ok(())
    }

    /// Writes what the inner sink does not have of `batch`, the first that is pending.
    fn write_rest(&mut self, batch: &Batch) -> Result<(), SinkError> {
        let now = self.now_or_start();
        let (_, rest) = batch.lines().split_at(self.lines_written);
        // A panic leaves it at zero: nobody knows how far the sink came.
        let mut count = 0;
        let result = self.with_sink(|sink| match sink.write(rest, now) {
            Ok(()) => {
                count = rest.count();
                Ok(())
            }
            Err(WriteError { lines_written, cause }) => {
                count = lines_written.min(rest.count());
                Err(cause)
            }
        });
        self.lines_written += count;
        self.shared.lines_written.add(count as u64);
        result
    }

    fn give_back(&mut self, mut batch: Batch) {
        self.lines_written = 0;
        batch.clear();
        // Never full: there are as many places as buffers. Closed when the other side is gone.
        let _ = self.emptied.try_send(batch);
    }

    /// Writes what is left until it is done or time is up, then flushes.
    fn finish(&mut self) -> Result<(), SinkError> {
        let stop_at = self.shared.stop_at.lock().unwrap_or_else(Instant::now);
        while let Err(error) = self.attempt() {
            let pause = self.retry.map_or(self.bounds.retry_pause_max, |retry| retry.pause);
            if Instant::now() + pause >= stop_at {
                return Err(error);
            }
            std::thread::sleep(pause);
        }
        let result = self.with_sink(|sink| sink.flush());
        self.publish_counters();
        result
    }

    /// Calls the inner sink, panics and all, and lets the other side see that it came back.
    fn with_sink(
        &mut self,
        call: impl FnOnce(&mut dyn Sink) -> Result<(), SinkError>,
    ) -> Result<(), SinkError> {
        let sink = &mut *self.sink;
        let result = guarded(|| call(sink)).and_then(|result| result);
        self.shared.beats.add(1);
        result
    }

    fn publish_counters(&mut self) {
        if let Ok(counters) = guarded(|| self.sink.counters()) {
            *self.shared.counters.lock() = counters;
        }
    }
}

/// Keeps a panic inside.
fn guarded<T>(call: impl FnOnce() -> T) -> Result<T, SinkError> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|panic| {
        let said = panic
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_default();
        SinkError::Panicked { said }
    })
}

/// An error for one more listener. The system's code survives; other causes keep their kind and
/// words.
fn copy_of(error: &SinkError) -> SinkError {
    match error {
        SinkError::Io { action, target, source } => {
            let source = source.raw_os_error().map_or_else(
                || io::Error::new(source.kind(), source.to_string()),
                io::Error::from_raw_os_error,
            );
            SinkError::Io { action, target: target.clone(), source }
        }
        SinkError::NotAFile { path, found } => SinkError::NotAFile { path: path.clone(), found },
        SinkError::InUse { path } => SinkError::InUse { path: path.clone() },
        SinkError::Panicked { said } => SinkError::Panicked { said: said.clone() },
        SinkError::Stalled { target } => SinkError::Stalled { target: target.clone() },
        SinkError::Config { field, expected, found } => {
            SinkError::Config { field, expected, found: found.clone() }
        }
    }
}
