//! Finds level, time and event name in JSON log lines: ringseal's own, ECS, and those of other programs.
use ringseal::Level;

use crate::json::{Entries, Entry, Kind};
use crate::level::{level_of_number, level_of_word};
use crate::time::parse_moment;

/// Keys that may hold the level, ringseal's own first.
pub const LEVEL_KEYS: [&str; 4] = ["level", "log.level", "severity", "lvl"];
/// Keys that may hold the time, ringseal's own first.
pub const TIME_KEYS: [&str; 4] = ["timestamp", "@timestamp", "time", "ts"];
/// Keys that may hold the event's name, ringseal's own first.
pub const EVENT_KEYS: [&str; 3] = ["event", "message", "msg"];

/// Returns the entry of the first of `keys` that the line has.
pub fn find<'a>(entries: &'a Entries, text: &'a str, keys: &[&str]) -> Option<Entry<'a>> {
    find_where(entries, text, keys, |_| true)
}

/// Returns the entry of the first of `keys` that the line has with an accepted value.
pub fn find_where<'a>(
    entries: &'a Entries,
    text: &'a str,
    keys: &[&str],
    accepts: impl Fn(&Entry<'a>) -> bool,
) -> Option<Entry<'a>> {
    let entry_of = |key: &&str| entries.iter(text).find(|e| e.key.is(key) && accepts(e));
    keys.iter().find_map(entry_of)
}

/// Returns the level of a line.
pub fn level_of(entries: &Entries, text: &str) -> Option<Level> {
    find_where(entries, text, &LEVEL_KEYS, |entry| level_in(entry).is_some())
        .and_then(|entry| level_in(&entry))
        .or_else(|| nested_level(entries, text))
}

/// Returns the level that a value means: a word, or a number as pino writes it.
pub fn level_in(entry: &Entry<'_>) -> Option<Level> {
    match entry.string() {
        Some(word) => level_of_word(word.plain()?),
        None if entry.kind == Kind::Number => level_of_number(entry.raw),
        None => None,
    }
}

/// ECS in its nested form: `{"log":{"level":"info"}}`.
fn nested_level(entries: &Entries, text: &str) -> Option<Level> {
    let log = entries.iter(text).find(|entry| entry.kind == Kind::Map && entry.key.is("log"))?;
    let mut inner = Entries::default();
    inner.find(log.raw).ok()?;
    inner.iter(log.raw).find(|entry| entry.key.is("level")).and_then(|entry| level_in(&entry))
}

/// Returns when a line was written, in nanoseconds since 1970-01-01T00:00:00Z.
pub fn time_of(entries: &Entries, text: &str) -> Option<i64> {
    parse_moment(find(entries, text, &TIME_KEYS)?.string()?.plain()?.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn level_and_time_are_found_in_common_layouts() {
        let cases = [
            (r#"{"timestamp":"1970-01-01T00:00:01Z","level":"warn"}"#, Some(Level::Warn), true),
            (
                r#"{"@timestamp":"1970-01-01T00:00:01Z","log.level":"WARN"}"#,
                Some(Level::Warn),
                true,
            ),
            (
                r#"{"@timestamp":"1970-01-01T00:00:01Z","log":{"level":"warn"}}"#,
                Some(Level::Warn),
                true,
            ),
            (r#"{"time":"1970-01-01T00:00:01Z","level":40}"#, Some(Level::Warn), true),
            (
                r#"{"ts":"1970-01-01T00:00:01Z","lvl":"x","severity":"warning"}"#,
                Some(Level::Warn),
                true,
            ),
            (r#"{"ts":1.5,"level":null,"log":{"x":[]}}"#, None, false),
            (r#"{}"#, None, false),
        ];
        for (text, level, timed) in cases {
            let mut entries = Entries::default();
            entries.find(text).expect("a map");
            assert_eq!(level_of(&entries, text), level, "{text}");
            assert_eq!(time_of(&entries, text), timed.then_some(1_000_000_000), "{text}");
        }
    }
}
