//! The readable format: time, level, event, fields.
//!
//! `2025-11-13T19:00:00.123Z [INFO    ] User registered user_id=7 trace_id=abc123`
//!
//! No control character of a line reaches the terminal: escapes of JSON stay escaped.
use std::io::{self, IsTerminal, Write};

use ringseal::Level;

use crate::console::{Color, Style, write_safe};
use crate::json::{Entries, Entry, Kind, Text};
use crate::log_line::{EVENT_KEYS, LEVEL_KEYS, TIME_KEYS, find, find_where, level_of};
use crate::time::{MILLIS_LEN, parse_moment, write_millis};

/// Fields that the engine adds to every line; hidden by default.
const ENGINE_KEYS: [&str; 5] = ["run_id", "schema_version", "seq", "ecs.version", "ecs"];

/// How to show lines.
#[derive(Debug, Clone, Copy)]
pub(super) struct ConsoleOptions {
    color: bool,
    /// Show the engine's fields.
    all: bool,
    /// Standard output is a terminal: lines that are not JSON are shown without control characters.
    terminal: bool,
}

impl ConsoleOptions {
    pub(super) fn of(color: Color, all: bool) -> Self {
        Self { color: color.on_stdout(), all, terminal: io::stdout().is_terminal() }
    }
}

/// Writes lines in the readable format.
pub(super) struct ConsoleWriter {
    options: ConsoleOptions,
    entries: Entries,
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
    pub(super) fn new(options: ConsoleOptions) -> Self {
        Self { options, entries: Entries::default(), scratch: String::new() }
    }

    /// Writes one line of a log. A line that is not JSON, or not a log line, is shown unchanged.
    pub(super) fn write(&mut self, line: &[u8], out: &mut dyn Write) -> io::Result<()> {
        let mut entries = std::mem::take(&mut self.entries);
        let result = match str::from_utf8(line) {
            Ok(text) if entries.find(text).is_ok() => self.write_entries(&entries, text, out),
            _ => self.write_as_is(line, out),
        };
        self.entries = entries;
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
        entries: &Entries,
        text: &str,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let event = find_where(entries, text, &EVENT_KEYS, |entry| entry.string().is_some());
        let time = find(entries, text, &TIME_KEYS);
        let level = level_of(entries, text);
        if event.is_none() && time.is_none() && level.is_none() {
            return self.write_as_is(text.trim().as_bytes(), out);
        }
        self.write_time(time, out)?;
        self.write_level(level, out)?;
        if let Some(name) = event.and_then(|entry| entry.string()) {
            self.styled(Style::BOLD, out, |writer, out| writer.write_text(name, out))?;
        }
        for entry in entries.iter(text) {
            let shown = [event, time].iter().flatten().any(|used| used.key == entry.key);
            if !shown && !self.is_hidden(&entry, level) {
                self.write_field(&entry, out)?;
            }
        }
        out.write_all(b"\n")
    }

    fn is_hidden(&self, entry: &Entry<'_>, level: Option<Level>) -> bool {
        let is_any = |keys: &[&str]| keys.iter().any(|key| entry.key.is(key));
        // An unknown level stays visible as a field.
        (level.is_some() && is_any(&LEVEL_KEYS)) || (!self.options.all && is_any(&ENGINE_KEYS))
    }

    fn write_time(&mut self, time: Option<Entry<'_>>, out: &mut dyn Write) -> io::Result<()> {
        let text = time.and_then(|entry| entry.string()).and_then(|text| text.plain());
        match text.and_then(|text| parse_moment(text.as_bytes())) {
            Some(nanos) => {
                let text = write_millis(nanos);
                self.styled(Style::DIM, out, |_, out| out.write_all(&text))
            }
            None => match time {
                Some(entry) => self.write_value(&entry, out),
                None => write!(out, "{:MILLIS_LEN$}", "-"),
            },
        }
    }

    fn write_level(&mut self, level: Option<Level>, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(b" [")?;
        self.styled(style_of(level), out, |_, out| out.write_all(padded(level).as_bytes()))?;
        out.write_all(b"] ")
    }

    fn write_field(&mut self, entry: &Entry<'_>, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(b" ")?;
        self.styled(Style::KEY, out, |writer, out| writer.write_text(entry.key, out))?;
        out.write_all(b"=")?;
        self.write_value(entry, out)
    }

    /// Writes a string without quotes if it is unambiguous without them, and other values as written.
    fn write_value(&mut self, entry: &Entry<'_>, out: &mut dyn Write) -> io::Result<()> {
        let raw = match entry.string().and_then(|text| text.plain()) {
            Some(text) if entry.kind == Kind::Plain && is_word(text) => text,
            _ => entry.raw,
        };
        write_safe(raw, out)
    }

    fn write_text(&mut self, text: Text<'_>, out: &mut dyn Write) -> io::Result<()> {
        if let Some(plain) = text.plain() {
            return write_safe(plain, out);
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        text.decode_into(&mut scratch);
        let result = write_safe(&scratch, out);
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

/// Whether a string is unambiguous without quotes.
pub(crate) fn is_word(text: &str) -> bool {
    !text.is_empty()
        && !text.bytes().any(|byte| matches!(byte, b' ' | b'"' | b'=' | b'\\' | b',' | 0x7f))
        && !text.starts_with(['{', '['])
}
