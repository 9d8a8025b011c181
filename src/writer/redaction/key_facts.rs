//! Decisions about keys that are known only at run time, made once per key.
use ringseal_redact::{KeyCache, KeyClass, KeyFacts, RedactOutcome, Redactor};

/// Slots; a power of two.
const SLOTS: usize = 1024;

/// The decision about a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct KnownKey {
    /// What it says about its values and its map.
    pub(super) says: KeyFacts,
    /// Whether the key itself has to be redacted: maps can be keyed by addresses.
    pub(super) is_dirty: bool,
}

/// Decisions by key and enclosing key.
#[derive(Debug)]
pub(super) struct Keys {
    known: KeyCache<KnownKey>,
    text: Vec<u8>,
}

impl Keys {
    pub(super) fn new() -> Self {
        Self { known: KeyCache::new(SLOTS), text: Vec::with_capacity(256) }
    }

    /// Clears the cache: the rules have changed.
    pub(super) fn clear(&mut self) {
        self.known.clear();
    }

    /// The decision about `key` below `parent`, which is empty if there is none.
    #[inline]
    pub(super) fn facts(&mut self, redactor: &mut Redactor, key: &[u8], parent: &[u8]) -> KnownKey {
        let Self { known, text } = self;
        known.get(key, parent, || decide(redactor, key, parent, text))
    }
}

fn decide(redactor: &mut Redactor, key: &[u8], parent: &[u8], text: &mut Vec<u8>) -> KnownKey {
    text.clear();
    let around = (!parent.is_empty()).then_some(parent);
    let says = redactor.rules().key_facts(key, around);
    let outcome = redactor.value(KeyClass::Plain, key, false, text);
    KnownKey { says, is_dirty: outcome == RedactOutcome::Replaced }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use ringseal_redact::Rules;

    #[test]
    fn cached_decisions_equal_uncached_ones() {
        let rules = Arc::new(Rules::standard());
        let mut redactor = Redactor::new(Arc::clone(&rules));
        let mut known = Keys::new();
        let long = "a".repeat(70) + "_password";
        let keys = ["", "password", "name", "count", "ann@example.com", long.as_str(), "größe"];
        for _ in 0..3 {
            for key in keys {
                for parent in ["", "service", "customer"] {
                    let facts = known.facts(&mut redactor, key.as_bytes(), parent.as_bytes());
                    let around = (!parent.is_empty()).then_some(parent.as_bytes());
                    assert_eq!(
                        facts.says,
                        rules.key_facts(key.as_bytes(), around),
                        "{key} {parent}"
                    );
                    assert_eq!(facts.is_dirty, key.contains('@'), "{key}");
                }
            }
        }
    }
}
