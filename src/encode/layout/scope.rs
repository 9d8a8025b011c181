//! The members of a line that come from the contexts of the event: bound fields, ambient fields, then the ids of the
//! correlation.
//!
//! Promises: the fields of a context are rendered once, and copied if no key is in the way. The line has each key once:
//! a bound field is left out if the event has one with its key, an ambient one also if a bound one has, and an id if
//! any field has. Ids are 32 lower-case
//! hexadecimal digits; the id of a span has 16 if its last 8 bytes are zero, as in W3C Trace Context. An id of zeros is
//! left out. Ids are not redacted: they are digits, whatever bytes they were made of.
use super::{Bound, Event, has_key, key_bit};
use crate::core::correlation::Correlation;
use crate::encode::Out;

/// The contexts of an event.
#[derive(Debug, Clone, Copy, Default)]
pub struct Scope<'a> {
    /// The fields bound to the logger.
    pub bound: Option<Bound<'a>>,
    /// The fields of the thread's ambient context.
    pub ambient: Option<Bound<'a>>,
    /// The ids of the thread's ambient context.
    pub correlation: Option<Correlation>,
}

/// The ids of a correlation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Id {
    Trace,
    Span,
}

impl Id {
    pub(super) const ALL: [Id; 2] = [Id::Trace, Id::Span];

    pub(super) fn key(self) -> &'static [u8] {
        match self {
            Id::Trace => b"trace_id",
            Id::Span => b"span_id",
        }
    }
}

impl Scope<'_> {
    /// Whether the line has this key because of the scope, unless the event or its logger has it.
    pub(super) fn has(&self, key: &[u8]) -> bool {
        let is_id = |id: &Id| id.key() == key && self.has_id(*id);
        self.has_ambient(key) || Id::ALL.iter().any(is_id)
    }

    pub(super) fn has_bound(&self, key: &[u8]) -> bool {
        self.bound.is_some_and(|bound| has_key(bound.entries, key))
    }

    fn has_ambient(&self, key: &[u8]) -> bool {
        self.ambient.is_some_and(|ambient| has_key(ambient.entries, key))
    }

    pub(super) fn has_id(&self, id: Id) -> bool {
        self.correlation.is_some_and(|ids| match id {
            Id::Trace => ids.trace_id() != [0; 16],
            Id::Span => ids.span_id() != [0; 16],
        })
    }

    /// Whether the line of `event` shows the id: there is one, and no field has its key.
    pub(super) fn shows_id(&self, id: Id, event: &Event<'_>) -> bool {
        self.has_id(id) && !event.has_own_or_bound(id.key()) && !self.has_ambient(id.key())
    }

    /// The bits of all keys.
    pub(super) fn key_bits(&self) -> u64 {
        self.bound_bits() | self.ambient_bits()
    }

    /// The bits of the keys of bound and ambient fields.
    pub(super) fn fields_bits(&self) -> u64 {
        self.bound_bits() | self.ambient.map_or(0, |ambient| ambient.key_bits)
    }

    /// The bits of the keys of bound fields.
    pub(super) fn bound_bits(&self) -> u64 {
        self.bound.map_or(0, |bound| bound.key_bits)
    }

    /// The bits of the keys of ambient fields and ids.
    pub(super) fn ambient_bits(&self) -> u64 {
        let ids = Id::ALL.into_iter().filter(|id| self.has_id(*id));
        let bits = self.ambient.map_or(0, |ambient| ambient.key_bits);
        ids.fold(bits, |bits, id| bits | key_bit(id.key()))
    }

    /// Writes the digits of an id.
    pub(super) fn write_id(&self, id: Id, out: &mut Out<'_>) {
        let Some(ids) = self.correlation else { return };
        match id {
            Id::Trace => out.hex(&ids.trace_id()),
            Id::Span => out.hex(ids.shown_span_id()),
        }
    }
}
