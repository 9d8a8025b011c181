//! The writer's side: redacts audit events, encodes their members, hands batches over.
//!
//! Nothing blocks here: the channel to the keeper has no bound of its own, because what may be in it is bounded by the
//! gate that callers of `emit` pass, and by the rings. Buffers come back empty and are used again.
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

use super::keeper::SPARE_MAX;
use super::{AuditBatch, AuditFault, AuditNews, AuditRequest, BatchEvent, Parcel};
use crate::audit::entry::{FRAME_BYTES_MAX, LINE_BYTES_MAX};
use crate::core::clock::Now;
use crate::core::record::Record;
use crate::core::value::ReadError;
use crate::encode::layout::Members;
use crate::writer::lane_reader::LaneMemory;
use crate::writer::process::{Processor, RecordProblem};
use crate::writer::redaction::{Redaction, RedactionConfig};
use crate::writer::stderr::Stderr;
use crate::writer::{Writer, report};

/// Members of one entry take at most so many bytes.
const MEMBERS_BYTES_MAX: usize = LINE_BYTES_MAX - FRAME_BYTES_MAX;
/// A batch is handed over when it holds so much, and at the end of a turn.
const BATCH_BYTES_MAX: usize = 256 << 10;

/// What the writer needs to feed the keeper.
#[derive(Debug)]
pub struct Feed {
    redaction: Redaction,
    members: Members,
    batch: AuditBatch,
    parcels: Sender<Parcel>,
    spare: Receiver<AuditBatch>,
    cut: u64,
    stderr: Arc<Stderr>,
}

/// The keeper's ends of the channels.
#[derive(Debug)]
pub struct FeedEnds {
    pub(super) parcels: Receiver<Parcel>,
    pub(super) spare: Sender<AuditBatch>,
}

impl Feed {
    /// A feed that redacts so, and what its keeper needs of it.
    pub fn new(redaction: RedactionConfig) -> (Feed, FeedEnds) {
        let (parcels, parcels_end) = unbounded();
        let (spare_end, spare) = bounded(SPARE_MAX);
        let feed = Self::with(redaction, parcels, spare);
        (feed, FeedEnds { parcels: parcels_end, spare: spare_end })
    }

    fn with(
        redaction: RedactionConfig,
        parcels: Sender<Parcel>,
        spare: Receiver<AuditBatch>,
    ) -> Self {
        Self {
            redaction: Redaction::new(redaction),
            members: Members::default(),
            batch: AuditBatch::default(),
            parcels,
            spare,
            cut: 0,
            stderr: Arc::default(),
        }
    }

    /// Writes its messages to the engine's side of standard error.
    pub(crate) fn reporting_to(mut self, stderr: Arc<Stderr>) -> Feed {
        self.stderr = stderr;
        self
    }

    /// Takes one event.
    pub(crate) fn take(
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
        self.batch.events.push(BatchEvent { ticket, unix_nanos, members });
        if self.batch.len_bytes() >= BATCH_BYTES_MAX {
            self.hand_over();
        }
        Ok(())
    }

    /// Gives the keeper what there is.
    pub(crate) fn hand_over(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        let empty = self.spare.try_recv().unwrap_or_default();
        let full = std::mem::replace(&mut self.batch, empty);
        if let Err(failed) = self.parcels.send(Parcel::Batch(full))
            && let Parcel::Batch(batch) = failed.into_inner()
        {
            let count = batch.events.len();
            self.stderr.write(format_args!(
                "CRITICAL audit_sink_failure: {count} audit events came after the log was closed"
            ));
        }
    }

    /// Passes a request on, behind everything that came before it.
    pub(crate) fn ask(&mut self, request: AuditRequest) {
        self.hand_over();
        if let Err(failed) = self.parcels.send(Parcel::Request(request))
            && let Parcel::Request(request) = failed.into_inner()
        {
            request.refuse(&AuditFault::Stopped);
        }
    }
}

impl AuditRequest {
    /// Answers that it cannot be fulfilled. Whoever asked may have stopped waiting.
    pub(super) fn refuse(self, fault: &AuditFault) {
        match self {
            AuditRequest::Wait(_, reply) => drop(reply.send(Err(fault.clone()))),
            AuditRequest::Checkpoint(reply) => drop(reply.send(Err(fault.clone()))),
            AuditRequest::Check(reply) => drop(reply.send(Err(fault.clone()))),
            AuditRequest::Commit(reply)
            | AuditRequest::Rotate(reply)
            | AuditRequest::Stop(reply) => drop(reply.send(Err(fault.clone()))),
        }
    }
}

/// What it means that a log has no keys.
const KEYLESS: &str = "no keys: entries are chained by plain hashes and sealed by keys that the log made itself, so it shows \
     accidents, and whoever can write its directory can make another one; `ringseal audit keygen` makes keys";

impl Processor {
    /// Takes one audit event of a lane.
    #[cold]
    pub(in crate::writer) fn audit_event(
        &mut self,
        record: &Record<'_>,
        lane: &mut LaneMemory,
    ) -> Result<(), RecordProblem> {
        let header = &record.header;
        let unix_nanos = self.calibration.unix_nanos(header.ticks).max(lane.last_unix_nanos);
        lane.last_unix_nanos = unix_nanos;
        let ticket = u64::from(header.callsite) | u64::from(header.context) << 32;
        match &mut self.audit {
            Some(feed) => Ok(feed.take(ticket, unix_nanos, record.payload)?),
            None => Ok(()),
        }
    }

    /// At the end of a turn.
    pub(in crate::writer) fn hand_over_audit(&mut self) {
        if let Some(feed) = &mut self.audit {
            feed.hand_over();
        }
    }

    pub(in crate::writer) fn ask_audit(&mut self, request: AuditRequest) {
        match &mut self.audit {
            Some(feed) => feed.ask(request),
            None => request.refuse(&AuditFault::Stopped),
        }
    }
}

impl Writer {
    /// Writes what the keeper tells into the application's stream.
    pub(in crate::writer) fn tell_audit_news(&mut self, news: AuditNews, now: Now) {
        let processor = &mut self.processor;
        match news {
            AuditNews::Failed { sink, error } => {
                processor.own_event(&report::AUDIT_SINK_FAILURE, now, &mut |out| {
                    out.str(&sink);
                    out.str(&error);
                });
            }
            AuditNews::Recovered { sink } => {
                processor.own_event(&report::AUDIT_SINK_RECOVERED, now, &mut |out| out.str(&sink));
            }
            AuditNews::Keyless { sink } => {
                processor.own_event(&report::AUDIT_KEYLESS, now, &mut |out| {
                    out.str(&sink);
                    out.str(KEYLESS);
                });
            }
            AuditNews::Checked { trigger, is_ok, log_bytes, log_entries } => {
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
            AuditNews::Rotated { old_file, new_file, reason, file_size_bytes } => {
                processor.own_event(&report::AUDIT_ROTATION, now, &mut |out| {
                    out.str("audit");
                    out.str(&old_file);
                    out.str(&new_file);
                    out.str(reason);
                    out.u64(file_size_bytes);
                });
            }
            AuditNews::Pruned { before_seq, reason } => {
                processor.own_event(&report::AUDIT_PRUNED, now, &mut |out| {
                    out.u64(before_seq);
                    out.str(reason);
                });
            }
            AuditNews::Sealed { entries, note } => {
                processor.own_event(&report::AUDIT_CHECKPOINT, now, &mut |out| {
                    out.u64(entries);
                    out.str(&note);
                });
            }
        }
        self.processor.deliver(now);
    }
}
