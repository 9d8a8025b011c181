//! The context that fills missing fields of events: ids bound to a logger, and the engine's description of its process.
//!
//! Both are read and ordered once; filling an event ([`EventWithContext`](super::EventWithContext)) copies references.
use super::fields::{Visitor, visit_some, write_entries};
use super::{AuditEvent, Source, entries_bytes_max};
use ringseal_base::limits::Limits;
use ringseal_base::value::{Entries, Value, ValueRef, ValueWriter};

/// Ids from the fields that are bound to a logger. Read once, when the logger is created; filling an event copies a
/// reference.
///
/// Values that are not ids are skipped: more than 128 bytes, characters other than letters, digits and `-_.:/+=`, and
/// values bound as secret or personal data. An event is therefore never refused because of bound fields.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct BoundIds {
    /// `correlation_id`.
    pub correlation_id: Option<String>,
    /// `trace_id`, or `trace.id`.
    pub trace_id: Option<String>,
    /// `span_id`, or `span.id`.
    pub span_id: Option<String>,
    /// `request_id`, or `request.id`.
    pub request_id: Option<String>,
    /// `session_id`, or `session.id`.
    pub session_id: Option<String>,
    /// `user_id`, or `user.id`.
    pub user_id: Option<String>,
}

impl BoundIds {
    /// The ids among bound fields; `None` if there are none.
    pub fn of_entries(entries: Entries<'_>) -> Option<BoundIds> {
        let mut ids = BoundIds::default();
        for (key, value) in entries.map_while(Result::ok) {
            let id = match key {
                b"correlation_id" | b"correlation.id" => &mut ids.correlation_id,
                b"trace_id" | b"trace.id" => &mut ids.trace_id,
                b"span_id" | b"span.id" => &mut ids.span_id,
                b"request_id" | b"request.id" => &mut ids.request_id,
                b"session_id" | b"session.id" => &mut ids.session_id,
                b"user_id" | b"user.id" => &mut ids.user_id,
                _ => continue,
            };
            // If a key has several values, the last one is written to the line.
            *id = text_of(value).filter(|text| super::check::is_correlation(text));
        }
        (ids != BoundIds::default()).then_some(ids)
    }

    /// The correlation id: the first of these that is bound.
    pub(super) fn correlation(&self) -> Option<&str> {
        let ids = [&self.correlation_id, &self.request_id, &self.trace_id];
        ids.into_iter().find_map(|id| id.as_deref())
    }

    pub(super) fn each(&self, visitor: &mut impl Visitor) {
        let ids = [
            ("trace_id", &self.trace_id),
            ("span_id", &self.span_id),
            ("request_id", &self.request_id),
            ("session_id", &self.session_id),
            ("user_id", &self.user_id),
        ];
        ids.into_iter().for_each(|(key, id)| visit_some(visitor, key, &id.as_deref()));
    }

    pub(super) fn has(&self, key: &str) -> bool {
        let mut found = false;
        self.each(&mut |name: &'static str, _: &dyn Value| found |= name == key);
        found
    }
}

fn text_of(value: ValueRef<'_>) -> Option<String> {
    match value {
        ValueRef::Str(text) => std::str::from_utf8(text).ok().map(str::to_owned),
        ValueRef::U64(number) => Some(number.to_string()),
        ValueRef::I64(number) => Some(number.to_string()),
        ValueRef::Uuid(bytes) => {
            let hex = |range: std::ops::Range<usize>| {
                bytes.get(range).unwrap_or_default().iter().map(|byte| format!("{byte:02x}"))
            };
            let parts =
                [0..4, 4..6, 6..8, 8..10, 10..16].map(|range| hex(range).collect::<String>());
            Some(parts.join("-"))
        }
        _ => None,
    }
}

impl<'a> AuditEvent<'a> {
    /// Fills ids that the event does not set from `ids`.
    #[must_use]
    pub fn fill_ids(mut self, ids: Option<&'a BoundIds>) -> Self {
        if let Some(ids) = ids {
            self.correlation_id = self.correlation_id.or(ids.correlation());
            self.bound = Some(ids);
        }
        self
    }
}

/// [`Source`], owned: an engine's description of its process, and its encoding in a record.
#[derive(Debug, Clone, Default)]
pub struct EngineSource {
    /// The service.
    pub service: Option<String>,
    /// The instance of the service.
    pub service_instance: Option<String>,
    /// The environment.
    pub environment: Option<String>,
    /// The component.
    pub component: Option<String>,
    /// The host.
    pub host: Option<String>,
    /// The process.
    pub process: Option<String>,
    /// The process id.
    pub process_id: Option<u32>,
    /// The entries as written by [`write_entries`]; `None` until [`EngineSource::encode`], and if a limit cuts them.
    entries: Option<Box<[u8]>>,
}

impl EngineSource {
    /// The description of this process that needs no configuration.
    pub fn of_this_process() -> Self {
        Self { process_id: Some(std::process::id()), ..Self::default() }
    }

    /// As a borrowed [`Source`].
    pub fn borrow(&self) -> Source<'_> {
        Source {
            service: self.service.as_deref(),
            service_instance: self.service_instance.as_deref(),
            environment: self.environment.as_deref(),
            component: self.component.as_deref(),
            host: self.host.as_deref(),
            process: self.process.as_deref(),
            process_id: self.process_id,
            ..Source::default()
        }
    }

    /// Encodes the part that is the same for all events under `limits`. The fields must not be changed afterwards.
    pub fn encode(&mut self, limits: &Limits) {
        let source = self.borrow();
        let mut bytes = vec![0; entries_bytes_max(&source, limits)];
        let mut out = ValueWriter::new(&mut bytes, *limits);
        write_entries(&source, &mut out);
        let (len, is_whole) = (out.len_bytes(), !out.is_cut() && !out.is_full());
        bytes.truncate(len);
        self.entries = is_whole.then(|| bytes.into());
    }

    pub(super) fn entries(&self) -> Option<&[u8]> {
        self.entries.as_deref()
    }
}
