//! Catalogues in JSON (RFC 8259), read strictly: no comments, no duplicate keys, nothing after the end.
use std::str::CharIndices;

use super::Catalogue;
use super::error::CatalogueError;
use super::shape::{self, Node, Tree};

/// Deepest nesting of lists and maps; a catalogue needs four levels.
const DEPTH_MAX: usize = 16;

impl Catalogue {
    /// Reads a catalogue in JSON. Blank text is an empty catalogue.
    ///
    /// A list of event types, or a map with `event_types`, and optionally `required`, `unknown` (`"refuse"` or
    /// `"allow"`), `au3`, `description` and `version`. An event type is its name, or a map with `event_type` (or
    /// `name`), and optionally `required` (or `required_fields`) and `description`; `event_types` may also be a map
    /// from names to lists of required fields.
    ///
    /// ```
    /// use ringseal::audit::Catalogue;
    /// let text = r#"{"event_types": [
    ///     "user.login",
    ///     {"event_type": "config.change", "required": ["target.id", "details.reason"]}
    /// ]}"#;
    /// let catalogue = Catalogue::from_json(text).unwrap();
    /// assert_eq!(catalogue.event_types().collect::<Vec<_>>(), ["config.change", "user.login"]);
    ///
    /// let error = Catalogue::from_json("[\n  \"user.login\",\n]").unwrap_err().to_string();
    /// assert_eq!(error, "line 3: expected a value, found ']'");
    /// ```
    pub fn from_json(text: &str) -> Result<Catalogue, CatalogueError> {
        if text.trim().is_empty() {
            return Ok(Catalogue::default());
        }
        shape::build(&Reader::new(text).document()?)
    }
}

