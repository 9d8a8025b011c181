//! The keeper: the thread that owns the audit log.
//!
//! One turn takes everything that has arrived, appends it, and commits if somebody waits or the interval is over: one
//! `fsync` for all who wait at that moment. What cannot be written stays and is tried again, after 100 ms at first and
//! 5 s at last.
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};

use super::feed::FeedEnds;
use super::news::tell_notice;
use super::receipts::{Known, Receipts};
use super::spill::Spill;
use super::{
    AuditBatch, AuditFault, AuditLink, AuditNews, AuditRequest, KeeperConfig, Parcel, Reply,
    WhenHeldIsFull,
};
use crate::audit::entry::control::{CheckStatus, RotateReason};
use crate::audit::entry::{Body, Parser};
use crate::audit::sink::{AuditSink, AuditSinkError, Bounds, FanOut, Notice};
use crate::audit::store::{AppendError, AuditLog, Receipt};
use crate::storage::Storage;
use crate::writer::link::Link;

/// Checkpoints, rotation and the like are looked at so often.
const MAINTAIN_EVERY: Duration = Duration::from_secs(1);
const RETRY_MIN: Duration = Duration::from_millis(100);
const RETRY_MAX: Duration = Duration::from_secs(5);
/// Empty batches that are given back to the feed.
pub(super) const SPARE_MAX: usize = 4;

/// What a keeper is made of.
pub struct KeeperParts {
    /// The log, open.
    pub log: AuditLog,
    /// How to keep it.
    pub config: KeeperConfig,
    /// Where spilled entries go.
    pub storage: Arc<dyn Storage>,
    /// What it shares with producers.
    pub link: Arc<AuditLink>,
    /// The way to the writer, for news.
    pub writer: Arc<Link>,
    /// What the feed leads to.
    pub ends: FeedEnds,
    /// Where entries go besides the log.
    pub sinks: Vec<(Box<dyn AuditSink>, Bounds)>,
}

/// Why a keeper cannot start.
#[derive(Debug)]
pub enum SpawnError {
    /// Its thread, or its file of spilled entries.
    Io(io::Error),
    /// A sink besides the log: its thread, or its file of spilled entries.
    Sink(AuditSinkError),
}

/// Starts the keeper's thread, and one for each sink besides the log.
pub fn spawn(mut parts: KeeperParts) -> Result<JoinHandle<()>, SpawnError> {
    let spill = match &parts.config.when_full {
        WhenHeldIsFull::Block => None,
        WhenHeldIsFull::Spill(path) => {
            Some(Spill::open(Arc::clone(&parts.storage), path).map_err(SpawnError::Io)?)
        }
    };
    if !parts.sinks.is_empty() {
        let (writer, sinks) = (Arc::clone(&parts.writer), std::mem::take(&mut parts.sinks));
        let notify = move |notice: Notice<'_>| tell_notice(&writer, &notice);
        let fan = FanOut::of_log(&mut parts.log, sinks, notify).map_err(SpawnError::Sink)?;
        // A fresh link has none yet.
        let _ = parts.link.sinks.set(fan);
    }
    let builder = std::thread::Builder::new().name("ringseal-audit".into());
    builder.spawn(move || Keeper::new(parts, spill).run()).map_err(SpawnError::Io)
}

/// The log cannot be written.
#[derive(Debug)]
struct Failing {
    error: String,
    retry_at: Instant,
    pause: Duration,
}

pub(super) struct Keeper {
    pub(super) log: AuditLog,
    pub(super) config: KeeperConfig,
    pub(super) link: Arc<AuditLink>,
    pub(super) writer: Arc<Link>,
    #[cfg(feature = "compress")]
    pub(super) storage: Arc<dyn Storage>,
    pub(super) parcels: Receiver<Parcel>,
    pub(super) spare: Sender<AuditBatch>,
    pub(super) spill: Option<Spill>,
    /// Batches that are not in the log yet, and how many events of the first are.
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
}

impl Keeper {
    pub(super) fn new(parts: KeeperParts, spill: Option<Spill>) -> Self {
        #[cfg(feature = "compress")]
        let storage = Arc::clone(&parts.storage);
        let KeeperParts { log, config, link, writer, ends, .. } = parts;
        let FeedEnds { parcels, spare } = ends;
        let sealed = 0;
        Self {
            log,
            config,
            link,
            writer,
            #[cfg(feature = "compress")]
            storage,
            parcels,
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
        }
    }

