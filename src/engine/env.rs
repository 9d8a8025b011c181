//! The configuration from environment variables.
//!
//! | variable | holds | default |
//! |---|---|---|
//! | `LOG_LEVEL` | a level, or directives: `info,hyper=warn,app::db=trace` | `info` |
//! | `LOG_QUIET_TARGETS` | names of lists of noisy targets, `none`, `target=level`, with commas | `dependencies` |
//! | `LOG_FORMAT` | `json`, `console` or another [`Format`], as `dashtam-ci` | `json` |
//! | `LOG_SINK` | `stdout`, `stderr` or `file:PATH`; after `only:`, in place of the code's outputs | `stdout` |
//! | `LOG_ROTATION_BACKUPS` | how many sealed files of a log are kept, where the code sets no number | 1 GiB of them |
//! | `LOG_COLOR` | `1` always, `0` never; unset: never with `NO_COLOR`, else on a terminal | |
//! | `LOG_INCLUDE_STACK` | `1` for a stack trace in every event | `0` |
//! | `LOG_JSON_SORT_KEYS` | `1` for sorted keys | `0` |
//! | `LOG_REDACT` | `0` writes secrets and personal data as they were logged | `1` |
//! | `LOG_REDACT_PROFILE` | `default`, `structlog`, `ecs` or `audit`: what is written in their place | `default` |
//! | `LOG_REDACT_PRESETS` | `default`, `strict`, `payments`, `file_tools`, `structlog_compat`, a list | `default` |
//! | `LOG_REDACT_KEY_MATCH` | `tokens` or `substring`: how keys are compared | `tokens` |
//! | `LOG_REDACT_RULES` | path of a TOML file with redaction rules (feature `rules-toml`) | |
//! | `PII_PROVIDER`, `PII_…` | keysets of tokens, as `TokenKeysConfig::from_env` reads them (feature `tokens`) | none |
//! | `LOG_EVENT_SCHEMA_VERSION` | a number | `1` |
//! | `LOG_SAMPLE_SUCCESS` | the share kept of events `…_SUCCESS` and `…_OK`: `0.01` or `1%`; 0 keeps all | `0` |
//! | `LOG_SAMPLE_LEVELS` | shares kept by level: `debug=0.01,info=0.1`, or `production` for just that | all |
//! | `LOG_SAMPLE_TARGETS` | shares kept by target, debug and below: `app::db=0.1,*=0.5`; `scope=info` widens it | all |
//! | `LOG_SAMPLE_LIMIT` | most events of one call site: `100/1s` | none |
//! | `LOG_RING_DIR` | `auto`, `off` or a path: where rings are that survive a kill ([`Config::survive_kill`]) | `off` |
//! | `SERVICE_TYPE`, `APP_VERSION` | `service.name` and `service.version` of lines in `ecs` | `app`, `0.0.0` |
//! | `ENVIRONMENT`, `PROJECT_NAME` | `service.environment` and `project.name` of lines in `ecs` | none |
//!
//! `1`, `true`, `yes` and `on` switch a setting on; `0`, `false`, `no`, `off` and an empty value switch it off, in any
//! case. Any other value is an error that names the variable, its value and the valid values.
use std::borrow::Cow;
use std::fmt;

use super::config::{Color, Config, Format, Output};
use super::rings::Rings;
use crate::core::filter::{ParseFilterError, QuietTargets};
use crate::encode::layout::EcsOptions;

/// An environment variable with an invalid value.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EnvError {
    /// The variable's name.
    pub variable: Cow<'static, str>,
    /// Its value.
    pub found: String,
    /// The valid values.
    pub expected: String,
}

impl fmt::Display for EnvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={:?}: expected {}", self.variable, self.found, self.expected)
    }
}

ringseal_base::debug_by_message!(EnvError);

impl std::error::Error for EnvError {}

impl Config {
    /// The configuration that the process's environment describes.
    pub fn from_env() -> Result<Config, EnvError> {
        Self::from_variables(|name| {
            std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
        })
    }

