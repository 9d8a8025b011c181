//! The readable format: time, level, event, fields.
//!
//! `2025-11-13T19:00:00.123Z [INFO    ] User registered user_id=7 trace_id=abc123`
//!
//! An error is its message with the causes, and its type. No character of a line controls the terminal or hides:
//! escapes of JSON stay escaped. A key, a value or a name that could be taken for more than one is quoted.
use std::io::{self, IsTerminal, Write};

use ringseal::Level;

use super::error_text::ErrorText;
use super::shown_time::ShownTime;
use crate::console::{Color, Style, write_safe};
use crate::json::{Entry, Kind, Text};
use crate::line::json::{Facts, name_below};
use crate::line::{LevelReading, LineParser, ParsedLine, TimeReading};
use crate::time::MILLIS_LEN;

/// Fields that the engine adds to every line; hidden by default.
const ENGINE_KEYS: [&str; 5] = ["run_id", "schema_version", "seq", "ecs.version", "ecs"];

/// How to show lines.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ConsoleOptions {
    color: bool,
    /// Show the engine's fields.
    all: bool,
    /// Standard output is a terminal: lines that are not JSON are shown without control characters.
    terminal: bool,
}

impl ConsoleOptions {
    pub(crate) fn of(color: Color, all: bool) -> Self {
        Self { color: color.on_stdout(), all, terminal: io::stdout().is_terminal() }
    }
}

/// Writes lines in the readable format.
pub(crate) struct ConsoleWriter {
    options: ConsoleOptions,
    time: ShownTime,
    parser: LineParser,
    scratch: String,
}

/// The colour of a level.
fn style_of(level: Option<Level>) -> Style {
    Style(match level {
        Some(Level::Trace) | None => "\x1b[2m",
        Some(Level::Debug) => "\x1b[34m",
        Some(Level::Info) => "\x1b[32m",
        Some(Level::Warn) => "\x1b[33m",
        Some(Level::Error) => "\x1b[31m",
        Some(Level::Critical) => "\x1b[1;97;41m",
    })
}

impl ConsoleWriter {
    /// `parser` reads the lines.
    pub(crate) fn new(options: ConsoleOptions, time: ShownTime, parser: LineParser) -> Self {
        Self { options, time, parser, scratch: String::new() }
    }

    /// Writes one line of a log. A line that is not JSON, or not a log line, is shown unchanged.
    pub(crate) fn write(&mut self, line: &[u8], out: &mut dyn Write) -> io::Result<()> {
        let mut parser = std::mem::take(&mut self.parser);
        let parsed = parser.parse(line);
        let facts = parsed.facts();
        let is_event = facts.places.name.is_some()
            || facts.places.name_parent.is_some()
            || facts.time != TimeReading::Missing
            || facts.level != LevelReading::Missing;
        let result = match parsed.is_json {
            true if is_event => self.write_entries(&parsed, &facts, out),
            true => self.write_as_is(line.trim_ascii(), out),
            false => self.write_as_is(line, out),
        };
        self.parser = parser;
        result
    }

    fn write_as_is(&mut self, line: &[u8], out: &mut dyn Write) -> io::Result<()> {
        if self.options.terminal {
            write_safe(&String::from_utf8_lossy(line), out)?;
        } else {
            out.write_all(line)?;
        }
        out.write_all(b"\n")
    }

    fn write_entries(
        &mut self,
        line: &ParsedLine<'_>,
        facts: &Facts,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let (places, level) = (facts.places, facts.level.level());
        let entry = |place: Option<usize>| line.entries.get(place?, line.text);
        self.write_time(facts.time, entry(places.time), out)?;
        self.write_level(level, out)?;
        if let Some(name) = entry(places.name).and_then(|entry| entry.string()) {
            self.styled(Style::BOLD, out, |writer, out| writer.write_name(name, out))?;
        }
        let parent = entry(places.name_parent);
        let below = parent.and_then(|parent| Some((parent.raw, name_below(&parent)?)));
        if let Some((raw, (inner, at))) = &below {
            if let Some(name) = inner.get(*at, raw).and_then(|entry| entry.string()) {
                self.styled(Style::BOLD, out, |writer, out| writer.write_name(name, out))?;
            }
            for (_, entry) in inner.iter(raw).enumerate().filter(|(index, _)| index != at) {
                self.write_field(&entry, out)?;
            }
        }
        // An unknown level stays visible as a field.
        let level_key = entry(places.level.filter(|_| level.is_some())).map(|entry| entry.key);
        for (index, entry) in line.entries.iter(line.text).enumerate() {
            let used = [places.time, places.name, places.name_parent];
            let is_level = level_key.is_some_and(|key| key == entry.key);
            if !used.contains(&Some(index)) && !is_level && !self.is_hidden(&entry) {
                self.write_field(&entry, out)?;
            }
        }
        self.write_prefix(line.prefix, out)?;
        out.write_all(b"\n")
    }

    fn is_hidden(&self, entry: &Entry<'_>) -> bool {
        !self.options.all && ENGINE_KEYS.iter().any(|key| entry.key.is(key))
    }

