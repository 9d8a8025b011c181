//! Reads whole lines from a stream in bounded memory.
//!
//! All bytes that were read are returned at once, up to the last newline, so that a slow stream is not delayed. A line
//! that is too long is not kept: it is counted and discarded.
use std::io::{self, Read};

/// Bytes requested by one read, while lines are short.
const READ_BYTES: usize = 256 << 10;

/// The next piece of the input.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Chunk<'a> {
    /// Whole lines with their newlines; only the last one of the stream may lack its own.
    Lines(&'a [u8]),
    /// A line that exceeds the limit.
    TooLong(TooLong),
}

/// The properties of a line that was too long.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct TooLong {
    /// Its length, without the newline.
    pub(super) bytes: u64,
    /// Whether it starts like JSON.
    pub(super) is_json: bool,
    pub(super) has_newline: bool,
}

/// The lines of a stream.
#[derive(Debug)]
pub(super) struct LineReader<R> {
    from: R,
    buffer: Vec<u8>,
    /// The end of the part that was returned.
    taken: usize,
    /// The end of the whole lines.
    whole: usize,
    /// The end of the filled part.
    filled: usize,
    line_bytes_max: usize,
    /// The state within a line that is too long.
    too_long: Option<TooLong>,
    at_end: bool,
}

impl<R: Read> LineReader<R> {
    pub(super) fn new(from: R, line_bytes_max: usize) -> Self {
        let buffer = vec![0; READ_BYTES];
        let (taken, whole, filled) = (0, 0, 0);
        Self { from, buffer, taken, whole, filled, line_bytes_max, too_long: None, at_end: false }
    }

