//! Maps with repeated keys: the last one counts, as in every JSON reader.
//!
//! Promises: the work is O(n log n) in the number of entries, for any keys. Nothing is allocated once the scratch has
//! seen the largest map.
use ringseal_base::value::{Entries, ReadError, ValueRef};

/// Up to this many entries are compared with each other; more are sorted first.
const PAIRWISE_MAX: usize = 16;

/// In which order entries are visited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// As they are in the record.
    Logged,
    /// By the bytes of their keys.
    ByKey,
}

/// Memory for the search for repeated keys, reused from event to event. Nested maps use it as a stack.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// The offsets of the entries to visit.
    offsets: Vec<u32>,
}

impl Scratch {
    /// Calls `visit` with every entry whose key does not occur again later.
    pub(super) fn for_each_last<'a>(
        &mut self,
        order: Order,
        entries: Entries<'a>,
        visit: impl FnMut(&mut Self, &'a [u8], ValueRef<'a>) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        if order == Order::Logged && entries.take(PAIRWISE_MAX + 1).count() <= PAIRWISE_MAX {
            return self.pairwise(entries, visit);
        }
        let base = self.offsets.len();
        let result = self.sorted(order, entries, base, visit);
        self.offsets.truncate(base);
        result
    }

    fn pairwise<'a>(
        &mut self,
        entries: Entries<'a>,
        mut visit: impl FnMut(&mut Self, &'a [u8], ValueRef<'a>) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let mut rest = entries;
        while let Some(entry) = rest.next() {
            let (key, value) = entry?;
            let mut later = rest;
            if !later.any(|other| other.is_ok_and(|(other, _)| other == key)) {
                visit(self, key, value)?;
            }
        }
        Ok(())
    }

    fn sorted<'a>(
        &mut self,
        order: Order,
        entries: Entries<'a>,
        base: usize,
        mut visit: impl FnMut(&mut Self, &'a [u8], ValueRef<'a>) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let mut rest = entries;
        let mut offset = 0;
        while let Some(entry) = rest.next() {
            entry?;
            self.offsets.push(offset);
            offset = (entries.0.len() - rest.0.len()) as u32;
        }
        let key = |offset: u32| entry_at(entries, offset).map(|(key, _)| key);
        self.offsets[base..].sort_unstable_by(|&one, &other| {
            key(one).ok().cmp(&key(other).ok()).then(one.cmp(&other))
        });
        let end = self.offsets.len();
        let mut kept = base;
        for index in base..end {
            let next = self.offsets.get(index + 1);
            let occurs_later = next.is_some_and(|&next| key(next) == key(self.offsets[index]));
            if !occurs_later {
                self.offsets[kept] = self.offsets[index];
                kept += 1;
            }
        }
        self.offsets.truncate(kept);
        if order == Order::Logged {
            self.offsets[base..].sort_unstable();
        }
        for index in base..kept {
            let (key, value) = entry_at(entries, self.offsets[index])?;
            visit(self, key, value)?;
        }
        Ok(())
    }
}

/// The entry at `offset` bytes of `entries`.
pub(super) fn entry_at(
    entries: Entries<'_>,
    offset: u32,
) -> Result<(&[u8], ValueRef<'_>), ReadError> {
    let bytes = entries.0.get(offset as usize..).unwrap_or_default();
    Entries(bytes).next().unwrap_or(Err(ReadError::Short { expected: 1, found: 0 }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use ringseal_base::limits::Limits;
    use ringseal_base::value::ValueWriter;

    fn entries(keys: &[&str], bytes: &mut Vec<u8>) {
        bytes.resize(1 << 20, 0);
        let mut out = ValueWriter::new(bytes, Limits::default());
        for (index, key) in keys.iter().enumerate() {
            out.entry(key, &(index as u64));
        }
        let len = out.len_bytes();
        bytes.truncate(len);
    }

    fn last(order: Order, keys: &[&str]) -> Vec<(String, u64)> {
        let mut bytes = Vec::new();
        entries(keys, &mut bytes);
        let mut seen = Vec::new();
        let mut scratch = Scratch::default();
        let result = scratch.for_each_last(order, Entries(&bytes), |_, key, value| {
            let ValueRef::U64(index) = value else { panic!("{value:?}") };
            seen.push((String::from_utf8(key.to_vec()).unwrap(), index));
            Ok(())
        });
        assert_eq!(result, Ok(()));
        assert!(scratch.offsets.is_empty());
        seen
    }

    /// Compares each entry with all that follow.
    fn oracle(keys: &[&str]) -> Vec<(String, u64)> {
        let is_last = |index: usize| !keys[index + 1..].contains(&keys[index]);
        let indexes = (0..keys.len()).filter(|&index| is_last(index));
        indexes.map(|index| (keys[index].to_owned(), index as u64)).collect()
    }

    fn check(keys: &[&str]) {
        let mut expected = oracle(keys);
        assert_eq!(last(Order::Logged, keys), expected);
        expected.sort();
        assert_eq!(last(Order::ByKey, keys), expected);
    }

    #[test]
    fn the_last_of_a_repeated_key_counts() {
        check(&["a", "b", "a"]);
        for count in [0, 1, 15, 16, 17, 18, 500] {
            let names: Vec<String> = (0..count).map(|index| format!("k{}", index % 7)).collect();
            check(&names.iter().map(String::as_str).collect::<Vec<_>>());
        }
    }

    #[test]
    fn many_equal_keys_are_one_entry() {
        let keys = vec!["k"; 80_000];
        assert_eq!(last(Order::Logged, &keys), [("k".into(), 79_999)]);
    }

    #[test]
    fn a_truncated_map_is_an_error() {
        let names: Vec<String> = (0..40).map(|index| index.to_string()).collect();
        let mut bytes = Vec::new();
        entries(&names.iter().map(String::as_str).collect::<Vec<_>>(), &mut bytes);
        bytes.pop();
        let mut scratch = Scratch::default();
        for order in [Order::Logged, Order::ByKey] {
            let result = scratch.for_each_last(order, Entries(&bytes), |_, _, _| Ok(()));
            assert!(matches!(result, Err(ReadError::Short { .. })), "{result:?}");
            assert!(scratch.offsets.is_empty());
        }
    }

    proptest! {
        #[test]
        fn any_keys_match_the_oracle(keys in proptest::collection::vec("[a-c]{0,3}", 0..60)) {
            check(&keys.iter().map(String::as_str).collect::<Vec<_>>());
        }
    }
}
