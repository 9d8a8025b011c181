//! The path of audit events from the rings to the log: a feed on the writer's thread, and the audit thread.
//!
//! The writer redacts each audit event and encodes its members into a batch. The audit thread chains, hashes, writes
//! and syncs the entries, makes checkpoints, closes segments, and reports its work to the application's log. So an
//! `fsync` of the audit log never delays a line of the application, and the application's log never delays the audit
//! log.
//!
//! Promises: an audit event in a ring is never dropped while the process lives. While the log cannot be written,
//! entries are kept in memory; beyond the bound, either callers of `emit` wait (the default) or entries go to a file
//! and are sealed into the log as soon as it can be written again. The first failure is reported on stderr and as a
//! critical event of the application's log, and so is the recovery. The same holds for each sink besides the log; sinks
//! get entries once they are on disk, on their own threads, and delay nothing. In steady state neither thread allocates
//! per event. If `emit` returned `Ok` before the log was stopped, the event is in the log. After a crash, the log has
//! every entry that a commit reported; entries between the rings and the next commit (100 ms by default) are lost with
//! the process, unless the engine has a home (`recover::journal`): then the next start seals them.
mod events;
mod feed;
mod receipts;
mod replay;
#[cfg(test)]
mod replay_tests;
mod spill;
mod thread;

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crossbeam_channel::Sender;
use parking_lot::Mutex;

pub(crate) use self::feed::BatchReader;
pub use self::feed::{Feed, FeedEnds};
pub(crate) use self::spill::REPLAY_HEAD;
pub use self::thread::{AuditThreadParts, SpawnError, spawn};
use crate::writer::answer::Answerer;
use ringseal_audit::sink::FanOut;
use ringseal_audit::store::{Health, Receipt};

/// Why a request to the audit log failed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuditFault {
    /// The log cannot be written now. Entries are kept and retried.
    Store(String),
    /// A sink besides the log does not have everything yet. The log has; delivery to the sink is still retried.
    Sink(String),
    /// The event is on disk, but its receipt has been replaced by those of later events.
    ReceiptReplaced,
    /// No answer in time. The audit thread still retries.
    Timeout,
    /// The event was not queued, because that would have had to wait.
    WouldWait,
    /// The engine has been stopped.
    Stopped,
    /// This process was forked from the one in which the engine runs.
    Forked,
}

impl fmt::Display for AuditFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AuditFault::Store(reason) => write!(f, "the audit log cannot be written now: {reason}"),
            AuditFault::Sink(reason) => {
                write!(f, "a sink of audit entries does not have everything yet: {reason}")
            }
            AuditFault::ReceiptReplaced => f.write_str(
                "the audit event is on disk, but its receipt has been replaced by those of later events",
            ),
            AuditFault::Timeout => f.write_str("the audit log did not answer in time"),
            AuditFault::WouldWait => {
                f.write_str("the audit event was not queued, because its ring or the log has no space now")
            }
            AuditFault::Stopped => f.write_str("the engine has been stopped"),
            AuditFault::Forked => {
                f.write_str("this process was forked from the one in which the engine runs")
            }
        }
    }
}

impl std::error::Error for AuditFault {}

/// The place for an answer.
#[derive(Debug)]
pub enum Reply<T> {
    /// A thread waits for it.
    Thread(Sender<Result<T, AuditFault>>),
    /// A task awaits it.
    Task(Answerer<Result<T, AuditFault>>),
}

impl<T> Reply<T> {
    /// Answers. The caller may have stopped waiting.
    pub fn send(&self, result: Result<T, AuditFault>) {
        match self {
            Reply::Thread(sender) => drop(sender.send(result)),
            Reply::Task(answerer) => answerer.send(result),
        }
    }
}

/// A request to the audit thread. Everything logged earlier is handled first.
#[derive(Debug)]
pub enum AuditRequest {
    /// Answer when the event with this ticket survives power loss.
    Wait(u64, Reply<Receipt>),
    /// Answer when everything survives power loss.
    Commit(Reply<()>),
    /// The same, followed by a checkpoint; the answer is the signed note.
    Checkpoint(Reply<String>),
    /// Compare all segments with their recorded checksums; the answer is whether all match.
    Check(Reply<bool>),
    /// Close the segment and begin a new one.
    Rotate(Reply<()>),
    /// End the log in order.
    Stop(Reply<()>),
}

/// What happens when the log cannot be written and held entries exceed their bound.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum HeldEntriesOverflow {
    /// Callers of `emit` wait.
    #[default]
    Block,
    /// Entries go to this file, and from there into the log when it can be written again.
    Spill(PathBuf),
}

/// Encoded audit events for the audit thread.
#[derive(Debug, Default)]
pub(super) struct AuditBatch {
    /// The members of all events.
    members: Vec<u8>,
    events: Vec<BatchEvent>,
}

#[derive(Debug, Clone)]
struct BatchEvent {
    ticket: u64,
    unix_nanos: i64,
    members: Range<usize>,
}

impl AuditBatch {
    fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    fn clear(&mut self) {
        self.members.clear();
        self.events.clear();
    }

    fn len_bytes(&self) -> usize {
        self.members.len()
    }
}

/// A message from the feed to the audit thread.
#[derive(Debug)]
pub(super) enum Message {
    Batch(AuditBatch),
    Request(AuditRequest),
}

/// State shared by producers, the writer and the audit thread.
#[derive(Debug, Default)]
pub struct AuditLink {
    /// Callers must wait: the bound on held entries is exceeded.
    is_blocked: AtomicBool,
    tickets: AtomicU64,
    /// Tickets whose event is in a ring or was abandoned.
    arrived: AtomicU64,
    /// No more tickets are issued.
    is_closed: AtomicBool,
    /// The log ends although some tickets have not arrived.
    is_abandoned: AtomicBool,
    /// Bytes held for the log, as of the audit thread's last turn.
    held_bytes: AtomicU64,
    health: Mutex<Option<Health>>,
    /// The sinks besides the log.
    sinks: OnceLock<Arc<FanOut>>,
}

