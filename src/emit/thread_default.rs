//! An engine for calls without a logger that is only for one thread, in place of the global one.
//!
//! Promises: a call pays for this only while such an engine exists; then each call without a logger takes the slow path
//! of the global engine ([`registry::add_thread_default`]), and asks here which engine its thread uses.
use std::cell::RefCell;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::shared::Shared;
use crate::core::registry;

thread_local! {
    /// The engines of this thread; the last one is used.
    static ENGINES: RefCell<Vec<(u64, Arc<Shared>)>> = const { RefCell::new(Vec::new()) };
}

/// Makes an engine the thread's default until it is dropped, on the same thread.
#[derive(Debug)]
pub(crate) struct ThreadDefault {
    id: u64,
    /// Other threads have other engines.
    not_send: PhantomData<*const ()>,
}

impl ThreadDefault {
    pub(crate) fn set(shared: &Arc<Shared>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        // ORDER: relaxed; only uniqueness matters.
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        registry::add_thread_default();
        // A thread that is ending has no locals: its calls go to the global engine.
        let _ = ENGINES.try_with(|engines| engines.borrow_mut().push((id, Arc::clone(shared))));
        Self { id, not_send: PhantomData }
    }
}

impl Drop for ThreadDefault {
    fn drop(&mut self) {
        // Guards may be dropped in any order.
        let removed = ENGINES.try_with(|engines| {
            let mut engines = engines.borrow_mut();
            let index = engines.iter().position(|(id, _)| *id == self.id)?;
            Some(engines.remove(index))
        });
        registry::remove_thread_default();
        // The engine's state is dropped after the borrow.
        drop(removed);
    }
}

/// This thread's engine for calls without a logger, if it is not the global one.
pub(crate) fn current() -> Option<Arc<Shared>> {
    let last = |engines: &RefCell<Vec<(u64, Arc<Shared>)>>| {
        engines.borrow().last().map(|(_, shared)| Arc::clone(shared))
    };
    ENGINES.try_with(last).ok().flatten()
}
