//! The options of the layout `json`.
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
    /// The run of the process. Left out if empty.
    pub run_id: String,
    /// The version of the events' fields.
    pub schema_version: u32,
    /// The lines that carry these two.
    pub run_id_in: RunId,
    /// The key of the event's name: `event`, or `message` if consumers expect that.
    pub event_key: String,
    /// How levels are written.
    pub level_case: LevelCase,
    /// Sort all keys of a line.
    pub sort_keys: bool,
    /// Leave out fields whose value is null.
    pub omit_none: bool,
    /// Digits after the second.
    pub subsecond: Subsecond,
}

impl Default for JsonOptions {
    fn default() -> Self {
        Self {
            run_id: String::new(),
            schema_version: 1,
            run_id_in: RunId::EveryLine,
            event_key: "event".into(),
            level_case: LevelCase::Lower,
            sort_keys: false,
            omit_none: false,
            subsecond: Subsecond::Micros,
        }
    }
}

impl JsonOptions {
    /// Whether the layout uses this key itself, apart from the key of the event's name.
    pub fn is_taken(&self, key: &str) -> bool {
        is_line_key(key.as_bytes())
    }
}

/// Whether the layout uses this key itself, apart from the key of the event's name.
pub(super) fn is_line_key(key: &[u8]) -> bool {
    matches!(
        key,
        b"timestamp"
            | b"level"
            | b"target"
            | b"run_id"
            | b"schema_version"
            | b"stack"
            | b"sample_rate"
    )
}
