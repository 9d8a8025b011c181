//! The thread of an isolated sink, and the state that both threads share.
//!
//! Promises: jobs run in the order in which they came; lines stay in their buffer until the inner sink has accepted
//! them. After an error the thread pauses, but a request or the end wakes it at once: a request makes a failing sink
//! try once more, and the error of that attempt is the answer. Panics of the inner sink become errors. Memory is
//! allocated at the start.
use std::cell::Cell;
use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use parking_lot::Mutex;

use super::{BUFFERS, SinkTimeouts};
use crate::core::Batch;
use crate::metrics::Counter;
use crate::sink::commit::{Commit, Place};
use crate::sink::{Sink, SinkCounters, SinkError, WriteError};
use ringseal_base::Now;
use ringseal_base::backoff::Backoff;
use ringseal_base::own_thread;
use ringseal_base::panic::panic_message;
use ringseal_base::process::file_size::block_in_this_thread;

/// A job for the thread.
pub(super) enum Job {
    /// Write these lines.
    Lines(Batch, Now),
    /// Execute a request and answer it.
    Call(Call),
    /// From now on, publish what is in place.
    Attach(Box<dyn Commit>),
}

pub(super) struct Call {
    pub request: Request,
    pub now: Option<Now>,
    pub answer: Sender<Result<(), SinkError>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Request {
    Flush,
    Sync,
    Reopen,
}

/// The thread's last message.
pub(super) struct FinalReport {
    /// Why it could not finish or flush.
    pub error: Option<SinkError>,
}

#[derive(Default)]
struct Health {
    is_failing: bool,
    /// The last error, as long as it has to be reported.
    error: Option<SinkError>,
    is_reported: bool,
}

/// The state that both threads share. A lock is held for a copy, never during a call of the inner sink.
pub(super) struct Shared {
    /// Calls that have returned from the inner sink.
    heartbeats: Counter,
    /// Lines in place.
    lines_written: Counter,
    counters: Mutex<SinkCounters>,
    /// Whether `health` has something to report.
    has_error: AtomicBool,
    /// The inner sink's last warning that was not passed on.
    warning: Mutex<Option<SinkError>>,
    health: Mutex<Health>,
    /// The caller's latest reading of the clocks.
    now: Mutex<Option<Now>>,
    stop_at: Mutex<Option<Instant>>,
}

impl Shared {
    pub fn new(counters: SinkCounters) -> Self {
        Self {
            heartbeats: Counter::new(),
            lines_written: Counter::new(),
            counters: Mutex::new(counters),
            has_error: AtomicBool::new(false),
            warning: Mutex::default(),
            health: Mutex::default(),
            now: Mutex::default(),
            stop_at: Mutex::default(),
        }
    }

    pub fn heartbeats(&self) -> u64 {
        self.heartbeats.get()
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

    /// Publishes the time; if the thread is reading it at this moment, it gets the next one.
    pub fn offer_now(&self, now: Now) {
        if let Some(mut slot) = self.now.try_lock() {
            *slot = Some(now);
        }
    }

    /// The error, while the inner sink is failing.
    pub fn failing(&self) -> Option<SinkError> {
        self.error_if(|health| health.is_failing)
    }

    /// The error while the inner sink is failing, and once more if it recovered before the error was reported.
    pub fn take_error(&self) -> Option<SinkError> {
        self.error_if(|_| true)
    }

    /// The inner sink's warning. If its thread is storing one at this moment, it is passed on later.
    pub fn take_warning(&self) -> Option<SinkError> {
        self.warning.try_lock()?.take()
    }

    fn error_if(&self, is_asked: impl FnOnce(&Health) -> bool) -> Option<SinkError> {
        // ORDER: relaxed; a hint that may arrive late; its subject is protected by the lock.
        if !self.has_error.load(Ordering::Relaxed) {
            return None;
        }
        let mut health = self.health.lock();
        if !is_asked(&health) {
            return None;
        }
        health.is_reported = true;
        // ORDER: relaxed; stored under the lock, see above.
        self.has_error.store(health.is_failing, Ordering::Relaxed);
        health.error.as_ref().map(clone_error)
    }

    fn set_failing(&self, error: SinkError) {
        let mut health = self.health.lock();
        *health = Health { is_failing: true, error: Some(error), is_reported: false };
        // ORDER: relaxed; stored under the lock, see `error_if`.
        self.has_error.store(true, Ordering::Relaxed);
    }

    fn set_recovered(&self) {
        let mut health = self.health.lock();
        health.is_failing = false;
        // ORDER: relaxed; stored under the lock, see `error_if`.
        self.has_error.store(!health.is_reported, Ordering::Relaxed);
    }
}

thread_local! {
    static IS_SINK_THREAD: Cell<bool> = const { Cell::new(false) };
}

/// Whether the caller runs on the thread of an isolated sink. Such a caller must not wait for a flush of the engine:
/// the flush would wait for this thread.
pub fn is_sink_thread() -> bool {
    IS_SINK_THREAD.get()
}

#[derive(Clone, Copy)]
struct Retry {
    at: Instant,
    pause: Duration,
}

/// The thread's state.
pub(super) struct Worker {
    sink: Box<dyn Sink>,
    shared: Arc<Shared>,
    jobs: Receiver<Job>,
    emptied: Sender<Batch>,
    timeouts: SinkTimeouts,
    /// Buffers that the inner sink has not completely accepted; at most one unless it is failing.
    pending: VecDeque<Batch>,
    /// How many lines of the first pending buffer it has accepted.
    lines_written: usize,
    /// The latest time by ticks; `None` until the first one arrives.
    now: Option<Now>,
    /// While the inner sink is failing.
    retry: Option<Retry>,
    backoff: Backoff,
    turn_at: Instant,
    /// For an inner sink that is a stream.
    commit: Option<Box<dyn Commit>>,
}

impl Worker {
    pub fn new(
        sink: Box<dyn Sink>,
        shared: Arc<Shared>,
        jobs: Receiver<Job>,
        emptied: Sender<Batch>,
        timeouts: SinkTimeouts,
    ) -> Self {
        Self {
            sink,
            shared,
            jobs,
            emptied,
            timeouts,
            pending: VecDeque::with_capacity(BUFFERS),
            lines_written: 0,
            now: None,
            retry: None,
            backoff: Backoff::new(timeouts.retry_pause_min, timeouts.retry_pause_max),
            turn_at: Instant::now() + timeouts.turn_pause_max,
            commit: None,
        }
    }

