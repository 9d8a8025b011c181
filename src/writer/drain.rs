//! Takes records from the rings in order of time.
//!
//! If one lane has records, they are taken in their order. If several have, a heap orders the lanes by the ticks of
//! their first records, and the first lane is read as long as it stays ahead of the second one.
//!
//! Promise: ring space is given back only after the lines made from it were handed over to the sinks: written, or held
//! or dropped and counted. The writer delivers and gives space back when a batch or the table of its lines is full,
//! when it has read a quarter of a ring, and at the end of a turn. So a writer that ends at any moment leaves every
//! event in its ring that no sink has.
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use super::lane_reader::{LaneMemory, LaneReader};
use super::output::Encoded;
use super::process::Processor;
use super::{Turn, Writer};
use crate::core::record::{Kind, PlainRecord, Record};
use ringseal_base::clock::Now;

/// The lanes that have records, by the ticks of their first record. Keeps its memory from turn to turn.
#[derive(Debug, Default)]
pub(super) struct Heads {
    heap: BinaryHeap<Reverse<(u64, u32)>>,
    /// The lanes that have records in this turn.
    active: Vec<u32>,
    /// Whether a drain ends at its first delivery, and leaves the rest to the next one.
    pub(super) is_sliced: bool,
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
        let records_before = processor.records();
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
            [only] => take_all(only, lanes, heads, processor, cutoff, now),
            _ => merge(heads, lanes, processor, cutoff, now),
        }
        for &index in &heads.active {
            let consumer = &mut lanes[index as usize].consumer;
            if consumer.readable().is_empty() {
                continue;
            }
            let is_filling = consumer.unread_bytes() > consumer.capacity_bytes() / 2;
            // Waiting for the reorder window must not fill a ring: a line out of order is better than a lost event.
            if is_filling && !heads.is_sliced {
                take_all(index, lanes, heads, processor, u64::MAX, now);
            } else {
                turn.is_waiting = true;
            }
        }
        turn.records += processor.records() - records_before;
        processor.tally.note_lag(now);
    }

    /// Delivers everything and gives the ring space of this turn's records back.
    pub(super) fn hand_over(&mut self, now: Now) {
        hand_over(&mut self.lanes, &self.heads.active, &mut self.processor, now);
        self.heads.active.clear();
    }

    /// The same, if a batch or the table of its lines is full.
    pub(super) fn hand_over_when_due(&mut self, now: Now) {
        if self.processor.tally.is_delivery_due() {
            self.hand_over(now);
        }
    }
}

/// Delivers everything and gives the ring space of the lanes' records back. The order is the promise of this module:
/// the sinks, then the rings, then the tables.
fn hand_over(lanes: &mut [LaneReader], active: &[u32], processor: &mut Processor, now: Now) {
    processor.deliver(now);
    #[cfg(feature = "audit")]
    processor.send_audit_batch();
    for &index in active {
        lanes[index as usize].release();
    }
    processor.note_release();
    #[cfg(feature = "audit")]
    if let Some(feed) = &mut processor.audit {
        feed.note_release();
    }
}

/// Takes a lane's records up to and including `limit`.
fn take_all(
    index: u32,
    lanes: &mut [LaneReader],
    heads: &Heads,
    processor: &mut Processor,
    limit: u64,
    now: Now,
) {
    while take_run(&mut lanes[index as usize], processor, limit, now).is_delivery_due {
        hand_over(lanes, &heads.active, processor, now);
        if heads.is_sliced {
            break;
        }
    }
}

