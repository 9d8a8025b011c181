//! The levels in force, as values and as JSON.
use std::time::{Duration, SystemTime};

use super::system_time;
use crate::core::Filter;
use crate::emit::shared::Shared;
use crate::encode::{Out, Subsecond, TimeCache};

/// The levels of an engine at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LevelState {
    /// The configured filter.
    pub configured: Filter,
    /// The filter in force: the configured one, with the directives of the override.
    pub in_force: Filter,
    /// The override, if there is one.
    pub active: Option<OverrideState>,
}

/// An override in force.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OverrideState {
    /// Its directives.
    pub directives: String,
    /// The person or program that asked for it.
    pub by: String,
    /// Its end by the system's clock at its beginning.
    pub until: SystemTime,
    /// The time that is left.
    pub left: Duration,
    unix_nanos: i64,
}

pub(super) fn of(shared: &Shared) -> LevelState {
    let layers = shared.levels.layers.lock();
    let active = layers.active.as_ref().map(|active| OverrideState {
        directives: active.overlay.to_string(),
        by: active.by.clone(),
        until: system_time(active.until_unix_nanos),
        left: Duration::from_nanos(active.end_nanos.saturating_sub(shared.level_nanos())),
        unix_nanos: active.until_unix_nanos,
    });
    LevelState { configured: layers.configured.clone(), in_force: layers.filter(), active }
}

impl LevelState {
    /// A JSON object for an endpoint of the program, without the noisy targets, and `override` null if there is none:
    ///
    /// ```
    /// let (engine, _) = ringseal::testing::Capture::start();
    /// assert_eq!(engine.levels().to_json(), r#"{"configured":"trace","in_force":"trace","override":null}"#);
    /// ```
    ///
    /// An override has `directives`, `by`, `until` and the whole seconds left, `left_s`.
    pub fn to_json(&self) -> String {
        let mut bytes = Vec::new();
        let mut out = Out::new(&mut bytes);
        text(&mut out, b"{\"configured\":", &self.configured.without_quiet().to_string());
        text(&mut out, b",\"in_force\":", &self.in_force.without_quiet().to_string());
        out.raw(b",\"override\":");
        match &self.active {
            None => out.null(),
            Some(active) => {
                text(&mut out, b"{\"directives\":", &active.directives);
                text(&mut out, b",\"by\":", &active.by);
                out.raw(b",\"until\":");
                let mut cache = TimeCache::default();
                out.quoted(|out| out.timestamp(&mut cache, active.unix_nanos, Subsecond::Millis));
                out.raw(format!(",\"left_s\":{}}}", active.left.as_secs()).as_bytes());
            }
        }
        out.byte(b'}');
        drop(out);
        String::from_utf8(bytes).unwrap_or_default()
    }
}

fn text(out: &mut Out<'_>, key: &[u8], value: &str) {
    out.raw(key);
    out.quoted(|out| out.string_part(value.as_bytes()));
}
