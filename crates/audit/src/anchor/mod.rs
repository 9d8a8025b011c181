//! Anchors: a third party's timestamp on a checkpoint (RFC 3161).
//!
//! A time-stamping authority signs the hash of a checkpoint's text and the time. Its response, kept with the log, shows
//! that these entries existed at that time: an attacker who takes over the host later, with all its keys, cannot make
//! an older timestamp. [`TimestampRequest`] is sent to the authority (for example by `curl`: this module opens no
//! connection), [`Timestamp`] is read from the response, and [`find_stamped_note`] finds its checkpoint.
//!
//! **Checks.** [`Timestamp::check`] compares the hash with the checkpoint and the nonce with the request. The
//! authority's signature and certificate are not checked here: `openssl ts -verify` does that. Without that check,
//! anyone may have made the stamp.
//!
//! Promises: reads any bytes without panicking; DER only, no indefinite lengths, no trailing bytes. Allocates at most
//! the length of the response. Never blocks.
//!
//! ```
//! use ringseal_audit::anchor::TimestampRequest;
//! let request = TimestampRequest::new("shop/audit\n42\nAAAA\n", [7; 8]);
//! assert_eq!(TimestampRequest::parse(&request.to_der()).unwrap(), request);
//! ```
mod der;
#[cfg(test)]
mod tests;
mod timestamp;

use std::fmt;

pub use timestamp::{Timestamp, TimestampRequest};

use super::note::Note;
use ringseal_base::digest::{Hash, Sha256};

/// The stamped hash of a checkpoint: SHA-256 of its text with the last newline, without the signatures.
pub fn imprint(checkpoint_text: &str) -> Hash {
    Sha256::of(checkpoint_text.as_bytes())
}

/// The note in the content of the file `checkpoints` to which `stamp` belongs.
pub fn find_stamped_note<'a>(checkpoints: &'a [u8], stamp: &Timestamp) -> Option<Note<'a>> {
    // Each note: text, empty line, signatures, empty line.
    let mut start = 0;
    while let Some(rest) = checkpoints.get(start..).filter(|rest| !rest.is_empty()) {
        let text_end = memchr::memmem::find(rest, b"\n\n")? + 2;
        let note_end = text_end + memchr::memmem::find(rest.get(text_end..)?, b"\n\n")? + 1;
        let text = rest.get(..text_end - 1)?;
        if Sha256::of(text) == stamp.imprint {
            return Note::parse(rest.get(..note_end)?).ok();
        }
        start += note_end + 1;
    }
    None
}

/// Why a timestamp is invalid, or not for this checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TimestampError {
    /// Bytes that do not conform to RFC 3161.
    Format {
        /// Offset of the byte.
        at: usize,
        /// The expected content.
        expected: &'static str,
    },
    /// The authority refused to stamp.
    Refused {
        /// Its status (RFC 3161, section 2.4.2): 2 is a rejection.
        status: u64,
        /// The authority's text.
        text: String,
    },
    /// The stamp is for something else.
    Imprint {
        /// Hash of the checkpoint's text.
        expected: Hash,
        /// The hash that was stamped.
        found: Hash,
    },
    /// The stamp answers another request, or an older one was sent again.
    Nonce {
        /// The request's nonce.
        expected: [u8; 8],
        /// The stamp's nonce, big-endian; empty if it has none.
        found: Vec<u8>,
    },
}

impl fmt::Display for TimestampError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use ringseal_base::digest::text::hex;
        match self {
            TimestampError::Format { at, expected } => write!(f, "byte {at}: expected {expected}"),
            TimestampError::Refused { status, text } => {
                write!(f, "the authority refused: status {status}: {text}")
            }
            TimestampError::Imprint { expected, found } => {
                write!(f, "the stamped hash is {}, expected {}", hex(found), hex(expected))
            }
            TimestampError::Nonce { expected, found } => {
                write!(f, "the nonce is \"{}\", expected {}", hex(found), hex(expected))
            }
        }
    }
}

impl std::error::Error for TimestampError {}