    /// Writes what precedes the JSON object, after the fields.
    fn write_prefix(&mut self, prefix: &[u8], out: &mut dyn Write) -> io::Result<()> {
        let prefix = String::from_utf8_lossy(prefix);
        let prefix = prefix.trim_start_matches('\u{feff}').trim();
        if prefix.is_empty() {
            return Ok(());
        }
        out.write_all(b" ")?;
        self.styled(Style::KEY, out, |_, out| out.write_all(b"line_prefix"))?;
        out.write_all(b"=")?;
        if is_word(prefix) {
            return write_safe(prefix, out);
        }
        write_quoted(&escaped(prefix), out)
    }

    fn write_time(
        &mut self,
        time: TimeReading,
        entry: Option<Entry<'_>>,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        match (time, entry) {
            (TimeReading::At(nanos), _) => {
                let text = self.time.text(nanos);
                self.styled(Style::DIM, out, |_, out| out.write_all(text.as_bytes()))
            }
            (_, Some(entry)) => self.write_value(&entry, out),
            (_, None) => write!(out, "{:MILLIS_LEN$}", "-"),
        }
    }

    fn write_level(&mut self, level: Option<Level>, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(b" [")?;
        self.styled(style_of(level), out, |_, out| out.write_all(padded(level).as_bytes()))?;
        out.write_all(b"] ")
    }

    fn write_field(&mut self, entry: &Entry<'_>, out: &mut dyn Write) -> io::Result<()> {
        if entry.kind == Kind::Map
            && let Some(error) = ErrorText::of(entry.raw)
        {
            return self.write_error(entry.key, &error, out);
        }
        out.write_all(b" ")?;
        self.styled(Style::KEY, out, |_, out| write_key(entry.key, out))?;
        out.write_all(b"=")?;
        self.write_value(entry, out)
    }

    /// Writes an error: its message with the causes, its type and its stack trace.
    fn write_error(
        &mut self,
        key: Text<'_>,
        error: &ErrorText,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let if_all = |text: &'_ Option<String>| text.clone().filter(|_| self.options.all);
        let parts = [
            ("", Some(error.text.clone())),
            (".type", error.kind.clone()),
            (".stack_trace", error.stack_trace.clone()),
            (".chain_types", if_all(&error.cause_kinds)),
            (".stack_hash", if_all(&error.stack_hash)),
        ];
        for (end, text) in parts {
            let Some(text) = text else { continue };
            out.write_all(b" ")?;
            self.styled(Style::KEY, out, |_, out| {
                write_key(key, out)?;
                out.write_all(end.as_bytes())
            })?;
            out.write_all(b"=")?;
            if is_word(&text) {
                write_safe(&text, out)?;
            } else {
                write_quoted(&escaped(&text), out)?;
            }
        }
        Ok(())
    }

    /// Writes a string without quotes if it is unambiguous without them, and other values as written.
    fn write_value(&mut self, entry: &Entry<'_>, out: &mut dyn Write) -> io::Result<()> {
        let raw = match entry.string().and_then(|text| text.plain()) {
            Some(text) if entry.kind == Kind::Plain && is_word(text) => text,
            _ => entry.raw,
        };
        write_safe(raw, out)
    }

    /// Writes the name of an event. It may contain spaces; one that looks like a level or a field is quoted.
    fn write_name(&mut self, name: Text<'_>, out: &mut dyn Write) -> io::Result<()> {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        name.decode_into(&mut scratch);
        let forges = scratch.contains(['=', '"', '\t']) || scratch.starts_with('[');
        let result = if forges { write_quoted(name.raw(), out) } else { write_safe(&scratch, out) };
        self.scratch = scratch;
        result
    }

    fn styled(
        &mut self,
        style: Style,
        out: &mut dyn Write,
        write: impl FnOnce(&mut Self, &mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        if !self.options.color {
            return write(self, out);
        }
        out.write_all(style.0.as_bytes())?;
        write(self, out)?;
        out.write_all(Style::RESET.0.as_bytes())
    }
}

/// Upper case, eight wide.
fn padded(level: Option<Level>) -> &'static str {
    match level {
        Some(Level::Trace) => "TRACE   ",
        Some(Level::Debug) => "DEBUG   ",
        Some(Level::Info) => "INFO    ",
        Some(Level::Warn) => "WARN    ",
        Some(Level::Error) => "ERROR   ",
        Some(Level::Critical) => "CRITICAL",
        None => "-       ",
    }
}

/// Writes a key, in quotes if it could be taken for more than a key.
pub(crate) fn write_key(key: Text<'_>, out: &mut dyn Write) -> io::Result<()> {
    if let Some(plain) = key.plain().filter(|plain| is_word(plain)) {
        return write_safe(plain, out);
    }
    let decoded = key.decode();
    if is_word(&decoded) { write_safe(&decoded, out) } else { write_quoted(key.raw(), out) }
}

/// Escapes what would end a string of JSON.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

/// Writes the content of a JSON string between quotes.
fn write_quoted(raw: &str, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(b"\"")?;
    write_safe(&raw.replace('\t', "\\t"), out)?;
    out.write_all(b"\"")
}

/// Whether a string is unambiguous without quotes.
pub(crate) fn is_word(text: &str) -> bool {
    let is_special = |shown: char| {
        matches!(shown, '"' | '=' | '\\' | ',') || shown.is_whitespace() || shown.is_control()
    };
    !text.is_empty() && !text.contains(is_special) && !text.starts_with(['{', '['])
}
