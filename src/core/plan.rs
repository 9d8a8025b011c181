//! Sampling as a call site knows it: what each engine's policy has decided about it, and how often it may log.
//!
//! Promises: reading a plan and asking a limiter are atomics alone: no allocation, no lock. Memory for a site's plan
//! is taken when an engine first wants to thin the site out, under the registry's lock, and kept for good: as much as
//! there are such sites, not events.
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use super::callsite::Metadata;

/// What a policy says about a call site that it thins out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// The share of events kept, 0 to 1: what the line says.
    pub rate: f64,
    /// The same for deciding: randomness below it is not kept. 0 where the rate is 1.
    pub threshold: u64,
    /// Which rule said so, for its counter.
    pub rule: u8,
    /// How many may pass in a while, of those kept.
    pub limit: Option<Limit>,
}

/// So many events per interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Events that may pass, at most [`Limit::COUNT_MAX`].
    pub count_max: u32,
    /// In how long.
    pub interval_nanos: u64,
    /// Which rule said so, for its counter.
    pub rule: u8,
}

impl Limit {
    /// What fits into a limiter's counter, with room to count on.
    pub const COUNT_MAX: u32 = (1 << COUNT_BITS) - 1;
}

/// Decides about call sites: an engine's sampling policy.
pub trait SitePolicy: std::fmt::Debug + Send + Sync {
    /// What is to be done with a site's events; `None` keeps them all.
    fn plan(&self, metadata: &Metadata) -> Option<Plan>;
}

/// The producers' clock, as a limiter needs it.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// Ticks of the producers' clock.
    pub ticks: u64,
    /// 0 while nobody has measured it yet; no interval ends before that.
    pub nanos_per_tick: f64,
}

const COUNT_BITS: u32 = 20;
/// Ticks are counted in units of 2¹²: one to four microseconds.
const UNIT_SHIFT: u32 = 12;
const UNITS_SHIFT: u32 = 64 - COUNT_BITS;

/// Lets so many events pass per interval, and counts the others until somebody tells of them.
///
/// An interval begins with the first event after the last one's end. Any number of threads may ask at once: never do
/// more than the limit pass, and every event either passes or is counted.
#[derive(Debug, Default)]
pub struct Limiter {
    /// When the interval began, in units of ticks modulo 2⁴⁴, above how many have passed in it.
    window: AtomicU64,
    suppressed: AtomicU64,
}

impl Limiter {
    /// Whether an event may pass now; if not, it is counted.
    pub fn take(&self, limit: Limit, now: Moment) -> bool {
        // ORDER: relaxed throughout; the word stands for itself.
        let mut window = self.window.load(Ordering::Relaxed);
        loop {
            let Some(next) = after(window, limit, now) else {
                // ORDER: relaxed; see above.
                self.suppressed.fetch_add(1, Ordering::Relaxed);
                return false;
            };
            let relaxed = Ordering::Relaxed;
            // ORDER: relaxed; see above.
            match self.window.compare_exchange_weak(window, next, relaxed, relaxed) {
                Ok(_) => return true,
                Err(found) => window = found,
            }
        }
    }

    /// Whether [`Limiter::take`] would let an event pass now.
    pub fn has_room(&self, limit: Limit, now: Moment) -> bool {
        // ORDER: relaxed; see `take`.
        after(self.window.load(Ordering::Relaxed), limit, now).is_some()
    }

    /// How many have been suppressed since this was last called.
    #[inline]
    pub fn take_suppressed(&self) -> u64 {
        // ORDER: relaxed; the count stands for itself. The load spares all others the locked instruction.
        match self.suppressed.load(Ordering::Relaxed) {
            0 => 0,
            _ => self.suppressed.swap(0, Ordering::Relaxed),
        }
    }

    /// Gives back what could not be told.
    pub fn put_back(&self, count: u64) {
        // ORDER: relaxed; see `take_suppressed`.
        self.suppressed.fetch_add(count, Ordering::Relaxed);
    }
}

