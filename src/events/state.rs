//! What changes about an event's type while the program runs: its policy, and counters of violations.
//!
//! Promises: atomics only; nothing allocates or blocks. Neither is read while an event satisfies its rules.
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use crate::core::level::Level;

/// What happens to an event that violates its rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Policy {
    /// It is logged, at warn or above, with its violations as `validation_errors`.
    #[default]
    Degrade,
    /// It is not logged; `emit` returns the violations.
    Reject,
    /// It is logged as if it had no rules.
    Off,
}

/// The level of an event that is logged although it violates its rules.
pub const fn degraded(level: Level) -> Level {
    if (level as u8) < Level::Warn as u8 { Level::Warn } else { level }
}

/// The policy and the counters of an event's type.
#[derive(Debug)]
pub struct EventState {
    policy: AtomicU8,
    /// One for each rule of each field in order, then one for each set of alternatives.
    failures: &'static [AtomicU64],
}

impl EventState {
    /// With the default policy.
    pub const fn new(failures: &'static [AtomicU64]) -> Self {
        Self { policy: AtomicU8::new(Policy::Degrade as u8), failures }
    }

    /// The policy.
    pub fn policy(&self) -> Policy {
        // ORDER: relaxed; an event of the moment of a change may be treated by either policy.
        match self.policy.load(Ordering::Relaxed) {
            policy if policy == Policy::Reject as u8 => Policy::Reject,
            policy if policy == Policy::Off as u8 => Policy::Off,
            _ => Policy::Degrade,
        }
    }

    /// Replaces the policy.
    pub fn set_policy(&self, policy: Policy) {
        // ORDER: relaxed; see `policy`.
        self.policy.store(policy as u8, Ordering::Relaxed);
    }

    /// Counts a violation of the rule with this index.
    pub(super) fn count(&self, rule: usize) {
        if let Some(counter) = self.failures.get(rule) {
            // ORDER: relaxed; a counter.
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The counters, in the order of the rules.
    pub(super) fn failures(&self) -> impl Iterator<Item = u64> {
        // ORDER: relaxed; a counter.
        self.failures.iter().map(|counter| counter.load(Ordering::Relaxed))
    }
}
