//! A pull reader for JSON: a text as a stream of tokens with positions; builds no tree.
//!
//! Promises: validates fully (RFC 8259, with surrogates only in pairs and nesting up to [`DEPTH_MAX`]); allocates only
//! to unescape a string on request; one pass, linear time; no input makes it panic.
use std::fmt;
use std::ops::Range;

mod scan;
mod text;

pub use text::{Piece, Pieces, Text};

/// Maximum nesting of maps and lists.
pub const DEPTH_MAX: u32 = 127;

/// One token. Commas and colons are not tokens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Token<'a> {
    /// `{`
    MapStart,
    /// `}`
    MapEnd,
    /// `[`
    ListStart,
    /// `]`
    ListEnd,
    /// A key, before its value.
    Key(Text<'a>),
    /// A string value.
    String(Text<'a>),
    /// A number, as written.
    Number(&'a str),
    /// `true` or `false`.
    Bool(bool),
    /// `null`
    Null,
}

/// The position at which a text stops being JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JsonError {
    /// Position in bytes.
    pub at: usize,
    /// What was expected there.
    pub expected: Expected,
    /// The byte found there; `None` at the end of the text.
    pub found: Option<u8>,
}

/// What the reader expected at a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Valid UTF-8.
    Utf8,
    /// A map, where the caller accepts only maps.
    Map,
    /// A value.
    Value,
    /// This word: `true`, `false` or `null`.
    Word(&'static str),
    /// A key, after a comma.
    Key,
    /// A key or the end of the map.
    KeyOrEnd,
    /// The colon after a key.
    Colon,
    /// A comma or the end of the map.
    CommaOrMapEnd,
    /// A comma or the end of the list.
    CommaOrListEnd,
    /// The end of the text.
    End,
    /// At most [`DEPTH_MAX`] levels.
    Depth,
    /// A digit of a number.
    Digit,
    /// A number without a leading zero.
    NoLeadingZero,
    /// The end of a string; control characters must be escaped.
    ClosingQuote,
    /// A valid character after a backslash.
    Escape,
    /// A hexadecimal digit of an escape.
    HexDigit,
    /// A high surrogate before a low one.
    HighSurrogate,
    /// An escape with a low surrogate after a high one; found something else.
    LowSurrogateEscape,
    /// A low surrogate after a high one; found another escape.
    LowSurrogate,
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Expected::Utf8 => "UTF-8",
            Expected::Map => "`{`",
            Expected::Value => "a value",
            Expected::Word(word) => word,
            Expected::Key => "a key",
            Expected::KeyOrEnd => "a key or `}`",
            Expected::Colon => "`:`",
            Expected::CommaOrMapEnd => "`,` or `}`",
            Expected::CommaOrListEnd => "`,` or `]`",
            Expected::End => "the end",
            Expected::Depth => "at most 127 levels",
            Expected::Digit => "a digit",
            Expected::NoLeadingZero => "a number without a leading zero",
            Expected::ClosingQuote => "a closing quote, and control characters escaped",
            Expected::Escape => "one of \"\\/bfnrtu after a backslash",
            Expected::HexDigit => "a hexadecimal digit",
            Expected::HighSurrogate => "a high surrogate before a low one",
            Expected::LowSurrogateEscape | Expected::LowSurrogate => {
                "a low surrogate after a high one"
            }
        })
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {} at byte {}, found ", self.expected, self.at)?;
        match self.found {
            Some(byte) => write!(f, "{:?}", char::from(byte)),
            None => f.write_str("the end"),
        }
    }
}

impl std::error::Error for JsonError {}

/// The state of the grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Value,
    ValueOrEnd,
    Key,
    KeyOrEnd,
    AfterValue,
    Nothing,
}

/// The tokens of one JSON text, which may have white space around it.
///
/// ```
/// use ringseal_base::json::{Token, Tokens};
/// let mut reader = Tokens::new(br#"{"a":[1,null]}"#)?;
/// let mut numbers = 0;
/// while let Some(token) = reader.next_token()? {
///     numbers += u32::from(matches!(token, Token::Number("1")));
/// }
/// assert_eq!(numbers, 1);
/// # Ok::<(), ringseal_base::json::JsonError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Tokens<'a> {
    text: &'a str,
    at: usize,
    start: usize,
    end: usize,
    next: Next,
    depth: u32,
    /// Bit `depth`: whether the container at that depth is a map.
    maps: u128,
}

impl<'a> Tokens<'a> {
    /// Reads the tokens of `bytes`.
    ///
    /// # Errors
    /// If the bytes are not UTF-8.
    pub fn new(bytes: &'a [u8]) -> Result<Self, JsonError> {
        match str::from_utf8(bytes) {
            Ok(text) => Ok(Self::of(text)),
            Err(error) => {
                let at = error.valid_up_to();
                Err(JsonError { at, expected: Expected::Utf8, found: bytes.get(at).copied() })
            }
        }
    }

    /// Reads the tokens of `text`.
    pub fn of(text: &'a str) -> Self {
        Self { text, at: 0, start: 0, end: 0, next: Next::Value, depth: 0, maps: 0 }
    }

    /// The bytes of the last token, quotes included.
    pub fn range(&self) -> Range<usize> {
        self.start..self.end
    }

    /// How many maps and lists are open.
    pub fn depth(&self) -> u32 {
        self.depth
    }

