//! A memory of short texts that were found clean: a service logs few different names, states and routes, each of them
//! often.
//!
//! Promises: a fixed size, direct-mapped; nothing is allocated after its creation. It never changes what is found: a
//! text is remembered with all its bytes, its verdict depends on nothing else but the rules, and a change of the rules
//! clears the memory.

/// The longest text that is remembered.
const LEN_MAX: usize = 32;
/// Shorter texts are not asked for.
const LEN_MIN: usize = 4;
/// A power of two.
const SLOTS: usize = 2048;

/// The bytes of a text as words, and its length. Shorter texts leave words zero.
type Known = [u64; 5];

/// The texts by hash.
#[derive(Debug)]
pub(super) struct CleanTexts {
    /// A free slot holds zeros, which no text has.
    slots: Box<[Known; SLOTS]>,
}

impl CleanTexts {
    pub(super) fn new() -> Self {
        // Pages of zeros, which take no memory before they are used, and none of the stack.
        let slots = vec![[0; 5]; SLOTS].into_boxed_slice().try_into();
        Self { slots: slots.unwrap_or_else(|_| Box::new([[0; 5]; SLOTS])) }
    }

    /// Forgets everything: the rules have changed.
    pub(super) fn clear(&mut self) {
        self.slots.fill([0; 5]);
    }

    /// Whether the text is known to be clean.
    #[inline(always)]
    pub(super) fn has(&self, text: &[u8]) -> bool {
        let Some(known) = known(text) else { return false };
        // Not `==`, which is a call of `memcmp`.
        let pairs = known.iter().zip(&self.slots[slot(&known)]);
        pairs.fold(0, |different, (a, b)| different | (a ^ b)) == 0
    }

    /// Remembers a text that is clean, if it is short.
    #[inline]
    pub(super) fn add(&mut self, text: &[u8]) {
        if let Some(known) = known(text) {
            self.slots[slot(&known)] = known;
        }
    }
}

/// The words of a text: its first and its last bytes, which together are all of it.
#[inline(always)]
fn known(text: &[u8]) -> Option<Known> {
    let len = text.len() as u64;
    if !(LEN_MIN..=LEN_MAX).contains(&text.len()) {
        return None;
    }
    if let (Some(first), Some(last)) = (text.first_chunk::<16>(), text.last_chunk::<16>()) {
        let ([a, b], [c, d]) = (words(first), words(last));
        return Some([a, b, c, d, len]);
    }
    if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
        return Some([u64::from_le_bytes(*first), u64::from_le_bytes(*last), 0, 0, len]);
    }
    let (first, last) = (text.first_chunk()?, text.last_chunk()?);
    Some([u32::from_le_bytes(*first).into(), u32::from_le_bytes(*last).into(), 0, 0, len])
}

#[inline(always)]
fn words(bytes: &[u8; 16]) -> [u64; 2] {
    let word = u128::from_le_bytes(*bytes);
    [word as u64, (word >> 64) as u64]
}

/// The slot of a text.
#[inline(always)]
fn slot(&[a, b, c, d, len]: &Known) -> usize {
    let mixed = (a ^ d.rotate_left(23) ^ len).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mixed = (mixed ^ b.rotate_left(41) ^ c).wrapping_mul(0xC2B2_AE3D_27D4_EB4F);
    (mixed >> 53) as usize % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn a_text_is_known_by_all_its_bytes() {
        for len in 0..=40 {
            let text: Vec<u8> = (0..len).collect();
            let mut texts = CleanTexts::new();
            texts.add(&text);
            assert_eq!(texts.has(&text), (LEN_MIN..=LEN_MAX).contains(&text.len()), "{len}");
            for at in 0..text.len() {
                let mut other = text.clone();
                other[at] ^= 1;
                assert!(!texts.has(&other), "{len}: another byte {at}");
            }
            let longer = [&text[..], b"\0"].concat();
            assert!(!texts.has(&longer) && !texts.has(text.get(1..).unwrap_or_default()), "{len}");
        }
    }

    #[test]
    fn nothing_is_known_after_a_change_of_rules() {
        let mut texts = CleanTexts::new();
        texts.add(b"GET /orders");
        assert!(texts.has(b"GET /orders"));
        texts.clear();
        assert!(!texts.has(b"GET /orders"));
    }

    #[test]
    fn similar_texts_spread_over_the_slots() {
        for (before, after) in [
            ("", "-order"),
            ("order-", ""),
            ("region-", "-states-of-mind"),
            ("a long route to ", ""),
        ] {
            let texts = (100..400).map(|i| format!("{before}{i}{after}"));
            let used: HashSet<_> =
                texts.filter_map(|text| known(text.as_bytes())).map(|known| slot(&known)).collect();
            // 300 balls in 2,048 slots hit about 279 of them.
            assert!(used.len() > 255, "{before}…{after}: {}", used.len());
        }
    }
}
