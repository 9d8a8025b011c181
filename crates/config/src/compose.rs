//! Composes a configuration of all sources, and remembers where each value comes from.
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ringseal::Config;

use crate::check::check;
use crate::environment::Environment;
use crate::error::{ConfigError, Problem};
use crate::found::{Found, Variables};
use crate::host::{host_name, service_type};
use crate::source::Source;
use crate::table::{self, SETTINGS, Setting};
use crate::tree::Value;

/// Collects sources. Nothing is read before [`Composer::compose`], and the order of the calls does not matter.
///
/// Later sources win: defaults, the profile of the environment, files, `.env`, variables, code.
#[derive(Clone, Default)]
pub struct Composer {
    files: Vec<(PathBuf, bool)>,
    dotenvs: Vec<(PathBuf, bool)>,
    variables: Variables,
    code: Vec<(String, String)>,
    /// Those of the process if its environment is read, and none otherwise.
    arguments: Option<Vec<String>>,
    host: Option<String>,
}

impl fmt::Debug for Composer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Composer")
            .field("files", &self.files)
            .field("dotenvs", &self.dotenvs)
            .finish_non_exhaustive()
    }
}

impl Composer {
    /// Without any source.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads this file, whose name ends in `.yaml`, `.yml` or `.toml`. A setting in two files is an error.
    #[must_use]
    pub fn file(mut self, path: impl AsRef<Path>) -> Self {
        self.files.push((path.as_ref().to_owned(), true));
        self
    }

    /// Reads this file if it exists.
    #[must_use]
    pub fn file_if_present(mut self, path: impl AsRef<Path>) -> Self {
        self.files.push((path.as_ref().to_owned(), false));
        self
    }

    /// Reads this `.env` file. Nothing is set in the process's environment. A setting in two such files is an error.
    #[must_use]
    pub fn dotenv(mut self, path: impl AsRef<Path>) -> Self {
        self.dotenvs.push((path.as_ref().to_owned(), true));
        self
    }

    /// Reads this `.env` file if it exists.
    #[must_use]
    pub fn dotenv_if_present(mut self, path: impl AsRef<Path>) -> Self {
        self.dotenvs.push((path.as_ref().to_owned(), false));
        self
    }

    /// Reads the process's environment, and its arguments for `service.type` unless [`Composer::arguments`] has others.
    #[must_use]
    pub fn environment(mut self) -> Self {
        self.variables = Variables::Process;
        self
    }

    /// Reads these variables in place of the process's environment.
    #[must_use]
    pub fn variables(
        mut self,
        variable: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.variables = Variables::Given(Arc::new(variable));
        self
    }

    /// Sets a value by its path in the table; it wins over all other sources. Of two calls, the second wins.
    #[must_use]
    pub fn set(mut self, path: &str, value: &str) -> Self {
        self.code.retain(|(known, _)| known != path);
        self.code.push((path.to_owned(), value.to_owned()));
        self
    }

    /// The program's arguments, for `service.type`. Only the names of programs and commands are looked at.
    #[must_use]
    pub fn arguments(mut self, arguments: impl IntoIterator<Item = String>) -> Self {
        self.arguments = Some(arguments.into_iter().collect());
        self
    }

    /// The name of the host, in place of the system's.
    #[must_use]
    pub fn host(mut self, name: &str) -> Self {
        self.host = Some(name.to_owned());
        self
    }

    /// Reads all sources.
    ///
    /// # Errors
    /// All problems at once, each with its place.
    pub fn compose(&self) -> Result<Composed, ConfigError> {
        let mut found = Found::default();
        sorted(&self.files).iter().for_each(|(path, required)| found.file(path, *required));
        sorted(&self.dotenvs).iter().for_each(|(path, required)| found.dotenv(path, *required));
        found.variables(&self.variables);
        // Anything switches colours off, also what is not UTF-8.
        let no_color = self.variables.get("NO_COLOR");
        for (path, value) in &self.code {
            found.code(path, value);
        }
        let mut composed = Composed {
            values: SETTINGS.iter().map(|_| Vec::new()).collect(),
            environment: Environment::Development,
            is_colorless: no_color.map_or(true, |value| value.is_some_and(|it| !it.is_empty())),
            service_type: service_type(&self.known_arguments()),
            host: self.host.clone().unwrap_or_else(host_name),
            warnings: Vec::new(),
        };
        let Found { values, mut problems, warnings } = found;
        composed.warnings = warnings;
        composed.add(values, &mut problems);
        let kept = composed.check(&mut problems);
        if problems.is_empty() {
            kept
        } else {
            problems.sort_by(|one, other| one.source.order().cmp(&other.source.order()));
            Err(ConfigError::Problems(problems))
        }
    }

