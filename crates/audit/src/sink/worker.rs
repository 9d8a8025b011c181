//! The thread of a sink: takes entries from its queue, passes them to the sink, retries.
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::bounds::SinkEvent;
use super::log_source::Lag;
use super::sink_thread::{OnSinkEvent, Shared, State};
use super::{AuditSink, AuditSinkError, EntryBatch};
use ringseal_base::backoff::Backoff;
use ringseal_base::panic::panic_message;

pub(super) struct Worker {
    pub sink: Box<dyn AuditSink>,
    pub shared: Arc<Shared>,
    pub notify: OnSinkEvent,
    /// The batch being delivered.
    pub batch: EntryBatch,
    /// End of the batch in the spill file, if it was read from there.
    pub spill_end: Option<u64>,
    /// Number of entries of the batch that the sink has committed.
    pub done: usize,
}

/// Most bytes read from a file at once, if the bound on held bytes is not lower.
const READ_BYTES: usize = 1 << 18;

/// What the thread does next.
enum Work {
    /// Deliver the batch.
    Batch,
    /// Ask the sink which entry it expects.
    AskNextSeq,
    /// Deliver entries from the log, from one number up to another.
    Log { from: u64, end: u64 },
    /// Nothing is left to do, and the thread must stop.
    Nothing,
}

impl Worker {
    pub(super) fn run(mut self) -> Result<(), AuditSinkError> {
        let result = self.deliver_all();
        // Spills the held entries before a sink call that may hang.
        let result = result.map_err(|error| self.spill_held(error));
        let closed = self.call_sink(|sink| sink.close());
        let result = result.and(closed);
        self.shared.state.lock().is_over = true;
        self.shared.progress.notify_all();
        result
    }

    /// Runs until the thread must stop and the sink has everything, or time is up.
    fn deliver_all(&mut self) -> Result<(), AuditSinkError> {
        let bounds = &self.shared.bounds;
        let mut backoff = Backoff::new(bounds.retry_pause_min, bounds.retry_pause_max);
        loop {
            let step = self.next_work().and_then(|work| match work {
                Work::Batch => self.deliver_batch().map(|()| true),
                Work::AskNextSeq => self.ask_next_seq().map(|()| true),
                Work::Log { from, end } => self.deliver_log(from, end).map(|()| true),
                Work::Nothing => Ok(false),
            });
            match step {
                Ok(is_more) => {
                    backoff.reset();
                    if !is_more {
                        return Ok(());
                    }
                }
                Err(error) => {
                    self.record_error(&error);
                    if matches!(error, AuditSinkError::Gap { .. }) {
                        self.restart_from_log();
                    }
                    if !self.pause(backoff.next_pause()) {
                        return Err(error);
                    }
                }
            }
        }
    }

    /// Waits for work. Entries in memory are older than those in the spill file, and those are older than entries that
    /// must be read from the log. Returns `Nothing` when the thread must stop and the sink has everything.
    fn next_work(&mut self) -> Result<Work, AuditSinkError> {
        if !self.batch.is_empty() {
            return Ok(Work::Batch);
        }
        let bounds = &self.shared.bounds;
        let mut state = self.shared.state.lock();
        loop {
            let is_ending = state.stop_at.is_some() || state.is_urgent || state.lag.is_some();
            let ready_at = state.since.map(|since| since + bounds.gather_max);
            let is_ready = is_ending
                || state.incoming.len() >= bounds.gather_entries
                || ready_at.is_some_and(|ready_at| Instant::now() >= ready_at);
            if !state.incoming.is_empty() && is_ready {
                std::mem::swap(&mut state.incoming, &mut self.batch);
                state.in_flight_bytes = self.batch.len_bytes();
                state.since = None;
                return Ok(Work::Batch);
            }
            if state.incoming.is_empty() {
                if state.lag == Some(Lag::Unknown) {
                    return Ok(Work::AskNextSeq);
                }
                let spilled_first = state.spilled_first()?;
                let log_end = spilled_first.unwrap_or(state.log_end);
                match (state.lag, spilled_first) {
                    (Some(Lag::From(from)), _) if from < log_end => {
                        return Ok(Work::Log { from, end: log_end });
                    }
                    (_, Some(_)) => {
                        let bytes_max = self.read_bytes_max();
                        if let Some(spill) = &mut state.spill {
                            self.spill_end = Some(spill.read(&mut self.batch, bytes_max)?);
                        }
                        state.in_flight_bytes = self.batch.len_bytes();
                        return Ok(Work::Batch);
                    }
                    (Some(_), None) => {
                        state.lag = None;
                        state.next_offer = Some(state.log_end);
                        self.shared.progress.notify_all();
                    }
                    (None, None) => {}
                }
            }
            if state.stop_at.is_some() {
                return Ok(Work::Nothing);
            }
            match ready_at {
                None => self.shared.work.wait(&mut state),
                Some(ready_at) => drop(self.shared.work.wait_until(&mut state, ready_at)),
            }
        }
    }

