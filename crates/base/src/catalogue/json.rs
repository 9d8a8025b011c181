//! Catalogues in JSON (RFC 8259), read strictly: no comments, no duplicate keys, nothing after the end.
use super::error::CatalogueError;
use super::tree::{self, Node, Tree};
use super::{Shapes, Words};
use crate::json::{Expected, JsonError, Token, Tokens};
use crate::value::Number;

/// Maximum nesting of lists and maps around a value; a catalogue needs four levels.
const DEPTH_MAX: u32 = 16;

impl Shapes {
    /// Reads a catalogue in JSON. Blank text is an empty catalogue.
    pub fn from_json(words: &Words, text: &str) -> Result<Shapes, CatalogueError> {
        if text.trim().is_empty() {
            return Ok(Shapes::default());
        }
        tree::build(words, &Reader::new(text).document()?)
    }
}

struct Reader<'a> {
    text: &'a str,
    tokens: Tokens<'a>,
    /// The line that contains `counted`.
    line: usize,
    /// Lines are counted up to this position.
    counted: usize,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Self {
        Reader { text, tokens: Tokens::of(text), line: 1, counted: 0 }
    }

    fn document(mut self) -> Result<Node, CatalogueError> {
        let first = self.next()?;
        let root = self.node(first)?;
        self.tokens.next_token().map_err(|error| self.syntax(error))?;
        Ok(root)
    }

    /// Reads a token where the text cannot end.
    fn next(&mut self) -> Result<Token<'a>, CatalogueError> {
        match self.tokens.next_token() {
            Ok(Some(token)) => Ok(token),
            Ok(None) => Err(self.wrong(self.text.len(), "a value")),
            Err(error) => Err(self.syntax(error)),
        }
    }

    /// The line of a position; positions must not decrease.
    fn line_at(&mut self, at: usize) -> usize {
        let between = self.text.as_bytes().get(self.counted..at).unwrap_or_default();
        self.line += between.iter().filter(|byte| **byte == b'\n').count();
        self.counted = self.counted.max(at);
        self.line
    }

    fn wrong(&mut self, at: usize, expected: &str) -> CatalogueError {
        let found = self.text.get(at..).and_then(|rest| rest.chars().next());
        let found = found.map_or("the end".to_owned(), |c| format!("{c:?}"));
        CatalogueError::Syntax { line: self.line_at(at), expected: expected.to_owned(), found }
    }

    fn syntax(&mut self, error: JsonError) -> CatalogueError {
        if let Some(number) = malformed_number(self.text, &error) {
            return CatalogueError::Syntax {
                line: self.line_at(error.at),
                expected: "a number in JSON's spelling".to_owned(),
                found: format!("{number:?}"),
            };
        }
        let expected = match error.expected {
            Expected::Key | Expected::KeyOrEnd => "a key in double quotes",
            Expected::Word(word) => return self.wrong(error.at, &format!("`{word}`")),
            Expected::Depth => "at most 16 levels of lists and maps",
            Expected::ClosingQuote => "a character of a text, or `\"`",
            Expected::Escape => "one of `\"\\/bfnrtu` after `\\`",
            Expected::HexDigit => "four hexadecimal digits",
            Expected::LowSurrogateEscape => "the second half of a surrogate pair",
            Expected::LowSurrogate | Expected::HighSurrogate => {
                "a character's number, not half of a surrogate pair"
            }
            other => return self.wrong(error.at, &other.to_string()),
        };
        self.wrong(error.at, expected)
    }

    /// Reads the rest of the value that begins with `first`.
    fn node(&mut self, first: Token<'a>) -> Result<Node, CatalogueError> {
        let start = self.tokens.range().start;
        let is_open = matches!(first, Token::MapStart | Token::ListStart);
        if self.tokens.depth() - u32::from(is_open) > DEPTH_MAX {
            return Err(self.wrong(start, "at most 16 levels of lists and maps"));
        }
        let line = self.line_at(start);
        let tree = match first {
            Token::MapStart => self.map()?,
            Token::ListStart => self.list()?,
            Token::String(text) | Token::Key(text) => Tree::Text(text.decode()),
            Token::Bool(value) => Tree::Bool(value),
            Token::Null => Tree::Other("null"),
            // No field of a catalogue is a number, so its value does not matter.
            Token::Number(_) => Tree::Other("a number"),
            Token::MapEnd | Token::ListEnd => return Err(self.wrong(start, "a value")),
        };
        Ok(Node { line, tree })
    }

    fn list(&mut self) -> Result<Tree, CatalogueError> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                Token::ListEnd => return Ok(Tree::List(items)),
                first => items.push(self.node(first)?),
            }
        }
    }

    fn map(&mut self) -> Result<Tree, CatalogueError> {
        let mut entries: Vec<(String, Node)> = Vec::new();
        while let Token::Key(key) = self.next()? {
            let (key, start) = (key.decode(), self.tokens.range().start);
            if entries.iter().any(|(known, _)| *known == key) {
                let (expected, found) = ("each key once".to_owned(), format!("{key:?} again"));
                return Err(CatalogueError::Syntax { line: self.line_at(start), expected, found });
            }
            let first = self.next()?;
            entries.push((key, self.node(first)?));
        }
        Ok(Tree::Map(entries))
    }
}

/// The malformed number in which reading failed, if it was one: all characters of numbers around the error.
fn malformed_number<'a>(text: &'a str, error: &JsonError) -> Option<&'a str> {
    let may_be_number = matches!(
        error.expected,
        Expected::Digit
            | Expected::NoLeadingZero
            | Expected::CommaOrMapEnd
            | Expected::CommaOrListEnd
            | Expected::End
    );
    if !may_be_number {
        return None;
    }
    let is_part = |c: char| c.is_ascii_digit() || "+-.eE".contains(c);
    let (before, after) = text.split_at_checked(error.at)?;
    let start = before.trim_end_matches(is_part).len();
    let end = text.len() - after.trim_start_matches(is_part).len();
    let number = text.get(start..end)?;
    let is_number =
        start < error.at && number.starts_with(|c: char| c == '-' || c.is_ascii_digit());
    (is_number && !Number(number).is_json()).then_some(number)
}
