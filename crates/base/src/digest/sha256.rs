//! SHA-256 (FIPS 180-4) over the compression function of the crate `sha2`, which uses the SHA instructions of the
//! processor if it has them.
//!
//! The state is implemented here so that a MAC can start from a state that contains its key and overwrite it
//! afterwards. Promises: no allocation, no failure; inputs of any length in any pieces.
use sha2::compress256;
use sha2::digest::block_buffer::EagerBuffer;
use sha2::digest::consts::U64;
use sha2::digest::generic_array::GenericArray;

use super::Hash;
use crate::simd::compress_sha256_pair;

/// Size of a block of the compression function.
pub(super) const BLOCK: usize = 64;

/// A block of the compression function.
pub(super) type Block = [u8; BLOCK];

/// The state of the compression function.
pub(super) type State = [u32; 8];

/// The first 32 bits of the fractional parts of the square roots of the first eight primes.
pub(super) const START: State = [
    0x6A09_E667,
    0xBB67_AE85,
    0x3C6E_F372,
    0xA54F_F53A,
    0x510E_527F,
    0x9B05_688C,
    0x1F83_D9AB,
    0x5BE0_CD19,
];

/// A SHA-256 that takes its input in pieces.
///
/// ```
/// use ringseal_base::digest::Sha256;
/// let mut hash = Sha256::new();
/// hash.update(b"a");
/// hash.update(b"bc");
/// assert_eq!(hash.finish(), Sha256::of(b"abc"));
/// ```
#[derive(Clone)]
pub struct Sha256 {
    state: [u32; 8],
    tail: EagerBuffer<U64>,
    len: u64,
}

impl Sha256 {
    /// The hash of empty input.
    pub fn new() -> Sha256 {
        Sha256 { state: START, tail: EagerBuffer::default(), len: 0 }
    }

    /// The hash of `bytes`.
    pub fn of(bytes: &[u8]) -> Hash {
        let mut hash = Sha256::new();
        hash.update(bytes);
        hash.finish()
    }

    /// Continues from a state that has processed one block.
    pub(super) fn after_block(state: [u32; 8]) -> Sha256 {
        Sha256 { state, tail: EagerBuffer::default(), len: BLOCK as u64 }
    }

    /// The states after one block each.
    pub(super) fn states_after(blocks: [&[u8; BLOCK]; 2]) -> [[u32; 8]; 2] {
        let (mut one, mut two) = (START, START);
        compress_pair([&mut one, &mut two], blocks.map(std::slice::from_ref));
        [one, two]
    }

    /// Takes more input.
    #[inline]
    pub fn update(&mut self, bytes: &[u8]) {
        self.len = self.len.wrapping_add(bytes.len() as u64);
        let state = &mut self.state;
        self.tail.digest_blocks(bytes, |blocks| compress256(state, blocks));
    }

    /// The hash of all input so far.
    #[inline]
    pub fn finish(mut self) -> Hash {
        let state = &mut self.state;
        let bits = self.len.wrapping_mul(8);
        let compress =
            |block: &GenericArray<u8, U64>| compress256(state, std::slice::from_ref(block));
        self.tail.len64_padding_be(bits, compress);
        bytes_of(&self.state)
    }
}

/// The hash for a final state.
#[inline]
pub(super) fn bytes_of(state: &State) -> Hash {
    let mut hash = [0; 32];
    for (out, word) in hash.as_chunks_mut::<4>().0.iter_mut().zip(state) {
        *out = word.to_be_bytes();
    }
    hash
}

/// The hash of the block that produced `state`, followed by `text`.
#[inline]
pub(super) fn hash_after_block(mut state: State, text: &[u8]) -> Hash {
    let (blocks, rest) = text.as_chunks();
    compress(&mut state, blocks);
    let mut tail = [[0; BLOCK]; 2];
    let flat = tail.as_flattened_mut();
    flat[..rest.len()].copy_from_slice(rest);
    flat[rest.len()] = 0x80;
    let count = if rest.len() + 9 <= BLOCK { 1 } else { 2 };
    let bits = ((BLOCK + text.len()) as u64).wrapping_mul(8);
    flat[count * BLOCK - 8..count * BLOCK].copy_from_slice(&bits.to_be_bytes());
    compress(&mut state, &tail[..count]);
    bytes_of(&state)
}

/// Processes blocks into one state.
#[inline]
pub(super) fn compress(state: &mut State, blocks: &[Block]) {
    for block in blocks {
        compress256(state, std::slice::from_ref(GenericArray::from_slice(block)));
    }
}

/// Processes as many blocks into both states as both have: in the time of one if the processor can.
#[inline]
pub(super) fn compress_pair(states: [&mut State; 2], blocks: [&[Block]; 2]) {
    let count = blocks[0].len().min(blocks[1].len());
    let [one, two] = states;
    if !compress_sha256_pair([&mut *one, &mut *two], blocks) {
        compress(one, blocks[0].get(..count).unwrap_or_default());
        compress(two, blocks[1].get(..count).unwrap_or_default());
    }
}

impl Default for Sha256 {
    fn default() -> Self {
        Sha256::new()
    }
}

impl std::fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The state may contain a key.
        f.debug_struct("Sha256").field("bytes", &self.len).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sha2::Digest;

    use super::*;

    #[test]
    fn known_answers() {
        let known = [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
            ),
        ];
        for (text, hash) in known {
            assert_eq!(crate::digest::text::hex(&Sha256::of(text.as_bytes())), hash);
        }
    }

    #[test]
    fn every_length_around_a_block_is_padded() {
        let bytes = [0xA5; 300];
        for len in 0..bytes.len() {
            let want: Hash = sha2::Sha256::digest(&bytes[..len]).into();
            assert_eq!(Sha256::of(&bytes[..len]), want, "{len} bytes");
        }
    }

    proptest! {
        #[test]
        fn pieces_hash_like_the_whole(pieces in prop::collection::vec(
            prop::collection::vec(any::<u8>(), 0..200), 0..10)
        ) {
            let mut hash = Sha256::new();
            pieces.iter().for_each(|piece| hash.update(piece));
            let want: Hash = sha2::Sha256::digest(pieces.concat()).into();
            prop_assert_eq!(hash.finish(), want);
        }
    }
}
