//! A scanner that checks canonical JSON without building a value.
//!
//! Promises: time is linear in the length (times its logarithm if an object has more than 16 keys) for
//! any bytes; no recursion; memory is reused between scans.
use super::{DEPTH_MAX, ParseError, ParseErrorKind};
use ringseal_base::simd::byte_class::JsonEscaped;
use ringseal_base::simd::mask64;

/// Objects with more keys are sorted to find duplicates.
const PAIRWISE_KEYS_MAX: usize = 16;

/// The memory of a scan: the positions of the keys of open objects, and marks for bytes that cannot occur unescaped in
/// a string.
#[derive(Debug, Default)]
pub(super) struct ScanState {
    /// Start and end, in the bytes scanned.
    spans: Vec<(u32, u32)>,
    /// A tag per key; keys with different tags differ.
    tags: Vec<u64>,
    /// A bit per byte: set for quotes, backslashes, control bytes, and possibly others.
    marks: Vec<u64>,
}

impl ScanState {
    /// Begins a scan of `bytes`, which must be shorter than 4 GiB. `Err` locates a control byte.
    pub fn begin(&mut self, bytes: &[u8]) -> Result<(), ParseError> {
        self.spans.clear();
        self.tags.clear();
        self.marks.clear();
        let (blocks, rest) = bytes.as_chunks::<64>();
        let mut last = [b' '; 64];
        last[..rest.len()].copy_from_slice(rest);
        let last = if rest.is_empty() { &[][..] } else { std::slice::from_ref(&last) };
        self.marks.extend(blocks.iter().map(mask64::<JsonEscaped>));
        self.marks.extend(last.iter().map(mask64::<JsonEscaped>));
        // A separate pass, so that it is vectorised.
        if !bytes.iter().fold(false, |found, byte| found | (*byte < 0x20)) {
            return Ok(());
        }
        match bytes.iter().enumerate().find(|(_, byte)| **byte < 0x20) {
            Some((at, byte)) => Err(ParseError { at, kind: ParseErrorKind::ControlByte(*byte) }),
            None => Ok(()),
        }
    }

    /// The first marked byte from `at` on, or the end.
    #[inline]
    fn next_mark(&self, at: usize, end: usize) -> usize {
        let bits = self.marks.get(at / 64).map_or(0, |bits| bits >> (at % 64));
        if bits != 0 {
            return at + bits.trailing_zeros() as usize;
        }
        let later = self.marks.get(at / 64 + 1..).unwrap_or_default();
        match later.iter().position(|bits| *bits != 0) {
            Some(word) => {
                let bits = later.get(word).copied().unwrap_or_default();
                (at / 64 + 1 + word) * 64 + bits.trailing_zeros() as usize
            }
            None => end,
        }
    }

    #[inline]
    fn push(&mut self, bytes: &[u8], start: usize, end: usize) {
        self.spans.push((start as u32, end as u32));
        self.tags.push(key_tag(bytes, start, end));
    }

    pub fn count(&self) -> usize {
        self.spans.len()
    }

    /// Closes the object whose keys begin at `base`; `Err` locates a duplicate key.
    #[inline]
    pub fn close(&mut self, bytes: &[u8], base: usize) -> Result<(), ParseError> {
        let tags = self.tags.get(base..).unwrap_or_default();
        if may_have_duplicates(tags) && (tags.len() > PAIRWISE_KEYS_MAX || has_duplicates(tags)) {
            let spans = self.spans.get_mut(base..).unwrap_or_default();
            if let Some(at) = first_duplicate(bytes, spans) {
                return Err(ParseError { at, kind: ParseErrorKind::DuplicateKey });
            }
        }
        self.spans.truncate(base);
        self.tags.truncate(base);
        Ok(())
    }
}

/// The first and the last eight bytes of a key, mixed.
#[inline]
fn key_tag(bytes: &[u8], start: usize, end: usize) -> u64 {
    let word = |at: usize| bytes.get(at..)?.first_chunk().copied().map(u64::from_le_bytes);
    match (end - start, word(start)) {
        (len @ 0..8, Some(word)) => word & !(!0 << (8 * len)),
        (8.., Some(first)) => {
            first ^ word(end - 8).unwrap_or_default().wrapping_mul(0x9E37_79B9_7F4A_7C15)
        }
        (_, None) => bytes
            .get(start..end)
            .unwrap_or_default()
            .iter()
            .rev()
            .fold(0, |word, byte| word << 8 | u64::from(*byte)),
    }
}

/// Whether two tags may be equal; false positives are possible.
#[inline]
fn may_have_duplicates(tags: &[u64]) -> bool {
    let mut seen = [0u64; 16];
    let mut found = false;
    for tag in tags {
        let place = tag.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 54;
        let (word, bit) = (&mut seen[(place / 64) as usize], 1 << (place % 64));
        found |= *word & bit != 0;
        *word |= bit;
    }
    found
}

