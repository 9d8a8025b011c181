//! The thread of a sink: takes from its queue, gives to the sink, tries again.
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::bounds::Notice;
use super::outlet::{Notify, Shared, State};
use super::{AuditSink, AuditSinkError, EntryBatch};

pub(super) struct Worker {
    pub sink: Box<dyn AuditSink>,
    pub shared: Arc<Shared>,
    pub notify: Notify,
    /// What the sink is given now.
    pub batch: EntryBatch,
    /// Where it ends in the file, if it was read from there.
    pub spill_end: Option<u64>,
}

/// Read from the file at once, about.
const SPILL_READ_BYTES: usize = 1 << 18;

impl Worker {
    pub(super) fn run(mut self) -> Result<(), AuditSinkError> {
        let result = self.deliver_all();
        // First what is held, then a call that may hang.
        let result = result.map_err(|error| self.keep_held(error));
        let closed = self.with_sink(|sink| sink.close());
        let result = result.and(closed);
        self.shared.state.lock().is_over = true;
        self.shared.progress.notify_all();
        result
    }

    /// Until the end has come and the sink has all, or time is up.
    fn deliver_all(&mut self) -> Result<(), AuditSinkError> {
        let mut done = 0;
        let mut pause = self.shared.bounds.retry_pause_min;
        loop {
            match self.next_work().and_then(|()| self.attempt(&mut done)) {
                Ok(()) => {
                    self.note_success();
                    pause = self.shared.bounds.retry_pause_min;
                    done = 0;
                    if self.batch.is_empty() {
                        return Ok(());
                    }
                    self.let_go();
                }
                Err(error) => {
                    self.note_error(&error);
                    if !self.rest(pause) {
                        return Err(error);
                    }
                    pause = (pause * 2).min(self.shared.bounds.retry_pause_max);
                }
            }
        }
    }

    /// Waits for entries, unless some are at hand. Those in memory are older than those in the file.
    /// None come once the end has come and nothing is left.
    fn next_work(&mut self) -> Result<(), AuditSinkError> {
        if !self.batch.is_empty() {
            return Ok(());
        }
        let bounds = &self.shared.bounds;
        let mut state = self.shared.state.lock();
        loop {
            let is_ending = state.stop_at.is_some() || state.is_urgent;
            let ready_at = state.since.map(|since| since + bounds.gather_max);
            let is_ready = is_ending
                || state.incoming.len() >= bounds.gather_entries
                || ready_at.is_some_and(|ready_at| Instant::now() >= ready_at);
            if !state.incoming.is_empty() && is_ready {
                std::mem::swap(&mut state.incoming, &mut self.batch);
                state.in_flight_bytes = self.batch.len_bytes();
                state.since = None;
                return Ok(());
            }
            if state.incoming.is_empty()
                && let Some(spill) = state.spill.as_mut().filter(|spill| !spill.is_empty())
            {
                self.spill_end = Some(spill.read(&mut self.batch, SPILL_READ_BYTES)?);
                state.in_flight_bytes = self.batch.len_bytes();
                return Ok(());
            }
            if state.stop_at.is_some() {
                return Ok(());
            }
            match ready_at {
                None => self.shared.work.wait(&mut state),
                Some(ready_at) => drop(self.shared.work.wait_until(&mut state, ready_at)),
            }
        }
    }

    /// The sink has the batch.
    fn let_go(&mut self) {
        let mut state = self.shared.state.lock();
        let consumed = match (self.spill_end.take(), &mut state.spill) {
            (Some(end), Some(spill)) => spill.consume(end),
            _ => Ok(()),
        };
        self.batch.clear();
        state.in_flight_bytes = 0;
        let is_done = state.is_done();
        state.is_urgent &= !is_done;
        drop(state);
        self.shared.progress.notify_all();
        if let Err(error) = consumed {
            self.note_error(&error);
        }
    }

    /// Pauses after an error; `false` when the end has come and its time is up.
    fn rest(&self, pause: Duration) -> bool {
        let mut state = self.shared.state.lock();
        let again_at = Instant::now() + pause;
        // More work ends no pause; the end does.
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

    /// Gives the sink what it has not committed of the batch.
    fn attempt(&mut self, done: &mut usize) -> Result<(), AuditSinkError> {
        let batch = std::mem::take(&mut self.batch);
        let entries: Vec<_> = batch.iter().skip(*done).collect();
        let mut parts = entries.chunks(self.shared.bounds.batch_entries_max.max(1));
        let result = parts.try_for_each(|part| {
            self.with_sink(|sink| {
                sink.append(part)?;
                sink.commit()
            })?;
            *done += part.len();
            let next = part.last().map(|last| last.seq.saturating_add(1));
            self.shared.state.lock().committed_next = next;
            Ok(())
        });
        drop(entries);
        self.batch = batch;
        result
    }

    /// Calls the sink, panics and all, and lets the other side see that it came back.
    fn with_sink(
        &mut self,
        call: impl FnOnce(&mut dyn AuditSink) -> Result<(), AuditSinkError>,
    ) -> Result<(), AuditSinkError> {
        let is_in_sink = |is_in_sink| {
            self.shared.state.lock().is_in_sink = is_in_sink;
            // Whoever waits for the end waits otherwise now.
            self.shared.progress.notify_all();
        };
        is_in_sink(true);
        let sink = &mut *self.sink;
        let result = catch_unwind(AssertUnwindSafe(|| call(sink)));
        is_in_sink(false);
        result.unwrap_or_else(|panic| Err(panicked(self.shared.name.clone(), &*panic)))
    }

    fn note_success(&self) {
        let mut state = self.shared.state.lock();
        if std::mem::take(&mut state.is_failing) {
            let errors = state.errors;
            drop(state);
            self.tell(Notice::Recovered { sink: &self.shared.name, errors });
        }
    }

    fn note_error(&self, error: &AuditSinkError) {
        let mut state = self.shared.state.lock();
        state.errors += 1;
        state.last_error = Some(error.to_string());
        let is_new = !std::mem::replace(&mut state.is_failing, true);
        drop(state);
        self.shared.progress.notify_all();
        if is_new {
            self.tell(Notice::Failing { sink: &self.shared.name, error });
        }
    }

    /// What the sink did not take goes to the file, if there is one, in front of what it has.
    fn keep_held(&self, error: AuditSinkError) -> AuditSinkError {
        let mut state = self.shared.state.lock();
        let State { incoming, spill: Some(spill), .. } = &mut *state else { return error };
        // What was read from the file is still in it.
        let empty = EntryBatch::default();
        let batch = if self.spill_end.is_some() { &empty } else { &self.batch };
        if batch.is_empty() && incoming.is_empty() {
            return error;
        }
        spill.prepend(&[batch, incoming]).err().unwrap_or(error)
    }

    /// A listener that panics ends nothing.
    fn tell(&self, notice: Notice<'_>) {
        let _ = catch_unwind(AssertUnwindSafe(|| (self.notify)(notice)));
    }
}

pub(super) fn panicked(target: String, panic: &(dyn std::any::Any + Send)) -> AuditSinkError {
    let said = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let said = said.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    AuditSinkError::Panicked { target, said }
}
