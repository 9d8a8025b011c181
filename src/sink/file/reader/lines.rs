//! A buffer that is split into lines.
//!
//! It is allocated once and grows only for a line that does not fit, up to the line limit. The last few bytes before
//! the next line are kept, so that a reader can detect that the file was replaced.
use std::ops::Range;

use memchr::memchr;

/// How many bytes before the next line are kept for comparison.
const MARK_BYTES: usize = 64;

/// Bytes that were read and not yet returned.
#[derive(Debug)]
pub(super) struct LineBuffer {
    bytes: Vec<u8>,
    /// Where the next line starts.
    start: usize,
    /// No newline between `start` and here.
    scanned: usize,
    /// Where the bytes that were read end.
    end: usize,
    read_bytes: usize,
    line_bytes_max: usize,
    /// Whether the rest of a line that was too long is being skipped.
    skipping: bool,
    lines_cut: u64,
}

impl LineBuffer {
    /// A buffer that asks for `read_bytes` at a time and cuts lines longer than `line_bytes_max`.
    pub(super) fn new(read_bytes: usize, line_bytes_max: usize) -> Self {
        let read_bytes = read_bytes.max(1);
        Self {
            bytes: vec![0; read_bytes + MARK_BYTES],
            start: 0,
            scanned: 0,
            end: 0,
            read_bytes,
            line_bytes_max: line_bytes_max.max(1),
            skipping: false,
            lines_cut: 0,
        }
    }

    /// The next whole line, without its newline.
    pub(super) fn take_line(&mut self) -> Option<Range<usize>> {
        loop {
            let Some(at) = memchr(b'\n', &self.bytes[self.scanned..self.end]) else {
                self.scanned = self.end;
                return self.take_long_line();
            };
            let newline = self.scanned + at;
            let line = self.start..newline;
            self.start = newline + 1;
            self.scanned = self.start;
            if !std::mem::take(&mut self.skipping) {
                return Some(self.cut(line));
            }
        }
    }

    /// Returns the remaining bytes if no newline will follow: the last line of a file that does not end in one. NULs at
    /// its end are reserved space that was never written.
    pub(super) fn take_rest(&mut self) -> Option<Range<usize>> {
        let rest = &self.bytes[self.start..self.end];
        let len = rest.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        let line = self.start..self.start + len;
        self.start = self.end;
        self.scanned = self.end;
        let skipped = std::mem::take(&mut self.skipping);
        (len > 0 && !skipped).then(|| self.cut(line))
    }

    /// Space for more bytes; [`LineBuffer::filled`] must follow.
    pub(super) fn space(&mut self) -> &mut [u8] {
        if self.bytes.len() - self.end < self.read_bytes {
            self.make_space();
        }
        let space_end = self.bytes.len().min(self.end + self.read_bytes);
        &mut self.bytes[self.end..space_end]
    }

    /// Reports how many bytes of the space were filled.
    pub(super) fn filled(&mut self, len: usize) {
        self.end = (self.end + len).min(self.bytes.len());
    }

    /// Drops the unfinished line, which will be read again from its start; returns its length.
    pub(super) fn rewind(&mut self) -> usize {
        let unfinished = self.unfinished();
        self.end = self.start;
        self.scanned = self.start;
        unfinished
    }

    /// Drops everything: another file follows, or the same one from its start.
    pub(super) fn reset(&mut self) {
        (self.start, self.scanned, self.end) = (0, 0, 0);
        self.skipping = false;
    }

    /// Bytes read after the last returned line.
    pub(super) fn unfinished(&self) -> usize {
        self.end - self.start
    }

    /// The last bytes before the next line, as many as are still in the buffer.
    pub(super) fn mark(&self) -> &[u8] {
        &self.bytes[self.start.saturating_sub(MARK_BYTES)..self.start]
    }

    /// The bytes of a returned range.
    pub(super) fn get(&self, range: Range<usize>) -> &[u8] {
        self.bytes.get(range).unwrap_or_default()
    }

    /// Lines that were cut at the limit.
    pub(super) fn lines_cut(&self) -> u64 {
        self.lines_cut
    }

    fn cut(&mut self, line: Range<usize>) -> Range<usize> {
        if line.len() <= self.line_bytes_max {
            return line;
        }
        self.lines_cut += 1;
        line.start..line.start + self.line_bytes_max
    }

    /// Handles a buffer without a newline: returns the start of a line that exceeds the limit, or skips more of the
    /// remainder of such a line.
    fn take_long_line(&mut self) -> Option<Range<usize>> {
        if self.skipping {
            self.start = self.end;
            return None;
        }
        if self.unfinished() <= self.line_bytes_max {
            return None;
        }
        let line = self.start..self.end;
        self.start = self.end;
        self.skipping = true;
        Some(self.cut(line))
    }

    fn make_space(&mut self) {
        let keep_from = self.start.saturating_sub(MARK_BYTES);
        self.bytes.copy_within(keep_from..self.end, 0);
        self.start -= keep_from;
        self.scanned -= keep_from;
        self.end -= keep_from;
        if self.bytes.len() - self.end <= self.read_bytes / 2 {
            // A long line: double, so that each byte is copied a constant number of times on average.
            self.bytes.resize(self.bytes.len() * 2, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The reference: split, then cut.
    fn oracle(text: &[u8], line_bytes_max: usize) -> Vec<Vec<u8>> {
        let mut lines: Vec<Vec<u8>> =
            text.split(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect();
        if lines.last().is_some_and(Vec::is_empty) {
            lines.pop();
        }
        lines.iter_mut().for_each(|line| line.truncate(line_bytes_max));
        lines
    }

    fn cut_up(text: &[u8], read_bytes: usize, line_bytes_max: usize) -> Vec<Vec<u8>> {
        let mut buffer = LineBuffer::new(read_bytes, line_bytes_max);
        let mut lines = Vec::new();
        let mut from = text;
        loop {
            while let Some(line) = buffer.take_line() {
                lines.push(buffer.get(line).to_vec());
            }
            if from.is_empty() {
                break;
            }
            let space = buffer.space();
            let len = space.len().min(from.len());
            space[..len].copy_from_slice(&from[..len]);
            buffer.filled(len);
            from = &from[len..];
        }
        if let Some(line) = buffer.take_rest() {
            lines.push(buffer.get(line).to_vec());
        }
        lines
    }

    #[test]
    fn every_read_size_matches_split() {
        let texts: [&[u8]; 7] = [
            b"",
            b"\n",
            b"a",
            b"a\n\nbc\n",
            b"one\ntwo two two two\n\nthree",
            b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\nb\n",
            b"x\naaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        ];
        for text in texts {
            for read_bytes in 1..40 {
                for line_bytes_max in [1, 2, 3, 7, 20, 83, 1000] {
                    assert_eq!(
                        cut_up(text, read_bytes, line_bytes_max),
                        oracle(text, line_bytes_max),
                        "{read_bytes} {line_bytes_max} {:?}",
                        String::from_utf8_lossy(text)
                    );
                }
            }
        }
    }

    #[test]
    fn memory_stays_constant_over_many_lines() {
        let mut buffer = LineBuffer::new(128, 1000);
        let before = buffer.bytes.len();
        for turn in 0..10_000 {
            let len = 30 + turn % 30;
            let space = buffer.space();
            space[..len].fill(b'x');
            space[len / 2] = b'\n';
            buffer.filled(len);
            while buffer.take_line().is_some() {}
        }
        assert_eq!(buffer.bytes.len(), before);
    }
}
