//! Maps other programs' level names and numbers to ringseal's levels.
//!
//! Promises: every spelling that a logger writes is understood in any case, also with colours, white space, brackets,
//! a number or the name of its enumeration around it; a word of another vocabulary is [`LevelReading::Unknown`], never
//! a guess.
use std::borrow::Cow;

use ringseal::Level;

/// What a line says about its level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LevelReading {
    /// Nothing.
    #[default]
    Missing,
    /// Something that is not understood.
    Unknown,
    /// This level.
    Known(Level),
}

impl LevelReading {
    /// The level, if it is understood.
    pub fn level(self) -> Option<Level> {
        match self {
            LevelReading::Known(level) => Some(level),
            LevelReading::Missing | LevelReading::Unknown => None,
        }
    }

    /// The level to assume: info without one; warn for one that is not understood, so that sampling never drops it.
    pub fn or_assumed(self) -> Level {
        match self {
            LevelReading::Missing => Level::Info,
            LevelReading::Unknown => Level::Warn,
            LevelReading::Known(level) => level,
        }
    }
}

/// The words, in lower case.
const WORDS: [(&str, Level); 84] = [
    ("debu", Level::Debug),
    ("pani", Level::Critical),
    ("a", Level::Critical),
    ("advertencia", Level::Warn),
    ("alert", Level::Critical),
    ("alrt", Level::Critical),
    ("attention", Level::Warn),
    ("avertissement", Level::Warn),
    ("c", Level::Critical),
    ("cri", Level::Critical),
    ("crit", Level::Critical),
    ("critical", Level::Critical),
    ("crt", Level::Critical),
    ("d", Level::Debug),
    ("dbg", Level::Debug),
    ("dbug", Level::Debug),
    ("debg", Level::Debug),
    ("debug", Level::Debug),
    ("debugging", Level::Debug),
    ("default", Level::Info),
    ("deprecated", Level::Warn),
    ("dpanic", Level::Critical),
    ("e", Level::Error),
    ("emerg", Level::Critical),
    ("emergency", Level::Critical),
    ("emrg", Level::Critical),
    ("eror", Level::Error),
    ("err", Level::Error),
    ("erro", Level::Error),
    ("erreur", Level::Error),
    ("error", Level::Error),
    ("f", Level::Critical),
    ("fail", Level::Error),
    ("fat", Level::Critical),
    ("fata", Level::Critical),
    ("fatal", Level::Critical),
    ("fatl", Level::Critical),
    ("fault", Level::Critical),
    ("fehler", Level::Error),
    ("fine", Level::Debug),
    ("finer", Level::Debug),
    ("finest", Level::Trace),
    ("ftl", Level::Critical),
    ("grave", Level::Error),
    ("http", Level::Debug),
    ("i", Level::Info),
    ("inf", Level::Info),
    ("info", Level::Info),
    ("inform", Level::Info),
    ("information", Level::Info),
    ("informational", Level::Info),
    ("n", Level::Info),
    ("note", Level::Info),
    ("notice", Level::Info),
    ("ntc", Level::Info),
    ("p", Level::Critical),
    ("panic", Level::Critical),
    ("pnc", Level::Critical),
    ("schwerwiegend", Level::Error),
    ("sev", Level::Error),
    ("severe", Level::Error),
    ("silly", Level::Trace),
    ("success", Level::Info),
    ("system", Level::Info),
    ("t", Level::Trace),
    ("trac", Level::Trace),
    ("trace", Level::Trace),
    ("trc", Level::Trace),
    ("trce", Level::Trace),
    ("v", Level::Debug),
    ("vrb", Level::Debug),
    ("verb", Level::Debug),
    ("verbose", Level::Debug),
    ("w", Level::Warn),
    ("war", Level::Warn),
    ("warn", Level::Warn),
    ("warni", Level::Warn),
    ("warning", Level::Warn),
    ("warnung", Level::Warn),
    ("wrn", Level::Warn),
    ("wrng", Level::Warn),
    ("config", Level::Info),
    ("conf", Level::Info),
    ("log", Level::Info),
];

/// Returns the level that a bare word means, in any case.
pub fn level_of_word(word: &str) -> Option<Level> {
    WORDS.iter().find(|(name, _)| word.eq_ignore_ascii_case(name)).map(|&(_, level)| level)
}

