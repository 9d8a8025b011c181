//! The audit thread, which owns the audit log.
//!
//! One turn takes all queued messages, appends the entries, and commits if a caller waits or the interval is over: one
//! `fsync` for all callers that wait at that moment. Entries that cannot be written stay and are retried, after 100 ms
//! at first and up to 5 s later.
use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};

use super::events::report_sink_event;
use super::feed::FeedEnds;
use super::receipts::{Lookup, Receipts};
use super::spill::Spill;
use super::{
    AuditBatch, AuditFault, AuditLink, AuditRequest, AuditThreadConfig, AuditThreadEvent,
    HeldEntriesOverflow, Message, Reply,
};
use crate::recover::journal::AuditProgress;
use crate::writer::link::Link;
use ringseal_audit::entry::Body;
use ringseal_audit::entry::control::{CheckStatus, RotateReason};
use ringseal_audit::sink::{AuditSink, AuditSinkError, FanOut, SinkBounds, SinkEvent};
use ringseal_audit::store::{AppendError, AuditLog, Receipt};
use ringseal_base::backoff::Backoff;
use ringseal_base::own_thread;
use ringseal_base::process::file_size::block_in_this_thread;
use ringseal_base::storage::Storage;

/// How often checkpoints, rotation and other maintenance are checked.
const MAINTAIN_EVERY: Duration = Duration::from_secs(1);
const RETRY_MIN: Duration = Duration::from_millis(100);
const RETRY_MAX: Duration = Duration::from_secs(5);
/// Most empty batches that are given back to the feed.
pub(super) const SPARE_MAX: usize = 4;

/// The parts of an audit thread.
pub struct AuditThreadParts {
    /// The opened log.
    pub log: AuditLog,
    /// Its settings.
    pub config: AuditThreadConfig,
    /// The storage of the spill file.
    pub storage: Arc<dyn Storage>,
    /// State shared with producers.
    pub link: Arc<AuditLink>,
    /// The writer's control channel, for reports.
    pub writer: Arc<Link>,
    /// The channels from the feed.
    pub ends: FeedEnds,
    /// The sinks besides the log.
    pub sinks: Vec<(Box<dyn AuditSink>, SinkBounds)>,
    /// Where to note how far the log is, for the next start.
    pub progress: Option<AuditProgress>,
    /// Spill files of killed runs.
    pub recovered: Vec<PathBuf>,
}

/// Why an audit thread cannot start.
#[derive(Debug)]
pub enum SpawnError {
    /// The thread could not be started, or the spill file could not be opened.
    Io(io::Error),
    /// The thread or the spill file of a sink besides the log could not be created.
    Sink(AuditSinkError),
}

/// Starts the audit thread, and a thread for each sink besides the log.
pub fn spawn(mut parts: AuditThreadParts) -> Result<JoinHandle<()>, SpawnError> {
    let spill = match &parts.config.held_overflow {
        HeldEntriesOverflow::Block => None,
        HeldEntriesOverflow::Spill(path) => {
            Some(Spill::open(Arc::clone(&parts.storage), path).map_err(SpawnError::Io)?)
        }
    };
    if !parts.sinks.is_empty() {
        let (writer, sinks) = (Arc::clone(&parts.writer), std::mem::take(&mut parts.sinks));
        let notify = move |event: SinkEvent<'_>| report_sink_event(&writer, &event);
        let fan = FanOut::of_log(&mut parts.log, sinks, notify).map_err(SpawnError::Sink)?;
        // A new link has no sinks yet.
        let _ = parts.link.sinks.set(fan);
    }
    let recovered = std::mem::take(&mut parts.recovered);
    let mut thread = AuditThread::new(parts, spill);
    thread.seal_recovered(recovered);
    let builder = std::thread::Builder::new().name("ringseal-audit".into());
    let run = move || {
        block_in_this_thread();
        own_thread::mark();
        thread.run();
    };
    builder.spawn(run).map_err(SpawnError::Io)
}

/// Present while the log cannot be written.
#[derive(Debug)]
struct Failing {
    error: String,
    retry_at: Instant,
    backoff: Backoff,
}

