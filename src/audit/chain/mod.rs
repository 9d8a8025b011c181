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
#[cfg(test)]
mod tests;

use zeroize::Zeroizing;

use super::entry::{Scheme, Signature};
use super::keys::{ChainKey, RATCHET_INFO};
use super::merkle::leaf_hash;
use crate::digest::{Hash, HmacSha256, constant_time_eq};

/// Entries per key at most.
pub const RATCHET_MAX: u64 = 65_536;

/// What HKDF-Expand signs for the first 32 bytes: the info and the number of the block.
const RATCHET_TEXT: [u8; RATCHET_INFO.len() + 1] = {
    let mut text = [1; RATCHET_INFO.len() + 1];
    let (info, _) = text.split_at_mut(RATCHET_INFO.len());
    info.copy_from_slice(RATCHET_INFO);
    text
};

/// A key that only goes forward.
#[derive(Debug)]
pub struct Ratchet {
    key: Zeroizing<Hash>,
    hmac: HmacSha256,
    generation: u64,
    entries_per_key: u64,
}

impl Ratchet {
    /// The key of entry `seq`; each key serves `entries_per_key` entries (1 at least).
    pub fn new(key: &ChainKey, seq: u64, entries_per_key: u64) -> Ratchet {
        let entries_per_key = entries_per_key.max(1);
        let hmac = HmacSha256::new(key.bytes());
        let key = Zeroizing::new(*key.bytes());
        Ratchet { key, hmac, generation: seq / entries_per_key, entries_per_key }
    }

    /// How many keys came before this one.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Goes forward to the key of entry `seq`. `false` if that key is gone for ever.
    #[inline]
    pub fn advance_to(&mut self, seq: u64) -> bool {
        let generation = seq / self.entries_per_key;
        while self.generation < generation {
            self.step();
        }
        self.generation == generation
    }

    /// HKDF-Expand (RFC 5869) with the key that is worked in already.
    #[inline]
    fn step(&mut self) {
        self.set_key(self.hmac.of(&RATCHET_TEXT));
    }

    /// Signs the last entry of a key and goes on to the next one: what is signed and what makes the
    /// next key do not wait for each other.
    #[inline]
    fn sign_and_step(&mut self, digest: &Hash) -> Hash {
        // Both are short: one after the other is what happens if they ever are not.
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

/// What signs entries, or checks their signatures.
#[derive(Debug)]
pub enum Chain {
    /// With a key.
    Mac(Ratchet),
    /// Without.
    Hash,
}

impl Chain {
    /// One whose next entry is `seq`, with that entry's key.
    pub fn with_key(key: &ChainKey, seq: u64, entries_per_key: u64) -> Chain {
        Chain::Mac(Ratchet::new(key, seq, entries_per_key))
    }

    /// Which scheme it is.
    pub fn scheme(&self) -> Scheme {
        match self {
            Chain::Mac(_) => Scheme::Mac,
            Chain::Hash => Scheme::Hash,
        }
    }

    /// Signs entry `seq`, of which `digest` is [`digest_of`] the signed text. With a key, `seq` may
    /// skip but never go back: `None` if its key is gone. If it was the last entry of its key, that
    /// key is gone afterwards.
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

    /// Whether `signature` is that of entry `seq` over this text. `None` if its key is gone.
    pub fn check(&mut self, seq: u64, signed: &[u8], signature: &Signature) -> Option<bool> {
        self.check_digest(seq, &digest_of(signed), signature)
    }

    /// The same for a text that has been hashed.
    pub fn check_digest(&mut self, seq: u64, digest: &Hash, signature: &Signature) -> Option<bool> {
        let expected = self.sign(seq, digest)?;
        Some(
            expected.scheme == signature.scheme
                && constant_time_eq(&expected.hash, &signature.hash),
        )
    }

    /// The key of entry `seq`, which is to be kept on disk when the entries before it are. `None`
    /// without keys, and if that key is gone.
    pub fn key(&mut self, seq: u64) -> Option<ChainKey> {
        match self {
            Chain::Mac(ratchet) => ratchet.advance_to(seq).then(|| ChainKey::new(*ratchet.key)),
            Chain::Hash => None,
        }
    }
}

/// What is signed of an entry's text: SHA-256(0x00 ‖ text), on the way to the hash of its leaf.
pub fn digest_of(signed: &[u8]) -> Hash {
    leaf_hash(signed)
}