fn has_duplicates(tags: &[u64]) -> bool {
    let others = |at: usize| tags.get(at + 1..).unwrap_or_default();
    tags.iter().enumerate().any(|(at, tag)| others(at).contains(tag))
}

fn text(bytes: &[u8], span: (u32, u32)) -> &[u8] {
    bytes.get(span.0 as usize..span.1 as usize).unwrap_or_default()
}

fn first_duplicate(bytes: &[u8], spans: &mut [(u32, u32)]) -> Option<usize> {
    spans.sort_unstable_by(|one, two| {
        text(bytes, *one).cmp(text(bytes, *two)).then(one.0.cmp(&two.0))
    });
    let twice = spans.windows(2).filter(|pair| text(bytes, pair[0]) == text(bytes, pair[1]));
    twice.map(|pair| pair[1].0 as usize).min()
}

/// A position in bytes that are scanned.
pub(super) struct Scanner<'a, 'n> {
    pub bytes: &'a [u8],
    pub at: usize,
    pub state: &'n mut ScanState,
}

impl<'a, 'n> Scanner<'a, 'n> {
    /// A scanner at the beginning of `bytes`. `Err` locates a control byte.
    pub fn new(bytes: &'a [u8], state: &'n mut ScanState) -> Result<Scanner<'a, 'n>, ParseError> {
        state.begin(bytes)?;
        Ok(Scanner { bytes, at: 0, state })
    }

    pub fn error<T>(&self, kind: ParseErrorKind) -> Result<T, ParseError> {
        Err(ParseError { at: self.at, kind })
    }

    pub fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Consumes exactly `literal`.
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

    /// Consumes a key with its quotes and colon; returns its text.
    #[inline]
    pub fn key(&mut self) -> Result<&'a [u8], ParseError> {
        let start = self.at + 1;
        self.string("a key in quotes")?;
        let end = self.at - 1;
        if self.peek() != Some(b':') {
            return self.error(ParseErrorKind::Expected("a colon"));
        }
        self.at += 1;
        self.state.push(self.bytes, start, end);
        Ok(self.bytes.get(start..end).unwrap_or_default())
    }

    /// Consumes a string with its quotes.
    #[inline]
    pub fn string(&mut self, what: &'static str) -> Result<(), ParseError> {
        if self.peek() != Some(b'"') {
            return self.error(ParseErrorKind::Expected(what));
        }
        self.at = self.state.next_mark(self.at + 1, self.bytes.len());
        if self.peek() == Some(b'"') {
            self.at += 1;
            return Ok(());
        }
        self.rest_of_string()
    }

    /// Continues a string at a marked byte other than a quote.
    #[cold]
    fn rest_of_string(&mut self) -> Result<(), ParseError> {
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => self.escape()?,
                Some(_) => self.at += 1,
                None => return self.error(ParseErrorKind::Expected("the end of a string")),
            }
            self.at = self.state.next_mark(self.at, self.bytes.len());
        }
    }

    /// RFC 8785, section 3.2.2.2: each character has one form.
    fn escape(&mut self) -> Result<(), ParseError> {
        self.at += match self.rest() {
            [_, b'"' | b'\\' | b'b' | b't' | b'n' | b'f' | b'r', ..] => 2,
            [_, b'u', b'0', b'0', b'0', b'0'..=b'7' | b'b' | b'e' | b'f', ..] => 6,
            [_, b'u', b'0', b'0', b'1', b'0'..=b'9' | b'a'..=b'f', ..] => 6,
            _ => return self.error(ParseErrorKind::Escape),
        };
        Ok(())
    }

    /// Consumes any value; `depth` levels are already open.
    #[inline]
    pub fn value(&mut self, depth: usize) -> Result<(), ParseError> {
        match self.peek() {
            Some(b'{' | b'[') => self.container(depth),
            _ => self.scalar(),
        }
    }

    fn container(&mut self, depth: usize) -> Result<(), ParseError> {
        // One bit per level: set for an object. The keys of each object begin at its base.
        let mut objects = 0u64;
        let mut bases = [0u32; DEPTH_MAX];
        let mut open = 0usize;
        loop {
            if self.open_or_skip(depth, &mut open, &mut objects, &mut bases)? {
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
                        self.state.close(self.bytes, base)?;
                    }
                    Some(b']') if !is_object => {}
                    _ => return self.error(ParseErrorKind::Expected("a comma or the end")),
                }
                self.at += 1;
                open -= 1;
            }
        }
    }

    /// Consumes a scalar or an empty container (`false`), or opens a container (`true`).
    #[inline]
    fn open_or_skip(
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
            *base = self.state.count() as u32;
        }
        *open += 1;
        if is_object {
            self.key()?;
        }
        Ok(true)
    }

    #[inline]
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