    /// The configuration that the process's environment describes, from variables whose names begin with `prefix` and,
    /// where there is none, from the plain ones: with the prefix `SHOP_`, `SHOP_LOG_LEVEL` replaces `LOG_LEVEL`.
    ///
    /// An empty variable with the prefix also replaces the plain one, and has the default as its value.
    pub fn from_env_with_prefix(prefix: &str) -> Result<Config, EnvError> {
        with_prefix(prefix, |name| {
            std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
        })
    }

    /// The configuration that `variable` describes; tests pass their own.
    ///
    /// ```
    /// use ringseal::Config;
    /// let error = Config::from_variables(|name| (name == "LOG_FORMAT").then(|| "xml".into())).unwrap_err();
    /// assert!(error.to_string().starts_with(r#"LOG_FORMAT="xml": expected json, console, "#), "{error}");
    /// ```
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Config, EnvError> {
        let mut config = Config::new();
        let read = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        if let Some(value) = read("LOG_LEVEL") {
            let refuse = |error: ParseFilterError| EnvError {
                variable: "LOG_LEVEL".into(),
                found: value.clone(),
                expected: error.to_string(),
            };
            config = config.filter(value.parse().map_err(refuse)?);
        }
        if let Some(value) = read("LOG_QUIET_TARGETS") {
            config.quiet_targets = match value.parse::<QuietTargets>() {
                Ok(quiet) => Some(quiet),
                Err(error) => return refuse("LOG_QUIET_TARGETS", value, &error.to_string()),
            };
        }
        if let Some(value) = read("LOG_FORMAT") {
            config.format = match Format::named(value.trim()) {
                Some(format) => format,
                None => return refuse("LOG_FORMAT", value, &Format::names()),
            };
        }
        if let Some(value) = read("LOG_SINK") {
            let (is_only, name) = match value.trim().strip_prefix("only:") {
                Some(name) => (true, name),
                None => (false, value.trim()),
            };
            let Some(output) = output(name) else {
                let expected = "stdout, stderr or file:PATH, or one of them after only:";
                return refuse("LOG_SINK", value, expected);
            };
            config = if is_only { config.only_output(output) } else { config.output(output) };
        }
        if let Some(value) = read("LOG_RING_DIR") {
            config = match value.trim() {
                off if off.eq_ignore_ascii_case("off") => config,
                auto if auto.eq_ignore_ascii_case("auto") => config.survive_kill(Rings::auto()),
                dir if dir.starts_with('/') => config.survive_kill(Rings::dir(dir)),
                _ => return refuse("LOG_RING_DIR", value, "auto, off or an absolute path"),
            };
        }
        if let Some(value) = read("LOG_ROTATION_BACKUPS") {
            config.backups = match value.trim().parse() {
                Ok(count) => Some(count),
                Err(_) => {
                    return refuse("LOG_ROTATION_BACKUPS", value, "a whole number, 0 or more");
                }
            };
        }
        config.color = match flag("LOG_COLOR", read("LOG_COLOR"))? {
            Some(true) => Color::Always,
            Some(false) => Color::Never,
            None if read("NO_COLOR").is_some() => Color::Never,
            None => Color::Auto,
        };
        let stack = flag("LOG_INCLUDE_STACK", read("LOG_INCLUDE_STACK"))?;
        config.include_stack = stack.unwrap_or(false);
        let sort_keys = flag("LOG_JSON_SORT_KEYS", read("LOG_JSON_SORT_KEYS"))?;
        config.flat.sort_keys = sort_keys.unwrap_or(false);
        let redact = flag("LOG_REDACT", read("LOG_REDACT"))?;
        super::redaction::from_variables(&mut config, redact, &read)?;
        #[cfg(feature = "tokens")]
        super::tokens::from_variables(&mut config, &variable)?;
        if let Some(value) = read("LOG_EVENT_SCHEMA_VERSION") {
            config.flat.schema_version = match value.trim().parse() {
                Ok(version) => version,
                Err(_) => {
                    let expected = "a whole number from 0 to 4294967295";
                    return refuse("LOG_EVENT_SCHEMA_VERSION", value, expected);
                }
            };
        }
        if config.format == Format::Ecs {
            config.ecs = ecs_from(read);
        }
        config.sampling_from(read)
    }
}

