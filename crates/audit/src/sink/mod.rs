//! Copies sealed entries to destinations besides the log itself: databases, a stream, several at once.
//!
//! Promises: each sink keeps the exact bytes of each line, so a sink's copy can be verified in the same way as the log
//! ([`AuditRepository`]). Entries arrive in order, each once: entries that the sink already has are compared and
//! skipped, so a batch can be offered again if its result was lost. A gap or a difference is always an error.
//!
//! [`FanOut`] gives each sink its own thread and queue: a sink that hangs or fails delays no caller until its queue
//! reaches the bound; then the caller waits, or entries go to a file, as configured. Nothing is dropped. When a log
//! feeds the sinks ([`FanOut::of_log`]), the log never waits: entries that a sink lacks because it failed, was full, or
//! was down when the last process died are read from the log's own files.
mod bounds;
mod entries;
mod error;
mod export;
mod fan_out;
mod log_source;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod row;
mod sink_thread;
mod spill;
mod stream;
mod worker;

#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "sqlite")]
pub mod sqlite;

#[cfg(test)]
mod tests;

pub use bounds::{SinkBounds, SinkEvent, SinkHealth, SinkQueueOverflow};
pub use entries::{EntryBatch, SealedEntry};
pub use error::AuditSinkError;
pub use export::{Exported, export};
pub use fan_out::FanOut;

pub use stream::StreamSink;

/// Takes sealed entries, in order, from one thread at a time.
pub trait AuditSink: Send {
    /// A short name for reports: `sqlite:/var/lib/audit.db`, `stdout`.
    fn name(&self) -> &str;

    /// The number of the entry that the sink expects next; `None` if it accepts any, because it is empty or keeps
    /// nothing.
    fn next_seq(&mut self) -> Result<Option<u64>, AuditSinkError>;

    /// Whether [`AuditSink::next_seq`] covers entries of earlier processes. If true, the sink gets all entries that it
    /// lacks; otherwise it starts with the entries of this process.
    fn remembers(&self) -> bool {
        true
    }

    /// Takes consecutive entries.
    ///
    /// Entries that the sink already has must be identical and are skipped. After an error, any number of them may be
    /// stored; offer them again, from the first that was not committed.
    fn append(&mut self, entries: &[SealedEntry<'_>]) -> Result<(), AuditSinkError>;

    /// After `Ok`, all entries taken survive power loss, if the sink's storage can promise that.
    fn commit(&mut self) -> Result<(), AuditSinkError>;

    /// Commits and releases open resources. A later call opens them again.
    fn close(&mut self) -> Result<(), AuditSinkError> {
        self.commit()
    }
}

/// A sink that can be read back.
pub trait AuditRepository: AuditSink {
    /// Appends to `page` up to `entries_max` entries, by number, starting with the first that is at least `from_seq`.
    /// Columns stored beside a line are compared with the line.
    fn page(
        &mut self,
        from_seq: u64,
        entries_max: usize,
        page: &mut EntryBatch,
    ) -> Result<(), AuditSinkError>;
}

/// Number of entries read at once.
const PAGE_ENTRIES: usize = 1000;

/// The lines of a repository, without newlines, by number: the input of a verifier. Holds a page of them in memory.
/// Ends after the first error, because later lines may not be consecutive.
pub struct StoredLines<'a> {
    repository: &'a mut dyn AuditRepository,
    page: EntryBatch,
    at: usize,
    next_seq: u64,
    is_over: bool,
    /// Returned after the rest of the page.
    error: Option<AuditSinkError>,
}

impl std::fmt::Debug for StoredLines<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredLines").field("next_seq", &self.next_seq).finish_non_exhaustive()
    }
}

impl<'a> StoredLines<'a> {
    /// The lines of entries from `from_seq` on.
    pub fn new(repository: &'a mut dyn AuditRepository, from_seq: u64) -> Self {
        let page = EntryBatch::default();
        Self { repository, page, at: 0, next_seq: from_seq, is_over: false, error: None }
    }

    /// The next entry, borrowed; the iterator copies.
    pub fn next_entry(&mut self) -> Result<Option<SealedEntry<'_>>, AuditSinkError> {
        if self.at >= self.page.len() {
            self.turn_page();
        }
        match self.error.take_if(|_| self.page.is_empty()) {
            Some(error) => Err(error),
            None => {
                self.at += 1;
                Ok(self.page.get(self.at - 1))
            }
        }
    }

    fn turn_page(&mut self) {
        self.page.clear();
        self.at = 0;
        if self.is_over {
            return;
        }
        let read = self.repository.page(self.next_seq, PAGE_ENTRIES, &mut self.page);
        let next_seq = self.page.last_seq().and_then(|last| last.checked_add(1));
        self.is_over = read.is_err() || next_seq.is_none();
        self.next_seq = next_seq.unwrap_or(self.next_seq);
        self.error = read.err();
    }
}

impl Iterator for StoredLines<'_> {
    type Item = Result<(u64, Vec<u8>), AuditSinkError>;

    fn next(&mut self) -> Option<Self::Item> {
        let entry = self.next_entry().transpose()?;
        Some(entry.map(|entry| (entry.seq, entry.line.to_vec())))
    }
}

/// Copies to `to` the entries of `from` that `to` lacks, and returns how many: for a sink that was down, or a new one.
pub fn catch_up(
    from: &mut dyn AuditRepository,
    to: &mut dyn AuditSink,
) -> Result<u64, AuditSinkError> {
    let mut count = 0;
    let mut page = EntryBatch::default();
    let mut next = to.next_seq()?.unwrap_or(0);
    loop {
        page.clear();
        from.page(next, PAGE_ENTRIES, &mut page)?;
        let Some(last_seq) = page.last_seq() else {
            to.commit()?;
            return Ok(count);
        };
        let entries: Vec<_> = page.iter().collect();
        to.append(&entries)?;
        count += entries.len() as u64;
        next = last_seq.saturating_add(1);
    }
}
