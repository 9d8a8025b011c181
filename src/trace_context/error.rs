//! Errors of headers: where the fault is, what is expected there, and what was found.
//!
//! Promises: making an error allocates nothing. Of the value, at most one byte is shown.
use std::fmt;

/// Why a value is not a `traceparent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceParentError {
    pub(super) offset: usize,
    pub(super) expected: ExpectedInHeader,
    pub(super) found: Option<u8>,
}

/// Why values are not a `tracestate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceStateError {
    pub(super) header: usize,
    pub(super) offset: usize,
    pub(super) expected: ExpectedInHeader,
    pub(super) found: Option<u8>,
}

/// What is expected at the place of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExpectedInHeader {
    /// `traceparent`: a hexadecimal digit in lower case.
    Digit,
    /// `traceparent`: `-`.
    Dash,
    /// `traceparent`: the end, because version 00 has four parts.
    End,
    /// `traceparent` of a later version: `-` or the end.
    DashOrEnd,
    /// `traceparent`: a version other than `ff`.
    Version,
    /// `traceparent`: a trace id that is not zero.
    TraceId,
    /// `traceparent`: a parent id that is not zero.
    ParentId,
    /// `tracestate`: at most 32 members.
    Members,
    /// `tracestate`: a key: `a-z`, `0-9`, and after the first byte also `_`, `-`, `*`, `/` and `@`; at most 256 bytes.
    Key,
    /// `tracestate`: `=` after a key.
    Equals,
    /// `tracestate`: a value: printable ASCII except `,` and `=`, at least 1 and at most 256 bytes.
    Value,
}

impl TraceParentError {
    /// The offset of the fault in bytes, in the value without spaces and tabs around it.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// What is expected there.
    pub fn expected(&self) -> ExpectedInHeader {
        self.expected
    }
}

impl TraceStateError {
    /// The index of the header value with the fault.
    pub fn header(&self) -> usize {
        self.header
    }

    /// The offset of the fault in that value, in bytes.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// What is expected there.
    pub fn expected(&self) -> ExpectedInHeader {
        self.expected
    }
}

impl fmt::Display for ExpectedInHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ExpectedInHeader::Digit => "a hexadecimal digit in lower case",
            ExpectedInHeader::Dash => "`-`",
            ExpectedInHeader::End => "the end of the value, because version 00 has four parts",
            ExpectedInHeader::DashOrEnd => "`-` or the end of the value",
            ExpectedInHeader::Version => "a version other than ff",
            ExpectedInHeader::TraceId => "a trace id that is not all zeros",
            ExpectedInHeader::ParentId => "a parent id that is not all zeros",
            ExpectedInHeader::Members => "at most 32 members",
            ExpectedInHeader::Key => {
                "a key of at most 256 bytes out of a-z, 0-9 and, after the first, `_-*/@`"
            }
            ExpectedInHeader::Equals => "`=` after the key",
            ExpectedInHeader::Value => {
                "a value of 1 to 256 printable ASCII characters without `,` and `=`"
            }
        })
    }
}

/// A byte of a value, or its end.
struct Found(Option<u8>);

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("the end"),
            Some(byte @ 0x20..=0x7E) => write!(f, "`{}`", char::from(byte)),
            Some(byte) => write!(f, "the byte 0x{byte:02x}"),
        }
    }
}

impl fmt::Display for TraceParentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TraceParentError { offset, expected, found } = self;
        write!(f, "invalid traceparent at byte {offset}: expected {expected}, ")?;
        match expected {
            ExpectedInHeader::Version => f.write_str("found ff"),
            ExpectedInHeader::TraceId | ExpectedInHeader::ParentId => f.write_str("found zeros"),
            _ => write!(f, "found {}", Found(*found)),
        }
    }
}

impl fmt::Display for TraceStateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TraceStateError { header, offset, expected, found } = self;
        write!(f, "invalid tracestate in header {header} at byte {offset}: expected {expected}, ")?;
        match expected {
            ExpectedInHeader::Members => f.write_str("found another one"),
            _ => write!(f, "found {}", Found(*found)),
        }
    }
}

impl std::error::Error for TraceParentError {}

impl std::error::Error for TraceStateError {}
