//! Tokens and encryption with keys from keysets (feature `tokens`).
//!
//! [`TokenKeys`] is the handle; [`TokenKeysConfig`] says what it is opened with; [`Keyset`] makes, reads and changes
//! keyset files; [`KeySource`] is where else keysets may come from. Tokens and ciphertexts are
//! those of other implementations of the same formats, byte for byte.
//!
//! Files are read and written by [`TokenKeys::open`], [`TokenKeys::refresh`], [`TokenKeys::global`] and the functions of
//! [`Keyset`], which block on the disk. All else works in memory. Keys, what is derived from them, and revealed values
//! are overwritten when they are dropped; copies that the processor's registers, the stack, swap or a
//! core dump hold are out of reach.

mod cipher;
mod config;
mod error;
mod global;
mod handle;
mod keyset;
mod keyset_file;
mod keyset_json;
mod random;
mod source;
#[cfg(test)]
mod tests;

pub use cipher::Revealed;
pub use config::TokenKeysConfig;
pub use error::{KeysetError, TokenKeysError};
pub use handle::{Access, CHECK_EVERY, Refresh, TokenKeys, TokenKeysStatus};
pub use keyset::{KEYS_MAX, Keyset, KeysetKind};
pub use keyset_file::{KEYSET_BYTES_MAX, KEYSET_MODE};
pub use random::{Randomness, SystemRandomness};
pub use source::{FileSource, KeySource};

use super::{FieldType, HmacTokenizer, base64url, is_token};

/// The example of the page on tokens compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../../docs/tokens.md")]
struct Page;
