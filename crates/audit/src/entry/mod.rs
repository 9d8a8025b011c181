//! Entries: one line of canonical JSON each. This is the only code that writes and parses them.
//!
//! The format is `docs/audit-format.md`, sections 2 to 5 and 8. [`begin`] and [`finish`] frame a
//! [`Body`] of JSON members; [`Parser`] is the only parser, for reading, verifying, repairing and
//! showing; [`control`] has the entries that the log writes about itself.
//!
//! Promises: encoding allocates only when the output vector must grow. A parser reuses its memory from
//! line to line. An accepted line has exactly one interpretation: no duplicate key, no spaces, no
//! alternative form of a string, no trailing bytes. Nothing here blocks or panics.
pub mod control;
mod encode;
mod error;
mod json;
mod parse;
mod time;

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;

pub use encode::{Body, begin, finish};
pub use error::{ParseError, ParseErrorKind};
pub use parse::{Entry, Parser};
pub(crate) use time::clamp_to_format;
pub use time::{parse_timestamp, put_timestamp};

use ringseal_base::digest::Hash;

/// Greatest length of a line, with its newline.
pub const LINE_BYTES_MAX: usize = 1 << 20;
/// Greatest length of the frame in a line: the first members, with 20 digits of `seq`, and the last.
pub const FRAME_BYTES_MAX: usize = 60 + 20 + SUFFIX_BYTES + 1;
/// Greatest length of an event type.
pub const EVENT_TYPE_BYTES_MAX: usize = 128;
/// Greatest nesting depth of objects and arrays, the entry itself included.
pub const DEPTH_MAX: usize = 64;
/// The prefix of the event types of control entries.
pub const CONTROL_PREFIX: &str = "ringseal.";

/// `m1:` or `h1:` and 43 digits of base64url.
pub const SIGNATURE_BYTES: usize = 46;
/// Bytes from the comma before `_prev_signature` to the last brace.
pub(crate) const SUFFIX_BYTES: usize =
    PREV_KEY.len() + SIGNATURE_BYTES + 1 + SIGNATURE_KEY.len() + SIGNATURE_BYTES + 2;

/// Bytes from the end of the signed text to the last brace.
pub(crate) const SIGNED_FROM_END: usize = SIGNATURE_KEY.len() + SIGNATURE_BYTES + 2;

pub(crate) const PREV_KEY: &[u8] = b",\"_prev_signature\":\"";
pub(crate) const SIGNATURE_KEY: &[u8] = b",\"_signature\":\"";

/// How entries are chained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// HMAC-SHA-256 with a ratcheting key.
    Mac,
    /// SHA-256: detects corruption; tampering only up to the last checkpoint.
    Hash,
}

impl Scheme {
    /// The prefix of its signatures.
    pub const fn prefix(self) -> &'static str {
        match self {
            Scheme::Mac => "m1:",
            Scheme::Hash => "h1:",
        }
    }

    /// Its name in `ringseal.start` entries.
    pub const fn as_str(self) -> &'static str {
        match self {
            Scheme::Mac => "hmac-sha256",
            Scheme::Hash => "sha256",
        }
    }
}

/// A signature of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signature {
    /// Its scheme.
    pub scheme: Scheme,
    /// Its 32 bytes.
    pub hash: Hash,
}

impl Signature {
    /// The `_prev_signature` of the first entry of a log.
    pub const fn first(scheme: Scheme) -> Signature {
        Signature { scheme, hash: [0; 32] }
    }
}
