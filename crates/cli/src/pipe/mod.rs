//! `ringseal pipe`: turns another program's lines into events in rotating files.
//!
//! Promises of the input side: each line becomes exactly one event, in order, including a last line without a newline;
//! nothing in a line is dropped silently (a line beyond the limit is cut and its length recorded, bytes that are not
//! UTF-8 are replaced and counted). Memory is constant: one line and its fields. A line is passed on as soon as it has
//! been read. Reading blocks until there is input.
use std::fmt;
use std::io::{self, Read};

use clap::value_parser;
use ringseal::Level;

mod command;
mod detect_level;
mod event;
mod event_fields;
mod line_mapper;
mod line_splitter;
mod retrying_sink;
mod sampling;
mod stoppable_input;
mod summary;

pub use command::{Args, run as run_command};
pub use detect_level::level_of_text;
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
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 20,
        value_parser = value_parser!(u32).range(1..=LINE_BYTES_MAX))]
    pub line_bytes_max: u32,
    /// The event name of lines that have none.
    #[arg(long, value_name = "NAME", default_value = "line")]
    pub event_name: String,
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
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts { lines, events, json, text, truncated, not_utf8, .. } = self;
        write!(f, "{lines} lines in, {events} events out ({json} JSON, {text} text")?;
        if *truncated > 0 {
            write!(f, "; {truncated} cut at the limit")?;
        }
        if *not_utf8 > 0 {
            write!(f, "; {not_utf8} with bytes that are not UTF-8")?;
        }
        f.write_str(")")
    }
}

/// Reads lines from `from` until its end and passes each to `sink` as an event.
///
/// # Errors
/// If reading fails; the lines before have been passed on and are in `counts`.
pub fn run(
    from: &mut dyn Read,
    input: &Input,
    sink: &mut dyn EventSink,
    counts: &mut Counts,
) -> io::Result<()> {
    let mut splitter = LineSplitter::new(input.line_bytes_max as usize);
    let mut mapper = LineMapper::new(input.format, &input.event_name);
    while let Some(line) = splitter.next_line(from)? {
        counts.lines += 1;
        counts.bytes += line.read_bytes;
        sink.event(&mapper.event(&line, counts));
        counts.events += 1;
    }
    Ok(())
}

/// Upper bound of `--line-bytes-max`, which determines the ring's size.
const LINE_BYTES_MAX: i64 = 16 << 20;

/// The level of lines without one.
const LEVEL_ASSUMED: Level = Level::Info;

#[cfg(test)]
mod tests;
