//! HMAC-SHA-256 (RFC 2104, FIPS 180-4) with its key worked in.
//!
//! What is kept of a key are two states of SHA-256, each one block in: a message costs no more than its
//! own blocks and two. With the feature `tokens` these states, and the padded key on the way to them, are
//! overwritten when they are no longer needed. What the compression function itself leaves in
//! registers and on the stack is out of reach.
//!
//! Nothing here allocates or blocks.

use std::slice;

use sha2::compress256;

/// Bytes of a block of SHA-256.
const BLOCK: usize = 64;
/// Bytes of the length at the end of the last block.
const LENGTH: usize = 8;
/// Where SHA-256 starts: the fractions of the square roots of the first eight primes.
const START: [u32; 8] = [
    0x6A09_E667,
    0xBB67_AE85,
    0x3C6E_F372,
    0xA54F_F53A,
    0x510E_527F,
    0x9B05_688C,
    0x1F83_D9AB,
    0x5BE0_CD19,
];

/// HMAC-SHA-256 under one key.
pub(super) struct Hmac {
    inner: [u32; 8],
    outer: [u32; 8],
}

impl Hmac {
    /// Works `key` in, which may have any length.
    pub(super) fn new(key: &[u8]) -> Hmac {
        let mut block = [0u8; BLOCK];
        match block.get_mut(..key.len()) {
            Some(place) => place.copy_from_slice(key),
            None => {
                let mut hash = finish(START, 0, key);
                block[..hash.len()].copy_from_slice(&hash);
                wipe(&mut hash);
            }
        }
        let padded = |pad: u8| {
            let mut padded = block.map(|b| b ^ pad);
            let mut state = START;
            compress(&mut state, &padded);
            wipe(&mut padded);
            state
        };
        let hmac = Hmac { inner: padded(0x36), outer: padded(0x5C) };
        wipe(&mut block);
        hmac
    }

    /// The code of `text`.
    pub(super) fn of(&self, text: &[u8]) -> [u8; 32] {
        finish(self.outer, BLOCK, &finish(self.inner, BLOCK, text))
    }
}

#[cfg(feature = "tokens")]
impl Drop for Hmac {
    fn drop(&mut self) {
        wipe(&mut self.inner);
        wipe(&mut self.outer);
    }
}

/// Overwrites what a key could be read from, also where the compiler sees no use in it.
#[cfg(feature = "tokens")]
pub(super) fn wipe<T: zeroize::DefaultIsZeroes>(secret: &mut [T]) {
    zeroize::Zeroize::zeroize(secret);
}

/// Without the feature `tokens` nothing is overwritten.
#[cfg(not(feature = "tokens"))]
pub(super) fn wipe<T>(_secret: &mut [T]) {}

/// The hash of `before` bytes (whole blocks, which made `state`) and `text`.
fn finish(mut state: [u32; 8], before: usize, text: &[u8]) -> [u8; 32] {
    let (blocks, rest) = text.as_chunks::<BLOCK>();
    for block in blocks {
        compress(&mut state, block);
    }
    let mut tail = [[0u8; BLOCK]; 2];
    let flat = tail.as_flattened_mut();
    flat[..rest.len()].copy_from_slice(rest);
    flat[rest.len()] = 0x80;
    let len = if rest.len() + 1 + LENGTH <= BLOCK { BLOCK } else { 2 * BLOCK };
    let bits = (before as u64 + text.len() as u64).wrapping_mul(8);
    flat[len - LENGTH..len].copy_from_slice(&bits.to_be_bytes());
    for block in &tail[..len / BLOCK] {
        compress(&mut state, block);
    }
    let mut hash = [0; 32];
    for (bytes, word) in hash.as_chunks_mut::<4>().0.iter_mut().zip(state) {
        *bytes = word.to_be_bytes();
    }
    hash
}

fn compress(state: &mut [u32; 8], block: &[u8; BLOCK]) {
    compress256(state, slice::from_ref(block.into()));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sha2::{Digest, Sha256};

    use super::*;

    /// RFC 2104, word for word.
    fn slow(key: &[u8], text: &[u8]) -> [u8; 32] {
        let mut block = if key.len() > 64 { Sha256::digest(key).to_vec() } else { key.to_vec() };
        block.resize(64, 0);
        let with = |pad: u8, text: &[u8]| {
            let padded: Vec<u8> = block.iter().map(|b| b ^ pad).collect();
            Sha256::digest([&padded, text].concat())
        };
        with(0x5C, &with(0x36, text)).into()
    }

    #[test]
    fn every_length_around_the_blocks_is_padded_rightly() {
        let bytes: Vec<u8> = (0..=255).collect();
        for len in 0..=bytes.len() {
            let hmac = Hmac::new(&bytes[..len]);
            for text in [len, 55, 56, 63, 64, 65, 119, 120, 128] {
                let text = &bytes[..text];
                assert_eq!(hmac.of(text), slow(&bytes[..len], text), "{len} {}", text.len());
            }
        }
    }

    #[test]
    fn the_vectors_of_rfc_4231_hold() {
        let of = |key: &[u8], text: &[u8]| {
            Hmac::new(key).of(text).iter().map(|b| format!("{b:02x}")).collect::<String>()
        };
        assert_eq!(
            of(&[0x0B; 20], b"Hi There"),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        );
        assert_eq!(
            of(b"Jefe", b"what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(
            of(&[0xAA; 131], b"Test Using Larger Than Block-Size Key - Hash Key First"),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }

    #[cfg(feature = "tokens")]
    #[test]
    fn what_is_wiped_is_zero() {
        let mut secret = [7u32; 8];
        wipe(&mut secret);
        assert_eq!(secret, [0; 8]);
    }

    proptest! {
        #[test]
        fn any_key_and_text_give_what_the_rfc_says(
            key in prop::collection::vec(any::<u8>(), 0..200),
            text in prop::collection::vec(any::<u8>(), 0..400),
        ) {
            prop_assert_eq!(Hmac::new(&key).of(&text), slow(&key, &text));
        }
    }
}
