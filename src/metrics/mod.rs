//! The engine's counters. Each one is declared once, with its meaning.
//!
//! Promises: counting is a relaxed store to memory that one thread writes; reading sums and never blocks.
//! Counters only grow; gauges say so.
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use crate::core::level::Level;
use ringseal_base::storage::shared_file::{SharedFile, WORD_BYTES};

/// A counter that one thread writes and any thread reads.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// A counter at zero.
    pub const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Adds, from the one thread that writes it: no locked instruction.
    #[inline]
    pub fn add(&self, count: u64) {
        // ORDER: relaxed load and store; this thread is the only writer, and a reader may be late.
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(count), Ordering::Relaxed);
    }

    /// Adds, from any thread.
    pub fn add_shared(&self, count: u64) {
        // ORDER: relaxed; a sum, nothing is published through it.
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// Sets a gauge.
    pub fn set(&self, value: u64) {
        // ORDER: relaxed; a reader may be late.
        self.0.store(value, Ordering::Relaxed);
    }

    /// Raises a high-water mark.
    pub fn raise(&self, value: u64) {
        if value > self.get() {
            self.set(value);
        }
    }

    /// The value now.
    pub fn get(&self) -> u64 {
        // ORDER: relaxed; see `add`.
        self.0.load(Ordering::Relaxed)
    }
}

/// Six counts, one per level.
#[derive(Debug, Default)]
pub struct ByLevel([Counter; Level::COUNT]);

impl ByLevel {
    /// The counter of `level`.
    #[inline]
    pub fn of(&self, level: Level) -> &Counter {
        &self.0[level as usize]
    }

    /// All values, the lowest level first.
    pub fn get(&self) -> LevelCounts {
        LevelCounts(std::array::from_fn(|index| self.0[index].get()))
    }
}

/// Six counts as they were read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LevelCounts(pub [u64; Level::COUNT]);

impl LevelCounts {
    /// The count of `level`.
    pub fn of(&self, level: Level) -> u64 {
        self.0[level as usize]
    }

    /// The sum over all levels.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Adds another set of counts.
    pub fn add(&mut self, other: LevelCounts) {
        for (sum, count) in self.0.iter_mut().zip(other.0) {
            *sum += count;
        }
    }
}

