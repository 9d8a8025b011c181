//! Tokens and encryption with keys from keysets (feature `tokens`).
//!
//! [`TokenKeys`] is the handle; [`TokenKeysConfig`] configures it; [`Keyset`] makes, reads and changes
//! keyset files; [`KeySource`] is for keysets from other places. Tokens and ciphertexts equal those of
//! other implementations of the same formats, byte for byte.
//!
//! Files are read and written by [`TokenKeys::open`], [`TokenKeys::refresh`], [`TokenKeys::global`] and the
//! functions of [`Keyset`], which block on the disk. Everything else works in memory. Keys, derived keys and
//! revealed values are overwritten when they are dropped; copies in registers, on the stack, in swap or in a
//! core dump are out of reach.

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
