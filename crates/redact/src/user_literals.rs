//! The index of the user's literals.
//!
//! A literal in a text covers `stride` consecutive positions. Therefore, only every `stride`-th position is looked up,
//! in a filter of all four-byte sequences that start at the first `stride` positions of any literal (a filter of
//! q-grams as in Wu and Manber, "A fast algorithm for multi-pattern searching", 1994). Matches of the filter are
//! compared. The longer the shortest literal, the fewer positions are looked up; the number of literals hardly matters.
//!
//! Promises: searching allocates nothing and reads each byte a bounded number of times, except for literals that share
//! many beginnings.

/// The number of bytes in one lookup.
const GRAM: usize = 4;
/// The most consecutive positions that one lookup covers.
const STRIDE_MAX: usize = 16;
/// Bits of the filter for each sequence in it: few others then have both their bits set.
const BITS_PER_GRAM: usize = 64;
/// The smallest and the largest filter, as powers of two: the largest fits in a processor's second cache.
const FILTER_BITS_MIN: u32 = 17;
const FILTER_BITS_MAX: u32 = 21;

/// An index of literals.
#[derive(Debug)]
pub(super) struct UserLiterals {
    texts: Vec<Box<[u8]>>,
    stride: usize,
    filter: Filter,
    /// The sequence, its place within the literal, index of the literal; sorted.
    entries: Vec<(u32, u16, u16)>,
}

/// A set of sequences, two bits for each (Bloom, "Space/time trade-offs in hash coding with allowable errors", 1970).
#[derive(Debug)]
struct Filter {
    bits: Box<[u64]>,
    /// How far a hash is shifted to be the number of a bit.
    shift: u32,
}

impl Filter {
    fn new(grams: usize) -> Filter {
        let bits = (grams * BITS_PER_GRAM).next_power_of_two().ilog2();
        let bits = bits.clamp(FILTER_BITS_MIN, FILTER_BITS_MAX);
        Filter { bits: vec![0; 1 << (bits - 6)].into_boxed_slice(), shift: u32::BITS - bits }
    }

    fn add(&mut self, gram: u32) {
        for hash in [Filter::first(gram), Filter::second(gram)] {
            let bit = hash >> self.shift;
            self.bits[(bit >> 6) as usize] |= 1 << (bit & 63);
        }
    }

    #[inline(always)]
    fn first(gram: u32) -> u32 {
        gram.wrapping_mul(0x9E37_79B1)
    }

    #[inline(always)]
    fn second(gram: u32) -> u32 {
        (gram ^ gram >> 15).wrapping_mul(0x85EB_CA6B)
    }

    #[inline(always)]
    fn has(&self, gram: u32) -> bool {
        let is_set = |hash: u32| {
            let bit = hash >> self.shift;
            let word = self.bits.get((bit >> 6) as usize).copied().unwrap_or(0);
            word >> (bit & 63) & 1 != 0
        };
        is_set(Filter::first(gram)) && is_set(Filter::second(gram))
    }
}

impl UserLiterals {
    /// Indexes `texts`: fewer than 65536, each of at least four bytes.
    pub(super) fn new(texts: Vec<Box<[u8]>>) -> UserLiterals {
        let shortest = texts.iter().map(|text| text.len()).min().unwrap_or(GRAM);
        let stride = (shortest.max(GRAM) - GRAM + 1).min(STRIDE_MAX);
        let mut entries = Vec::with_capacity(texts.len() * stride);
        for (index, text) in texts.iter().enumerate() {
            for (place, gram) in text.windows(GRAM).take(stride).enumerate() {
                let Some(&gram) = gram.first_chunk() else { continue };
                // Both are bounded by the conditions above.
                entries.push((u32::from_le_bytes(gram), place as u16, index as u16));
            }
        }
        entries.sort_unstable();
        let mut filter = Filter::new(entries.len());
        entries.iter().for_each(|entry| filter.add(entry.0));
        UserLiterals { texts, stride, filter, entries }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// The literals.
    pub(super) fn texts(&self) -> &[Box<[u8]>] {
        &self.texts
    }

    /// Calls `found` with the start and the index of each literal in `input`, including overlapping ones,
    /// until it returns false.
    pub(super) fn find(&self, input: &[u8], mut found: impl FnMut(usize, usize) -> bool) {
        let mut at = 0;
        while let Some(Some(&gram)) = input.get(at..).map(<[u8]>::first_chunk) {
            let gram = u32::from_le_bytes(gram);
            if self.filter.has(gram) && !self.compare(input, at, gram, &mut found) {
                return;
            }
            at += self.stride;
        }
    }

    /// Compares the literals that may have these four bytes at `at`.
    #[cold]
    fn compare(
        &self,
        input: &[u8],
        at: usize,
        gram: u32,
        found: &mut impl FnMut(usize, usize) -> bool,
    ) -> bool {
        let from = self.entries.partition_point(|entry| entry.0 < gram);
        let same = self.entries[from..].iter().take_while(|entry| entry.0 == gram);
        for &(_, place, index) in same {
            let (Some(start), index) = (at.checked_sub(place.into()), usize::from(index)) else {
                continue;
            };
            let stands = self.texts.get(index).is_some_and(|text| input[start..].starts_with(text));
            if stands && !found(start, index) {
                return false;
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Compares every literal at every position.
    fn plainly(texts: &[Vec<u8>], input: &[u8]) -> Vec<(usize, usize)> {
        let at =
            |i: usize| texts.iter().enumerate().filter(move |(_, t)| input[i..].starts_with(t));
        (0..input.len()).flat_map(|i| at(i).map(move |(n, _)| (i, n))).collect()
    }

    proptest! {
        #[test]
        fn every_literal_is_found_only_where_it_occurs(
            texts in proptest::collection::vec("[ab]{4,30}", 0..6),
            parts in proptest::collection::vec(("[ab]{0,9}", 0usize..6), 0..20),
        ) {
            let texts: Vec<Vec<u8>> = texts.into_iter().map(String::into_bytes).collect();
            let mut input = Vec::new();
            for (between, i) in parts {
                input.extend_from_slice(between.as_bytes());
                input.extend_from_slice(texts.get(i).map_or(b"", |text| text));
            }
            let own = UserLiterals::new(texts.iter().map(|t| t.clone().into_boxed_slice()).collect());
            let mut found = Vec::new();
            own.find(&input, |start, index| { found.push((start, index)); true });
            found.sort_unstable();
            prop_assert_eq!(found, plainly(&texts, &input));
        }
    }

    #[test]
    fn a_search_ends_when_the_callback_returns_false() {
        let own = UserLiterals::new(vec![b"abcd"[..].into()]);
        let mut found = 0;
        own.find(b"abcdabcdabcd", |_, _| {
            found += 1;
            found < 2
        });
        assert_eq!(found, 2);
    }
}
