//! Maps whose keys may stand twice: the last one counts, as in every JSON reader.
use crate::core::value::{Entries, ReadError, ValueRef};

/// Up to this many entries are compared with each other; more are sorted by hash first.
const PAIRWISE_MAX: usize = 16;

/// Room to find repeated keys in, reused from event to event. Nested maps stack on top of each other.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    hashes: Vec<(u64, u32)>,
}

impl Scratch {
    /// Calls `visit` with every entry whose key does not stand again later.
    pub(super) fn each_last<'a>(
        &mut self,
        entries: Entries<'a>,
        mut visit: impl FnMut(&mut Self, &'a [u8], ValueRef<'a>) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let count = entries.take(PAIRWISE_MAX + 1).count();
        if count <= PAIRWISE_MAX {
            return self.pairwise(entries, visit);
        }
        let base = self.hashes.len();
        for (index, entry) in entries.enumerate() {
            self.hashes.push((hash(entry?.0), index as u32));
        }
        self.hashes[base..].sort_unstable();
        let end = self.hashes.len();
        for (index, entry) in entries.enumerate() {
            let (key, value) = entry?;
            if !self.stands_later(base..end, entries, key, index as u32) {
                visit(self, key, value)?;
            }
        }
        self.hashes.truncate(base);
        Ok(())
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

    fn stands_later(
        &self,
        range: std::ops::Range<usize>,
        entries: Entries<'_>,
        key: &[u8],
        index: u32,
    ) -> bool {
        let sorted = &self.hashes[range];
        let wanted = hash(key);
        let from = sorted.partition_point(|&entry| entry <= (wanted, index));
        sorted[from..].iter().take_while(|&&(hash, _)| hash == wanted).any(|&(_, later)| {
            let other = entries.clone().nth(later as usize);
            other.is_some_and(|other| other.is_ok_and(|(other, _)| other == key))
        })
    }
}

fn hash(key: &[u8]) -> u64 {
    key.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::limits::Limits;
    use crate::core::value::ValueWriter;

    fn last(keys: &[&str]) -> Vec<(String, u64)> {
        let mut bytes = vec![0; 1 << 20];
        let mut out = ValueWriter::new(&mut bytes, Limits::default());
        for (index, key) in keys.iter().enumerate() {
            out.entry(key, &(index as u64));
        }
        let len = out.len_bytes();
        let mut seen = Vec::new();
        let mut scratch = Scratch::default();
        scratch
            .each_last(Entries(&bytes[..len]), |_, key, value| {
                let ValueRef::U64(index) = value else { panic!("{value:?}") };
                seen.push((String::from_utf8(key.to_vec()).unwrap(), index));
                Ok(())
            })
            .unwrap();
        assert!(scratch.hashes.is_empty());
        seen
    }

    #[test]
    fn the_last_of_a_repeated_key_counts_in_small_and_large_maps() {
        assert_eq!(last(&["a", "b", "a"]), [("b".into(), 1), ("a".into(), 2)]);
        for count in [15u64, 16, 17, 18, 500] {
            let names: Vec<String> = (0..count).map(|index| format!("k{}", index % 7)).collect();
            let keys: Vec<&str> = names.iter().map(String::as_str).collect();
            let expected: Vec<(String, u64)> =
                (count - 7..count).map(|index| (format!("k{}", index % 7), index)).collect();
            assert_eq!(last(&keys), expected, "{count} entries");
        }
    }
}
