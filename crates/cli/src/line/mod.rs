//! One reading of lines for `cat`, `pipe` and `redact`: what JSON is, levels, times.
//!
//! A line is JSON if it is a JSON object, alone or after a [`prefix`]. Neither bytes that are not UTF-8 nor lone
//! surrogates nor a few other near misses (`repair`) change that. All other lines are text. A level that is present
//! but not understood is reported as such, and so is a time.
//!
//! Promises: linear in the line; memory of one repaired line, which is reused; the line itself is never changed.

pub mod json;
pub mod level;
pub mod prefix;
pub mod time;

mod bracket;
mod chosen_keys;
mod header;
mod keys;
mod logfmt;
mod repair;
#[cfg(test)]
mod tests;
mod text_format;

pub use chosen_keys::{ChosenKey, KeyOptions};
pub use level::LevelReading;
pub use text_format::{level_of_text, time_of_text};
pub use time::TimeReading;

use crate::json::{Entries, JsonError};
use json::{Facts, Places};

/// Reads lines; keeps its memory from one to the next.
#[derive(Debug, Default)]
pub struct LineParser {
    entries: Entries,
    repaired: String,
    /// Decides about years that are not written.
    now: i64,
    /// Precede the keys of the well-known loggers.
    keys: Vec<ChosenKey>,
}

/// One line, read.
#[derive(Debug, Clone, Copy)]
pub struct ParsedLine<'a> {
    /// What precedes the JSON object, byte for byte; empty if nothing does, and for text.
    pub prefix: &'a [u8],
    /// The JSON object, repaired if necessary, or the line of text with bytes replaced that are not UTF-8.
    pub text: &'a str,
    /// The entries of the JSON object; empty for text.
    pub entries: &'a Entries,
    /// Whether it is JSON.
    pub is_json: bool,
    /// Why the line is not JSON, if it begins like a JSON object.
    pub error: Option<JsonError>,
    /// Whether the line was UTF-8.
    pub is_utf8: bool,
    /// The level of a JSON object that is cut or broken.
    broken_level: LevelReading,
    now: i64,
    keys: &'a [ChosenKey],
}

/// What a line that begins like a JSON object turned out to be.
enum Object {
    Strict,
    Repaired,
    Broken(JsonError, LevelReading),
}

impl LineParser {
    /// A parser. `now` in nanoseconds since 1970-01-01T00:00:00Z decides about years that are not written.
    pub fn new(now: i64) -> Self {
        Self { now, ..Self::default() }
    }

    /// Looks for level, time and name under these keys first.
    #[must_use]
    pub fn with_keys(self, keys: &KeyOptions) -> Self {
        Self { keys: keys.keys.clone(), ..self }
    }

    /// Reads one line, without its line end.
    pub fn parse<'a>(&'a mut self, line: &'a [u8]) -> ParsedLine<'a> {
        let valid = str::from_utf8(line);
        let start = prefix::object_start(line);
        let mut broken = None;
        if let Some(start) = start {
            let (prefix, object) = line.split_at(start);
            let text = valid.ok().and_then(|line| line.get(start..));
            match self.read_object(object, text) {
                Object::Strict => return self.json(prefix, text.unwrap_or_default(), true),
                Object::Repaired => return self.json(prefix, &self.repaired, valid.is_ok()),
                Object::Broken(error, level) => broken = Some((error, level)),
            }
        }
        self.entries.clear();
        let text = match valid {
            Ok(text) => text,
            Err(_) => {
                self.repaired = String::from_utf8_lossy(line).into_owned();
                &self.repaired
            }
        };
        let (error, broken_level) =
            broken.map_or((None, LevelReading::Missing), |(error, level)| (Some(error), level));
        ParsedLine {
            prefix: &[],
            text,
            entries: &self.entries,
            is_json: false,
            error,
            is_utf8: valid.is_ok(),
            broken_level,
            now: self.now,
            keys: &self.keys,
        }
    }

    /// Reads one line as text, whatever it is.
    pub fn parse_text<'a>(&'a mut self, line: &'a [u8]) -> ParsedLine<'a> {
        self.entries.clear();
        let is_utf8 = str::from_utf8(line).is_ok();
        if !is_utf8 {
            self.repaired = String::from_utf8_lossy(line).into_owned();
        }
        let text = str::from_utf8(line).unwrap_or(&self.repaired);
        let broken_level = LevelReading::Missing;
        ParsedLine {
            prefix: &[],
            text,
            entries: &self.entries,
            is_json: false,
            error: None,
            is_utf8,
            broken_level,
            now: self.now,
            keys: &self.keys,
        }
    }

    fn json<'a>(&'a self, prefix: &'a [u8], text: &'a str, is_utf8: bool) -> ParsedLine<'a> {
        let broken_level = LevelReading::Missing;
        ParsedLine {
            prefix,
            text,
            entries: &self.entries,
            is_json: true,
            error: None,
            is_utf8,
            broken_level,
            now: self.now,
            keys: &self.keys,
        }
    }

    fn read_object(&mut self, object: &[u8], text: Option<&str>) -> Object {
        let mut first_error = None;
        if let Some(text) = text {
            match self.entries.find(text) {
                Ok(()) => return Object::Strict,
                Err(error) => first_error = Some(error),
            }
        }
        repair::repair(object, &mut self.repaired);
        match self.entries.find(&self.repaired) {
            Ok(()) => Object::Repaired,
            Err(error) => {
                let level = json::read(&self.entries, &self.repaired, self.now, &self.keys).level;
                Object::Broken(first_error.unwrap_or(error), level)
            }
        }
    }
}

impl ParsedLine<'_> {
    /// Level, time, and where they are.
    pub fn facts(&self) -> Facts {
        if !self.is_json {
            return Facts { level: self.level(), time: self.time(), places: Places::default() };
        }
        let mut facts = json::read(self.entries, self.text, self.now, self.keys);
        if !self.prefix.is_empty() {
            let prefix = String::from_utf8_lossy(self.prefix);
            if facts.level == LevelReading::Missing {
                facts.level = level_of_text(&prefix);
            }
            if facts.time.unix_nanos().is_none() {
                let time = time_of_text(&prefix, self.now);
                facts.time = if time == TimeReading::Missing { facts.time } else { time };
            }
        }
        facts
    }

    /// Its level.
    pub fn level(&self) -> LevelReading {
        match self.broken_level {
            _ if self.is_json => self.facts().level,
            LevelReading::Missing => level_of_text(self.text),
            level => level,
        }
    }

    /// Its time.
    pub fn time(&self) -> TimeReading {
        match self.is_json {
            true => self.facts().time,
            false => time_of_text(self.text, self.now),
        }
    }

    /// Whether it continues the event of the line before it: text with neither level nor time.
    pub fn is_continuation(&self) -> bool {
        !self.is_json
            && self.level() == LevelReading::Missing
            && self.time() == TimeReading::Missing
    }
}
