//! The sampling plan that each engine has for a call site.
//!
//! Promises: reading a plan takes atomics only: no allocation, no lock. A site's plan is allocated when an engine first
//! samples or limits the site, under the registry's lock, and is never freed: memory grows with the number of such
//! sites, not with events.
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use super::limiter::{Limit, Limiter};
use crate::core::callsite::Callsite;

/// The share of events that is kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share {
    /// 0 to 1, as written into the line.
    pub rate: f64,
    /// The rate as a threshold: an event with randomness below it is not kept. 0 if the rate is 1.
    pub threshold: u64,
    /// The rule that set the rate, for its counter.
    pub rule: u8,
}

impl Share {
    /// All events.
    pub const ALL: Share = Share { rate: 1.0, threshold: 0, rule: 0 };
}

/// How a policy samples a call site's events.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// The share that is kept.
    pub share: Share,
    /// The share that is kept of events whose field `event_type` reports success, if that is another one.
    pub of_success: Option<Share>,
    /// How many of the kept events pass per interval.
    pub limit: Option<Limit>,
}

impl Plan {
    /// Whether some events may not be kept, limits aside.
    pub fn keeps_share(&self) -> bool {
        self.share.threshold > 0 || self.of_success.is_some()
    }
}

/// An engine's sampling policy, as the registry needs it.
pub trait SitePolicy: std::fmt::Debug + Send + Sync {
    /// How the site's events are sampled; `None` keeps them all.
    fn plan(&self, site: &Callsite) -> Option<Plan>;
}

/// Marks a site without a plan; no threshold is this high.
const NO_PLAN: u64 = u64::MAX;

/// One engine's plan for one call site. While it is replaced, an event may see parts of the old and the new plan.
#[derive(Debug)]
pub struct SitePlan {
    place: usize,
    threshold: AtomicU64,
    rate_bits: AtomicU64,
    /// [`NO_PLAN`] if there is no other share of events that report success.
    success_threshold: AtomicU64,
    success_rate_bits: AtomicU64,
    /// The rate's rule in the low byte, then the limit's, then that of events that report success.
    rules: AtomicU64,
    limit_count: AtomicU64,
    /// 0 for no limit.
    limit_nanos: AtomicU64,
    /// Counts the events that passed and those that were suppressed.
    pub limiter: Limiter,
    next: SitePlans,
}

impl SitePlan {
    fn new(place: usize) -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            place,
            threshold: AtomicU64::new(NO_PLAN),
            rate_bits: zero(),
            success_threshold: AtomicU64::new(NO_PLAN),
            success_rate_bits: zero(),
            rules: zero(),
            limit_count: zero(),
            limit_nanos: zero(),
            limiter: Limiter::default(),
            next: SitePlans::new(),
        }
    }

    /// [`Share::threshold`], if there is a plan.
    #[inline(always)]
    pub fn threshold(&self) -> Option<u64> {
        // ORDER: relaxed; an event may be decided by the previous plan.
        let threshold = self.threshold.load(Ordering::Relaxed);
        (threshold != NO_PLAN).then_some(threshold)
    }

    /// [`Share::rate`].
    #[inline]
    pub fn rate(&self) -> f64 {
        // ORDER: relaxed; see `threshold`.
        f64::from_bits(self.rate_bits.load(Ordering::Relaxed))
    }

    /// [`Plan::of_success`].
    #[inline]
    pub fn of_success(&self) -> Option<Share> {
        // ORDER: relaxed throughout; see `threshold`.
        let threshold = self.success_threshold.load(Ordering::Relaxed);
        if threshold == NO_PLAN {
            return None;
        }
        let rate = f64::from_bits(self.success_rate_bits.load(Ordering::Relaxed));
        let rule = (self.rules.load(Ordering::Relaxed) >> 16) as u8;
        Some(Share { rate, threshold, rule })
    }

    /// [`Share::rule`].
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
        let share = plan.map_or(Share::ALL, |plan| plan.share);
        let threshold = plan.map_or(NO_PLAN, |_| share.threshold);
        let of_success = plan.and_then(|plan| plan.of_success);
        let success_rule = of_success.map_or(0, |share| share.rule);
        let success_rate = of_success.map_or(1.0, |share| share.rate);
        let success_threshold = of_success.map_or(NO_PLAN, |share| share.threshold);
        let rules = u64::from(share.rule) | u64::from(rule) << 8 | u64::from(success_rule) << 16;
        // ORDER: relaxed throughout; see `threshold`.
        self.rate_bits.store(share.rate.to_bits(), Ordering::Relaxed);
        self.success_rate_bits.store(success_rate.to_bits(), Ordering::Relaxed);
        self.success_threshold.store(success_threshold, Ordering::Relaxed);
        self.rules.store(rules, Ordering::Relaxed);
        self.limit_count.store(count.into(), Ordering::Relaxed);
        self.limit_nanos.store(nanos, Ordering::Relaxed);
        // ORDER: relaxed; see above.
        self.threshold.store(threshold, Ordering::Relaxed);
    }
}

/// The plans of all engines that have ever sampled a site, by place. Read without a lock; grows under the registry's
/// lock.
#[derive(Debug)]
pub struct SitePlans(OnceLock<Box<SitePlan>>);

impl Default for SitePlans {
    fn default() -> Self {
        Self::new()
    }
}

impl SitePlans {
    /// No plans.
    pub const fn new() -> Self {
        Self(OnceLock::new())
    }

    /// The plan of the engine in `place`, if it ever had one.
    #[inline(always)]
    pub fn of(&self, place: usize) -> Option<&SitePlan> {
        let mut next = self.0.get();
        while let Some(plan) = next {
            if plan.place == place {
                return Some(plan);
            }
            next = plan.next.0.get();
        }
        None
    }

    pub(in crate::core) fn set(&self, place: usize, plan: Option<Plan>) {
        match (self.of(place), plan) {
            (Some(known), plan) => known.set(plan),
            (None, None) => {}
            (None, Some(plan)) => self.add(place).set(Some(plan)),
        }
    }

    fn add(&self, place: usize) -> &SitePlan {
        let mut last = self;
        while let Some(plan) = last.0.get() {
            last = &plan.next;
        }
        last.0.get_or_init(|| Box::new(SitePlan::new(place)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Limit = Limit { count_max: 3, interval_nanos: 1_000_000_000, rule: 1 };

    #[test]
    fn each_engine_has_its_own_plan() {
        let plans = SitePlans::new();
        let plan = |rate| {
            let limit = (rate > 0.5).then_some(LIMIT);
            let share = |rule| Share { rate, threshold: (rate * 100.0) as u64, rule };
            Some(Plan { share: share(2), of_success: (rate < 0.85).then(|| share(7)), limit })
        };
        plans.set(3, None);
        assert!(plans.of(3).is_none(), "nothing to remember");
        for (slot, rate) in [(3, 0.1), (0, 0.9), (30, 0.3), (0, 0.8)] {
            plans.set(slot, plan(rate));
        }
        let found = |slot| {
            let place = plans.of(slot)?;
            let threshold = place.threshold()?;
            let share = Share { rate: place.rate(), threshold, rule: place.rule() };
            Some(Plan { share, of_success: place.of_success(), limit: place.limit() })
        };
        assert_eq!([0, 3, 30, 4].map(found), [plan(0.8), plan(0.1), plan(0.3), None]);
        plans.set(3, None);
        assert_eq!([0, 3, 30, 4].map(found), [plan(0.8), None, plan(0.3), None]);
    }
}
