//! The composition root: an engine from its configuration, and its life until it stops.
//!
//! Promises: this is the control plane. Nothing here runs for an event.
mod at_exit;
#[cfg_attr(not(feature = "audit"), path = "no_audit.rs")]
mod audit;
mod config;
mod config_events;
mod control;
#[expect(clippy::module_inception, reason = "the engine itself")]
mod engine;
mod env;
mod levels;
mod panic_hook;
mod recovery;
mod redaction;
mod reload;
mod rings;
mod run_id;
mod running;
#[cfg(all(feature = "signals", not(unix)))]
#[path = "no_signals.rs"]
mod signals;
#[cfg(all(feature = "signals", unix))]
mod signals;
#[cfg(feature = "tokens")]
mod tokens;

#[cfg(feature = "audit")]
pub use audit::{AuditConfig, AuditError, AuditHealth, AuditLogger, AuditOpenError, Emitted};
pub(crate) use config::ReadKeys;
pub use config::{Color, Config, Format, InitError, Output, Timestamps, recover_on};
pub use engine::Engine;
pub use env::EnvError;
pub use levels::{LevelError, LevelRequest, LevelState, OverrideState};
pub use redaction::{RedactionError, Tokens};
pub use rings::{Recovery, RingDirError, Rings};

/// Starts the engine that the macros use when they are given no logger. The returned engine is the guard: dropping it
/// drains and stops. Bind it, as in `let _log = …`: with `let _ = …` it stops at once.
///
/// Up to 1000 events from info on that the macros were given before are counted, and reported as
/// `ringseal.logged_without_engine`.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// let _guard = ringseal::init(ringseal::Config::new().file(dir.path().join("app.log")))?;
/// ringseal::info!("service_started", port = 8080);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "setup_logging")]
#[doc(alias = "setup_logger")]
pub fn init(config: Config) -> Result<Engine, InitError> {
    Engine::start_global(config)
}
