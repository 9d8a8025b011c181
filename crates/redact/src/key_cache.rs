//! A cache of decisions about dynamic keys, by key and enclosing key.
//!
//! Direct-mapped with a fixed size: nothing is allocated after its creation. A stream of new keys costs one decision
//! per key and no memory.
use ringseal_base::fnv::fnv1a;

/// Bytes of a key and its enclosing key that fit in a slot.
const KEY_BYTES_MAX: usize = 62;

#[derive(Debug, Clone, Copy)]
struct Slot<T> {
    key_len: u8,
    parent_len: u8,
    known: T,
    bytes: [u8; KEY_BYTES_MAX],
}

/// Cached values by key and enclosing key, which is empty if there is none.
#[derive(Debug)]
pub struct KeyCache<T> {
    /// An empty slot has the lengths of the empty key, for which the default value is correct.
    slots: Vec<Slot<T>>,
}

impl<T: Copy + Default> KeyCache<T> {
    /// A cache of `slots`, a power of two. The default must be the correct value for the empty key.
    pub fn new(slots: usize) -> Self {
        debug_assert!(slots.is_power_of_two());
        let empty =
            Slot { key_len: 0, parent_len: 0, known: T::default(), bytes: [0; KEY_BYTES_MAX] };
        Self { slots: vec![empty; slots] }
    }

    /// Clears the cache: the rules have changed.
    pub fn clear(&mut self) {
        for slot in &mut self.slots {
            (slot.key_len, slot.parent_len, slot.known) = (0, 0, T::default());
        }
    }

    /// The cached value for `key` below `parent`, or else the result of `decide`.
    #[inline]
    pub fn get(&mut self, key: &[u8], parent: &[u8], decide: impl FnOnce() -> T) -> T {
        let index = hash(key, parent) as usize & (self.slots.len() - 1);
        let Some(slot) = self.slots.get_mut(index) else { return decide() };
        let (key_len, parent_len) = (usize::from(slot.key_len), usize::from(slot.parent_len));
        let (known, known_parent) = slot.bytes[..key_len + parent_len].split_at(key_len);
        if known == key && known_parent == parent {
            return slot.known;
        }
        let decided = decide();
        if let Some(bytes) = slot.bytes.get_mut(..key.len() + parent.len()) {
            // Both fit in a byte: together they are at most `KEY_BYTES_MAX`.
            (slot.key_len, slot.parent_len) = (key.len() as u8, parent.len() as u8);
            let (to_key, to_parent) = bytes.split_at_mut(key.len());
            to_key.copy_from_slice(key);
            to_parent.copy_from_slice(parent);
            slot.known = decided;
        }
        decided
    }
}

/// FNV-1a over both keys, separated by a byte that does not occur in text. Only the last bytes of long keys are hashed:
/// they do not get a slot anyway.
#[inline]
fn hash(key: &[u8], parent: &[u8]) -> u64 {
    let last = |text: &'_ [u8]| text.len().saturating_sub(KEY_BYTES_MAX);
    let bytes = key[last(key)..].iter().chain([&0xFF]).chain(&parent[last(parent)..]);
    let hash = fnv1a(bytes.copied());
    hash ^ hash >> 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_share_a_slot_are_distinguished() {
        let mut cache = KeyCache::new(16);
        let mut asked = 0;
        let long = |end: char| "a".repeat(70) + &end.to_string();
        for round in 0..3 {
            for number in 0..100usize {
                for (key, parent) in [
                    (format!("k{number}"), String::new()),
                    (String::new(), format!("k{number}")),
                    (format!("k{number}"), "p".into()),
                    (long('x'), format!("{number}")),
                    (long('y'), format!("{number}")),
                ] {
                    let decided =
                        key.len() * 1000 + parent.len() * 10 + usize::from(key.ends_with('x'));
                    let decide = || {
                        asked += 1;
                        decided
                    };
                    assert_eq!(
                        cache.get(key.as_bytes(), parent.as_bytes(), decide),
                        decided,
                        "{round}"
                    );
                }
            }
        }
        assert!(asked > 1000);
        assert_eq!(cache.get(b"once", b"", || 7), 7);
        assert_eq!(cache.get(b"once", b"", || unreachable!()), 7);
        cache.clear();
        assert_eq!(cache.get(b"once", b"", || 8), 8, "nothing is left");
        assert_eq!(cache.get(b"", b"", || unreachable!()), 0, "the default");
    }
}