    /// Works until the queue is closed, then finishes.
    pub fn run(mut self, last_words: &Sender<FinalReport>) {
        IS_SINK_THREAD.set(true);
        block_in_this_thread();
        own_thread::mark();
        loop {
            let wake_at = self.retry.map_or(self.turn_at, |retry| retry.at);
            match self.jobs.recv_deadline(wake_at) {
                Ok(Job::Lines(batch, now)) => {
                    self.update_now(Some(now));
                    self.pending.push_back(batch);
                    if self.retry.is_none_or(|retry| Instant::now() >= retry.at) {
                        let _ = self.attempt();
                    }
                }
                Ok(Job::Call(call)) => self.answer(&call),
                Ok(Job::Attach(commit)) => self.attach(commit),
                Err(RecvTimeoutError::Timeout) => {
                    let newest = *self.shared.now.lock();
                    self.update_now(newest);
                    let _ = self.attempt();
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        let error = self.finish().err();
        // The other side also waits for files to be closed, and a sink may panic there.
        let _ = catch_panic(move || drop(self));
        let _ = last_words.send(FinalReport { error });
    }

    fn attach(&mut self, commit: Box<dyn Commit>) {
        if self.sink.log_id().is_some() {
            let _ = catch_panic(|| self.sink.attach(commit));
            return;
        }
        commit.publish(self.shared.lines_written.get(), Place::default());
        self.commit = Some(commit);
    }

    fn update_now(&mut self, newer: Option<Now>) {
        let is_older = |newer: Now, now: Now| (newer.ticks.wrapping_sub(now.ticks) as i64) < 0;
        match (self.now, newer) {
            (_, None) => {}
            (Some(now), Some(newer)) if is_older(newer, now) => {}
            _ => self.now = newer,
        }
    }

    fn now_or_epoch(&self) -> Now {
        self.now.unwrap_or(Now { ticks: 0, unix_nanos: 0 })
    }

    fn answer(&mut self, call: &Call) {
        self.update_now(call.now);
        let result = match call.request {
            // A failing sink may be waiting for exactly this; any other has nothing pending.
            Request::Reopen => {
                let now = self.now_or_epoch();
                let reopened = self.with_sink(|sink| sink.reopen(now));
                reopened.and_then(|()| self.attempt())
            }
            Request::Flush => self.attempt().and_then(|()| self.with_sink(|sink| sink.flush())),
            Request::Sync => self.attempt().and_then(|()| self.with_sink(|sink| sink.sync())),
        };
        self.publish_counters();
        // The caller may have timed out.
        let _ = call.answer.send(result);
    }

    /// Takes the turn that is due, writes what is pending, and updates the retry state.
    fn attempt(&mut self) -> Result<(), SinkError> {
        let result = self.turn_and_write();
        match &result {
            Ok(()) if self.retry.is_none() => {}
            Ok(()) => {
                self.retry = None;
                self.backoff.reset();
                self.shared.set_recovered();
            }
            Err(error) => {
                let pause = self.backoff.next_pause();
                self.retry = Some(Retry { at: Instant::now() + pause, pause });
                self.shared.set_failing(clone_error(error));
            }
        }
        self.publish_counters();
        result
    }

    fn turn_and_write(&mut self) -> Result<(), SinkError> {
        let clock = Instant::now();
        if self.retry.is_some() || clock >= self.turn_at {
            self.turn_at = clock + self.timeouts.turn_pause_max;
            // A sink that rotates by time must not get a time of 1970.
            if let Some(now) = self.now {
                let mut warning = None;
                self.with_sink(|sink| {
                    sink.turn(now)?;
                    warning = sink.warning();
                    Ok(())
                })?;
                if warning.is_some() {
                    *self.shared.warning.lock() = warning;
                }
            }
        }
        while let Some(batch) = self.pending.pop_front() {
            let result = self.write_rest(&batch);
            if self.lines_written < batch.lines().count() {
                self.pending.push_front(batch);
            } else {
                self.return_buffer(batch);
            }
            result?;
        }
        Ok(())
    }

    /// Writes the lines of `batch`, the first pending buffer, that the inner sink has not accepted.
    fn write_rest(&mut self, batch: &Batch) -> Result<(), SinkError> {
        let now = self.now_or_epoch();
        let (_, rest) = batch.lines().split_at(self.lines_written);
        if let Some(commit) = &self.commit {
            commit.offer(self.shared.lines_written.get() + rest.count() as u64);
        }
        // Stays zero on a panic: how much the sink accepted is unknown.
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
        if let Some(commit) = &self.commit {
            commit.publish(self.shared.lines_written.get(), Place::default());
        }
        result
    }

    fn return_buffer(&mut self, mut batch: Batch) {
        self.lines_written = 0;
        batch.clear();
        // Never full: there are as many slots as buffers. Closed if the other side is dropped.
        let _ = self.emptied.try_send(batch);
    }

    /// Writes what is left until it is done or the time is up, then flushes.
    fn finish(&mut self) -> Result<(), SinkError> {
        let stop_at = self.shared.stop_at.lock().unwrap_or_else(Instant::now);
        while let Err(error) = self.attempt() {
            let pause = self.retry.map_or(self.timeouts.retry_pause_max, |retry| retry.pause);
            if Instant::now() + pause >= stop_at {
                return Err(error);
            }
            std::thread::sleep(pause);
        }
        let result = self.with_sink(|sink| sink.flush());
        self.publish_counters();
        result
    }

    /// Calls the inner sink, catches panics, and counts a heartbeat.
    fn with_sink(
        &mut self,
        call: impl FnOnce(&mut dyn Sink) -> Result<(), SinkError>,
    ) -> Result<(), SinkError> {
        let sink = &mut *self.sink;
        let result = catch_panic(|| call(sink)).and_then(|result| result);
        self.shared.heartbeats.add(1);
        result
    }

    fn publish_counters(&mut self) {
        if let Ok(counters) = catch_panic(|| self.sink.counters()) {
            *self.shared.counters.lock() = counters;
        }
    }
}

/// Turns a panic into an error.
fn catch_panic<T>(call: impl FnOnce() -> T) -> Result<T, SinkError> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|panic| {
        let message = panic_message(&*panic).unwrap_or_default().to_owned();
        SinkError::Panicked { message }
    })
}

fn clone_io(error: &io::Error) -> io::Error {
    error.raw_os_error().map_or_else(
        || io::Error::new(error.kind(), error.to_string()),
        io::Error::from_raw_os_error,
    )
}

/// Copies an error for another receiver. The system's error code is kept; other causes keep their kind and text.
fn clone_error(error: &SinkError) -> SinkError {
    match error {
        SinkError::Io { action, target, source } => {
            SinkError::Io { action, target: target.clone(), source: clone_io(source) }
        }
        SinkError::SetAside { path, found, aside } => {
            SinkError::SetAside { path: path.clone(), found, aside: aside.clone() }
        }
        SinkError::RemovedForeign { path, found, kept } => {
            SinkError::RemovedForeign { path: path.clone(), found, kept: *kept }
        }
        SinkError::NotLocked { path, source } => {
            SinkError::NotLocked { path: path.clone(), source: clone_io(source) }
        }
        SinkError::NumbersUsedUp { path, number_max } => {
            SinkError::NumbersUsedUp { path: path.clone(), number_max: *number_max }
        }
        SinkError::NotAFile { path, found } => SinkError::NotAFile { path: path.clone(), found },
        SinkError::InUse { path } => SinkError::InUse { path: path.clone() },
        SinkError::Panicked { message } => SinkError::Panicked { message: message.clone() },
        SinkError::Stalled { target } => SinkError::Stalled { target: target.clone() },
        SinkError::Config { field, expected, found } => {
            SinkError::Config { field, expected, found: found.clone() }
        }
    }
}
