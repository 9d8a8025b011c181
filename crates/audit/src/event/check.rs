//! Validation of events, independent of the catalogue, and lookup of fields by path.

use super::error::quoted;
use super::{AuditEvent, Details, EventError, EventType, EventWithContext, Fields};
use crate::entry::{CONTROL_PREFIX, EVENT_TYPE_BYTES_MAX};
use ringseal_base::limits::Limits;
use ringseal_base::value::{Map, ObjectValue, ValueRef, ValueWriter};

/// Most bytes of an action or a target type.
const WORD_BYTES_MAX: usize = 128;
/// Most bytes of an id. A longer id would be cut, and readers that join on it would not notice.
const ID_BYTES_MAX: usize = 1024;
const CORRELATION_BYTES_MAX: usize = 128;
const EVENT_TYPE: &str = "at most 128 letters, digits, `_` and `-`, with single dots between words";
const NOT_BLANK: &str = "a text that is not blank";
const WORD: &str = "at most 128 characters without control characters, not blank";
const CORRELATION: &str = "1 to 128 letters, digits and `-_.:/+=`";
const EVERY_EVENT: &str = "a value, which every event has";

/// The parts of NIST SP 800-53 AU-3 that an event can lack. It always has the others: what, when and the outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Au3 {
    /// Where it happened: `source_host`, `component`, `environment`, `target` or
    /// `destination_address`.
    Where,
    /// Its source: `service`, `source_process`, `source_application`, `source_address` or `actor.ip`.
    Source,
    /// The actor: `actor.id`.
    Identity,
}

impl Au3 {
    pub(crate) const fn expected(self) -> &'static str {
        match self {
            Au3::Where => {
                "one of source_host, component, environment, target and destination_address \
                 (NIST AU-3, where)"
            }
            Au3::Source => {
                "one of service, source_process, source_application, source_address and actor.ip \
                 (NIST AU-3, source)"
            }
            Au3::Identity => "actor.id (NIST AU-3, identity)",
        }
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Au3::Where => "where",
            Au3::Source => "source",
            Au3::Identity => "identity",
        }
    }
}

