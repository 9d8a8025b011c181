//! The log on disk.
//!
//! [`AuditLog::open`] locks a directory for this process and recovers from a crash. [`AuditLog::append`] frames, signs
//! and hashes an entry in memory. [`AuditLog::commit`] writes all staged entries and returns when they survive power
//! loss; the caller decides how many entries share an `fsync`. [`AuditLog::maintain`] makes checkpoints, closes
//! segments and changes keys; call it after commits and about once a second even when nothing is logged.
//!
//! Promises:
//! - An entry that a commit reported is never lost, changed or reported again by this module: bytes that are on disk
//!   are never cut or overwritten. A file that another program changed is not written to.
//! - After a crash at any point, opening finds each committed entry, cuts off torn bytes, keeps a copy of them, and
//!   records that in a signed entry.
//! - `append` allocates nothing in steady state and does not block. Everything else blocks on the disk and allocates a
//!   little.
//! - When the disk is full or fails, a commit fails. Its entries stay in memory (bounded by
//!   [`LogOptions::staged_bytes_max`]) and are written by the next commit that succeeds.
mod checkpoint_files;
#[cfg(feature = "compress")]
mod compress;
mod disk;
mod epoch;
mod error;
mod fsck;
mod health;
mod integrity;
mod lines;
mod load;
pub mod names;
mod on_commit;
mod open;
mod options;
mod prune;
mod reach;
mod rotate;
mod scan;
mod seal;
mod set_aside;
mod state;

#[cfg(test)]
mod tests;

use std::sync::Arc;

#[cfg(feature = "compress")]
pub use compress::compress_sealed;
pub use error::{AppendError, Damage, StoreError};
pub use fsck::{FsckFinding, FsckReport, Repair, fsck};
pub use health::Health;
pub use on_commit::OnCommit;
pub use options::{LogOptions, OnDamage, Retain};
pub use rotate::Rotated;

use disk::{Disk, Tail};
use health::Counts;
use on_commit::CommitListener;
use seal::PendingNote;

use super::chain::Chain;
use super::entry::control::{
    Continued, Control, Integrity, Prune, Rebuilt, StateMismatch, StopReason,
};
use super::entry::{self, Body, FRAME_BYTES_MAX, Signature};
use super::keys::{KeyError, sign_statement};
use super::merkle::Tree;
use super::note::Signer;
use super::tiles::TileWriter;
use ringseal_base::clock::Clock;
use ringseal_base::digest::{Hash, Sha256};
use ringseal_base::storage::{FileLock, Storage};

type Result<T> = std::result::Result<T, StoreError>;

/// Source of randomness for new keys.
pub type RandomSource = Box<dyn FnMut(&mut [u8]) -> std::result::Result<(), KeyError> + Send>;

/// The log's environment; tests supply their own.
pub struct Host {
    /// The file system.
    pub storage: Arc<dyn Storage>,
    /// Wall time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: RandomSource,
}

impl Host {
    /// The operating system's file system, clock and randomness.
    pub fn system() -> Host {
        Host {
            storage: Arc::new(ringseal_base::storage::OsStorage),
            clock: Arc::new(ringseal_base::clock::SystemClock),
            random: Box::new(super::keys::system_random),
        }
    }
}

/// The position of an entry in the log. Valid once its commit has returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// Its sequence number.
    pub seq: u64,
    /// Its leaf in the tree.
    pub leaf: Hash,
}

/// Entries that are on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// The first of them.
    pub first_seq: u64,
    /// The last of them.
    pub last_seq: u64,
}

/// The segment that entries are appended to.
enum Active {
    /// An existing file.
    Open(Tail),
    /// A file that the next commit creates. `rename_from` is the first entry of the previous segment if that still has
    /// to get its permanent name.
    Next { rename_from: Option<u64> },
}

/// Maintenance that the log did, for the application's own log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MaintenanceReport {
    /// A segment was closed.
    Rotated(Rotated),
    /// Segments were checked.
    Checked(Integrity),
    /// Segments were removed.
    Pruned(Prune),
    /// The log was not as its last writer left it. A signed entry records this.
    StateMismatch(StateMismatch),
    /// A damaged log was set aside, and this one continues it.
    SetAside(Continued),
}

/// Reports kept until the next [`AuditLog::take_reports`]; older ones are dropped.
const REPORTS_MAX: usize = 64;

/// A log that this process writes. The module lists its promises.
///
/// Dropping it without [`AuditLog::close`] closes it as far as the disk allows, with a stop entry that records the
/// drop.
pub struct AuditLog {
    disk: Disk,
    _lock: FileLock,
    clock: Arc<dyn Clock>,
    random: RandomSource,
    options: LogOptions,
    /// From the log's first start entry.
    entries_per_key: u64,

