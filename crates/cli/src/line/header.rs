//! The header of a line of text: times, names, numbers and brackets before the message.
//!
//! The header ends at the first word that could be prose. A level counts in it if a format has it there: in brackets,
//! in capitals, before a colon, between separators, or directly after the time.
use ringseal::Level;

use super::bracket::{level_in_bracket, time_in_bracket, whole_bracket};
use super::level::{is_distinct, level_of_letter, level_of_severity, level_of_word};
use super::prefix::is_uuid;
use super::time::{TimeReading, time_at_start};

/// The most parts of a header.
const PARTS_MAX: usize = 14;
/// The most names in a header: a host, a program, a logger, a thread.
const NAMES_MAX: usize = 5;
/// The longest part in brackets.
const BRACKET_BYTES_MAX: usize = 160;

/// A part of a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part<'a> {
    /// A time or a clock.
    Time,
    /// A part in brackets, without them.
    Bracket(&'a str),
    /// `-`, `|`, `:` and others alone.
    Separator,
    /// Anything else, up to white space or a bar.
    Word(&'a str),
}

/// The parts of a line, one after another.
struct Parts<'a> {
    line: &'a str,
    at: usize,
}

impl<'a> Parts<'a> {
    fn rest(&self) -> &'a str {
        self.line.get(self.at..).unwrap_or_default()
    }

    /// Skips white space; returns how much of it there was, a tab counting as a separator of cells.
    fn space(&mut self) -> usize {
        let rest = self.rest();
        let len = rest.len() - rest.trim_start().len();
        self.at += len;
        if rest.get(..len).is_some_and(|space| space.contains('\t')) { len.max(2) } else { len }
    }

    fn next(&mut self) -> Option<Part<'a>> {
        let rest = self.rest();
        let first = rest.bytes().next()?;
        if let Some(len) = time_len(rest) {
            self.at += len;
            let after = self.rest();
            let ends = after.len() - after.trim_start_matches([',', ':', ']', ';']).len();
            self.at += ends;
            return Some(Part::Time);
        }
        if let Some(inside) = bracket(rest) {
            self.at += inside.len() + 2;
            return Some(Part::Bracket(inside));
        }
        let signs = rest.bytes().take_while(|byte| b"-|:*>#=~!+;,/".contains(byte)).count();
        let is_alone = rest[signs..].starts_with(char::is_whitespace) || signs == rest.len();
        if signs > 0 && (is_alone || first == b'|' || first == b':') {
            self.at += if is_alone { signs } else { 1 };
            return Some(Part::Separator);
        }
        let end = rest.find(|c: char| c.is_whitespace() || c == '|').unwrap_or(rest.len());
        let word = &rest[..end];
        self.at += end;
        Some(Part::Word(word))
    }
}

/// The text in brackets at the start.
fn bracket(rest: &str) -> Option<&str> {
    let close = match rest.bytes().next()? {
        b'[' => ']',
        b'(' => ')',
        b'<' => '>',
        b'{' => '}',
        _ => return None,
    };
    let end = rest.find(close).filter(|end| *end <= BRACKET_BYTES_MAX)?;
    rest.get(1..end).filter(|inside| !inside.contains(['"', '\'']))
}

/// The length of a time at the start, or of a clock without a date.
pub(super) fn time_len(rest: &str) -> Option<usize> {
    if let Some((_, len)) = time_at_start(rest.as_bytes(), 0) {
        return Some(len);
    }
    clock_len(rest).or_else(|| date_len(rest))
}

/// The length of `12:00:00.123`, `9:49PM`.
fn clock_len(rest: &str) -> Option<usize> {
    let is_part = |byte: &u8| byte.is_ascii_digit() || b":.,".contains(byte);
    let bytes = rest.as_bytes();
    let len = bytes.iter().take_while(|byte| is_part(byte)).count();
    let clock = rest[..len].trim_end_matches([':', ',', '.']);
    let mut parts = clock.split(':');
    let is_two = |part: Option<&str>| part.is_some_and(|part| matches!(part.len(), 1 | 2));
    if !is_two(parts.next()) || clock.as_bytes().iter().all(|byte| *byte != b':') {
        return None;
    }
    let minutes = parts.next()?;
    if minutes.len() != 2 || minutes.contains(['.', ',']) {
        return None;
    }
    let after = &rest[clock.len()..];
    let half = after.trim_start_matches(' ').get(..2).unwrap_or_default();
    if half.eq_ignore_ascii_case("AM") || half.eq_ignore_ascii_case("PM") {
        return Some(rest.len() - after.trim_start_matches(' ').len() + 2);
    }
    let is_end = !after.starts_with(|c: char| c.is_ascii_alphanumeric());
    (is_end && parts.next().is_some()).then_some(clock.len())
}

