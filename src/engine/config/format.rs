//! The formats of lines, their names, and the layouts that write them.
use super::{Config, InitError};
use crate::encode::Subsecond;
use crate::encode::layout::{
    ConsoleLayout, ConsoleOptions, ConsoleStyle, EcsLayout, JsonLayout, JsonOptions, Layout,
    LevelCase, LevelWords, LineKey, Profile, RunId,
};

/// The format of lines. `LOG_FORMAT` takes the same names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Format {
    /// `json`: one flat JSON object per line.
    #[default]
    Json,
    /// `console`: one line of text, for reading.
    Console,
    /// `structlog`: JSON with `event` first and `timestamp` and `level` last; an error is the text `exception`.
    Structlog,
    /// `stdlib-json`: JSON with `timestamp`, `level`, `name`, `message`; an error is `error`, its message, and the text
    /// `exception`.
    StdlibJson,
    /// `dashtam-dev`: one line of text; an error is `error_type` and `error_message`.
    DashtamDev,
    /// `dashtam-ci`: JSON with `timestamp`, `level`, `message`; an error is `error_type` and `error_message`.
    DashtamCi,
    /// `dashtam-cloudwatch`: as `dashtam-ci`, with levels in upper case.
    DashtamCloudWatch,
    /// `cloud-dog-json`: JSON with `timestamp`, `level`, `logger`, `message`, `correlation_id`, `service`,
    /// `service_instance`, `environment`, and all other fields inside `extra`; an error is `extra.exception` and the
    /// text `traceback`.
    CloudDogJson,
    /// `cloud-dog-text`: one line of text, `[time] LEVEL service correlation target — message`, then the fields.
    CloudDogText,
    /// `ecs`: nested JSON in the Elastic Common Schema 1.12; [`Config::ecs`] has its options.
    Ecs,
}

impl Format {
    /// All formats.
    pub const ALL: &[Format] = &[
        Format::Json,
        Format::Console,
        Format::Structlog,
        Format::StdlibJson,
        Format::DashtamDev,
        Format::DashtamCi,
        Format::DashtamCloudWatch,
        Format::CloudDogJson,
        Format::CloudDogText,
        Format::Ecs,
    ];

    /// The name of the format in configurations.
    pub fn as_str(self) -> &'static str {
        match self {
            Format::Json => "json",
            Format::Console => "console",
            Format::Structlog => "structlog",
            Format::StdlibJson => "stdlib-json",
            Format::DashtamDev => "dashtam-dev",
            Format::DashtamCi => "dashtam-ci",
            Format::DashtamCloudWatch => "dashtam-cloudwatch",
            Format::CloudDogJson => "cloud-dog-json",
            Format::CloudDogText => "cloud-dog-text",
            Format::Ecs => "ecs",
        }
    }

    /// The format of a name, in any case.
    pub(in crate::engine) fn named(name: &str) -> Option<Format> {
        let is_it = |format: &&Format| format.as_str().eq_ignore_ascii_case(name);
        Format::ALL.iter().find(is_it).copied()
    }

    /// The names of all formats.
    pub(in crate::engine) fn names() -> String {
        let names: Vec<&str> = Format::ALL.iter().map(|format| format.as_str()).collect();
        match names.split_last() {
            Some((last, others)) => format!("{} or {last}", others.join(", ")),
            None => String::new(),
        }
    }

    /// How lines of this format are written.
    fn form(self) -> Form {
        match self {
            Format::Json => Form::Json(Profile::JSON),
            Format::Console => Form::Text(ConsoleStyle::Console),
            Format::Structlog => Form::Json(Profile::STRUCTLOG),
            Format::StdlibJson => Form::Json(Profile::STDLIB_JSON),
            Format::DashtamDev => Form::Text(ConsoleStyle::Dashtam),
            Format::DashtamCi => Form::Json(Profile::DASHTAM_CI),
            Format::DashtamCloudWatch => Form::Json(Profile::DASHTAM_CLOUDWATCH),
            Format::CloudDogJson => Form::Json(Profile::CLOUD_DOG_JSON),
            Format::CloudDogText => Form::Text(ConsoleStyle::CloudDog),
            Format::Ecs => Form::Ecs,
        }
    }

    /// Whether each line must have a trace id.
    pub(super) fn requires_trace(self) -> bool {
        matches!(self, Format::DashtamDev | Format::DashtamCi | Format::DashtamCloudWatch)
    }

    /// Whether lines are text, which may be coloured.
    pub(super) fn is_text(self) -> bool {
        matches!(self.form(), Form::Text(_))
    }
}

