//! The hot path: an event of plain values, written by code that is inlined into its call site.
//!
//! Promises: no allocation, no lock, no system call, no wait. What it does not handle leaves the ring as it was, and
//! the caller goes the long way ([`Lane::write_formatted`]): values that are formatted, nested or over a limit, a
//! context that the writer does not have, a full ring or one that needs a further claim, and clocks other than the
//! time-stamp counter where there is one.
use super::Lane;
use crate::core::context::Context;
use crate::core::correlation::CORRELATION_BYTES;
use crate::core::field::Fields;
use crate::core::level::Level;
use crate::core::record::{ExtraFlags, HEADER_BYTES, Header, Kind, Slots};
use crate::emit::ambient::Ambient;
use ringseal_base::limits::Limits;
use ringseal_base::tsc;

/// No event with more bytes besides those of its texts takes [`Lane::write_plain`].
const PLAIN_BYTES_MAX: usize = 1024;

/// The end of the lengths of texts that [`Lane::write_plain`] writes: any number of texts within the limit of one
/// value, in a record that also holds [`PLAIN_BYTES_MAX`] and a correlation.
pub(super) fn text_bytes_end(limits: Limits) -> u16 {
    let fixed = HEADER_BYTES + CORRELATION_BYTES;
    let record_max = (limits.record_bytes_max as usize).saturating_sub(fixed);
    let Some(text_max) = record_max.checked_sub(PLAIN_BYTES_MAX) else { return 0 };
    u16::try_from(text_max.min(limits.value_bytes_max as usize) + 1).unwrap_or(u16::MAX)
}

impl Lane {
    /// Writes an event if it is plain and fits into the ring as it is. Returns its ticks if it has been written.
    ///
    /// With `ambient`, the event is in a scope of that context. Without, nothing is left of the code for it.
    ///
    /// Plain are values without formatting or nesting, together within the limits, under a context that the writer has.
    /// `plain` and `text` are the sizes of `fields`. As `text` is bounded here, the compiler knows that the record
    /// holds all constant lengths, and nothing is left of the checks of bounds within [`Fields::put`].
    #[inline(always)]
    pub(crate) fn write_plain<F: Fields>(
        &mut self,
        (callsite, level): (u32, Level),
        context: Option<&Context>,
        ambient: Option<&Ambient>,
        (plain, text): (usize, usize),
        fields: &F,
    ) -> Option<u64> {
        if plain > PLAIN_BYTES_MAX {
            return None;
        }
        let ticks = if text < usize::from(self.tsc_text_bytes_end) {
            tsc::ticks()
        } else if text < usize::from(self.coarse_text_bytes_end) {
            // See `ticks_of_other_clock`.
            match self.link.coarse.get() {
                0 => tsc::ticks(),
                coarse => coarse,
            }
        } else if cfg!(not(target_arch = "x86_64")) && text < usize::from(self.text_bytes_end) {
            // Where there is a time-stamp counter, another clock costs more than the way to it.
            self.ticks_of_other_clock()
        } else {
            return None;
        };
        let bound = match context {
            None => Slots::NONE,
            Some(context) if self.contexts.has(context) => context.as_bound(),
            Some(_) => return None,
        };
        let ambient_number = match ambient {
            None => 0,
            Some(Ambient { number, id, .. }) if self.ambient_contexts.has_id(*number, *id) => {
                *number
            }
            Some(_) => return None,
        };
        // Of a constant length: ids of zeros if there are none, which no line shows.
        let ids_len = if ambient.is_some() { CORRELATION_BYTES } else { 0 };
        let payload_len = plain + text + ids_len;
        let mut grant = self.producer.grant_claimed(HEADER_BYTES + payload_len)?;
        let (head, payload) = grant.bytes_mut().split_first_chunk_mut::<HEADER_BYTES>()?;
        // A type of the caller's own may have written fewer or more bytes than it promised: then bytes are left, or the
        // rest is an empty one from elsewhere.
        let mut payload = payload;
        if let Some(ambient) = ambient {
            let (values, ids) = payload.split_last_chunk_mut()?;
            *ids = ambient.ids();
            payload = values;
        }
        let end = payload.as_ptr_range().end;
        let rest = fields.put(payload);
        if !(rest.is_empty() && std::ptr::eq(rest.as_ptr(), end)) {
            return None;
        }
        let header = Header {
            extras: ExtraFlags::new(false, ambient.is_some()),
            callsite,
            slots: bound.with_ambient(ambient_number),
            ticks,
            ..Header::new(Kind::Event, level)
        };
        header.write(head, payload_len);
        grant.commit(HEADER_BYTES + payload_len);
        Some(ticks)
    }
}
