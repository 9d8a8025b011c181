//! An event together with what its engine and its logger say where it does not.
//!
//! Promises: three references. An event is large, and whoever emits it has only just written it; a copy would wait for
//! that.
use super::bound::{BoundIds, OwnSource};
use super::check::Au3;
use super::parts::{Parts, See, entries_bytes_max, maybe, write_entries};
use super::{Actor, AuditEvent, Details, Source};
use crate::core::limits::Limits;
use crate::core::value::{Value, ValueWriter};

/// An event as it stands in its log.
#[derive(Clone, Copy)]
pub(crate) struct Filled<'e> {
    pub(super) event: &'e AuditEvent<'e>,
    own: Option<&'e OwnSource>,
    ids: Option<&'e BoundIds>,
}

impl<'e> Filled<'e> {
    /// Takes from an engine's source and a logger's ids what the event does not say itself. An event without an actor
    /// gets the service as its actor.
    pub(crate) fn new(
        event: &'e AuditEvent<'e>,
        own: Option<&'e OwnSource>,
        ids: Option<&'e BoundIds>,
    ) -> Self {
        Self { event, own, ids: ids.or(event.bound) }
    }

    /// The event itself.
    pub(in crate::audit) fn event(&self) -> &'e AuditEvent<'e> {
        self.event
    }

    /// Writes its entries; see [`AuditEvent::write_entries`].
    pub(crate) fn write_entries(&self, out: &mut ValueWriter<'_>) {
        write_entries(self, out);
    }

    /// Bytes that [`Filled::write_entries`] takes at most.
    pub(crate) fn entries_bytes_max(&self, limits: &Limits) -> usize {
        entries_bytes_max(self, limits)
    }

    /// All that it says of where it comes from.
    pub(super) fn source(&self) -> Source<'e> {
        self.event.source.filled(self.own)
    }

    /// The service, where an engine makes it the actor.
    fn service_actor(&self) -> Option<Actor<'e>> {
        let (event, own) = (self.event, self.own?);
        let service = event.source.service.or(own.service.as_deref());
        service.filter(|_| event.actor.is_none()).map(Actor::service)
    }

    /// Calls `look` with the actor, if there is one.
    #[inline(always)]
    pub(super) fn with_actor<T>(&self, look: impl FnOnce(Option<&Actor<'_>>) -> T) -> T {
        match &self.event.actor {
            None => look(self.service_actor().as_ref()),
            actor => look(actor.as_ref()),
        }
    }

    /// What it belongs to.
    pub(super) fn correlation_id(&self) -> Option<&'e str> {
        self.event.correlation_id.or_else(|| self.ids?.correlation())
    }

    /// Of the logger.
    pub(super) fn ids(&self) -> Option<&'e BoundIds> {
        self.ids
    }
}

impl Parts for Filled<'_> {
    #[inline(always)]
    fn each(&self, see: &mut impl See) {
        let event = self.event;
        see.field("event_type", &event.event_type);
        see.field("action", event.action);
        see.field("outcome", &event.outcome);
        see.field("severity", &event.severity_or_default());
        match &event.actor {
            None => part(see, "actor", &self.service_actor()),
            actor => part(see, "actor", actor),
        }
        part(see, "target", &event.target);
        part(see, "tool", &event.tool);
        maybe(see, "correlation_id", &self.correlation_id());
        if let Some(ids) = self.ids {
            ids.each(see);
        }
        see.source(&event.source, self.own);
        maybe(see, "source_address", &event.source_address);
        maybe(see, "destination_address", &event.destination_address);
        maybe(see, "command_text", &event.command_text);
        maybe(see, "diff_summary", &event.diff_summary);
        event.each_value(see);
        if !event.affected_files.is_empty() {
            see.texts("affected_files", event.affected_files);
        }
        maybe(see, "duration_ms", &event.duration_ms);
        match &event.details {
            Details::None => {}
            Details::Fields(fields) => see.map("details", fields),
            Details::Object(object) => see.field("details", object),
        }
    }
}

/// Shows a part if there is one.
#[inline(always)]
fn part<P: Parts + Value>(see: &mut impl See, key: &'static str, part: &Option<P>) {
    if let Some(part) = part {
        see.part(key, part);
    }
}

/// What can be asked of a filled event can be asked of one that nothing fills.
impl AuditEvent<'_> {
    /// Itself alone.
    pub(super) fn unfilled(&self) -> Filled<'_> {
        Filled::new(self, None, None)
    }

    /// The first part of NIST SP 800-53 AU-3 that the event lacks.
    pub fn lacks_au3(&self) -> Option<Au3> {
        self.unfilled().lacks_au3()
    }

    /// Whether a field is set, by its path: `actor.ip`, `target`, `details.reason`.
    ///
    /// In `details`, keys of the first level are found; in a map of another type
    /// ([`AuditEvent::details_object`]) those of its first 4,096 bytes without the texts.
    pub fn has_field(&self, path: &str) -> bool {
        self.unfilled().has_field(path)
    }
}