/// The configuration that `variable` describes, with names that begin with `prefix` first.
fn with_prefix(
    prefix: &str,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Config, EnvError> {
    let prefixed = |name: &str| format!("{prefix}{name}");
    let read = |name: &str| variable(&prefixed(name)).or_else(|| variable(name));
    Config::from_variables(read).map_err(|error| {
        let name = prefixed(&error.variable);
        if variable(&name).is_some() { EnvError { variable: name.into(), ..error } } else { error }
    })
}

/// The options of lines in the Elastic Common Schema.
fn ecs_from(read: impl Fn(&str) -> Option<String>) -> EcsOptions {
    let or = |name, default: &str| read(name).unwrap_or_else(|| default.to_owned());
    let (name, version) = (or("SERVICE_TYPE", "app"), or("APP_VERSION", "0.0.0"));
    let options = EcsOptions::new().service(name.trim(), version.trim());
    // An empty name sets nothing.
    let (environment, project) = (or("ENVIRONMENT", ""), or("PROJECT_NAME", ""));
    options.environment(environment.trim()).project(project.trim())
}

fn output(name: &str) -> Option<Output> {
    match name {
        "stdout" => Some(Output::stdout()),
        "stderr" => Some(Output::stderr()),
        other => other.strip_prefix("file:").filter(|path| !path.is_empty()).map(Output::file),
    }
}

fn refuse<T>(variable: &'static str, found: String, expected: &str) -> Result<T, EnvError> {
    Err(EnvError { variable: variable.into(), found, expected: expected.into() })
}

fn flag(variable: &'static str, value: Option<String>) -> Result<Option<bool>, EnvError> {
    let Some(value) = value else { return Ok(None) };
    match value.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(Some(true)),
        "0" | "false" | "no" | "off" => Ok(Some(false)),
        _ => refuse(variable, value, "1, true, yes or on, or 0, false, no or off"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Color, Config, EcsOptions, Format};
    use crate::core::Level;
    use crate::sample::Sampling;
    use ringseal_redact::{KeyMatch, Preset, Profile, RuleSet};

    fn from(pairs: &[(&str, &str)]) -> Result<Config, super::EnvError> {
        let find = |name: &str| pairs.iter().find(|(key, _)| *key == name);
        Config::from_variables(|name| find(name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn an_empty_environment_gives_the_defaults() {
        let config = from(&[("LOG_LEVEL", ""), ("LOG_COLOR", " ")]).unwrap();
        assert_eq!(config.filter, None);
        assert_eq!((config.format, config.color), (Format::Json, Color::Auto));
        assert_eq!(from(&[("NO_COLOR", "1")]).unwrap().color, Color::Never);
        assert_eq!(from(&[("NO_COLOR", "1"), ("LOG_COLOR", "1")]).unwrap().color, Color::Always);
        assert!(!config.include_stack && !config.flat.sort_keys);
        assert_eq!(config.flat.schema_version, 1);
        assert_eq!(config.redaction.rules, Some(RuleSet::default()));
        assert_eq!(from(&[("LOG_REDACT", "0")]).unwrap().redaction.rules, None);
        assert_eq!(config.sampling_and_seed().0, Sampling::new());
    }

    #[test]
    fn every_variable_takes_effect() {
        let config = from(&[
            ("LOG_LEVEL", "WARNING,app::db=debug"),
            ("LOG_QUIET_TARGETS", "job_queues,app::cache=error"),
            ("LOG_FORMAT", "Console"),
            ("LOG_COLOR", "TRUE"),
            ("LOG_INCLUDE_STACK", "1"),
            ("LOG_REDACT_PROFILE", "ecs"),
            ("LOG_REDACT_PRESETS", "strict, payments"),
            ("LOG_REDACT_KEY_MATCH", "substring"),
            ("LOG_JSON_SORT_KEYS", "yes"),
            ("LOG_EVENT_SCHEMA_VERSION", "7"),
            ("LOG_SINK", "stderr"),
            ("LOG_SAMPLE_SUCCESS", "0.01"),
            ("LOG_SAMPLE_LEVELS", "production"),
            ("LOG_SAMPLE_TARGETS", "app::db=50%,*=1"),
            ("LOG_SAMPLE_LIMIT", "100/1s"),
        ])
        .unwrap();
        let filter = config.filter.clone().unwrap();
        assert!(filter.passes("app::db", Level::Debug) && !filter.passes("app", Level::Info));
        let whole = config.whole_filter();
        assert!(!whole.passes("app::cache", Level::Warn) && whole.passes("hyper", Level::Warn));
        assert_eq!((config.format, config.color), (Format::Console, Color::Always));
        assert!(config.include_stack && config.flat.sort_keys);
        assert_eq!(config.flat.schema_version, 7);
        let rules = config.redaction.rules.clone().unwrap();
        assert_eq!(rules.profile, Profile::Ecs);
        assert_eq!(rules.presets, [Preset::Strict, Preset::Payments]);
        assert_eq!(rules.key_match, KeyMatch::Substring);
        let sampling = Sampling::production().success(0.01).unwrap();
        let sampling =
            sampling.target("app::db", 0.5).and_then(|sampling| sampling.target("*", 1.0));
        let sampling = sampling.unwrap().limit(100, Duration::from_secs(1)).unwrap();
        assert_eq!(config.sampling_and_seed(), (sampling, None));
    }

    #[test]
    fn every_format_has_a_name() {
        for format in Format::ALL {
            let upper = format.as_str().to_uppercase();
            for name in [format.as_str(), &upper] {
                assert_eq!(from(&[("LOG_FORMAT", name)]).unwrap().format, *format, "{name}");
            }
        }
    }

    #[test]
    fn the_service_of_ecs_lines_comes_from_variables() {
        let ecs = |pairs: &[(&str, &str)]| {
            let config = from(&[&[("LOG_FORMAT", "ecs")], pairs].concat()).unwrap();
            assert_eq!(config.format, Format::Ecs);
            config.ecs
        };
        assert_eq!(ecs(&[]), EcsOptions::new().service("app", "0.0.0"));
        let all = [
            ("SERVICE_TYPE", "celery"),
            ("APP_VERSION", "1.2.3"),
            ("ENVIRONMENT", "production"),
            ("PROJECT_NAME", "event-backend"),
        ];
        let expected = EcsOptions::new().service("celery", "1.2.3").environment("production");
        assert_eq!(ecs(&all), expected.project("event-backend"));
        assert_eq!(from(&all).unwrap().ecs, EcsOptions::new());
    }

    #[test]
    fn a_prefix_takes_precedence_over_plain_names() {
        let from = |pairs: &[(&str, &str)]| {
            let find = |name: &str| pairs.iter().find(|(key, _)| *key == name);
            super::with_prefix("SHOP_", |name| find(name).map(|(_, value)| (*value).to_owned()))
        };
        let config = from(&[
            ("LOG_LEVEL", "error"),
            ("SHOP_LOG_LEVEL", "debug"),
            ("LOG_EVENT_SCHEMA_VERSION", "7"),
            ("LOG_FORMAT", "console"),
            ("SHOP_LOG_FORMAT", ""),
            ("OTHER_LOG_JSON_SORT_KEYS", "1"),
        ]);
        let config = config.unwrap();
        assert_eq!(config.filter.clone().unwrap().to_string(), "debug");
        assert_eq!((config.flat.schema_version, config.format), (7, Format::Json));
        assert!(!config.flat.sort_keys);
        for (pairs, named) in [
            ([("SHOP_LOG_FORMAT", "xml"), ("LOG_FORMAT", "json")], "SHOP_LOG_FORMAT=\"xml\""),
            ([("LOG_FORMAT", "xml"), ("SHOP_LOG_LEVEL", "info")], "LOG_FORMAT=\"xml\""),
        ] {
            let error = from(&pairs).unwrap_err().to_string();
            assert!(error.starts_with(named), "{error}");
        }
    }

    #[test]
    fn a_variable_adds_or_replaces_outputs() {
        for (value, expected) in [
            ("", &["file:code.log"][..]),
            ("stderr", &["stderr", "file:code.log"]),
            ("only:stderr", &["stderr"]),
            ("only:file:env.log", &["file:env.log"]),
        ] {
            let config = from(&[("LOG_SINK", value)]).unwrap().file("code.log");
            assert_eq!(config.output_names(), expected, "{value}");
        }
        assert_eq!(from(&[]).unwrap().output_names(), ["stdout"]);
    }

    #[test]
    fn a_variable_limits_files_without_a_number() {
        let file = |max| crate::sink::file::FileConfig::new("x.log").retain_segments_max(max);
        for (value, in_code, expected) in [
            ("", None, None),
            ("5", None, Some(5)),
            ("0", None, Some(0)),
            ("5", Some(2), Some(2)),
            ("", Some(2), Some(2)),
        ] {
            let config = from(&[("LOG_ROTATION_BACKUPS", value)]).unwrap();
            let limited = file(in_code).with_segments_max(config.backups);
            assert_eq!(limited.retain_segments_max, expected, "{value}, {in_code:?}");
        }
    }

    #[test]
    fn a_bad_value_is_refused_with_its_choices() {
        for (variable, value, expected) in [
            ("LOG_LEVEL", "app=loud", "is not a level"),
            ("LOG_LEVEL", "inof", "similar to `info`"),
            ("LOG_QUIET_TARGETS", "noisy", "job_queues_debug"),
            ("LOG_SINK", "only:", "after only:"),
            ("LOG_SINK", "only:syslog", "after only:"),
            ("LOG_FORMAT", "xml", "json, console, structlog, stdlib-json, dashtam-dev, "),
            ("LOG_SINK", "syslog", "stdout, stderr or file:PATH"),
            ("LOG_SINK", "file:", "file:PATH"),
            ("LOG_COLOR", "maybe", "1, true, yes or on"),
            ("LOG_ROTATION_BACKUPS", "-1", "a whole number"),
            ("LOG_ROTATION_BACKUPS", "many", "0 or more"),
            ("LOG_INCLUDE_STACK", "2", "0, false, no or off"),
            ("LOG_JSON_SORT_KEYS", "x", "1, true"),
            ("LOG_EVENT_SCHEMA_VERSION", "-1", "a whole number"),
            ("LOG_REDACT", "perhaps", "1, true"),
            ("LOG_REDACT_PROFILE", "pink", "structlog"),
            ("LOG_REDACT_PRESETS", "default,x", "file_tools"),
            ("LOG_REDACT_KEY_MATCH", "words", "tokens or substring"),
            ("LOG_REDACT_RULES", "/no/such/file", ""),
            ("LOG_SAMPLE_SUCCESS", "2", "a rate from 0 to 1"),
            ("LOG_SAMPLE_LEVELS", "error=0.5", "error is always kept"),
            ("LOG_SAMPLE_TARGETS", "app", "a name and its rate"),
            ("LOG_SAMPLE_LIMIT", "many", "as in 100/1s"),
        ] {
            let error = from(&[(variable, value)]).unwrap_err().to_string();
            assert!(error.contains(variable) && error.contains(value), "{error}");
            assert!(error.contains(expected), "{error}");
        }
    }
}
