//! A scanner for canonical JSON: says whether bytes are it, and builds nothing.
//!
//! Promises: time grows with the length (and its logarithm, where an object has more than 16
//! keys), whatever the bytes; no recursion; memory is kept from scan to scan.
use super::{DEPTH_MAX, ParseError, ParseErrorKind};

/// Objects with more keys are sorted to find those that stand twice.
const PAIRWISE_KEYS_MAX: usize = 16;

/// Where the keys of the objects that are open stand.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// Start and end, in the bytes scanned.
    spans: Vec<(u32, u32)>,
}

impl Keys {
    pub fn clear(&mut self) {
        self.spans.clear();
    }

    pub fn push(&mut self, start: usize, end: usize) {
        // Lines are far shorter than 4 GiB; the caller has refused longer ones.
        self.spans.push((start as u32, end as u32));
    }

    pub fn count(&self) -> usize {
        self.spans.len()
    }

    /// Closes the object whose keys begin at `base`; `Err` is where a second one stands.
    pub fn close(&mut self, bytes: &[u8], base: usize) -> Result<(), ParseError> {
        let spans = self.spans.get_mut(base..).unwrap_or_default();
        let twice = if spans.len() <= PAIRWISE_KEYS_MAX {
            pairwise(bytes, spans)
        } else {
            sorted(bytes, spans)
        };
        self.spans.truncate(base);
        match twice {
            Some(at) => Err(ParseError { at, kind: ParseErrorKind::DuplicateKey }),
            None => Ok(()),
        }
    }
}

fn text(bytes: &[u8], span: (u32, u32)) -> &[u8] {
    bytes.get(span.0 as usize..span.1 as usize).unwrap_or_default()
}

fn pairwise(bytes: &[u8], spans: &[(u32, u32)]) -> Option<usize> {
    for (index, one) in spans.iter().enumerate() {
        let same = |other: &&(u32, u32)| {
            other.1 - other.0 == one.1 - one.0 && text(bytes, **other) == text(bytes, *one)
        };
        if let Some(second) = spans.get(index + 1..).unwrap_or_default().iter().find(same) {
            return Some(second.0 as usize);
        }
    }
    None
}

fn sorted(bytes: &[u8], spans: &mut [(u32, u32)]) -> Option<usize> {
    spans.sort_unstable_by(|one, two| {
        text(bytes, *one).cmp(text(bytes, *two)).then(one.0.cmp(&two.0))
    });
    let twice = spans.windows(2).filter(|pair| text(bytes, pair[0]) == text(bytes, pair[1]));
    twice.map(|pair| pair[1].0 as usize).min()
}

/// A position in bytes that are scanned.
pub(super) struct Scanner<'a, 'k> {
    pub bytes: &'a [u8],
    pub at: usize,
    pub keys: &'k mut Keys,
}

