//! The decision about an event of a sampled call site: kept or not.
//!
//! Promises: no allocation, no lock, no system call. Every event that is not kept is counted, by rule and level.
//!
//! The decision is made before the arguments are evaluated, except where it may depend on them: an event with a trace
//! id or an `event_type` among its own fields has a [`PendingDecision`], made once its values are in the granted bytes.
use std::sync::Arc;

use super::{Random, is_success};
use crate::core::callsite::Callsite;
use crate::core::keys;
use crate::core::level::Level;
use crate::core::record::{RATE_BYTES, put_rate};
use crate::core::sampling::limiter::{Limiter, Moment};
use crate::core::sampling::site_plan::{Plan, Share, SitePlan};
use crate::core::sampling::trace;
use crate::metrics::LaneCounters;
use ringseal_base::value::{Entries, ValueRef, Values};

/// Whether an event is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    Drop,
    Keep,
    /// Keep it, and report first what the limit has suppressed: events pass again.
    KeepAndReport,
}

/// The randomness and the counters of a lane.
#[derive(Debug)]
pub(crate) struct SamplerState {
    random: Random,
    counters: Arc<LaneCounters>,
    /// Whether other threads use the same counters.
    is_shared: bool,
}

/// The inputs of the decision that is made before the values are known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sampled<'a> {
    pub(crate) plan: &'a SitePlan,
    level: Level,
    threshold: u64,
    /// The randomness of the contexts' trace id.
    bound: Option<u64>,
    /// Whether the rate is decided later, with the values.
    is_pending: bool,
}

impl<'a> Sampled<'a> {
    /// An event of this call site, or `None` if it is kept without a decision. `randomness` is that of the contexts'
    /// trace id.
    pub(crate) fn new(
        callsite: &'static Callsite,
        place: usize,
        randomness: impl FnOnce() -> Option<u64>,
    ) -> Option<Sampled<'static>> {
        let plan = callsite.plan(place)?;
        // No threshold: the policy has just changed.
        let threshold = plan.threshold()?;
        Some(Sampled {
            plan,
            level: callsite.metadata().level,
            threshold,
            bound: randomness(),
            is_pending: callsite.has_sampling_key()
                && (threshold > 0 || plan.of_success().is_some()),
        })
    }
}

impl SamplerState {
    pub(crate) fn new(random: Random, counters: Arc<LaneCounters>) -> Self {
        Self { random, counters, is_shared: false }
    }

    /// A state whose counters other threads use, too.
    pub(crate) fn shared(random: Random, counters: Arc<LaneCounters>) -> Self {
        Self { random, counters, is_shared: true }
    }

    /// Decides by the rate. `None` leaves the decision to the limit: see [`SamplerState::decide_by_limit`].
    #[inline(always)]
    pub(crate) fn decide_by_rate(&mut self, event: &Sampled<'_>) -> Option<Decision> {
        if !event.is_pending && !self.reaches(event.threshold, event.bound) {
            self.count(event.plan.rule(), event.level);
            return Some(Decision::Drop);
        }
        event.plan.limit().is_none().then_some(Decision::Keep)
    }

    /// Decides by the limit about an event that the rate keeps, or whose rate is decided later.
    pub(crate) fn decide_by_limit(&self, event: &Sampled<'_>, now: Moment) -> Decision {
        let Some(limit) = event.plan.limit() else { return Decision::Keep };
        let limiter = &event.plan.limiter;
        let passes =
            if event.is_pending { limiter.has_room(limit, now) } else { limiter.take(limit, now) };
        match (passes, event.is_pending) {
            (true, _) => Decision::KeepAndReport,
            (false, true) => Decision::Keep,
            (false, false) => {
                self.count(limit.rule, event.level);
                Decision::Drop
            }
        }
    }

    #[inline(always)]
    fn count(&self, rule: u8, level: Level) {
        let counter = self.counters.sampled_out.of(rule, level);
        if self.is_shared { counter.add_shared(1) } else { counter.add(1) }
    }

    /// Whether the randomness reaches the threshold; a random number if there is none.
    #[inline(always)]
    fn reaches(&mut self, threshold: u64, randomness: Option<u64>) -> bool {
        randomness.unwrap_or_else(|| self.random.bits()) >= threshold
    }
}

/// The remaining steps for a sampled event once its values are known: decide, if they may contain the randomness, and
/// append the rate.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PendingDecision<'a> {
    plan: Plan,
    /// `None` if the event is already kept.
    open: Option<Open<'a>>,
}

#[derive(Debug, Clone, Copy)]
struct Open<'a> {
    keys: Keys,
    level: Level,
    /// The randomness of the contexts' trace id.
    bound: Option<u64>,
    limiter: &'a Limiter,
}

/// The keys of the values.
#[derive(Debug, Clone, Copy)]
enum Keys {
    Site(&'static [&'static str]),
    /// Target, name, then entries.
    Dynamic,
}

