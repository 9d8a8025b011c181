//! The writer's side: redacts audit events, encodes their members, sends batches to the audit thread.
//!
//! Never blocks. The channel to the audit thread is unbounded; its content is bounded because callers of `emit` are
//! blocked and rings are finite. The audit thread returns empty buffers, which are reused.
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

use super::thread::SPARE_MAX;
use super::{AuditBatch, AuditFault, AuditRequest, AuditThreadEvent, BatchEvent, Message};
use crate::core::record::Record;
use crate::encode::layout::AuditMembers;
use crate::recover::journal::Journal;
use crate::writer::lane_reader::LaneMemory;
use crate::writer::process::{Processor, RecordProblem};
use crate::writer::redaction::{Redaction, RedactionConfig};
use crate::writer::stderr::Stderr;
use crate::writer::{Writer, report};
use ringseal_audit::entry::{FRAME_BYTES_MAX, LINE_BYTES_MAX};
use ringseal_base::clock::Now;
use ringseal_base::value::ReadError;

/// Most bytes of the members of one entry.
const MEMBERS_BYTES_MAX: usize = LINE_BYTES_MAX - FRAME_BYTES_MAX;
/// A batch is sent at this size, and at the end of a turn.
const BATCH_BYTES_MAX: usize = 256 << 10;

/// Encodes audit events and sends them to the audit thread.
#[derive(Debug)]
pub struct Feed {
    redaction: Redaction,
    members: AuditMembers,
    batch: AuditBatch,
    messages: Sender<Message>,
    spare: Receiver<AuditBatch>,
    cut: u64,
    stderr: Arc<Stderr>,
    /// What the next start seals if this run is killed.
    journal: Option<Journal>,
}

/// Reads the batches of a feed that has no audit thread.
pub(crate) struct BatchReader;

impl BatchReader {
    /// Ticket, time and members of each event that was sent.
    pub(crate) fn all(ends: FeedEnds) -> Vec<(u64, i64, Vec<u8>)> {
        let mut found = Vec::new();
        for message in ends.messages.try_iter() {
            let Message::Batch(batch) = message else { continue };
            for event in &batch.events {
                let members = batch.members.get(event.members.clone()).unwrap_or_default();
                found.push((event.ticket, event.unix_nanos, members.to_vec()));
            }
        }
        found
    }
}

/// The audit thread's ends of the channels.
#[derive(Debug)]
pub struct FeedEnds {
    pub(super) messages: Receiver<Message>,
    pub(super) spare: Sender<AuditBatch>,
}

impl Feed {
    /// Creates a feed with these redaction rules, and the audit thread's ends of its channels.
    pub fn new(redaction: RedactionConfig) -> (Feed, FeedEnds) {
        let (messages, messages_end) = unbounded();
        let (spare_end, spare) = bounded(SPARE_MAX);
        let feed = Self::with(redaction, messages, spare);
        (feed, FeedEnds { messages: messages_end, spare: spare_end })
    }

    fn with(
        redaction: RedactionConfig,
        messages: Sender<Message>,
        spare: Receiver<AuditBatch>,
    ) -> Self {
        Self {
            redaction: Redaction::new(redaction),
            members: AuditMembers::default(),
            batch: AuditBatch::default(),
            messages,
            spare,
            cut: 0,
            stderr: Arc::default(),
            journal: None,
        }
    }

    /// Uses the engine's access to standard error for the feed's messages.
    pub(crate) fn reporting_to(mut self, stderr: Arc<Stderr>) -> Feed {
        self.stderr = stderr;
        self
    }

    /// Keeps events for the next start, too.
    pub(crate) fn set_journal(&mut self, journal: Journal) {
        self.journal = Some(journal);
    }

    /// Notes that the ring space of all events was given back.
    #[inline]
    pub(crate) fn note_release(&mut self) {
        if let Some(journal) = &mut self.journal {
            journal.note_release();
        }
    }

    /// Redacts and encodes one event.
    pub(crate) fn encode(
        &mut self,
        ticket: u64,
        unix_nanos: i64,
        entries: &[u8],
    ) -> Result<(), ReadError> {
        let shown = self.redaction.entries(entries)?;
        let start = self.batch.members.len();
        let is_whole = self.members.write(shown, MEMBERS_BYTES_MAX, &mut self.batch.members)?;
        self.cut += u64::from(!is_whole);
        let members = start..self.batch.members.len();
        if let Some(journal) = &mut self.journal {
            journal.push(ticket, unix_nanos, &self.batch.members[members.clone()]);
        }
        self.batch.events.push(BatchEvent { ticket, unix_nanos, members });
        if self.batch.len_bytes() >= BATCH_BYTES_MAX {
            self.send_batch();
        }
        Ok(())
    }