    fn run(mut self) {
        self.publish();
        self.tell_keyless();
        loop {
            let is_over = match self.parcels.recv_timeout(self.patience()) {
                Ok(parcel) => {
                    self.take(parcel);
                    while let Ok(parcel) = self.parcels.try_recv() {
                        self.take(parcel);
                    }
                    false
                }
                Err(RecvTimeoutError::Timeout) => false,
                Err(RecvTimeoutError::Disconnected) => true,
            };
            self.turn(Instant::now());
            if let Some(reply) = self.take_stop() {
                return self.end(Some(reply));
            }
            if is_over {
                return self.end(None);
            }
        }
    }

    /// How long nothing has to be done.
    fn patience(&self) -> Duration {
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

    fn take(&mut self, parcel: Parcel) {
        match parcel {
            Parcel::Batch(batch) => {
                self.backlog_bytes += batch.len_bytes();
                self.backlog.push_back(batch);
            }
            Parcel::Request(AuditRequest::Wait(ticket, reply)) => self.waits.push((ticket, reply)),
            Parcel::Request(request) => self.requests.push_back(request),
        }
    }

    /// One turn at `now`.
    pub(super) fn turn(&mut self, now: Instant) {
        if self.failing.as_ref().is_none_or(|failing| now >= failing.retry_at) {
            let result = self.work(now);
            self.note(result, now);
        }
        if let Some(failing) = &self.failing {
            let fault = AuditFault::Store(failing.error.clone());
            let is_stop = |request: &AuditRequest| matches!(request, AuditRequest::Stop(_));
            let (kept, refused) = std::mem::take(&mut self.requests).into_iter().partition(is_stop);
            self.requests = kept;
            let refused: VecDeque<AuditRequest> = refused;
            refused.into_iter().for_each(|request| request.refuse(&fault));
        }
        self.bound_what_is_held();
        self.tell_reports();
    }

    /// Appends all there is, and commits if it is time.
    fn work(&mut self, now: Instant) -> Result<(), String> {
        if self.failing.is_some() {
            // What is in the log's own hands first: the rest stays where it can be spilled.
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
            self.fulfil(request)?;
        }
        if commits || now >= self.maintain_at {
            self.log.maintain().map_err(|error| error.to_string())?;
            self.tell_seal();
        }
        if now >= self.maintain_at || self.failing.is_some() {
            self.maintain_at = now + MAINTAIN_EVERY;
            self.publish();
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

    fn append(
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
        }
        self.staged_bytes += body.as_bytes().len();
        self.staged_since.get_or_insert_with(Instant::now);
        Ok(())
    }

    /// What was spilled comes first: it is older than what is in memory.
    fn append_spilled(&mut self) -> Result<(), String> {
        let Some(mut spill) = self.spill.take_if(|spill| !spill.is_empty()) else { return Ok(()) };
        let result = self.append_from(&mut spill);
        self.spill = Some(spill);
        result
    }

    fn append_from(&mut self, spill: &mut Spill) -> Result<(), String> {
        self.commit()?;
        let dir = self.log.dir().to_owned();
        let place = |error: io::Error| format!("the file of spilled entries: {error}");
        spill.begin(&dir, self.log.next_seq()).map_err(place)?;
        let (mut members, mut parser) = (Vec::new(), Parser::new());
        loop {
            let next = spill.next(&mut members).map_err(|error| error.to_string())?;
            let Some((ticket, unix_nanos)) = next else { break };
            // The file lay open to others: what is in it is looked at like anything from outside.
            let body = match Body::new(&members, &mut parser) {
                Ok(body) => body,
                Err(error) => {
                    self.writer.stderr.write(format_args!(
                        "a spilled audit entry is damaged and left out: {error}"
                    ));
                    continue;
                }
            };
            if let Err(error) = self.append(ticket, unix_nanos, body) {
                spill.put_back();
                return Err(error);
            }
        }
        // Only what is on disk in the log may go from the file.
        self.commit()?;
        spill.clear().map_err(|error| error.to_string())
    }

    fn commit(&mut self) -> Result<(), String> {
        self.log.commit().map_err(|error| error.to_string())?;
        (self.staged_bytes, self.staged_since) = (0, None);
        if !self.waits.is_empty() {
            // Whoever is answered finds what it waited for in the health, too.
            self.publish();
        }
        for (ticket, reply) in std::mem::take(&mut self.waits) {
            let answer = match self.receipts.get(ticket) {
                Known::Entry(receipt) => Ok(receipt),
                Known::Gone => Err(AuditFault::ReceiptGone),
                Known::NotYet => {
                    self.waits.push((ticket, reply));
                    continue;
                }
            };
            // Whoever asked may have stopped waiting.
            let _ = reply.send(answer);
        }
        Ok(())
    }

    fn fulfil(&mut self, request: AuditRequest) -> Result<(), String> {
        let told = |error: crate::audit::store::StoreError| error.to_string();
        let result = match request {
            AuditRequest::Commit(reply) => self.answer(&reply, Ok(())),
            AuditRequest::Checkpoint(reply) => {
                let note = self.log.checkpoint().map_err(told);
                self.answer(&reply, note)
            }
            AuditRequest::Rotate(reply) => {
                let done = self.log.rotate(RotateReason::Manual).map_err(told);
                self.answer(&reply, done)
            }
            AuditRequest::Check(reply) => {
                let checked = self.log.verify_now().map_err(told);
                let is_ok = |results: Vec<crate::audit::entry::control::Integrity>| {
                    results.iter().all(|result| result.status() == CheckStatus::Ok)
                };
                self.answer(&reply, checked.map(is_ok))
            }
            other => {
                self.take(Parcel::Request(other));
                Ok(())
            }
        };
        self.tell_seal();
        result
    }

    /// Answers, and passes an error on so that it is noted. The health is up to date by then.
    fn answer<T>(&mut self, reply: &Reply<T>, result: Result<T, String>) -> Result<(), String> {
        self.publish();
        let error = result.as_ref().err().cloned();
        // Whoever asked may have stopped waiting.
        let _ = reply.send(result.map_err(AuditFault::Store));
        error.map_or(Ok(()), Err)
    }

    /// Notes whether the log can be written, and tells of a change.
    fn note(&mut self, result: Result<(), String>, now: Instant) {
        let name = || format!("audit:{}", self.log.origin());
        match (result, &mut self.failing) {
            (Ok(()), None) => {}
            (Ok(()), failing @ Some(_)) => {
                *failing = None;
                self.tell(AuditNews::Recovered { sink: name() });
            }
            (Err(error), Some(failing)) => {
                failing.pause = (failing.pause * 2).min(RETRY_MAX);
                failing.retry_at = now + failing.pause;
                failing.error = error;
            }
            (Err(error), failing @ None) => {
                let retry_at = now + RETRY_MIN;
                *failing = Some(Failing { error: error.clone(), retry_at, pause: RETRY_MIN });
                self.tell(AuditNews::Failed { sink: name(), error });
            }
        }
        if self.failing.is_some() {
            self.publish();
        }
    }

    /// Callers wait, or entries go to the file, when too much is held.
    fn bound_what_is_held(&mut self) {
        let spilling_bytes = self.spill.as_ref().map_or(0, Spill::held_bytes);
        let mut held = self.backlog_bytes + self.staged_bytes + spilling_bytes;
        let mut is_blocked = self.failing.is_some() && held > self.config.held_bytes_max;
        if is_blocked && let Some(spill) = &mut self.spill {
            let spilled = spill_backlog(spill, &mut self.backlog, &mut self.backlog_done);
            self.backlog_bytes = 0;
            held = self.staged_bytes + spill.held_bytes();
            is_blocked = spilled.is_err();
            if let Err(error) = spilled {
                self.writer
                    .stderr
                    .write(format_args!("audit entries cannot be spilled either: {error}"));
            }
        }
        self.link.hold(held, is_blocked);
    }

    fn recycle(&self, mut batch: AuditBatch) {
        batch.clear();
        // The feed makes a new one when it finds none.
        let _ = self.spare.try_send(batch);
    }

    fn take_stop(&mut self) -> Option<Reply<()>> {
        match self.requests.pop_front()? {
            AuditRequest::Stop(reply) => Some(reply),
            other => {
                self.requests.push_front(other);
                None
            }
        }
    }

    /// The end: once more everything that is there, then the log's own end.
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
        self.tell_reports();
        if result.is_ok() {
            result = self.log.close().map_err(|error| error.to_string());
        }
        if let Err(error) = &result {
            self.writer.stderr.write(format_args!(
                "CRITICAL audit_sink_failure: stopped with {left} audit entries not written: {error}"
            ));
        }
        self.link.hold(0, false);
        if let Some(reply) = reply {
            let _ = reply.send(result.map_err(AuditFault::Store));
        }
    }
}

/// Moves all batches to the file; what it does not take now stays with it in memory, and is counted there.
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
