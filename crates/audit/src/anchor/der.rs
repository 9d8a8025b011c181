//! The part of DER (X.690) that timestamps need: definite, minimal lengths and one-byte tags.
use super::TimestampError;

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const OCTETS: u8 = 0x04;
pub(super) const NULL: u8 = 0x05;
pub(super) const OID: u8 = 0x06;
pub(super) const UTF8: u8 = 0x0c;
pub(super) const TIME: u8 = 0x18;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;
/// `[n]`, constructed.
pub(super) const fn context(number: u8) -> u8 {
    0xa0 | number
}

/// A reader of consecutive elements.
#[derive(Debug, Clone, Copy)]
pub(super) struct Der<'a> {
    bytes: &'a [u8],
    /// Offset of `bytes` in the whole input.
    at: usize,
}

impl<'a> Der<'a> {
    pub fn new(bytes: &'a [u8]) -> Der<'a> {
        Der { bytes, at: 0 }
    }

    pub fn error<T>(&self, expected: &'static str) -> Result<T, TimestampError> {
        Err(TimestampError::Format { at: self.at, expected })
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The remaining bytes.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The tag of the next element.
    pub fn tag(&self) -> Option<u8> {
        self.bytes.first().copied()
    }

    /// The content of the next element, which must have this tag.
    pub fn take(&mut self, tag: u8, expected: &'static str) -> Result<Der<'a>, TimestampError> {
        if self.tag() != Some(tag) {
            return self.error(expected);
        }
        let Some((header, len)) = length(self.bytes.get(1..).unwrap_or_default()) else {
            return self.error("a length of minimal size");
        };
        let start = 1 + header;
        let content = start.checked_add(len).and_then(|end| self.bytes.get(start..end));
        let Some(content) = content else {
            return self.error("an element that ends within the input");
        };
        let taken = Der { bytes: content, at: self.at + start };
        self.bytes = self.bytes.get(start + len..).unwrap_or_default();
        self.at += start + len;
        Ok(taken)
    }

    /// The content of the next element if it has this tag.
    pub fn take_if(&mut self, tag: u8) -> Result<Option<Der<'a>>, TimestampError> {
        if self.tag() == Some(tag) { self.take(tag, "an element").map(Some) } else { Ok(None) }
    }

    /// Skips the next element.
    pub fn skip(&mut self) -> Result<(), TimestampError> {
        match self.tag() {
            // Multi-byte tags are rejected.
            Some(tag) if tag & 0x1f != 0x1f => self.take(tag, "an element").map(drop),
            _ => self.error("an element"),
        }
    }

    /// Checks that nothing follows.
    pub fn end(&self) -> Result<(), TimestampError> {
        if self.is_empty() { Ok(()) } else { self.error("nothing more") }
    }

    /// A non-negative number, big-endian without leading zeros; empty for 0.
    pub fn unsigned(&mut self, expected: &'static str) -> Result<&'a [u8], TimestampError> {
        let number = self.take(INTEGER, expected)?;
        match *number.bytes {
            [] => number.error("a number"),
            [0] => Ok(&[]),
            [0, next, ..] if next >= 0x80 => Ok(number.bytes.get(1..).unwrap_or_default()),
            [0, ..] => number.error("a number of minimal size"),
            [first, ..] if first >= 0x80 => number.error("a non-negative number"),
            _ => Ok(number.bytes),
        }
    }

    /// A non-negative number below 2^64.
    pub fn small(&mut self, expected: &'static str) -> Result<u64, TimestampError> {
        let before = *self;
        let digits = self.unsigned(expected)?;
        if digits.len() > 8 {
            return before.error(expected);
        }
        Ok(digits.iter().fold(0, |number, digit| number << 8 | u64::from(*digit)))
    }
}

/// The size of an encoded length, and the length.
fn length(bytes: &[u8]) -> Option<(usize, usize)> {
    let first = *bytes.first()?;
    if first < 0x80 {
        return Some((1, usize::from(first)));
    }
    let count = usize::from(first & 0x7f);
    let digits = bytes.get(1..1 + count)?;
    let len = digits
        .iter()
        .try_fold(0usize, |len, digit| Some(len.checked_mul(256)? | usize::from(*digit)))?;
    let is_short = digits.first().is_some_and(|digit| *digit != 0) && len >= 0x80;
    is_short.then_some((1 + count, len))
}

/// Appends an element.
pub(super) fn put(out: &mut Vec<u8>, tag: u8, content: &[u8]) {
    out.push(tag);
    let len = content.len();
    if let Ok(short) = u8::try_from(len)
        && short < 0x80
    {
        out.push(short);
    } else {
        let digits = len.to_be_bytes();
        let zeros = digits.iter().take_while(|digit| **digit == 0).count();
        out.push(0x80 | (digits.len() - zeros) as u8);
        out.extend(digits.iter().skip(zeros));
    }
    out.extend_from_slice(content);
}

/// Appends a non-negative number, given big-endian.
pub(super) fn put_unsigned(out: &mut Vec<u8>, digits: &[u8]) {
    let zeros = digits.iter().take_while(|digit| **digit == 0).count();
    let digits = digits.get(zeros..).unwrap_or_default();
    let needs_zero = digits.first().is_none_or(|digit| *digit >= 0x80);
    let content = [if needs_zero { &[0][..] } else { &[] }, digits].concat();
    put(out, INTEGER, &content);
}
