//! A thread's lanes: one for each engine that it logs to. Engines that share a slot take turns in it.
//!
//! Promises: using a lane that the thread already has takes no lock and allocates nothing. When the thread ends, its
//! lanes go back to their engines; where the system's thread locals are keys with destructors (Windows with the GNU
//! toolchain, Android), the lanes of a thread may be lost with it instead.
use std::cell::{Cell, RefCell};
use std::sync::Arc;

use super::ambient;
use super::lane::Lane;
use super::shared::Shared;
use super::thread_default;
use crate::core::callsite::{GLOBAL_SLOT, SHARED_SLOT};
use crate::ringbuf::{KeyedCell, Lent, borrow_local};

/// The length of the table of lanes: a power of two, so that the compiler sees that every slot is in it.
const SLOTS: usize = crate::core::callsite::SLOTS.next_power_of_two();

thread_local! {
    /// The lanes by engine slot; the key is the engine's id. Without a destructor, so that an access needs no check.
    static LANES: [KeyedCell<Lane>; SLOTS] = const { [const { KeyedCell::new() }; SLOTS] };
    /// A bit for each place of [`LANES`] that has had a lane.
    static USED: Cell<u32> = const { Cell::new(0) };
    /// Returns the lanes when the thread ends.
    static RETURN: ReturnLanes = const { ReturnLanes };
    /// Lanes of engines in the shared slot, while another engine's lane is there.
    static WAITING: RefCell<Vec<OneLane>> = const { RefCell::new(Vec::new()) };
}

/// Dropped when its thread ends, if the thread had a lane.
struct ReturnLanes;

impl Drop for ReturnLanes {
    fn drop(&mut self) {
        let take_all = |cells: &[KeyedCell<Lane>; SLOTS]| {
            cells.iter().filter_map(KeyedCell::take).for_each(Lane::return_to_engine);
        };
        let _ = LANES.try_with(take_all);
    }
}

/// A lane outside the table. Dropping it returns the lane to its engine.
struct OneLane(Option<Box<Lane>>);

impl Drop for OneLane {
    fn drop(&mut self) {
        if let Some(lane) = self.0.take() {
            Lane::return_to_engine(lane);
        }
    }
}

/// This thread's lane of the engine, unless the thread has none, or it is in use, or the thread has an ambient context.
#[inline(always)]
pub(super) fn own_lane(slot: usize, engine: u32) -> Option<Lent<'static, Lane>> {
    borrow_local(&LANES, slot, engine, false)
}

/// The same, for a thread that has an ambient context.
#[inline(always)]
pub(super) fn own_lane_in_scope(slot: usize, engine: u32) -> Option<Lent<'static, Lane>> {
    borrow_local(&LANES, slot, engine, true)
}

/// Marks this thread's lanes if the thread has an ambient context, so that [`own_lane`] refuses them.
pub(super) fn mark_lanes(is_in_scope: bool) {
    let mut left = USED.get();
    LANES.with(|lanes| {
        while left != 0 {
            lanes[left.trailing_zeros() as usize % SLOTS].set_mark(is_in_scope);
            left &= left - 1;
        }
    });
}

/// Runs `action` on this thread's lane of the engine, unless the thread has none or the lane is in use.
#[inline]
pub(crate) fn with_lane<T>(
    slot: usize,
    engine: u32,
    action: impl FnOnce(&mut Lane) -> T,
) -> Option<T> {
    /// A value's `Display` may enter or leave a scope while the lane is lent, and cannot mark it then.
    struct Remark(usize);
    impl Drop for Remark {
        fn drop(&mut self) {
            LANES.with(|lanes| lanes[self.0 % SLOTS].set_mark(ambient::is_active()));
        }
    }
    let _remark = Remark(slot);
    let lane = own_lane(slot, engine).or_else(|| own_lane_in_scope(slot, engine));
    let mut lane = lane?;
    Some(action(&mut lane))
}

