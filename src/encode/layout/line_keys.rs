//! The keys of what the engine writes into JSON lines, and of fields with a meaning.
use std::borrow::Cow;

/// A member of JSON lines whose key can be chosen: [`Config::rename_key`](crate::Config::rename_key).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LineKey {
    /// The time of the event: `timestamp`.
    Timestamp,
    /// The severity: `level`.
    Level,
    /// The target: `target`.
    Target,
    /// The event's name: `event`.
    Event,
    /// The run of the process: `run_id`.
    RunId,
    /// The version of the events' fields: `schema_version`.
    SchemaVersion,
    /// The trace, as id of the ambient context or as a field: `trace_id`.
    TraceId,
    /// The span, as id of the ambient context or as a field: `span_id`.
    SpanId,
    /// The field `error`.
    Error,
    /// The stack trace of [`Config::include_stack`](crate::Config::include_stack): `stack`.
    Stack,
    /// The share of such events that is kept: `sample_rate`.
    SampleRate,
}

impl LineKey {
    /// How many there are.
    pub(super) const COUNT: usize = 11;

    /// All, with the key in lines of the format `json`.
    pub(super) const ALL: [(LineKey, &'static str); LineKey::COUNT] = [
        (LineKey::Timestamp, "timestamp"),
        (LineKey::Level, "level"),
        (LineKey::Target, "target"),
        (LineKey::Event, "event"),
        (LineKey::RunId, "run_id"),
        (LineKey::SchemaVersion, "schema_version"),
        (LineKey::TraceId, "trace_id"),
        (LineKey::SpanId, "span_id"),
        (LineKey::Error, "error"),
        (LineKey::Stack, "stack"),
        (LineKey::SampleRate, "sample_rate"),
    ];

    /// Fields of the user with a meaning; all others are members that only the engine writes.
    pub(super) const FIELDS: [LineKey; 3] = [LineKey::TraceId, LineKey::SpanId, LineKey::Error];

    /// The key in lines of the format `json`.
    pub fn as_str(self) -> &'static str {
        LineKey::ALL[self as usize].1
    }
}

/// The key of each [`LineKey`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineKeys([Cow<'static, str>; LineKey::COUNT]);

impl Default for LineKeys {
    fn default() -> Self {
        Self(LineKey::ALL.map(|(_, key)| Cow::Borrowed(key)))
    }
}

impl LineKeys {
    /// The key of a member.
    pub fn get(&self, of: LineKey) -> &str {
        &self.0[of as usize]
    }

    /// Sets the key of a member.
    pub fn set(&mut self, of: LineKey, key: impl Into<Cow<'static, str>>) {
        self.0[of as usize] = key.into();
    }
}