impl AuditEvent<'_> {
    /// Checks the fields that every event must have, before anything is queued.
    ///
    /// Type, action and an actor with an id; a target with type and id, if there is one; no blank ids, none too long;
    /// no duplicate key in `details` or `changes`. Allocates for errors only.
    pub fn validate(&self) -> Result<(), EventError> {
        self.without_context().validate()
    }

    /// Also checks that the event fits into a record: the engine's records hold `limits.record_bytes_max` bytes, of
    /// which `other_bytes` are taken.
    pub fn validate_within(&self, limits: &Limits, other_bytes: usize) -> Result<(), EventError> {
        self.validate()?;
        self.without_context().check_length(self.entries_bytes_max(limits), limits, other_bytes)
    }

    fn check_type(&self) -> Result<(), EventError> {
        let malformed = |expected| {
            let found = quoted(&self.type_text());
            self.malformed("event_type", expected, found)
        };
        if !is_event_type(&self.event_type) {
            return Err(malformed(EVENT_TYPE));
        }
        // An event with such a type could be mistaken for a change of keys.
        if self.event_type.starts_with(CONTROL_PREFIX) {
            return Err(malformed(
                "a type that does not start with `ringseal.`, which is reserved for the log",
            ));
        }
        Ok(())
    }

    fn check_target(&self) -> Result<(), EventError> {
        let Some(target) = &self.target else { return Ok(()) };
        self.check_word("target.type", target.target_type)?;
        self.check_id("target.id", target.id)
    }

    fn check_word(&self, field: &'static str, word: &str) -> Result<(), EventError> {
        let is_good =
            is_graphic(word) || (!word.trim().is_empty() && !word.chars().any(char::is_control));
        if is_good && word.len() <= WORD_BYTES_MAX {
            Ok(())
        } else {
            Err(self.malformed(field, WORD, quoted(word)))
        }
    }

    fn check_id(&self, field: &'static str, id: &str) -> Result<(), EventError> {
        // A text that begins with a graphic character is not blank.
        if !id.as_bytes().first().is_some_and(u8::is_ascii_graphic) && id.trim().is_empty() {
            return Err(self.malformed(field, NOT_BLANK, quoted(id)));
        }
        if id.len() > ID_BYTES_MAX {
            let found = format!("{} bytes", id.len());
            return Err(self.malformed(field, "at most 1,024 bytes", found));
        }
        Ok(())
    }

    fn check_tool(&self) -> Result<(), EventError> {
        match self.tool.map(|tool| tool.name) {
            Some(None) => Err(self.missing("tool.name", EVERY_EVENT)),
            Some(Some(name)) => self.check_id("tool.name", name),
            None => Ok(()),
        }
    }

    #[inline]
    fn check_changes(&self) -> Result<(), EventError> {
        if self.changes.is_empty() { Ok(()) } else { self.check_both_sides() }
    }

    fn check_both_sides(&self) -> Result<(), EventError> {
        if self.prior_value.is_some() || self.new_value.is_some() {
            let expected = "either changes, or one prior_value and new_value";
            return Err(self.malformed("prior_value", expected, "both".to_owned()));
        }
        self.check_keys("prior_value", self.changes.iter().map(|change| change.key))
    }

    #[inline]
    fn check_details(&self) -> Result<(), EventError> {
        match &self.details {
            Details::Fields(fields) => self.check_detail_keys(fields),
            Details::None | Details::Object(_) => Ok(()),
        }
    }

    fn check_detail_keys(&self, fields: &Map<'_>) -> Result<(), EventError> {
        self.check_keys("details", fields.0.iter().map(|(key, _)| *key))
    }

    /// Readers would disagree about a duplicate key.
    fn check_keys<'k>(
        &self,
        field: &'static str,
        keys: impl Iterator<Item = &'k str> + Clone,
    ) -> Result<(), EventError> {
        for (at, key) in keys.clone().enumerate() {
            if key.is_empty() {
                return Err(self.malformed(field, "keys that are not empty", quoted(key)));
            }
            if keys.clone().take(at).any(|earlier| earlier == key) {
                let found = format!("{} twice", quoted(key));
                return Err(self.malformed(field, "each key once", found));
            }
        }
        Ok(())
    }

    pub(crate) fn type_text(&self) -> String {
        self.event_type.to_string()
    }

    pub(crate) fn missing(&self, field: &str, expected: &'static str) -> EventError {
        EventError::Missing { event_type: self.type_text(), field: field.to_owned(), expected }
    }

    fn malformed(&self, field: &'static str, expected: &'static str, found: String) -> EventError {
        EventError::Malformed { event_type: self.type_text(), field, expected, found }
    }
}

