//! Lines of well-known programs, and what they say.
use ringseal::Level;

use super::{LevelReading, LineParser};

mod json_levels;
mod prefixes;
mod spellings;
mod text_levels;
mod text_times;

/// 2026-06-15T00:00:00Z.
const NOW: i64 = 1_781_481_600_000_000_000;

const TRACE: LevelReading = LevelReading::Known(Level::Trace);
const DEBUG: LevelReading = LevelReading::Known(Level::Debug);
const INFO: LevelReading = LevelReading::Known(Level::Info);
const WARN: LevelReading = LevelReading::Known(Level::Warn);
const ERROR: LevelReading = LevelReading::Known(Level::Error);
const CRITICAL: LevelReading = LevelReading::Known(Level::Critical);
const UNKNOWN: LevelReading = LevelReading::Unknown;
const MISSING: LevelReading = LevelReading::Missing;

/// Compares the level of each line; reports all differences at once.
fn assert_levels(cases: &[(&str, LevelReading)]) {
    let mut parser = LineParser::new(NOW);
    let mut wrong = Vec::new();
    for (line, want) in cases {
        let found = parser.parse(line.as_bytes()).facts().level;
        if found != *want {
            wrong.push(format!("{found:?} instead of {want:?}: {line}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}