    signer: Signer,
    /// The next epoch's key, after its entry has been appended.
    next_signer: Option<Signer>,
    epoch: u64,
    epoch_since: i64,

    chain: Chain,
    last: Signature,
    next_seq: u64,
    tiles: TileWriter,
    /// The protected state on disk.
    state: state::StateFile,
    /// Checkpoints since the tiles were last synced.
    seals: u32,

    active: Active,
    segment_first: u64,
    segment_number: u64,
    segment_since: i64,
    /// The tree before the segment's first entry.
    segment_tree: Tree,
    /// Entries appended but not committed: whole lines.
    staged: Vec<u8>,
    /// Buffer for the members of control entries.
    members: Vec<u8>,
    committed: u64,
    /// The first entry that this process wrote.
    opened_seq: u64,
    /// Receives entries that are on disk.
    listener: Option<CommitListener>,
    sealed: Vec<rotate::Sealed>,
    /// Segments that a prune entry names and that still exist.
    removals: Vec<u64>,
    /// The sealed segment that the next check starts with.
    check_next: usize,

    notes: Tail,
    pending_notes: Vec<PendingNote>,
    /// Size of the latest checkpoint, pending ones included.
    sealed_size: u64,
    sealed_since: i64,
    /// Number of entries on disk when the chain's key was last saved, and the time of that save.
    saved_seq: u64,
    saved_since: i64,

    counts: Counts,
    reports: Vec<MaintenanceReport>,
    is_closed: bool,
}

impl AuditLog {
    /// The log's name.
    pub fn origin(&self) -> &str {
        self.signer.verifier().name()
    }

    /// How its entries are chained.
    pub fn scheme(&self) -> super::entry::Scheme {
        self.chain.scheme()
    }

    /// The sequence number of the next entry.
    pub fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// Appends an entry in memory. It is on disk when [`AuditLog::commit`] returns.
    pub fn append(
        &mut self,
        body: Body<'_>,
        unix_nanos: i64,
    ) -> std::result::Result<Receipt, AppendError> {
        let staged_bytes = self.staged.len();
        let room = self.options.staged_bytes_max.saturating_sub(staged_bytes);
        if body.as_bytes().len() + FRAME_BYTES_MAX > room {
            return Err(AppendError::Full { staged_bytes });
        }
        self.stage(body, unix_nanos)
    }

    fn stage(
        &mut self,
        body: Body<'_>,
        unix_nanos: i64,
    ) -> std::result::Result<Receipt, AppendError> {
        let (start, seq) = (self.staged.len(), self.next_seq);
        entry::begin(&mut self.staged, seq, unix_nanos, body, &self.last);
        // One pass for both hashes: the signed hash is the leaf hash's state half-way.
        let mut leaf = Sha256::new();
        leaf.update(&[0]);
        leaf.update(self.staged.get(start..).unwrap_or_default());
        let Some(signature) = self.chain.sign(seq, &leaf.clone().finish()) else {
            self.staged.truncate(start);
            return Err(AppendError::KeyErased);
        };
        let signed_end = self.staged.len();
        entry::finish(&mut self.staged, &signature);
        leaf.update(self.staged.get(signed_end..self.staged.len() - 1).unwrap_or_default());
        let leaf = leaf.finish();
        self.tiles.push(leaf);
        self.last = signature;
        self.next_seq += 1;
        self.counts.last_unix_nanos = unix_nanos;
        if let Some(listener) = &mut self.listener {
            listener.push(unix_nanos, leaf, self.staged.len());
        }
        Ok(Receipt { seq, leaf })
    }

    /// Appends a control entry, signed if it is a statement.
    fn append_control(&mut self, control: &Control) -> Result<Receipt> {
        self.append_control_at(control, self.clock.unix_nanos())
    }

    fn append_control_at(&mut self, control: &Control, unix_nanos: i64) -> Result<Receipt> {
        let mut members = std::mem::take(&mut self.members);
        members.clear();
        control.put(&mut members);
        if control.is_statement() {
            let text = entry::control::statement_line(self.next_seq, unix_nanos, &members);
            let signature = sign_statement(self.current_signer(), &text);
            entry::control::put_statement_signature(&mut members, &signature);
        }
        let receipt = self.stage(Body::trusted(&members), unix_nanos);
        self.members = members;
        receipt.map_err(|_| StoreError::Refused { why: "the key of this entry was erased" })
    }

