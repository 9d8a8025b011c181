//! An event that borrows from its line; fields are read on demand.
use std::ops::Range;

use ringseal::Level;

use crate::json::{Entries, Entry, Kind, Tokens};

/// The event of one line.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    /// Its level, or info if the line has none.
    pub level: Level,
    /// Its name.
    pub name: &'a str,
    /// All other fields.
    pub fields: Fields<'a>,
}

/// A key and a value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Field<'a> {
    /// The key, unescaped.
    pub key: &'a str,
    /// The value.
    pub value: Value<'a>,
}

/// A value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as written in the line.
    Number(&'a str),
    /// The original length of a line in bytes.
    Count(u64),
    /// A string, unescaped.
    Str(&'a str),
    /// A map.
    Map(Nested<'a>),
    /// A list.
    List(Nested<'a>),
}

/// A map or a list: valid JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nested<'a> {
    raw: &'a str,
}

impl<'a> Nested<'a> {
    /// The text of the line.
    pub fn raw(&self) -> &'a str {
        self.raw
    }

    /// Its tokens, the opening bracket first.
    pub fn tokens(&self) -> Tokens<'a> {
        Tokens::of(self.raw)
    }
}

/// The fields of one event.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a> {
    pub(super) sources: &'a [FieldSource],
    pub(super) entries: &'a Entries,
    pub(super) text: &'a str,
    pub(super) decoded: &'a str,
}

/// Where a field's key and value come from.
#[derive(Debug, Clone)]
pub(super) struct FieldSource {
    pub(super) key: KeySource,
    pub(super) value: ValueSource,
}

#[derive(Debug, Clone)]
pub(super) enum KeySource {
    /// The raw text of the entry with this index.
    Entry(usize),
    Decoded(Range<usize>),
    Fixed(&'static str),
}

#[derive(Debug, Clone)]
pub(super) enum ValueSource {
    /// The raw text of the entry with this index.
    Entry(usize),
    Decoded(Range<usize>),
    /// A map that was encoded again, in the decoded texts.
    DecodedMap(Range<usize>),
    /// The whole line.
    Line,
    Count(u64),
}

impl<'a> Fields<'a> {
    /// Each field, in the order of the line.
    pub fn iter(&self) -> impl Iterator<Item = Field<'a>> + use<'a> {
        let fields = *self;
        self.sources.iter().map(move |place| fields.field(place))
    }

    /// The number of fields.
    pub fn len(&self) -> usize {
        self.sources.len()
    }

    /// Whether there are no fields.
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    fn field(&self, place: &FieldSource) -> Field<'a> {
        let decoded = |range: &Range<usize>| self.decoded.get(range.clone()).unwrap_or_default();
        let entry = |index: usize| self.entries.get(index, self.text);
        let key = match &place.key {
            KeySource::Entry(index) => entry(*index).map_or("", |entry| entry.key.raw()),
            KeySource::Decoded(range) => decoded(range),
            KeySource::Fixed(key) => key,
        };
        let value = match &place.value {
            ValueSource::Entry(index) => {
                entry(*index).map_or(Value::Null, |entry| value_of(&entry))
            }
            ValueSource::Decoded(range) => Value::Str(decoded(range)),
            ValueSource::DecodedMap(range) => Value::Map(Nested { raw: decoded(range) }),
            ValueSource::Line => Value::Str(self.text),
            ValueSource::Count(count) => Value::Count(*count),
        };
        Field { key, value }
    }
}

fn value_of<'a>(entry: &Entry<'a>) -> Value<'a> {
    match entry.kind {
        Kind::Null => Value::Null,
        Kind::Bool => Value::Bool(entry.raw == "true"),
        Kind::Number => Value::Number(entry.raw),
        Kind::Plain | Kind::Escaped => Value::Str(entry.string().map_or("", |text| text.raw())),
        Kind::Map => Value::Map(Nested { raw: entry.raw }),
        Kind::List => Value::List(Nested { raw: entry.raw }),
    }
}
