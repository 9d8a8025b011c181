//! The audit stream's way from the rings into its log: a feed on the writer's thread, a keeper on its own.
//!
//! The writer redacts each audit event and encodes its members into a batch; the keeper chains, hashes, writes and
//! syncs them, makes checkpoints, closes segments, and tells the application's log what it did. So an `fsync` of the
//! evidence holds up no line of the application, and the other way round.
//!
//! Promises: an audit event that is in a ring is never dropped while the process lives. While the log cannot be
//! written, entries are kept in memory; when they exceed the bound, either callers of `emit` wait (the default) or
//! entries go to a file, which is sealed into the log as soon as that can be written again. The first failure is told
//! on stderr and as a critical event of the application's stream, and so is the recovery. The same goes for each sink
//! besides the log; those get entries once they are on disk, on threads of their own, and hold nobody up. In steady
//! state neither thread allocates per event. An event whose `emit` returned without an error before the log was stopped
//! is in it. What a crash leaves: everything that a commit told of; entries between the rings and the next commit
//! (100 ms by default) are lost with the process.
mod events;
mod feed;
mod receipts;
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

pub use self::feed::{Feed, FeedEnds};
pub use self::thread::{AuditThreadParts, SpawnError, spawn};
use crate::audit::sink::FanOut;
use crate::audit::store::{Health, Receipt};

/// Why a request to the audit stream was not fulfilled.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuditFault {
    /// The log cannot be written now. What waits is kept and tried again.
    Store(String),
    /// A sink besides the log does not have everything yet. The log has, and the sink goes on being tried.
    Sink(String),
    /// The event is on disk, but so many came after it that its receipt is no longer kept.
    ReceiptGone,
    /// No answer in time. The writer goes on trying.
    Timeout,
    /// The engine has been stopped.
    Stopped,
    /// This process was forked from the one in which the engine runs.
    Forked,
}

impl fmt::Display for AuditFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AuditFault::Store(said) => write!(f, "the audit log cannot be written now: {said}"),
            AuditFault::Sink(said) => {
                write!(f, "a sink of audit entries does not have everything yet: {said}")
            }
            AuditFault::ReceiptGone => f.write_str(
                "the audit event is on disk; its receipt is gone, so many events came after it",
            ),
            AuditFault::Timeout => f.write_str("the audit log did not answer in time"),
            AuditFault::Stopped => f.write_str("the engine has been stopped"),
            AuditFault::Forked => {
                f.write_str("this process was forked from the one in which the engine runs")
            }
        }
    }
}

impl std::error::Error for AuditFault {}

/// Where an answer goes.
pub type Reply<T> = Sender<Result<T, AuditFault>>;

/// What the keeper can be asked to do. Everything that was logged before is dealt with first.
#[derive(Debug)]
pub enum AuditRequest {
    /// Answer when the event with this ticket survives power loss.
    Wait(u64, Reply<Receipt>),
    /// Answer when everything survives power loss.
    Commit(Reply<()>),
    /// The same, and seal it by a checkpoint; the answer is the signed note.
    Checkpoint(Reply<String>),
    /// Compare all segments with what is expected of them; the answer says whether all is well.
    Check(Reply<bool>),
    /// Close the segment and begin another one.
    Rotate(Reply<()>),
    /// End the log in order.
    Stop(Reply<()>),
}

/// What to do when the log cannot be written and what waits for it exceeds its bound.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum HeldEntriesOverflow {
    /// Callers of `emit` wait.
    #[default]
    Block,
    /// Entries go to this file, and from there into the log when it can be written again.
    Spill(PathBuf),
}

/// Encoded audit events on their way to the keeper.
#[derive(Debug, Default)]
pub(super) struct AuditBatch {
    /// The members of all of them.
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

/// What the feed sends.
#[derive(Debug)]
pub(super) enum Message {
    Batch(AuditBatch),
    Request(AuditRequest),
}

/// What producers, the writer and the keeper share.
#[derive(Debug, Default)]
pub struct AuditLink {
    /// Callers have to wait: more is held than may be.
    is_blocked: AtomicBool,
    tickets: AtomicU64,
    /// Events with a ticket that are in a ring, or given up.
    arrived: AtomicU64,
    /// Nothing more is let in.
    is_closed: AtomicBool,
    /// The log ends although some who have a ticket have not arrived.
    is_abandoned: AtomicBool,
    /// Bytes that wait for the log, as of the keeper's last turn.
    held_bytes: AtomicU64,
    health: Mutex<Option<Health>>,
    /// Where entries go besides the log.
    sinks: OnceLock<Arc<FanOut>>,
}

impl AuditLink {
    /// Lets one event in, with a number for it.
    #[inline]
    pub fn issue_ticket(&self) -> Result<Ticket<'_>, AuditFault> {
        // ORDER: sequentially consistent, as all of this: either `close` sees the ticket and waits for its holder, or
        // the holder sees that the log is closed.
        let id = self.tickets.fetch_add(1, Ordering::SeqCst);
        let ticket = Ticket { link: self, id };
        if self.is_closed.load(Ordering::SeqCst) { Err(AuditFault::Stopped) } else { Ok(ticket) }
    }

