//! Names of events, also of lines of text, and masks of the redactor.
use std::borrow::Cow;

use memchr::memmem;

use crate::line::ParsedLine;
use crate::line::json::{Facts, name_below};
use crate::line::level::level_of_word;

/// The longest name made of a line of text.
const WORDS_BYTES_MAX: usize = 120;

/// The name of the event; of a line of text, its words.
pub fn event_name<'a>(line: &ParsedLine<'a>, facts: &Facts) -> Cow<'a, str> {
    if !line.is_json {
        return Cow::Owned(words_of(line.text));
    }
    if let Some(entry) = facts.places.name.and_then(|at| line.entries.get(at, line.text)) {
        return super::fields::text_of(&entry);
    }
    let parent = facts.places.name_parent.and_then(|at| line.entries.get(at, line.text));
    let below = parent.and_then(|parent| {
        let (inner, at) = name_below(&parent)?;
        Some(super::fields::text_of(&inner.get(at, parent.raw)?))
    });
    below.unwrap_or_default()
}

/// The words of a line of text without time, level, pairs and numbers, so that lines of one kind have one name.
pub fn words_of(text: &str) -> String {
    let mut words = String::new();
    for word in text.split_whitespace() {
        let bare = word.trim_matches(|at: char| !at.is_alphanumeric());
        let is_prefix = words.is_empty()
            && (bare.is_empty()
                || bare.starts_with(|at: char| at.is_ascii_digit())
                || level_of_word(bare).is_some());
        if is_prefix {
            continue;
        }
        if word.contains('=') || words.len() + word.len() > WORDS_BYTES_MAX {
            break;
        }
        if !words.is_empty() {
            words.push(' ');
        }
        let mut was_digit = false;
        for character in word.chars() {
            let is_digit = character.is_ascii_digit();
            match (is_digit, was_digit) {
                (true, true) => {}
                (true, false) => words.push('#'),
                (false, _) => words.push(character),
            }
            was_digit = is_digit;
        }
    }
    words
}

/// Whether a line has a mask of the redactor.
pub fn is_masked(text: &str) -> bool {
    let bytes = text.as_bytes();
    memchr::memchr(b'*', bytes).is_some()
        && (memmem::find(bytes, b"***REDACTED***").is_some()
            || memmem::find(bytes, b"****").is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_one_kind_have_one_name() {
        for (line, expected) in [
            ("2026-11-22T15:09:20.123Z [INFO    ] User registered user_id=7", "User registered"),
            ("2026-11-22 15:09:20 WARN  retry 12 of 40 after 3s", "retry # of # after #s"),
            ("ERROR: disk full", "disk full"),
            ("12 34", ""),
        ] {
            assert_eq!(words_of(line), expected, "{line}");
        }
    }
}
