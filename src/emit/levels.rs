//! The layers of an engine's filter: what is configured, and an override that ends; what is called on changes.
//!
//! Promises: control plane only. Changes take effect in one order. Callbacks run after the change, without a lock; one
//! that panics is reported, and one that changes the filter is not called without end.
use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::shared::Shared;
use crate::core::Filter;
use crate::core::filter::Overlay;
use ringseal_base::clock::monotonic_nanos;
use ringseal_base::panic::panic_message;

/// How often the end of an override is compared with an injected clock.
const INJECTED_CLOCK_PAUSE: Duration = Duration::from_millis(10);

/// How deep changes of the filter inside callbacks call the callbacks again.
const CALLBACK_DEPTH_MAX: u32 = 4;

/// Directives over the configured ones, for a time.
#[derive(Debug, Clone)]
pub(crate) struct Override {
    pub(crate) overlay: Overlay,
    /// The person or program that asked for it.
    pub(crate) by: String,
    /// The end on the clock of [`Shared::level_nanos`].
    pub(crate) end_nanos: u64,
    /// The end for people, in nanoseconds since 1970.
    pub(crate) until_unix_nanos: i64,
}

/// What the filter in force consists of.
#[derive(Debug)]
pub(crate) struct Layers {
    pub(crate) configured: Filter,
    pub(crate) active: Option<Override>,
    /// Whether a thread waits for the end of the override.
    pub(crate) is_watched: bool,
    pub(crate) is_stopped: bool,
}

impl Layers {
    /// The filter in force.
    pub(crate) fn filter(&self) -> Filter {
        match &self.active {
            Some(active) => self.configured.with_overlay(&active.overlay),
            None => self.configured.clone(),
        }
    }

    /// The directives in force, without the noisy targets.
    pub(crate) fn directives(&self) -> String {
        self.filter().without_quiet().to_string()
    }
}

type Callback = Arc<dyn Fn() + Send + Sync>;

/// The layers, and what is called when they change.
pub(crate) struct Levels {
    pub(crate) layers: Mutex<Layers>,
    /// Notified when the override or its thread ends.
    pub(crate) changed: Condvar,
    callbacks: Mutex<Option<Vec<Callback>>>,
}

impl fmt::Debug for Levels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Levels").field("layers", &self.layers).finish_non_exhaustive()
    }
}

impl Levels {
    pub(super) fn new(configured: Filter) -> Self {
        let layers = Layers { configured, active: None, is_watched: false, is_stopped: false };
        Self {
            layers: Mutex::new(layers),
            changed: Condvar::new(),
            callbacks: Mutex::new(Some(Vec::new())),
        }
    }

    /// Calls `callback` after each change. Without effect once the engine has stopped.
    pub(crate) fn add_callback(&self, callback: Callback) {
        if let Some(callbacks) = &mut *self.callbacks.lock() {
            callbacks.push(callback);
        }
    }
}

impl Shared {
    /// Nanoseconds of the clock that overrides end by: the injected one, or the system's monotonic clock.
    pub(crate) fn level_nanos(&self) -> u64 {
        self.settings.injected.as_ref().map_or_else(monotonic_nanos, |clock| {
            let nanos = clock.ticks() as f64 * clock.nanos_per_tick().unwrap_or(1.0);
            nanos as u64
        })
    }

    /// How long to wait before the end of an override is compared with the clock again.
    pub(crate) fn level_pause(&self, left: Duration) -> Duration {
        match self.settings.injected {
            Some(_) => left.min(INJECTED_CLOCK_PAUSE),
            None => left,
        }
    }

    /// Changes the layers, and puts the result into force, unless `change` returns an error.
    pub(crate) fn change_levels<T, E>(
        &self,
        change: impl FnOnce(&mut Layers) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut layers = self.levels.layers.lock();
        let changed = change(&mut layers)?;
        self.set_filter(Arc::new(layers.filter()));
        self.levels.changed.notify_all();
        Ok(changed)
    }

    /// Calls what is to be called after a change of the filter.
    pub(crate) fn report_level_change(&self) {
        thread_local! {
            static DEPTH: Cell<u32> = const { Cell::new(0) };
        }
        let callbacks = self.levels.callbacks.lock().clone().unwrap_or_default();
        if callbacks.is_empty() {
            return;
        }
        let depth = DEPTH.get();
        if depth >= CALLBACK_DEPTH_MAX {
            return self.link.stderr.write(format_args!(
                "a callback of `on_filter_change` changes the filter at every call; not called again"
            ));
        }
        DEPTH.set(depth + 1);
        for callback in callbacks {
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| callback())) {
                let message = panic_message(&*panic).unwrap_or("no message");
                self.link
                    .stderr
                    .write(format_args!("a callback of `on_filter_change` panicked: {message}"));
                // The payload may panic when it is dropped.
                std::mem::forget(panic);
            }
        }
        DEPTH.set(depth);
    }

    /// Calls the callbacks a last time, when no event passes any more, and drops them.
    pub(crate) fn end_level_changes(&self) {
        self.report_level_change();
        let callbacks = self.levels.callbacks.lock().take();
        drop(callbacks);
    }
}