    /// Lets nothing more in.
    pub fn close(&self) {
        // ORDER: see `issue_ticket`.
        self.is_closed.store(true, Ordering::SeqCst);
    }

    /// Whether nothing more is let in.
    #[inline]
    pub fn is_closed(&self) -> bool {
        // ORDER: relaxed; who looks too early looks again.
        self.is_closed.load(Ordering::Relaxed)
    }

    /// Whether everything that was let in is in a ring.
    pub fn is_idle(&self) -> bool {
        // ORDER: see `issue_ticket`. `arrived` first: it never overtakes `tickets`.
        let arrived = self.arrived.load(Ordering::SeqCst);
        arrived == self.tickets.load(Ordering::SeqCst)
    }

    /// The log ends without those who have not arrived by now: they get an error.
    pub fn abandon(&self) {
        // ORDER: see `Ticket::arrive`.
        self.is_abandoned.store(true, Ordering::SeqCst);
    }

    /// Whether callers have to wait.
    #[inline]
    pub fn is_blocked(&self) -> bool {
        // ORDER: relaxed; who looks too early lets one more event in.
        self.is_blocked.load(Ordering::Relaxed)
    }

    fn hold(&self, held_bytes: usize, is_blocked: bool) {
        // ORDER: relaxed, both; see `is_blocked` and `held_bytes`.
        self.held_bytes.store(held_bytes as u64, Ordering::Relaxed);
        self.is_blocked.store(is_blocked, Ordering::Relaxed);
    }

    /// Bytes of entries that wait for the log.
    pub fn held_bytes(&self) -> u64 {
        // ORDER: relaxed; a gauge.
        self.held_bytes.load(Ordering::Relaxed)
    }

    /// How the log is, as of the keeper's last turn; `None` before its first.
    pub fn health(&self) -> Option<Health> {
        self.health.lock().clone()
    }

    /// Where entries go besides the log; `None` if nowhere.
    pub fn sinks(&self) -> Option<&Arc<FanOut>> {
        self.sinks.get()
    }
}

/// One event on its way into a ring.
#[derive(Debug)]
pub struct Ticket<'a> {
    link: &'a AuditLink,
    /// The event's number.
    pub id: u64,
}

impl Ticket<'_> {
    /// The event is in a ring. Says whether the log still takes it: if not, it may be missing.
    #[inline]
    pub fn arrive(self) -> bool {
        let link = self.link;
        drop(self);
        // ORDER: sequentially consistent: after `arrived` in `drop`. Whoever is told that it is in time put its event
        // into the ring before the log was abandoned, and so before the log's last look into the rings.
        !link.is_abandoned.load(Ordering::SeqCst)
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        // ORDER: see `AuditLink::issue_ticket`.
        self.link.arrived.fetch_add(1, Ordering::SeqCst);
    }
}

/// How the keeper works.
#[derive(Debug, Clone)]
pub struct AuditThreadConfig {
    /// Entries that nobody waits for are synced at least so often.
    pub commit_interval: Duration,
    /// Bytes of entries that are held while the log cannot be written.
    pub held_bytes_max: usize,
    /// What happens beyond.
    pub held_overflow: HeldEntriesOverflow,
    /// Sealed segments in this directory are compressed after each rotation.
    #[cfg(feature = "compress")]
    pub compress_dir: Option<PathBuf>,
}

/// What the keeper tells the application's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditThreadEvent {
    /// The log, or another sink of it, cannot be written.
    Failed {
        /// Which.
        sink: String,
        /// Its error.
        error: String,
    },
    /// It can again.
    Recovered {
        /// Which.
        sink: String,
    },
    /// The log runs without keys.
    Keyless {
        /// Which.
        sink: String,
    },
    /// Segments were compared with what is expected of them.
    Checked {
        /// Why now.
        trigger: &'static str,
        /// Whether all are right.
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
        /// Why.
        reason: &'static str,
        /// Its length.
        file_size_bytes: u64,
    },
    /// Segments were removed.
    Pruned {
        /// Entries below this number are gone.
        before_seq: u64,
        /// Why.
        reason: &'static str,
    },
    /// A checkpoint was made: whoever keeps the application's log keeps an anchor.
    Sealed {
        /// Entries that it covers.
        entries: u64,
        /// The signed note.
        note: String,
    },
}
