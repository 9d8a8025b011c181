//! Severity: six levels, from `trace` to `critical`.
use std::fmt;
use std::str::FromStr;

/// The severity of an event. `critical` pages a human.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Level {
    /// Finest detail.
    Trace = 0,
    /// Development detail.
    Debug = 1,
    /// Success, and other expected events.
    Info = 2,
    /// Degraded, or retried.
    Warn = 3,
    /// Failed.
    Error = 4,
    /// Needs immediate attention.
    Critical = 5,
}

impl Level {
    /// How many levels there are.
    pub const COUNT: usize = 6;
    /// All levels, the lowest first.
    pub const ALL: [Level; Level::COUNT] =
        [Level::Trace, Level::Debug, Level::Info, Level::Warn, Level::Error, Level::Critical];

    /// The lower-case name, as in lines.
    pub const fn as_str(self) -> &'static str {
        match self {
            Level::Trace => "trace",
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
            Level::Critical => "critical",
        }
    }

    /// The level of a number as stored in a record header, if it is one.
    pub const fn from_u8(number: u8) -> Option<Level> {
        if (number as usize) < Level::COUNT { Some(Level::ALL[number as usize]) } else { None }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The lowest level that passes, or none at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LevelFilter {
    /// Nothing passes.
    Off,
    /// This level and above pass.
    AtLeast(Level),
}

impl From<Level> for LevelFilter {
    fn from(level: Level) -> Self {
        LevelFilter::AtLeast(level)
    }
}

impl LevelFilter {
    /// Whether `level` passes.
    pub const fn passes(self, level: Level) -> bool {
        match self {
            LevelFilter::Off => false,
            LevelFilter::AtLeast(least) => level as u8 >= least as u8,
        }
    }
}

impl fmt::Display for LevelFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LevelFilter::Off => f.pad("off"),
            LevelFilter::AtLeast(level) => level.fmt(f),
        }
    }
}

/// A word that is not a level.
#[derive(Clone, PartialEq, Eq)]
pub struct ParseLevelError {
    found: String,
}

impl fmt::Display for ParseLevelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is not a level; expected trace, debug, info, warn (warning), error, critical or off",
            self.found
        )
    }
}

ringseal_base::debug_by_message!(ParseLevelError);

impl std::error::Error for ParseLevelError {}

impl FromStr for Level {
    type Err = ParseLevelError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let word = text.trim();
        Level::ALL
            .into_iter()
            .find(|level| word.eq_ignore_ascii_case(level.as_str()))
            .or_else(|| word.eq_ignore_ascii_case("warning").then_some(Level::Warn))
            .ok_or_else(|| ParseLevelError { found: text.to_owned() })
    }
}

impl FromStr for LevelFilter {
    type Err = ParseLevelError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim().eq_ignore_ascii_case("off") {
            return Ok(LevelFilter::Off);
        }
        text.parse().map(LevelFilter::AtLeast)
    }
}

/// Whether call sites of `level` are part of this build, by the `max_level_*` features. The lowest one that is set
/// wins; `release_max_level_*` count in builds without debug assertions.
pub const fn is_compiled_in(level: Level) -> bool {
    COMPILED_IN.passes(level)
}

const COMPILED_IN: LevelFilter = {
    const fn at_least(level: Level) -> LevelFilter {
        LevelFilter::AtLeast(level)
    }
    let release = !cfg!(debug_assertions);
    if cfg!(feature = "max_level_off") || release && cfg!(feature = "release_max_level_off") {
        LevelFilter::Off
    } else if cfg!(feature = "max_level_critical")
        || release && cfg!(feature = "release_max_level_critical")
    {
        at_least(Level::Critical)
    } else if cfg!(feature = "max_level_error")
        || release && cfg!(feature = "release_max_level_error")
    {
        at_least(Level::Error)
    } else if cfg!(feature = "max_level_warn")
        || release && cfg!(feature = "release_max_level_warn")
    {
        at_least(Level::Warn)
    } else if cfg!(feature = "max_level_info")
        || release && cfg!(feature = "release_max_level_info")
    {
        at_least(Level::Info)
    } else if cfg!(feature = "max_level_debug")
        || release && cfg!(feature = "release_max_level_debug")
    {
        at_least(Level::Debug)
    } else {
        at_least(Level::Trace)
    }
};
