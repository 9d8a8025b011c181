//! `ringseal pipe`: lines of another program become events in rotating files.
//!
//! The input side, promises: each line becomes exactly one event, in order, the last one also without a newline;
//! nothing that was in a line is dropped without a word (a line past the limit says how long it
//! was, bytes that are not UTF-8 are replaced and counted). Memory is flat: one line and its
//! fields. A line is passed on as soon as it has been read. Reading blocks until there is something
//! to read.
use std::fmt;
use std::io::{self, Read};

use clap::value_parser;
use ringseal::core::Level;

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

/// What takes the events.
pub trait EventSink {
    /// Takes one event. Names, keys and strings come from outside: nothing has been redacted or
    /// shortened, and a key may occur twice if the line had it twice.
    fn event(&mut self, event: &Event<'_>);
}

/// What lines are taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    /// Line by line: JSON if it is a JSON object, else text.
    #[default]
    Auto,
    /// JSON objects. Other lines are taken as text and say why they are not JSON.
    Json,
    /// Text, whatever it looks like.
    Text,
}

/// How to read.
#[derive(Debug, Clone, clap::Args)]
pub struct Input {
    /// What lines are taken for.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Longer lines are cut to this many bytes, at a character, and say how long they were.
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 20,
        value_parser = value_parser!(u32).range(1..=LINE_BYTES_MAX))]
    pub line_bytes_max: u32,
    /// The event name of lines that bring none.
    #[arg(long, value_name = "NAME", default_value = "line")]
    pub event_name: String,
}

/// What went in and out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Lines read.
    pub lines: u64,
    /// Bytes read, newlines included.
    pub bytes: u64,
    /// Events passed on. Always the number of lines.
    pub events: u64,
    /// Lines that were taken for JSON.
    pub json: u64,
    /// Lines that were taken for text.
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

/// Makes events of the lines of `from`, until it ends.
///
/// # Errors
/// When reading fails; what was read before has been passed on and is in `counts`.
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

/// The largest limit of a line: the ring is sized by it.
const LINE_BYTES_MAX: i64 = 16 << 20;

/// The level of lines that show none.
const LEVEL_ASSUMED: Level = Level::Info;

#[cfg(test)]
mod tests;
