//! The engine that the macros use if they are given no logger.
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::Mutex;

use super::shared::Shared;

/// The global engine's slot: a constant, so that the macros test a constant bit.
pub(crate) const SLOT: usize = crate::core::callsite::GLOBAL_SLOT;

static ENGINE: AtomicU32 = AtomicU32::new(0);
static SHARED: Mutex<Option<Arc<Shared>>> = Mutex::new(None);

/// The global engine's id; 0 if there is none.
#[inline(always)]
pub(crate) fn engine_id() -> u32 {
    // ORDER: relaxed; only compared with a lane's engine id, which the engine itself has set.
    ENGINE.load(Ordering::Relaxed)
}

/// The global engine.
pub(crate) fn shared() -> Option<Arc<Shared>> {
    SHARED.lock().clone()
}

/// Makes an engine global.
pub(crate) fn set(shared: &Arc<Shared>) {
    *SHARED.lock() = Some(Arc::clone(shared));
    // ORDER: relaxed; a thread that reads the old id takes the slow path, which reads under the lock.
    ENGINE.store(shared.id, Ordering::Relaxed);
}

/// Clears the global engine if it is this one.
pub(crate) fn clear(shared: &Arc<Shared>) {
    let mut place = SHARED.lock();
    if place.as_ref().is_some_and(|current| current.id == shared.id) {
        *place = None;
        // ORDER: relaxed; see `set`.
        ENGINE.store(0, Ordering::Relaxed);
    }
}
