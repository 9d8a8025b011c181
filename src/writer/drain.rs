//! Takes records from the rings in order of time.
//!
//! If one lane has records, they are taken in their order. If several have, a heap orders the lanes by the ticks of
//! their first records, and the first lane is read as long as it stays ahead of the second one.
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use super::lane_reader::{LaneMemory, LaneReader};
use super::process::Processor;
use super::{Turn, Writer};
use crate::core::record::{PlainRecord, Record};
use ringseal_base::clock::Now;

/// The lanes that have records, by the ticks of their first record. Keeps its memory from turn to turn.
#[derive(Debug, Default)]
pub(super) struct Heads {
    heap: BinaryHeap<Reverse<(u64, u32)>>,
    /// The lanes that have records in this turn.
    active: Vec<u32>,
}

impl Heads {
    /// Allocates memory for this many lanes now, so that a later turn does not have to.
    pub(super) fn reserve(&mut self, lanes: usize) {
        self.heap.reserve(lanes.saturating_sub(self.heap.len()));
        self.active.reserve(lanes.saturating_sub(self.active.len()));
    }
}

impl Writer {
    /// Takes every record up to `cutoff` that was published before this call.
    pub(super) fn drain(&mut self, now: Now, cutoff: u64, turn: &mut Turn) {
        let Writer { lanes, heads, processor, .. } = self;
        heads.active.clear();
        let mut high_water = 0;
        for (index, lane) in lanes.iter_mut().enumerate() {
            let used = lane.consumer.poll();
            if used > 0 {
                high_water = high_water.max(used);
                turn.is_pressed |= used > lane.consumer.capacity_bytes() / 8;
                lane.populate_ahead(used);
                heads.active.push(index as u32);
            }
        }
        processor.tally.note_ring_usage(high_water);
        match heads.active[..] {
            [] => {}
            [only] => {
                take_run(&mut lanes[only as usize], processor, cutoff, now, turn);
            }
            _ => merge(heads, lanes, processor, cutoff, now, turn),
        }
        for &index in &heads.active {
            let lane = &mut lanes[index as usize];
            lane.consumer.release();
            if lane.consumer.readable().is_empty() {
                continue;
            }
            // Waiting for the reorder window must not fill a ring: a line out of order is better than a lost event.
            if lane.consumer.unread_bytes() > lane.consumer.capacity_bytes() / 2 {
                take_run(lane, processor, u64::MAX, now, turn);
                lane.consumer.release();
            } else {
                turn.is_waiting = true;
            }
        }
    }
}

fn merge(
    heads: &mut Heads,
    lanes: &mut [LaneReader],
    processor: &mut Processor,
    cutoff: u64,
    now: Now,
    turn: &mut Turn,
) {
    heads.heap.clear();
    for &index in &heads.active {
        if let Some(ticks) = Record::peek_ticks(lanes[index as usize].consumer.readable()) {
            heads.heap.push(Reverse((ticks, index)));
        }
    }
    while let Some(&Reverse((ticks, index))) = heads.heap.peek() {
        if ticks > cutoff {
            break;
        }
        let limit = cutoff.min(second_ticks(&heads.heap));
        let next = take_run(&mut lanes[index as usize], processor, limit, now, turn);
        // Replaced in place: one sift instead of a pop and a push.
        let Some(mut first) = heads.heap.peek_mut() else { break };
        match next {
            Some(ticks) => *first = Reverse((ticks, index)),
            None => {
                PeekMut::pop(first);
            }
        }
    }
}

/// The second smallest ticks in the heap.
fn second_ticks(heap: &BinaryHeap<Reverse<(u64, u32)>>) -> u64 {
    let children = heap.as_slice().iter().skip(1).take(2);
    children.map(|Reverse((ticks, _))| *ticks).min().unwrap_or(u64::MAX)
}

/// Takes the lane's records up to and including `limit`; returns the ticks of the next.
fn take_run(
    lane: &mut LaneReader,
    processor: &mut Processor,
    limit: u64,
    now: Now,
    turn: &mut Turn,
) -> Option<u64> {
    let LaneReader { consumer, memory, .. } = lane;
    // Space is released before the whole stretch is done, so that a producer can continue.
    let release_bytes = consumer.capacity_bytes() / 8;
    loop {
        let (position, stretch) = consumer.readable_at();
        let records_before = processor.records();
        let (at, next) =
            take_stretch(memory, processor, stretch, position, release_bytes, (limit, now));
        turn.records += processor.records() - records_before;
        if at > 0
            && let Some(first) = Record::peek_ticks(stretch)
        {
            processor.note_first(first);
        }
        consumer.advance(at);
        if consumer.unreleased_bytes() >= release_bytes {
            consumer.release();
        }
        if next.is_some() || at == 0 {
            return next;
        }
    }
}

/// Takes records of `stretch`, which starts at `position`, until `bytes_max` bytes were taken or the next record's
/// ticks are above the limit. Returns how many bytes were taken, and those ticks.
fn take_stretch(
    memory: &mut LaneMemory,
    processor: &mut Processor,
    stretch: &[u8],
    position: usize,
    bytes_max: usize,
    (limit, now): (u64, Now),
) -> (usize, Option<u64>) {
    let is_redacted = processor.redaction.is_on();
    let end = stretch.len().min(bytes_max);
    let mut at = 0;
    while at < end {
        let rest = &stretch[at..];
        if is_redacted {
            processor.redaction.preview(&mut memory.preview, position + at, rest);
        }
        if let Some(record) = PlainRecord::read(rest)
            && record.ticks <= limit
            && (!is_redacted || memory.preview.is_clean(position + at))
            && processor.plain_event(&record, memory, now)
        {
            if is_redacted {
                memory.preview.pass(position + at, record.len_bytes);
            }
            at += record.len_bytes;
            continue;
        }
        match Record::read(rest) {
            Ok(record) if record.header.ticks > limit => return (at, Some(record.header.ticks)),
            Ok(record) => {
                let verdict = memory.preview.verdict(position + at);
                memory.preview.pass(position + at, record.len_bytes);
                processor.record(&record, verdict, memory, now);
                at += record.len_bytes;
            }
            Err(error) => {
                // The start of the next record is unknown, so the rest of the stretch is skipped and reported.
                memory.forget_contexts();
                processor.record_error(&error, rest.len(), now);
                return (stretch.len(), None);
            }
        }
    }
    (at, None)
}
