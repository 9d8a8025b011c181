//! The producer's side and the composition root.
#[cfg(feature = "audit")]
mod audit;
mod boot;
#[doc(hidden)]
pub mod capture;
mod config;
#[doc(hidden)]
pub mod emit;
mod engine;
mod env;
pub(crate) mod global;
mod handle;
pub(crate) mod lane;
#[doc(hidden)]
pub mod look;
mod overflow;
mod panic_hook;
mod redaction;
mod run_id;
mod sampling;
pub(crate) mod shared;
#[cfg(feature = "signals")]
mod signals;
#[cfg(feature = "tokens")]
mod tokens;

#[cfg(feature = "audit")]
pub use audit::{AuditConfig, AuditError, AuditHealth, AuditLogger, AuditOpenError, Emitted};
pub use config::{Color, Config, Format, InitError, Timestamps};
pub use engine::Engine;
pub use env::EnvError;
#[cfg(feature = "serde")]
pub use handle::serialize;
pub use handle::{AsEmitter, BoundFields, Logger};
pub use overflow::Overflow;
pub use redaction::RedactionError;

/// Starts the engine that the macros use when they are given no logger. The returned engine is the guard: dropping it
/// drains and stops.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// let _guard = ringseal::init(ringseal::Config::new().file(dir.path().join("app.log")))?;
/// ringseal::info!("service_started", port = 8080);
/// # Ok(())
/// # }
/// ```
pub fn init(config: Config) -> Result<Engine, InitError> {
    Engine::start_global(config)
}
