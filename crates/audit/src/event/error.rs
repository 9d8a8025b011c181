//! Errors of events.
use std::fmt;

/// An event that was refused. It was not queued.
///
/// Texts of the event are quoted with escapes, at most 64 characters long, and have not been redacted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventError {
    /// A field is missing that every event or the catalogue requires.
    Missing {
        /// The event's type.
        event_type: String,
        /// The path of the field: `actor.id`, `details.reason`.
        field: String,
        /// The reason, or the accepted values.
        expected: &'static str,
    },
    /// A field has an invalid value.
    Malformed {
        /// The event's type.
        event_type: String,
        /// The path of the field.
        field: &'static str,
        /// What was expected.
        expected: &'static str,
        /// What was found.
        found: String,
    },
    /// The event would lose fields because it is longer than a record may be.
    TooLong {
        /// The event's type.
        event_type: String,
        /// Most bytes that a record has for it.
        expected_bytes_max: usize,
        /// Most bytes that it may need.
        found_bytes: usize,
    },
    /// The type is not in the catalogue.
    UnknownType {
        /// The event's type.
        event_type: String,
        /// Number of types in the catalogue.
        known_count: usize,
    },
}

impl fmt::Display for EventError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EventError::Missing { event_type, field, expected } => {
                write!(f, "audit event `{event_type}`: {field}: expected {expected}, found nothing")
            }
            EventError::Malformed { event_type, field, expected, found } => {
                write!(f, "audit event `{event_type}`: {field}: expected {expected}, found {found}")
            }
            EventError::TooLong { event_type, expected_bytes_max, found_bytes } => {
                write!(
                    f,
                    "audit event `{event_type}`: expected at most {expected_bytes_max} bytes, \
                     found up to {found_bytes}"
                )
            }
            EventError::UnknownType { event_type, known_count } => write!(
                f,
                "audit event `{event_type}`: expected one of the {known_count} types of the \
                 catalogue"
            ),
        }
    }
}

impl std::error::Error for EventError {}

/// A text for an error message: quoted, escaped, shortened.
pub(crate) fn quoted(text: &str) -> String {
    const CHARS_MAX: usize = 64;
    let mut chars = text.chars();
    let head: String = chars.by_ref().take(CHARS_MAX).collect();
    let more = if chars.next().is_some() { "…" } else { "" };
    format!("{head:?}{more}")
}
