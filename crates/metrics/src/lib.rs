//! Metrics for Prometheus: the counters of a [`ringseal`] engine, those of the process, and series that rules derive
//! from events, at an HTTP endpoint.
//!
//! Promises: rules run on the writer's thread and cost events without a rule nothing; a scrape reads and blocks no one;
//! the number of series is bounded. The endpoint has one thread, 16 connections, and limits for the size and the
//! duration of requests.
//!
//! ```no_run
//! use ringseal::{Config, Engine, info};
//! use ringseal_metrics::{EventMetrics, Rule, RuleSet, start_metrics_server};
//!
//! let rules = RuleSet::scans().rule(Rule::counter("payments_total", "paid").label("currency"));
//! let metrics = EventMetrics::new(&rules)?;
//! let engine = Engine::start(metrics.install(Config::new()))?;
//! let _server = start_metrics_server(&engine, &metrics, 9090)?;
//! info!(engine, "paid", currency = "KWD");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![cfg_attr(docsrs, feature(doc_cfg))]

mod connection;
mod engine;
mod events;
mod family;
#[cfg(feature = "toml")]
mod from_toml;
mod presets;
mod process;
mod rule;
mod server;
mod text;

pub use crate::events::EventMetrics;
#[cfg(feature = "toml")]
pub use crate::from_toml::LoadError;
pub use crate::rule::{DEFAULT_BUCKETS, Kind, Rule, RuleError, RuleProblem, RuleSet, SERIES_MAX};
pub use crate::server::{Server, ServerConfig, ServerError, start_metrics_server};
pub use crate::text::TextFormat;

/// All metrics as text: of the engine, of the process, and of events.
pub fn render(engine: &ringseal::Engine, metrics: &EventMetrics, format: TextFormat) -> String {
    let mut out = text::Exposition::new(format);
    engine::write(&mut out, engine);
    process::write(&mut out);
    metrics.write(&mut out);
    out.finish()
}