/// Whether a word in a text is surely meant as a level: not one letter, and not a word of everyday speech.
pub(super) fn is_distinct(word: &str) -> bool {
    const EVERYDAY: [&str; 18] = [
        "attention",
        "conf",
        "config",
        "default",
        "fail",
        "fat",
        "fault",
        "fine",
        "finer",
        "grave",
        "http",
        "log",
        "note",
        "sev",
        "success",
        "system",
        "verb",
        "war",
    ];
    word.len() > 2 && !EVERYDAY.iter().any(|known| word.eq_ignore_ascii_case(known))
}

/// Returns the level of the text of a field that holds a level.
///
/// Understands a word with white space, colours, brackets, quotes or a colon around it, with the name of its
/// enumeration before it (`LogLevel.Error`, `SEVERITY_NUMBER_ERROR`), with a number after it (`DEBUG2`), and Go's
/// `ERROR+4`.
pub fn level_of_text_value(text: &str) -> Option<Level> {
    let plain = without_colour(text);
    let is_frame = |c: char| c.is_whitespace() || "[](){}<>:|\"'*".contains(c);
    let word = plain.trim_matches(is_frame);
    level_of_word(word)
        .or_else(|| level_with_offset(word))
        .or_else(|| level_of_word(word.trim_end_matches(|c: char| c.is_ascii_digit())))
        .or_else(|| level_of_word(last_part(word)))
        .or_else(|| level_of_word(last_part(word.trim_end_matches(|c: char| c.is_ascii_digit()))))
        .or_else(|| first_of_several(word))
}

/// The text after the last separator: `Error` in `LogLevel.Error`.
fn last_part(word: &str) -> &str {
    let part = word.rsplit(['.', '_', ':', '/']).next().unwrap_or_default();
    // A single letter after a separator is a name's end.
    if part.len() > 2 { part } else { "" }
}

/// `ERROR (3)`, `error|app`: a level and more.
fn first_of_several(word: &str) -> Option<Level> {
    let (first, _) = word.split_once([' ', '(', '|', ',', '/', '['])?;
    if first.len() > 2 { level_of_word(first) } else { None }
}

/// `INFO+2`, `ERROR+4`: a name of Go's slog and the distance to it.
fn level_with_offset(word: &str) -> Option<Level> {
    let at = word.find(['+', '-'])?;
    let (name, offset) = word.split_at(at);
    let base = match level_of_word(name)? {
        Level::Debug => -4,
        Level::Info => 0,
        Level::Warn => 4,
        Level::Error => 8,
        level => return Some(level),
    };
    Some(level_of_slog(base + offset.parse::<i64>().ok()?))
}

/// Go's slog: debug -4, info 0, warn 4, error 8, and steps between them.
fn level_of_slog(number: i64) -> Level {
    match number {
        ..-4 => Level::Trace,
        -4..0 => Level::Debug,
        0..4 => Level::Info,
        4..8 => Level::Warn,
        8..12 => Level::Error,
        _ => Level::Critical,
    }
}

/// Removes colour sequences (`ESC [ … m`, and what is left of them when the escape character was lost).
pub(super) fn without_colour(text: &str) -> Cow<'_, str> {
    if !text.contains('\x1b') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\x1b') {
        plain.push_str(before);
        let is_end = |c: char| c.is_ascii_alphabetic() || c == '~';
        rest = match after.strip_prefix('[') {
            Some(sequence) => sequence.split_once(is_end).map_or("", |(_, rest)| rest),
            None => after,
        };
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

/// What the numbers of a key mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scale {
    /// The numbers of `level`: syslog's up to 7, pino's and bunyan's tens, Monolog's hundreds, Java's thousands.
    Level,
    /// Python's tens: 20 is info.
    Python,
    /// zap: -1 debug, 0 info … 5 fatal.
    Zap,
    /// .NET's LogLevel and Serilog's: 0 trace … 5 critical.
    FromTrace,
    /// Windows events: 1 critical, 2 error, 3 warning, 4 information, 5 verbose.
    Windows,
    /// Application Insights and Nextcloud: 0 debug … 4 critical.
    FromDebug,
    /// Severities of syslog, 0 to 7; above them OpenTelemetry's, and Google Cloud's hundreds.
    Severity,
    /// Severities of syslog, or a priority with the facility in it.
    Priority,
    /// OpenTelemetry's severity numbers, 1 to 24.
    OpenTelemetry,
}

