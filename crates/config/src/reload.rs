//! Reloading: what a running engine takes, and why it does not take the rest.
use ringseal::Engine;

use crate::compose::Composed;
use crate::error::{ConfigError, Problem};
use crate::source::Source;
use crate::table::{Reload, SETTINGS};

/// What a reload did.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reloaded {
    /// The settings that have another value now.
    pub applied: Vec<&'static str>,
    /// The settings whose new values need a restart, each with the reason.
    pub refused: Vec<(&'static str, &'static str)>,
}

impl Composed {
    /// Gives the engine the values of `next` that it can take while it runs: levels, quiet targets, sampling and
    /// redaction. `self` is what the engine was started with, or what was reloaded last; continue with `next`.
    ///
    /// ```
    /// use ringseal::Engine;
    /// use ringseal_config::Composer;
    /// let composed = Composer::new().set("log.sink", "stderr").compose()?;
    /// let engine = Engine::start(composed.config()?)?;
    /// let next = Composer::new().set("log.sink", "stderr").set("log.level", "warn").compose()?;
    /// let reloaded = composed.reload(&engine, &next)?;
    /// assert_eq!(reloaded.applied, ["log.level"]);
    /// # Ok::<(), ringseal_config::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// If the file with redaction rules is not valid, or the writer does not answer. The filter may have changed then.
    pub fn reload(&self, engine: &Engine, next: &Composed) -> Result<Reloaded, ConfigError> {
        let mut reloaded = Reloaded { applied: Vec::new(), refused: Vec::new() };
        for setting in SETTINGS {
            // The environment is in force by the values of its profile, and by its name in the lines.
            if self.get(setting.path) == next.get(setting.path) {
                continue;
            }
            match setting.reload {
                Reload::Yes => reloaded.applied.push(setting.path),
                Reload::No(reason) => reloaded.refused.push((setting.path, reason)),
            }
        }
        let config = next.config()?;
        let has = |prefix: &str| reloaded.applied.iter().any(|path| path.starts_with(prefix));
        if has("log.level") || has("log.quiet_targets") {
            engine.reload_filter(&config);
        }
        if has("log.sample.") {
            engine.reload_sampling(&config);
        }
        // The file with rules may have changed under the same path.
        if has("log.redact.") || next.get("log.redact.rules").is_some() {
            engine.reload_redaction(&config).map_err(|error| {
                let source = next.source("log.redact.rules").cloned().unwrap_or(Source::Default);
                ConfigError::Problems(vec![Problem {
                    source,
                    name: "log.redact".into(),
                    expected: format!("rules that the engine can use ({error})"),
                    found: None,
                    nearest: None,
                }])
            })?;
        }
        Ok(reloaded)
    }
}