/// How lines are written.
enum Form {
    Json(&'static Profile),
    Text(ConsoleStyle),
    Ecs,
}

/// Settings of lines that replace those of the format.
#[derive(Debug, Default)]
pub(super) struct Chosen {
    pub(super) keys: Vec<(LineKey, String)>,
    pub(super) level_case: Option<LevelCase>,
    pub(super) level_words: Option<LevelWords>,
    pub(super) subsecond: Option<Subsecond>,
    pub(super) run_id_in: Option<RunId>,
}

/// The keys under which a reader finds what the engine writes into JSON lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReadKeys {
    pub(crate) level: String,
    pub(crate) target: String,
    pub(crate) event: String,
}

impl Config {
    /// The layout of a format.
    pub(super) fn layout(&self, format: Format, color: bool) -> Layout {
        match format.form() {
            Form::Json(profile) => {
                Layout::Json(Box::new(JsonLayout::new(self.json_options(profile))))
            }
            Form::Text(style) => {
                let mut options = ConsoleOptions::of(style);
                options.color = color;
                options.omit_none = self.flat.omit_none;
                options.level_words = self.chosen.level_words.unwrap_or(options.level_words);
                options.subsecond = self.chosen.subsecond.unwrap_or(options.subsecond);
                Layout::Console(Box::new(ConsoleLayout::new(options)))
            }
            Form::Ecs => {
                let settings = self.json_options(Profile::JSON);
                Layout::Ecs(Box::new(EcsLayout::new(self.ecs.clone(), settings)))
            }
        }
    }

    /// The options of JSON lines: those of the profile, with what was chosen in their place.
    fn json_options(&self, profile: &'static Profile) -> JsonOptions {
        let mut options = JsonOptions::of(profile);
        for (member, key) in &self.chosen.keys {
            options.keys.set(*member, key.clone());
        }
        options.run_id.clone_from(&self.flat.run_id);
        options.schema_version = self.flat.schema_version;
        options.sort_keys = self.flat.sort_keys;
        options.omit_none = self.flat.omit_none;
        options.level_case = self.chosen.level_case.unwrap_or(options.level_case);
        options.level_words = self.chosen.level_words.unwrap_or(options.level_words);
        options.subsecond = self.chosen.subsecond.unwrap_or(options.subsecond);
        options.run_id_in = self.chosen.run_id_in.unwrap_or(options.run_id_in);
        options
    }

    /// Rejects keys with which lines of one of these formats would have a key twice or an empty key.
    pub(super) fn check_keys(
        &self,
        formats: impl Iterator<Item = Format>,
    ) -> Result<(), InitError> {
        if let Some((member, _)) = self.chosen.keys.iter().find(|(_, key)| key.is_empty()) {
            return Err(InitError::Setting {
                setting: "rename_key",
                expected: "a key that is not empty",
                found: format!("no key for {}", member.as_str()),
            });
        }
        for format in formats {
            let Form::Json(profile) = format.form() else { continue };
            if let Some((one, other, key)) = self.json_options(profile).repeated_key() {
                return Err(InitError::Setting {
                    setting: "rename_key",
                    expected: "a different key for each member of a line",
                    found: format!(
                        "{key} for {one} and {other}, in the format {}",
                        format.as_str()
                    ),
                });
            }
        }
        Ok(())
    }

    /// The format in which a test reads lines: the chosen one if it is JSON.
    pub(crate) fn format_for_tests(&self) -> Format {
        if self.format.is_text() { Format::Json } else { self.format }
    }

    /// The keys of JSON lines in this format.
    pub(crate) fn read_keys(&self, format: Format) -> ReadKeys {
        let profile = match format.form() {
            Form::Json(profile) => profile,
            Form::Text(_) => Profile::JSON,
            Form::Ecs => {
                let [level, target, event] =
                    ["log.level", "log.logger", "message"].map(String::from);
                return ReadKeys { level, target, event };
            }
        };
        let options = self.json_options(profile);
        let key = |member| options.keys.get(member).to_owned();
        ReadKeys {
            level: key(LineKey::Level),
            target: key(LineKey::Target),
            event: key(LineKey::Event),
        }
    }
}
