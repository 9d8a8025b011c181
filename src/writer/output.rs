//! An output: a layout, the batch that it fills, and the sinks that the batch goes to.
use super::managed_sink::{ManagedSink, SinkEvent};
use crate::core::Batch;
use crate::core::clock::Now;
use crate::core::level::{Level, LevelFilter};
use crate::core::value::ReadError;
use crate::encode::layout::{Event, Layout};
use crate::sink::Sink;

/// The parts of an output.
pub struct OutputConfig {
    /// The format of lines.
    pub layout: Layout,
    /// The levels that are written.
    pub level: LevelFilter,
    /// The sinks that lines go to.
    pub sinks: Vec<Box<dyn Sink>>,
}

impl std::fmt::Debug for OutputConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sinks: Vec<&str> = self.sinks.iter().map(|sink| sink.name()).collect();
        f.debug_struct("OutputConfig").field("level", &self.level).field("sinks", &sinks).finish()
    }
}

#[derive(Debug)]
pub(super) struct Output {
    pub(super) layout: Layout,
    level: LevelFilter,
    pub(super) batch: Batch,
    /// One per line of the batch.
    levels: Vec<Level>,
    pub(super) sinks: Vec<ManagedSink>,
    batch_bytes_max: usize,
    capacity: usize,
    held_bytes_max: usize,
}

impl Output {
    pub(super) fn new(config: OutputConfig, batch_bytes_max: usize, held_bytes_max: usize) -> Self {
        // Lines have about 200 bytes; if they are much shorter, the vectors of ends and levels grow once.
        let lines = batch_bytes_max / 64;
        let batch = Batch::with_capacity(batch_bytes_max + batch_bytes_max / 4, lines);
        let sinks = config.sinks.into_iter().map(|sink| ManagedSink::new(sink, held_bytes_max));
        Self {
            layout: config.layout,
            level: config.level,
            capacity: batch.capacity_bytes(),
            batch,
            levels: Vec::with_capacity(lines),
            sinks: sinks.collect(),
            batch_bytes_max,
            held_bytes_max,
        }
    }

    pub(super) fn add_sink(&mut self, sink: Box<dyn Sink>) {
        self.sinks.push(ManagedSink::new(sink, self.held_bytes_max));
    }

    /// Whether events of `level` are written.
    #[inline]
    pub(super) fn passes(&self, level: Level) -> bool {
        self.level.passes(level)
    }

    /// Encodes one event; returns whether the batch is full.
    #[inline]
    pub(super) fn encode(&mut self, event: &Event<'_>) -> Result<bool, ReadError> {
        match self.layout.line(event, self.batch.bytes_mut()) {
            Ok(()) => {
                self.batch.end_line();
                self.levels.push(event.level);
                Ok(self.batch.len_bytes() >= self.batch_bytes_max)
            }
            Err(error) => {
                self.batch.abandon_line();
                Err(error)
            }
        }
    }

    /// Delivers the batch to the sinks and empties it. Returns whether the buffer has grown.
    pub(super) fn deliver(&mut self, now: Now, events: &mut Vec<SinkEvent>) -> bool {
        if !self.batch.is_empty() {
            for sink in &mut self.sinks {
                events.extend(sink.write(self.batch.lines(), &self.levels, now));
            }
            self.batch.clear();
            self.levels.clear();
        }
        let grown = self.batch.capacity_bytes() > self.capacity;
        self.capacity = self.batch.capacity_bytes();
        grown
    }
}
