//! Set-up in one call.
use std::path::Path;

use ringseal::Engine;

use crate::compose::{Composed, Composer};
use crate::error::ConfigError;

/// The file that is read if it exists.
pub const DEFAULT_FILE: &str = "configs/observability.yaml";

/// The usual sources: `configs/observability.yaml` and `.env`, if they exist, and the process's environment.
pub fn usual_sources() -> Composer {
    Composer::new().file_if_present(DEFAULT_FILE).dotenv_if_present(".env").environment()
}

/// Starts the global engine with the usual sources. Keep what it returns: dropping the engine drains it, and the other
/// part is needed to reload.
///
/// ```no_run
/// let (engine, composed) = ringseal_config::setup_logging()?;
/// ringseal::info!("service_started", environment = composed.environment().as_str());
/// # drop(engine);
/// # Ok::<(), ringseal_config::ConfigError>(())
/// ```
///
/// # Errors
/// Everything that is wrong with the sources, at once; or why the engine does not start.
pub fn setup_logging() -> Result<(Engine, Composed), ConfigError> {
    let composed = usual_sources().compose()?;
    let engine = ringseal::init(composed.config()?)?;
    Ok((engine, composed))
}

/// Starts a separate engine for the service `name`, which writes to a rotating file and, if `console` is set, to
/// standard output. The lines have the name as `service`, those of the format `ecs` as `service.name`. No file and no
/// variable is read.
///
/// ```
/// let dir = std::env::temp_dir().join("ringseal-config-setup");
/// let engine = ringseal_config::setup_logger("api", &dir.join("api.log"), "INFO", "json", false)?;
/// ringseal::info!(engine, "api_started");
/// engine.stop().unwrap();
/// # std::fs::remove_dir_all(&dir).unwrap();
/// # Ok::<(), ringseal_config::ConfigError>(())
/// ```
///
/// # Errors
/// If the level or the format is none, or the file cannot be opened.
pub fn setup_logger(
    name: &str,
    log_file: &Path,
    level: &str,
    format: &str,
    console: bool,
) -> Result<Engine, ConfigError> {
    let composed = Composer::new()
        .set("log.app_log", &log_file.to_string_lossy())
        .set("log.handler", if console { "dual" } else { "rotating" })
        .set("log.level", level)
        .set("log.format", format)
        .set("service.type", name)
        .compose()?;
    let config = composed.config()?;
    let config = match composed.has_service_lines() || name.trim().is_empty() {
        true => config,
        false => config.fields(ringseal::fields! { service = name.trim() }),
    };
    Ok(Engine::start(config)?)
}
