//! The key decision for keys that are known only at run time, made once per key.
//!
//! A direct-mapped cache of fixed size: nothing is allocated after its creation, and a stream of ever new keys costs a
//! decision each and no memory.
use crate::redact::{KeyClass, Outcome, Redactor};

/// Slots; a power of two.
const SLOTS: usize = 1024;
/// Bytes of a key and of the key around it that a slot can hold.
const KEY_BYTES_MAX: usize = 62;

/// What is known about a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct KeyFacts {
    /// What it promises about its values.
    pub(super) class: KeyClass,
    /// Whether the key itself holds what must not be shown: maps are keyed by addresses, too.
    pub(super) is_dirty: bool,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    key_len: u8,
    parent_len: u8,
    facts: KeyFacts,
    bytes: [u8; KEY_BYTES_MAX],
}

/// Decisions by key and by the key around it.
#[derive(Debug)]
pub(super) struct KeyCache {
    /// An empty slot has the lengths of the empty key, for which it tells the truth.
    slots: Vec<Slot>,
    text: Vec<u8>,
}

impl KeyCache {
    pub(super) fn new() -> Self {
        let empty = Slot {
            key_len: 0,
            parent_len: 0,
            facts: KeyFacts::default(),
            bytes: [0; KEY_BYTES_MAX],
        };
        Self { slots: vec![empty; SLOTS], text: Vec::with_capacity(256) }
    }

    /// Forgets everything: the rules have changed.
    pub(super) fn clear(&mut self) {
        for slot in &mut self.slots {
            (slot.key_len, slot.parent_len, slot.facts) = (0, 0, KeyFacts::default());
        }
    }

    /// What is known about `key` below `parent`; empty for none.
    pub(super) fn facts(&mut self, redactor: &mut Redactor, key: &[u8], parent: &[u8]) -> KeyFacts {
        if key.len() + parent.len() > KEY_BYTES_MAX {
            return self.decide(redactor, key, parent);
        }
        let index = hash(key, parent) as usize % SLOTS;
        let slot = &self.slots[index];
        let (key_len, parent_len) = (usize::from(slot.key_len), usize::from(slot.parent_len));
        let (known, known_parent) = slot.bytes[..key_len + parent_len].split_at(key_len);
        if known == key && known_parent == parent {
            return slot.facts;
        }
        let facts = self.decide(redactor, key, parent);
        let slot = &mut self.slots[index];
        // Both fit in a byte: together they are at most `KEY_BYTES_MAX`.
        (slot.key_len, slot.parent_len) = (key.len() as u8, parent.len() as u8);
        slot.bytes[..key.len()].copy_from_slice(key);
        slot.bytes[key.len()..key.len() + parent.len()].copy_from_slice(parent);
        slot.facts = facts;
        facts
    }

    fn decide(&mut self, redactor: &mut Redactor, key: &[u8], parent: &[u8]) -> KeyFacts {
        self.text.clear();
        let around = (!parent.is_empty()).then_some(parent);
        let class = redactor.rules().key(key, around);
        let outcome = redactor.value(KeyClass::Plain, key, false, &mut self.text);
        KeyFacts { class, is_dirty: outcome == Outcome::Replaced }
    }
}

/// FNV-1a over both, with a byte between them that stands in neither text.
fn hash(key: &[u8], parent: &[u8]) -> u64 {
    let bytes = key.iter().chain([&0xFF]).chain(parent);
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash ^ hash >> 32
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::redact::Rules;

    #[test]
    fn a_decision_is_the_same_from_the_cache_and_without_it() {
        let rules = Arc::new(Rules::standard());
        let mut redactor = Redactor::new(Arc::clone(&rules));
        let mut cache = KeyCache::new();
        let long = "a".repeat(70) + "_password";
        let keys = ["", "password", "name", "count", "ann@example.com", long.as_str(), "größe"];
        for _ in 0..3 {
            for key in keys {
                for parent in ["", "service", "customer"] {
                    let facts = cache.facts(&mut redactor, key.as_bytes(), parent.as_bytes());
                    let around = (!parent.is_empty()).then_some(parent.as_bytes());
                    assert_eq!(facts.class, rules.key(key.as_bytes(), around), "{key} {parent}");
                    assert_eq!(facts.is_dirty, key.contains('@'), "{key}");
                }
            }
        }
    }

    #[test]
    fn keys_that_share_a_slot_are_told_apart() {
        let mut redactor = Redactor::new(Arc::new(Rules::standard()));
        let mut cache = KeyCache::new();
        for number in 0..5 * SLOTS {
            for (key, class) in [("password", KeyClass::Password), ("count", KeyClass::Plain)] {
                let key = format!("k{number}_{key}");
                assert_eq!(cache.facts(&mut redactor, key.as_bytes(), b"").class, class, "{key}");
            }
        }
    }
}
