//! Level and time of a line of text, in the formats of the well-known loggers.
//!
//! Promises: only the header of a line is searched, never its message and nothing inside quotes; a word that could be
//! part of a sentence counts only where a format has its level. Looks at the first [`SEARCHED_BYTES`] bytes; allocates
//! only for lines with colours.
use std::borrow::Cow;

use ringseal::Level;
use ringseal_base::limits::floor_char_boundary;

use super::header;
use super::level::{
    LevelReading, level_of_letter, level_of_severity, level_of_word, without_colour,
};
use super::logfmt;
use super::prefix;
use super::time::{TimeReading, time_at_start, time_of_number};

/// Length of the beginning of a line that is searched.
const SEARCHED_BYTES: usize = 512;

/// The searched beginning of a line, without colours and byte order marks.
fn head(text: &str) -> Cow<'_, str> {
    let end = floor_char_boundary(text, SEARCHED_BYTES);
    without_colour(text.get(..end).unwrap_or_default().trim_start_matches('\u{feff}'))
}

/// Returns what a line of text says about its level.
///
/// ```
/// use ringseal::Level;
/// use ringseal_cli::line::{LevelReading, level_of_text};
/// let error = LevelReading::Known(Level::Error);
/// assert_eq!(level_of_text("2026-11-22 15:09:20,123 ERROR out of memory"), error);
/// assert_eq!(level_of_text("[Sun Jun 01 12:00:00 2025] [core:error] no file"), error);
/// assert_eq!(level_of_text("fine weather"), LevelReading::Missing);
/// ```
pub fn level_of_text(text: &str) -> LevelReading {
    let head = head(text);
    let line = head.trim_start();
    if let Some((number, _)) = prefix::read_priority(line.as_bytes()) {
        return level_of_severity(number % 8).map_or(LevelReading::Unknown, LevelReading::Known);
    }
    let line = after_prefixes(line);
    let special = SPECIAL.iter().find_map(|format| format(line));
    special
        .or_else(|| header::level(line))
        .map(LevelReading::Known)
        .or_else(|| logfmt::level(line))
        .unwrap_or_default()
}

/// Returns what a line of text says about its time. `now` decides about years that are not written.
pub fn time_of_text(text: &str, now: i64) -> TimeReading {
    let head = head(text);
    let line = head.trim_start();
    match header::time_reading(line, now) {
        TimeReading::Missing => match audit_time(line) {
            Some(nanos) => TimeReading::At(nanos),
            None => logfmt::time(after_prefixes(line), now),
        },
        reading => reading,
    }
}

/// The time of Linux's audit: `type=SYSCALL msg=audit(1748779200.123:45): …`.
fn audit_time(line: &str) -> Option<i64> {
    let is_audit = line.starts_with("type=") || line.starts_with("audit:");
    let (_, rest) = line.split_once("audit(").filter(|_| is_audit)?;
    time_of_number(rest.split_once(':')?.0)
}

/// The line without the prefixes of syslog, CRI and Compose.
fn after_prefixes(line: &str) -> &str {
    let bytes = line.as_bytes();
    let compose = prefix::compose(bytes).filter(|len| bytes.get(*len) == Some(&b' '));
    let len = compose.or_else(|| prefix::syslog(bytes)).or_else(|| cri(bytes)).unwrap_or(0);
    line.get(len..).unwrap_or_default().trim_start()
}

fn cri(line: &[u8]) -> Option<usize> {
    let (_, len) = time_at_start(line, 0)?;
    let rest = line.get(len..)?;
    [&b" stdout F "[..], b" stderr F ", b" stdout P ", b" stderr P "]
        .iter()
        .find(|tag| rest.starts_with(tag))
        .map(|tag| len + tag.len())
}

type Format = fn(&str) -> Option<Level>;

/// Formats whose level is a letter or a sign, or has a meaning only there.
const SPECIAL: [Format; 11] = [
    letter_and_date,
    android,
    ruby,
    redis,
    letter_cell,
    erlang,
    word_and_bracket,
    php,
    npm,
    kernel,
    dotnet,
];

