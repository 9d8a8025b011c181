//! From a macro into the thread's ring: the hot path.
//!
//! Promises: after a thread's first event, no allocation, no lock, no system call, unless the ring is full and the
//! policy waits. Nothing here panics on its own; a panic in a value's own `Display` passes through and leaves no
//! trace in the ring.
use std::cell::RefCell;
use std::sync::Arc;

use super::global;
use super::lane::{Lane, Written};
use super::look::Thinning;
use super::overflow;
use super::shared::Shared;
use crate::core::callsite::{Callsite, ENGINES_MAX};
use crate::core::context::Context;
use crate::core::field::Fields;
use crate::core::level::Level;
use crate::core::value::ValueWriter;

/// A thread's lanes, by engine slot. Ends with the thread: the lanes go back to their engines.
struct Lanes([Slot; ENGINES_MAX + 1]);

/// A place for one lane.
struct Slot(RefCell<Option<Box<Lane>>>);

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(lane) = self.0.get_mut().take() {
            Lane::go_home(lane);
        }
    }
}

thread_local! {
    static LANES: Lanes =
        const { Lanes([const { Slot(RefCell::new(None)) }; ENGINES_MAX + 1]) };
}

/// Where an event goes: an engine, and the fields bound to the logger.
#[derive(Debug, Clone, Copy)]
pub struct Emitter<'a> {
    pub(crate) slot: usize,
    pub(crate) engine: u64,
    /// `None` for the global engine, which is looked up when needed.
    pub(crate) shared: Option<&'a Arc<Shared>>,
    pub(crate) context: Option<&'a Context>,
}

impl Emitter<'static> {
    /// The global engine, without bound fields.
    #[inline(always)]
    pub fn global() -> Self {
        Emitter { slot: global::SLOT, engine: global::engine_id(), shared: None, context: None }
    }
}

impl Emitter<'_> {
    /// Its bit in the call sites' verdicts.
    #[inline(always)]
    pub fn slot(&self) -> usize {
        self.slot
    }
}

/// Writes an event of an enabled call site, whose level is `level`.
#[inline]
pub fn emit<F: Fields>(to: Emitter<'_>, callsite: &'static Callsite, level: Level, fields: F) {
    let done = with_lane(to, |lane| lane.write(callsite, level, to.context, &fields));
    if done != Some(Written::Done) {
        // By value: only this path needs the fields in memory.
        emit_cold(to, callsite, done, fields);
    }
}

/// Runs `action` on this thread's lane of the engine, if it has one that is not busy.
#[inline(always)]
pub(crate) fn with_lane<T>(to: Emitter<'_>, action: impl FnOnce(&mut Lane) -> T) -> Option<T> {
    LANES
        .try_with(|lanes| {
            let mut lane = lanes.0[to.slot % (ENGINES_MAX + 1)].0.try_borrow_mut().ok()?;
            let lane = lane.as_deref_mut()?;
            if lane.engine != to.engine {
                return None;
            }
            Some(action(lane))
        })
        .ok()
        .flatten()
}

#[cold]
#[inline(never)]
fn emit_cold<F: Fields>(
    to: Emitter<'_>,
    callsite: &'static Callsite,
    first: Option<Written>,
    fields: F,
) {
    emit_again(to, callsite, first, &fields);
}

/// The part of the cold path that is the same for all fields.
fn emit_again(
    to: Emitter<'_>,
    callsite: &'static Callsite,
    first: Option<Written>,
    fields: &dyn Fields,
) {
    let level = callsite.metadata().level;
    let mut write = |lane: &mut Lane| lane.write_slow(callsite, to.context, fields);
    let done = match first {
        Some(Written::NotPlain) => with_lane(to, write),
        first => first,
    };
    if done != Some(Written::Done) {
        emit_slow(to, level, done, &mut write);
    }
}

/// Writes an event of which only the level is known beforehand; `fill` may be called more than once.
pub(super) fn emit_dynamic(
    to: Emitter<'_>,
    level: Level,
    fill: &dyn Fn(&mut ValueWriter<'_>),
    thinning: Option<Thinning<'_>>,
) {
    use crate::core::record::{Header, Kind};
    let header = Header {
        kind: Kind::Dynamic,
        level,
        is_cut: false,
        has_stack: false,
        has_rate: false,
        callsite: 0,
        context: 0,
        ticks: 0,
    };
    let mut write = |lane: &mut Lane| lane.write_bounded(header, to.context, fill, thinning);
    let done = with_lane(to, write);
    if done != Some(Written::Done) {
        emit_slow(to, level, done, &mut write);
    }
}

/// The first event of a thread, a full ring, an event inside an event, and a thread that is ending.
fn emit_slow(
    to: Emitter<'_>,
    level: Level,
    first: Option<Written>,
    write: &mut dyn FnMut(&mut Lane) -> Written,
) {
    let global;
    let shared = match to.shared {
        Some(shared) => shared,
        None => match global::shared() {
            Some(found) => {
                global = found;
                &global
            }
            // The global engine ended between the verdict and here.
            None => return,
        },
    };
    if shared.link.is_closed() {
        return shared.lose_unplaced(level);
    }
    let policy = shared.overflow[level as usize];
    let has_lane = first.is_some();
    let mut first = first;
    let done = on_some_lane(to, shared, has_lane, &mut |lane| {
        let result = first.take().unwrap_or_else(|| write(lane));
        match result {
            Written::Done => {}
            Written::TooLong | Written::NotPlain => lane.lose(level),
            Written::Full => overflow::retry(lane, &shared.link, policy, level, write),
        }
    });
    if !done {
        shared.lose_unplaced(level);
    }
}

/// Runs `action` once, on this thread's lane, or where that is busy or cannot be had, on another one. Says whether
/// there was any.
pub(crate) fn on_some_lane(
    to: Emitter<'_>,
    shared: &Arc<Shared>,
    has_lane: bool,
    action: &mut dyn FnMut(&mut Lane),
) -> bool {
    if !has_lane {
        adopt_lane(to, shared);
    }
    if with_lane(to, &mut *action).is_some() {
        return true;
    }
    // Inside another event's value, or in a thread whose locals are gone: a lane for this one event. It goes back when
    // dropped, also by a value that panics.
    let mut borrowed = Slot(RefCell::new(shared.take_lane()));
    if let Some(lane) = borrowed.0.get_mut().as_deref_mut() {
        lane.home = Some(Arc::clone(shared));
        action(lane);
        return true;
    }
    shared.with_side(action).is_some()
}

/// Gives this thread a lane of the engine unless it has one.
pub(crate) fn adopt_lane(to: Emitter<'_>, shared: &Arc<Shared>) -> bool {
    LANES
        .try_with(|lanes| {
            let Ok(mut place) = lanes.0[to.slot % (ENGINES_MAX + 1)].0.try_borrow_mut() else {
                return false;
            };
            if place.as_ref().is_some_and(|lane| lane.engine == shared.id) {
                return true;
            }
            let Some(mut lane) = shared.take_lane() else { return false };
            lane.home = Some(Arc::clone(shared));
            if let Some(old) = place.replace(lane) {
                Lane::go_home(old);
            }
            true
        })
        .unwrap_or(false)
}