    /// Asks the sink which entry it expects.
    fn ask_next_seq(&mut self) -> Result<(), AuditSinkError> {
        let (mut next_seq, mut remembers) = (None, false);
        self.call_sink(|sink| {
            (next_seq, remembers) = (sink.next_seq()?, sink.remembers());
            Ok(())
        })?;
        let shared = &*self.shared;
        let Some(log) = &shared.log else { return Ok(()) };
        let mut state = shared.state.lock();
        let from = log.first_seq_for(&shared.name, next_seq, remembers, state.log_end)?;
        state.committed_next = next_seq;
        state.lag = Some(Lag::From(from));
        Ok(())
    }

    /// The sink lacks entries before the ones offered, perhaps because it lost them. If there is a log, the sink gets
    /// everything from the log. Entries read from a spill file stay in the file.
    fn restart_from_log(&mut self) {
        if self.shared.log.is_none() {
            return;
        }
        let mut state = self.shared.state.lock();
        state.incoming.clear();
        (state.since, state.in_flight_bytes, state.lag) = (None, 0, Some(Lag::Unknown));
        self.batch.clear();
        (self.done, self.spill_end) = (0, None);
    }

    fn read_bytes_max(&self) -> usize {
        READ_BYTES.min(self.shared.bounds.held_bytes_max)
    }