    fn known_arguments(&self) -> Vec<String> {
        match (&self.arguments, &self.variables) {
            (Some(arguments), _) => arguments.clone(),
            (None, Variables::Process) => {
                std::env::args_os().map(|text| text.to_string_lossy().into_owned()).collect()
            }
            (None, _) => Vec::new(),
        }
    }
}

/// Each path once and in an order that is not that of the calls; required if one call says so.
fn sorted(paths: &[(PathBuf, bool)]) -> Vec<(PathBuf, bool)> {
    let mut paths = paths.to_vec();
    paths.sort_by(|one, other| one.0.cmp(&other.0).then(other.1.cmp(&one.1)));
    paths.dedup_by(|later, earlier| later.0 == earlier.0);
    paths
}

const BACKUPS: &str = "log.rotation.backup_count";

/// A value and its source. There is no `Debug`: it may be a secret.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) value: String,
    pub(crate) source: Source,
    /// The path or the variable that the source uses.
    pub(crate) name: &'static str,
}

/// A configuration, with the source of each value.
#[derive(Clone, PartialEq, Eq)]
pub struct Composed {
    /// Of each setting, the values that were found; the first one is in force.
    values: Vec<Vec<Candidate>>,
    environment: Environment,
    is_colorless: bool,
    service_type: Option<&'static str>,
    host: String,
    warnings: Vec<Problem>,
}

impl Composed {
    /// Adds what the sources have, the profile and the defaults, and sorts all by their ranks.
    fn add(&mut self, values: Vec<Value>, problems: &mut Vec<Problem>) {
        for Value { index, text, source, name } in values {
            // An empty text is no value.
            if !text.trim().is_empty() {
                self.values[index].push(Candidate { value: text, source, name });
            }
        }
        for (candidates, setting) in self.values.iter_mut().zip(SETTINGS) {
            candidates.sort_by_key(|candidate| std::cmp::Reverse(candidate.source.rank()));
            let name = setting.path;
            candidates.extend(setting.default.map(|value| Candidate {
                value: value.to_owned(),
                source: Source::Default,
                name,
            }));
        }
        let chosen = self.values[0].first();
        match chosen.map(|chosen| (chosen, Environment::named(&chosen.value))) {
            Some((_, Some(environment))) => self.environment = environment,
            Some((chosen, None)) => problems.push(problem_of(&SETTINGS[0], chosen, None)),
            None => {}
        }
        self.limit_by_age_alone();
        for (path, value) in self.environment.profile() {
            let Some(index) = table::by_path(path) else { continue };
            let source = Source::Profile(self.environment);
            let candidates = &mut self.values[index];
            let at = candidates.iter().position(|known| known.source.rank() < source.rank());
            let at = at.unwrap_or(candidates.len());
            candidates.insert(at, Candidate { value: (*value).to_owned(), source, name: path });
        }
    }

    /// A number of files that nobody has set would remove files before the days that somebody has set.
    fn limit_by_age_alone(&mut self) {
        let is_set = |path| self.source(path).is_some_and(|source| *source != Source::Default);
        let has_days =
            SETTINGS.iter().any(|it| it.path.starts_with("log.retention.") && is_set(it.path));
        if let (true, false, Some(index)) = (has_days, is_set(BACKUPS), table::by_path(BACKUPS)) {
            self.values[index].clear();
        }
    }