pub(super) struct AuditThread {
    pub(super) log: AuditLog,
    pub(super) config: AuditThreadConfig,
    pub(super) link: Arc<AuditLink>,
    pub(super) writer: Arc<Link>,
    pub(super) storage: Arc<dyn Storage>,
    pub(super) messages: Receiver<Message>,
    pub(super) spare: Sender<AuditBatch>,
    pub(super) spill: Option<Spill>,
    /// Batches that are not in the log yet, and how many events of the first one are.
    pub(super) backlog: VecDeque<AuditBatch>,
    pub(super) backlog_done: usize,
    pub(super) backlog_bytes: usize,
    /// Bytes appended to the log and not committed.
    pub(super) staged_bytes: usize,
    pub(super) staged_since: Option<Instant>,
    pub(super) waits: Vec<(u64, Reply<Receipt>)>,
    pub(super) requests: VecDeque<AuditRequest>,
    pub(super) receipts: Receipts,
    failing: Option<Failing>,
    pub(super) maintain_at: Instant,
    pub(super) sealed: u64,
    pub(super) progress: Option<AuditProgress>,
    /// Events of this run in the log.
    appended: u64,
}

impl AuditThread {
    pub(super) fn new(parts: AuditThreadParts, spill: Option<Spill>) -> Self {
        let storage = Arc::clone(&parts.storage);
        let AuditThreadParts { log, config, link, writer, ends, progress, .. } = parts;
        let FeedEnds { messages, spare } = ends;
        let sealed = 0;
        Self {
            log,
            config,
            link,
            writer,
            storage,
            messages,
            spare,
            spill,
            backlog: VecDeque::new(),
            backlog_done: 0,
            backlog_bytes: 0,
            staged_bytes: 0,
            staged_since: None,
            waits: Vec::new(),
            requests: VecDeque::new(),
            receipts: Receipts::new(),
            failing: None,
            maintain_at: Instant::now(),
            sealed,
            progress,
            appended: 0,
        }
    }

    fn run(mut self) {
        self.publish_health();
        self.report_keyless();
        loop {
            let is_over = match self.messages.recv_timeout(self.next_wait()) {
                Ok(message) => {
                    self.queue(message);
                    while let Ok(message) = self.messages.try_recv() {
                        self.queue(message);
                    }
                    false
                }
                Err(RecvTimeoutError::Timeout) => false,
                Err(RecvTimeoutError::Disconnected) => true,
            };
            self.turn(Instant::now());
            if let Some(reply) = self.pop_stop() {
                return self.end(Some(reply));
            }
            if is_over {
                return self.end(None);
            }
        }
    }

    /// How long the thread may wait for a message.
    fn next_wait(&self) -> Duration {
        let now = Instant::now();
        let until = |at: Instant| at.saturating_duration_since(now);
        if let Some(failing) = &self.failing {
            return until(failing.retry_at);
        }
        let maintain = until(self.maintain_at);
        match self.staged_since {
            Some(since) => until(since + self.config.commit_interval).min(maintain),
            None => maintain,
        }
    }

    fn queue(&mut self, message: Message) {
        match message {
            Message::Batch(batch) => {
                self.backlog_bytes += batch.len_bytes();
                self.backlog.push_back(batch);
            }
            Message::Request(AuditRequest::Wait(ticket, reply)) => self.waits.push((ticket, reply)),
            Message::Request(request) => self.requests.push_back(request),
        }
    }

    /// One turn at `now`.
    pub(super) fn turn(&mut self, now: Instant) {
        if self.failing.as_ref().is_none_or(|failing| now >= failing.retry_at) {
            let result = self.work(now);
            self.record(result, now);
        }
        if let Some(failing) = &self.failing {
            let fault = AuditFault::Store(failing.error.clone());
            let is_stop = |request: &AuditRequest| matches!(request, AuditRequest::Stop(_));
            let (kept, refused) = std::mem::take(&mut self.requests).into_iter().partition(is_stop);
            self.requests = kept;
            let refused: VecDeque<AuditRequest> = refused;
            refused.into_iter().for_each(|request| request.refuse(&fault));
        }
        self.enforce_held_bound();
        self.report_maintenance();
    }

