//! The sampling policy that an engine uses, its replacement, and its counters.
//!
//! Promises: this is the control plane. A policy that is installed puts a plan into each call site
//! (`core::sampling::site_plan`), which is all that a call reads. Only events whose names are known at run time read
//! the policy itself, under a read lock.
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};

use crate::core::callsite::Callsite;
use crate::core::keys;
use crate::core::level::Level;
use crate::core::sampling::limiter::{Limit, Limiter};
use crate::core::sampling::site_plan::{Plan, Share, SitePolicy};
use crate::metrics::{LaneCounters, LevelCounts, RULES_MAX, RuleMetrics};
use crate::sample::{AppliedRate, Random, Rule, Sampling, is_sampled, threshold};
use ringseal_base::fnv::fnv1a;

/// An engine's policy and counters.
#[derive(Debug)]
pub(crate) struct Sampler {
    policy: RwLock<Arc<InstalledPolicy>>,
    /// One bit per level that the policy may sample: run-time events of other levels need no lock.
    levels: AtomicU8,
    /// Every rule that was ever installed, by its number.
    rules: Mutex<Vec<String>>,
    /// Held while the policy is replaced.
    pub(crate) changing: Mutex<()>,
    seed: AtomicU64,
    dynamic: RwLock<HashMap<u64, Arc<DynamicSite>>>,
}

/// A policy with the numbers of its rules.
#[derive(Debug, Default)]
pub(crate) struct InstalledPolicy {
    sampling: Sampling,
    /// The numbers of the rules, by their index in the policy.
    numbers: Vec<u8>,
    limit: Option<Limit>,
}

impl InstalledPolicy {
    /// How events of this kind are sampled, which may have the field `event_type`; `None` keeps them all.
    fn plan_of(
        &self,
        target: &str,
        event: &str,
        level: Level,
        may_have_type: bool,
    ) -> Option<Plan> {
        if !is_sampled(target, event, level) {
            return None;
        }
        let share = self.share(self.sampling.rate_of(target, event, level));
        let of_success = self.share(self.sampling.rate_of_success(target, level));
        let plan = Plan {
            share,
            of_success: Some(of_success).filter(|other| may_have_type && *other != share),
            limit: self.limit,
        };
        (plan.keeps_share() || self.limit.is_some()).then_some(plan)
    }

    fn share(&self, applied: AppliedRate) -> Share {
        let number = applied.rule.and_then(|rule| self.numbers.get(rule));
        let rule = number.copied().unwrap_or(0);
        Share { rate: applied.rate, threshold: threshold(applied.rate), rule }
    }
}

impl SitePolicy for InstalledPolicy {
    fn plan(&self, site: &Callsite) -> Option<Plan> {
        let metadata = site.metadata();
        let may_have_type = site.has_free_keys() || metadata.keys.contains(&keys::EVENT_TYPE);
        self.plan_of(metadata.target, metadata.event, metadata.level, may_have_type)
    }
}

/// Takes the place of a call site for run-time events with the same names and level.
#[derive(Debug)]
pub(crate) struct DynamicSite {
    pub(crate) target: Box<str>,
    pub(crate) event: Box<str>,
    pub(crate) level: Level,
    pub(crate) limiter: Limiter,
}

/// How many names of run-time events have their own limiter; all others share one.
const DYNAMIC_SITES_MAX: usize = 1024;

/// The key of the shared limiter.
const OTHERS: u64 = 0;