/// `E1122 15:09:20.123456` of klog and glog, `I260102 15:04:05.0` of CockroachDB.
fn letter_and_date(line: &str) -> Option<Level> {
    let (letter, rest) = line.as_bytes().split_first()?;
    if !b"IWEFDT".contains(letter) || !rest.first()?.is_ascii_digit() {
        return None;
    }
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if !matches!(digits, 4 | 6 | 8) {
        return None;
    }
    time_at_start(rest, 0)?;
    level_of_letter(*letter)
}

/// `01-16 21:49:17.073  1234  5678 E Tag: x`, `E/Tag( 1234): x`.
fn android(line: &str) -> Option<Level> {
    if let [letter, b'/', tag, ..] = line.as_bytes()
        && tag.is_ascii_alphabetic()
        && line.get(..60).unwrap_or(line).contains(['(', ':'])
        && line.split_once(':')?.0.trim_end().len() < 60
    {
        let name = line.split_once(['(', ':'])?.0;
        return if name.contains(' ') { None } else { android_letter(*letter) };
    }
    let bytes = line.as_bytes();
    let is_short = matches!(bytes, [a, b, b'-', c, d, b' ', ..]
        if [a, b, c, d].iter().all(|byte| byte.is_ascii_digit()));
    let is_long = bytes.get(4) == Some(&b'-');
    if !is_short && !is_long {
        return None;
    }
    let (_, len) = time_at_start(bytes, 0)?;
    let mut words = line.get(len..)?.split_ascii_whitespace();
    let first = words.next()?;
    if let [letter, b'/', ..] = first.as_bytes() {
        return android_letter(*letter);
    }
    let is_number = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(first) || !is_number(words.next()?) {
        return None;
    }
    match words.next()?.as_bytes() {
        [letter] => android_letter(*letter),
        _ => None,
    }
}

fn android_letter(letter: u8) -> Option<Level> {
    match letter {
        b'V' => Some(Level::Trace),
        b'D' | b'I' | b'W' | b'E' | b'F' => level_of_letter(letter),
        // "What a Terrible Failure", and silent.
        b'A' => Some(Level::Critical),
        _ => None,
    }
}

/// `W, [2026-01-16T21:49:17.073282 #1234]  WARN -- : x`
fn ruby(line: &str) -> Option<Level> {
    let [letter, b',', b' ', b'[', digit, ..] = line.as_bytes() else { return None };
    if !digit.is_ascii_digit() {
        return None;
    }
    // `A` is Ruby's unknown, which is always logged.
    if *letter == b'A' { Some(Level::Warn) } else { level_of_letter(*letter) }
}

/// `1:M 16 Jan 2021 21:49:17.073 # x`: `.` debug, `-` verbose, `*` notice, `#` warning.
fn redis(line: &str) -> Option<Level> {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let rest = line.get(digits..)?;
    let [b':', role, b' ', ..] = rest.as_bytes() else { return None };
    if digits == 0 || !b"MSCX".contains(role) {
        return None;
    }
    let after = rest.get(3..)?;
    let (_, len) = time_at_start(after.as_bytes(), 0)?;
    match after.as_bytes().get(len..len + 3)? {
        b" . " | b" - " => Some(Level::Debug),
        b" * " => Some(Level::Info),
        b" # " => Some(Level::Warn),
        _ => None,
    }
}

/// `2021-01-16 21:49:17.07 I | etcdserver: x`, `2016-02-08T22:20:14.0+0000 I NETWORK  [conn1] x`, `[I 21:49:17 app] x`.
fn letter_cell(line: &str) -> Option<Level> {
    if let [b'[', letter, b' ', digit, ..] = line.as_bytes()
        && digit.is_ascii_digit()
    {
        return level_of_letter(*letter);
    }
    let (_, len) = time_at_start(line.as_bytes(), 0)?;
    let mut words = line.get(len..)?.split_ascii_whitespace();
    let (letter, next) = (words.next()?, words.next()?);
    let is_component = next.len() >= 2 && next.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    let is_separated = matches!(next, "|" | "-" | ":") || is_component || next.ends_with(':');
    match letter.as_bytes() {
        [letter] if is_separated => level_of_letter(*letter),
        [b'[', letter, b']'] => level_of_letter(*letter),
        // Verbosity of MongoDB: `D1` to `D5`.
        [b'D', digit] if digit.is_ascii_digit() && is_component => Some(Level::Debug),
        _ => None,
    }
}

