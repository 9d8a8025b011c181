//! Errors of catalogues.
use std::fmt;

/// A catalogue that cannot be read. Lines count from 1; `None` if the catalogue was built by a program.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CatalogueError {
    /// The text violates its format, or the structure of a catalogue.
    Syntax {
        /// The line.
        line: usize,
        /// What was expected.
        expected: String,
        /// What was found.
        found: String,
    },
    /// Not a valid event type.
    EventType {
        /// The line.
        line: Option<usize>,
        /// What was expected.
        expected: &'static str,
        /// What was found.
        found: String,
    },
    /// Not a valid field.
    Field {
        /// The line.
        line: Option<usize>,
        /// The type that requires it.
        event_type: String,
        /// What was expected.
        expected: &'static str,
        /// What was found.
        found: String,
    },
    /// A type is listed twice.
    Duplicate {
        /// The line of the second.
        line: Option<usize>,
        /// The type.
        event_type: String,
    },
    /// A page with text, but without a table or list of event types. An empty catalogue would allow everything, so this
    /// is an error.
    NoEventTypes {
        /// Number of lines read.
        lines: usize,
    },
    /// The name has no known extension.
    Format {
        /// What was expected.
        expected: &'static str,
        /// The name.
        found: String,
    },
}

/// `line 3: `, or empty.
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
            CatalogueError::EventType { line, expected, found } => {
                write!(f, "{}expected {expected}, found {found:?}", At(*line))
            }
            CatalogueError::Field { line, event_type, expected, found } => {
                write!(f, "{}{event_type}: expected {expected}, found {found:?}", At(*line))
            }
            CatalogueError::Duplicate { line, event_type } => {
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
