//! The keys and values of a map, found in one pass and stored as positions in the text.
use std::ops::Range;

use ringseal::internals::json::Expected;

use super::{JsonError, Text, Token, Tokens};

/// The kind of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A map.
    Map,
    /// A list.
    List,
    /// A string without escapes.
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
            key: Text::from_valid(text.get(self.key.clone()).unwrap_or_default(), self.key_escaped),
            kind: self.kind,
            raw: text.get(self.value.clone()).unwrap_or_default(),
        }
    }
}

/// The top-level keys and values of one map. Reuses its memory between texts.
#[derive(Debug, Clone, Default)]
pub struct Entries {
    places: Vec<Place>,
}

/// One key and its value.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// The key.
    pub key: Text<'a>,
    /// The kind of the value.
    pub kind: Kind,
    /// The value as written, quotes and brackets included.
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
        Some(Text::from_valid(inside, escaped))
    }
}

impl Entries {
    /// Finds the keys and values of the one map that `text` must be, and validates all of it.
    ///
    /// # Errors
    /// If the text is not JSON or not a map.
    pub fn find(&mut self, text: &str) -> Result<(), JsonError> {
        self.places.clear();
        let mut tokens = Tokens::of(text);
        if tokens.next_token()? != Some(Token::MapStart) {
            let found = text.trim_start().bytes().next();
            return Err(JsonError { at: 0, expected: Expected::Map, found });
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
        // The map is closed; only white space may follow.
        tokens.next_token().map(|_| ())
    }

    /// Forgets all entries.
    pub fn clear(&mut self) {
        self.places.clear();
    }

    /// The entries of `text`, which must be the text they were found in.
    pub fn iter<'a>(&'a self, text: &'a str) -> impl Iterator<Item = Entry<'a>> + 'a {
        self.places.iter().map(move |place| place.entry(text))
    }

    /// One entry of `text`, which must be the text they were found in.
    pub fn get<'a>(&self, index: usize, text: &'a str) -> Option<Entry<'a>> {
        self.places.get(index).map(|place| place.entry(text))
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether the map is empty.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_the_top_level_with_raw_text() {
        let text = r#" {"a":1, "b\n":{"c":[1,2]},"d":"x\ty","e":"z"} "#;
        let mut entries = Entries::default();
        entries.find(text).expect("a map");
        let seen: Vec<_> =
            entries.iter(text).map(|entry| (entry.key.raw(), entry.kind, entry.raw)).collect();
        let expected = [
            ("a", Kind::Number, "1"),
            ("b\\n", Kind::Map, r#"{"c":[1,2]}"#),
            ("d", Kind::Escaped, r#""x\ty""#),
            ("e", Kind::Plain, r#""z""#),
        ];
        assert_eq!(seen, expected);
        for wrong in ["[1]", "1", "{\"a\":1}x", "{\"a\":[}", ""] {
            assert!(entries.find(wrong).is_err(), "{wrong}");
        }
    }
}