/// `=ERROR REPORT==== 16-Jan-2021::21:49:17 ===`
fn erlang(line: &str) -> Option<Level> {
    let (word, rest) = line.strip_prefix('=')?.split_once(' ')?;
    let is_report = rest.starts_with("REPORT==");
    match word {
        "CRASH" | "SUPERVISOR" if is_report => Some(Level::Error),
        "PROGRESS" if is_report => Some(Level::Info),
        _ if is_report => level_of_word(word),
        _ => None,
    }
}

/// `ERRO[0000] x` of logrus, `EROR[01-16|21:49:17] x` of log15, `error[E0308]: x`.
fn word_and_bracket(line: &str) -> Option<Level> {
    let (word, rest) = line.split_once('[')?;
    let digit = rest.bytes().next()?;
    let is_upper = word.bytes().all(|byte| byte.is_ascii_uppercase());
    let is_code = digit == b'E' && rest.as_bytes().get(1)?.is_ascii_digit();
    if word.len() < 3 || !(digit.is_ascii_digit() && is_upper || is_code) {
        return None;
    }
    level_of_word(word.trim_end())
}

/// `[16-Jan-2021 21:49:17 UTC] PHP Fatal error:  x`, `PHP Warning:  x`
fn php(line: &str) -> Option<Level> {
    let rest = match line.strip_prefix('[') {
        Some(rest) => rest.split_once("] ")?.1,
        None => line,
    };
    let kind = rest.strip_prefix("PHP ")?.split_once(':')?.0;
    Some(match kind {
        "Fatal error" | "Parse error" | "Core error" | "Compile error" => Level::Critical,
        "Catchable fatal error" | "Recoverable fatal error" | "User Error" => Level::Error,
        "Warning" | "User Warning" | "Core Warning" | "Compile Warning" => Level::Warn,
        "Deprecated" | "User Deprecated" => Level::Warn,
        "Notice" | "User Notice" | "Strict Standards" => Level::Info,
        _ => return None,
    })
}

/// `npm ERR! code E404`, `npm WARN deprecated x`, `npm error code 1`
fn npm(line: &str) -> Option<Level> {
    let word = line.strip_prefix("npm ")?.split_ascii_whitespace().next()?;
    match word {
        "error" | "warn" | "notice" | "info" | "http" | "verb" | "sill" => {
            level_of_word(word).or(Some(Level::Trace))
        }
        _ if word.bytes().all(|b| b.is_ascii_uppercase() || b == b'!') => {
            level_of_word(word.trim_end_matches('!'))
        }
        _ => None,
    }
}

/// `[    1.234567] x` has no level; `kern  :warn  : [    1.23] x` of `dmesg -x` has.
fn kernel(line: &str) -> Option<Level> {
    const FACILITIES: [&str; 12] = [
        "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron",
        "authpriv", "ftp",
    ];
    let (facility, rest) = line.split_once(':')?;
    let (level, _) = rest.split_once(':')?;
    let is_known = FACILITIES.contains(&facility.trim_end()) && facility.len() >= 4;
    if is_known { level_of_word(level.trim()) } else { None }
}

/// `fail: Microsoft.Hosting.Lifetime[0]`, `dbug: X[3]`
fn dotnet(line: &str) -> Option<Level> {
    let (word, rest) = line.split_once(": ")?;
    match word {
        "fail" | "crit" | "warn" | "info" | "dbug" | "trce" => {}
        _ => return None,
    }
    let is_category = rest.split_ascii_whitespace().next().is_some_and(|name| name.ends_with(']'));
    (is_category || word != "fail").then(|| level_of_word(word)).flatten()
}
