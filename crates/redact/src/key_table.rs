//! One table of all words of the key decision, built by the compiler.
//!
//! Open addressing over a hash of the whole word. A look-up reads one or two slots; nothing is allocated.

use super::key_words::{GROUPS, Group, PAIRED, PAIRS};
use super::kind::KeyClass;

/// What a word means in a key: flags of [`super::key_words`], and the class that it tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Role {
    pub(crate) is: u32,
    pub(crate) class: KeyClass,
}

impl Role {
    /// The role of a word that is not in the table.
    pub(crate) const UNKNOWN: Role = Role { is: 0, class: KeyClass::Plain };

    /// Whether the word has one of these meanings.
    #[inline]
    pub(crate) fn has(self, flag: u32) -> bool {
        self.is & flag != 0
    }
}

/// A power of two, at least twice the number of words.
const SLOTS: usize = 4096;

struct Slot {
    word: &'static [u8],
    role: Role,
}

const EMPTY: Slot = Slot { word: &[], role: Role::UNKNOWN };

static TABLE: [Slot; SLOTS] = build();

const fn build() -> [Slot; SLOTS] {
    let mut table = [EMPTY; SLOTS];
    let mut count = 0;
    let mut group = 0;
    while group < GROUPS.len() {
        let Group { is, class, words } = &GROUPS[group];
        let mut i = 0;
        while i < words.len() {
            count += add(&mut table, words[i].as_bytes(), Role { is: *is, class: *class });
            i += 1;
        }
        group += 1;
    }
    let mut pairs = 0;
    while pairs < PAIRS.len() {
        let words = PAIRS[pairs].lasts;
        let mut i = 0;
        while i < words.len() {
            let role = Role { is: PAIRED, class: KeyClass::Plain };
            count += add(&mut table, words[i].as_bytes(), role);
            i += 1;
        }
        pairs += 1;
    }
    assert!(count * 2 <= SLOTS);
    table
}

/// Adds a meaning to a word; returns 1 if the word is new.
const fn add(table: &mut [Slot; SLOTS], word: &'static [u8], role: Role) -> usize {
    let mut at = hash(word) & (SLOTS - 1);
    while !table[at].word.is_empty() {
        if is_equal(table[at].word, word) {
            let known = &mut table[at].role;
            known.is |= role.is;
            if !matches!(role.class, KeyClass::Plain) {
                // Each word tells one class.
                assert!(matches!(known.class, KeyClass::Plain));
                known.class = role.class;
            }
            return 0;
        }
        at = (at + 1) & (SLOTS - 1);
    }
    table[at] = Slot { word, role };
    1
}

const fn is_equal(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}

/// Adds a byte before those that were hashed: the hashes of all endings of a word are found in one pass.
#[inline]
pub(crate) const fn hash_before(hash: u32, byte: u8) -> u32 {
    (hash.rotate_left(5) ^ byte as u32).wrapping_mul(0x9E37_79B1)
}

/// The slot of a hash.
#[inline]
const fn slot_of(hash: u32) -> usize {
    (hash >> 20) as usize
}

const fn hash(word: &[u8]) -> usize {
    let mut hash = 0;
    let mut i = word.len();
    while i > 0 {
        i -= 1;
        hash = hash_before(hash, word[i]);
    }
    slot_of(hash)
}

/// The role of `word`, whose bytes from last to first have this hash.
#[inline]
pub(crate) fn role_of_hashed(word: &[u8], hash: u32) -> Role {
    let mut at = slot_of(hash) & (SLOTS - 1);
    loop {
        let Slot { word: known, role } = &TABLE[at];
        if known.is_empty() {
            return Role::UNKNOWN;
        }
        if *known == word {
            return *role;
        }
        at = (at + 1) & (SLOTS - 1);
    }
}

/// The role of `word`, in lower case, or of its singular.
pub(crate) fn role(word: &[u8]) -> Role {
    let role = exact(word);
    match word {
        [one @ .., b's'] if role == Role::UNKNOWN && one.len() > 1 => exact(one),
        _ => role,
    }
}

fn exact(word: &[u8]) -> Role {
    let hash = word.iter().rev().fold(0, |hash, &byte| hash_before(hash, byte));
    role_of_hashed(word, hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_has_the_role_of_its_groups() {
        for group in GROUPS {
            for word in group.words {
                let role = role(word.as_bytes());
                assert_eq!(role.is & group.is, group.is, "{word}");
                if group.class != KeyClass::Plain {
                    assert_eq!(role.class, group.class, "{word}");
                }
            }
        }
        assert_eq!(role(b"monkey"), Role::UNKNOWN);
        assert_eq!(role(b""), Role::UNKNOWN);
        assert_eq!(role(b"passwords"), role(b"password"));
    }
}
