//! Reads JSON text as a stream of tokens, without building anything.
//!
//! Promises: validates fully (RFC 8259, with surrogates in pairs only and nesting up to
//! [`DEPTH_MAX`]); allocates nothing; strings stay as they stand in the text until somebody asks
//! for their characters; one pass, linear time; no input makes it panic.
use std::fmt;
use std::ops::Range;

mod entries;
mod scan;
mod text;

pub use entries::{Entries, Entry, Kind};
pub use text::Text;

/// How deep maps and lists may nest.
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
    /// A number, as it is written.
    Number(&'a str),
    /// `true` or `false`.
    Bool(bool),
    /// `null`
    Null,
}

/// Where text stops being JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JsonError {
    /// Bytes before the place.
    pub at: usize,
    /// What should stand there.
    pub expected: &'static str,
    /// What stands there; `None` is the end of the text.
    pub found: Option<u8>,
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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expect {
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
/// use ringseal_cli::json::{Token, Tokens};
/// let mut tokens = Tokens::new(br#"{"a":[1,null]}"#)?;
/// let mut numbers = 0;
/// while let Some(token) = tokens.next_token()? {
///     numbers += u32::from(matches!(token, Token::Number("1")));
/// }
/// assert_eq!(numbers, 1);
/// # Ok::<(), ringseal_cli::json::JsonError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Tokens<'a> {
    text: &'a str,
    at: usize,
    start: usize,
    end: usize,
    expect: Expect,
    depth: u32,
    /// Bit `depth` says whether that container is a map.
    maps: u128,
}

impl<'a> Tokens<'a> {
    /// Tokens of `bytes`.
    ///
    /// # Errors
    /// When the bytes are not UTF-8.
    pub fn new(bytes: &'a [u8]) -> Result<Self, JsonError> {
        match str::from_utf8(bytes) {
            Ok(text) => Ok(Self::of(text)),
            Err(error) => {
                let at = error.valid_up_to();
                Err(JsonError { at, expected: "UTF-8", found: bytes.get(at).copied() })
            }
        }
    }

    /// Tokens of `text`.
    pub fn of(text: &'a str) -> Self {
        Self { text, at: 0, start: 0, end: 0, expect: Expect::Value, depth: 0, maps: 0 }
    }

    /// The bytes that the last token spans, quotes included.
    pub fn range(&self) -> Range<usize> {
        self.start..self.end
    }

    /// How many maps and lists are open.
    pub fn depth(&self) -> u32 {
        self.depth
    }

    /// The next token; `None` after the last one.
    ///
    /// # Errors
    /// Where the text stops being JSON; what is given after that means nothing.
    pub fn next_token(&mut self) -> Result<Option<Token<'a>>, JsonError> {
        self.skip_space();
        if self.expect == Expect::AfterValue {
            if self.depth == 0 {
                return self.finish();
            }
            if self.eat(b',') {
                self.expect = if self.in_map() { Expect::Key } else { Expect::Value };
                self.skip_space();
            }
        }
        let end_may_come =
            matches!(self.expect, Expect::KeyOrEnd | Expect::ValueOrEnd | Expect::AfterValue);
        if end_may_come && let Some(token) = self.close() {
            return Ok(Some(token));
        }
        match self.expect {
            Expect::Key | Expect::KeyOrEnd => self.key().map(Some),
            Expect::Value | Expect::ValueOrEnd => self.value().map(Some),
            Expect::AfterValue if self.in_map() => Err(self.error("`,` or `}`")),
            Expect::AfterValue => Err(self.error("`,` or `]`")),
            Expect::Nothing => self.finish(),
        }
    }

    /// Passes over the rest of the value whose first token was the last one given; gives the bytes
    /// of the whole value.
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
            return Err(self.error("the end"));
        }
        self.expect = Expect::Nothing;
        Ok(None)
    }

    fn key(&mut self) -> Result<Token<'a>, JsonError> {
        if self.peek() != Some(b'"') {
            let end = self.expect == Expect::KeyOrEnd;
            return Err(self.error(if end { "a key or `}`" } else { "a key" }));
        }
        let key = self.string()?;
        self.skip_space();
        if !self.eat(b':') {
            return Err(self.error("`:`"));
        }
        self.expect = Expect::Value;
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
            _ => return Err(self.error("a value")),
        };
        self.expect = Expect::AfterValue;
        Ok(token)
    }

    fn string(&mut self) -> Result<Text<'a>, JsonError> {
        let inside = self.at + 1;
        let (end, escaped) = scan::string(self.text.as_bytes(), inside)?;
        (self.start, self.at, self.end) = (self.at, end + 1, end + 1);
        let raw = self.text.get(inside..end).unwrap_or_default();
        Ok(Text::new(raw, escaped))
    }

    fn number(&mut self) -> Result<Token<'a>, JsonError> {
        let end = scan::number(self.text.as_bytes(), self.at)?;
        (self.start, self.at, self.end) = (self.at, end, end);
        Ok(Token::Number(self.text.get(self.start..end).unwrap_or_default()))
    }

    fn word(&mut self, word: &'static str, token: Token<'a>) -> Result<Token<'a>, JsonError> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        if !rest.starts_with(word.as_bytes()) {
            return Err(self.error(word));
        }
        self.at += word.len();
        self.end = self.at;
        Ok(token)
    }

    fn open(&mut self, map: bool) -> Result<Token<'a>, JsonError> {
        if self.depth == DEPTH_MAX {
            return Err(self.error("at most 127 levels"));
        }
        self.depth += 1;
        let bit = 1 << self.depth;
        self.maps = if map { self.maps | bit } else { self.maps & !bit };
        self.expect = if map { Expect::KeyOrEnd } else { Expect::ValueOrEnd };
        self.at += 1;
        self.end = self.at;
        Ok(if map { Token::MapStart } else { Token::ListStart })
    }

    /// The end of the innermost container, if it stands here.
    fn close(&mut self) -> Option<Token<'a>> {
        let map = self.in_map();
        self.start = self.at;
        if !self.eat(if map { b'}' } else { b']' }) {
            return None;
        }
        self.end = self.at;
        self.depth -= 1;
        self.expect = Expect::AfterValue;
        Some(if map { Token::MapEnd } else { Token::ListEnd })
    }

    fn in_map(&self) -> bool {
        self.maps & (1 << self.depth) != 0
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn error(&self, expected: &'static str) -> JsonError {
        JsonError { at: self.at, expected, found: self.peek() }
    }
}

#[cfg(test)]
mod tests;