/// The window after one more event; `None` when it is full.
fn after(window: u64, limit: Limit, now: Moment) -> Option<u64> {
    let (start, count) = (window >> COUNT_BITS, window as u32 & Limit::COUNT_MAX);
    let unit = now.ticks >> UNIT_SHIFT & ((1 << UNITS_SHIFT) - 1);
    // Modulo 2⁴⁴, as a signed number: another core's counter may be a little behind, and one that was reset far.
    let elapsed = (unit.wrapping_sub(start) << COUNT_BITS) as i64 >> COUNT_BITS;
    let is_over = || {
        let nanos = (elapsed.unsigned_abs() << UNIT_SHIFT) as f64 * now.nanos_per_tick;
        // Half a unit is what rounding down may have cost.
        let rounding = (1 << UNIT_SHIFT) as f64 * now.nanos_per_tick;
        nanos > 0.0 && nanos + rounding >= limit.interval_nanos as f64
    };
    if window == 0 || is_over() {
        return (limit.count_max > 0).then_some(unit << COUNT_BITS | 1);
    }
    (count < limit.count_max.min(Limit::COUNT_MAX)).then_some(window + 1)
}

/// Says that there is no plan; no threshold is as high.
const NO_PLAN: u64 = u64::MAX;

/// One engine's plan for one call site. While it is being replaced, parts may be the old one's for one event.
#[derive(Debug)]
pub struct SitePlan {
    slot: usize,
    threshold: AtomicU64,
    rate_bits: AtomicU64,
    /// Number of the rate's rule, then of the limit's.
    rules: AtomicU64,
    limit_count: AtomicU64,
    /// 0 for no limit.
    limit_nanos: AtomicU64,
    /// What has passed and what has not.
    pub limiter: Limiter,
    next: Plans,
}

impl SitePlan {
    fn new(slot: usize) -> Self {
        let [rate_bits, rules, limit_count, limit_nanos] = [(); 4].map(|()| AtomicU64::new(0));
        let (limiter, threshold) = (Limiter::default(), AtomicU64::new(NO_PLAN));
        let next = Plans::new();
        Self { slot, threshold, rate_bits, rules, limit_count, limit_nanos, limiter, next }
    }

    /// [`Plan::threshold`], if there is a plan.
    #[inline(always)]
    pub fn threshold(&self) -> Option<u64> {
        // ORDER: relaxed; a plan that arrives late decides about an event of that moment.
        let threshold = self.threshold.load(Ordering::Relaxed);
        (threshold != NO_PLAN).then_some(threshold)
    }

    /// [`Plan::rate`].
    #[inline]
    pub fn rate(&self) -> f64 {
        // ORDER: relaxed; see `threshold`.
        f64::from_bits(self.rate_bits.load(Ordering::Relaxed))
    }

    /// [`Plan::rule`].
    #[inline]
    pub fn rule(&self) -> u8 {
        // ORDER: relaxed; see `threshold`.
        self.rules.load(Ordering::Relaxed) as u8
    }

    /// [`Plan::limit`].
    #[inline(always)]
    pub fn limit(&self) -> Option<Limit> {
        // ORDER: relaxed throughout; see `threshold`.
        let interval_nanos = self.limit_nanos.load(Ordering::Relaxed);
        if interval_nanos == 0 {
            return None;
        }
        let count_max = self.limit_count.load(Ordering::Relaxed) as u32;
        let rule = (self.rules.load(Ordering::Relaxed) >> 8) as u8;
        Some(Limit { count_max, interval_nanos, rule })
    }

    fn set(&self, plan: Option<Plan>) {
        let (nanos, count, rule) = plan
            .and_then(|plan| plan.limit)
            .map_or((0, 0, 0), |limit| (limit.interval_nanos, limit.count_max, limit.rule));
        let rules = plan.map_or(0, |plan| u64::from(plan.rule)) | u64::from(rule) << 8;
        let rate = plan.map_or(1.0, |plan| plan.rate);
        let threshold = plan.map_or(NO_PLAN, |plan| plan.threshold);
        // ORDER: relaxed throughout; see `threshold`.
        self.rate_bits.store(rate.to_bits(), Ordering::Relaxed);
        self.rules.store(rules, Ordering::Relaxed);
        self.limit_count.store(count.into(), Ordering::Relaxed);
        self.limit_nanos.store(nanos, Ordering::Relaxed);
        self.threshold.store(threshold, Ordering::Relaxed);
    }
}

/// The plans of the engines that have ever thinned a site out, by slot. Read without a lock; grows under the
/// registry's.
#[derive(Debug)]
pub struct Plans(OnceLock<Box<SitePlan>>);

