//! All call sites of the process, and the filters of the engines that are alive.
//!
//! Promises: locks and allocates, and is called only on cold paths: a site's first call, an engine's start, stop or
//! reload, and the writer's first record with an id. Call sites are never removed; there are as many as the program has
//! macro invocations.
use std::sync::Arc;

use parking_lot::Mutex;

use super::callsite::{Callsite, GLOBAL_SLOT as GLOBAL, SHARED_SLOT, Verdict};
use super::filter::Filter;
use super::sampling::site_plan::SitePolicy;
use super::site_mirror::{MirrorId, Mirrors, SiteMirror};
use super::unheard::{Unheard, UnheardCounts};

struct Registry {
    callsites: Vec<&'static Callsite>,
    mirrors: Mirrors,
    /// By the engines' places.
    engines: Vec<Place>,
    unheard: Unheard,
    /// How many default engines of single threads there are.
    thread_defaults: usize,
    /// The owner of the place that was taken last.
    last_owner: u64,
}

/// What an engine wants of the call sites. A place outlives its engine, for the next one.
#[derive(Default)]
struct Place {
    /// 0 while the place is free.
    owner: u64,
    filter: Option<Arc<Filter>>,
    policy: Option<Arc<dyn SitePolicy>>,
}

/// An engine's right to its place. Handles outlive their engine, so once the place is freed the right changes nothing,
/// not even if another engine has the place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnedPlace {
    index: usize,
    owner: u64,
}

impl OwnedPlace {
    /// The place.
    #[inline(always)]
    pub fn index(self) -> usize {
        self.index
    }
}

/// The number of suppressed events of call sites.
pub type SuppressedCounts = Vec<(&'static Callsite, u64)>;

/// The slot of the engine in this place: engines beyond the number of slots share the last one.
pub fn slot_of(place: usize) -> usize {
    place.min(SHARED_SLOT)
}

static REGISTRY: Mutex<Registry> = Mutex::new(Registry {
    callsites: Vec::new(),
    mirrors: Mirrors::new(),
    engines: Vec::new(),
    unheard: Unheard::new(),
    thread_defaults: 0,
    last_owner: 0,
});

impl Registry {
    fn add(&mut self, callsite: &'static Callsite) {
        if callsite.id() == 0 {
            let id = self.callsites.len() as u32 + 1;
            self.mirrors.add(id, callsite);
            self.callsites.push(callsite);
            callsite.set_id(id);
        }
    }

    /// The place, unless it was freed.
    fn place_of(&mut self, owned: OwnedPlace) -> Option<&mut Place> {
        self.engines.get_mut(owned.index).filter(|place| place.owner == owned.owner)
    }

    fn global_filter(&self) -> Option<&Arc<Filter>> {
        self.engines.get(GLOBAL)?.filter.as_ref()
    }

    /// Computes a call site's verdict for every engine.
    fn evaluate(&self, callsite: &Callsite) -> Verdict {
        let metadata = callsite.metadata();
        let mut verdict = Verdict::default();
        for (place, engine) in self.engines.iter().enumerate() {
            let passes = |filter: &Arc<Filter>| filter.passes(metadata.target, metadata.level);
            let is_wanted = engine.filter.as_ref().is_some_and(passes);
            let policy = engine.policy.as_ref().filter(|_| is_wanted);
            let plan = policy.and_then(|policy| policy.plan(callsite));
            callsite.plans().set(place, plan);
            if is_wanted {
                verdict.enable(slot_of(place));
            }
            if let Some(plan) = plan {
                verdict.require_decision();
                if plan.keeps_share() {
                    verdict.keep_share();
                }
            }
        }
        // Calls that are to be counted take the slow path.
        if self.global_filter().is_none() && self.unheard.wants(index_of(callsite), metadata) {
            verdict.enable(GLOBAL);
            verdict.require_decision();
        }
        if self.thread_defaults > 0 {
            verdict.decide_global_calls();
        }
        callsite.set_verdict(verdict);
        verdict
    }

    fn evaluate_all(&self) {
        for callsite in &self.callsites {
            self.evaluate(callsite);
        }
    }

    /// Returns each site that has suppressed events for the engine in `place`, with their number. Resets the counts.
    fn take_suppressed(&self, place: usize) -> SuppressedCounts {
        let count = |site: &&'static Callsite| {
            let count = site.plans().of(place)?.limiter.take_suppressed();
            (count > 0).then_some((*site, count))
        };
        self.callsites.iter().filter_map(count).collect()
    }
}

