//! The producer's side of the audit log: what its handles share, and how a checked event gets into a lane.
//!
//! Promises: an audit event is never dropped because its ring is full. Its caller waits until there is space or the
//! engine ends.
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::lane::{Lane, WriteResult};
use super::overflow::pause;
use crate::core::record::Header;
use crate::writer::audit::{AuditFault, AuditLink};
use crate::writer::link::Link;
use ringseal_audit::Catalogue;
use ringseal_audit::event::{EngineSource, EventWithContext};
use ringseal_base::limits::Limits;
use ringseal_base::value::ValueWriter;

/// The engine's audit log, once it is open.
pub(crate) type AuditHook = OnceLock<Arc<AuditShared>>;

/// The state that all handles of an engine's audit log share.
#[derive(Debug)]
pub(crate) struct AuditShared {
    pub(crate) link: Arc<AuditLink>,
    pub(crate) catalogue: Catalogue,
    pub(crate) source: EngineSource,
    pub(crate) wait_max: Duration,
    pub(crate) limits: Limits,
    /// The log runs without keys from `keygen`: it is sealed by keys that it made itself.
    pub(crate) is_keyless: bool,
}

/// An event that was checked and measured.
pub(crate) struct AuditPayload<'e> {
    pub(crate) event: EventWithContext<'e>,
    pub(crate) bytes_max: usize,
    /// The event takes exactly `bytes_max` bytes, and needs no `ValueWriter`.
    pub(crate) is_plain: bool,
}

impl AuditPayload<'_> {
    /// Writes the event into a record's granted bytes, [`AuditPayload::bytes_max`] or more. Returns its length and
    /// whether anything was cut; `None` if it does not fit.
    #[inline]
    fn write(&self, granted: &mut [u8], limits: Limits) -> Option<(usize, bool)> {
        // A value of a caller's type may write a different number of bytes than it promised.
        if self.is_plain && self.event.put(granted) == Some(self.bytes_max) {
            return Some((self.bytes_max, false));
        }
        let mut out = ValueWriter::new(granted, limits);
        self.event.write_entries(&mut out);
        (!out.is_full()).then(|| (out.len_bytes(), out.is_cut()))
    }
}

/// Writes an audit event into a lane.
#[inline]
pub(crate) fn write(lane: &mut Lane, ticket: u64, event: &AuditPayload<'_>) -> WriteResult {
    lane.write_record(Header::of_audit(ticket), event.bytes_max, |granted, limits| {
        event.write(granted, limits)
    })
}

/// Calls `write` until there is space, for as long as there is a writer.
#[cold]
#[inline(never)]
pub(crate) fn retry_until_space(
    lane: &mut Lane,
    link: &Arc<Link>,
    write: &mut dyn FnMut(&mut Lane) -> WriteResult,
) -> Result<WriteResult, AuditFault> {
    let mut round = 0;
    loop {
        match write(lane) {
            WriteResult::Full => {}
            written => return Ok(written),
        }
        if link.is_closed() {
            return Err(if link.is_forked() { AuditFault::Forked } else { AuditFault::Stopped });
        }
        if round == 0 {
            lane.counters.waits.add(1);
        }
        link.wake_if_asleep();
        pause(round);
        round = round.saturating_add(1);
    }
}
