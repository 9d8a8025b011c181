//! Bounds of a sink's queue and of waiting, the sink's health, and the events that its thread reports.
use std::path::PathBuf;
use std::time::Duration;

use super::AuditSinkError;

/// The behaviour of a sink's queue that is full.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SinkQueueOverflow {
    /// The caller waits until there is space, at most `wait_max`, and then gets an error. A log that feeds its sinks
    /// ([`FanOut::of_log`](super::FanOut::of_log)) does not wait: entries stay in the log's files and are read from
    /// there after the sink has taken the queued entries.
    Block {
        /// Longest wait; [`Duration::MAX`] for no limit.
        wait_max: Duration,
    },
    /// Entries go to a file until the sink has taken all of them. The file outlives the process; entries found in it at
    /// the start are delivered first.
    Spill {
        /// The file; nothing else may use it.
        path: PathBuf,
    },
}

/// Bounds of a sink's queue and of waiting.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SinkBounds {
    /// Most bytes in memory, including entries read back from a spill file. Default 64 MiB.
    pub held_bytes_max: usize,
    /// The behaviour of a full queue. Default: the caller waits up to 30 s.
    pub overflow: SinkQueueOverflow,
    /// Most entries passed to the sink at once. Default 1,000.
    pub batch_entries_max: usize,
    /// The sink is called when this many entries are queued. Default 1: at once.
    pub gather_entries: usize,
    /// The sink is called at the latest after this time. Default 5 s.
    pub gather_max: Duration,
    /// Pause after the first error. Default 100 ms.
    pub retry_pause_min: Duration,
    /// Longest pause after repeated errors; the pause doubles up to this. Default 10 s.
    pub retry_pause_max: Duration,
    /// How long stopping waits for queued entries. Default 5 s.
    pub stop_wait_max: Duration,
}

impl Default for SinkBounds {
    fn default() -> Self {
        Self {
            held_bytes_max: 64 << 20,
            overflow: SinkQueueOverflow::Block { wait_max: Duration::from_secs(30) },
            batch_entries_max: 1000,
            gather_entries: 1,
            gather_max: Duration::from_secs(5),
            retry_pause_min: Duration::from_millis(100),
            retry_pause_max: Duration::from_secs(10),
            stop_wait_max: Duration::from_secs(5),
        }
    }
}

impl SinkBounds {
    /// Caps the durations at a year, so that adding them cannot overflow.
    pub(super) fn with_addable_times(mut self) -> SinkBounds {
        let year = Duration::from_secs(365 * 86_400);
        let times = [
            &mut self.gather_max,
            &mut self.retry_pause_min,
            &mut self.retry_pause_max,
            &mut self.stop_wait_max,
        ];
        for time in times {
            *time = (*time).min(year);
        }
        self
    }
}

/// The state of a sink.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SinkHealth {
    /// The sink's name.
    pub name: String,
    /// Whether its last call succeeded.
    pub is_healthy: bool,
    /// Bytes held in memory for it.
    pub held_bytes: usize,
    /// Bytes in its spill file.
    pub spilled_bytes: u64,
    /// Bytes of a torn end that were cut off its spill file at the start.
    pub torn_bytes: u64,
    /// It has committed all entries below this number; `None` before the first.
    pub committed_next: Option<u64>,
    /// Entries offered to it and not committed, as far as is known.
    pub missing_entries: u64,
    /// Errors since the start.
    pub errors: u64,
    /// The text of the last error.
    pub last_error: Option<String>,
}

/// A change that a sink's thread reports, once per change.
#[derive(Debug)]
#[non_exhaustive]
pub enum SinkEvent<'a> {
    /// The sink has begun to fail: `audit_sink_failure`, critical.
    Failing {
        /// The sink's name.
        sink: &'a str,
        /// The error.
        error: &'a AuditSinkError,
    },
    /// It takes entries again.
    Recovered {
        /// The sink's name.
        sink: &'a str,
        /// Errors since it began to fail.
        errors: u64,
    },
}
