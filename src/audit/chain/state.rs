//! The key of the chain as text: what the host keeps, and what is kept off it.
use std::fmt;

use zeroize::Zeroizing;

use super::{Chain, Ratchet};
use crate::digest::Hash;
use crate::digest::text::{Base64, base64_array, put_base64};

const STATE_PREFIX: &str = "ringseal-chain-v1 ";
const MAC_PREFIX: &str = "ringseal-mac-v1 ";

/// The content of `keys/chain.key`: `ringseal-chain-v1 <seq> <base64url>` and a newline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainState {
    /// So many entries were on disk.
    pub seq: u64,
    /// The key of entry `seq`.
    pub key: Zeroizing<Hash>,
}

impl ChainState {
    /// What the file holds. The room is reserved at once, so that no copy is left by growing.
    pub fn to_text(&self) -> Zeroizing<Vec<u8>> {
        let mut text = Zeroizing::new(Vec::with_capacity(128));
        text.extend_from_slice(STATE_PREFIX.as_bytes());
        text.extend_from_slice(itoa::Buffer::new().format(self.seq).as_bytes());
        text.push(b' ');
        put_base64(Base64::Url, &*self.key, &mut text);
        text.push(b'\n');
        text
    }

    /// Reads what the file holds.
    pub fn parse(text: &[u8]) -> Result<ChainState, StateError> {
        let fields = text.strip_prefix(STATE_PREFIX.as_bytes()).and_then(|rest| {
            let line = rest.strip_suffix(b"\n")?;
            let space = line.iter().position(|byte| *byte == b' ')?;
            Some((line.get(..space)?, line.get(space + 1..)?))
        });
        let (seq, digits) = fields.ok_or(StateError::Chain)?;
        let plain =
            seq.iter().all(u8::is_ascii_digit) && (seq.len() == 1 || seq.first() != Some(&b'0'));
        let seq = std::str::from_utf8(seq).ok().and_then(|seq| seq.parse().ok());
        match (seq, base64_array(Base64::Url, digits)) {
            (Some(seq), Ok(key)) if plain => Ok(ChainState { seq, key: Zeroizing::new(key) }),
            _ => Err(StateError::Chain),
        }
    }

    /// The chain that goes on from here.
    pub fn into_chain(self, entries_per_key: u64) -> Chain {
        let entries_per_key = entries_per_key.max(1);
        Chain::Mac(Ratchet::new(self.key, self.seq / entries_per_key, entries_per_key))
    }
}

/// The content of `audit.mac` for a first key.
pub fn mac_file(key: &Hash) -> Zeroizing<Vec<u8>> {
    let mut text = Zeroizing::new(Vec::with_capacity(64));
    text.extend_from_slice(MAC_PREFIX.as_bytes());
    put_base64(Base64::Url, key, &mut text);
    text.push(b'\n');
    text
}

/// The first key in the content of `audit.mac`.
pub fn parse_mac_file(text: &[u8]) -> Result<Zeroizing<Hash>, StateError> {
    let digits = text.strip_prefix(MAC_PREFIX.as_bytes()).and_then(|rest| rest.strip_suffix(b"\n"));
    match base64_array(Base64::Url, digits.unwrap_or_default()) {
        Ok(key) => Ok(Zeroizing::new(key)),
        Err(_) => Err(StateError::Mac),
    }
}

/// A file with a key of the chain that is not one. Its content is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StateError {
    /// `keys/chain.key`.
    Chain,
    /// `audit.mac`.
    Mac,
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StateError::Chain => f.write_str(
                "expected `ringseal-chain-v1 <seq> <43 digits of base64url>` and a newline",
            ),
            StateError::Mac => {
                f.write_str("expected `ringseal-mac-v1 <43 digits of base64url>` and a newline")
            }
        }
    }
}

impl std::error::Error for StateError {}
