//! Sealed entries and batches of them.
use crate::entry::{PREV_KEY, SIGNATURE_BYTES, SIGNATURE_KEY, SUFFIX_BYTES};
use crate::merkle::leaf_hash;

/// A signed and hashed entry of the log; it never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealedEntry<'a> {
    /// Its sequence number, from 0.
    pub seq: u64,
    /// Its time, nanoseconds since 1970.
    pub unix_nanos: i64,
    /// Its exact line, without the newline.
    pub line: &'a [u8],
    /// SHA-256 of a zero byte and the line (RFC 6962, section 2.1).
    pub leaf: [u8; 32],
}

impl<'a> SealedEntry<'a> {
    /// Creates an entry and computes its leaf hash.
    pub fn new(seq: u64, unix_nanos: i64, line: &'a [u8]) -> Self {
        Self { seq, unix_nanos, line, leaf: leaf_hash(line) }
    }

    /// Its own signature; `None` if the line does not end like an entry.
    pub fn signature(&self) -> Option<&'a str> {
        Some(self.signatures()?.1)
    }

    /// The signature of the preceding entry; `None` if the line does not end like an entry.
    pub fn prev_signature(&self) -> Option<&'a str> {
        Some(self.signatures()?.0)
    }

    pub(super) fn signatures(&self) -> Option<(&'a str, &'a str)> {
        let suffix = self.line.get(self.line.len().checked_sub(SUFFIX_BYTES)?..)?;
        let rest = suffix.strip_prefix(PREV_KEY)?;
        let (previous, rest) = rest.split_at_checked(SIGNATURE_BYTES)?;
        let rest = rest.strip_prefix(b"\"")?.strip_prefix(SIGNATURE_KEY)?;
        let (own, rest) = rest.split_at_checked(SIGNATURE_BYTES)?;
        let text = |bytes| std::str::from_utf8(bytes).ok();
        (rest == b"\"}").then_some((text(previous)?, text(own)?))
    }

    /// Its type, from its place after number and time; empty if the line does not begin like an entry. Use it for
    /// search columns only: verifying parses the whole line.
    pub fn event_type(&self) -> &'a str {
        const KEY: &[u8] = b"\"event_type\":\"";
        // `{"seq":`, 20 digits, `,"timestamp":"`, 30 characters and `",` come before it.
        let head = self.line.get(..self.line.len().min(80 + 128)).unwrap_or_default();
        let at = head.windows(KEY.len()).position(|window| window == KEY);
        let rest = at.and_then(|at| head.get(at + KEY.len()..)).unwrap_or_default();
        let end = rest.iter().position(|&byte| byte == b'"').unwrap_or(0);
        rest.get(..end).and_then(|name| std::str::from_utf8(name).ok()).unwrap_or_default()
    }
}

#[derive(Debug, Clone, Copy)]
struct EntryHead {
    seq: u64,
    unix_nanos: i64,
    leaf: [u8; 32],
    end: usize,
}

/// A batch of entries in one buffer; [`EntryBatch::clear`] keeps the buffer.
#[derive(Debug, Default)]
pub struct EntryBatch {
    bytes: Vec<u8>,
    heads: Vec<EntryHead>,
}

impl EntryBatch {
    /// Adds an entry at the end.
    pub fn push(&mut self, entry: &SealedEntry<'_>) {
        self.bytes.extend_from_slice(entry.line);
        self.heads.push(EntryHead {
            seq: entry.seq,
            unix_nanos: entry.unix_nanos,
            leaf: entry.leaf,
            end: self.bytes.len(),
        });
    }

    /// Entry `index`.
    pub fn get(&self, index: usize) -> Option<SealedEntry<'_>> {
        let head = self.heads.get(index)?;
        let before = index.checked_sub(1).and_then(|before| self.heads.get(before));
        let line = self.bytes.get(before.map_or(0, |before| before.end)..head.end)?;
        Some(SealedEntry { seq: head.seq, unix_nanos: head.unix_nanos, line, leaf: head.leaf })
    }

    /// All entries, in order.
    pub fn iter(&self) -> impl Iterator<Item = SealedEntry<'_>> {
        (0..self.len()).filter_map(|index| self.get(index))
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.heads.len()
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.heads.is_empty()
    }

    /// Bytes held, including bookkeeping.
    pub fn len_bytes(&self) -> usize {
        self.bytes.len() + self.heads.len() * size_of::<EntryHead>()
    }

    /// The number of bytes that an entry adds to [`EntryBatch::len_bytes`].
    pub(super) fn cost_bytes(entry: &SealedEntry<'_>) -> usize {
        entry.line.len() + size_of::<EntryHead>()
    }

    /// The last entry's number.
    pub fn last_seq(&self) -> Option<u64> {
        self.heads.last().map(|head| head.seq)
    }

    /// Removes all entries and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.heads.clear();
    }
}
