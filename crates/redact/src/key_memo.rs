//! A memory of key decisions: a line with a secret asks for each of its keys several times, and a service logs few
//! different keys.
//!
//! Promises: a fixed size, direct-mapped; nothing is allocated after its creation. It never changes a decision: keys
//! are compared with all their bytes, and a key that is not remembered is decided.

use std::cell::Cell;

use super::kind::KeyClass;
use super::sign_memo::SignMemo;

const SLOTS: usize = 128;
/// Most bytes of a key that is remembered.
const KEY_BYTES_MAX: usize = 46;

/// A key that was decided. A free slot has the empty key, which is never remembered.
#[derive(Debug, Clone, Copy)]
struct Slot {
    len: u8,
    class: KeyClass,
    bytes: [u8; KEY_BYTES_MAX],
}

const FREE: Slot = Slot { len: 0, class: KeyClass::Plain, bytes: [0; KEY_BYTES_MAX] };

/// What is remembered of earlier texts, valid for the same rules.
#[derive(Debug)]
pub(crate) struct Memos {
    /// Keys before signs.
    pub(crate) signs: SignMemo,
    /// Decisions about keys.
    pub(crate) keys: KeyMemo,
}

impl Memos {
    pub(crate) fn new() -> Memos {
        Memos { signs: SignMemo::new(), keys: KeyMemo::new() }
    }

    /// Forgets everything: the rules have changed.
    pub(crate) fn clear(&mut self) {
        self.signs.clear();
        self.keys.clear();
    }
}

/// The decided keys by hash.
#[derive(Debug)]
pub(crate) struct KeyMemo {
    slots: Box<[Slot; SLOTS]>,
}

/// The memory while detectors use it. The default remembers nothing.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct KnownKeys<'a> {
    slots: &'a [Cell<Slot>],
}

impl KeyMemo {
    fn new() -> KeyMemo {
        KeyMemo { slots: Box::new([FREE; SLOTS]) }
    }

    fn clear(&mut self) {
        self.slots.fill(FREE);
    }

    /// Lends the memory to detectors.
    #[inline]
    pub(crate) fn lend(&mut self) -> KnownKeys<'_> {
        KnownKeys { slots: Cell::from_mut(&mut self.slots[..]).as_slice_of_cells() }
    }
}

impl KnownKeys<'_> {
    /// The class of `key`: as remembered, or else the result of `decide`, which is remembered.
    #[inline]
    pub(crate) fn get(self, key: &[u8], decide: impl FnOnce() -> KeyClass) -> KeyClass {
        let Some(cell) = self.slots.get(index(key)) else { return decide() };
        let slot = cell.get();
        if !key.is_empty() && slot.bytes.get(..usize::from(slot.len)) == Some(key) {
            return slot.class;
        }
        let class = decide();
        let mut slot = Slot { class, ..FREE };
        if let Some(bytes) = slot.bytes.get_mut(..key.len()) {
            bytes.copy_from_slice(key);
            // At most `KEY_BYTES_MAX`.
            slot.len = key.len() as u8;
            cell.set(slot);
        }
        class
    }
}

/// The slot of a key, by its first and last eight bytes and its length.
#[inline]
fn index(key: &[u8]) -> usize {
    let (first, last) = match (key.first_chunk::<8>(), key.last_chunk::<8>()) {
        (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
        _ => (key.iter().fold(0, |all, &byte| all << 8 | u64::from(byte)), 0),
    };
    let mixed = first.rotate_left(29) ^ last ^ key.len() as u64;
    (mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 57) as usize % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_is_that_of_the_same_key() {
        let mut memo = KeyMemo::new();
        let class = |key: &str| match key.len() % 3 {
            0 => KeyClass::Password,
            1 => KeyClass::Token,
            _ => KeyClass::Plain,
        };
        let mut decisions = 0;
        for round in 0..3 {
            for number in 0..400usize {
                for key in [
                    format!("k{number}"),
                    format!("customer_{number}_password"),
                    format!("{}{number}", "a_long_name_".repeat(6)),
                    String::new(),
                ] {
                    let decide = || {
                        decisions += 1;
                        class(&key)
                    };
                    let got = memo.lend().get(key.as_bytes(), decide);
                    assert_eq!(got, class(&key), "{key} in round {round}");
                }
            }
        }
        assert!(decisions > 1200);
        let mut again = || memo.lend().get(b"once", || KeyClass::Token);
        assert_eq!((again(), again()), (KeyClass::Token, KeyClass::Token));
        assert_eq!(memo.lend().get(b"once", || unreachable!()), KeyClass::Token);
        memo.clear();
        assert_eq!(memo.lend().get(b"once", || KeyClass::Plain), KeyClass::Plain);
    }

    #[test]
    fn without_a_memory_every_key_is_decided() {
        let none = KnownKeys::default();
        assert_eq!(none.get(b"key", || KeyClass::Token), KeyClass::Token);
        assert_eq!(none.get(b"key", || KeyClass::Plain), KeyClass::Plain);
    }
}
