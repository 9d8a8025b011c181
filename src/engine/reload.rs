//! What a running engine takes of another configuration.
//!
//! Promises: control plane only; events that are logged meanwhile are treated by the old or the new settings.
use std::convert::Infallible;

use super::config::Config;
use super::config_events;
use super::engine::Engine;
use super::redaction::RedactionError;
use crate::writer::report::FILTER_CHANGED;

impl Engine {
    /// Takes the filter and the list of noisy targets of this configuration, and logs `ringseal.filter_changed`. An
    /// override of levels stays in force.
    ///
    /// ```
    /// use ringseal::{Config, Level, info, testing::Capture};
    /// let (engine, capture) = Capture::start();
    /// engine.reload_filter(&Config::new().level(Level::Warn));
    /// info!(engine, "not_logged");
    /// assert!(capture.events_named("not_logged").is_empty());
    /// ```
    pub fn reload_filter(&self, config: &Config) {
        let shared = self.shared();
        let changed = shared.change_levels(|layers| {
            layers.configured = config.whole_filter();
            Ok::<_, Infallible>(layers.configured.without_quiet().to_string())
        });
        let Ok(text) = changed;
        config_events::report_change(shared, &FILTER_CHANGED, &text);
        shared.report_level_change();
    }

    /// Takes the sampling policy of this configuration: see [`Engine::set_sampling`].
    pub fn reload_sampling(&self, config: &Config) {
        self.set_sampling(config.sampling_and_seed().0);
    }

    /// Takes the redaction rules of this configuration: see [`Engine::set_redaction`].
    ///
    /// # Errors
    /// If the rules are not valid, or the writer does not answer.
    pub fn reload_redaction(&self, config: &Config) -> Result<(), RedactionError> {
        self.set_redaction(config.redaction.rules.as_ref())
    }
}
