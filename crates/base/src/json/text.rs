//! Strings of JSON, unescaped on demand.
use super::scan;

/// The content of a string without its quotes: valid UTF-8 with valid escapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text<'a> {
    raw: &'a str,
    escaped: bool,
}

impl<'a> Text<'a> {
    /// Creates a text from `raw`, which must have been validated as part of a JSON text. `escaped`: whether it has
    /// escapes.
    pub fn from_valid(raw: &'a str, escaped: bool) -> Self {
        Self { raw, escaped }
    }

    /// The text as written, with escapes, without quotes.
    pub fn raw(&self) -> &'a str {
        self.raw
    }

    /// The characters, if the text has no escapes.
    pub fn plain(&self) -> Option<&'a str> {
        (!self.escaped).then_some(self.raw)
    }

    /// Returns the unescaped characters.
    pub fn decode(&self) -> String {
        let mut out = String::with_capacity(self.raw.len());
        self.decode_into(&mut out);
        out
    }

    /// Appends the unescaped characters.
    pub fn decode_into(&self, out: &mut String) {
        for piece in self.pieces() {
            out.push_str(piece.as_str(&mut [0; 4]));
        }
    }

    /// Whether the unescaped characters equal `other`.
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

    /// The unescaped characters in pieces, without allocating.
    pub fn pieces(&self) -> Pieces<'a> {
        Pieces { rest: self.raw }
    }
}

/// Characters without escapes, or one escaped character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Characters as written.
    Plain(&'a str),
    /// The character of an escape.
    Escaped(char),
}

impl<'a> Piece<'a> {
    /// The characters; `buffer` holds one that has to be encoded.
    pub fn as_str<'b>(&self, buffer: &'b mut [u8; 4]) -> &'b str
    where
        'a: 'b,
    {
        match *self {
            Piece::Plain(text) => text,
            Piece::Escaped(char) => char.encode_utf8(buffer),
        }
    }
}

/// Iterator of [`Text::pieces`].
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

/// The character of the valid escape at the start of `bytes`, and the escape's length.
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
