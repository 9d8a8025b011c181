//! The compression function of SHA-256 (FIPS 180-4, 6.2.2) over two messages at once.
//!
//! With the SHA instructions of x86-64 a single message leaves the core idle, because each step needs the result
//! of the one before. Two independent messages fill the gaps and together take about as long as one.
//!
//! Promises: safe to call; nothing allocates or blocks. On processors without the instructions, the functions do no
//! work and return `false`.
//!
//! Invariants that the SAFETY notes cite:
//! 1. **Instructions.** SHA and AVX code runs only after both were detected at run time.
#![allow(unsafe_code)]

/// Compresses as many blocks into both states as both have and returns `true`. Returns `false` and does nothing if
/// the processor lacks the instructions.
#[inline]
pub fn compress_pair(states: [&mut [u32; 8]; 2], blocks: [&[[u8; 64]]; 2]) -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        let has = x86::has_instructions();
        if has {
            // SAFETY: (1) both were just detected.
            unsafe { x86::compress_pair(states, blocks) };
        }
        has
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        let _ = (states, blocks);
        false
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    /// The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
    const K: [[u32; 4]; 16] = [
        [0x428A_2F98, 0x7137_4491, 0xB5C0_FBCF, 0xE9B5_DBA5],
        [0x3956_C25B, 0x59F1_11F1, 0x923F_82A4, 0xAB1C_5ED5],
        [0xD807_AA98, 0x1283_5B01, 0x2431_85BE, 0x550C_7DC3],
        [0x72BE_5D74, 0x80DE_B1FE, 0x9BDC_06A7, 0xC19B_F174],
        [0xE49B_69C1, 0xEFBE_4786, 0x0FC1_9DC6, 0x240C_A1CC],
        [0x2DE9_2C6F, 0x4A74_84AA, 0x5CB0_A9DC, 0x76F9_88DA],
        [0x983E_5152, 0xA831_C66D, 0xB003_27C8, 0xBF59_7FC7],
        [0xC6E0_0BF3, 0xD5A7_9147, 0x06CA_6351, 0x1429_2967],
        [0x27B7_0A85, 0x2E1B_2138, 0x4D2C_6DFC, 0x5338_0D13],
        [0x650A_7354, 0x766A_0ABB, 0x81C2_C92E, 0x9272_2C85],
        [0xA2BF_E8A1, 0xA81A_664B, 0xC24B_8B70, 0xC76C_51A3],
        [0xD192_E819, 0xD699_0624, 0xF40E_3585, 0x106A_A070],
        [0x19A4_C116, 0x1E37_6C08, 0x2748_774C, 0x34B0_BCB5],
        [0x391C_0CB3, 0x4ED8_AA4A, 0x5B9C_CA4F, 0x682E_6FF3],
        [0x748F_82EE, 0x78A5_636F, 0x84C8_7814, 0x8CC7_0208],
        [0x90BE_FFFA, 0xA450_6CEB, 0xBEF9_A3F7, 0xC671_78F2],
    ];

    /// Whether the processor has the instructions of [`compress_pair`].
    #[inline]
    pub fn has_instructions() -> bool {
        is_x86_feature_detected!("sha") && is_x86_feature_detected!("avx")
    }

    #[inline]
    #[target_feature(enable = "sha,avx")]
    fn four(words: &[u32; 4]) -> __m128i {
        let [a, b, c, d] = words.map(|word| word as i32);
        _mm_set_epi32(d, c, b, a)
    }

    /// The words of a block, which are big-endian.
    #[inline]
    #[target_feature(enable = "sha,avx")]
    fn words(block: &[u8; 64]) -> [__m128i; 4] {
        let order = _mm_set_epi64x(0x0C0D_0E0F_0809_0A0B, 0x0405_0607_0001_0203);
        let (halves, _) = block.as_chunks::<8>();
        let mut words = [order; 4];
        for (word, half) in words.iter_mut().zip(halves.as_chunks::<2>().0) {
            let [low, high] = half.map(i64::from_le_bytes);
            *word = _mm_shuffle_epi8(_mm_set_epi64x(high, low), order);
        }
        words
    }

    /// A state in the order of the instructions: words a, b, e, f and c, d, g, h.
    #[derive(Clone, Copy)]
    struct Lane {
        abef: __m128i,
        cdgh: __m128i,
    }

    impl Lane {
        #[inline]
        #[target_feature(enable = "sha,avx")]
        fn of(state: &[u32; 8]) -> Lane {
            let (halves, _) = state.as_chunks::<4>();
            let cdab = _mm_shuffle_epi32::<0xB1>(four(&halves[0]));
            let efgh = _mm_shuffle_epi32::<0x1B>(four(&halves[1]));
            let abef = _mm_alignr_epi8::<8>(cdab, efgh);
            Lane { abef, cdgh: _mm_blend_epi16::<0xF0>(efgh, cdab) }
        }

        #[inline]
        #[target_feature(enable = "sha,avx")]
        fn put(self, state: &mut [u32; 8]) {
            let feba = _mm_shuffle_epi32::<0x1B>(self.abef);
            let dchg = _mm_shuffle_epi32::<0xB1>(self.cdgh);
            let dcba = _mm_blend_epi16::<0xF0>(feba, dchg);
            let hgef = _mm_alignr_epi8::<8>(dchg, feba);
            for (half, words) in state.as_chunks_mut::<4>().0.iter_mut().zip([dcba, hgef]) {
                *half = [
                    _mm_extract_epi32::<0>(words) as u32,
                    _mm_extract_epi32::<1>(words) as u32,
                    _mm_extract_epi32::<2>(words) as u32,
                    _mm_extract_epi32::<3>(words) as u32,
                ];
            }
        }

        /// Rounds 4·`step` to 4·`step` + 3.
        #[inline]
        #[target_feature(enable = "sha,avx")]
        fn rounds(&mut self, words: __m128i, step: usize) {
            let sum = _mm_add_epi32(words, four(&K[step]));
            self.cdgh = _mm_sha256rnds2_epu32(self.cdgh, self.abef, sum);
            let high = _mm_shuffle_epi32::<0x0E>(sum);
            self.abef = _mm_sha256rnds2_epu32(self.abef, self.cdgh, high);
        }

        #[inline]
        #[target_feature(enable = "sha,avx")]
        fn plus(self, other: Lane) -> Lane {
            let abef = _mm_add_epi32(self.abef, other.abef);
            Lane { abef, cdgh: _mm_add_epi32(self.cdgh, other.cdgh) }
        }
    }

    /// The next four words of the schedule, which replace the oldest four.
    #[inline]
    #[target_feature(enable = "sha,avx")]
    fn next_words(words: &mut [__m128i; 4], place: usize) -> __m128i {
        let [a, b, c, d] = std::array::from_fn(|back| words[(place + back) % 4]);
        let sum = _mm_add_epi32(_mm_sha256msg1_epu32(a, b), _mm_alignr_epi8::<4>(d, c));
        words[place] = _mm_sha256msg2_epu32(sum, d);
        words[place]
    }

    /// See [`super::compress_pair`].
    #[target_feature(enable = "sha,avx")]
    pub fn compress_pair(states: [&mut [u32; 8]; 2], blocks: [&[[u8; 64]]; 2]) {
        let [one_state, two_state] = states;
        let (mut one, mut two) = (Lane::of(one_state), Lane::of(two_state));
        for (one_block, two_block) in blocks[0].iter().zip(blocks[1]) {
            let before = (one, two);
            let (mut one_words, mut two_words) = (words(one_block), words(two_block));
            for step in 0..4 {
                one.rounds(one_words[step], step);
                two.rounds(two_words[step], step);
            }
            for round in 1..4 {
                for place in 0..4 {
                    one.rounds(next_words(&mut one_words, place), 4 * round + place);
                    two.rounds(next_words(&mut two_words, place), 4 * round + place);
                }
            }
            (one, two) = (one.plus(before.0), two.plus(before.1));
        }
        one.put(one_state);
        two.put(two_state);
    }
}