/// The length of a date without a clock, or of one that leaves doubt: `2026-01-02`, `1/2/2026`.
fn date_len(rest: &str) -> Option<usize> {
    let len = rest.bytes().take_while(|b| b.is_ascii_digit() || b"-/.".contains(b)).count();
    let date = rest[..len].trim_end_matches(['-', '/', '.']);
    let parts: Vec<&str> = date.split(['-', '/', '.']).collect();
    let is_before_clock = || clock_len(rest[date.len()..].trim_start_matches([',', ' '])).is_some();
    let is_date = match parts.as_slice() {
        [a, b, c] if [a, b, c].iter().all(|part| part.len() == 2) => is_before_clock(),
        [year, month, day] if year.len() == 4 => month.len() <= 2 && day.len() <= 2,
        [day, month, year] => year.len() == 4 && month.len() <= 2 && day.len() <= 2,
        _ => false,
    };
    (is_date && parts.iter().all(|part| !part.is_empty())).then_some(date.len())
}

/// Where in the header a word is.
#[derive(Debug, Clone, Copy, Default)]
struct Context {
    /// Parts before it.
    index: usize,
    /// A time is before it.
    has_time: bool,
    /// The part directly before it is a time, or a bracket after a time.
    is_after_time: bool,
    /// A separator or a wide space is directly before it.
    is_cell: bool,
}

/// The level of a line.
pub(super) fn level(line: &str) -> Option<Level> {
    if is_access_log(line) {
        return None;
    }
    if let Some(level) = level_of_table(line) {
        return Some(level);
    }
    // Cisco marks a clock that is not set.
    let line = line.trim_start_matches('*');
    let mut parts = Parts { line, at: 0 };
    let mut context = Context::default();
    let mut names = 0;
    while context.index < PARTS_MAX {
        let space = parts.space();
        context.is_cell |= space > 1 && context.index > 0;
        let part = parts.next()?;
        let is_next = match part {
            Part::Word(word) => {
                if let Some(level) = level_of_header_word(word, context, parts.rest()) {
                    return Some(level);
                }
                names += 1;
                let is_header = is_name(word) || is_cell_of_name(word, context, parts.rest());
                is_header && names <= NAMES_MAX
            }
            Part::Bracket(inside) => {
                if let Some(level) = level_in_bracket(inside) {
                    return Some(level);
                }
                true
            }
            Part::Time | Part::Separator => true,
        };
        if !is_next {
            return None;
        }
        context.has_time |= part == Part::Time || starts_with_time(part);
        context.is_after_time = part == Part::Time || starts_with_time(part);
        context.is_cell = part == Part::Separator;
        context.index += 1;
    }
    None
}

/// `Error,1/16/2021 9:49:17 PM,Source,…`: a table of Windows events.
fn level_of_table(line: &str) -> Option<Level> {
    let (word, rest) = line.split_once(',')?;
    time_len(rest).filter(|_| is_distinct(word)).and_then(|_| level_of_word(word))
}

/// `127.0.0.1 - bob [10/Oct/2000:13:55:36 -0700] "GET …`: any name may be a user.
fn is_access_log(line: &str) -> bool {
    let Some((before, after)) = line.split_once(" [") else { return false };
    let is_time = || after.as_bytes().get(2) == Some(&b'/') && after.contains("] \"");
    before.split(' ').count() == 3 && is_time()
}

fn starts_with_time(part: Part<'_>) -> bool {
    matches!(part, Part::Bracket(inside) if time_len(inside).is_some())
}

/// The level of a word in a header; `rest` follows it.
fn level_of_header_word(word: &str, context: Context, rest: &str) -> Option<Level> {
    if let Some(level) = level_of_sign(word, context) {
        return Some(level);
    }
    let word = word.trim_start_matches(['*', '!', '=', '-', '>', '.']);
    let bare = word.trim_end_matches([':', ',', ';', '*', '!', '-', '=', '>', ']', ')', '.']);
    if let Some(level) = level_of_word(bare) {
        let is_ended = word.len() > bare.len() && word.as_bytes()[bare.len()] == b':';
        return is_level_here(bare, is_ended, context, rest).then_some(level);
    }
    let upper = |part: &str| {
        let is_upper = part.bytes().all(|byte| byte.is_ascii_uppercase());
        if is_upper && is_distinct(part) { level_of_word(part) } else { None }
    };
    let level_with_digit = |part: &str| upper(part.trim_end_matches(|c: char| c.is_ascii_digit()));
    if let Some(level) = level_of_topics(bare) {
        return Some(level);
    }
    if let Some((first, rest)) = bare.split_once(':') {
        let second = rest.split(':').find(|part| !part.is_empty()).unwrap_or_default();
        return upper(first).or_else(|| if is_logger(first) { upper(second) } else { None });
    }
    if let Some((_, last)) = bare.rsplit_once('.')
        && word.ends_with(':')
    {
        return upper(last);
    }
    if let Some((first, _)) = bare.split_once(['[', '(', '/', '|']) {
        return upper(first);
    }
    // PostgreSQL's `DEBUG1:`
    if word.ends_with(':') { level_with_digit(bare) } else { None }
}

