//! The forms of events' names, checked at compile time.
use crate::core::callsite::refuse;

/// How the names of events are spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Names {
    /// `NOUN_VERB[_RESULT]`: `TORRENT_BUILT_SUCCESS`. The verb is in the past: it ends in `ED`, is irregular, or is
    /// listed by the program.
    NounVerb,
    /// `features_written`: at least two words.
    SnakeCase,
    /// `request.completed`: at least two words.
    Dotted,
    /// Any.
    Any,
}

/// Past forms that do not end in `ED`.
const VERBS: &[&str] = &[
    "BEGUN",
    "BOUND",
    "BROKEN",
    "BROUGHT",
    "BUILT",
    "CAUGHT",
    "CHOSEN",
    "CUT",
    "DONE",
    "DRAWN",
    "FED",
    "FOUND",
    "FROZEN",
    "GIVEN",
    "HELD",
    "HIDDEN",
    "HIT",
    "KEPT",
    "LEFT",
    "LENT",
    "LOST",
    "MADE",
    "MET",
    "OVERRIDDEN",
    "PAID",
    "PUT",
    "READ",
    "REBUILT",
    "RESENT",
    "RESET",
    "REWRITTEN",
    "RUN",
    "SEEN",
    "SENT",
    "SET",
    "SHOWN",
    "SHUT",
    "SOLD",
    "SPENT",
    "SPLIT",
    "TAKEN",
    "THROWN",
    "UNDONE",
    "WITHDRAWN",
    "WON",
    "WRITTEN",
];

/// How an operation has ended.
const RESULTS: &[&str] = &[
    "ABORTED",
    "CANCELLED",
    "DENIED",
    "EMPTY",
    "ERROR",
    "FAILED",
    "FAILURE",
    "INVALID",
    "OK",
    "PARTIAL",
    "REJECTED",
    "RETRY",
    "SKIPPED",
    "SUCCESS",
    "TIMEOUT",
    "UNKNOWN",
];

const EXPECTED_NOUN_VERB: &str = "`: expected NOUN_VERB or NOUN_VERB_RESULT in capitals with the verb in the past, \
                                  as in TORRENT_BUILT_SUCCESS; list further words with `verbs: [..];` and \
                                  `results: [..];`, or choose `names: snake_case;`, `dotted` or `any`";

/// Refuses a name that does not have the form.
///
/// # Panics
/// At compile time.
pub const fn check_name(name: &str, names: Names, verbs: &[&str], results: &[&str]) {
    if fits(name, names, verbs, results) {
        return;
    }
    match names {
        Names::NounVerb => refuse("the event's name `", name, EXPECTED_NOUN_VERB),
        Names::SnakeCase => refuse(
            "the event's name `",
            name,
            "`: expected at least two lower-case words with `_` between them, as in features_written",
        ),
        Names::Dotted => refuse(
            "the event's name `",
            name,
            "`: expected at least two lower-case words with dots between them, as in request.completed",
        ),
        Names::Any => {}
    }
}

/// Whether a name has the form; `verbs` and `results` add to the words that are known.
pub const fn fits(name: &str, names: Names, verbs: &[&str], results: &[&str]) -> bool {
    match names {
        Names::NounVerb => is_noun_verb(name, verbs, results),
        Names::SnakeCase => has_words(name, b'_', false),
        Names::Dotted => has_words(name, b'.', true),
        Names::Any => true,
    }
}

/// Lower-case words with single separators, at least two of them.
const fn has_words(name: &str, separator: u8, allows_underscore: bool) -> bool {
    let (bytes, mut at, mut words, mut word_len) = (name.as_bytes(), 0, 1, 0);
    while at < bytes.len() {
        let byte = bytes[at];
        if byte == separator {
            if word_len == 0 {
                return false;
            }
            (words, word_len) = (words + 1, 0);
        } else if byte.is_ascii_lowercase()
            || byte.is_ascii_digit() && at > 0
            || allows_underscore && byte == b'_' && word_len > 0
        {
            word_len += 1;
        } else {
            return false;
        }
        at += 1;
    }
    words >= 2 && word_len > 0
}

