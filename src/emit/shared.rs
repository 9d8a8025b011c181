//! The state that all handles of an engine share.
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::{Mutex, RwLock};

use super::ambient;
use super::audit::AuditHook;
use super::lane::{Lane, LaneOwner};
use super::lane_settings::LaneSettings;
use super::levels::Levels;
use super::overflow::Overflow;
use crate::core::callsite::{Callsite, SHARED_SLOT};
use crate::core::filter::Filter;
use crate::core::level::{Level, LevelFilter};
use crate::core::registry::{self, OwnedPlace, SuppressedCounts};
use crate::metrics::{LaneCounters, LevelCounts, RuleMetrics};
use crate::recover::home::Home;
use crate::recover::lane_file::LaneFile;
use crate::ringbuf::{Consumer, Producer, try_ring};
use crate::sample::Sampling;
use crate::sample::sampler::Sampler;
use crate::writer::link::{Link, NewLane};
use crate::writer::report::SUPPRESSED;

/// The state that an engine and its loggers share.
#[derive(Debug)]
pub(crate) struct Shared {
    /// Unique in the process, unless it starts four billion engines. Never 0.
    pub(crate) id: u32,
    /// The engine's bit in every call site's verdict.
    pub(crate) slot: usize,
    /// The engine's place in the registry of call sites.
    pub(crate) place: OwnedPlace,
    /// Whether the engine has stopped, so that its place may belong to another one.
    is_disabled: AtomicBool,
    pub(crate) link: Arc<Link>,
    pub(crate) overflow: [Overflow; Level::COUNT],
    pub(crate) settings: LaneSettings,
    /// How long a flush may take.
    pub(crate) flush_timeout: Duration,
    pub(crate) sampler: Sampler,
    /// The filter in force, for run-time events, whose call sites have no verdict.
    pub(crate) filter: RwLock<Arc<Filter>>,
    /// What the filter consists of, and what is called when it changes.
    pub(crate) levels: Levels,
    /// The lowest level that any directive of the filter enables: run-time events below it need no lock.
    pub(crate) level_min: AtomicU8,
    pool: Mutex<Pool>,
    /// Where rings are that outlive the process.
    home: Option<Arc<Home>>,
    /// For threads beyond the limit on lanes.
    shared_lane: Mutex<Option<Box<Lane>>>,
    /// The audit log, if there is one.
    #[cfg_attr(not(feature = "audit"), expect(dead_code, reason = "takes no bytes there"))]
    pub(crate) audit: AuditHook,
}

/// The engines of the process, for those that keep only an engine's id.
static ENGINES: RwLock<Vec<Weak<Shared>>> = RwLock::new(Vec::new());

/// Lanes that are kept for new threads. Further ones are dropped when their thread ends, and the writer then frees
/// their rings. The writer takes the memory of kept rings back, so each costs a few pages.
const FREE_LANES_MAX: usize = 16;

#[derive(Debug, Default)]
struct Pool {
    /// Lanes whose thread has ended.
    #[expect(clippy::vec_box, reason = "a lane keeps its box from thread to thread")]
    free: Vec<Box<Lane>>,
    /// The counters of the lanes that exist.
    counters: Vec<Arc<LaneCounters>>,
    /// The sums of the counters of lanes that were dropped.
    dropped: LaneCounters,
}

impl Pool {
    /// Forgets a lane, but not its counts.
    fn remove(&mut self, counters: &Arc<LaneCounters>) {
        self.counters.retain(|known| !Arc::ptr_eq(known, counters));
        self.dropped.add(counters);
    }
}

impl Shared {
    pub(crate) fn new(
        place: OwnedPlace,
        link: Arc<Link>,
        overflow: [Overflow; Level::COUNT],
        (settings, flush_timeout): (LaneSettings, Duration),
        filter: Arc<Filter>,
        (sampler, home): (Sampler, Option<Arc<Home>>),
    ) -> Arc<Shared> {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        if settings.requires_trace {
            ambient::require_traces();
        }
        let shared = Arc::new(Shared {
            // ORDER: relaxed; only uniqueness matters.
            id: NEXT.fetch_add(1, Ordering::Relaxed).max(1),
            slot: registry::slot_of(place.index()),
            place,
            is_disabled: AtomicBool::new(false),
            link,
            overflow,
            settings,
            flush_timeout,
            sampler,
            level_min: AtomicU8::new(level_min(&filter)),
            levels: Levels::new(Filter::clone(&filter)),
            filter: RwLock::new(filter),
            pool: Mutex::default(),
            home,
            shared_lane: Mutex::default(),
            audit: AuditHook::new(),
        });
        let mut engines = ENGINES.write();
        engines.retain(|engine| engine.strong_count() > 0);
        engines.push(Arc::downgrade(&shared));
        drop(engines);
        shared
    }