impl Default for Plans {
    fn default() -> Self {
        Self::new()
    }
}

impl Plans {
    /// None yet.
    pub const fn new() -> Self {
        Self(OnceLock::new())
    }

    /// The place of the engine in `slot`.
    #[inline(always)]
    pub fn of(&self, slot: usize) -> Option<&SitePlan> {
        let mut place = self.0.get();
        while let Some(plan) = place {
            if plan.slot == slot {
                return Some(plan);
            }
            place = plan.next.0.get();
        }
        None
    }

    pub(super) fn set(&self, slot: usize, plan: Option<Plan>) {
        match (self.of(slot), plan) {
            (Some(place), plan) => place.set(plan),
            (None, None) => {}
            (None, Some(plan)) => self.add(slot).set(Some(plan)),
        }
    }

    fn add(&self, slot: usize) -> &SitePlan {
        let mut last = self;
        while let Some(plan) = last.0.get() {
            last = &plan.next;
        }
        last.0.get_or_init(|| Box::new(SitePlan::new(slot)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Limit = Limit { count_max: 3, interval_nanos: 1_000_000_000, rule: 1 };

    fn at(ticks: u64) -> Moment {
        Moment { ticks, nanos_per_tick: 1.0 }
    }

    #[test]
    fn so_many_pass_per_interval_and_the_others_are_counted() {
        let limiter = Limiter::default();
        // When, and how many of ten pass.
        for (ticks, passed) in [
            (1, 3),
            (999_990_000, 0),
            (1_000_000_001, 3),
            (1_500_000_000, 0),
            (2_000_100_000, 3),
            (9_000_000_000, 3),
            // The counter was reset.
            (5, 3),
            (6, 0),
        ] {
            let found = (0..10).filter(|_| limiter.take(LIMIT, at(ticks))).count();
            assert_eq!(found, passed, "at {ticks}");
            assert_eq!(limiter.take_suppressed(), 10 - passed as u64, "at {ticks}");
            assert!(!limiter.has_room(LIMIT, at(ticks)));
        }
        assert_eq!(limiter.take_suppressed(), 0);
        limiter.put_back(7);
        assert_eq!(limiter.take_suppressed(), 7);
    }

    #[test]
    fn a_counter_that_is_a_little_behind_opens_no_new_interval() {
        let limiter = Limiter::default();
        let start = 50_000_000_000;
        let taken = (0..10).filter(|step| limiter.take(LIMIT, at(start - step * 100_000))).count();
        assert_eq!(taken, 3);
    }

    #[test]
    fn no_interval_ends_before_the_clock_is_known() {
        let limiter = Limiter::default();
        let unknown = |ticks| Moment { ticks, nanos_per_tick: 0.0 };
        let taken = (0..10).filter(|step| limiter.take(LIMIT, unknown(step << 40))).count();
        assert_eq!(taken, 3);
    }

    #[test]
    fn threads_that_ask_at_once_never_get_more_than_the_limit() {
        let (limiter, limit) = (Limiter::default(), Limit { count_max: 1000, ..LIMIT });
        let ask = || (0..5000).filter(|_| limiter.take(limit, at(7))).count() as u64;
        let passed: u64 = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!((passed, limiter.take_suppressed()), (1000, 19_000));
    }

    #[test]
    fn each_engine_has_a_plan_of_its_own() {
        let plans = Plans::new();
        let plan = |rate| {
            let limit = (rate > 0.5).then_some(LIMIT);
            Some(Plan { rate, threshold: (rate * 100.0) as u64, rule: 2, limit })
        };
        plans.set(3, None);
        assert!(plans.of(3).is_none(), "nothing to remember");
        for (slot, rate) in [(3, 0.1), (0, 0.9), (30, 0.3), (0, 0.8)] {
            plans.set(slot, plan(rate));
        }
        let found = |slot| {
            let place = plans.of(slot)?;
            let (rate, rule, limit) = (place.rate(), place.rule(), place.limit());
            place.threshold().map(|threshold| Plan { rate, threshold, rule, limit })
        };
        assert_eq!([0, 3, 30, 4].map(found), [plan(0.8), plan(0.1), plan(0.3), None]);
        plans.set(3, None);
        assert_eq!([0, 3, 30, 4].map(found), [plan(0.8), None, plan(0.3), None]);
    }
}
