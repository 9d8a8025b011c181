//! The engine's configuration from the values in force.
use std::path::Path;
use std::time::Duration;

use ringseal::sink::file::{FileConfig, RotateEvery};
use ringseal::{Config, Level, Output};

use crate::check::{bytes, number, offset_seconds, switch};
use crate::compose::{Composed, problem_of};
use crate::error::{ConfigError, Problem};
use crate::source::Source;
use crate::table::SETTINGS;

/// The active file of an audit log.
const AUDIT_FILE: &str = "audit.log.jsonl";

const DAY: Duration = Duration::from_secs(86_400);
const HOUR: Duration = Duration::from_secs(3_600);

impl Composed {
    /// The configuration of an engine. More may be added to it in code. With the provider `vault`, it logs in and reads
    /// the keysets, which may take a few timeouts.
    ///
    /// # Errors
    /// If the keysets cannot be read from the server; and what [`Composer::compose`](crate::Composer::compose) reports,
    /// if the file with redaction rules has changed since.
    pub fn config(&self) -> Result<Config, ConfigError> {
        let config = self.engine_variables(&[false; SETTINGS.len()]).map_err(of_engine)?;
        self.tokens(self.audit(self.service(self.outputs(config))))
    }

    /// The configuration of an engine for a trial: formats, redaction and tokens as they would be, but no outputs, no
    /// audit log and no rings that outlive the process. Without a further output, lines go to standard output.
    ///
    /// # Errors
    /// As for [`Composed::config`].
    pub fn trial_config(&self) -> Result<Config, ConfigError> {
        let is_left_out = |path: &str| matches!(path, "log.sink" | "log.ring_dir");
        let left_out: Vec<bool> =
            SETTINGS.iter().map(|setting| is_left_out(setting.path)).collect();
        let config = self.engine_variables(&left_out).map_err(of_engine)?;
        Ok(self.service(config))
    }

    /// Where lines go.
    fn outputs(&self, config: Config) -> Config {
        let is_chosen =
            |path| self.source(path).is_some_and(|source| source.rank() > Source::Default.rank());
        // As without a handler, `log.sink` alone replaces standard output.
        if is_chosen("log.sink") && !is_chosen("log.handler") {
            return config;
        }
        let file = || Output::file(self.file());
        let fixed = || {
            let file = FileConfig::new(self.get("log.app_log").unwrap_or_default());
            Output::file(file.rotate_bytes_max(0).rotate_every(RotateEvery::Never))
        };
        match self.get("log.handler").unwrap_or_default().to_ascii_lowercase().as_str() {
            "file" => config.output(fixed()),
            "rotating" => config.output(file()),
            "dual" => config.stdout().output(file()),
            _ => config.stdout(),
        }
    }

    /// The rotating file.
    pub(crate) fn file(&self) -> FileConfig {
        let count = |path| self.get(path).and_then(number);
        let is_on = |path| self.get(path).and_then(switch).unwrap_or(false);
        let days = |count| DAY.saturating_mul(u32::try_from(count).unwrap_or(u32::MAX));
        let interval = u32::try_from(count("log.rotation.interval").unwrap_or(1)).unwrap_or(1);
        let every =
            match self.get("log.rotation.when").unwrap_or_default().to_ascii_lowercase().as_str() {
                "never" => RotateEvery::Never,
                "hourly" if interval == 1 => RotateEvery::Hourly,
                "hourly" => RotateEvery::Interval(HOUR * interval),
                _ if interval == 1 => RotateEvery::Daily,
                _ => RotateEvery::Interval(DAY * interval),
            };
        let compress = is_on("log.rotation.compress");
        FileConfig::new(self.get("log.app_log").unwrap_or_default())
            .rotate_bytes_max(self.get("log.rotation.max_bytes").and_then(bytes).unwrap_or(0))
            .rotate_every(every)
            // The local midnight is earlier than that of UTC where the offset is positive.
            .rotate_offset_seconds(
                -self.get("log.rotation.utc_offset").and_then(offset_seconds).unwrap_or(0),
            )
            .retain_age_max(count("log.retention.cold_days").map(days))
            .compress(compress)
            .compress_after(count("log.retention.hot_days").filter(|_| compress).map(days))
    }

    /// Whether lines of the format name the service.
    pub(crate) fn has_service_lines(&self) -> bool {
        let format = self.get("log.format").unwrap_or_default().to_ascii_lowercase();
        matches!(format.as_str(), "ecs" | "cloud-dog-json" | "cloud-dog-text")
    }

    /// The service in the lines of formats whose lines name it. Those of `ecs` have it from the engine.
    fn service(&self, config: Config) -> Config {
        match self.get("log.format").unwrap_or_default().to_ascii_lowercase().as_str() {
            "cloud-dog-json" | "cloud-dog-text" => config.fields(ringseal::fields! {
                service = self.service_type(),
                service_instance = self.instance(),
                environment = self.environment().as_str(),
            }),
            _ => config,
        }
    }

    /// The directory of the audit log.
    pub fn audit_dir(&self) -> Option<&Path> {
        let path = Path::new(self.get("log.audit_log")?);
        match path.parent() {
            Some(dir) if path.ends_with(AUDIT_FILE) && !path.is_dir() => {
                Some(if dir.as_os_str().is_empty() { Path::new(".") } else { dir })
            }
            _ => Some(path),
        }
    }