impl AuditLink {
    /// Issues a ticket for one event.
    #[inline]
    pub fn issue_ticket(&self) -> Result<Ticket<'_>, AuditFault> {
        // ORDER: sequentially consistent, like all accesses of the ticket protocol: either `close` sees the ticket and
        // waits for it, or the holder of the ticket sees that the log is closed.
        let id = self.tickets.fetch_add(1, Ordering::SeqCst);
        let ticket = Ticket { link: self, id };
        if self.is_closed.load(Ordering::SeqCst) { Err(AuditFault::Stopped) } else { Ok(ticket) }
    }

    /// Stops issuing tickets.
    pub fn close(&self) {
        // ORDER: see `issue_ticket`.
        self.is_closed.store(true, Ordering::SeqCst);
    }

    /// Whether no more tickets are issued.
    #[inline]
    pub fn is_closed(&self) -> bool {
        // ORDER: relaxed; a caller that reads an old value checks again.
        self.is_closed.load(Ordering::Relaxed)
    }

    /// Whether the events of all issued tickets are in a ring.
    pub fn is_idle(&self) -> bool {
        // ORDER: see `issue_ticket`. `arrived` first: it never overtakes `tickets`.
        let arrived = self.arrived.load(Ordering::SeqCst);
        arrived == self.tickets.load(Ordering::SeqCst)
    }

    /// Ends the log without waiting for outstanding tickets: their holders get an error.
    pub fn abandon(&self) {
        // ORDER: see `Ticket::arrive`.
        self.is_abandoned.store(true, Ordering::SeqCst);
    }

    /// Whether callers must wait.
    #[inline]
    pub fn is_blocked(&self) -> bool {
        // ORDER: relaxed; a caller that reads an old value admits one more event.
        self.is_blocked.load(Ordering::Relaxed)
    }

    fn set_held(&self, held_bytes: usize, is_blocked: bool) {
        // ORDER: relaxed, both; see `is_blocked` and `held_bytes`.
        self.held_bytes.store(held_bytes as u64, Ordering::Relaxed);
        self.is_blocked.store(is_blocked, Ordering::Relaxed);
    }

    /// Bytes of entries held for the log.
    pub fn held_bytes(&self) -> u64 {
        // ORDER: relaxed; a gauge.
        self.held_bytes.load(Ordering::Relaxed)
    }

    /// The state of the log, as of the audit thread's last turn; `None` before its first.
    pub fn health(&self) -> Option<Health> {
        self.health.lock().clone()
    }

    /// The sinks besides the log, if there are any.
    pub fn sinks(&self) -> Option<&Arc<FanOut>> {
        self.sinks.get()
    }
}

/// Permission for one event to enter a ring.
#[derive(Debug)]
pub struct Ticket<'a> {
    link: &'a AuditLink,
    /// The ticket's number.
    pub id: u64,
}

impl Ticket<'_> {
    /// The event is in a ring. Returns whether the log still takes it; if not, it may be missing.
    #[inline]
    pub fn arrive(self) -> bool {
        let link = self.link;
        drop(self);
        // ORDER: sequentially consistent, after `arrived` in `drop`. If this returns true, the event was in the ring
        // before the log was abandoned, and so before the log's last read of the rings.
        !link.is_abandoned.load(Ordering::SeqCst)
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        // ORDER: see `AuditLink::issue_ticket`.
        self.link.arrived.fetch_add(1, Ordering::SeqCst);
    }
}

/// Settings of the audit thread.
#[derive(Debug, Clone)]
pub struct AuditThreadConfig {
    /// Longest time until entries are synced if no caller waits for them.
    pub commit_interval: Duration,
    /// Most bytes of entries held while the log cannot be written.
    pub held_bytes_max: usize,
    /// What happens when held entries exceed the bound.
    pub held_overflow: HeldEntriesOverflow,
    /// Sealed segments in this directory are compressed after each rotation.
    #[cfg(feature = "compress")]
    pub compress_dir: Option<PathBuf>,
}

/// An event of the audit thread, reported to the application's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditThreadEvent {
    /// The log, or a sink besides it, cannot be written.
    Failed {
        /// Its name.
        sink: String,
        /// Its error.
        error: String,
    },
    /// It can be written again.
    Recovered {
        /// Its name.
        sink: String,
    },
    /// The log runs without keys.
    Keyless {
        /// Its name.
        sink: String,
    },
    /// When the log was opened, it was not as its last writer left it.
    StateMismatch {
        /// Its name.
        sink: String,
        /// The difference.
        reason: String,
    },
    /// Segments were compared with their recorded checksums.
    Checked {
        /// What started the check.
        trigger: &'static str,
        /// Whether all segments match.
        is_ok: bool,
        /// Bytes of all segments.
        log_bytes: u64,
        /// Entries of all segments.
        log_entries: u64,
    },
    /// A segment was closed.
    Rotated {
        /// Its permanent name.
        old_file: String,
        /// The name of the new one.
        new_file: String,
        /// The reason.
        reason: &'static str,
        /// Its length.
        file_size_bytes: u64,
    },
    /// Segments were removed.
    Pruned {
        /// Entries below this number were removed.
        before_seq: u64,
        /// The reason.
        reason: &'static str,
    },
    /// A checkpoint was made. The application's log thus keeps a copy of it.
    Sealed {
        /// Entries that it covers.
        entries: u64,
        /// The signed note.
        note: String,
    },
}