impl<'a> Scanner<'a, '_> {
    pub fn error<T>(&self, kind: ParseErrorKind) -> Result<T, ParseError> {
        Err(ParseError { at: self.at, kind })
    }

    pub fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Takes exactly `literal`.
    #[inline]
    pub fn literal(&mut self, literal: &[u8], what: &'static str) -> Result<(), ParseError> {
        if !self.rest().starts_with(literal) {
            return self.error(ParseErrorKind::Expected(what));
        }
        self.at += literal.len();
        Ok(())
    }

    /// A decimal number without sign and leading zeros, below 2^63.
    pub fn decimal(&mut self) -> Result<u64, ParseError> {
        let digits = self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        let text = self.rest().get(..digits).unwrap_or_default();
        if digits == 0 || digits > 19 || (digits > 1 && text.first() == Some(&b'0')) {
            return self.error(ParseErrorKind::Number);
        }
        let value = text.iter().fold(0, |value, byte| value * 10 + u64::from(byte - b'0'));
        if value >> 63 != 0 {
            return self.error(ParseErrorKind::Number);
        }
        self.at += digits;
        Ok(value)
    }

    /// A key, its quotes and its colon; gives its text.
    pub fn key(&mut self) -> Result<&'a [u8], ParseError> {
        let start = self.at + 1;
        self.string("a key in quotes")?;
        let end = self.at - 1;
        self.literal(b":", "a colon")?;
        self.keys.push(start, end);
        Ok(self.bytes.get(start..end).unwrap_or_default())
    }

    /// A string with its quotes.
    pub fn string(&mut self, what: &'static str) -> Result<(), ParseError> {
        self.literal(b"\"", what)?;
        loop {
            self.at += plain_len(self.rest());
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => self.escape()?,
                _ => return self.error(ParseErrorKind::Expected("the end of a string")),
            }
        }
    }

    /// RFC 8785, section 3.2.2.2: there is one way to write each character.
    fn escape(&mut self) -> Result<(), ParseError> {
        self.at += match self.rest() {
            [_, b'"' | b'\\' | b'b' | b't' | b'n' | b'f' | b'r', ..] => 2,
            [_, b'u', b'0', b'0', b'0', b'0'..=b'7' | b'b' | b'e' | b'f', ..] => 6,
            [_, b'u', b'0', b'0', b'1', b'0'..=b'9' | b'a'..=b'f', ..] => 6,
            _ => return self.error(ParseErrorKind::Escape),
        };
        Ok(())
    }

    /// Any value, however deep under `depth` levels that are open already.
    pub fn value(&mut self, depth: usize) -> Result<(), ParseError> {
        // One bit a level: whether it is an object. The keys of each begin at its base.
        let mut objects = 0u64;
        let mut bases = [0u32; DEPTH_MAX];
        let mut open = 0usize;
        loop {
            if self.opens(depth, &mut open, &mut objects, &mut bases)? {
                continue;
            }
            loop {
                if open == 0 {
                    return Ok(());
                }
                let is_object = objects & 1 << (open - 1) != 0;
                match self.peek() {
                    Some(b',') => {
                        self.at += 1;
                        if is_object {
                            self.key()?;
                        }
                        break;
                    }
                    Some(b'}') if is_object => {
                        let base = bases.get(open - 1).map_or(0, |base| *base as usize);
                        self.keys.close(self.bytes, base)?;
                    }
                    Some(b']') if !is_object => {}
                    _ => return self.error(ParseErrorKind::Expected("a comma or the end")),
                }
                self.at += 1;
                open -= 1;
            }
        }
    }

    /// Takes a scalar or an empty object or array (`false`), or opens one (`true`).
    #[inline]
    fn opens(
        &mut self,
        depth: usize,
        open: &mut usize,
        objects: &mut u64,
        bases: &mut [u32; DEPTH_MAX],
    ) -> Result<bool, ParseError> {
        let is_object = match self.peek() {
            Some(b'{') => true,
            Some(b'[') => false,
            _ => return self.scalar().map(|()| false),
        };
        if depth + *open >= DEPTH_MAX {
            return self.error(ParseErrorKind::Depth);
        }
        self.at += 1;
        if self.peek() == Some(if is_object { b'}' } else { b']' }) {
            self.at += 1;
            return Ok(false);
        }
        let bit = 1 << *open;
        *objects = if is_object { *objects | bit } else { *objects & !bit };
        if let Some(base) = bases.get_mut(*open) {
            *base = self.keys.count() as u32;
        }
        *open += 1;
        if is_object {
            self.key()?;
        }
        Ok(true)
    }

    fn scalar(&mut self) -> Result<(), ParseError> {
        match self.peek() {
            Some(b'"') => self.string("a string"),
            Some(b't') => self.literal(b"true", "a value"),
            Some(b'f') => self.literal(b"false", "a value"),
            Some(b'n') => self.literal(b"null", "a value"),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => self.error(ParseErrorKind::Expected("a value")),
        }
    }

    /// RFC 8259, section 6.
    fn number(&mut self) -> Result<(), ParseError> {
        self.at += usize::from(self.peek() == Some(b'-'));
        match self.peek() {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), ParseError> {
        let count = self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        if count == 0 {
            return self.error(ParseErrorKind::Number);
        }
        self.at += count;
        Ok(())
    }
}

/// How many bytes come before the first quote or backslash, eight at a time.
#[inline]
fn plain_len(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = ONES << 7;
    // Mycroft's test for a zero byte, in the word with the byte sought turned to zero. It may mark
    // bytes above a true one, never below it.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let hits = zeros(word ^ (ONES * 0x22)) | zeros(word ^ (ONES * 0x5C));
        if hits != 0 {
            return index * 8 + hits.trailing_zeros() as usize / 8;
        }
    }
    let tail = rest.iter().take_while(|byte| !matches!(byte, b'"' | b'\\')).count();
    words.len() * 8 + tail
}
