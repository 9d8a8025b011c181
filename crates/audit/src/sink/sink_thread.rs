//! A sink on its own thread, with its own queue.
//!
//! Promises: entries reach the sink in order, and each is retried until the sink has committed it, across errors and
//! panics of the sink. Held bytes are bounded; beyond the bound the caller waits, entries go to a file, or they stay in
//! the log that feeds the sink. Memory: two batches that keep their capacity, at most twice the bound. A sink that
//! hangs is abandoned at the end, and the entries that it lacks are reported.
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};

use super::bounds::{SinkBounds, SinkEvent, SinkHealth, SinkQueueOverflow};
use super::log_source::{Lag, LogSource};
use super::spill::Spill;
use super::worker::{Worker, panic_error};
use super::{AuditSink, AuditSinkError, EntryBatch, SealedEntry};
use ringseal_base::own_thread;
use ringseal_base::process::file_size::block_in_this_thread;
use ringseal_base::storage::Storage;

/// A sink call may exceed the stop timeout by this much.
const GRACE: Duration = Duration::from_secs(1);

/// Receives the events of sink threads.
pub(super) type OnSinkEvent = Arc<dyn Fn(SinkEvent<'_>) + Send + Sync>;

pub(super) struct State {
    pub incoming: EntryBatch,
    /// When the first entry of `incoming` arrived.
    pub since: Option<Instant>,
    /// Bytes that the thread has taken and the sink has not committed.
    pub in_flight_bytes: usize,
    pub spill: Option<Spill>,
    pub next_offer: Option<u64>,
    /// The first entry offered.
    pub first_offer: Option<u64>,
    /// Set while the sink still needs entries from the log, after all queued and spilled entries.
    pub lag: Option<Lag>,
    /// Entries of the log below this number may be given to the sink.
    pub log_end: u64,
    pub committed_next: Option<u64>,
    /// A caller waits for a commit.
    pub is_urgent: bool,
    pub stop_at: Option<Instant>,
    /// The thread is in a sink call, which may not return.
    pub is_in_sink: bool,
    /// The thread has finished.
    pub is_over: bool,
    pub is_failing: bool,
    pub errors: u64,
    pub last_error: Option<String>,
}

pub(super) struct Shared {
    pub name: String,
    pub bounds: SinkBounds,
    pub log: Option<LogSource>,
    pub state: Mutex<State>,
    /// Signalled when there is work, or when the thread must stop.
    pub work: Condvar,
    /// Signalled when space was freed, or entries were committed, or a call failed.
    pub progress: Condvar,
}

pub(super) struct SinkThread {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<Result<(), AuditSinkError>>>>,
}

impl SinkThread {
    /// Starts a thread for `sink`. Entries left in its spill file are delivered first, after earlier entries that the
    /// sink lacks and `log` has.
    pub(super) fn start(
        sink: Box<dyn AuditSink>,
        bounds: SinkBounds,
        storage: &Arc<dyn Storage>,
        log: Option<LogSource>,
        notify: OnSinkEvent,
    ) -> Result<SinkThread, AuditSinkError> {
        let mut spill = match &bounds.overflow {
            SinkQueueOverflow::Block { .. } => None,
            SinkQueueOverflow::Spill { path } => Some(Spill::open(Arc::clone(storage), path)?),
        };
        let bounds = bounds.with_addable_times();
        let spilled_last = spill.as_mut().map_or(Ok(None), Spill::last_seq)?;
        let name = sink.name().to_owned();
        let state = State {
            incoming: EntryBatch::default(),
            since: None,
            in_flight_bytes: 0,
            spill,
            next_offer: spilled_last.map(|last| last.saturating_add(1)),
            first_offer: log.as_ref().map(|log| log.opened_seq),
            lag: log.is_some().then_some(Lag::Unknown),
            log_end: log.as_ref().map_or(0, |log| log.next_seq),
            committed_next: None,
            is_urgent: false,
            stop_at: None,
            is_in_sink: false,
            is_over: false,
            is_failing: false,
            errors: 0,
            last_error: None,
        };
        let shared = Arc::new(Shared {
            name: name.clone(),
            bounds,
            log,
            state: Mutex::new(state),
            work: Condvar::new(),
            progress: Condvar::new(),
        });
        let worker = Worker {
            sink,
            shared: Arc::clone(&shared),
            notify,
            batch: EntryBatch::default(),
            spill_end: None,
            done: 0,
        };
        let thread = std::thread::Builder::new()
            .name("ringseal-audit-sink".to_owned())
            .spawn(move || {
                block_in_this_thread();
                own_thread::mark();
                worker.run()
            })
            .map_err(|error| AuditSinkError::io("start a thread for", name, error))?;
        Ok(SinkThread { shared, thread: Mutex::new(Some(thread)) })
    }

    /// Queues the entries that fit, without waiting; returns how many of `entries` are accepted so far.
    pub(super) fn try_offer(&self, entries: &[SealedEntry<'_>]) -> Result<usize, AuditSinkError> {
        let mut state = self.shared.state.lock();
        self.shared.accept(&mut state, entries)
    }

    /// Queues all of `entries`; waits for space as the bounds allow.
    pub(super) fn offer(&self, entries: &[SealedEntry<'_>]) -> Result<(), AuditSinkError> {
        let deadline = match self.shared.bounds.overflow {
            SinkQueueOverflow::Block { wait_max } => Instant::now().checked_add(wait_max),
            SinkQueueOverflow::Spill { .. } => None,
        };
        let mut state = self.shared.state.lock();
        while self.shared.accept(&mut state, entries)? < entries.len() {
            if !self.shared.wait(&mut state, deadline) {
                return Err(AuditSinkError::Full {
                    target: self.shared.name.clone(),
                    held_bytes: state.held_bytes(),
                    held_bytes_max: self.shared.bounds.held_bytes_max,
                });
            }
        }
        Ok(())
    }

    /// Requests a commit; [`SinkThread::wait_committed`] waits for it.
    pub(super) fn request_commit(&self) {
        let mut state = self.shared.state.lock();
        if !state.is_done() {
            state.is_urgent = true;
            self.shared.work.notify_all();
        }
    }

    /// Waits until the sink has committed all entries offered.
    pub(super) fn wait_committed(&self, deadline: Option<Instant>) -> Result<(), AuditSinkError> {
        let mut state = self.shared.state.lock();
        while !state.is_done() {
            if !self.shared.wait(&mut state, deadline) {
                let target = self.shared.name.clone();
                let missing_seq = state.committed_next.unwrap_or(0);
                return Err(AuditSinkError::Timeout { target, missing_seq });
            }
        }
        Ok(())
    }

    pub(super) fn health(&self) -> SinkHealth {
        let state = self.shared.state.lock();
        let spill = state.spill.as_ref();
        SinkHealth {
            name: self.shared.name.clone(),
            is_healthy: !state.is_failing,
            held_bytes: state.held_bytes(),
            spilled_bytes: spill.map_or(0, Spill::waiting_bytes),
            torn_bytes: spill.map_or(0, Spill::torn_bytes),
            committed_next: state.committed_next,
            missing_entries: {
                let end =
                    if self.shared.log.is_some() { Some(state.log_end) } else { state.next_offer };
                let has = state.committed_next.or(state.first_offer);
                end.zip(has).map_or(0, |(end, has)| end.saturating_sub(has))
            },
            errors: state.errors,
            last_error: state.last_error.clone(),
        }
    }

    /// The longest time that [`SinkThread::join`] takes after [`SinkThread::stop`].
    pub(super) fn stop_wait_max(&self) -> Duration {
        self.shared.bounds.stop_wait_max + GRACE
    }

    /// Asks the thread to finish; [`SinkThread::join`] waits for it.
    pub(super) fn stop(&self) {
        let mut state = self.shared.state.lock();
        let wait_max = self.shared.bounds.stop_wait_max;
        state.stop_at.get_or_insert_with(|| Instant::now() + wait_max);
        self.shared.work.notify_all();
    }

    /// Waits for the thread, as long as the bounds allow plus a grace period. An error reports which entries the sink
    /// lacks; if there is a spill file, the held entries are in it by then.
    pub(super) fn join(&self) -> Result<(), AuditSinkError> {
        let Some(thread) = self.thread.lock().take() else { return Ok(()) };
        let target = self.shared.name.clone();
        let mut state = self.shared.state.lock();
        let hangs_at = state.stop_at.unwrap_or_else(Instant::now) + GRACE;
        while !state.is_over {
            // Only the sink can hang; spilling the held entries always finishes.
            let deadline = state.is_in_sink.then_some(hangs_at);
            if !self.shared.wait(&mut state, deadline) && state.is_in_sink {
                let missing_seq = state.committed_next.unwrap_or(0);
                return Err(AuditSinkError::Timeout { target, missing_seq });
            }
        }
        drop(state);
        thread.join().unwrap_or_else(|panic| Err(panic_error(target, &*panic)))
    }
}

impl Shared {
    /// Waits for progress; `false` at the deadline.
    fn wait(&self, state: &mut MutexGuard<'_, State>, deadline: Option<Instant>) -> bool {
        match deadline {
            None => {
                self.progress.wait(state);
                true
            }
            Some(deadline) => !self.progress.wait_until(state, deadline).timed_out(),
        }
    }

    /// Queues the `entries` that fit now; returns how many of them are accepted.
    fn accept(
        &self,
        state: &mut State,
        entries: &[SealedEntry<'_>],
    ) -> Result<usize, AuditSinkError> {
        if state.stop_at.is_some() {
            return Err(AuditSinkError::Closed { target: self.name.clone() });
        }
        if self.log.is_some() {
            self.accept_from_log(state, entries);
            return Ok(entries.len());
        }
        for (index, entry) in entries.iter().enumerate() {
            if let Some(expected_seq) = state.next_offer {
                if entry.seq < expected_seq {
                    continue;
                }
                if entry.seq > expected_seq {
                    let (target, found_seq) = (self.name.clone(), entry.seq);
                    return Err(AuditSinkError::Gap { target, expected_seq, found_seq });
                }
            }
            if !state.accept(entry, self.bounds.held_bytes_max)? {
                return Ok(index);
            }
            state.first_offer.get_or_insert(entry.seq);
            state.next_offer = Some(entry.seq.saturating_add(1));
            self.work.notify_one();
        }
        Ok(entries.len())
    }

    /// Queues the entries that fit; later, the others are read from the log.
    fn accept_from_log(&self, state: &mut State, entries: &[SealedEntry<'_>]) {
        let log_end = state.log_end;
        for entry in entries.iter().filter(|entry| entry.seq >= log_end) {
            state.log_end = entry.seq.saturating_add(1);
            if state.lag.is_some() {
                continue;
            }
            match state.accept(entry, self.bounds.held_bytes_max) {
                Ok(true) => state.next_offer = Some(state.log_end),
                Ok(false) => state.lag = Some(Lag::From(entry.seq)),
                Err(error) => {
                    state.lag = Some(Lag::From(entry.seq));
                    state.errors += 1;
                    state.last_error = Some(error.to_string());
                }
            }
        }
        self.work.notify_one();
    }
}

impl State {
    fn held_bytes(&self) -> usize {
        self.incoming.len_bytes() + self.in_flight_bytes
    }

    /// The first entry in the spill file, if there is one.
    pub(super) fn spilled_first(&mut self) -> Result<Option<u64>, AuditSinkError> {
        match &mut self.spill {
            Some(spill) if !spill.is_empty() => spill.first_seq(),
            _ => Ok(None),
        }
    }

    /// Whether the sink has committed all entries offered.
    pub(super) fn is_done(&self) -> bool {
        let is_spilled = self.spill.as_ref().is_some_and(|spill| !spill.is_empty());
        self.incoming.is_empty() && self.in_flight_bytes == 0 && !is_spilled && self.lag.is_none()
    }

    /// Queues an entry or spills it; `false` if there is no space.
    fn accept(
        &mut self,
        entry: &SealedEntry<'_>,
        held_bytes_max: usize,
    ) -> Result<bool, AuditSinkError> {
        let held_bytes = self.held_bytes();
        let fits = held_bytes == 0
            || held_bytes.saturating_add(EntryBatch::cost_bytes(entry)) <= held_bytes_max;
        match &mut self.spill {
            // Spilled entries are older than new ones, so new ones go to the file too.
            Some(spill) if !fits || !spill.is_empty() => {
                spill.append(entry)?;
                Ok(true)
            }
            _ if !fits => Ok(false),
            _ => {
                self.since.get_or_insert_with(Instant::now);
                self.incoming.push(entry);
                Ok(true)
            }
        }
    }
}
