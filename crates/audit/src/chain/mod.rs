//! The chain of entries: each entry is signed together with the signature of the previous one.
//!
//! With a key the signature is HMAC-SHA-256, and the key is forward-secure (Bellare and Yee,
//! "Forward-Security in Private-Key Cryptography", 2003; Schneier and Kelsey, "Secure Audit Logs to
//! Support Computer Forensics", 1999): after a fixed number of entries the key is replaced by HKDF of
//! itself, and the old key is overwritten. An attacker who takes over the host has the current key and
//! cannot sign past entries. Without a key the signature is SHA-256. `docs/audit-format.md`, sections 4
//! and 5.
//!
//! Promises: no allocation; nothing blocks. Keys are overwritten when they are replaced and when they are dropped;
//! copies left on the stack by moves are not overwritten.
#[cfg(test)]
mod tests;

use zeroize::Zeroizing;

use super::entry::{Scheme, Signature};
use super::keys::{ChainKey, RATCHET_INFO};
use super::merkle::leaf_hash;
use ringseal_base::digest::{Hash, HmacSha256, constant_time_eq};

/// Greatest number of entries per key.
pub const RATCHET_MAX: u64 = 65_536;

/// The input of HKDF-Expand for the first 32 bytes: the info and the block number.
const RATCHET_TEXT: [u8; RATCHET_INFO.len() + 1] = {
    let mut text = [1; RATCHET_INFO.len() + 1];
    let (info, _) = text.split_at_mut(RATCHET_INFO.len());
    info.copy_from_slice(RATCHET_INFO);
    text
};

/// A key that can only advance.
#[derive(Debug)]
pub struct Ratchet {
    key: Zeroizing<Hash>,
    hmac: HmacSha256,
    generation: u64,
    entries_per_key: u64,
}

impl Ratchet {
    /// The key of entry `seq`; each key signs `entries_per_key` entries (at least 1).
    pub fn new(key: &ChainKey, seq: u64, entries_per_key: u64) -> Ratchet {
        let entries_per_key = entries_per_key.max(1);
        let hmac = HmacSha256::new(key.bytes());
        let key = Zeroizing::new(*key.bytes());
        Ratchet { key, hmac, generation: seq / entries_per_key, entries_per_key }
    }

    /// The number of keys before this one.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Advances to the key of entry `seq`. `false` if that key has been erased.
    #[inline]
    pub fn advance_to(&mut self, seq: u64) -> bool {
        let generation = seq / self.entries_per_key;
        while self.generation < generation {
            self.step();
        }
        self.generation == generation
    }

    /// The key of entry `seq`; `None` if it has been erased.
    pub(crate) fn key_of(&mut self, seq: u64) -> Option<ChainKey> {
        self.advance_to(seq).then(|| ChainKey::new(*self.key))
    }

    /// HKDF-Expand (RFC 5869) with the prepared HMAC key.
    #[inline]
    fn step(&mut self) {
        self.set_key(self.hmac.of(&RATCHET_TEXT));
    }

    /// Signs the last entry of a key and advances to the next key; the two HMACs are computed side by
    /// side.
    #[inline]
    fn sign_and_step(&mut self, digest: &Hash) -> Hash {
        // Both texts are short enough for `of_both`; the fallback computes one after the other.
        let Some([mac, next]) = self.hmac.of_both([digest, &RATCHET_TEXT]) else {
            let mac = self.hmac.of(digest);
            self.step();
            return mac;
        };
        self.set_key(next);
        mac
    }

    #[inline]
    fn set_key(&mut self, next: Hash) {
        *self.key = next;
        self.hmac = HmacSha256::new(&*self.key);
        self.generation += 1;
    }
}

/// Signs entries and checks their signatures.
#[derive(Debug)]
pub enum Chain {
    /// HMAC-SHA-256 with a ratcheting key.
    Mac(Ratchet),
    /// SHA-256 without a key.
    Hash,
}

impl Chain {
    /// A chain whose next entry is `seq`; `key` is that entry's key.
    pub fn with_key(key: &ChainKey, seq: u64, entries_per_key: u64) -> Chain {
        Chain::Mac(Ratchet::new(key, seq, entries_per_key))
    }

    /// The scheme of its signatures.
    pub fn scheme(&self) -> Scheme {
        match self {
            Chain::Mac(_) => Scheme::Mac,
            Chain::Hash => Scheme::Hash,
        }
    }

    /// Signs entry `seq`; `digest` is [`digest_of`] its signed text. With a key, `seq` may skip entries
    /// but never decrease: `None` if its key has been erased. The key is erased after its last entry.
    #[inline]
    pub fn sign(&mut self, seq: u64, digest: &Hash) -> Option<Signature> {
        match self {
            Chain::Mac(ratchet) => {
                if !ratchet.advance_to(seq) {
                    return None;
                }
                let is_last = (seq + 1).is_multiple_of(ratchet.entries_per_key);
                let hash =
                    if is_last { ratchet.sign_and_step(digest) } else { ratchet.hmac.of(digest) };
                Some(Signature { scheme: Scheme::Mac, hash })
            }
            Chain::Hash => Some(Signature { scheme: Scheme::Hash, hash: *digest }),
        }
    }

    /// Whether `signature` is the signature of entry `seq` over this text. `None` if its key has been erased.
    pub fn check(&mut self, seq: u64, signed: &[u8], signature: &Signature) -> Option<bool> {
        self.check_digest(seq, &digest_of(signed), signature)
    }

    /// The same for the digest of a text.
    pub fn check_digest(&mut self, seq: u64, digest: &Hash, signature: &Signature) -> Option<bool> {
        let expected = self.sign(seq, digest)?;
        Some(
            expected.scheme == signature.scheme
                && constant_time_eq(&expected.hash, &signature.hash),
        )
    }

    /// The key of entry `seq`, to be stored on disk once the entries before `seq` are on disk. `None` without a key,
    /// and if that key has been erased.
    pub fn key(&mut self, seq: u64) -> Option<ChainKey> {
        match self {
            Chain::Mac(ratchet) => ratchet.key_of(seq),
            Chain::Hash => None,
        }
    }
}

/// The signed digest of an entry's text: SHA-256(0x00 ‖ text), an intermediate state of its leaf hash.
pub fn digest_of(signed: &[u8]) -> Hash {
    leaf_hash(signed)
}
