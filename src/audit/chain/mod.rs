//! The chain of entries: each is signed together with the signature of the one before.
//!
//! With a key the signature is HMAC-SHA-256, and the key is forward-secure (Bellare and Yee,
//! "Forward-Security in Private-Key Cryptography", 2003; Schneier and Kelsey, "Secure Audit Logs to
//! Support Computer Forensics", 1999): after every so many entries it becomes HKDF of itself, and
//! the old one is overwritten. Who takes the host has the present key and cannot sign the past.
//! Without a key it is SHA-256. `docs/audit-format.md`, sections 4 and 5.
//!
//! Promises: no allocation; nothing blocks. Keys are overwritten when they are replaced and when
//! they are dropped; copies that moves leave on the stack are not.
mod state;
#[cfg(test)]
mod tests;

pub use state::{ChainState, StateError, mac_file, parse_mac_file};

use zeroize::Zeroizing;

use super::entry::{Scheme, Signature};
use crate::digest::{Hash, HmacSha256, Sha256, same};

/// What each key is expanded with to give the next.
pub const RATCHET_INFO: &[u8] = b"ringseal audit ratchet v1";
/// Entries per key at most.
pub const RATCHET_MAX: u64 = 65_536;

/// A key that only goes forward.
#[derive(Debug)]
pub struct Ratchet {
    key: Zeroizing<Hash>,
    hmac: HmacSha256,
    generation: u64,
    entries_per_key: u64,
}

impl Ratchet {
    /// The key of generation `generation`; each serves `entries_per_key` entries (1 at least).
    pub fn new(key: Zeroizing<Hash>, generation: u64, entries_per_key: u64) -> Ratchet {
        let hmac = HmacSha256::new(&*key);
        Ratchet { key, hmac, generation, entries_per_key: entries_per_key.max(1) }
    }

    /// How many keys came before this one.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Goes forward to the key of entry `seq`. `false` if that key is gone for ever.
    #[inline]
    pub fn reach(&mut self, seq: u64) -> bool {
        let generation = seq / self.entries_per_key;
        while self.generation < generation {
            self.step();
        }
        self.generation == generation
    }

    /// HKDF-Expand (RFC 5869) with the key that is worked in already.
    #[inline]
    fn step(&mut self) {
        let mut inner = self.hmac.begin();
        inner.update(RATCHET_INFO);
        inner.update(&[1]);
        *self.key = self.hmac.finish(inner);
        self.hmac = HmacSha256::new(&*self.key);
        self.generation += 1;
    }
}

/// What signs entries, or checks their signatures.
#[derive(Debug)]
pub enum Chain {
    /// With a key.
    Mac(Ratchet),
    /// Without.
    Hash,
}

impl Chain {
    /// The one that begins with the key of `audit.mac`.
    pub fn from_first_key(key: Zeroizing<Hash>, entries_per_key: u64) -> Chain {
        Chain::Mac(Ratchet::new(key, 0, entries_per_key))
    }

    /// Which scheme it is.
    pub fn scheme(&self) -> Scheme {
        match self {
            Chain::Mac(_) => Scheme::Mac,
            Chain::Hash => Scheme::Hash,
        }
    }

    /// Signs the text of entry `seq`. With a key, `seq` may skip but never go back: `None` if its
    /// key is gone. If it was the last entry of its key, that key is gone afterwards.
    #[inline]
    pub fn sign(&mut self, seq: u64, signed: &[u8]) -> Option<Signature> {
        match self {
            Chain::Mac(ratchet) => {
                if !ratchet.reach(seq) {
                    return None;
                }
                let hash = ratchet.hmac.of(signed);
                if (seq + 1).is_multiple_of(ratchet.entries_per_key) {
                    ratchet.step();
                }
                Some(Signature { scheme: Scheme::Mac, hash })
            }
            Chain::Hash => Some(Signature { scheme: Scheme::Hash, hash: Sha256::of(signed) }),
        }
    }

    /// Whether `signature` is that of entry `seq`. `None` if its key is gone.
    pub fn check(&mut self, seq: u64, signed: &[u8], signature: &Signature) -> Option<bool> {
        let expected = self.sign(seq, signed)?;
        Some(expected.scheme == signature.scheme && same(&expected.hash, &signature.hash))
    }

    /// What is to be kept on disk when the first `seq` entries are: the key of entry `seq`.
    pub fn state(&mut self, seq: u64) -> Option<ChainState> {
        match self {
            Chain::Mac(ratchet) => {
                let reached = ratchet.reach(seq);
                reached.then(|| ChainState { seq, key: ratchet.key.clone() })
            }
            Chain::Hash => None,
        }
    }
}
