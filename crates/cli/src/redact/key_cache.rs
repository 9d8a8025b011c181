//! A cache of key decisions: a log has few different keys and repeats them on every line.
//!
//! Memory is fixed: one table. A key whose two slots are occupied replaces one of the cached keys. Long keys are not
//! cached.
use std::sync::Arc;

use ringseal_redact::{KeyClass, KeyFacts, RedactOutcome, Redactor, Rules};

use super::escape::unescape;

const SLOTS: usize = 1 << 11;
/// Bytes of key and parent together that fit into a slot.
const SLOT_BYTES: usize = 48;

/// The cached decision about a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct KnownKey {
    /// What it says about its value and its map.
    pub(super) says: KeyFacts,
    /// The key has to be redacted too: for example, in a map from addresses to counts.
    pub(super) is_dirty: bool,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    key_len: u8,
    parent_len: u8,
    text: [u8; SLOT_BYTES],
    known: KnownKey,
    /// The slot of the key that last followed this one. Lines of one kind repeat their keys in order, and then no key
    /// needs to be hashed.
    next: u16,
}

const EMPTY: Slot = Slot {
    key_len: u8::MAX,
    parent_len: 0,
    text: [0; SLOT_BYTES],
    known: KnownKey { says: KeyFacts::PLAIN, is_dirty: false },
    next: 0,
};

impl Slot {
    #[inline]
    fn is_of(&self, key: &[u8], parent: &[u8]) -> bool {
        let len = key.len() + parent.len();
        usize::from(self.key_len) == key.len()
            && usize::from(self.parent_len) == parent.len()
            && self.text.get(..key.len()) == Some(key)
            && self.text.get(key.len()..len) == Some(parent)
    }
}

/// Key decisions by raw text.
#[derive(Debug)]
pub(super) struct KeyCache {
    /// A separate redactor, because hits in keys are counted where they are replaced.
    redactor: Redactor,
    slots: Vec<Slot>,
    /// The slot of the previous key.
    last: u16,
}

impl KeyCache {
    pub(super) fn new(rules: Arc<Rules>) -> Self {
        Self { redactor: Redactor::new(rules), slots: vec![EMPTY; SLOTS], last: 0 }
    }

    /// The decision about a key below a parent (empty: none), both as raw text between their quotes.
    #[inline]
    pub(super) fn facts(&mut self, key: &[u8], parent: &[u8]) -> KnownKey {
        let next = self.slots[usize::from(self.last)].next;
        let slot = &self.slots[usize::from(next)];
        if slot.is_of(key, parent) {
            self.last = next;
            return slot.known;
        }
        self.look_up(key, parent)
    }

    fn look_up(&mut self, key: &[u8], parent: &[u8]) -> KnownKey {
        let len = key.len() + parent.len();
        if len > SLOT_BYTES {
            return self.decide(key, parent);
        }
        // The upper bits are the better mixed ones; the remainder is below 2^11.
        let mut at = (hash(key, parent) >> 32) as u16 % SLOTS as u16;
        if self.slots[usize::from(at ^ 1)].is_of(key, parent) {
            at ^= 1;
        }
        if !self.slots[usize::from(at)].is_of(key, parent) {
            let known = self.decide(key, parent);
            // Two keys with the same hash use neighbouring slots.
            self.slots.swap(usize::from(at), usize::from(at ^ 1));
            let slot = &mut self.slots[usize::from(at)];
            let mut text = [0; SLOT_BYTES];
            text[..key.len()].copy_from_slice(key);
            text[key.len()..len].copy_from_slice(parent);
            // Both are at most SLOT_BYTES long.
            let (key_len, parent_len) = (key.len() as u8, parent.len() as u8);
            *slot = Slot { key_len, parent_len, text, known, next: slot.next };
        }
        let known = self.slots[usize::from(at)].known;
        self.slots[usize::from(self.last)].next = at;
        self.last = at;
        known
    }

    fn decide(&mut self, key: &[u8], parent: &[u8]) -> KnownKey {
        let plain = |raw: &[u8]| {
            let mut text = Vec::new();
            unescape(raw, &mut text);
            text
        };
        let (key, parent) = (plain(key), plain(parent));
        let says = self.redactor.rules().key_facts(&key, (!parent.is_empty()).then_some(&parent));
        let outcome = self.redactor.value(KeyClass::Plain, &key, false, &mut Vec::new());
        KnownKey { says, is_dirty: outcome == RedactOutcome::Replaced }
    }
}

fn hash(key: &[u8], parent: &[u8]) -> u64 {
    let mut hash = (key.len() as u64) << 8 | parent.len() as u64 | 1 << 63;
    for text in [key, parent] {
        for part in text.chunks(8) {
            let mut word = [0; 8];
            word[..part.len()].copy_from_slice(part);
            hash = (hash.rotate_left(5) ^ u64::from_le_bytes(word))
                .wrapping_mul(0x517C_C1B7_2722_0A95);
        }
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cached_decisions_equal_those_of_the_rules() {
        let rules = Arc::new(Rules::standard());
        let mut keys = KeyCache::new(Arc::clone(&rules));
        let long = "x".repeat(60) + "_password";
        let words = ["email", "name", "service", "token", "max_tokens", "level", "a", "", &long];
        for _ in 0..2 {
            for key in words {
                for parent in words {
                    let want = rules.key_facts(
                        key.as_bytes(),
                        (!parent.is_empty()).then_some(parent.as_bytes()),
                    );
                    let known = KnownKey { says: want, is_dirty: false };
                    assert_eq!(
                        keys.facts(key.as_bytes(), parent.as_bytes()),
                        known,
                        "{parent}.{key}"
                    );
                }
            }
        }
        // More keys than slots: keys replace each other, but never get each other's decision.
        for number in 0..3 * SLOTS {
            assert_eq!(
                keys.facts(format!("k{number}").as_bytes(), b"").says.class,
                KeyClass::Plain
            );
        }
        assert_eq!(keys.facts(b"password", b"").says.class, KeyClass::Password);
    }

    #[test]
    fn a_key_with_a_hit_is_always_dirty() {
        let mut keys = KeyCache::new(Arc::new(Rules::standard()));
        for _ in 0..3 {
            assert!(keys.facts(b"ann@example.com", b"").is_dirty);
            assert!(keys.facts(br"ann\u0040example.com", b"").is_dirty);
            assert!(!keys.facts(b"count", b"").is_dirty);
        }
    }

    #[test]
    fn an_escaped_key_is_the_same_key() {
        let mut keys = KeyCache::new(Arc::new(Rules::standard()));
        assert_eq!(keys.facts(br"pass\u0077ord", b"").says.class, KeyClass::Password);
        assert_eq!(keys.facts(b"name", br"serv\u0069ce").says.class, KeyClass::Plain);
    }
}
