//! An event together with the context of its engine and logger, for fields that the event does not set.
//!
//! Promises: holds three references and copies no event. An event is large and was written to memory just before; a
//! copy would wait for those writes.
use super::bound_ids::{BoundIds, EngineSource};
use super::check::Au3;
use super::fields::{Fields, Visitor, entries_bytes_max, visit_some, write_entries};
use super::{Actor, AuditEvent, Details, Source};
use ringseal_base::limits::Limits;
use ringseal_base::value::{Value, ValueWriter};

/// An event with its context.
#[derive(Clone, Copy)]
pub struct EventWithContext<'e> {
    pub(super) event: &'e AuditEvent<'e>,
    own: Option<&'e EngineSource>,
    ids: Option<&'e BoundIds>,
}

impl<'e> EventWithContext<'e> {
    /// Fills fields that the event does not set from an engine's source and a logger's ids. An event without an actor
    /// gets the service as its actor.
    pub fn new(
        event: &'e AuditEvent<'e>,
        own: Option<&'e EngineSource>,
        ids: Option<&'e BoundIds>,
    ) -> Self {
        Self { event, own, ids: ids.or(event.bound) }
    }

    /// The event itself.
    pub fn event(&self) -> &'e AuditEvent<'e> {
        self.event
    }

    /// Writes its entries; see [`AuditEvent::write_entries`].
    pub fn write_entries(&self, out: &mut ValueWriter<'_>) {
        write_entries(self, out);
    }

    /// Bytes that [`EventWithContext::write_entries`] takes at most.
    pub fn entries_bytes_max(&self, limits: &Limits) -> usize {
        entries_bytes_max(self, limits)
    }

    /// The source of the event, filled from the engine's.
    pub(super) fn source(&self) -> Source<'e> {
        self.event.source.or_engine(self.own)
    }

    /// The service as actor, if the event has no actor and an engine supplies a service.
    fn service_actor(&self) -> Option<Actor<'e>> {
        let (event, own) = (self.event, self.own?);
        let service = event.source.service.or(own.service.as_deref());
        service.filter(|_| event.actor.is_none()).map(Actor::service)
    }

    /// Calls `call` with the actor, if there is one.
    #[inline(always)]
    pub(super) fn with_actor<T>(&self, call: impl FnOnce(Option<&Actor<'_>>) -> T) -> T {
        match &self.event.actor {
            None => call(self.service_actor().as_ref()),
            actor => call(actor.as_ref()),
        }
    }

    /// The correlation id, of the event or else of the logger.
    pub(super) fn correlation_id(&self) -> Option<&'e str> {
        self.event.correlation_id.or_else(|| self.ids?.correlation())
    }

    /// The logger's ids.
    pub(super) fn ids(&self) -> Option<&'e BoundIds> {
        self.ids
    }
}

impl Fields for EventWithContext<'_> {
    #[inline(always)]
    fn each(&self, visitor: &mut impl Visitor) {
        let event = self.event;
        match event.kind {
            Some(kind) => visitor.fixed(kind),
            None => {
                visitor.field("event_type", &event.event_type);
                visitor.field("action", event.action);
            }
        }
        visitor.fixed(event.outcome.entry());
        visitor.fixed(event.severity_or_default().entry());
        match &event.actor {
            None => part(visitor, "actor", &self.service_actor()),
            actor => part(visitor, "actor", actor),
        }
        part(visitor, "target", &event.target);
        part(visitor, "tool", &event.tool);
        visit_some(visitor, "correlation_id", &self.correlation_id());
        if let Some(ids) = self.ids {
            ids.each(visitor);
        }
        visitor.source(&event.source, self.own);
        visit_some(visitor, "source_address", &event.source_address);
        visit_some(visitor, "destination_address", &event.destination_address);
        visit_some(visitor, "command_text", &event.command_text);
        visit_some(visitor, "diff_summary", &event.diff_summary);
        event.each_value(visitor);
        if !event.affected_files.is_empty() {
            visitor.texts("affected_files", event.affected_files);
        }
        visit_some(visitor, "duration_ms", &event.duration_ms);
        match &event.details {
            Details::None => {}
            Details::Fields(fields) => visitor.map("details", fields),
            Details::Object(object) => visitor.field("details", object),
        }
    }
}

/// Visits a part if it is set.
#[inline(always)]
fn part<P: Fields + Value>(visitor: &mut impl Visitor, key: &'static str, part: &Option<P>) {
    if let Some(part) = part {
        visitor.part(key, part);
    }
}

/// Checks that work with and without context.
impl AuditEvent<'_> {
    /// The event alone.
    pub(super) fn without_context(&self) -> EventWithContext<'_> {
        EventWithContext::new(self, None, None)
    }

    /// The first part of NIST SP 800-53 AU-3 that the event lacks.
    pub fn lacks_au3(&self) -> Option<Au3> {
        self.without_context().lacks_au3()
    }

    /// Whether a field is set, by its path: `actor.ip`, `target`, `details.reason`.
    ///
    /// In `details`, only keys of the first level are found. In a map of a custom type
    /// ([`AuditEvent::details_object`]), only those within its first 4,096 bytes, not counting texts.
    pub fn has_field(&self, path: &str) -> bool {
        self.without_context().has_field(path)
    }
}
