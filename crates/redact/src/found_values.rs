//! The values of one event that were masked under their keys, for the search of copies in its other values.
//!
//! Fixed size: [`VALUES_MAX`] values with [`BYTES_MAX`] bytes together; what does not fit is not searched for.
//! Allocates on creation only, and never blocks.

use memchr::memmem;

use super::detect::is_within_word;
use super::kind::HitKind;

/// Most values.
const VALUES_MAX: usize = 16;
/// Most bytes of all values.
const BYTES_MAX: usize = 4096;

/// Values, each with the kind of hit that a copy of it is.
pub(crate) struct FoundValues {
    /// Never grows beyond its capacity.
    bytes: Vec<u8>,
    ends: [(u16, HitKind); VALUES_MAX],
    count: usize,
}

impl FoundValues {
    pub(crate) fn new() -> Self {
        let bytes = Vec::with_capacity(BYTES_MAX);
        FoundValues { bytes, ends: [(0, HitKind::Secret); VALUES_MAX], count: 0 }
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.count = 0;
    }

    /// Adds a value, unless it is there or does not fit.
    pub(crate) fn add(&mut self, value: &[u8], kind: HitKind) {
        let len = self.bytes.len() + value.len();
        if self.count == VALUES_MAX
            || len > BYTES_MAX
            || self.iter().any(|(known, _)| known == value)
        {
            return;
        }
        self.bytes.extend_from_slice(value);
        // At most `BYTES_MAX`.
        self.ends[self.count] = (len as u16, kind);
        self.count += 1;
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], HitKind)> {
        let mut start = 0;
        self.ends[..self.count].iter().map(move |&(end, kind)| {
            let value = &self.bytes[start..usize::from(end)];
            start = usize::from(end);
            (value, kind)
        })
    }

    /// Whether one of the values occurs in `bytes`, also as a part of a word.
    pub(crate) fn may_occur_in(&self, bytes: &[u8]) -> bool {
        self.iter().any(|(value, _)| memmem::find(bytes, value).is_some())
    }

    /// Whether one of the values occurs in `text`.
    pub(crate) fn occur_in(&self, text: &[u8]) -> bool {
        self.iter().any(|(value, _)| {
            memmem::find_iter(text, value).any(|pos| !is_within_word(text, pos, value))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_do_not_fit_are_left_out() {
        let mut found = FoundValues::new();
        let capacity = found.bytes.capacity();
        found.add(&[b'a'; BYTES_MAX], HitKind::Secret);
        found.add(b"hunter2x", HitKind::Secret);
        assert_eq!(found.iter().count(), 1);
        found.clear();
        for i in 0..3 * VALUES_MAX {
            found.add(format!("value-{}", i / 2).as_bytes(), HitKind::Name);
        }
        assert_eq!((found.iter().count(), found.bytes.capacity()), (VALUES_MAX, capacity));
        assert!(found.occur_in(b"x value-3.") && !found.occur_in(b"xvalue-3 value-31"));
    }
}
