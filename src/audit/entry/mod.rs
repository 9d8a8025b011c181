//! Entries: one line of canonical JSON each, written here and parsed here, nowhere else.
//!
//! The format is `docs/audit-format.md`, sections 2 to 5 and 8. [`begin`] and [`finish`] frame a
//! [`Body`] that arrives as JSON members; [`Parser`] is the one parser, for reading, verifying,
//! repairing and showing; [`control`] has the entries that the log writes about itself.
//!
//! Promises: encoding allocates only when the vector that it appends to must grow. A parser keeps
//! its memory from line to line. What it takes has exactly one reading: no key twice, no spaces, no
//! second spelling of a string, nothing behind the closing brace. Nothing here blocks or panics.
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
pub use time::{parse_timestamp, put_timestamp};

use crate::digest::Hash;

/// An entry's line is at most so long, its newline included.
pub const LINE_BYTES_MAX: usize = 1 << 20;
/// What framing takes of that at most: the first members, with 20 digits of `seq`, and the last.
pub const FRAME_BYTES_MAX: usize = 60 + 20 + SUFFIX_BYTES + 1;
/// An event type is at most so long.
pub const EVENT_TYPE_BYTES_MAX: usize = 128;
/// Objects and arrays nest at most so deep, the entry itself included.
pub const DEPTH_MAX: usize = 64;
/// What event types of the log's own entries begin with.
pub const CONTROL_PREFIX: &str = "ringseal.";

/// `m1:` or `h1:` and 43 digits of base64url.
pub const SIGNATURE_BYTES: usize = 46;
/// From the comma before `_prev_signature` to the last brace.
pub(crate) const SUFFIX_BYTES: usize =
    PREV_KEY.len() + SIGNATURE_BYTES + 1 + SIGNATURE_KEY.len() + SIGNATURE_BYTES + 2;

/// From behind what is signed to the last brace.
pub(crate) const SIGNED_FROM_END: usize = SIGNATURE_KEY.len() + SIGNATURE_BYTES + 2;

pub(crate) const PREV_KEY: &[u8] = b",\"_prev_signature\":\"";
pub(crate) const SIGNATURE_KEY: &[u8] = b",\"_signature\":\"";

/// How entries are chained to one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// HMAC-SHA-256 under a key that ratchets.
    Mac,
    /// SHA-256: shows accidents, and attackers only where a checkpoint seals it.
    Hash,
}

impl Scheme {
    /// What its signatures begin with.
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
    /// Which kind.
    pub scheme: Scheme,
    /// Its 32 bytes.
    pub hash: Hash,
}

impl Signature {
    /// What the first entry of a log has as its predecessor's.
    pub const fn first(scheme: Scheme) -> Signature {
        Signature { scheme, hash: [0; 32] }
    }
}
