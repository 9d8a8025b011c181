//! Reloading: what a running engine takes, and why it does not take the rest.
use ringseal::Engine;

use crate::build::of_engine;
use crate::check::{bytes, number, offset_seconds, switch};
use crate::compose::Composed;
use crate::environment::Environment;
use crate::error::{ConfigError, Problem};
use crate::source::Source;
use crate::table::{Kind, Reload, SETTINGS, Setting};

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
    /// If the file with redaction rules is not valid, or the writer does not answer. Nothing has changed then.
    pub fn reload(&self, engine: &Engine, next: &Composed) -> Result<Reloaded, ConfigError> {
        let mut reloaded = Reloaded { applied: Vec::new(), refused: Vec::new() };
        for setting in SETTINGS {
            let (now, then) = (self.get(setting.path), next.get(setting.path));
            if is_same(setting, now, then) {
                continue;
            }
            match setting.reload {
                Reload::Yes => reloaded.applied.push(setting.path),
                Reload::No(reason) => reloaded.refused.push((setting.path, reason)),
            }
        }
        // Without outputs and keysets: nothing is opened, and no server is asked.
        let config = next.engine_variables(&[false; SETTINGS.len()]).map_err(of_engine)?;
        let has = |prefix: &str| reloaded.applied.iter().any(|path| path.starts_with(prefix));
        // First what can fail. The file with rules may have changed under the same path.
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
        if has("log.level") || has("log.quiet_targets") {
            engine.reload_filter(&config);
        }
        if has("log.sample.") {
            engine.reload_sampling(&config);
        }
        Ok(reloaded)
    }
}

/// Whether two values mean the same, however they are written.
fn is_same(setting: &Setting, one: Option<&str>, other: Option<&str>) -> bool {
    let (Some(one), Some(other)) = (one, other) else { return one == other };
    let same = |is_equal: bool| one == other || is_equal;
    match setting.kind {
        Kind::Switch => same(switch(one) == switch(other)),
        Kind::Number { .. } => same(number(one) == number(other)),
        Kind::Bytes => same(bytes(one) == bytes(other)),
        Kind::Offset => same(offset_seconds(one) == offset_seconds(other)),
        Kind::Word(_) if setting.path == "environment" => {
            same(Environment::named(one) == Environment::named(other))
        }
        Kind::Word(_) => same(one.eq_ignore_ascii_case(other)),
        Kind::Engine(_) if setting.path == "log.format" => same(one.eq_ignore_ascii_case(other)),
        Kind::Engine(_) | Kind::Text | Kind::Path => one == other,
    }
}
