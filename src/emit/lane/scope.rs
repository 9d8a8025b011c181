//! What an event has besides its fields: the context bound to its logger, and the ambient one of its thread.
//!
//! Promises: the writer has the definition of a context before the first record that refers to it. Bound and ambient
//! contexts have a table each, so that neither evicts the other.
use super::Lane;
use crate::core::context::Context;
use crate::core::correlation::CORRELATION_BYTES;
use crate::core::level::Level;
use crate::core::record::{CONTEXT_ID_BYTES, HEADER_BYTES, Header, Kind, Slots};
use crate::emit::ambient::{self, Ambient};

/// The contexts of an event.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope<'a> {
    /// That bound to the logger.
    pub(crate) bound: Option<&'a Context>,
    /// That of the thread.
    pub(crate) ambient: &'a Ambient,
    /// The fields of `ambient`, if they may be others than those of the thread's current context.
    pub(crate) ambient_fields: Option<&'a Context>,
}

/// One of a lane's tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Table {
    Bound,
    Ambient,
}

impl Scope<'_> {
    /// That of the engine's own events.
    pub(crate) const NONE: Scope<'static> =
        Scope { bound: None, ambient: &Ambient::NONE, ambient_fields: None };

    /// With the thread's ambient context, or none.
    pub(crate) fn new<'a>(bound: Option<&'a Context>, ambient: &'a Ambient) -> Scope<'a> {
        Scope { bound, ambient, ambient_fields: None }
    }

    /// The randomness of the trace id by which the event is sampled if it has none among its own fields.
    pub(crate) fn randomness(&self) -> Option<u64> {
        self.bound.and_then(Context::randomness).or(self.ambient.randomness)
    }

    /// Bytes that [`Scope::put_correlation`] adds.
    #[inline]
    pub(super) fn correlation_bytes(&self) -> usize {
        self.ambient.correlation_bytes()
    }

    /// Appends the correlation to the `len` bytes of values. Returns the new length and whether there is a correlation.
    #[inline]
    pub(super) fn put_correlation(&self, payload: &mut [u8], len: usize) -> (usize, bool) {
        let Some(correlation) = self.ambient.correlation() else { return (len, false) };
        // A record that is too short for it has none.
        let rest = payload.get_mut(len..).unwrap_or_default();
        let Some(bytes) = rest.first_chunk_mut::<CORRELATION_BYTES>() else { return (len, false) };
        *bytes = correlation.to_bytes();
        (len + CORRELATION_BYTES, true)
    }
}

impl Lane {
    /// The slots by which records refer to the bound and to the ambient context. Writes definitions that the writer
    /// does not have. `None` if there is no space for them.
    #[inline]
    pub(super) fn slots(&mut self, scope: Scope<'_>, level: Level) -> Option<Slots> {
        let bound = match scope.bound {
            None => 0,
            Some(context) if self.contexts.has(context) => context.number(),
            Some(context) => self.define(Table::Bound, context, level)?,
        };
        let Ambient { id, number, .. } = *scope.ambient;
        let ambient = if self.has_ambient(scope.ambient) {
            number
        } else {
            // Without the fields, their scope has ended: a value's `Display` ended it, or the thread is ending.
            match scope.ambient_fields {
                Some(fields) => self.define(Table::Ambient, fields, level)?,
                None => {
                    let define = |context: &Context| self.define(Table::Ambient, context, level);
                    ambient::with_fields(id, define).unwrap_or(Some(0))?
                }
            }
        };
        Some(Slots::new(bound, ambient))
    }

    /// Whether the writer has the fields of this context; also true without fields, whose id and number are 0.
    #[inline(always)]
    fn has_ambient(&self, ambient: &Ambient) -> bool {
        self.ambient_contexts.has_id(ambient.number, ambient.id)
    }

    /// Writes the definition of the thread's current context, if the writer does not have it. Returns whether it has.
    #[inline(never)]
    pub(in crate::emit) fn define_ambient(&mut self, level: Level) -> bool {
        let ambient = Ambient::current();
        if self.has_ambient(&ambient) {
            return false;
        }
        let define = |context: &Context| self.define(Table::Ambient, context, level);
        ambient::with_fields(ambient.id, define).flatten().is_some()
    }

    /// Writes a definition and returns its slot.
    #[cold]
    #[inline(never)]
    fn define(&mut self, table: Table, context: &Context, level: Level) -> Option<u16> {
        let room = (self.limits.record_bytes_max as usize).saturating_sub(HEADER_BYTES);
        // If no record can hold the whole context, the fields that fit are written. Each is already cut to the limits.
        let (entries, is_cut) = context.entries_within(room.saturating_sub(CONTEXT_ID_BYTES));
        let Self { contexts, ambient_contexts, link, .. } = self;
        let place = match table {
            Table::Bound => contexts.place_for(context, &link.contexts),
            Table::Ambient => ambient_contexts.place_for(context, &link.contexts),
        };
        let number = context.number();
        let slots = match table {
            Table::Bound => Slots::new(number, 0),
            Table::Ambient => Slots::new(0, number),
        };
        let callsite = place.evicted;
        let header = Header { is_cut, callsite, slots, ..Header::new(Kind::Context, level) };
        let id = context.id().to_le_bytes();
        if !self.put(header, [&id, entries]) {
            return None;
        }
        match table {
            Table::Bound => self.contexts.fill(place),
            Table::Ambient => self.ambient_contexts.fill(place),
        }
        Some(number)
    }

    /// Forgets all definitions, as the writer does when another thread takes the lane.
    pub(super) fn forget_contexts(&mut self) {
        for table in [&mut self.contexts, &mut self.ambient_contexts] {
            table.clear(&self.link.contexts);
        }
    }
}
