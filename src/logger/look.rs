//! A closer look at a call: what is thinned out is decided here, before anything is written.
//!
//! Promises: only call sites that some engine samples come here; all others cost what they cost without sampling. No
//! allocation, no lock, no system call, once the thread has its lane. Where it can be, the decision is made before the
//! arguments are evaluated; a call site with a trace id among its own fields is decided about when that value stands in
//! the granted bytes, and a no gives them back. Every event that is not kept is counted, by rule and level.
use std::sync::Arc;

use super::emit::{Emitter, adopt_lane, with_lane};
use super::global;
use super::lane::Lane;
use super::sampling::DynamicSite;
use super::shared::Shared;
use crate::core::callsite::Callsite;
use crate::core::clock::{Clock, SystemClock};
use crate::core::context::Context;
use crate::core::level::Level;
use crate::core::plan::{Limiter, Moment, Plan};
use crate::core::trace;
use crate::core::value::{Entries, ValueRef, Values, put_fixed, tag};
use crate::metrics::LaneCounters;
use crate::sample::{Random, keeps};
use crate::writer::report::SUPPRESSED;

/// What an event that takes the slow way still needs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Thinning<'a> {
    /// Its rate, and whom to ask.
    plan: Plan,
    /// What is left to be decided when the values are known; `None` if the event is kept already.
    open: Option<Open<'a>>,
}

#[derive(Debug, Clone, Copy)]
struct Open<'a> {
    keys: Keys,
    level: Level,
    /// Of the bound trace id.
    bound: Option<u64>,
    limiter: &'a Limiter,
}

/// Where a trace id may stand in the values.
#[derive(Debug, Clone, Copy)]
enum Keys {
    Site(&'static [&'static str]),
    /// Target, name, then entries.
    Dynamic,
}

impl<'a> Thinning<'a> {
    /// Of an event that `look` has let pass.
    pub(super) fn of_site(
        callsite: &'static Callsite,
        slot: usize,
        context: Option<&Context>,
    ) -> Option<Thinning<'static>> {
        let (place, plan) = callsite.plan(slot)?;
        let metadata = callsite.metadata();
        let open = || Open {
            keys: Keys::Site(metadata.keys),
            level: metadata.level,
            bound: context.and_then(Context::randomness),
            limiter: &place.limiter,
        };
        Some(Thinning { plan, open: callsite.has_trace_key().then(open) })
    }

    /// Of a run-time event.
    pub(super) fn of_dynamic(
        plan: Plan,
        level: Level,
        context: Option<&Context>,
        limiter: &'a Limiter,
    ) -> Self {
        let bound = context.and_then(Context::randomness);
        Self { plan, open: Some(Open { keys: Keys::Dynamic, level, bound, limiter }) }
    }

    /// Whether the event of these values is kept.
    fn keeps(&self, values: &[u8], dice: &mut Dice, now: Moment) -> bool {
        let Some(open) = self.open else { return true };
        let own = match open.keys {
            Keys::Site(keys) => trace::in_values(keys, Values(values)),
            Keys::Dynamic => trace::in_entries(Entries(after_names(values))),
        };
        let randomness = own.or(open.bound).unwrap_or_else(|| dice.random.bits());
        dice.keeps(self.plan, open.level, randomness)
            && dice.passes(self.plan, open.level, open.limiter, now)
    }
}

/// Bytes of a rate at the end of a record.
const RATE_BYTES: usize = 9;

/// Bytes that [`finish`] may add to the values.
#[inline(always)]
pub(super) fn room_for(thinning: &Option<Thinning<'_>>) -> usize {
    if thinning.is_some() { RATE_BYTES } else { 0 }
}

/// The last step before a record is published: decides what is still open, and puts the rate behind the `len` bytes of
/// values. Gives the new length and whether there is a rate; `None` for an event that is not kept.
#[inline(always)]
pub(super) fn finish(
    thinning: Option<Thinning<'_>>,
    payload: &mut [u8],
    len: usize,
    dice: &mut Dice,
    now: Moment,
) -> Option<(usize, bool)> {
    match thinning {
        None => Some((len, false)),
        Some(thinning) => finish_sampled(&thinning, payload, len, dice, now),
    }
}

#[cold]
fn finish_sampled(
    thinning: &Thinning<'_>,
    payload: &mut [u8],
    len: usize,
    dice: &mut Dice,
    now: Moment,
) -> Option<(usize, bool)> {
    let (values, rest) = payload.split_at_mut_checked(len)?;
    if !thinning.keeps(values, dice, now) {
        return None;
    }
    let rate = thinning.plan.rate;
    if rate < 1.0 && rest.len() >= RATE_BYTES {
        put_fixed(rest, tag::F64, rate.to_le_bytes());
        return Some((len + RATE_BYTES, true));
    }
    Some((len, false))
}

/// Where the entries of a run-time event begin.
fn after_names(mut values: &[u8]) -> &[u8] {
    let names = [(); 2].map(|()| ValueRef::read(&mut values).is_ok());
    if names == [true; 2] { values } else { &[] }
}

/// What a lane needs to decide with.
#[derive(Debug)]
pub(super) struct Dice {
    random: Random,
    counters: Arc<LaneCounters>,
    /// Whether other threads count in the same place.
    is_shared: bool,
}

impl Dice {
    pub(super) fn new(random: Random, counters: Arc<LaneCounters>) -> Self {
        Self { random, counters, is_shared: false }
    }

    fn keeps(&self, plan: Plan, level: Level, randomness: u64) -> bool {
        let is_kept = keeps(plan.rate, randomness);
        if !is_kept {
            self.count(plan.rule, level);
        }
        is_kept
    }

