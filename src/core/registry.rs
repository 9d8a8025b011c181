//! All call sites of the process, and the filters of the engines that are alive.
//!
//! Promises: locks and allocates, and is called only on cold paths: a site's first call, an engine's start, stop or
//! reload, and the writer's first record with an id. Call sites are never removed; there are as many as the program has
//! macro invocations.
use std::sync::Arc;

use parking_lot::Mutex;

use super::callsite::{Callsite, ENGINES_MAX};
use super::filter::Filter;
use super::sampling::site_plan::SitePolicy;
use super::unheard::{Unheard, UnheardCounts};

struct Registry {
    callsites: Vec<&'static Callsite>,
    filters: [Option<Arc<Filter>>; ENGINES_MAX],
    policies: [Option<Arc<dyn SitePolicy>>; ENGINES_MAX],
    unheard: Unheard,
}

/// The slot of the engine that calls without a logger use.
const GLOBAL: usize = 0;

static REGISTRY: Mutex<Registry> = Mutex::new(Registry {
    callsites: Vec::new(),
    filters: [const { None }; ENGINES_MAX],
    policies: [const { None }; ENGINES_MAX],
    unheard: Unheard::new(),
});

impl Registry {
    fn add(&mut self, callsite: &'static Callsite) {
        if callsite.id() == 0 {
            self.callsites.push(callsite);
            callsite.set_id(self.callsites.len() as u32);
        }
    }

    /// Computes a call site's verdict for every engine. Returns one bit for each engine that enables it.
    fn evaluate(&self, callsite: &Callsite) -> u32 {
        let metadata = callsite.metadata();
        let (mut verdict, mut is_planned, mut is_shared) = (0, false, false);
        for (slot, (filter, policy)) in self.filters.iter().zip(&self.policies).enumerate() {
            let passes = |filter: &Arc<Filter>| filter.passes(metadata.target, metadata.level);
            let is_wanted = filter.as_ref().is_some_and(passes);
            let policy = policy.as_ref().filter(|_| is_wanted);
            let plan = policy.and_then(|policy| policy.plan(metadata));
            callsite.plans().set(slot, plan);
            is_planned |= plan.is_some();
            is_shared |= plan.is_some_and(|plan| plan.threshold > 0);
            verdict |= u32::from(is_wanted) << slot;
        }
        // Calls that are to be counted take the slow path.
        if self.filters[GLOBAL].is_none() && self.unheard.wants(index_of(callsite), metadata) {
            verdict |= 1 << GLOBAL;
            is_planned = true;
        }
        callsite.set_verdict(verdict, is_planned, is_shared);
        verdict
    }

    fn evaluate_all(&self) {
        for callsite in &self.callsites {
            self.evaluate(callsite);
        }
    }

    /// Returns each site that has suppressed events for the engine in `slot`, with their number. Resets the counts.
    fn take_suppressed(&self, slot: usize) -> Vec<(&'static Callsite, u64)> {
        let count = |site: &&'static Callsite| {
            let count = site.plans().of(slot)?.limiter.take_suppressed();
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
    registry.evaluate(callsite) & (1 << (slot as u32 & 31)) != 0
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
    if registry.filters[GLOBAL].is_none() && registry.unheard.count(index_of(callsite)) {
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

/// Takes a slot for an engine: `wanted`, or the first free one. `None` if it is taken, or none is free.
pub fn take_slot(wanted: Option<usize>, filter: Arc<Filter>) -> Option<usize> {
    let mut registry = REGISTRY.lock();
    let slot = match wanted {
        Some(slot) => registry.filters.get(slot)?.is_none().then_some(slot)?,
        // Slot 0 is the global engine's.
        None => (1..ENGINES_MAX).find(|&slot| registry.filters[slot].is_none())?,
    };
    registry.filters[slot] = Some(filter);
    registry.policies[slot] = None;
    // The slot's last engine may have left counts that it did not report.
    drop(registry.take_suppressed(slot));
    registry.evaluate_all();
    Some(slot)
}

/// Replaces an engine's filter; `None` clears its bit in every verdict.
pub fn set_filter(slot: usize, filter: Option<Arc<Filter>>) {
    let mut registry = REGISTRY.lock();
    if let Some(place) = registry.filters.get_mut(slot) {
        let last = std::mem::replace(place, filter);
        if let (GLOBAL, None, Some(last)) = (slot, &registry.filters[GLOBAL], last) {
            registry.unheard.set_filter(last);
        }
        registry.evaluate_all();
    }
}

/// Frees the slot of an engine that has not started.
pub fn free_slot(slot: usize) {
    let mut registry = REGISTRY.lock();
    if let Some(place) = registry.filters.get_mut(slot) {
        *place = None;
        registry.evaluate_all();
    }
}

/// Replaces an engine's sampling policy.
pub fn set_policy(slot: usize, policy: Option<Arc<dyn SitePolicy>>) {
    let mut registry = REGISTRY.lock();
    if let Some(place) = registry.policies.get_mut(slot) {
        *place = policy;
        registry.evaluate_all();
    }
}

/// Returns each site that has suppressed events for the engine in `slot` since the last report, with their number.
pub fn take_suppressed(slot: usize) -> Vec<(&'static Callsite, u64)> {
    REGISTRY.lock().take_suppressed(slot)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::callsite::Metadata;
    use crate::core::level::{Level, LevelFilter};

    const fn site(level: Level, target: &'static str) -> Callsite {
        let (event, file, keys) = ("e", file!(), &[]);
        Callsite::new(Metadata { level, event, target, file, line: 1, keys })
    }

    fn filter(text: &str) -> Arc<Filter> {
        Arc::new(text.parse().unwrap())
    }

    #[test]
    fn each_engine_evaluates_each_site_with_its_filter() {
        static QUIET: Callsite = site(Level::Debug, "registry::quiet");
        static LOUD: Callsite = site(Level::Error, "registry::loud");
        let one = take_slot(None, filter("registry=info")).unwrap();
        let other = take_slot(None, filter("off,registry::quiet=trace")).unwrap();
        assert_ne!(one, other);
        let verdicts = || [&QUIET, &LOUD].map(|site| (site.enabled(one), site.enabled(other)));
        assert_eq!(verdicts(), [(false, true), (true, false)]);
        set_filter(one, Some(filter("trace")));
        set_filter(other, Some(filter("off")));
        assert_eq!(verdicts(), [(true, false), (true, false)]);
        set_filter(one, None);
        assert_eq!(verdicts(), [(false, false), (false, false)]);
        set_filter(other, None);
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
        let slot = take_slot(None, filter("trace")).unwrap();
        let ids = std::thread::scope(|scope| {
            let register = || (SITE.enabled(slot), SITE.id());
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(register)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        });
        assert!(ids.iter().all(|&found| found == (true, SITE.id())), "{ids:?}");
        set_filter(slot, None);
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