/// Returns what a number of this scale says.
pub(super) fn level_of_number(scale: Scale, text: &str) -> LevelReading {
    let Some(number) = parse_number(text) else { return LevelReading::Unknown };
    let level = match scale {
        Scale::Level => level_of_any_number(number),
        Scale::Python => match number {
            ..10 => Some(Level::Trace),
            _ => level_of_tens(number + 10),
        },
        Scale::Zap => match number {
            -1 => Some(Level::Debug),
            ..-1 => Some(Level::Trace),
            3.. => Some(Level::Critical),
            _ => [Level::Info, Level::Warn, Level::Error].get(number as usize).copied(),
        },
        Scale::FromTrace => nth(number),
        Scale::Windows => match number {
            1 => Some(Level::Critical),
            2 => Some(Level::Error),
            3 => Some(Level::Warn),
            0 | 4 => Some(Level::Info),
            5 => Some(Level::Debug),
            _ => None,
        },
        Scale::FromDebug => nth(number + 1),
        Scale::Severity => match number {
            0..=7 => level_of_severity(number as u8),
            8..=24 => nth((number - 1) / 4),
            100..=800 => level_of_cloud(number),
            _ => None,
        },
        Scale::Priority => (0..192)
            .contains(&number)
            .then_some(number % 8)
            .and_then(|severity| level_of_severity(severity as u8)),
        Scale::OpenTelemetry => match number {
            0 => return LevelReading::Missing,
            1..=24 => nth((number - 1) / 4),
            _ => None,
        },
    };
    level.map_or(LevelReading::Unknown, LevelReading::Known)
}

/// The level with this index, trace first.
fn nth(index: i64) -> Option<Level> {
    Level::ALL.get(usize::try_from(index).ok()?).copied()
}

/// A whole number, also written as `30.0` or `3e1`.
fn parse_number(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    let number: f64 = text.parse().ok()?;
    (number.abs() < 1e9).then_some(number.floor() as i64)
}

fn level_of_any_number(number: i64) -> Option<Level> {
    match number {
        ..0 | 8 => Some(level_of_slog(number)),
        0..=7 => level_of_severity(number as u8),
        10..=99 => level_of_tens(number),
        100..=699 => level_of_monolog(number),
        700..=999 => Some(if number < 900 { Level::Info } else { Level::Warn }),
        1000 => Some(Level::Error),
        5000..=99_999 => Some(level_of_log4j(number)),
        _ => None,
    }
}

/// pino and bunyan: 10 trace, 20 debug, 30 info, 40 warn, 50 error, 60 fatal; a number between counts as the lower one.
fn level_of_tens(number: i64) -> Option<Level> {
    Level::from_u8(u8::try_from((number / 10).clamp(1, 6) - 1).ok()?)
}

/// Monolog: 100 debug, 200 info, 250 notice, 300 warning, 400 error, 500 critical, 550 alert, 600 emergency.
fn level_of_monolog(number: i64) -> Option<Level> {
    Level::from_u8(u8::try_from((number / 100).min(5)).ok()?)
}

/// Google Cloud: 100 debug, 200 info, 300 notice, 400 warning, 500 error, 600 critical, 700 alert, 800 emergency.
fn level_of_cloud(number: i64) -> Option<Level> {
    Some(match number / 100 {
        1 => Level::Debug,
        2 | 3 => Level::Info,
        4 => Level::Warn,
        5 => Level::Error,
        _ => Level::Critical,
    })
}

/// log4j 1 and Logback: 5000 trace, 10000 debug, 20000 info, 30000 warn, 40000 error, 50000 fatal.
fn level_of_log4j(number: i64) -> Level {
    match number / 10_000 {
        0 => Level::Trace,
        1 => Level::Debug,
        2 => Level::Info,
        3 => Level::Warn,
        4 => Level::Error,
        _ => Level::Critical,
    }
}

/// Returns the level of a syslog severity (RFC 5424): 0 emergency to 7 debug.
pub fn level_of_severity(severity: u8) -> Option<Level> {
    Some(match severity {
        0..=2 => Level::Critical,
        3 => Level::Error,
        4 => Level::Warn,
        5 | 6 => Level::Info,
        7 => Level::Debug,
        _ => return None,
    })
}

/// Returns the level of a single upper-case letter, as short formats write it.
pub(super) fn level_of_letter(letter: u8) -> Option<Level> {
    match letter {
        b'T' => Some(Level::Trace),
        b'D' | b'V' => Some(Level::Debug),
        b'I' | b'N' => Some(Level::Info),
        b'W' => Some(Level::Warn),
        b'E' => Some(Level::Error),
        b'F' | b'C' | b'A' | b'P' => Some(Level::Critical),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_own_level_name_is_accepted() {
        for level in Level::ALL {
            assert_eq!(level_of_word(level.as_str()), Some(level));
            assert_eq!(level_of_word(&level.as_str().to_uppercase()), Some(level));
        }
        assert_eq!(level_of_word("information!"), None);
        assert_eq!(level_of_word(""), None);
    }
}