impl<'a> PendingDecision<'a> {
    /// For an event of a call site that earlier steps have not dropped.
    pub(crate) fn of_site(
        callsite: &'static Callsite,
        place: usize,
        bound: Option<u64>,
    ) -> Option<PendingDecision<'static>> {
        let site = callsite.plan(place)?;
        let threshold = site.threshold()?;
        let has_key = callsite.has_sampling_key();
        let of_success = has_key.then(|| site.of_success()).flatten();
        if threshold == 0 && of_success.is_none() {
            return None;
        }
        let metadata = callsite.metadata();
        let open = has_key.then_some(Open {
            keys: Keys::Site(metadata.keys),
            level: metadata.level,
            bound,
            limiter: &site.limiter,
        });
        let limit = open.and_then(|_| site.limit());
        let share = Share { rate: site.rate(), threshold, rule: site.rule() };
        let plan = Plan { share, of_success, limit };
        Some(PendingDecision { plan, open })
    }

    /// For a run-time event of a call site, whose keys are in its record.
    pub(crate) fn of_entries(
        callsite: &'static Callsite,
        place: usize,
        bound: Option<u64>,
    ) -> Option<PendingDecision<'static>> {
        let decision = PendingDecision::of_site(callsite, place, bound)?;
        let open = decision.open.map(|open| Open { keys: Keys::Dynamic, ..open });
        Some(PendingDecision { open, ..decision })
    }

    /// For a run-time event.
    pub(crate) fn of_dynamic(
        plan: Plan,
        level: Level,
        bound: Option<u64>,
        limiter: &'a Limiter,
    ) -> Self {
        Self { plan, open: Some(Open { keys: Keys::Dynamic, level, bound, limiter }) }
    }

    /// Decides about the event with these values. Returns the share that is kept of its kind, or `None` if the event is
    /// not kept.
    fn decide(&self, values: &[u8], state: &mut SamplerState, now: Moment) -> Option<Share> {
        let Some(open) = self.open else { return Some(self.plan.share) };
        let share = match self.plan.of_success {
            Some(share) if open.keys.have_type_of_success(values) => share,
            _ => self.plan.share,
        };
        let own = match open.keys {
            Keys::Site(keys) => trace::in_values(keys, Values(values)),
            Keys::Dynamic => trace::in_entries(Entries(after_names(values))),
        };
        if !state.reaches(share.threshold, own.or(open.bound)) {
            state.count(share.rule, open.level);
            return None;
        }
        let refusing = self.plan.limit.filter(|limit| !open.limiter.take(*limit, now));
        if let Some(limit) = refusing {
            state.count(limit.rule, open.level);
        }
        refusing.is_none().then_some(share)
    }
}

impl Keys {
    /// Whether the event's type among its values reports success. The last value of a key counts, as in the line.
    fn have_type_of_success(self, values: &[u8]) -> bool {
        let is_success = |value: ValueRef<'_>| match value {
            ValueRef::Str(text) => is_success(text),
            _ => false,
        };
        let last = match self {
            Keys::Site(keys) => {
                let at = keys.iter().rposition(|key| *key == keys::EVENT_TYPE);
                at.and_then(|at| Values(values).map_while(Result::ok).nth(at))
            }
            Keys::Dynamic => Entries(after_names(values))
                .map_while(Result::ok)
                .filter(|(key, _)| *key == keys::EVENT_TYPE.as_bytes())
                .map(|(_, value)| value)
                .last(),
        };
        last.is_some_and(is_success)
    }
}

/// Bytes that [`finish`] may add to the values.
#[inline(always)]
pub(crate) fn rate_bytes_max(pending: &Option<PendingDecision<'_>>) -> usize {
    if pending.is_some() { RATE_BYTES } else { 0 }
}

/// The last step before a record is committed: makes the pending decision and appends the rate to the `len` bytes of
/// values. Returns the new length and whether there is a rate, or `None` if the event is not kept.
#[inline(always)]
pub(crate) fn finish(
    pending: Option<PendingDecision<'_>>,
    payload: &mut [u8],
    len: usize,
    state: &mut SamplerState,
    now: Moment,
) -> Option<(usize, bool)> {
    match pending {
        None => Some((len, false)),
        Some(pending) => finish_sampled(&pending, payload, len, state, now),
    }
}

#[cold]
fn finish_sampled(
    pending: &PendingDecision<'_>,
    payload: &mut [u8],
    len: usize,
    state: &mut SamplerState,
    now: Moment,
) -> Option<(usize, bool)> {
    let (values, rest) = payload.split_at_mut_checked(len)?;
    let share = pending.decide(values, state, now)?;
    if share.threshold > 0 && rest.len() >= RATE_BYTES {
        put_rate(rest, share.rate);
        return Some((len + RATE_BYTES, true));
    }
    Some((len, false))
}

/// The entries of a run-time event, after its target and name.
fn after_names(mut values: &[u8]) -> &[u8] {
    let names = [(); 2].map(|()| ValueRef::read(&mut values).is_ok());
    if names == [true; 2] { values } else { &[] }
}