const fn is_noun_verb(name: &str, verbs: &[&str], results: &[&str]) -> bool {
    let bytes = name.as_bytes();
    if bytes.is_empty() || !bytes[0].is_ascii_uppercase() || !has_capital_words(bytes) {
        return false;
    }
    let (last, rest) = last_word(bytes);
    if is_verb(last, verbs) && !rest.is_empty() {
        return true;
    }
    if !is_listed(last, RESULTS) && !is_listed(last, results) {
        return false;
    }
    let (verb, rest) = last_word(rest);
    is_verb(verb, verbs) && !rest.is_empty()
}

/// Capital letters and digits with single underscores between them.
const fn has_capital_words(bytes: &[u8]) -> bool {
    let (mut at, mut word_len) = (0, 0);
    while at < bytes.len() {
        match bytes[at] {
            b'_' if word_len == 0 => return false,
            b'_' => word_len = 0,
            byte if byte.is_ascii_uppercase() || byte.is_ascii_digit() => word_len += 1,
            _ => return false,
        }
        at += 1;
    }
    word_len > 0
}

/// The word after the last underscore, and what is before it.
const fn last_word(bytes: &[u8]) -> (&[u8], &[u8]) {
    let mut at = bytes.len();
    while at > 0 && bytes[at - 1] != b'_' {
        at -= 1;
    }
    let (rest, word) = bytes.split_at(at);
    match rest {
        [rest @ .., _] => (word, rest),
        [] => (word, rest),
    }
}

const fn is_verb(word: &[u8], verbs: &[&str]) -> bool {
    matches!(word, [_, _, .., b'E', b'D']) || is_listed(word, VERBS) || is_listed(word, verbs)
}

const fn is_listed(word: &[u8], list: &[&str]) -> bool {
    let mut index = 0;
    while index < list.len() {
        if is_same(word, list[index].as_bytes()) {
            return true;
        }
        index += 1;
    }
    false
}

const fn is_same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    let mut index = 0;
    while index < one.len() {
        if one[index] != other[index] {
            return false;
        }
        index += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_the_form_that_was_chosen() {
        let noun_verb = |name: &str| is_noun_verb(name, &["SYNC"], &["STALE"]);
        for good in [
            "METADATA_EXTRACTED",
            "TORRENT_BUILT_SUCCESS",
            "UPLOAD_SUBMITTED",
            "UPLOAD_FAILED",
            "S3_OBJECT_WRITTEN_OK",
            "CACHE_SYNC_STALE",
            "DISK_FAILED_RETRY",
        ] {
            assert!(noun_verb(good), "{good}");
        }
        for bad in [
            "",
            "EXTRACTED",
            "BUILT_SUCCESS",
            "TORRENT_SUCCESS",
            "TORRENT_BUILD",
            "torrent_built",
            "TORRENT__BUILT",
            "_TORRENT_BUILT",
            "TORRENT_BUILT_",
            "TORRENT_BUILT_SUCCESS_OK",
            "3D_MODEL_BUILT",
            "TORRENT-BUILT",
            "BED_ED",
        ] {
            assert!(!noun_verb(bad), "{bad}");
        }
        let snake = |name: &str| has_words(name, b'_', false);
        assert!(snake("features_written") && snake("llm_invalid_json") && snake("a2_b"));
        for bad in ["", "features", "Features_written", "a__b", "_a", "a_", "a.b", "2_a"] {
            assert!(!snake(bad), "{bad}");
        }
        let dotted = |name: &str| has_words(name, b'.', true);
        assert!(dotted("request.completed") && dotted("db.query_slow"));
        assert!(!dotted("request") && !dotted("a..b") && !dotted(".a") && !dotted("a._b"));
    }
}
