//! A batch of encoded lines for the sinks.
//!
//! Promises: memory is allocated once, at construction; `clear` keeps it. The buffer grows only for a line that is
//! longer than the free space (counted by the writer, not expected in steady state). Nothing blocks. A crash loses
//! the batch.

/// Whole lines, each ending in one `\n`, in one buffer, with the offset of each end.
#[derive(Debug, Default)]
pub struct Batch {
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

impl Batch {
    /// An empty batch with space for `bytes_max` bytes and `lines_max` lines.
    pub fn with_capacity(bytes_max: usize, lines_max: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes_max), ends: Vec::with_capacity(lines_max) }
    }

    /// The bytes, for an encoder to append one line to; [`Batch::end_line`] must follow.
    pub fn bytes_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Marks the bytes appended since the last call as one line. They must end in `\n`.
    pub fn end_line(&mut self) {
        debug_assert_eq!(self.bytes.last(), Some(&b'\n'));
        self.ends.push(self.bytes.len() as u32);
    }

    /// Appends copies of whole lines. The batch must not hold part of a line.
    pub fn append(&mut self, lines: Lines<'_>) {
        debug_assert_eq!(self.bytes.len(), self.lines().bytes.len());
        let start = self.bytes.len() as u32;
        self.bytes.extend_from_slice(lines.bytes);
        self.ends.extend(lines.ends.iter().map(|end| start + (end - lines.base)));
    }

    /// Removes the bytes appended since the last whole line.
    pub fn abandon_line(&mut self) {
        self.bytes.truncate(self.ends.last().map_or(0, |&end| end as usize));
    }

    /// Empties the batch and keeps its memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// Whether it has no whole line.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Bytes that fit before the buffer has to grow.
    pub fn capacity_bytes(&self) -> usize {
        self.bytes.capacity()
    }

    /// Bytes of whole lines and of the one being written.
    pub fn len_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// All whole lines.
    pub fn lines(&self) -> Lines<'_> {
        let len = self.ends.last().map_or(0, |&end| end as usize);
        Lines { bytes: &self.bytes[..len], ends: &self.ends, base: 0 }
    }
}

/// A borrowed run of whole lines.
#[derive(Debug, Clone, Copy)]
pub struct Lines<'a> {
    bytes: &'a [u8],
    ends: &'a [u32],
    base: u32,
}

impl<'a> Lines<'a> {
    /// The lines' bytes, newlines included.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// How many lines.
    pub fn count(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are no lines.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The end of line `index` (one past its newline), as an offset into [`Lines::bytes`].
    pub fn end(&self, index: usize) -> usize {
        (self.ends[index] - self.base) as usize
    }

    /// How many whole lines fit into the first `len_bytes` bytes.
    pub fn count_within(&self, len_bytes: usize) -> usize {
        self.ends.partition_point(|&end| (end - self.base) as usize <= len_bytes)
    }

    /// Splits into the first `count` lines and the remaining ones.
    pub fn split_at(&self, count: usize) -> (Lines<'a>, Lines<'a>) {
        let cut = if count == 0 { 0 } else { self.end(count - 1) };
        let (head, tail) = self.bytes.split_at(cut);
        let (head_ends, tail_ends) = self.ends.split_at(count);
        (
            Lines { bytes: head, ends: head_ends, base: self.base },
            Lines { bytes: tail, ends: tail_ends, base: self.base + cut as u32 },
        )
    }
}
