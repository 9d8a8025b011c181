//! The options of JSON lines.
use super::json::names::error_keys;
use super::line_keys::{LineKey, LineKeys};
use super::profile::{ErrorKey, Member, Profile};
use crate::core::level::Level;
use crate::encode::Subsecond;

/// How levels are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LevelCase {
    /// `info`.
    #[default]
    Lower,
    /// `INFO`.
    Upper,
}

/// The word for the level [`Level::Warn`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum LevelWords {
    /// `warn`, as in Rust.
    #[default]
    Warn,
    /// `warning`, as in Python.
    Warning,
}

/// The word for a level.
pub(super) fn level_name(level: Level, case: LevelCase, words: LevelWords) -> &'static str {
    match (case, level) {
        (LevelCase::Lower, Level::Warn) if words == LevelWords::Warning => "warning",
        (LevelCase::Lower, level) => level.as_str(),
        (LevelCase::Upper, Level::Trace) => "TRACE",
        (LevelCase::Upper, Level::Debug) => "DEBUG",
        (LevelCase::Upper, Level::Info) => "INFO",
        (LevelCase::Upper, Level::Warn) if words == LevelWords::Warning => "WARNING",
        (LevelCase::Upper, Level::Warn) => "WARN",
        (LevelCase::Upper, Level::Error) => "ERROR",
        (LevelCase::Upper, Level::Critical) => "CRITICAL",
    }
}

/// The lines that carry `run_id` and `schema_version`, about 65 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum RunId {
    /// Every line.
    #[default]
    EveryLine,
    /// Only the event `logging.configured`, with which the log of the global engine begins.
    BootEvent,
    /// No line.
    Off,
}

/// The target and the name of the event with which the log of the global engine begins.
pub const BOOT_EVENT: (&str, &str) = ("boot", "logging.configured");

/// Options of the layout.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct JsonOptions {
    /// The members of a line and their order.
    pub profile: &'static Profile,
    /// The keys of the members.
    pub keys: LineKeys,
    /// The run of the process. Left out if empty.
    pub run_id: String,
    /// The version of the events' fields.
    pub schema_version: u32,
    /// The lines that carry these two.
    pub run_id_in: RunId,
    /// How levels are written.
    pub level_case: LevelCase,
    /// The word for warnings.
    pub level_words: LevelWords,
    /// Sort all keys of a line.
    pub sort_keys: bool,
    /// Leave out fields whose value is null.
    pub omit_none: bool,
    /// Digits after the second.
    pub subsecond: Subsecond,
}

impl Default for JsonOptions {
    fn default() -> Self {
        Self::of(Profile::JSON)
    }
}

impl JsonOptions {
    /// The options that a profile has by itself.
    pub fn of(profile: &'static Profile) -> Self {
        let mut keys = LineKeys::default();
        for (member, key) in profile.keys {
            keys.set(*member, *key);
        }
        Self {
            profile,
            keys,
            run_id: String::new(),
            schema_version: 1,
            run_id_in: profile.run_id_in,
            level_case: profile.level_case,
            level_words: profile.level_words,
            sort_keys: false,
            omit_none: false,
            subsecond: profile.subsecond,
        }
    }

    pub(super) fn level_name(&self, level: Level) -> &'static [u8] {
        level_name(level, self.level_case, self.level_words).as_bytes()
    }

    /// Two members of a line with the same key, with that key.
    pub(crate) fn repeated_key(&self) -> Option<(&'static str, &'static str, String)> {
        let mut seen: Vec<(&'static str, bool, String)> = Vec::new();
        for member in self.fixed_keys() {
            let (name, is_nested, key) = &member;
            let same = seen.iter().find(|(_, other, known)| other == is_nested && known == key);
            if let Some((other, ..)) = same {
                return Some((other, name, key.clone()));
            }
            seen.push(member);
        }
        None
    }

    /// The keys that do not depend on the event: the name of each, whether it is inside the object of the fields, and
    /// the key.
    fn fixed_keys(&self) -> Vec<(&'static str, bool, String)> {
        let profile = self.profile;
        let is_nested = profile.nested.is_some();
        let own = |key: LineKey| (key.as_str(), false, self.keys.get(key).to_owned());
        let mut keys: Vec<_> = profile
            .members()
            .map(|member| match member {
                Member::Key(key) => own(key),
                Member::Field(key, _) => (key, false, key.to_owned()),
            })
            .collect();
        keys.extend(profile.nested.map(|key| (key, false, key.to_owned())));
        if !profile.members().any(|member| member == Member::Key(LineKey::Stack)) {
            keys.push(own(LineKey::Stack));
        }
        keys.push(own(LineKey::SampleRate));
        let fields = LineKey::FIELDS.into_iter().map(own);
        keys.extend(fields.map(|(name, _, key)| (name, is_nested, key)));
        for (member, key) in profile.errors.iter().zip(error_keys(self)) {
            if member.key != ErrorKey::Own {
                let key = String::from_utf8_lossy(&key).into_owned();
                keys.push((LineKey::Error.as_str(), is_nested && !member.is_last, key));
            }
        }
        keys
    }
}