    /// The engine of this id, unless all its handles are dropped.
    pub(crate) fn of_id(id: u32) -> Option<Arc<Shared>> {
        ENGINES.read().iter().filter_map(Weak::upgrade).find(|shared| shared.id == id)
    }

    /// A lane for the calling thread: one that another thread returned, or a new one. `None` if the writer has ended or
    /// there are as many lanes as allowed.
    pub(crate) fn take_lane(&self) -> Option<Box<Lane>> {
        let free = self.pool.lock().free.pop();
        let mut lane = match free {
            Some(lane) => lane,
            None => self.new_lane(self.settings.lanes_max)?,
        };
        name_thread(&mut lane);
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
        let producer = self.new_ring(&counters);
        if producer.is_none() {
            self.pool.lock().remove(&counters);
        }
        let producer = producer?;
        let link = Arc::clone(&self.link);
        let owner = (self.id, self.place.index());
        let random = self.sampler.random();
        Some(Box::new(Lane::new(producer, owner, &self.settings, link, counters, random)))
    }

    /// A ring whose reading half the writer has. `None` if the writer has ended or there is no memory.
    fn new_ring(&self, counters: &Arc<LaneCounters>) -> Option<Producer> {
        let mut file = None;
        let ring = match &self.home {
            None => None,
            Some(home) => self.ring_in(home, counters, &mut file),
        };
        let (producer, consumer) = match ring {
            Some(ring) => ring,
            None => try_ring(self.settings.ring_bytes).ok()?,
        };
        self.link.add_lane(NewLane { consumer, counters: Arc::clone(counters), file }).ok()?;
        Some(producer)
    }

    /// A ring in the engine's home; `None` if there is no room in it.
    #[cold]
    fn ring_in(
        &self,
        home: &Home,
        counters: &LaneCounters,
        file: &mut Option<Box<LaneFile>>,
    ) -> Option<(Producer, Consumer)> {
        let Ok((producer, consumer, lane_file)) = home.new_ring(self.settings.ring_bytes) else {
            home.note_unbacked();
            return None;
        };
        counters.set_file(lane_file.losses());
        *file = Some(Box::new(lane_file));
        Some((producer, consumer))
    }

    /// Runs `action` on the lane for threads that have none, unless the caller is already inside it.
    pub(crate) fn with_shared_lane<T>(&self, action: impl FnOnce(&mut Lane) -> T) -> Option<T> {
        thread_local! {
            /// The engine whose shared lane this thread is using.
            static INSIDE: Cell<u32> = const { Cell::new(0) };
        }
        /// Restores the old id, even if a value's `Display` panics.
        struct Restore(u32);
        impl Drop for Restore {
            fn drop(&mut self) {
                INSIDE.set(self.0);
            }
        }
        if INSIDE.get() == self.id {
            return None;
        }
        let _restore = Restore(INSIDE.replace(self.id));
        let wait = Duration::from_millis(100);
        let mut lane = self.shared_lane.try_lock_for(wait)?;
        if lane.is_none() {
            // One more lane than the limit allows: otherwise threads beyond the limit would have none.
            *lane = Some(self.new_lane(usize::MAX)?);
        }
        lane.as_deref_mut().map(|lane| {
            name_thread(lane);
            action(lane)
        })
    }

    /// Counts an event for which there was no lane.
    pub(crate) fn count_loss_without_lane(&self, level: Level) {
        self.link.unplaced.lose_shared(level);
    }

    /// The sums of the producers' counters over the engine's life: lost events, and waits.
    pub(crate) fn lane_counts(&self) -> (LevelCounts, u64) {
        let pool = self.pool.lock();
        let mut lost = self.link.unplaced.lost.get();
        let mut waits = 0;
        for counters in pool.counters.iter().map(|counters| &**counters).chain([&pool.dropped]) {
            lost.add(counters.lost.get());
            waits += counters.waits.get();
        }
        (lost, waits)
    }

