//! The keys and values of a map, found in one pass and kept as places in the text.
use std::ops::Range;

use super::{JsonError, Text, Token, Tokens};

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A map.
    Map,
    /// A list.
    List,
    /// A string with nothing escaped.
    Plain,
    /// A string with escapes.
    Escaped,
    /// A number.
    Number,
    /// `true` or `false`.
    Bool,
    /// `null`
    Null,
}

impl Kind {
    fn of(token: &Token<'_>) -> Self {
        match token {
            Token::MapStart => Kind::Map,
            Token::ListStart => Kind::List,
            Token::Key(text) | Token::String(text) => match text.plain() {
                Some(_) => Kind::Plain,
                None => Kind::Escaped,
            },
            Token::Number(_) => Kind::Number,
            Token::Bool(_) => Kind::Bool,
            Token::Null | Token::MapEnd | Token::ListEnd => Kind::Null,
        }
    }
}

#[derive(Debug, Clone)]
struct Place {
    key: Range<usize>,
    key_escaped: bool,
    value: Range<usize>,
    kind: Kind,
}

impl Place {
    fn entry<'a>(&self, text: &'a str) -> Entry<'a> {
        Entry {
            key: Text::new(text.get(self.key.clone()).unwrap_or_default(), self.key_escaped),
            kind: self.kind,
            raw: text.get(self.value.clone()).unwrap_or_default(),
        }
    }
}

/// The top-level keys and values of one map. Keeps its memory from one text to the next.
#[derive(Debug, Clone, Default)]
pub struct Entries {
    places: Vec<Place>,
}

/// One key and its value.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// The key.
    pub key: Text<'a>,
    /// What the value is.
    pub kind: Kind,
    /// The value as it is written, quotes and brackets included.
    pub raw: &'a str,
}

impl<'a> Entry<'a> {
    /// The value, if it is a string.
    pub fn string(&self) -> Option<Text<'a>> {
        let escaped = match self.kind {
            Kind::Plain => false,
            Kind::Escaped => true,
            _ => return None,
        };
        let inside = self.raw.strip_prefix('"')?.strip_suffix('"')?;
        Some(Text::new(inside, escaped))
    }
}

impl Entries {
    /// Finds the keys and values of the one map that `text` must be, and validates all of it.
    ///
    /// # Errors
    /// Where the text stops being JSON, or that it is not a map.
    pub fn find(&mut self, text: &str) -> Result<(), JsonError> {
        self.places.clear();
        let mut tokens = Tokens::of(text);
        if tokens.next_token()? != Some(Token::MapStart) {
            let found = text.trim_start().bytes().next();
            return Err(JsonError { at: 0, expected: "`{`", found });
        }
        while let Some(Token::Key(key)) = tokens.next_token()? {
            let place = tokens.range();
            let Some(first) = tokens.next_token()? else { break };
            let kind = Kind::of(&first);
            let value = tokens.skip_value(&first)?;
            self.places.push(Place {
                key: place.start + 1..place.end - 1,
                key_escaped: key.plain().is_none(),
                value,
                kind,
            });
        }
        // The map is closed; nothing but space may follow.
        tokens.next_token().map(|_| ())
    }

    /// The entries of `text`, which must be the text they were found in.
    pub fn iter<'a>(&'a self, text: &'a str) -> impl Iterator<Item = Entry<'a>> + 'a {
        self.places.iter().map(move |place| place.entry(text))
    }

    /// One entry of `text`, which must be the text they were found in.
    pub fn get<'a>(&self, index: usize, text: &'a str) -> Option<Entry<'a>> {
        self.places.get(index).map(|place| place.entry(text))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether the map was empty.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }
}
