//! Audit events that left their ring and are not sealed on disk yet, for the next start.
//!
//! The writer adds each batch of audit events to the journal before it gives their ring space back; the audit thread
//! notes after each commit how many of them the log has on disk, and the log's next number. So what the next start has
//! to seal is in the journal or in the rings, and the log says which of the first of them it already has.
//!
//! Promises: one system call per batch of audit events. The journal is two spools ([`super::spool`]) of lines `<ticket>
//! <nanoseconds since 1970> <members>`, as in a spill file.
use std::collections::HashSet;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::engine_file::sink_at;
use super::layout::engine as at;
use super::spool::Spool;
use ringseal_base::storage::shared_file::SharedFile;

/// The number of the spools of the journal: that after the last sink.
pub const JOURNAL: usize = at::SINKS_MAX;

/// How far the audit log is, as the audit thread notes it.
#[derive(Debug, Clone)]
pub struct AuditProgress {
    file: Arc<SharedFile>,
    done: Arc<AtomicU64>,
}

impl AuditProgress {
    /// Of the run whose file this is.
    pub fn new(file: Arc<SharedFile>) -> AuditProgress {
        AuditProgress { file, done: Arc::default() }
    }

    /// Notes that the first `events` of the run are on disk in the log, whose next entry has the number `next_seq`.
    pub fn publish(&self, events: u64, next_seq: u64) {
        let turn = self.file.load(sink_at(JOURNAL) + at::COMMIT_INDEX_AT) + 1;
        let slot = sink_at(JOURNAL) + at::COMMITS_AT[(turn & 1) as usize];
        self.file.store(slot, events);
        self.file.store(slot + 8, next_seq);
        self.file.publish(sink_at(JOURNAL) + at::COMMIT_INDEX_AT, turn);
        // ORDER: release pairs with the acquire in `Journal::note_release`.
        self.done.store(events, Ordering::Release);
    }
}

/// The writer's side.
#[derive(Debug)]
pub struct Journal {
    spool: Spool,
    progress: AuditProgress,
    lines: Vec<u8>,
    /// Events added.
    added: u64,
    /// Events in the lines that are not added yet.
    pending: u64,
    /// Events whose ring space was given back.
    released: u64,
}

impl Journal {
    /// A journal in these spools.
    pub fn new(spool: Spool, progress: AuditProgress) -> Journal {
        Journal { spool, progress, lines: Vec::new(), added: 0, pending: 0, released: 0 }
    }

    /// Notes an event of the next batch.
    pub fn push(&mut self, ticket: u64, unix_nanos: i64, members: &[u8]) {
        put_event(&mut self.lines, ticket, unix_nanos, members);
        self.pending += 1;
    }

    /// Writes the batch.
    pub fn write(&mut self) {
        if self.pending > 0 {
            // An error is counted there; the events are on their way to the log.
            let _ = self.spool.add(self.added, self.pending, &self.lines);
            self.added += std::mem::take(&mut self.pending);
            self.lines.clear();
        }
    }

    /// Notes that the ring space of all events was given back. Those that are sealed leave the journal; not before,
    /// because the rings' records are compared with it.
    pub fn note_release(&mut self) {
        // ORDER: acquire pairs with the release in `AuditProgress::publish`.
        let done = self.progress.done.load(Ordering::Acquire);
        self.spool.note_done(done.min(self.released));
        self.released = self.added;
    }
}

/// Appends the line of an event.
pub fn put_event(lines: &mut Vec<u8>, ticket: u64, unix_nanos: i64, members: &[u8]) {
    // Writing into a vector cannot fail.
    let _ = write!(lines, "{ticket} {unix_nanos} ");
    lines.extend_from_slice(members);
    lines.push(b'\n');
}

/// The tickets and times of the events in `lines`, which tell them apart.
pub fn events_in(lines: &[u8]) -> HashSet<(u64, i64)> {
    lines.split(|byte| *byte == b'\n').filter_map(event_of).collect()
}

/// Ticket and time of a line.
pub fn event_of(line: &[u8]) -> Option<(u64, i64)> {
    let mut parts = line.splitn(3, |byte| *byte == b' ');
    let mut text = || std::str::from_utf8(parts.next()?).ok();
    Some((text()?.parse().ok()?, text()?.parse().ok()?))
}