    /// The next piece, or `None` at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Chunk<'_>>> {
        loop {
            if self.too_long.is_some() {
                if let Some(line) = self.skip_too_long() {
                    return Ok(Some(Chunk::TooLong(line)));
                }
            } else if self.taken < self.whole {
                let start = self.taken;
                self.taken = self.short_lines_end();
                if self.taken > start {
                    return Ok(Some(Chunk::Lines(&self.buffer[start..self.taken])));
                }
                self.begin_too_long();
                continue;
            } else if !self.at_end && self.filled - self.taken > self.line_bytes_max {
                self.begin_too_long();
                continue;
            }
            if self.at_end {
                return Ok(None);
            }
            self.read()?;
        }
    }

    /// The end of the whole lines from `taken` on that are short enough. The result for a line does not depend on how
    /// much was read with it.
    fn short_lines_end(&self) -> usize {
        let mut at = self.taken;
        while at < self.whole {
            // Every line that ends within this range is short enough; a line that fills it is not.
            let window_end = self.whole.min(at.saturating_add(self.line_bytes_max + 1));
            let window = &self.buffer[at..window_end];
            match memchr::memrchr(b'\n', window) {
                Some(newline) => at += newline + 1,
                // The last line of the stream may lack its newline.
                None if window.len() <= self.line_bytes_max => at = window_end,
                None => break,
            }
        }
        at
    }

    fn begin_too_long(&mut self) {
        let line = &self.buffer[self.taken..self.filled];
        let first = line.iter().find(|byte| !byte.is_ascii_whitespace());
        let is_json = matches!(first, Some(b'{' | b'[' | b'"'));
        self.too_long = Some(TooLong { bytes: 0, is_json, has_newline: false });
    }

    /// Discards more of a line that is too long; returns the line's properties at its end.
    fn skip_too_long(&mut self) -> Option<TooLong> {
        let mut line = self.too_long.take()?;
        let rest = &self.buffer[self.taken..self.filled];
        let newline = memchr::memchr(b'\n', rest);
        line.bytes += newline.unwrap_or(rest.len()) as u64;
        line.has_newline = newline.is_some();
        self.taken = newline.map_or(self.filled, |at| self.taken + at + 1);
        if line.has_newline || self.at_end {
            return Some(line);
        }
        self.too_long = Some(line);
        None
    }

    fn read(&mut self) -> io::Result<()> {
        self.buffer.copy_within(self.taken..self.filled, 0);
        self.filled -= self.taken;
        (self.taken, self.whole) = (0, 0);
        if self.buffer.len() - self.filled < READ_BYTES / 4 {
            let len = (self.buffer.len() * 2).min(self.line_bytes_max + READ_BYTES);
            self.buffer.resize(len.max(self.filled + READ_BYTES / 4), 0);
        }
        let len = loop {
            match self.from.read(&mut self.buffer[self.filled..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result?,
            }
        };
        let new = &self.buffer[self.filled..self.filled + len];
        let newline = memchr::memrchr(b'\n', new);
        self.whole = newline.map_or(0, |at| self.filled + at + 1);
        self.filled += len;
        self.at_end = len == 0;
        if self.at_end {
            self.whole = self.filled;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Returns at most this many bytes per read.
    struct SlowReader<'a>(&'a [u8], usize);

    impl Read for SlowReader<'_> {
        fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
            let len = to.len().min(self.1).min(self.0.len());
            to[..len].copy_from_slice(&self.0[..len]);
            self.0 = &self.0[len..];
            Ok(len)
        }
    }

    /// The lines of `text` (too long ones as their length), and the buffer size that was used.
    fn lines(text: &[u8], at_once: usize, max: usize) -> (Vec<Result<Vec<u8>, TooLong>>, usize) {
        let mut feed = LineReader::new(SlowReader(text, at_once), max);
        let mut all = Vec::new();
        while let Some(step) = feed.next().expect("no error") {
            match step {
                Chunk::Lines(lines) => {
                    all.extend(
                        lines.split_inclusive(|b| *b == b'\n').map(|line| Ok(line.to_vec())),
                    );
                }
                Chunk::TooLong(line) => all.push(Err(line)),
            }
        }
        (all, feed.buffer.len())
    }

    proptest! {
        #[test]
        fn lines_come_whole_and_in_order(
            text in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(0), any::<u8>()], 0..200),
            at_once in 1_usize..50,
        ) {
            let want: Vec<_> = text.split_inclusive(|b| *b == b'\n').map(|l| Ok(l.to_vec())).collect();
            prop_assert_eq!(lines(&text, at_once, 1 << 20).0, want);
        }
    }

    proptest! {
        #[test]
        fn the_line_limit_does_not_depend_on_reads(
            text in proptest::collection::vec(prop_oneof![1 => Just(b'\n'), 3 => Just(b'{')], 0..200),
            at_once in prop_oneof![1_usize..50, Just(1000)],
            max in 1_usize..12,
        ) {
            let mut want = Vec::new();
            for line in text.split_inclusive(|b| *b == b'\n') {
                let content = line.strip_suffix(b"\n").unwrap_or(line);
                want.push(match content.len() > max {
                    false => Ok(line.to_vec()),
                    true => Err(TooLong {
                        bytes: content.len() as u64,
                        is_json: true,
                        has_newline: content.len() < line.len(),
                    }),
                });
            }
            prop_assert_eq!(lines(&text, at_once, max).0, want);
        }
    }

    #[test]
    fn too_long_lines_are_counted_but_not_held() {
        let long = [b'{'].repeat(5 << 20);
        for newline in [&b""[..], b"\n"] {
            let text = [b"a\n", &long[..], newline].concat();
            let (all, room) = lines(&text, 100_000, 1 << 20);
            let line = TooLong { bytes: 5 << 20, is_json: true, has_newline: !newline.is_empty() };
            assert_eq!(all, [Ok(b"a\n".to_vec()), Err(line)]);
            assert!(room <= (1 << 20) + READ_BYTES, "{room}");
        }
        let text = [&long[..], b"\nb\nc"].concat();
        let (all, _) = lines(&text, 1 << 16, 1 << 20);
        assert_eq!(all[1..], [Ok(b"b\n".to_vec()), Ok(b"c".to_vec())]);
        // The longest line that is short enough.
        let (all, _) = lines(&long, 1 << 16, 5 << 20);
        assert_eq!(all, [Ok(long.clone())]);
    }
}
