//! Changes of levels for a time: an override over the configured filter, which ends without further calls.
//!
//! Promises: a thread, `ringseal-levels`, waits for the end; it exists only while there is an override, and is the same
//! for all of an engine's. The end restores the filter that is configured by then. Stopping the engine ends the
//! override, and waits at most [`END_MAX`] for the thread.
mod request;
mod state;

#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

pub use self::request::{LevelError, LevelRequest};
pub use self::state::{LevelState, OverrideState};
use super::config_events;
use crate::core::LevelFilter;
use crate::emit::Logger;
use crate::emit::levels::{Layers, Override};
use crate::emit::shared::Shared;
use crate::writer::report::{LEVEL_CHANGED, LEVEL_RESTORED};
use ringseal_base::clock::{Clock, SystemClock};

/// How long a stopping engine waits for a callback that runs on the thread.
const END_MAX: Duration = Duration::from_secs(1);

thread_local! {
    /// Whether this is a thread that waits for the end of an override.
    static IS_WATCHER: Cell<bool> = const { Cell::new(false) };
}

/// Levels at run time.
impl Logger {
    /// Logs other levels for a time, after which the configured ones apply again by themselves.
    ///
    /// The directives of the request are added to the configured ones, also to those that a later
    /// [`Logger::set_filter`] configures. A second call replaces the first. [`Logger::restore_levels`] and the end of
    /// the engine end the override before its time. The log has an event for each change, `ringseal.level_changed` and
    /// `ringseal.level_restored`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use ringseal::levels::LevelRequest;
    /// use ringseal::testing::Capture;
    /// use ringseal::{Config, debug};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (engine, capture) = Capture::start_with(Config::new().filter("info".parse()?));
    /// debug!(engine, "not_logged");
    /// engine.override_levels(LevelRequest::new("debug", Duration::from_secs(600), "alice")?)?;
    /// debug!(engine, "logged");
    /// assert!(engine.restore_levels("alice"));
    /// let names: Vec<String> = capture.events().iter().map(|event| event.name().to_owned()).collect();
    /// assert_eq!(names, ["ringseal.level_changed", "logged", "ringseal.level_restored"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If the engine has stopped, the process was forked, or the thread cannot be started. Nothing has changed then.
    pub fn override_levels(&self, request: LevelRequest) -> Result<LevelState, LevelError> {
        let shared = &self.shared;
        if shared.link.is_forked() {
            return Err(LevelError::Forked);
        }
        let by = request.by.clone();
        let (from, to, until) = shared.change_levels(|layers| {
            if layers.is_stopped {
                return Err(LevelError::Stopped);
            }
            watch(shared, layers)?;
            let from = layers.directives();
            let active = begin(shared, request);
            let until = active.until_unix_nanos;
            layers.active = Some(active);
            Ok((from, layers.directives(), until))
        })?;
        let fields = (&*by, (&*from, (&*to, (system_time(until), ()))));
        config_events::report_waiting(shared, &LEVEL_CHANGED, &fields);
        shared.report_level_change();
        Ok(self.levels())
    }

    /// Ends an override of levels before its time. Returns whether there was one.
    pub fn restore_levels(&self, by: &str) -> bool {
        end_override(&self.shared, "cancelled", Some(by), |_| true)
    }

    /// The levels in force, and the override if there is one.
    pub fn levels(&self) -> LevelState {
        state::of(&self.shared)
    }

    /// Calls `callback` after each change of the filter: by [`Logger::set_filter`], by the beginning and the end of an
    /// override, and when the engine stops. Any number of callbacks can be added. They stay until the engine stops.
    ///
    /// The callback runs on the thread that makes the change, after the change and without a lock. Several changes may
    /// call it at the same time: it must read what is in force then, with a lock around the reading and the use. One
    /// that panics is reported on standard error, and is called again at the next change.
    pub fn on_filter_change(&self, callback: impl Fn() + Send + Sync + 'static) {
        self.shared.levels.add_callback(Arc::new(callback));
    }

