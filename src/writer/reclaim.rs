//! Gives the memory of idle and ended lanes back.
//!
//! Promises: runs a few times a second, not for every turn, and allocates nothing. A lane is removed only when its
//! producer is dropped and everything in it was written or reported as lost. A ring that is trimmed keeps its unread
//! bytes and its place; its thread takes page faults again as it goes on.
use super::lane_reader::LaneReader;
use super::{Turn, Writer};
use crate::recover::lane_file::LaneFile;
use ringseal_base::clock::Now;

/// The time between two looks at the lanes.
const PAUSE_NANOS: f64 = 500e6;

/// A lane that has written less than this part of its resident memory since the last look keeps only its window.
const IDLE_PART: usize = 4;

/// A lane that has used fewer bytes of its ring in a turn gets no pages ahead: it takes one page fault in many turns.
const BURST_BYTES_MIN: usize = 4096;

/// How many times the bytes of the last turn are made resident for the next one.
const AHEAD: usize = 2;

impl Writer {
    /// Looks at the lanes if it is time, and gives memory back.
    #[inline]
    pub(super) fn reclaim_when_due(&mut self, now: Now, turn: &mut Turn) {
        if now.ticks >= self.reclaim_at_ticks {
            self.reclaim(now, turn);
        }
    }

    #[cold]
    fn reclaim(&mut self, now: Now, turn: &mut Turn) {
        let pause = PAUSE_NANOS / self.processor.calibration.nanos_per_tick();
        self.reclaim_at_ticks = now.ticks.saturating_add(pause as u64);
        let mut ended = Vec::new();
        for index in 0..self.lanes.len() {
            let lane = &mut self.lanes[index];
            lane.trim_if_idle();
            lane.note_end(turn);
            if lane.has_ended {
                self.lane_numbers.give_back(lane.memory.origin.lane);
                self.processor.report_loss_of(&mut lane.memory, now);
                self.hand_over_when_due(now);
            }
        }
        for lane in self.lanes.iter_mut().filter(|lane| lane.has_ended) {
            ended.extend(lane.memory.file.take());
        }
        self.lanes.retain(|lane| !lane.has_ended);
        self.link.counters.lanes.set(self.lanes.len() as u64);
        self.hand_over(now);
        // Their last events are in the sinks now.
        ended.into_iter().for_each(|file| LaneFile::remove(*file));
    }
}

impl LaneReader {
    /// Gives the ring's memory back if the thread has hardly used it since the last look.
    fn trim_if_idle(&mut self) {
        let position = self.consumer.position();
        let written = position - std::mem::replace(&mut self.looked_at, position);
        let resident = self.consumer.resident_bytes();
        if resident > self.consumer.window_bytes() && written < resident / IDLE_PART {
            self.consumer.trim();
        }
    }

    /// Notes whether the lane has no producer and nothing left.
    fn note_end(&mut self, turn: &mut Turn) {
        if !self.consumer.is_abandoned() {
            return;
        }
        self.consumer.poll();
        self.has_ended = self.consumer.unread_bytes() == 0;
        turn.is_waiting |= !self.has_ended;
    }

    /// Makes memory resident ahead of a producer that uses `used_bytes` of its ring, unless this is a single burst.
    #[inline]
    pub(super) fn populate_ahead(&mut self, used_bytes: usize) {
        let last = std::mem::replace(&mut self.used_bytes, used_bytes);
        if last.min(used_bytes) >= BURST_BYTES_MIN && self.consumer.has_fresh_pages() {
            self.consumer.populate(used_bytes.saturating_mul(AHEAD));
        }
    }
}