    /// Appends everything, and commits if it is time.
    fn work(&mut self, now: Instant) -> Result<(), String> {
        if self.failing.is_some() {
            // Commit staged entries first: all others can still be spilled.
            self.commit()?;
        }
        self.append_spilled()?;
        self.append_backlog()?;
        let is_due = self
            .staged_since
            .is_some_and(|since| now.duration_since(since) >= self.config.commit_interval);
        let is_asked = !self.waits.is_empty() || !self.requests.is_empty();
        let commits = is_due || is_asked || self.failing.is_some();
        if commits {
            self.commit()?;
        }
        while let Some(request) = self.requests.pop_front() {
            if matches!(request, AuditRequest::Stop(_)) {
                self.requests.push_front(request);
                break;
            }
            self.handle_request(request)?;
        }
        if commits || now >= self.maintain_at {
            self.log.maintain().map_err(|error| error.to_string())?;
            self.report_checkpoint();
        }
        if now >= self.maintain_at || self.failing.is_some() {
            self.maintain_at = now + MAINTAIN_EVERY;
            self.publish_health();
        }
        Ok(())
    }

    fn append_backlog(&mut self) -> Result<(), String> {
        while let Some(batch) = self.backlog.pop_front() {
            let result = self.append_batch(&batch);
            if result.is_err() {
                self.backlog.push_front(batch);
                return result;
            }
            self.backlog_bytes -= batch.len_bytes();
            self.backlog_done = 0;
            self.recycle(batch);
        }
        Ok(())
    }

    fn append_batch(&mut self, batch: &AuditBatch) -> Result<(), String> {
        for event in batch.events.iter().skip(self.backlog_done) {
            let members = batch.members.get(event.members.clone()).unwrap_or_default();
            self.append(Some(event.ticket), event.unix_nanos, Body::trusted(members))?;
            self.backlog_done += 1;
        }
        Ok(())
    }

    pub(super) fn append(
        &mut self,
        ticket: Option<u64>,
        unix_nanos: i64,
        body: Body<'_>,
    ) -> Result<(), String> {
        let receipt = match self.log.append(body, unix_nanos) {
            Err(AppendError::Full { .. }) => {
                self.commit()?;
                self.log.append(body, unix_nanos)
            }
            result => result,
        };
        let receipt = receipt.map_err(|error| error.to_string())?;
        if let Some(ticket) = ticket {
            self.receipts.put(ticket, receipt);
            self.appended += 1;
        }
        self.staged_bytes += body.as_bytes().len();
        self.staged_since.get_or_insert_with(Instant::now);
        Ok(())
    }

    pub(super) fn commit(&mut self) -> Result<(), String> {
        self.log.commit().map_err(|error| error.to_string())?;
        (self.staged_bytes, self.staged_since) = (0, None);
        if let Some(progress) = &self.progress {
            progress.publish(self.appended, self.log.next_seq());
        }
        if !self.waits.is_empty() {
            // The health must include the events of all callers that are answered.
            self.publish_health();
        }
        for (ticket, reply) in std::mem::take(&mut self.waits) {
            let answer = match self.receipts.get(ticket) {
                Lookup::Found(receipt) => Ok(receipt),
                Lookup::Replaced => Err(AuditFault::ReceiptReplaced),
                Lookup::Pending => {
                    self.waits.push((ticket, reply));
                    continue;
                }
            };
            // The caller may have stopped waiting.
            reply.send(answer);
        }
        Ok(())
    }

    fn handle_request(&mut self, request: AuditRequest) -> Result<(), String> {
        let to_text = |error: ringseal_audit::store::StoreError| error.to_string();
        let result = match request {
            AuditRequest::Commit(reply) => self.answer(&reply, Ok(())),
            AuditRequest::Checkpoint(reply) => {
                let note = self.log.checkpoint().map_err(to_text);
                self.answer(&reply, note)
            }
            AuditRequest::Rotate(reply) => {
                let done = self.log.rotate(RotateReason::Manual).map_err(to_text);
                self.answer(&reply, done)
            }
            AuditRequest::Check(reply) => {
                let checked = self.log.verify_now().map_err(to_text);
                let is_ok = |results: Vec<ringseal_audit::entry::control::Integrity>| {
                    results.iter().all(|result| result.status() == CheckStatus::Ok)
                };
                self.answer(&reply, checked.map(is_ok))
            }
            other => {
                self.queue(Message::Request(other));
                Ok(())
            }
        };
        self.report_checkpoint();
        result
    }