/// Gives this thread a lane of the engine unless it has one. Returns whether it has one now.
pub(crate) fn adopt_lane(shared: &Arc<Shared>) -> bool {
    // The thread is ending: no one would return the lane.
    if RETURN.try_with(|_| ()).is_err() {
        return false;
    }
    LANES.with(|lanes| {
        let cell = &lanes[shared.slot % SLOTS];
        if cell.is_lent() || cell.key() == Some(shared.id) {
            return !cell.is_lent();
        }
        drop_ended_lanes(lanes);
        // The hot path takes no lane of a thread that has a trace, so that events have it from now on.
        ambient::is_suppressed();
        // Calls without a logger must not find the global engine's lane.
        if shared.slot == GLOBAL_SLOT && thread_default::current().is_some() {
            return false;
        }
        let lane = waiting_lane(shared).or_else(|| shared.take_lane());
        let Some(mut lane) = lane else { return false };
        lane.owner = Some(Arc::clone(shared) as _);
        let (old, is_adopted) = match cell.replace(shared.id, lane) {
            Ok(old) => (old, true),
            Err(refused) => (Some(refused), false),
        };
        cell.set_mark(ambient::is_active());
        USED.set(USED.get() | 1 << (shared.slot % SLOTS));
        match old {
            Some(old) if shared.slot == SHARED_SLOT && !has_ended(&old) => keep_waiting(old),
            Some(old) => Lane::return_to_engine(old),
            None => {}
        }
        is_adopted
    })
}

/// Removes the global engine's lane from the thread, unless it is in use.
#[cold]
pub(crate) fn vacate_global_slot() {
    if let Some(lane) = LANES.with(|lanes| lanes[GLOBAL_SLOT].take()) {
        Lane::return_to_engine(lane);
    }
}

/// Gives up the lanes of engines that have ended: they keep their rings' memory. A thread that takes no new lane keeps
/// those that it has.
fn drop_ended_lanes(lanes: &[KeyedCell<Lane>; SLOTS]) {
    let is_over = |cell: &&KeyedCell<Lane>| {
        let key = cell.key();
        let lane = key.and_then(|key| cell.borrow(key).or_else(|| cell.borrow_marked(key)));
        lane.is_some_and(|lane| has_ended(&lane))
    };
    lanes.iter().filter(is_over).filter_map(KeyedCell::take).for_each(Lane::return_to_engine);
    // Dropped after the borrow: the end of an engine may log.
    let take = |waiting: &RefCell<Vec<OneLane>>| {
        let is_over = |one: &mut OneLane| one.0.as_ref().is_none_or(|lane| has_ended(lane));
        waiting.borrow_mut().extract_if(.., is_over).collect::<Vec<_>>()
    };
    drop(WAITING.try_with(take));
}

/// Takes this thread's lane of an engine in the shared slot, if it waits for its turn.
fn waiting_lane(shared: &Shared) -> Option<Box<Lane>> {
    if shared.slot != SHARED_SLOT {
        return None;
    }
    let take = |waiting: &RefCell<Vec<OneLane>>| {
        let mut waiting = waiting.borrow_mut();
        let is_its = |one: &OneLane| one.0.as_ref().is_some_and(|lane| lane.engine == shared.id);
        let index = waiting.iter().position(is_its)?;
        waiting.swap_remove(index).0.take()
    };
    WAITING.try_with(take).ok().flatten()
}

/// Whether the lane's engine has ended.
fn has_ended(lane: &Lane) -> bool {
    lane.owner.as_ref().is_none_or(|owner| owner.is_closed())
}

/// Keeps a lane until its engine has its turn again. On a thread that is ending, returns it.
fn keep_waiting(lane: Box<Lane>) {
    let one = OneLane(Some(lane));
    let _ = WAITING.try_with(|waiting| waiting.borrow_mut().push(one));
}

/// Runs `action` once: on this thread's lane, or on another one if this thread's lane is in use or cannot be created.
/// Returns whether there was a lane.
pub(crate) fn on_any_lane(
    shared: &Arc<Shared>,
    has_lane: bool,
    action: &mut dyn FnMut(&mut Lane),
) -> bool {
    if !has_lane {
        adopt_lane(shared);
    }
    if with_lane(shared.slot, shared.id, &mut *action).is_some() {
        return true;
    }
    // The call is inside another event's value, or the thread's locals were dropped: use a lane for this one event. It
    // is returned when dropped, even if a value panics.
    let mut borrowed = OneLane(shared.take_lane());
    if let Some(lane) = borrowed.0.as_deref_mut() {
        lane.owner = Some(Arc::clone(shared) as _);
        action(lane);
        return true;
    }
    shared.with_shared_lane(action).is_some()
}
