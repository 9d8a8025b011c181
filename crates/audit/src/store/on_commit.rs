//! Passes entries to a callback once they survive power loss.
//!
//! Promises: the callback never sees an entry that is not on disk. Without a callback this costs nothing; with one, it
//! costs 48 bytes per staged entry and a list per commit.
use std::path::Path;
use std::sync::Arc;

use super::AuditLog;
use super::disk::Result;
use crate::sink::SealedEntry;
use ringseal_base::digest::Hash;
use ringseal_base::storage::Storage;

/// Receives committed entries, in order and without gaps. The log waits while it runs.
pub type OnCommit = Box<dyn FnMut(&[SealedEntry<'_>]) + Send>;

pub(super) struct CommitListener {
    callback: OnCommit,
    /// One per staged entry.
    entries: Vec<StagedEntry>,
}

struct StagedEntry {
    unix_nanos: i64,
    leaf: Hash,
    /// End of its line in the staged bytes, newline included.
    end: usize,
}

impl CommitListener {
    pub fn push(&mut self, unix_nanos: i64, leaf: Hash, end: usize) {
        self.entries.push(StagedEntry { unix_nanos, leaf, end });
    }

    /// Passes `staged`, whose first entry is `first_seq`, to the callback.
    pub fn notify(&mut self, first_seq: u64, staged: &[u8]) {
        let mut start = 0;
        let sealed = |(seq, entry): (u64, &StagedEntry)| {
            let line = staged.get(start..entry.end.saturating_sub(1)).unwrap_or_default();
            start = entry.end;
            SealedEntry { seq, unix_nanos: entry.unix_nanos, line, leaf: entry.leaf }
        };
        let entries: Vec<_> = (first_seq..).zip(&self.entries).map(sealed).collect();
        (self.callback)(&entries);
        drop(entries);
        self.entries.clear();
    }
}

impl AuditLog {
    /// Calls `callback` with all entries from [`AuditLog::next_seq`] on, as soon as they are on disk. Commits the
    /// staged entries first. A log has one callback.
    pub fn on_commit(&mut self, callback: OnCommit) -> Result<()> {
        self.commit()?;
        self.listener = Some(CommitListener { callback, entries: Vec::new() });
        Ok(())
    }

    /// The storage and the directory of its files.
    pub(crate) fn location(&self) -> (&Arc<dyn Storage>, &Path) {
        (&self.disk.storage, &self.disk.root)
    }

    /// Its directory.
    pub fn dir(&self) -> &Path {
        &self.disk.root
    }

    /// The first entry that was written since the log was opened.
    pub fn opened_seq(&self) -> u64 {
        self.opened_seq
    }
}