/// Assigns a call site its id and its verdict. Returns whether the engine in `slot` enables it.
#[cold]
#[inline(never)]
pub(super) fn register(callsite: &'static Callsite, slot: usize) -> bool {
    let mut registry = REGISTRY.lock();
    registry.add(callsite);
    if slot == GLOBAL {
        registry.unheard.note_site(index_of(callsite));
    }
    registry.evaluate(callsite).passes(slot)
}

/// The index of a registered call site.
fn index_of(callsite: &Callsite) -> usize {
    (callsite.id() as usize).wrapping_sub(1)
}

/// Assigns a call site its id; for the engine's own events, which need no verdict.
pub fn assign_id(callsite: &'static Callsite) {
    let mut registry = REGISTRY.lock();
    registry.add(callsite);
    registry.evaluate(callsite);
}

/// Counts a call without a logger while there is no global engine.
pub fn count_unheard(callsite: &'static Callsite) {
    let mut registry = REGISTRY.lock();
    if registry.global_filter().is_none() && registry.unheard.count(index_of(callsite)) {
        registry.evaluate_all();
    }
}

/// Returns how many events that pass `filter` found no global engine since the last call; by default the filter of the
/// last one, and nothing if there was none.
pub fn take_unheard(filter: Option<Arc<Filter>>) -> UnheardCounts {
    let mut registry = REGISTRY.lock();
    let Some(filter) = filter.or_else(|| registry.unheard.filter()) else {
        return UnheardCounts::default();
    };
    let Registry { callsites, unheard, .. } = &mut *registry;
    unheard.take(&filter, |index| callsites.get(index).map(|site| site.metadata()))
}

/// The call site with this id.
pub fn callsite(id: u32) -> Option<&'static Callsite> {
    let index = (id as usize).checked_sub(1)?;
    REGISTRY.lock().callsites.get(index).copied()
}

/// The call sites whose ids are greater than `id`, in the order of their ids.
pub fn callsites_after(id: usize) -> Vec<&'static Callsite> {
    REGISTRY.lock().callsites.get(id..).unwrap_or_default().to_vec()
}

/// Adds a mirror: it gets all call sites that are registered now, and each further one before its id can be seen.
pub fn add_mirror(mirror: Arc<dyn SiteMirror>) -> MirrorId {
    let Registry { callsites, mirrors, .. } = &mut *REGISTRY.lock();
    mirrors.push(mirror, callsites)
}

/// Removes a mirror: it gets no more call sites once this has returned.
pub fn remove_mirror(id: MirrorId) {
    // Dropped without the lock: it may unmap a file.
    let removed = REGISTRY.lock().mirrors.remove(id);
    drop(removed);
}

/// Takes a place for an engine: that of the global engine, or the first free one. `None` if there is a global engine.
pub fn take_place(is_global: bool, filter: Arc<Filter>) -> Option<OwnedPlace> {
    let mut registry = REGISTRY.lock();
    let is_free = |place: usize| registry.engines.get(place).is_none_or(|it| it.owner == 0);
    let index = match is_global {
        true => is_free(GLOBAL).then_some(GLOBAL)?,
        false => (GLOBAL + 1..).find(|&place| is_free(place))?,
    };
    if registry.engines.len() <= index {
        registry.engines.resize_with(index + 1, Place::default);
    }
    registry.last_owner += 1;
    let owner = registry.last_owner;
    registry.engines[index] = Place { owner, filter: Some(filter), policy: None };
    // Calls that were decided while the place's last engine stopped may have left counts.
    drop(registry.take_suppressed(index));
    registry.evaluate_all();
    Some(OwnedPlace { index, owner })
}

/// Replaces an engine's filter. Returns whether the engine still has its place.
pub fn set_filter(owned: OwnedPlace, filter: Arc<Filter>) -> bool {
    let mut registry = REGISTRY.lock();
    let Some(place) = registry.place_of(owned) else { return false };
    place.filter = Some(filter);
    registry.evaluate_all();
    true
}

/// Frees the place of an engine that stops or, without `has_run`, that has not started. No call site is enabled for it
/// any more. Returns the counts of suppressed events that have not been reported.
pub fn free_place(owned: OwnedPlace, has_run: bool) -> SuppressedCounts {
    let mut registry = REGISTRY.lock();
    let Some(place) = registry.place_of(owned) else { return SuppressedCounts::new() };
    let last = std::mem::take(place).filter;
    if let (GLOBAL, true, Some(last)) = (owned.index, has_run, last) {
        registry.unheard.set_filter(last);
    }
    registry.evaluate_all();
    // Under the same lock: the next engine in the place has counts for the same sites.
    registry.take_suppressed(owned.index)
}

