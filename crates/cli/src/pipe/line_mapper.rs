//! Maps a line to an event: level, name and fields.
use ringseal::Level;

use super::detect_level::level_of_text;
use super::event::{Event, FieldSource, Fields, KeySource, ValueSource};
use super::line_splitter::Line;
use super::{Counts, Format, LEVEL_ASSUMED};
use crate::json::{Entries, Entry, JsonError, Kind, Text};
use crate::log_line::{EVENT_KEYS, LEVEL_KEYS, TIME_KEYS, level_in, level_of};

/// Keys that the engine writes itself. A line's field with such a key gets the prefix `original_`.
const ENGINE_KEYS: [&str; 9] = [
    "timestamp",
    "@timestamp",
    "level",
    "log.level",
    "event",
    "target",
    "run_id",
    "schema_version",
    "seq",
];

/// Maps lines to events; reuses its memory between lines.
#[derive(Debug)]
pub(super) struct LineMapper<'n> {
    format: Format,
    /// The name of lines without one.
    name: &'n str,
    entries: Entries,
    sources: Vec<FieldSource>,
    decoded: String,
    /// The current line with invalid bytes replaced.
    repaired: String,
}

/// The kind of a line.
enum LineKind {
    Json { level: Option<Level>, name: Name },
    Text { level: Option<Level> },
}

enum Name {
    Default,
    Entry(usize),
    Decoded(std::ops::Range<usize>),
}

impl<'n> LineMapper<'n> {
    pub(super) fn new(format: Format, name: &'n str) -> Self {
        Self {
            format,
            name,
            entries: Entries::default(),
            sources: Vec::new(),
            decoded: String::new(),
            repaired: String::new(),
        }
    }

    /// Maps one line to an event.
    pub(super) fn event<'a>(&'a mut self, line: &Line<'a>, counts: &mut Counts) -> Event<'a> {
        self.sources.clear();
        self.decoded.clear();
        if let Ok(text) = str::from_utf8(line.bytes) {
            let kind = self.classify(text);
            self.add_original_length(line, counts);
            return self.assemble(kind, text, counts);
        }
        counts.not_utf8 += 1;
        let repaired = String::from_utf8_lossy(line.bytes).into_owned();
        let kind = self.classify(&repaired);
        self.add_original_length(line, counts);
        self.repaired = repaired;
        self.assemble(kind, &self.repaired, counts)
    }

    /// Adds the original length of a line that was cut.
    fn add_original_length(&mut self, line: &Line<'_>, counts: &mut Counts) {
        if line.original_bytes > line.bytes.len() as u64 {
            counts.truncated += 1;
            let value = ValueSource::Count(line.original_bytes);
            self.sources.push(FieldSource { key: KeySource::Fixed("original_line_bytes"), value });
        }
    }

    fn assemble<'a>(&'a self, kind: LineKind, text: &'a str, counts: &mut Counts) -> Event<'a> {
        let fields =
            Fields { sources: &self.sources, entries: &self.entries, text, decoded: &self.decoded };
        let (level, name) = match kind {
            LineKind::Json { level, name } => {
                counts.json += 1;
                (level, self.name_of(&name, text))
            }
            LineKind::Text { level } => {
                counts.text += 1;
                (level, self.name)
            }
        };
        Event { level: level.unwrap_or(LEVEL_ASSUMED), name, fields }
    }

    fn name_of<'a>(&'a self, name: &Name, text: &'a str) -> &'a str {
        match name {
            Name::Default => self.name,
            Name::Entry(index) => {
                let entry = self.entries.get(*index, text);
                entry.and_then(|entry| entry.string()).map_or(self.name, |text| text.raw())
            }
            Name::Decoded(range) => self.decoded.get(range.clone()).unwrap_or_default(),
        }
    }

    /// Determines the kind of the line and the positions of its fields.
    fn classify(&mut self, text: &str) -> LineKind {
        let tried = match self.format {
            Format::Text => None,
            Format::Auto if !text.trim_start().starts_with('{') => None,
            Format::Auto | Format::Json => Some(self.entries.find(text)),
        };
        if let Some(Ok(())) = tried {
            return self.classify_json(text);
        }
        self.sources
            .push(FieldSource { key: KeySource::Fixed("message"), value: ValueSource::Line });
        if let (Some(Err(error)), Format::Json) = (tried, self.format) {
            self.push_error(error);
        }
        LineKind::Text { level: level_of_text(text) }
    }

    fn push_error(&mut self, error: JsonError) {
        let value =
            ValueSource::Decoded(self.decode(|decoded| decoded.push_str(&error.to_string())));
        self.sources.push(FieldSource { key: KeySource::Fixed("parse_error"), value });
    }

    fn classify_json(&mut self, text: &str) -> LineKind {
        let name_at = self.index_of(text, &EVENT_KEYS, |entry| entry.string().is_some());
        let level_at = self.index_of(text, &LEVEL_KEYS, |entry| level_in(entry).is_some());
        let time_at = self.index_of(text, &TIME_KEYS, |_| true);
        let level = level_of(&self.entries, text);
        let mut name = Name::Default;
        for index in 0..self.entries.len() {
            let Some(entry) = self.entries.get(index, text) else { break };
            if Some(index) == level_at {
                continue;
            }
            if Some(index) == name_at {
                name = match entry.string().filter(|text| text.plain().is_none()) {
                    Some(text) => Name::Decoded(self.decode_text(text)),
                    None => Name::Entry(index),
                };
                continue;
            }
            let key = if Some(index) == time_at {
                KeySource::Fixed("original_timestamp")
            } else {
                self.key(index, &entry)
            };
            let value = self.value(index, &entry);
            self.sources.push(FieldSource { key, value });
        }
        LineKind::Json { level, name }
    }

    /// The index of the entry of the first of `keys` that the line has with an accepted value.
    fn index_of(
        &self,
        text: &str,
        keys: &[&str],
        accepts: impl Fn(&Entry<'_>) -> bool,
    ) -> Option<usize> {
        let index_of = |key: &&str| {
            self.entries.iter(text).position(|entry| entry.key.is(key) && accepts(&entry))
        };
        keys.iter().find_map(index_of)
    }

    fn key(&mut self, index: usize, entry: &Entry<'_>) -> KeySource {
        if ENGINE_KEYS.iter().any(|key| entry.key.is(key)) {
            return KeySource::Decoded(self.decode(|decoded| {
                decoded.push_str("original_");
                entry.key.decode_into(decoded);
            }));
        }
        match entry.key.plain() {
            Some(_) => KeySource::Entry(index),
            None => KeySource::Decoded(self.decode_text(entry.key)),
        }
    }

    fn value(&mut self, index: usize, entry: &Entry<'_>) -> ValueSource {
        match entry.string() {
            Some(text) if entry.kind == Kind::Escaped => {
                ValueSource::Decoded(self.decode_text(text))
            }
            _ => ValueSource::Entry(index),
        }
    }

    fn decode_text(&mut self, text: Text<'_>) -> std::ops::Range<usize> {
        self.decode(|decoded| text.decode_into(decoded))
    }

    fn decode(&mut self, write: impl FnOnce(&mut String)) -> std::ops::Range<usize> {
        let start = self.decoded.len();
        write(&mut self.decoded);
        start..self.decoded.len()
    }
}
