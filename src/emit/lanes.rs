//! A thread's lanes: one for each engine that it logs to. Engines that share a slot take turns in it.
//!
//! Promises: using a lane that the thread already has takes no lock and allocates nothing. When the thread ends, its
//! lanes go back to their engines.
use std::cell::RefCell;
use std::sync::Arc;

use super::lane::Lane;
use super::shared::Shared;
use super::thread_default;
use crate::core::callsite::{GLOBAL_SLOT, SHARED_SLOT};

/// The length of the table of lanes: a power of two, so that the compiler sees that every slot is in it.
const SLOTS: usize = crate::core::callsite::SLOTS.next_power_of_two();

/// The lanes by engine slot.
struct Lanes([Slot; SLOTS]);

/// A place for one lane. Dropping it returns the lane to its engine.
struct Slot(RefCell<Option<Box<Lane>>>);

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(lane) = self.0.get_mut().take() {
            Lane::return_to_engine(lane);
        }
    }
}

thread_local! {
    static LANES: Lanes =
        const { Lanes([const { Slot(RefCell::new(None)) }; SLOTS]) };
    /// Lanes of engines in the shared slot, while another engine's lane is there.
    static WAITING: RefCell<Vec<Slot>> = const { RefCell::new(Vec::new()) };
}

/// Runs `action` on this thread's lane of the engine, unless the thread has none or the lane is in use.
#[inline(always)]
pub(crate) fn with_lane<T>(
    slot: usize,
    engine: u64,
    action: impl FnOnce(&mut Lane) -> T,
) -> Option<T> {
    LANES
        .try_with(|lanes| {
            let mut lane = lanes.0[slot % SLOTS].0.try_borrow_mut().ok()?;
            let lane = lane.as_deref_mut()?;
            if lane.engine != engine {
                return None;
            }
            Some(action(lane))
        })
        .ok()
        .flatten()
}

/// Gives this thread a lane of the engine unless it has one. Returns whether it has one now.
pub(crate) fn adopt_lane(shared: &Arc<Shared>) -> bool {
    LANES
        .try_with(|lanes| {
            let Ok(mut place) = lanes.0[shared.slot % SLOTS].0.try_borrow_mut() else {
                return false;
            };
            if place.as_ref().is_some_and(|lane| lane.engine == shared.id) {
                return true;
            }
            // Calls without a logger must not find the global engine's lane.
            if shared.slot == GLOBAL_SLOT && thread_default::current().is_some() {
                return false;
            }
            let lane = waiting_lane(shared).or_else(|| shared.take_lane());
            let Some(mut lane) = lane else { return false };
            lane.owner = Some(Arc::clone(shared) as _);
            match place.replace(lane) {
                Some(old) if shared.slot == SHARED_SLOT && !has_ended(&old) => keep_waiting(old),
                Some(old) => Lane::return_to_engine(old),
                None => {}
            }
            true
        })
        .unwrap_or(false)
}

/// Removes the global engine's lane from the thread, unless it is in use.
#[cold]
pub(crate) fn vacate_global_slot() {
    let lane = LANES.try_with(|lanes| lanes.0[GLOBAL_SLOT].0.try_borrow_mut().ok()?.take());
    if let Ok(Some(lane)) = lane {
        Lane::return_to_engine(lane);
    }
}

/// Takes this thread's lane of an engine in the shared slot, if it waits for its turn. Gives up those of engines that
/// have ended.
fn waiting_lane(shared: &Shared) -> Option<Box<Lane>> {
    if shared.slot != SHARED_SLOT {
        return None;
    }
    let take = |waiting: &RefCell<Vec<Slot>>| {
        let mut waiting = waiting.borrow_mut();
        waiting.retain_mut(|slot| slot.0.get_mut().as_ref().is_some_and(|lane| !has_ended(lane)));
        let is_its = |slot: &mut Slot| slot.0.get_mut().as_ref().map(|lane| lane.engine);
        let index = waiting.iter_mut().position(|slot| is_its(slot) == Some(shared.id))?;
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
    let slot = Slot(RefCell::new(Some(lane)));
    let _ = WAITING.try_with(|waiting| waiting.borrow_mut().push(slot));
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
    let mut borrowed = Slot(RefCell::new(shared.take_lane()));
    if let Some(lane) = borrowed.0.get_mut().as_deref_mut() {
        lane.owner = Some(Arc::clone(shared) as _);
        action(lane);
        return true;
    }
    shared.with_shared_lane(action).is_some()
}
