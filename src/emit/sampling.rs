//! Decides whether a sampled call is made, and reports how many events a limit has suppressed.
//!
//! Promises: runs only for calls to sites that some engine samples or limits. Once the thread has its lane, nothing
//! here allocates, locks or makes a system call.
use std::sync::Arc;

use super::ambient::Ambient;
use super::emitter::{self, Emitter, Global};
use super::global;
use super::lane::{Lane, Scope, WriteResult};
use super::lanes::{self, adopt_lane, with_lane};
use super::logger::AsEmitter;
use super::shared::Shared;
use super::thread_default;
use crate::core::callsite::{Callsite, Pass};
use crate::core::level::Level;
use crate::core::registry::{self, SuppressedCounts};
use crate::core::sampling::limiter::{Limiter, Moment};
use crate::core::sampling::site_plan::Plan;
use crate::sample::decision::{Decision, Sampled, SamplerState};
use crate::sample::sampler::DynamicSite;
use crate::writer::report::SUPPRESSED;
use ringseal_base::clock::{Clock, SystemClock};

/// Lets a call to the global engine pass if it is made.
#[inline(always)]
pub fn pass_globally(callsite: &'static Callsite) -> Option<Pass> {
    callsite.pass(global::SLOT, || decide(&Global, callsite))
}

/// Whether a call is made if its verdict requires a decision, because the site is new, sampled or limited.
#[cold]
#[inline(never)]
pub(super) fn decide<L: AsEmitter + ?Sized>(log: &L, callsite: &'static Callsite) -> Option<Pass> {
    passes(log.emitter(), callsite).then(|| callsite.decided())
}

fn passes(to: Emitter<'_>, callsite: &'static Callsite) -> bool {
    if to.is_default()
        && let Some(shared) = thread_default::current()
    {
        // Otherwise the call would write into the lane that the thread has in the global engine.
        lanes::vacate_global_slot();
        return decide_for(Emitter::of(&shared), callsite);
    }
    decide_for(to, callsite)
}

fn decide_for(to: Emitter<'_>, callsite: &'static Callsite) -> bool {
    if !callsite.resolve(to.slot) {
        return false;
    }
    // A stopped engine's place may be that of another engine, whose limits these calls must not use up.
    let is_refused =
        |shared: &Arc<Shared>| shared.is_disabled() || !shared.passes_in_shared_slot(callsite);
    if to.shared.is_some_and(is_refused) {
        return false;
    }
    if to.slot == global::SLOT && global::engine_id() == 0 {
        registry::count_unheard(callsite);
        return false;
    }
    let randomness = || Scope::new(to.bound(), &Ambient::current()).randomness();
    let Some(event) = Sampled::new(callsite, to.place(), randomness) else { return true };
    let decision = with_lane(to.slot, to.engine, |lane| lane.decide(&event));
    match decision.unwrap_or_else(|| decide_without_lane(to, &event)) {
        Decision::Drop => false,
        Decision::Keep => true,
        Decision::KeepAndReport => {
            let metadata = callsite.metadata();
            report(to, &event.plan.limiter, metadata.target, metadata.event, metadata.level);
            true
        }
    }
}

/// Handles a thread's first event, an event inside an event, and a thread that is ending.
fn decide_without_lane(to: Emitter<'_>, event: &Sampled<'_>) -> Decision {
    let shared = match to.shared {
        Some(shared) => Arc::clone(shared),
        None => match global::shared() {
            Some(shared) => shared,
            // The global engine has stopped since the verdict was read.
            None => return Decision::Keep,
        },
    };
    adopt_lane(&shared);
    with_lane(to.slot, to.engine, |lane| lane.decide(event)).unwrap_or_else(|| {
        let counters = Arc::clone(&shared.link.unplaced);
        let mut state = SamplerState::shared(shared.sampler.random(), counters);
        let decision = state.decide_by_rate(event);
        decision.unwrap_or_else(|| state.decide_by_limit(event, moment(&shared)))
    })
}

/// The time, without a lane.
fn moment(shared: &Shared) -> Moment {
    let injected = shared.settings.injected.as_ref();
    let ticks = injected.map_or_else(|| SystemClock.ticks(), |clock| clock.ticks());
    Moment { ticks, nanos_per_tick: shared.link.nanos_per_tick() }
}

/// Logs how many events a limit has suppressed, if any. Without space in the ring, leaves the count for the next time.
fn report(to: Emitter<'_>, limiter: &Limiter, target: &str, event: &str, level: Level) {
    let count = limiter.take_suppressed();
    if count == 0 {
        return;
    }
    let fields = (count, (event, (target, (level.as_str(), ()))));
    let write = |lane: &mut Lane| lane.write_formatted(&SUPPRESSED, Scope::NONE, &fields);
    if with_lane(to.slot, to.engine, write) != Some(WriteResult::Written) {
        limiter.put_back(count);
    }
}

/// The same as [`report`], for a run-time event that is about to be written.
pub(super) fn report_dynamic(to: Emitter<'_>, shared: &Shared, plan: Plan, site: &DynamicSite) {
    if plan.limit.is_some_and(|limit| site.limiter.has_room(limit, moment(shared))) {
        report(to, &site.limiter, &site.target, &site.event, site.level);
    }
}

/// Logs all counts that have not been reported, when an engine stops: those of call sites, which it had with its place,
/// and those of run-time events. Waits for space by the overflow policy.
pub(crate) fn report_all(to: Emitter<'_>, shared: &Shared, of_sites: SuppressedCounts) {
    let log = |count: u64, target: &str, event: &str, level: Level| {
        let fields = (count, (event, (target, (level.as_str(), ()))));
        emitter::emit_formatted(to, &Ambient::NONE, &SUPPRESSED, &fields);
    };
    for (site, count) in of_sites {
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
