//! The writer's side of a lane.
use std::sync::Arc;

use super::context_table::ContextTable;
use super::line_table::LineOrigin;
use super::link::NewLane;
use super::redaction::Preview;
use crate::metrics::LaneCounters;
use crate::recover::lane_file::LaneFile;
use crate::ringbuf::Consumer;
use ringseal_base::value::{ValueRef, Values};

/// The reading half of a lane and the writer's state of it.
#[derive(Debug)]
pub(super) struct LaneReader {
    pub(super) consumer: Consumer,
    pub(super) memory: LaneMemory,
    /// The ring's position at the last look for idle lanes.
    pub(super) looked_at: usize,
    /// Bytes of the ring that were in use when the lane last had records.
    pub(super) used_bytes: usize,
    /// Whether the lane has no producer and nothing left.
    pub(super) has_ended: bool,
}

/// The writer's state of a lane.
#[derive(Debug)]
pub(super) struct LaneMemory {
    pub(super) counters: Arc<LaneCounters>,
    /// Its losses and contexts, for the next start, if its ring outlives the process.
    pub(super) file: Option<Box<LaneFile>>,
    /// Whether it was reported that the ring does not outlive the process any more.
    pub(super) is_lost: bool,
    /// Those bound to loggers.
    pub(super) contexts: ContextTable,
    /// Those of the threads.
    pub(super) ambient_contexts: ContextTable,
    /// The redaction's verdicts on the next records.
    pub(super) preview: Preview,
    /// The lane's number, and the end of the record that is being processed.
    pub(super) origin: LineOrigin,
    /// The time of its last line. Time never runs backwards within a lane, even if the calibration changes.
    pub(super) last_unix_nanos: i64,
    pub(super) thread: u64,
    pub(super) thread_name: String,
    /// Lost events that have been reported.
    pub(super) lost_reported: crate::metrics::LevelCounts,
    /// Handovers to another thread up to the last report.
    pub(super) handovers_reported: u64,
    /// The time of the last report, or of the lane's start.
    pub(super) reported_unix_nanos: i64,
}

impl LaneReader {
    pub(super) fn new(lane: NewLane, number: u16, unix_nanos: i64) -> Self {
        let mut memory = LaneMemory::new(lane.counters, unix_nanos);
        memory.origin.lane = number;
        if let Some(file) = &lane.file {
            file.set_number(number);
        }
        memory.file = lane.file;
        Self { consumer: lane.consumer, memory, looked_at: 0, used_bytes: 0, has_ended: false }
    }
}

impl LaneMemory {
    pub(super) fn new(counters: Arc<LaneCounters>, unix_nanos: i64) -> Self {
        Self {
            counters,
            file: None,
            is_lost: false,
            contexts: ContextTable::default(),
            ambient_contexts: ContextTable::default(),
            preview: Preview::default(),
            origin: LineOrigin::OWN,
            last_unix_nanos: i64::MIN,
            thread: 0,
            thread_name: String::with_capacity(128),
            lost_reported: crate::metrics::LevelCounts::default(),
            handovers_reported: 0,
            reported_unix_nanos: unix_nanos,
        }
    }

    /// Forgets all contexts: another thread has taken the lane, or definitions may be among records that could not be
    /// read, after which a slot could be taken for an older context.
    pub(super) fn forget_contexts(&mut self) {
        self.contexts.clear();
        self.ambient_contexts.clear();
    }

    /// Sets the thread that uses the lane from now on.
    pub(super) fn set_thread(&mut self, mut values: Values<'_>) {
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
