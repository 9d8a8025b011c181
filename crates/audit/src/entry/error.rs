//! Why a line is not an entry, and where.
use std::fmt;

/// A line that is not an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseError {
    /// Offset of the byte in the line, from 0.
    pub at: usize,
    /// What is wrong there.
    pub kind: ParseErrorKind,
}

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// Something else was expected here.
    Expected(&'static str),
    /// More than [`super::LINE_BYTES_MAX`] bytes.
    TooLong,
    /// Not UTF-8.
    Utf8,
    /// A byte below 0x20, which canonical JSON does not contain.
    ControlByte(u8),
    /// Not the canonical form of a character.
    Escape,
    /// Not a number of RFC 8259, or not of the kind expected here.
    Number,
    /// Not a canonical date and time.
    Timestamp,
    /// An event type that is empty, too long, or has forbidden bytes.
    EventType,
    /// Not a canonical signature.
    Signature,
    /// A duplicate key in an object.
    DuplicateKey,
    /// A key at the top level that is reserved for the log.
    ReservedKey,
    /// Nested deeper than [`super::DEPTH_MAX`].
    Depth,
    /// Trailing bytes.
    Trailing,
    /// An unknown control entry, or one with wrong members.
    Control(&'static str),
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {}: ", self.at)?;
        match self.kind {
            ParseErrorKind::Expected(what) => write!(f, "expected {what}"),
            ParseErrorKind::TooLong => {
                write!(f, "longer than {} bytes", super::LINE_BYTES_MAX)
            }
            ParseErrorKind::Utf8 => f.write_str("not UTF-8"),
            ParseErrorKind::ControlByte(byte) => write!(f, "unescaped control byte {byte:#04x}"),
            ParseErrorKind::Escape => f.write_str("not the canonical form of a character"),
            ParseErrorKind::Number => f.write_str("expected a number"),
            ParseErrorKind::Timestamp => {
                f.write_str("expected a time like 2026-11-22T15:09:20.123456789Z")
            }
            ParseErrorKind::EventType => f.write_str("expected 1 to 128 printable ASCII bytes"),
            ParseErrorKind::Signature => {
                f.write_str("expected m1: or h1: and 43 digits of base64url")
            }
            ParseErrorKind::DuplicateKey => f.write_str("duplicate key in an object"),
            ParseErrorKind::ReservedKey => f.write_str("a key that is reserved for the log"),
            ParseErrorKind::Depth => write!(f, "nested deeper than {}", super::DEPTH_MAX),
            ParseErrorKind::Trailing => f.write_str("trailing bytes after the entry"),
            ParseErrorKind::Control(what) => write!(f, "in a control entry: expected {what}"),
        }
    }
}

impl std::error::Error for ParseError {}
