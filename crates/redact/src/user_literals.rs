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
const FILTER_BITS: u32 = 17;

/// An index of literals.
#[derive(Debug)]
pub(super) struct UserLiterals {
    texts: Vec<Box<[u8]>>,
    stride: usize,
    /// One bit per hash.
    filter: Box<[u64]>,
    /// Hash, place within the literal, index of the literal; sorted.
    entries: Vec<(u32, u16, u16)>,
}

#[inline(always)]
fn hash(gram: [u8; GRAM]) -> u32 {
    u32::from_le_bytes(gram).wrapping_mul(0x9E37_79B1) >> (32 - FILTER_BITS)
}

impl UserLiterals {
    /// Indexes `texts`: fewer than 65536, each of at least four bytes.
    pub(super) fn new(texts: Vec<Box<[u8]>>) -> UserLiterals {
        let shortest = texts.iter().map(|text| text.len()).min().unwrap_or(GRAM);
        let stride = (shortest.max(GRAM) - GRAM + 1).min(STRIDE_MAX);
        let mut filter = vec![0u64; 1 << (FILTER_BITS - 6)].into_boxed_slice();
        let mut entries = Vec::with_capacity(texts.len() * stride);
        for (index, text) in texts.iter().enumerate() {
            for (place, gram) in text.windows(GRAM).take(stride).enumerate() {
                let Some(&gram) = gram.first_chunk() else { continue };
                let hash = hash(gram);
                filter[(hash >> 6) as usize] |= 1 << (hash & 63);
                // Both are bounded by the conditions above.
                entries.push((hash, place as u16, index as u16));
            }
        }
        entries.sort_unstable();
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
            let hash = hash(gram);
            let word = self.filter.get((hash >> 6) as usize).copied().unwrap_or(0);
            if word >> (hash & 63) & 1 != 0 && !self.compare(input, at, hash, &mut found) {
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
        hash: u32,
        found: &mut impl FnMut(usize, usize) -> bool,
    ) -> bool {
        let from = self.entries.partition_point(|entry| entry.0 < hash);
        let same = self.entries[from..].iter().take_while(|entry| entry.0 == hash);
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
