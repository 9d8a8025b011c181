//! Settings of the lines that an engine writes.
use super::Config;
use crate::encode::layout::LevelCase;

impl Config {
    /// Sort all keys of a JSON line. For comparing lines, not for speed.
    #[must_use]
    pub fn sort_keys(mut self, sort_keys: bool) -> Self {
        self.flat.sort_keys = sort_keys;
        self
    }

    /// The version of the events' fields, in every JSON line. Default 1.
    #[must_use]
    pub fn schema_version(mut self, version: u32) -> Self {
        self.flat.schema_version = version;
        self
    }

    /// The key of the event's name in JSON lines. Default `event`. An empty key, or a key that every line already has,
    /// is an error at start.
    #[must_use]
    pub fn event_key(mut self, key: &str) -> Self {
        self.flat.event_key = key.into();
        self
    }

    /// How levels are spelt in JSON lines. Default lower case.
    #[must_use]
    pub fn level_case(mut self, case: LevelCase) -> Self {
        self.flat.level_case = case;
        self
    }

    /// The identifier of the run in every JSON line. Default a fresh UUID.
    #[must_use]
    pub fn run_id(mut self, id: &str) -> Self {
        self.run_id = Some(id.into());
        self
    }

    /// The key of the event's name in JSON lines.
    pub(crate) fn event_key_of_lines(&self) -> &str {
        &self.flat.event_key
    }
}
