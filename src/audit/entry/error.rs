//! Why a line is no entry, and where.
use std::fmt;

/// A line that is not an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseError {
    /// Byte of the line, from 0.
    pub at: usize,
    /// What is wrong there.
    pub kind: ParseErrorKind,
}

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// Something else stands here.
    Expected(&'static str),
    /// More than [`super::LINE_BYTES_MAX`] bytes.
    TooLong,
    /// Not UTF-8.
    Utf8,
    /// A byte below 0x20, which nothing canonical contains.
    ControlByte(u8),
    /// Not the one spelling of a character.
    Escape,
    /// Not a number of RFC 8259, or not the kind that must stand here.
    Number,
    /// Not a date and time of the one form.
    Timestamp,
    /// An event type that is empty, too long, or has other bytes than it may.
    EventType,
    /// Not the one spelling of a signature.
    Signature,
    /// A key that stands twice in one object.
    DuplicateKey,
    /// A key at the top that only the log itself writes.
    ReservedKey,
    /// More than [`super::DEPTH_MAX`] deep.
    Depth,
    /// Something behind the end.
    Trailing,
    /// `ringseal.` and a name that is no control entry, or its members are not as they must be.
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
            ParseErrorKind::ControlByte(byte) => write!(f, "the bare control byte {byte:#04x}"),
            ParseErrorKind::Escape => f.write_str("not the canonical spelling of a character"),
            ParseErrorKind::Number => f.write_str("expected a number"),
            ParseErrorKind::Timestamp => {
                f.write_str("expected a time like 2026-11-22T15:09:20.123456789Z")
            }
            ParseErrorKind::EventType => f.write_str("expected 1 to 128 printable ASCII bytes"),
            ParseErrorKind::Signature => {
                f.write_str("expected m1: or h1: and 43 digits of base64url")
            }
            ParseErrorKind::DuplicateKey => f.write_str("a key that stands twice in one object"),
            ParseErrorKind::ReservedKey => f.write_str("a key that only the log itself writes"),
            ParseErrorKind::Depth => write!(f, "nested deeper than {}", super::DEPTH_MAX),
            ParseErrorKind::Trailing => f.write_str("something behind the end of the entry"),
            ParseErrorKind::Control(what) => write!(f, "in a control entry: expected {what}"),
        }
    }
}

impl std::error::Error for ParseError {}