    /// The first byte of the next value, without reading it, and its position. Only valid before the first token and
    /// after a key, where no comma can come first.
    pub fn peek_value(&mut self) -> (Option<u8>, usize) {
        self.skip_space();
        (self.peek(), self.at)
    }

    /// Returns the next token, or `None` after the last one.
    ///
    /// # Errors
    /// If the text is not JSON here; tokens after an error are meaningless.
    pub fn next_token(&mut self) -> Result<Option<Token<'a>>, JsonError> {
        self.skip_space();
        if self.next == Next::AfterValue {
            if self.depth == 0 {
                return self.finish();
            }
            if self.consume(b',') {
                self.next = if self.in_map() { Next::Key } else { Next::Value };
                self.skip_space();
            }
        }
        let end_may_come =
            matches!(self.next, Next::KeyOrEnd | Next::ValueOrEnd | Next::AfterValue);
        if end_may_come && let Some(token) = self.close() {
            return Ok(Some(token));
        }
        match self.next {
            Next::Key | Next::KeyOrEnd => self.key().map(Some),
            Next::Value | Next::ValueOrEnd => self.value().map(Some),
            Next::AfterValue if self.in_map() => Err(self.error(Expected::CommaOrMapEnd)),
            Next::AfterValue => Err(self.error(Expected::CommaOrListEnd)),
            Next::Nothing => self.finish(),
        }
    }

    /// Skips the rest of the value whose first token was returned last; returns the bytes of the whole value.
    ///
    /// # Errors
    /// As [`Tokens::next_token`].
    pub fn skip_value(&mut self, first: &Token<'a>) -> Result<Range<usize>, JsonError> {
        let start = self.start;
        if matches!(first, Token::MapStart | Token::ListStart) {
            let outside = self.depth - 1;
            while self.depth > outside {
                self.next_token()?;
            }
        }
        Ok(start..self.end)
    }

    fn finish(&mut self) -> Result<Option<Token<'a>>, JsonError> {
        if self.at < self.text.len() {
            return Err(self.error(Expected::End));
        }
        self.next = Next::Nothing;
        Ok(None)
    }

    fn key(&mut self) -> Result<Token<'a>, JsonError> {
        if self.peek() != Some(b'"') {
            let end = self.next == Next::KeyOrEnd;
            return Err(self.error(if end { Expected::KeyOrEnd } else { Expected::Key }));
        }
        let key = self.string()?;
        self.skip_space();
        if !self.consume(b':') {
            return Err(self.error(Expected::Colon));
        }
        self.next = Next::Value;
        Ok(Token::Key(key))
    }

    fn value(&mut self) -> Result<Token<'a>, JsonError> {
        self.start = self.at;
        let token = match self.peek() {
            Some(b'{') => return self.open(true),
            Some(b'[') => return self.open(false),
            Some(b'"') => Token::String(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b't') => self.word("true", Token::Bool(true))?,
            Some(b'f') => self.word("false", Token::Bool(false))?,
            Some(b'n') => self.word("null", Token::Null)?,
            _ => return Err(self.error(Expected::Value)),
        };
        self.next = Next::AfterValue;
        Ok(token)
    }

    fn string(&mut self) -> Result<Text<'a>, JsonError> {
        let inside = self.at + 1;
        let (end, escaped) = scan::string(self.text.as_bytes(), inside)?;
        (self.start, self.at, self.end) = (self.at, end + 1, end + 1);
        let raw = self.text.get(inside..end).unwrap_or_default();
        Ok(Text::from_valid(raw, escaped))
    }

    fn number(&mut self) -> Result<Token<'a>, JsonError> {
        let end = scan::number(self.text.as_bytes(), self.at)?;
        (self.start, self.at, self.end) = (self.at, end, end);
        Ok(Token::Number(self.text.get(self.start..end).unwrap_or_default()))
    }

    fn word(&mut self, word: &'static str, token: Token<'a>) -> Result<Token<'a>, JsonError> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        if !rest.starts_with(word.as_bytes()) {
            self.at += rest.iter().zip(word.as_bytes()).take_while(|(a, b)| a == b).count();
            return Err(self.error(Expected::Word(word)));
        }
        self.at += word.len();
        self.end = self.at;
        Ok(token)
    }

    fn open(&mut self, map: bool) -> Result<Token<'a>, JsonError> {
        if self.depth == DEPTH_MAX {
            return Err(self.error(Expected::Depth));
        }
        self.depth += 1;
        let bit = 1 << self.depth;
        self.maps = if map { self.maps | bit } else { self.maps & !bit };
        self.next = if map { Next::KeyOrEnd } else { Next::ValueOrEnd };
        self.at += 1;
        self.end = self.at;
        Ok(if map { Token::MapStart } else { Token::ListStart })
    }

    /// Reads the end of the innermost container, if it comes next.
    fn close(&mut self) -> Option<Token<'a>> {
        let map = self.in_map();
        self.start = self.at;
        if !self.consume(if map { b'}' } else { b']' }) {
            return None;
        }
        self.end = self.at;
        self.depth -= 1;
        self.next = Next::AfterValue;
        Some(if map { Token::MapEnd } else { Token::ListEnd })
    }

    fn in_map(&self) -> bool {
        self.maps & (1 << self.depth) != 0
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn consume(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn error(&self, expected: Expected) -> JsonError {
        JsonError { at: self.at, expected, found: self.peek() }
    }
}

#[cfg(test)]
mod tests;