    /// Checks the values in force: by the table, by the engine, and together.
    fn check(self, problems: &mut Vec<Problem>) -> Result<Composed, ConfigError> {
        let mut wrong = vec![false; SETTINGS.len()];
        for (index, setting) in SETTINGS.iter().enumerate().skip(1) {
            let Some(chosen) = self.values[index].first() else { continue };
            if let Err(expected) = check(setting.kind, &chosen.value) {
                problems.push(problem_of(setting, chosen, Some(expected)));
                wrong[index] = true;
            }
        }
        while let Err(error) = self.engine_variables(&wrong) {
            let index = table::by_variable(&error.variable).map(|(index, _)| index);
            let Some((index, chosen)) = index
                .filter(|index| !wrong[*index])
                .and_then(|index| Some((index, self.values[index].first()?)))
            else {
                // The engine misses a value, such as the path of a keyset.
                problems.push(Problem {
                    source: Source::Default,
                    name: error.variable.into_owned(),
                    expected: only_expected(&error.expected),
                    found: None,
                    nearest: None,
                });
                break;
            };
            problems.push(problem_of(
                &SETTINGS[index],
                chosen,
                Some(only_expected(&error.expected)),
            ));
            wrong[index] = true;
        }
        crate::build::check_together(&self, problems);
        Ok(self)
    }

    /// The settings that the engine reads by the names of their variables, without those that are wrong.
    pub(crate) fn engine_variables(&self, wrong: &[bool]) -> Result<Config, ringseal::EnvError> {
        Config::from_variables(|name| {
            if name == "NO_COLOR" {
                return self.is_colorless.then(|| "1".to_owned());
            }
            // The engine reads keyset files itself, and nothing else.
            if name.starts_with("PII_") && self.is_vault() {
                return None;
            }
            let (index, _) = table::by_variable(name).filter(|(index, _)| !wrong[*index])?;
            let given = self.values[index].first().map(|chosen| chosen.value.trim());
            match SETTINGS[index].path {
                "environment" => Some(self.environment.as_str().to_owned()),
                "service.type" => Some(given.unwrap_or(self.service_type()).to_owned()),
                _ => given.map(|value| value.replace('_', if is_number(index) { "" } else { "_" })),
            }
        })
    }

    /// Whether the keys of tokens come from a server.
    pub(crate) fn is_vault(&self) -> bool {
        self.get("pii.provider").is_some_and(|provider| provider.eq_ignore_ascii_case("vault"))
    }

    /// The environment.
    pub fn environment(&self) -> Environment {
        self.environment
    }

    /// What is probably wrong: variables of the environment whose names are almost those of settings.
    pub fn warnings(&self) -> &[Problem] {
        &self.warnings
    }

    /// What kind of process it is.
    pub fn service_type(&self) -> &str {
        self.get("service.type").or(self.service_type).unwrap_or("app")
    }

    /// The instance of the service.
    pub fn instance(&self) -> &str {
        self.get("service.instance").unwrap_or(&self.host)
    }

    /// The value in force of the setting with this path.
    ///
    /// ```
    /// use ringseal_config::Composer;
    /// let composed = Composer::new().set("log.level", "warn").compose()?;
    /// assert_eq!(composed.get("log.level"), Some("warn"));
    /// assert_eq!(composed.get("log.rotation.max_bytes"), Some("10485760"));
    /// assert_eq!(composed.get("log.audit_log"), None);
    /// # Ok::<(), ringseal_config::ConfigError>(())
    /// ```
    pub fn get(&self, path: &str) -> Option<&str> {
        let chosen = self.values[table::by_path(path)?].first()?;
        Some(chosen.value.trim())
    }

    /// The source of the value in force.
    pub fn source(&self, path: &str) -> Option<&Source> {
        Some(&self.values[table::by_path(path)?].first()?.source)
    }

    /// The settings with their values, the one in force first.
    pub(crate) fn candidates(&self) -> impl Iterator<Item = (&'static Setting, &[Candidate])> {
        SETTINGS.iter().zip(self.values.iter().map(Vec::as_slice))
    }
}

/// What was expected, of a message that also says what was found.
fn only_expected(message: &str) -> String {
    let start = message.find("expected ").map_or(0, |at| at + "expected ".len());
    let rest = &message[start..];
    rest.split_once(", found ").map_or(rest, |(expected, _)| expected).to_owned()
}

fn is_number(index: usize) -> bool {
    matches!(SETTINGS[index].kind, table::Kind::Number { .. })
}

/// A problem with the value in force; `None` for a wrong environment.
pub(crate) fn problem_of(
    setting: &Setting,
    chosen: &Candidate,
    expected: Option<String>,
) -> Problem {
    let names = || crate::check::one_of(crate::environment::NAMES);
    Problem {
        source: chosen.source.clone(),
        name: chosen.name.to_owned(),
        expected: expected.unwrap_or_else(names),
        found: (!setting.is_secret).then(|| chosen.value.clone()),
        nearest: None,
    }
}
