//! What the writer counts in a turn.
//!
//! Promises: counting stores to no shared memory; the counts are published once, at the turn's end.
use crate::core::level::Level;
use crate::metrics::{LevelCounts, WriterCounters};
use ringseal_base::clock::Now;

/// Counts of this turn, published at its end.
#[derive(Debug)]
pub(super) struct Tally {
    /// An output's batch is full, so that the writer has to deliver before the next record.
    pub(super) is_delivery_due: bool,
    pub(super) events: LevelCounts,
    pub(super) discarded: LevelCounts,
    pub(super) truncated: LevelCounts,
    pub(super) records: u64,
    pub(super) line_bytes: u64,
    pub(super) batches: u64,
    pub(super) batch_grown: u64,
    pub(super) record_errors: u64,
    /// Bytes that could not be read as records.
    pub(super) unreadable_bytes: u64,
    pub(super) ecs_misfits: u64,
    pub(super) ecs_unplanned: u64,
    pub(super) hook_dropped: u64,
    pub(super) hooks_left_out: u64,
    pub(super) observer_left_out: u64,
    pub(super) ring_bytes_high_water: u64,
    /// The time of the oldest record since the last call of [`Tally::note_lag`]; `i64::MAX` before the first.
    pub(super) unix_nanos_min: i64,
    /// The time of the oldest record up to that call; `i64::MAX` before the first.
    pub(super) unix_nanos_oldest: i64,
    lag_nanos_max: u64,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            is_delivery_due: false,
            events: LevelCounts::default(),
            discarded: LevelCounts::default(),
            truncated: LevelCounts::default(),
            records: 0,
            line_bytes: 0,
            batches: 0,
            batch_grown: 0,
            record_errors: 0,
            unreadable_bytes: 0,
            ecs_misfits: 0,
            ecs_unplanned: 0,
            hook_dropped: 0,
            hooks_left_out: 0,
            observer_left_out: 0,
            ring_bytes_high_water: 0,
            unix_nanos_min: i64::MAX,
            unix_nanos_oldest: i64::MAX,
            lag_nanos_max: 0,
        }
    }
}

impl Tally {
    /// Notes the use of the fullest ring.
    pub(super) fn note_ring_usage(&mut self, used_bytes: usize) {
        self.ring_bytes_high_water = self.ring_bytes_high_water.max(used_bytes as u64);
    }

    /// Whether an output's batch is full.
    #[inline(always)]
    pub(super) fn is_delivery_due(&self) -> bool {
        self.is_delivery_due
    }

    /// Notes how old the oldest record was that was processed at `now`.
    pub(super) fn note_lag(&mut self, now: Now) {
        let oldest = std::mem::replace(&mut self.unix_nanos_min, i64::MAX);
        self.unix_nanos_oldest = self.unix_nanos_oldest.min(oldest);
        let lag = now.unix_nanos.saturating_sub(oldest).max(0) as u64;
        self.lag_nanos_max = self.lag_nanos_max.max(lag);
    }

    /// Adds this turn's counts to the public ones. A turn without records or batches stores nothing.
    pub(super) fn publish(&mut self, counters: &WriterCounters) {
        if self.records == 0 && self.batches == 0 && self.record_errors == 0 {
            return;
        }
        for level in Level::ALL {
            let add = |counter: &crate::metrics::Counter, count: u64| {
                if count > 0 {
                    counter.add(count);
                }
            };
            add(counters.events.of(level), self.events.of(level));
            add(counters.discarded.of(level), self.discarded.of(level));
            add(counters.truncated.of(level), self.truncated.of(level));
        }
        counters.line_bytes.add(self.line_bytes);
        counters.batches.add(self.batches);
        counters.turns_busy.add(1);
        counters.batch_grown.add(self.batch_grown);
        counters.record_errors.add(self.record_errors);
        counters.ecs_misfits.add(self.ecs_misfits);
        counters.hook_dropped.add(self.hook_dropped);
        counters.hooks_left_out.add(self.hooks_left_out);
        counters.observer_left_out.add(self.observer_left_out);
        counters.ecs_unplanned.add(self.ecs_unplanned);
        counters.ring_bytes_high_water.raise(self.ring_bytes_high_water);
        counters.writer_lag_nanos_max.raise(self.lag_nanos_max);
        *self = Tally::default();
    }
}