    /// Sends the current batch.
    pub(crate) fn send_batch(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        if let Some(journal) = &mut self.journal {
            journal.write();
        }
        let empty = self.spare.try_recv().unwrap_or_default();
        let full = std::mem::replace(&mut self.batch, empty);
        if let Err(failed) = self.messages.send(Message::Batch(full))
            && let Message::Batch(batch) = failed.into_inner()
        {
            let count = batch.events.len();
            self.stderr.write(format_args!(
                "CRITICAL audit_sink_failure: {count} audit events arrived after the log was closed"
            ));
        }
    }

    /// Sends a request, after everything that came before it.
    pub(crate) fn send_request(&mut self, request: AuditRequest) {
        self.send_batch();
        if let Err(failed) = self.messages.send(Message::Request(request))
            && let Message::Request(request) = failed.into_inner()
        {
            request.refuse(&AuditFault::Stopped);
        }
    }
}

impl AuditRequest {
    /// Answers with an error, which is discarded if the caller has stopped waiting.
    pub(super) fn refuse(self, fault: &AuditFault) {
        match self {
            AuditRequest::Wait(_, reply) => reply.send(Err(fault.clone())),
            AuditRequest::Checkpoint(reply) => reply.send(Err(fault.clone())),
            AuditRequest::Check(reply) => reply.send(Err(fault.clone())),
            AuditRequest::Commit(reply)
            | AuditRequest::Rotate(reply)
            | AuditRequest::Stop(reply) => reply.send(Err(fault.clone())),
        }
    }
}

/// The report about a log without keys.
const KEYLESS: &str = "no keys: entries are chained by plain hashes and sealed by keys that the log made itself, so it \
     detects corruption, but anyone who can write its directory can replace it; `ringseal audit keygen` makes keys";

impl Processor {
    /// Handles one audit event of a lane.
    #[cold]
    pub(in crate::writer) fn audit_event(
        &mut self,
        record: &Record<'_>,
        lane: &mut LaneMemory,
    ) -> Result<(), RecordProblem> {
        let header = &record.header;
        let unix_nanos = self.calibration.unix_nanos(header.ticks).max(lane.last_unix_nanos);
        lane.last_unix_nanos = unix_nanos;
        let ticket = header.ticket();
        match &mut self.audit {
            Some(feed) => Ok(feed.encode(ticket, unix_nanos, record.payload)?),
            None => Ok(()),
        }
    }

    /// Called at the end of a turn.
    pub(in crate::writer) fn send_audit_batch(&mut self) {
        if let Some(feed) = &mut self.audit {
            feed.send_batch();
        }
    }

    pub(in crate::writer) fn send_audit_request(&mut self, request: AuditRequest) {
        match &mut self.audit {
            Some(feed) => feed.send_request(request),
            None => request.refuse(&AuditFault::Stopped),
        }
    }
}

impl Writer {
    /// Writes an event of the audit thread to the application's log.
    pub(in crate::writer) fn report_audit_event(&mut self, event: AuditThreadEvent, now: Now) {
        let processor = &mut self.processor;
        match event {
            AuditThreadEvent::Failed { sink, error } => {
                processor.own_event(&report::AUDIT_SINK_FAILURE, now, &mut |out| {
                    out.str(&sink);
                    out.str(&error);
                });
            }
            AuditThreadEvent::Recovered { sink } => {
                processor.own_event(&report::AUDIT_SINK_RECOVERED, now, &mut |out| out.str(&sink));
            }
            AuditThreadEvent::Keyless { sink } => {
                processor.own_event(&report::AUDIT_KEYLESS, now, &mut |out| {
                    out.str(&sink);
                    out.str(KEYLESS);
                });
            }
            AuditThreadEvent::StateMismatch { sink, reason } => {
                processor.own_event(&report::AUDIT_STATE_MISMATCH, now, &mut |out| {
                    out.str(&sink);
                    out.str(&reason);
                });
            }
            AuditThreadEvent::Checked { trigger, is_ok, log_bytes, log_entries } => {
                let site = match is_ok {
                    true => &report::AUDIT_INTEGRITY_CHECK,
                    false => &report::AUDIT_INTEGRITY_MISMATCH,
                };
                processor.own_event(site, now, &mut |out| {
                    out.str(trigger);
                    out.str(if is_ok { "ok" } else { "mismatch" });
                    out.u64(log_bytes);
                    out.u64(log_entries);
                });
            }
            AuditThreadEvent::Rotated { old_file, new_file, reason, file_size_bytes } => {
                processor.own_event(&report::AUDIT_ROTATION, now, &mut |out| {
                    out.str("audit");
                    out.str(&old_file);
                    out.str(&new_file);
                    out.str(reason);
                    out.u64(file_size_bytes);
                });
            }
            AuditThreadEvent::Pruned { before_seq, reason } => {
                processor.own_event(&report::AUDIT_PRUNED, now, &mut |out| {
                    out.u64(before_seq);
                    out.str(reason);
                });
            }
            AuditThreadEvent::Sealed { entries, note } => {
                processor.own_event(&report::AUDIT_CHECKPOINT, now, &mut |out| {
                    out.u64(entries);
                    out.str(&note);
                });
            }
        }
        self.processor.deliver(now);
    }
}
