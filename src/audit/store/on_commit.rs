//! Entries for others, once they survive power loss.
//!
//! Promises: nobody is told of an entry that is not on disk. Without a listener nothing is kept and nothing done;
//! with one, 48 bytes per entry that waits for its commit, and a list per commit.
use std::path::Path;
use std::sync::Arc;

use super::AuditLog;
use super::disk::Result;
use crate::audit::sink::SealedEntry;
use crate::digest::Hash;
use crate::storage::Storage;

/// Takes entries that were committed, in order and without gaps. It holds the log up while it runs.
pub type OnCommit = Box<dyn FnMut(&[SealedEntry<'_>]) + Send>;

pub(super) struct CommitListener {
    callback: OnCommit,
    /// One for each entry that waits for its commit.
    entries: Vec<StagedEntry>,
}

struct StagedEntry {
    unix_nanos: i64,
    leaf: Hash,
    /// Where its line ends among those that wait, newline included.
    end: usize,
}

impl CommitListener {
    pub fn push(&mut self, unix_nanos: i64, leaf: Hash, end: usize) {
        self.entries.push(StagedEntry { unix_nanos, leaf, end });
    }

    /// Tells of `staged`, whose first entry is `first_seq`.
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
    /// Has `callback` called with all entries from [`AuditLog::next_seq`] on, as soon as each is on disk. Commits what
    /// waits before. A log has one listener.
    pub fn on_commit(&mut self, callback: OnCommit) -> Result<()> {
        self.commit()?;
        self.listener = Some(CommitListener { callback, entries: Vec::new() });
        Ok(())
    }

    /// Where its files are.
    pub(in crate::audit) fn location(&self) -> (&Arc<dyn Storage>, &Path) {
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
