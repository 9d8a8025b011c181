//! The writer's side of a lane.
use std::sync::Arc;

use super::context_table::ContextTable;
use super::link::NewLane;
use super::redaction::Preview;
use crate::core::value::{ValueRef, Values};
use crate::metrics::LaneCounters;
use crate::ringbuf::Consumer;

/// A lane's reading half and what the writer remembers of it.
#[derive(Debug)]
pub(super) struct LaneReader {
    pub(super) consumer: Consumer,
    pub(super) memory: LaneMemory,
}

/// What the writer remembers of a lane.
#[derive(Debug)]
pub(super) struct LaneMemory {
    pub(super) counters: Arc<LaneCounters>,
    pub(super) contexts: ContextTable,
    /// What redaction says of the records that come next.
    pub(super) preview: Preview,
    /// The time of its last line: time never runs backwards within a lane, whatever calibration does.
    pub(super) last_unix_nanos: i64,
    pub(super) thread: u64,
    pub(super) thread_name: String,
    /// Lost events that a report in the stream has told.
    pub(super) lost_told: crate::metrics::LevelCounts,
    /// Changes of threads that a report has covered.
    pub(super) handovers_told: u64,
    /// When the last report was, or the lane began.
    pub(super) told_unix_nanos: i64,
}

impl LaneReader {
    pub(super) fn new(lane: NewLane, unix_nanos: i64) -> Self {
        Self { consumer: lane.consumer, memory: LaneMemory::new(lane.counters, unix_nanos) }
    }
}

impl LaneMemory {
    pub(super) fn new(counters: Arc<LaneCounters>, unix_nanos: i64) -> Self {
        Self {
            counters,
            contexts: ContextTable::new(),
            preview: Preview::default(),
            last_unix_nanos: i64::MIN,
            thread: 0,
            thread_name: String::with_capacity(128),
            lost_told: crate::metrics::LevelCounts::default(),
            handovers_told: 0,
            told_unix_nanos: unix_nanos,
        }
    }

    /// Another thread has the lane.
    pub(super) fn introduce(&mut self, mut values: Values<'_>) {
        if let Some(Ok(ValueRef::U64(thread))) = values.next() {
            self.thread = thread;
        }
        if let Some(Ok(ValueRef::Str(name))) = values.next() {
            self.thread_name.clear();
            for chunk in name.utf8_chunks() {
                self.thread_name.push_str(chunk.valid());
            }
        }
    }
}
