//! HMAC-SHA-256 (RFC 2104) with a precomputed key.
//!
//! Promises: a MAC over n bytes costs the hash of n bytes and two more blocks; no allocation. Two hash states derived
//! from the key are kept, which are as secret as the key: with the features `audit` or `tokens` they, and the padded
//! key, are overwritten when they are no longer needed. What the compression function leaves in registers and on the
//! stack cannot be overwritten.
use super::sha256::{BLOCK, Block, bytes_of, compress_pair, hash_after_block};
use super::{Hash, Sha256, constant_time_eq};

/// A text of at most this many bytes shares its block with the padding.
#[cfg(test)]
const SHORT_BYTES_MAX: usize = BLOCK - 9;

/// The second and last block of a message whose first one is a key.
#[inline]
fn last_block(text: &[u8]) -> Option<Block> {
    let mut block = [0; BLOCK];
    let (space, len) = block.split_last_chunk_mut::<8>()?;
    *len = ((BLOCK + text.len()) as u64 * 8).to_be_bytes();
    space.get_mut(..text.len())?.copy_from_slice(text);
    *space.get_mut(text.len())? = 0x80;
    Some(block)
}

/// A key, ready to make MACs.
///
/// ```
/// use ringseal_base::digest::HmacSha256;
/// let key = HmacSha256::new(b"key");
/// let mac = key.of(b"The quick brown fox jumps over the lazy dog");
/// assert_eq!(mac[..4], [0xF7, 0xBC, 0x83, 0xF4]);
/// assert!(key.verify(b"The quick brown fox jumps over the lazy dog", &mac));
/// ```
#[derive(Clone)]
pub struct HmacSha256 {
    inner: [u32; 8],
    outer: [u32; 8],
}

impl HmacSha256 {
    /// Precomputes the states of `key`. Keys longer than 64 bytes are hashed first, as the RFC requires.
    pub fn new(key: &[u8]) -> HmacSha256 {
        let mut block = [0u8; BLOCK];
        match block.get_mut(..key.len()) {
            Some(place) => place.copy_from_slice(key),
            None => {
                let mut hash = Sha256::of(key);
                block[..hash.len()].copy_from_slice(&hash);
                wipe(&mut hash);
            }
        }
        let mut pads = [0x36, 0x5C].map(|pad| block.map(|byte| byte ^ pad));
        let [inner, outer] = Sha256::states_after([&pads[0], &pads[1]]);
        // The bytes after the key are not secret.
        let len = key.len().min(BLOCK);
        wipe(&mut block[..len]);
        pads.iter_mut().for_each(|pad| wipe(&mut pad[..len]));
        HmacSha256 { inner, outer }
    }

    /// Starts a MAC that takes its input in pieces: update the hash, then pass it to [`HmacSha256::finish`].
    #[inline]
    pub fn begin(&self) -> Sha256 {
        Sha256::after_block(self.inner)
    }

    /// The MAC over what `inner`, from [`HmacSha256::begin`], has taken.
    #[inline]
    pub fn finish(&self, inner: Sha256) -> Hash {
        let mut outer = Sha256::after_block(self.outer);
        outer.update(&inner.finish());
        outer.finish()
    }

    /// The MAC over `bytes`.
    #[inline]
    pub fn of(&self, bytes: &[u8]) -> Hash {
        hash_after_block(self.outer, &hash_after_block(self.inner, bytes))
    }

    /// The MACs over two short texts, of at most 55 bytes: computed side by side, in about the time of
    /// one. `None` if one is longer.
    pub fn of_both(&self, texts: [&[u8]; 2]) -> Option<[Hash; 2]> {
        let mut states = [self.inner; 2];
        let mut blocks = [last_block(texts[0])?, last_block(texts[1])?];
        for inner in [true, false] {
            let [one, two] = &mut states;
            compress_pair([one, two], [&blocks[..1], &blocks[1..]]);
            if inner {
                let hashes = states.map(|state| bytes_of(&state));
                blocks = [last_block(&hashes[0])?, last_block(&hashes[1])?];
                states = [self.outer; 2];
            }
        }
        Some(states.map(|state| bytes_of(&state)))
    }

    /// Whether `mac` is the MAC over `bytes`, in constant time.
    pub fn verify(&self, bytes: &[u8], mac: &Hash) -> bool {
        constant_time_eq(&self.of(bytes), mac)
    }
}

impl std::fmt::Debug for HmacSha256 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HmacSha256").finish_non_exhaustive()
    }
}

#[cfg(feature = "wipe")]
impl Drop for HmacSha256 {
    fn drop(&mut self) {
        wipe(&mut self.inner);
        wipe(&mut self.outer);
    }
}