impl Sampler {
    /// A sampler that keeps everything, until a policy is installed.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            policy: RwLock::default(),
            levels: AtomicU8::new(0),
            rules: Mutex::default(),
            changing: Mutex::default(),
            seed: AtomicU64::new(seed),
            dynamic: RwLock::default(),
        }
    }

    /// Installs a policy for run-time events, and returns it for the call sites.
    pub(crate) fn install(&self, sampling: Sampling) -> Arc<dyn SitePolicy> {
        let mut rules = self.rules.lock();
        let numbers = sampling.rules().map(|(rule, _)| assign_number(&mut rules, rule)).collect();
        let limit = sampling.limit_of_call_sites().map(|(count_max, interval)| Limit {
            count_max,
            interval_nanos: u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX),
            rule: assign_number(&mut rules, &Rule::Limit),
        });
        let sampled = Level::ALL.into_iter().filter(|level| sampling.may_sample(*level));
        let levels = sampled.fold(0, |bits, level| bits | 1 << level as u8);
        let installed = Arc::new(InstalledPolicy { sampling, numbers, limit });
        *self.policy.write() = Arc::clone(&installed) as _;
        // ORDER: relaxed; a run-time event may be sampled by the old policy for a moment.
        self.levels.store(levels, Ordering::Relaxed);
        installed
    }

    /// How run-time events of this kind are sampled; `None` keeps them all.
    pub(crate) fn plan_of(&self, target: &str, event: &str, level: Level) -> Option<Plan> {
        // ORDER: relaxed; see `install`.
        match self.levels.load(Ordering::Relaxed) & 1 << level as u8 {
            0 => None,
            _ => self.policy.read().plan_of(target, event, level, true),
        }
    }

    /// The limiter of run-time events of this kind. Allocates at the first event with these names.
    pub(crate) fn dynamic_site(&self, target: &str, event: &str, level: Level) -> Arc<DynamicSite> {
        let is_it = |site: &&Arc<DynamicSite>| {
            (&*site.target, &*site.event, site.level) == (target, event, level)
        };
        let key = key_of(target, event, level);
        {
            let known = self.dynamic.read();
            if let Some(site) = known.get(&key).filter(is_it) {
                return Arc::clone(site);
            }
            if known.len() > DYNAMIC_SITES_MAX
                && let Some(others) = known.get(&OTHERS)
            {
                return Arc::clone(others);
            }
        }
        let mut known = self.dynamic.write();
        if let Some(site) = known.get(&key).filter(is_it) {
            return Arc::clone(site);
        }
        let is_taken = known.contains_key(&key);
        let (key, target, event, level) = match known.len() < DYNAMIC_SITES_MAX && !is_taken {
            true => (key, target, event, level),
            false => (OTHERS, "*", "*", Level::Info),
        };
        let new = || DynamicSite {
            target: target.into(),
            event: event.into(),
            level,
            limiter: Limiter::default(),
        };
        Arc::clone(known.entry(key).or_insert_with(|| Arc::new(new())))
    }

    /// All limiters of run-time events.
    pub(crate) fn dynamic_sites(&self) -> Vec<Arc<DynamicSite>> {
        self.dynamic.read().values().cloned().collect()
    }

    /// A new random sequence: one for each lane, and one for an event without a lane.
    pub(crate) fn random(&self) -> Random {
        // ORDER: relaxed; only uniqueness matters.
        Random::new(Random::new(self.seed.fetch_add(1, Ordering::Relaxed)).word())
    }

    /// The counts of all rules that were ever installed, over the given lanes.
    pub(crate) fn metrics<'l>(
        &self,
        lanes: impl Iterator<Item = &'l LaneCounters> + Clone,
    ) -> Vec<RuleMetrics> {
        let of_rule = |(number, rule): (usize, &String)| {
            let mut sampled_out = LevelCounts::default();
            for lane in lanes.clone() {
                sampled_out.add(lane.sampled_out.get(number));
            }
            let mut metrics = RuleMetrics::default();
            (metrics.rule, metrics.sampled_out) = (rule.clone(), sampled_out);
            metrics
        };
        self.rules.lock().iter().enumerate().map(of_rule).collect()
    }
}

/// Assigns a rule its number for the engine's life. Rules beyond [`RULES_MAX`] share the last number.
fn assign_number(rules: &mut Vec<String>, rule: &Rule) -> u8 {
    let name = rule.to_string();
    if let Some(index) = rules.iter().position(|known| *known == name) {
        return index as u8;
    }
    match rules.len() + 1 {
        RULES_MAX => rules.push("others".into()),
        len if len < RULES_MAX => rules.push(name),
        _ => {}
    }
    rules.len() as u8 - 1
}

fn key_of(target: &str, event: &str, level: Level) -> u64 {
    // 0xff cannot occur in a name.
    let bytes = target.bytes().chain([0xff, level as u8, 0xff]).chain(event.bytes());
    fnv1a(bytes).max(OTHERS + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_keeps_its_number() {
        let sampler = Sampler::new(1);
        let counters = LaneCounters::default();
        let install = |names: std::ops::Range<u32>| {
            let policy = names.fold(Sampling::new(), |policy, name| {
                policy.target(&format!("t{name:03}"), 0.0).unwrap()
            });
            sampler.install(policy);
        };
        let number = |target: &str| {
            let plan = sampler.plan_of(target, "e", Level::Debug);
            plan.map(|plan| plan.share.rule)
        };
        install(0..3);
        assert_eq!(number("t001"), Some(1));
        install(1..60);
        assert_eq!((number("t000"), number("t001"), number("t059")), (None, Some(1), Some(59)));
        install(58..200);
        let last = RULES_MAX as u8 - 1;
        assert_eq!(["t058", "t062", "t063", "t199"].map(number), [58, 62, last, last].map(Some));
        counters.sampled_out.of(1, Level::Debug).add(5);
        counters.sampled_out.of(last, Level::Info).add(7);
        let metrics = sampler.metrics([&counters, &counters].into_iter());
        assert_eq!(metrics.len(), RULES_MAX);
        assert_eq!((&*metrics[1].rule, metrics[1].sampled_out.total()), ("target t001", 10));
        let others = &metrics[RULES_MAX - 1];
        assert_eq!((&*others.rule, others.sampled_out.of(Level::Info)), ("others", 14));
    }

    #[test]
    fn dynamic_limiters_are_bounded() {
        let sampler = Sampler::new(1);
        let site = |name: u32| sampler.dynamic_site("run", &name.to_string(), Level::Info);
        let first = site(0);
        assert!(Arc::ptr_eq(&first, &site(0)));
        assert!(!Arc::ptr_eq(&first, &sampler.dynamic_site("run", "0", Level::Debug)));
        assert!(!Arc::ptr_eq(&first, &sampler.dynamic_site("ru", "n0", Level::Info)));
        for name in 0..3000 {
            site(name);
        }
        assert_eq!(sampler.dynamic_sites().len(), DYNAMIC_SITES_MAX + 1);
        assert!(Arc::ptr_eq(&first, &site(0)), "a limiter is never removed");
        assert!(Arc::ptr_eq(&site(2998), &site(2999)), "names beyond the limit share one");
        assert_eq!((&*site(2999).target, &*site(2999).event), ("*", "*"));
    }
}
