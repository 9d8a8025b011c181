//! How much is held for a sink, how long is waited for what, and what is told of it.
use std::path::PathBuf;
use std::time::Duration;

use super::AuditSinkError;

/// What happens when no more may be held for a sink.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SinkQueueOverflow {
    /// The caller waits until there is room, at most so long, and gets an error then. Behind a log
    /// ([`FanOut::of_log`](super::FanOut::of_log)) nobody waits: entries stay where they are, in the log's files, and
    /// are read from there when the sink has taken what is held.
    Block {
        /// How long; [`Duration::MAX`] for ever.
        wait_max: Duration,
    },
    /// Entries go to a file until the sink has taken all of it. The file outlives the process and
    /// is emptied first when it is found at the start.
    Spill {
        /// Which file; nothing else may use it.
        path: PathBuf,
    },
}

/// How much is held for a sink, and how long is waited for what.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SinkBounds {
    /// Bytes in memory, what is read back from a file of spilled entries included. Default 64 MiB.
    pub held_bytes_max: usize,
    /// What happens beyond. Default: the caller waits, 30 s.
    pub overflow: SinkQueueOverflow,
    /// Entries that are given to the sink at once, at most. Default 1,000.
    pub batch_entries_max: usize,
    /// So many are waited for before the first is given. Default 1: none waits for another.
    pub gather_entries: usize,
    /// But no longer than this. Default 5 s.
    pub gather_max: Duration,
    /// Pause after the first error of a row. Default 100 ms.
    pub retry_pause_min: Duration,
    /// Pause after many errors; it doubles up to here. Default 10 s.
    pub retry_pause_max: Duration,
    /// How long the end waits for what is held. Default 5 s.
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
    /// With times that can be added up. Nobody waits for a year.
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

/// How a sink is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SinkHealth {
    /// Which sink.
    pub name: String,
    /// Whether its last call went well.
    pub is_healthy: bool,
    /// Bytes held in memory for it.
    pub held_bytes: usize,
    /// Bytes that wait in its file.
    pub spilled_bytes: u64,
    /// Bytes of a torn end that were cut off its file at the start.
    pub torn_bytes: u64,
    /// It has committed all entries below this number; `None` before the first.
    pub committed_next: Option<u64>,
    /// Entries that it was offered, by a log or a caller, and has not committed, as far as is known.
    pub missing_entries: u64,
    /// Errors since the start.
    pub errors: u64,
    /// The last one, in words.
    pub last_error: Option<String>,
}

/// What a sink's thread tells, once per change.
#[derive(Debug)]
#[non_exhaustive]
pub enum SinkEvent<'a> {
    /// The sink has begun to fail: `audit_sink_failure`, critical.
    Failing {
        /// Which sink.
        sink: &'a str,
        /// Why.
        error: &'a AuditSinkError,
    },
    /// It takes entries again.
    Recovered {
        /// Which sink.
        sink: &'a str,
        /// Errors since it began to fail.
        errors: u64,
    },
}