    #[cfg(feature = "audit")]
    fn audit(&self, config: Config) -> Config {
        let Some(dir) = self.audit_dir() else { return config };
        let mut audit = ringseal::AuditConfig::new(dir)
            .service(self.service_type())
            .service_instance(self.instance())
            .environment(self.environment().as_str());
        if let Some(keys) = self.signing_keys() {
            audit = audit.keys(keys);
        }
        config.audit(audit)
    }

    #[cfg(not(feature = "audit"))]
    fn audit(&self, config: Config) -> Config {
        config
    }

    #[cfg(feature = "vault")]
    fn tokens(&self, config: Config) -> Result<Config, ConfigError> {
        let vault = crate::vault::config_of(self).and_then(|config| match config {
            Some(config) => crate::vault::Keys::open(&config).map(Some),
            None => Ok(None),
        });
        match vault {
            Ok(None) => Ok(config),
            Ok(Some(keys)) => {
                Ok(config.tokens(ringseal::Tokens::custom(std::sync::Arc::new(keys))))
            }
            Err(error) => Err(ConfigError::Problems(vec![crate::vault::problem_of(self, &error)])),
        }
    }

    /// Other programs, such as the command, may look at the settings without the feature.
    #[cfg(not(feature = "vault"))]
    fn tokens(&self, config: Config) -> Result<Config, ConfigError> {
        if !self.is_vault() {
            return Ok(config);
        }
        let mut problems = Vec::new();
        let expected = "a build of ringseal-config with the feature `vault`";
        refuse_in(self, &mut problems, "pii.provider", expected);
        Err(ConfigError::Problems(problems))
    }

    /// The directory of the audit log's keys, if it is to be sealed with them.
    fn signing_keys(&self) -> Option<&str> {
        let is_on = self.get("log.audit.signing.enabled").and_then(switch).unwrap_or(false);
        self.get("log.audit.signing.key").filter(|_| is_on)
    }
}

/// An error of a value that was right when it was composed.
pub(crate) fn of_engine(error: ringseal::EnvError) -> ConfigError {
    ConfigError::Problems(vec![Problem {
        source: Source::Default,
        name: error.variable.into_owned(),
        expected: error.expected,
        found: None,
        nearest: None,
    }])
}

/// Adds what is wrong with values that are right alone.
pub(crate) fn check_together(composed: &Composed, problems: &mut Vec<Problem>) {
    let mut refuse = |path: &str, expected: &str| refuse_in(composed, problems, path, expected);
    // The engine would take it for the name of a target, and log everything else at the default level.
    let is_word = |text: &str| !text.contains([',', '=', ':']) && !text.eq_ignore_ascii_case("off");
    if composed.get("log.level").is_some_and(|text| is_word(text) && text.parse::<Level>().is_err())
    {
        refuse(
            "log.level",
            "trace, debug, info, warn, error, critical or off, or directives such as info,hyper=warn",
        );
    }
    let is_on = |path| composed.get(path).and_then(switch) == Some(true);
    if is_on("log.audit.signing.enabled") && composed.get("log.audit.signing.key").is_none() {
        refuse("log.audit.signing.enabled", "a directory of keys in log.audit.signing.key");
    }
    if is_on("log.audit.signing.enabled") && composed.get("log.audit_log").is_none() {
        refuse("log.audit.signing.enabled", "an audit log in log.audit_log");
    }
    let audit_log = composed.get("log.audit_log").map(Path::new);
    let is_file_name =
        |path: &Path| path.extension().is_some_and(|it| it.eq_ignore_ascii_case("jsonl"));
    if audit_log
        .is_some_and(|path| is_file_name(path) && !path.ends_with(AUDIT_FILE) && !path.is_dir())
    {
        refuse("log.audit_log", "a directory, or the path of audit.log.jsonl in it");
    }
    if composed.signing_keys().is_some_and(|keys| !Path::new(keys).is_dir()) {
        // The value may be a key that was pasted here: it is not shown.
        refuse(
            "log.audit.signing.key",
            "the path of a directory that `ringseal audit keygen` has made, not a key",
        );
    }
    #[cfg(feature = "vault")]
    if let Err(error) = crate::vault::config_of(composed) {
        problems.push(crate::vault::problem_of(composed, &error));
        return;
    }
    let mut refuse = |path: &str, expected: &str| refuse_in(composed, problems, path, expected);
    for (path, is_built, expected) in [
        (
            "log.audit_log",
            cfg!(feature = "audit"),
            "a build of ringseal-config with the feature `audit`",
        ),
        (
            "pii.token_keyset_path",
            cfg!(feature = "tokens"),
            "a build of ringseal-config with the feature `tokens`",
        ),
    ] {
        if !is_built && composed.get(path).is_some() {
            refuse(path, expected);
        }
    }
    if !cfg!(feature = "compress") && is_on("log.rotation.compress") {
        refuse("log.rotation.compress", "a build of ringseal-config with the feature `compress`");
    }
}

/// Adds a problem with the value in force.
fn refuse_in(composed: &Composed, problems: &mut Vec<Problem>, path: &str, expected: &str) {
    let candidates = composed.candidates().find(|(setting, _)| setting.path == path);
    if let Some((setting, [chosen, ..])) = candidates {
        problems.push(problem_of(setting, chosen, Some(expected.to_owned())));
    }
}
