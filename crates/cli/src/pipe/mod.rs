//! `ringseal pipe`: turns another program's lines into events in rotating files.
//!
//! Promises of the input side: each line becomes exactly one event, in order, including a last line without a newline;
//! nothing in a line is dropped silently (a line beyond the limit is cut and its length recorded, bytes that are not
//! UTF-8 are replaced and counted). Memory is constant: one line and its fields. A line is passed on as soon as it has
//! been read. Reading blocks until there is input.
use std::fmt;
use std::io::{self, Read};

use crate::line::{KeyOptions, LineParser};
use crate::redact::KeyMask;
use crate::size::{format_bytes, parse_bytes};

mod command;
mod event;
mod event_fields;
mod line_mapper;
mod line_splitter;
mod retrying_sink;
mod sampling;
mod stoppable_input;
mod summary;

pub use command::{Args, run as run_command};
pub use event::{Event, Field, Fields, Nested, Value};
use line_mapper::LineMapper;
use line_splitter::LineSplitter;

/// Receives the events.
pub trait EventSink {
    /// Receives one event. Names, keys and strings are untrusted input: nothing has been redacted or shortened, and a
    /// key occurs twice if the line has it twice.
    fn event(&mut self, event: &Event<'_>);
}

/// How to interpret lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    /// Each line as JSON if it is a JSON object, otherwise as text.
    #[default]
    Auto,
    /// As JSON objects. Other lines become text with the parse error as a field.
    Json,
    /// As text, always.
    Text,
}

/// How to read the input.
#[derive(Debug, Clone, clap::Args)]
pub struct Input {
    /// How to interpret lines.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Cut longer lines to this many bytes, at a character, and record their length.
    #[arg(long, value_name = "BYTES", default_value = "1MiB", value_parser = parse_line_bytes)]
    pub line_bytes_max: u32,
    /// The event name of lines that have none.
    #[arg(long, value_name = "NAME", default_value = "line")]
    pub event_name: String,
    /// Keys of level, time and name that precede those of the well-known loggers.
    #[command(flatten)]
    pub keys: KeyOptions,
}

/// Counts of lines read and events passed on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Lines read.
    pub lines: u64,
    /// Bytes read, newlines included.
    pub bytes: u64,
    /// Events passed on; always equal to `lines`.
    pub events: u64,
    /// Lines interpreted as JSON.
    pub json: u64,
    /// Lines interpreted as text.
    pub text: u64,
    /// Lines that were cut.
    pub truncated: u64,
    /// Lines in which bytes were replaced because they are not UTF-8.
    pub not_utf8: u64,
    /// Lines whose level is not understood; their events have the level warn.
    pub levels_unknown: u64,
    /// Lines whose time is not understood.
    pub times_unknown: u64,
    /// Lines of text that were masked because they belong to a private key.
    pub key_lines: u64,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts { lines, events, json, text, truncated, not_utf8, .. } = self;
        let more = [
            (*truncated, "cut at the limit"),
            (*not_utf8, "with bytes that are not UTF-8"),
            (self.levels_unknown, "with a level that is not understood, written as warn"),
            (self.times_unknown, "with a time that is not understood"),
            (self.key_lines, "of private keys masked"),
        ];
        write!(f, "{lines} lines in, {events} events out ({json} JSON, {text} text")?;
        for (count, what) in more.iter().filter(|(count, _)| *count > 0) {
            write!(f, "; {count} {what}")?;
        }
        f.write_str(")")
    }
}

/// What reading the lines depends on besides the arguments.
#[derive(Debug, Default)]
pub struct Reading {
    /// Nanoseconds since 1970-01-01T00:00:00Z; decides about years that are not written.
    pub now: i64,
    /// Masks private keys and values that span several lines.
    pub key_mask: Option<KeyMask>,
}

/// Reads lines from `from` until its end and passes each to `sink` as an event.
///
/// # Errors
/// If reading fails; the lines before have been passed on and are in `counts`.
pub fn run(
    from: &mut dyn Read,
    input: &Input,
    reading: Reading,
    sink: &mut dyn EventSink,
    counts: &mut Counts,
) -> io::Result<()> {
    let mut splitter = LineSplitter::new(input.line_bytes_max as usize);
    let mut mapper = LineMapper::new(input, LineParser::new(reading.now), reading.key_mask);
    while let Some(line) = splitter.next_line(from)? {
        counts.lines += 1;
        counts.bytes += line.read_bytes;
        sink.event(&mapper.event(&line, counts));
        counts.events += 1;
    }
    Ok(())
}

/// Upper bound of `--line-bytes-max`, which determines the ring's size.
const LINE_BYTES_MAX: u32 = 16 << 20;

fn parse_line_bytes(text: &str) -> Result<u32, String> {
    let bytes = u32::try_from(parse_bytes(text)?).ok();
    bytes.filter(|bytes| (1..=LINE_BYTES_MAX).contains(bytes)).ok_or_else(|| {
        format!("expected a size from 1 byte to {}", format_bytes(u64::from(LINE_BYTES_MAX)))
    })
}

#[cfg(test)]
mod tests;
