//! What all handles of an engine share.
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};

use super::lane::{Lane, LaneClock};
use super::overflow::Overflow;
use crate::core::clock::Clock;
use crate::core::filter::Filter;
use crate::core::level::Level;
use crate::core::limits::Limits;
use crate::metrics::LaneCounters;
use crate::ringbuf::ring;
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
    /// Graver or equal events of run-time targets pass without a look at the directives; see `dynamic`.
    pub(crate) filter: RwLock<Arc<Filter>>,
    /// The least level that any directive lets pass, for run-time events.
    pub(crate) level_min: AtomicU8,
    pool: Mutex<Pool>,
    /// For events logged while their thread's lane is busy or already gone.
    side: Mutex<Option<Box<Lane>>>,
    /// Events lost where no lane could be had at all.
    unplaced: LaneCounters,
}

#[derive(Debug, Default)]
struct Pool {
    /// Lanes whose thread has ended.
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
    ) -> Arc<Shared> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Arc::new(Shared {
            // ORDER: relaxed; only uniqueness matters.
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            slot,
            link,
            overflow,
            settings,
            level_min: AtomicU8::new(level_min(&filter)),
            filter: RwLock::new(filter),
            pool: Mutex::default(),
            side: Mutex::default(),
            unplaced: LaneCounters::default(),
        })
    }

    /// A lane for the calling thread: one that another thread left, or a new one. `None` when the writer is gone or
    /// the bound on lanes is reached.
    pub(crate) fn take_lane(&self) -> Option<Box<Lane>> {
        let free = self.pool.lock().free.pop();
        let mut lane = match free {
            Some(lane) => lane,
            None => self.new_lane()?,
        };
        introduce(&mut lane);
        Some(lane)
    }

    fn new_lane(&self) -> Option<Box<Lane>> {
        let counters = Arc::new(LaneCounters::default());
        {
            let mut pool = self.pool.lock();
            if pool.counters.len() >= self.settings.lanes_max {
                return None;
            }
            pool.counters.push(Arc::clone(&counters));
        }
        let (producer, consumer) = ring(self.settings.ring_bytes);
        self.link.add_lane(NewLane { consumer, counters: Arc::clone(&counters) }).ok()?;
        Some(Box::new(Lane::new(
            producer,
            self.id,
            self.settings.clock,
            self.settings.limits,
            Arc::clone(&self.link),
            counters,
            self.settings.injected.clone(),
            self.settings.include_stack,
        )))
    }

    /// Takes a lane back from a thread that ends.
    pub(crate) fn return_lane(&self, lane: Box<Lane>) {
        self.pool.lock().free.push(lane);
    }

    /// Runs `action` on the lane that threads without one share, unless it is busy: then the caller is inside it.
    pub(crate) fn with_side<T>(&self, action: impl FnOnce(&mut Lane) -> T) -> Option<T> {
        let wait = std::time::Duration::from_millis(100);
        let mut side = self.side.try_lock_for(wait)?;
        if side.is_none() {
            *side = Some(self.new_lane()?);
        }
        side.as_deref_mut().map(|lane| {
            introduce(lane);
            action(lane)
        })
    }

    /// Counts an event for which there was no lane.
    pub(crate) fn lose_unplaced(&self, level: Level) {
        self.unplaced.lost.of(level).add_shared(1);
        self.unplaced.lost_total.add_shared(1);
    }

    /// What producers have counted, over all lanes there have ever been.
    pub(crate) fn lane_counts(&self) -> (crate::metrics::LevelCounts, u64, u64) {
        let pool = self.pool.lock();
        let mut lost = self.unplaced.lost.get();
        let mut waits = 0;
        for counters in &pool.counters {
            lost.add(counters.lost.get());
            waits += counters.waits.get();
        }
        (lost, waits, pool.counters.len() as u64)
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
    // A lane that was left full tells it later, by the next thread; only reports of loss would name the old one.
    lane.introduce(number, name);
}
