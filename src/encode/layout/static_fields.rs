//! Fields of every line, for the layout `json`.
//!
//! Promises: they are rendered when they are set, and become a part of the constants of each call site's lines. An
//! event costs only the copy of their bytes. A line whose event has a bound field with the same key is written in a
//! slower way.
use super::key_bits;
use crate::encode::Out;

/// Fields of every line.
#[derive(Debug, Default)]
pub(super) struct StaticFields {
    /// The entries of a map.
    pub(super) entries: Vec<u8>,
    pub(super) key_bits: u64,
    /// Key, and the member with its comma; empty if it is left out.
    members: Vec<(Vec<u8>, Vec<u8>)>,
}

impl StaticFields {
    pub(super) fn new(entries: &[u8], members: Vec<(Vec<u8>, Vec<u8>)>) -> Self {
        Self { entries: entries.to_vec(), key_bits: key_bits(entries), members }
    }

    /// The member of this key with its comma; empty if there is none.
    pub(super) fn member(&self, key: &[u8]) -> &[u8] {
        let found = self.members.iter().find(|(other, _)| other == key);
        found.map_or(&[], |(_, member)| member)
    }

    /// Writes all that are not `excluded`.
    pub(super) fn write(&self, out: &mut Out<'_>, excluded: &dyn Fn(&[u8]) -> bool) {
        for (key, member) in &self.members {
            if !excluded(key) {
                out.raw(member);
            }
        }
    }
}
