//! Why a catalogue cannot be read.
use std::fmt;

use super::super::event::Path;

/// A catalogue that cannot be read. Lines count from 1; there is none where a program made it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CatalogueError {
    /// The text is not written as its format wants it, or its parts are not those of a catalogue.
    Syntax {
        /// Where.
        line: usize,
        /// What would do.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// No event can have this type.
    EventType {
        /// Where.
        line: Option<usize>,
        /// What stands there.
        found: String,
    },
    /// No event can have this field.
    Field {
        /// Where.
        line: Option<usize>,
        /// Of which type it is required.
        event_type: String,
        /// What stands there.
        found: String,
    },
    /// A type is rule twice.
    Twice {
        /// The second time.
        line: Option<usize>,
        /// Which.
        event_type: String,
    },
    /// A page with text, but no table or list of event types. Were it read as an empty catalogue,
    /// it would allow everything.
    NoEventTypes {
        /// How many lines were read.
        lines: usize,
    },
    /// The name says nothing of how the catalogue is written.
    Format {
        /// What would do.
        expected: &'static str,
        /// The name.
        found: String,
    },
}

/// `line 3: `, or nothing.
struct At(Option<usize>);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |line| write!(f, "line {line}: "))
    }
}

impl fmt::Display for CatalogueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CatalogueError::Syntax { line, expected, found } => {
                write!(f, "line {line}: expected {expected}, found {found}")
            }
            CatalogueError::EventType { line, found } => write!(
                f,
                "{}expected an event type such as `user.login` (at most 128 letters, digits, `_` \
                 and `-`, with single dots between words), found {found:?}",
                At(*line)
            ),
            CatalogueError::Field { line, event_type, found } => {
                write!(f, "{}{event_type}: expected {}, found {found:?}", At(*line), Path::EXPECTED)
            }
            CatalogueError::Twice { line, event_type } => {
                write!(f, "{}expected each event type once, found {event_type} again", At(*line))
            }
            CatalogueError::NoEventTypes { lines } => write!(
                f,
                "expected a table with a column `event_type`, or a list of event types, found \
                 neither in {lines} lines"
            ),
            CatalogueError::Format { expected, found } => {
                write!(f, "expected {expected}, found {found:?}")
            }
        }
    }
}

impl std::error::Error for CatalogueError {}