impl EventWithContext<'_> {
    /// See [`AuditEvent::validate`].
    pub fn validate(&self) -> Result<(), EventError> {
        let event = self.event;
        if event.kind.is_none() {
            event.check_type()?;
            event.check_word("action", event.action)?;
        }
        match self.with_actor(|actor| actor.map(|actor| event.check_id("actor.id", actor.id))) {
            Some(checked) => checked?,
            None => return Err(event.missing("actor", EVERY_EVENT)),
        }
        event.check_target()?;
        event.check_tool()?;
        match self.correlation_id() {
            Some(id) if !is_correlation(id) => {
                return Err(event.malformed("correlation_id", CORRELATION, quoted(id)));
            }
            _ => {}
        }
        event.check_changes()?;
        event.check_details()
    }

    /// Checks that entries of `found_bytes` fit into a record of which `other_bytes` are taken.
    pub fn check_length(
        &self,
        found_bytes: usize,
        limits: &Limits,
        other_bytes: usize,
    ) -> Result<(), EventError> {
        let expected_bytes_max = (limits.record_bytes_max as usize).saturating_sub(other_bytes);
        if found_bytes > expected_bytes_max {
            let event_type = self.event.type_text();
            return Err(EventError::TooLong { event_type, expected_bytes_max, found_bytes });
        }
        Ok(())
    }

    /// See [`AuditEvent::lacks_au3`].
    pub(crate) fn lacks_au3(&self) -> Option<Au3> {
        let (event, source) = (self.event, self.source());
        let is_placed = source.host.is_some()
            || source.component.is_some()
            || source.environment.is_some()
            || event.target.is_some()
            || event.destination_address.is_some();
        let is_sourced = source.service.is_some()
            || source.process.is_some()
            || source.application.is_some()
            || event.source_address.is_some()
            || event.actor.is_some_and(|actor| actor.ip.is_some());
        let is_known = self.with_actor(|actor| actor.is_some());
        match (is_known, is_placed, is_sourced) {
            (false, ..) => Some(Au3::Identity),
            (_, false, _) => Some(Au3::Where),
            (.., false) => Some(Au3::Source),
            _ => None,
        }
    }

    /// See [`AuditEvent::has_field`].
    pub(crate) fn has_field(&self, path: &str) -> bool {
        match path.split_once('.') {
            None => self.has_top_level(path),
            Some(("actor", key)) => {
                self.with_actor(|actor| actor.is_some_and(|actor| actor.has(key)))
            }
            Some(("target", key)) => self.event.target.is_some_and(|target| target.has(key)),
            Some(("tool", key)) => self.event.tool.is_some_and(|tool| tool.has(key)),
            Some(("details", key)) => match self.event.details {
                Details::None => false,
                Details::Fields(fields) => fields.0.iter().any(|(name, _)| *name == key),
                Details::Object(object) => has_key(object, key),
            },
            Some(_) => false,
        }
    }

    /// The same for paths without a dot. This second list of the fields is for speed: it runs for every event with a
    /// rule in the catalogue. Tests compare it with the first list.
    fn has_top_level(&self, name: &str) -> bool {
        let (event, source) = (self.event, || self.source());
        match name {
            "event_type" | "action" | "outcome" | "severity" => true,
            "actor" => self.with_actor(|actor| actor.is_some()),
            "target" => event.target.is_some(),
            "tool" => event.tool.is_some(),
            "correlation_id" => self.correlation_id().is_some(),
            "trace_id" | "span_id" | "request_id" | "session_id" | "user_id" => {
                self.ids().is_some_and(|ids| ids.has(name))
            }
            "service" => source().service.is_some(),
            "service_instance" => source().service_instance.is_some(),
            "environment" => source().environment.is_some(),
            "component" => source().component.is_some(),
            "source_host" => source().host.is_some(),
            "source_process" => source().process.is_some(),
            "process_id" => source().process_id.is_some(),
            "source_application" => source().application.is_some(),
            "source_address" => event.source_address.is_some(),
            "destination_address" => event.destination_address.is_some(),
            "command_text" => event.command_text.is_some(),
            "diff_summary" => event.diff_summary.is_some(),
            "prior_value" => event.prior_value.is_some() || !event.changes.is_empty(),
            "new_value" => event.new_value.is_some() || !event.changes.is_empty(),
            "affected_files" => !event.affected_files.is_empty(),
            "duration_ms" => event.duration_ms.is_some(),
            "details" => !matches!(event.details, Details::None),
            _ => false,
        }
    }
}

/// Whether a map of unknown type has a key. The map is written without its texts and deeper levels.
fn has_key(object: &dyn ObjectValue, key: &str) -> bool {
    let mut limits = Limits::default().with_value_bytes_max(0);
    limits.depth_max = 1;
    let mut bytes = [0; 4096];
    let mut out = ValueWriter::new(&mut bytes, limits);
    object.write(&mut out);
    let len = out.len_bytes();
    let mut written = bytes.get(..len).unwrap_or_default();
    match ValueRef::read(&mut written) {
        Ok(ValueRef::Map(mut entries)) => {
            entries.any(|entry| entry.is_ok_and(|(name, _)| name == key.as_bytes()))
        }
        _ => false,
    }
}

/// Whether all bytes are in a set. Checks blocks of 16, 8 or 4 without an early exit, so that the compiler vectorizes
/// them.
#[inline(always)]
fn all_bytes(text: &str, is_known: impl Fn(u8) -> bool) -> bool {
    #[inline(always)]
    fn all_in_block(block: &[u8], is_known: &impl Fn(u8) -> bool) -> bool {
        block.iter().fold(true, |all, &byte| all & is_known(byte))
    }
    /// Both ends, which overlap if there are fewer than two blocks.
    #[inline(always)]
    fn both_ends<const N: usize>(bytes: &[u8], is_known: &impl Fn(u8) -> bool) -> Option<bool> {
        let (first, last) = (bytes.first_chunk::<N>()?, bytes.last_chunk::<N>()?);
        Some(all_in_block(first, is_known) & all_in_block(last, is_known))
    }
    let (bytes, is_known) = (text.as_bytes(), &is_known);
    if let Some(result) = both_ends::<16>(bytes, is_known) {
        return result
            && bytes.as_chunks::<16>().0.iter().skip(1).all(|b| all_in_block(b, is_known));
    }
    let short = both_ends::<8>(bytes, is_known).or_else(|| both_ends::<4>(bytes, is_known));
    short.unwrap_or_else(|| all_in_block(bytes, is_known))
}

