//! The characters of a string, when somebody asks for them.
use super::scan;

/// What stands between two quotes: valid UTF-8 with valid escapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text<'a> {
    raw: &'a str,
    escaped: bool,
}

impl<'a> Text<'a> {
    /// `raw` has been validated.
    pub(super) fn new(raw: &'a str, escaped: bool) -> Self {
        Self { raw, escaped }
    }

    /// As it is written, escapes and all, without the quotes.
    pub fn raw(&self) -> &'a str {
        self.raw
    }

    /// The characters, when they stand there as they are.
    pub fn plain(&self) -> Option<&'a str> {
        (!self.escaped).then_some(self.raw)
    }

    /// Appends the characters.
    pub fn decode_into(&self, out: &mut String) {
        for piece in self.pieces() {
            out.push_str(piece.as_str(&mut [0; 4]));
        }
    }

    /// Whether the characters are those of `other`.
    pub fn is(&self, other: &str) -> bool {
        if !self.escaped {
            return self.raw == other;
        }
        let mut rest = other;
        for piece in self.pieces() {
            match rest.strip_prefix(piece.as_str(&mut [0; 4])) {
                Some(after) => rest = after,
                None => return false,
            }
        }
        rest.is_empty()
    }

    /// The characters in stretches, without allocating.
    pub fn pieces(&self) -> Pieces<'a> {
        Pieces { rest: self.raw }
    }
}

/// A stretch of characters that stand as they are, or one that was escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// As they stand.
    Plain(&'a str),
    /// From an escape.
    Escaped(char),
}

impl<'a> Piece<'a> {
    /// The characters; `room` is for one that has to be encoded.
    pub fn as_str<'b>(&self, room: &'b mut [u8; 4]) -> &'b str
    where
        'a: 'b,
    {
        match *self {
            Piece::Plain(text) => text,
            Piece::Escaped(char) => char.encode_utf8(room),
        }
    }
}

/// See [`Text::pieces`].
#[derive(Debug, Clone)]
pub struct Pieces<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let plain_len = memchr::memchr(b'\\', self.rest.as_bytes()).unwrap_or(self.rest.len());
        if plain_len > 0 {
            let (plain, rest) = self.rest.split_at(plain_len);
            self.rest = rest;
            return Some(Piece::Plain(plain));
        }
        let (char, len) = unescape(self.rest.as_bytes());
        self.rest = self.rest.get(len..).unwrap_or_default();
        Some(Piece::Escaped(char))
    }
}

/// The character of the escape at the start of `bytes`, which is valid, and the escape's length.
fn unescape(bytes: &[u8]) -> (char, usize) {
    let simple = match bytes.get(1) {
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => return unescape_units(bytes),
        Some(&byte) => char::from(byte),
        None => char::REPLACEMENT_CHARACTER,
    };
    (simple, 2)
}

fn unescape_units(bytes: &[u8]) -> (char, usize) {
    let unit = |at| scan::four_hex(bytes, at).unwrap_or(0xFFFD);
    match unit(2) {
        high @ 0xD800..=0xDBFF => {
            let low = unit(8) & 0x3FF;
            let code = 0x1_0000 + ((high & 0x3FF) << 10) + low;
            (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 12)
        }
        code => (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 6),
    }
}
