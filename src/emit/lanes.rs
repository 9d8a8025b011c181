//! A thread's lanes: one for each engine that it logs to.
//!
//! Promises: using a lane that the thread already has takes no lock and allocates nothing. When the thread ends, its
//! lanes go back to their engines.
use std::cell::RefCell;
use std::sync::Arc;

use super::lane::Lane;
use super::shared::Shared;
use crate::core::callsite::ENGINES_MAX;

/// The lanes by engine slot.
struct Lanes([Slot; ENGINES_MAX + 1]);

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
        const { Lanes([const { Slot(RefCell::new(None)) }; ENGINES_MAX + 1]) };
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
            let mut lane = lanes.0[slot % (ENGINES_MAX + 1)].0.try_borrow_mut().ok()?;
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
            let Ok(mut place) = lanes.0[shared.slot % (ENGINES_MAX + 1)].0.try_borrow_mut() else {
                return false;
            };
            if place.as_ref().is_some_and(|lane| lane.engine == shared.id) {
                return true;
            }
            let Some(mut lane) = shared.take_lane() else { return false };
            lane.owner = Some(Arc::clone(shared) as _);
            if let Some(old) = place.replace(lane) {
                Lane::return_to_engine(old);
            }
            true
        })
        .unwrap_or(false)
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
