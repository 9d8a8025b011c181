//! Splits a stream into lines and records their original lengths.
use std::io::{self, Read};

use memchr::memchr;

/// Bytes requested by one read.
const READ_BYTES: usize = 256 * 1024;

/// One line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line<'a> {
    /// Without its line end (`\n` or `\r\n`); cut at a character if it was too long.
    pub(super) bytes: &'a [u8],
    /// Original length, without its line end.
    pub(super) original_bytes: u64,
    /// Bytes read from the stream, line end included.
    pub(super) read_bytes: u64,
}

/// Reads large chunks and returns lines.
#[derive(Debug)]
pub(super) struct LineSplitter {
    chunk: Vec<u8>,
    /// The part of `chunk` that has not been returned.
    start: usize,
    end: usize,
    /// The beginning of a line from earlier chunks, up to the limit.
    begun: Vec<u8>,
    /// Bytes of that line, those past the limit included.
    begun_bytes: u64,
    begun_last: Option<u8>,
    line_bytes_max: usize,
    ended: bool,
}

impl LineSplitter {
    pub(super) fn new(line_bytes_max: usize) -> Self {
        Self {
            chunk: vec![0; READ_BYTES],
            start: 0,
            end: 0,
            begun: Vec::new(),
            begun_bytes: 0,
            begun_last: None,
            line_bytes_max,
            ended: false,
        }
    }

    /// The next line; `None` at the end of the stream.
    pub(super) fn next_line(&mut self, from: &mut dyn Read) -> io::Result<Option<Line<'_>>> {
        if self.begun_bytes == 0 {
            self.begun.clear();
        }
        loop {
            if let Some(len) = memchr(b'\n', &self.chunk[self.start..self.end]) {
                let piece = self.start..self.start + len;
                self.start = piece.end + 1;
                return Ok(Some(self.finish(piece, 1)));
            }
            self.keep_rest();
            if self.ended || !self.read(from)? {
                self.ended = true;
                let whole = self.begun_bytes > 0;
                return Ok(if whole { Some(self.finish(0..0, 0)) } else { None });
            }
        }
    }

    fn read(&mut self, from: &mut dyn Read) -> io::Result<bool> {
        self.start = 0;
        self.end = loop {
            match from.read(&mut self.chunk) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result?,
            }
        };
        Ok(self.end > 0)
    }

    /// Saves the beginning of a line whose end has not been read yet.
    fn keep_rest(&mut self) {
        let rest = &self.chunk[self.start..self.end];
        // One byte more than the limit, for the `\r` after a line of exactly that length.
        let room = (self.line_bytes_max + 1).saturating_sub(self.begun.len());
        self.begun.extend_from_slice(&rest[..rest.len().min(room)]);
        self.begun_bytes += rest.len() as u64;
        self.begun_last = rest.last().copied().or(self.begun_last);
        self.start = self.end;
    }

    /// Returns the line that ends with `piece` of the chunk.
    fn finish(&mut self, piece: std::ops::Range<usize>, end_bytes: u64) -> Line<'_> {
        let whole_bytes = self.begun_bytes + piece.len() as u64;
        let last = self.chunk[piece.clone()].last().copied().or(self.begun_last);
        let carriage_return = end_bytes == 1 && last == Some(b'\r');
        let original_bytes = whole_bytes - u64::from(carriage_return);
        let bytes = if self.begun_bytes == 0 {
            &self.chunk[piece]
        } else {
            let room = (self.line_bytes_max + 1).saturating_sub(self.begun.len());
            let len = piece.len().min(room);
            self.begun.extend_from_slice(&self.chunk[piece.start..piece.start + len]);
            &self.begun[..]
        };
        self.begun_bytes = 0;
        self.begun_last = None;
        let kept = self.line_bytes_max.min(usize::try_from(original_bytes).unwrap_or(usize::MAX));
        Line { bytes: cut(bytes, kept), original_bytes, read_bytes: whole_bytes + end_bytes }
    }
}

/// Returns the first `len` bytes, or up to three fewer so that no character is split.
fn cut(bytes: &[u8], len: usize) -> &[u8] {
    if bytes.len() <= len {
        return bytes;
    }
    let is_start = |byte: u8| byte & 0xC0 != 0x80;
    let back = (0..4).find(|back| len.checked_sub(*back).is_some_and(|at| is_start(bytes[at])));
    &bytes[..len - back.unwrap_or(0)]
}