    /// Writes all staged entries and returns when they survive power loss; `None` if nothing was staged. After an error
    /// they stay staged, and the next commit tries again.
    pub fn commit(&mut self) -> Result<Option<Committed>> {
        if self.staged.is_empty() {
            return Ok(None);
        }
        let result = match &mut self.active {
            Active::Open(tail) => tail.append(&self.staged),
            Active::Next { .. } => self.begin_segment(),
        };
        self.counts.record(&result);
        result?;
        if let Some(listener) = &mut self.listener {
            listener.notify(self.committed, &self.staged);
        }
        self.staged.clear();
        let committed = Committed { first_seq: self.committed, last_seq: self.next_seq - 1 };
        self.committed = self.next_seq;
        // The entries are on disk: an error here is recorded, and `maintain` tries again.
        let written = self.write_state();
        self.counts.record_state(&written);
        if self.committed.saturating_sub(self.sealed_size) >= self.options.checkpoint_entries {
            self.seal_backlog();
        }
        Ok(Some(committed))
    }

    /// Does everything that is due: commits, makes checkpoints, closes segments that are full or old, ends epochs,
    /// saves the chain's key. After an error the next call continues.
    pub fn maintain(&mut self) -> Result<()> {
        let result = self.maintain_now();
        self.counts.record(&result);
        result
    }

    fn maintain_now(&mut self) -> Result<()> {
        self.commit()?;
        let written = self.write_state();
        self.counts.record_state(&written);
        written?;
        self.finish_epoch()?;
        self.flush_notes()?;
        self.finish_removals()?;
        let now = self.clock.unix_nanos();
        if let Some(reason) = self.rotation_due(now) {
            self.rotate(reason)?;
        } else if is_due(self.epoch_since, now, self.options.epoch_seconds_max) {
            self.change_epoch()?;
        } else if is_due(self.sealed_since, now, self.options.checkpoint_seconds) {
            self.seal_periodically()?;
        } else if self.committed - self.sealed_size.min(self.committed)
            >= self.options.checkpoint_entries
        {
            self.seal()?;
        }
        self.tiles.write(&*self.disk.storage)?;
        if is_due(self.saved_since, now, self.options.chain_key_seconds) {
            self.save_chain_key()?;
        }
        Ok(())
    }

    /// The maintenance done since the last call, at most the latest 64 reports.
    pub fn take_reports(&mut self) -> Vec<MaintenanceReport> {
        std::mem::take(&mut self.reports)
    }

    fn report(&mut self, report: MaintenanceReport) {
        if self.reports.len() == REPORTS_MAX {
            self.reports.remove(0);
        }
        self.reports.push(report);
    }

    /// Ends the log in order: a last check, a stop entry, and a checkpoint that covers it.
    pub fn close(mut self) -> Result<()> {
        self.stop(StopReason::Shutdown)
    }

    fn stop(&mut self, reason: StopReason) -> Result<()> {
        if std::mem::replace(&mut self.is_closed, true) {
            return Ok(());
        }
        self.commit()?;
        self.finish_epoch()?;
        self.shutdown_check()?;
        self.append_control(&Control::Stop(reason))?;
        // The checkpoint is signed and on disk before the entry: a stop without a checkpoint is a finding.
        let note = seal::sign_note(self.current_signer(), self.next_seq, self.tiles.tree().root())?;
        self.disk.replace(names::CHECKPOINT_NEXT, note.text.as_bytes())?;
        self.commit()?;
        self.seal()?;
        self.disk.remove(names::CHECKPOINT_NEXT)?;
        self.save_chain_key()
    }
}

impl Drop for AuditLog {
    fn drop(&mut self) {
        // An error cannot be returned here. The next opening repairs the log's end and records the repair.
        let _ = self.stop(StopReason::Drop);
    }
}

impl std::fmt::Debug for AuditLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuditLog")
            .field("origin", &self.origin())
            .field("next_seq", &self.next_seq)
            .finish_non_exhaustive()
    }
}

/// Whether `seconds` have passed. If the clock was set back, they count as passed.
fn is_due(since: i64, now: i64, seconds: u64) -> bool {
    let nanos = i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000_000_000);
    !(0..nanos).contains(&now.saturating_sub(since))
}

/// Repairs that opening made.
#[derive(Debug, Default)]
struct Repairs {
    rebuilt: Vec<Rebuilt>,
}

impl Repairs {
    fn add(&mut self, what: Rebuilt) {
        if !self.rebuilt.contains(&what) {
            self.rebuilt.push(what);
            self.rebuilt.sort_by_key(|what| *what as u8);
        }
    }
}
