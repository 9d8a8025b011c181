//! Lines of `key=value` pairs (logfmt), also after a time and a program's name.
//!
//! Only pairs count that no prose precedes: `set level=error in the file` is prose.
use super::level::{LevelReading, Scale, level_of_number, level_of_text_value};
use super::time::{TimeReading, join_date_and_clock, time_of_value};

/// One pair; `value` without its quotes.
struct Pair<'a> {
    key: &'a str,
    value: &'a str,
}

/// The pairs at the start of a line. Ends at the first word that is neither a pair nor part of a header.
struct Pairs<'a> {
    rest: &'a str,
    has_pair: bool,
}

impl<'a> Pairs<'a> {
    fn of(line: &'a str) -> Self {
        Pairs { rest: line, has_pair: false }
    }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = Pair<'a>;

    fn next(&mut self) -> Option<Pair<'a>> {
        loop {
            self.rest = self.rest.trim_start();
            let word_end = self.rest.find(char::is_whitespace).unwrap_or(self.rest.len());
            let word = self.rest.get(..word_end)?;
            match word.split_once('=') {
                Some((key, _)) if is_key(key) => {
                    self.has_pair = true;
                    let (value, rest) = value(self.rest.get(key.len() + 1..)?);
                    self.rest = rest;
                    return Some(Pair { key, value });
                }
                _ if word.is_empty() || self.has_pair || !is_header(word) => return None,
                _ => self.rest = self.rest.get(word_end..)?,
            }
        }
    }
}

fn is_key(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.@".contains(&b))
}

/// A time, a name with a sign in it, or a number: not a word of prose.
fn is_header(word: &str) -> bool {
    word.bytes().any(|byte| byte.is_ascii_digit() || b":[]()|".contains(&byte))
        || matches!(word, "-" | "UTC" | "GMT")
}

/// A value and the text after it.
fn value(text: &str) -> (&str, &str) {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''));
    let Some(quote) = quote else {
        let end = text.find(char::is_whitespace).unwrap_or(text.len());
        return text.split_at(end);
    };
    let inside = &text[1..];
    let mut is_escaped = false;
    for (at, char) in inside.char_indices() {
        match char {
            '\\' if !is_escaped => is_escaped = true,
            char if char == quote && !is_escaped => return (&inside[..at], &inside[at + 1..]),
            _ => is_escaped = false,
        }
    }
    (inside, "")
}

/// The level of a pair. The last pair with such a key counts.
pub(super) fn level(line: &str) -> Option<LevelReading> {
    const KEYS: [&str; 9] =
        ["level", "lvl", "severity", "loglevel", "log.level", "log_level", "at", "levelname", "l"];
    let mut found = None;
    for pair in Pairs::of(line) {
        let Some(rank) = KEYS.iter().position(|key| pair.key.eq_ignore_ascii_case(key)) else {
            continue;
        };
        let is_short = matches!(KEYS[rank], "at" | "l");
        let value = pair.value.trim_end_matches(',');
        let reading = match level_of_text_value(value) {
            Some(level) => LevelReading::Known(level),
            None if is_short || value.is_empty() => continue,
            None => level_of_number(Scale::Level, value),
        };
        found = Some(reading);
    }
    found
}

/// The time of a pair.
pub(super) fn time(line: &str, now: i64) -> TimeReading {
    const KEYS: [&str; 7] = ["time", "ts", "timestamp", "t", "@timestamp", "datetime", "date"];
    let mut unknown = TimeReading::Missing;
    let mut date = None;
    for pair in Pairs::of(line) {
        if let Some(joined) = date.and_then(|date| join_date_and_clock(date, pair.value))
            && let Some(nanos) = time_of_value(&joined, now)
        {
            return TimeReading::At(nanos);
        }
        date = pair.key.eq_ignore_ascii_case("date").then_some(pair.value).or(date);
        if KEYS.iter().any(|key| pair.key.eq_ignore_ascii_case(key)) {
            match time_of_value(pair.value, now) {
                Some(nanos) => return TimeReading::At(nanos),
                None if pair.key.len() > 1 => unknown = TimeReading::Unknown,
                None => {}
            }
        }
    }
    unknown
}
