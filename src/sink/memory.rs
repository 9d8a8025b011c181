//! Lines kept in memory, for tests and for inspecting what a program logs.
//!
//! Promises: grows without bound until [`MemoryLog::take`]; holds a lock for the time of one copy; never fails. A crash
//! loses everything.
use std::sync::Arc;

use parking_lot::Mutex;

use crate::core::Lines;
use crate::sink::{Sink, SinkCounters, SinkError, WriteError};
use ringseal_base::Now;

/// Keeps lines in memory.
///
/// ```
/// use ringseal::sink::{Batch, Now};
/// use ringseal::sink::{Sink, memory::MemorySink};
/// let mut sink = MemorySink::new();
/// let log = sink.log();
/// let mut batch = Batch::default();
/// batch.bytes_mut().extend_from_slice(b"{\"event\":\"started\"}\n");
/// batch.end_line();
/// sink.write(batch.lines(), Now { ticks: 0, unix_nanos: 0 }).unwrap();
/// assert_eq!(log.lines(), ["{\"event\":\"started\"}"]);
/// ```
#[derive(Debug, Default)]
pub struct MemorySink {
    log: MemoryLog,
    counters: SinkCounters,
}

impl MemorySink {
    /// Creates an empty sink.
    pub fn new() -> Self {
        Self::default()
    }

    /// A handle to the kept lines; it stays valid after the sink has moved to the writer thread.
    pub fn log(&self) -> MemoryLog {
        self.log.clone()
    }
}

/// The lines that a [`MemorySink`] has accepted; clones share them.
#[derive(Debug, Clone, Default)]
pub struct MemoryLog {
    bytes: Arc<Mutex<Vec<u8>>>,
}

impl MemoryLog {
    /// A copy of all bytes.
    pub fn bytes(&self) -> Vec<u8> {
        self.bytes.lock().clone()
    }

    /// Returns all bytes and removes them from the log.
    pub fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.bytes.lock())
    }

    /// A copy of all lines without their newlines; invalid UTF-8 becomes U+FFFD.
    pub fn lines(&self) -> Vec<String> {
        String::from_utf8_lossy(&self.bytes.lock()).lines().map(str::to_owned).collect()
    }
}

impl Sink for MemorySink {
    fn name(&self) -> &str {
        "memory"
    }

    fn write(&mut self, lines: Lines<'_>, _now: Now) -> Result<(), WriteError> {
        self.log.bytes.lock().extend_from_slice(lines.bytes());
        self.counters.lines += lines.count() as u64;
        self.counters.bytes += lines.bytes().len() as u64;
        Ok(())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    fn sync(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    fn counters(&self) -> SinkCounters {
        self.counters
    }
}