/// `E!` of Telegraf, `E:` of apt at the start, `%LINK-3-UPDOWN:` of Cisco.
fn level_of_sign(word: &str, context: Context) -> Option<Level> {
    match word.as_bytes() {
        [letter, b'!'] if context.has_time => level_of_letter(*letter),
        [letter @ (b'E' | b'W' | b'N'), b':'] if context.index == 0 => level_of_letter(*letter),
        [b'%', ..] => match word.split('-').nth(1)?.as_bytes() {
            [digit @ b'0'..=b'7'] => level_of_severity(digit - b'0'),
            _ => None,
        },
        _ => None,
    }
}

/// `system,error,critical` of RouterOS, `error,relay=::1` of Courier: the last level before other words counts.
fn level_of_topics(word: &str) -> Option<Level> {
    let is_topic = |part: &&str| part.bytes().all(|b| b.is_ascii_lowercase()) && !part.is_empty();
    let topics = word.contains(',').then(|| word.split(',').take_while(is_topic))?;
    topics.filter(|topic| is_distinct(topic)).filter_map(level_of_word).last()
}

fn is_logger(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-/".contains(&b))
}

/// Whether a word that is a level's name is meant as one.
fn is_level_here(bare: &str, is_ended: bool, context: Context, rest: &str) -> bool {
    if bare.eq_ignore_ascii_case("http") || bare.len() < 2 {
        return false;
    }
    let is_upper = bare.bytes().all(|byte| byte.is_ascii_uppercase());
    let is_distinct = is_distinct(bare);
    let is_next_separator = next_is_separator(rest);
    if is_upper {
        return is_distinct || is_ended || context.has_time || is_next_separator;
    }
    if is_ended {
        let is_plain = ["note", "fail", "success"].iter().any(|w| bare.eq_ignore_ascii_case(w));
        return is_distinct || is_plain;
    }
    let is_any = |words: &[&str]| words.iter().any(|word| bare.eq_ignore_ascii_case(word));
    if bare == "fatal" && rest.starts_with(" error:") {
        return true;
    }
    let begins_sentence = context.index == 0 && is_any(&["error", "warning", "fatal", "critical"]);
    let is_before_time = context.index == 0 && time_len(rest.trim_start()).is_some();
    let is_in_cell = context.is_cell && (is_next_separator || rest.starts_with(['\t', '|']));
    let is_severe = is_any(&[
        "error", "err", "warn", "warning", "fatal", "critical", "crit", "alert", "emerg", "panic",
        "severe", "info", "inf", "debug", "dbg", "wrn", "ftl",
    ]);
    let is_column = rest.starts_with("  ") || rest.starts_with('\t') || is_next_separator;
    is_distinct
        && (is_next_separator
            || begins_sentence
            || is_before_time
            || is_in_cell
            || context.is_after_time && (is_severe || is_column)
            || context.has_time && context.is_cell && is_column)
}

/// Whether a separator follows: ` - `, `|`, ` : `, a tab.
fn next_is_separator(rest: &str) -> bool {
    let trimmed = rest.trim_start_matches(' ');
    if trimmed.starts_with(['|', '\t']) {
        return true;
    }
    let signs = trimmed.bytes().take_while(|byte| b"-:>".contains(byte)).count();
    signs > 0 && signs <= 4 && trimmed[signs..].starts_with(' ') && trimmed.len() < rest.len()
}

