//! Maps a line to an event: level, name and fields.
use std::ops::Range;

use super::event::{Event, FieldSource, Fields, KeySource, ValueSource};
use super::line_splitter::Line;
use super::{Counts, Format, Input};
use crate::json::{Entries, Entry, JsonError, Kind, Text};
use crate::line::json::{Facts, name_below};
use crate::line::{LevelReading, LineParser, ParsedLine, TimeReading};
use crate::redact::KeyMask;

/// Keys that the engine writes itself. A line's field with such a key gets the prefix `original_`.
const ENGINE_KEYS: [&str; 10] = [
    "timestamp",
    "@timestamp",
    "level",
    "log.level",
    "event",
    "target",
    "run_id",
    "schema_version",
    "seq",
    "sample_rate",
];

/// Keys whose value becomes the level. Other keys with a level stay fields as well.
const LEVEL_KEYS: [&str; 4] = ["level", "log.level", "severity", "lvl"];

/// Maps lines to events; reuses its memory between lines.
#[derive(Debug)]
pub(super) struct LineMapper<'n> {
    format: Format,
    /// The name of lines without one.
    name: &'n str,
    parser: LineParser,
    builder: Builder,
    /// Masks what spans several lines; `None` if nothing is masked.
    key_mask: Option<KeyMask>,
}

/// The fields of the current event.
#[derive(Debug, Default)]
struct Builder {
    sources: Vec<FieldSource>,
    decoded: String,
}

enum Name {
    Default,
    Entry(usize),
    Decoded(Range<usize>),
}

impl<'n> LineMapper<'n> {
    /// `parser` reads the lines.
    pub(super) fn new(input: &'n Input, parser: LineParser, key_mask: Option<KeyMask>) -> Self {
        let parser = parser.with_keys(&input.keys);
        let (format, name) = (input.format, input.event_name.as_str());
        Self { format, name, parser, builder: Builder::default(), key_mask }
    }

    /// Maps one line to an event.
    pub(super) fn event<'a>(&'a mut self, line: &Line<'a>, counts: &mut Counts) -> Event<'a> {
        self.builder.sources.clear();
        self.builder.decoded.clear();
        let parsed = match self.format {
            Format::Text => self.parser.parse_text(line.bytes),
            Format::Auto | Format::Json => self.parser.parse(line.bytes),
        };
        let facts = parsed.facts();
        counts.count(&parsed, &facts);
        let name = match parsed.is_json {
            true => {
                if let Some(mask) = &mut self.key_mask {
                    mask.other_line();
                }
                self.builder.json(&parsed, &facts)
            }
            false => {
                counts.key_lines += u64::from(self.builder.text(&parsed, &mut self.key_mask));
                if self.format == Format::Json {
                    self.builder.error(parse_error(&parsed));
                }
                Name::Default
            }
        };
        self.builder.original_length(line, &parsed, counts);
        let Builder { sources, decoded } = &self.builder;
        let name = match name {
            Name::Default => self.name,
            Name::Entry(index) => {
                let entry = parsed.entries.get(index, parsed.text);
                entry.and_then(|entry| entry.string()).map_or(self.name, |text| text.raw())
            }
            Name::Decoded(range) => decoded.get(range).unwrap_or_default(),
        };
        let (entries, text) = (parsed.entries, parsed.text);
        Event {
            level: facts.level.or_assumed(),
            name,
            fields: Fields { sources, entries, text, decoded },
        }
    }
}

/// Why a line is not JSON.
fn parse_error(line: &ParsedLine<'_>) -> Option<JsonError> {
    line.error.or_else(|| Entries::default().find(line.text).err())
}

impl Counts {
    fn count(&mut self, line: &ParsedLine<'_>, facts: &Facts) {
        let one = u64::from;
        self.not_utf8 += one(!line.is_utf8);
        self.json += one(line.is_json);
        self.text += one(!line.is_json);
        self.levels_unknown += one(facts.level == LevelReading::Unknown);
        self.times_unknown += one(facts.time == TimeReading::Unknown);
    }
}

impl Builder {
    /// Adds the field of a line of text; returns whether a part of it belongs to a private key.
    fn text(&mut self, line: &ParsedLine<'_>, key_mask: &mut Option<KeyMask>) -> bool {
        let masked = key_mask.as_mut().and_then(|mask| mask.masked(line.text));
        let is_key = masked.as_ref().is_some_and(|(_, is_key)| *is_key);
        let value = match masked {
            Some((masked, _)) => {
                ValueSource::Decoded(self.decode(|decoded| decoded.push_str(&masked)))
            }
            None => ValueSource::Line,
        };
        self.sources.push(FieldSource { key: KeySource::Fixed("message"), value });
        is_key
    }

    fn error(&mut self, error: Option<JsonError>) {
        let Some(error) = error else { return };
        let value =
            ValueSource::Decoded(self.decode(|decoded| decoded.push_str(&error.to_string())));
        self.sources.push(FieldSource { key: KeySource::Fixed("parse_error"), value });
    }

    /// Adds the original length of a line that was cut.
    fn original_length(&mut self, line: &Line<'_>, parsed: &ParsedLine<'_>, counts: &mut Counts) {
        if line.original_bytes > line.bytes.len() as u64 {
            counts.truncated += 1;
            let value = ValueSource::Count(line.original_bytes);
            let key = self.free_key("original_line_bytes", parsed);
            self.sources.push(FieldSource { key, value });
        }
    }