    fn passes(&self, plan: Plan, level: Level, limiter: &Limiter, now: Moment) -> bool {
        let Some(limit) = plan.limit else { return true };
        let passes = limiter.take(limit, now);
        if !passes {
            self.count(limit.rule, level);
        }
        passes
    }

    fn count(&self, rule: u8, level: Level) {
        let counter = self.counters.sampled_out.of(rule, level);
        if self.is_shared { counter.add_shared(1) } else { counter.add(1) }
    }

    /// Whether a call of this site is made. With a trace id among its fields that is decided later.
    fn lets(&mut self, ask: &Ask<'_>, now: Moment) -> Answer {
        let Ask { plan, level, bound, limiter, .. } = *ask;
        if ask.is_open {
            let has_room = plan.limit.is_some_and(|limit| limiter.has_room(limit, now));
            return Answer { is_yes: true, may_tell: has_room };
        }
        let randomness = bound.unwrap_or_else(|| self.random.bits());
        let is_yes = self.keeps(plan, level, randomness) && self.passes(plan, level, limiter, now);
        Answer { is_yes, may_tell: is_yes && plan.limit.is_some() }
    }
}

#[derive(Debug, Clone, Copy)]
struct Ask<'a> {
    plan: Plan,
    level: Level,
    bound: Option<u64>,
    limiter: &'a Limiter,
    is_open: bool,
}

#[derive(Debug, Clone, Copy)]
struct Answer {
    is_yes: bool,
    /// Whether the limit lets events pass again, so that what it has suppressed can be told.
    may_tell: bool,
}

/// Whether a call to the global engine is made.
#[inline(always)]
pub fn wants_globally(callsite: &'static Callsite) -> bool {
    callsite.enabled_or(global::SLOT, || look(Emitter::global(), callsite))
}

/// Whether a call whose verdict says yes, but not plainly, is made.
#[cold]
#[inline(never)]
pub(super) fn look(to: Emitter<'_>, callsite: &'static Callsite) -> bool {
    if !callsite.settle(to.slot) {
        return false;
    }
    let Some((place, plan)) = callsite.plan(to.slot) else { return true };
    let metadata = callsite.metadata();
    let limiter = &place.limiter;
    let (level, bound) = (metadata.level, to.context.and_then(Context::randomness));
    let ask = Ask { plan, level, bound, limiter, is_open: callsite.has_trace_key() };
    let Some(answer) = answer(to, &ask) else { return true };
    if answer.may_tell {
        tell(to, limiter, metadata.target, metadata.event, level);
    }
    answer.is_yes
}

/// Asks with this thread's lane, or what stands for it. `None` when the engine is gone.
fn answer(to: Emitter<'_>, ask: &Ask<'_>) -> Option<Answer> {
    let is_timed = ask.plan.limit.is_some();
    let with = |lane: &mut Lane| lane.decide(is_timed, |dice, now| dice.lets(ask, now));
    if let Some(answer) = with_lane(to, with) {
        return Some(answer);
    }
    let shared = match to.shared {
        Some(shared) => Arc::clone(shared),
        None => global::shared()?,
    };
    adopt_lane(to, &shared);
    if let Some(answer) = with_lane(to, with) {
        return Some(answer);
    }
    // Inside another event's value, or in a thread whose locals are gone.
    let mut dice = Dice {
        random: shared.sampler.random(),
        counters: Arc::clone(&shared.link.unplaced),
        is_shared: true,
    };
    Some(dice.lets(ask, moment(&shared)))
}

/// The time, without a lane.
fn moment(shared: &Shared) -> Moment {
    let injected = shared.settings.injected.as_ref();
    let ticks = injected.map_or_else(|| SystemClock.ticks(), |clock| clock.ticks());
    Moment { ticks, nanos_per_tick: shared.link.nanos_per_tick() }
}

/// Tells in the stream how many events a limit has suppressed, if any; without room now, some other time.
fn tell(to: Emitter<'_>, limiter: &Limiter, target: &str, event: &str, level: Level) {
    let count = limiter.take_suppressed();
    if count == 0 {
        return;
    }
    let fields = (count, (event, (target, (level.as_str(), ()))));
    let write = |lane: &mut Lane| lane.write_slow(&SUPPRESSED, None, &fields);
    if with_lane(to, write) != Some(super::lane::Written::Done) {
        limiter.put_back(count);
    }
}

/// The same for a run-time event that is about to be written.
pub(super) fn tell_dynamic(to: Emitter<'_>, shared: &Shared, plan: Plan, site: &DynamicSite) {
    if plan.limit.is_some_and(|limit| site.limiter.has_room(limit, moment(shared))) {
        tell(to, &site.limiter, &site.target, &site.event, site.level);
    }
}

/// At the end of an engine: tells what has not been told, and waits for room as the policy says.
pub(super) fn tell_rest(to: Emitter<'_>, shared: &Shared) {
    let log = |count: u64, target: &str, event: &str, level: Level| {
        let fields = (count, (event, (target, (level.as_str(), ()))));
        super::emit::emit(to, &SUPPRESSED, SUPPRESSED.metadata().level, fields);
    };
    for (site, count) in crate::core::registry::take_suppressed(shared.slot) {
        let metadata = site.metadata();
        log(count, metadata.target, metadata.event, metadata.level);
    }
    for site in shared.sampler.dynamic_sites() {
        match site.limiter.take_suppressed() {
            0 => {}
            count => log(count, &site.target, &site.event, site.level),
        }
    }
}