    /// Answers, and returns an error so that it is recorded. The health is updated first.
    fn answer<T>(&mut self, reply: &Reply<T>, result: Result<T, String>) -> Result<(), String> {
        self.publish_health();
        let error = result.as_ref().err().cloned();
        // The caller may have stopped waiting.
        reply.send(result.map_err(AuditFault::Store));
        error.map_or(Ok(()), Err)
    }

    /// Records whether the log can be written, and reports a change.
    fn record(&mut self, result: Result<(), String>, now: Instant) {
        let name = || format!("audit:{}", self.log.origin());
        match (result, &mut self.failing) {
            (Ok(()), None) => {}
            (Ok(()), failing @ Some(_)) => {
                *failing = None;
                self.report(AuditThreadEvent::Recovered { sink: name() });
            }
            (Err(error), Some(failing)) => {
                failing.retry_at = now + failing.backoff.next_pause();
                failing.error = error;
            }
            (Err(error), failing @ None) => {
                let mut backoff = Backoff::new(RETRY_MIN, RETRY_MAX);
                let retry_at = now + backoff.next_pause();
                *failing = Some(Failing { error: error.clone(), retry_at, backoff });
                self.report(AuditThreadEvent::Failed { sink: name(), error });
            }
        }
        if self.failing.is_some() {
            self.publish_health();
        }
    }

    /// If too much is held, blocks callers or moves entries to the spill file.
    fn enforce_held_bound(&mut self) {
        let spilling_bytes = self.spill.as_ref().map_or(0, Spill::held_bytes);
        let mut held = self.backlog_bytes + self.staged_bytes + spilling_bytes;
        let mut is_blocked = self.failing.is_some() && held > self.config.held_bytes_max;
        if is_blocked && let Some(spill) = &mut self.spill {
            let spilled = spill_backlog(spill, &mut self.backlog, &mut self.backlog_done);
            self.backlog_bytes = 0;
            held = self.staged_bytes + spill.held_bytes();
            is_blocked = spilled.is_err();
            if let Err(error) = spilled {
                self.writer.stderr.write(format_args!("audit entries cannot be spilled: {error}"));
            }
        }
        self.link.set_held(held, is_blocked);
    }

    fn recycle(&self, mut batch: AuditBatch) {
        batch.clear();
        // If the channel is full, the feed allocates a new batch.
        let _ = self.spare.try_send(batch);
    }

    fn pop_stop(&mut self) -> Option<Reply<()>> {
        match self.requests.pop_front()? {
            AuditRequest::Stop(reply) => Some(reply),
            other => {
                self.requests.push_front(other);
                None
            }
        }
    }

    /// Ends the log: appends and commits everything left, then closes the log.
    fn end(mut self, reply: Option<Reply<()>>) {
        let mut result = self.work(Instant::now());
        if result.is_err()
            && let Some(spill) = &mut self.spill
            && spill_backlog(spill, &mut self.backlog, &mut self.backlog_done).is_ok()
        {
            self.writer.stderr.write(format_args!(
                "audit entries that could not be written stay in the spill file"
            ));
        }
        let left = self.log.health().waiting_entries
            + self.backlog.iter().map(|batch| batch.events.len() as u64).sum::<u64>();
        self.report_maintenance();
        if result.is_ok() {
            result = self.log.close().map_err(|error| error.to_string());
        }
        if let Err(error) = &result {
            self.writer.stderr.write(format_args!(
                "CRITICAL audit_sink_failure: stopped with {left} audit entries not written: {error}"
            ));
        }
        self.link.set_held(0, false);
        if let Some(reply) = reply {
            reply.send(result.map_err(AuditFault::Store));
        }
    }
}

/// Moves all batches to the file. What the file does not take stays in its buffer and counts as held.
fn spill_backlog(
    spill: &mut Spill,
    backlog: &mut VecDeque<AuditBatch>,
    done: &mut usize,
) -> io::Result<()> {
    for batch in backlog.drain(..) {
        for event in batch.events.iter().skip(std::mem::take(done)) {
            let members = batch.members.get(event.members.clone()).unwrap_or_default();
            spill.push(event.ticket, event.unix_nanos, members);
        }
    }
    spill.sync()
}