    /// Delivers the log's entries from one number up to another, a batch at a time.
    fn deliver_log(&mut self, from: u64, end: u64) -> Result<(), AuditSinkError> {
        let shared = Arc::clone(&self.shared);
        let Some(log) = &shared.log else { return Ok(()) };
        let (mut result, bytes_max) = (Ok(()), self.read_bytes_max());
        log.read(&shared.name, from, end, &mut |entry| {
            self.batch.push(entry);
            if self.batch.len_bytes() < bytes_max {
                return ControlFlow::Continue(());
            }
            result = self.deliver_batch().and_then(|()| self.check_stop_deadline());
            if result.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        result?;
        self.deliver_batch()?;
        // Entries that are no longer in the log cannot be delivered; the sink reports the gap.
        let mut state = shared.state.lock();
        if let Some(Lag::From(from)) = &mut state.lag {
            *from = end.max(*from);
        }
        Ok(())
    }

    /// An error if the thread must stop and its time is up.
    fn check_stop_deadline(&self) -> Result<(), AuditSinkError> {
        let state = self.shared.state.lock();
        match state.stop_at {
            Some(stop_at) if Instant::now() >= stop_at => {
                let missing_seq = state.committed_next.unwrap_or(0);
                Err(AuditSinkError::Timeout { target: self.shared.name.clone(), missing_seq })
            }
            _ => Ok(()),
        }
    }

    fn deliver_batch(&mut self) -> Result<(), AuditSinkError> {
        self.deliver_once()?;
        self.record_success();
        self.done = 0;
        self.release_batch();
        Ok(())
    }

    /// Releases the batch: the sink has committed it.
    fn release_batch(&mut self) {
        let mut state = self.shared.state.lock();
        let consumed = match (self.spill_end.take(), &mut state.spill) {
            (Some(end), Some(spill)) => spill.consume(end),
            _ => Ok(()),
        };
        if let (Some(Lag::From(from)), Some(last)) = (&mut state.lag, self.batch.last_seq()) {
            *from = last.saturating_add(1).max(*from);
        }
        self.batch.clear();
        state.in_flight_bytes = 0;
        let is_done = state.is_done();
        state.is_urgent &= !is_done;
        drop(state);
        self.shared.progress.notify_all();
        if let Err(error) = consumed {
            self.record_error(&error);
        }
    }

    /// Pauses after an error; `false` when the thread must stop and its time is up.
    fn pause(&self, pause: Duration) -> bool {
        let mut state = self.shared.state.lock();
        let again_at = Instant::now() + pause;
        // New work does not end the pause; a stop request does.
        while state.stop_at.is_none() && Instant::now() < again_at {
            self.shared.work.wait_until(&mut state, again_at);
        }
        let Some(stop_at) = state.stop_at else { return true };
        let again_at = Instant::now() + self.shared.bounds.retry_pause_min;
        if again_at > stop_at {
            return false;
        }
        while Instant::now() < again_at {
            self.shared.work.wait_until(&mut state, again_at);
        }
        true
    }

    /// Passes the uncommitted rest of the batch to the sink.
    fn deliver_once(&mut self) -> Result<(), AuditSinkError> {
        let batch = std::mem::take(&mut self.batch);
        let entries: Vec<_> = batch.iter().skip(self.done).collect();
        let mut parts = entries.chunks(self.shared.bounds.batch_entries_max.max(1));
        let result = parts.try_for_each(|part| {
            self.call_sink(|sink| {
                sink.append(part)?;
                sink.commit()
            })?;
            self.done += part.len();
            let next = part.last().map(|last| last.seq.saturating_add(1));
            self.shared.state.lock().committed_next = next;
            Ok(())
        });
        drop(entries);
        self.batch = batch;
        result
    }

    /// Calls the sink, catches panics, and lets waiting threads see when the call starts and returns.
    fn call_sink(
        &mut self,
        call: impl FnOnce(&mut dyn AuditSink) -> Result<(), AuditSinkError>,
    ) -> Result<(), AuditSinkError> {
        let is_in_sink = |is_in_sink| {
            self.shared.state.lock().is_in_sink = is_in_sink;
            // The deadline has changed for threads that wait for the end.
            self.shared.progress.notify_all();
        };
        is_in_sink(true);
        let sink = &mut *self.sink;
        let result = catch_unwind(AssertUnwindSafe(|| call(sink)));
        is_in_sink(false);
        result.unwrap_or_else(|panic| Err(panic_error(self.shared.name.clone(), &*panic)))
    }

    fn record_success(&self) {
        let mut state = self.shared.state.lock();
        if std::mem::take(&mut state.is_failing) {
            let errors = state.errors;
            drop(state);
            self.report(SinkEvent::Recovered { sink: &self.shared.name, errors });
        }
    }

    fn record_error(&self, error: &AuditSinkError) {
        let mut state = self.shared.state.lock();
        state.errors += 1;
        state.last_error = Some(error.to_string());
        let is_new = !std::mem::replace(&mut state.is_failing, true);
        drop(state);
        self.shared.progress.notify_all();
        if is_new {
            self.report(SinkEvent::Failing { sink: &self.shared.name, error });
        }
    }

    /// Moves the entries that the sink did not take to the front of the spill file, if there is one.
    fn spill_held(&self, error: AuditSinkError) -> AuditSinkError {
        let mut state = self.shared.state.lock();
        let State { incoming, spill: Some(spill), .. } = &mut *state else { return error };
        // Entries read from the file are still in it.
        let empty = EntryBatch::default();
        let batch = if self.spill_end.is_some() { &empty } else { &self.batch };
        if batch.is_empty() && incoming.is_empty() {
            return error;
        }
        spill.prepend(&[batch, incoming]).err().unwrap_or(error)
    }

    /// A panic of the event handler is ignored.
    fn report(&self, event: SinkEvent<'_>) {
        let _ = catch_unwind(AssertUnwindSafe(|| (self.notify)(event)));
    }
}

pub(super) fn panic_error(target: String, panic: &(dyn std::any::Any + Send)) -> AuditSinkError {
    let message = panic_message(panic).unwrap_or_default().to_owned();
    AuditSinkError::Panicked { target, message }
}
