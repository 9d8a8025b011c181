//! Detects the level of a line of text.
//!
//! Only unambiguous forms count: a syslog priority, klog's letter, `level=…`, a word in brackets, a word in upper case
//! or before a colon, each at the start of the line or after times only.
use ringseal::Level;

use crate::level::{level_of_severity, level_of_word};

/// Length of the beginning of a line that is searched.
const SEARCHED_BYTES: usize = 256;
/// Number of words that are searched.
const WORDS_MAX: usize = 8;

/// Returns the level that a line of text shows, if any.
///
/// ```
/// use ringseal::Level;
/// use ringseal_cli::pipe::level_of_text;
/// assert_eq!(level_of_text("2026-11-22 15:09:20,123 ERROR out of memory"), Some(Level::Error));
/// assert_eq!(level_of_text("[warn] low on memory"), Some(Level::Warn));
/// assert_eq!(level_of_text("fine weather"), None);
/// ```
pub fn level_of_text(text: &str) -> Option<Level> {
    let end = text.floor_char_boundary(SEARCHED_BYTES);
    let head = text.get(..end).unwrap_or_default();
    syslog_priority(head)
        .or_else(|| klog_letter(head))
        .or_else(|| leading_word(head))
        .or_else(|| key_value(head))
}

/// `<4>` at the start (RFC 5424, and sd-daemon(3)): facility times eight plus severity.
fn syslog_priority(head: &str) -> Option<Level> {
    let (digits, _) = head.strip_prefix('<')?.split_once('>')?;
    if digits.len() > 3 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let priority: u16 = digits.parse().ok().filter(|priority| *priority < 192)?;
    level_of_severity((priority % 8) as u8)
}

/// `E1122 15:09:20.123456`: a letter and the date, as klog and glog write.
fn klog_letter(head: &str) -> Option<Level> {
    let &[letter, d0, d1, d2, d3, b' ', ..] = head.as_bytes() else { return None };
    if ![d0, d1, d2, d3].iter().all(u8::is_ascii_digit) {
        return None;
    }
    match letter {
        b'I' => Some(Level::Info),
        b'W' => Some(Level::Warn),
        b'E' => Some(Level::Error),
        b'F' => Some(Level::Critical),
        _ => None,
    }
}

/// The level of the first word that is not a time.
fn leading_word(head: &str) -> Option<Level> {
    for (index, word) in head.split_ascii_whitespace().take(WORDS_MAX).enumerate() {
        let word = without_color(word);
        if let Some(level) = level_of_marked(word, index == 0) {
            return Some(level);
        }
        if !is_time(word) {
            return None;
        }
    }
    None
}

/// The level of `ERROR`, `[info]`, `warning:`, `(Debug)`, and of plain words such as `Error` at the start.
fn level_of_marked(word: &str, first: bool) -> Option<Level> {
    let bare = word.trim_matches(|char: char| !char.is_ascii_alphanumeric());
    // `[info][thread-1]` and `error[E0308]:`
    let bare = bare.split(['[', ']', '(', ')']).next().unwrap_or(bare);
    let level = level_of_word(bare)?;
    let bracketed = word.starts_with(['[', '(', '<', '|']);
    let upper = bare.bytes().all(|byte| byte.is_ascii_uppercase());
    let before_colon = word.ends_with(':');
    let plain_speech = matches!(level, Level::Warn | Level::Error | Level::Critical)
        && ["error", "warning", "fatal", "critical"].iter().any(|w| bare.eq_ignore_ascii_case(w));
    (bracketed || upper || before_colon || (first && plain_speech)).then_some(level)
}

/// Whether a word consists of digits and the separators of times, with or without brackets.
fn is_time(word: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_digit() || b"-:./,+TZ[]()|".contains(&byte);
    word.bytes().all(allowed) || matches!(word, "UTC" | "GMT" | "-")
}

/// A word without surrounding colour sequences.
fn without_color(word: &str) -> &str {
    let mut word = word;
    while let Some((_, rest)) = word.strip_prefix("\x1b[").and_then(|rest| rest.split_once('m')) {
        word = rest;
    }
    word.split('\x1b').next().unwrap_or(word)
}

/// `level=info`, `severity="WARN"` (logfmt).
fn key_value(head: &str) -> Option<Level> {
    let mut words = head.split_ascii_whitespace();
    words.find_map(|word| {
        let (key, value) = word.split_once('=')?;
        let is_key =
            ["level", "lvl", "severity"].iter().any(|known| key.eq_ignore_ascii_case(known));
        if is_key { level_of_word(value.trim_matches(['"', '\'', ','])) } else { None }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_detected_in_common_formats() {
        use Level::{Critical, Debug, Error, Info, Trace, Warn};
        let cases = [
            ("ERROR disk full", Some(Error)),
            ("error: cannot open", Some(Error)),
            ("error[E0308]: mismatched types", Some(Error)),
            ("Error opening file", Some(Error)),
            ("warning: unused variable", Some(Warn)),
            ("[info] started", Some(Info)),
            ("[INFO][main] started", Some(Info)),
            ("(debug) x", Some(Debug)),
            ("<4>low memory", Some(Warn)),
            ("<165>1 2026-11-22T15:09:20Z host app - - - x", Some(Info)),
            ("<999>x", None),
            ("<b>x</b>", None),
            ("2026-11-22 15:09:20,123 ERROR x", Some(Error)),
            ("2026-11-22T15:09:20.5Z  WARN app::x: y", Some(Warn)),
            ("[2026-11-22 15:09:20] [critical] x", Some(Critical)),
            ("2026/11/22 15:09:20 [error] 7#7: *1 open() failed", Some(Error)),
            ("15:09:20 | TRACE | x", Some(Trace)),
            ("E1122 15:09:20.123456    1 main.go:12] x", Some(Error)),
            ("I1122 15:09:20.123456    1 main.go:12] x", Some(Info)),
            ("I am fine", None),
            ("\x1b[32mINFO\x1b[0m started", Some(Info)),
            ("time=2026-11-22T15:09:20Z level=warning msg=\"x\"", Some(Warn)),
            ("msg=x severity=\"ERROR\"", Some(Error)),
            ("panic: runtime error", Some(Critical)),
            ("fine weather today", None),
            ("Notice how nothing is wrong", None),
            ("no error here", None),
            ("user said: ERROR", None),
            ("{\"level\":\"error\"", None),
            ("", None),
            ("   ", None),
        ];
        for (text, expected) in cases {
            assert_eq!(level_of_text(text), expected, "{text}");
        }
    }

    #[test]
    fn only_the_start_of_a_line_is_searched() {
        let text = format!("{}é level=error", "é".repeat(500));
        assert_eq!(level_of_text(&text), None);
    }
}