macro_rules! declare {
    (
        by_level { $($(#[doc = $level_doc:literal])+ $level_name:ident,)+ }
        counters { $($(#[doc = $doc:literal])+ $name:ident,)+ }
    ) => {
        /// The writer's counters.
        #[derive(Debug, Default)]
        pub struct WriterCounters {
            $($(#[doc = $level_doc])+ pub $level_name: ByLevel,)+
            $($(#[doc = $doc])+ pub $name: Counter,)+
        }

        /// All counters of an engine at one moment.
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct Metrics {
            $($(#[doc = $level_doc])+ pub $level_name: LevelCounts,)+
            $($(#[doc = $doc])+ pub $name: u64,)+
            /// Events that were dropped because their ring was full, by level.
            pub lost: LevelCounts,
            /// Events that the sampling policy did not keep, by level.
            pub sampled_out: LevelCounts,
            /// The same by rule, in the order of the rules' first use.
            pub sampled_out_by_rule: Vec<RuleMetrics>,
            /// Calls that waited for space in a full ring, whether or not they got it.
            pub waits: u64,
            /// One entry per sink, in the order of the configuration.
            pub sinks: Vec<SinkMetrics>,
            /// The redaction's hits.
            pub redaction: RedactionMetrics,
        }

        impl WriterCounters {
            /// The values now.
            pub fn snapshot(&self) -> Metrics {
                Metrics {
                    $($level_name: self.$level_name.get(),)+
                    $($name: self.$name.get(),)+
                    ..Metrics::default()
                }
            }
        }

        impl Metrics {
            /// Name, meaning and value of every counter, in the order of their declaration.
            pub fn rows(&self) -> Vec<(String, &'static str, u64)> {
                let mut rows = Vec::new();
                let mut by_level = |name: &str, meaning, counts: &LevelCounts| {
                    for level in Level::ALL {
                        rows.push((format!("{name}_{level}"), meaning, counts.of(level)));
                    }
                };
                $(by_level(stringify!($level_name), concat!($($level_doc),+).trim_ascii(), &self.$level_name);)+
                by_level("lost", "Events that were dropped because their ring was full.", &self.lost);
                let meaning = "Events that the sampling policy did not keep.";
                by_level("sampled_out", meaning, &self.sampled_out);
                $(rows.push((stringify!($name).into(), concat!($($doc),+).trim_ascii(), self.$name));)+
                rows.push(("waits".into(), "Calls that waited for space in a full ring.", self.waits));
                let failed = "Events for which the redaction rules failed, and whose values were all masked.";
                rows.push(("redaction_failed".into(), failed, self.redaction.failed));
                for hits in &self.redaction.hits {
                    rows.push((format!("redacted_{}", hits.rule), "Hits of this redaction rule.", hits.hits));
                }
                rows
            }
        }
    };
}

declare! {
    by_level {
        /// Events that became a line for at least one sink.
        events,
        /// Events that the level or filter of every output rejected.
        discarded,
        /// Events with a value that a limit truncated.
        truncated,
        /// Lines that were dropped because a sink did not accept them.
        dropped,
    }
    counters {
        /// Bytes of encoded lines.
        line_bytes,
        /// Batches passed to sinks.
        batches,
        /// Turns in which the writer had work.
        turns_busy,
        /// Gauge: existing rings, in use or waiting for a thread.
        lanes,
        /// The most bytes that waited in one ring.
        ring_bytes_high_water,
        /// The longest time from an event to its line, in nanoseconds.
        writer_lag_nanos_max,
        /// Times that the system clock was set, so that timestamps jumped.
        clock_steps,
        /// Records that could not be read, because of a bug or foreign bytes in a ring.
        record_errors,
        /// Times that the batch buffer had to grow.
        batch_grown,
        /// Calls of a sink that failed.
        sink_errors,
        /// Fields in lines of the Elastic Common Schema that do not fit it.
        ecs_misfits,
        /// Events that a hook has dropped.
        hook_dropped,
        /// Calls of hooks and providers that were left out because the function had panicked.
        hooks_left_out,
        /// Events that the observer missed because it had panicked.
        observer_left_out,
        /// Lines of the Elastic Common Schema that were written without a plan, which is slower.
        ecs_unplanned,
        /// Lines of killed runs that this run has written.
        recovered_lines,
        /// Those of them that the killed run may have written itself.
        recovered_maybe_repeated,
        /// Bytes in rings of killed runs that are no records.
        recovered_unreadable_bytes,
        /// Rings that do not survive a kill although that was configured, because there was no room.
        lanes_unbacked,
    }
}

/// The redaction's hits and rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RedactionMetrics {
    /// Whether events are redacted at all.
    pub is_on: bool,
    /// SHA-256 of the rule set in use, in hexadecimal; empty when there is none.
    pub rules_hash: String,
    /// Hits since the start, by the name of the rule; rules without hits are left out.
    pub hits: Vec<RuleHits>,
    /// Events for which the rules themselves failed, and whose values were all masked.
    pub failed: u64,
}

/// A redaction rule's hits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleHits {
    /// The rule's name, as in a report: `email`, `key`, `token:ghp_`.
    pub rule: String,
    /// The number of hits.
    pub hits: u64,
}

/// One sink's health and counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SinkMetrics {
    /// The sink's name.
    pub name: String,
    /// Whether its last call succeeded.
    pub is_healthy: bool,
    /// Lines that the sink has accepted.
    pub lines: u64,
    /// Bytes that the sink has accepted.
    pub bytes: u64,
    /// Lines that were dropped because the sink did not accept them.
    pub lines_dropped: u64,
    /// Segments sealed.
    pub rotations: u64,
    /// Times its target had to be opened again.
    pub reopened: u64,
    /// Sealed segments removed by retention.
    pub removed: u64,
    /// Bytes of those segments.
    pub removed_bytes: u64,
    /// Bytes of torn lines cut away.
    pub torn_bytes: u64,
    /// Calls that failed.
    pub errors: u64,
}

/// Events that one rule of a sampling policy dropped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RuleMetrics {
    /// The rule: `target app::db`, `success`, `target *`, `level debug`, `limit`.
    pub rule: String,
    /// Dropped events, by level.
    pub sampled_out: LevelCounts,
}

/// The number of counters for rules. Rules beyond it, in order of their first use by an engine, share the last counter.
pub const RULES_MAX: usize = 64;

/// The levels that can be sampled.
const LEVELS_SAMPLED: usize = Level::Info as usize + 1;

/// Counts by rule and level.
#[derive(Debug)]
pub struct ByRule([[Counter; LEVELS_SAMPLED]; RULES_MAX]);

impl Default for ByRule {
    fn default() -> Self {
        Self([const { [const { Counter::new() }; LEVELS_SAMPLED] }; RULES_MAX])
    }
}

impl ByRule {
    /// The counter of a rule and a level. Values out of range use the nearest counter.
    #[inline]
    pub fn of(&self, rule: u8, level: Level) -> &Counter {
        let levels = &self.0[usize::from(rule).min(RULES_MAX - 1)];
        &levels[(level as usize).min(LEVELS_SAMPLED - 1)]
    }

    /// Adds another table of counts.
    fn add(&self, other: &ByRule) {
        for (sum, count) in self.0.as_flattened().iter().zip(other.0.as_flattened()) {
            sum.add(count.get());
        }
    }

    /// The counts of a rule.
    pub fn get(&self, rule: usize) -> LevelCounts {
        let mut counts = LevelCounts::default();
        for (count, counter) in counts.0.iter_mut().zip(&self.0[rule.min(RULES_MAX - 1)]) {
            *count = counter.get();
        }
        counts
    }
}

/// The counters of a lane's producer. One thread at a time writes them; the writer and others read them.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct LaneCounters {
    /// Lost events, by level.
    pub lost: ByLevel,
    /// The sum of `lost`: one load shows the writer whether there is anything to report.
    pub lost_total: Counter,
    /// Calls that waited.
    pub waits: Counter,
    /// The part of `lost_total` that the writer has reported.
    pub reported_total: Counter,
    /// Times that another thread took the lane while losses were unreported.
    pub handovers: Counter,
    /// Gauge: 1 if the ring had no space for the name of the thread that has the lane.
    pub is_unnamed: Counter,
    /// Events that the sampling policy did not keep.
    pub sampled_out: ByRule,
    /// The counts of lost events that outlive the process.
    file: OnceLock<Arc<SharedFile>>,
}

impl LaneCounters {
    /// From now on, lost events are also counted in a file.
    pub fn set_file(&self, file: Arc<SharedFile>) {
        let _ = self.file.set(file);
    }

    fn count_in_file(&self, level: Level) {
        if let Some(file) = self.file.get() {
            file.add(level as usize * WORD_BYTES, 1);
        }
    }

    /// Records that another thread has taken the lane; `is_named` states whether its name is in the ring.
    pub fn hand_over(&self, is_named: bool) {
        if self.lost_total.get() != self.reported_total.get() {
            self.handovers.add(1);
        }
        self.is_unnamed.set(u64::from(!is_named));
    }

    /// Adds the counts of a lane that is dropped, except those that the writer keeps for its reports.
    pub fn add(&self, other: &LaneCounters) {
        for level in Level::ALL {
            self.lost.of(level).add(other.lost.of(level).get());
        }
        self.waits.add(other.waits.get());
        self.sampled_out.add(&other.sampled_out);
    }

    /// Counts one event as lost, from any thread.
    #[cold]
    pub fn lose_shared(&self, level: Level) {
        self.count_in_file(level);
        self.lost.of(level).add_shared(1);
        self.lost_total.add_shared(1);
    }

    /// Counts one event as lost, from the lane's own thread.
    #[cold]
    pub fn lose(&self, level: Level) {
        self.count_in_file(level);
        self.lost.of(level).add(1);
        self.lost_total.add(1);
    }
}