/// Whether a word is not prose: a number, an identifier, a path, a name before a colon.
fn is_name(word: &str) -> bool {
    if word.contains(['"', '\'', '=', '`', '?']) || word.ends_with([',', '.', '!', ';']) {
        // Decoration of `=ERROR REPORT====`.
        return word.ends_with("====");
    }
    let has_sign =
        word.bytes().any(|byte| b"._/@#$[]()~&\\".contains(&byte) || byte.is_ascii_digit());
    let is_known = [
        "main",
        "root",
        "app",
        "server",
        "kernel",
        "default",
        "worker",
        "scheduler",
        "uvicorn",
        "gunicorn",
        "celery",
        "django",
        "flask",
        "werkzeug",
        "asyncio",
        "sqlalchemy",
        "airflow",
        "pid",
        "tid",
        "thread",
    ];
    has_sign
        || word.ends_with(':')
        || word.contains("::")
        || is_uuid(word.as_bytes())
        || word.contains('-') && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        || is_known.contains(&word)
}

/// Whether a plain word is a name because of what is around it: `root - ERROR - x`, `app [ERROR] x` and `app ERROR  x`
/// after a time, `host app[1]: x`.
fn is_cell_of_name(word: &str, context: Context, rest: &str) -> bool {
    if word.contains(['"', '\'']) {
        return false;
    }
    let next = rest.trim_start();
    let is_before_level = context.has_time
        && match bracket(next) {
            Some(inside) => whole_bracket(inside.trim()).is_some(),
            None => is_column_of_level(next),
        };
    let is_before_tag = || {
        let tag = next.split_once("]:").map_or("", |(tag, _)| tag);
        context.index == 0 && tag.contains('[') && !tag.contains(' ')
    };
    let is_plain = word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    // `region=local` of Elixir, before the level in brackets.
    let is_pair = context.has_time && word.contains('=') && rest.contains(['[', '|']);
    is_before_level || is_pair || is_plain && (is_before_tag() || next_is_separator(rest))
}

/// Whether a text begins with a level in capitals and a wide space or a separator after it.
fn is_column_of_level(text: &str) -> bool {
    let len = text.bytes().take_while(u8::is_ascii_uppercase).count();
    let (word, rest) = text.split_at(len);
    let is_ended =
        rest.starts_with("  ") || rest.starts_with([':', '\t', '|']) || next_is_separator(rest);
    is_distinct(word) && level_of_word(word).is_some() && is_ended
}

/// The time of a line, if its header has one.
pub(super) fn time(line: &str, now: i64) -> Option<i64> {
    let line = after_letter(line.trim_start_matches('*'));
    let table = line.split_once(',').filter(|(word, _)| level_of_word(word).is_some());
    let mut parts = Parts { line: table.map_or(line, |(_, rest)| rest), at: 0 };
    let (mut plain_words, mut has_words) = (0, false);
    for _ in 0..PARTS_MAX {
        parts.space();
        let rest = parts.rest();
        if let Some((nanos, len)) = time_at_start(rest.as_bytes(), now) {
            let is_sure = !has_words || rest[..len].contains(':');
            return is_sure.then_some(nanos);
        }
        let part = parts.next()?;
        has_words |= part != Part::Separator;
        match part {
            Part::Bracket(inside) => {
                if let Some(nanos) = time_in_bracket(inside, now) {
                    return Some(nanos);
                }
            }
            Part::Word(word) if is_level_or_name(word) => {}
            Part::Word(word) => {
                plain_words += 1;
                // The user of an access log, before the time in brackets.
                let is_before_bracket = parts.rest().starts_with(" [");
                if plain_words > 1 || !is_before_bracket || word.contains(['"', '=']) {
                    return None;
                }
            }
            Part::Time | Part::Separator => {}
        }
    }
    None
}

/// klog's and Ruby's letter before the time.
fn after_letter(line: &str) -> &str {
    match line.as_bytes() {
        [b'A'..=b'Z', b'0'..=b'9', ..] => &line[1..],
        [b'A'..=b'Z', b',', b' ', ..] => &line[3..],
        _ => line,
    }
}

fn is_level_or_name(word: &str) -> bool {
    let bare = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    level_of_word(bare).is_some()
        || is_name(word)
        || matches!(bare, "PHP" | "REPORT" | "https" | "http" | "h2" | "ws" | "wss" | "grpcs")
}

/// Whether a line starts with a time that is not understood: a clock without a date, or an ambiguous date.
pub(super) fn has_unknown_time(line: &str) -> bool {
    let line = after_letter(line).trim_start_matches(['[', '(', '<']);
    time_len(line).is_some()
}

/// The time of a line as a reading.
pub(super) fn time_reading(line: &str, now: i64) -> TimeReading {
    match time(line, now) {
        Some(nanos) => TimeReading::At(nanos),
        None if has_unknown_time(line) => TimeReading::Unknown,
        None => TimeReading::Missing,
    }
}