struct Reader<'a> {
    text: &'a str,
    rest: CharIndices<'a>,
    line: usize,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Self {
        Reader { text, rest: text.char_indices(), line: 1 }
    }

    fn document(mut self) -> Result<Node, CatalogueError> {
        let root = self.value(0)?;
        match self.peek_nonblank() {
            None => Ok(root),
            Some(_) => Err(self.unexpected("the end")),
        }
    }

    fn peek(&self) -> Option<char> {
        self.rest.clone().next().map(|(_, c)| c)
    }

    fn take(&mut self) -> Option<char> {
        let (_, c) = self.rest.next()?;
        self.line += usize::from(c == '\n');
        Some(c)
    }

    /// Skips whitespace and returns the next character.
    fn peek_nonblank(&mut self) -> Option<char> {
        while let Some(c) = self.peek() {
            if !matches!(c, ' ' | '\t' | '\n' | '\r') {
                return Some(c);
            }
            self.take();
        }
        None
    }

    fn unexpected(&self, expected: &str) -> CatalogueError {
        let found = self.peek().map_or("the end".to_owned(), |c| format!("{c:?}"));
        CatalogueError::Syntax { line: self.line, expected: expected.to_owned(), found }
    }

    /// Takes `c` if it comes next.
    fn take_if(&mut self, c: char) -> bool {
        let is_next = self.peek_nonblank() == Some(c);
        if is_next {
            self.take();
        }
        is_next
    }

    fn value(&mut self, depth: usize) -> Result<Node, CatalogueError> {
        let first = self.peek_nonblank();
        let line = self.line;
        if depth > DEPTH_MAX {
            return Err(self.unexpected("at most 16 levels of lists and maps"));
        }
        let tree = match first {
            Some('[') => self.list(depth)?,
            Some('{') => self.map(depth)?,
            Some('"') => Tree::Text(self.string()?),
            Some('t') => self.word("true", Tree::Bool(true))?,
            Some('f') => self.word("false", Tree::Bool(false))?,
            Some('n') => self.word("null", Tree::Other("null"))?,
            Some(c) if c == '-' || c.is_ascii_digit() => self.number()?,
            _ => return Err(self.unexpected("a value")),
        };
        Ok(Node { line, tree })
    }

    fn list(&mut self, depth: usize) -> Result<Tree, CatalogueError> {
        self.take();
        let mut items = Vec::new();
        if self.take_if(']') {
            return Ok(Tree::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            if self.take_if(']') {
                return Ok(Tree::List(items));
            }
            if !self.take_if(',') {
                return Err(self.unexpected("`,` or `]`"));
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Tree, CatalogueError> {
        self.take();
        let mut entries: Vec<(String, Node)> = Vec::new();
        if self.take_if('}') {
            return Ok(Tree::Map(entries));
        }
        loop {
            if self.peek_nonblank() != Some('"') {
                return Err(self.unexpected("a key in double quotes"));
            }
            let (line, key) = (self.line, self.string()?);
            if entries.iter().any(|(known, _)| *known == key) {
                let (expected, found) = ("each key once".to_owned(), format!("{key:?} again"));
                return Err(CatalogueError::Syntax { line, expected, found });
            }
            if !self.take_if(':') {
                return Err(self.unexpected("`:`"));
            }
            entries.push((key, self.value(depth + 1)?));
            if self.take_if('}') {
                return Ok(Tree::Map(entries));
            }
            if !self.take_if(',') {
                return Err(self.unexpected("`,` or `}`"));
            }
        }
    }

    fn word(&mut self, word: &str, tree: Tree) -> Result<Tree, CatalogueError> {
        for expected in word.chars() {
            if self.peek() != Some(expected) {
                return Err(self.unexpected(&format!("`{word}`")));
            }
            self.take();
        }
        Ok(tree)
    }

    /// A catalogue has no numbers, so only the spelling is checked.
    fn number(&mut self) -> Result<Tree, CatalogueError> {
        let start = self.rest.offset();
        while self.peek().is_some_and(|c| c.is_ascii_digit() || "+-.eE".contains(c)) {
            self.take();
        }
        let text = self.text.get(start..self.rest.offset()).unwrap_or_default();
        match crate::core::value::Number(text).is_json() {
            true => Ok(Tree::Other("a number")),
            false => Err(CatalogueError::Syntax {
                line: self.line,
                expected: "a number in JSON's spelling".to_owned(),
                found: format!("{text:?}"),
            }),
        }
    }

    fn string(&mut self) -> Result<String, CatalogueError> {
        self.take();
        let mut text = String::new();
        loop {
            match self.peek() {
                Some('"') => {
                    self.take();
                    return Ok(text);
                }
                Some('\\') => {
                    self.take();
                    text.push(self.escaped()?);
                }
                Some(c) if c >= ' ' => {
                    self.take();
                    text.push(c);
                }
                _ => return Err(self.unexpected("a character of a text, or `\"`")),
            }
        }
    }

    fn escaped(&mut self) -> Result<char, CatalogueError> {
        let c = match self.peek() {
            Some(c @ ('"' | '\\' | '/')) => c,
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => {
                self.take();
                return self.unicode();
            }
            _ => return Err(self.unexpected("one of `\"\\/bfnrtu` after `\\`")),
        };
        self.take();
        Ok(c)
    }

    /// The digits after `\u`; two escapes for characters above U+FFFF.
    fn unicode(&mut self) -> Result<char, CatalogueError> {
        let first = self.four_digits()?;
        let code = match first {
            0xd800..=0xdbff => {
                let is_pair = self.peek() == Some('\\') && self.take().is_some();
                if !is_pair || self.peek() != Some('u') {
                    return Err(self.unexpected("the second half of a surrogate pair"));
                }
                self.take();
                let second = self.four_digits()?;
                match second {
                    0xdc00..=0xdfff => 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00),
                    _ => first,
                }
            }
            code => code,
        };
        char::from_u32(code)
            .ok_or_else(|| self.unexpected("a character's number, no half of a pair"))
    }

    fn four_digits(&mut self) -> Result<u32, CatalogueError> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|c| c.to_digit(16));
            let digit = digit.ok_or_else(|| self.unexpected("four hexadecimal digits"))?;
            self.take();
            code = code << 4 | digit;
        }
        Ok(code)
    }
}