    /// The most verbose level that passes for some target at the moment; `LevelFilter::Off` once the engine has
    /// stopped. Events below it are logged for no target.
    pub fn most_verbose(&self) -> LevelFilter {
        self.shared.most_verbose()
    }
}

/// The override that a request asks for, from now on.
fn begin(shared: &Shared, request: LevelRequest) -> Override {
    let lasts = u64::try_from(request.lasts.as_nanos()).unwrap_or(u64::MAX);
    let injected = shared.settings.injected.as_deref();
    let now = injected.map_or_else(|| SystemClock.unix_nanos(), Clock::unix_nanos);
    Override {
        overlay: request.overlay,
        by: request.by,
        end_nanos: shared.level_nanos().saturating_add(lasts),
        until_unix_nanos: now.saturating_add_unsigned(lasts),
    }
}

/// A point in time as a value.
fn system_time(unix_nanos: i64) -> SystemTime {
    let distance = Duration::from_nanos(unix_nanos.unsigned_abs());
    let time = if unix_nanos < 0 {
        UNIX_EPOCH.checked_sub(distance)
    } else {
        UNIX_EPOCH.checked_add(distance)
    };
    time.unwrap_or(UNIX_EPOCH)
}

/// Starts the thread that waits for the end, unless it exists.
fn watch(shared: &Arc<Shared>, layers: &mut Layers) -> Result<(), LevelError> {
    if !layers.is_watched {
        let watched = Arc::clone(shared);
        let thread = std::thread::Builder::new().name("ringseal-levels".into());
        thread.spawn(move || wait_for_end(&watched)).map_err(LevelError::Thread)?;
        layers.is_watched = true;
    }
    Ok(())
}

/// The thread: ends overrides whose time is over, and ends when there is none.
fn wait_for_end(shared: &Arc<Shared>) {
    IS_WATCHER.set(true);
    let mut layers = shared.levels.layers.lock();
    while let Some(active) = &layers.active {
        match active.end_nanos.saturating_sub(shared.level_nanos()) {
            0 => {
                drop(layers);
                let is_over = |active: &Override| active.end_nanos <= shared.level_nanos();
                end_override(shared, "expired", None, is_over);
                layers = shared.levels.layers.lock();
            }
            left => {
                let pause = shared.level_pause(Duration::from_nanos(left));
                shared.levels.changed.wait_for(&mut layers, pause);
            }
        }
    }
    layers.is_watched = false;
    shared.levels.changed.notify_all();
}

/// Ends the override if `is_due` returns true for it, and reports that; by default in the name of the one who began it.
/// Returns whether it was ended.
fn end_override(
    shared: &Arc<Shared>,
    reason: &str,
    by: Option<&str>,
    is_due: impl FnOnce(&Override) -> bool,
) -> bool {
    if shared.link.is_forked() {
        return false;
    }
    let ended = shared.change_levels(|layers| {
        let from = layers.directives();
        let ended = layers.active.take_if(|active| is_due(active)).ok_or(())?;
        Ok::<_, ()>((ended.by, from, layers.directives()))
    });
    let Ok((begun_by, from, to)) = ended else { return false };
    let by = by.unwrap_or(&begun_by);
    config_events::report_waiting(shared, &LEVEL_RESTORED, &(by, (&*from, (&*to, (reason, ())))));
    shared.report_level_change();
    true
}

/// Ends the override of an engine that stops. No further one begins.
pub(super) fn stop(shared: &Arc<Shared>) {
    shared.levels.layers.lock().is_stopped = true;
    end_override(shared, "stopped", None, |_| true);
    if IS_WATCHER.get() {
        // A callback stops the engine.
        return;
    }
    let start = Instant::now();
    let mut layers = shared.levels.layers.lock();
    while layers.is_watched {
        let left = END_MAX.saturating_sub(start.elapsed());
        if left.is_zero() || shared.levels.changed.wait_for(&mut layers, left).timed_out() {
            break;
        }
    }
}
