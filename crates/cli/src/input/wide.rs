//! UTF-16 and UTF-32.
use std::io::{self, Read};

/// An encoding with units of two or four bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WideEncoding {
    /// UTF-16, the low byte first.
    Utf16Le,
    /// UTF-16, the high byte first.
    Utf16Be,
    /// UTF-32, the low byte first.
    Utf32Le,
    /// UTF-32, the high byte first.
    Utf32Be,
}

impl WideEncoding {
    /// All of them.
    pub(super) const ALL: [WideEncoding; 4] = [
        WideEncoding::Utf32Le,
        WideEncoding::Utf32Be,
        WideEncoding::Utf16Le,
        WideEncoding::Utf16Be,
    ];

    /// Bytes of a unit.
    pub(super) fn width(self) -> usize {
        match self {
            WideEncoding::Utf16Le | WideEncoding::Utf16Be => 2,
            WideEncoding::Utf32Le | WideEncoding::Utf32Be => 4,
        }
    }

    /// The value of a unit, which must have the right length.
    pub(super) fn unit(self, bytes: &[u8]) -> u32 {
        let join = |sum, byte: &u8| sum << 8 | u32::from(*byte);
        match self {
            WideEncoding::Utf16Le | WideEncoding::Utf32Le => bytes.iter().rev().fold(0, join),
            WideEncoding::Utf16Be | WideEncoding::Utf32Be => bytes.iter().fold(0, join),
        }
    }

    /// Appends `text`, which is UTF-8, in this encoding.
    pub fn encode(self, text: &[u8], out: &mut Vec<u8>) {
        let mut units = [0; 2];
        for character in String::from_utf8_lossy(text).chars() {
            let code = u32::from(character);
            let units = character.encode_utf16(&mut units).iter();
            match self {
                WideEncoding::Utf32Le => out.extend(code.to_le_bytes()),
                WideEncoding::Utf32Be => out.extend(code.to_be_bytes()),
                WideEncoding::Utf16Le => out.extend(units.flat_map(|unit| unit.to_le_bytes())),
                WideEncoding::Utf16Be => out.extend(units.flat_map(|unit| unit.to_be_bytes())),
            }
        }
    }
}

/// Bytes requested by one read.
const READ_BYTES: usize = 64 << 10;

/// Decodes to UTF-8. A byte order mark is decoded like any character. What is not a character becomes U+FFFD.
pub(super) struct WideReader<R> {
    from: R,
    encoding: WideEncoding,
    raw: Vec<u8>,
    /// Bytes in `raw` that are the beginning of a unit.
    begun: usize,
    /// A surrogate whose second half has not been read.
    high: Option<u32>,
    text: Vec<u8>,
    /// The end of the part of `text` that was returned.
    taken: usize,
}

impl<R: Read> WideReader<R> {
    pub(super) fn new(from: R, encoding: WideEncoding) -> Self {
        let (raw, text) = (vec![0; READ_BYTES], Vec::new());
        Self { from, encoding, raw, begun: 0, high: None, text, taken: 0 }
    }

    /// Decodes more; returns false at the end.
    fn fill(&mut self) -> io::Result<bool> {
        self.text.clear();
        self.taken = 0;
        let len = self.from.read(&mut self.raw[self.begun..])?;
        if len == 0 {
            if self.begun > 0 {
                let message = "the text ends inside a character of UTF-16 or UTF-32";
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, message));
            }
            if self.high.take().is_some() {
                push(&mut self.text, char::REPLACEMENT_CHARACTER);
            }
            return Ok(!self.text.is_empty());
        }
        let filled = self.begun + len;
        let width = self.encoding.width();
        let whole = filled - filled % width;
        for at in (0..whole).step_by(width) {
            let unit = self.encoding.unit(&self.raw[at..at + width]);
            self.decode(unit);
        }
        self.raw.copy_within(whole..filled, 0);
        self.begun = filled - whole;
        Ok(true)
    }

    fn decode(&mut self, unit: u32) {
        if let Some(high) = self.high.take() {
            if let 0xDC00..=0xDFFF = unit {
                let code = 0x10000 + ((high - 0xD800) << 10) + (unit - 0xDC00);
                let character = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
                return push(&mut self.text, character);
            }
            push(&mut self.text, char::REPLACEMENT_CHARACTER);
        }
        if self.encoding.width() == 2 && (0xD800..=0xDBFF).contains(&unit) {
            self.high = Some(unit);
            return;
        }
        push(&mut self.text, char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER));
    }
}

fn push(text: &mut Vec<u8>, character: char) {
    text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}

impl<R: Read> Read for WideReader<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.text.len() {
            if !self.fill()? {
                return Ok(0);
            }
        }
        let len = to.len().min(self.text.len() - self.taken);
        to[..len].copy_from_slice(&self.text[self.taken..self.taken + len]);
        self.taken += len;
        Ok(len)
    }
}
