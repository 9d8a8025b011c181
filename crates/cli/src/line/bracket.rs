//! What a header has in brackets: `[error]`, `[core:error]`, `[21:49:17 ERR]`, `[2021-01-16 21:49:17: ERROR/Main]`.
use ringseal::Level;

use super::header::time_len;
use super::level::{is_distinct, level_of_letter, level_of_word};
use super::time::time_at_start;

/// The level in brackets: `ERROR`, `error    `, `core:error`, `21:49:17 ERR`, `2021-01-16 21:49:17: ERROR/Main`.
pub(super) fn level_in_bracket(inside: &str) -> Option<Level> {
    let text = inside.trim();
    if let Some(level) = whole_bracket(text) {
        return Some(level);
    }
    if let Some(len) = time_len(text) {
        let rest = text[len..].trim_start_matches([' ', ',', ':', '|', '-', '\t', ']']);
        return first_word(rest, true);
    }
    if let Some(level) = first_word(text, false) {
        return Some(level);
    }
    // Chromium: `1234:5678:0116/214917.073282:ERROR:file.cc(12)`. Minecraft: `Server thread/INFO`.
    let upper = |part: &str| {
        let is_upper = part.bytes().all(|byte| byte.is_ascii_uppercase());
        if is_upper && is_distinct(part) { level_of_word(part) } else { None }
    };
    text.split([':', '/', '|']).skip(1).find_map(|part| upper(part.trim()))
}

/// A bracket that holds nothing but a level, or a module and a level.
pub(super) fn whole_bracket(text: &str) -> Option<Level> {
    let is_capital = text.starts_with(|c: char| c.is_ascii_uppercase());
    match text.as_bytes() {
        [letter] if is_capital => return level_of_letter(*letter),
        [_] => return None,
        _ => {}
    }
    if let Some(level) = level_of_word(text) {
        let is_fine = is_distinct(text) || is_capital && !text.eq_ignore_ascii_case("http");
        return is_fine.then_some(level);
    }
    // Apache: `core:error`, also `trace1` to `trace8`.
    let (module, word) = text.split_once(':').unwrap_or(("", text));
    let word = word.trim();
    let bare = word.trim_end_matches(|c: char| c.is_ascii_digit());
    let is_module = module.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    let is_fine =
        is_module && !module.starts_with(|c: char| c.is_ascii_digit()) && is_distinct(bare);
    if is_fine { level_of_word(bare) } else { None }
}

/// The level that a text begins with. After a time, it may be written in any case.
fn first_word(text: &str, is_after_time: bool) -> Option<Level> {
    let end = text.find([' ', ':', '/', '|', ',', ']', '\t']).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    let is_upper = word.bytes().all(|byte| byte.is_ascii_uppercase());
    let is_before_time = time_len(rest.trim_start_matches([' ', ':', ',', '|'])).is_some();
    match word.as_bytes() {
        [letter] if is_after_time || is_before_time => return level_of_letter(*letter),
        _ => {}
    }
    let is_fine = is_distinct(word) && (is_upper || is_after_time || is_before_time);
    if is_fine { level_of_word(word) } else { None }
}

/// The time in brackets, also after a level or another word: `I 21:49:17`, `ERROR 2021-01-16 21:49:17`.
pub(super) fn time_in_bracket(inside: &str, now: i64) -> Option<i64> {
    let mut rest = inside.trim_start();
    for _ in 0..3 {
        if let Some((nanos, _)) = time_at_start(rest.as_bytes(), now) {
            return Some(nanos);
        }
        rest = rest.split_once([' ', ':', '|'])?.1.trim_start();
    }
    None
}
