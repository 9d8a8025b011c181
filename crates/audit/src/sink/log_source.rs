//! Reads entries that a sink lacks from the log.
//!
//! An entry is durable in the log before any sink gets it. The log therefore serves as an unbounded queue for each of
//! its sinks: a sink that was full, failed, or was down when the last process ended gets the remaining entries from the
//! log's files.
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use super::{AuditSinkError, SealedEntry};
use crate::read::{LineContent, LogLine, read_entries};
use crate::store::AuditLog;
use ringseal_base::storage::Storage;

/// The entries that a sink still needs from the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lag {
    /// The sink has not been asked yet.
    Unknown,
    /// It needs the log's entries from this number on.
    From(u64),
}

/// The log that feeds the sinks.
pub(super) struct LogSource {
    storage: Arc<dyn Storage>,
    dir: PathBuf,
    /// The first entry of this process: the start for a sink that remembers nothing.
    pub opened_seq: u64,
    /// The first entry that sinks are offered; earlier ones are on disk.
    pub next_seq: u64,
}

impl LogSource {
    pub(super) fn new(log: &AuditLog) -> LogSource {
        let (storage, dir) = log.location();
        LogSource {
            storage: Arc::clone(storage),
            dir: dir.to_owned(),
            opened_seq: log.opened_seq(),
            next_seq: log.next_seq(),
        }
    }

    /// The first entry to deliver to a sink that expects `next_seq`, from a log whose next entry is `log_end`. One
    /// entry before `next_seq` is delivered again: the sink compares it, which detects a different log.
    pub(super) fn first_seq_for(
        &self,
        target: &str,
        next_seq: Option<u64>,
        remembers: bool,
        log_end: u64,
    ) -> Result<u64, AuditSinkError> {
        match next_seq {
            Some(sink_next_seq) if sink_next_seq > log_end => Err(AuditSinkError::Ahead {
                target: target.to_owned(),
                sink_next_seq,
                log_next_seq: log_end,
            }),
            Some(next_seq) => Ok(next_seq.saturating_sub(1)),
            None if remembers => Ok(0),
            None => Ok(self.opened_seq),
        }
    }

    /// Passes the entries from `from` up to `end` to `visit`, until it breaks. Entries of removed segments are missing.
    pub(super) fn read(
        &self,
        target: &str,
        from: u64,
        end: u64,
        visit: &mut dyn FnMut(&SealedEntry<'_>) -> ControlFlow<()>,
    ) -> Result<(), AuditSinkError> {
        let failed = |reason| AuditSinkError::Log { target: target.to_owned(), reason };
        let (mut has_begun, mut wrong) = (false, None);
        let mut take = |line: LogLine<'_>| match line.content {
            LineContent::Entry(entry) if entry.seq >= end => ControlFlow::Break(()),
            LineContent::Entry(entry) if entry.seq < from => ControlFlow::Continue(()),
            LineContent::Entry(entry) => {
                has_begun = true;
                visit(&SealedEntry::new(entry.seq, entry.unix_nanos, line.bytes))
            }
            LineContent::Malformed(error) if has_begun => {
                wrong = Some(format!("{}:{}: {error}", line.file, line.number));
                ControlFlow::Break(())
            }
            // The sink detects gaps itself; an unfinished line is not durable yet.
            LineContent::Malformed(_) | LineContent::Gap { .. } | LineContent::Unfinished => {
                ControlFlow::Continue(())
            }
        };
        read_entries(&*self.storage, &self.dir, from, &mut take)
            .map_err(|error| failed(error.to_string()))?;
        wrong.map_or(Ok(()), |reason| Err(failed(reason)))
    }
}
