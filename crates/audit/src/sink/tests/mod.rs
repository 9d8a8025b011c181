//! Sinks of entries under failures: each entry once, in order, or a typed error.
mod chain;
mod fan_out;
mod log;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod row;
mod scripted;
mod spill;
#[cfg(feature = "sqlite")]
mod sqlite;
mod stream;
#[cfg(feature = "sqlite")]
mod whole;

use chain::Lines;

use super::*;

/// The entries of some lines.
fn sealed(lines: &[String]) -> Vec<SealedEntry<'_>> {
    let numbered = (0..).zip(lines);
    numbered
        .map(|(seq, line)| SealedEntry::new(seq, Lines::unix_nanos(seq), line.as_bytes()))
        .collect()
}

#[test]
fn an_entry_reads_type_and_signatures() {
    let lines = Lines::new(2).lines;
    let [first, second] = sealed(&lines)[..] else { panic!("two entries") };
    assert_eq!(first.event_type(), "user.login");
    assert_eq!(first.prev_signature(), Some("h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
    assert_eq!(second.prev_signature(), first.signature());
    let mut bytes = vec![0];
    bytes.extend_from_slice(first.line);
    assert_eq!(first.leaf[..], <sha2::Sha256 as sha2::Digest>::digest(&bytes)[..]);
    for line in ["", "{}", &lines[0][1..], &lines[0][..lines[0].len() - 1]] {
        let entry = SealedEntry::new(0, 0, line.as_bytes());
        assert!(entry.signature().is_none() || line.starts_with('"'), "{line}");
    }
    assert_eq!(SealedEntry::new(0, 0, b"{\"seq\":0}").event_type(), "");
}

#[test]
fn a_batch_returns_its_entries() {
    let mut lines = Lines::new(3);
    lines.add("a.b", "\"text\":\"ü\"");
    let entries = sealed(&lines.lines);
    let mut batch = EntryBatch::default();
    for _ in 0..2 {
        let costs: usize = entries.iter().map(EntryBatch::cost_bytes).sum();
        entries.iter().for_each(|entry| batch.push(entry));
        assert_eq!(batch.iter().collect::<Vec<_>>(), entries);
        assert_eq!((batch.len(), batch.last_seq(), batch.len_bytes()), (4, Some(3), costs));
        assert_eq!(batch.get(4), None);
        batch.clear();
        assert!(batch.is_empty() && batch.len_bytes() == 0 && batch.last_seq().is_none());
    }
}
