//! What all handles of an engine share.
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};

use super::audit::AuditHook;
use super::lane::{Lane, LaneClock};
use super::overflow::Overflow;
use super::sampling::Sampler;
use crate::core::clock::Clock;
use crate::core::filter::Filter;
use crate::core::level::Level;
use crate::core::limits::Limits;
use crate::metrics::{LaneCounters, RuleMetrics};
use crate::ringbuf::ring;
use crate::sample::Sampling;
use crate::writer::link::{Link, NewLane};

/// What a new lane needs to know.
#[derive(Debug, Clone)]
pub(crate) struct LaneSettings {
    pub(crate) ring_bytes: usize,
    pub(crate) lanes_max: usize,
    pub(crate) limits: Limits,
    pub(crate) clock: LaneClock,
    pub(crate) injected: Option<Arc<dyn Clock>>,
    pub(crate) include_stack: bool,
}

/// The engine behind every [`crate::Engine`] and [`crate::Logger`].
#[derive(Debug)]
pub(crate) struct Shared {
    /// Never the same for two engines of a process.
    pub(crate) id: u64,
    /// Its bit in every call site's verdict.
    pub(crate) slot: usize,
    pub(crate) link: Arc<Link>,
    pub(crate) overflow: [Overflow; Level::COUNT],
    pub(crate) settings: LaneSettings,
    pub(crate) sampler: Sampler,
    /// Graver or equal events of run-time targets pass without a look at the directives; see `dynamic`.
    pub(crate) filter: RwLock<Arc<Filter>>,
    /// The least level that any directive lets pass, for run-time events.
    pub(crate) level_min: AtomicU8,
    pool: Mutex<Pool>,
    /// For threads beyond the bound on lanes.
    side: Mutex<Option<Box<Lane>>>,
    /// The audit log, if there is one.
    #[cfg_attr(not(feature = "audit"), expect(dead_code, reason = "takes no bytes there"))]
    pub(crate) audit: AuditHook,
}

#[derive(Debug, Default)]
struct Pool {
    /// Lanes whose thread has ended.
    #[expect(clippy::vec_box, reason = "a lane keeps its box on its way from thread to thread")]
    free: Vec<Box<Lane>>,
    counters: Vec<Arc<LaneCounters>>,
}