fn merge(
    heads: &mut Heads,
    lanes: &mut [LaneReader],
    processor: &mut Processor,
    cutoff: u64,
    now: Now,
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
        let run = take_run(&mut lanes[index as usize], processor, limit, now);
        if run.is_delivery_due {
            hand_over(lanes, &heads.active, processor, now);
            if heads.is_sliced {
                break;
            }
        }
        // Replaced in place: one sift instead of a pop and a push.
        let Some(mut first) = heads.heap.peek_mut() else { break };
        match run.next {
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

/// Why a lane's records were not taken further.
struct Run {
    /// The ticks of the next record; `None` if there is none.
    next: Option<u64>,
    /// The writer has to deliver before it takes further records.
    is_delivery_due: bool,
}

/// Takes the lane's records up to and including `limit`, or until a delivery is due.
fn take_run(lane: &mut LaneReader, processor: &mut Processor, limit: u64, now: Now) -> Run {
    let LaneReader { consumer, memory, .. } = lane;
    // Space is given back before the whole stretch is done, so that a producer can continue.
    let unreleased_max = consumer.capacity_bytes() / 4;
    loop {
        let room = unreleased_max.saturating_sub(consumer.unreleased_bytes());
        let (position, stretch) = consumer.readable_at();
        let records_before = processor.records();
        let (at, next) = take_stretch(memory, processor, stretch, position, room, (limit, now));
        // Bytes that are no record have no time.
        if processor.records() > records_before
            && let Some(first) = Record::peek_ticks(stretch)
        {
            processor.note_first(first);
        }
        consumer.advance(at);
        if processor.tally.is_delivery_due() || consumer.unreleased_bytes() >= unreleased_max {
            let next = next.or_else(|| Record::peek_ticks(consumer.readable()));
            return Run { next, is_delivery_due: true };
        }
        if next.is_some() || at == 0 {
            return Run { next, is_delivery_due: false };
        }
    }
}

/// Takes records of `stretch`, which starts at `position`, until `bytes_max` bytes were taken, a delivery is due, or
/// the next record's ticks are above the limit. Returns how many bytes were taken, and those ticks.
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
        {
            let end_position = (position + at + record.len_bytes) as u64;
            let plain = processor.plain_event(&record, memory, end_position);
            if plain != Encoded::Nothing {
                if is_redacted {
                    memory.preview.pass(position + at, record.len_bytes);
                }
                at += record.len_bytes;
                if plain == Encoded::Full {
                    return (at, None);
                }
                continue;
            }
        }
        match take_other(memory, processor, rest, position + at, (limit, now)) {
            Taken::Record(len) => at += len,
            Taken::Stretch => return (stretch.len(), None),
            Taken::Nothing(ticks) => return (at, Some(ticks)),
        }
        if processor.tally.is_delivery_due() {
            return (at, None);
        }
    }
    (at, None)
}

/// What was taken of a stretch.
enum Taken {
    /// A record of this many bytes.
    Record(usize),
    /// All: its first bytes are no record.
    Stretch,
    /// Nothing: the first record has these ticks, which are above the limit.
    Nothing(u64),
}

/// Takes a record of any kind. Out of line, so that the loop over plain events keeps nothing for it in registers.
#[inline(never)]
fn take_other(
    memory: &mut LaneMemory,
    processor: &mut Processor,
    rest: &[u8],
    position: usize,
    (limit, now): (u64, Now),
) -> Taken {
    match Record::read(rest) {
        Ok(record) if record.header.ticks > limit => Taken::Nothing(record.header.ticks),
        Ok(record) => {
            let verdict = memory.preview.verdict(position);
            memory.preview.pass(position, record.len_bytes);
            memory.origin.end_position = (position + record.len_bytes) as u64;
            if let Some(file) = &mut memory.file
                && matches!(record.header.kind, Kind::Context | Kind::Thread)
            {
                file.add(&rest[..record.len_bytes], memory.origin.end_position);
            }
            processor.record(&record, verdict, memory, now);
            Taken::Record(record.len_bytes)
        }
        Err(error) => {
            // The start of the next record is unknown, so the rest of the stretch is skipped and reported.
            memory.forget_contexts();
            processor.record_error(&error, rest.len(), now);
            Taken::Stretch
        }
    }
}