/// Whether a text is one word of ASCII, so that it needs no further checks.
fn is_graphic(text: &str) -> bool {
    !text.is_empty() && all_bytes(text, |b| b.is_ascii_graphic())
}

/// 1 to 128 letters, digits and some punctuation.
pub(super) fn is_correlation(id: &str) -> bool {
    // `-`, `.`, `/`, the digits and `:` are consecutive.
    let is_known = |b: u8| {
        b.is_ascii_alphabetic() | matches!(b, b'-'..=b':') | (b == b'_') | (b == b'+') | (b == b'=')
    };
    !id.is_empty() && id.len() <= CORRELATION_BYTES_MAX && all_bytes(id, is_known)
}

/// Words of letters, digits, `_` and `-`, separated by single dots.
pub(crate) fn is_event_type(event_type: &EventType<'_>) -> bool {
    let is_known = |b: u8| b.is_ascii_alphanumeric() | (b == b'_') | (b == b'-') | (b == b'.');
    let has_no_gap = |text: &str| {
        let (bytes, is_dot) = (text.as_bytes(), |byte: &u8| *byte == b'.');
        let next = bytes.get(1..).unwrap_or_default();
        let both = |any: bool, (one, two): (&u8, &u8)| any | (is_dot(one) & is_dot(two));
        !bytes.iter().zip(next).fold(false, both)
            && !bytes.first().is_none_or(is_dot)
            && !bytes.last().is_none_or(is_dot)
    };
    event_type.len_bytes() <= EVENT_TYPE_BYTES_MAX
        && event_type.parts().all(|text| all_bytes(text, is_known) && has_no_gap(text))
}

/// The fields of an event by name, with the keys of those that are maps. `details` accepts any key.
const FIELDS: &[(&str, &[&str])] = &[
    ("event_type", &[]),
    ("action", &[]),
    ("outcome", &[]),
    ("severity", &[]),
    (
        "actor",
        &["type", "id", "roles", "ip", "user_agent", "account_id", "process_id", "device_id"],
    ),
    ("target", &["type", "id", "name"]),
    ("tool", &["name", "profile", "params"]),
    ("correlation_id", &[]),
    ("trace_id", &[]),
    ("span_id", &[]),
    ("request_id", &[]),
    ("session_id", &[]),
    ("user_id", &[]),
    ("service", &[]),
    ("service_instance", &[]),
    ("environment", &[]),
    ("component", &[]),
    ("source_host", &[]),
    ("source_process", &[]),
    ("process_id", &[]),
    ("source_application", &[]),
    ("source_address", &[]),
    ("destination_address", &[]),
    ("command_text", &[]),
    ("diff_summary", &[]),
    ("prior_value", &[]),
    ("new_value", &[]),
    ("affected_files", &[]),
    ("duration_ms", &[]),
    ("details", &[]),
];

/// The expected form of a path, for errors.
pub(crate) const PATH_EXPECTED: &str =
    "the path of a field, such as `actor.ip`, `target`, `source_host` or `details.reason`";

/// Whether it is a path of [`FIELDS`], or a key below `details`.
pub(crate) fn is_path(text: &str) -> bool {
    let (top, below) = text.split_once('.').map_or((text, None), |(top, b)| (top, Some(b)));
    let Some((_, keys)) = FIELDS.iter().find(|(name, _)| *name == top) else { return false };
    below.is_none_or(|key| match top {
        "details" => !key.is_empty() && !key.contains([' ', '`', '"']),
        _ => keys.contains(&key),
    })
}

#[cfg(test)]
pub(super) fn field_names() -> impl Iterator<Item = &'static str> {
    FIELDS.iter().map(|(name, _)| *name)
}