/// Overwrites secret memory, even if the compiler sees no use for it.
#[cfg(feature = "wipe")]
pub fn wipe<T: zeroize::DefaultIsZeroes>(secret: &mut [T]) {
    zeroize::Zeroize::zeroize(secret);
}

/// Without these features nothing is overwritten.
#[cfg(not(feature = "wipe"))]
pub fn wipe<T>(_secret: &mut [T]) {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sha2::Digest;

    use super::*;
    use crate::digest::text::hex;

    /// RFC 4231, 4.2 to 4.8: key, data, HMAC-SHA-256. Case 5 is truncated to 128 bits there.
    fn rfc_4231() -> Vec<(Vec<u8>, Vec<u8>, &'static str)> {
        let counting: Vec<u8> = (1..=25).collect();
        let long =
            b"This is a test using a larger than block-size key and a larger than block-size \
                     data. The key needs to be hashed before being used by the HMAC algorithm.";
        vec![
            (
                vec![0x0B; 20],
                b"Hi There".to_vec(),
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
            ),
            (
                b"Jefe".to_vec(),
                b"what do ya want for nothing?".to_vec(),
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                vec![0xAA; 20],
                vec![0xDD; 50],
                "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
            ),
            (
                counting,
                vec![0xCD; 50],
                "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
            ),
            (vec![0x0C; 20], b"Test With Truncation".to_vec(), "a3b6167473100ee06e0c796c2955552b"),
            (
                vec![0xAA; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First".to_vec(),
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
            (
                vec![0xAA; 131],
                long.to_vec(),
                "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
            ),
        ]
    }

    #[test]
    fn the_vectors_of_rfc_4231() {
        for (case, (key, data, want)) in rfc_4231().into_iter().enumerate() {
            let hmac = HmacSha256::new(&key);
            assert_eq!(hex(&hmac.of(&data))[..want.len()], *want, "case {}", case + 1);
            let mut pieces = hmac.begin();
            data.iter().for_each(|byte| pieces.update(&[*byte]));
            assert_eq!(hmac.finish(pieces), hmac.of(&data), "case {} in pieces", case + 1);
        }
    }

    /// RFC 2104, literally.
    fn slow(key: &[u8], text: &[u8]) -> Hash {
        let sha256 = |bytes: &[u8]| sha2::Sha256::digest(bytes).to_vec();
        let mut block = if key.len() > 64 { sha256(key) } else { key.to_vec() };
        block.resize(64, 0);
        let with = |pad: u8, text: &[u8]| {
            let padded: Vec<u8> = block.iter().map(|b| b ^ pad).collect();
            sha256(&[&padded, text].concat())
        };
        with(0x5C, &with(0x36, text)).try_into().unwrap()
    }

    #[test]
    fn every_length_around_the_blocks_is_padded() {
        let bytes: Vec<u8> = (0..=255).collect();
        for len in 0..=bytes.len() {
            let hmac = HmacSha256::new(&bytes[..len]);
            for text in [len, 55, 56, 63, 64, 65, 119, 120, 128] {
                let text = &bytes[..text];
                assert_eq!(hmac.of(text), slow(&bytes[..len], text), "{len} {}", text.len());
            }
        }
    }

    proptest! {
        #[test]
        fn any_key_and_text_match_the_rfc(
            key in prop::collection::vec(any::<u8>(), 0..200),
            text in prop::collection::vec(any::<u8>(), 0..400),
        ) {
            prop_assert_eq!(HmacSha256::new(&key).of(&text), slow(&key, &text));
        }
    }

    #[cfg(feature = "wipe")]
    #[test]
    fn wiped_memory_is_zero() {
        let mut secret = [7u32; 8];
        wipe(&mut secret);
        assert_eq!(secret, [0; 8]);
    }

    #[test]
    fn paired_macs_match_single_macs() {
        let key = HmacSha256::new(b"key");
        let bytes: Vec<u8> = (0..=SHORT_BYTES_MAX as u8).collect();
        for len in 0..=SHORT_BYTES_MAX {
            let texts = [&bytes[..len], &bytes[..SHORT_BYTES_MAX - len]];
            assert_eq!(key.of_both(texts), Some(texts.map(|text| key.of(text))), "{len} bytes");
        }
        assert_eq!(key.of_both([&bytes, b""]), None);
        assert_eq!(key.of_both([b"", &bytes]), None);
    }

    #[test]
    fn a_wrong_text_or_key_does_not_verify() {
        let hmac = HmacSha256::new(b"key");
        let mac = hmac.of(b"text");
        assert!(hmac.verify(b"text", &mac));
        assert!(!hmac.verify(b"test", &mac));
        assert!(!HmacSha256::new(b"kez").verify(b"text", &mac));
    }

    #[test]
    fn keys_are_not_shown() {
        assert_eq!(format!("{:?}", HmacSha256::new(b"secret")), "HmacSha256 { .. }");
    }
}