impl Shared {
    pub(crate) fn new(
        slot: usize,
        link: Arc<Link>,
        overflow: [Overflow; Level::COUNT],
        settings: LaneSettings,
        filter: Arc<Filter>,
        sampler: Sampler,
    ) -> Arc<Shared> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Arc::new(Shared {
            // ORDER: relaxed; only uniqueness matters.
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            slot,
            link,
            overflow,
            settings,
            sampler,
            level_min: AtomicU8::new(level_min(&filter)),
            filter: RwLock::new(filter),
            pool: Mutex::default(),
            side: Mutex::default(),
            audit: AuditHook::default(),
        })
    }

    /// A lane for the calling thread: one that another thread left, or a new one. `None` when the writer is gone or
    /// the bound on lanes is reached.
    pub(crate) fn take_lane(&self) -> Option<Box<Lane>> {
        let free = self.pool.lock().free.pop();
        let mut lane = match free {
            Some(lane) => lane,
            None => self.new_lane(self.settings.lanes_max)?,
        };
        introduce(&mut lane);
        Some(lane)
    }

    fn new_lane(&self, lanes_max: usize) -> Option<Box<Lane>> {
        let counters = Arc::new(LaneCounters::default());
        {
            let mut pool = self.pool.lock();
            if pool.counters.len() >= lanes_max {
                return None;
            }
            pool.counters.push(Arc::clone(&counters));
        }
        let (producer, consumer) = ring(self.settings.ring_bytes);
        if self.link.add_lane(NewLane { consumer, counters: Arc::clone(&counters) }).is_err() {
            self.pool.lock().counters.retain(|known| !Arc::ptr_eq(known, &counters));
            return None;
        }
        let link = Arc::clone(&self.link);
        let owner = (self.id, self.slot);
        let random = self.sampler.random();
        Some(Box::new(Lane::new(producer, owner, &self.settings, link, counters, random)))
    }

    /// Takes a lane back from a thread that ends.
    pub(crate) fn return_lane(&self, lane: Box<Lane>) {
        self.pool.lock().free.push(lane);
    }

    /// Runs `action` on the lane that threads share when there are more of them than lanes, unless the caller is in
    /// the middle of it already.
    pub(crate) fn with_side<T>(&self, action: impl FnOnce(&mut Lane) -> T) -> Option<T> {
        thread_local! {
            /// The engine on whose shared lane this thread is at work.
            static INSIDE: Cell<u64> = const { Cell::new(0) };
        }
        /// Puts the old number back, also when a value's `Display` panics.
        struct Restore(u64);
        impl Drop for Restore {
            fn drop(&mut self) {
                INSIDE.set(self.0);
            }
        }
        if INSIDE.get() == self.id {
            return None;
        }
        let _restore = Restore(INSIDE.replace(self.id));
        let wait = std::time::Duration::from_millis(100);
        let mut side = self.side.try_lock_for(wait)?;
        if side.is_none() {
            // One more than the bound, or threads beyond it would have none at all.
            *side = Some(self.new_lane(usize::MAX)?);
        }
        side.as_deref_mut().map(|lane| {
            introduce(lane);
            action(lane)
        })
    }

    /// Counts an event for which there was no lane.
    pub(crate) fn lose_unplaced(&self, level: Level) {
        self.link.unplaced.lose_shared(level);
    }

    /// What producers have counted, over all lanes there have ever been.
    pub(crate) fn lane_counts(&self) -> (crate::metrics::LevelCounts, u64, u64) {
        let pool = self.pool.lock();
        let mut lost = self.link.unplaced.lost.get();
        let mut waits = 0;
        for counters in &pool.counters {
            lost.add(counters.lost.get());
            waits += counters.waits.get();
        }
        (lost, waits, pool.counters.len() as u64)
    }

    /// What each rule of the sampling policy has taken out, over all lanes there have ever been.
    pub(crate) fn sampled_out(&self) -> Vec<RuleMetrics> {
        let pool = self.pool.lock();
        let lanes = pool.counters.iter().chain([&self.link.unplaced]);
        self.sampler.metrics(lanes.map(|counters| &**counters))
    }

    pub(crate) fn set_sampling(&self, sampling: Sampling) {
        // Of two changes at once, the same one must be the last for call sites and for run-time events.
        let _one_at_a_time = self.sampler.changing.lock();
        crate::core::registry::set_policy(self.slot, Some(self.sampler.install(sampling)));
    }

    pub(crate) fn set_filter(&self, filter: Arc<Filter>) {
        *self.filter.write() = Arc::clone(&filter);
        // ORDER: relaxed; a run-time event may be judged by the old filter for a moment.
        self.level_min.store(level_min(&filter), Ordering::Relaxed);
        crate::core::registry::set_filter(self.slot, Some(filter));
    }
}

/// The number of the least level that the filter lets pass for some target; 6 for none.
fn level_min(filter: &Filter) -> u8 {
    Level::ALL.into_iter().find(|level| filter.may_pass(*level)).map_or(6, |level| level as u8)
}

/// Thread numbers count from 1 in the order of their first event.
fn introduce(lane: &mut Lane) {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    thread_local! {
        static NUMBER: u64 = {
            // ORDER: relaxed; only uniqueness matters.
            NEXT.fetch_add(1, Ordering::Relaxed)
        };
    }
    let number = NUMBER.try_with(|number| *number).unwrap_or(0);
    let current = std::thread::current();
    let name = current.name().unwrap_or("");
    // Without room for the name, reports of loss say that they cannot tell whose it is.
    let is_named = lane.introduce(number, name);
    lane.counters.hand_over(is_named);
}
