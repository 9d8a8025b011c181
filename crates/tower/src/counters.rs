//! Counters of what a layer has replaced or left out.
use std::sync::atomic::{AtomicU64, Ordering};

/// One counter.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self) {
        // ORDER: relaxed; read for information.
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        // ORDER: relaxed; read for information.
        self.0.load(Ordering::Relaxed)
    }
}

/// The counters of a layer and of all services that it has made.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) ids_replaced: Counter,
    pub(crate) notes_refused: Counter,
    pub(crate) callbacks_panicked: Counter,
    pub(crate) audit_failed: Counter,
}

/// What a layer has replaced or left out so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct LayerCounts {
    /// Requests whose id was replaced, because it was too long or had characters that are not allowed.
    pub ids_replaced: u64,
    /// Calls of [`note`](crate::note) whose fields were left out, because their request had too many.
    pub notes_refused: u64,
    /// Panics of callbacks, which were caught.
    pub callbacks_panicked: u64,
    /// Audit events that the log did not accept.
    pub audit_failed: u64,
}

impl Counters {
    pub(crate) fn counts(&self) -> LayerCounts {
        LayerCounts {
            ids_replaced: self.ids_replaced.get(),
            notes_refused: self.notes_refused.get(),
            callbacks_panicked: self.callbacks_panicked.get(),
            audit_failed: self.audit_failed.get(),
        }
    }
}