    /// Adds the fields of a JSON object; returns its name.
    fn json(&mut self, line: &ParsedLine<'_>, facts: &Facts) -> Name {
        let mut name = Name::Default;
        let level = facts.places.level.filter(|_| facts.level.level().is_some());
        let level_key = level.and_then(|at| Some(line.entries.get(at, line.text)?.key));
        for (index, entry) in line.entries.iter(line.text).enumerate() {
            if Some(index) == facts.places.name {
                name = self.name(index, &entry);
            } else if Some(index) == facts.places.name_parent {
                name = self.name_below(&entry);
            } else if Some(index) == facts.places.time {
                let key = self.free_key("original_timestamp", line);
                self.field(key, index, &entry);
            } else if !is_level(&entry, level_key) && !is_unused_time(&entry, facts) {
                let key = self.key(index, &entry, line, facts);
                self.field(key, index, &entry);
            }
        }
        self.prefix(line);
        name
    }

    /// A key that the line does not have: this one, or with the first free number from 2 on. Otherwise one of two
    /// fields would be dropped, for example if the line was written by `pipe` itself.
    fn free_key(&mut self, wanted: &str, line: &ParsedLine<'_>) -> KeySource {
        let start = self.decoded.len();
        self.decoded.push_str(wanted);
        let len = self.decoded.len();
        for number in 2_u64.. {
            let range = start..self.decoded.len();
            let key = &self.decoded[range.clone()];
            let is_in_line = line.entries.iter(line.text).any(|entry| entry.key.is(key));
            if !is_in_line && !self.has_key(key) {
                return KeySource::Decoded(range);
            }
            self.decoded.truncate(len);
            self.decoded.push_str(&format!("_{number}"));
        }
        KeySource::Decoded(start..self.decoded.len())
    }

    /// Whether a field with a key that was made here has this one.
    fn has_key(&self, key: &str) -> bool {
        self.sources.iter().any(|source| match &source.key {
            KeySource::Decoded(range) => self.decoded.get(range.clone()) == Some(key),
            KeySource::Fixed(fixed) => *fixed == key,
            KeySource::Entry(_) => false,
        })
    }

    /// Adds what precedes the JSON object.
    fn prefix(&mut self, line: &ParsedLine<'_>) {
        let prefix = String::from_utf8_lossy(line.prefix);
        let prefix = prefix.trim_start_matches('\u{feff}').trim();
        if !prefix.is_empty() {
            let value = ValueSource::Decoded(self.decode(|decoded| decoded.push_str(prefix)));
            let key = self.free_key("line_prefix", line);
            self.sources.push(FieldSource { key, value });
        }
    }

    fn field(&mut self, key: KeySource, index: usize, entry: &Entry<'_>) {
        let value = match entry.string() {
            Some(text) if entry.kind == Kind::Escaped => {
                ValueSource::Decoded(self.decode_text(text))
            }
            _ => ValueSource::Entry(index),
        };
        self.sources.push(FieldSource { key, value });
    }

    fn name(&mut self, index: usize, entry: &Entry<'_>) -> Name {
        match entry.string().filter(|text| text.plain().is_none()) {
            Some(text) => Name::Decoded(self.decode_text(text)),
            None => Name::Entry(index),
        }
    }

    /// The name inside a map, whose other entries stay in a map of the same key.
    fn name_below(&mut self, entry: &Entry<'_>) -> Name {
        let Some((inner, at)) = name_below(entry) else { return Name::Default };
        let others = self.decode(|decoded| {
            decoded.push('{');
            let others = inner.iter(entry.raw).enumerate().filter(|(index, _)| *index != at);
            for (_, other) in others {
                let comma = if decoded.ends_with('{') { "" } else { "," };
                decoded.extend([comma, "\"", other.key.raw(), "\":", other.raw]);
            }
            decoded.push('}');
        });
        if others.len() > "{}".len() {
            let key = KeySource::Decoded(self.decode_text(entry.key));
            self.sources.push(FieldSource { key, value: ValueSource::DecodedMap(others) });
        }
        let name = inner.get(at, entry.raw).and_then(|entry| entry.string());
        name.map_or(Name::Default, |name| Name::Decoded(self.decode_text(name)))
    }

    fn key(
        &mut self,
        index: usize,
        entry: &Entry<'_>,
        line: &ParsedLine<'_>,
        facts: &Facts,
    ) -> KeySource {
        // `original_timestamp` is the time that was used.
        if facts.places.time.is_some() && entry.key.is("timestamp") {
            return self.free_key("unused_timestamp", line);
        }
        if ENGINE_KEYS.iter().any(|key| entry.key.is(key)) {
            return self.free_key(&format!("original_{}", entry.key.decode()), line);
        }
        match entry.key.plain() {
            Some(_) => KeySource::Entry(index),
            None => KeySource::Decoded(self.decode_text(entry.key)),
        }
    }

    fn decode_text(&mut self, text: Text<'_>) -> Range<usize> {
        self.decode(|decoded| text.decode_into(decoded))
    }

    fn decode(&mut self, write: impl FnOnce(&mut String)) -> Range<usize> {
        let start = self.decoded.len();
        write(&mut self.decoded);
        start..self.decoded.len()
    }
}

/// Whether an entry has become the event's level, or was overridden by the entry that has.
fn is_level(entry: &Entry<'_>, level_key: Option<Text<'_>>) -> bool {
    let is_dropped = LEVEL_KEYS
        .iter()
        .any(|key| entry.key.plain().is_some_and(|plain| plain.eq_ignore_ascii_case(key)));
    is_dropped && level_key.is_some_and(|key| key == entry.key)
}

/// Whether an entry is a `timestamp` without a value, beside the time that was used.
fn is_unused_time(entry: &Entry<'_>, facts: &Facts) -> bool {
    facts.places.time.is_some() && entry.kind == Kind::Null && entry.key.is("timestamp")
}
