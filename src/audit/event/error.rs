//! Why an event is refused.
use std::fmt;

/// An event that may not be written. Nothing of it was queued.
///
/// Texts that were found are quoted with escapes and at most 64 characters long; they come from the
/// event and have not been redacted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventError {
    /// A field is not set that every event has, or that the catalogue asks for.
    Missing {
        /// The event's type.
        event_type: String,
        /// Which field, as a path: `actor.id`, `details.reason`.
        field: String,
        /// Who asks for it, or what would do.
        expected: &'static str,
    },
    /// A field is set to what it may not be.
    Malformed {
        /// The event's type.
        event_type: String,
        /// Which field, as a path.
        field: &'static str,
        /// What it may be.
        expected: &'static str,
        /// What it is.
        found: String,
    },
    /// The event would lose fields on its way: it is longer than a record may be.
    TooLong {
        /// The event's type.
        event_type: String,
        /// Bytes that a record may have for it.
        expected_bytes_max: usize,
        /// Bytes that it may take.
        found_bytes: usize,
    },
    /// The catalogue does not know the type.
    UnknownType {
        /// The event's type.
        event_type: String,
        /// How many types the catalogue has.
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

/// A text as it stands in an error: quoted, escaped, short.
pub(in crate::audit) fn quoted(text: &str) -> String {
    const CHARS_MAX: usize = 64;
    let mut chars = text.chars();
    let head: String = chars.by_ref().take(CHARS_MAX).collect();
    let more = if chars.next().is_some() { "…" } else { "" };
    format!("{head:?}{more}")
}