    /// Events sampled out by each rule of the sampling policy, over the engine's life.
    pub(crate) fn sampled_out(&self) -> Vec<RuleMetrics> {
        let pool = self.pool.lock();
        let lanes = pool.counters.iter().chain([&self.link.unplaced]).map(|counters| &**counters);
        self.sampler.metrics(lanes.chain([&pool.dropped]))
    }

    pub(crate) fn set_sampling(&self, sampling: Sampling) {
        // Registered before the first report, which must not take a lock for it.
        registry::assign_id(&SUPPRESSED);
        // If two changes are concurrent, the same one must take effect last for call sites and for run-time events.
        let _one_at_a_time = self.sampler.changing.lock();
        registry::set_policy(self.place, Some(self.sampler.install(sampling)));
    }

    /// Whether the engine enables the call site's events, sampling aside.
    pub(crate) fn enables(&self, callsite: &'static Callsite) -> bool {
        !self.is_disabled() && callsite.enabled(self.slot) && self.passes_in_shared_slot(callsite)
    }

    /// Whether the engine's own filter passes the call site's events, if its slot is not its own.
    pub(crate) fn passes_in_shared_slot(&self, callsite: &Callsite) -> bool {
        let metadata = callsite.metadata();
        self.slot != SHARED_SLOT || self.filter.read().passes(metadata.target, metadata.level)
    }

    /// Disables all call sites for this engine, which stops. Returns the counts of suppressed events that have not been
    /// reported.
    pub(crate) fn disable(&self) -> SuppressedCounts {
        // ORDER: relaxed; the registry's lock orders it before the place is taken again.
        self.is_disabled.store(true, Ordering::Relaxed);
        let suppressed = registry::free_place(self.place, true);
        if self.slot == SHARED_SLOT {
            *self.filter.write() = Arc::new(Filter::new(LevelFilter::Off));
        }
        suppressed
    }

    /// Whether the engine has stopped. The verdicts and plans of its place may be those of another engine.
    #[inline]
    pub(crate) fn is_disabled(&self) -> bool {
        // ORDER: relaxed; a call that is late by a moment is one of the moment before.
        self.is_disabled.load(Ordering::Relaxed)
    }

    /// The most verbose level that passes for some target; `Off` once the engine has stopped.
    pub(crate) fn most_verbose(&self) -> LevelFilter {
        if self.is_disabled() { LevelFilter::Off } else { self.filter.read().most_verbose() }
    }

    /// Replaces the filter in force. Without effect once the engine has stopped.
    pub(crate) fn set_filter(&self, filter: Arc<Filter>) {
        // If two changes are concurrent, the same one must take effect last for call sites and for run-time events.
        let mut own = self.filter.write();
        if registry::set_filter(self.place, Arc::clone(&filter)) {
            // ORDER: relaxed; a run-time event may be filtered by the old filter for a moment.
            self.level_min.store(level_min(&filter), Ordering::Relaxed);
            *own = filter;
        }
    }
}

impl LaneOwner for Shared {
    fn take_back(&self, lane: Box<Lane>) {
        if self.link.is_forked() {
            // Another thread of the parent may have held the lock at the fork; it does not exist here.
            std::mem::forget(lane);
            return;
        }
        let mut pool = self.pool.lock();
        if pool.free.len() < FREE_LANES_MAX {
            return pool.free.push(lane);
        }
        pool.remove(&lane.counters);
        // The lane is dropped after the lock: its ring may have to be unmapped.
        drop(pool);
    }

    fn is_closed(&self) -> bool {
        self.link.is_closed()
    }
}

/// The lowest level that the filter enables for any target, as a number; 6 if none.
fn level_min(filter: &Filter) -> u8 {
    Level::ALL.into_iter().find(|level| filter.may_pass(*level)).map_or(6, |level| level as u8)
}

/// Names the calling thread to the writer. Threads are numbered from 1, in the order of their first event.
fn name_thread(lane: &mut Lane) {
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
    // Without space for the record, reports of loss cannot name the thread.
    let is_named = lane.write_thread(number, name);
    lane.counters.hand_over(is_named);
}
