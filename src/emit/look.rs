//! A closer look at a call: what is thinned out is decided here, before anything is written.
//!
//! Promises: only call sites that some engine samples come here; all others cost what they cost without sampling. No
//! allocation, no lock, no system call, once the thread has its lane. Where it can be, the decision is made before the
//! arguments are evaluated; a call site with a trace id among its own fields is decided about when that value stands in
//! the granted bytes, and a no gives them back. Every event that is not kept is counted, by rule and level.
use std::sync::Arc;

use super::emitter::{Emitter, adopt_lane, with_lane};
use super::global;
use super::lane::{Lane, Written};
use super::sampling::DynamicSite;
use super::shared::Shared;
use crate::core::callsite::Callsite;
use crate::core::clock::{Clock, SystemClock};
use crate::core::context::Context;
use crate::core::level::Level;
use crate::core::plan::{Limiter, Moment, Plan, SitePlan};
use crate::core::trace;
use crate::core::value::put::put_fixed;
use crate::core::value::{Entries, ValueRef, Values, tag};
use crate::metrics::LaneCounters;
use crate::sample::Random;
use crate::writer::report::SUPPRESSED;

/// What a lane decides with.
#[derive(Debug)]
pub(super) struct Dice {
    random: Random,
    counters: Arc<LaneCounters>,
    /// Whether other threads count in the same place.
    is_shared: bool,
}

/// Whether a call is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    No,
    Yes,
    /// And the limit lets events pass again, so that what it has suppressed can be told.
    YesAndTell,
}

impl Dice {
    pub(super) fn new(random: Random, counters: Arc<LaneCounters>) -> Self {
        Self { random, counters, is_shared: false }
    }

    #[inline(always)]
    fn count(&self, rule: u8, level: Level) {
        let counter = self.counters.sampled_out.of(rule, level);
        if self.is_shared { counter.add_shared(1) } else { counter.add(1) }
    }

    /// Whether randomness, or chance where there is none, reaches the threshold.
    #[inline(always)]
    fn reaches(&mut self, threshold: u64, randomness: Option<u64>) -> bool {
        randomness.unwrap_or_else(|| self.random.bits()) >= threshold
    }
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
    if !callsite.resolve(to.slot) {
        return false;
    }
    let Some(place) = callsite.plan(to.slot) else { return true };
    // Without a plan by now, the policy has just changed.
    let Some(threshold) = place.threshold() else { return true };
    let level = callsite.metadata().level;
    let bound = to.context.and_then(Context::randomness);
    // With a trace id among its fields, that is decided when the values are known.
    let is_open = threshold > 0 && callsite.has_trace_key();
    let roll = |dice: &mut Dice| is_open || dice.reaches(threshold, bound);
    let ask = |lane: &mut Lane| {
        if !roll(&mut lane.dice) {
            lane.dice.count(place.rule(), level);
            return Answer::No;
        }
        match place.limit() {
            None => Answer::Yes,
            Some(_) => limited(place, is_open, level, &lane.dice, lane.moment()),
        }
    };
    let answer = with_lane(to, ask);
    match answer.unwrap_or_else(|| answer_slowly(to, place, level, (threshold, bound, is_open))) {
        Answer::No => false,
        Answer::Yes => true,
        Answer::YesAndTell => {
            let metadata = callsite.metadata();
            tell(to, &place.limiter, metadata.target, metadata.event, level);
            true
        }
    }
}

/// What the limit says about an event that is kept, or about which that is still open.
fn limited(place: &SitePlan, is_open: bool, level: Level, dice: &Dice, now: Moment) -> Answer {
    let Some(limit) = place.limit() else { return Answer::Yes };
    let passes = match is_open {
        true => place.limiter.has_room(limit, now),
        false => place.limiter.take(limit, now),
    };
    match (passes, is_open) {
        (true, _) => Answer::YesAndTell,
        (false, true) => Answer::Yes,
        (false, false) => {
            dice.count(limit.rule, level);
            Answer::No
        }
    }
}

/// The first event of a thread, an event inside an event, and a thread that is ending.
fn answer_slowly(
    to: Emitter<'_>,
    place: &SitePlan,
    level: Level,
    (threshold, bound, is_open): (u64, Option<u64>, bool),
) -> Answer {
    let shared = match to.shared {
        Some(shared) => Arc::clone(shared),
        None => match global::shared() {
            Some(shared) => shared,
            // The global engine ended between the verdict and here.
            None => return Answer::Yes,
        },
    };
    let ask = |dice: &mut Dice, now: Moment| {
        if is_open || dice.reaches(threshold, bound) {
            return limited(place, is_open, level, dice, now);
        }
        dice.count(place.rule(), level);
        Answer::No
    };
    adopt_lane(to, &shared);
    let with = |lane: &mut Lane| {
        let now = lane.moment();
        ask(&mut lane.dice, now)
    };
    with_lane(to, with).unwrap_or_else(|| {
        let counters = Arc::clone(&shared.link.unplaced);
        let mut dice = Dice { random: shared.sampler.random(), counters, is_shared: true };
        ask(&mut dice, moment(&shared))
    })
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
    if with_lane(to, write) != Some(Written::Done) {
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
pub(crate) fn tell_rest(to: Emitter<'_>, shared: &Shared) {
    let log = |count: u64, target: &str, event: &str, level: Level| {
        let fields = (count, (event, (target, (level.as_str(), ()))));
        super::emitter::emit(to, &SUPPRESSED, SUPPRESSED.metadata().level, fields);
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

/// What is left to do for an event that takes the slow way because a share of its kind is kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Thinning<'a> {
    plan: Plan,
    /// What has to be decided when the values are known; `None` if the event is kept already.
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
    /// Of an event that [`look`] has let pass.
    pub(super) fn of_site(
        callsite: &'static Callsite,
        slot: usize,
        context: Option<&Context>,
    ) -> Option<Thinning<'static>> {
        let place = callsite.plan(slot)?;
        let threshold = place.threshold().filter(|threshold| *threshold > 0)?;
        let metadata = callsite.metadata();
        let open = callsite.has_trace_key().then(|| Open {
            keys: Keys::Site(metadata.keys),
            level: metadata.level,
            bound: context.and_then(Context::randomness),
            limiter: &place.limiter,
        });
        let limit = open.and_then(|_| place.limit());
        let plan = Plan { rate: place.rate(), threshold, rule: place.rule(), limit };
        Some(Thinning { plan, open })
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
        if !dice.reaches(self.plan.threshold, own.or(open.bound)) {
            dice.count(self.plan.rule, open.level);
            return false;
        }
        let refusing = self.plan.limit.filter(|limit| !open.limiter.take(*limit, now));
        if let Some(limit) = refusing {
            dice.count(limit.rule, open.level);
        }
        refusing.is_none()
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
    if thinning.plan.threshold > 0 && rest.len() >= RATE_BYTES {
        put_fixed(rest, tag::F64, thinning.plan.rate.to_le_bytes());
        return Some((len + RATE_BYTES, true));
    }
    Some((len, false))
}

/// Where the entries of a run-time event begin.
fn after_names(mut values: &[u8]) -> &[u8] {
    let names = [(); 2].map(|()| ValueRef::read(&mut values).is_ok());
    if names == [true; 2] { values } else { &[] }
}