/// Replaces an engine's sampling policy.
pub fn set_policy(owned: OwnedPlace, policy: Option<Arc<dyn SitePolicy>>) {
    let mut registry = REGISTRY.lock();
    if let Some(place) = registry.place_of(owned) {
        place.policy = policy;
        registry.evaluate_all();
    }
}

/// Counts a thread that has its own engine for calls without a logger; [`remove_thread_default`] must follow.
pub fn add_thread_default() {
    let mut registry = REGISTRY.lock();
    registry.thread_defaults += 1;
    if registry.thread_defaults == 1 {
        registry.evaluate_all();
    }
}

/// Ends what [`add_thread_default`] began.
pub fn remove_thread_default() {
    let mut registry = REGISTRY.lock();
    registry.thread_defaults = registry.thread_defaults.saturating_sub(1);
    if registry.thread_defaults == 0 {
        registry.evaluate_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::callsite::Metadata;
    use crate::core::callsite::SLOTS;
    use crate::core::level::{Level, LevelFilter};
    use crate::core::sampling::limiter::{Limit, Moment};
    use crate::core::sampling::site_plan::{Plan, Share};

    const fn site(level: Level, target: &'static str) -> Callsite {
        let (event, file, keys) = ("e", file!(), &[]);
        Callsite::new(Metadata { level, event, target, file, line: 1, keys })
    }

    fn filter(text: &str) -> Arc<Filter> {
        Arc::new(text.parse().unwrap())
    }

    /// Held by tests that take all own slots, and by those that need one.
    static SLOTS_IN_USE: Mutex<()> = Mutex::new(());

    #[test]
    fn each_engine_evaluates_each_site_with_its_filter() {
        let _own_slots = SLOTS_IN_USE.lock();
        static QUIET: Callsite = site(Level::Debug, "registry::quiet");
        static LOUD: Callsite = site(Level::Error, "registry::loud");
        let take = |text: &str| {
            loop {
                let place = take_place(false, filter(text)).unwrap();
                if slot_of(place.index()) != SHARED_SLOT {
                    return place;
                }
                // The engines of other tests have all own slots at the moment.
                free_place(place, true);
                std::thread::yield_now();
            }
        };
        let (one, other) = (take("registry=info"), take("off,registry::quiet=trace"));
        assert_ne!(one, other);
        let (first, second) = (slot_of(one.index()), slot_of(other.index()));
        let verdicts = || [&QUIET, &LOUD].map(|site| (site.enabled(first), site.enabled(second)));
        assert_eq!(verdicts(), [(false, true), (true, false)]);
        set_filter(one, filter("trace"));
        set_filter(other, filter("off"));
        assert_eq!(verdicts(), [(true, false), (true, false)]);
        free_place(one, true);
        assert_eq!(verdicts(), [(false, false), (false, false)]);
        free_place(other, true);
    }

    #[test]
    fn an_id_is_permanent_and_finds_its_site() {
        static SITE: Callsite = site(Level::Info, "registry::assign_id");
        assert_eq!(SITE.id(), 0);
        assign_id(&SITE);
        let id = SITE.id();
        assign_id(&SITE);
        assert_eq!(SITE.id(), id);
        assert!(callsite(id).is_some_and(|found| std::ptr::eq(found, &SITE)));
        assert!(callsite(0).is_none());
        assert!(callsite(u32::MAX).is_none());
    }

    #[test]
    fn racing_threads_agree_on_the_id() {
        static SITE: Callsite = site(Level::Info, "registry::race");
        let slot = take_place(false, filter("trace")).unwrap();
        let ids = std::thread::scope(|scope| {
            let register = || (SITE.enabled(slot_of(slot.index())), SITE.id());
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(register)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        });
        assert!(ids.iter().all(|&found| found == (true, SITE.id())), "{ids:?}");
        free_place(slot, true);
    }

    /// Whether no engine enables the site in the shared slot, as soon as other tests' engines in it have ended.
    fn is_disabled_in_shared_slot(site: &'static Callsite) -> bool {
        let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
        while site.enabled(SHARED_SLOT) && std::time::Instant::now() < end {
            std::thread::yield_now();
        }
        !site.enabled(SHARED_SLOT)
    }

    #[test]
    fn engines_without_an_own_slot_share_the_last() {
        let _all_slots = SLOTS_IN_USE.lock();
        static SITE: Callsite = site(Level::Debug, "registry::many");
        let places: Vec<OwnedPlace> =
            (0..2 * SLOTS).map(|_| take_place(false, filter("off")).unwrap()).collect();
        assert!(places.iter().all(|place| slot_of(place.index()) < SLOTS));
        let beyond = *places.last().unwrap();
        assert_eq!(slot_of(beyond.index()), SHARED_SLOT);
        assert!(is_disabled_in_shared_slot(&SITE));
        set_filter(beyond, filter("registry::many=debug"));
        assert!(SITE.enabled(SHARED_SLOT));
        places.iter().for_each(|&place| drop(free_place(place, true)));
        assert!(is_disabled_in_shared_slot(&SITE));
        set_filter(beyond, filter("trace"));
        assert!(is_disabled_in_shared_slot(&SITE), "a free place has no filter");
    }

    /// Handles outlive their engine, and the next engine gets its place.
    #[test]
    fn a_freed_place_ignores_its_last_owner() {
        static SITE: Callsite = site(Level::Info, "registry::freed");
        let last = take_place(false, filter("trace")).unwrap();
        let next = {
            // Freed and taken in one step, so that no other test takes it between.
            let mut registry = REGISTRY.lock();
            registry.last_owner += 1;
            let next = OwnedPlace { owner: registry.last_owner, ..last };
            registry.engines[last.index].owner = next.owner;
            next
        };
        let slot = slot_of(next.index());
        assert!(!set_filter(last, filter("off")) && SITE.enabled(slot));
        set_policy(last, Some(Arc::new(Limited)));
        assert!(SITE.plan(next.index()).is_none_or(|plan| plan.limit().is_none()));
        assert!(free_place(last, true).is_empty() && SITE.enabled(slot));
        assert!(set_filter(next, filter("off")) && !SITE.enabled(slot));
        free_place(next, true);
    }

    /// Lets one event pass per hour.
    #[derive(Debug)]
    struct Limited;

    const LIMIT: Limit = Limit { count_max: 1, interval_nanos: 3_600_000_000_000, rule: 0 };

    impl SitePolicy for Limited {
        fn plan(&self, _: &Callsite) -> Option<Plan> {
            Some(Plan { share: Share::ALL, of_success: None, limit: Some(LIMIT) })
        }
    }

    /// The next engine in the place would report or discard them.
    #[test]
    fn suppressed_counts_leave_with_their_engine() {
        static SITE: Callsite = site(Level::Info, "registry::suppressed");
        let place = take_place(false, filter("off,registry::suppressed=info")).unwrap();
        assign_id(&SITE);
        set_policy(place, Some(Arc::new(Limited)));
        let plan = SITE.plan(place.index()).unwrap();
        let now = Moment { ticks: 1, nanos_per_tick: 1.0 };
        let passed = [(); 5].map(|()| plan.limiter.take(LIMIT, now));
        assert_eq!(passed, [true, false, false, false, false]);
        let counts = free_place(place, true);
        assert_eq!(
            counts.iter().map(|(site, count)| (site.id(), *count)).collect::<Vec<_>>(),
            [(SITE.id(), 4)]
        );
        assert_eq!(plan.limiter.take_suppressed(), 0);
    }

    #[test]
    fn a_thread_default_leaves_the_global_engine_disabled() {
        static SITE: Callsite = site(Level::Trace, "registry::default");
        add_thread_default();
        let is_decided = std::cell::Cell::new(false);
        SITE.resolve(GLOBAL);
        let passes = SITE.pass(GLOBAL, || {
            is_decided.set(true);
            SITE.resolve(GLOBAL).then(|| SITE.decided())
        });
        assert_eq!((passes.is_some(), is_decided.get()), (false, true));
        remove_thread_default();
    }

    #[test]
    fn a_later_directive_replaces_an_earlier_one() {
        let filter = Filter::new(LevelFilter::Off)
            .with_directive("a", LevelFilter::AtLeast(Level::Warn))
            .with_directive("a", LevelFilter::AtLeast(Level::Error));
        assert!(!filter.may_pass(Level::Warn), "the later directive replaces the earlier one");
        assert!(filter.may_pass(Level::Error) && filter.may_pass(Level::Critical));
    }
}
