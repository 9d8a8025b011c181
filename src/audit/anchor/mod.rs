//! Anchors: somebody else's word that a checkpoint existed at a time (RFC 3161).
//!
//! A time-stamping authority signs the hash of a checkpoint's text and the time. Kept with the log, its answer shows
//! that these entries existed then: whoever takes the host later, with all its keys, cannot make an older one.
//! [`TimestampRequest`] is what is sent to the authority (by `curl`, say: nothing here opens a connection), [`Timestamp`] what comes
//! back, and [`find_stamped_note`] finds the checkpoint that it is for.
//!
//! **What is checked here, and what is not.** [`Timestamp::check`] compares the hash with the checkpoint and the nonce with
//! the request. The authority's signature and certificate are not checked here: `openssl ts -verify` does that. Without
//! it, anybody may have made the stamp.
//!
//! Promises: reads any bytes without panicking; DER only, no indefinite lengths, nothing behind the end. Allocates what
//! the answer is long. Blocks nowhere.
//!
//! ```
//! use ringseal::audit::anchor::TimestampRequest;
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
use crate::digest::{Hash, Sha256};

/// What is stamped of a checkpoint: SHA-256 of its text, without the signatures, with the text's last newline.
pub fn imprint(checkpoint_text: &str) -> Hash {
    Sha256::of(checkpoint_text.as_bytes())
}

/// The note in the file `checkpoints` of a log that `stamp` is for.
pub fn find_stamped_note<'a>(checkpoints: &'a [u8], stamp: &Timestamp) -> Option<Note<'a>> {
    // Text, empty line, signatures, empty line, and so on.
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

/// Why a timestamp is none, or not for this checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TimestampError {
    /// Bytes that are not what RFC 3161 asks for.
    Format {
        /// At which byte.
        at: usize,
        /// What should stand there.
        expected: &'static str,
    },
    /// The authority refused to stamp.
    Refused {
        /// Its status (RFC 3161, section 2.4.2): 2 is a rejection.
        status: u64,
        /// What it said.
        said: String,
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
        /// The request's.
        expected: [u8; 8],
        /// The stamp's, big-endian; empty if it has none.
        found: Vec<u8>,
    },
}

impl fmt::Display for TimestampError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use crate::digest::text::hex;
        match self {
            TimestampError::Format { at, expected } => write!(f, "byte {at}: expected {expected}"),
            TimestampError::Refused { status, said } => {
                write!(f, "the authority refused: status {status}: {said}")
            }
            TimestampError::Imprint { expected, found } => {
                write!(f, "stamped is {}, expected {}", hex(found), hex(expected))
            }
            TimestampError::Nonce { expected, found } => {
                write!(f, "the nonce is \"{}\", expected {}", hex(found), hex(expected))
            }
        }
    }
}

impl std::error::Error for TimestampError {}
